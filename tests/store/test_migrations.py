"""An older file is copied, then brought up to date; a newer one is left alone; a failure leaves what was there."""

from __future__ import annotations

import logging
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from hipsync.abilities import Abilities
from hipsync.errors import StoreError
from hipsync.model import (
    Answer,
    Charge,
    Counter,
    Exercise,
    Info,
    Occasion,
    Posture,
    Prompt,
    State,
    Sync,
    Wear,
    Where,
    ZoneChange,
)
from hipsync.store import VERSION, Store, refuse_newer
from support.builders import MONDAY
from support.repository import TESTS
from support.stored import NOW, SECOND, band, minute

SCHEMA_1 = (TESTS / "captures" / "schema_1.sql").read_text()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hipsync.db"


def made(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.executescript(script)


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


def dumped(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        return list(db.iterdump())


def test_a_new_file_has_the_version_that_the_program_knows_and_no_backup(path: Path) -> None:
    with Store.open(path) as store:
        assert store.backups() == []
    assert version(path) == VERSION


@pytest.mark.parametrize("opened", [Store.open, Store.read], ids=["open", "read"])
def test_a_database_of_schema_1_opens_with_all_that_it_held(path: Path, opened: Callable[[Path], Store]) -> None:
    made(path, SCHEMA_1)
    with opened(path) as store:
        (desk,) = store.bands()
        address = "C0:00:00:00:00:01"
        assert desk[1:] == ("desk-band", "huami", address, "Mi Smart Band 5", False, True, True, NOW, None, address)
        assert store.epochs(desk.id, MONDAY, NOW) == [
            minute(0, 30, intensity=41, heart_rate=88, state=State.WALKING, kind=1),
            minute(1, inferred=True),
        ]
        assert store.counters(desk.id, MONDAY, NOW + SECOND) == [Counter(NOW, 3)]
        assert store.wears(desk.id, MONDAY, NOW + SECOND) == [Wear(NOW, worn=True)]
        assert store.newest_charge(desk.id) == Charge(NOW, 9)
        assert store.newest_info(desk.id) == Info(NOW, firmware="1.0")
        assert store.syncs(desk.id) == [Sync(NOW, NOW + SECOND, 2, None)]
        assert store.zones() == [ZoneChange(NOW, "Europe/London")]
        assert store.prompts(NOW, NOW + SECOND) == [
            Prompt(
                NOW, NOW, "hip-extension", sure=True, where=(Where.DESKTOP, Where.BAND), answer=Answer.DONE,
                answered_at=NOW + SECOND,
            )
        ]  # fmt: skip
        assert store.exercises(NOW, NOW + timedelta(hours=1)) == [Exercise(NOW + SECOND, "hip-extension", "prompt")]
        warm_up = store.add_prompt(Prompt(MONDAY, MONDAY, "hip-rotation", sure=True, occasion=Occasion.WARM_UP))
        assert store.prompts(MONDAY, NOW)[0] == warm_up, "the constraint of a version that did not know it"
        assert store.check() == []
    assert version(path) == VERSION


def test_a_band_of_an_older_file_can_give_a_posture_and_the_view_shows_it(path: Path) -> None:
    made(path, SCHEMA_1)
    with Store.open(path) as store:
        (desk,) = store.bands()
        store.append(desk.id, [minute(1, posture=Posture.LYING)])
        assert [each.posture for each in store.epochs(desk.id, MONDAY, NOW)] == [None, Posture.LYING]
    with closing(sqlite3.connect(path)) as db:
        shown = db.execute("SELECT steps, state, kind, posture FROM minutes ORDER BY start_utc").fetchall()
    assert shown == [(30, "walking", 1, None), (0, "unsaid", None, "lying")]


def test_a_band_of_an_older_file_counts_as_its_family_until_it_shows_what_it_can_do(path: Path) -> None:
    made(path, SCHEMA_1)
    with Store.open(path) as store:
        (desk,) = store.bands()
        assert desk.abilities is None
        found = Abilities(history=timedelta(hours=1), live=True, buzz=True)
        store.note_abilities(desk.id, found, family=Abilities())
        assert [each.abilities for each in store.bands()] == [found]


def test_of_two_prompts_for_the_same_the_answered_one_stays_and_of_two_exercises_the_one_that_hurt(path: Path) -> None:
    made(path, SCHEMA_1)
    at = int(NOW.timestamp())
    columns = "at, due, exercise, sure, shown_where, shown, answer, answered_at"
    with closing(sqlite3.connect(path)) as db, db:
        for later, shown, answer in ((60, 2, None), (61, 1, "moved"), (62, 1, None)):
            row = (at + later, at + 30, "hip-extension", 1, "", shown, answer, None if answer is None else at + 99)
            db.execute(f"INSERT INTO prompts ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)  # noqa: S608
        for hurt in (0, 1, 0):
            sql = "INSERT INTO exercises (at, name, how, hurt) VALUES (?, 'hip-rotation', 'guided', ?)"
            db.execute(sql, (at + 40, hurt))
    with Store.open(path) as store:
        (kept,) = [each for each in store.prompts(NOW, NOW + timedelta(hours=1)) if each.due > NOW]
        assert (kept.at, kept.answer) == (NOW + 60 * SECOND, Answer.MOVED)
        done = [each.hurt for each in store.exercises(NOW, NOW + timedelta(hours=1)) if each.name == "hip-rotation"]
        assert done == [True]


OLD = "CREATE TABLE diary (day TEXT, words TEXT); INSERT INTO diary VALUES ('monday', 'sat a lot');"


def test_views_of_the_user_s_own_outlive_an_upgrade(path: Path) -> None:
    made(path, SCHEMA_1)
    made(path, "CREATE VIEW mine AS SELECT prompts.at, zone, name FROM prompts, zones, exercises")
    with closing(sqlite3.connect(path)) as db:
        before = db.execute("SELECT * FROM mine").fetchall()
    Store.open(path).close()
    assert version(path) == VERSION
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT * FROM mine").fetchall() == before != []


@pytest.mark.parametrize("opened", [Store.open, Store.read], ids=["open", "read"])
def test_an_older_file_is_copied_before_it_is_upgraded_and_that_is_said(
    path: Path, opened: Callable[[Path], Store], caplog: pytest.LogCaptureFixture
) -> None:
    made(path, OLD)
    before = dumped(path)
    with caplog.at_level(logging.WARNING), opened(path) as store:
        (copy,) = store.backups()
        assert store.bands() == []
    assert caplog.messages == [f"the database is brought up to date; the old one is kept as {copy}"]
    assert (version(copy), dumped(copy)) == (0, before)
    assert copy.stat().st_mode & 0o777 == 0o600
    assert version(path) == VERSION
    assert "INSERT INTO \"diary\" VALUES('monday','sat a lot');" in dumped(path)
    with Store.open(path) as store:
        assert store.backups() == [copy], "an upgraded file is upgraded again"


def test_the_copy_made_before_an_upgrade_outlives_newer_backups(path: Path) -> None:
    made(path, OLD)
    folder = path.parent / "backups"
    folder.mkdir()
    for day in range(1, 8):
        (folder / f"hipsync-2999010{day}T000000.db").write_bytes(b"")
    Store.open(path).close()
    assert [copy for copy in folder.iterdir() if copy.stat().st_size]


def test_an_upgrade_that_fails_midway_leaves_the_old_file_whole_and_usable(path: Path) -> None:
    made(path, OLD)
    made(path, "CREATE TABLE exercises (in_the_way TEXT); INSERT INTO exercises VALUES ('of the last table');")
    before = dumped(path)
    for _ in range(2):
        with pytest.raises(StoreError) as caught:
            Store.open(path)
        assert str(caught.value) == f"{path} refused: table exercises already exists"
        assert (version(path), dumped(path)) == (0, before)
    with closing(sqlite3.connect(path)) as db:
        db.execute("INSERT INTO diary VALUES ('tuesday', 'still writable')")
        db.execute("DROP TABLE exercises")
        db.commit()
    with Store.open(path) as store:
        band(store)
    assert version(path) == VERSION


@pytest.mark.parametrize("opened", [Store.open, Store.read], ids=["open", "read"])
def test_a_newer_file_is_refused_and_left_as_it_is(path: Path, opened: Callable[[Path], Store]) -> None:
    made(path, f"{SCHEMA_1} PRAGMA user_version = {VERSION + 1};")
    before = path.read_bytes()
    with pytest.raises(StoreError) as caught:
        opened(path)
    assert str(caught.value) == (
        f"{path} was made by a newer hipsync (schema {VERSION + 1}, this one knows {VERSION}) or by another program: "
        "upgrade hipsync, or give another file with --db FILE"
    )
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_file_restored_from_a_dump_which_has_no_version_gets_it_back(path: Path) -> None:
    made(path, SCHEMA_1.replace("PRAGMA user_version = 1;", ""))
    assert version(path) == 0
    with Store.open(path) as store:
        assert len(store.bands()) == 1
    assert version(path) == VERSION


STARTER = """
import sys
from pathlib import Path
from hipsync.store import Store
import hipsync.store.migrations
print(flush=True)
input()
Store.open(Path(sys.argv[1])).close()
"""


def test_a_database_that_another_process_makes_just_now_is_no_old_one(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(where: Path, version: int) -> None:
        monkeypatch.setattr("hipsync.store.refuse_newer", refuse_newer)
        Store.open(path).close()
        refuse_newer(where, version)

    monkeypatch.setattr("hipsync.store.refuse_newer", meanwhile)
    Store.open(path).close()
    assert version(path) == VERSION
    assert not (path.parent / "backups").exists()


def test_two_that_start_at_once_on_a_new_machine_make_one_database(path: Path) -> None:
    starters = [
        subprocess.Popen(
            [sys.executable, "-c", STARTER, str(path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    for starter in starters:
        assert starter.stdout is not None
        starter.stdout.readline()
    for starter in starters:
        assert starter.stdin is not None
        starter.stdin.write("\n")
        starter.stdin.flush()
    output = [starter.communicate()[1] for starter in starters]
    assert ([starter.returncode for starter in starters], output) == ([0, 0], ["", ""])
    assert version(path) == VERSION

"""Copies of the file, and forgetting a band in all of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from hipsync.errors import StoreError
from hipsync.model import (
    MINUTE,
    Charge,
    Counter,
    DeskTime,
    Draw,
    Epoch,
    Exercise,
    Inactivity,
    Info,
    Label,
    Pause,
    Presence,
    PresenceSpan,
    Prompt,
    Remark,
    State,
    Trial,
    Trouble,
    Wear,
    Workout,
    WorkoutKind,
)
from hipsync.store import Store
from hipsync.store import file as store_file
from support.builders import MONDAY
from support.stored import ALL_GOOD, GOOD, HOUR, NOW, SECOND, band, count, counts, minute


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hipsync.db"


@pytest.fixture
def store() -> Generator[Store]:
    with Store.in_memory() as store:
        yield store


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_file, "BUSY_S", 0.05)


def test_a_backup_is_whole_while_somebody_writes(path: Path) -> None:
    with Store.open(path) as store, Store.read(path) as reader:
        desk = band(store)
        store.append(desk, [minute(0, 1)])  # in the log, not yet in the file itself
        with store.transaction():
            store.append(desk, [minute(1, 2)])
            copy = reader.backup(None, NOW)
    assert copy == path.parent / "backups" / "hipsync-20260302T120000.db"
    assert (copy.stat().st_mode & 0o777, copy.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    with Store.read(copy) as store:
        assert store.epochs(desk, MONDAY, NOW) == [minute(0, 1)]
        assert store.check() == []


def test_seven_backups_are_kept_and_none_that_the_user_named(path: Path) -> None:
    with Store.open(path) as store:
        mine = store.backup(path.with_name("mine.db"), NOW)
        made = [store.backup(None, NOW + day * 24 * HOUR) for day in range(9)]
        assert store.backups() == made[2:]
        assert sorted(made[0].parent.iterdir()) == made[2:]
        with pytest.raises(StoreError, match="exists already: name a new file"):
            store.backup(mine, NOW)


def test_a_backup_that_fails_leaves_no_half(path: Path) -> None:
    with Store.open(path) as store:
        store.append(band(store), GOOD)
        (path.parent / "backups").write_text("in the way")
        with pytest.raises(StoreError, match="cannot be used"):
            store.backup(None, NOW)
        (path.parent / "backups").unlink()
        with no_file_longer_than(8192), pytest.raises(StoreError, match="could not be read or written"):
            store.backup(None, NOW)
        assert list((path.parent / "backups").iterdir()) == []
        assert store.backup(None, NOW).stat().st_size > 8192


@contextmanager
def no_file_longer_than(length: int) -> Generator[None]:
    """As on a disk that is full; a running process that does not ask for it gets no signal."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (length, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


MARKER = "SERIAL-31337-XYZZY"


def holders(folder: Path) -> set[str]:
    return {file.name for file in folder.rglob("*") if file.is_file() and MARKER.encode() in file.read_bytes()}


def test_a_band_forgotten_with_its_data_leaves_no_byte_in_file_log_or_backups(path: Path) -> None:
    with Store.open(path) as store:
        with store.transaction() as db:
            db.execute("PRAGMA secure_delete = OFF")  # as most builds of SQLite have it
        gone, stays = band(store, "old-name"), band(store, "other")
        store.rename(gone, MARKER)
        store.rename(gone, "old-name")  # leaves the bytes of the longer name behind
        store.append(gone, [*GOOD, Info(NOW + SECOND, serial=MARKER), *(minute(at) for at in range(2, 2000))])
        store.append(stays, GOOD)
        store.note_sync(gone, NOW, NOW, 3, MARKER)
        store.backup(None, NOW)
        store.rename(gone, "new-name")
        store.backup(None, NOW + HOUR)
        names = {"hipsync-20260302T120000.db", "hipsync-20260302T130000.db"}
        assert holders(path.parent) == {"hipsync.db-wal", *names}, "the marker must be there to be missed"
        store.forget(gone, NOW, with_data=True)
        assert holders(path.parent) == set()
        assert [desk.name for desk in store.bands()] == ["other"]
        assert len(store.epochs(stays, MONDAY, NOW)) == 2
        backups = store.backups()
    for file in (path, *backups):
        assert (count(file, "bands"), counts(file)) == (1, ALL_GOOD)
        assert count(file, "syncs") == 0
        with Store.read(file) as store:
            assert store.check() == []
    assert holders(path.parent) == set()


def test_what_is_erased_of_some_days_leaves_no_byte_in_file_log_or_backups(path: Path) -> None:
    day = 24 * HOUR
    with Store.open(path) as store:
        with store.transaction() as db:
            db.execute("PRAGMA secure_delete = OFF")
        desk = band(store)
        for at in (MONDAY, MONDAY + day, MONDAY + 2 * day):
            secret = MARKER if at == MONDAY + day else "of another day"
            store.append(
                desk,
                [
                    *(Epoch(at + n * MINUTE, MINUTE, n % 90) for n in range(1440)),
                    Counter(at + HOUR, 5), Wear(at + HOUR, True), Charge(at + HOUR, 9), Inactivity(at + HOUR),
                    Info(at + HOUR, serial=secret), Workout(WorkoutKind.ROWING, at + HOUR, at + 2 * HOUR),
                ],
            )  # fmt: skip
            store.note_sync(desk, at + HOUR, at + HOUR + SECOND, 3, secret)
            store.add_prompt(Prompt(at + HOUR, at + HOUR, "hip-extension", sure=True))
            store.add_exercise(Exercise(at + HOUR, secret, "guided"))
            store.add_label(Label(at + HOUR, State.STANDING))
            store.stand_at_desk(DeskTime(at + HOUR, at + 2 * HOUR))
            store.add_presence([PresenceSpan(at + HOUR, at + HOUR + MINUTE, Presence.USED)])
            store.add_pause(Pause(at + HOUR, at + 2 * HOUR))
            store.add_trial(Trial(at + HOUR, secret))
            store.add_draw(Draw(at, at + HOUR, at + HOUR, withheld=True))
            store.add_remark(Remark(desk, Trouble.BATTERY, ""), at + HOUR)
        store.append(desk, [Epoch(MONDAY + day - 5 * MINUTE, 10 * MINUTE, 1)])  # reaches into the day
        store.backup(None, NOW)
        assert holders(path.parent) == {"hipsync.db-wal", "hipsync-20260302T120000.db"}
        store.erase(MONDAY + day, MONDAY + 2 * day)
        assert holders(path.parent) == set()
        backups = store.backups()
    for file in (path, *backups):
        for table, rows in {
            **dict.fromkeys(("counters", "wears", "charges", "inactivities", "workouts", "infos"), 2),
            "epochs": 2880,
        }.items():
            assert count(file, table) == rows, table
        for table in (
            "syncs", "prompts", "labels", "desks", "presence", "exercises", "pauses", "remarks", "trials", "draws",
        ):  # fmt: skip
            assert count(file, table) == 2, table
        with Store.read(file) as store:
            assert store.check() == []
            assert store.epochs(desk, MONDAY + day, MONDAY + 2 * day) == []


def test_a_band_forgotten_without_its_data_is_only_unpaired(store: Store) -> None:
    desk = band(store)
    store.append(desk, GOOD)
    store.forget(desk, NOW, with_data=False)
    assert [(band.name, band.address) for band in store.bands()] == [("band", None)]
    assert len(store.epochs(desk, MONDAY, NOW)) == 2


@pytest.mark.usefixtures("impatient")
def test_bytes_that_a_reader_holds_fast_are_not_said_to_be_gone(path: Path) -> None:
    with Store.open(path) as store, closing(sqlite3.connect(path, isolation_level=None)) as reader:
        desk = band(store)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM bands").fetchall()
        with pytest.raises(StoreError, match="the rows are deleted, but another program reads the file"):
            store.forget(desk, NOW, with_data=True)
        assert store.bands() == []


def test_a_backup_that_cannot_be_written_leaves_a_band_that_can_be_named_again(path: Path) -> None:
    with Store.open(path) as store:
        desk = band(store)
        (path.parent / "backups").mkdir()
        spoilt = path.parent / "backups" / "hipsync-20200101T000000.db"
        spoilt.write_text("no database\n" * 100)
        with pytest.raises(StoreError, match=r"hipsync-20200101T000000\.db is damaged \(file is not a database\)"):
            store.forget(desk, NOW, with_data=True)
        assert len(store.bands()) == 1
        spoilt.unlink()
        store.forget(desk, NOW, with_data=True)
        assert store.bands() == []

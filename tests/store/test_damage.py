"""A damaged database is said to be one, by everybody, and never takes the place of a good copy."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from hipsync.model import Epoch
from hipsync.store import Store
from hipsync.store.checked import is_due, last_check, record_of, remember
from support.builders import MONDAY
from support.machine import Machine
from support.stored import NOW, minute

DAY = timedelta(days=1)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path, NOW)
    machine.band([minute(at, 1) for at in range(5000)])
    machine.now = NOW
    return machine


def damage(database: Path) -> None:
    """Overwrite the page of the workouts."""
    with closing(sqlite3.connect(database)) as db:
        ((page,),) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'workouts'").fetchall()
    with database.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xa5" * 4096)


def steps_of(copy: Path) -> int:
    with closing(sqlite3.connect(copy)) as db:
        return int(db.execute("SELECT sum(steps) FROM epochs").fetchone()[0])


def copies(machine: Machine) -> list[str]:
    return sorted(file.name for file in (machine.data / "backups").iterdir())


def test_seven_backups_of_a_damaged_database_push_out_no_good_copy(machine: Machine) -> None:
    for day in range(7):
        machine.now = NOW + day * DAY
        machine.told("db", "backup")
    good = copies(machine)
    assert len(good) == 7
    machine.told("--db", str(machine.data / "backups" / good[0]), "day", "2026-03-02")  # leaves files beside the copy
    machine.now += DAY
    machine.told("db", "backup")
    good = copies(machine)
    assert len(good) == 7, "they go with it"
    damage(machine.database)
    for day in range(8, 15):
        machine.now = NOW + day * DAY
        line = machine.refused("db", "backup", code=1)
        assert line.startswith(f"{machine.database} is damaged (")
        assert line.endswith("so it was not copied: `hipsync db restore FILE` puts one of the 7 good copies back")
    assert copies(machine) == good
    assert [steps_of(machine.data / "backups" / name) for name in good] == [5000] * 7
    assert "is damaged" in machine.refused("db", "backup", str(machine.home / "mine.db"), code=1)
    assert not (machine.home / "mine.db").exists()
    machine.told("db", "restore", str(machine.data / "backups" / good[-1]))
    assert machine.told("db", "check") == "Database OK.\n"


def test_damage_is_told_by_today_status_and_doctor(machine: Machine) -> None:
    machine.now = NOW + 3 * DAY
    damage(machine.database)
    done = machine.type("today", "--json")
    assert done.exit_code == 1
    assert done.stderr.startswith(f"hipsync: {machine.database} is damaged (")
    assert done.stderr.count("\n") == 1
    assert "is damaged" in machine.refused("status", code=1)
    found = {each["what"]: each for each in json.loads(machine.type("doctor", "--json").stdout)["findings"]}
    assert found["database"]["verdict"] == "bad"
    assert "is damaged" in found["database"]["text"]


def test_status_shows_what_the_last_check_found(machine: Machine) -> None:
    assert json.loads(machine.told("status", "--json"))["database"] == {
        "checked": "2026-03-02T12:00:00+00:00", "damage": [], "strange": [],
    }  # fmt: skip
    remember(machine.database, NOW, ("a page is never used",), ())
    status = machine.type("status", "--json")
    assert status.exit_code == 1
    assert json.loads(status.stdout)["database"]["damage"] == ["a page is never used"]
    assert "is damaged (a page is never used), so numbers may be wrong" in status.stderr
    assert "  Database   damaged, checked 12:00: `hipsync db check` says more\n" in machine.type("status").stdout


def test_a_sound_database_is_checked_once_a_day_and_after_a_crash(machine: Machine) -> None:
    database = machine.database

    def due(*, running: bool = False) -> bool:
        return is_due(database, last_check(database), machine.now, lambda _: running)

    assert due()
    machine.told("today")
    assert not due()
    assert "  Database   OK, checked 12:00\n" in machine.told("status")
    machine.now = NOW + timedelta(hours=25)
    assert not due()
    machine.now = NOW + timedelta(hours=27)
    assert due()
    machine.told("today")
    assert not due()
    database.with_name("hipsync.db-wal").write_bytes(b"left by a crash")
    assert due()
    assert not due(running=True), "a running service has a log, too"
    machine.now -= 2 * DAY  # the check is dated in the future now
    database.with_name("hipsync.db-wal").unlink()
    assert due()


@pytest.mark.parametrize("memory", [b"", b"{", b"[]", b"\xff", b'{"at": 1e999}', b'{"at": ' + b"9" * 30 + b"}"])
def test_a_memory_of_a_check_that_makes_no_sense_is_none(machine: Machine, memory: bytes) -> None:
    record_of(machine.database).write_bytes(memory)
    machine.told("today")
    assert last_check(machine.database) is not None


def test_a_check_that_cannot_be_remembered_is_made_all_the_same(machine: Machine) -> None:
    damage(machine.database)
    record_of(machine.database).mkdir()
    assert "is damaged" in machine.type("today").stderr
    assert not [name for name in machine.files() if ".checked." in name]


def test_rows_without_sense_are_told_and_their_copies_push_out_no_good_one(machine: Machine) -> None:
    for day in range(7):
        machine.now = NOW + day * DAY
        machine.told("db", "backup")
    good = copies(machine)
    with closing(sqlite3.connect(machine.database)) as db:
        db.execute("UPDATE epochs SET steps = 'many' WHERE start = (SELECT min(start) FROM epochs)")
        db.commit()
    for day in range(7, 14):
        machine.now = NOW + day * DAY
        done = machine.type("db", "backup")
        assert done.exit_code == 1
        assert "epochs: 1 rows make no sense and are left out" in done.stderr
    assert copies(machine) == sorted([*good, "hipsync-20260315T120000-strange.db"])


def test_an_upgrade_of_a_damaged_database_is_refused_and_pushes_out_nothing(machine: Machine) -> None:
    machine.told("db", "backup")
    with closing(sqlite3.connect(machine.database)) as db:
        db.execute("PRAGMA user_version = 4")
    damage(machine.database)
    good = copies(machine)
    machine.now += DAY
    assert "is damaged" in machine.refused("today", code=1)
    assert copies(machine) == good


def test_a_damaged_database_is_not_vacuumed_or_erased(machine: Machine) -> None:
    damage(machine.database)
    before = machine.database.read_bytes()
    assert "is damaged" in machine.refused("db", "vacuum", code=1)
    assert "is damaged" in machine.refused("db", "erase", "--from", "2026-03-02", "--yes", code=1)
    assert machine.database.read_bytes() == before


def test_a_copy_that_a_killed_program_left_half_made_is_removed_later(machine: Machine) -> None:
    machine.told("db", "backup")
    torn = machine.data / "backups" / "hipsync-20260101T000000.db.new"
    for at, end in ((NOW - DAY, ""), (NOW - DAY, "-journal"), (NOW, "2")):
        file = torn.with_name(torn.name + end)
        file.write_bytes(b"half")
        os.utime(file, (at.timestamp(), at.timestamp()))
    machine.now += timedelta(minutes=5)
    machine.told("db", "backup")
    assert [name for name in copies(machine) if ".new" in name] == ["hipsync-20260101T000000.db.new2"]


def test_rows_of_the_future_are_shown_by_db_check_and_are_no_damage(machine: Machine) -> None:
    with Store.open(machine.database) as store:
        (desk,) = store.bands()
        store.note_sync(desk.id, NOW + 365 * DAY, NOW + 365 * DAY, 5, None)
        store.note_sync(desk.id, NOW + 366 * DAY, NOW + 366 * DAY, 5, None)
        store.append(desk.id, [Epoch(MONDAY + 400 * DAY, timedelta(minutes=1), 900)])
    told = machine.told("db", "check").splitlines()
    ahead = "UTC, over 5 minutes ahead of now: a clock was wrong, and they are no marks"
    assert f"syncs: 2 rows are dated 2027-03-02 12:00 to 2027-03-03 12:00 {ahead}" in told
    assert "epochs: 1 rows have more than 300 steps a minute, which nobody makes" in told
    assert told[-1] == "Database OK."

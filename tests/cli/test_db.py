"""`db`: the database is found, looked after, copied and put back."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
from pathlib import Path

import pytest

from hipsync.host.lock import only_instance
from hipsync.store import Store
from support.machine import Machine
from support.stored import NOW, minute


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path, NOW)


def test_the_database_is_where_db_path_says(machine: Machine) -> None:
    assert machine.told("db", "path") == f"{machine.database}\n"
    assert machine.told("--db", "/some/where.db", "db", "path") == "/some/where.db\n"


def test_a_sound_database_is_said_to_be_one_and_a_damaged_one_is_refused(machine: Machine) -> None:
    machine.band([minute(at) for at in range(5000)])
    assert machine.told("db", "check") == "Database OK.\n"
    with machine.database.open("r+b") as held:
        held.seek(held.seek(0, 2) // 2)
        held.write(b"\xa5" * 8192)
    said = (
        f"{machine.database} is damaged: `hipsync db restore FILE` puts a copy in its place, "
        "`hipsync export` writes what can be read"
    )
    assert machine.refused("db", "check", code=1) == said


def test_a_backup_is_a_database_of_its_own(machine: Machine) -> None:
    machine.band([minute(0, 5)])
    machine.now = NOW
    copy = machine.data / "backups" / "hipsync-20260302T120000.db"
    assert machine.told("db", "backup") == f"{copy}\n"
    assert json.loads(machine.told("--db", str(copy), "day", "2026-03-02", "--json"))["steps"] == 5
    mine = machine.home / "mine.db"
    assert machine.told("db", "backup", str(mine)) == f"{mine}\n"
    assert machine.refused("db", "backup", str(mine), code=1) == (
        f"{mine} exists already: name a new file for the backup"
    )


def test_a_backup_is_put_back_and_what_was_there_is_kept(machine: Machine) -> None:
    machine.band([minute(0, 5)])
    machine.now = NOW
    copy = machine.home / "mine.db"
    machine.told("db", "backup", str(copy))
    with Store.open(machine.database) as store:
        store.append(store.bands()[0].id, [minute(1, 7)])
        told = machine.told("db", "restore", str(copy))  # its log is not empty yet
    kept = machine.data / "backups" / "hipsync-20260302T120000.db"
    assert told == f"{machine.database} is {copy} now. What was there is kept: {kept}\n"
    assert json.loads(machine.told("day", "2026-03-02", "--json"))["steps"] == 5
    assert json.loads(machine.told("--db", str(kept), "day", "2026-03-02", "--json"))["steps"] == 12
    assert machine.database.stat().st_mode & 0o777 == 0o600


def test_a_backup_takes_the_place_of_a_damaged_database(machine: Machine) -> None:
    machine.band([minute(0, 5)])
    machine.now = NOW
    copy = machine.home / "mine.db"
    machine.told("db", "backup", str(copy))
    machine.database.write_text("dear diary\n" * 1000)
    kept = machine.data / "backups" / "damaged-20260302T120000.db"
    assert machine.told("db", "restore", str(copy)).endswith(f"What was there is kept: {kept}\n")
    assert kept.read_text().startswith("dear diary")
    assert json.loads(machine.told("day", "2026-03-02", "--json"))["steps"] == 5


def test_what_is_no_sound_copy_is_not_put_back(machine: Machine) -> None:
    machine.band([minute(at, 5) for at in range(3000)])
    diary, other, torn = machine.home / "diary", machine.home / "other.db", machine.home / "torn.db"
    diary.write_text("dear diary\n" * 1000)
    with contextlib.closing(sqlite3.connect(other)) as db:
        db.execute("CREATE TABLE songs (name)")
    machine.told("db", "backup", str(torn))
    with torn.open("r+b") as held:
        held.seek(held.seek(0, 2) // 2)
        held.write(b"\xa5" * 8192)
    before = machine.told("export")
    assert "is not a database" in machine.refused("db", "restore", str(diary), code=1)
    assert "is no database of hipsync" in machine.refused("db", "restore", str(other), code=1)
    assert "is damaged" in machine.refused("db", "restore", str(torn), code=1)
    assert "is the database itself" in machine.refused("db", "restore", str(machine.database), code=2)
    with only_instance(machine.database):
        assert "already runs" in machine.refused("db", "restore", str(torn), code=2)
    assert machine.told("export") == before
    assert not [name for name in machine.files() if name.endswith(".new")]


def test_vacuum_gives_back_space(machine: Machine) -> None:
    band = machine.band([minute(at, 5) for at in range(20_000)])
    with Store.open(machine.database) as store:
        store.forget(band, NOW, with_data=False)
        with store.transaction() as db:
            db.execute("DELETE FROM epochs")
    told = machine.told("db", "vacuum")
    before, after = (int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*(?= bytes| now)", told))
    assert after < before / 2


def test_days_are_erased_after_a_question(machine: Machine) -> None:
    machine.band([minute(at, 5) for at in range(3 * 1440)])
    machine.told("db", "backup")
    asked = machine.type("db", "erase", "--from", "2026-03-03", "--to", "2026-03-04", stdin="n\n")
    assert "from Tue 03 Mar 2026 00:00 to Wed 04 Mar 2026 00:00, and in 1 backup?" in asked.output
    assert asked.exit_code == 1
    assert len(machine.told("export").splitlines()) == 1 + 3 * 1440
    told = machine.told("db", "erase", "--from", "2026-03-03", "--to", "2026-03-04", "--yes")
    assert told == "Erased: from Tue 03 Mar 2026 00:00 to Wed 04 Mar 2026 00:00, and in 1 backup.\n"
    days = {line[:10] for line in machine.told("export").splitlines()[1:]}
    assert days == {"2026-03-02", "2026-03-04"}
    machine.told("db", "erase", "--to", "2026-03-04", "--yes")
    machine.told("db", "erase", "--from", "2026-03-04", "--yes")
    assert machine.type("export").exit_code == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "say which days"),
        (["--from", "2026-03-04", "--to", "2026-03-04"], "--to is not after --from"),
        (["--from", "someday"], "'someday' is not a date"),
    ],
)
def test_days_that_are_none_are_not_erased(words: list[str], said: str, machine: Machine) -> None:
    machine.band([minute(0, 5)])
    assert machine.refused("db", "erase", *words, "--yes", code=2).startswith(said)
    assert len(machine.told("export").splitlines()) == 2

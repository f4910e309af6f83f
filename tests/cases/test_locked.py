"""Another program has locked the database, or the file is no database."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from hipsync.service import pairing
from hipsync.store import file as store_file
from support.builders import MONDAY
from support.machine import Machine

ONE = MONDAY + timedelta(hours=13)


@pytest.fixture(scope="module")
def paired(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the home folder of a user who paired a simulated band at one in the afternoon."""
    home = tmp_path_factory.mktemp("paired")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairing, "LISTEN_TO_SIMULATED_S", 0.3)
        machine = Machine(home, ONE)
        done = machine.type("--db", str(machine.database), "pair", "--simulate", "huami")
    assert done.exit_code == 0, done.output
    return home


@pytest.fixture
def machine(paired: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Return a machine with a copy of that home, which does not wait long for a lock."""
    monkeypatch.setattr(store_file, "BUSY_S", 0.05)
    shutil.copytree(paired, tmp_path, dirs_exist_ok=True)
    return Machine(tmp_path, ONE)


@pytest.mark.parametrize("how", ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])
def test_while_another_program_writes_all_can_be_read_and_a_sync_says_who_is_in_the_way(
    machine: Machine, how: str
) -> None:
    """BluePyMM #155, phoenix #3949: "database is locked", for as long as another program locks the file."""
    with closing(sqlite3.connect(machine.database, isolation_level=None)) as other:
        other.execute(how)
        machine.told("today")
        machine.told("status")
        said = machine.refused("sync", code=1)
        assert said == f"{machine.database} is locked by another program that writes: try again when it is done"
        other.execute("ROLLBACK")
    assert machine.type("sync").exit_code == 0


def test_a_file_without_the_right_to_write_can_be_read(machine: Machine) -> None:
    """BluePyMM #155, phoenix #3949: beside the lock, a file made read-only."""
    machine.database.chmod(0o400)
    machine.told("today")


def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    """BluePyMM #155, phoenix #3949: beside the lock, another file in the database's place."""
    other = tmp_path / "x"
    other.write_bytes(b"not a database")
    said = Machine(tmp_path).refused("--db", str(other), "today", code=1)
    assert said == f"{other} is not a database: give another file with --db FILE, or restore a copy"

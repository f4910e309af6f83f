"""What is said of tables and columns is true and complete, and other programs may look into the file meanwhile."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import threading
from contextlib import closing
from pathlib import Path

import pytest
import sqlite_utils

from hipsync.store import Store
from hipsync.store.columns import QUERIES, TABLES, datasette
from support.machine import Machine
from support.repository import ROOT
from support.stored import GOOD, NOW, band, minute


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "hipsync.db"
    with Store.open(path) as store:
        desk = band(store)
        store.append(desk, GOOD)
        store.note_sync(desk, NOW, NOW, 0, "out of reach")
    return path


def test_every_table_and_column_is_explained_and_no_other(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")]
        found = {
            name: [column for _, column, *_ in db.execute(f"PRAGMA table_info({name})")]
            for name in names
            if not name.startswith(("sqlite_", "_sqlite_migrations"))
        }
    assert {name: list(table.columns) for name, table in TABLES.items()} == found
    for name, table in TABLES.items():
        assert table.units.keys() <= table.columns.keys(), name


def test_the_queries_are_those_of_the_paper_and_run(path: Path) -> None:
    paper = (ROOT / "docs" / "kept.md").read_text()
    (block,) = re.findall(r"```sql\n(.*?)```", paper, re.DOTALL)
    written = [" ".join(each.split()) for each in block.split(";") if each.strip()]
    assert written == [sql for _, sql in QUERIES.values()]
    with closing(sqlite3.connect(path)) as db:
        assert db.execute(written[0]).fetchall() == [("2026-03-02", "band", 30)]
        assert db.execute(written[2]).fetchall()[0][1:] == ("band", "out of reach")
        assert db.execute(written[1]).fetchall() == []


def test_the_metadata_names_the_database_as_datasette_does(machine: Machine) -> None:
    output = json.loads(machine.told("db", "datasette"))
    assert output == json.loads(json.dumps(datasette()))
    assert list(output["databases"]) == [machine.database.stem]
    assert machine.files() == []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("reader", ["sqlite3", "sqlite-utils"])
def test_other_programs_read_while_the_service_writes(reader: str, path: Path) -> None:
    if reader == "sqlite3" and shutil.which("sqlite3") is None:
        pytest.skip("there is no sqlite3 here")
    done = threading.Event()
    counts: list[int] = []

    def write() -> None:
        with Store.open(path) as store:
            desk = store.bands()[0].id
            for at in range(2, 2000):
                store.append(desk, [minute(at, 1)])
                if done.is_set():
                    break

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(5):
            if reader == "sqlite3":
                message = subprocess.run(
                    ["sqlite3", str(path), "SELECT count(*) FROM minutes"], capture_output=True, text=True, check=True
                )
                counts.append(int(message.stdout))
            else:
                with closing(sqlite_utils.Database(path)) as db:
                    counts.append(int(db["minutes"].count))
    finally:
        done.set()
        writer.join()
    assert counts == sorted(counts)
    assert counts[-1] >= 2


def test_foreign_keys_name_their_column(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        keys = [key for name in TABLES for key in db.execute(f"PRAGMA foreign_key_list({name})")]
        assert len(keys) >= 7
        assert {(table, column) for _, _, table, _, column, *_ in keys} == {("bands", "id")}
        db.execute("PRAGMA foreign_keys = ON")
        with pytest.raises(sqlite3.IntegrityError):
            db.execute("INSERT INTO counters VALUES (99, 0, 0)")
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]

"""Whatever the file holds, no command ends in a traceback, and what makes no sense is left out and told."""

from __future__ import annotations

import itertools
import json
import sqlite3
from contextlib import closing
from datetime import date, time, timedelta
from pathlib import Path

import pytest

from hipsync.model import (
    MINUTE,
    DeskTime,
    Draw,
    Exercise,
    Label,
    Outing,
    Pause,
    Posture,
    Presence,
    PresenceSpan,
    Prompt,
    Remark,
    State,
    Trial,
    Trouble,
)
from hipsync.store import Store
from hipsync.store.checks import damage_of
from hipsync.store.sense import SENSE
from hipsync.store.zones import Abroad
from support.builders import MONDAY
from support.machine import Machine
from support.stored import GOOD, NOW, minute

COMMANDS = [
    ["today"], ["today", "--json"], ["day", "2026-03-02"], ["week"], ["month", "--json"], ["status"],
    ["status", "--json"], ["status", "--line"], ["bands"], ["bands", "--json"], ["bands", "show", "desk-band"],
    ["prompts", "--since", "2026-03-01"], ["prompts", "--json"], ["plan", "list"], ["trial"], ["exercise", "--list"],
    ["export"],
    ["export", "--format", "json"], ["doctor", "--json"], ["db", "check"], ["db", "backup"], ["pause", "1h"],
    ["resume"], ["done"], ["db", "vacuum"], ["db", "erase", "--to", "2026-03-01", "--yes"],
]  # fmt: skip
VALUES: list[object] = [
    None,
    "many",
    b"\xff\x00",
    10**14,
    -(2**63),
    2**63 - 1,
    0.5,
    -1,
    99,
    "Mars/Base",
    "\x1b[31m",
    "",
]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine with a row in each table."""
    machine = Machine(tmp_path, NOW)
    band = machine.band([minute(at, 2, posture=Posture.SITTING) for at in range(300)])
    with Store.open(machine.database) as store:
        store.note_import(band, NOW, "apple", "Watch", Abroad(MONDAY, NOW, "Europe/London"))
    machine.now = NOW
    with Store.open(machine.database) as store:
        store.append(band, GOOD[2:])
        store.note_sync(band, NOW, NOW, 300, None)
        gone = store.add_band(name="gone", driver="huami", address="C0:00:00:00:00:02", now=NOW)
        store.forget(gone.id, NOW, with_data=True)
        store.add_prompt(Prompt(NOW - timedelta(hours=1), NOW - timedelta(hours=1), "hip-extension", sure=True))
        store.add_exercise(Exercise(NOW, "hip-extension", "guided"))
        store.add_label(Label(NOW, State.STANDING))
        store.stand_at_desk(DeskTime(NOW, NOW + timedelta(hours=1)))
        store.add_presence([PresenceSpan(NOW - MINUTE, NOW, Presence.USED)])
        store.add_pause(Pause(NOW, NOW + timedelta(minutes=5)))
        store.add_trial(Trial(NOW, "a5"))
        store.add_draw(Draw(MONDAY, NOW, NOW, withheld=True))
        store.add_remark(Remark(band, Trouble.BATTERY, ""), NOW)
        store.skip_plan(store.add_plan(Outing.GYM, (0, 6), time(18), NOW), date(2026, 3, 8))
    machine.told("db", "backup", str(machine.home / "good.db"))
    return machine


def columns() -> list[tuple[str, str]]:
    with Store.in_memory() as store, store.transaction() as db:
        return [
            (table, column)
            for table in SENSE
            for _, column, *_ in db.execute(f"PRAGMA table_info({table})").fetchall()
            if (table, column) not in {("exercises", "id"), ("syncs", "id")}
        ]


def loosened(database: Path) -> sqlite3.Connection:
    """Open the file so that it takes anything: no constraint, no type, no reference holds."""
    db = sqlite3.connect(database, isolation_level=None)
    db.execute("PRAGMA foreign_keys = OFF")
    db.execute("PRAGMA ignore_check_constraints = ON")
    db.execute("PRAGMA writable_schema = ON")
    db.execute("UPDATE sqlite_master SET sql = replace(replace(sql, 'NOT NULL', ''), 'INTEGER,', 'BLOB,')")
    ((version,),) = db.execute("PRAGMA schema_version").fetchall()
    db.execute(f"PRAGMA schema_version = {version + 1}")
    return db


@pytest.mark.parametrize("each", [False, pytest.param(True, marks=pytest.mark.ring)], ids=["one of two", "all"])
@pytest.mark.parametrize("table", SENSE)
def test_no_value_in_any_column_makes_a_traceback(machine: Machine, table: str, each: bool) -> None:
    sound = machine.database.read_bytes()
    mine = [column for its, column in columns() if its == table]
    for column, value in itertools.product(mine, VALUES) if each else zip(mine, itertools.cycle((None, 10**14))):
        machine.database.write_bytes(sound)
        with closing(sqlite3.connect(machine.database, isolation_level=None)) as db:
            db.execute("PRAGMA foreign_keys = OFF")
            db.execute("PRAGMA ignore_check_constraints = ON")
            try:
                db.execute(f"UPDATE OR IGNORE {table} SET {column} = ?", (value,))  # noqa: S608  our own names
            except sqlite3.Error:
                continue
        for words in (["week"], ["status"], ["bands"], ["prompts"], ["export", "--format", "json"], ["db", "check"]):
            done = machine.type(*words)
            assert done.exception is None or isinstance(done.exception, SystemExit), (value, words, done.exception)
            assert done.exit_code in {0, 1, 2, 3}
            assert "\x1b" not in done.output.replace("\\u001b", "")


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_all_commands_end_in_order_whatever_a_row_of_each_table_holds(machine: Machine, value: object) -> None:
    with closing(loosened(machine.database)) as db:
        for table, column in columns():
            if column not in {"band", "id"}:
                try:
                    db.execute(f"UPDATE OR IGNORE {table} SET {column} = ? WHERE rowid = 1", (value,))  # noqa: S608
                except sqlite3.Error:
                    try:
                        least = f"(SELECT min(start) FROM {table})" if table in {"epochs", "days"} else "NULL"  # noqa: S608
                        db.execute(f"UPDATE OR IGNORE {table} SET {column} = ? WHERE start = {least}", (value,))  # noqa: S608
                    except sqlite3.Error:
                        continue
    for words in COMMANDS:
        done = machine.type(*words)
        assert done.exception is None or isinstance(done.exception, SystemExit), (words, done.exception)
        assert "Traceback" not in done.output
    assert machine.type("db", "restore", str(machine.home / "good.db")).exit_code == 0
    assert machine.told("db", "check") == "Database OK.\n"


def test_rows_without_sense_are_counted_by_table_and_left_out(machine: Machine) -> None:
    with closing(sqlite3.connect(machine.database, isolation_level=None)) as db:
        db.execute("PRAGMA ignore_check_constraints = ON")
        db.execute("UPDATE epochs SET steps = 'many' WHERE start < ?", (MONDAY.timestamp() + 60 * 10,))
        db.execute("UPDATE epochs SET state = 9 WHERE start = ?", (MONDAY.timestamp() + 60 * 10,))
        db.execute("UPDATE epochs SET posture = 'kneeling' WHERE start = ?", (MONDAY.timestamp() + 60 * 11,))
        db.execute("INSERT INTO zones VALUES ('', ?, 'Mars/Base')", (int(NOW.timestamp()),))
        db.execute("UPDATE prompts SET answer = 'maybe'")
        db.execute("UPDATE bands SET name = CAST(x'6465736bff' AS TEXT)")
    done = machine.type("db", "check")
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "bands: 1 texts are no UTF-8",
        "epochs: 12 rows make no sense and are left out",
        "zones: 1 rows make no sense and are left out",
        "prompts: 1 rows make no sense and are left out",
    ]
    day = machine.type("day", "2026-03-02", "--json")
    assert (day.exit_code, json.loads(day.stdout)["steps"], json.loads(day.stdout)["zone"]) == (
        0, 2 * (300 - 12), "Europe/London",
    )  # fmt: skip
    assert "bands: 1 texts are no UTF-8" in day.stderr
    assert json.loads(day.stdout)["minutes"]["unknown"] >= 12


def test_an_export_of_a_database_with_rows_without_sense_makes_a_sound_one(machine: Machine) -> None:
    with closing(sqlite3.connect(machine.database, isolation_level=None)) as db:
        db.execute("UPDATE epochs SET steps = 'many' WHERE start = ?", (MONDAY.timestamp(),))
        db.execute("INSERT INTO zones VALUES ('', ?, 'Mars/Base')", (int(NOW.timestamp()),))
        db.execute("UPDATE exercises SET name = 'hip\x1b[31m'")
    machine.type("export", "--format", "json", "-o", str(machine.home / "all.json"))
    mended = str(machine.home / "mended.db")
    assert machine.type("--db", mended, "import", "json", str(machine.home / "all.json")).exit_code == 0
    assert machine.told("--db", mended, "db", "check") == "Database OK.\n"


@pytest.mark.parametrize("at", range(3))
def test_a_schema_that_is_no_text_is_one_line_and_a_copy_can_be_put_back(machine: Machine, at: int) -> None:
    content = bytearray(machine.database.read_bytes())
    word = [b"CREATE TABLE epochs", b"bands (id)", b"steps INTEGER NOT NULL"][at]
    place = content.index(word) + 8
    content[place : place + 2] = b"\xff\xfe"
    machine.database.write_bytes(bytes(content))
    for words in COMMANDS:
        done = machine.type(*words)
        assert done.exception is None or isinstance(done.exception, SystemExit), (words, done.exception)
        assert done.stderr.count("\n") <= 1
    assert machine.type("db", "check").exit_code == 1
    assert "is damaged" in machine.refused("today", code=1) or at
    good = str(machine.home / "good.db")
    assert machine.told("db", "restore", good).startswith(f"{machine.database} is {good} now. What was there is kept: ")
    assert machine.told("db", "check") == "Database OK.\n"


def test_every_row_that_hipsync_writes_makes_sense(machine: Machine) -> None:
    with Store.read(machine.database) as store:
        assert store.check() == []
    with closing(sqlite3.connect(machine.database)) as db:
        assert damage_of(db) == []
        for table in SENSE.keys() - {"days"}:
            ((rows, sensible),) = db.execute(f"SELECT count(*), sum({SENSE[table]}) FROM {table}").fetchall()  # noqa: S608
            assert (rows > 0, sensible) == (True, rows), table

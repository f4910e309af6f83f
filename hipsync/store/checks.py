"""What is wrong with a database: its structure, the meaning of its rows, and what is only worth knowing.

::

    damage   the file is broken, or rows belong to bands that are not there: restore a copy
    strange  rows that make no sense (`sense.py`): they are left out of everything
    notes    rows that are kept and count for nothing or little: of the future, impossible, overlapping

It takes any open connection, so that a copy is judged like the database itself. It is imported only where a check runs.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from hipsync.instants import AHEAD, latest
from hipsync.model import STEPS_A_MINUTE
from hipsync.store.columns import TABLES
from hipsync.store.file import is_damage, seconds
from hipsync.store.sense import SENSE, known_zone
from hipsync.text import clean

MOST_LINES = 20
"""The most lines of SQLite's own about a damaged file: the first ones say enough."""
LONGEST_TEXT = 300

_TIMES = {
    "bands": "added",
    "epochs": "start",
    "syncs": "started",
    "workouts": "until",
    "zones": "since",
    "presence": "start",
    "plans": "added",
    "trials": "since",
    **dict.fromkeys(("counters", "wears", "charges", "inactivities", "infos", "remarks"), "at"),
    **dict.fromkeys(("prompts", "labels", "desks", "pauses", "exercises", "draws", "forgotten"), "at"),
}
"""By table, the column that says when its rows were stamped."""
_TEXTS = {
    "bands": ("name", "driver", "address", "advertised_name", "identity"),
    "infos": ("firmware", "hardware", "serial"),
    "prompts": ("exercise", "host"),
    "zones": ("host",),
    "exercises": ("name",),
}
"""By table, the columns with text that people see."""


class Findings(NamedTuple):
    """The result of a check, in lines for people; see the head of this module for what each list holds."""

    damage: tuple[str, ...] = ()
    strange: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def findings_in(db: sqlite3.Connection) -> Findings:
    """Check structure and meaning, as often as once a day; without notes, which take as long again.

    Rows of a damaged file are not looked at. Raises `sqlite3.Error` for what is not damage, such as a locked file.
    """
    damage = tuple(damage_of(db))
    return Findings(damage, () if damage else tuple(strange_in(db)))


def damage_of(db: sqlite3.Connection) -> list[str]:
    """Whatever is wrong with the structure of the file. Raises `sqlite3.Error` for what is not damage."""
    try:
        db.execute("PRAGMA cell_size_check = ON")
        lines = [str(line) for (line,) in db.execute(f"PRAGMA integrity_check({MOST_LINES})")]
        if lines == ["ok"]:
            lines = [*_missing(db), *_orphans(db)]
    except sqlite3.Error as error:
        if not is_damage(error):
            raise
        lines = [str(error)]
    except UnicodeDecodeError:  # SQLite's words on a schema that is no text
        lines = ["the schema is no text"]
    return [clean(line, LONGEST_TEXT) for line in lines]


def _missing(db: sqlite3.Connection) -> Iterator[str]:
    """The tables and columns that a file of this version must have and that are not there."""
    from hipsync.store import VERSION

    ((version,),) = db.execute("PRAGMA user_version").fetchall()
    for table, meaning in TABLES.items():
        there = {name: kind for _, name, kind, *_ in db.execute(f"PRAGMA table_info({table})")}
        if version == VERSION and (lacking := [column for column in meaning.columns if column not in there]):
            yield f"{table} lacks {', '.join(lacking)}"
        if table in _TIMES and (unknown := set(there.values()) - {"INTEGER", "TEXT"}):
            yield f"{table} has columns of an unknown type: {', '.join(map(str, unknown))}"


def is_ours(db: sqlite3.Connection) -> bool:
    """Whether a database has a table of bands. Raises `sqlite3.Error`."""
    return bool(db.execute("SELECT 1 FROM sqlite_master WHERE name = 'bands'").fetchall())


def _orphans(db: sqlite3.Connection) -> Iterator[str]:
    if orphans := len(db.execute("PRAGMA foreign_key_check").fetchall()):
        yield f"{orphans} rows belong to bands that are not there"


def strange_in(db: sqlite3.Connection) -> Iterator[str]:
    """A line for each table with rows that make no sense, so that no reader takes them. Raises `sqlite3.Error`."""
    for table in _TIMES:
        if not _has_all(db, table):
            continue  # a copy of an older version
        ((count,),) = db.execute(f"SELECT count(*) FROM {table} WHERE NOT ifnull({SENSE[table]}, 0)")
        if table == "zones":
            known = db.execute(f"SELECT zone FROM zones WHERE {SENSE['zones']}")
            count += sum(not known_zone(zone) for (zone,) in known.fetchall())
        if count:
            yield f"{table}: {count:,} rows make no sense and are left out"
        if count := sum(_is_torn(text) for text in _texts(db, table)):
            yield f"{table}: {count:,} texts are no UTF-8"


def _has_all(db: sqlite3.Connection, table: str) -> bool:
    there = {name for _, name, *_ in db.execute(f"PRAGMA table_info({table})")}
    return there >= set(TABLES[table].columns)


def _texts(db: sqlite3.Connection, table: str) -> Iterator[bytes]:
    """All texts of a table that people see, as they are in the file."""
    for column in _TEXTS.get(table, ()):
        for (text,) in db.execute(f"SELECT CAST({column} AS BLOB) FROM {table} WHERE typeof({column}) = 'text'"):
            yield text


def _is_torn(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return True
    return False


def _steers(text: bytes) -> bool:
    """Whether a text holds characters that could steer a terminal."""
    return any(character < " " or "\x7f" <= character <= "\x9f" for character in text.decode("utf-8", "replace"))


def notes_on(db: sqlite3.Connection, now: datetime) -> Iterator[str]:
    """A line for each kind of rows that are kept, and count for nothing or little. Raises `sqlite3.Error`."""
    for table, at in _TIMES.items():
        ahead = f"SELECT count(*), min({at}), max({at}) FROM {table} WHERE {SENSE[table]} AND {at} > ?"
        ((count, first, last),) = db.execute(ahead, (seconds(latest(now)),)).fetchall()
        if count:
            minutes = int(AHEAD.total_seconds()) // 60
            dated = f"{_date(first)} to {_date(last)} UTC, over {minutes} minutes ahead of now"
            yield f"{table}: {count:,} rows are dated {dated}: a clock was wrong, and they are no marks"
        if count := sum(_steers(text) for text in _texts(db, table)):
            yield f"{table}: {count:,} texts hold characters that nobody can see, and are shown without them"
    fast = f"SELECT count(*) FROM epochs WHERE {SENSE['epochs']} AND steps > length * {STEPS_A_MINUTE}"
    ((count,),) = db.execute(fast).fetchall()
    if count:
        yield f"epochs: {count:,} rows have more than {STEPS_A_MINUTE} steps a minute, which nobody makes"
    before = "PARTITION BY band ORDER BY start, length ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"
    ends = f"max(start + length * 60) OVER ({before})"
    lap = (
        f"SELECT count(*) FROM (SELECT start, {ends} AS until FROM epochs WHERE {SENSE['epochs']}) WHERE start < until"
    )
    ((count,),) = db.execute(lap).fetchall()
    if count:
        yield f"epochs: {count:,} rows overlap another one of the same band"


def _date(at_s: int) -> str:
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M}"

"""The database of colmi_r02_client, in which that program stores the steps and heart rates of Colmi's rings.

It is SQLite: a row of sport_details is a quarter of an hour in which steps were made, a row of heart_rates an instant,
and rings has the rings' addresses. Times are UTC as text, because that program sets a ring's clock to UTC; so no zone
is asked for. By description, no real database was seen. Sources: tests/database_schema.sql, db.py, steps.py and hr.py
of tahnok/colmi_r02_client; its issue 17 on the ring's clock.

The stream is copied to a private folder, for SQLite reads no stream. The database is a stranger's: only columns of real
tables are read, never a view. The memory is bounded by `LONGEST_CELL` and `MOST_RINGS`, the time by `MOST_ROWS`.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from hipsync.errors import InputError
from hipsync.formats.past.reading import (
    HEART_RATES,
    NO_HEART_RATE,
    NO_STEPS,
    TOO_MANY_STEPS,
    Form,
    Head,
    Reading,
    shown,
)
from hipsync.formats.past.said import Beat, Said, Walked
from hipsync.model import STEPS_A_MINUTE
from hipsync.store.file import MAGIC, lenient_text
from hipsync.text import clean, one_line

QUARTER_S = 15 * 60
LARGEST = 2**30
"""How many bytes the database may have. Ten years of a ring have some hundred million."""
LONGEST_CELL = 2**20
"""How many bytes a cell may have. The longest that is read, an address, has some dozens."""
MOST_RINGS = 1000
MOST_ROWS = 5_000_000
"""How many rows a table may have: a heart rate every five minutes makes a million in ten years."""

_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.\d{1,6})?", re.ASCII)


def _fits(head: Head) -> bool:
    """Whether a database has this program's tables: the first page of a file of SQLite holds their names."""
    return head.start.startswith(MAGIC) and b"sport_details" in head.start and b"rings" in head.start


def _read(file: BinaryIO, _head: Head, reading: Reading) -> Iterator[Said]:
    with tempfile.TemporaryDirectory(prefix="hipsync-") as folder:
        copy = Path(folder) / "ring_data.sqlite"
        _copy(file, copy)
        with _opened(copy) as db:
            yield from _said_by(db, reading)


FORM = Form("colmi", "colmi_r02_client", _fits, _read)


def _copy(file: BinaryIO, to: Path) -> None:
    """Copy the whole stream. Raises `InputError` if it is too large."""
    size = 0
    with to.open("wb") as copy:
        while some := file.read(2**20):
            size += len(some)
            if size > LARGEST:
                raise InputError(f"the database has over {LARGEST >> 20:,} MiB: no ring's is so large")
            copy.write(some)


@contextlib.contextmanager
def _opened(file: Path) -> Generator[sqlite3.Connection]:
    """Open a copied database; during the block, SQLite's errors become an `InputError` of one line."""
    try:
        with contextlib.closing(sqlite3.connect(file)) as db:
            db.text_factory = lenient_text
            db.execute("PRAGMA trusted_schema = OFF")
            db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_CELL)
            yield db
    except (sqlite3.Error, OverflowError) as error:
        raise InputError(f"the database cannot be read: {one_line(str(error), 200)}") from error
    except UnicodeDecodeError as error:  # SQLite's words on a schema that is no text
        raise InputError("the database cannot be read: its schema is damaged") from error


def _said_by(db: sqlite3.Connection, reading: Reading) -> Iterator[Said]:
    rings = _rings(db)

    def walked(ring: str, at_s: int, steps: int) -> Said | str:
        if 0 <= steps <= STEPS_A_MINUTE * QUARTER_S // 60:
            return Walked(ring, at_s, at_s + QUARTER_S, steps)
        return NO_STEPS if steps < 0 else TOO_MANY_STEPS

    def beat(ring: str, at_s: int, heart_rate: int) -> Said | str:
        return Beat(ring, at_s, heart_rate) if heart_rate in HEART_RATES else NO_HEART_RATE

    yield from _rows(db, "sport_details", "steps", QUARTER_S, rings, reading, walked)
    yield from _rows(db, "heart_rates", "reading", 0, rings, reading, beat)


def _rings(db: sqlite3.Connection) -> Mapping[int, str]:
    """The rings' names by their numbers: their addresses, as the database knows no other name."""
    _check(db, "rings", {"ring_id", "address"})
    rings: dict[int, str] = {}
    for ring, address in db.execute("SELECT ring_id, address FROM rings"):
        if not isinstance(ring, int) or not isinstance(address, str):
            raise InputError(f"rings holds {shown(ring)} and {shown(address)} where a number and an address belong")
        if len(rings) >= MOST_RINGS:
            raise InputError(f"there are over {MOST_RINGS:,} rings: nobody has so many")
        rings[ring] = clean(address.upper()) or f"ring {ring}"
    return rings


def _check(db: sqlite3.Connection, table: str, columns: set[str]) -> None:
    """Raise `InputError` unless a table has some columns. A view, and a column that is calculated, do not count."""
    sql = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND rootpage > 0 AND name = ?"
    (tables,) = db.execute(sql, (table,)).fetchone()
    there = {str(column[1]) for column in db.execute(f'PRAGMA table_info("{table}")')} if tables else set[str]()
    if missing := columns - there:
        raise InputError(
            f"{table} has no column {min(missing)}: this hipsync does not know that version of colmi_r02_client"
            if tables
            else f"there is no table {table}: this is no database of colmi_r02_client"
        )


def _rows(
    db: sqlite3.Connection,
    table: str,
    column: str,
    length_s: int,
    rings: Mapping[int, str],
    reading: Reading,
    say: Callable[[str, int, int], Said | str],
) -> Iterator[Said]:
    """What the rows of a table say, each of which has a number in `column` and holds for `length_s` from its time.

    `say` makes of a ring, an instant and a number what the row says, or why it is left out, as the end of "3 rows".
    Raises `InputError`, which names the row.
    """
    _check(db, table, {"timestamp", "ring_id", column})
    sql = f'SELECT rowid, timestamp, ring_id, "{column}" FROM "{table}"'  # noqa: S608  ours
    for count, (row, stamp, ring, number) in enumerate(db.execute(sql)):
        if count >= MOST_ROWS:
            raise InputError(f"{table} has over {MOST_ROWS:,} rows: no ring stores so many")
        if not isinstance(number, int):
            raise _wrong(table, row, f"{column} is {shown(number)}, not a whole number")
        if ring not in rings:
            raise _wrong(table, row, f"{shown(ring)} is no ring of the table rings")
        try:
            at_s = _seconds(stamp)
            is_possible = reading.is_possible(at_s) and reading.is_possible(at_s + length_s)
        except (ValueError, InputError) as error:
            raise _wrong(table, row, f"timestamp is {shown(stamp)}: {error}") from error
        if not is_possible:
            continue
        said = say(rings[ring], at_s, number)
        if isinstance(said, str):
            reading.leave_out(said)
        else:
            yield said


def _seconds(stamp: object) -> int:
    """The instant of a time such as 2026-11-20 08:00:00.000000, which is UTC. Raises `ValueError` for anything else."""
    if not isinstance(stamp, str) or (found := _TIME.fullmatch(stamp)) is None:
        raise ValueError("it is not a time such as 2026-11-20 08:00:00.000000")
    year, month, day, hour, minute, second = map(int, found.groups())
    return int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp())


def _wrong(table: str, row: object, why: str) -> InputError:
    return InputError(f"row {shown(row)} of {table} is wrong: {why}")

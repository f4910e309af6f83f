"""What exports of other programs say, before it becomes minutes: in a temporary file that SQLite deletes itself.

Years of heart rates do not fit into the memory. A source has a number here. Instants are whole seconds since 1970,
minutes are counted from 1970 too, and spans are half-open. The one rule: the same row twice is one row, whichever file
it came from, and of two that differ in their value alone the larger one counts.
"""

from __future__ import annotations

from collections.abc import Iterator

from hipsync.store.file import insert_rows
from hipsync.store.temporary import TemporaryTables, needing_room

BATCH = 5000
"""How many rows wait in memory."""
SPREAD_S = 15 * 60
"""The longest span whose steps can be spread over its minutes. Phones write spans of up to ten minutes."""
SLOT_S = 6 * 60
"""The shortest span on whole minutes that is a slot: up to five minutes, a slot is taken for minutes (docs/rule.md)."""
_IS_SLOT = f"until - start >= {SLOT_S} AND start % 60 = 0 AND until % 60 = 0"
_TO_SPREAD = f"until - start <= {SPREAD_S} AND NOT ({_IS_SLOT})"
_SCHEMA = """
CREATE TABLE walked (source INTEGER, start INTEGER, until INTEGER, value INTEGER,
    PRIMARY KEY (source, start, until)) WITHOUT ROWID;
CREATE TABLE beats (source INTEGER, at INTEGER, value INTEGER, PRIMARY KEY (source, at)) WITHOUT ROWID;
CREATE TABLE moved (source INTEGER, minute INTEGER, value INTEGER, PRIMARY KEY (source, minute)) WITHOUT ROWID;
CREATE TABLE slept (source INTEGER, start INTEGER, until INTEGER, value INTEGER,
    PRIMARY KEY (source, start, until)) WITHOUT ROWID;
CREATE TABLE trained (source INTEGER, start INTEGER, until INTEGER, value TEXT,
    PRIMARY KEY (source, start, until)) WITHOUT ROWID;
"""


class Past(TemporaryTables):
    """Rows by source, each once: a context manager that deletes them. Without room, a call raises `InputError`."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[tuple[object, ...]]] = {}
        self._count = 0
        super().__init__(_SCHEMA)

    def add(self, table: str, *row: object) -> None:
        """Add a row to one of the tables: walked, beats, moved, slept or trained."""
        self._waiting.setdefault(table, []).append(row)
        self._count += 1
        if self._count >= BATCH:
            self.settle()

    def settle(self) -> None:
        """Write the rows that wait in memory; to be called before anything is read."""
        for table, rows in self._waiting.items():
            with needing_room():
                larger = "ON CONFLICT DO UPDATE SET value = excluded.value WHERE excluded.value > value"
                insert_rows(self._db, f"INSERT INTO {table}", rows, larger)
            rows.clear()
        self._count = 0

    def has(self, table: str, source: int) -> bool:
        """Whether a source has a row in a table."""
        return bool(self._rows(f"SELECT 1 FROM {table} WHERE source = ? LIMIT 1", source))

    def walked_to_spread(self, source: int) -> Iterator[tuple[int, int, int]]:
        """The spans of up to `SPREAD_S` that are no slots, with their steps: start, end, steps; in order of time."""
        sql = f"SELECT start, until, value FROM walked WHERE source = ? AND {_TO_SPREAD} ORDER BY start, until"
        return self._each(sql, source)

    def walked_in_slots(self, source: int) -> Iterator[tuple[int, int, int]]:
        """The other spans, in the same way, but by their lengths, and those of one length by time."""
        order = "ORDER BY until - start, start"
        sql = f"SELECT start, until, value FROM walked WHERE source = ? AND NOT ({_TO_SPREAD}) {order}"
        return self._each(sql, source)

    def is_known_finer(self, source: int, start_s: int, end_s: int) -> bool:
        """Whether a span that is to be spread shares time with `[start_s, end_s)`."""
        sql = (
            "SELECT 1 FROM walked WHERE source = ?1 AND start < ?3 AND start > ?2 - ?4 AND until > ?2"
            f" AND {_TO_SPREAD} LIMIT 1"
        )
        return bool(self._rows(sql, source, start_s, end_s, SPREAD_S))

    def beats(self, source: int) -> Iterator[tuple[int, float]]:
        """The minutes with heart rates, and the mean of each; in order of time."""
        return self._each("SELECT at / 60, avg(value) FROM beats WHERE source = ? GROUP BY 1 ORDER BY 1", source)

    def moved(self, source: int) -> Iterator[tuple[int, int]]:
        """The minutes with an intensity, and it; in order of time."""
        return self._each("SELECT minute, value FROM moved WHERE source = ? ORDER BY minute", source)

    def slept(self, source: int) -> Iterator[tuple[int, int]]:
        """The spans of sleep: start and end; in order of their starts."""
        return self._each("SELECT start, until FROM slept WHERE source = ? ORDER BY start", source)

    def trained(self, source: int) -> Iterator[tuple[int, int, str]]:
        """The workouts: start, end and kind; in order of time."""
        return self._each("SELECT start, until, value FROM trained WHERE source = ? ORDER BY start, until", source)

    def bounds(self, source: int) -> tuple[int, int] | None:
        """The first and the last second of which a source says something; None if it says nothing."""
        spans = (
            f"SELECT min(start), max(until) FROM {table} WHERE source = ?1" for table in ("walked", "slept", "trained")
        )
        sql = " UNION ALL ".join([*spans, "SELECT min(at), max(at) + 1 FROM beats WHERE source = ?1"])
        found = [(first, last) for first, last in self._rows(sql, source) if first is not None]
        return (min(first for first, _ in found), max(last for _, last in found)) if found else None

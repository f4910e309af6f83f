"""What a file that is being imported holds, checked and not yet stored: in a temporary file that SQLite deletes itself.

A file of years does not fit into the memory, and one that turns out to be wrong at its last row must leave nothing
behind. So its rows wait here until the last one was read, and only then is the database opened, or made. The one rule:
of one time there is one row. What repeats a row is dropped, and what contradicts one is refused.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from hipsync.errors import InputError
from hipsync.model import BandId, Epoch
from hipsync.store.file import insert_rows, instant
from hipsync.store.imports import MERGED
from hipsync.store.merging import RULES
from hipsync.store.readings import INFERRED, EpochRow, epoch_of_row, epoch_rows
from hipsync.store.temporary import TemporaryTables, needing_room

BATCH = 10_000
"""How many epochs wait in memory."""
GIVEN_OUT = 20_000
"""How many epochs are given out at a time. To store so many takes some hundredths of a second."""
MOST_BANDS = 1000
"""How many bands one file may name."""
_SCHEMA = """
CREATE TABLE epochs (
    steps INTEGER, length INTEGER, intensity INTEGER, heart_rate INTEGER, state INTEGER, kind INTEGER, posture TEXT,
    band INTEGER, start INTEGER, number INTEGER, PRIMARY KEY (band, start, length)
) WITHOUT ROWID;
CREATE TABLE others (place INTEGER PRIMARY KEY, kind TEXT, key TEXT, cells TEXT, number INTEGER, UNIQUE (kind, key));
"""
_MERGE = frozenset({"exercises", "prompts"})
"""The tables of which a file may hold two rows of one key: an older hipsync kept those of two computers apart."""
_KEYS: Mapping[str, Sequence[str]] = {
    "bands": ("name",),
    **{table: rule.key for table, rule in RULES.items() if table not in _MERGE},
}
"""By table, the columns that two rows cannot have in common. The others merge."""
Value = int | str | None
"""A cell of the table `epochs` here."""
Values = tuple[Value, ...]
"""What a row of the table `epochs` here says beside its start and its number, in the order of the columns."""


class Said(NamedTuple):
    """What the epochs of one band say beside their steps."""

    states: bool
    heart_rates: bool


class Staging(TemporaryTables):
    """The rows of a file that wait for being stored: a context manager that deletes them at its end.

    `word` is what the file calls a row, for messages: line, or row.
    """

    def __init__(self, word: str = "line") -> None:
        self._word = word
        self._names: dict[str, int] = {}
        self._waiting: list[Values] = []
        super().__init__(_SCHEMA)

    def add(self, band: str, epoch: Epoch, number: int) -> None:
        """Add an epoch of the row with this number. Raises `InputError` if an earlier row contradicts one of them."""
        at_s, values = self.values_of(band, epoch)
        self.add_values(at_s, values, number)

    def values_of(self, band: str, epoch: Epoch) -> tuple[int, Values]:
        """The start of an epoch in seconds since 1970, and what else `add_values` takes of it."""
        ((_, at_s, length, steps, intensity, beats, state, kind, posture),) = epoch_rows(0, [epoch])
        of_band = self._names.setdefault(band, len(self._names))
        return at_s, (steps, length, intensity, beats, state, kind, posture, of_band)

    def add_values(self, at_s: int, values: Values, number: int) -> None:
        """Add an epoch by its start and the other values, which `values_of` gave for this epoch or one like it.

        Raises `InputError` as `add` does.
        """
        self._waiting.append((*values, at_s, number))
        if len(self._waiting) >= BATCH:
            self._settle()

    def add_joined(self, band: str, epoch: Epoch) -> None:
        """Add an epoch of a file that may hold a time twice, in any order: they are merged by the rule of imports."""
        at_s, values = self.values_of(band, epoch)
        self._refuse_many_bands()
        with needing_room():
            self._db.execute(f"INSERT INTO epochs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) {MERGED}", (*values, at_s, 0))

    def add_row(self, table: str, row: Mapping[str, object], number: int) -> None:
        """Add a row of another table. Raises `InputError` if an earlier one contradicts it."""
        columns = _KEYS.get(table)
        key = None if columns is None else json.dumps([row.get(column) for column in columns])
        cells = json.dumps(row, sort_keys=True)
        with needing_room():
            values = (table, key, cells, number)
            sql = "INSERT OR IGNORE INTO others (kind, key, cells, number) VALUES (?, ?, ?, ?)"
            if self._db.execute(sql, values).rowcount:
                return
            found = self._db.execute("SELECT cells, number FROM others WHERE kind = ? AND key = ?", (table, key))
            ((before, earlier),) = found.fetchall()
        if before != cells:
            raise InputError(
                f"row {number} contradicts row {earlier}, which has the same {' and '.join(columns or ())}"
            )

    def rows(self, table: str) -> Iterator[Mapping[str, object]]:
        """The rows of another table, in their order."""
        with needing_room():
            for (cells,) in self._db.execute("SELECT cells FROM others WHERE kind = ? ORDER BY place", (table,)):
                yield json.loads(cells)

    def names(self) -> Collection[str]:
        """The bands of the epochs that were made so far, in the order of the file."""
        return self._names.keys()

    def bands(self) -> dict[str, Said]:
        """What the epochs of each band say beside their steps, by name; the bands are in the order of the file."""
        self._settle()
        sql = f"SELECT band, max(state % {INFERRED} <> 0), max(heart_rate IS NOT NULL) FROM epochs GROUP BY band"
        with needing_room():
            said = {band: Said(bool(states), bool(beats)) for band, states, beats in self._db.execute(sql)}
        return {name: said[band] for name, band in self._names.items() if band in said}

    def bounds(self) -> tuple[datetime, datetime] | None:
        """The start of the first epoch and the end of the last one; None if there is none."""
        self._settle()
        with needing_room():
            ((first_s, end_s),) = self._db.execute("SELECT min(start), max(start + length * 60) FROM epochs").fetchall()
        return None if first_s is None else (instant(first_s), instant(end_s))

    def count(self) -> int:
        """How many epochs there are, each time of a band once."""
        self._settle()
        with needing_room():
            return int(self._db.execute("SELECT count(*) FROM epochs").fetchone()[0])

    def epochs(self, band: str) -> Iterator[Epoch]:
        """The epochs of a band, in order of time."""
        for batch in self.epoch_rows(band, BandId(0)):
            yield from map(epoch_of_row, batch)

    def epoch_rows(self, band: str, to: BandId) -> Iterator[list[EpochRow]]:
        """The epochs of a band in batches, in order of time, as rows of the table `epochs` for the band `to`."""
        self._settle()
        sql = "SELECT ?, start, length, steps, intensity, heart_rate, state, kind, posture FROM epochs WHERE band = ?"
        with needing_room():
            rows = self._db.execute(f"{sql} ORDER BY start, length", (to, self._names.get(band)))
            while batch := rows.fetchmany(GIVEN_OUT):
                yield batch

    def _refuse_many_bands(self) -> None:
        """Raise `InputError` if the file names too many bands."""
        if len(self._names) > MOST_BANDS:
            raise InputError(f"more than {MOST_BANDS:,} bands are named")

    def _settle(self) -> None:
        """Write the epochs that wait in memory.

        Raises `InputError` if one contradicts another, or if the file names too many bands.
        """
        rows, self._waiting = self._waiting, []
        self._refuse_many_bands()
        with needing_room():
            before = self._db.total_changes
            insert_rows(self._db, "INSERT OR IGNORE INTO epochs", rows)
            if self._db.total_changes - before < len(rows):
                self._refuse_contradictions(rows)

    def _refuse_contradictions(self, rows: Sequence[Values]) -> None:
        for row in rows:
            sql = "SELECT * FROM epochs WHERE length = ? AND band = ? AND start = ?"
            (found,) = self._db.execute(sql, (row[1], *row[7:9])).fetchall()
            if found[:-1] != row[:-1]:
                raise InputError(
                    f"{self._word} {row[-1]} contradicts {self._word} {found[-1]}, which is about the same time:"
                    " remove one of them"
                )

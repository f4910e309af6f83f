"""Rows of all tables, for an export of everything: epochs as they are stored, the others as plain mappings.

The mappings follow the columns that a table has, so that a new column needs no change here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from hipsync.errors import InputError
from hipsync.model import Epoch
from hipsync.store.bands import Bands
from hipsync.store.file import seconds, translated
from hipsync.store.judged_days import AFTER_ALL_S, BEFORE_ALL_S, drop_days, drop_days_around
from hipsync.store.merging import RULES, Cell, Row
from hipsync.store.prompts import LONGEST_NAME
from hipsync.store.readings import EpochRow, epoch_of_row
from hipsync.store.sense import SENSE
from hipsync.text import clean

TIMES: Mapping[str, str] = {
    "zones": "since",
    "counters": "at",
    "wears": "at",
    "charges": "at",
    "inactivities": "at",
    "workouts": "start",
    "infos": "at",
    "prompts": "at",
    "labels": "at",
    "presence": "start",
    "desks": "at",
    "pauses": "at",
    "plans": "added",
    "exercises": "at",
    "trials": "since",
    "draws": "at",
    "imports": "at",
    "forgotten": "at",
}
"""The tables that are exported as rows, and for each the column with its time.

Epochs are missing, because they are exported in a different form (`Rows.epoch_rows`). Syncs and remarks are missing,
because they concern this computer alone.
"""
LATER = frozenset({"desks", "draws", "forgotten", "imports", "labels", "plans", "presence", "trials", "workouts"})
"""The tables that exports of version 0.2 do not have: an export without them is whole."""
ROWID = {"counters": "band", "presence": "until, state"}
"""By table that has no rowid, the columns that order the rows of one instant."""
AROUND = frozenset({"counters", "wears"})
"""The tables each of whose rows counts up to the next one, so that days are judged by the rows around a day, too."""
SPANS = frozenset({"workouts", "presence", "desks"})
"""The tables, beside epochs, with spans of time by which days are judged; they end at `until`."""
NAMED = frozenset({"prompts", "exercises"})
"""The tables with names of exercises, which people see: what could steer a terminal is taken out of them."""
WITHOUT: Mapping[str, Cell] = {"host": ""}
"""What stands in a column of a row that an older hipsync exported without it."""
ALWAYS = frozenset({"forgotten", "imports", "plans", "zones"})
"""The tables whose rows are exported whatever their time: each holds from then on."""

READ_AT_ONCE = 500
"""How many rows of a query are read while no other thread may use the file."""


class Rows(Bands):
    """Reads and stores rows of the tables in `TIMES`."""

    def rows_of(self, table: str, start: datetime | None, end: datetime | None) -> Iterator[dict[str, Cell]]:
        """Rows of a table in `[start, end)`, in order of time, with the band's name in place of its number.

        Those that make no sense (`sense.py`) are left out, so that the export can be imported.
        None means no bound, and the tables of `ALWAYS` have none. Cells that are NULL are left out.
        """
        at, columns = TIMES[table], self._columns(table)
        whole = start is None or table in ALWAYS
        first = -(2**62) if start is None or whole else seconds(start)
        last = 2**62 if end is None or table in ALWAYS else seconds(end)
        order = f"{at}, {ROWID.get(table, 'rowid')}"
        sql = (
            f"SELECT {', '.join(columns)} FROM {table} WHERE {at} >= ? AND {at} < ? AND {SENSE[table]} ORDER BY {order}"
        )
        names: dict[object, str] = {int(band.id): band.name for band in self.bands()}
        for row in self._streamed(sql, (first, last)):
            cells: dict[str, Cell] = {
                column: clean(cell, LONGEST_NAME) if isinstance(cell, str) and table in NAMED else cell
                for column, cell in zip(columns, row, strict=True)
                if cell is not None
            }
            if "band" in columns:
                if (name := names.get(cells["band"])) is None:
                    continue
                cells["band"] = name
            yield cells

    def epoch_rows(self, start: datetime | None, end: datetime | None) -> Iterator[tuple[str, EpochRow]]:
        """Every epoch that starts in `[start, end)`, as (name of the band, row of the table `epochs`).

        They are in order of time, then of band. None means no bound.
        """
        names = {int(band.id): band.name for band in self.bands()}
        rows: Iterator[EpochRow] = self._streamed(
            "SELECT band, start, length, steps, intensity, heart_rate, state, kind, posture FROM epochs"
            f" WHERE start >= ? AND start < ? AND {SENSE['epochs']} ORDER BY start, band, length",
            (-(2**62) if start is None else seconds(start), 2**62 if end is None else seconds(end)),
        )
        for row in rows:
            if (name := names.get(row[0])) is not None:
                yield name, row

    def all_epochs(self, start: datetime | None, end: datetime | None) -> Iterator[tuple[str, Epoch]]:
        """As `epoch_rows`, with values of `Epoch`."""
        for name, row in self.epoch_rows(start, end):
            yield name, epoch_of_row(row)

    def merge_rows(self, table: str, rows: Iterable[Mapping[str, object]], bands: Mapping[str, int]) -> int:
        """Merge rows that `rows_of` yielded into a table (`merging.py`); return how many changed anything.

        `bands` maps names of bands to their numbers. Raises `InputError` if one is no row of that table, and
        `StoreError`; then none is stored.
        """
        columns, rule = self._columns(table), RULES[table]
        names, key = ", ".join(columns), " AND ".join(f"{column} IS ?" for column in rule.key)
        known = f"SELECT {names} FROM {table} WHERE {key} AND {SENSE[table]}"
        update = f"UPDATE {table} SET ({names}) = ({', '.join('?' * len(columns))}) WHERE {key}"
        insert = f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))})"
        changed = 0
        with self.transaction() as db:
            for row in rows:
                cells = _cells(table, row, columns, bands)
                about = [cells[column] for column in rule.key]
                found = db.execute(known, about).fetchone()
                if found is None:
                    alone = rule.merged(cells, cells)  # in the order in which merged places are
                    db.execute(insert, [alone[column] for column in columns])
                    changed += 1
                    _drop_touched(db, table, alone, alone)
                    continue
                before = dict(zip(columns, found, strict=True))
                merged = rule.merged(before, cells)
                if merged != before:
                    db.execute(update, [*(merged[column] for column in columns), *about])
                    changed += 1
                    _drop_touched(db, table, before, merged)
        return changed

    def _streamed(self, sql: str, values: Sequence[object]) -> Iterator[Any]:
        """The rows of a query, of which some are held at a time.

        Other threads may use the file between two rows: whoever has one may keep it for ever, as an error does that
        holds the frame in which it was raised.
        """
        with self._lock, translated(self.path):
            cursor = self._db.execute(sql, values)
        while True:
            with self._lock, translated(self.path):
                rows = cursor.fetchmany(READ_AT_ONCE)
            if not rows:
                return
            yield from rows

    def _columns(self, table: str) -> dict[str, str]:
        """The columns of a table and their types, without `id`, which another file may have given to another row."""
        rows = self._rows(f"PRAGMA table_info({table})")
        return {str(name): str(kind) for _, name, kind, *_ in rows if name != "id"}


def _drop_touched(db: sqlite3.Connection, table: str, before: Row, after: Row) -> None:
    """Drop the judged days that a merged row can change, and no other: rows come every minute from another computer."""
    at_s = int(after[TIMES[table]] or 0)
    if table in AROUND:
        drop_days_around(db, table, int(after["band"] or 0), at_s)
    elif table in SPANS:
        drop_days(db, at_s, max(int(row["until"] or 0) for row in (before, after)))
    elif table == "imports":  # it may say in which zone days were
        drop_days(db, BEFORE_ALL_S, AFTER_ALL_S)


def _cells(table: str, row: Mapping[str, object], columns: Mapping[str, str], bands: Mapping[str, int]) -> Row:
    """The cells of a row of a table, each of its column's type, with the band's number in place of its name.

    Raises `InputError` if one does not belong there.
    """
    if unknown := row.keys() - set(columns):
        raise InputError(f"{table} has no column {min(unknown)!r}: the file is of another version of hipsync")
    cells: dict[str, Cell] = {}
    for column, kind in columns.items():
        cell = row.get(column, WITHOUT.get(column))
        if column == "band":
            if not isinstance(cell, str) or cell not in bands:
                raise InputError(f"{table} names a band that is not in the file: {cell!r:.60}")
            cell = bands[cell]
        elif cell is not None and (isinstance(cell, bool) or not isinstance(cell, int if kind == "INTEGER" else str)):
            raise InputError(f"{table}: {column} is {cell!r:.60}, which does not belong there")
        if isinstance(cell, int) and abs(cell) >= 2**62:
            raise InputError(f"{table}: {column} is {cell}, which is too large")
        cells[column] = cell if isinstance(cell, int | str) else None
    return cells

"""A wearer is erased by another computer's word: one band's readings of some time, in the file and its backups alike.

A band is known by its mark, because backups may know it by another name or number. The one rule: what was begun and cut
off is done again from the beginning, so nothing is taken for clean because its rows are gone.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, TypeVar

from hipsync.store.file import connected, instant, seconds, translated
from hipsync.store.identities import mark_of
from hipsync.store.maintenance import TIMES, Maintenance


class Lost(NamedTuple):
    """What is to be erased of one band: its readings of `[start, end)`, or the whole band."""

    mark: str
    start: datetime | None
    """None for the beginning."""
    end: datetime | None
    """None for the end."""
    whole_at: datetime | None = None
    """When the whole band was erased: it goes if it was added before, and not if it was added anew since."""


class Removed(NamedTuple):
    """What was erased, and what could not be."""

    rows: int
    """How many rows of the file."""
    backups: int
    """How many backups had any."""
    kept: list[Path]
    """Files beside the database that may hold it, and that only a person can delete."""


OF_BANDS = (
    "epochs",
    "counters",
    "wears",
    "charges",
    "inactivities",
    "infos",
    "remarks",
    "syncs",
    "imports",
    "workouts",
)
"""The tables with rows of bands."""
_CUT = "band IN (SELECT value FROM json_each(:cut))"
_WHOLE = "band IN (SELECT value FROM json_each(:whole))"
_WITHIN = {**TIMES, "imports": "at >= :start AND at < :end"}
_DELETED = {
    "bands": "id IN (SELECT value FROM json_each(:whole))",
    **{table: f"{_CUT} AND ({_WITHIN[table]})" for table in OF_BANDS},
}
_COUNTED = {table: f"{_WHOLE} OR ({condition})" for table, condition in _DELETED.items() if table != "bands"}
NONE = "[]"
"""No numbers, as JSON, which is written here without the module: that takes a while to import."""
T = TypeVar("T")


class Erasing(Maintenance):
    """What is erased of one band, because its wearer was."""

    def marks(self) -> set[str]:
        """The marks of all bands that the file or a backup of it holds, and of those that were removed with their data.

        Raises `StoreError`.
        """
        found = {str(mark) for (mark,) in self._rows("SELECT mark FROM forgotten")}
        for bands in self._each(_bands):
            found.update(mark for mark, *_ in bands)
        return found - {""}

    def holds(self, lost: Lost) -> bool:
        """Whether the file or a backup of it holds anything of what is to be erased. Raises `StoreError`."""
        return any(rows or goes for rows, goes in self._each(lambda db: _count(db, lost)))

    def lose(self, lost: Lost, now: datetime) -> Removed:
        """Erase, and overwrite the bytes, in the backups first. Raises `StoreError`; then the call can be repeated.

        A band that goes as a whole is noted as forgotten, so that no import brings it back.
        """
        *copies, (rows, goes) = self._each(lambda db: _count(db, lost))
        if goes:
            with self.transaction() as db:
                at = max(seconds(now), *(added for mark, _, added in _bands(db) if mark == lost.mark))
                sql = "INSERT INTO forgotten VALUES (?, ?) ON CONFLICT DO UPDATE SET at = max(at, excluded.at)"
                db.execute(sql, (lost.mark, at))
        self._everywhere(_DELETED, lambda db: _values(db, lost))
        kept = [*self.set_aside(), *sorted(self._backup_folder().glob("*.db.new*"))] if self.path is not None else []
        return Removed(rows, sum(1 for count, went in copies if count or went), kept)

    def _each(self, of: Callable[[sqlite3.Connection], T]) -> list[T]:
        """What is found in each backup, and last in the file. Raises `StoreError`."""
        found: list[T] = []
        for backup in self.backups():
            with translated(backup), contextlib.closing(connected(backup, "mode=ro", "immutable=1")) as old:
                found.append(of(old))
        with self._lock, translated(self.path):
            found.append(of(self._db))
        return found


def _values(db: sqlite3.Connection, lost: Lost) -> dict[str, object]:
    """The values for the conditions in a database: the numbers of bands that go, and of those that are cut."""
    whole, cut = list[str](), list[str]()
    for mark, number, added in _bands(db):
        if mark == lost.mark:
            goes = lost.whole_at is not None and instant(added) <= lost.whole_at
            (whole if goes else cut).append(str(number))
    return {
        "whole": f"[{','.join(whole)}]",
        "cut": f"[{','.join(cut)}]",
        "start": seconds(lost.start or datetime.min.replace(tzinfo=UTC)),
        "end": seconds(lost.end or datetime.max.replace(tzinfo=UTC)),
    }


def _bands(db: sqlite3.Connection) -> list[tuple[str, int, int]]:
    """The mark, the number and the time of adding of each band in a database, whose schema may be an older one."""
    columns = {str(row[1]) for row in db.execute("PRAGMA table_info(bands)")}
    identity = "identity" if "identity" in columns else "upper(address)"
    rows = db.execute(f"SELECT driver, {identity}, id, added FROM bands WHERE NOT simulated").fetchall()
    return [
        (mark_of(str(driver), None if by is None else str(by)), number, added) for driver, by, number, added in rows
    ]


def _count(db: sqlite3.Connection, lost: Lost) -> tuple[int, bool]:
    """How many rows of a database are to be erased, and whether a band is."""
    tables = {str(name) for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    values = _values(db, lost)
    rows = sum(
        int(db.execute(f"SELECT count(*) FROM {table} WHERE {condition}", values).fetchone()[0])
        for table, condition in _COUNTED.items()
        if table in tables
    )
    return rows, values["whole"] != NONE

"""Days that were judged already: a cache beside the readings. Every row may be deleted at any time.

A row says which range of readings was loaded to judge its day. Whoever stores a reading in that range deletes the row,
so a row that is there is right. `hipsync/history/summaries.py` alone reads and fills the table.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Generator, Sequence
from datetime import datetime
from typing import NamedTuple

from hipsync.errors import StoreError
from hipsync.model import BandId
from hipsync.store.file import BUSY_S, OpenFile, instant, seconds
from hipsync.store.sense import SENSE

BEFORE_ALL_S, AFTER_ALL_S = -(2**62), 2**62
"""Seconds since 1970 that lie before and after every stored instant."""


class StoredDay(NamedTuple):
    """A row of the table `days`: a local day that was judged, and all that the judgement depends on."""

    start: datetime
    until: datetime
    """The first instant after the day."""
    zone: str
    """The zone in which the day began (an IANA name)."""
    only_band: BandId | None
    """The band whose readings alone were used; None for those of all bands."""
    judged_by: str
    """The rule, the bands and the version of the program, as text. A row with another text is not used."""
    loaded_from: datetime
    loaded_until: datetime
    """The readings that were looked at are those of `[loaded_from, loaded_until)`."""
    kinds: bytes
    facts: str


class Mark(NamedTuple):
    """A state of the file. While the mark stays the same, nobody has written to the file."""

    by_others: int
    by_us: int


class JudgedDays(OpenFile):
    """The table `days`."""

    def mark(self) -> Mark:
        """The present state of the file, to compare with a later mark."""
        ((by_others,),) = self._rows("PRAGMA data_version")
        return Mark(int(by_others), self._db.total_changes)

    def stored_days(
        self, start: datetime, until: datetime, only_band: BandId | None, judged_by: str
    ) -> list[StoredDay]:
        """The stored days that begin in `[start, until)` and have this `only_band` and `judged_by`."""
        rows = self._rows(
            "SELECT start, until, zone, loaded_from, loaded_until, kinds, facts FROM days"
            f" WHERE start >= ? AND start < ? AND of = ? AND judged_by = ? AND {SENSE['days']}",
            seconds(start), seconds(until), _of(only_band), judged_by,
        )  # fmt: skip
        return [
            StoredDay(instant(r[0]), instant(r[1]), r[2], only_band, judged_by, instant(r[3]), instant(r[4]), *r[5:])
            for r in rows
        ]

    def store_days(self, days: Sequence[StoredDay], mark: Mark) -> bool:
        """Store days that were judged since `mark`, and return True, unless the file was written to meanwhile.

        Return False if they were not stored, also if the file cannot be written or another program is writing to it.
        Nothing waits or raises then, because the days are simply judged again the next time.
        """
        try:
            with self._lock, self._without_waiting(), self.transaction() as db:
                if self.mark() != mark:
                    return False
                db.executemany(
                    "REPLACE INTO days VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    [
                        (
                            seconds(day.start), seconds(day.until), day.zone, _of(day.only_band), day.judged_by,
                            seconds(day.loaded_from), seconds(day.loaded_until), day.kinds, day.facts,
                        )
                        for day in days
                    ],
                )  # fmt: skip
        except StoreError as error:
            from logging import getLogger

            getLogger(__name__).debug("judged days were not stored: %s", error)
            return False
        return True

    @contextlib.contextmanager
    def _without_waiting(self) -> Generator[None, None, None]:
        """During the block, a database that another program has locked is an error at once, and is not waited for."""
        self._db.execute("PRAGMA busy_timeout = 0")
        try:
            yield
        finally:
            self._db.execute(f"PRAGMA busy_timeout = {int(BUSY_S * 1000)}")


def _of(only_band: BandId | None) -> str:
    """The value of the column `of`: the number of the only band, or `all`."""
    return "all" if only_band is None else str(only_band)


def drop_days(db: sqlite3.Connection, from_s: int, until_s: int) -> None:
    """Delete the judged days that used readings from the seconds `[from_s, until_s)` since 1970."""
    db.execute("DELETE FROM days WHERE loaded_from < ? AND loaded_until > ?", (until_s, from_s))


def drop_days_around(db: sqlite3.Connection, table: str, band: int, at_s: int) -> None:
    """Drop the judged days that a new reading can change: those from the reading before it to the one after it."""
    before, after = (
        f"SELECT {extreme}(at) FROM {table} WHERE band = ? AND at {side} ?"
        for extreme, side in (("max", "<"), ("min", ">"))
    )
    ((first,),) = db.execute(before, (band, at_s)).fetchall()
    ((last,),) = db.execute(after, (band, at_s)).fetchall()
    drop_days(db, BEFORE_ALL_S if first is None else first, AFTER_ALL_S if last is None else last + 1)

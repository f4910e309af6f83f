"""Days that were judged already: a cache beside the readings, of which every row may be deleted at any time.

A row says of which seconds anything was loaded to judge the day; whatever is written there deletes it. `review.py`
alone reads and fills it.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Generator, Sequence
from datetime import datetime
from typing import NamedTuple

from hipsync.errors import StoreError
from hipsync.store.file import BUSY_S, OpenFile, instant, seconds

log = logging.getLogger(__name__)

BEGAN, ENDS = -(2**62), 2**62
"""Seconds before and after all of time."""


class KeptDay(NamedTuple):
    """A day `[start, until)` in `zone`, of all bands or of one (`of`), and all that it was judged by (`judged_by`)."""

    start: datetime
    until: datetime
    zone: str
    of: str
    judged_by: str
    loaded_from: datetime
    loaded_until: datetime
    kinds: bytes
    facts: str


class Mark(NamedTuple):
    """As long as it stays the same, nobody has written to the file, neither others nor we."""

    by_others: int
    by_us: int


class Kept(OpenFile):
    """Table `days`."""

    def mark(self) -> Mark:
        ((by_others,),) = self._rows("PRAGMA data_version")
        return Mark(int(by_others), self._db.total_changes)

    def kept_days(self, start: datetime, until: datetime, of: str, judged_by: str) -> list[KeptDay]:
        """Those that begin in `[start, until)`."""
        rows = self._rows(
            "SELECT start, until, zone, of, judged_by, loaded_from, loaded_until, kinds, facts FROM days"
            " WHERE start >= ? AND start < ? AND of = ? AND judged_by = ?",
            seconds(start), seconds(until), of, judged_by,
        )  # fmt: skip
        return [
            KeptDay(instant(r[0]), instant(r[1]), r[2], r[3], r[4], instant(r[5]), instant(r[6]), r[7], r[8])
            for r in rows
        ]

    def keep_days(self, days: Sequence[KeptDay], mark: Mark) -> bool:
        """Keep days that were judged since `mark`, unless somebody wrote meanwhile.

        Whether it was done: a file that cannot be written, or is being written, is no trouble, and nobody waits for it.
        """
        try:
            with self._lock, self._in_no_hurry(), self.transaction() as db:
                if self.mark() != mark:
                    return False
                db.executemany(
                    "REPLACE INTO days VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    [
                        (
                            seconds(day.start), seconds(day.until), day.zone, day.of, day.judged_by,
                            seconds(day.loaded_from), seconds(day.loaded_until), day.kinds, day.facts,
                        )
                        for day in days
                    ],
                )  # fmt: skip
        except StoreError as error:
            log.debug("days were not kept: %s", error)
            return False
        return True

    @contextlib.contextmanager
    def _in_no_hurry(self) -> Generator[None, None, None]:
        self._db.execute("PRAGMA busy_timeout = 0")
        try:
            yield
        finally:
            self._db.execute(f"PRAGMA busy_timeout = {int(BUSY_S * 1000)}")


def drop_days(db: sqlite3.Connection, from_s: int, until_s: int) -> None:
    """Forget the days for which anything of the seconds `[from_s, until_s)` was loaded."""
    db.execute("DELETE FROM days WHERE loaded_from < ? AND loaded_until > ?", (until_s, from_s))

"""When the computer was used, idle or locked, in spans of whole minutes; and when its user stood at the desk.

Of a minute without a span nothing is known.
A span lies within one hour, so that a reader need not look far back, and grows minute by minute. Spans may overlap,
because an import brings those of another computer, or an older and shorter one of this computer. A minute is used if
any span says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from hipsync.model import DeskTime, Presence, PresenceSpan
from hipsync.store.file import OpenFile, instant, seconds
from hipsync.store.judged_days import AFTER_ALL_S, drop_days
from hipsync.store.sense import SENSE

HOUR_S = 3600
"""Seconds of the longest span."""


class Presences(OpenFile):
    """The tables `presence` and `desks`."""

    def presences(self, start: datetime, end: datetime) -> list[PresenceSpan]:
        """The spans that overlap `[start, end)`, in order of time."""
        rows = self._rows(
            "SELECT start, until, state FROM presence WHERE start > ? AND start < ? AND until > ?"
            f" AND {SENSE['presence']} ORDER BY start, until, state",
            seconds(start) - HOUR_S, seconds(end), seconds(start),
        )  # fmt: skip
        return [PresenceSpan(instant(first), instant(last), Presence(state)) for first, last, state in rows]

    def has_presence(self) -> bool:
        """Whether anything is known of the computer's use, at whatever time."""
        return bool(self._rows("SELECT EXISTS (SELECT 1 FROM presence)")[0][0])

    def add_presence(self, spans: Sequence[PresenceSpan]) -> None:
        """Store what is known of some minutes, in one transaction. Raises `StoreError`, and then nothing was stored.

        A span that goes on where a stored one of the same kind ends, within the same hour, lengthens that one.
        """
        with self.transaction() as db:
            for start_s, until_s, state in _by_hour(spans):
                grown = db.execute(
                    "UPDATE OR REPLACE presence SET until = ? WHERE until = ? AND state = ? AND start >= ?",
                    (until_s, start_s, state, start_s // HOUR_S * HOUR_S),
                ).rowcount
                if not grown:
                    db.execute("REPLACE INTO presence VALUES (?, ?, ?)", (start_s, until_s, state))
                drop_days(db, start_s, until_s)

    def desk_times(self, start: datetime, end: datetime) -> list[DeskTime]:
        """The times of standing at the desk that overlap `[start, end)`, in order of time."""
        rows = self._rows(
            f"SELECT at, until FROM desks WHERE at < ? AND until > ? AND {SENSE['desks']} ORDER BY at",
            seconds(end), seconds(start),
        )  # fmt: skip
        return [DeskTime(instant(at), instant(until)) for at, until in rows]

    def stand_at_desk(self, time: DeskTime) -> None:
        """Store that the user works standing for this time. One that runs, or lies ahead, ends where it begins.

        A time of no length ends the earlier one. Raises `StoreError`.
        """
        at_s, until_s = seconds(time.at), seconds(time.until)
        with self.transaction() as db:
            db.execute("DELETE FROM desks WHERE at >= ?", (at_s,))
            db.execute("UPDATE desks SET until = ? WHERE until > ?", (at_s, at_s))
            if until_s > at_s:
                db.execute("INSERT INTO desks VALUES (?, ?)", (at_s, until_s))
            drop_days(db, at_s, AFTER_ALL_S)


def _by_hour(spans: Sequence[PresenceSpan]) -> Iterator[tuple[int, int, str]]:
    """The spans as rows, cut where an hour of UTC begins."""
    for start, until, presence in spans:
        start_s, until_s = seconds(start), seconds(until)
        while start_s < until_s:
            end_s = min(until_s, start_s // HOUR_S * HOUR_S + HOUR_S)
            yield start_s, end_s, presence.value
            start_s = end_s

"""Local days in a stored history of zones: 23, 24 or 25 hours long, longer or shorter on a journey.

The history says from which instant on the host was in which zone; before its first entry the first one holds. Days
follow each other without gap or overlap: day D begins at the first instant at which the local date is D or later.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hipsync.model import ZoneChange

EVER = datetime.min.replace(tzinfo=UTC)
DAY = timedelta(days=1)


class Day(NamedTuple):
    """`[start, end)` in UTC, and the zone in which it began."""

    date: date
    start: datetime
    end: datetime
    zone: ZoneInfo


class Zones:
    """Which zone held when. `starts_at` is the local time at which the user's days begin."""

    def __init__(self, history: Sequence[ZoneChange], host: str, starts_at: time = time(0)) -> None:
        changes = sorted(history) or [ZoneChange(EVER, host)]
        self._periods = [(change.since, ZoneInfo(change.zone)) for change in changes]
        self._periods[0] = (EVER, self._periods[0][1])
        self._starts_at = starts_at

    def at(self, instant: datetime) -> ZoneInfo:
        return next(zone for since, zone in reversed(self._periods) if since <= instant)

    def local(self, instant: datetime) -> datetime:
        return instant.astimezone(self.at(instant))

    def date_of(self, instant: datetime) -> date:
        """The user's day in which an instant lies."""
        guess = self.local(instant).date() - DAY
        while self._start(guess + DAY) <= instant:
            guess += DAY
        return guess

    def day(self, day: date) -> Day:
        start = self._start(day)
        return Day(day, start, self._start(day + DAY), self.at(start))

    def _start(self, day: date) -> datetime:
        ends = [since for since, _ in self._periods[1:]]
        for (since, zone), end in zip(self._periods, [*ends, None], strict=True):
            begins = max(since, datetime.combine(day, self._starts_at, zone).astimezone(UTC))
            if end is None or begins < end:
                return begins
        raise AssertionError("the last period has no end")

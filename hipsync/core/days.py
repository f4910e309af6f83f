"""Local days of a person whose host has been in one time zone after another.

A stored history says from which instant on the host was in which zone; before its first entry, the zone of that entry
applies. Days follow each other without gap or overlap: day D begins at the first instant at which the local date is D
or later. They last 24 hours, or 23 or 25 when the clocks change, and can be shorter or longer on a journey.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hipsync.model import DAY, ZoneChange

BEGINNING_OF_TIME = datetime.min.replace(tzinfo=UTC)


class Day(NamedTuple):
    """A local day: `[start, end)` in UTC, and the zone in which it began."""

    date: date
    start: datetime
    end: datetime
    zone: ZoneInfo


class Zones:
    """Which time zone the host was in at which instant, and which local day an instant belongs to."""

    def __init__(self, history: Sequence[ZoneChange], host: str, starts_at: time = time(0)) -> None:
        """`host` (an IANA name) is the zone if there is no history; the user's days begin at local time `starts_at`."""
        changes = sorted(history) or [ZoneChange(BEGINNING_OF_TIME, host)]
        self._periods = [(change.since, ZoneInfo(change.zone)) for change in changes]
        self._periods[0] = (BEGINNING_OF_TIME, self._periods[0][1])
        self._starts_at = starts_at

    def at(self, instant: datetime) -> ZoneInfo:
        """The zone that the host was in at an instant."""
        for since, zone in reversed(self._periods):
            if since <= instant:
                return zone
        raise AssertionError("the first period begins with time")

    def local(self, instant: datetime) -> datetime:
        """An instant on the clock of the zone that the host was in then."""
        return instant.astimezone(self.at(instant))

    def date_of(self, instant: datetime) -> date:
        """The date of the user's day in which an instant lies."""
        guess = self.local(instant).date() - DAY
        while self._start(guess + DAY) <= instant:
            guess += DAY
        return guess

    def day(self, day: date) -> Day:
        """The user's day of this date."""
        start = self._start(day)
        return Day(day, start, self._start(day + DAY), self.at(start))

    def _start(self, day: date) -> datetime:
        ends = [since for since, _ in self._periods[1:]]
        for (since, zone), end in zip(self._periods, [*ends, None], strict=True):
            begins = max(since, datetime.combine(day, self._starts_at, zone).astimezone(UTC))
            if end is None or begins < end:
                return begins
        raise AssertionError("the last period has no end")

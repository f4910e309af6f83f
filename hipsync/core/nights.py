"""When a still person is most likely in bed: the hours of the night, usual ones or the wearer's own.

A band that reports neither sleep, wear nor heart rate cannot tell a night from an evening on the sofa. What helps is
the clock: when stillness begins at night, it counts as doubtful sooner. The wearer's own hours follow from the minutes
with steps of the last 14 days (docs/rule.md, "Wear and doubtful stillness"). A day lasts from 4:00 to 4:00 here, so
that a late evening is not the next morning. This module knows steps and clocks, and no timeline.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hipsync.core.days import Zones
from hipsync.model import DAY

DAY_BEGINS = timedelta(hours=4)
"""The local time, after midnight, at which a day begins for the hours of the night."""
OWN_DAYS, OWN_DAYS_ENOUGH = 14, 7
"""The wearer's own hours are those of this many days before, once there are steps on at least the second number."""


class NightHours(NamedTuple):
    """The hours of a night, in minutes after 4:00 local time.

    It is night from `begins` on until the day is over, and in the next day before `ends`.
    """

    begins: float
    ends: float


USUAL_NIGHT = NightHours(begins=18 * 60, ends=3 * 60)
"""From 22:00 to 7:00."""


class Nights:
    """Whether it is night in a minute, by the steps of the 14 days before it."""

    def __init__(self, steps: Sequence[int], first: int, zones: Zones) -> None:
        """`steps` are those of each minute from `first` on, counted from 1970-01-01 00:00 UTC."""
        self._steps, self._first, self._zones = steps, first, zones
        self._edges: dict[tuple[date, str], tuple[int, int] | None] = {}

    def contain(self, minute: int) -> bool:
        """Whether a minute, counted from 1970, lies in the night."""
        zone = _zone(minute, self._zones)
        day, after = _clock(minute, zone)
        before = [self._edges_of(day - (back + 1) * DAY, zone) for back in range(OWN_DAYS)]
        known = [each for each in before if each is not None]
        hours = USUAL_NIGHT
        if len(known) >= OWN_DAYS_ENOUGH:
            from statistics import median  # `hipsync today` waits for every import

            hours = NightHours(median(last for _, last in known), median(first for first, _ in known))
        return after >= hours.begins or after < hours.ends

    def _edges_of(self, day: date, zone: ZoneInfo) -> tuple[int, int] | None:
        """The first and the last minute with steps of a day, in minutes after 4:00 in this zone; None if it has none.

        None too for a day that begins before the steps do, because its first minute with steps is not known.
        """
        key = day, zone.key
        if key not in self._edges:
            start, end = _begins(day, zone) - self._first, _begins(day + DAY, zone) - self._first
            stepped = [at for at in range(start, min(end, len(self._steps))) if self._steps[at]] if start >= 0 else []
            self._edges[key] = (
                (_clock(self._first + stepped[0], zone)[1], _clock(self._first + stepped[-1], zone)[1])
                if stepped
                else None
            )
        return self._edges[key]


def needed_from(minute: int, zones: Zones) -> int:
    """The first minute whose steps decide whether a minute lies in the night; both are counted from 1970."""
    zone = _zone(minute, zones)
    return _begins(_clock(minute, zone)[0] - OWN_DAYS * DAY, zone)


def _zone(minute: int, zones: Zones) -> ZoneInfo:
    return zones.at(datetime.fromtimestamp(minute * 60, UTC))


def _clock(minute: int, zone: ZoneInfo) -> tuple[date, int]:
    """The day from 4:00 in which a minute lies, and how many minutes after 4:00 the clock shows."""
    wall = datetime.fromtimestamp(minute * 60, zone).replace(tzinfo=None) - DAY_BEGINS
    return wall.date(), wall.hour * 60 + wall.minute


def _begins(day: date, zone: ZoneInfo) -> int:
    """The minute in which a day begins, counted from 1970."""
    return int((datetime.combine(day, time(0)) + DAY_BEGINS).replace(tzinfo=zone).timestamp()) // 60

"""When hipsync set a band's clock, as its driver needs to know."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hipsync.driver import ClockSet


def clock_sets(infos: Iterable[datetime], zone_at: Callable[[datetime], ZoneInfo]) -> Sequence[ClockSet]:
    """Return when a band's clock was set, for `Session.clock_sets`: at the time of each `Info` that it has reported.

    `zone_at` returns the zone that the host was in at an instant.
    """
    sets: list[ClockSet] = []
    last: ClockSet | None = None
    for each in (ClockSet(at, zone_at(at)) for at in infos):
        if last is None or _setting(each) != _setting(last):
            sets += [each] if last is None or last is sets[-1] else [last, each]
        last = each
    return sets


def _setting(each: ClockSet) -> tuple[ZoneInfo, timedelta | None]:
    return each.zone, each.at.astimezone(each.zone).utcoffset()

"""How a band's counter of steps grew between its readings, whatever cleared it: its midnight, a restart, a fault.

A counter is a number of steps since some midnight, read at instants. It is cleared at the midnight of the band's clock,
which may be in another zone than its wearer, late, or never. The one rule: what may have been counted on another day,
or twice, is not counted; docs/rule.md, "Coarse and mixed data", has the reasons. It knows nothing of minutes but those
of `spread`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hipsync.core.days import Zones
from hipsync.model import MINUTE, STEPS_A_MINUTE, Counter, is_possible

SLOT_COUNTER_MINUTES = 15
SLOT_COUNTER = SLOT_COUNTER_MINUTES * MINUTE
"""Between counter readings further apart than this, minutes stay unknown and the steps count only for the day."""
CLOCKS_APART = timedelta(minutes=1)
"""How far a band's midnight may be from the host's, because a band's clock is set to whole seconds and then drifts."""
BY_NIGHT, BY_DAY, GET_UP_MINUTES = 100, 1000, 5 * 60
"""The most steps an hour, before five o'clock and after it, by which a count may be that of the new day.

A higher count after a gap over midnight, or at the first contact with a band, may be yesterday's, not yet cleared.
"""
HARDLY_GROWN = 100
"""A count that has grown by fewer steps than this over midnight was not cleared: no two days are so much alike."""


class Growth(NamedTuple):
    """The growth of a counter between two readings, with their times in seconds since 1970."""

    start_s: int
    end_s: int
    steps: int
    known: bool = True
    """Whether the time between is known; it is not if an impossible count was read in it."""


def before_first(counters: Sequence[Counter], zones: Zones) -> Iterator[Growth]:
    """The first count of a band, which was walked since midnight at unknown times.

    Nothing is yielded if it may be yesterday's. If the band reports epochs of that time too, these say more.
    """
    for reading in counters[:1]:
        clock = zones.at(reading.at)
        if _is_todays(reading, clock):
            end_s = _second(reading)
            yield Growth(midnight_s(end_s, clock), end_s, reading.steps, known=False)


def differences(counters: Sequence[Counter], zones: Zones) -> Iterator[Growth]:
    """The growth of a counter between neighbouring readings.

    A count that falls was reset in between, by midnight or by a restart, and the new count was walked since. Where
    midnight by the band's clock explains the fall, the time since is known, else not; what was walked before is lost
    with the old count.

    Nothing is yielded where it grows faster than `STEPS_A_MINUTE`. If it falls back to where it was, the counts in
    between were wrong, and what was walked meanwhile is yielded; if not, it has jumped and counts on from there.
    """
    right: Counter | None = None  # the reading before the counts that may be wrong
    for at, (before, after) in enumerate(pairwise(counters), 1):
        clock = zones.at(before.at)  # until the next contact the band's clock stays as this one has set it
        if right is not None and not _day(right, clock) == _day(before, clock) == _day(after, clock):
            right = None  # what was counted on another day says nothing of this one
        if right is not None and right.steps <= after.steps < before.steps:
            back = Growth(_second(right), _second(after), after.steps - right.steps, known=False)
            if _possible(back):
                right = None
                yield back
                continue
        fallen = after.steps < before.steps
        growth = _since_reset(counters, at, clock) if fallen else _risen(counters, at, clock)
        if growth is None:
            right = None
        elif not _possible(growth):
            right = right or before
        elif growth.end_s > growth.start_s:
            right = None if fallen else right
            yield growth


def _since_reset(counters: Sequence[Counter], at: int, clock: ZoneInfo) -> Growth | None:
    """The growth up to reading `at`, whose count is lower than the one before; None if the low count was wrong.

    It was if the next one is no lower than the one before, and too high to have been walked since.
    """
    before, after = counters[at - 1], counters[at]
    growth = Growth(_second(before), _second(after), after.steps)
    if (before.at - CLOCKS_APART).astimezone(clock).date() != (after.at + CLOCKS_APART).astimezone(clock).date():
        if _day(after, clock) != (after.at + CLOCKS_APART).astimezone(clock).date():
            return growth._replace(known=False)  # here midnight is still to come: all of this lies before it
        seen = after.at - before.at <= SLOT_COUNTER
        return growth._replace(start_s=max(growth.start_s, midnight_s(growth.end_s, clock)), known=seen)
    if at + 1 < len(counters) and counters[at + 1].steps >= before.steps:
        risen = counters[at + 1].steps - after.steps
        if not _possible(Growth(growth.end_s, _second(counters[at + 1]), risen)):
            return None
    return growth._replace(known=False)


def _risen(counters: Sequence[Counter], at: int, clock: ZoneInfo) -> Growth | None:
    """The growth up to reading `at`, whose count is no lower than the one before; None if its day is not known.

    After a long gap over midnight, the count may be the new day's, or still yesterday's (InfiniTime #1270, BangleApps
    #1216). It is yesterday's if it falls later that day, if it has hardly grown, or if hardly anybody has walked so
    much by that hour. If it falls later, its growth may have been walked on either day, and is not counted.
    """
    before, after = counters[at - 1], counters[at]
    growth = Growth(_second(before), _second(after), after.steps - before.steps)
    if after.at - before.at <= SLOT_COUNTER or _day(before, clock) == _day(after, clock):
        return growth
    if _falls(counters, at, clock):
        return None
    if growth.steps < HARDLY_GROWN or not _is_todays(after, clock):
        return growth
    return growth._replace(steps=after.steps)


def _falls(counters: Sequence[Counter], at: int, clock: ZoneInfo) -> bool:
    """Whether the count falls after reading `at` on the same day, and is not up again with the next reading."""
    for number in range(at, len(counters) - 1):
        before, after = counters[number], counters[number + 1]
        if _day(after, clock) != _day(counters[at], clock):
            return False
        if after.steps < before.steps and after.steps < counters[at].steps:
            return _since_reset(counters, number + 1, clock) is not None
    return False


def _is_todays(reading: Counter, clock: ZoneInfo) -> bool:
    """Whether a count can have been walked since midnight by somebody who is up from five o'clock on (`BY_NIGHT`)."""
    minutes = (_second(reading) - midnight_s(_second(reading), clock)) // 60
    most = BY_NIGHT * min(minutes, GET_UP_MINUTES) + BY_DAY * max(minutes - GET_UP_MINUTES, 0)
    return reading.steps * 60 <= most


def _day(reading: Counter, clock: ZoneInfo) -> date:
    return reading.at.astimezone(clock).date()


def midnight_s(instant_s: int, clock: ZoneInfo) -> int:
    """The last midnight of a clock at or before an instant, both in seconds since 1970."""
    local = datetime.fromtimestamp(instant_s, clock)
    return int(local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).timestamp())


def _second(reading: Counter) -> int:
    return int(reading.at.timestamp())


def _possible(growth: Growth) -> bool:
    """Whether somebody can have made these steps; a minute is added, because some bands count late."""
    if 0 <= growth.steps <= STEPS_A_MINUTE:  # nearly always, and then the time does not matter
        return True
    return is_possible(growth.steps, timedelta(minutes=-(-(growth.end_s - growth.start_s) // 60) + 1))


def spread(start_s: int, end_s: int, steps: int) -> list[tuple[int, int, int]]:
    """Steps of `[start_s, end_s)` shared out in proportion to time: (minute, steps, seconds) for each minute touched.

    Steps stay whole and add up to the sum: the minutes with the largest remainders get what rounding down left over.
    """
    if end_s <= start_s // 60 * 60 + 60:  # nearly always, and then there is nothing to share
        return [(start_s // 60, steps, end_s - start_s)]
    touched = range(start_s // 60, -(-end_s // 60))
    covered = [min(end_s, minute * 60 + 60) - max(start_s, minute * 60) for minute in touched]
    length_s = end_s - start_s
    shares = [steps * seconds // length_s for seconds in covered]
    if left := steps - sum(shares):
        by_remainder = sorted(range(len(shares)), key=lambda i: -(steps * covered[i] % length_s))
        for i in by_remainder[:left]:
            shares[i] += 1
    return list(zip(touched, shares, covered, strict=True))

"""When the walks, runs and visits to the gym that a person has planned begin, and whether one has begun already.

See docs/rule.md, "The warm-up before a plan".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

from hipsync.core.days import Zones
from hipsync.core.timeline import AWAKE, Timeline, minute_of
from hipsync.model import DAY, Plan

WARM_UP = timedelta(minutes=10)
"""How long before the start of a plan its warm-up is due."""
WALK_MINUTES, WALK_STEPS = 5, 60
"""A walk has begun after the first number of minutes in a row with at least the second number of steps each, which is a
slow walk: fewer are those of somebody who gets ready (docs/rule.md, "Words of the field")."""
DAYS_AHEAD = 14
"""How far ahead starts are looked for: with one left out, the next one of a plan is at most this many days away."""


def starts(plans: Sequence[Plan], zones: Zones, now: datetime) -> list[datetime]:
    """The starts of these plans later than `now` in the next two weeks, each once, in order of time, in UTC."""
    return sorted({start for plan in plans for _, start in _dated(plan, zones, now) if start > now})


def next_date(plan: Plan, zones: Zones, now: datetime) -> date | None:
    """The local date of the first start of a plan later than `now`; None if it has no days."""
    return min((day for day, start in _dated(plan, zones, now) if start > now), default=None)


def _dated(plan: Plan, zones: Zones, now: datetime) -> Iterator[tuple[date, datetime]]:
    """The local date and the start of a plan on each of its days from today on, but for the one left out.

    Clocks are those of the zone that the host is in at `now`. A time that they skip is as much later, and of one that
    comes twice the first is meant.
    """
    local = zones.local(now)
    for ahead in range(DAYS_AHEAD + 1):
        day = local.date() + ahead * DAY
        if day.weekday() in plan.days and day != plan.skipped:
            yield day, datetime.combine(day, plan.clock, local.tzinfo).astimezone(UTC)


def has_begun(line: Timeline, opens: datetime) -> bool:
    """Whether somebody has walked for `WALK_MINUTES` in a row that end after `opens` or less than that before it.

    Slots say nothing of single minutes, and so nothing of this.
    """
    first, walked = minute_of(opens) - WALK_MINUTES - line.first, 0
    for at in range(max(first - WALK_MINUTES + 1, 0), len(line.code)):
        walked = walked + 1 if line.code[at] == AWAKE and line.steps[at] >= WALK_STEPS else 0
        if at >= first and walked >= WALK_MINUTES:
            return True
    return False

"""Consecutive local days, and what they are together: a week, a month, or one day (`product.md` sections 3 and 4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from hipsync.core.bouts import usual_minutes
from hipsync.core.summary import KINDS, DaySummary, Minutes
from hipsync.model import Kind

HOUR = timedelta(hours=1)
AWAKE = (Kind.SITTING, Kind.UP, Kind.STANDING)
AWAKE_ENOUGH = 30
"""Known awake minutes from which on an hour counts as one in which somebody could have got up: half of it. With fewer,
most of the hour was slept, unworn or unknown, and that no break began in it says nothing."""

COMPARABLE = 24 * 60
"""Known awake minutes of a period below which it is not compared: three days of eight hours. With fewer, one odd day
decides."""


class PeriodSummary(NamedTuple):
    """Consecutive local days, and what they are together."""

    days: Sequence[DaySummary]
    """One each local date, in order, those without data included."""
    minutes: Minutes
    steps: int
    over_30: int
    over_limit: int
    longest_minutes: int
    breaks: int
    usual_stretch_minutes: int | None
    """W50 of all stretches that belong to these days, each once."""
    lengths: Sequence[int]
    """Whole lengths in minutes of the stretches that belong to these days, but not the doubtful ones."""
    hours_awake: int
    """Elapsed hours with at least `AWAKE_ENOUGH` known awake minutes."""
    hours_with_break: int
    """Of these, those in which a break began."""

    @property
    def awake(self) -> int:
        """Minutes known, worn and awake."""
        return awake_minutes(self.minutes)

    @property
    def complete_until(self) -> datetime | None:
        """End of the newest known minute; None if nothing is known."""
        return max((day.complete_until for day in self.days if day.complete_until), default=None)


class Rates(NamedTuple):
    """What a period was like for each hour known, worn and awake, so that periods known unequally compare."""

    awake: int
    """Minutes."""
    sitting_minutes: float
    breaks: float
    over_limit: float


class Change(NamedTuple):
    """A period beside the one before it."""

    now: Rates
    before: Rates


def period_summary(days: Sequence[DaySummary]) -> PeriodSummary:
    """Days in order, of one rule and the same bands, summed up. A stretch belongs to the day in which it ends."""
    lengths = [minutes for day in days for minutes in day.lengths]
    broken = [has_break for day in days for has_break in _awake_hours(day)]
    return PeriodSummary(
        days=days,
        minutes={kind: sum(day.minutes[kind] for day in days) for kind in KINDS},
        steps=sum(day.steps for day in days),
        over_30=sum(day.over_30 for day in days),
        over_limit=sum(day.over_limit for day in days),
        longest_minutes=max(lengths, default=0),
        breaks=sum(day.breaks for day in days),
        usual_stretch_minutes=usual_minutes(lengths),
        lengths=lengths,
        hours_awake=len(broken),
        hours_with_break=sum(broken),
    )


def change(period: PeriodSummary, before: PeriodSummary) -> Change | None:
    """How two periods compare; None if of one of them too little is known to tell."""
    if min(period.awake, before.awake) < COMPARABLE:
        return None
    return Change(_rates(period), _rates(before))


def _rates(period: PeriodSummary) -> Rates:
    hours = period.awake / 60
    sitting = period.minutes[Kind.SITTING] / hours
    return Rates(period.awake, sitting, period.breaks / hours, period.over_limit / hours)


def awake_minutes(minutes: Minutes) -> int:
    """Known, worn and awake: what sitting is a share of."""
    return sum(minutes[kind] for kind in AWAKE)


def _awake_hours(day: DaySummary) -> Iterator[bool]:
    """Of each elapsed hour that was awake enough, whether a break began in it."""
    for hour in day.hours:
        if awake_minutes(hour.minutes) >= AWAKE_ENOUGH:
            yield any(hour.start <= start < hour.start + HOUR for start in day.break_starts)

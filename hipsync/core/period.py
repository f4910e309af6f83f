"""Consecutive local days, summed up: a week, a month, or a single day.

It knows nothing of minutes and stretches beyond what each `DaySummary` holds. A stretch belongs to the day in which it
ends, so every stretch of a period counts once. Two periods are compared by the hour that was known, worn and awake,
because nobody wears a band equally long.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from hipsync.core.bouts import usual_minutes
from hipsync.core.summary import KINDS, DaySummary, Minutes
from hipsync.model import Kind

HOUR = timedelta(hours=1)
AWAKE_KINDS = (Kind.SITTING, Kind.UP, Kind.STANDING)
AWAKE_ENOUGH_MINUTES = 30
"""An hour with at least so many known awake minutes counts as one in which somebody could have got up. With fewer,
most of it was slept, unworn or unknown, and a missing break says nothing."""

COMPARABLE_MINUTES = 24 * 60
"""A period with fewer known awake minutes is not compared: it is three days of eight hours, and one odd day would
decide about less."""


class PeriodSummary(NamedTuple):
    """The numbers of consecutive local days taken together."""

    days: Sequence[DaySummary]
    """One for each local date, in order; days without data are there too."""
    minutes: Minutes
    steps: int
    over_30: int
    over_limit: int
    longest_minutes: int
    breaks: int
    usual_stretch_minutes: int | None
    """W50 of the stretches that belong to these days: half of the sitting time is in stretches up to this length."""
    lengths: Sequence[int]
    """Whole lengths in minutes of the stretches that belong to these days, without the doubtful ones."""
    hours_awake: int
    """How many hours have at least `AWAKE_ENOUGH_MINUTES` known awake minutes."""
    hours_with_break: int
    """In how many of `hours_awake` a break began."""

    @property
    def awake_minutes(self) -> int:
        """Minutes that are known, worn and awake."""
        return awake_minutes(self.minutes)

    @property
    def complete_until(self) -> datetime | None:
        """The end of the newest known minute; None if nothing is known."""
        return max((day.complete_until for day in self.days if day.complete_until), default=None)


class Rates(NamedTuple):
    """The numbers of a period for each of its hours that is known, worn and awake, so that periods can be compared."""

    awake_minutes: int
    """How many minutes of the whole period are known, worn and awake."""
    sitting_minutes: float
    """Minutes of sitting an hour."""
    breaks: float
    over_limit: float
    """Stretches an hour that reached the limit."""


class Change(NamedTuple):
    """A period beside the one before it."""

    now: Rates
    before: Rates


def period_summary(days: Sequence[DaySummary]) -> PeriodSummary:
    """Summed-up days, which are in order and were judged by one rule and from the same bands."""
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
    """How two periods compare; None if too little is known of one of them."""
    if min(period.awake_minutes, before.awake_minutes) < COMPARABLE_MINUTES:
        return None
    return Change(_rates(period), _rates(before))


def _rates(period: PeriodSummary) -> Rates:
    hours = period.awake_minutes / 60
    sitting = period.minutes[Kind.SITTING] / hours
    return Rates(period.awake_minutes, sitting, period.breaks / hours, period.over_limit / hours)


def awake_minutes(minutes: Minutes) -> int:
    """Minutes that are known, worn and awake: what sitting is a share of."""
    return sum(minutes[kind] for kind in AWAKE_KINDS)


def _awake_hours(day: DaySummary) -> Iterator[bool]:
    """For each hour of the day that was awake enough: whether a break began in it."""
    for hour in day.hours:
        if awake_minutes(hour.minutes) >= AWAKE_ENOUGH_MINUTES:
            yield any(hour.start <= start < hour.start + HOUR for start in day.break_starts)

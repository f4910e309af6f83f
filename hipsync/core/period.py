"""Consecutive local days, summed up: a week, a month, or a single day.

It knows nothing of minutes and stretches beyond what each `DaySummary` has. A stretch belongs to the day in which it
ends, so every stretch of a period counts once. Two periods are compared by their rates per hour
known, worn and awake, because nobody wears a band for equally long in both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from hipsync.core.bouts import usual_minutes
from hipsync.core.followed import follow_ups, share_of
from hipsync.core.shares import Share
from hipsync.core.summary import KINDS, DaySummary, Minutes
from hipsync.model import Kind

HOUR = timedelta(hours=1)
AWAKE_KINDS = (Kind.SITTING, Kind.UP, Kind.STANDING)
AWAKE_ENOUGH_MINUTES = 30
"""An hour with at least this many known awake minutes counts as one in which the wearer could have got up. A missing
break means nothing in an hour with fewer: most of it was slept, unworn or unknown."""

COMPARABLE_MINUTES = 24 * 60
"""A period with fewer known awake minutes than this is not compared with another. It is three days of eight hours: with
less, one odd day would decide the result."""


class PeriodSummary(NamedTuple):
    """The numbers of consecutive local days taken together."""

    days: Sequence[DaySummary]
    """One summary for each local date, in order, including days without data."""
    minutes: Minutes
    steps: int
    over_30: int
    over_limit: int
    longest_minutes: int
    breaks: int
    usual_stretch_minutes: int | None
    """W50 of the stretches that end in these days: half of the sitting time lies in stretches of this length or less.
    None if there are none."""
    lengths: Sequence[int]
    """The full lengths, in minutes, of the stretches that end in these days, without the doubtful ones."""
    hours_awake: int
    """How many hours have at least `AWAKE_ENOUGH_MINUTES` known awake minutes."""
    hours_with_break: int
    """How many of the `hours_awake` are hours in which a break began."""

    @property
    def awake_minutes(self) -> int:
        """Minutes that are known, worn and awake."""
        return awake_minutes(self.minutes)

    @property
    def followed(self) -> Share:
        """How many of the reminders were followed, of those of which it is known."""
        return share_of(list(follow_ups(self.days)))

    @property
    def complete_until(self) -> datetime | None:
        """The end of the newest known minute; None if nothing is known."""
        return max((day.complete_until for day in self.days if day.complete_until), default=None)


class Rates(NamedTuple):
    """A period's numbers per hour known, worn and awake, so that two periods can be compared."""

    awake_minutes: int
    """How many minutes of the whole period are known, worn and awake."""
    sitting_minutes: float
    """Minutes of sitting per hour."""
    breaks: float
    over_limit: float
    """Stretches per hour that reached the limit."""


class Change(NamedTuple):
    """The rates of a period beside those of the period before it."""

    now: Rates
    before: Rates


def period_summary(days: Sequence[DaySummary]) -> PeriodSummary:
    """The sum of these days, which must be in order, and judged by one rule and from the same bands."""
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
    """The rates of two periods side by side; None if either has under `COMPARABLE_MINUTES` of known awake time."""
    if min(period.awake_minutes, before.awake_minutes) < COMPARABLE_MINUTES:
        return None
    return Change(_rates(period), _rates(before))


def _rates(period: PeriodSummary) -> Rates:
    hours = period.awake_minutes / 60
    sitting = period.minutes[Kind.SITTING] / hours
    return Rates(period.awake_minutes, sitting, period.breaks / hours, period.over_limit / hours)


def awake_minutes(minutes: Minutes) -> int:
    """How many minutes are known, worn and awake. Sitting is shown as a share of these."""
    return sum(minutes[kind] for kind in AWAKE_KINDS)


def _awake_hours(day: DaySummary) -> Iterator[bool]:
    """For each hour with at least `AWAKE_ENOUGH_MINUTES` known awake minutes, whether a break began in it."""
    for hour in day.hours():
        if awake_minutes(hour.minutes) >= AWAKE_ENOUGH_MINUTES:
            yield any(hour.start <= each.start < hour.start + HOUR for each in day.each_break)

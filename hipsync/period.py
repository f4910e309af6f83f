"""Consecutive local days, and what they are together: a week, a month, or one day (`product.md` sections 3 and 4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import NamedTuple

from hipsync.bouts import usual_minutes
from hipsync.model import Kind
from hipsync.summary import KINDS, DaySummary, Minutes

HOUR = timedelta(hours=1)
AWAKE = (Kind.SITTING, Kind.UP, Kind.STANDING)
AWAKE_ENOUGH = 30
"""Known awake minutes from which on an hour counts as one in which somebody could have got up: half of it. With fewer,
most of the hour was slept, unworn or unknown, and that no break began in it says nothing."""


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


def awake_minutes(minutes: Minutes) -> int:
    """Known, worn and awake: what sitting is a share of."""
    return sum(minutes[kind] for kind in AWAKE)


def _awake_hours(day: DaySummary) -> Iterator[bool]:
    """Of each elapsed hour that was awake enough, whether a break began in it."""
    breaks = {(start - day.start) // HOUR for start in day.break_starts}
    for at, hour in enumerate(day.hours):
        if awake_minutes(hour.minutes) >= AWAKE_ENOUGH:
            yield at in breaks

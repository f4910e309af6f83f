"""A week or a month in words, one fact a line, for whoever listens to the text or searches in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Literal

from hipsync.core.period import PeriodSummary, awake_minutes
from hipsync.core.summary import KINDS, DaySummary
from hipsync.model import Kind
from hipsync.report.day_words import spells
from hipsync.report.pen import Pen
from hipsync.report.terminal_day import HINT, KIND_WORDS
from hipsync.report.terminal_month import month_numbers
from hipsync.report.terminal_week import coarse, compared, proposal, sources
from hipsync.text import counted, length

PeriodKind = Literal["week", "month"]
"""Which of the two a period is."""
WIDE = 1000


def period_facts(
    period: PeriodSummary, kind: PeriodKind, before: PeriodSummary | None = None, more: Sequence[Sequence[str]] = ()
) -> Iterator[str]:
    """The facts, in lines. `before` is the week before a week; `more` are groups of lines on what else was found."""
    first, last = period.days[0], period.days[-1]
    zones = ", ".join(dict.fromkeys(day.zone for day in period.days))
    start, end = (f"{day.date:%A} {day.date.day} {day.date:%B %Y}" for day in (first, last))
    yield f"{start} to {end}, {zones}"
    if known := sources(period, Pen(columns=WIDE)):
        yield known
    yield from coarse(period)
    if period.complete_until is None:
        yield f"no data for this {kind}"
        yield HINT
        return
    limit = last.limit_minutes
    for each in KINDS:
        share = f" of {length(period.awake_minutes)} awake" if each is Kind.SITTING and period.awake_minutes else ""
        yield f"{KIND_WORDS[each]}: {length(period.minutes[each])}{share}"
    yield f"steps: {period.steps:,}"
    yield f"spells over {limit} min: {period.over_limit}"
    yield f"spells of 30 min or more: {period.over_30}"
    yield f"breaks: {period.breaks}"
    if period.hours_awake:
        yield f"hours with a break: {period.hours_with_break} of {counted(period.hours_awake, 'hour')} awake"
    yield from (_fact(day, limit) for day in period.days if day.until > day.start)
    yield from (
        " ".join(line.split()) for line in (compared(period, before) if kind == "week" else month_numbers(period))
    )
    yield from proposal(period, before)
    yield from (line.strip() for line in chain.from_iterable(more))


def _fact(day: DaySummary, limit: int) -> str:
    name = f"{day.date:%A} {day.date.day} {day.date:%B}"
    if day.complete_until is None:
        return f"{name}: no data"
    if not awake_minutes(day.minutes):
        return f"{name}: no waking minutes, {day.steps:,} steps"
    return (
        f"{name}: {length(day.minutes[Kind.SITTING])} sitting of {length(awake_minutes(day.minutes))} awake, "
        f"{spells(day.over_limit)} over {limit} min, longest {length(day.longest_minutes)}, "
        f"{counted(day.breaks, 'break')}, {day.steps:,} steps"
    )

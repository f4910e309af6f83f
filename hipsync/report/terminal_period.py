"""A week or a month as text for a terminal: a strip for each day, totals, and what changed against the week before.

It counts nothing itself: all numbers come from `PeriodSummary`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import chain, groupby
from typing import Literal
from zoneinfo import ZoneInfo

from hipsync.core.followed import few_followed
from hipsync.core.period import COMPARABLE_MINUTES, PeriodSummary, awake_minutes, change
from hipsync.core.summary import KINDS, BandOfDay, DaySummary
from hipsync.model import Kind
from hipsync.report.by_clock import DAY_MINUTES, cells, clock, row_begins, row_minutes
from hipsync.report.terminal_day import (
    NARROWEST_COLUMNS,
    UNICODE_MARKS,
    UNWORN,
    WORDS,
    Marks,
    Style,
    bands_line,
    legend,
    marked,
    strip,
    totals,
)
from hipsync.text import length

PeriodKind = Literal["week", "month"]
"""Which of the two a period is: they have different headings and calendars."""
CELL_MINUTES = (10, 15, 20, 30)
"""How many minutes a character of a strip may stand for; the smallest number that fits is used. With 30, a line of a
week has 80 columns."""
LABEL, FIGURES = "  Mon 16 ", " sitting longest breaks"
"""The widest text before a strip, and the heading of the figures after it."""
FOLDED_DAYS = 3
"""This many or more days in a row without data share one line."""


def cell_minutes(row: int, columns: int) -> int:
    """How many minutes a character of a strip stands for, so that a row of that many minutes fits into `columns`."""
    room = columns - len(LABEL) - len(FIGURES)
    return next((cell for cell in CELL_MINUTES if row / cell <= room), CELL_MINUTES[-1])


def period_text(
    period: PeriodSummary,
    kind: PeriodKind,
    *,
    before: PeriodSummary | None = None,
    more: Sequence[Sequence[str]] = (),
    style: Style = "plain",
    marks: Marks = UNICODE_MARKS,
    columns: int = NARROWEST_COLUMNS,
) -> str:
    """The text of a week or month for a terminal with at least 80 `columns`; it ends with a line feed.

    `before` is the period to compare with; None for no comparison. `more` are groups of lines on what else was found.
    """
    lines = [*_head(period, kind)]
    if period.complete_until is None:
        return "\n".join([*lines, "", f"  {advice(period)}"]) + "\n"
    lines += ["", *_calendar(period, kind, style, marks, columns), ""]
    lines += [*totals(period.minutes, period.steps), "", *(f"  {line}" for line in _stretches(period))]
    lines += [f"  {line}" for line in _followed(period, before)]
    if before is not None:
        lines += ["", *(f"  {line}" for line in _change(period, before))]
    for group in more:
        lines += ["", *(f"  {line}" for line in group)]
    return "\n".join([*lines, "", f"  {advice(period)}"]) + "\n"


def period_facts(
    period: PeriodSummary, kind: PeriodKind, before: PeriodSummary | None = None, more: Sequence[Sequence[str]] = ()
) -> Iterator[str]:
    """The week or month in words, one fact per line, for whoever listens to the text or searches in it."""
    yield from _head(period, kind)
    for each in KINDS:
        yield f"{WORDS[each]}: {length(period.minutes[each])}"
    yield f"steps: {period.steps}"
    if period.complete_until is not None:
        yield from _stretches(period)
        yield from (line.strip() for line in _followed(period, before))
        for day in _begun(period):
            yield _fact(day)
        if before is not None:
            yield from (line.strip() for line in _change(period, before))
    yield from (line.strip() for line in chain.from_iterable(more))
    yield advice(period)


def _fact(day: DaySummary) -> str:
    name = f"{day.date:%A} {day.date.day} {day.date:%B}"
    if day.complete_until is None:
        return f"{name}: nothing is known"
    if not awake_minutes(day.minutes):
        return f"{name}: never worn and awake, steps {day.steps}"
    return (
        f"{name}: sitting {length(day.minutes[Kind.SITTING])} of {length(awake_minutes(day.minutes))} worn and awake, "
        f"longest stretch {length(day.longest_minutes)}, breaks {day.breaks}, steps {day.steps}"
    )


def _head(period: PeriodSummary, kind: PeriodKind) -> Iterator[str]:
    first, last = period.days[0], period.days[-1]
    name = f"{first.date:%B %Y}" if kind == "month" else f"Week of {_span(first.date, last.date)}"
    zones = list(dict.fromkeys(day.zone for day in period.days))
    yield f"{name} ({', then '.join(zones)}){_known(period, last)}"
    if bands := _bands(period):
        yield bands_line(bands)


def _known(period: PeriodSummary, last: DaySummary) -> str:
    until = period.complete_until
    if until is None:
        return ": nothing is known of it"
    if until == last.end:
        return ""
    day = next(day for day in reversed(period.days) if day.complete_until == until)
    time = "" if until == day.end else f" {until.astimezone(ZoneInfo(day.zone)):%H:%M}"
    return f", known up to {day.date:%a} {day.date.day} {day.date:%b}{time}"


def _span(first: date, last: date) -> str:
    same = first.strftime("%B %Y") == last.strftime("%B %Y")
    begin = f"{first.day}" if same else f"{first.day} {first:%B}"
    year = "" if first.year == last.year else f" {first.year}"
    return f"{begin}{year} to {last.day} {last:%B %Y}"


def _begun(period: PeriodSummary) -> Sequence[DaySummary]:
    """The days of a period that have begun."""
    return [day for day in period.days if day.until > day.start]


def _bands(period: PeriodSummary) -> list[BandOfDay]:
    """The bands that have data for these days, each once, with its coarsest resolution on any of them."""
    found: dict[str, BandOfDay] = {}
    for band in (band for day in period.days for band in day.bands):
        earlier = found.get(band.name)
        if earlier is None or earlier.resolution_minutes < band.resolution_minutes:
            found[band.name] = band
    return list(found.values())


def _calendar(period: PeriodSummary, kind: PeriodKind, style: Style, marks: Marks, columns: int) -> Iterator[str]:
    begins = row_begins(period.days)
    row = row_minutes(period.days, begins)
    cell = cell_minutes(row, columns)
    width = -(-row // cell)
    long = width > DAY_MINUTES // cell and columns < NARROWEST_COLUMNS + 2  # 25 hours take the place of the margin
    margin = "" if long else "  "
    head = marked((clock(begins, at) for at in range(0, row - 59, 3 * 60)), cell)
    yield f"{margin}       {head:<{width}}{FIGURES}"
    strips = {day.date: cells(day, begins, cell) for day in period.days}
    for known, group in groupby(_begun(period), key=lambda day: day.complete_until is not None):
        run = list(group)
        if not known and len(run) >= FOLDED_DAYS:
            if kind == "month" and run[0].date.weekday() == 0 and run[0].date.day > 1:
                yield ""
            yield f"{margin}{_label(run[0].date)} to {_label(run[-1].date)}: nothing is known"
            continue
        for each in run:
            if kind == "month" and each.date.weekday() == 0 and each.date.day > 1:
                yield ""
            yield f"{margin}{_label(each.date)} {_row(each, strips[each.date], width, style, marks)}"
    yield ""
    yield f"{margin}       {legend(chain.from_iterable(strips.values()), style, marks)}"


def _label(day: date) -> str:
    return f"{day:%a} {day.day:>2}"


def _row(day: DaySummary, drawn_cells: Sequence[bytes], width: int, style: Style, marks: Marks) -> str:
    drawn = strip(drawn_cells, style, marks) + " " * (width - len(drawn_cells))
    if not awake_minutes(day.minutes):
        return f"{drawn} {'-':>7} {'-':>7} {'-':>6}"
    sitting, longest = length(day.minutes[Kind.SITTING]), length(day.longest_minutes) if day.longest_minutes else "-"
    return f"{drawn} {sitting:>7} {longest:>7} {day.breaks:>6}"


def _stretches(period: PeriodSummary) -> Iterator[str]:
    limit = period.days[-1].limit_minutes
    long = f"{period.over_30} of 30 min or more, {period.over_limit} of {limit} or more"
    yield f"stretches: {long}; breaks: {period.breaks}"
    if period.usual_stretch_minutes is not None:
        day = next(day for day in period.days if day.longest_minutes == period.longest_minutes)
        when = f"{day.date:%a} {day.date.day} {day.date:%b}"
        yield f"longest stretch: {length(period.longest_minutes)}, on {when}"
        usual = length(period.usual_stretch_minutes)
        yield f"usual stretch: {usual} (half of the sitting was in stretches up to this long)"
    if period.hours_awake:
        share = period.hours_with_break * 100 // period.hours_awake
        yield (
            f"hours with a break: {period.hours_with_break} of {period.hours_awake} hours worn and awake ({share} %)"
        )


def _followed(period: PeriodSummary, before: PeriodSummary | None) -> Iterator[str]:
    """How many reminders were followed; in the first week in which few were, what could be changed."""
    followed = period.followed
    if not followed.of:
        return
    yield f"reminders followed: {followed.hits} of {followed.of}"
    if before is not None and few_followed(followed) and not few_followed(before.followed):
        yield "  that is few: other hours may suit you better (`hipsync config set prompts.hours ...`),"
        yield "  or another limit (`hipsync config set sitting.limit 45m`); `hipsync why` says when few were"


def _change(period: PeriodSummary, before: PeriodSummary) -> Iterator[str]:
    name = f"the week before ({_span(before.days[0].date, before.days[-1].date)})"
    compared = change(period, before)
    if compared is None:
        yield f"{name}: too little is known to compare"
        known = f"{length(period.awake_minutes)} worn and awake now, {length(before.awake_minutes)} before"
        yield f"  ({known}; {COMPARABLE_MINUTES // 60} h each are needed)"
        return
    now, then = compared
    yield f"against {name}, in each hour worn and awake:"
    sat, sat_before = round(now.sitting_minutes), round(then.sitting_minutes)
    yield f"  sitting  {sat} min, before {sat_before} min: {_difference(sat - sat_before)}"
    yield f"  breaks   {now.breaks:.1f}, before {then.breaks:.1f}"
    yield f"  (known: {length(now.awake_minutes)} now, {length(then.awake_minutes)} before)"


def _difference(minutes: int) -> str:
    if not minutes:
        return "the same"
    return f"{abs(minutes)} min {'more' if minutes > 0 else 'less'}"


def advice(period: PeriodSummary) -> str:
    """One sentence for the person on what to do next, by what the period shows."""
    limit = period.days[-1].limit_minutes
    if period.complete_until is None:
        return "`hipsync sync` fetches data from a band, `hipsync import csv` from a file."
    if not period.awake_minutes:
        return UNWORN
    if period.over_limit:
        ending = "es" if period.over_limit > 1 else ""
        return f"{period.over_limit} stretch{ending} reached {limit} min: get up before that and extend your hips."
    return f"No stretch reached {limit} min. Keep it so: hips like to be extended often."

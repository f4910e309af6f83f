"""The pages of a week and of a month: their days, their hours, their spells, and what changed."""

# A line of HTML is one line.
# ruff: noqa: E501

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from html import escape
from itertools import groupby
from typing import NamedTuple

from hipsync.core.period import PeriodSummary, awake_minutes
from hipsync.core.ribbon import Shade, plain_ribbon
from hipsync.core.summary import KINDS, DaySummary
from hipsync.model import Kind
from hipsync.report import day_words as words
from hipsync.report.by_clock import cells, clock, places, row_begins, row_minutes
from hipsync.report.exercise_words import short_exercise_name
from hipsync.report.page.day import HINT, OVER, cards
from hipsync.report.page.parts import (
    CLASSES,
    HEIGHTS,
    bar,
    chart,
    day_name,
    folded_table,
    html_table,
    key,
    percent,
    section,
    side_by_side,
    svg,
)
from hipsync.report.pen import GLYPHS
from hipsync.report.terminal_day import KIND_WORDS, SHADE_WORDS
from hipsync.report.terminal_month import month_headline, month_numbers
from hipsync.report.terminal_week import coarse, compared_rows, notes, proposal, too_little, waking_hour, week_headline
from hipsync.text import counted, length

RIBBON_MINUTES, RIBBON_WIDTH, NARROW_WIDTH, RIBBON_HEIGHT = 20, 600, 300, 26
LISTED_SPELLS = 5
BIN_EDGES = (8, 15, 30, 45, 60, 90, 120)
"""Lengths in minutes at which the bars of the chart begin; the last bar is for all longer spells."""
HATCH = {
    kind: f'<defs><pattern id="hatch-{kind}" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="hatch" d="M0 0V6"/></pattern></defs>'
    for kind in ("wide", "narrow")
}
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MOST_BARS = 4
"""A day with this many spells over the limit, or more, has the highest bar of a calendar."""


def week_body(week: PeriodSummary, before: PeriodSummary | None, more: str, *, linked: bool) -> str:
    """The page of a week from its numbers on; `more` is HTML that goes at its end, `linked` that days are links."""
    if week.complete_until is None:
        return f'<p class="lead">No data for this week.</p><p>{HINT}</p>'
    told = [week_headline(week, before), *coarse(week), *notes(week), *(_joined(proposal(week, before)))]
    return "\n".join(
        (
            *(f'<p class="lead">{escape(line)}</p>' for line in told),
            _cards(week),
            section("week", "Each day", ribbons(week, linked=linked)),
            section("heat", "Sitting by hour", _heat(week)),
            side_by_side(_compared(week, before), _longest(week)),
            side_by_side(_lengths(week), _lists(week)),
            more,
        )
    )


def month_body(month: PeriodSummary, more: str, *, linked: bool) -> str:
    """The page of a month, with the same arguments."""
    if month.complete_until is None:
        return f'<p class="lead">No data for this month.</p><p>{HINT}</p>'
    told = [month_headline(month), *coarse(month)]
    numbers = "".join(f"<p>{escape(line)}</p>" for line in month_numbers(month))
    return "\n".join(
        (
            *(f'<p class="lead">{escape(line)}</p>' for line in told),
            _cards(month),
            section("month", "Each day", _calendar(month, linked=linked)),
            section("numbers", "In numbers", numbers),
            section("heat", "Sitting by hour", _heat(month)),
            side_by_side(_lengths(month), _longest(month)),
            more,
            _lists(month),
        )
    )


def _joined(lines: Iterator[str]) -> list[str]:
    """Lines that were broken for a terminal, as one; a command is in backticks there, and here too."""
    text = " ".join(lines)
    return [text] if text else []


def _cards(period: PeriodSummary) -> str:
    known = [day for day in period.days if awake_minutes(day.minutes)]
    if not known:
        return ""
    days, awake = len(known), period.awake_minutes
    limit = period.days[-1].limit_minutes
    sat = period.minutes[Kind.SITTING]
    long = f"longest {length(period.longest_minutes)}" if period.longest_minutes else ""
    hours = f"{percent(period.hours_with_break, period.hours_awake)} of hours with one"
    return cards(
        [
            ("Sitting a day", length(sat // days), f"{percent(sat, awake)} of {length(awake // days)} awake"),
            (f"Over {limit} min", words.spells(period.over_limit), long),
            ("Breaks a day", f"{round(period.breaks / days)}", hours),
            ("Steps a day", f"{period.steps // days:,}", f"{days} of {len(period.days)} days with data"),
        ]
    )


# ------------------------------------------------------------------ days


def ribbons(week: PeriodSummary, *, linked: bool, table: str = "days-table") -> str:
    """The days of a week below each other, with the numbers of each, a legend and a table, which has the id `table`."""
    begins = row_begins(week.days)
    row, first = row_minutes(week.days, begins), waking_hour(week, begins) * 60
    scale = RIBBON_WIDTH / (row - first)
    axes = _axis("wide", begins, first, row, 120, RIBBON_WIDTH) + _axis("narrow", begins, first, row, 240, NARROW_WIDTH)
    head = (
        f"<span></span>{axes}"
        '<span class="numbers heads soft" aria-hidden="true"><span>sat</span><span>over</span><span>breaks</span></span>'
    )
    seen: set[Shade | None] = set()
    rows: list[str] = []
    for day in week.days:
        drawn: list[Shade | None] = []
        if day.complete_until is not None:
            drawn = plain_ribbon(day, places(day, begins, RIBBON_MINUTES))[first // RIBBON_MINUTES :]
            seen.update(drawn)
        rows.append(_label(day, linked=linked) + _day_ribbon(day, drawn, scale) + _numbers(day))
    named = {**SHADE_WORDS, Shade.PAST: f"past {week.days[-1].limit_minutes} min"}
    legend = "".join(key(shade, named[shade]) for shade in GLYPHS if shade in seen and shade is not Shade.NO_DATA)
    return (
        f'<div class="week">{head}{"".join(rows)}</div><ul class="legend soft">{legend}</ul>{_days_table(week, table)}'
    )


def _axis(kind: str, begins: timedelta, first: int, row: int, step: int, width: int) -> str:
    """The hours above the ribbons, for a screen or for a phone."""
    scale = width / (row - first)
    marks = "".join(
        f'<text x="{(at - first) * scale:.1f}" y="12">{clock(begins, at).removesuffix(":00")}</text>'
        for at in range(first, row, step)
    )
    return f'<svg class="{kind}" viewBox="0 0 {width} 16" aria-hidden="true">{marks}</svg>'


def _label(day: DaySummary, *, linked: bool) -> str:
    name = f"{day.date:%a} {day.date.day}"
    if not linked or day.until == day.start:
        return f'<span class="label">{name}</span>'
    return f'<a class="label" href="../day/{day.date.isoformat()}" data-soft>{name}</a>'


def _day_ribbon(day: DaySummary, drawn: Sequence[Shade | None], scale: float) -> str:
    parts: list[str] = []
    at = 0.0
    for shade, group in groupby(drawn):
        wide = len(list(group)) * RIBBON_MINUTES * scale
        if shade is not None and shade is not Shade.NO_DATA:
            parts.append(bar(CLASSES[shade], at, wide - 0.6, RIBBON_HEIGHT - 1, HEIGHTS[shade] * (RIBBON_HEIGHT - 2)))
        at += wide
    parts.append(f'<path class="grid" d="M0 {RIBBON_HEIGHT - 0.5}H{RIBBON_WIDTH}"/>')
    told = f"{day.date:%A}: {_told(day)}"
    return svg("strip", RIBBON_WIDTH, RIBBON_HEIGHT, told, "".join(parts)).replace(
        ">", ' preserveAspectRatio="none">', 1
    )


def _told(day: DaySummary) -> str:
    """A day in a few words."""
    if day.until == day.start:
        return "still to come"
    if not awake_minutes(day.minutes):
        return "no data"
    over = f"{words.spells(day.over_limit)} over {day.limit_minutes} min"
    return f"{length(day.minutes[Kind.SITTING])} sitting, {over}, {counted(day.breaks, 'break')}"


def _numbers(day: DaySummary) -> str:
    if day.until == day.start:
        return '<span class="numbers"></span>'
    if not awake_minutes(day.minutes):
        return '<span class="numbers"><span>-</span><span>-</span><span>-</span></span>'
    sat = length(day.minutes[Kind.SITTING])
    return (
        f'<span class="numbers"><span>{sat}<span class="only-narrow"> sitting</span></span>'
        f'<span>{day.over_limit}<span class="only-narrow"> over</span></span>'
        f'<span>{day.breaks}<span class="only-narrow"> {"break" if day.breaks == 1 else "breaks"}</span></span></span>'
    )


def _calendar(month: PeriodSummary, *, linked: bool) -> str:
    heads = "".join(f'<span class="weekday" aria-hidden="true">{name}</span>' for name in WEEKDAYS)
    blank = "<span></span>" * month.days[0].date.weekday()
    days = "".join(_calendar_day(day, linked=linked) for day in month.days)
    limit = month.days[-1].limit_minutes
    note = f'<p class="soft">The higher the bar, the more spells passed {limit} min; blue is none. ? is no data.</p>'
    return f'<div class="calendar">{heads}{blank}{days}</div>{note}{_days_table(month, "days-table")}'


def _calendar_day(day: DaySummary, *, linked: bool) -> str:
    number = day.date.day
    name = f"{day.date:%A} {number} {day.date:%B}: {_told(day)}"
    if day.until == day.start:
        return f'<span class="future" aria-label="{name}" role="img">{number}</span>'
    if awake_minutes(day.minutes):
        over = min(day.over_limit, MOST_BARS)
        drawn = bar("past" if over else "up", 0, 40, 22, 4 + over * 4.5)
        word = f"{day.over_limit} over" if day.over_limit else "none"
        inner = f'{number}<svg viewBox="0 0 40 22" preserveAspectRatio="none" aria-hidden="true">{drawn}</svg><span class="soft">{word}</span>'
    else:
        inner = f"{number}<br>?"
    if not linked:
        return f'<span class="past-day" aria-label="{name}" role="img">{inner}</span>'
    return f'<a class="past-day" href="../day/{day.date.isoformat()}" aria-label="{name}" data-soft>{inner}</a>'


def _days_table(period: PeriodSummary, name: str) -> str:
    kinds = [kind for kind in KINDS if period.minutes[kind]]
    heads = ("day", *(KIND_WORDS[kind] for kind in kinds), "longest", "over", "breaks", "steps")
    rows = [
        [
            day_name(day),
            *(length(day.minutes[kind]) if day.minutes[kind] else "" for kind in kinds),
            length(day.longest_minutes) if day.longest_minutes else "",
            *(f"{number:,}" for number in (day.over_limit, day.breaks, day.steps)),
        ]
        if day.complete_until is not None
        else [day_name(day), *["-"] * (len(kinds) + 4)]
        for day in period.days
        if day.until > day.start
    ]
    return folded_table(name, "The days as a table", heads, rows)


# ------------------------------------------------------------------ hours


class _Size(NamedTuple):
    """How large the chart of hours is, in SVG units."""

    kind: str
    left: float
    width: float
    row: float
    every: int
    """Of how many hours one is named; where each is, cells have numbers in them too."""


WIDE_HEAT, NARROW_HEAT = _Size("wide", 52, 700, 24, 1), _Size("narrow", 52, 362, 18, 3)
HEAT_DESC = "A row a day, a cell an hour: minutes of sitting, darker for more; hatched where most of the hour has no data or the band was off; empty where it was slept. As a table below."


class _Cell(NamedTuple):
    """What the chart of hours shows of one hour."""

    shade: str
    """The class: how much of the hour was spent sitting, or why there is no number; empty if there is no such hour."""
    minutes: str
    """Minutes of sitting; empty for an hour that was mostly slept, not worn or without data."""


def _heat(period: PeriodSummary) -> str:
    """The minutes of sitting in each hour of each day, from the first hour on in which anybody is awake."""
    begins = row_begins(period.days)
    first = waking_hour(period, begins)
    known = [day for day in period.days if day.complete_until is not None]
    rows = [[_cell(cell) for cell in cells(day, begins, 60)][first:] for day in known]
    columns = max(24 - first, *map(len, rows))
    names = [f"{day.date:%a} {day.date.day}" for day in known]
    heads = [clock(begins, 60 * (first + at)).removesuffix(":00") for at in range(columns)]
    picture = "".join(_heat_svg(size, names, rows, heads) for size in (WIDE_HEAT, NARROW_HEAT))
    table = folded_table(
        "heat-table",
        "Minutes of sitting by hour, as a table",
        ("day", *heads),
        [
            [name, *(cell.minutes for cell in row), *[""] * (columns - len(row))]
            for name, row in zip(names, rows, strict=True)
        ],
    )
    return f'<p class="soft">Minutes of sitting in each hour. Empty: asleep. Hatched: no data, or the band was off.</p>{picture}{table}'


def _cell(kinds: bytes) -> _Cell:
    minutes = {kind: kinds.count(code) for code, kind in enumerate(KINDS)}
    missing, total = minutes[Kind.UNKNOWN] + minutes[Kind.NOT_WORN], len(kinds)
    if not total:
        return _Cell("", "")
    if missing * 2 > total:
        return _Cell("unseen", "")
    if minutes[Kind.ASLEEP] * 2 > total:
        return _Cell("slept", "")
    sitting = minutes[Kind.SITTING]
    return _Cell(f"sat{min(sitting // 15, 3)}", str(sitting))


def _heat_svg(size: _Size, names: Sequence[str], rows: Sequence[Sequence[_Cell]], heads: Sequence[str]) -> str:
    width = (size.width - size.left) / len(heads)
    drawn = [
        f'<text class="middle" x="{size.left + (at + 0.5) * width:.1f}" y="14">{heads[at]}</text>'
        for at in range(0, len(heads), size.every)
    ]
    for number, (name, row) in enumerate(zip(names, rows, strict=True)):
        y = 22 + size.row * number
        drawn.append(f'<text class="end" x="{size.left - 8:g}" y="{y + size.row - 6:g}">{name}</text>')
        for at, (shade, minutes) in enumerate(row):
            if not shade:
                continue
            x = size.left + at * width
            drawn.append(
                f'<rect class="{shade}" x="{x + 0.5:.1f}" y="{y + 0.5:g}" width="{width - 1:.1f}" height="{size.row - 1:g}"/>'
            )
            if minutes and size.every == 1:
                drawn.append(
                    f'<text class="middle {shade}" x="{x + width / 2:.1f}" y="{y + size.row - 7:g}">{minutes}</text>'
                )
    return svg(f"heat {size.kind}", size.width, 22 + size.row * len(rows), HEAT_DESC, HATCH[size.kind] + "".join(drawn))


# ------------------------------------------------------------------ spells


class Bin(NamedTuple):
    """The spells of `[low, high)` minutes: how many there are, and the time in all of them."""

    low: int
    high: int | None
    """None if the bin has no upper end."""
    spells: int
    minutes: int

    @property
    def label(self) -> str:
        """The lengths in the bin as people read them: `60 to 89`, `120 and more`."""
        return f"{self.low} and more" if self.high is None else f"{self.low} to {self.high - 1}"


def binned(lengths: Sequence[int]) -> Sequence[Bin]:
    """Lengths of spells in minutes, sorted into the bins of the chart; those below the first edge are left out."""
    bins: list[Bin] = []
    for low, high in zip(BIN_EDGES, [*BIN_EDGES[1:], None], strict=True):
        inside = [minutes for minutes in lengths if low <= minutes and (high is None or minutes < high)]
        bins.append(Bin(low, high, len(inside), sum(inside)))
    return bins


def _lengths(period: PeriodSummary) -> str:
    """How long the spells were: a bar for each range of lengths, and a table."""
    bins = binned(period.lengths)
    most = max(each.spells for each in bins)
    if not most:
        return ""
    width, bottom, limit = 362 / len(bins), 110, period.days[-1].limit_minutes
    drawn = [f'<path class="grid" d="M0 {bottom}h362"/>']
    for number, each in enumerate(bins):
        x, tall = number * width, 84 * each.spells / most
        told = f"{each.label} min: {counted(each.spells, 'spell')}, {length(each.minutes)} in all"
        if each.spells:
            kind = "past" if each.low >= limit else "sitting"
            drawn.append(bar(kind, x + 5, width - 10, bottom, tall, told))
            drawn.append(
                f'<text class="middle strong" x="{x + width / 2:.1f}" y="{bottom - tall - 5:.1f}">{each.spells}</text>'
            )
        drawn.append(
            f'<text class="middle" x="{x + width / 2:.1f}" y="{bottom + 16}">{each.low}{"+" if each.high is None else ""}</text>'
        )
    described = "Spells by their length in minutes: " + ", ".join(
        f"{each.spells} of {each.label}" for each in bins if each.spells
    )
    table = folded_table(
        "lengths-table",
        "Lengths as a table",
        ("minutes", "spells", "time in them"),
        [[each.label, f"{each.spells:,}", length(each.minutes)] for each in bins],
    )
    typical = period.usual_stretch_minutes
    half = (
        f'<p class="soft">Typical spell {length(typical)}: half of your sitting is in spells up to this long.</p>'
        if typical
        else ""
    )
    picture = chart("lengths", described, svg("", 362, bottom + 22, described, "".join(drawn)))
    return section(
        "lengths",
        "Length of sitting spells",
        f'{picture}<output aria-live="polite" class="soft"></output>{half}{table}',
    )


def _longest(period: PeriodSummary) -> str:
    """The longest pieces of spells in these days, without those in which the band may have been off."""
    pieces = [(piece, day) for day in period.days for piece in day.stretches if not piece.doubtful]
    found = sorted(pieces, key=lambda pair: -pair[0].minutes)[:LISTED_SPELLS]
    if not found:
        return ""
    items = "".join(
        f"<li><b>{length(piece.minutes)}</b><span>{day.date:%a} {day.date.day}, {words.span(day, piece)}</span>{OVER if words.is_over(day, piece) else ''}</li>"
        for piece, day in found
    )
    return section("longest", "Longest sitting spells", f'<ol class="list">{items}</ol>')


# ------------------------------------------------------------------ what changed, what came


def _compared(week: PeriodSummary, before: PeriodSummary | None) -> str:
    rows = [[escape(cell) for cell in row] for row in compared_rows(week, before)]
    if not rows:
        return ""
    table = html_table("Compared with last week", ("", "this week", "compared with last week"), rows)
    note = f'<p class="soft">{escape(too_little(week, before))}</p>' if too_little(week, before) else ""
    return section("compared", "Compared with last week", f'<div class="words">{table}</div>{note}')


def _lists(period: PeriodSummary) -> str:
    """Every reminder and every exercise of the days, each list folded."""
    reminders = [
        [_when(day, each.prompt.at), escape(words.what_for(each.prompt)), escape(words.answer(day, each))]
        for day in period.days
        for each in day.prompts
    ]
    done = [(each, day) for day in period.days for each in day.exercises]
    exercises = [
        [_when(day, each.at), escape(short_exercise_name(each.name)), "it hurt" if each.hurt else ""]
        for each, day in done
    ]
    parts: list[str] = []
    if reminders:
        parts.append(
            folded_table(
                "every-reminder",
                f"{counted(len(reminders), 'reminder').capitalize()}",
                ("when", "what for", "what came of it"),
                reminders,
            )
        )
    if exercises:
        counts = Counter(short_exercise_name(each.name) for each, _ in done)
        most = ", ".join(f"{name} {count}" for name, count in counts.most_common(3))
        parts.append(
            folded_table(
                "every-exercise",
                f"{counted(len(exercises), 'exercise').capitalize()} ({most})",
                ("when", "exercise", ""),
                exercises,
            )
        )
    return section("lists", "Reminders and exercises", "".join(parts)) if parts else ""


def _when(day: DaySummary, at: datetime) -> str:
    return f"{day_name(day)} {words.clock(day, at)}"


def days_title(period: PeriodSummary) -> str:
    """The name of some days: "Monday 16 to Sunday 22 November 2026"."""
    first, last = period.days[0].date, period.days[-1].date
    end = f"{last:%A} {last.day} {last:%B %Y}"
    if first == last:
        return end
    start = f"{first:%A} {first.day}"
    if (first.year, first.month) != (last.year, last.month):
        start += f" {first:%B}" + (f" {first:%Y}" if first.year != last.year else "")
    return f"{start} to {end}"


def zones_of(days: Sequence[DaySummary]) -> str:
    """The names of the zones in which these days are told, each once."""
    return ", ".join(dict.fromkeys(day.zone for day in days))

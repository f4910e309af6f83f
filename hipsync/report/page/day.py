"""The page of a day: how it went in a line, four numbers, the ribbon, the hours, spells, reminders and the last days."""

# A line of HTML is one line.
# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from hipsync.core.goals import Goals
from hipsync.core.period import awake_minutes
from hipsync.core.ribbon import Shade, shades
from hipsync.core.summary import DaySummary
from hipsync.model import Kind
from hipsync.report import day_words as words
from hipsync.report.by_clock import clock, places, row_begins
from hipsync.report.exercise_words import short_exercise_name
from hipsync.report.page.parts import bar, chart, folded_table, section, side_by_side, svg
from hipsync.report.page.ribbon import ribbon_section
from hipsync.report.terminal_day import LONGEST_BAR
from hipsync.text import counted, length

LISTED_SPELLS, LISTED_REMINDERS, EARLIEST_HOUR = 5, 8, 6
HOUR_HEIGHT, CHART_WIDTH = 60, 362
OVER = '<span class="tag">over</span>'
HINT = (
    "<code>hipsync sync</code> fetches what a band remembers; one without a memory is seen only while hipsync runs. "
    "<code>hipsync import</code> reads a file."
)


def day_body(day: DaySummary, goals: Goals, last_days: Sequence[DaySummary] = (), *, told: bool = True) -> str:
    """The page of a day from its numbers on, as HTML.

    `last_days` are days up to this one or around it, to which there are links. `told` says that the headline is to be
    said: where the clock of `hipsync web` stands above, it says that already.
    """
    head = f'<p class="lead">{escape(words.headline(day))}</p>' if told else ""
    if day.complete_until is None:
        return f"{head}<p>{HINT}</p>"
    notes = [words.long_day(day), *(words.slots(band, day.steps) for band in day.bands)]
    return "\n".join(
        (
            head,
            *(f'<p class="lead">{escape(note)}</p>' for note in notes if note),
            f'<div id="cards" data-live="yes">{_cards(day, goals)}</div>',
            section("day", "Your day", ribbon_section(day)),
            side_by_side(section("hours", "Hour by hour", _hours(day)), _longest(day)),
            side_by_side(_reminders(day), _last_days(last_days, day)),
            _exercises(day),
        )
    )


def _cards(day: DaySummary, goals: Goals) -> str:
    awake, sat = awake_minutes(day.minutes), day.minutes[Kind.SITTING]
    share = f"{sat * 100 // awake} % of {length(awake)} awake" if awake else words.NOTHING_AWAKE
    over = words.spells(day.over_limit) if awake else "-"
    longest = f"longest {length(day.longest_minutes)}" if day.longest_minutes else ""
    goal = goals.breaks
    breaks = f"{day.breaks} of {goal}" if goal and day.breaks <= goal else f"{day.breaks}"
    until = day.complete_until
    end = f"up to {words.clock(day, until)}" if until is not None and until < day.end else ""
    return cards(
        [
            ("Sitting", length(sat) if awake else "-", share),
            (f"Over {day.limit_minutes} min", over.capitalize() if not day.over_limit else over, longest),
            ("Breaks", breaks if awake else "-", _goal(day.breaks, goal) if awake else ""),
            ("Steps", f"{day.steps:,}", end),
        ]
    )


def cards(entries: Sequence[tuple[str, str, str]]) -> str:
    """Numbers as cards: what each is, the number, and a line or picture below it, which is HTML."""
    return '<dl class="cards">' + "".join(
        f'<div><dt>{name}</dt><dd><b>{value}</b><span class="soft">{more}</span></dd></div>' for name, value, more in entries
    ) + "</dl>"  # fmt: skip


def _goal(breaks: int, goal: int | None) -> str:
    if not goal or goal > LONGEST_BAR:
        return "" if not goal else f"goal {goal}"
    width = 100 / goal
    boxes = "".join(
        f'<rect class="{"done" if at < breaks else "open"}" x="{at * width + 1:.1f}" y="1" width="{width - 2:.1f}" height="8" rx="1"/>'
        for at in range(goal)
    )
    return f'<svg class="goal" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">{boxes}</svg>'


class _Hour(NamedTuple):
    """What an hour of the clock had."""

    name: str
    under: int
    """Minutes of sitting within the limit."""
    past: int
    """Minutes of sitting past the limit."""
    up: int
    has_break: bool


def _each_hour(day: DaySummary) -> list[_Hour]:
    begins, codes = row_begins([day]), shades(day)
    starts = {(each.start - day.start).total_seconds() // 60 for each in day.each_break}
    return [
        _Hour(
            clock(begins, number * 60).removesuffix(":00"),
            sum(codes[at] == Shade.SITTING for at in cell),
            sum(codes[at] == Shade.PAST for at in cell),
            sum(codes[at] in {Shade.UP, Shade.STANDING} for at in cell),
            any(at in starts for at in cell),
        )
        for number, cell in enumerate(places(day, begins, 60))
    ]


def _hours(day: DaySummary) -> str:
    """A bar for the sitting of each hour, with a dot below an hour in which a break began."""
    every = _each_hour(day)
    lived = [at for at, hour in enumerate(every) if hour.under or hour.past or hour.up]
    if not lived:
        return f"<p>{words.NOTHING_AWAKE}</p>"
    first = min(lived[0], EARLIEST_HOUR)
    count = max(24 - first, len(every) - first)
    width, bottom = (CHART_WIDTH - 2) / count, HOUR_HEIGHT + 24
    drawn = [
        f'<path class="limit" d="M0 24h{CHART_WIDTH - 2}"/><text x="1" y="20">60 min</text>',
        f'<path class="grid" d="M0 {bottom}h{CHART_WIDTH - 2}"/>',
    ]
    for number in range(count):
        x = number * width
        if number % 3 == 0:
            name = f"{(int(every[0].name[:2]) + first + number) % 24:02}"
            drawn.append(f'<text class="middle" x="{x + width / 2:.1f}" y="{bottom + 26}">{name}</text>')
        if first + number >= len(every):
            continue
        hour = every[first + number]
        told = _hour_told(hour)
        if hour.under:
            drawn.append(bar("sitting", x + 1.5, width - 3, bottom, hour.under, told))
        if hour.past:
            drawn.append(bar("past", x + 1.5, width - 3, bottom - hour.under, hour.past, told))
        if hour.has_break:
            drawn.append(f'<circle class="up" data-t="{told}" cx="{x + width / 2:.1f}" cy="{bottom + 9}" r="3.6"/>')
    breaks = sum(hour.has_break for hour in every)
    described = "Minutes of sitting in each hour, with a dot under an hour in which a break began. As a table below."
    rows = [
        [
            f"{hour.name}:00" if ":" not in hour.name else hour.name,
            f"{hour.under + hour.past}",
            f"{hour.up}",
            "yes" if hour.has_break else "",
        ]
        for hour in every
        if hour.under or hour.past or hour.up
    ]
    return (
        f"{chart('hours', described, svg('', CHART_WIDTH, bottom + 30, described, ''.join(drawn)))}"
        f'<output aria-live="polite" class="soft">A dot marks an hour in which a break began: {breaks} of {len(lived)}.</output>'
        f"{folded_table('hours-table', 'Hours as a table', ('hour', 'sitting, min', 'up, min', 'a break'), rows)}"
    )


def _hour_told(hour: _Hour) -> str:
    at = hour.name if ":" in hour.name else f"{hour.name}:00"
    parts = [f"{at}: {hour.under + hour.past} min sitting"]
    if hour.past:
        parts.append(f"{hour.past} past the limit")
    if hour.has_break:
        parts.append("a break")
    return ", ".join(parts)


def _longest(day: DaySummary) -> str:
    found = words.longest(day, LISTED_SPELLS)
    left_out = words.left_out(day)
    if not found and not left_out:
        return ""
    items = "".join(
        f"<li><b>{length(piece.minutes)}</b><span>{words.span(day, piece)}</span>{OVER if words.is_over(day, piece) else ''}</li>"
        for piece in found
    )
    note = f'<p class="soft">{escape(left_out)}</p>' if left_out else ""
    return section("longest", "Longest sitting spells", f'<ol class="list">{items}</ol>{note}')


def _reminders(day: DaySummary) -> str:
    if not day.prompts:
        return ""
    opened = words.open_prompt(day)
    items = "".join(
        f"<li><b>{words.clock(day, each.prompt.at)}</b><span>{escape(words.opening(words.what_for(each.prompt)))}</span>"
        f'<span class="{"open" if each.prompt == opened else "came"}">{escape(words.answer(day, each))}</span></li>'
        for each in day.prompts[-LISTED_REMINDERS:]
    )
    more = len(day.prompts) - LISTED_REMINDERS
    note = f'<p class="soft">{counted(more, "earlier one")}: <code>hipsync reminders</code></p>' if more > 0 else ""
    return section("reminders", "Reminders", f'<ul class="list">{items}</ul>{note}')


def _last_days(days: Sequence[DaySummary], shown: DaySummary) -> str:
    """A bar for the sitting of each of some days, with its spells over the limit on top; each leads to its day."""
    known = [day for day in days if awake_minutes(day.minutes)]
    if not known:
        return ""
    links = "".join(_day_link(day, is_current=day.date == shown.date) for day in days)
    good = sum(not day.over_limit for day in known)
    limit = shown.limit_minutes
    note = f"Blue: no spell over {limit} min, on {good} of {counted(len(known), 'day')}."
    return section(
        "last-days", "Last days", f'<nav class="days" aria-label="Last days">{links}</nav><p class="soft">{note}</p>'
    )


def _day_link(day: DaySummary, *, is_current: bool) -> str:
    sat, over = day.minutes[Kind.SITTING], day.over_limit
    height, tall = min(sat / 60 * 4.5, 64), min(over * 4, 18)
    if awake_minutes(day.minutes):
        told = f"{length(sat)} sitting, {words.spells(over)} over {day.limit_minutes} min"
        drawn = bar("up" if not over else "sitting", 4, 12, 84, height)
        drawn += bar("past", 4, 12, 83 - height, tall) if over else ""
    else:
        told, drawn = "no data", '<text class="middle" x="10" y="80">?</text>'
    current = ' aria-current="page"' if is_current else ""
    name = f"{day.date:%A} {day.date.day} {day.date:%B}: {told}"
    letter = f"{day.date:%a}"[0]
    return (
        f'<a href="../day/{day.date.isoformat()}"{current} data-soft title="{name}" aria-label="{name}">'
        f'<svg viewBox="0 0 20 84" preserveAspectRatio="none" aria-hidden="true">{drawn}</svg>'
        f"{letter}<br>{day.date.day}</a>"
    )


def _exercises(day: DaySummary) -> str:
    if not day.exercises:
        return ""
    items = "".join(
        f"<li><b>{words.clock(day, each.at)}</b><span>{escape(words.opening(short_exercise_name(each.name)))}</span>"
        f'<span class="came">{"it hurt" if each.hurt else ""}</span></li>'
        for each in day.exercises
    )
    return section("done", "Exercises", f'<ul class="list">{items}</ul>')

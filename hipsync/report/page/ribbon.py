"""The ribbon of a day on the page: the cells of `day_ribbon`, each run of one shade as a bar that says what it was."""

# A line of HTML is one line.
# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hipsync.core.ribbon import ON_FEET, Shade
from hipsync.core.summary import DaySummary, Piece, PromptOutcome
from hipsync.model import MINUTE
from hipsync.report import day_words as words
from hipsync.report.by_clock import clock
from hipsync.report.day_ribbon import CELL_MINUTES, CELLS_PER_HOUR, DayRibbon, day_ribbon
from hipsync.report.page.parts import CLASSES, HEIGHTS, bar, chart, folded_table, key, svg
from hipsync.report.pen import GLYPHS
from hipsync.report.terminal_day import SHADE_WORDS
from hipsync.text import length

HOURS_PER_ROW = 6
WIDE, NARROW = 940, 362
"""The widths of the two pictures, in SVG units: for a screen, and for a phone."""
HINT = "Tap or point at the day for times; arrow keys work too."
SAT = frozenset({Shade.SITTING, Shade.PAST})


class Part(NamedTuple):
    """Consecutive cells `[first, last)` in one shade, and of one spell if it is sitting."""

    first: int
    last: int
    shade: Shade
    told: str


def ribbon_section(day: DaySummary) -> str:
    """The ribbon, as one row on a screen and in rows of six hours on a phone, with its legend and a table."""
    found = day_ribbon(day, HOURS_PER_ROW)
    rows = [(row.first, row.last) for row in found.rows if not row.words]
    if not rows:
        return "".join(f"<p>{row.words.capitalize()}.</p>" for row in found.rows)
    parts = list(_parts(day, found))
    described = f"{words.title(day)}. {words.headline(day)} The table below has every time."
    per_row = HOURS_PER_ROW * CELLS_PER_HOUR
    first, last = rows[0][0], rows[-1][0] + per_row
    row = _Row(first, last, 1, WIDE - 2, 24, 66)
    wide = svg("wide", WIDE, 112, described, _row(day, found, parts, row))
    tall = "".join(
        _row(day, found, parts, _Row(at, at + per_row, 1, NARROW - 2, 20 + 92 * number, 50))
        for number, (at, _) in enumerate(rows)
    )
    narrow = svg("narrow", NARROW, 92 * len(rows), described, tall)
    folded = "; ".join(row.words for row in found.rows if row.words)
    quiet = f'<p class="soft">{folded[:1].upper()}{folded[1:]}.</p>' if folded else ""
    return (
        f"{chart('ribbon', described, wide + narrow)}"
        f'<output aria-live="polite" class="soft">{HINT}</output>'
        f'<ul class="legend soft">{_legend(day, found)}</ul>'
        f"{quiet}{_table(parts)}"
    )


class _Row(NamedTuple):
    """Which cells `[first, last)` are drawn where, in SVG units."""

    first: int
    last: int
    left: float
    width: float
    top: float
    height: float

    def x(self, cell: float) -> float:
        return self.left + (cell - self.first) * self.width / (self.last - self.first)


def _row(day: DaySummary, found: DayRibbon, parts: Sequence[Part], row: _Row) -> str:
    bottom = row.top + row.height
    drawn = [*_hours(found, row), f'<path class="grid" d="M{row.left:g} {bottom:g}h{row.width:g}"/>']
    for part in parts:
        first, last = max(part.first, row.first), min(part.last, row.last)
        if first < last and part.shade is not Shade.NO_DATA:
            gap = 1.0 if part.shade in SAT else 0.4
            left, right = row.x(first) + gap / 2, row.x(last) - gap / 2
            drawn.append(
                bar(CLASSES[part.shade], left, right - left, bottom, HEIGHTS[part.shade] * row.height, part.told)
            )
    for cell, outcome in found.reminders.items():
        if row.first <= cell < row.last:
            drawn.append(_triangle(row.x(cell + 0.5), bottom + 5, words.got_up(outcome), _reminder(day, outcome)))
    if day.until < day.end and row.first < len(found.cells) <= row.last:
        x = row.x(len(found.cells))
        end = x > row.left + row.width - 30
        drawn.append(
            f'<path class="nowline" d="M{x:.1f} {row.top - 10:g}V{bottom + 4:g}"/><text class="strong{" end" if end else ""}" x="{x + (-4 if end else 4):.1f}" y="{row.top + 12:g}">now</text>'
        )
    return "".join(drawn)


def _hours(found: DayRibbon, row: _Row) -> Iterator[str]:
    now = len(found.cells)
    for cell in range(row.first, row.last + 1, CELLS_PER_HOUR):
        x = row.x(cell)
        yield f'<path class="grid" d="M{x:.1f} {row.top - 3:g}V{row.top + row.height:g}"/>'
        if cell < row.last and not 0 <= now - cell < 3:
            hour = clock(found.begins, cell * CELL_MINUTES).removesuffix(":00")
            yield f'<text x="{x + 3:.1f}" y="{row.top - 6:g}">{hour}</text>'


def _triangle(x: float, top: float, filled: bool, told: str) -> str:
    kind = "got-up" if filled else "reminded"
    return f'<path class="{kind}" data-t="{told}" d="M{x:.1f} {top:.1f}l6 10h-12z"/>'


def _reminder(day: DaySummary, outcome: PromptOutcome) -> str:
    at, name = words.clock(day, outcome.prompt.at), words.what_for(outcome.prompt)
    return escape(f"{at} reminder, {name}: {words.answer(day, outcome)}", quote=True)


def _legend(day: DaySummary, found: DayRibbon) -> str:
    seen = {*found.drawn} - {Shade.NO_DATA, None}
    named = {**SHADE_WORDS, Shade.PAST: f"past {day.limit_minutes} min"}
    entries = [key(shade, named[shade]) for shade in GLYPHS if shade in seen]
    for filled, label in ((True, "reminder that got you up"), (False, "reminder")):
        if any(words.got_up(each) is filled for each in found.reminders.values()):
            kind = "got-up" if filled else "reminded"
            entries.append(
                f'<li><svg viewBox="0 0 18 14" aria-hidden="true"><path class="{kind}" d="M9 2l6 10h-12z"/></svg>{label}</li>'
            )
    return "".join(entries)


def _parts(day: DaySummary, found: DayRibbon) -> Iterator[Part]:
    """The ribbon as runs of cells: two spells are two, even where nothing that is drawn lies between them."""
    at = 0
    keys = [(shade, _piece_in(day, found.cells[cell], shade)) for cell, shade in enumerate(found.drawn)]
    for (shade, piece), group in groupby(keys):
        first, at = at, at + len(list(group))
        if shade is not None:
            minutes = [minute for cell in found.cells[first:at] for minute in cell]
            yield Part(first, at, shade, _told(day, shade, piece, minutes))


def _piece_in(day: DaySummary, minutes: Sequence[int], shade: Shade | None) -> Piece | None:
    """The spell that some sitting minutes belong to; None for others, and for sitting too short to be one."""
    if shade not in SAT or not minutes:
        return None
    start, end = day.start + minutes[0] * MINUTE, day.start + (minutes[-1] + 1) * MINUTE
    return next((piece for piece in day.stretches if piece.start < end and start < piece.end), None)


def _told(day: DaySummary, shade: Shade, piece: Piece | None, minutes: Sequence[int]) -> str:
    if piece is not None:
        doubt = "; the band may have been off" if piece.doubtful else ""
        whole = (piece.whole or piece).minutes
        past = f", {length(whole - day.limit_minutes)} past the limit" if words.is_over(day, piece) else ""
        return f"{words.span(day, piece)}: sitting, {length(piece.minutes)}{past if not doubt else ''}{doubt}"
    first, last = _reach(day, shade, minutes)
    zone = ZoneInfo(day.zone)
    start, end = ((day.start + at * MINUTE).astimezone(zone) for at in (first, last))
    until = "now" if last == len(day.kinds) and day.until < day.end else f"{end:%H:%M}"
    what = "up and about" if shade is Shade.UP else SHADE_WORDS[shade]
    return f"{start:%H:%M}-{until}: {what}, {length(last - first)}"


def _reach(day: DaySummary, shade: Shade, minutes: Sequence[int]) -> tuple[int, int]:
    """How far the minutes of a shade really go that some cells show: `[first, last)` since the day's start."""
    same = ON_FEET if shade in ON_FEET else frozenset({shade})
    inside = [at for at in minutes if day.kinds[at] in same]
    if not inside:
        return minutes[0], minutes[-1] + 1
    first, last = inside[0], inside[-1] + 1
    while first > 0 and day.kinds[first - 1] in same:
        first -= 1
    while last < len(day.kinds) and day.kinds[last] in same:
        last += 1
    return first, last


def _table(parts: Sequence[Part]) -> str:
    """What the ribbon shows, in words: a row for each bar; the two shades of one spell are one row."""
    told = list(dict.fromkeys(part.told for part in parts))
    rows = [[when, what] for when, what in (each.split(": ", 1) for each in told)]
    return folded_table("ribbon-table", "The day as a table", ("when", "what"), rows)

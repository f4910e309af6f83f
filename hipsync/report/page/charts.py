"""The four charts of the page, each an SVG with its numbers in a table beside it.

A chart is made in three steps: numbers are taken from the summary, then placed, then written as SVG. The charts do not
judge anything: every number is in `DaySummary` or `PeriodSummary` already, or is a count of what these list.
"""

# A line of HTML is one line.
# ruff: noqa: E501

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from html import escape
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hipsync.core.period import PeriodSummary
from hipsync.core.summary import KINDS, DaySummary, PromptOutcome
from hipsync.model import MINUTE, Answer, Kind
from hipsync.report.by_clock import cells, clock, row_begins, row_minutes, runs
from hipsync.report.page.parts import LEFT, ROW, WIDTH, day_name, folded_table, html_table, many, svg
from hipsync.report.terminal_day import KIND_WORDS
from hipsync.text import length

PLOT = WIDTH - LEFT - 4
"""Width of a chart between its row labels and its right edge, in SVG units."""

HEIGHTS: Mapping[Kind, float] = {
    Kind.SITTING: 1.0,
    Kind.UP: 0.7,
    Kind.STANDING: 0.5,
    Kind.ASLEEP: 0.3,
    Kind.NOT_WORN: 0.12,
    Kind.UNKNOWN: 0.0,
}
"""Share of a strip's height that each kind of minute fills, so that a strip can be read without colours."""
STRIPS_DESC = "A row a day, from {begins} on by the clock: an hour that the clocks skip is empty, one that comes twice is drawn at half its width. The higher the bar, the stiller the hour: sitting is highest, then up and about, standing, asleep, not worn; nothing where it is unknown."


def strips(period: PeriodSummary) -> str:
    """HTML of the days as strips, one for each day, with a legend and a table of each day's numbers."""
    kinds = [kind for kind in KINDS if period.minutes[kind]]
    heading = "The day" if len(period.days) == 1 else "The days"
    return (
        f"<section><h2>{heading}</h2>{_strips_svg(period.days)}"
        f'<ul class="legend">{_legend(kinds)}</ul>{_days_table(period.days, kinds)}</section>'
    )


def _strips_svg(days: Sequence[DaySummary]) -> str:
    begins = row_begins(days)
    row = row_minutes(days, begins)
    minute_width = PLOT / row
    height = 24 + ROW * len(days)
    axis = [
        f'<text x="{LEFT + at * minute_width:.1f}" y="14" class="axis">{clock(begins, at)}</text>'
        f'<path d="M{LEFT + at * minute_width:.1f} 20V{height}" class="grid"/>'
        for at in range(0, row, 3 * 60)
    ]
    rows = [_strip(day, begins, 24 + ROW * number, minute_width) for number, day in enumerate(days)]
    described = STRIPS_DESC.format(begins=clock(begins, 0))
    return svg("strips", "The days, minute by minute", described, height, "".join([*axis, *rows]))


def _strip(day: DaySummary, begins: timedelta, y: float, minute_width: float) -> str:
    """The SVG of one day's row. Each kind is a single path, so that the page of a month stays small."""
    paths: dict[Kind, list[str]] = {}
    placed = runs(day, begins)
    for span in day.spans():
        first, last = (span.start - day.start) // MINUTE, (span.end - day.start) // MINUTE
        for x, width in filter(None, (run.place(first, last) for run in placed)):
            bar = _bar(LEFT + x * minute_width, width * minute_width, y, ROW - 8, HEIGHTS[span.kind])
            paths.setdefault(span.kind, []).append(bar)
    bars = "".join(f'<path class="{_class(kind)}" d="{"".join(parts)}"/>' for kind, parts in paths.items())
    label = f'<text x="{LEFT - 8}" y="{y + 16}" class="row">{day_name(day)}</text>'
    return f'{label}<path class="base" d="M{LEFT} {y + ROW - 7.5}H{WIDTH - 4}"/>{bars}'


def _legend(kinds: Sequence[Kind]) -> str:
    return "".join(
        f'<li><svg class="key" viewBox="0 0 16 16" aria-hidden="true"><path class="{_class(kind)}" '
        f'd="{_bar(0, 16, 0, 16, HEIGHTS[kind])}"/></svg>{KIND_WORDS[kind]}</li>'
        for kind in kinds
    )


def _days_table(days: Sequence[DaySummary], kinds: Sequence[Kind]) -> str:
    heads = ("day", *(KIND_WORDS[kind] for kind in kinds), "longest", "30 min +", "limit +", "breaks", "steps")
    rows = [
        [
            day_name(day),
            *(length(day.minutes[kind]) if day.minutes[kind] else "" for kind in kinds),
            length(day.longest_minutes) if day.longest_minutes else "",
            *(f"{number:,}" for number in (day.over_30, day.over_limit, day.breaks, day.steps)),
        ]
        for day in days
    ]
    return html_table("The days in numbers", heads, rows)


def _class(kind: Kind) -> str:
    return f"kind-{kind.value.replace('_', '-')}"


def _bar(x: float, width: float, y: float, height: float, share: float) -> str:
    """A path that fills `share` of a box from its bottom; never so low that it cannot be seen."""
    tall = max(height * share, 0.6)
    return f"M{x:.1f} {y + height - tall:.1f}h{width:.1f}v{tall:.1f}h{-width:.1f}z"


CELL = 24
"""Height of an hour's cell, in SVG units."""
HOURS_DESC = "A row a day, a cell an hour of the clock: minutes of sitting, darker for more; hatched where most of the hour is unknown or the band was not worn; empty where it was slept."
HATCH = '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="hatch-line" d="M0 0V6"/></pattern></defs>'


class _HourCell(NamedTuple):
    """What the chart of hours shows of one hour."""

    shade: str
    """The CSS class: how much of the hour was spent sitting, or why that is not known; empty if there is no such hour."""
    minutes: str
    """Minutes of sitting; empty for an hour that was mostly slept, unworn or unknown."""


def hours(period: PeriodSummary) -> str:
    """HTML of the minutes of sitting, with a cell for each hour; empty for a single day, whose strip shows them."""
    if len(period.days) == 1:
        return ""
    begins = row_begins(period.days)
    rows = [[_hour_cell(cell) for cell in cells(day, begins, 60)] for day in period.days]
    columns = max(24, *map(len, rows))
    names = [day_name(day) for day in period.days]
    heads = [clock(begins, 60 * at).removesuffix(":00") for at in range(columns)]
    table = folded_table(
        "Minutes of sitting, by hour",
        ("day", *heads),
        [
            [name, *(cell.minutes for cell in row), *[""] * (columns - len(row))]
            for name, row in zip(names, rows, strict=True)
        ],
    )
    read = "<p>Minutes of sitting in each hour. Empty: asleep. Hatched: unknown, or the band was not worn.</p>"
    return f"<section><h2>Which hours</h2>{read}{_hours_svg(names, rows, heads)}{table}</section>"


def _hour_cell(kinds: bytes) -> _HourCell:
    minutes = {kind: kinds.count(code) for code, kind in enumerate(KINDS)}
    unknown = minutes[Kind.UNKNOWN] + minutes[Kind.NOT_WORN]
    total = len(kinds)
    if not total:
        return _HourCell("", "")
    if unknown * 2 > total:
        return _HourCell("unseen", "")
    if minutes[Kind.ASLEEP] * 2 > total:
        return _HourCell("slept", "")
    sitting = minutes[Kind.SITTING]
    return _HourCell(f"sat{min(sitting // 15, 3)}", str(sitting))


def _hours_svg(names: Sequence[str], rows: Sequence[Sequence[_HourCell]], heads: Sequence[str]) -> str:
    width = PLOT / len(heads)
    axis = [
        f'<text x="{LEFT + at * width + width / 2:.1f}" y="14" class="axis middle">{head}</text>'
        for at, head in enumerate(heads[:24])
    ]
    drawn = [
        _hours_row(name, row, 22 + CELL * number, width)
        for number, (name, row) in enumerate(zip(names, rows, strict=True))
    ]
    return svg(
        "hours", "Minutes of sitting in each hour", HOURS_DESC, 22 + CELL * len(rows), "".join([HATCH, *axis, *drawn])
    )


def _hours_row(name: str, row: Sequence[_HourCell], y: int, width: float) -> str:
    drawn = [f'<text x="{LEFT - 8}" y="{y + 16}" class="row">{name}</text>']
    for at, (shade, minutes) in enumerate(row):
        if not shade:
            continue
        x = LEFT + at * width
        drawn.append(f'<rect x="{x + 1:.1f}" y="{y + 1}" width="{width - 2:.1f}" height="{CELL - 2}" class="{shade}"/>')
        if minutes:
            drawn.append(f'<text x="{x + width / 2:.1f}" y="{y + 16}" class="cell {shade}">{minutes}</text>')
    return "".join(drawn)


BIN_EDGES = (8, 15, 30, 45, 60, 90, 120)
"""Lengths in minutes at which the bars of the chart begin; the last bar is for all longer stretches."""
BASE, TALLEST = 180, 140
"""The bottom line of the bars and the height of the tallest one, in SVG units."""
LISTED_STRETCHES = 5


class Bin(NamedTuple):
    """The stretches of `[low, high)` minutes: how many there are, and the time in all of them."""

    low: int
    high: int | None
    """None if the bin has no upper end."""
    stretches: int
    minutes: int

    @property
    def label(self) -> str:
        """The lengths in the bin as people read them: `60 to 89`, `120 and more`."""
        return f"{self.low} and more" if self.high is None else f"{self.low} to {self.high - 1}"


class _Column(NamedTuple):
    """Where the bar of a bin stands, in SVG units."""

    x: float
    width: float
    height: float


def binned(lengths: Sequence[int]) -> Sequence[Bin]:
    """Lengths of stretches in minutes, sorted into the bins of the chart; those below the first edge are left out."""
    bins: list[Bin] = []
    for low, high in zip(BIN_EDGES, [*BIN_EDGES[1:], None], strict=True):
        inside = [minutes for minutes in lengths if low <= minutes and (high is None or minutes < high)]
        bins.append(Bin(low, high, len(inside), sum(inside)))
    return bins


def lengths(period: PeriodSummary) -> str:
    """HTML of how long the stretches were: a bar for each range of lengths, a list of the longest, and a table."""
    bins = binned(period.lengths)
    if not any(each.stretches for each in bins):
        return ""
    chart = _lengths_svg(bins, period.days[-1].limit_minutes)
    usual = period.usual_stretch_minutes
    half = f"<p>Half of the sitting time passed in stretches of up to {usual} minutes.</p>" if usual is not None else ""
    table = folded_table(
        "Stretches by length",
        ("minutes", "stretches", "time in them"),
        [[each.label, f"{each.stretches:,}", length(each.minutes)] for each in bins],
    )
    listed = "".join(_longest(period.days))
    return f"<section><h2>How long at a time</h2>{chart}{half}<h3>The longest</h3><ol>{listed}</ol>{table}</section>"


def _columns(bins: Sequence[Bin]) -> Sequence[_Column]:
    """Where each bin's bar stands; the fullest bin has the tallest bar."""
    most, width = max(each.stretches for each in bins), PLOT / len(bins)
    return [_Column(LEFT + number * width, width, TALLEST * each.stretches / most) for number, each in enumerate(bins)]


def _lengths_svg(bins: Sequence[Bin], limit_minutes: int) -> str:
    columns = _columns(bins)
    parts = [_column_svg(each, column, limit_minutes) for each, column in zip(bins, columns, strict=True)]
    parts.append(f'<path class="base" d="M{LEFT} {BASE}H{WIDTH - 4}"/>')
    parts.append(f'<text x="{LEFT - 8}" y="{BASE + 18}" class="row">minutes</text>')
    over = (column.x for each, column in zip(bins, columns, strict=True) if each.low >= limit_minutes)
    if (x := next(over, None)) is not None:
        parts.append(
            f'<path class="limit" d="M{x:.1f} 6V{BASE}"/><text x="{x + 6:.1f}" y="16" class="axis">the limit, {limit_minutes} min</text>'
        )
    words = ", ".join(f"{each.stretches} of {each.label} minutes" for each in bins if each.stretches)
    return svg(
        "lengths", "How long the stretches were", f"Stretches by their length: {words}.", BASE + 30, "".join(parts)
    )


def _column_svg(each: Bin, column: _Column, limit_minutes: int) -> str:
    x, width, tall = column
    over = "over" if each.low >= limit_minutes else "under"
    return (
        f'<rect x="{x + 8:.1f}" y="{BASE - tall:.1f}" width="{width - 16:.1f}" height="{tall:.1f}" class="{over}"/>'
        f'<text x="{x + width / 2:.1f}" y="{BASE - tall - 6:.1f}" class="axis middle strong">{each.stretches or ""}</text>'
        f'<text x="{x + width / 2:.1f}" y="{BASE + 18}" class="axis middle">{each.label}</text>'
    )


def _longest(days: Sequence[DaySummary]) -> Iterator[str]:
    """List items for the longest pieces of stretches in these days, doubtful ones left out."""
    pieces = [(piece, day) for day in days for piece in day.stretches if not piece.doubtful]
    for piece, day in sorted(pieces, key=lambda pair: -pair[0].minutes)[:LISTED_STRETCHES]:
        zone = ZoneInfo(day.zone)
        start, end = piece.start.astimezone(zone), piece.end.astimezone(zone)
        yield f"<li>{length(piece.minutes)}, {day_name(day)} {start:%H:%M} to {end:%H:%M}</li>"


ANSWERS: Mapping[Answer | None, str] = {
    Answer.DONE: "done",
    Answer.MOVED: "moved by themselves",
    Answer.SNOOZED: "snoozed",
    Answer.SKIPPED: "skipped",
    Answer.IGNORED: "ignored",
    Answer.HURT: "it hurt",
    Answer.STANDING: "was standing",
    None: "no answer yet",
}


def prompts(period: PeriodSummary) -> str:
    """HTML of what came of the prompts: a bar divided among their answers, and a table of every prompt."""
    shown = [(outcome, day) for day in period.days for outcome in day.prompts]
    if not shown:
        return ""
    counted = Counter(outcome.prompt.answer for outcome, _ in shown)
    counts = {answer: counted[answer] for answer in ANSWERS if counted[answer]}
    words = ", ".join(f"{count} {ANSWERS[answer]}" for answer, count in counts.items())
    sentence = f"{many(len(shown), 'prompt', 'prompts')}: {words}."
    chart = svg("prompts", "What came of the prompts", sentence, 36, _answers_bar(counts))
    return f"<section><h2>Prompts</h2><p>{sentence}</p>{chart}{_prompts_table(shown)}</section>"


def _answers_bar(counts: Mapping[Answer | None, int]) -> str:
    total, x, parts = sum(counts.values()), 0.0, list[str]()
    for answer, count in counts.items():
        width = (WIDTH - 4) * count / total
        parts.append(
            f'<rect x="{x + 1:.1f}" y="2" width="{width - 2:.1f}" height="30" class="answer-{answer or "none"}"/>'
        )
        label = f"{count} {ANSWERS[answer]}"
        if width <= 16 + 8 * len(label):  # too narrow for words
            label = str(count)
        parts.append(f'<text x="{x + width / 2:.1f}" y="22" class="inside middle">{label}</text>')
        x += width
    return "".join(parts)


def _prompts_table(shown: Sequence[tuple[PromptOutcome, DaySummary]]) -> str:
    rows = [
        [
            f"{day_name(day)} {outcome.prompt.at.astimezone(ZoneInfo(day.zone)):%H:%M}",
            escape(outcome.prompt.exercise),
            ", ".join(outcome.prompt.where) or "nowhere",
            ANSWERS[outcome.prompt.answer],
            "" if outcome.moved_within_minutes is None else f"{outcome.moved_within_minutes} min",
        ]
        for outcome, day in shown
    ]
    return folded_table(
        "Every prompt", ("when", "exercise", "where it was shown", "what came of it", "moved after"), rows
    )

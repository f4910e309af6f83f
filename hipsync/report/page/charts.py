"""The charts: strips of days, the hours of sitting, lengths of stretches, answers to prompts; each with its numbers."""

# A line of HTML is one line.
# ruff: noqa: E501

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from html import escape
from itertools import groupby
from zoneinfo import ZoneInfo

from hipsync.core.period import PeriodSummary
from hipsync.core.summary import KINDS, DaySummary, Hour
from hipsync.model import Answer, Kind
from hipsync.report.page.parts import LEFT, ROW, WIDTH, day_name, details_of, many, svg, table_of
from hipsync.report.terminal_day import WORDS, length

HEIGHTS: Mapping[Kind, float] = {
    Kind.SITTING: 1.0,
    Kind.UP: 0.7,
    Kind.STANDING: 0.5,
    Kind.ASLEEP: 0.3,
    Kind.NOT_WORN: 0.12,
    Kind.UNKNOWN: 0.0,
}
"""Of a strip, by kind: so that it can be read without colours."""
BINS = ((8, 15), (15, 30), (30, 45), (45, 60), (60, 90), (90, 120), (120, None))
"""Lengths of stretches in minutes, `[from, to)`."""
ANSWERS: Mapping[Answer | None, str] = {
    Answer.DONE: "done",
    Answer.MOVED: "moved by themselves",
    Answer.SNOOZED: "snoozed",
    Answer.SKIPPED: "skipped",
    Answer.IGNORED: "ignored",
    Answer.HURT: "it hurt",
    None: "no answer yet",
}


def strips(period: PeriodSummary) -> str:
    longest = max(len(day.hours) for day in period.days)
    longest = max(longest, *(round((day.end - day.start) / timedelta(hours=1)) for day in period.days))
    hour = (WIDTH - LEFT - 4) / longest
    height = 24 + ROW * len(period.days)
    marks = [
        f'<text x="{LEFT + at * hour:.1f}" y="14" class="axis">{at:02d}:00</text>'
        f'<path d="M{LEFT + at * hour:.1f} 20V{height}" class="grid"/>'
        for at in range(0, 25, 3)
        if at < longest
    ]
    rows = [_strip(day, 24 + ROW * number, hour / 60) for number, day in enumerate(period.days)]
    desc = "A row a day, from midnight to midnight. The higher the bar, the stiller the hour: sitting is highest, then up and about, standing, asleep, not worn; nothing where it is unknown."
    chart = svg("strips", "The days, minute by minute", desc, height, "".join([*marks, *rows]))
    kinds = [kind for kind in KINDS if period.minutes[kind]]
    legend = "".join(
        f'<li><svg class="key" viewBox="0 0 16 16" aria-hidden="true"><path class="{_class(kind)}" '
        f'd="{_bar(0, 16, 0, 16, HEIGHTS[kind])}"/></svg>{WORDS[kind]}</li>'
        for kind in kinds
    )
    heads = ("day", *(WORDS[kind] for kind in kinds), "longest", "30 min +", "limit +", "breaks", "steps")
    table = table_of(
        "The days in numbers",
        heads,
        [
            [
                day_name(day),
                *(length(day.minutes[kind]) if day.minutes[kind] else "" for kind in kinds),
                length(day.longest_minutes) if day.longest_minutes else "",
                *(f"{number:,}" for number in (day.over_30, day.over_limit, day.breaks, day.steps)),
            ]
            for day in period.days
        ],
    )
    heading = "The day" if len(period.days) == 1 else "The days"
    return f'<section><h2>{heading}</h2>{chart}<ul class="legend">{legend}</ul>{table}</section>'


def _class(kind: Kind) -> str:
    return f"kind-{kind.value.replace('_', '-')}"


def _bar(x: float, width: float, y: float, height: float, share: float) -> str:
    tall = max(height * share, 0.6)
    return f"M{x:.1f} {y + height - tall:.1f}h{width:.1f}v{tall:.1f}h{-width:.1f}z"


def _strip(day: DaySummary, y: float, minute: float) -> str:
    paths: dict[Kind, list[str]] = {}
    at = 0
    for code, run in groupby(day.kinds):
        minutes = len(list(run))
        kind = KINDS[code]
        paths.setdefault(kind, []).append(_bar(LEFT + at * minute, minutes * minute, y, ROW - 8, HEIGHTS[kind]))
        at += minutes
    bars = "".join(f'<path class="{_class(kind)}" d="{"".join(found)}"/>' for kind, found in paths.items())
    label = f'<text x="{LEFT - 8}" y="{y + 16}" class="row">{day_name(day)}</text>'
    return f'{label}<path class="base" d="M{LEFT} {y + ROW - 7.5}H{WIDTH - 4}"/>{bars}'


def hours(period: PeriodSummary) -> str:
    """A cell an hour: how much of it was sat, a number and a shade; hatched where half of it or more is not known."""
    if len(period.days) == 1:
        return ""
    columns = max(max((len(day.hours) for day in period.days), default=24), 24)
    wide, tall = (WIDTH - LEFT - 4) / columns, 24
    height = 22 + tall * len(period.days)
    cells: list[str] = [
        f'<text x="{LEFT + at * wide + wide / 2:.1f}" y="14" class="axis middle">{at:02d}</text>'
        for at in range(min(columns, 24))
    ]
    rows: list[list[str]] = []
    for number, day in enumerate(period.days):
        y = 22 + tall * number
        cells.append(f'<text x="{LEFT - 8}" y="{y + 16}" class="row">{day_name(day)}</text>')
        row = [day_name(day)]
        for at, hour in enumerate(day.hours):
            shade, told = _shade(hour)
            x = LEFT + at * wide
            cells.append(
                f'<rect x="{x + 1:.1f}" y="{y + 1}" width="{wide - 2:.1f}" height="{tall - 2}" class="{shade}"/>'
            )
            if told:
                cells.append(f'<text x="{x + wide / 2:.1f}" y="{y + 16}" class="cell {shade}">{told}</text>')
            row.append(told or "")
        rows.append(row + [""] * (columns - len(day.hours)))
    desc = "A row a day, a cell an hour: minutes of sitting, darker for more; hatched where most of the hour is unknown or the band was not worn; empty where it was slept."
    pattern = '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="hatch-line" d="M0 0V6"/></pattern></defs>'
    chart = svg("hours", "Minutes of sitting in each hour", desc, height, pattern + "".join(cells))
    table = details_of("Minutes of sitting, by hour", ("day", *(f"{at:02d}" for at in range(columns))), rows)
    read = "<p>Minutes of sitting in each hour. Empty: asleep. Hatched: unknown, or the band was not worn.</p>"
    return f"<section><h2>Which hours</h2>{read}{chart}{table}</section>"


def _shade(hour: Hour) -> tuple[str, str | None]:
    minutes = hour.minutes
    unknown = minutes[Kind.UNKNOWN] + minutes[Kind.NOT_WORN]
    total = sum(minutes.values())
    if unknown * 2 > total:
        return "unseen", None
    if minutes[Kind.ASLEEP] * 2 > total:
        return "slept", None
    sitting = minutes[Kind.SITTING]
    return f"sat{min(sitting // 15, 3)}", str(sitting)


def lengths(period: PeriodSummary) -> str:
    limit = period.days[-1].limit_minutes
    counts = [sum(low <= each and (high is None or each < high) for each in period.lengths) for low, high in BINS]
    minutes = [
        sum(each for each in period.lengths if low <= each and (high is None or each < high)) for low, high in BINS
    ]
    if not any(counts):
        return ""
    most, wide, base = max(counts), (WIDTH - LEFT - 4) / len(BINS), 180
    bars: list[str] = []
    for number, ((low, high), count) in enumerate(zip(BINS, counts, strict=True)):
        x, tall = LEFT + number * wide, 140 * count / most
        over = "over" if low >= limit else "under"
        bars.append(
            f'<rect x="{x + 8:.1f}" y="{base - tall:.1f}" width="{wide - 16:.1f}" height="{tall:.1f}" class="{over}"/>'
        )
        bars.append(
            f'<text x="{x + wide / 2:.1f}" y="{base - tall - 6:.1f}" class="axis middle strong">{count or ""}</text>'
        )
        bars.append(f'<text x="{x + wide / 2:.1f}" y="{base + 18}" class="axis middle">{_bin(low, high)}</text>')
    bars.append(f'<path class="base" d="M{LEFT} {base}H{WIDTH - 4}"/>')
    bars.append(f'<text x="{LEFT - 8}" y="{base + 18}" class="row">minutes</text>')
    if (place := next((number for number, (low, _) in enumerate(BINS) if low >= limit), None)) is not None:
        x = LEFT + place * wide
        bars.append(
            f'<path class="limit" d="M{x:.1f} 6V{base}"/><text x="{x + 6:.1f}" y="16" class="axis">the limit, {limit} min</text>'
        )
    told = ", ".join(
        f"{count} of {_bin(low, high)} minutes" for (low, high), count in zip(BINS, counts, strict=True) if count
    )
    chart = svg(
        "lengths", "How long the stretches were", f"Stretches by their length: {told}.", base + 30, "".join(bars)
    )
    usual = period.usual_stretch_minutes
    said = f"<p>Half of the sitting time passed in stretches of up to {usual} minutes.</p>" if usual is not None else ""
    rows = [
        [_bin(low, high), f"{count:,}", length(spent)]
        for (low, high), count, spent in zip(BINS, counts, minutes, strict=True)
    ]
    longest = sorted(
        ((piece, day) for day in period.days for piece in day.stretches if not piece.doubtful),
        key=lambda found: -found[0].minutes,
    )[:5]
    listed = "".join(
        f"<li>{length(piece.minutes)}, {day_name(day)} {piece.start.astimezone(ZoneInfo(day.zone)):%H:%M} to "
        f"{piece.end.astimezone(ZoneInfo(day.zone)):%H:%M}</li>"
        for piece, day in longest
    )
    table = details_of("Stretches by length", ("minutes", "stretches", "time in them"), rows)
    return f"<section><h2>How long at a time</h2>{chart}{said}<h3>The longest</h3><ol>{listed}</ol>{table}</section>"


def _bin(low: int, high: int | None) -> str:
    return f"{low} and more" if high is None else f"{low} to {high - 1}"


def prompts(period: PeriodSummary) -> str:
    shown = [(outcome, day) for day in period.days for outcome in day.prompts]
    if not shown:
        return ""
    counts = Counter(outcome.prompt.answer for outcome, _ in shown)
    told = ", ".join(f"{counts[answer]} {word}" for answer, word in ANSWERS.items() if counts[answer])
    x, bars = 0.0, list[str]()
    for answer, word in ANSWERS.items():
        if counts[answer]:
            wide = (WIDTH - 4) * counts[answer] / len(shown)
            bars.append(
                f'<rect x="{x + 1:.1f}" y="2" width="{wide - 2:.1f}" height="30" class="answer-{answer or "none"}"/>'
            )
            label = f"{counts[answer]} {word}"
            label = label if wide > 16 + 8 * len(label) else str(counts[answer])
            bars.append(f'<text x="{x + wide / 2:.1f}" y="22" class="inside middle">{label}</text>')
            x += wide
    chart = svg(
        "prompts", "What came of the prompts", f"{many(len(shown), 'prompt', 'prompts')}: {told}.", 36, "".join(bars)
    )
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
    table = details_of(
        "Every prompt", ("when", "exercise", "where it was shown", "what came of it", "moved after"), rows
    )
    return f"<section><h2>Prompts</h2><p>{many(len(shown), 'prompt', 'prompts')}: {told}.</p>{chart}{table}</section>"

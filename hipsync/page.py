"""A day, a week or a month as one HTML page: for its wearer, and printed for who treats them.

It holds all that it needs: no network, no script. Every chart is an SVG with a title and a description, and has its
numbers in a table; a kind of minutes is told by its height and not by its colour alone. Text from elsewhere (names of
bands and exercises) is escaped.
"""

# A line of HTML is one line.
# ruff: noqa: E501

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from html import escape
from itertools import groupby
from zoneinfo import ZoneInfo

from hipsync.model import Answer, Kind
from hipsync.page_style import STYLE
from hipsync.period import PeriodSummary, awake_minutes
from hipsync.report import WORDS, advice, length
from hipsync.summary import KINDS, DaySummary, Hour

TWELVE_HOURS = 720
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
LEFT, WIDTH, ROW = 86, 960, 30
"""Of a chart: where its rows begin, its width, and the height of a row, in SVG's units."""


def page_html(
    period: PeriodSummary,
    now: datetime,
    *,
    previous: PeriodSummary | None = None,
    above: str = "",
    refresh: str = "",
) -> str:
    """The page of some days; with the change against those of `previous`, if they are given.

    `above` is HTML of `hipsync web`, which serves the page and has it loaded anew (`refresh`: seconds; url=where).
    """
    title = f"Sitting, {_dates(period)}"
    known = [day for day in period.days if day.complete_until is not None]
    parts: list[str] = [_head(title, period)]
    if known:
        parts += [
            _figures(period, known),
            f'<p class="advice">{escape(_advice(period))}</p>',
            _strips(period),
            _hours(period),
            _lengths(period),
            _change(period, previous) if previous is not None else "",
            _prompts(period),
            _exercises(period),
        ]
    else:
        parts.append(
            "<p>Nothing is known of these days. <code>hipsync sync</code> fetches data from a band, "
            "<code>hipsync import</code> from a file.</p>"
        )
    body = "\n".join(part for part in parts if part)
    return _document(title, body, _foot(now, ZoneInfo(period.days[-1].zone)), above, refresh)


def policy() -> str:
    """What the page may do, for browsers: nothing but its own style, and forms to who served it."""
    allowed = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{allowed}'; form-action 'self'; base-uri 'none'"


def _document(title: str, body: str, foot: str, above: str, refresh: str) -> str:
    anew = f'<meta http-equiv="refresh" content="{escape(refresh)}">\n' if refresh else ""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy()}">
{anew}<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
{above}<main>
{body}
</main>
{foot}
</body>
</html>
"""


# ------------------------------------------------------------------ words


def _dates(period: PeriodSummary) -> str:
    first, last = period.days[0].date, period.days[-1].date
    end = f"{last:%A} {last.day} {last:%B %Y}"
    if first == last:
        return end
    start = f"{first:%A} {first.day}"
    if (first.year, first.month) != (last.year, last.month):
        start += f" {first:%B}" + (f" {first:%Y}" if first.year != last.year else "")
    return f"{start} to {end}"


def _day(day: DaySummary) -> str:
    return f"{day.date:%a} {day.date.day} {day.date:%b}"


def _head(title: str, period: PeriodSummary) -> str:
    bands = {band.name: band for day in period.days for band in day.bands}
    from_ = [
        escape(band.name)
        + (" (simulated)" if band.simulated else "")
        + (f", in steps of {band.resolution_minutes} minutes" if band.resolution_minutes > 1 else "")
        for band in bands.values()
    ]
    zones = list(dict.fromkeys(day.zone for day in period.days))
    told = f"From {'; '.join(from_)}. " if from_ else ""
    return (
        f"<header><h1>{escape(title)}</h1>\n<p>{told}Times are local ({escape(', '.join(zones))}). "
        "Sitting is estimated: a step counter cannot see that somebody stands still.</p></header>"
    )


def _advice(period: PeriodSummary) -> str:
    if len(period.days) == 1:
        return advice(period.days[0])
    limit = period.days[-1].limit_minutes
    if not period.over_limit:
        return f"No stretch reached {limit} minutes. Keep it so: hips like to be extended often."
    longest = max(period.days, key=lambda day: day.longest_minutes)
    return (
        f"{_many(period.over_limit, 'stretch', 'stretches')} reached {limit} minutes, the longest ({length(longest.longest_minutes)}) on "
        f"{longest.date:%A} {longest.date.day}: get up before the hour is full, and extend your hips."
    )


def _many(count: int, one: str, more: str) -> str:
    return f"{count:,} {one if count == 1 else more}"


def _foot(now: datetime, zone: ZoneInfo) -> str:
    at = now.astimezone(zone)
    return (
        "<footer><p>A stretch is the time since the last real movement (20 steps within 5 minutes, or steps in 3 of 15 "
        "minutes), small moves included; the minutes of sitting are those without any step, 8 or more in a row. Asleep, "
        "not worn and unknown are never counted as sitting. Not medical advice.</p>"
        f"<p>Made by hipsync on {at:%A} {at.day} {at:%B %Y} at {at:%H:%M}, on this computer alone.</p></footer>"
    )


# ------------------------------------------------------------------ figures


def _figures(period: PeriodSummary, known: Sequence[DaySummary]) -> str:
    awake, sitting = awake_minutes(period.minutes), period.minutes[Kind.SITTING]
    days = len(known)
    each = " a day" if days > 1 else ""
    limit = period.days[-1].limit_minutes
    share = (
        f"{sitting * 100 // awake} % of {length(awake // days)}{each} awake and worn"
        if awake
        else "no hour awake and worn is known"
    )
    if sitting >= TWELVE_HOURS * days:
        share += "; over 12 hours"
    cells = [
        ("sitting (estimated)", length(sitting // days) + each, share),
        (f"stretches of {limit} min or more", f"{period.over_limit:,}", f"{period.over_30:,} of 30 min or more"),
        ("longest stretch", length(period.longest_minutes) if period.longest_minutes else "none", _usual(period)),
        ("hours with a break", _share(period.hours_with_break, period.hours_awake), f"{period.breaks:,} breaks in all"),
        ("steps", f"{period.steps // days:,}{each}", _coverage(period, days)),
    ]
    items = "".join(
        f"<div><dt>{name}</dt><dd><strong>{value}</strong><span>{more}</span></dd></div>" for name, value, more in cells
    )
    return f'<dl class="figures">{items}</dl>'


def _coverage(period: PeriodSummary, days: int) -> str:
    if len(period.days) > 1:
        return f"{days} of {len(period.days)} days have data"
    unknown = period.minutes[Kind.UNKNOWN]
    return f"{length(unknown)} of the day are unknown" if unknown else "the whole day is known"


def _usual(period: PeriodSummary) -> str:
    usual = period.usual_stretch_minutes
    return "" if usual is None else f"half of the time in stretches up to {usual} min"


def _share(part: int, whole: int) -> str:
    return f"{part * 100 // whole} %" if whole else "unknown"


# ------------------------------------------------------------------ strips


def _strips(period: PeriodSummary) -> str:
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
    chart = _svg("strips", "The days, minute by minute", desc, height, "".join([*marks, *rows]))
    kinds = [kind for kind in KINDS if period.minutes[kind]]
    legend = "".join(
        f'<li><svg class="key" viewBox="0 0 16 16" aria-hidden="true"><path class="{_class(kind)}" '
        f'd="{_bar(0, 16, 0, 16, HEIGHTS[kind])}"/></svg>{WORDS[kind]}</li>'
        for kind in kinds
    )
    heads = ("day", *(WORDS[kind] for kind in kinds), "longest", "30 min +", "limit +", "breaks", "steps")
    table = _table(
        "The days in numbers",
        heads,
        [
            [
                _day(day),
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
    label = f'<text x="{LEFT - 8}" y="{y + 16}" class="row">{_day(day)}</text>'
    return f'{label}<path class="base" d="M{LEFT} {y + ROW - 7.5}H{WIDTH - 4}"/>{bars}'


# ------------------------------------------------------------------ hours


def _hours(period: PeriodSummary) -> str:
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
        cells.append(f'<text x="{LEFT - 8}" y="{y + 16}" class="row">{_day(day)}</text>')
        row = [_day(day)]
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
    chart = _svg("hours", "Minutes of sitting in each hour", desc, height, pattern + "".join(cells))
    table = _details("Minutes of sitting, by hour", ("day", *(f"{at:02d}" for at in range(columns))), rows)
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


# ------------------------------------------------------------------ stretches


def _lengths(period: PeriodSummary) -> str:
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
    chart = _svg(
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
        f"<li>{length(piece.minutes)}, {_day(day)} {piece.start.astimezone(ZoneInfo(day.zone)):%H:%M} to "
        f"{piece.end.astimezone(ZoneInfo(day.zone)):%H:%M}</li>"
        for piece, day in longest
    )
    table = _details("Stretches by length", ("minutes", "stretches", "time in them"), rows)
    return f"<section><h2>How long at a time</h2>{chart}{said}<h3>The longest</h3><ol>{listed}</ol>{table}</section>"


def _bin(low: int, high: int | None) -> str:
    return f"{low} and more" if high is None else f"{low} to {high - 1}"


# ------------------------------------------------------------------ change, prompts, exercises


def _change(period: PeriodSummary, previous: PeriodSummary) -> str:
    """Side by side: what is a total stands for an hour awake and worn, for nobody wears a band equally long."""
    rows = [
        [name, before, now] for (name, before), (_, now) in zip(_compared(previous), _compared(period), strict=True)
    ]
    table = _table("Against the time before", ("", _dates(previous), _dates(period)), rows)
    return f'<section><h2>Against the time before</h2><div class="plain">{table}</div></section>'


def _compared(period: PeriodSummary) -> Iterator[tuple[str, str]]:
    usual, longest = period.usual_stretch_minutes, period.longest_minutes
    yield "awake and worn", length(awake_minutes(period.minutes))
    yield "sitting, of each hour awake and worn", _per_hour(period.minutes[Kind.SITTING], period, " min")
    yield "steps in each hour awake and worn", _per_hour(period.steps, period, "")
    yield "hours with a break", _share(period.hours_with_break, period.hours_awake)
    yield "half of the time in stretches up to", "unknown" if usual is None else f"{usual} min"
    yield "longest stretch", length(longest) if longest else "none"


def _per_hour(total: int, period: PeriodSummary, unit: str) -> str:
    awake = awake_minutes(period.minutes)
    return f"{round(total * 60 / awake):,}{unit}" if awake else "unknown"


def _prompts(period: PeriodSummary) -> str:
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
    chart = _svg(
        "prompts", "What came of the prompts", f"{_many(len(shown), 'prompt', 'prompts')}: {told}.", 36, "".join(bars)
    )
    rows = [
        [
            f"{_day(day)} {outcome.prompt.at.astimezone(ZoneInfo(day.zone)):%H:%M}",
            escape(outcome.prompt.exercise),
            ", ".join(outcome.prompt.where) or "nowhere",
            ANSWERS[outcome.prompt.answer],
            "" if outcome.moved_within_minutes is None else f"{outcome.moved_within_minutes} min",
        ]
        for outcome, day in shown
    ]
    table = _details("Every prompt", ("when", "exercise", "where it was shown", "what came of it", "moved after"), rows)
    return f"<section><h2>Prompts</h2><p>{_many(len(shown), 'prompt', 'prompts')}: {told}.</p>{chart}{table}</section>"


def _exercises(period: PeriodSummary) -> str:
    done = [(each, day) for day in period.days for each in day.exercises]
    if not done:
        return ""
    counts = Counter(each.name for each, _ in done)
    told = ", ".join(
        f"{escape(name)} {count} times" if count > 1 else f"{escape(name)} once" for name, count in counts.items()
    )
    rows = [
        [
            f"{_day(day)} {each.at.astimezone(ZoneInfo(day.zone)):%H:%M}",
            escape(each.name),
            each.how,
            "yes" if each.hurt else "",
        ]
        for each, day in done
    ]
    table = _details("Every exercise", ("when", "exercise", "how", "it hurt"), rows)
    return f"<section><h2>Exercises</h2><p>{told}.</p>{table}</section>"


# ------------------------------------------------------------------ parts


def _svg(name: str, title: str, desc: str, height: float, content: str) -> str:
    return (
        f'<div class="chart"><svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-labelledby="{name}-title {name}-desc">'
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-desc">{escape(desc)}</desc>{content}</svg></div>'
    )


def _table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells are HTML already."""
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}">{"".join(_lines(caption, heads, rows))}</div>'


def _details(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return f"<details><summary>{escape(caption)}, as a table</summary>{_table(caption, heads, rows)}</details>"


def _lines(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"<table><caption>{escape(caption)}</caption><thead><tr>"
    yield from (f'<th scope="col">{escape(head)}</th>' if head else "<td></td>" for head in heads)
    yield "</tr></thead><tbody>"
    for first, *rest in rows:
        yield f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in rest)}</tr>'
    yield "</tbody></table>"

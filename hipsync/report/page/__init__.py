"""A day, a week or a month as one HTML page: for the wearer, and printed for whoever treats them.

The page needs nothing from outside: no network, no script. Every chart is an SVG with a title and a description, and has
its numbers in a table. Kinds of minutes differ in height and not in colour alone. Text from elsewhere, such as names of
bands and exercises, is escaped.
"""

# A line of HTML is one line.
# ruff: noqa: E501

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from html import escape
from zoneinfo import ZoneInfo

from hipsync.core.period import PeriodSummary, awake_minutes
from hipsync.core.summary import DaySummary
from hipsync.model import Kind
from hipsync.report.day_words import LONG_DAY_MINUTES, headline, spells
from hipsync.report.page.charts import hours, lengths, prompts, strips
from hipsync.report.page.parts import day_name, folded_table, html_table, percent
from hipsync.report.page.style import STYLE
from hipsync.text import length


def page_html(
    period: PeriodSummary,
    now: datetime,
    *,
    previous: PeriodSummary | None = None,
    learned: str = "",
    weeks: str = "",
    above: str = "",
    refresh: str = "",
) -> str:
    """The whole page of a period as HTML, from its DOCTYPE on.

    With `previous`, the page also shows the change against that period. `learned` is HTML on what was learned of
    reminders (`learned_section`), `weeks` HTML on how the weeks went (`weeks_section`). `above` is HTML that
    `hipsync web` puts at the top. `refresh`, in the form `seconds; url=address`, makes the browser reload the page;
    empty for no reload.
    """
    title = f"Sitting, {_dates(period)}"
    known = [day for day in period.days if day.complete_until is not None]
    parts: list[str] = [_head(title, period)]
    if known:
        parts += [
            _figures(period, known),
            f'<p class="advice">{escape(_advice(period))}</p>',
            strips(period),
            hours(period),
            lengths(period),
            _change(period, previous) if previous is not None else "",
            prompts(period),
            learned,
            weeks,
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
    """The Content-Security-Policy of the page: it may use its own style, and send forms to whoever served it."""
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


def _dates(period: PeriodSummary) -> str:
    first, last = period.days[0].date, period.days[-1].date
    end = f"{last:%A} {last.day} {last:%B %Y}"
    if first == last:
        return end
    start = f"{first:%A} {first.day}"
    if (first.year, first.month) != (last.year, last.month):
        start += f" {first:%B}" + (f" {first:%Y}" if first.year != last.year else "")
    return f"{start} to {end}"


def _head(title: str, period: PeriodSummary) -> str:
    bands = {band.name: band for day in period.days for band in day.bands}
    names = [
        escape(band.name)
        + (" (simulated)" if band.simulated else "")
        + (f", in steps of {band.resolution_minutes} minutes" if band.resolution_minutes > 1 else "")
        for band in bands.values()
    ]
    zones = list(dict.fromkeys(day.zone for day in period.days))
    source = f"From {'; '.join(names)}. " if names else ""
    return (
        f"<header><h1>{escape(title)}</h1>\n<p>{source}Times are local ({escape(', '.join(zones))}). "
        "Sitting is estimated: a step counter cannot see that somebody stands still.</p></header>"
    )


def _advice(period: PeriodSummary) -> str:
    if len(period.days) == 1:
        return headline(period.days[0])
    limit = period.days[-1].limit_minutes
    if not period.over_limit:
        return f"No spell over {limit} min."
    longest = max(period.days, key=lambda day: day.longest_minutes)
    return f"{spells(period.over_limit)} over {limit} min, the longest ({length(longest.longest_minutes)}) on {longest.date:%A} {longest.date.day}."


def _foot(now: datetime, zone: ZoneInfo) -> str:
    at = now.astimezone(zone)
    return (
        "<footer><p>A stretch is the time since the last real movement (20 steps within 5 minutes, or steps in 3 of 15 "
        "minutes), small moves included; the minutes of sitting are those without any step, 8 or more in a row. Asleep, "
        "not worn and unknown are never counted as sitting. Not medical advice.</p>"
        f"<p>Made by hipsync on {at:%A} {at.day} {at:%B %Y} at {at:%H:%M}, on this computer alone.</p></footer>"
    )


def _figures(period: PeriodSummary, known: Sequence[DaySummary]) -> str:
    """The five main numbers of the period; totals are shown as a mean of the days of which something is known."""
    awake, sitting = awake_minutes(period.minutes), period.minutes[Kind.SITTING]
    days = len(known)
    each = " a day" if days > 1 else ""
    limit = period.days[-1].limit_minutes
    share = (
        f"{sitting * 100 // awake} % of {length(awake // days)}{each} awake and worn"
        if awake
        else "no hour awake and worn is known"
    )
    if sitting >= LONG_DAY_MINUTES * days:
        share += "; over 12 hours"
    cells = [
        ("sitting (estimated)", length(sitting // days) + each, share),
        (f"stretches of {limit} min or more", f"{period.over_limit:,}", f"{period.over_30:,} of 30 min or more"),
        ("longest stretch", length(period.longest_minutes) if period.longest_minutes else "none", _usual(period)),
        (
            "hours with a break",
            percent(period.hours_with_break, period.hours_awake),
            f"{period.breaks:,} breaks in all",
        ),
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


def _change(period: PeriodSummary, previous: PeriodSummary) -> str:
    """Two periods side by side. Totals are per hour awake and worn, because nobody wears a band equally long in both."""
    rows = [
        [name, before, now] for (name, before), (_, now) in zip(_compared(previous), _compared(period), strict=True)
    ]
    table = html_table("Against the time before", ("", _dates(previous), _dates(period)), rows)
    return f'<section><h2>Against the time before</h2><div class="plain">{table}</div></section>'


def _compared(period: PeriodSummary) -> Iterator[tuple[str, str]]:
    usual, longest = period.usual_stretch_minutes, period.longest_minutes
    yield "awake and worn", length(awake_minutes(period.minutes))
    yield "sitting, of each hour awake and worn", _per_hour(period.minutes[Kind.SITTING], period, " min")
    yield "steps in each hour awake and worn", _per_hour(period.steps, period, "")
    yield "hours with a break", percent(period.hours_with_break, period.hours_awake)
    yield "half of the time in stretches up to", "unknown" if usual is None else f"{usual} min"
    yield "longest stretch", length(longest) if longest else "none"


def _per_hour(total: int, period: PeriodSummary, unit: str) -> str:
    awake = awake_minutes(period.minutes)
    return f"{round(total * 60 / awake):,}{unit}" if awake else "unknown"


def _exercises(period: PeriodSummary) -> str:
    done = [(each, day) for day in period.days for each in day.exercises]
    if not done:
        return ""
    counts = Counter(each.name for each, _ in done)
    counted = ", ".join(
        f"{escape(name)} {count} times" if count > 1 else f"{escape(name)} once" for name, count in counts.items()
    )
    rows = [
        [
            f"{day_name(day)} {each.at.astimezone(ZoneInfo(day.zone)):%H:%M}",
            escape(each.name),
            each.how,
            "yes" if each.hurt else "",
        ]
        for each, day in done
    ]
    table = folded_table("Every exercise", ("when", "exercise", "how", "it hurt"), rows)
    return f"<section><h2>Exercises</h2><p>{counted}.</p>{table}</section>"

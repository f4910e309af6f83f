"""A day, a week or a month as one HTML page: for the wearer, and printed for whoever treats them.

The same page comes from `hipsync web` and stands in a file that `--html` wrote. It counts nothing itself. Text from
elsewhere, such as names of bands and exercises, is escaped.
"""

# A line of HTML is one line.
# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from html import escape
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from hipsync.core.goals import Goals
from hipsync.core.period import PeriodSummary
from hipsync.core.summary import DaySummary
from hipsync.report.day_words import names_of, title
from hipsync.report.page.day import day_body
from hipsync.report.page.document import NOW, Served, document
from hipsync.report.page.period import days_title, month_body, week_body, zones_of

View = Literal["day", "week", "month"]
GOALS = Goals()
ESTIMATED = "Sitting is estimated from steps: a step counter cannot see whether you sit or stand still."


class Around(NamedTuple):
    """What `hipsync web` puts around a page of its own."""

    served: Served
    now: str
    """HTML of the clock and the open reminder, above all else; empty for a page that is not of today."""
    short: str
    """How long the wearer has sat, for the title of the window; empty for a page that is not of today."""
    said: str
    """The outcome of the last form; empty for none."""
    earlier: date
    later: date | None
    """The dates by which the pages before and after this one are found; None if there is none after it."""


def page_html(
    period: PeriodSummary,
    now: datetime,
    view: View,
    *,
    goals: Goals = GOALS,
    previous: PeriodSummary | None = None,
    last_days: Sequence[DaySummary] = (),
    more: str = "",
    around: Around | None = None,
) -> str:
    """The whole page as HTML, from its DOCTYPE on.

    `previous` is the week before a week. `last_days` are days to which the page of a day leads. `more` is HTML on what
    was learned of reminders and how the weeks went. `around` is None for a page in a file.
    """
    linked = around is not None
    match view:
        case "day":
            body = day_body(period.days[0], goals, last_days, told=not (around and around.now))
        case "week":
            body = week_body(period, previous, more, linked=linked)
        case "month":
            body = month_body(period, more, linked=linked)
    name = _name(period, view)
    above = around.now if around else ""
    return document(
        f"{around.short} - hipsync" if around and around.short else f"{name} - hipsync",
        f"{_dates(name, view, around)}{above}{body}",
        view=view,
        name=f"{view} {period.days[0].date.isoformat()}",
        follows=NOW if _is_present(period, now) else None,
        served=around.served if around else None,
        message=around.said if around else "",
        foot=_foot(period, now, linked=linked),
    )


def _is_present(period: PeriodSummary, now: datetime) -> bool:
    return period.days[0].date <= now.astimezone(ZoneInfo(period.days[-1].zone)).date() <= period.days[-1].date


def _name(period: PeriodSummary, view: View) -> str:
    if view == "month":
        return f"{period.days[0].date:%B %Y}"
    return title(period.days[0]) if view == "day" else days_title(period)


def _dates(name: str, view: View, around: Around | None) -> str:
    heading = f'<h1 tabindex="-1">{escape(name)}</h1>'
    if around is None:
        return f'<div class="dates">{heading}</div>'
    links = [
        f'<a href="../{view}/{at.isoformat()}" data-soft rel="{rel}" aria-label="{label}">{sign}</a>'
        if at is not None
        else "<span></span>"
        for at, rel, label, sign in (
            (around.earlier, "prev", f"The {view} before", "&#8249;"),
            (around.later, "next", f"The {view} after", "&#8250;"),
        )
    ]
    return f'<div class="dates">{links[0]}{heading}{links[1]}</div>'


def _foot(period: PeriodSummary, now: datetime, *, linked: bool) -> str:
    names = names_of(band for day in period.days for band in day.bands)
    slots = "".join(
        f" {escape(band.name)} reports steps of {band.resolution_minutes} minutes."
        for band in dict.fromkeys(band for day in period.days for band in day.bands)
        if band.resolution_minutes > 1
    )
    source = f"From {escape(names)}.{slots} " if names else ""
    zones = zones_of(period.days)
    at = now.astimezone(ZoneInfo(period.days[-1].zone))
    made = f"Made by hipsync on {at:%A} {at.day} {at:%B %Y}, {at:%H:%M}, on this computer alone."
    add = '<p><a href="../pair/now" id="add-band">Add a band</a></p>' if linked else ""
    return (
        f'<footer class="soft" id="foot">{add}<p>{source}Times are those of {escape(zones)}. {ESTIMATED} Asleep, not worn and no '
        f"data never count as sitting. Not medical advice.</p><p>{made}</p></footer>"
    )

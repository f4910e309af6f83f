"""The pages of a fleet for a clinic, as HTML: the list of all wearers, and a page for each. Values in, values out.

They look as the pages of one wearer do, need no script and nothing from outside, and can be printed. Names and pseudonyms
are a stranger's words, so they are escaped, and written so that a name from right to left turns nothing beside it.
"""

# A line of HTML is one line.
# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from html import escape
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hipsync.core.halves import Halves, says
from hipsync.core.period import period_summary
from hipsync.core.shares import Says
from hipsync.core.summary import DaySummary
from hipsync.core.weeks import DAY_AWAKE_MINUTES, KNOWN_DAY_MINUTES, KNOWN_DAYS, WEEK_DAYS
from hipsync.fleet.answers import Attention, Handed, Wearer, WeekRow
from hipsync.fleet.asking import why
from hipsync.fleet.before_after import BeforeAfter
from hipsync.report.day_words import opening
from hipsync.report.page.document import document
from hipsync.report.page.parts import html_table, section
from hipsync.report.page.period import days_title, ribbons
from hipsync.text import counted, length, one_line

WEEKS = 4
"""How many weeks a wearer's page shows, this one among them."""
LISTED_NAME = 40
"""How many characters of a name a list shows; his page shows all."""
WORDS = {
    Says.NOTHING_YET: "no difference can be seen: it can be chance",
    Says.HIGHER: "more after it: a difference like this is hardly chance",
    Says.LOWER: "less after it: a difference like this is hardly chance",
}
NOT_ADVICE = "Sitting is estimated from steps: a step counter cannot see whether somebody sits or stands still. Asleep, not worn and no data never count as sitting. Not medical advice."
HAS_DATA = f"a day has data with {KNOWN_DAY_MINUTES // 60} h or more awake with the band on, a week with {KNOWN_DAYS} such days"
HEADS = ("awake", "sitting a day", "longest", "breaks an hour", "over")


class Shown(NamedTuple):
    """What is shown of a wearer."""

    who: Wearer
    name: str
    """His name; empty if only the pseudonym is to be shown."""
    attention: Sequence[Attention]
    """Why he needs a word."""
    bands: Sequence[Handed]
    """Those that he wears now."""
    weeks: Sequence[WeekRow]
    """His weeks that have any data, in order."""


def file_name(pseudonym: str) -> str:
    """The name of a wearer's page, in the folder of all of them."""
    return f"{pseudonym}.html"


def index_page(shown: Sequence[Shown], monday: date, now: datetime) -> str:
    """The list of all wearers by their pseudonyms, below those who need a word. `monday` is that of this week."""
    calling = [each for each in shown if each.attention]
    lead = f"{counted(len(shown), 'wearer').capitalize()}. {_calling(len(calling))}"
    words = [[_link(each), _reasons(each, now)] for each in calling]
    body = (
        f'<div class="dates"><h1>Week of {_day(monday)}</h1></div><p class="lead">{lead}</p>'
        + (
            section(
                "attention",
                "Who needs a word",
                f'<div class="words people">{html_table("Who needs a word", ("wearer", "why"), words)}</div>',
            )
            if words
            else ""
        )
        + (section("wearers", "All wearers", _list(shown, monday)) if shown else "")
    )
    return document("Wearers - hipsync", body, name="fleet", scripts=(), foot=_foot(now, UTC))


def _calling(count: int) -> str:
    return f"{count} need a word." if count > 1 else "One needs a word." if count else "Nobody needs a word."


def _list(shown: Sequence[Shown], monday: date) -> str:
    before = monday - timedelta(days=WEEK_DAYS)
    heads = (
        "wearer",
        "last week: days",
        "sitting a day",
        "over",
        "this week: days",
        "sitting a day",
        "over",
        "last data (UTC)",
        "battery",
        "",
    )
    rows = [
        [_link(each), *_few(_week_of(each, before)), *_few(_week_of(each, monday)), *_band(each), _left(each.who)]
        for each in shown
    ]
    note = f'<p class="soft">In order of the pseudonym. Days: those with data; {HAS_DATA}. Sitting a day: of {DAY_AWAKE_MINUTES // 60} h awake, where the week has data. Over: spells of the limit and more.</p>'
    return f'<div class="people">{html_table("All wearers", heads, rows)}</div>{note}'


def _week_of(each: Shown, monday: date) -> WeekRow | None:
    return next((week for week in each.weeks if week.week == monday), None)


def _few(week: WeekRow | None) -> Sequence[str]:
    if week is None:
        return ("-", "-", "-")
    a_day = length(week.sitting_a_day) if week.has_data and week.sitting_a_day is not None else "-"
    return (f"{week.days_with_data}", a_day, f"{week.over_limit}" if week.awake else "-")


def _band(each: Shown) -> Sequence[str]:
    heard = max((band.heard for band in each.bands if band.heard is not None), default=None)
    percents = [f"{band.percent} %" for band in each.bands if band.percent is not None]
    if not each.bands:
        return ("no band", "-")
    return ("no data yet" if heard is None else _instant(heard, UTC), ", ".join(percents) or "-")


def _left(who: Wearer) -> str:
    return "" if who.left_on is None else f"leaves {_day(who.left_on)}"


def wearer_page(
    shown: Shown, days: Sequence[DaySummary], compared: BeforeAfter | None, now: datetime, zone: ZoneInfo
) -> str:
    """The page of a wearer. `days` are those of the last weeks, Monday to Sunday, of which the last one is this week."""
    weeks = [days[at : at + WEEK_DAYS] for at in range(0, len(days), WEEK_DAYS)]
    reasons = f'<p class="message">{opening(_reasons(shown, now, zone))}.</p>' if shown.attention else ""
    told = f"Limit {shown.who.limit_minutes} min. " + (
        f"Treated from {_day(shown.who.treated)}." if shown.who.treated else "No day of treatment is set."
    )
    left = f" {_left(shown.who).capitalize()}." if shown.who.left_on else ""
    body = (
        f'<p><a href="../index.html">All wearers</a></p><div class="dates"><h1>{_called(shown)}</h1></div>'
        f'<p class="lead">{told}{left}</p>{reasons}'
        + section("weeks", "In numbers", _weeks_table(shown))
        + (section("before-after", "Before and after", _before_after(compared)) if compared is not None else "")
        + "".join(_week(number, week) for number, week in reversed(list(enumerate(weeks))))
        + (section("bands", "Bands", _bands(shown, zone)) if shown.bands else "")
    )
    return document(
        f"{_plain(shown)} - hipsync", body, name=f"wearer {shown.who.pseudonym}", scripts=(), foot=_foot(now, zone)
    )


def _week(number: int, days: Sequence[DaySummary]) -> str:
    week = period_summary(days)
    drawn = (
        ribbons(week, linked=False, table=f"days-{number}")
        if week.complete_until is not None
        else "<p>No data for this week.</p>"
    )
    return section(f"week-{number}", escape(days_title(week)), drawn)


def _weeks_table(shown: Shown) -> str:
    if not shown.weeks:
        return "<p>No data yet.</p>"
    rows = [[_day(week.week), f"{week.days_with_data}", *_numbers(week)] for week in reversed(shown.weeks)]
    note = f'<p class="soft">Days: those with data; {HAS_DATA}. Sitting a day: of {DAY_AWAKE_MINUTES // 60} h awake. Breaks: by the hour of sitting. Over: spells of {shown.who.limit_minutes} min and more.</p>'
    return html_table("Each week, the newest first", ("week of", "days", *HEADS), rows) + note


def _numbers(week: WeekRow) -> Sequence[str]:
    if not week.awake:
        return ("-",) * len(HEADS)
    return (
        length(week.awake),
        "-" if week.sitting_a_day is None else length(week.sitting_a_day),
        length(week.longest),
        "-" if week.breaks_an_hour is None else f"{week.breaks_an_hour:.1f}",
        f"{week.over_limit}",
    )


def _before_after(found: BeforeAfter) -> str:
    if found.why_not:
        return f"<p>Not compared: {escape(found.why_not)}.</p>"
    sitting, kept = found.sitting, found.kept
    a_day = [length(round((half.value or 0) * DAY_AWAKE_MINUTES)) for half in (sitting.earlier, sitting.later)]
    rows = [
        [f"sitting in a day of {DAY_AWAKE_MINUTES // 60} h awake", *a_day, *_apart(sitting, DAY_AWAKE_MINUTES, "min")]
    ]
    if kept.earlier.of and kept.later.of:
        shares = [f"{half.hits} of {half.of}" for half in (kept.earlier, kept.later)]
        rows.append([f"long spells kept under {found.limit_minutes} min", *shares, *_apart(kept, 100, "points")])
    breaks = ["-" if each is None else f"{each:.1f}" for each in (found.breaks_before, found.breaks_after)]
    rows.append(["breaks by the hour of sitting", *breaks, "", ""])
    table = html_table("Before and after", ("", "before", "after", "difference", "what that says"), rows)
    note = f'<p class="soft">{found.weeks_before} weeks with data before, {found.weeks_after} after. The interval is that of 95 %. Why they differ, these numbers do not say.</p>'
    return f'<div class="words">{table}</div>{note}'


def _apart(halves: Halves, scale: int, unit: str) -> Sequence[str]:
    if halves.apart is None:
        return ("", "too few weeks have any")
    value, low, high = (f"{round(each * scale) or 0:+d}" for each in (halves.apart.value, *halves.apart.interval()))
    return (f"{value} {unit} ({low} to {high})", WORDS[says(halves)])


def _bands(shown: Shown, zone: ZoneInfo) -> str:
    rows = [
        [
            f"{band.band}",
            _word(band.kind),
            _instant(band.since, zone),
            "no data yet" if band.heard is None else _instant(band.heard, zone),
            "-"
            if band.percent is None or band.charged_at is None
            else f"{band.percent} %, {_instant(band.charged_at, zone)}",
            "".join(f"<bdi>{_word(name)}</bdi> " for name in band.gateways).strip() or "-",
        ]
        for band in shown.bands
    ]
    return html_table("Bands that are worn now", ("band", "kind", "since", "last data", "battery", "gateways"), rows)


def _reasons(each: Shown, now: datetime, zone: tzinfo = UTC) -> str:
    return "; ".join(escape(why(reason, now, zone)) for reason in each.attention)


def _link(each: Shown) -> str:
    name = each.name if len(each.name) <= LISTED_NAME else f"{each.name[: LISTED_NAME - 1]}\u2026"
    return (
        f'<a href="wearers/{escape(file_name(each.who.pseudonym), quote=True)}">{_called(each._replace(name=name))}</a>'
    )


def _called(each: Shown) -> str:
    pseudonym = f"<bdi>{_word(each.who.pseudonym)}</bdi>"
    return f"<bdi>{_word(each.name)}</bdi> ({pseudonym})" if each.name else pseudonym


def _plain(each: Shown) -> str:
    return one_line(f"{each.name} ({each.who.pseudonym})" if each.name else each.who.pseudonym)


def _word(word: str) -> str:
    """A stranger's word as HTML, without what nobody sees."""
    return escape(one_line(word))


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _instant(at: datetime, zone: tzinfo) -> str:
    local = at.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %H:%M}"


def _foot(now: datetime, zone: tzinfo) -> str:
    at = now.astimezone(zone)
    made = f"Made by hipsync on {at:%A} {at.day} {at:%B %Y}, {at:%H:%M}. Times are those of {escape(str(zone))}."
    return f'<footer class="soft" id="foot"><p>{NOT_ADVICE}</p><p>{made}</p></footer>'

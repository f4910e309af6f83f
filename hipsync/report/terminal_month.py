"""A month as text for a terminal: a calendar in which each day has a bar for the spells that passed the limit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hipsync.core.period import PeriodSummary, awake_minutes
from hipsync.core.ribbon import Shade
from hipsync.core.summary import DaySummary
from hipsync.model import Kind
from hipsync.report.day_words import NOTHING_AWAKE
from hipsync.report.pen import Pen, padded, spread, wrapped
from hipsync.report.terminal_day import HINT, MARGIN, PEN, below, indented
from hipsync.report.terminal_week import coarse, sources
from hipsync.text import counted, length

BARS: Sequence[tuple[str, str, Shade]] = (
    ("▁▁▁", "___", Shade.UP),
    ("▃▃▃", "---", Shade.SITTING),
    ("▅▅▅", "===", Shade.SITTING),
    ("▆▆▆", "%%%", Shade.PAST),
    ("███", "###", Shade.PAST),
)
"""The bar of a day by the number of its spells over the limit, in Unicode and ASCII, with its shade; the last one is
for that many and more."""
NO_DATA = "  ?"
COLUMN, WEEK_COLUMNS = 8, 64
"""The width of a day, and of a week with its margin."""
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def month_text(month: PeriodSummary, pen: Pen = PEN, *, more: Sequence[Sequence[str]] = (), hint: str = HINT) -> str:
    """The text of a month; it ends with a line feed. `more` are groups of lines on what else was found.

    `hint` is what somebody can do who has no data.
    """
    lines = [*spread(pen.bold(f"{month.days[0].date:%B %Y}"), sources(month, pen), pen.columns), ""]
    if month.complete_until is None:
        return (
            "\n".join([*lines, *indented("No data for this month.", pen, bold=True), "", *indented(hint, pen)]) + "\n"
        )
    lines += indented(month_headline(month), pen, bold=True)
    lines += [*(line for text in coarse(month) for line in indented(text, pen)), ""]
    lines += list(_calendar(month, pen) if pen.columns >= WEEK_COLUMNS else _list(month, pen))
    lines += ["", *below(_legend(month, pen), pen), ""]
    lines += [line for text in month_numbers(month) for line in indented(text, pen)]
    for group in more:
        lines += ["", *below(group, pen)]
    return "\n".join(lines) + "\n"


def month_headline(month: PeriodSummary) -> str:
    """On how many days of a month no spell passed the limit."""
    known = [day for day in month.days if awake_minutes(day.minutes)]
    if not known:
        return NOTHING_AWAKE
    good = sum(not day.over_limit for day in known)
    days = counted(len(known), "day")
    limit = month.days[-1].limit_minutes
    return (
        f"On {good} of {days} no spell passed {limit} min."
        if good
        else f"On {'the only day' if len(known) == 1 else f'each of {days}'} a spell passed {limit} min."
    )


def _calendar(month: PeriodSummary, pen: Pen) -> Iterator[str]:
    yield " " * COLUMN + "".join(each.ljust(COLUMN) for each in DAYS).rstrip()
    days = list(month.days)
    while days:
        blank = " " * COLUMN * days[0].date.weekday()
        week = [days.pop(0) for _ in range(min(7 - days[0].date.weekday(), len(days)))]
        bars = blank + "".join(padded(f"{day.date.day:>2} {_bar(day, pen)}", COLUMN) for day in week)
        words = blank + "".join(f"  {_word(day)}".ljust(COLUMN) for day in week)
        yield from (f"{' ' * (COLUMN - 1)}{line}".rstrip() for line in (bars, words) if line.strip())


def _list(month: PeriodSummary, pen: Pen) -> Iterator[str]:
    for day in month.days:
        if day.until > day.start:
            yield f" {day.date:%a} {day.date.day:>2}  {_bar(day, pen)}  {_word(day)}".rstrip()


def _bar(day: DaySummary, pen: Pen) -> str:
    if day.until == day.start:
        return ""
    if not awake_minutes(day.minutes):
        return NO_DATA
    sign, plain, shade = BARS[min(day.over_limit, len(BARS) - 1)]
    return pen.shaded(shade, sign if pen.unicode else plain)


def _word(day: DaySummary) -> str:
    if not awake_minutes(day.minutes):
        return ""
    return f"{day.over_limit} over" if day.over_limit else "none"


def _legend(month: PeriodSummary, pen: Pen) -> Iterator[str]:
    yield f"Each bar is a day: how many spells passed {month.days[-1].limit_minutes} min."
    names = ("none", "1", "2", "3", "4 or more")
    signs = [pen.shaded(shade, sign if pen.unicode else plain) for sign, plain, shade in BARS]
    parts = [f"{sign} {name}" for sign, name in zip(signs, names, strict=True)]
    yield from wrapped([*parts, "? no data"], pen.columns - len(MARGIN), "  ")


def month_numbers(month: PeriodSummary) -> Iterator[str]:
    """The mean day of a month, and what came of its reminders."""
    days = sum(awake_minutes(day.minutes) > 0 for day in month.days)
    if not days:
        return
    breaks = counted(round(month.breaks / days), "break")
    sat, steps = length(month.minutes[Kind.SITTING] // days), f"{month.steps // days:,} steps"
    yield f"A day: {sat} sitting, {breaks}, {steps}."
    if month.usual_stretch_minutes is not None:
        long = next(day for day in month.days if day.longest_minutes == month.longest_minutes)
        when = f"{long.date:%a} {long.date.day}"
        typical = f"Typical spell: {length(month.usual_stretch_minutes)}"
        yield f"{typical} (half of your sitting is in spells up to this long)."
        yield f"Longest spell: {length(month.longest_minutes)}, on {when}."
    if month.followed.of:
        yield f"Reminders that you followed: {month.followed.hits} of {month.followed.of}."

"""A week as text for a terminal: the answer, a ribbon for each day, and what changed against the week before.

It counts nothing itself but what is the best day and which hours are the hardest: all else comes from `PeriodSummary`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hipsync.core.followed import few_followed
from hipsync.core.period import PeriodSummary, awake_minutes, change
from hipsync.core.ribbon import ON_FEET, Shade, plain_ribbon
from hipsync.core.summary import DaySummary, PromptOutcome
from hipsync.model import Answer, Kind
from hipsync.report.by_clock import clock, places, row_begins, row_minutes
from hipsync.report.day_words import names_of, slots, spells
from hipsync.report.pen import Pen, padded, spread
from hipsync.report.terminal_day import HINT, PEN, below, indented, shade_legend
from hipsync.text import counted, length

CELL_MINUTES = (10, 15, 20, 30)
"""How many minutes a cell may stand for; the smallest number that fits the terminal is used."""
LABEL, FIGURES, HEADS = " Mon 16  ", " 9 h 51   5   12", "sat over breaks"
"""What stands before and after the ribbon of a day, and the heads of the figures, which are a little wider."""
NAME, VALUE = 27, 11
"""The widths of a number's name and of the number itself, in the numbers of a week."""
AWAKE = frozenset({Shade.SITTING, Shade.PAST, *ON_FEET})
ENOUGH_MINUTES, ENOUGH_DAYS = 8 * 60, 3
"""A day can be the best one with this much known and awake, if so many days have that."""
FEWEST_LONG_SPELLS, HARD_SHARE = 4, 1 / 3
"""Hours are called hard if there are so many spells over the limit, and this share of them began in two hours."""


def week_text(
    week: PeriodSummary,
    pen: Pen = PEN,
    *,
    before: PeriodSummary | None = None,
    more: Sequence[Sequence[str]] = (),
    hint: str = HINT,
) -> str:
    """The text of a week; it ends with a line feed.

    `before` is the week before it. `more` are groups of lines, and `hint` is what somebody can do who has no data.
    """
    name = f"{_day(week.days[0].date, week.days[-1].date)} to {_day(week.days[-1].date, None)}"
    lines = [*spread(pen.bold(name), sources(week, pen), pen.columns), ""]
    if week.complete_until is None:
        return "\n".join([*lines, *indented("No data for this week.", pen, bold=True), "", *indented(hint, pen)]) + "\n"
    lines += indented(week_headline(week, before), pen, bold=True)
    lines += [line for text in coarse(week) for line in indented(text, pen)]
    lines += ["", *_ribbons(week, pen), ""]
    lines += below(compared(week, before), pen, NAME + VALUE)
    if told := [*notes(week), *proposal(week, before)]:
        lines += ["", *below(told, pen)]
    for group in more:
        lines += ["", *below(group, pen)]
    return "\n".join(lines) + "\n"


def sources(period: PeriodSummary, pen: Pen) -> str:
    """From which bands the data of these days are, and up to when; cut where the terminal is too narrow."""
    names = names_of(band for day in period.days for band in day.bands)
    until = period.complete_until
    end = []
    if until is not None and until < period.days[-1].end:
        day = next(day for day in reversed(period.days) if day.complete_until == until)
        at = "" if until == day.end else f" {until.astimezone(ZoneInfo(day.zone)):%H:%M}"
        end = [f"up to {day.date:%a} {day.date.day}{at}"]
    found = ", ".join([names, *end] if names else end)
    return found if len(found) < pen.columns // 2 else "".join(end)


def coarse(period: PeriodSummary) -> list[str]:
    """A sentence on each band that reports long slots only."""
    bands = dict.fromkeys(band for day in period.days for band in day.bands)
    return [line for band in bands if (line := slots(band, period.steps))]


def _day(day: date, other: date | None) -> str:
    same = other is not None and (day.year, day.month) == (other.year, other.month)
    return f"{day:%A} {day.day}" if same else f"{day:%A} {day.day} {day:%B %Y}"


def week_headline(week: PeriodSummary, before: PeriodSummary | None) -> str:
    """How many spells passed the limit in a week, and by this day in the week before."""
    limit = week.days[-1].limit_minutes
    over = f"{spells(week.over_limit).capitalize()} over {limit} min"
    begun = [day for day in week.days if day.until > day.start]
    is_over = begun[-1].until == week.days[-1].end
    if before is None or before.complete_until is None:
        return f"{over}{'' if is_over else ' so far'}."
    if is_over:
        return f"{over}; {before.over_limit or 'none'} the week before."
    earlier = sum(day.over_limit for day in before.days[: len(begun)])
    return f"{over} so far; {earlier or 'none'} by {begun[-1].date:%A} last week."


# ------------------------------------------------------------------ the ribbons


def _ribbons(week: PeriodSummary, pen: Pen) -> Iterator[str]:
    begins = row_begins(week.days)
    row = row_minutes(week.days, begins)
    first = waking_hour(week, begins) * 60
    room = pen.columns - len(LABEL) - len(FIGURES) - 1
    cell = next((each for each in CELL_MINUTES if (row - first) / each <= room), None)
    width = 0 if cell is None else -(-(row - first) // cell)
    hours = "" if cell is None else _ruler(begins, first, row, cell)
    yield pen.faint(" " * len(LABEL) + hours + HEADS.rjust(width + len(FIGURES) + 1 - len(hours)))
    seen: set[Shade | None] = set()
    for day in week.days:
        drawn: list[Shade | None] = []
        if cell is not None and day.complete_until is not None:
            drawn = plain_ribbon(day, places(day, begins, cell))[first // cell :]
            seen.update(drawn)
        yield f" {_label(day)}  {padded(pen.cells(drawn), width)}{_figures(day)}".rstrip()
    if cell is not None:
        yield ""
        yield from shade_legend(week.days[-1].limit_minutes, seen, f"{cell} min a column", pen)


def waking_hour(week: PeriodSummary, begins: timedelta) -> int:
    """The first even hour of the rows in which anybody is awake on any of these days."""
    drawn = [plain_ribbon(day, places(day, begins, 30)) for day in week.days]
    return min((at // 4 * 2 for row in drawn for at, shade in enumerate(row) if shade in AWAKE), default=0)


def _ruler(begins: timedelta, first: int, row: int, cell: int) -> str:
    step = 2 * 60 if 2 * 60 % cell == 0 else 4 * 60
    marks = (clock(begins, at).removesuffix(":00").ljust(step // cell) for at in range(first, row - 59, step))
    return "".join(marks).rstrip()


def _label(day: DaySummary) -> str:
    return f"{day.date:%a} {day.date.day:>2}"


def _figures(day: DaySummary) -> str:
    if not awake_minutes(day.minutes):
        return "" if day.until == day.start else f"{'-':>7}{'-':>4}{'-':>5}"
    return f"{length(day.minutes[Kind.SITTING]):>7}{day.over_limit:>4}{day.breaks:>5}"


# ------------------------------------------------------------------ in numbers


def compared(week: PeriodSummary, before: PeriodSummary | None) -> Iterator[str]:
    """The numbers of a week as lines, each with how it differs from the week before."""
    yield from (f"{name:<{NAME}}{value:<{VALUE}}{more}".rstrip() for name, value, more in compared_rows(week, before))
    yield from filter(None, [too_little(week, before)])


def compared_rows(week: PeriodSummary, before: PeriodSummary | None) -> Iterator[tuple[str, str, str]]:
    """The same as rows: what a number is, the number, and how it differs from the week before."""
    both = None if before is None else change(week, before)
    if week.awake_minutes:
        now = round(week.minutes[Kind.SITTING] * 60 / week.awake_minutes)
        then = None if both is None else now - round(both.before.sitting_minutes)
        yield "Sitting, each awake hour", f"{now} min", _difference(then, " min", " than last week")
    if (breaks := _breaks_a_day(week)) is not None:
        earlier = None if both is None or before is None else _breaks_a_day(before)
        then = None if earlier is None else round(breaks) - round(earlier)
        yield "Breaks a day", f"{round(breaks)}", _difference(then, "", "")
    if (kept := _kept(week)) is not None:
        earlier_share = None if both is None or before is None else _kept(before)
        yield f"Spells kept under {week.days[-1].limit_minutes} min", f"{kept} %", _from(kept, earlier_share)
    if week.usual_stretch_minutes is not None:
        half = "half your sitting is in shorter ones"
        yield "Typical spell", length(week.usual_stretch_minutes), half
    if shown := sum(len(day.prompts) for day in week.days):
        yield "Reminders", f"{shown}", ", ".join(_came(week))
    if week.followed.of:
        yield "Reminders followed", f"{week.followed.hits} of {week.followed.of}", ""


def too_little(week: PeriodSummary, before: PeriodSummary | None) -> str:
    """Why two weeks are not compared; empty if they are, or if there is no week before."""
    if before is None or before.complete_until is None or change(week, before) is not None:
        return ""
    known = f"{length(week.awake_minutes)} now, {length(before.awake_minutes)} before"
    return f"Too little data to compare (awake: {known})."


def _difference(by: int | None, unit: str, than: str) -> str:
    if by is None:
        return ""
    return (
        f"{abs(by)}{unit} {'more' if by > 0 else 'less' if unit else 'fewer'}{than}"
        if by
        else f"the same{than and ' as last week'}"
    )


def _from(now: int, then: int | None) -> str:
    if then is None:
        return ""
    return "as last week" if now == then else f"{'up' if now > then else 'down'} from {then} %"


def _breaks_a_day(period: PeriodSummary) -> float | None:
    """Breaks on each day that was worn and awake, so that days without data count for nothing."""
    days = sum(awake_minutes(day.minutes) > 0 for day in period.days)
    return period.breaks / days if days else None


def _kept(period: PeriodSummary) -> int | None:
    """The share, in per cent, of the spells of half an hour or more that stayed under the limit."""
    if not period.over_30 or period.days[-1].limit_minutes <= 30:
        return None
    return (period.over_30 - period.over_limit) * 100 // period.over_30


def _came(period: PeriodSummary) -> Iterator[str]:
    """What came of the reminders, the most frequent first: "9 got you up", "2 snoozed"."""
    found = Counter(_word_of(outcome) for day in period.days for outcome in day.prompts)
    yield from (f"{count} {what}" for what, count in found.most_common())


def _word_of(outcome: PromptOutcome) -> str:
    match outcome.prompt.answer:
        case None | Answer.IGNORED if outcome.moved_within_minutes is None:
            return "without an answer"
        case None | Answer.IGNORED | Answer.MOVED:
            return "got you up"
        case answer:
            return answer.value


def notes(week: PeriodSummary) -> Iterator[str]:
    """Sentences on the best day of a week, and on the hours in which most of its long spells began."""
    limit = week.days[-1].limit_minutes
    known = [day for day in week.days if awake_minutes(day.minutes) >= ENOUGH_MINUTES]
    if len(known) >= ENOUGH_DAYS:
        best = min(known, key=lambda day: (day.over_limit, day.minutes[Kind.SITTING] / awake_minutes(day.minutes)))
        if best.over_limit < max(day.over_limit for day in known):
            yield f"{best.date:%A} was your best day: {spells(best.over_limit)} over {limit} min."
    if (found := hardest(week)) is not None:
        yield f"Hardest hours: {found.hour}-{found.hour + 2}, where {found.begun} of the {found.of} long spells began."


class Hardest(NamedTuple):
    """The two hours, from `hour` on, in which most of the long spells began: how many, of how many."""

    hour: int
    begun: int
    of: int


def hardest(week: PeriodSummary) -> Hardest | None:
    """The hardest hours of a week; None if there are too few long spells, or none of the hours stands out."""
    begun = Counter(
        piece.start.astimezone(ZoneInfo(day.zone)).hour
        for day in week.days
        for piece in day.stretches
        if not piece.doubtful and piece.minutes >= week.days[-1].limit_minutes
    )
    hour = max(range(23), key=lambda each: begun[each] + begun[each + 1])
    found = Hardest(hour, begun[hour] + begun[hour + 1], begun.total())
    return found if found.of >= FEWEST_LONG_SPELLS and found.begun >= found.of * HARD_SHARE else None


def monday_note(week: PeriodSummary, before: PeriodSummary) -> str:
    """What is said on a Monday of the week that is over, beside the one before it; empty if it has no data."""
    breaks = _breaks_a_day(week)
    if breaks is None:
        return ""
    earlier = _breaks_a_day(before) if change(week, before) is not None else None
    by = None if earlier is None else round(breaks) - round(earlier)
    compared_ = (
        ""
        if by is None
        else ", as the week before"
        if not by
        else f", {abs(by)} {'more' if by > 0 else 'fewer'} than before"
    )
    found = hardest(week)
    hard = "" if found is None else f" Hardest: {found.hour}-{found.hour + 2}."
    return f"Last week: {counted(round(breaks), 'break')} a day{compared_}.{hard}"


def proposal(week: PeriodSummary, before: PeriodSummary | None) -> Iterator[str]:
    """What could be changed, in the first week in which few reminders were followed."""
    followed = week.followed
    if before is not None and few_followed(followed) and not few_followed(before.followed):
        yield "You followed few reminders. Other hours may suit you better"
        yield "(`hipsync config set prompts.hours ...`), or another limit (`... sitting.limit 45m`);"
        yield "`hipsync why` says when few were followed."

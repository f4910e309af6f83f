"""Sentences about a day, for every surface that shows one: the terminal, plain text, and the page.

They say first what was asked: how long, since when, and what to do. All times are local.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from hipsync.core.period import awake_minutes
from hipsync.core.ribbon import ON_FEET, Shade
from hipsync.core.summary import BandOfDay, DaySummary, Piece, PromptOutcome
from hipsync.core.timeline import COARSE_MINUTES
from hipsync.model import MINUTE, Answer, Kind, Occasion, Prompt
from hipsync.report.exercise_words import exercise_name, short_exercise_name
from hipsync.text import counted, length

CURRENT = 10 * MINUTE
"""Data that end no longer before now than this tell what the wearer does now."""
LONG_DAY_MINUTES = 12 * 60
"""A day with at least this much sitting gets a remark, always beside the hours awake (docs/rule.md)."""
NOTHING_AWAKE = "No waking minutes recorded yet."
ANSWERS = {
    Answer.DONE: "done",
    Answer.SNOOZED: "snoozed",
    Answer.SKIPPED: "skipped",
    Answer.MOVED: "got up",
    Answer.IGNORED: "no answer",
    Answer.HURT: "done, it hurt",
    Answer.STANDING: "you were standing",
}
"""What came of a reminder, in words."""
OCCASIONS = {Occasion.MORNING: "morning", Occasion.AFTER_RIDE: "after the ride", Occasion.WARM_UP: "warm-up"}


def spells(count: int) -> str:
    """A number of spells: "no spell", "1 spell", "2 spells"."""
    return counted(count, "spell") if count else "no spell"


def clock(day: DaySummary, at: datetime) -> str:
    """A local time of this day, such as 09:06."""
    return f"{at.astimezone(ZoneInfo(day.zone)):%H:%M}"


def title(day: DaySummary) -> str:
    """The name of a day, such as Friday 20 November 2026."""
    return f"{day.date:%A} {day.date.day} {day.date:%B %Y}"


def source(day: DaySummary) -> str:
    """From which bands the data are, and up to when: "Mi Smart Band 5, up to 16:21"; empty if there are none."""
    until = day.complete_until
    end = [] if until is None or until == day.end else [f"up to {clock(day, until)}"]
    return ", ".join([names_of(day.bands), *end] if day.bands else end)


def names_of(bands: Iterable[BandOfDay]) -> str:
    """The names of bands, each once: "Mi Smart Band 5 + practice (simulated)"."""
    return " + ".join(dict.fromkeys(f"{band.name}{' (simulated)' if band.simulated else ''}" for band in bands))


def slots(band: BandOfDay, steps: int) -> str:
    """A sentence on a band that reports long slots only; empty for one that reports minutes."""
    minutes = band.resolution_minutes
    if minutes <= 1:
        return ""
    if minutes <= COARSE_MINUTES:
        return f"{band.name} reports {minutes}-minute steps: short breaks may not show."
    often = "once an hour" if minutes == 60 else f"every {length(minutes)}"
    return f"{band.name} reports {often}: steps only ({steps:,}), no sitting."


def headline(day: DaySummary) -> str:
    """What the wearer asked first: of today how long they have sat and what to do, of another day how it went."""
    return _today(day) if day.until < day.end and day.complete_until is not None else _past(day)


def _today(day: DaySummary) -> str:
    stretch = day.running
    if stretch is None:
        return " ".join(filter(None, (_not_sitting(day), _over(day))))
    if stretch.doubtful:
        return f"No movement since {clock(day, stretch.start)}. Is the band on your wrist?"
    sat = f"Sitting for {length(stretch.minutes)}, since {clock(day, stretch.start)}."
    if (asked := open_prompt(day)) is not None:
        return f"{sat} Time to get up: {exercise_name(asked)}."
    if stretch.minutes >= day.limit_minutes:
        return f"{sat} {_answered(day) or f'That is over {day.limit_minutes} min.'}"
    full = day.until + (day.limit_minutes - stretch.minutes) * MINUTE
    return f"{sat} Get up by {clock(day, full)}."


def _not_sitting(day: DaySummary) -> str:
    """What the wearer does now, who does not sit."""
    until = day.complete_until
    if until is None:
        return ""
    if day.until - until > CURRENT:
        return f"No data since {clock(day, until)}."
    at = (until - day.start) // MINUTE - 1
    code = day.kinds[at]
    first = max((_minute(day, piece.end) for piece in day.stretches), default=0)
    same = ON_FEET if code in ON_FEET else {code}
    while at > (first if code in ON_FEET else 0) and day.kinds[at - 1] in same:
        at -= 1
    since = clock(day, day.start + at * MINUTE)
    match code:
        case Shade.ASLEEP:
            return f"Asleep since {since}."
        case Shade.NOT_WORN:
            return f"Your band is off your wrist, since {since}."
        case Shade.UP | Shade.STANDING:
            return f"You are up, since {since}."
        case _:
            return ""


def _past(day: DaySummary) -> str:
    over, pieces = _over(day), [piece for piece in day.stretches if not piece.doubtful]
    if day.complete_until is None and day.steps:
        return f"No minutes{' yet today' if day.until < day.end else ''}, {counted(day.steps, 'step')}."
    if day.complete_until is None and day.until < day.end:
        return "No data yet today."
    if day.complete_until is None:
        return f"No data for {day.date:%a} {day.date.day} {day.date:%b}."
    if not pieces:
        return over if awake_minutes(day.minutes) else NOTHING_AWAKE
    longest = max(pieces, key=lambda piece: piece.minutes)
    lasted = f"{length(longest.minutes)} ({span(day, longest)})"
    if day.over_limit > 1:
        return f"{over.removesuffix('.')}, the longest {lasted}."
    return f"{over} The longest spell was {lasted}."


def _over(day: DaySummary) -> str:
    if not awake_minutes(day.minutes):
        return ""
    return (
        f"{spells(day.over_limit).capitalize()} over {day.limit_minutes} min{' today' if day.until < day.end else ''}."
    )


def _answered(day: DaySummary) -> str:
    """What became of the last reminder of the running spell; empty if there was none."""
    prompt = next((each.prompt for each in reversed(day.prompts) if _is_of_running(day, each.prompt)), None)
    if prompt is None or prompt.answer is None or prompt.answered_at is None:
        return ""
    at = clock(day, prompt.answered_at)
    match prompt.answer:
        case Answer.SNOOZED if prompt.snoozed_until is not None and prompt.snoozed_until > day.until:
            return f"Snoozed until {clock(day, prompt.snoozed_until)}."
        case Answer.DONE | Answer.HURT:
            return f"Done at {at}."
        case Answer.SKIPPED:
            return f"Skipped at {at}."
        case _:
            return ""


def _is_of_running(day: DaySummary, prompt: Prompt) -> bool:
    running = day.running
    return running is not None and prompt.occasion is Occasion.SITTING and running.start < prompt.due


def open_prompt(day: DaySummary) -> Prompt | None:
    """The reminder of the running spell that waits for an answer; None if none does."""
    last = next((each.prompt for each in reversed(day.prompts) if _is_of_running(day, each.prompt)), None)
    return last if last is not None and last.answer is None else None


def what_for(prompt: Prompt) -> str:
    """What a reminder was for, in a list: the exercise, or the occasion if it was not for sitting."""
    return OCCASIONS.get(prompt.occasion) or short_exercise_name(prompt.exercise)


def opening(words: str) -> str:
    """Words as they open a line: the first letter is a capital one."""
    return words[:1].upper() + words[1:]


def totals(day: DaySummary) -> str:
    """The day in one line: "6 h 55 sitting of 9 h 23 awake (74 %), 2 spells over 60 min, 7 breaks"."""
    awake, sat = awake_minutes(day.minutes), day.minutes[Kind.SITTING]
    if not awake:
        return NOTHING_AWAKE if day.complete_until is not None else ""
    is_told = day.until == day.end  # the headline of a day that is over says it
    over = [] if is_told or not day.over_limit else [f"{spells(day.over_limit)} over {day.limit_minutes} min"]
    share = f"{length(sat)} sitting of {length(awake)} awake ({sat * 100 // awake} %)"
    return ", ".join([share, *over, counted(day.breaks, "break")])


def long_day(day: DaySummary) -> str:
    """A remark on a day with very much sitting; empty for others."""
    return "That is more than 12 hours of sitting." if day.minutes[Kind.SITTING] >= LONG_DAY_MINUTES else ""


def span(day: DaySummary, piece: Piece) -> str:
    """When a spell was: "08:06-09:24", "15:09-now"."""
    running = piece.ended_by is None and day.until < day.end and piece.end >= day.until - CURRENT
    return f"{clock(day, piece.start)}-{'now' if running else clock(day, piece.end)}"


def is_over(day: DaySummary, piece: Piece) -> bool:
    """Whether a spell passed the limit, be it on the day before or after."""
    return (piece.whole or piece).minutes >= day.limit_minutes


def longest(day: DaySummary, most: int) -> list[Piece]:
    """The longest spells of a day, without those in which the band may have been off."""
    sure = [piece for piece in day.stretches if not piece.doubtful]
    return sorted(sure, key=lambda piece: -piece.minutes)[:most]


def left_out(day: DaySummary) -> str:
    """A sentence on the spells in which the band may have been off; empty if there are none."""
    unsure = [piece for piece in day.stretches if piece.doubtful]
    if not unsure:
        return ""
    times = ", ".join(span(day, piece) for piece in unsure)
    return f"{counted(len(unsure), 'spell')} left out: the band may have been off ({times})."


def answer(day: DaySummary, outcome: PromptOutcome) -> str:
    """What came of a reminder of this day: "got up 09:24", "done", "snoozed to 09:16", "waiting for you"."""
    moved = outcome.moved_within_minutes
    up_at = None if moved is None else outcome.prompt.at + moved * MINUTE
    return came_of(outcome.prompt, up_at, lambda at: clock(day, at))


def came_of(prompt: Prompt, up_at: datetime | None, local: Callable[[datetime], str]) -> str:
    """The same; `up_at` is when the wearer got up after it, None if that is not known. `local` writes a time."""
    match prompt.answer:
        case Answer.SNOOZED if prompt.snoozed_until is not None:
            return f"snoozed to {local(prompt.snoozed_until)}"
        case None | Answer.MOVED | Answer.IGNORED if up_at is not None:
            return f"got up {local(up_at)}"
        case None:
            return "waiting for you"
        case answer:
            return ANSWERS[answer]


def got_up(outcome: PromptOutcome) -> bool:
    """Whether the wearer got up within ten minutes of the last showing of a reminder."""
    return outcome.moved_within_minutes is not None


def kept(day: DaySummary) -> str:
    """How many long spells were broken off in time: "6 of 8 spells kept under 60 min"; empty if that says nothing."""
    if day.limit_minutes <= 30 or not day.over_30:
        return ""
    long = "spell" if day.over_30 == 1 else "spells"
    return f"{day.over_30 - day.over_limit} of {day.over_30} {long} kept under {day.limit_minutes} min"


def folded(day: DaySummary, first: int, last: int) -> str:
    """What the minutes `[first, last)` were, of which no ribbon is drawn: "asleep until 06:48", "no data from 18:00".

    Where sleep or the want of data goes on after them, as before them, the words say so.
    """
    codes = day.kinds[first:last]
    slept = codes.count(Shade.ASLEEP)
    quiet = bytes([Shade.ASLEEP, Shade.NO_DATA] if 0 < slept < len(codes) else [codes[0]])
    what = "asleep" if slept == len(codes) else "asleep or no data" if slept else "no data"
    while first > 0 and day.kinds[first - 1] in quiet:
        first -= 1
    while last < len(day.kinds) and day.kinds[last] in quiet:
        last += 1
    start, end = (clock(day, day.start + at * MINUTE) for at in (first, last))
    if first == 0 and last == len(day.kinds):
        return what
    if first == 0:
        return f"{what} until {end}"
    return f"{what} from {start}" if last == len(day.kinds) else f"{what} {start}-{end}"


def _minute(day: DaySummary, at: datetime) -> int:
    return (at - day.start) // MINUTE

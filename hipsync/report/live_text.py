"""The texts of the live screen but those that other surfaces have too: the clock, the meter beside it, the head."""

from __future__ import annotations

from collections.abc import Sequence

from hipsync.core.exercises import Move
from hipsync.core.ribbon import Shade
from hipsync.core.summary import DaySummary
from hipsync.report import day_words as words
from hipsync.report.pen import Pen, sentences
from hipsync.text import clean

METER_COLUMNS = 36
LONGEST = 200


def clock_text(minutes: int | None) -> str:
    """How long the running spell is, as digits: "1:12"; empty if none runs."""
    return "" if minutes is None else f"{minutes // 60}:{minutes % 60:02}"


def meter_lines(minutes: int, limit: int, pen: Pen) -> list[str]:
    """A bar from 0 to the limit, or to where the spell is beyond it, and what stands below it."""
    whole = max(minutes, limit)
    within = round(min(minutes, limit) * METER_COLUMNS / whole)
    beyond = round(max(minutes - limit, 0) * METER_COLUMNS / whole)
    sat, past = pen.glyph(Shade.SITTING), pen.glyph(Shade.PAST)
    bar = pen.shaded(Shade.SITTING, sat * within) + pen.shaded(Shade.PAST, past * beyond)
    at = round(limit * METER_COLUMNS / whole)
    label = f"{limit} min"
    return [bar, f"0{label:>{max(at - 1, len(label) + 1)}}"]


def head_text(day: DaySummary) -> str:
    """The date, the time, and from which band the data are."""
    now = f"{day.date:%a} {day.date.day} {day.date:%b}  {words.clock(day, day.until)}"
    return "   ".join(filter(None, (now, words.source(day))))


def card_lines(move: Move, columns: int, pen: Pen) -> list[str]:
    """What an open reminder asks for, on so many columns."""
    name = f"Time to get up: {move.title[:1].lower()}{move.title[1:]}"
    lines = [*(pen.bold(line) for line in sentences(clean(name, LONGEST), columns)), ""]
    return [*lines, *(line for step in move.steps[:3] for line in sentences(clean(step, LONGEST), columns))]


def in_short(day: DaySummary) -> Sequence[str]:
    """The day in numbers, as lines."""
    return [line for line in (words.totals(day), words.long_day(day)) if line]

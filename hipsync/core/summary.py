"""One local day as numbers: the only place where the kinds of minutes are counted (`product.md` section 3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import NamedTuple

from hipsync.core.bouts import LISTED, Bouts, moved_after, usual_minutes
from hipsync.core.days import Day
from hipsync.core.timeline import (
    ASLEEP,
    MISSING,
    NOT_WORN,
    STANDING,
    STILL,
    Timeline,
    instant_of,
    minute_of,
    zero_runs,
)
from hipsync.model import MINUTE, EndedBy, Exercise, Kind, Occasion, Prompt, Span, Stretch

KINDS = (Kind.SITTING, Kind.UP, Kind.STANDING, Kind.ASLEEP, Kind.NOT_WORN, Kind.UNKNOWN)
_CODES = {kind: code for code, kind in enumerate(KINDS)}
OVER_30 = 30

Minutes = dict[Kind, int]
"""All six kinds, in whole minutes."""


class Worn(NamedTuple):
    """A band of the day, as people know it."""

    name: str
    simulated: bool
    resolution_minutes: int


class Piece(NamedTuple):
    """The part of a stretch that lies in the day; `whole` is given if it was cut."""

    start: datetime
    end: datetime
    minutes: int
    ended_by: EndedBy | None
    due: datetime | None
    prompted: bool
    doubtful: bool
    whole: Stretch | None


class Hour(NamedTuple):
    """One elapsed hour, or what has passed of it."""

    start: datetime
    minutes: Minutes


class PromptOutcome(NamedTuple):
    """A prompt of the day, and how soon a break began after it: of one that was for sitting."""

    prompt: Prompt
    moved_within_minutes: int | None


class DaySummary(NamedTuple):
    """All that any output shows of a day."""

    date: date
    zone: str
    start: datetime
    end: datetime
    until: datetime
    """Up to which it is counted: its end, or now."""
    complete_until: datetime | None
    bands: Sequence[Worn]
    minutes: Minutes
    steps: int
    limit_minutes: int
    stretches: Sequence[Piece]
    longest_minutes: int
    over_30: int
    over_limit: int
    breaks: int
    usual_stretch_minutes: int | None
    lengths: Sequence[int]
    """Whole lengths in minutes of the stretches that belong to the day, but not the doubtful ones."""
    break_starts: Sequence[datetime]
    hours: Sequence[Hour]
    prompts: Sequence[PromptOutcome]
    exercises: Sequence[Exercise]
    kinds: bytes
    """Of each minute from `start` to `until`, its place in `KINDS`."""

    def spans(self) -> Iterator[Span]:
        """The day as runs of minutes of one kind, in order and without gaps, from `start` to `until`."""
        start = self.start
        for code, run in groupby(self.kinds):
            end = start + len(list(run)) * MINUTE
            yield Span(start, end, KINDS[code])
            start = end


class Judged(NamedTuple):
    """What follows from a day's minutes and the rule alone, whatever was said or done: it may be kept (`kept.py`)."""

    complete_until: datetime | None
    steps: int
    kinds: bytes
    stretches: Sequence[Piece]
    """None of them marked as prompted."""
    lengths: Sequence[int]
    breaks: Sequence[datetime]
    """Starts of all from the day's beginning on: one after its end may still be what its last prompt brought about."""


def day_summary(
    line: Timeline,
    found: Bouts,
    day: Day,
    now: datetime,
    *,
    limit: int,
    bands: Sequence[Worn] = (),
    prompts: Sequence[Prompt] = (),
    exercises: Sequence[Exercise] = (),
) -> DaySummary:
    """The summary of `day` from a line that reaches far enough before and behind it to hold its stretches whole."""
    judged = judged_day(line, found, day, now)
    return summed_up(judged, day, now, limit=limit, bands=bands, prompts=prompts, exercises=exercises)


def judged_day(line: Timeline, found: Bouts, day: Day, now: datetime) -> Judged:
    """The part of a summary that takes long. `line` as in `day_summary`."""
    until = _until(day, now)
    first, last = minute_of(day.start), minute_of(until)
    pieces = [
        _piece(line, stretch, day, until)
        for stretch in found.stretches
        if stretch.minutes >= LISTED and stretch.start < until and stretch.end > day.start
    ]
    return Judged(
        complete_until=_complete_until(line, first, last),
        steps=_steps(line, first, last),
        kinds=kinds_of(line)[max(first - line.first, 0) : max(last - line.first, 0)],
        stretches=[piece for piece in pieces if piece.minutes],
        lengths=[
            stretch.minutes
            for stretch in found.stretches
            if stretch.minutes >= LISTED and day.start < stretch.end <= day.end and not stretch.doubtful
        ],
        breaks=[b.start for b in found.breaks if b.start >= day.start],
    )


def summed_up(
    judged: Judged,
    day: Day,
    now: datetime,
    *,
    limit: int,
    bands: Sequence[Worn] = (),
    prompts: Sequence[Prompt] = (),
    exercises: Sequence[Exercise] = (),
) -> DaySummary:
    """A day's summary, with what was said and done joined to what was judged."""
    until = _until(day, now)
    first, kinds, lengths = minute_of(day.start), judged.kinds, judged.lengths
    break_starts = [start for start in judged.breaks if start < until]
    return DaySummary(
        date=day.date,
        zone=day.zone.key,
        start=day.start,
        end=day.end,
        until=until,
        complete_until=judged.complete_until,
        bands=bands,
        minutes=_counts(kinds),
        steps=judged.steps,
        limit_minutes=limit,
        stretches=[piece._replace(prompted=_prompted(piece, prompts)) for piece in judged.stretches],
        longest_minutes=max(lengths, default=0),
        over_30=sum(minutes >= OVER_30 for minutes in lengths),
        over_limit=sum(minutes >= limit for minutes in lengths),
        breaks=len(break_starts),
        usual_stretch_minutes=usual_minutes(lengths),
        lengths=lengths,
        break_starts=break_starts,
        hours=[Hour(instant_of(first + at), _counts(kinds[at : at + 60])) for at in range(0, len(kinds), 60)],
        prompts=[_outcome(prompt, judged.breaks) for prompt in prompts if day.start <= prompt.at < day.end],
        exercises=[exercise for exercise in exercises if day.start <= exercise.at < day.end],
        kinds=kinds,
    )


def _until(day: Day, now: datetime) -> datetime:
    return max(min(instant_of(minute_of(now)), day.end), day.start)


def kinds_of(line: Timeline) -> bytes:
    """The kind of every minute of a line, as places in `KINDS`; the first that fits in `product.md`'s order."""
    still = bytearray(len(line.code))
    for start, end in zero_runs(line):
        if end - start >= LISTED:
            still[start:end] = b"\1" * (end - start)
    kinds = bytearray(len(line.code))
    for at, (code, flags) in enumerate(zip(line.code, line.flags, strict=True)):
        if code == MISSING or line.doubtful[at]:
            kind = Kind.UNKNOWN
        elif code == NOT_WORN:
            kind = Kind.NOT_WORN
        elif code == ASLEEP:
            kind = Kind.ASLEEP
        elif flags & STANDING:
            kind = Kind.STANDING
        elif still[at] or code == STILL:
            kind = Kind.SITTING
        else:
            kind = Kind.UP
        kinds[at] = _CODES[kind]
    return bytes(kinds)


def _counts(kinds: bytes) -> Minutes:
    return {kind: kinds.count(_CODES[kind]) for kind in KINDS}


def _steps(line: Timeline, first: int, last: int) -> int:
    start, end = max(first - line.first, 0), max(last - line.first, 0)
    return sum(line.steps[start:end]) + sum(steps for minute, steps in line.unplaced if first <= minute < last)


def _complete_until(line: Timeline, first: int, last: int) -> datetime | None:
    start, end = max(first - line.first, 0), max(last - line.first, 0)
    known = line.code[start:end].rstrip(bytes([MISSING]))
    return instant_of(line.first + start + len(known)) if known else None


def _piece(line: Timeline, stretch: Stretch, day: Day, until: datetime) -> Piece:
    start, end = max(stretch.start, day.start), min(stretch.end, until)
    cut = (start, end) != (stretch.start, stretch.end)
    places = range(minute_of(start) - line.first, minute_of(end) - line.first)
    ends_here = end == stretch.end
    return Piece(
        start=start,
        end=end,
        minutes=sum(line.code[at] != MISSING for at in places),
        ended_by=stretch.ended_by if ends_here else None,
        due=stretch.due if stretch.due and start < stretch.due <= end else None,
        prompted=False,
        doubtful=stretch.doubtful,
        whole=stretch if cut else None,
    )


def _prompted(piece: Piece, prompts: Sequence[Prompt]) -> bool:
    whole = piece.whole or piece
    return any(prompt.occasion is Occasion.SITTING and whole.start < prompt.due <= whole.end for prompt in prompts)


def _outcome(prompt: Prompt, breaks: Sequence[datetime]) -> PromptOutcome:
    moved = moved_after(prompt, breaks) if prompt.occasion is Occasion.SITTING else None
    return PromptOutcome(prompt, None if moved is None else int((moved - prompt.at).total_seconds()) // 60)

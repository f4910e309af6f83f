"""One local day as numbers: the only place where the kinds of minutes are counted.

It works in two steps. `judged_day` is slow and depends on readings and rule alone, so that its result can be stored and
used again. `summed_up` is quick and adds the prompts that were shown and the exercises that were done. The meaning of
each number is in docs/contract.md, "day --json".
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import NamedTuple

from hipsync.core.bouts import LISTED_MINUTES, Bouts, moved_after, usual_minutes
from hipsync.core.columns import both, fill, runs, table
from hipsync.core.days import Day
from hipsync.core.timeline import (
    ASLEEP,
    AWAKE,
    IS_COUNTED,
    MISSING,
    NOT_WORN,
    SEATED,
    STANDING,
    STILL,
    STILL_STEPS,
    STOOD,
    UPRIGHT,
    Timeline,
    instant_of,
    minute_of,
    posture,
    zero_runs,
)
from hipsync.model import MINUTE, Break, EndedBy, Exercise, Kind, Occasion, Prompt, Span, Stretch

KINDS = (Kind.SITTING, Kind.UP, Kind.STANDING, Kind.ASLEEP, Kind.NOT_WORN, Kind.UNKNOWN)
"""The six kinds of minutes, in the order of all outputs. The *code* of a kind is its index here."""
_CODES = {kind: code for code, kind in enumerate(KINDS)}
_BY_CODE = table(
    lambda code: _CODES[
        {MISSING: Kind.UNKNOWN, NOT_WORN: Kind.NOT_WORN, ASLEEP: Kind.ASLEEP, STILL: Kind.SITTING}.get(code, Kind.UP)
    ]
)
"""The kind of a minute whose flags and neighbours say nothing, by its code."""
_IS_STANDING = table(lambda flags: bool(flags & STANDING))
_HAS_STOOD = table(lambda flags: bool(flags & STOOD) and posture(flags) == UPRIGHT)
LONG_MINUTES = 30
"""Stretches at least this long are counted as long ones (`over_30`), whatever the limit is."""

Minutes = dict[Kind, int]
"""How many minutes of a range of time are of each of the six kinds."""


class BandOfDay(NamedTuple):
    """A band that has data for a day, under the name that its wearer knows."""

    name: str
    simulated: bool
    resolution_minutes: int
    """The finest resolution of its data for that day."""


class Piece(NamedTuple):
    """The part of a stretch that lies in one day, `[start, end)`."""

    start: datetime
    end: datetime
    minutes: int
    """How many of its minutes count; missing ones do not."""
    ended_by: EndedBy | None
    """What ended the stretch; None if it is still running or continues after the day."""
    due: datetime | None
    """When a prompt was due, if that was in this part of the stretch; else None."""
    prompted: bool
    """Whether a prompt was shown for the stretch."""
    doubtful: bool
    whole: Stretch | None
    """The whole stretch, if the day cuts it; else None."""


class Hour(NamedTuple):
    """One hour of a day, in time elapsed since the day's start; the last one may be shorter."""

    start: datetime
    minutes: Minutes


class PromptOutcome(NamedTuple):
    """A prompt that was shown on a day, and how soon the person moved."""

    prompt: Prompt
    moved_within_minutes: int | None
    """Whole minutes from the first showing to the break that it brought about. None if no break began in time, or if
    the prompt was not for sitting."""


class DaySummary(NamedTuple):
    """All numbers of one local day `[start, end)`: every output shows these, and computes none itself."""

    date: date
    zone: str
    start: datetime
    end: datetime
    until: datetime
    """The instant up to which minutes are counted: the end of the day, or now."""
    complete_until: datetime | None
    """The end of the newest known minute; None if nothing is known of the day."""
    bands: Sequence[BandOfDay]
    minutes: Minutes
    steps: int
    limit_minutes: int
    stretches: Sequence[Piece]
    longest_minutes: int
    over_30: int
    over_limit: int
    breaks: int
    usual_stretch_minutes: int | None
    """W50: half of the sitting time lies in stretches of this length or less. None if there were no stretches."""
    lengths: Sequence[int]
    """The full lengths, in minutes, of the stretches that end in the day, without the doubtful ones."""
    each_break: Sequence[Break]
    prompts: Sequence[PromptOutcome]
    exercises: Sequence[Exercise]
    kinds: bytes
    """One byte for each minute from `start` to `until`: the index of its kind in `KINDS`."""
    running: Stretch | None = None
    """The stretch that runs at `until`, however short it is; None if none does, or the day is over."""

    def spans(self) -> Iterator[Span]:
        """The day as runs of minutes of one kind, in order and without gaps, from `start` to `until`."""
        start = self.start
        for code, run in groupby(self.kinds):
            end = start + len(list(run)) * MINUTE
            yield Span(start, end, KINDS[code])
            start = end

    def hours(self) -> Iterator[Hour]:
        """The day by hours, in order, from `start` to `until`."""
        first = minute_of(self.start)
        for at in range(0, len(self.kinds), 60):
            yield Hour(instant_of(first + at), _counts(self.kinds[at : at + 60]))


class JudgedDay(NamedTuple):
    """What follows from a day's readings and the rule alone, and not from prompts or exercises. So it can be stored."""

    complete_until: datetime | None
    steps: int
    kinds: bytes
    """One byte for each minute, as in `DaySummary`."""
    stretches: Sequence[Piece]
    """None of them is marked as prompted."""
    lengths: Sequence[int]
    """As in `DaySummary`."""
    breaks: Sequence[Break]
    """All breaks from the day's start to the timeline's end: a break after the day may still follow from the day's
    last prompt."""
    running: Stretch | None = None
    """As in `DaySummary`. It is not stored, for days that go on are not."""


def day_summary(
    line: Timeline,
    found: Bouts,
    day: Day,
    now: datetime,
    *,
    limit_minutes: int,
    trust_posture: bool = False,
    bands: Sequence[BandOfDay] = (),
    prompts: Sequence[Prompt] = (),
    exercises: Sequence[Exercise] = (),
) -> DaySummary:
    """The summary of a day. The timeline must reach far enough around the day to contain its stretches whole."""
    judged = judged_day(line, found, day, now, trust_posture=trust_posture)
    return summed_up(judged, day, now, limit_minutes=limit_minutes, bands=bands, prompts=prompts, exercises=exercises)


def judged_day(line: Timeline, found: Bouts, day: Day, now: datetime, *, trust_posture: bool = False) -> JudgedDay:
    """The slow part of a summary.

    `line` must reach far enough to contain the day's stretches whole; `found` are the stretches and breaks on it.
    `trust_posture` is that of the rule by which they were found.
    """
    until = _until(day, now)
    first, last = minute_of(day.start), minute_of(until)
    pieces = [
        _piece(line, stretch, day, until)
        for stretch in found.stretches
        if stretch.minutes >= LISTED_MINUTES and stretch.start < until and stretch.end > day.start
    ]
    return JudgedDay(
        complete_until=_complete_until(line, first, last),
        steps=_steps(line, first, last),
        kinds=kinds_of(line, trust_posture=trust_posture)[max(first - line.first, 0) : max(last - line.first, 0)],
        stretches=[piece for piece in pieces if piece.minutes],
        lengths=[
            stretch.minutes
            for stretch in found.stretches
            if stretch.minutes >= LISTED_MINUTES and day.start < stretch.end <= day.end and not stretch.doubtful
        ],
        breaks=[each for each in found.breaks if each.start >= day.start],
        running=found.stretches[-1] if found.age and until < day.end else None,
    )


def summed_up(
    judged: JudgedDay,
    day: Day,
    now: datetime,
    *,
    limit_minutes: int,
    bands: Sequence[BandOfDay] = (),
    prompts: Sequence[Prompt] = (),
    exercises: Sequence[Exercise] = (),
) -> DaySummary:
    """The quick part of a summary: a judged day, joined with the prompts and exercises that lie in it.

    `prompts` may reach beyond the day, so that a stretch that crosses midnight is known to have had its prompt.
    """
    until = _until(day, now)
    lengths = judged.lengths
    each_break = [each for each in judged.breaks if each.start < until]
    starts = [each.start for each in judged.breaks]
    return DaySummary(
        date=day.date,
        zone=day.zone.key,
        start=day.start,
        end=day.end,
        until=until,
        complete_until=judged.complete_until,
        bands=bands,
        minutes=_counts(judged.kinds),
        steps=judged.steps,
        limit_minutes=limit_minutes,
        stretches=[piece._replace(prompted=_prompted(piece, prompts)) for piece in judged.stretches],
        longest_minutes=max(lengths, default=0),
        over_30=sum(minutes >= LONG_MINUTES for minutes in lengths),
        over_limit=sum(minutes >= limit_minutes for minutes in lengths),
        breaks=len(each_break),
        usual_stretch_minutes=usual_minutes(lengths),
        lengths=lengths,
        each_break=each_break,
        prompts=[_outcome(prompt, starts) for prompt in prompts if day.start <= prompt.at < day.end],
        exercises=[exercise for exercise in exercises if day.start <= exercise.at < day.end],
        kinds=judged.kinds,
        running=judged.running,
    )


def _until(day: Day, now: datetime) -> datetime:
    """The instant up to which a day is counted: whole minutes only, and nothing after `now`."""
    return max(min(instant_of(minute_of(now)), day.end), day.start)


def kinds_of(line: Timeline, *, trust_posture: bool = False) -> bytes:
    """The kind of every minute of a timeline, as indexes into `KINDS`.

    The first kind that fits counts: unknown, not worn, asleep, standing, sitting, up. What the code of a minute decides
    is written first, and holds unless it is written over: up by sitting, both by standing, and all by doubt. With
    `trust_posture`, a posture says whether its wearer sat in a minute; the length of the still run does so only for
    minutes without one.
    """
    kinds = bytearray(line.code.translate(_BY_CODE))
    for start, end in zero_runs(line, LISTED_MINUTES):
        fill(kinds, start, end, _CODES[Kind.SITTING])
    if trust_posture:
        _seat(kinds, line)
    standing = line.flags.translate(_HAS_STOOD if trust_posture else _IS_STANDING)
    for start, end in runs(both(standing, line.code.translate(IS_COUNTED))):
        fill(kinds, start, end, _CODES[Kind.STANDING])
    for start, end in runs(line.doubtful):
        fill(kinds, start, end, _CODES[Kind.UNKNOWN])
    return bytes(kinds)


def _seat(kinds: bytearray, line: Timeline) -> None:
    """Make the minutes of a seated posture those of sitting, if they have few steps, and other ones of a posture up."""
    for at, flags in enumerate(line.flags):
        if line.code[at] == AWAKE and (said := posture(flags)) is not None:
            sat = said == SEATED and line.steps[at] < STILL_STEPS
            kinds[at] = _CODES[Kind.SITTING if sat else Kind.UP]


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
        minutes=len(places) - line.code.count(MISSING, places.start, places.stop),
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

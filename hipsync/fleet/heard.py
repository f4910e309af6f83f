"""A band-day that comes back from Postgres, as columns of what belongs to one wearer. Values in, values out.

A band goes from hand to hand. What it told outside of the time for which it was handed to the wearer is somebody
else's, and what lies across the end of that time is nobody's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import NamedTuple

from hipsync.model import MINUTE, PULSE, STATES, Counter, Epoch, Wear, Workout, WorkoutKind, said
from hipsync.store.file import instant
from hipsync.store.readings import INFERRED, POSTURE_OF

DAY_MINUTES = 1440


class Worn(NamedTuple):
    """A time for which a band was handed to a wearer."""

    id: int
    driver: str
    vouches: bool
    reports_wear: bool
    since: datetime
    until: datetime | None
    """The end, which does not belong to it; None if he wears it still."""


class HeardDay(NamedTuple):
    """A band-day as the judgement needs it, its columns in order of time."""

    worn: int
    day: date
    start: Sequence[int]
    """The minute of the day of each epoch."""
    length: Sequence[int]
    steps: Sequence[int]
    heart_rate: Sequence[int | None]
    state: Sequence[int]
    posture: Sequence[str | None]
    counted_at: Sequence[int]
    """The second of the day of each reading of the counter."""
    counted: Sequence[int]
    worn_at: Sequence[int]
    is_worn: Sequence[bool]
    workout_start: Sequence[int]
    """The second of the day at which each workout began."""
    workout_length: Sequence[int]
    """Seconds."""
    workout_kind: Sequence[str]


class Columns(NamedTuple):
    """What was heard of one time for which a band was the wearer's, in order of time."""

    minutes: list[int]
    """The minutes, counted from 1970, of the epochs of one minute; `steps` and `said` have a place for each, too."""
    steps: list[int]
    said: bytearray
    """As `MinuteEpochs.said`."""
    longer: list[Epoch]
    counters: list[Counter]
    wears: list[Wear]
    workouts: list[Workout]

    def extend(self, later: Columns) -> None:
        """Add what was heard later."""
        self.minutes.extend(later.minutes)
        self.steps.extend(later.steps)
        self.said.extend(later.said)
        self.longer.extend(later.longer)
        self.counters.extend(later.counters)
        self.wears.extend(later.wears)
        self.workouts.extend(later.workouts)


def nothing() -> Columns:
    return Columns([], [], bytearray(), [], [], [], [])


def columns(worn: Worn, day: HeardDay) -> Columns:
    """What a band-day says of the time for which the band was the wearer's."""
    since, until = worn.since.timestamp(), float("inf") if worn.until is None else worn.until.timestamp()

    def has(start_s: int, length_s: int = 0) -> bool:
        return since <= start_s < until and start_s + length_s <= until

    first = (day.day - date(1970, 1, 1)).days * DAY_MINUTES
    first_s = first * 60
    found = nothing()
    if has(first_s, 86400) and set(day.length) == {1} and not any(day.posture):
        found.minutes.extend(map(first.__add__, day.start))
        found.steps.extend(day.steps)
        pairs = zip(day.state, day.heart_rate, strict=True)
        found.said.extend([state & ~INFERRED | (PULSE if (heart or 0) > 0 else 0) for state, heart in pairs])
    else:
        _add_epochs(found, day, first, has)
    counted = zip(day.counted_at, day.counted, strict=True)
    found.counters.extend(Counter(instant(first_s + at), steps) for at, steps in counted if has(first_s + at))
    changed = zip(day.worn_at, day.is_worn, strict=True)
    found.wears.extend(Wear(instant(first_s + at), is_on) for at, is_on in changed if has(first_s + at))
    workouts = zip(day.workout_start, day.workout_length, day.workout_kind, strict=True)
    found.workouts.extend(
        Workout(WorkoutKind(kind), instant(first_s + at), instant(first_s + at + length))
        for at, length, kind in workouts
        if has(first_s + at, length)
    )
    return found


def _add_epochs(found: Columns, day: HeardDay, first: int, has: Callable[[int, int], bool]) -> None:
    """Add the epochs of a band-day that begins in the minute `first`, as far as they are the wearer's."""
    rows = zip(day.start, day.length, day.steps, day.state, day.posture, day.heart_rate, strict=True)
    for at, length, steps, state, posture, heart in rows:
        start_s = (first + at) * 60
        if not has(start_s, length * 60):
            continue
        code, words = int(state) & ~INFERRED, POSTURE_OF[posture]
        if length == 1:
            found.minutes.append(first + at)
            found.steps.append(steps)
            found.said.append(said(STATES[code], words, heart))
        else:
            told = Epoch(instant(start_s), length * MINUTE, steps, None, heart, STATES[code])
            found.longer.append(told._replace(inferred=state >= INFERRED, posture=words))

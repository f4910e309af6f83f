"""What a wearer's bands reported in a month, as columns with a row an epoch. Values in, values out.

Only what lies whole in a time for which a band was handed to him is his. Beside the rows stands what else the judgement
of his days asks for, so that it can be repeated from a file: his zone and limit, his bands, and their readings that are
no epochs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from hashlib import sha256
from typing import NamedTuple

from hipsync.core.summary import KINDS
from hipsync.core.timeline import minute_of
from hipsync.store.readings import INFERRED
from hipsync.text import Json

FORM = 1
"""The version of the files. Those of another version are written anew."""
DAY_MINUTES = 1440
_EPOCH = date(1970, 1, 1)


class MonthMark(NamedTuple):
    """By what a change of a wearer's month is seen."""

    wearer: str
    month: date
    """Its first day."""
    days: int
    """How many band-days it has."""
    changed: datetime
    """When one of them last became other than it was."""


class JudgedMark(NamedTuple):
    """The same of what was judged."""

    wearer: str
    month: date
    digest: str


class Handed(NamedTuple):
    """A time for which a band was handed to a wearer."""

    wearer: str
    worn: int
    band: int
    driver: str
    vouches: bool
    reports_wear: bool
    since: datetime
    until: datetime | None
    """The end, which does not belong to it; None if he wears it still."""


class HeardRow(NamedTuple):
    """A band-day, with the number of a time for which the band was handed to the wearer."""

    worn: int
    day: date
    start: list[int]
    """The minute of the day of each epoch."""
    length: list[int]
    steps: list[int]
    intensity: list[int | None]
    heart_rate: list[int | None]
    state: list[int]
    posture: list[str | None]
    counted_at: list[int]
    """The second of the day of each reading of the counter; so are the next ones."""
    counted: list[int]
    worn_at: list[int]
    is_worn: list[bool]
    workout_start: list[int]
    workout_length: list[int]
    """Seconds."""
    workout_kind: list[str]


class JudgedMinutes(NamedTuple):
    """The kinds of the minutes of a judged day, which begins at `start`; a byte each, as in `DaySummary.kinds`."""

    start: datetime
    kinds: bytes


class Columns(NamedTuple):
    """The rows of a month by column, in order of the day of UTC, of the band, and of the time."""

    start: list[int]
    """Minutes since 1970."""
    length: list[int]
    steps: list[int]
    intensity: list[int | None]
    heart_rate: list[int | None]
    state: list[int | None]
    """The place in `STATES`, without None."""
    posture: list[str | None]
    judged: list[int | None]
    """The kind of all minutes of the row, as a place in `KINDS`; None where they have several, or are not judged."""
    inferred: list[bool]
    band: list[int]


def mark_of(zone: str, limit_minutes: int, month: MonthMark, judged: str, handed: Sequence[Handed]) -> str:
    """A digest that changes whenever the file of a month has to."""
    told = (FORM, zone, limit_minutes, month, judged, [tuple(one) for one in handed])
    return sha256(repr(told).encode()).hexdigest()


def columns(days: Iterable[HeardRow], handed: Mapping[int, Handed], judged: Iterable[JudgedMinutes]) -> Columns:
    """The rows of some band-days, by the number of the time for which a band was handed to the wearer."""
    kinds = _Kinds(judged)
    found = Columns([], [], [], [], [], [], [], [], [], [])
    for day in sorted(days, key=lambda each: (each.day, handed[each.worn].band)):
        _add(found, day, handed[day.worn], kinds)
    return found


def _add(found: Columns, day: HeardRow, one: Handed, kinds: _Kinds) -> None:
    first = (day.day - _EPOCH).days * DAY_MINUTES
    his = [at for at, (start, length) in enumerate(zip(day.start, day.length, strict=True))
           if is_his(one, (first + start) * 60, length * 60)]  # fmt: skip
    found.start.extend(first + day.start[at] for at in his)
    found.length.extend(day.length[at] for at in his)
    found.steps.extend(day.steps[at] for at in his)
    found.intensity.extend(day.intensity[at] for at in his)
    found.heart_rate.extend(day.heart_rate[at] for at in his)
    found.state.extend((day.state[at] & ~INFERRED) - 1 if day.state[at] & ~INFERRED else None for at in his)
    found.posture.extend(day.posture[at] for at in his)
    found.judged.extend(kinds.of(first + day.start[at], day.length[at]) for at in his)
    found.inferred.extend(day.state[at] >= INFERRED for at in his)
    found.band.extend(one.band for _ in his)


def is_his(one: Handed, start_s: int, length_s: int = 0) -> bool:
    """Whether what begins so many seconds after 1970, and lasts so long, lies whole in the time of a wearer."""
    begins = one.since.timestamp()
    ends = float("inf") if one.until is None else one.until.timestamp()
    return begins <= start_s < ends and start_s + length_s <= ends


class _Kinds:
    """The kind of each judged minute, as a place in `KINDS`."""

    def __init__(self, judged: Iterable[JudgedMinutes]) -> None:
        self._known: dict[int, int] = {}
        for each in judged:
            first = minute_of(each.start)
            self._known.update({first + at: kind for at, kind in enumerate(each.kinds) if kind < len(KINDS)})

    def of(self, first: int, length: int) -> int | None:
        """The kind that all of these minutes have; None if there is no such kind."""
        if length == 1:
            return self._known.get(first)
        kinds = {self._known.get(at) for at in range(first, first + length)}
        return kinds.pop() if len(kinds) == 1 else None


def others(days: Iterable[HeardRow], handed: Mapping[int, Handed]) -> list[Json]:
    """What is no row: for each day of a band its counter, wears and workouts, as far as they are the wearer's."""
    found: list[Json] = []
    for day in days:
        one, first_s = handed[day.worn], (day.day - _EPOCH).days * DAY_MINUTES * 60
        counters: list[Json] = [
            [at, steps] for at, steps in zip(day.counted_at, day.counted, strict=True) if is_his(one, first_s + at)
        ]
        wears: list[Json] = [
            [at, worn] for at, worn in zip(day.worn_at, day.is_worn, strict=True) if is_his(one, first_s + at)
        ]
        workouts: list[Json] = [
            [at, length, kind]
            for at, length, kind in zip(day.workout_start, day.workout_length, day.workout_kind, strict=True)
            if is_his(one, first_s + at, length)
        ]
        if counters or wears or workouts:
            head: dict[str, Json] = {"worn": day.worn, "day": day.day.isoformat()}
            found.append({**head, "counters": counters, "wears": wears, "workouts": workouts})
    return found

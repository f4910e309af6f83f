"""Minutes from what exports say, source by source, whatever the order of files and rows and however often a row comes.

Each source becomes the epochs of a band:

- A span of six minutes or more that begins and ends on whole minutes is a slot, and stays one.
- Steps of another span of up to a quarter of an hour are spread evenly over its minutes; what falls into one is added.
- Steps of a longer span become one epoch of its length, to whole minutes. Slots and these count where nothing finer is
  known of their time.
- Heart rates are averaged by minute. A source that tells them was worn, also between two signs that lie up to
  `GAP_MINUTES` apart. Where it tells no steps then, it counted none, if it tells some before and after, a day apart at
  most. Else nothing says that it counts steps at all.
- A minute whose start a sleep covers, and in which nobody walked, is asleep.

Every other minute is unknown. One source never adds to another: the timeline chooses, minute by minute.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from heapq import merge
from itertools import groupby, islice
from operator import itemgetter
from types import TracebackType
from typing import Self

from hipsync.errors import InputError
from hipsync.formats.meaning import HEART_RATES, LONGEST_MINUTES
from hipsync.formats.past.reading import DAY_S, NO_LENGTH, TOO_LONG, TOO_MANY_STEPS
from hipsync.formats.past.said import Beat, Moved, Said, Slept, Trained, Walked
from hipsync.model import MINUTE, STEPS_A_MINUTE, BandId, Epoch, State, Workout, WorkoutKind
from hipsync.store.file import instant
from hipsync.store.past import Past
from hipsync.store.readings import EpochRow, epoch_rows
from hipsync.store.staging import GIVEN_OUT

GAP_MINUTES = 10
"""How far apart two signs of a worn source may lie so that it is known to have been worn between them. Watches measure
the heart rate every five or ten minutes."""
MOST_STILL = 24 * 60
"""The most minutes from one with steps to the next one, within which a worn source counted none."""
MOST_SOURCES = 1000
"""How many sources the files may name."""
NO_WORD = "with a heart rate and nothing about steps around it (import both at once)"
KNOWN_FINER = "of a time that finer rows tell of"
"""Why a row is left out, as the end of "3 rows"."""
_MINUTE_S = 60
_LONGEST_S = DAY_S + 3600
"""The longest span of steps: the day on which clocks are put back. One of sleep or of a workout is under a day."""


class MinutesOfThePast:
    """What exports say, as minutes: a context manager that forgets it."""

    def __init__(self, leave_out: Callable[[str, int], object]) -> None:
        """`leave_out` is told why rows are left out, and how many."""
        self._leave_out = leave_out
        self._names: dict[str, int] = {}
        self._past = Past()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._past.__exit__(kind, error, trace)

    def add(self, said: Iterable[Said]) -> None:
        """Add what rows say. Raises `InputError` if they name too many sources, or if there is no room."""
        for each in said:
            source = self._number(each.source)
            match each:
                case Beat(_, at_s, heart_rate):
                    self._past.add("beats", source, at_s, heart_rate)
                case Moved(_, at_s, intensity):
                    self._past.add("moved", source, at_s // _MINUTE_S, intensity)
                case _ if (why := _wrong_span(each)) is not None:
                    self._leave_out(why, 1)
                case Walked(_, start_s, end_s, steps):
                    self._past.add("walked", source, start_s, end_s, steps)
                case Slept(_, start_s, end_s):
                    self._past.add("slept", source, start_s, end_s, 1)
                case Trained(_, start_s, end_s, kind):
                    self._past.add("trained", source, start_s, end_s, str(kind))
        self._past.settle()

    def sources(self) -> list[str]:
        """The names of the sources that said something that can be right, in the order in which they came."""
        return [name for name in self._names if self.bounds(name) is not None]

    def bounds(self, source: str) -> tuple[int, int] | None:
        """The first second of which a source says something, and the one after the last, since 1970; None without."""
        return self._past.bounds(self._names[source])

    def has_heart_rates(self, source: str) -> bool:
        """Whether a source tells heart rates."""
        return self._past.has("beats", self._names[source])

    def has_sleep(self, source: str) -> bool:
        """Whether a source tells when its wearer slept."""
        return self._past.has("slept", self._names[source])

    def workouts(self, source: str) -> Iterator[Workout]:
        """The workouts of a source, in order of time."""
        for start_s, end_s, kind in self._past.trained(self._names[source]):
            yield Workout(WorkoutKind(kind), instant(start_s), instant(end_s))

    def epochs(self, source: str) -> Iterator[Epoch]:
        """The epochs of a source: first its minutes in order of time, then what is known more coarsely."""
        number = self._names[source]
        yield from self._minutes(number)
        yield from self._coarse(number)

    def epoch_rows(self, source: str, to: BandId) -> Iterator[list[EpochRow]]:
        """As `epochs`, in batches, as rows of the table `epochs` for the band `to`."""
        epochs = self.epochs(source)
        while batch := list(islice(epochs, GIVEN_OUT)):
            yield epoch_rows(to, batch)

    def _minutes(self, source: int) -> Iterator[Epoch]:
        """The epochs of one minute each."""
        worn: int | None = None
        told: int | None = None
        still: list[Epoch] = []  # since the last word of steps, without one, while it was worn
        is_worn = self._past.has("beats", source)
        for minute, signs in groupby(self._signs(source), key=itemgetter(0)):
            known = {what: value for _, what, value in signs}
            if not known.keys() & {"steps", "beat", "asleep"}:
                continue
            if is_worn and worn is not None and minute - worn <= GAP_MINUTES:
                still += (_epoch(between, {}) for between in range(worn + 1, minute))
            worn = minute
            if told is None or minute - told > MOST_STILL:
                self._leave_out_still(still)
                still = []
            if "steps" in known:
                yield from still
                still, told = [], minute
            if known.keys() & {"steps", "asleep"}:
                yield _epoch(minute, known)
            else:
                still.append(_epoch(minute, known))
        self._leave_out_still(still)

    def _leave_out_still(self, still: Sequence[Epoch]) -> None:
        """Count minutes of which nothing says whether there were steps."""
        if rows := sum(epoch.heart_rate is not None for epoch in still):
            self._leave_out(NO_WORD, rows)

    def _signs(self, source: int) -> Iterator[tuple[int, str, float]]:
        """What is known of each minute: the minute since 1970, what it is about, and its value; in order of time."""
        return merge(
            ((minute, "steps", steps) for minute, steps in spread(self._past.walked_to_spread(source))),
            ((minute, "beat", beat) for minute, beat in self._past.beats(source)),
            ((minute, "moved", intensity) for minute, intensity in self._past.moved(source)),
            ((minute, "asleep", 1) for minute in _minutes_begun(self._past.slept(source))),
            key=itemgetter(0),
        )

    def _coarse(self, source: int) -> Iterator[Epoch]:
        """The slots, and the spans that are too long to be spread, without those of which something finer is known.

        Of two that overlap, the shorter one counts; of two of one length, the earlier.
        """
        taken = list[tuple[int, int]]()
        for start_s, end_s, steps in self._past.walked_in_slots(source):
            start = _nearest_minute(start_s)
            end = min(_nearest_minute(end_s), start + LONGEST_MINUTES)
            place = bisect(taken, (start, end))
            is_free = (place == 0 or taken[place - 1][1] <= start) and (place == len(taken) or end <= taken[place][0])
            if is_free and not self._past.is_known_finer(source, start_s, end_s):
                taken.insert(place, (start, end))
                yield Epoch(instant(start * _MINUTE_S), (end - start) * MINUTE, steps)
            else:
                self._leave_out(KNOWN_FINER, 1)

    def _number(self, source: str) -> int:
        number = self._names.setdefault(source, len(self._names))
        if number >= MOST_SOURCES:
            raise InputError(f"more than {MOST_SOURCES:,} sources are named")
        return number


def _wrong_span(span: Walked | Slept | Trained) -> str | None:
    """Why a span cannot be right, as the end of "3 rows"; None if it can."""
    length_s = span.end_s - span.start_s
    if length_s <= 0:
        return NO_LENGTH
    if isinstance(span, Walked) and span.steps * _MINUTE_S > STEPS_A_MINUTE * max(length_s, _MINUTE_S):
        return TOO_MANY_STEPS
    return TOO_LONG if length_s > (_LONGEST_S if isinstance(span, Walked) else DAY_S - 1) else None


def spread(records: Iterable[tuple[int, int, int]]) -> Iterator[tuple[int, int]]:
    """Spread steps over the minutes of their spans, and add what falls into one minute; in order of time.

    `records` are (start, end, steps) in seconds since 1970, by start. A minute gets the part of a record's steps that
    it has of the record's time, rounded so that the parts add up to the whole. No minute gets more than
    `STEPS_A_MINUTE`.
    """
    begun: dict[int, int] = {}
    for start_s, end_s, steps in records:
        first = start_s // _MINUTE_S
        for minute in sorted(each for each in begun if each < first):
            yield minute, min(begun.pop(minute), STEPS_A_MINUTE)
        given = 0
        for minute in range(first, -(-end_s // _MINUTE_S)):
            passed_s, length_s = min(end_s, (minute + 1) * _MINUTE_S) - start_s, end_s - start_s
            so_far = (2 * steps * passed_s + length_s) // (2 * length_s)  # rounded to the nearest
            begun[minute] = begun.get(minute, 0) + so_far - given
            given = so_far
    for minute in sorted(begun):
        yield minute, min(begun[minute], STEPS_A_MINUTE)


def _minutes_begun(spans: Iterable[tuple[int, int]]) -> Iterator[int]:
    """The minutes whose start lies in one of the spans, each once, in order of time; the spans are by their starts."""
    free = 0
    for start_s, end_s in spans:
        first, end = -(-start_s // _MINUTE_S), -(-end_s // _MINUTE_S)
        yield from range(max(first, free), end)
        free = max(free, end)


def _epoch(minute: int, signs: Mapping[str, float]) -> Epoch:
    """The epoch of a minute since 1970, from what is known of it, by what it is about."""
    steps = int(signs.get("steps", 0))
    heart_rate = round(signs["beat"]) if "beat" in signs else None
    return Epoch(
        instant(minute * _MINUTE_S),
        MINUTE,
        steps,
        int(signs["moved"]) if "moved" in signs else None,
        heart_rate if heart_rate in HEART_RATES else None,
        State.ASLEEP if "asleep" in signs and not steps else None,
        inferred="steps" not in signs,
    )


def _nearest_minute(at_s: int) -> int:
    return (at_s + _MINUTE_S // 2) // _MINUTE_S

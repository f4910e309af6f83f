"""Google Health's own CSV in Google Takeout: steps, heart rates, stages of sleep and workouts, all in UTC.

Columns are found by name, in any order; further ones are passed over::

    steps_2026-04-01.csv             timestamp, steps, data source
    heart_rate_2026-04-06.csv        timestamp, beats per minute, data source
    UserSleepStages_2026-03-19.csv   sleep_stage_type, sleep_stage_start, sleep_stage_end, ...
    UserExercises_2026-03-19.csv     exercise_start, exercise_end, activity_name, ...

Seen in real files: a public export of April 2026 (Arohasina/patina-engraver) has all four, with `2026-04-06T02:43:00Z`
in the first two and `2026-04-12 12:32:30+0000` in the others. A description of an export of October 2026
(blakster/air-health, its page on the format of Takeout) agrees, and adds fractions of seconds and several sources in
one file.
Exports of 2024 have no `data source` (a reader of such files quotes their rows).

Two files look alike and are not read: `live_pace` repeats the band's steps beside a distance, and the resting heart
rates of days have the columns of heart rates, with midnight in UTC for the date.

A minute without a step has no row, although the band may have been worn; nothing is said of it.

A row of steps counts for the whole minute that contains its stamp, because nothing says how long it is; rows of one
source in one minute are added, rows with one stamp are the same one. A source has to be in the order of time. What is
held is one minute a source, of at most `MOST_SOURCES` sources and `MOST_STAMPS` rows each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import BinaryIO

from hipsync.errors import InputError
from hipsync.formats.past.csv_rows import columns_of, csv_rows, day_s, heart_rate, whole_number
from hipsync.formats.past.fitbit_workouts import workout_kind
from hipsync.formats.past.reading import NO_HEART_RATE, TOO_MANY_STEPS, UNKNOWN_STAGE, Form, Head, Reading, shown
from hipsync.formats.past.said import Beat, Said, Slept, Trained, Walked
from hipsync.model import STEPS_A_MINUTE
from hipsync.text import clean

LABEL = "Google Health"
"""The name of the form, and the source of what the file does not ascribe to a device."""
MOST_SOURCES, MOST_STAMPS = 1000, 1000
DELETED = "of workouts that the wearer deleted"
"""Why a row is left out, as the end of "3 rows"."""
ASLEEP = frozenset({"LIGHT", "DEEP", "REM", "ASLEEP", "RESTLESS"})
AWAKE = frozenset({"AWAKE", "WAKE"})
STAGES = {"sleep_stage_type", "sleep_stage_start", "sleep_stage_end"}
EXERCISES = {"exercise_start", "exercise_end", "activity_name"}
OF_LIVE_PACE = {"distance millimeters", "altitude gain millimeters"}
"""Columns that only `live_pace` has, beside those of the steps that it repeats."""
_STEPS_NAME = re.compile(r"steps_\d{4}-\d\d-\d\d[^/]*\.csv", re.ASCII | re.IGNORECASE)
_HEART_NAME = re.compile(r"heart_rate_\d{4}-\d\d-\d\d[^/]*\.csv", re.ASCII | re.IGNORECASE)
_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ]([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.\d{1,9})?(?:Z|([+-])([01]\d):?([0-5]\d))", re.ASCII
)
_A_DAY = re.compile(r"(\d{4}-\d\d-\d\d)T00:00:00(?:\.0+)?Z,", re.ASCII)


def fits(head: Head) -> bool:
    """Whether a file is one of the four that are read. Raises nothing."""
    return _kind(columns_of(head), head) is not None


def read(file: BinaryIO, head: Head, reading: Reading) -> Iterator[Said]:
    """Read a file. Raises `InputError`, which names the line."""
    with csv_rows(file, strict=False) as rows:
        header = rows.header()
        kind = _kind(header, head)
        if kind is None:
            first = clean(",".join(header), 80)
            raise InputError(f"this is no file of Google Health that hipsync reads: its first line is {first!r}")
        reader = _READERS[kind](_Columns(header), reading)
        for cells in rows.whole(len(header)):
            yield from reader.said(cells)
        yield from reader.rest()


def _kind(header: Sequence[str], head: Head) -> str | None:
    """Which of `_READERS` reads a file with this header; None if none does."""
    names = {name.lower() for name in header}
    if names >= STAGES:
        return "stages"
    if names >= EXERCISES:
        return "exercises"
    ascribed = "data source" in names
    if names >= {"timestamp", "steps"} and not names & OF_LIVE_PACE:
        return "steps" if ascribed or _STEPS_NAME.fullmatch(head.name) else None
    if names >= {"timestamp", "beats per minute"} and not _is_of_days(head):
        return "heart" if ascribed or _HEART_NAME.fullmatch(head.name) else None
    return None


def _is_of_days(head: Head) -> bool:
    """Whether a file with heart rates has one for each day: by its name, or by two midnights that follow each other."""
    lines = head.start.decode("utf-8-sig", "replace").splitlines()[1:3]
    days = {found[1] for line in lines if (found := _A_DAY.match(line))}
    return "resting" in head.name.lower() or len(days) == 2


class _Columns:
    """Where the columns of a file are, by name in small letters."""

    def __init__(self, header: Sequence[str]) -> None:
        self._places = {name.lower(): place for place, name in enumerate(header)}

    def __getitem__(self, name: str) -> int:
        return self._places[name]

    def cell(self, name: str) -> Callable[[Sequence[str]], str]:
        """A function that takes the column's cell out of a row; it is always empty if there is no such column."""
        place = self._places.get(name)
        return (lambda _: "") if place is None else (lambda cells: cells[place])


def _instant(cell: str) -> int:
    """The instant of a cell such as `2026-04-06T02:43:45.5Z` or `2026-04-06 02:43:45+0000`, in seconds since 1970.

    Parts of a second are cut. Raises `InputError` for anything else, and for a time that does not say its offset.
    """
    if (found := _INSTANT.fullmatch(cell)) is None:
        raise InputError(f"{shown(cell)} is not a time like 2026-04-06T02:43:45Z")
    day, hour, minute, second, sign, hours, minutes = found.groups()
    at_s = day_s(day) + int(hour) * 3600 + int(minute) * 60 + int(second)
    if sign is None:
        return at_s
    offset_s = int(hours) * 3600 + int(minutes) * 60
    return at_s - offset_s if sign == "+" else at_s + offset_s


@lru_cache(1000)
def _source(cell: str) -> str:
    return clean(cell) or LABEL


class _Steps:
    """Adds up the rows of the minute in which each source is."""

    def __init__(self, columns: _Columns, reading: Reading) -> None:
        self._at, self._steps, self._source = columns["timestamp"], columns["steps"], columns.cell("data source")
        self._reading = reading
        self._minutes: dict[str, tuple[int, dict[str, int]]] = {}
        """By source: when its minute began, and the steps of each stamp in it."""

    def said(self, cells: Sequence[str]) -> Iterator[Said]:
        stamp, source = cells[self._at], _source(self._source(cells))
        at_s, steps = _instant(stamp), whole_number(cells[self._steps], 999_999, "steps")
        if not self._reading.is_possible(at_s):
            return
        start_s = at_s - at_s % 60
        before_s, stamps = self._minutes.get(source, (start_s, {}))
        if before_s != start_s:
            yield from self._walked(source)
            stamps = {}
        stamps[stamp] = max(steps, stamps.get(stamp, 0))
        self._minutes[source] = start_s, stamps
        if len(stamps) > MOST_STAMPS or len(self._minutes) > MOST_SOURCES:
            raise InputError(f"more than {MOST_SOURCES} sources, or {MOST_STAMPS} rows of one of them in a minute")

    def rest(self) -> Iterator[Said]:
        for source in self._minutes:
            yield from self._walked(source)

    def _walked(self, source: str) -> Iterator[Walked]:
        start_s, stamps = self._minutes[source]
        steps = sum(stamps.values())
        if steps <= STEPS_A_MINUTE:
            yield Walked(source, start_s, start_s + 60, steps)
        else:
            self._reading.leave_out(TOO_MANY_STEPS, len(stamps))


class _HeartRates:
    """A heart rate a row; an empty cell is none."""

    def __init__(self, columns: _Columns, reading: Reading) -> None:
        self._at, self._rate = columns["timestamp"], columns["beats per minute"]
        self._source, self._reading = columns.cell("data source"), reading

    def said(self, cells: Sequence[str]) -> Iterator[Said]:
        at_s, rate = _instant(cells[self._at]), heart_rate(cells[self._rate])
        if rate is None:
            self._reading.leave_out(NO_HEART_RATE)
        elif self._reading.is_possible(at_s):
            yield Beat(_source(self._source(cells)), at_s, rate)

    def rest(self) -> Iterator[Said]:
        return iter(())


class _Spans:
    """What a row of sleep and one of a workout have in common: an instant of its start, and one of its end."""

    def __init__(self, columns: _Columns, reading: Reading, what: str) -> None:
        self._start, self._end, self._reading = columns[f"{what}_start"], columns[f"{what}_end"], reading

    def rest(self) -> Iterator[Said]:
        return iter(())

    def _span(self, cells: Sequence[str]) -> tuple[int, int] | None:
        """The span of a row; None if it is left out."""
        start_s, end_s = _instant(cells[self._start]), _instant(cells[self._end])
        return (start_s, end_s) if self._reading.is_span(start_s, end_s) else None


class _Stages(_Spans):
    def __init__(self, columns: _Columns, reading: Reading) -> None:
        super().__init__(columns, reading, "sleep_stage")
        self._stage = columns["sleep_stage_type"]

    def said(self, cells: Sequence[str]) -> Iterator[Said]:
        stage = cells[self._stage].strip().upper()
        if stage in ASLEEP and (span := self._span(cells)) is not None:
            yield Slept(LABEL, *span)
        elif stage not in ASLEEP | AWAKE:
            self._reading.leave_out(UNKNOWN_STAGE)


class _Exercises(_Spans):
    def __init__(self, columns: _Columns, reading: Reading) -> None:
        super().__init__(columns, reading, "exercise")
        self._name, self._deleted = columns["activity_name"], columns.cell("deletion_reason")

    def said(self, cells: Sequence[str]) -> Iterator[Said]:
        if self._deleted(cells) not in {"", "UNSPECIFIED"}:
            self._reading.leave_out(DELETED)
        elif (span := self._span(cells)) is not None:
            yield Trained(LABEL, *span, workout_kind(cells[self._name]))


_READERS: dict[str, Callable[[_Columns, Reading], _Steps | _HeartRates | _Stages | _Exercises]] = {
    "steps": _Steps, "heart": _HeartRates, "stages": _Stages, "exercises": _Exercises
}  # fmt: skip

FORM = Form("fitbit", LABEL, fits, read)

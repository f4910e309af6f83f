"""Mi Fitness's copy of an account's data: a CSV of events, whose values are JSON.

    ..._MiFitness_hlth_center_fitness_data.csv   Uid,Sid,Key,Time,Value,UpdateTime
    ..._MiFitness_hlth_center_sport_record.csv   Uid,Sid,Key,Time,Category,Value,UpdateTime

    Key                                             Value
    steps                                           {"time", "steps", "distance", "calories"}: the minute from Time
    heart_rate, single_heart_rate                   {"time", "bpm"}
    sleep, watch_night_sleep, watch_daytime_sleep   {"bedtime", "wake_up_time", "items": [{"start_time", "end_time",
                                                    "state"}]}
    (a row with a Category)                         {"start_time", "end_time"}; Key is the sport

All times are seconds since 1970 in UTC: joiseyes' `ImportXiaomiCsvCommand` compared steps and heart rates of an
export with the phone's own store, and found no shift. By description: no real bytes were seen. The columns and values
are those of joiseyes, of a Python adapter for the export (SPEC 9.2: `Uid,Sid,Key,Time,Value(JSON),UpdateTime`) and of
a Portuguese specification of it, which agree. Of `state` three projects say 2 deep, 3 light, 4 REM, 5 awake; the
Portuguese one has other names, but all count 3 as sleep. Words of sports are those that two importers of the export
share.

Not read: the daily reports (the file with a column Tag), calories, SpO2, stress, and `abnormal_heart_rate`, which
repeats `heart_rate` row by row.

A file is read row by row, in the memory that `csv_rows` needs; a Value is a line long at most.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import BinaryIO

from hipsync.errors import InputError
from hipsync.formats.past.csv_rows import columns_of, csv_rows, places
from hipsync.formats.past.reading import NO_HEART_RATE, UNKNOWN_STAGE, Form, Head, Reading, believed_rate, shown
from hipsync.formats.past.said import Beat, Said, Slept, Trained, Walked
from hipsync.model import WorkoutKind
from hipsync.text import Json, clean, json_of

LABEL = "Mi Fitness"
COLUMNS = ("Sid", "Key", "Time", "Value", "UpdateTime")
"""The columns that each file has; a file with a column Tag beside them holds daily reports."""
ASLEEP = frozenset({2, 3, 4})
AWAKE = 5
SPORTS: Mapping[str, WorkoutKind] = {
    "outdoor_running": WorkoutKind.RUNNING,
    "indoor_running": WorkoutKind.TREADMILL,
    "outdoor_walking": WorkoutKind.WALKING,
    "outdoor_riding": WorkoutKind.CYCLING,
    "indoor_riding": WorkoutKind.CYCLING_INDOOR,
}
FIRST_BAND_S = int(datetime(2014, 7, 1, tzinfo=UTC).timestamp())
"""Xiaomi sold its first band in July 2014. Rows of 2000 are real: a band writes them before its clock is set."""
CLOCK_NOT_SET = "from before there were such bands: the band's clock was not set"
"""Why a row is left out, as the end of "3 rows"."""
LONGEST_ID = 200
LARGEST = 10_000_000_000
"""No number that is read is as large: it is a time of the year 2286."""


def _steps(source: str, at_s: int, value: Mapping[str, Json], reading: Reading) -> Iterator[Said]:
    steps = _number(value, "steps")
    if reading.is_possible(at_s):
        yield Walked(source, at_s, at_s + 60, steps)


def _beat(source: str, at_s: int, value: Mapping[str, Json], reading: Reading) -> Iterator[Said]:
    rate = believed_rate(_number(value, "bpm"))
    if rate is None:
        reading.leave_out(NO_HEART_RATE)
    elif reading.is_possible(at_s):
        yield Beat(source, at_s, rate)


def _sleep(source: str, _at_s: int, value: Mapping[str, Json], reading: Reading) -> Iterator[Said]:
    """The stages of a night; of a short sleep, which has none, the whole.

    The row's own time is not used: it is when the wearer woke up.
    """
    items = value.get("items")
    stages = [_stage(item) for item in items] if isinstance(items, list) else []
    if not any(state in ASLEEP for _, _, state in stages):
        stages = [(_number(value, "bedtime"), _number(value, "wake_up_time"), min(ASLEEP))]
    for start_s, end_s, state in stages:
        if state == AWAKE:
            continue
        if state not in ASLEEP:
            reading.leave_out(UNKNOWN_STAGE)
        elif reading.is_span(start_s, end_s):
            yield Slept(source, start_s, end_s)


def _stage(item: Json) -> tuple[int, int, int]:
    if not isinstance(item, dict):
        raise InputError(f"{shown(item)} is no stage of sleep")
    return _number(item, "start_time"), _number(item, "end_time"), _number(item, "state")


def _workout(source: str, sport: str, value: Mapping[str, Json], reading: Reading) -> Iterator[Said]:
    start_s, end_s = _number(value, "start_time"), _number(value, "end_time")
    if reading.is_span(start_s, end_s):
        yield Trained(source, start_s, end_s, SPORTS.get(sport, WorkoutKind.OTHER))


READERS: Mapping[str, Callable[[str, int, Mapping[str, Json], Reading], Iterator[Said]]] = {
    "steps": _steps,
    "heart_rate": _beat,
    "single_heart_rate": _beat,
    "sleep": _sleep,
    "watch_night_sleep": _sleep,
    "watch_daytime_sleep": _sleep,
}
"""By Key: what an event says, from its source, its time and its value. They raise `InputError`."""


def _number(value: Mapping[str, Json], name: str) -> int:
    """A whole number from 0 to `LARGEST` in a value. Raises `InputError`."""
    number = value.get(name)
    if type(number) is not int or not 0 <= number <= LARGEST:
        raise InputError(f"{name} is not a whole number in the Value: {shown(number)}")
    return number


def _value(cell: str) -> Mapping[str, Json]:
    """The object that a cell of Value holds. Raises `InputError`."""
    try:
        value = json_of(cell)
    except ValueError as error:
        raise InputError(f"the Value is not JSON: {shown(cell)}") from error
    if not isinstance(value, dict):
        raise InputError(f"the Value is not a JSON object: {shown(cell)}")
    return value


def _seconds(cell: str) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", cell):
        raise InputError(f"{shown(cell)} in Time is not a number of seconds")
    return int(cell)


@lru_cache(maxsize=256)
def source_of(sid: str) -> str:
    """The name of a source for people: its id, which ends in four letters and digits if it is a device's number.

    The same id has the same name in each file of each export, which a count of devices would not have.
    Raises `InputError` for an id without end.
    """
    if len(sid) > LONGEST_ID:
        raise InputError("the Sid of a source is too long")
    letters = "".join(letter for letter in sid if letter.isascii() and letter.isalnum())
    short = letters[-4:] if any(letter.isdigit() for letter in letters) else clean(sid, 40)
    return f"{LABEL} {short}" if short else LABEL


def _fits(head: Head) -> bool:
    names = set(columns_of(head))
    return names >= set(COLUMNS) and "Tag" not in names


def _read(file: BinaryIO, _head: Head, reading: Reading) -> Iterator[Said]:
    with csv_rows(file) as rows:
        header = rows.header()
        sid_at, key_at, time_at, value_at = places(header, COLUMNS[:4])
        of_sports = "Category" in header
        for cells in rows.whole(len(header)):
            key = cells[key_at].strip()
            reader = READERS.get(key)
            if reader is None and not of_sports:
                continue
            at_s = _seconds(cells[time_at].strip())
            if at_s < FIRST_BAND_S:
                reading.leave_out(CLOCK_NOT_SET)
                continue
            source, value = source_of(cells[sid_at].strip()), _value(cells[value_at])
            if of_sports:
                yield from _workout(source, key, value, reading)
            elif reader is not None:
                yield from reader(source, at_s, value, reading)


FORM = Form("mifitness", LABEL, _fits, _read)

"""Fitbit's JSON in Google Takeout and in the account archive of fitbit.com: steps, heart rates, sleep and workouts.

Each file is an array, and its first entry says what it is about, but for steps, which are told from calories by name::

    steps-2026-03-18.json       {"dateTime": "03/19/26 18:48:00", "value": "13"}                         a minute
    heart_rate-2026-04-06.json  {"dateTime": "04/06/26 04:00:02", "value": {"bpm": 64, "confidence": 2}}
    sleep-2026-03-18.json       {"startTime": ..., "levels": {"data": [{"dateTime": "2026-04-14T04:26:30.000",
                                 "level": "wake", "seconds": 990}, ...], ...}, ...}
    exercise-0.json             {"activityName": "Walk", "startTime": "04/06/26 13:42:42", "duration": 1338000, ...}

Seen in real files. Which zone the times are in was compared in two public exports, as the files do not say it:

- Steps, heart rates and workouts are in **UTC**. In the export of April 2026 in Arohasina/patina-engraver (a wearer at
  UTC-4) the minutes with steps of a day are those of the CSV beside them, which says Z; the five workouts begin at the
  instants that UserExercises has with +0000; `heart_rate-2026-04-06.json` begins at 04:00:00. In that of July 2025 in
  Utsavi7609/btp2 (India) `heart_rate-2025-07-18.json` begins at 07/17/25 18:30:02. A file of heart rates holds a day
  of the wearer, and both are the wearer's midnight in UTC. blakster/air-health compared 25,308 minutes of a third
  export and found 25,100 the same in UTC; eshirvana/fitbit2garmin found workouts since 2017 to be in UTC. Catalogues
  that call these times local (kabaka/oscar-export-analyzer) compared nothing; pathify says that workouts were not
  always in UTC.
- Sleep is in **local** time: the session at 2026-04-14T04:26:30 is the one of 08:26:30+0000 at -04:00 in UserSleeps.
  andykong.org (2023) shows the same of an archive.

Awakenings of up to three minutes (`shortData`) are not subtracted. In newer exports most minutes in which nothing moved
have no entry, also while the band was worn (in that of April 2026 heart rates go on between them); nothing is said of
these. One value is held at a time (`json_stream`).
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import BinaryIO

from hipsync.errors import InputError
from hipsync.formats.json_stream import JsonStream, objects_in
from hipsync.formats.meaning import YEARS
from hipsync.formats.past.csv_rows import day_s, whole_number
from hipsync.formats.past.fitbit_workouts import workout_kind
from hipsync.formats.past.reading import (
    HEART_RATES,
    NO_HEART_RATE,
    SKIPPED,
    UNKNOWN_STAGE,
    Form,
    Head,
    LocalTimes,
    Reading,
    shown,
    text_of,
)
from hipsync.formats.past.said import Beat, Said, Slept, Trained, Walked
from hipsync.model import STEPS_A_MINUTE
from hipsync.text import Json

SOURCE = "Fitbit"
"""The one source: the files do not name a device for each value."""
ASLEEP = frozenset({"asleep", "restless", "light", "deep", "rem"})
AWAKE = frozenset({"awake", "wake"})
NO_STAGES = "of sleep without its stages"
"""Why a row is left out, as the end of "3 rows"."""
_STEPS_NAME = re.compile(r"(?<![a-z])steps(?![a-z])[^/]*\.json", re.IGNORECASE)
_UTC = re.compile(r"(\d\d)/(\d\d)/(\d\d) ([01]\d|2[0-3]):([0-5]\d):([0-5]\d)", re.ASCII)
_LOCAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?", re.ASCII)

Entry = dict[str, Json]


def fits(head: Head) -> bool:
    """Whether a file is one of the four that are read. Raises nothing."""
    return _kind(head) is not None


def read(file: BinaryIO, head: Head, reading: Reading) -> Iterator[Said]:
    """Read a file. Raises `InputError`, which names the line, and `ZoneWanted` for sleep without a zone."""
    reader = _reader(_kind(head), reading)
    with text_of(file) as text:
        stream = JsonStream(text)
        for number, entry in enumerate(objects_in(stream), 1):
            try:
                yield from reader(entry)
            except InputError as error:
                raise InputError(f"line {stream.line}, entry {number:,}: {error}") from error


def _kind(head: Head) -> str | None:
    """What the entries of a file are, by the first one; None if they are nothing that is read."""
    text = head.start.decode("utf-8-sig", "replace").lstrip()
    if not text.startswith("["):
        return None
    try:
        entry: Json = json.JSONDecoder().raw_decode(text[1:].lstrip())[0]
    except (ValueError, RecursionError):
        return None
    match entry:
        case {"dateTime": str(), "value": {"bpm": _}}:
            return "heart"
        case {"dateTime": str(stamp), "value": str() | int()} if _UTC.fullmatch(stamp):
            return "steps" if _STEPS_NAME.search(head.name) else None
        case {"dateOfSleep": _, "levels": _}:
            return "sleep"
        case {"logId": _, "activityName": str(), "startTime": str(), "duration": _}:
            return "exercise"
        case _:
            return None


def _reader(kind: str | None, reading: Reading) -> Callable[[Entry], Iterator[Said]]:
    """The function that reads an entry of this kind. Raises `InputError` for none, and `ZoneWanted`."""
    match kind:
        case "heart":
            return lambda entry: _heart(entry, reading)
        case "steps":
            return lambda entry: _steps(entry, reading)
        case "exercise":
            return lambda entry: _exercise(entry, reading)
        case "sleep":
            times = reading.local_times()
            return lambda entry: _sleep(entry, times, reading)
        case _:
            raise InputError("this is no file of a Fitbit's steps, heart rates, sleep or workouts")


def _steps(entry: Entry, reading: Reading) -> Iterator[Said]:
    at_s, value = _utc(entry.get("dateTime")), entry.get("value")
    steps = whole_number(value if isinstance(value, str) else str(_whole(value, "steps")), STEPS_A_MINUTE, "steps")
    if reading.is_possible(at_s):
        at_s -= at_s % 60
        yield Walked(SOURCE, at_s, at_s + 60, steps)


def _heart(entry: Entry, reading: Reading) -> Iterator[Said]:
    at_s, value = _utc(entry.get("dateTime")), entry.get("value")
    rate = _whole(value.get("bpm") if isinstance(value, dict) else value, "bpm")
    if not reading.is_possible(at_s):
        return
    if rate in HEART_RATES:
        yield Beat(SOURCE, at_s, rate)
    else:
        reading.leave_out(NO_HEART_RATE)


def _exercise(entry: Entry, reading: Reading) -> Iterator[Said]:
    start_s, name = _utc(entry.get("startTime")), entry.get("activityName")
    length_s = _whole(entry.get("duration"), "duration") // 1000
    if reading.is_span(start_s, start_s + length_s):
        kind = workout_kind(name if isinstance(name, str) else "")
        yield Trained(SOURCE, start_s, start_s + length_s, kind)


def _sleep(entry: Entry, times: LocalTimes, reading: Reading) -> Iterator[Said]:
    match entry.get("levels"):
        case {"data": list(stages)} if stages:
            for stage in stages:
                if not isinstance(stage, dict):
                    raise InputError(f"{shown(stage)} is no stage of sleep")
                yield from _stage(stage, times, reading)
        case _:
            reading.leave_out(NO_STAGES)


def _stage(stage: Entry, times: LocalTimes, reading: Reading) -> Iterator[Said]:
    start_s, level = times.seconds(_local(stage.get("dateTime"))), stage.get("level")
    length_s = _whole(stage.get("seconds"), "seconds")
    if start_s is None:
        reading.leave_out(SKIPPED)
    elif not isinstance(level, str) or level not in ASLEEP:
        if not isinstance(level, str) or level not in AWAKE:
            reading.leave_out(UNKNOWN_STAGE)
    elif reading.is_span(start_s, start_s + length_s):
        yield Slept(SOURCE, start_s, start_s + length_s)


def _utc(value: Json) -> int:
    """The instant of a time such as `03/19/26 18:48:00` in UTC, in seconds since 1970. Raises `InputError`."""
    if not isinstance(value, str) or (found := _UTC.fullmatch(value)) is None:
        raise InputError(f"{shown(value)} is not a time like 03/19/26 18:48:00")
    month, day, year, hour, minute, second = found.groups()
    return day_s(f"20{year}-{month}-{day}") + int(hour) * 3600 + int(minute) * 60 + int(second)


def _local(value: Json) -> datetime:
    """The local time of a text such as `2026-04-14T04:26:30.000`, without a zone. Raises `InputError`."""
    if isinstance(value, str) and _LOCAL.fullmatch(value) and int(value[:4]) in YEARS:
        with contextlib.suppress(ValueError):  # the 31st of June
            return datetime.fromisoformat(value[:19])
    raise InputError(f"{shown(value)} is not a time like 2026-04-14T04:26:30.000")


def _whole(value: Json, what: str) -> int:
    """A whole number that is not negative and of at most nine digits. Raises `InputError`, which calls it `what`."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 10**9:
        raise InputError(f"{what} {shown(value)} is not a whole number from 0 to 999,999,999")
    return value


FORM = Form("fitbit", "Fitbit (Takeout)", fits, read)

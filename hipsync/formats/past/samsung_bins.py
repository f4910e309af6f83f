"""The JSON files of a copy of Samsung Health's data: the minutes that a row of a table stands for, one file a row.

    jsons/com.samsung.shealth.tracker.pedometer_day_summary/.../<id>.binning_data.json
        [{"mStartTime": 1795161600000, "mTimeUnit": 600000, "mStepCount": 34, ...}, ...]   ten minutes each
    jsons/com.samsung.shealth.tracker.heart_rate/.../<id>.binning_data.json
        [{"start_time": 1795161600000, "end_time": ..., "heart_rate": 61.0, "heart_rate_max": ..., ...}, ...]

Times are milliseconds since 1970 in UTC. By description: v-2841's samsung-health-export and a backend of a study (a
reader of `pedometer_daily_json`) agree about steps; v-2841, Devasy's samsung-health-sdk and a test of an importer
agree about heart rates. A published account of an export of 23 May 2026, file by file, has the same names. No real
bytes were seen.

They hold the years for which `pedometer_step_count` is empty: that export has its minutes of five weeks, and the bins
of eight months. A file does not say of which device it is, so that all are of one source. A day has a file for each
device and one for all of them; of bins that begin together, who builds minutes keeps the largest, which is that of all
devices.

Not read: bins without a time, only with a place in a day that the table names. Such are all of `step_daily_trend`, and
in that export two thirds of the files of `pedometer_day_summary`: the other third, 248, are about as many as the 253
that list the sources of a day, and so those of all devices.

A file is read as a whole, up to 4 MB; a day has 144 bins of some 250 bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import BinaryIO

from hipsync.errors import InputError
from hipsync.formats.past.reading import NO_HEART_RATE, Reading, believed_rate, shown
from hipsync.formats.past.said import Beat, Said, Walked
from hipsync.text import Json, json_of

LABEL = "Samsung Health"
LARGEST_BYTES = 4 * 2**20
UNITS_MS = range(60_000, 3_600_001, 1000)
USUAL_UNIT_MS = 600_000
LARGEST = 10_000_000_000_000
"""No number that is read is as large: it is a time of the year 2286, in milliseconds."""
FIRST_MS = 1_262_304_000_000
"""The beginning of 2010, before Samsung Health: a smaller `mStartTime` counts from a day's midnight."""
WITHOUT_TIME = "with steps of ten minutes that do not say of which day"
"""Why a row is left out, as the end of "3 rows"."""


def are_bins(start: bytes) -> bool:
    """Whether a file that begins so holds bins of steps or of heart rates."""
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    steps = b'"mStartTime"' in text and b'"mStepCount"' in text
    return text.startswith(b"[") and (steps or (b'"heart_rate_max"' in text and b'"start_time"' in text))


def said_by_bins(file: BinaryIO, reading: Reading) -> Iterator[Said]:
    """What the bins of a file say. Raises `InputError`, which names the place of the bin in the file."""
    for place, item in enumerate(_items(file), 1):
        try:
            yield from _said(item, reading)
        except InputError as error:
            raise InputError(f"bin {place}: {error}") from error


def _said(item: Json, reading: Reading) -> Iterator[Said]:
    if not isinstance(item, dict):
        raise InputError(f"{shown(item)} is not an object")
    yield from _walked(item, reading) if "mStepCount" in item else _beat(item, reading)


def _items(file: BinaryIO) -> list[Json]:
    data = file.read(LARGEST_BYTES + 1)
    if len(data) > LARGEST_BYTES:
        raise InputError(f"the file is larger than {LARGEST_BYTES // 2**20} MB, and a row's bins never are")
    try:
        items = json_of(data)
    except ValueError as error:
        raise InputError("the file is not JSON: it is damaged, or was cut off") from error
    if not isinstance(items, list):
        raise InputError("the file is not a list of bins")
    return items


def _walked(item: Mapping[str, Json], reading: Reading) -> Iterator[Said]:
    """The steps of a bin. One without steps and without a time of its own says nothing."""
    start_ms, steps = _number(item, "mStartTime", 0), _number(item, "mStepCount")
    unit_ms = _number(item, "mTimeUnit", USUAL_UNIT_MS)
    if unit_ms not in UNITS_MS:
        raise InputError(f"mTimeUnit is no length of a bin: {unit_ms}")
    if start_ms < FIRST_MS:
        if steps:
            reading.leave_out(WITHOUT_TIME)
        return
    start_s = start_ms // 1000
    if reading.is_span(start_s, start_s + unit_ms // 1000):
        yield Walked(LABEL, start_s, start_s + unit_ms // 1000, steps)


def _beat(item: Mapping[str, Json], reading: Reading) -> Iterator[Said]:
    at_s, number = _number(item, "start_time") // 1000, item.get("heart_rate")
    if isinstance(number, bool) or not isinstance(number, int | float) or not -LARGEST < number < LARGEST:
        raise InputError(f"heart_rate is not a number: {shown(number)}")
    rate = believed_rate(number)
    if rate is None:
        reading.leave_out(NO_HEART_RATE)
    elif reading.is_possible(at_s):
        yield Beat(LABEL, at_s, rate)


def _number(item: Mapping[str, Json], name: str, otherwise: int | None = None) -> int:
    """A whole number from 0 to `LARGEST` in a bin, or what holds if it is not there. Raises `InputError`."""
    number = item.get(name, otherwise)
    if type(number) is not int or not 0 <= number <= LARGEST:
        raise InputError(f"{name} is not a whole number: {shown(number)}")
    return number

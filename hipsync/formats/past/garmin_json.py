"""Days and nights in the JSON of a Garmin account's export, below the folder DI_CONNECT.

Each file is a list with an object for each day or night::

    UDSFile_*.json     a day: totalSteps, wellnessStartTimeGmt, wellnessEndTimeGmt, includesWellnessData, ...
    *_sleepData.json   a night: sleepStartTimestampGMT, sleepEndTimestampGMT, sleepWindowConfirmationType,
                       deepSleepSeconds, lightSleepSeconds, remSleepSeconds, napList, ...

Times are UTC, such as "2026-11-20T08:00:00.0"; days of old exports have {"date": "Nov 20, 2026 8:00:00 AM"}. So no zone
is asked. A day is one long span, which tells its total and no minute. A night counts if a watch measured its stages:
else the export has the usual hours of bed, whether somebody slept or not.

By description; no real bytes were seen. Sources: MehdiTouhami/itri at e8bb6f3a, `tools/garmin_import.py` (both kinds
of files, and that their times are UTC), and Wewoc/Garmin_Local_Archive at 2c966413, `garmin/garmin_import.py` (the
folders, the steps and the stages). Each of these is in two further public readers of such exports: that an UNCONFIRMED
night has no stages, the naps, and the older times with a "date". At most one object is held, of 2**17 characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

from hipsync.errors import InputError
from hipsync.formats.json_stream import JsonStream, objects_in
from hipsync.formats.past.reading import DAY_S, TOO_MANY_STEPS, Form, Head, Reading, text_of
from hipsync.formats.past.said import Said, Slept, Walked
from hipsync.model import is_possible
from hipsync.text import Json

SOURCE = "Garmin Connect"
"""The source of all of it: the export does not say which watch measured."""
DAY_START, DAY_END, STEPS = "wellnessStartTimeGmt", "wellnessEndTimeGmt", "totalSteps"
NIGHT_START, NIGHT_END = "sleepStartTimestampGMT", "sleepEndTimestampGMT"
NAP_START, NAP_END = "napStartTimestampGMT", "napEndTimestampGMT"
STAGES = ("deepSleepSeconds", "lightSleepSeconds", "remSleepSeconds")
UNMEASURED = "UNCONFIRMED"
"""What `sleepWindowConfirmationType` is for a night of which nothing was measured."""
LONGEST_DAY_S = DAY_S + 3 * 3600
"""The longest day, in seconds: clocks are put back by an hour, and a traveller's day is not longer than this."""
NO_DAY = "of a day without steps of a watch"
NOT_MEASURED = "of a night or nap of which no watch measured the sleep"
"""Why a row is left out, as the end of "3 rows"."""
_LIST = re.compile(rb"(\xef\xbb\xbf)?\s*\[\s*[{\]]")
_KEYS = re.compile(rb'"(wellnessStartTimeGmt|sleepStartTimestampGMT)"\s*:')
_NAMES = re.compile(r"UDSFile_.*\.json|.*\d_sleepData\.json", re.IGNORECASE)
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d{1,6})?", re.ASCII)
_IN_WORDS = re.compile(r"([A-Z][a-z]{2}) (\d{1,2}), (\d{4}) (\d{1,2}):(\d\d):(\d\d) ([AP])M", re.ASCII)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
Object = Mapping[str, Json]


def fits(head: Head) -> bool:
    """Whether a file is a list of days or nights: by a key of Garmin's own, or by the name of an empty one."""
    if _LIST.match(head.start) is None:
        return False
    return _KEYS.search(head.start) is not None or _NAMES.fullmatch(head.name) is not None


def read(file: BinaryIO, _: Head, reading: Reading) -> Iterator[Said]:
    """Yield the total of each day and the sleep of each night. Raises `InputError`, which names the line."""
    with text_of(file) as text:
        stream = JsonStream(text)
        for row in objects_in(stream):
            try:
                yield from _said(row, reading)
            except InputError as error:
                raise InputError(f"line {stream.line}: {error}") from error


def _said(row: Object, reading: Reading) -> Iterator[Said]:
    """Yield what an object says. One that is neither a day nor a night, such as what somebody drank, says nothing."""
    if STEPS in row or DAY_START in row:
        yield from _day(row, reading)
    if NIGHT_START in row:
        yield from _night(row, reading)
    naps = row.get("napList")
    for nap in naps if isinstance(naps, list) else []:
        if isinstance(nap, dict):
            yield from _slept(nap, NAP_START, NAP_END, reading)


def _day(row: Object, reading: Reading) -> Iterator[Said]:
    """Yield the steps of a day, 0 included. A day of which no watch said anything is left out."""
    if row.get(STEPS) is None or row.get("includesWellnessData") is False or row.get(DAY_START) is None:
        reading.leave_out(NO_DAY)
        return
    steps = row[STEPS]
    if not isinstance(steps, int) or isinstance(steps, bool) or steps < 0:
        raise InputError(f"{STEPS} is not a whole number of steps")
    span = _span(row, DAY_START, DAY_END, LONGEST_DAY_S, reading)
    if span is None:
        return
    if not is_possible(steps, timedelta(seconds=span[1] - span[0])):
        reading.leave_out(TOO_MANY_STEPS)
        return
    yield Walked(SOURCE, *span, steps)


def _night(row: Object, reading: Reading) -> Iterator[Said]:
    """Yield the sleep of a night of which stages were measured; the times awake in it are told as a sum only."""
    seconds = [row.get(stage) for stage in STAGES]
    measured = any(isinstance(each, int | float) and each > 0 for each in seconds)
    if row.get("sleepWindowConfirmationType") == UNMEASURED or not measured:
        reading.leave_out(NOT_MEASURED)
        return
    yield from _slept(row, NIGHT_START, NIGHT_END, reading)


def _slept(row: Object, start: str, end: str, reading: Reading) -> Iterator[Said]:
    if row.get(start) is None or row.get(end) is None:
        reading.leave_out(NOT_MEASURED)
    elif (span := _span(row, start, end, DAY_S, reading)) is not None:
        yield Slept(SOURCE, *span)


def _span(row: Object, start: str, end: str, longest_s: int, reading: Reading) -> tuple[int, int] | None:
    """The seconds since 1970 of a beginning and an end; None if they cannot be, which is counted.

    Raises `InputError` for what is no time.
    """
    start_s, end_s = _seconds(row, start), _seconds(row, end)
    return (start_s, end_s) if reading.is_span(start_s, end_s, longest_s) else None


def _seconds(row: Object, key: str) -> int:
    """The seconds since 1970 of a time in UTC, in either way of writing. Raises `InputError` for what is none."""
    found = row.get(key)
    written = found.get("date") if isinstance(found, dict) else found
    if isinstance(written, str):
        for pattern, numbers in _WAYS:
            if (match := pattern.fullmatch(written)) is None:
                continue
            try:
                return int(datetime(*numbers(match), tzinfo=UTC).timestamp())
            except ValueError:
                break
    raise InputError(f"{key} is not a time such as 2026-11-20T08:00:00.0")


Numbers = tuple[int, int, int, int, int, int]


def _iso(match: re.Match[str]) -> Numbers:
    year, month, day, hour, minute, second = map(int, match.groups())
    return year, month, day, hour, minute, second


def _in_words(match: re.Match[str]) -> Numbers:
    """The numbers of a time of twelve hours. Raises `ValueError` for a month or an hour that there is not."""
    month, day, year, hour, minute, second, half = match.groups()
    if not 1 <= int(hour) <= 12:
        raise ValueError(hour)
    hours = int(hour) % 12 + (12 if half == "P" else 0)
    return int(year), _MONTHS.index(month) + 1, int(day), hours, int(minute), int(second)


_WAYS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Numbers]], ...] = ((_ISO, _iso), (_IN_WORDS, _in_words))
FORM = Form("garmin", "Garmin", fits, read)

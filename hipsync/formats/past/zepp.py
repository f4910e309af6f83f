"""Zepp's and Mi Fit's copy of an account's data: a folder for each sort of data, with a CSV in it.

    ACTIVITY_MINUTE   date,time,steps                     local time; a minute a row, often only those with steps
    HEARTRATE_AUTO    date,time,heartRate                 local time
    HEARTRATE         time,heartRate                      with its offset, +0000
    SLEEP             date,deepSleepTime,...,start,stop   start and stop with their offset, +0000
    SPORT             type,startTime,sportTime(s),...     startTime with its offset, +0000

By description: no real bytes were seen. The columns are those of ghc_db_manager (`sources/zepp.py`), ofit-ingest
(`zepp.rs`) and strap_server's test of its import, which agree. That the minutes are local and the others UTC is what
ghc_db_manager says, and what a builder of a dashboard checked against its own export (`w_DDMM_DDMM`).

Not read, on purpose: SLEEP_MINUTE, because these projects contradict each other about its dates by a day (strap_server
found it a day late, the dashboard took it as right, ghc_db_manager dates its evenings back); `naps` in SLEEP, whose
JSON nobody describes; ACTIVITY_STAGE, which repeats the steps of ACTIVITY_MINUTE; and daily totals. In SPORT all agree
that type 1 is running. Of the other numbers they say different things (6 is walking, or swimming), so those are OTHER.

A file is read row by row, in the memory that `csv_rows` needs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import BinaryIO

from hipsync.errors import InputError
from hipsync.formats.past.csv_rows import (
    NOTHING,
    CsvRows,
    check_width,
    columns_of,
    count,
    csv_rows,
    heart_rate,
    midnight_of,
    places,
    short,
)
from hipsync.formats.past.reading import DAY_S, NO_HEART_RATE, NO_STEPS, SKIPPED, Form, Head, Reading, shown
from hipsync.formats.past.said import Beat, Said, Slept, Trained, Walked
from hipsync.model import WorkoutKind

SOURCE = "Zepp"
"""The one source of an export: it does not say which band measured a row."""
RUNNING = "1"
ZONELESS = "whose time does not say its zone, as other exports do"
"""Why a row is left out, as the end of "3 rows"."""


def _minutes(rows: CsvRows, header: Sequence[str], reading: Reading) -> Iterator[Said]:
    """The steps of ACTIVITY_MINUTE."""
    date_at, time_at, steps_at = places(header, ("date", "time", "steps"))
    local = _LocalMinutes(reading)
    told = ((local.seconds(row[date_at], row[time_at]), count(row[steps_at])) for row in rows.whole(len(header)))
    for start_s, steps in _sound(told, SKIPPED, NO_STEPS, reading):
        yield Walked(SOURCE, start_s, start_s + 60, steps)


def _local_beats(rows: CsvRows, header: Sequence[str], reading: Reading) -> Iterator[Said]:
    """The heart rates of HEARTRATE_AUTO."""
    date_at, time_at, rate_at = places(header, ("date", "time", "heartRate"))
    local = _LocalMinutes(reading)
    told = ((local.seconds(row[date_at], row[time_at]), heart_rate(row[rate_at])) for row in rows.whole(len(header)))
    for at_s, rate in _sound(told, SKIPPED, NO_HEART_RATE, reading):
        yield Beat(SOURCE, at_s, rate)


def _single_beats(rows: CsvRows, header: Sequence[str], reading: Reading) -> Iterator[Said]:
    """The heart rates of HEARTRATE, which the wearer asked for."""
    time_at, rate_at = places(header, ("time", "heartRate"))
    told = ((_instant(row[time_at]), heart_rate(row[rate_at])) for row in rows.whole(len(header)))
    for at_s, rate in _sound(told, ZONELESS, NO_HEART_RATE, reading):
        yield Beat(SOURCE, at_s, rate)


def _sound(
    told: Iterable[tuple[int | None, int | None]], no_time: str, no_value: str, reading: Reading
) -> Iterator[tuple[int, int]]:
    """The instants and values of rows; a row that lacks one of them is left out for one of these reasons."""
    for at_s, value in told:
        if value is None:
            reading.leave_out(no_value)
        elif at_s is None:
            reading.leave_out(no_time)
        elif reading.is_possible(at_s):
            yield at_s, value


def _nights(rows: CsvRows, header: Sequence[str], reading: Reading) -> Iterator[Said]:
    """The nights of SLEEP. A night that was not recorded has a row that starts when it stops."""
    start_at, stop_at = places(header, ("start", "stop"))
    least = max(start_at, stop_at) + 1
    for cells in rows:
        if len(cells) < least:  # naps, the last column, holds commas without proper quotation marks
            check_width(cells, least)
        start, stop = cells[start_at].strip(), cells[stop_at].strip()
        if start == stop or start in NOTHING or stop in NOTHING:
            continue
        start_s, stop_s = _instant(start), _instant(stop)
        if start_s is None or stop_s is None:
            reading.leave_out(ZONELESS)
        elif reading.is_span(start_s, stop_s):
            yield Slept(SOURCE, start_s, stop_s)


def _workouts(rows: CsvRows, header: Sequence[str], reading: Reading) -> Iterator[Said]:
    """The workouts of SPORT."""
    kind_at, start_at, length_at = places(header, ("type", "startTime", "sportTime(s)"))
    for cells in rows.whole(len(header)):
        start_s, length_s = _instant(cells[start_at]), count(cells[length_at])
        if count(cells[kind_at]) is None or length_s is None:
            raise InputError("the type of a workout or its length is missing")
        kind = WorkoutKind.RUNNING if cells[kind_at].strip() == RUNNING else WorkoutKind.OTHER
        if start_s is None:
            reading.leave_out(ZONELESS)
        elif reading.is_span(start_s, start_s + length_s):
            yield Trained(SOURCE, start_s, start_s + length_s, kind)


RowReader = Callable[[CsvRows, Sequence[str], Reading], Iterator[Said]]
"""A function that reads the rows below a header of these columns. Raises `InputError`."""
SORTS: Sequence[tuple[str, frozenset[str], RowReader]] = (
    ("ACTIVITY_MINUTE", frozenset({"date", "time", "steps"}), _minutes),
    ("HEARTRATE_AUTO", frozenset({"date", "time", "heartRate"}), _local_beats),
    ("HEARTRATE", frozenset({"time", "heartRate"}), _single_beats),
    ("SLEEP", frozenset({"deepSleepTime", "shallowSleepTime", "start", "stop"}), _nights),
    ("SPORT", frozenset({"type", "startTime", "sportTime(s)"}), _workouts),
)
"""The sorts of data that are read: the first part of their files' names, the columns, and how."""


class _LocalMinutes:
    """The instants of local dates and times of day.

    Of a day on which the clock is not changed, only midnight is looked up in the zone; that makes a year three times as
    fast.
    """

    def __init__(self, reading: Reading) -> None:
        """Raises `ZoneWanted` if the zone is not known."""
        self._times, self._midnights = reading.local_times(), reading.local_times()
        self._date: str | None = None
        self._day: datetime
        self._midnight_s: int | None = None
        """The midnight at which the day began; None on a day of another length than 24 hours."""

    def seconds(self, date: str, time: str) -> int | None:
        """The instant of a date `2026-11-20` and a time `08:00`, maybe with seconds; None if the clock skipped it.

        Raises `InputError`.
        """
        if date != self._date:
            self._turn(date)
        second = _second_of_day(time)
        if self._midnight_s is not None:
            return self._midnight_s + second
        return self._times.seconds(self._day + timedelta(seconds=second))

    def _turn(self, date: str) -> None:
        self._day = midnight_of(date.strip())
        begin_s = self._midnights.seconds(self._day)
        end_s = self._midnights.seconds(self._day + timedelta(days=1))
        ordinary = begin_s is not None and end_s is not None and end_s - begin_s == DAY_S
        self._midnight_s = begin_s if ordinary else None
        self._date = date


@lru_cache(maxsize=4096)
def _second_of_day(text: str) -> int:
    """The seconds since midnight of a time such as `08:00` or `08:00:59`. Raises `InputError`."""
    found = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?", short(text))
    if found is None:
        raise InputError(f"{shown(text)} is not a time such as 08:00")
    return int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3] or 0)


def _instant(text: str) -> int | None:
    """The second of a time such as `2023-02-18 02:13:00+0000`, or of seconds since 1970; None if it has no offset.

    Raises `InputError`.
    """
    text = text.strip()
    if re.fullmatch(r"[0-9]{9,10}", text):
        return int(text)
    try:
        at = datetime.fromisoformat(text[:40])
        return None if at.tzinfo is None else int((at - _EPOCH).total_seconds())
    except (ValueError, OverflowError) as error:
        raise InputError(f"{shown(text)} is not a time such as 2026-11-20 08:00:00+0000") from error


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _sort(name: str, header: Sequence[str]) -> RowReader | None:
    """How a file of this name and header is read; None if it is none of `SORTS`.

    Short headers such as `date,time,steps` may be anybody's, so that a further column is taken only in a file with
    Zepp's name.
    """
    columns = frozenset(header)
    for prefix, wanted, reader in SORTS:
        own = re.match(rf"(?i){prefix}(_[0-9]+)?\.csv$", name.rpartition("/")[2])
        if columns == wanted or (wanted < columns and (own or len(wanted & _DISTINCT) > 1)):
            return reader
    return None


_DISTINCT = frozenset({"deepSleepTime", "shallowSleepTime", "startTime", "sportTime(s)"})
"""Names of columns that no other program's exports have: two of them tell Zepp's file whatever its name."""


def _fits(head: Head) -> bool:
    return _sort(head.name, columns_of(head)) is not None


def _read(file: BinaryIO, head: Head, reading: Reading) -> Iterator[Said]:
    with csv_rows(file, strict=False) as rows:
        header = rows.header()
        reader = _sort(head.name, header)
        if reader is None:
            raise InputError(f"{shown(','.join(header))} is the header of no file of Zepp that hipsync reads")
        yield from reader(rows, header, reading)


FORM = Form("zepp", "Zepp / Mi Fit", _fits, _read)

"""Samsung Health's copy of its data: a CSV for each table, and JSON files with the minutes of longer rows.

The first line of a CSV is the name of its table and two numbers, the second names the columns, and each row ends in a
comma. A column's name may have the name of an older table in front, such as `com.samsung.health.step_count.start_time`.

    tracker.pedometer_step_count   start_time, end_time, count           steps of a minute or so
    step_daily_trend               day_time, count, source_type          a day's total; type -2 is of all devices
    tracker.heart_rate             start_time, end_time, heart_rate      a reading, or the mean of a longer time
    sleep                          start_time, end_time                  a night, or a nap
    health.sleep_stage             start_time, end_time, stage           40001 awake, 40002 to 40004 asleep
    exercise                       start_time, end_time, exercise_type   a workout

`start_time` and `end_time` are UTC, and `time_offset` beside them says only what the wearer's clock showed. Public
importers disagree about this, and those that checked it say UTC: v-2841's samsung-health-export compared them with the
milliseconds in the JSON files of the same rows. Samsung's SDK says the same of these properties. In the published
list of columns of an export of 7 June 2026 from UTC-0500, nights begin at 03:40 and end at 10:40, and rows are created
a tenth of a second after their ends. `day_time` is the local date, as text or in milliseconds of midnight UTC, so that
only this table asks for the zone.

By description: no real bytes were seen. Tables and columns are those of v-2841, of Devasy's samsung-health-sdk and of
that list, which agree. That type -2 is of all devices is what v-2841 says, and a Go importer of daily steps. The
numbers of workouts are those of the SDK, as two importers share them; of 15005 it is one.

A source is a device, by the first four letters or digits of its id: each file has the ids, so that a device has one
name in all of them, and a count of devices would depend on the order of rows. What is said of all devices together is
of the source `Samsung Health`, a total of a day of `Samsung Health days`.

A file is read row by row, in the memory that `csv_rows` needs. `samsung_bins` reads the JSON files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from operator import itemgetter
from typing import BinaryIO, NamedTuple

from hipsync.errors import InputError
from hipsync.formats.past.csv_rows import CsvRows, count, csv_rows, day_s, heart_rate
from hipsync.formats.past.reading import (
    DAY_S,
    NO_HEART_RATE,
    NO_STEPS,
    SKIPPED,
    UNKNOWN_STAGE,
    Form,
    Head,
    LocalTimes,
    Reading,
    shown,
)
from hipsync.formats.past.said import Beat, Said, Slept, Trained, Walked
from hipsync.formats.past.samsung_bins import LABEL, are_bins, said_by_bins
from hipsync.model import WorkoutKind
from hipsync.text import clean

DAYS = f"{LABEL} days"
OWN_PACKAGE = "com.sec.android.app.shealth"
"""What `pkg_name` holds in rows of Samsung Health itself; another app's rows are a source of their own."""
ALL_DEVICES = "-2"
AWAKE = 40001
ASLEEP = frozenset({40002, 40003, 40004})
EXERCISES: Mapping[int, WorkoutKind] = {
    1001: WorkoutKind.WALKING,
    1002: WorkoutKind.RUNNING,
    11007: WorkoutKind.CYCLING,
    15003: WorkoutKind.CYCLING_INDOOR,
    15004: WorkoutKind.ROWING_MACHINE,
    15005: WorkoutKind.TREADMILL,
}
LONGEST_BEAT_S = 60
LONGEST_ID = 200
MEANS = "that are a mean heart rate of more than a minute"
ONE_DEVICE = "that are a day's total of one device: the row of all devices counts"
NO_MIDNIGHT = "about a day that does not begin at midnight"
"""Why a row is left out, as the end of "3 rows"."""


class Cells(NamedTuple):
    """The cells of a row that are read, by what they are; a column that a file lacks is empty."""

    start: str
    end: str
    value: str
    device: str
    package: str


def _steps(cells: Cells, reading: Reading) -> Iterator[Said]:
    start_s, end_s, steps = start_of(cells.start), end_of(cells.end), count(cells.value)
    if steps is None:
        reading.leave_out(NO_STEPS)
    elif reading.is_span(start_s, end_s):
        yield Walked(source_of(cells.device, cells.package), start_s, end_s, steps)


def _beat(cells: Cells, reading: Reading) -> Iterator[Said]:
    at_s, rate = start_of(cells.start), heart_rate(cells.value)
    if rate is None:
        reading.leave_out(NO_HEART_RATE)
    elif cells.end.strip() and end_of(cells.end) - at_s > LONGEST_BEAT_S:
        reading.leave_out(MEANS)
    elif reading.is_possible(at_s):
        yield Beat(source_of(cells.device, cells.package), at_s, rate)


def _night(cells: Cells, reading: Reading) -> Iterator[Said]:
    start_s, end_s = start_of(cells.start), end_of(cells.end)
    if reading.is_span(start_s, end_s):
        yield Slept(source_of(cells.device, cells.package), start_s, end_s)


def _stage(cells: Cells, reading: Reading) -> Iterator[Said]:
    stage = count(cells.value)
    if stage in ASLEEP:
        yield from _night(cells, reading)
    elif stage != AWAKE:
        reading.leave_out(UNKNOWN_STAGE)


def _workout(cells: Cells, reading: Reading) -> Iterator[Said]:
    start_s, end_s, exercise = start_of(cells.start), end_of(cells.end), count(cells.value)
    kind = WorkoutKind.OTHER if exercise is None else EXERCISES.get(exercise, WorkoutKind.OTHER)
    if reading.is_span(start_s, end_s):
        yield Trained(source_of(cells.device, cells.package), start_s, end_s, kind)


Reader = Callable[[Cells, Reading], Iterator[Said]]
"""A function that says what a row says. Raises `InputError`."""
TABLES: Mapping[str, tuple[str, Reader]] = {
    "com.samsung.shealth.tracker.pedometer_step_count": ("count", _steps),
    "com.samsung.shealth.tracker.heart_rate": ("heart_rate", _beat),
    "com.samsung.shealth.sleep": ("", _night),
    "com.samsung.health.sleep_stage": ("stage", _stage),
    "com.samsung.shealth.exercise": ("exercise_type", _workout),
}
"""The tables of events, with the column that is their value, and how a row is read."""
TREND = "com.samsung.shealth.step_daily_trend"


def _events(rows: CsvRows, header: Sequence[str], table: str, reading: Reading) -> Iterator[Said]:
    """What the rows of one of `TABLES` say."""
    column, reader = TABLES[table]
    at = [_needed(header, name) if name else len(header) for name in ("start_time", "end_time", column)]
    at += [_place(header, "deviceuuid"), _place(header, "pkg_name")]
    picked = itemgetter(*at)
    for cells in _whole_rows(rows, len(header)):
        yield from reader(Cells._make(picked(cells)), reading)


def _days(rows: CsvRows, header: Sequence[str], reading: Reading) -> Iterator[Said]:
    """The totals of days. Raises `ZoneWanted` at the first one if the zone is not known."""
    day_at, count_at, sort_at = _needed(header, "day_time"), _needed(header, "count"), _place(header, "source_type")
    local = None
    for cells in _whole_rows(rows, len(header)):
        sort, steps = cells[sort_at].strip(), count(cells[count_at])
        if sort and sort != ALL_DEVICES:
            reading.leave_out(ONE_DEVICE)
        elif steps is None:
            reading.leave_out(NO_STEPS)
        else:
            local = local or reading.local_times()
            yield from _day(cells[day_at], steps, local, reading)


def _day(cell: str, steps: int, local: LocalTimes, reading: Reading) -> Iterator[Said]:
    """A day's total, of a day of 25 hours the first 24; a day that is not over is left out."""
    date = _date_of(cell)
    if date is None:
        reading.leave_out(NO_MIDNIGHT)
        return
    start_s, end_s = local.seconds(date), local.seconds(date + timedelta(days=1))
    if start_s is None or end_s is None:
        reading.leave_out(SKIPPED)
    elif reading.is_span(start_s, min(end_s, start_s + DAY_S)):
        yield Walked(DAYS, start_s, min(end_s, start_s + DAY_S), steps)


def _whole_rows(rows: CsvRows, wide: int) -> Iterator[list[str]]:
    """The rows below a header of `wide` columns, with one empty cell behind these: what a column says that is missing.

    Raises `InputError` for a row that has not as many cells as the first, with or without the one after its last comma.
    """
    usual = 0
    for cells in rows.whole(wide):
        usual = usual or len(cells)
        if len(cells) != usual:
            raise InputError(f"it has {len(cells)} columns and the first row {usual}: the file is damaged")
        cells[wide:] = [""]
        yield cells


def _needed(header: Sequence[str], name: str) -> int:
    """Where a column stands. Raises `InputError` if it is missing."""
    place = _place(header, name)
    if place == len(header):
        raise InputError(f"the column {name!r} is missing")
    return place


def _place(header: Sequence[str], name: str) -> int:
    """Where a column stands, one with a table's name in front first; one after the last if it is missing."""
    named = [place for place, column in enumerate(header) if column.endswith(f".{name}")]
    return (named + [place for place, column in enumerate(header) if column == name] + [len(header)])[0]


@lru_cache(maxsize=1024)
def source_of(device: str, package: str) -> str:
    """The name of a source for people, by the id of its device and the app that wrote the row.

    Raises `InputError` for an id without end.
    """
    if len(device) > LONGEST_ID or len(package) > LONGEST_ID:
        raise InputError("the id of a device or an app is too long")
    short = "".join(letter for letter in device if letter.isascii() and letter.isalnum())[:4]
    app = "" if package.strip() == OWN_PACKAGE else clean(package, 40)
    return " ".join(part for part in (LABEL, short, app) if part)


def start_of(cell: str) -> int:
    """The second in which a time such as `2026-11-20 08:00:00.000` lies, in UTC. Raises `InputError`."""
    cell = cell.strip()
    return day_s(cell[:10]) + _clock_ms(cell[10:]) // 1000


def end_of(cell: str) -> int:
    """The second up to which a span lasts whose last instant is this one: of `08:00:59.999` it is 08:01:00.

    Raises `InputError`.
    """
    cell = cell.strip()
    return day_s(cell[:10]) - (-_clock_ms(cell[10:]) // 1000)


@lru_cache(maxsize=4096)
def _clock_ms(text: str) -> int:
    """The milliseconds since midnight of a time of day such as ` 08:00:59.999`. Raises `InputError`."""
    found = re.fullmatch(r" ([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])(?:\.([0-9]{1,3}))?", text)
    if found is None:
        raise InputError(f"{shown(text)} is not a time of day such as 08:00:59.999")
    hours, minutes, seconds = (int(part) for part in found.groups()[:3])
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + int((found[4] or "0").ljust(3, "0"))


def _date_of(cell: str) -> datetime | None:
    """The naive midnight of a `day_time`; None if it is in milliseconds and not midnight. Raises `InputError`."""
    cell = cell.strip()
    if not re.fullmatch(r"[0-9]{10,13}", cell):
        at_s = start_of(cell)
    elif int(cell) % (DAY_S * 1000):
        return None
    else:
        at_s = int(cell) // 1000
    return datetime.fromtimestamp(at_s, UTC).replace(tzinfo=None, hour=0, minute=0, second=0)


def _table(head: Head) -> str:
    return head.first_line.partition(",")[0].strip()


def _fits(head: Head) -> bool:
    return _table(head) in TABLES or _table(head) == TREND or are_bins(head.start)


def _read(file: BinaryIO, head: Head, reading: Reading) -> Iterator[Said]:
    if are_bins(head.start):
        yield from said_by_bins(file, reading)
        return
    with csv_rows(file) as rows:
        yield from _said(rows, reading)


def _said(rows: CsvRows, reading: Reading) -> Iterator[Said]:
    table = rows.header()[0]
    header = rows.header()
    if table in TABLES:
        yield from _events(rows, header, table, reading)
    elif table == TREND:
        yield from _days(rows, header, reading)
    else:
        raise InputError(f"{shown(table)} is no table of Samsung Health that hipsync reads")


FORM = Form("samsung", LABEL, _fits, _read)

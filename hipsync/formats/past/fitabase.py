"""Minutes of Fitbits as Fitabase exports them, in CSV: steps, and beside them intensity, sleep and heart rate.

The header of a file says which kind it is (fitabase.com, data dictionary; the files of Furberg, Brinton, Keating and
Ortiz 2016 have these headers, with `Id` first). Columns are found by name::

    Id, ActivityMinute, Steps            a row for each minute; or Intensity for Steps
    Id, ActivityHour, Steps00 ... 59     a row for each hour; or Intensity00 ... 59
    Id, date, value, logId               a minute of sleep: 1 asleep, 2 restless, 3 awake
    Id, Time, Value                      heart rate, every few seconds

A file of one person has no `Id`: its name begins with the person, as `ID 1003_minuteStepsNarrow_20171001_20171007.csv`
(the example data of Fitabase, by public scripts that read it). Then `Time, Value` alone says too little, and the name
and the first row are asked, too.

Times are local, as `4/12/2016 2:47:30 PM`; spreadsheets and R save them again as `4/12/2016 14:47` and as `2016-04-12
14:47:30`, midnight as `2016-04-12`. The month comes first, as Fitabase writes it, unless the beginning of a file that
was saved again has a 13th month. A minute without a row of steps is unknown; in one without a step the band may not
have been worn.

What is held is one span of sleep and one clock a person, of at most `MOST_PEOPLE`.
"""

from __future__ import annotations

import contextlib
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import BinaryIO

from hipsync.errors import InputError
from hipsync.formats.meaning import YEARS
from hipsync.formats.past.csv_rows import columns_of, csv_rows, whole_number
from hipsync.formats.past.reading import (
    DAY_S,
    HEART_RATES,
    NO_HEART_RATE,
    SKIPPED,
    Form,
    Head,
    LocalTimes,
    Reading,
    shown,
)
from hipsync.formats.past.said import Beat, Moved, Said, Slept, Walked
from hipsync.model import STEPS_A_MINUTE
from hipsync.text import clean

ASLEEP = frozenset({1, 2})
"""The values of sleep that count as asleep: asleep and restless."""
MOST = {"Steps": STEPS_A_MINUTE, "Intensity": 3}
"""The columns with a value for a minute, and the largest one."""
UNUSED = ("Calories", "METs")
"""How the names of columns begin that hipsync has no use for, in files of the same form."""
MOST_PEOPLE = 1000
_PERSON = re.compile(r"[0-9]{1,20}", re.ASCII)
_FILE_OF = re.compile(r"(.+?)_(?:minute|heartrate)", re.IGNORECASE)
_HEART_FILE = re.compile(r"(?:.+_)?heartrate_(?:seconds|\d+min)", re.ASCII | re.IGNORECASE)
_HEART_ROW = re.compile(r"\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d\d:\d\d [AP]M,\d{1,3}", re.ASCII)
_TIME = re.compile(r"([\d/-]{6,10})(?: (\d{1,2}):([0-5]\d)(?::([0-5]\d))?(?: ([AP])M)?)?", re.ASCII)
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}|\d\d)", re.ASCII)
_SAVED_AGAIN = re.compile(r"(?<![\d/])(\d{1,2})/\d{1,2}/\d{2,4} [\d:]{4,8}(?=[\",\r\n])", re.ASCII)


def fits(head: Head) -> bool:
    """Whether a file has steps, intensity, sleep or heart rates in one of these forms. Raises nothing."""
    kind = _kind(columns_of(head))
    return kind is not None and (kind != "Time" or _is_heart(head))


def read(file: BinaryIO, head: Head, reading: Reading) -> Iterator[Said]:
    """Read a file. Raises `InputError`, which names the line, and `ZoneWanted`."""
    with csv_rows(file, strict=False) as rows:
        header = rows.header()
        kind = _kind(header)
        if kind is None:
            raise InputError(_why_not(header))
        reader: _Rows | None = None
        for cells in rows.whole(len(header)):
            reader = reader or _READERS[kind](header, head, reading)  # a file without rows wants no zone
            yield from reader.said(cells)
        if reader is not None:
            yield from reader.rest()


def _kind(header: Sequence[str]) -> str | None:
    """The column of the time in a file with this header, which tells its kind; None for another file."""
    names = set(header) - {""}  # R writes the numbers of rows in front, under no name
    if "ActivityMinute" in names and names & MOST.keys():
        return "ActivityMinute"
    if "ActivityHour" in names and any(names >= set(_of_an_hour(name)) for name in MOST):
        return "ActivityHour"
    if names >= {"date", "value", "logId"}:
        return "date"
    return "Time" if names | {"Id"} == {"Id", "Time", "Value"} else None


def _is_heart(head: Head) -> bool:
    """Whether a file with the columns `Time` and `Value` is one of heart rates, beyond doubt."""
    name = head.name.lower()
    first, *rest = head.start.decode("utf-8-sig", "replace").replace('"', "").splitlines()[:2] or [""]
    if "Id" in first.split(",") or _HEART_FILE.match(name):
        return True
    return "heart" in name and any(_HEART_ROW.fullmatch(row) for row in rest)


def _why_not(header: Sequence[str]) -> str:
    unused = [name for name in header if name.startswith(UNUSED)]
    if unused and {"ActivityMinute", "ActivityHour"} & set(header):
        return f"this file is about {clean(unused[0].rstrip('0'), 40)}, which hipsync has no use for: leave it out"
    first = clean(",".join(header), 80)
    return f"this is no file of minutes that Fitabase exports: its first line is {first!r}"


def _of_an_hour(name: str) -> list[str]:
    return [f"{name}{minute:02}" for minute in range(60)]


class _Clock:
    """The instants of local times in one file. Days on which the clock was not set are only looked up once."""

    def __init__(self, reading: Reading, day_first: bool) -> None:
        self._days, self._times, self._day_first = reading.local_times(), reading.local_times, day_first
        self._of_people: dict[str, LocalTimes] = {}
        self._known: dict[tuple[str, bool], tuple[date, int | None]] = {}
        """By text, and whether it was saved again: the date, and its midnight in UTC if it has 24 hours."""

    def seconds(self, person: str, text: str, later_s: int = 0) -> int | None:
        """The instant of a local time, or `later_s` seconds of its clock later; None if it was skipped.

        Raises `InputError` for what is no time.
        """
        found = _TIME.fullmatch(text.strip())
        if found is None or (found[2] is None and "/" in text):
            raise InputError(_no_time(text))
        since_s = _time_of_day_s(found[2], found[3], found[4], found[5], text) + later_s
        day, midnight_s = self._day(found[1], text, found[5] is None)
        if midnight_s is not None:
            return midnight_s + since_s
        local = datetime.combine(day, time()) + timedelta(seconds=since_s)
        return self._of_people.setdefault(person, self._times()).seconds(local)

    def _day(self, day: str, text: str, saved_again: bool) -> tuple[date, int | None]:
        known = self._known.get((day, saved_again))
        if known is None:
            if len(self._known) >= 1000:  # a file may write one date in many ways
                self._known.clear()
            found = _date(day, day_first=self._day_first and saved_again)
            if found is None or found.year not in YEARS:
                raise InputError(_no_time(text))
            known = self._known[day, saved_again] = found, self._midnight_s(found)
        return known

    def _midnight_s(self, day: date) -> int | None:
        begins_s = self._days.seconds(datetime.combine(day, time()))
        ends_s = self._days.seconds(datetime.combine(day + timedelta(days=1), time()))
        return begins_s if begins_s is not None and ends_s == begins_s + DAY_S else None


def _no_time(text: str) -> str:
    return f"{shown(text)} is not a time like 4/12/2016 2:47:30 PM"


def _time_of_day_s(hour: str | None, minute: str | None, second: str | None, half: str | None, text: str) -> int:
    """The seconds since midnight by a clock of 12 hours, if there is a half, or of 24. Raises `InputError`."""
    hours, rest_s = int(hour or 0), int(minute or 0) * 60 + int(second or 0)
    if half is None and hours < 24:
        return hours * 3600 + rest_s
    if half is not None and 1 <= hours <= 12:
        return (hours % 12 + (12 if half == "P" else 0)) * 3600 + rest_s
    raise InputError(_no_time(text))


def _date(text: str, day_first: bool) -> date | None:
    with contextlib.suppress(ValueError):  # the 31st of June
        if (found := _SLASHED.fullmatch(text)) is None:
            return date.fromisoformat(text) if len(text) == 10 else None
        first, second, year = (int(part) for part in found.groups())
        month, day = (second, first) if day_first else (first, second)
        return date(year if year > 99 else 2000 + year, month, day)
    return None


def _is_day_first(head: Head) -> bool:
    """Whether a time in the beginning of a file that was saved again has a 13th month, so that it must be a day."""
    return any(int(first) > 12 for first in _SAVED_AGAIN.findall(head.start.decode("utf-8-sig", "replace")))


class _Rows(ABC):
    """What the rows of all files have in common: a person, a time, and places of columns."""

    def __init__(self, header: Sequence[str], head: Head, reading: Reading, at: str) -> None:
        self._reading, self._clock = reading, _Clock(reading, _is_day_first(head))
        self._places = {name: place for place, name in enumerate(header)}
        self._at, self._id = self._places[at], self._places.get("Id")
        found = _FILE_OF.match(head.name)
        self._sources = {"": clean(f"fitbit {found[1] if found else ''}")}
        """The name of each person, by the cell with the number; in a file of one person that is empty."""

    @abstractmethod
    def said(self, cells: Sequence[str]) -> Iterator[Said]:
        """Yield what a row says. Raises `InputError` without the line."""

    def rest(self) -> Iterator[Said]:
        """Return what is still held when the file has ended."""
        return iter(())

    def _source(self, cells: Sequence[str]) -> str:
        cell = "" if self._id is None else cells[self._id]
        source = self._sources.get(cell)
        if source is None or (cell == "" and self._id is not None):
            if not _PERSON.fullmatch(cell.strip()):
                raise InputError(f"{shown(cell)} is no number of a person")
            if len(self._sources) > MOST_PEOPLE:
                raise InputError(f"more than {MOST_PEOPLE:,} people are named")
            source = self._sources[cell] = f"fitbit {cell.strip()}"
        return source

    def _instant(self, cells: Sequence[str], source: str, later_s: int = 0) -> int | None:
        """The instant of a row, or so many seconds later; None for one that is left out."""
        at_s = self._clock.seconds(source, cells[self._at], later_s)
        if at_s is None:
            self._reading.leave_out(SKIPPED)
        elif self._reading.is_possible(at_s):
            return at_s
        return None


class _Narrow(_Rows):
    """A row for each minute."""

    def __init__(self, header: Sequence[str], head: Head, reading: Reading) -> None:
        super().__init__(header, head, reading, "ActivityMinute")
        self._values = [(name, self._places[name]) for name in MOST if name in self._places]

    def said(self, cells: Sequence[str]) -> Iterator[Said]:
        source = self._source(cells)
        values = [(name, whole_number(cells[place], MOST[name], name.lower())) for name, place in self._values]
        if (at_s := self._instant(cells, source)) is not None:
            for name, value in values:
                yield _of_a_minute(name, source, at_s - at_s % 60, value)


class _Wide(_Rows):
    """A row for each hour, with 60 cells; an empty one is a minute of which nothing is known."""

    def __init__(self, header: Sequence[str], head: Head, reading: Reading) -> None:
        super().__init__(header, head, reading, "ActivityHour")
        self._values = [
            (name, minute, self._places[column])
            for name in MOST if set(header) >= set(_of_an_hour(name))
            for minute, column in enumerate(_of_an_hour(name))
        ]  # fmt: skip

    def said(self, cells: Sequence[str]) -> Iterator[Said]:
        source = self._source(cells)
        for name, minute, place in self._values:
            if cells[place].strip():
                value = whole_number(cells[place], MOST[name], name.lower())
                if (at_s := self._instant(cells, source, minute * 60)) is not None:
                    yield _of_a_minute(name, source, at_s - at_s % 60, value)


def _of_a_minute(name: str, source: str, at_s: int, value: int) -> Said:
    return Walked(source, at_s, at_s + 60, value) if name == "Steps" else Moved(source, at_s, value)


class _Sleep(_Rows):
    """A row for each minute in bed. Minutes asleep that follow each other are one span."""

    def __init__(self, header: Sequence[str], head: Head, reading: Reading) -> None:
        super().__init__(header, head, reading, "date")
        self._value = self._places["value"]
        self._spans: dict[str, tuple[int, int]] = {}

    def said(self, cells: Sequence[str]) -> Iterator[Said]:
        source, value = self._source(cells), whole_number(cells[self._value], 3, "sleep")
        at_s = self._instant(cells, source)
        if at_s is None or value not in ASLEEP:
            return
        at_s -= at_s % 60
        begins_s, ends_s = self._spans.get(source, (at_s, at_s))
        if ends_s != at_s:
            yield Slept(source, begins_s, ends_s)
            begins_s = at_s
        self._spans[source] = begins_s, at_s + 60

    def rest(self) -> Iterator[Said]:
        return (Slept(source, *span) for source, span in self._spans.items())


class _Heart(_Rows):
    def __init__(self, header: Sequence[str], head: Head, reading: Reading) -> None:
        super().__init__(header, head, reading, "Time")
        self._value = self._places["Value"]

    def said(self, cells: Sequence[str]) -> Iterator[Said]:
        source, rate = self._source(cells), whole_number(cells[self._value], 1000, "heart rate")
        at_s = self._instant(cells, source)
        if at_s is not None and rate in HEART_RATES:
            yield Beat(source, at_s, rate)
        elif at_s is not None:
            self._reading.leave_out(NO_HEART_RATE)


_READERS: dict[str, Callable[[Sequence[str], Head, Reading], _Rows]] = {
    "ActivityMinute": _Narrow,
    "ActivityHour": _Wide,
    "date": _Sleep,
    "Time": _Heart,
}

FORM = Form("fitbit", "Fitabase", fits, read)

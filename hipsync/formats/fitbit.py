"""Minutes of Fitbits as Fitabase exports them, in CSV: steps, and beside them intensity, sleep and heart rate.

The header of a file says which kind it is (fitabase.com, data dictionary; the files of Furberg, Brinton, Keating and
Ortiz 2016 have these headers):

    Id, ActivityMinute, Steps            a row for each minute; or Intensity for Steps
    Id, ActivityHour, Steps00 ... 59     a row for each hour; or Intensity00 ... 59
    Id, date, value, logId               a minute of sleep: 1 asleep, 2 restless, 3 awake
    Id, Time, Value                      heart rate, every few seconds

Times are local. A minute without a row of steps is unknown; in one without a step the band may not have been worn.
"""

from __future__ import annotations

import contextlib
import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import BinaryIO, NamedTuple
from zoneinfo import ZoneInfo

from hipsync.errors import InputError
from hipsync.formats.csv_minutes import LONGEST_LINE, MinuteTable, kept
from hipsync.formats.meaning import YEARS
from hipsync.instants import is_believed
from hipsync.model import MINUTE, STEPS_A_MINUTE, Epoch, State
from hipsync.text import clean

COLUMNS = {"Steps": "steps", "Intensity": "intensity"}
"""The columns with a value for a minute, and the `Value.what` of each."""
ASLEEP = frozenset({1, 2})
"""The values of sleep that count as asleep: asleep and restless."""
HEART_RATES = range(20, 251)
"""Possible heart rates in beats a minute; others are mistakes, and are left out."""
UNUSED = ("Calories", "METs")
"""How the names of columns begin that hipsync has no use for, in files of the same form."""


class Value(NamedTuple):
    """One number about a person from a file."""

    person: str
    at: datetime
    """Local time, without a zone."""
    what: str
    """One of steps, intensity, sleep and heart."""
    value: int


class FitabaseExport:
    """The minutes in several files about the same people, with all local times in one zone."""

    def __init__(self, zone: ZoneInfo, now: datetime) -> None:
        self._zone, self._now = zone, now
        self.ahead = 0
        """How many values were left out because they lie in the future."""
        self.skipped = 0
        """How many values were left out because their local time does not exist: the clock skipped it."""
        self._values: dict[str, dict[str, dict[datetime, int]]] = {}
        """Steps, intensity and sleep, by person, name and minute."""
        self._beats: dict[str, dict[datetime, tuple[int, int]]] = {}
        """Sum and count of heart rates, by person and minute."""

    def add(self, file: BinaryIO) -> None:
        """Read a file. Raises `InputError`, which names the line."""
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        reader = csv.reader(_bounded(text))
        try:
            header = [name.strip() for name in next(reader, list[str]())]
            read = _reader_for(header)
            for cells in reader:
                if not cells:
                    continue
                if len(cells) != len(header):
                    raise InputError(f"line {reader.line_num} has {len(cells)} columns and the header {len(header)}")
                for value in read(cells, reader.line_num):
                    self._add_value(value, reader.line_num)
        except UnicodeDecodeError as error:
            raise InputError("the file is not text in UTF-8") from error
        except csv.Error as error:
            raise InputError(f"line {reader.line_num}: this is not CSV: {error}") from error
        finally:
            text.detach()

    def table(self) -> MinuteTable:
        """All minutes that have steps, 0 included; the band of a person is called `fitbit` and the person's number.

        The caller closes it. Raises `InputError` if no minute has steps.
        """
        with kept(MinuteTable()) as table:
            for person in sorted(self._values):
                for number, epoch in enumerate(self._epochs(person), 1):
                    table.add(f"fitbit {person}", epoch, number)
            if not table.lines():
                raise InputError(
                    "none of the files has steps of minutes: give minuteStepsNarrow or minuteStepsWide, too"
                )
        return table

    def _add_value(self, value: Value, number: int) -> None:
        """Add a value of the line with this number. Raises `InputError` if its year in UTC is not one of `YEARS`."""
        at = self._instant(value.at)
        if at is not None and at.year not in YEARS:
            raise InputError(f"line {number}: {value.at} is not in the years {YEARS[0]} to {YEARS[-1]} of UTC")
        if at is None:
            self.skipped += 1
        elif not is_believed(at, self._now):
            self.ahead += 1
        elif value.what == "heart":
            total, count = self._beats.setdefault(value.person, {}).get(at, (0, 0))
            self._beats[value.person][at] = (total + value.value, count + 1)
            self._values.setdefault(value.person, {})
        else:
            self._values.setdefault(value.person, {}).setdefault(value.what, {})[at] = value.value

    def _instant(self, local: datetime) -> datetime | None:
        """A local minute in UTC, the first one if it comes twice. None if the clock skipped it."""
        at = local.replace(second=0, tzinfo=self._zone).astimezone(UTC)
        return at if at.astimezone(self._zone).replace(tzinfo=None, second=0) == local.replace(second=0) else None

    def _epochs(self, person: str) -> Iterator[Epoch]:
        values, beats = self._values[person], self._beats.get(person, {})
        intensities, sleep = values.get("intensity", {}), values.get("sleep", {})
        for at, steps in sorted(values.get("steps", {}).items()):
            total, count = beats.get(at, (0, 0))
            asleep = sleep.get(at) in ASLEEP and not steps
            yield Epoch(
                at, MINUTE, steps, intensities.get(at), round(total / count) if count else None,
                State.ASLEEP if asleep else None,
            )  # fmt: skip


RowReader = Callable[[Sequence[str], int], Iterator[Value]]
"""A function that reads the values in a row from its cells and the number of its line. Raises `InputError`."""


def _reader_for(header: list[str]) -> RowReader:
    """The reader for rows of a file with this header. Raises `InputError` if hipsync has no use for such a file."""
    match header:
        case ["Id", "ActivityMinute", name] if name in COLUMNS:
            return lambda cells, number: _narrow(cells, number, COLUMNS[name])
        case ["Id", "ActivityHour", *names] if len(names) == 60 and (what := _wide_column(names)) is not None:
            return lambda cells, number: _wide(cells, number, what)
        case ["Id", "date", "value", "logId"]:
            return _sleep
        case ["Id", "Time", "Value"]:
            return _heart
        case ["Id", "ActivityMinute" | "ActivityHour", name, *_] if name.startswith(UNUSED):
            raise InputError(f"this file is about {name.rstrip('0')}, which hipsync has no use for: leave it out")
        case _:
            first = clean(",".join(header), 80)
            raise InputError(f"this is no file of minutes that Fitabase exports: its first line is {first!r}")


def _wide_column(names: Sequence[str]) -> str | None:
    """What the 60 columns of an hour contain, as in `Value.what`; None if they are not the minutes of one thing."""
    for name, what in COLUMNS.items():
        if list(names) == [f"{name}{minute:02}" for minute in range(60)]:
            return what
    return None


def _narrow(cells: Sequence[str], number: int, what: str) -> Iterator[Value]:
    yield Value(_person(cells, number), _time(cells[1], number), what, _number(cells[2], number, what))


def _wide(cells: Sequence[str], number: int, what: str) -> Iterator[Value]:
    person, hour = _person(cells, number), _time(cells[1], number)
    for minute, cell in enumerate(cells[2:]):
        if cell.strip():
            yield Value(person, hour + minute * MINUTE, what, _number(cell, number, what))


def _sleep(cells: Sequence[str], number: int) -> Iterator[Value]:
    yield Value(_person(cells, number), _time(cells[1], number), "sleep", _number(cells[2], number, "sleep"))


def _heart(cells: Sequence[str], number: int) -> Iterator[Value]:
    value = _number(cells[2], number, "heart")
    if value in HEART_RATES:
        yield Value(_person(cells, number), _time(cells[1], number), "heart", value)


def _person(cells: Sequence[str], number: int) -> str:
    if not re.fullmatch(r"[0-9]{1,20}", cells[0].strip(), re.ASCII):
        raise InputError(f"line {number}: {cells[0][:40]!r} is no number of a person")
    return cells[0].strip()


def _time(text: str, number: int) -> datetime:
    """A local time such as `4/12/2016 2:47:30 PM`. Raises `InputError`.

    It is read by hand because strptime would take half of the time of an import.
    """
    found = re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4}) (\d{1,2}):(\d\d):(\d\d) ([AP])M", text.strip(), re.ASCII)
    if found is not None and 1 <= int(found[4]) <= 12 and int(found[3]) in YEARS:
        hour = int(found[4]) % 12 + (12 if found[7] == "P" else 0)
        with contextlib.suppress(ValueError):  # the 31st of June
            return datetime(int(found[3]), int(found[1]), int(found[2]), hour, int(found[5]), int(found[6]))  # noqa: DTZ001  local
    raise InputError(f"line {number}: {text[:40]!r} is not a time like 4/12/2016 2:47:30 PM")


def _number(text: str, number: int, what: str) -> int:
    most = {"steps": STEPS_A_MINUTE, "intensity": 3, "sleep": 3, "heart": 1000}[what]
    if not re.fullmatch(r"[0-9]{1,6}", text.strip(), re.ASCII) or int(text) > most:
        raise InputError(f"line {number}: {what} {text[:40]!r} is not a whole number from 0 to {most}")
    return int(text)


def _bounded(text: io.TextIOWrapper) -> Iterator[str]:
    """The lines of a file. Raises `InputError` for one that is too long or contains a zero byte."""
    number = 0
    while line := text.readline(LONGEST_LINE):
        number += 1
        if len(line) >= LONGEST_LINE or "\0" in line:
            raise InputError(f"line {number} is no line of such a file")
        yield line

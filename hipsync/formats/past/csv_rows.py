"""The rows of a CSV that another program exported, and what its cells mean, whatever the order of its columns.

A file is read line by line, and never more of it is held than `MOST_LINES` lines of `reading.LONGEST_LINE` characters
each, which is 2 MB. The functions for cells remember at most 4,096 short cells each. The one rule: a cell that is not
what its column holds is an `InputError`, and `located` puts the line in front of it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import BinaryIO

from hipsync.errors import InputError
from hipsync.formats.meaning import HEART_RATES, YEARS
from hipsync.formats.past.reading import Reading, ZoneWanted, lines_of
from hipsync.formats.past.said import Said
from hipsync.text import clean

MOST_LINES = 20
"""The most lines of a row: a text in quotation marks may go on, such as a person's remark on a workout."""
NOTHING = frozenset({"", "null"})
"""Cells without a value, as Zepp and Samsung Health write them."""
WITHOUT_LENGTH = "whose end is not after their start"
TOO_LONG = "that last longer than a day"
NO_HEART_RATE = "without a heart rate that anybody has"
"""Why a row is left out, as the end of "3 rows"."""
DAY_S = 24 * 60 * 60
LONGEST_CELL = 40
"""The most characters of a cell whose meaning is remembered, spaces around it included."""


class CsvRows:
    """Iterates over the rows of a CSV file as lists of cells; empty lines are left out."""

    def __init__(self, file: BinaryIO, *, strict: bool = True) -> None:
        """`strict` refuses what follows a closing quotation mark within a cell."""
        self._lines = 0
        self._reader = csv.reader(self._limited(file), strict=strict)

    def __iter__(self) -> Iterator[list[str]]:
        return self

    def __next__(self) -> list[str]:
        while True:
            self._lines = 0
            try:
                cells = next(self._reader)
            except csv.Error as error:
                raise InputError(f"this is not CSV: {error}") from error
            if cells:
                return cells

    def header(self) -> list[str]:
        """The next row as names of columns, without the empty one that a comma at the end makes.

        Raises `InputError` if there is no further row.
        """
        names = [name.strip() for name in next(self, list[str]())]
        if names and not names[-1]:
            names.pop()
        if not names:
            raise InputError("the line with the names of the columns is missing")
        return names

    def placed(self, error: InputError) -> str:
        """The message of an error, with the line that was read last in front unless it names one."""
        said = str(error)
        return said if said.startswith("line ") else f"line {self._reader.line_num}: {said}"

    def _limited(self, file: BinaryIO) -> Iterator[str]:
        """The lines of a file. Raises `InputError` if a row does not end."""
        for line in lines_of(file):
            self._lines += 1
            if self._lines > MOST_LINES:
                raise InputError(f"a row goes on for more than {MOST_LINES} lines: a quotation mark is missing")
            yield line


def located(said: Iterator[Said], rows: CsvRows) -> Iterator[Said]:
    """What is said; the message of an `InputError` on the way gets the line of the file in front."""
    try:
        yield from said
    except ZoneWanted:
        raise
    except InputError as error:
        raise InputError(rows.placed(error)) from error


def check_width(cells: Sequence[str], wide: int) -> None:
    """Raise `InputError` unless a row has a cell for each of `wide` columns, and nothing beyond but empty cells."""
    if len(cells) < wide:
        raise InputError(f"it has {len(cells)} columns and the header {wide}: the file was cut off, or is damaged")
    if len(cells) > wide and any(cells[wide:]):
        raise InputError(f"it has {len(cells)} columns and the header {wide}")


def places(header: Sequence[str], names: Sequence[str]) -> list[int]:
    """Where the columns of these names stand. Raises `InputError` if one is missing."""
    if missing := [name for name in names if name not in header]:
        raise InputError(f"the column {missing[0]!r} is missing")
    return [header.index(name) for name in names]


@lru_cache(maxsize=4096)
def count(cell: str) -> int | None:
    """A whole number from 0 to 9,999,999, also as "77.0"; None if the cell says nothing. Raises `InputError`."""
    text = short(cell)
    if text in NOTHING:
        return None
    if not re.fullmatch(r"[0-9]{1,7}(\.0{1,9})?", text):
        raise InputError(f"{shown(cell)} is not a whole number")
    return int(text.partition(".")[0])


@lru_cache(maxsize=4096)
def beats(cell: str) -> int | None:
    """Beats a minute, rounded; None if the cell says nothing or what no heart does. Raises `InputError`."""
    text = short(cell)
    if text in NOTHING:
        return None
    if not re.fullmatch(r"-?[0-9]{1,7}(\.[0-9]{1,9})?", text):
        raise InputError(f"{shown(cell)} is not a heart rate")
    return likely_beats(float(text))


def short(cell: str) -> str:
    """A cell without the spaces around it. Raises `InputError` if it has more than `LONGEST_CELL` characters."""
    if len(cell) > LONGEST_CELL:
        raise InputError(f"{shown(cell)} is too long for its column")
    return cell.strip()


def midnight_of(text: str) -> datetime:
    """The naive midnight with which a date such as `2026-11-20` begins. Raises `InputError`."""
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) and int(text[:4]) in YEARS:
            return datetime.fromisoformat(text)
    except ValueError:
        pass
    raise InputError(f"{shown(text)} is not a date such as 2026-11-20 of the years {YEARS[0]} to {YEARS[-1]}")


def likely_beats(number: float) -> int | None:
    """A heart rate in whole beats a minute; None for what no heart does, such as a 0 for none."""
    rounded = int(number + 0.5)
    return rounded if rounded in HEART_RATES else None


def is_span(start_s: int, end_s: int, reading: Reading) -> bool:
    """Whether a span has a length of up to a day and is not in the future; else its row is counted as left out.

    Raises `InputError` for a year that no export can mean.
    """
    if end_s <= start_s:
        reading.leave_out(WITHOUT_LENGTH)
        return False
    if end_s - start_s > DAY_S:
        reading.leave_out(TOO_LONG)
        return False
    early = start_s < DAY_S  # any later start is possible if its end is
    return (not early or reading.is_possible(start_s)) and reading.is_possible(end_s)


def shown(cell: object) -> str:
    """A stranger's cell for a message: cut, in quotation marks, without characters that control a terminal."""
    return clean(repr(str(cell)[:40]), 60)

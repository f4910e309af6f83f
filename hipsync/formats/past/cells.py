"""Cells of strangers' exports: rows of CSV one at a time, numbers and instants with bounds, and cells in messages.

It knows no columns and no form. The one rule: a cell that is not what it should be is an `InputError` without a place,
and whoever reads the file adds the line. A row takes at most `csv.field_size_limit()` characters a cell, and no other
row is held beside it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import BinaryIO

from hipsync.errors import InputError
from hipsync.formats.past.reading import Head, lines_of
from hipsync.text import clean

HEART_RATES = range(20, 251)
"""Possible heart rates in beats a minute; others are mistakes, and are left out."""
NO_HEART_RATE = "with a heart rate outside 20 to 250"
"""Why a row is left out, as the end of "3 rows"."""
NO_SPAN = "with an end that is not after its start, or a day later"
"""Why a row is left out, as the end of "3 rows"."""
DAY_S = 86_400
_WHOLE = re.compile(r"[0-9]{1,9}", re.ASCII)
_RATE = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,9})?", re.ASCII)
_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ]([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.\d{1,9})?(?:Z|([+-])([01]\d):?([0-5]\d))", re.ASCII
)


class CsvRows:
    """The rows of a CSV file under its header, each with as many cells as the header. Empty lines are passed.

    Every method raises `InputError` for what is no text, no CSV or has another number of cells. Whoever makes one
    closes it, which leaves the file open.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._lines = lines_of(file)
        self._reader = csv.reader(self._lines)
        self.header = [name.strip() for name in self._next() or ()]
        """The names of the columns, trimmed; none if the file is empty."""

    @property
    def line(self) -> int:
        """The number of the line in which the last row ended, counted from 1."""
        return self._reader.line_num

    def __iter__(self) -> Iterator[list[str]]:
        width = len(self.header)
        while (cells := self._next()) is not None:
            if len(cells) == width:
                yield cells
            elif cells:
                raise InputError(f"line {self.line} has {len(cells)} columns and the header {width}")

    def close(self) -> None:
        """Let go of the file, now and not when the garbage is collected, which may be after the file."""
        self._lines.close()

    def _next(self) -> list[str] | None:
        try:
            return next(self._reader, None)
        except csv.Error as error:
            raise InputError(f"line {self.line}: this is not CSV: {error}") from error


def columns_of(head: Head) -> list[str]:
    """The names of the columns of a file that may be CSV, trimmed; none if its first line is no row. Raises nothing."""
    try:
        return [name.strip() for name in next(csv.reader([head.first_line]), ())]
    except csv.Error:
        return []


def shown(cell: object) -> str:
    """A cell or a value of JSON for a message: one line of at most 60 characters that no terminal obeys."""
    match cell:
        case str():
            return clean(repr(cell[:40]), 60)
        case int() | float() | None:
            return clean(repr(cell), 60)
        case _:
            return "a list or an object"


@lru_cache(1000)
def whole_number(cell: str, most: int, what: str) -> int:
    """The whole number from 0 to `most` in a cell. Raises `InputError`, which calls it `what`."""
    if (found := _WHOLE.fullmatch(cell.strip())) is None or (number := int(found[0])) > most:
        raise InputError(f"{what} {shown(cell)} is not a whole number from 0 to {most}")
    return number


@lru_cache(1000)
def heart_rate(cell: str) -> int:
    """The heart rate in a cell in whole beats a minute, possible or not. Raises `InputError` if it is no number."""
    if (found := _RATE.fullmatch(cell.strip())) is None:
        raise InputError(f"heart rate {shown(cell)} is not a number from 0 to 999")
    return round(float(found[0]))


def instant(cell: str) -> int:
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
def day_s(text: str) -> int:
    """The midnight in UTC with which a date such as `2026-04-06` begins, in seconds since 1970. Raises `InputError`."""
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"{shown(text)} is no date") from error
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())

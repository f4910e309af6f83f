"""The rows of a CSV that another program exported, and what their cells mean, whatever the order of the columns.

A file is read row by row, and never more than one row of `LONGEST_ROW` characters is held. The functions for cells
remember at most `MOST_KNOWN` short cells each. The one rule: a cell that is not what its column holds is an
`InputError` without a place, and `csv_rows` puts the line in front of it.
"""

from __future__ import annotations

import contextlib
import csv
import re
from collections.abc import Generator, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import BinaryIO

from hipsync.errors import InputError, ZoneWanted
from hipsync.formats.meaning import YEARS
from hipsync.formats.past.reading import Head, NoText, believed_rate, shown, text_of

LONGEST_LINE = 100_000
"""Characters after which a line is refused, so that a damaged file does not fill the memory."""
LONGEST_ROW = 2**17
"""Characters after which a row is refused, as many as Python's csv takes in a cell. A text in quotation marks, such as
a remark on a workout, may go on over lines."""
NOTHING = frozenset({"", "null"})
"""Cells without a value, as Zepp and Samsung Health write them."""
LONGEST_CELL = 40
"""The most characters of a cell whose meaning is remembered, spaces around it included."""
MOST_KNOWN = 4096
"""How many cells, at most, a function for cells remembers with their meaning."""


class CsvRows:
    """Iterates over the rows of a CSV file as lists of cells; empty lines are left out. `csv_rows` makes one.

    What is no CSV, or has no end, is an `InputError` without the line.
    """

    def __init__(self, file: BinaryIO, *, strict: bool) -> None:
        self.line = 0
        """The number of the line that was read last, counted from 1."""
        self._held = 0
        """How many characters of the row at hand were read."""
        self._lines = self._lines_of(file)
        self._reader = csv.reader(self._lines, strict=strict)

    def __iter__(self) -> Iterator[list[str]]:
        try:
            for cells in self._reader:
                self._held = 0
                if cells:
                    yield cells
        except csv.Error as error:
            raise InputError(f"this is not CSV: {error}") from error

    def header(self) -> list[str]:
        """The next row as names of columns, as `column_names`. Raises `InputError` if there is no further row."""
        names = column_names(next(iter(self), ()))
        if not names:
            raise InputError("the line with the names of the columns is missing")
        return names

    def whole(self, wide: int) -> Iterator[list[str]]:
        """The further rows. Raises `InputError` for one that `check_width` refuses."""
        for cells in self:
            if len(cells) != wide:
                check_width(cells, wide)
            yield cells

    def close(self) -> None:
        """Let go of the file, now and not when the garbage is collected, which may be after the file."""
        self._lines.close()

    def _lines_of(self, file: BinaryIO) -> Generator[str, None, None]:
        """The lines of a text in UTF-8, with or without a byte order mark and a last line end; their ends are kept."""
        with text_of(file) as text:
            while line := text.readline(LONGEST_LINE):
                self.line += 1
                self._held += len(line)
                if len(line) >= LONGEST_LINE or "\0" in line:
                    raise InputError("it is too long, or holds a zero byte: the file is damaged")
                if self._held > LONGEST_ROW:
                    raise InputError(
                        f"a row goes on for more than {LONGEST_ROW:,} characters: a quotation mark is missing"
                    )
                yield line


@contextlib.contextmanager
def csv_rows(file: BinaryIO, *, strict: bool = True) -> Generator[CsvRows, None, None]:
    """The rows of a CSV file; the message of an `InputError` during the block gets the line in front.

    `strict` refuses what follows a closing quotation mark within a cell. The file is left open. Raises `InputError`
    for what is no text.
    """
    with contextlib.closing(CsvRows(file, strict=strict)) as rows:
        try:
            yield rows
        except (ZoneWanted, NoText):
            raise
        except InputError as error:
            raise InputError(f"line {rows.line}: {error}") from error


def column_names(cells: Sequence[str]) -> list[str]:
    """The cells of a header as names, trimmed, without the empty one that a comma at the end makes."""
    names = [name.strip() for name in cells]
    if names and not names[-1]:
        names.pop()
    return names


def columns_of(head: Head) -> list[str]:
    """The names of the columns of a file that may be CSV, as `column_names`; none if its first line is no row."""
    try:
        return column_names(next(csv.reader([head.first_line]), ()))
    except csv.Error:
        return []


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


def short(cell: str) -> str:
    """A cell without the spaces around it. Raises `InputError` if it has more than `LONGEST_CELL` characters."""
    if len(cell) > LONGEST_CELL:
        raise InputError(f"{shown(cell)} is too long for its column")
    return cell.strip()


@lru_cache(MOST_KNOWN)
def whole_number(cell: str, most: int, what: str) -> int:
    """The whole number from 0 to `most` in a cell, also as "77.0". Raises `InputError`, which calls it `what`."""
    if not _WHOLE.fullmatch(text := short(cell)) or (number := int(text.partition(".")[0])) > most:
        raise InputError(f"{what} {shown(cell)} is not a whole number from 0 to {most:,}")
    return number


@lru_cache(MOST_KNOWN)
def count(cell: str) -> int | None:
    """A whole number from 0 to 9,999,999, also as "77.0"; None if the cell says nothing. Raises `InputError`."""
    return None if short(cell) in NOTHING else whole_number(cell, 9_999_999, "the number")


@lru_cache(MOST_KNOWN)
def heart_rate(cell: str) -> int | None:
    """A heart rate as `believed_rate` has it; None also if the cell says nothing. Raises `InputError` for no number."""
    text = short(cell)
    if text in NOTHING:
        return None
    if not _RATE.fullmatch(text):
        raise InputError(f"heart rate {shown(cell)} is not a number")
    return believed_rate(float(text))


def midnight_of(text: str) -> datetime:
    """The naive midnight with which a date such as `2026-11-20` begins. Raises `InputError`."""
    with contextlib.suppress(ValueError):  # the 31st of June
        if _DATE.fullmatch(text) and int(text[:4]) in YEARS:
            return datetime.fromisoformat(text)
    raise InputError(f"{shown(text)} is not a date such as 2026-11-20 of the years {YEARS[0]} to {YEARS[-1]}")


@lru_cache(1000)
def day_s(text: str) -> int:
    """The midnight in UTC with which a date such as `2026-11-20` begins, in seconds since 1970. Raises `InputError`."""
    return int(midnight_of(text).replace(tzinfo=UTC).timestamp())


_WHOLE = re.compile(r"[0-9]{1,9}(?:\.0{1,9})?")
_RATE = re.compile(r"-?[0-9]{1,7}(?:\.[0-9]{1,9})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

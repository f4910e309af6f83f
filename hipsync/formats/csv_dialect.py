"""How a CSV file of minutes is written, as spreadsheets and other programs write it: found once, before its rows.

| what | how it is found |
|---|---|
| UTF-8 or UTF-16 (Excel's "Unicode text") | by the byte order mark; without one it is UTF-8 |
| comma, semicolon or tab between the cells | the one by which the first line names most known columns |
| names of the columns | without regard to case, spaces and underscores; the few synonyms are in `SYNONYMS` |
| order of day and month, if dates need it | by the first number over 12, or by asking (`written_dates.py`) |

The one rule: what is in doubt is asked or refused, never guessed.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from operator import itemgetter
from typing import NamedTuple, TextIO

from hipsync.errors import InputError
from hipsync.formats.replayed import Replayed
from hipsync.formats.written_dates import DateOrder, Doubt, is_ambiguous, order_of

NEEDED_COLUMNS = ("timestamp", "steps")
COLUMNS = (*NEEDED_COLUMNS, "length", "intensity", "heart_rate", "state", "posture", "kind", "inferred", "band")
SYNONYMS = {"time": "timestamp", "datetime": "timestamp", "heartrate": "heart_rate", "hr": "heart_rate"}
"""What other programs call a column and can mean nothing else. `date` and `time` together are one timestamp."""
LONGEST_LINE = 10_000
"""Characters after which a line is refused, so that a damaged file does not fill the memory."""
SEPARATORS = (",", ";", "\t")
_UTF_8, _UTF_16 = "utf-8-sig", "utf-16"
_MARKS_OF_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_WHOLE = re.compile(r"(-?[0-9]{1,12})[.,](?:0{1,2}|0{4,12})")
"""A whole number with a fraction of nothing but zeros. After three of them it may be a thousand, and is refused."""
Row = tuple[int, str, tuple[str, ...]]
"""The number of a row's line, its timestamp, and the cells of all other `COLUMNS` in their order."""


class Columns(NamedTuple):
    """Where the known columns stand in a row."""

    wide: int
    """How many cells a row has."""
    places: dict[str, int]
    """The place of each column that the file has, by its name in `COLUMNS`."""
    date: int | None
    """Where the date stands if `timestamp` is only the time of day; else None."""


class Dialect(NamedTuple):
    """How one file is written."""

    encoding: str
    separator: str
    columns: Columns
    order: DateOrder | None = None
    """Whether the day or the month comes first; None if no date needs it."""
    first: str = ""
    """The timestamp of its first row; empty if there is none."""

    @property
    def last_column(self) -> str:
        """The name of the last column."""
        places = self.columns.places
        return max(places, key=places.__getitem__) if self.columns.date != self.columns.wide - 1 else "timestamp"

    def is_short(self, stamp: str) -> bool:
        """Whether a timestamp is not written as the first one of the file is, but for its numbers."""
        return _shape(stamp) != _shape(self.first)


def dialect_of(file: Replayed, order: DateOrder | None, ask: Callable[[Doubt], DateOrder] | None) -> Dialect:
    """How a file is written. It is read as far as that needs, and is at its beginning afterwards.

    `order` is that of the dates, if somebody said it. Else `ask` decides it where the file does not tell; None asks
    nobody and leaves it open. Raises `InputError`, also for a row that is no row on the way.
    """
    encoding = _UTF_16 if file.start(2) in _MARKS_OF_UTF_16 else _UTF_8
    with _readable(encoding), file.text(encoding) as text:
        separator = _separator(next(_whole_lines(text), ""))
    file.again()
    with _readable(encoding), file.text(encoding) as text:
        columns = _columns_of(_header(text, separator))
    dialect = Dialect(encoding, separator, columns, order)
    dialect = dialect._replace(first=next(_stamps(file, dialect), ""))
    if order is None and ask is not None and is_ambiguous(dialect.first):
        dialect = dialect._replace(order=order_of(_stamps(file, dialect), ask))
    file.again()
    return dialect


def is_of_minutes(start: bytes) -> bool:
    """Whether a file that begins with these bytes names a timestamp and steps in its first line."""
    text = start.decode(_UTF_16 if start[:2] in _MARKS_OF_UTF_16 else _UTF_8, "replace")
    first = text.splitlines()[0] if text else ""
    return {_named(name) for name in _cells(first, _separator(first))}.issuperset(NEEDED_COLUMNS)


def rows_of(file: Replayed, dialect: Dialect, unended: Callable[[], object]) -> Generator[Row, None, None]:
    """The rows of a file. Cells of columns that it lacks are empty, and a row without a cell is none.

    `unended` is called before the last row if its line does not end. Raises `InputError`.
    """
    ends = True

    def cut() -> None:
        nonlocal ends
        ends = False
        unended()

    wide, places, date = dialect.columns
    at = places["timestamp"]
    others = itemgetter(*(places.get(name, wide) for name in COLUMNS[1:]))
    with _readable(dialect.encoding), file.text(dialect.encoding) as text:
        reader = csv.reader(_whole_lines(text, cut), delimiter=dialect.separator, strict=True)
        next(reader)
        try:
            for cells in reader:
                if not any(cells):
                    continue
                if len(cells) != wide:
                    raise InputError(_wrong_width(reader.line_num, len(cells), wide, ends))
                cells.append("")  # what a column that the file lacks says
                stamp = cells[at] if date is None else f"{cells[date].strip()} {cells[at].strip()}"
                yield reader.line_num, stamp, others(cells)
        except csv.Error as error:
            raise InputError(f"line {reader.line_num}: this is not CSV: {error}") from error


def number(cell: str) -> str:
    """A cell with a number, without a decimal point or comma that only zeros follow: spreadsheets write such."""
    found = _WHOLE.fullmatch(cell)
    return cell if found is None else found[1]


def _stamps(file: Replayed, dialect: Dialect) -> Iterator[str]:
    """The timestamps of a file, from its beginning."""
    file.again()
    with closing(rows_of(file, dialect, lambda: None)) as rows:
        for _, stamp, _ in rows:
            yield stamp.strip()


def _header(text: TextIO, separator: str) -> Sequence[str]:
    """The cells of the first row of a file; none if it is empty. Raises `InputError`."""
    reader = csv.reader(_whole_lines(text), delimiter=separator, strict=True)
    try:
        return next(reader, list[str]())
    except csv.Error as error:
        raise InputError(f"line {reader.line_num}: this is not CSV: {error}") from error


def _whole_lines(text: TextIO, unended: Callable[[], object] = lambda: None) -> Iterator[str]:
    """The lines of a file. `unended` is called before a last one without an end. Raises `InputError`.

    A first line without an end is refused: the file was cut off while it was written.
    """
    number = 0
    while line := text.readline(LONGEST_LINE):
        number += 1
        if "\0" in line:
            raise InputError(f"line {number} holds a zero byte: the file is damaged, or is no text")
        if not line.endswith(("\n", "\r")):
            if len(line) >= LONGEST_LINE:
                raise InputError(f"line {number} is too long")
            if number == 1:
                raise InputError("line 1 does not end: the file was cut off while written")
            unended()
        yield line


@contextmanager
def _readable(encoding: str) -> Generator[None, None, None]:
    """During the block, bytes that are no text become an `InputError`."""
    try:
        yield
    except UnicodeDecodeError as error:
        what = "UTF-16" if encoding == _UTF_16 else "UTF-8"
        raise InputError(f"the file is not text in {what}: export it as UTF-8") from error


def _separator(line: str) -> str:
    """The separator by which the first line of a file names most columns; a comma if none does."""
    return max(SEPARATORS, key=lambda separator: sum(_named(cell) in COLUMNS for cell in _cells(line, separator)))


def _cells(line: str, separator: str) -> Sequence[str]:
    try:
        return next(csv.reader([line], delimiter=separator, strict=True), list[str]())
    except csv.Error:
        return ()


def _columns_of(header: Sequence[str]) -> Columns:
    """The columns that the first line of a file names. Raises `InputError`."""
    if not header:
        raise InputError(f"the file is empty: its first line must name columns, at least {','.join(NEEDED_COLUMNS)}")
    plain, names = [_plain(name) for name in header], [_named(name) for name in header]
    date = plain.index("date") if "date" in plain and "time" in plain else None
    unknown = [name.strip() for name, known in zip(header, names, strict=True) if known not in COLUMNS]
    if date is not None:
        unknown.remove(header[date].strip())
    if unknown:
        raise InputError(f"unknown column {', '.join(map(repr, unknown))}: known are {', '.join(COLUMNS)}")
    if missing := [name for name in NEEDED_COLUMNS if name not in names]:
        raise InputError(f"the column {missing[0]!r} is missing: the first line must name it")
    if len(set(names)) < len(names):
        raise InputError("a column is named twice in the first line")
    return Columns(len(names), {name: place for place, name in enumerate(names) if name in COLUMNS}, date)


def _named(name: str) -> str:
    """The known name that a column of this name has, or its own."""
    plain = _plain(name)
    return SYNONYMS.get(plain, plain)


def _plain(name: str) -> str:
    return re.sub(r"[ _]+", "_", name.strip().lower())


def _wrong_width(number: int, cells: int, wide: int, ends: bool) -> str:
    if not ends and cells < wide:
        return f"line {number} does not end, and has {cells} of {wide} columns: the file was cut off while written"
    return f"line {number} has {cells} columns and the header {wide}"


def _shape(stamp: str) -> str:
    """A timestamp without its digits, and with one sign for time zones on either side of UTC."""
    return re.sub(r"[0-9]+", "0", stamp).replace("+", "-")

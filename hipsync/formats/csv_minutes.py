"""Minutes as CSV, in and out. What is exported is imported again without loss; the columns are in docs/contract.md.

A file is checked line by line before anything is stored, and an error names the line. Other formats use this module's
columns, checks and `MinuteTable`, so that all imports are stored in the same way.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import IO, BinaryIO, NamedTuple, TextIO
from zoneinfo import ZoneInfo

from hipsync.errors import InputError
from hipsync.model import MINUTE, BandId, Epoch, State
from hipsync.store import Store
from hipsync.text import clean

NEEDED_COLUMNS = ("timestamp", "steps")
COLUMNS = (*NEEDED_COLUMNS, "length", "intensity", "heart_rate", "state", "kind", "inferred", "band")
MOST_STEPS = 300
"""The most steps that a minute can have: sprinters take some 270, so more is a mistake in the file."""
LONGEST_MINUTES = 24 * 60
"""The longest epoch that a file may contain."""
YEARS = range(1970, 2100)
"""The years of UTC in which an epoch may begin: any other comes from a clock that was never set, or from a slip."""
LONGEST_LINE = 10_000
"""Characters after which a line is refused, so that a damaged file does not fill the memory."""
FORMULA = re.compile(r"'*[=+@\t\r-]")
"""How a text begins that a spreadsheet takes for a formula (OWASP, "CSV Injection"), with any number of apostrophes
before it. An export puts one apostrophe more in front of such a name, and an import takes one away."""
UNNAMED = "csv"
"""The name of the band for lines that do not name one."""


class MinuteTable(NamedTuple):
    """The minutes of a file, all of them checked."""

    lines: int
    """How many lines were read, without headers, empty lines, and (in CSV) lines that repeat an earlier one."""
    by_band: Mapping[str, Sequence[Epoch]]
    """The epochs of each band, by its name."""
    says_state: bool
    """Whether it has states, so that it says when the wearer slept or took the band off. A CSV file has them if
    it has the column."""
    says_heart_rate: bool
    """Whether any epoch has a heart rate."""


class Imported(NamedTuple):
    """What became of the lines of a file that was imported."""

    lines: int
    new: int
    same: int
    """How many epochs of the file changed nothing, because the database had them already."""


def read_csv(file: BinaryIO, *, band: str | None, zone: ZoneInfo | None) -> MinuteTable:
    """Read the minutes of a whole CSV file. Raises `InputError`, which names the line.

    `zone` is the zone of timestamps without an offset, which are an error if it is None. The lines belong to `band` if
    it is given, else to the band in the column of that name, else to the band `csv`.
    """
    by_band: dict[str, list[Epoch]] = {}
    count, says_state = 0, False
    for count, line in enumerate(_lines(file, band, zone), 1):  # noqa: B007  the count is a result
        says_state = line.has_state
        by_band.setdefault(line.band, []).append(line.epoch)
    beats = any(epoch.heart_rate for epochs in by_band.values() for epoch in epochs)
    return MinuteTable(count, by_band, says_state, beats)


def import_table(store: Store, table: MinuteTable, now: datetime) -> Imported:
    """Store all minutes of a file, or none; return what became of them. Bands that are missing are added.

    Raises `InputError` if a name belongs to a band that is not from such an import, and `StoreError`.
    """
    new = same = 0
    with store.transaction():
        for name, epochs in table.by_band.items():
            done = store.append(_band(store, name, table, now), epochs)
            new, same = new + done.new, same + done.same
    return Imported(table.lines, new, same)


def epochs_of_csv(file: BinaryIO, zone: ZoneInfo | None) -> list[Epoch]:
    """Read the epochs of a CSV file, in the order of the file. Raises `InputError`.

    `zone` is the zone of timestamps without an offset, which are an error if it is None.
    """
    return [line.epoch for line in _lines(file, None, zone)]


def _band(store: Store, name: str, table: MinuteTable, now: datetime) -> BandId:
    """Return the imported band of this name, after adding it if it is missing.

    Raises `InputError` if the name belongs to a band that is not from such an import.
    """
    vouches = table.says_state or table.says_heart_rate
    band = next((band for band in store.bands() if band.name == name), None)
    if band is None:
        return store.add_band(name=name, driver="csv", now=now, vouches=vouches, reports_wear=table.says_state).id
    if band.driver != "csv":
        raise InputError(f"the band {name!r} is not one of an import: give another name with --band")
    store.amend_band(band.id, vouches=vouches, reports_wear=table.says_state)
    return band.id


class _Line(NamedTuple):
    band: str
    epoch: Epoch
    has_state: bool


def _lines(file: BinaryIO, band: str | None, zone: ZoneInfo | None) -> Iterator[_Line]:
    """The checked lines of a file; a line that repeats an earlier one is left out.

    Raises `InputError` at the first line that is wrong, or that contradicts an earlier one.
    """
    seen: dict[tuple[str, datetime, timedelta], tuple[int, Epoch]] = {}
    before: datetime | None = None
    for number, row in _rows(file):
        start = _timestamp(row, number, zone, before)
        before = start
        line = _Line(band or _name(row, number), _epoch(row, start, number), "state" in row)
        earlier = seen.setdefault((line.band, start, line.epoch.length), (number, line.epoch))
        if earlier[0] == number:
            yield line
        elif earlier[1] != line.epoch:
            message = f"line {number} contradicts line {earlier[0]}, which is about the same time: remove one of them"
            raise InputError(message)


def _name(row: Mapping[str, str], number: int) -> str:
    name = row.get("band") or UNNAMED
    if name.startswith("'") and FORMULA.match(name):
        name = name[1:]
    if clean(name) != name:
        raise InputError(f"line {number}: band {name[:80]!r} is too long, or holds characters that cannot be seen")
    return name


def _rows(file: BinaryIO) -> Iterator[tuple[int, Mapping[str, str]]]:
    """The rows of a file as (line number, cells by column). Raises `InputError`."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    reader = csv.reader(_whole_lines(text), strict=True)
    try:
        header = [name.strip() for name in next(reader, list[str]())]
        _check_header(header)
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                raise InputError(f"line {reader.line_num} has {len(cells)} columns and the header {len(header)}")
            yield reader.line_num, dict(zip(header, (cell.strip() for cell in cells), strict=True))
    except UnicodeDecodeError as error:
        raise InputError("the file is not text in UTF-8: export it as UTF-8") from error
    except csv.Error as error:
        raise InputError(f"line {reader.line_num}: this is not CSV: {error}") from error
    finally:
        text.detach()


def _whole_lines(text: TextIO) -> Iterator[str]:
    """The lines of a file. Raises `InputError` for one without an end: the file was cut off while it was written."""
    number = 0
    while line := text.readline(LONGEST_LINE):
        number += 1
        if "\0" in line:
            raise InputError(f"line {number} holds a zero byte: the file is damaged, or is no text")
        if not line.endswith(("\n", "\r")):
            why = "is too long" if len(line) >= LONGEST_LINE else "does not end: the file was cut off while written"
            raise InputError(f"line {number} {why}")
        yield line


def _check_header(header: list[str]) -> None:
    if not header:
        raise InputError(f"the file is empty: its first line must name columns, at least {','.join(NEEDED_COLUMNS)}")
    if unknown := [name for name in header if name not in COLUMNS]:
        raise InputError(f"unknown column {', '.join(map(repr, unknown))}: known are {', '.join(COLUMNS)}")
    if missing := [name for name in NEEDED_COLUMNS if name not in header]:
        raise InputError(f"the column {missing[0]!r} is missing: the first line must name it")
    if len(set(header)) < len(header):
        raise InputError("a column is named twice in the first line")


def _timestamp(row: Mapping[str, str], number: int, zone: ZoneInfo | None, before: datetime | None) -> datetime:
    """The start of a row in UTC; `before` is the start of the row before, or None. Raises `InputError`."""
    text = row["timestamp"]
    try:
        written = datetime.fromisoformat(text)
    except ValueError as error:
        message = f"line {number}: {text!r} is no timestamp: write it like 2026-11-20T09:00:00+00:00"
        raise InputError(message) from error
    if written.tzinfo is None and zone is None:
        raise InputError(f"line {number}: {text!r} has no offset from UTC: add one, or say --zone Europe/London")
    try:
        start = (written if zone is None or written.tzinfo else _local(written, zone, number, before)).astimezone(UTC)
    except OverflowError:  # in UTC it lies before the year 1 or after the year 9999
        start = None
    if start is None or start.year not in YEARS:
        raise InputError(f"line {number}: {text!r} is not in the years {YEARS[0]} to {YEARS[-1]} of UTC")
    if start.second or start.microsecond:
        raise InputError(f"line {number}: {text!r} does not lie on a whole minute")
    return start


def _local(written: datetime, zone: ZoneInfo, number: int, before: datetime | None) -> datetime:
    """A local time with its zone: in an hour that comes twice, the first one, unless the rows have passed it already.

    Raises `InputError` for a time that the clock skipped.
    """
    first, second = (written.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != written:
        raise InputError(f"line {number}: {written.isoformat()} does not exist in {zone.key}: the clock skipped it")
    again = before is not None and first.astimezone(UTC) <= before < second.astimezone(UTC)
    return second if again else first


def epoch_of(row: Mapping[str, str], number: int) -> Epoch:
    """The epoch of a row whose timestamp has an offset. Raises `InputError`, which names the line."""
    if unknown := row.keys() - set(COLUMNS):
        raise InputError(f"line {number}: unknown column {min(unknown)!r}")
    if "timestamp" not in row:
        raise InputError(f"line {number}: the timestamp is missing")
    return _epoch(row, _timestamp(row, number, None, None), number)


def _epoch(row: Mapping[str, str], start: datetime, number: int) -> Epoch:
    seconds = _number(row, "length", number, 60, LONGEST_MINUTES * 60) or 60
    if seconds % 60:
        raise InputError(f"line {number}: length {seconds} is not a whole number of minutes, in seconds")
    steps = _number(row, "steps", number, 0, MOST_STEPS * (seconds // 60))
    if steps is None:
        raise InputError(f"line {number}: steps are missing: leave out lines of which nothing is known")
    return Epoch(
        start,
        seconds // 60 * MINUTE,
        steps,
        _number(row, "intensity", number, 0, 2**31),
        _number(row, "heart_rate", number, 1, 300),
        _state(row, number),
        _number(row, "kind", number, 0, 2**32),
        bool(_number(row, "inferred", number, 0, 1)),
    )


def _number(row: Mapping[str, str], column: str, number: int, least: int, most: int) -> int | None:
    text = row.get(column, "")
    if not text:
        return None
    if not re.fullmatch(r"-?[0-9]{1,12}", text) or not least <= int(text) <= most:
        raise InputError(f"line {number}: {column} {text!r} is not a whole number from {least} to {most}")
    return int(text)


def _state(row: Mapping[str, str], number: int) -> State | None:
    text = row.get("state", "")
    try:
        return State(text) if text else None
    except ValueError as error:
        allowed = ", ".join(State)
        raise InputError(f"line {number}: there is no state {text!r}: known are {allowed}, or nothing") from error


def export_csv(store: Store, file: IO[str], since: datetime | None, until: datetime | None) -> int:
    """Write every epoch that starts in `[since, until)` as CSV, in order of time; return how many there were.

    None means no bound. A name that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    out = csv.writer(file, lineterminator="\n")
    says_state = store.has_states() or any(band.reports_wear for band in store.bands())
    columns = [column for column in COLUMNS if column != "state" or says_state]
    out.writerow(columns)
    count = 0
    for count, (name, epoch) in enumerate(store.all_epochs(since, until), 1):  # noqa: B007  the count is the result
        cells = cells_of(f"'{name}" if FORMULA.match(name) else name, epoch)
        out.writerow([cells[column] for column in columns])
    return count


def cells_of(band: str, epoch: Epoch) -> dict[str, str | int | None]:
    """An epoch as a row of the CSV, by column; None for an empty cell."""
    return {
        "timestamp": epoch.start.isoformat(),
        "steps": epoch.steps,
        "length": int(epoch.length.total_seconds()),
        "intensity": epoch.intensity,
        "heart_rate": epoch.heart_rate,
        "state": epoch.state,
        "kind": epoch.kind,
        "inferred": 1 if epoch.inferred else None,
        "band": band,
    }

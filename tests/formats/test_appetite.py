"""Small files with a large appetite are refused in one line before they are fed; long ones that are honest are not."""

from __future__ import annotations

import io
import os
import tracemalloc
import zipfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hipsync.errors import InputError
from hipsync.formats.csv_minutes import read_csv
from hipsync.formats.json_archive import read_json
from hipsync.model import MINUTE
from support.builders import MONDAY
from support.machine import Machine
from support.stored import NOW

YEAR = timedelta(days=365)
IMPORTS = ("csv", "json", "parquet", "gadgetbridge", "fitbit")
MIB = 2**20
LONG, BOUNDED = 20_000, 8 * MIB
"""Rows of a long file, and the memory in which it is read: 6 MiB from 15,000 rows on. A row that is kept takes over 150
bytes, and so 20,000 of them do not fit."""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path, NOW + YEAR)


def words(form: str, file: Path | str) -> list[str]:
    return ["import", form, str(file), *(["--zone", "UTC"] if form == "fitbit" else [])]


@contextmanager
def at_most(peak: int) -> Generator[None, None, None]:
    """The block may hold so many bytes of Python's at a time."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < peak
    finally:
        tracemalloc.stop()


# ------------------------------------------------------------------ what is no file


@pytest.mark.parametrize("form", IMPORTS)
def test_a_pipe_that_nobody_writes_is_not_waited_for(machine: Machine, form: str) -> None:
    pipe = machine.home / "pipe"
    os.mkfifo(pipe)
    line = machine.refused(*words(form, pipe), code=1)
    assert line == f"{pipe} is a pipe, not a file: give `-` and let standard input come from it"


@pytest.mark.parametrize("form", IMPORTS)
@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/dev/zero", "is a special file, not a file: give `-` and let standard input come from it"),
        ("/no/such/file", "cannot be read: No such file or directory"),
    ],
)
def test_a_device_and_nothing_are_one_line(machine: Machine, form: str, path: str, why: str) -> None:
    assert machine.refused(*words(form, path), code=1) == f"{path} {why}"
    assert machine.files() == []


@pytest.mark.parametrize("form", [form for form in IMPORTS if form != "fitbit"])
def test_a_folder_is_one_line_where_a_kind_is_one_file(machine: Machine, form: str) -> None:
    assert machine.refused(*words(form, "/"), code=1) == "/ cannot be read: Is a directory"
    assert machine.files() == []


# ------------------------------------------------------------------ Parquet


def parquet_of(machine: Machine, columns: dict[str, Any], **options: Any) -> Path:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    kinds = {"timestamp": arrow.timestamp("s", tz="UTC")}
    file = machine.home / "rows.parquet"
    table = {name: cells.cast(kinds[name]) if name in kinds else cells for name, cells in columns.items()}
    parquet.write_table(arrow.table(table), file, **options)
    return file


def repeated(value: int | str, count: int) -> Any:
    arrow = pytest.importorskip("pyarrow")
    return arrow.repeat(arrow.scalar(value), count)


AT = int(MONDAY.timestamp())


@pytest.mark.parametrize(
    ("count", "why"),
    [
        (3_000_000, "it says that it holds 3,000,000 rows, too many for a file of "),
        (900_000, "most of the first 100,000 rows repeat others: minutes come once"),
    ],
)
def test_equal_rows_take_no_space_and_are_refused(machine: Machine, count: int, why: str) -> None:
    file = parquet_of(
        machine, {"timestamp": repeated(AT, count), "steps": repeated(0, count), "band": repeated("b", count)}
    )
    assert file.stat().st_size < 100_000
    assert why in machine.refused("import", "parquet", str(file), code=1)


@pytest.mark.parametrize(
    ("length", "rows", "why"),
    [(5_000, 1000, "a text in the column 'band'"), (3_000_000, 1, "row group 1 unpacks to 3,0")],
)
def test_a_long_name_is_not_copied_for_every_row(machine: Machine, length: int, rows: int, why: str) -> None:
    arrow = pytest.importorskip("pyarrow")
    times = arrow.array(range(AT, AT + 60 * rows, 60))
    names = repeated("x" * length, rows)
    file = parquet_of(machine, {"timestamp": times, "steps": repeated(0, rows), "band": names}, compression="zstd")
    with at_most(20 * MIB):
        line = machine.refused("import", "parquet", str(file), code=1)
    assert why in line


def test_the_columns_of_a_parquet_file_are_looked_at_before_its_rows(machine: Machine) -> None:
    arrow = pytest.importorskip("pyarrow")
    good = {"timestamp": arrow.array([AT]), "steps": arrow.array([1]), "band": arrow.array(["b"])}
    for extra, why in (
        ({"mood": arrow.array([1])}, "unknown column 'mood'"),
        ({"kind": arrow.array([[[1]]])}, "the column 'kind' holds list<"),
        ({"state": arrow.array([b"asleep"])}, "the column 'state' holds binary"),
        ({"band": None}, "the column 'band' is missing"),
    ):
        columns = {name: cells for name, cells in {**good, **extra}.items() if cells is not None}
        assert why in machine.refused("import", "parquet", str(parquet_of(machine, columns)), code=1)


def test_a_parquet_file_of_honest_minutes_is_taken_however_well_it_is_packed(machine: Machine) -> None:
    """All still, in one group, the times as differences: 200 rows a byte."""
    arrow = pytest.importorskip("pyarrow")
    count = 60_000
    times = arrow.array(range(AT, AT + 60 * count, 60))
    file = parquet_of(
        machine,
        {"timestamp": times, "steps": repeated(0, count), "band": repeated("b", count)},
        row_group_size=count, use_dictionary=["steps", "band"], column_encoding={"timestamp": "DELTA_BINARY_PACKED"},
        compression="zstd",
    )  # fmt: skip
    assert file.stat().st_size < count / 10
    assert machine.told("import", "parquet", str(file)) == "60,000 lines read: 60,000 new.\n"


# ------------------------------------------------------------------ ZIP


def zipped(machine: Machine, name: str, size: int, kind: int = zipfile.ZIP_DEFLATED) -> Path:
    """A ZIP with a file that begins like a database and goes on with zeros."""
    path = machine.home / "export.zip"
    with zipfile.ZipFile(path, "w", kind) as archive, archive.open(name, "w") as member:
        member.write(b"SQLite format 3\0")
        for _ in range(size // MIB):
            member.write(bytes(MIB))
    return path


def test_a_zip_that_unpacks_to_a_thousand_times_its_size_is_refused(machine: Machine) -> None:
    file = zipped(machine, "database/Gadgetbridge", 80 * MIB)
    assert file.stat().st_size < 100_000
    line = machine.refused("import", "gadgetbridge", str(file), code=1)
    assert line.endswith(
        ": the database in this ZIP unpacks to over 67 MiB: no real one is packed so; nothing was imported"
    )


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_is_unpacked_in_one_piece_is_not_unpacked(machine: Machine, kind: int) -> None:
    file = zipped(machine, "database/Gadgetbridge", 20 * MIB, kind)
    with at_most(10 * MIB):
        line = machine.refused("import", "gadgetbridge", str(file), code=1)
    assert line == f"{file} holds no database: give what Gadgetbridge exported"


# ------------------------------------------------------------------ lines


class Endless:
    """A text that begins in some way and never ends. It counts what was asked of it."""

    def __init__(self, start: str, then: str) -> None:
        self._start, self._then, self.given = start, then, 0

    def read(self, size: int, /) -> str:
        part = (self._start or self._then * size)[:size]
        self._start = self._start[len(part) :]
        self.given += len(part)
        return part


@pytest.mark.parametrize("start", ["", '{"version": 1, "bands": ["', '{"version": 1, "bands": [[', '{"version": 1'])
@pytest.mark.parametrize("then", ["x", "1", "[", '{"a":', "\\u0041"])
def test_a_json_line_without_end_is_not_read_to_its_end(start: str, then: str) -> None:
    file = Endless(start, then)
    with at_most(8 * MIB), pytest.raises(InputError):
        read_json(file, NOW)
    assert file.given < 2 * MIB


class Written:
    """A file that is made while it is read."""

    def __init__(self, parts: Iterator[str]) -> None:
        self._parts, self._rest = parts, ""

    def read(self, size: int, /) -> str:
        while len(self._rest) < size and (part := next(self._parts, "")):
            self._rest += part
        found, self._rest = self._rest[:size], self._rest[size:]
        return found


def archive(counters: int, epochs: int) -> Iterator[str]:
    yield (
        '{"version": 1, "bands": [{"name": "b", "driver": "sig", "address": null, "advertised_name": "", "simulated":'
        ' false, "vouches": false, "reports_wear": false, "added": "2026-03-02T00:00:00+00:00"}], "zones": [],'
        ' "counters": ['
    )
    for number in range(counters):
        yield f'{", " if number else ""}{{"band": "b", "at": {AT + number}, "steps": 7}}'
    tables = ("wears", "charges", "inactivities", "infos", "prompts", "pauses", "exercises", "trials", "draws")
    yield "]" + "".join(f', "{table}": []' for table in tables) + ', "epochs": ['
    for number in range(epochs):
        at = (MONDAY + number * MINUTE).isoformat()
        yield f'{"," if number else ""}\n{{"timestamp": "{at}", "steps": 3, "length": 60, "band": "b"}}'
    yield "\n]}\n"


@pytest.mark.ring
def test_a_long_archive_is_read_in_bounded_memory_wherever_it_is_long() -> None:
    with at_most(BOUNDED), read_json(Written(archive(LONG, LONG)), NOW + YEAR) as read:
        assert read.rows.count() == LONG
        assert sum(1 for _ in read.rows.rows("counters")) == LONG


class Lines(io.RawIOBase):
    """The bytes of a CSV file of that many minutes, made while they are read. No intensity is there twice."""

    def __init__(self, minutes: int) -> None:
        self._lines = (f"{(MONDAY + at * MINUTE).isoformat()},{at % 200},{at}\n".encode() for at in range(minutes))
        self._rest = b"timestamp,steps,intensity\n"

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while len(self._rest) < len(buffer) and (line := next(self._lines, b"")):
            self._rest += line
        part, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)


def test_a_long_csv_file_is_read_in_bounded_memory() -> None:
    with at_most(BOUNDED), read_csv(io.BufferedReader(Lines(LONG)), band="b", zone=None, now=NOW + YEAR) as table:
        assert table.lines() == LONG
        assert sum(1 for _ in table.epochs.epochs("b")) == LONG


def test_a_file_may_name_a_thousand_bands_and_no_more(machine: Machine) -> None:
    file = machine.home / "rows.csv"
    file.write_text("timestamp,steps,band\n" + "".join(f"2026-03-02T00:00Z,1,b{at}\n" for at in range(1001)))
    assert "more than 1,000 bands are named" in machine.refused("import", "csv", str(file), code=1)

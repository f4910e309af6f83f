"""Reads texts by a form as the import does, whole ones and those that a disk, a spreadsheet or a stranger damaged."""

from __future__ import annotations

import gc
import io
import itertools
import random
import re
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hipsync.errors import InputError
from hipsync.formats.past.reading import HEAD_BYTES, Form, Head, Reading
from hipsync.formats.past.said import Said

NOW = datetime(2026, 12, 1, tzinfo=UTC)
LONDON = ZoneInfo("Europe/London")


def head_of(data: str | bytes, name: str = "export.csv") -> Head:
    return Head(name, _raw(data)[:HEAD_BYTES])


def reading_in(zone: str | None, now: datetime = NOW) -> Reading:
    return Reading(ZoneInfo(zone) if zone else None, now)


def said_by(form: Form, data: str | bytes, name: str, reading: Reading) -> list[Said]:
    """All that a file says."""
    return list(form.read(io.BytesIO(_raw(data)), head_of(data, name), reading))


def read(
    form: Form,
    data: str | bytes,
    name: str = "export.csv",
    *,
    zone: ZoneInfo | None = None,
    reading: Reading | None = None,
) -> list[tuple[object, ...]]:
    """What a file says, each thing with its sort in front."""
    said = said_by(form, data, name, reading or Reading(zone, NOW))
    return [(type(each).__name__, *each) for each in said]


def refusal(form: Form, data: str | bytes, name: str = "export.csv", zone: str | None = LONDON.key) -> str:
    """Why a file is refused; fails if it is not."""
    with pytest.raises(InputError) as caught:
        said_by(form, data, name, reading_in(zone))
    return str(caught.value)


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> int:
    """An instant of UTC, in seconds since 1970."""
    return int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp())


def _raw(data: str | bytes) -> bytes:
    return data.encode() if isinstance(data, str) else data


# ------------------------------------------------------------------ damage

JUNK = (
    "nan", "inf", "-1", "1e400", "9" * 5000, "null", "", "\0", '"', '""', "2026-13-45 25:61:00+0000", "\u0663",
    "x" * 150_000, "{", "[]", "[" * 5000, '{"steps":true}', '{"a":[[[]]]}', "true", "\x1b[31m", "0001-01-01",
    "9999-12-31", "99999999999999", "-0", "0.5",
)  # fmt: skip
"""Cells and values that belong nowhere."""


def damages(data: str | bytes, seed: int, how_many: int) -> Iterator[bytes]:
    """So many damaged copies of a file, the same ones for the same seed."""
    chance = random.Random(seed)
    for _ in range(how_many):
        damaged = _raw(data)
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            damaged = chance.choice(DAMAGES)(damaged, chance)
        yield damaged


def read_damaged(form: Form, data: bytes, name: str = "export.csv") -> str:
    """Why a damaged file is refused, "" if it is read; anything but one short line for a person fails."""
    form.fits(head_of(data, name))
    try:
        read(form, data, name, zone=LONDON)
    except InputError as error:
        said = str(error)
        assert 0 < len(said) <= 300, said
        assert len(said.splitlines()) == 1, said
        return said
    return ""


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _doubled_rows(data: bytes, chance: random.Random) -> bytes:
    lines = data.splitlines(keepends=True) or [b""]
    place = chance.randrange(len(lines))
    return b"".join([*lines[:place], *lines[place : place + 3] * 2, *lines[place + 3 :]])


def _lost_line(data: bytes, chance: random.Random) -> bytes:
    lines = data.splitlines(keepends=True) or [b""]
    del lines[chance.randrange(min(3, len(lines)))]
    return b"".join(lines)


def _shuffled_cells(data: bytes, chance: random.Random) -> bytes:
    """One of the first two lines with its cells in another order."""
    lines = data.split(b"\n")
    at = chance.randrange(min(2, len(lines)))
    cells = lines[at].split(b",")
    chance.shuffle(cells)
    lines[at] = b",".join(cells)
    return b"\n".join(lines)


def _swapped_columns(data: bytes, chance: random.Random) -> bytes:
    """All lines with their columns in another order."""
    rows = [line.split(b",") for line in data.splitlines()] or [[b""]]
    order = chance.sample(range(len(rows[0])), len(rows[0]))
    return b"\n".join(b",".join(row[at] for at in order if at < len(row)) for row in rows)


def _lost_cell(data: bytes, chance: random.Random) -> bytes:
    cells = data.split(b",")
    del cells[chance.randrange(len(cells))]
    return b",".join(cells)


def _other_cell(data: bytes, chance: random.Random) -> bytes:
    """Junk in place of a cell, or of a value or a key of JSON."""
    parts = re.split(rb"([,:\n])", data)
    parts[chance.randrange(0, len(parts), 2)] = chance.choice(JUNK).encode()
    return b"".join(parts)


def _other_encoding(data: bytes, chance: random.Random) -> bytes:
    encoding = chance.choice(("utf-16", "utf-32-le", "cp037", "latin-1", "utf-8-sig"))
    return (data.decode("utf-8", "replace") + "\u00e4").encode(encoding, "replace")


def _other_bytes(data: bytes, chance: random.Random) -> bytes:
    made = bytearray(data or b"\n")
    for _ in range(chance.randrange(1, 6)):
        made[chance.randrange(len(made))] = chance.randrange(256)
    return bytes(made)


def _flipped_bits(data: bytes, chance: random.Random) -> bytes:
    flipped = bytearray(data or b"\n")
    for _ in range(5):
        flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
    return bytes(flipped)


DAMAGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _cut, _doubled_rows, _lost_line, _shuffled_cells, _swapped_columns, _lost_cell, _other_cell, _other_cell,
    _other_encoding, _other_bytes, _flipped_bits,
)  # fmt: skip


# ------------------------------------------------------------------ memory, and readers that nobody finished


class _Made(io.RawIOBase):
    """The bytes of a text that is made while it is read."""

    def __init__(self, parts: Iterator[str]) -> None:
        self._parts, self._rest = parts, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while len(self._rest) < len(buffer) and (text := next(self._parts, "")):
            self._rest += text.encode()
        part, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)


def counted_in_bounded_memory(form: Form, first: str, rows: Iterator[str], name: str) -> int:
    """How much a long file says, of which no more than 2 MiB are held at a time."""
    tracemalloc.start()
    try:
        file = io.BufferedReader(_Made(itertools.chain([first], rows)))
        count = sum(1 for _ in form.read(file, head_of(first, name), reading_in("UTC")))
        assert tracemalloc.get_traced_memory()[1] < 2 * 2**20
    finally:
        tracemalloc.stop()
    return count


def refused_of(form: Form, files: Iterable[tuple[str, str]], of_each: int) -> int:
    """How many damaged copies of some files are refused; the others are read. `files` are names and texts."""
    return sum(
        read_damaged(form, damaged, name) != ""
        for seed, (name, text) in enumerate(files)
        for damaged in damages(text, seed, of_each)
    )


def a_reader_let_go_of_after_its_file(form: Form, text: str, name: str) -> None:
    """Read the first thing that a file says, close the file, and let go of its reader. No error may come."""
    file = io.BytesIO(text.encode())
    reader = iter(form.read(file, head_of(text, name), reading_in("UTC")))
    next(reader)
    file.close()
    del reader
    gc.collect()

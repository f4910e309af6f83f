"""Reads texts by a form, as they are and damaged at random."""

from __future__ import annotations

import gc
import io
import itertools
import random
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hipsync.errors import InputError
from hipsync.formats.past.reading import HEAD_BYTES, Form, Head, Reading
from hipsync.formats.past.said import Said

NOW = datetime(2026, 12, 1, tzinfo=UTC)


def head_of(data: str | bytes, name: str) -> Head:
    data = data.encode() if isinstance(data, str) else data
    return Head(name, data[:HEAD_BYTES])


def reading_in(zone: str | None, now: datetime = NOW) -> Reading:
    return Reading(ZoneInfo(zone) if zone else None, now)


def said_by(form: Form, data: str | bytes, name: str, reading: Reading) -> list[Said]:
    """All that a file says."""
    raw = data.encode() if isinstance(data, str) else data
    return list(form.read(io.BytesIO(raw), head_of(raw, name), reading))


def refusal(form: Form, data: str | bytes, name: str, zone: str | None = "UTC") -> str:
    with pytest.raises(InputError) as caught:
        said_by(form, data, name, reading_in(zone))
    return str(caught.value)


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> int:
    """An instant of UTC, in seconds since 1970."""
    return int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp())


def _cut(random: random.Random, data: bytes) -> bytes:
    return data[: random.randrange(len(data))]


def _doubled(random: random.Random, data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    place = random.randrange(len(lines))
    return b"".join([*lines[:place], *lines[place : place + 3] * 2, *lines[place + 3 :]])


def _swapped_columns(random: random.Random, data: bytes) -> bytes:
    rows = [line.split(b",") for line in data.splitlines()]
    order = random.sample(range(len(rows[0])), len(rows[0]))
    return b"\n".join(b",".join(row[at] for at in order if at < len(row)) for row in rows)


def _other_encoding(random: random.Random, data: bytes) -> bytes:
    return data.decode().encode(random.choice(("utf-16", "utf-32", "cp037")))


def _other_bytes(random: random.Random, data: bytes) -> bytes:
    made = bytearray(data)
    for _ in range(random.randrange(1, 6)):
        made[random.randrange(len(made))] = random.randrange(256)
    return bytes(made)


def _other_types(random: random.Random, data: bytes) -> bytes:
    odd = (b"nan", b"1e999", b"-1", b"9" * 5000, b"null", b"[]", b'{"a":[[[]]]}', b'""', b"true", b"[" * 5000, b"0.5")
    lines = data.splitlines(keepends=True)
    place = random.randrange(len(lines))
    cells = lines[place].replace(b":", b",").split(b",")
    lines[place] = lines[place].replace(random.choice(cells), random.choice(odd), 1)
    return b"".join(lines)


DAMAGES: Sequence[Callable[[random.Random, bytes], bytes]] = (
    _cut, _doubled, _swapped_columns, _other_encoding, _other_bytes, _other_types
)  # fmt: skip


def damaged(text: str, count: int) -> Iterator[bytes]:
    """So many damaged copies of a text, always the same ones."""
    made = random.Random(17)
    for _ in range(count):
        yield made.choice(DAMAGES)(made, text.encode())


def read_or_refused(form: Form, data: bytes, name: str) -> bool:
    """Whether a file was refused, in one line of at most 300 characters. No other error may come."""
    reading = reading_in("Europe/London")
    form.fits(head_of(data, name))
    try:
        said_by(form, data, name, reading)
    except InputError as error:
        message = str(error)
        assert "\n" not in message
        assert 0 < len(message) <= 300
        return True
    return False


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


def a_reader_let_go_of_after_its_file(form: Form, text: str, name: str) -> None:
    """Read the first thing that a file says, close the file, and let go of its reader. No error may come."""
    file = io.BytesIO(text.encode())
    reader = iter(form.read(file, head_of(text, name), reading_in("UTC")))
    next(reader)
    file.close()
    del reader
    gc.collect()

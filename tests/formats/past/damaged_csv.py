"""Files of other programs, damaged at random: what a disk, a spreadsheet or a stranger makes of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

JUNK = (
    "nan", "inf", "-1", "1e400", "9" * 5000, "null", "", "\0", '"', "2026-13-45 25:61:00+0000", "\u0663", "x" * 150_000,
    "{", "[" * 3000, '{"steps":true}', "\x1b[31m", "0001-01-01", "9999-12-31", "99999999999999", "-0", "1.5",
)  # fmt: skip
"""Cells that belong in no column."""


def damages(data: bytes, seed: int, how_many: int) -> Iterator[bytes]:
    """So many damaged copies of a file, the same ones for the same seed."""
    chance = random.Random(seed)
    for _ in range(how_many):
        damaged = data
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            damaged = chance.choice(DAMAGES)(damaged, chance)
        yield damaged


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _doubled_row(data: bytes, chance: random.Random) -> bytes:
    lines = data.splitlines(keepends=True) or [b""]
    return b"".join([*lines, chance.choice(lines)])


def _shuffled_columns(data: bytes, chance: random.Random) -> bytes:
    lines = data.split(b"\n")
    at = chance.randrange(min(2, len(lines)))
    cells = lines[at].split(b",")
    chance.shuffle(cells)
    lines[at] = b",".join(cells)
    return b"\n".join(lines)


def _other_encoding(data: bytes, chance: random.Random) -> bytes:
    encoding = chance.choice(("utf-16", "utf-32-le", "latin-1", "utf-8-sig"))
    return (data.decode("utf-8", "replace") + "\u00e4").encode(encoding, "replace")


def _swapped_cell(data: bytes, chance: random.Random) -> bytes:
    cells = data.split(b",")
    cells[chance.randrange(len(cells))] = chance.choice(JUNK).encode()
    return b",".join(cells)


def _lost_cell(data: bytes, chance: random.Random) -> bytes:
    cells = data.split(b",")
    del cells[chance.randrange(len(cells))]
    return b",".join(cells)


def _flipped_bits(data: bytes, chance: random.Random) -> bytes:
    flipped = bytearray(data or b"\n")
    for _ in range(5):
        flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
    return bytes(flipped)


def _lost_line(data: bytes, chance: random.Random) -> bytes:
    lines = data.splitlines(keepends=True) or [b""]
    del lines[chance.randrange(min(3, len(lines)))]
    return b"".join(lines)


DAMAGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _cut, _doubled_row, _shuffled_columns, _other_encoding, _swapped_cell, _swapped_cell, _lost_cell, _flipped_bits,
    _lost_line,
)  # fmt: skip

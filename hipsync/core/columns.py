"""Columns of bytes, one byte for each minute, that are worked on as a whole.

A day has 1,440 minutes, and a look at each costs Python a hundred times what it costs `bytes.translate`, `bytes.count`
or one operation on one large number. So what every minute is asked is asked of its column, and only the few minutes
that need more are looked at one by one. What judging has in common of that stands here. It knows nothing of bands or
of sitting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

Column = bytes | bytearray
"""A byte for each minute; which values it may have, its owner says."""


def table(value_of: Callable[[int], int]) -> bytes:
    """A table for `bytes.translate`: what becomes of each of the 256 values of a byte."""
    return bytes(value_of(value) for value in range(256))


def either(*columns: Column) -> bytes:
    """The bits that at least one of these columns has, minute by minute. All are equally long."""
    bits = 0
    for column in columns:
        bits |= int.from_bytes(column, "little")
    return bits.to_bytes(len(columns[0]), "little")


def both(one: Column, other: Column) -> bytes:
    """The bits that two equally long columns have in common, minute by minute."""
    bits = int.from_bytes(one, "little") & int.from_bytes(other, "little")
    return bits.to_bytes(len(one), "little")


def runs(column: Column, at_least: int = 1) -> Iterator[tuple[int, int]]:
    """The maximal runs `[start, end)` of ones in a column of zeros and ones that are at least so long, in order."""
    start = column.find(1)
    while start >= 0:
        end = column.find(0, start)
        end = end if end >= 0 else len(column)
        if end - start >= at_least:
            yield start, end
        start = column.find(1, end)


def fill(column: bytearray, start: int, end: int, value: int = 1) -> None:
    """Set the places `[start, end)` of a column to a value; those outside of it are left out."""
    start, end = max(start, 0), min(end, len(column))
    if start < end:
        column[start:end] = bytes([value]) * (end - start)

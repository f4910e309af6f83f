"""A day as a ribbon of cells, each drawn in one shade: the same cells on a terminal and on the page.

A cell is mostly drawn in the shade of most of its minutes. But a break is often shorter than a cell, and a person looks
for it. So breaks, then what goes past the limit, then times without the band, are given a cell where they have none::

    minutes   ssssssssssssssssuuusssssssssssssssssssss       s sitting, u up
    cells     s    s    s    s    s    s    s    s           by majority: the break is lost
    ribbon    s    s    s    u    s    s    s    s           as drawn
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

from hipsync.core.summary import DaySummary, Piece
from hipsync.model import MINUTE


class Shade(IntEnum):
    """What a cell is drawn as. The first six are the kinds of minutes, each with its code in `KINDS`."""

    SITTING = 0
    UP = 1
    STANDING = 2
    ASLEEP = 3
    NOT_WORN = 4
    NO_DATA = 5
    PAST = 6
    """Sitting in a spell after its limit was full."""


ON_FEET = frozenset({Shade.UP, Shade.STANDING})
_TIES = (
    Shade.PAST, Shade.UP, Shade.STANDING, Shade.NOT_WORN, Shade.SITTING, Shade.NO_DATA, Shade.ASLEEP,
)  # fmt: skip
"""Of two shades with equally many minutes in a cell, the one that is drawn stands first here."""

Cells = Sequence[Sequence[int]]
"""For each cell, which minutes of the day lie in it, counted from the day's start."""


class Wanted(NamedTuple):
    """Something that the ribbon is to show, however short it is."""

    shade: Shade
    """The shade that a cell is given for it."""
    shown_by: frozenset[Shade]
    minutes: range
    """The minutes that it takes, counted from the day's start."""
    around: range
    """The minutes in which it may be drawn where others need its own cells."""


def shades(day: DaySummary) -> bytes:
    """The shade of each minute of a day, as its code."""
    codes = bytearray(day.kinds)
    for past in _parts_past_the_limit(day):
        for at in past.minutes:
            if codes[at] == Shade.SITTING:
                codes[at] = Shade.PAST
    return bytes(codes)


def most(codes: bytes) -> Shade:
    """The shade of most of these minutes, of which there is at least one."""
    return max(_TIES, key=codes.count)


def plain_ribbon(day: DaySummary, cells: Cells) -> list[Shade | None]:
    """The shade of each cell by the majority of its minutes; None for a cell without minutes."""
    codes = shades(day)
    filled = (bytes(codes[at] for at in cell) for cell in cells)
    return [most(each) if each else None for each in filled]


def ribbon(day: DaySummary, cells: Cells) -> list[Shade | None]:
    """The same, but so that each break, each part of a spell past the limit and each time without the band has a cell.

    If two need the same cell, the break has it before the spell, and the spell before the band that is not worn. Breaks
    share a cell. So the rest of a spell that began on the day before may have none, if it lies in the first cell alone.
    """
    drawn = plain_ribbon(day, cells)
    place = {at: number for number, cell in enumerate(cells) for at in cell}
    shown: list[tuple[Wanted, Sequence[int]]] = []
    for each in wanted(day):
        own = _places(each.minutes, place)
        candidates = [*sorted(own, key=lambda number: -own[number]), *_nearest(each, own, place)]
        if not any(drawn[number] in each.shown_by for number in candidates):
            free = (number for number in candidates if _is_free(number, each.shade, drawn, shown))
            if (number := next(free, None)) is not None:
                drawn[number] = each.shade
        shown.append((each, candidates))
    return drawn


def wanted(day: DaySummary) -> Iterator[Wanted]:
    """What the ribbon of a day is to show: breaks, then all parts past the limit, then all times without the band."""
    yield from _breaks(day)
    yield from _parts_past_the_limit(day)
    yield from (
        Wanted(Shade.NOT_WORN, frozenset({Shade.NOT_WORN}), run, run) for run in _runs(day.kinds, Shade.NOT_WORN)
    )


def _breaks(day: DaySummary) -> Iterator[Wanted]:
    for each in day.each_break:
        minutes = range(_minute(day, each.start), min(_minute(day, each.end), len(day.kinds)))
        yield Wanted(Shade.UP, ON_FEET, minutes, minutes)


def _parts_past_the_limit(day: DaySummary) -> Iterator[Wanted]:
    """The minutes of each spell after its limit was full; of one that is just as long as the limit, its last minute."""
    for piece in day.stretches:
        start, end = _minute(day, piece.start), _minute(day, piece.end)
        if piece.doubtful or (piece.whole or piece).minutes < day.limit_minutes or start >= end:
            continue
        past = _minute(day, full) if (full := _full_at(piece)) is not None else _counted_to(day, piece, start, end)
        if past > end or (past == end and piece.ended_by is None):
            continue  # the limit is full on the next day, or only just now
        first = min(max(past, start), end - 1)
        yield Wanted(Shade.PAST, frozenset({Shade.PAST}), range(first, end), range(start, end))


def _full_at(piece: Piece) -> datetime | None:
    return piece.whole.due if piece.whole is not None else piece.due


def _counted_to(day: DaySummary, piece: Piece, start: int, end: int) -> int:
    """The minute after the one with which the limit was full, by what is known of the minutes of this piece."""
    begun_before = piece.whole is not None and piece.whole.start < day.start
    left = day.limit_minutes - (piece.whole.minutes - piece.minutes if piece.whole and begun_before else 0)
    for at in range(start, end):
        if left <= 0:
            return at
        left -= day.kinds[at] != Shade.NO_DATA
    return end if left <= 0 else end + 1


def _runs(codes: bytes, code: int) -> Iterator[range]:
    at = codes.find(code)
    while at >= 0:
        end = at
        while end < len(codes) and codes[end] == code:
            end += 1
        yield range(at, end)
        at = codes.find(code, end)


def _minute(day: DaySummary, at: datetime) -> int:
    return (at - day.start) // MINUTE


def _places(minutes: range, place: dict[int, int]) -> dict[int, int]:
    """The cells that some minutes touch, each with how many of them lie in it."""
    found: dict[int, int] = {}
    for at in minutes:
        if (number := place.get(at)) is not None:
            found[number] = found.get(number, 0) + 1
    return found


def _nearest(each: Wanted, own: dict[int, int], place: dict[int, int]) -> list[int]:
    """The other cells in which it may be drawn, the nearest first."""
    others = _places(each.around, place).keys() - own.keys()
    return sorted(others, key=lambda number: min((abs(number - mine) for mine in own), default=0))


def _is_free(
    number: int, shade: Shade, drawn: Sequence[Shade | None], shown: Sequence[tuple[Wanted, Sequence[int]]]
) -> bool:
    """Whether everything that is shown so far stays shown if this cell is drawn in this shade."""
    return all(
        shade in each.shown_by
        or number not in candidates
        or not any(drawn[other] in each.shown_by for other in candidates)
        or any(drawn[other] in each.shown_by for other in candidates if other != number)
        for each, candidates in shown
    )

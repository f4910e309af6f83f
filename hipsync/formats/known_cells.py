"""Cells that were right once, so that each distinct cell of a long file is checked once.

A year has half a million rows, and a few hundred distinct numbers of steps, heart rates and so on. Whoever reads or
writes it checks a row of which it does not know each cell, and has this remember what the cells meant. The one rule:
only rows that passed every check are remembered. So a wrong cell is never known, and one check finds it in any file.

It does not know what the cells mean, only what they depend on: how many steps are possible depends on the length. The
start of a row, which differs in every row, is none of its cells.
"""

from __future__ import annotations

from typing import Generic, TypeVar

MOST = 1000
"""How many rows are remembered, so that a file without two cells alike does not fill the memory. A year of minutes
needs some 300."""
LONGEST = 500
"""The most characters of a row that is remembered: a quoted cell of a CSV may go on for many lines."""
T = TypeVar("T")
Cells = tuple[object, ...]
"""Steps, length, intensity and heart rate as a file has them, and whatever else it says in a row. Within a column they
are of one type, as 1 and True are the same key."""


class KnownCells(Generic[T]):
    """What each known cell meant."""

    def __init__(self) -> None:
        self._rows = 0
        self._lengths: dict[object, tuple[T, dict[object, T]]] = {}
        """By length: what it meant, and what the steps meant that came with it."""
        self._intensities: dict[object, T] = {}
        self._heart_rates: dict[object, T] = {}
        self._others: dict[Cells, tuple[T, ...]] = {}

    def values(self, cells: Cells) -> tuple[T, ...] | None:
        """What the cells of a row mean, in their order; None if one of them is not known."""
        try:
            length, steps = self._lengths[cells[1]]
            numbers = steps[cells[0]], length, self._intensities[cells[2]], self._heart_rates[cells[3]]
            return numbers + self._others[cells[4:]]
        except KeyError:
            return None

    def learn(self, cells: Cells, values: tuple[T, ...]) -> None:
        """Remember what the cells of a row mean that was checked."""
        if self._rows >= MOST or sum(len(cell) for cell in cells if isinstance(cell, str)) > LONGEST:
            return
        self._rows += 1
        steps, length, self._intensities[cells[2]], self._heart_rates[cells[3]], *others = values
        self._lengths.setdefault(cells[1], (length, {}))[1][cells[0]] = steps
        self._others[cells[4:]] = tuple(others)

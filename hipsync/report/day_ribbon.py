"""The ribbon of a day as every surface draws it: its cells by the clock, in rows, with the reminders below them.

The terminal and the page both take it from here, so that both show the same. Rows in which there is nothing but sleep
or no data are not drawn: words stand for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from hipsync.core.ribbon import Cells, Shade, ribbon
from hipsync.core.summary import DaySummary, PromptOutcome
from hipsync.model import MINUTE
from hipsync.report.by_clock import places, row_begins
from hipsync.report.day_words import folded, got_up

CELL_MINUTES = 5
CELLS_PER_HOUR = 60 // CELL_MINUTES
QUIET = frozenset({Shade.ASLEEP, Shade.NO_DATA, None})


class Row(NamedTuple):
    """Consecutive cells `[first, last)` of a ribbon on one line, or what is said in their place."""

    first: int
    last: int
    words: str
    """What a row that is not drawn holds; empty for one that is drawn."""


class DayRibbon(NamedTuple):
    """A day in cells of five minutes of the clock, up to now."""

    begins: timedelta
    """The local time at which the first cell begins, since 0:00."""
    cells: Cells
    drawn: Sequence[Shade | None]
    """The shade of each cell; None for one that the clocks skip."""
    reminders: Mapping[int, PromptOutcome]
    """The reminder shown in each cell that has one; of several the one that got the wearer up."""
    rows: Sequence[Row]


def day_ribbon(day: DaySummary, hours: int) -> DayRibbon:
    """The ribbon of a day, in rows of so many hours."""
    begins = row_begins([day])
    cells = places(day, begins, CELL_MINUTES)
    drawn = ribbon(day, cells)
    reminders = _reminders(day, cells)
    return DayRibbon(begins, cells, drawn, reminders, list(_rows(day, cells, drawn, reminders, hours)))


def _reminders(day: DaySummary, cells: Cells) -> dict[int, PromptOutcome]:
    place = {at: number for number, cell in enumerate(cells) for at in cell}
    found = {place.get((each.prompt.at - day.start) // MINUTE): each for each in sorted(day.prompts, key=got_up)}
    return {number: outcome for number, outcome in found.items() if number is not None}


def _rows(
    day: DaySummary, cells: Cells, drawn: Sequence[Shade | None], reminders: Mapping[int, PromptOutcome], hours: int
) -> Sequence[Row]:
    """The rows in order; those that are not drawn and follow each other are one."""
    rows: list[Row] = []
    per_row = hours * CELLS_PER_HOUR
    quiet_from: int | None = None
    for first in range(0, len(cells), per_row):
        last = min(first + per_row, len(cells))
        if {*drawn[first:last]} <= QUIET and not any(number in reminders for number in range(first, last)):
            quiet_from = first if quiet_from is None else quiet_from
            continue
        rows += [*_folded(day, cells, quiet_from, first), Row(first, last, "")]
        quiet_from = None
    return [*rows, *_folded(day, cells, quiet_from, len(cells))]


def _folded(day: DaySummary, cells: Cells, first: int | None, last: int) -> Sequence[Row]:
    if first is None:
        return []
    minutes = [at for cell in cells[first:last] for at in cell]
    return [Row(first, last, folded(day, minutes[0], minutes[-1] + 1))] if minutes else []

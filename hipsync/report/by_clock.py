"""Places the minutes of days by the clock on the wall, so that noon stands under noon whenever the clocks change.

A row of a week or a month begins at the time of day at which its days begin. An hour that the clocks skip is empty; one
that comes twice is one hour of the row, whose halves are its two passes:

    clocks go forward at 2    00 01 __ 03 04 ...        clocks go back at 3    00 01 22 03 04 ...

It judges nothing and draws nothing. After a change of zone within a day, the row goes on by the clock it began with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hipsync.core.summary import DaySummary
from hipsync.model import MINUTE

DAY_MINUTES = 24 * 60


class Run(NamedTuple):
    """Consecutive minutes `[first, last)` since a day's start, drawn at `[at, at + width)` minutes of its row."""

    first: int
    last: int
    at: int
    width: int

    def place(self, first: int, last: int) -> tuple[float, float] | None:
        """Return where the minutes `[first, last)` that are in this run begin in the row, and how wide they are."""
        first, last = max(first, self.first), min(last, self.last)
        if first >= last:
            return None
        scale = self.width / (self.last - self.first)
        return self.at + (first - self.first) * scale, (last - first) * scale

    def minute(self, place: int) -> int:
        """Return the first minute that begins at this place of the row or after it, or the end of the run."""
        inside = min(max(place - self.at, 0), self.width)
        return self.first + -(-inside * (self.last - self.first) // self.width)


def row_begins(days: Sequence[DaySummary]) -> timedelta:
    """Return the local time at which the rows of these days begin, as the time since 0:00 of each day's date."""
    return min(map(_begins, days))


def _begins(day: DaySummary) -> timedelta:
    """Return when a day begins by the clock: 0:00 too for one at whose midnight the clocks go forward to 1:00."""
    zone, midnight = ZoneInfo(day.zone), datetime.combine(day.date, time.min)
    wall = day.start.astimezone(zone).replace(tzinfo=None)
    before = (day.start - MINUTE).astimezone(zone).replace(tzinfo=None) + MINUTE
    return before - midnight if before == midnight else wall - midnight


def runs(day: DaySummary, begins: timedelta) -> list[Run]:
    """Return where each minute of a whole day stands in a row that begins at this local time."""
    zone, length = ZoneInfo(day.zone), (day.end - day.start) // MINUTE
    wall = day.start.astimezone(zone).replace(tzinfo=None)
    at = (wall - datetime.combine(day.date, time.min) - begins) // MINUTE
    found: list[Run] = []
    done = 0
    for minute, by in _changes(day, zone):
        if by < 0:  # the last minutes come again: both passes share the place of one
            first, last = max(done, minute + by), min(minute - by, length)
            place = at + minute - done
            again = max(place + by, 0)
            if first > done:
                found.append(Run(done, first, at, first - done))
            found.append(Run(first, last, again, place - again))
            done, at = last, place
        else:
            found.append(Run(done, minute, at, minute - done))
            done, at = minute, at + minute - done + by
    found.append(Run(done, length, at, length - done))
    return [run for run in found if run.last > run.first and run.width > 0]


def _changes(day: DaySummary, zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    """Yield the changes of the clocks within a day: the first minute after each, and by how many they went forward."""

    def offset(minute: int) -> int:
        shift = (day.start + minute * MINUTE).astimezone(zone).utcoffset()
        return (shift or timedelta(0)) // MINUTE

    length = (day.end - day.start) // MINUTE
    for start in range(0, length, 60):
        low, high = start, min(start + 60, length - 1)
        if offset(low) != (after := offset(high)):
            by = after - offset(low)
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if offset(middle) == after else (middle, high)
            yield high, by


def row_minutes(days: Sequence[DaySummary], begins: timedelta) -> int:
    """Return how many minutes of the clock the longest row has: 24 hours, or more after a journey to the west."""
    return max(DAY_MINUTES, *(run.at + run.width for day in days for run in runs(day, begins)))


def cells(day: DaySummary, begins: timedelta, cell_minutes: int) -> list[bytes]:
    """Return the day's minutes as cells of this many minutes of the clock, up to the last that has begun.

    A cell holds the minutes in it, as in `DaySummary.kinds`. A cell without any was skipped by the clocks, or lies
    before the day's start.
    """
    return [bytes(day.kinds[at] for at in cell) for cell in places(day, begins, cell_minutes)]


def places(day: DaySummary, begins: timedelta, cell_minutes: int) -> list[list[int]]:
    """Return the same cells with the numbers of their minutes, counted from the day's start."""
    placed = [run for run in runs(day, begins) if run.first < len(day.kinds)]
    begun = range(len(day.kinds))
    found = [
        [at for run in placed for at in begun[run.minute(place) : run.minute(place + cell_minutes)]]
        for place in range(0, max((run.at + run.width for run in placed), default=0), cell_minutes)
    ]
    while found and not found[-1]:
        found.pop()
    return found


def clock(begins: timedelta, minutes: int) -> str:
    """Return the time of day that many minutes after a row's begin, such as 12:00."""
    at = (begins // MINUTE + minutes) % DAY_MINUTES
    return f"{at // 60:02d}:{at % 60:02d}"

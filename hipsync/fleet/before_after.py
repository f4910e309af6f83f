"""Each wearer's weeks after his treatment began beside his own weeks before it. Values in, values out.

Nobody is set beside another wearer. Weeks count if they have data (`hipsync.core.weeks` says which do), and a wearer
with fewer than `FEWEST_WEEKS` of them on either side is not compared, which is said. What a difference says is decided
by `hipsync.core.halves`, as for the weeks of one wearer at his desk. Why they differ follows from none of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from hipsync.core.halves import FEWEST_WEEKS, Halves, side_by_side
from hipsync.core.shares import Share
from hipsync.core.summary import LONG_MINUTES
from hipsync.fleet.answers import SideRow
from hipsync.text import counted


class BeforeAfter(NamedTuple):
    """A wearer before and after the day on which his treatment began."""

    wearer: str
    treated: date | None
    limit_minutes: int
    weeks_before: int
    """How many weeks before that day have data, and are compared; the same for those after it."""
    weeks_after: int
    sitting: Halves
    """Of the minutes awake with the band on, how many were sat through."""
    kept: Halves
    """Of the spells of half an hour and more, how many ended below the limit; of none if the limit is half an hour or
    less."""
    breaks_before: float | None
    """Breaks by the hour of sitting; None without any sitting."""
    breaks_after: float | None

    @property
    def why_not(self) -> str:
        """Why the two are not compared, as people read it; empty if they are."""
        if self.treated is None:
            return "no day of treatment is set"
        if min(self.weeks_before, self.weeks_after) < FEWEST_WEEKS:
            before = counted(self.weeks_before, "week")
            return f"{before} with data before, {self.weeks_after or 'no'} after: {FEWEST_WEEKS} of each are needed"
        return ""


def before_after(rows: Iterable[SideRow]) -> Iterator[BeforeAfter]:
    """One for each wearer of these rows, which are in order of the wearer and, of each, of the week."""
    for wearer, group in groupby(rows, key=attrgetter("wearer")):
        weeks = list(group)
        before, after = (
            [_Week.of(row) for row in weeks if row.side == side and row.has_data] for side in ("before", "after")
        )
        yield BeforeAfter(
            wearer,
            weeks[0].treated,
            weeks[0].limit_minutes,
            len(before),
            len(after),
            side_by_side([week.sitting for week in before], [week.sitting for week in after]),
            side_by_side([week.kept for week in before], [week.kept for week in after]),
            _breaks_an_hour(before),
            _breaks_an_hour(after),
        )


class _Week(NamedTuple):
    sitting: Share
    kept: Share
    breaks: int

    @classmethod
    def of(cls, row: SideRow) -> _Week:
        long = row.over_30 or 0
        kept = Share(long - (row.over_limit or 0), long) if row.limit_minutes > LONG_MINUTES else Share(0, 0)
        return cls(Share(row.sitting or 0, row.awake or 0), kept, row.breaks or 0)


def _breaks_an_hour(weeks: Sequence[_Week]) -> float | None:
    sitting = sum(week.sitting.hits for week in weeks)
    return round(sum(week.breaks for week in weeks) * 60 / sitting, 2) if sitting else None

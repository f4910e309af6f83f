"""When a still person is most likely in bed: the hours of the night, usual ones or the wearer's own.

Where nothing vouches for stillness, a night cannot be told from an evening on the sofa. What helps is the clock: when
stillness begins at night, it counts as doubtful sooner. The wearer's own hours follow from the minutes
with steps of the last 14 days (docs/rule.md, "Wear and doubtful stillness"). A day lasts from 4:00 to 4:00 here, so
that a late evening is not the next morning. This module knows steps and clocks, and no timeline. Minutes are whole
minutes of UTC, counted from 1970.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hipsync.core.days import Zones
from hipsync.model import DAY

DAY_BEGINS = timedelta(hours=4)
"""The local time, after midnight, at which a day begins for the hours of the night."""
OWN_DAYS, OWN_DAYS_ENOUGH = 14, 7
"""The wearer's own hours are those of this many days before, once there are steps on at least the second number."""
LOOK_MINUTES = 5
"""How many minutes `searched` looks at where it expects steps; twice as many where it was wrong, and so on."""

Edges = Callable[[int, int], tuple[int, int] | None]
"""The first and the last minute with steps of the minutes `[start, end)`; None if there are no steps in them, or if
they are not all known."""
Look = Callable[[int, int], Sequence[int]]
"""The steps of each minute of `[start, end)`."""


class NightHours(NamedTuple):
    """The hours of a night, in minutes after 4:00 local time.

    It is night from `begins` on until the day is over, and in the next day before `ends`.
    """

    begins: float
    ends: float


USUAL_NIGHT = NightHours(begins=18 * 60, ends=3 * 60)
"""From 22:00 to 7:00."""


class Nights:
    """Whether it is night in a minute, by the steps of the 14 days before it."""

    def __init__(self, edges: Edges, zones: Zones) -> None:
        self._edges, self._zones = edges, zones
        self._known: dict[tuple[date, str], tuple[int, int] | None] = {}

    def contain(self, minute: int) -> bool:
        """Whether a minute lies in the night."""
        zone = _zone(minute, self._zones)
        day, after = _clock(minute, zone)
        before = [self._edges_of(day - (back + 1) * DAY, zone) for back in range(OWN_DAYS)]
        known = [each for each in before if each is not None]
        hours = USUAL_NIGHT
        if len(known) >= OWN_DAYS_ENOUGH:
            hours = NightHours(_median([last for _, last in known]), _median([first for first, _ in known]))
        return after >= hours.begins or after < hours.ends

    def _edges_of(self, day: date, zone: ZoneInfo) -> tuple[int, int] | None:
        """The first and the last minute with steps of a day, in minutes after 4:00 in this zone; None as in `Edges`."""
        key = day, zone.key
        if key not in self._known:
            found = self._edges(_begins(day, zone), _begins(day + DAY, zone))
            self._known[key] = None if found is None else (_clock(found[0], zone)[1], _clock(found[1], zone)[1])
        return self._known[key]


def _median(values: Sequence[int]) -> float:
    """The median, without the module `statistics`, for whose import `hipsync today` would wait ten milliseconds."""
    ordered, middle = sorted(values), len(values) // 2
    return ordered[middle] if len(values) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def edges_of(steps: Sequence[int], first: int) -> Edges:
    """The edges by the steps of each minute from `first` on; None for a time that begins before."""

    def edges(start: int, end: int) -> tuple[int, int] | None:
        stepped = (
            [at for at in range(start, min(end, first + len(steps))) if steps[at - first]] if start >= first else []
        )
        return (stepped[0], stepped[-1]) if stepped else None

    return edges


def searched(bounds: Edges, look: Look) -> Edges:
    """The edges of times whose steps take long to learn, by a look at few minutes.

    `bounds` are a first and a last minute outside of which there are no steps. There may be none inside, either: what
    one source reports, a better one may deny.
    """

    def edges(start: int, end: int) -> tuple[int, int] | None:
        found = bounds(start, end)
        if found is None:
            return None
        first, last = _first_step(look, found[0], found[1] + 1), _last_step(look, found[0], found[1] + 1)
        return None if first is None or last is None else (first, last)

    return edges


def _first_step(look: Look, start: int, end: int) -> int | None:
    size = LOOK_MINUTES
    while start < end:
        steps = look(start, min(start + size, end))
        if any(steps):
            return start + next(at for at, each in enumerate(steps) if each)
        start, size = start + len(steps), size * 2
    return None


def _last_step(look: Look, start: int, end: int) -> int | None:
    size = LOOK_MINUTES
    while start < end:
        steps = look(max(end - size, start), end)
        if any(steps):
            return end - next(back for back, each in enumerate(reversed(steps), 1) if each)
        end, size = end - len(steps), size * 2
    return None


def _zone(minute: int, zones: Zones) -> ZoneInfo:
    return zones.at(datetime.fromtimestamp(minute * 60, UTC))


def _clock(minute: int, zone: ZoneInfo) -> tuple[date, int]:
    """The day from 4:00 in which a minute lies, and how many minutes after 4:00 the clock shows."""
    wall = datetime.fromtimestamp(minute * 60, zone).replace(tzinfo=None) - DAY_BEGINS
    return wall.date(), wall.hour * 60 + wall.minute


def _begins(day: date, zone: ZoneInfo) -> int:
    """The minute in which a day begins."""
    return int((datetime.combine(day, time(0)) + DAY_BEGINS).replace(tzinfo=zone).timestamp()) // 60

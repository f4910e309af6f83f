"""What the drivers share for bands that stamp by a wall clock which knows neither zones nor summer time.

hipsync sets such a clock when it connects, and the clock stays on that offset until it is set again, wherever its
wearer travels. So a stamp is placed by the offset on which the clock was, not by that of the wearer's present zone::

    set in London          set in New York, at 23:00 UTC
    | 16 | 17 | ... | 22 | | 18 | 19 | ... | 22 | 23 |        what the clock showed
           ^    these come twice    ^    ^

A stamp that two times can have, and one of a slot in which the clock was set, is placed nowhere: its time is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo

from hipsync.driver import ClockSet

BEGINNING, END = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
"""No clock is set before or after these instants."""
NONE = timedelta()


def offset_of(zone: ZoneInfo, at: datetime) -> timedelta:
    """Return how far a zone is ahead of UTC at an instant."""
    return at.astimezone(zone).utcoffset() or NONE


def has_travelled(sets: Sequence[ClockSet], zone: ZoneInfo, now: datetime) -> bool:
    """Whether the wearer is in another zone now than when hipsync last set the clock, and the zones differ in time.

    The maker's app may have set the clock to either zone since, so the absence of a stamp proves nothing.
    """
    if not sets or sets[-1].zone.key == zone.key:
        return False
    return offset_of(sets[-1].zone, sets[-1].at) != offset_of(zone, now)


def stamps_until(sets: Sequence[ClockSet], contact: datetime | None, zone: ZoneInfo, now: datetime) -> Stamps:
    """Return the stamps of a clock that was last seen at `contact`; its wearer is in `zone` now."""
    if not has_travelled(sets, zone, now):
        return Stamps(sets)
    seen = ClockSet(sets[-1].at if contact is None else max(contact, sets[-1].at), sets[-1].zone)
    return Stamps([*sets, seen, ClockSet(now, zone)])


def has_moved(sets: Sequence[ClockSet], since: datetime | None) -> bool:
    """Whether the clock was set to another zone after `since`, or ever if that is None."""
    changes = [after.at for before, after in pairwise(sets) if before.zone.key != after.zone.key]
    return bool(changes) and (since is None or changes[-1] > since)


@dataclass(frozen=True, slots=True)
class Stamps:
    """Places a band's stamps by the settings of its clock, oldest first.

    Before the first setting, the maker's app is taken to have kept the clock on the local time of that zone.
    """

    sets: Sequence[ClockSet]

    def start(self, wall: datetime, width: timedelta) -> datetime | None:
        """Return the start, in UTC, of a slot of this width whose first wall-clock time is `wall`.

        None if nobody can say: if the clock showed that time twice, or was set during the slot, or never showed it.
        """
        shown = self._shown(wall, width)
        start = min(shown, default=None)
        if start is None or len(shown) > 1 or shown[start] < width:
            return None
        journeys = (after.at for before, after in pairwise(self.sets) if before.zone.key != after.zone.key)
        return None if any(start < at < start + width for at in journeys) else start

    def twice(self, wall: datetime, width: timedelta) -> bool:
        """Whether the clock can have shown times of a slot twice."""
        return len(self._shown(wall, width)) > 1

    def never(self, wall: datetime, width: timedelta) -> bool:
        """Whether the clock never showed any time of a slot, as far as hipsync knows: then another app has set it."""
        return bool(self.sets) and not self._shown(wall, width)

    def _shown(self, wall: datetime, width: timedelta) -> dict[datetime, timedelta]:
        """Return the starts that a slot can have, in UTC, and how long in each the clock was on the offset for it."""
        shown: dict[datetime, timedelta] = {}
        for begin, end, zone in self._runs():
            start = wall.replace(tzinfo=zone).astimezone(UTC)
            overlap = min(start + width, end) - max(start, begin)
            if overlap > NONE:
                shown[start] = shown.get(start, NONE) + overlap
        return shown

    def _runs(self) -> Iterator[tuple[datetime, datetime, tzinfo]]:
        """Yield the times `[begin, end)` for which the clock was on one setting, and the zone that it followed.

        Of the time before a journey's first contact both zones are yielded, because another app may have set the clock.
        """
        if self.sets:
            yield BEGINNING, self.sets[0].at, self.sets[0].zone
        for each, after in pairwise([*self.sets, None]):
            if each is not None:
                yield each.at, END if after is None else after.at, timezone(offset_of(each.zone, each.at))
                if after is not None and after.zone.key != each.zone.key:
                    yield each.at, after.at, timezone(offset_of(after.zone, after.at))

"""Makes hours of the records that a Lefun band sends, and still hours of those without a record.

Nobody has published how long the slot of a record is: some sources say 30 minutes, perhaps it is an hour. Any slots
that divide the hour add up to hours, so hours are reported. Bands are thought to omit still slots. So hours without a
record count as still on a day with at least one record, and today if the band reports that nothing was walked ("the
band vouches for the day")::

    since |  .    11:00 11:30 |  .    . |  running
          |  0      sent      |  0    0 |

Stamps are wall-clock times. The clock was set at `began`, and later stamps have the offset of that instant, because the
band knows no summer time; older ones are taken for the wearer's local time. The hour in which the clock was set has
stamps of both kinds, and so has the next one if the clock was set back: both hours are left out. Nothing is inferred
before `began`, nor while the clock was wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from hipsync.driver import ClockSet
from hipsync.model import Epoch
from hipsync_devices.clocks import Stamps

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
MOST = 60 * 250
"""The most steps that anybody can take in an hour, at a sprinter's pace."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Turns the band's wall-clock stamps into instants.

    The band's clock was set at `began` and does not follow summer time: stamps from `began` on have the offset that
    `zone` had at `began`. Older stamps are local times of `before`, the zone in which the clock was until then, and all
    stamps are local times of `zone` if `began` is None.
    """

    zone: ZoneInfo
    began: datetime | None = None
    before: ZoneInfo | None = None
    stamps: Stamps | None = None
    """The settings of the clock on a journey, during which another app may have set it; None if there was none."""

    @classmethod
    def of(cls, zone: ZoneInfo, began: datetime | None, sets: Sequence[ClockSet], stamps: Stamps) -> Clock:
        """Return the clock that was set at `sets`, or in `zone` where nothing is known of that."""
        if began is None or not sets:
            return cls(zone, began)
        before = sets[-2].zone if len(sets) > 1 else sets[-1].zone
        return cls(sets[-1].zone, began, before, stamps if len({each.zone for each in stamps.sets}) > 1 else None)

    def offset(self, now: datetime) -> timedelta:
        """Return how far the band's clock is ahead of UTC at `now`."""
        return (now if self.began is None else self.began).astimezone(self.zone).utcoffset() or timedelta()

    def instant(self, wall: datetime) -> datetime:
        if self.began is not None:
            at = wall.replace(tzinfo=timezone(self.offset(self.began))).astimezone(UTC)
            if at >= self.began:
                return at
        return wall.replace(tzinfo=self.before or self.zone).astimezone(UTC)

    def never(self, wall: datetime) -> bool:
        """Whether the clock never showed the time `wall`, as far as hipsync knows: then another app has set it."""
        if self.began is None:
            return False
        ahead = self.offset(self.began)
        return self.instant(wall) >= self.began > (wall - ahead).replace(tzinfo=UTC)

    def twice(self, wall: datetime) -> bool:
        """Whether the clock can have shown times of the hour of `wall` twice, on a journey."""
        return self.stamps is not None and self.stamps.twice(wall.replace(minute=0), HOUR)

    def today(self, now: datetime) -> date:
        return (now + self.offset(now)).date()

    def is_of(self, start: datetime) -> bool:
        """Whether all stamps of the hour from `start` on have one offset.

        An hour around the setting of the clock may have two, because a clock that is set back passes some times twice:
        after a journey west as many hours as it was set back.
        """
        if self.began is None or start == self.began:
            return True
        earlier = self.began.astimezone(self.before or self.zone).utcoffset() or timedelta()
        twice = max(earlier - self.offset(self.began), timedelta())
        return not self.began - HOUR - twice < start < self.began + max(twice, HOUR)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a band sent: for each day, the steps of each slot by its wall-clock start."""

    slots: Mapping[date, Mapping[datetime, int]]
    still: date | None = None
    """Today's date if the band reports that nothing was walked today, else None."""

    def vouched(self, day: date) -> bool:
        return bool(self.slots[day]) or day == self.still


def hours(
    answer: Answer, clock: Clock, *, asked: datetime, since: datetime | None = None, infer: bool = True
) -> Sequence[Epoch]:
    """Return the whole hours in `[since, asked)` that are known, in order; without `infer` only those with records.

    The band was asked at `asked`, and `since` is the end of the last hour stored before; None if nothing is stored.
    """
    sums: dict[datetime, int] = {}
    for slots in answer.slots.values():
        for stamp, steps in slots.items():
            if not clock.never(stamp) and not clock.twice(stamp):
                start = clock.instant(stamp.replace(minute=0))
                sums[start] = sums.get(start, 0) + steps
    found = {start: Epoch(start, HOUR, steps) for start, steps in sums.items() if clock.is_of(start)}
    if strange := _strange(answer, clock, asked):
        found = {start: epoch for start, epoch in found.items() if strange <= start}
    if infer and not strange:
        first = min(sums, default=NEVER) if since is None else since  # before, nobody may have worn it
        if clock.began is not None:
            first = max(first, clock.began)
        for start in _grid(answer, clock):
            if start >= first and start not in sums and clock.is_of(start):
                found[start] = Epoch(start, HOUR, 0, inferred=True)
    return [epoch for start, epoch in sorted(found.items()) if epoch.end <= asked and (since is None or start >= since)]


def _strange(answer: Answer, clock: Clock, asked: datetime) -> datetime | None:
    """Return until when another app may have had the clock in another zone; None if no stamp shows that.

    A stamp that the clock never showed, or of more than an hour from now, does.
    """
    stamps = [stamp for slots in answer.slots.values() for stamp in slots]
    if any(clock.instant(stamp) > asked + HOUR for stamp in stamps):
        return asked
    return clock.began if any(clock.never(stamp) for stamp in stamps) else None


def _grid(answer: Answer, clock: Clock) -> Iterator[datetime]:
    """Yield the starts of all whole hours of those days whose hours without a record count as still."""
    for day in answer.slots:
        if answer.vouched(day):
            for number in range(DAY // HOUR):
                wall = datetime.combine(day, time()) + number * HOUR
                if not clock.never(wall):
                    yield clock.instant(wall)

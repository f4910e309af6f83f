"""Makes epochs of the records that a Colmi ring sends.

A record names a date and a quarter of an hour by the ring's wall clock, which knows neither zone nor summer time. All
real records begin at full hours and cover the hour; a ring with a record on another quarter has slots of 15 minutes.
hipsync sets the clock at each connection, and the clock stays on that offset until the next one. Before the last
connection, the clock is taken to have followed the zone: the hour that comes twice in autumn is one record of two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from hipsync.driver import ClockSet
from hipsync.model import Epoch, is_possible
from hipsync_devices.clocks import Stamps
from hipsync_devices.colmi.packets import MOST_DAYS, QUARTERS, StepsRecord

QUARTER, HOUR, DAY = timedelta(minutes=15), timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Clock:
    """The ring's clock: hipsync last set it to the time of `zone` at `contact`, and it is now `now`.

    If `contact` is None, hipsync has never set it, and it is taken to be on local time. `sets` has all settings of
    which the time and zone are known; if it has any, `contact` does not matter.
    """

    zone: ZoneInfo
    now: datetime
    contact: datetime | None = None
    sets: Sequence[ClockSet] = ()

    def span(self, day: date, quarter: int, width: timedelta) -> tuple[datetime, timedelta] | None:
        """Return the start of a slot, in UTC, and its length; `quarter` counts quarters of an hour from midnight.

        None if the slot cannot be placed. That happens only on a day on which the zone's offset changes and the clock
        was set some time after the change: a slot in between may have been counted on either offset.
        """
        wall = datetime.combine(day, time()) + quarter * QUARTER
        if self.sets:
            placed = Stamps(self.sets).start(wall, width)
            return None if placed is None else (placed, width)
        if self.contact is not None:
            set_late = self.changes(day) and self._changed(day, self.contact)
            offset = self.contact.astimezone(self.zone).utcoffset() or timedelta()
            start = wall.replace(tzinfo=timezone(offset)).astimezone(UTC)
            if start + width > self.contact:
                return None if set_late and start < self._passed(day, self.contact, offset) else (start, width)
            if set_late and wall.replace(tzinfo=self.zone, fold=1).utcoffset() != self._offset(day):
                return None
        start = wall.replace(tzinfo=self.zone).astimezone(UTC)
        last = wall.replace(tzinfo=self.zone, fold=1).astimezone(UTC)
        if last > start:
            return start, last - start + width
        return start, width

    def strange_until(self, records: Sequence[StepsRecord]) -> datetime | None:
        """Return until when another app may have had the clock in another zone; None if no record shows that.

        A record of a time that the clock never showed, or of more than an hour from now, does.
        """
        stamps = Stamps(self.sets)
        if self.sets and is_ahead(records, self):
            return self.now
        walls = (datetime.combine(each.day, time()) + each.quarter * QUARTER for each in records)
        return self.sets[-1].at if any(stamps.never(wall, QUARTER) for wall in walls) else None

    @property
    def journey(self) -> datetime | None:
        """When the clock was last set to another zone; None if it never was, as far as hipsync knows."""
        zones = [each.zone for each in self.sets]
        return self.sets[-1].at if len(set(zones[-2:])) > 1 else None

    def changes(self, day: date) -> bool:
        """Whether the offset of the wearer's zone changes on that day."""
        return self._offset(day) != self._offset(day + DAY)

    def _passed(self, day: date, contact: datetime, offset: timedelta) -> datetime:
        """Return the instant from which a slot cannot have been counted on the day's first offset.

        The clock had that offset until `contact`, and has `offset` since.
        """
        return contact + max((self._offset(day) or offset) - offset, timedelta())

    def _changed(self, day: date, instant: datetime) -> bool:
        return instant.astimezone(self.zone).utcoffset() != self._offset(day)

    def _offset(self, day: date) -> timedelta | None:
        return datetime.combine(day, time(), self.zone).utcoffset()

    def possible(self, day: date) -> bool:
        """Whether a ring can have records of that day: one from eight days ago up to today, by the wearer's zone."""
        zones = [self.zone, *(each.zone for each in self.sets[-3:])]
        today = max(self.now.astimezone(zone).date() for zone in zones)
        return today - (MOST_DAYS + 1) * DAY <= day <= today


def width_of(records: Sequence[StepsRecord]) -> timedelta:
    """Return the length of a ring's slots: an hour if all these records begin at full hours, else 15 minutes."""
    return HOUR if all(record.quarter % 4 == 0 for record in records) else QUARTER


def is_ahead(records: Sequence[StepsRecord], clock: Clock) -> bool:
    """Whether a record begins more than an hour from now, so that the ring's clock was off by more than summer time."""
    for record in records:
        span = clock.span(record.day, record.quarter, QUARTER)
        if span is not None and span[0] > clock.now + HOUR:
            return True
    return False


def epochs(
    day: date, records: Sequence[StepsRecord], width: timedelta, clock: Clock, since: datetime | None, *, vouched: bool
) -> list[Epoch]:
    """Return the finished slots of `day` that were sent and, if `vouched`, a still epoch for each slot that was not.

    `vouched` says that the ring left no steps out. Sent slots that ended an hour or more before `since`, the end of the
    last epoch stored, are dropped. No still epoch is inferred on a day without a record or with two offsets, before
    `since` or, if `since` is None, before the first slot that was sent, nor before the clock was set to the zone in
    which it is now: another app may have set it on the journey. A slot with more steps than anybody makes is unknown.
    """
    sent: dict[tuple[datetime, timedelta], int] = {}
    for record in records:
        if record.day == day and (span := clock.span(day, record.quarter, width)) is not None:
            sent[span] = sent.get(span, 0) + record.steps
    found = [Epoch(start, length, steps) for (start, length), steps in sent.items()]
    found = [each for each in found if is_possible(each.steps, each.length)]
    if found and vouched and not clock.changes(day):
        begin = min(epoch.start for epoch in found) if since is None else since
        begin = begin if clock.journey is None else max(begin, clock.journey)
        for quarter in range(0, QUARTERS, width // QUARTER):
            span = clock.span(day, quarter, width)
            if span is not None and span not in sent and span[0] >= begin:
                found.append(Epoch(*span, 0, inferred=True))
    earliest = None if since is None else since - HOUR
    return sorted(each for each in found if each.end <= clock.now and (earliest is None or each.end > earliest))

"""The records that a ring sends become epochs here.

A record names a date and a quarter of an hour by the ring's wall clock, which knows neither zone nor summer time. All
real records begin at full hours and cover the hour; a ring with a record on another quarter has slots of 15 minutes.
hipsync sets the clock at each connection, and it stays on that offset until the next one. Before that the clock
followed the zone, so the hour that comes twice in autumn is one record of two hours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from hipsync.model import Epoch
from hipsync_devices.colmi.packets import MOST_DAYS, QUARTERS, StepsRecord

QUARTER, HOUR, DAY = timedelta(minutes=15), timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Clock:
    """The offset of the ring's clock, which hipsync last set at `contact`; if None, others set it to local time."""

    zone: ZoneInfo
    now: datetime
    contact: datetime | None = None

    def span(self, day: date, quarter: int, width: timedelta) -> tuple[datetime, timedelta] | None:
        """Start and length of a slot in UTC; None if it cannot be placed, on a day on which the zone's offset changes.

        A clock that was set some time after the change makes the slots in between ambiguous: they may be on either
        offset, until both clocks had passed the instant at which it was set.
        """
        wall = datetime.combine(day, time()) + quarter * QUARTER
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

    def changes(self, day: date) -> bool:
        """Whether the zone's offset changes on that day."""
        return self._offset(day) != self._offset(day + DAY)

    def _passed(self, day: date, contact: datetime, offset: timedelta) -> datetime:
        """From when on no slot was counted by the clock that had the day's first offset until the contact."""
        return contact + max((self._offset(day) or offset) - offset, timedelta())

    def _changed(self, day: date, instant: datetime) -> bool:
        return instant.astimezone(self.zone).utcoffset() != self._offset(day)

    def _offset(self, day: date) -> timedelta | None:
        return datetime.combine(day, time(), self.zone).utcoffset()

    def possible(self, day: date) -> bool:
        """Whether a ring can have records of that day."""
        today = self.now.astimezone(self.zone).date()
        return today - (MOST_DAYS + 1) * DAY <= day <= today


def width_of(records: Sequence[StepsRecord]) -> timedelta:
    """The length of the slots of a ring that sent these records: an hour, or a quarter of one."""
    return HOUR if all(record.quarter % 4 == 0 for record in records) else QUARTER


def is_ahead(records: Sequence[StepsRecord], clock: Clock) -> bool:
    """Whether a record begins over an hour from now: then the ring's clock was off by more than summer time."""
    for record in records:
        span = clock.span(record.day, record.quarter, QUARTER)
        if span is not None and span[0] > clock.now + HOUR:
            return True
    return False


def epochs(
    day: date, records: Sequence[StepsRecord], width: timedelta, clock: Clock, since: datetime | None, *, vouched: bool
) -> list[Epoch]:
    """The finished slots of a day that were sent, and, if `vouched`, a still epoch for each slot that was not.

    Epochs that ended an hour or more before `since` are left out. Nothing is inferred on a day without a record or with
    two offsets, nor, if nothing is stored yet (`since` is None), before the first slot that was sent.
    """
    sent: dict[tuple[datetime, timedelta], int] = {}
    for record in records:
        if record.day == day and (span := clock.span(day, record.quarter, width)) is not None:
            sent[span] = sent.get(span, 0) + record.steps
    found = [Epoch(start, length, steps) for (start, length), steps in sent.items()]
    if found and vouched and not clock.changes(day):
        begin = min(epoch.start for epoch in found) if since is None else since
        for quarter in range(0, QUARTERS, width // QUARTER):
            span = clock.span(day, quarter, width)
            if span is not None and span not in sent and span[0] >= begin:
                found.append(Epoch(*span, 0, inferred=True))
    earliest = None if since is None else since - HOUR
    return sorted(each for each in found if each.end <= clock.now and (earliest is None or each.end > earliest))

"""Makes epochs of the slots that a FitPro band sends, and still epochs of those that it omits.

A band omits slots without steps, and never sends a slot again once it is acknowledged::

    since |  sent   .  sent |  .   .   . | running
          |  stored 0  stored| 0   0   0 |
                             ^ only at the end of a complete answer

A slot that was not sent counts as still where the answer proves that nothing was left out ("the band vouches for it").
A packet proves that for the slots before and between its own, because it has a count and an order. The next packet, or
the end of a complete answer, proves it for the slots after them. Nothing is inferred for a day without a packet or
total, nor before the first slot ever stored, because another app may have fetched what was there. It has done so if
steps were walked on a day after the last one stored, and the band has no slot of that day; then nothing is inferred at
the end of the answer. What another app fetched later on the day of the last stored slot cannot be recognised. The band
does not say whether it was charging.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from hipsync.model import Epoch
from hipsync_devices.clocks import Stamps
from hipsync_devices.fitpro.packets import Steps, Total

SLOT = timedelta(minutes=15)
DAY = timedelta(days=1)
KEPT = 100
"""How many days back a band may have slots, by our guess. An older date comes from a clock that was wrong."""


@dataclass(slots=True)
class Answer:
    """The answer to a request for the history, as it comes in packet by packet.

    The band was asked at `asked`, its stamps are in the zone `clock`, and `since` is the end of the last epoch stored
    before; None if nothing is stored.
    """

    asked: datetime
    clock: tzinfo
    since: datetime | None = None
    stamps: Stamps = Stamps(())  # noqa: RUF009  frozen
    """The settings of the clock, where they are known; `clock` is the last of them."""
    doubtful: bool = False
    """Whether a stamp shows that the band's clock was wrong for a while; then no slot is inferred to be still."""
    _settled: dict[date, datetime] = field(default_factory=dict[date, datetime])
    """The instant up to which all slots of a day are known, for each day of which the band sent something."""
    _last: date | None = None
    """The day of the last packet."""
    _walked: dict[date, int] = field(default_factory=dict[date, int])
    """The total of steps of each day, as far as the band told it."""

    def __post_init__(self) -> None:
        if self.since is not None:
            self._settled[self._day_of(self.since)] = self.since

    def packet(self, steps: Steps) -> list[Epoch]:
        """Return the finished slots of a packet and the still slots that it proves; none if its day cannot be right."""
        if steps.day is None or not self._possible(steps.day):
            self.doubtful = True
            return []
        placed = [(self._placed(steps.day, slot.number), slot.steps) for slot in steps.slots]
        sent = {start: count for start, count in placed if start is not None}
        self.doubtful = self.doubtful or len(sent) < len(placed) or any(start > self.asked for start in sent)
        if (strange := self._strange_until(steps.day, steps, sent)) is not None:
            sent = {start: count for start, count in sent.items() if start >= strange}
        finished_slots = [Epoch(start, SLOT, count) for start, count in sent.items() if start + SLOT <= self.asked]
        before = self._tail(self._last) if self._last is not None and self._last < steps.day else []
        begin = self._begin(steps.day, min(sent, default=self.asked))
        end = max(finished_slots[-1].end, begin) if finished_slots else begin
        self._settled[steps.day], self._last = end, steps.day
        return [*before, *finished_slots, *([] if self.doubtful else self._still(begin, end, without=frozenset(sent)))]

    def finished(self, steps: Steps) -> bool:
        """Whether the band may forget this packet of slots: all of them have ended, or its date is impossible."""
        if steps.day is None or not self._possible(steps.day):
            return True
        return all(self._start(steps.day, slot.number) + SLOT <= self.asked for slot in steps.slots)

    def total(self, total: Total) -> None:
        """Take the total of a day. A day with a total of 0 and without slots is known to be still."""
        if total.day is None or not self._possible(total.day):
            self.doubtful = True
        else:
            self._walked[total.day] = total.steps

    def completed(self) -> list[Epoch]:
        """Return the still slots at the end of each day, up to when the band was asked. The answer must be complete."""
        newest = max(self._settled, default=None)
        for day, walked in sorted(self._walked.items()):
            if newest is not None and day > newest:  # no packet of it came
                self.doubtful = self.doubtful or walked > 0
                self._settled[day] = self._begin(day, self._start(day, 0))
        return [epoch for day in sorted(self._settled) for epoch in self._tail(day)]

    def _begin(self, day: date, first: datetime) -> datetime:
        """Return the instant from which slots that were not sent count as still on a day: never before `since`.

        If nothing is stored, that is `first` on the earliest day, and midnight on later ones.
        """
        if day in self._settled:
            return self._settled[day]
        if self.since is not None:
            return max(self._start(day, 0), self.since)
        return self._start(day, 0) if self._settled and day > min(self._settled) else first

    def _tail(self, day: date) -> list[Epoch]:
        begin, end = self._settled[day], min(self._start(day + DAY, 0), self.asked)
        self._settled[day] = max(begin, end)
        return [] if self.doubtful else self._still(begin, end)

    def _possible(self, day: date) -> bool:
        today = self._day_of(self.asked)
        return today - KEPT * DAY <= day <= today

    def _strange_until(self, day: date, steps: Steps, sent: Iterable[datetime]) -> datetime | None:
        """Return until when another app may have had the clock in another zone; None if no slot of a packet shows that.

        A slot that the clock never showed, or that begins more than an hour from now, does.
        """
        if not self.stamps.sets:
            return None
        if any(start > self.asked + 4 * SLOT for start in sent):
            return self.asked
        walls = (datetime.combine(day, time(0)) + slot.number * SLOT for slot in steps.slots)
        return self.stamps.sets[-1].at if any(self.stamps.never(wall, SLOT) for wall in walls) else None

    def _placed(self, day: date, number: int) -> datetime | None:
        """Return the start of a slot that was sent; None if the clock showed its time twice, or never."""
        if self.stamps.sets:
            return self.stamps.start(datetime.combine(day, time(0)) + number * SLOT, SLOT)
        return self._start(day, number)

    def _start(self, day: date, number: int) -> datetime:
        return (datetime.combine(day, time(0)) + number * SLOT).replace(tzinfo=self.clock).astimezone(UTC)

    def _day_of(self, instant: datetime) -> date:
        return instant.astimezone(self.clock).date()

    def _still(self, begin: datetime, end: datetime, without: frozenset[datetime] = frozenset()) -> list[Epoch]:
        """Return a still epoch for each whole slot in `[begin, end)` whose start is not in `without`.

        None is returned for a slot in which the clock was set, or whose time it showed twice.
        """
        start = begin + (-(begin - datetime(2000, 1, 1, tzinfo=UTC))) % SLOT
        epochs: list[Epoch] = []
        while start + SLOT <= end:
            if start not in without and self._is_sure(start):
                epochs.append(Epoch(start, SLOT, 0, inferred=True))
            start += SLOT
        return epochs

    def _is_sure(self, start: datetime) -> bool:
        wall = start.astimezone(self.clock).replace(tzinfo=None)
        return not self.stamps.sets or self.stamps.start(wall, SLOT) == start

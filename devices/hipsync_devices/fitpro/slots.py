"""The slots that a band sends become epochs here, and so do the slots that it omits.

A band omits slots without steps, and does not send a slot again once it was acknowledged::

    since |  sent   .  sent |  .   .   . | running
          |  stored 0  stored| 0   0   0 |
                             ^ only at the end of a complete answer

A slot that was not sent was still if the band vouches for it. It vouches before and between the slots of a packet,
which is complete by its count and in order, and after them up to the next packet, or up to now at the end of a complete
answer. Nothing is inferred for a day without a packet or total, nor before the first slot ever stored, for another app
may have fetched what was there. The band does not say whether it was charging.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from hipsync.model import Epoch
from hipsync_devices.fitpro.packets import Steps, Total

SLOT = timedelta(minutes=15)
DAY = timedelta(days=1)
KEPT = 100
"""Days that a band may have stored, by our guess. What is older was stamped by a clock that was wrong."""


@dataclass(slots=True)
class Answer:
    """The answer to a fetch at `asked`; `since` is the end of what is stored, `clock` the offset of its stamps."""

    asked: datetime
    clock: tzinfo
    since: datetime | None = None
    doubtful: bool = False
    """Whether the band's clock was wrong for a while, so that it vouches for nothing."""
    _settled: dict[date, datetime] = field(default_factory=dict[date, datetime])
    """For each day that the band sent something about, until when all its slots are known."""
    _last: date | None = None

    def __post_init__(self) -> None:
        if self.since is not None:
            self._settled[self._day_of(self.since)] = self.since

    def packet(self, steps: Steps) -> list[Epoch]:
        """The finished slots of a packet, and the still ones among them; none of a day that cannot be right."""
        if steps.day is None or not self._possible(steps.day):
            self.doubtful = True
            return []
        sent = {self._start(steps.day, slot.number): slot.steps for slot in steps.slots}
        self.doubtful = self.doubtful or any(start > self.asked for start in sent)
        finished_slots = [Epoch(start, SLOT, count) for start, count in sent.items() if start + SLOT <= self.asked]
        before = self._tail(self._last) if self._last is not None and self._last < steps.day else []
        begin = self._begin(steps.day, min(sent, default=self.asked))
        end = max(finished_slots[-1].end, begin) if finished_slots else begin
        self._settled[steps.day], self._last = end, steps.day
        return [*before, *finished_slots, *([] if self.doubtful else _still(begin, end, without=frozenset(sent)))]

    def finished(self, steps: Steps) -> bool:
        """Whether the band may forget a packet: its slots have ended, or its day can never be right."""
        if steps.day is None or not self._possible(steps.day):
            return True
        return all(self._start(steps.day, slot.number) + SLOT <= self.asked for slot in steps.slots)

    def total(self, total: Total) -> None:
        """Take the total of a day; if nothing was walked, all its slots were still."""
        day = total.day
        if day is None or not self._possible(day):
            self.doubtful = True
        elif day not in self._settled and (self._settled or not total.steps):
            self._settled[day] = self._begin(day, self._start(day, 0))

    def completed(self) -> list[Epoch]:
        """The still slots at the end of each day, up to when the band was asked; only after a complete answer."""
        return [epoch for day in sorted(self._settled) for epoch in self._tail(day)]

    def _begin(self, day: date, first: datetime) -> datetime:
        """From when on the band vouches for a day: never before `since`, and if nothing is stored from `first` on."""
        if day in self._settled:
            return self._settled[day]
        if self.since is not None:
            return max(self._start(day, 0), self.since)
        return self._start(day, 0) if self._settled and day > min(self._settled) else first

    def _tail(self, day: date) -> list[Epoch]:
        begin, end = self._settled[day], min(self._start(day + DAY, 0), self.asked)
        self._settled[day] = max(begin, end)
        return [] if self.doubtful else _still(begin, end)

    def _possible(self, day: date) -> bool:
        today = self._day_of(self.asked)
        return today - KEPT * DAY <= day <= today

    def _start(self, day: date, number: int) -> datetime:
        return (datetime.combine(day, time(0)) + number * SLOT).replace(tzinfo=self.clock).astimezone(UTC)

    def _day_of(self, instant: datetime) -> date:
        return instant.astimezone(self.clock).date()


def _still(begin: datetime, end: datetime, without: frozenset[datetime] = frozenset()) -> list[Epoch]:
    """A still epoch for each whole slot in `[begin, end)`, except the `sent` ones."""
    start = begin + (-(begin - datetime(2000, 1, 1, tzinfo=UTC))) % SLOT
    epochs: list[Epoch] = []
    while start + SLOT <= end:
        if start not in without:
            epochs.append(Epoch(start, SLOT, 0, inferred=True))
        start += SLOT
    return epochs

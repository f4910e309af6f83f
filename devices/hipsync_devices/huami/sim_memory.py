"""The memory of a simulated Mi Band: a coded record for each minute, stamped by the band's own clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from hipsync.model import MINUTE, Epoch, State
from hipsync_devices.huami import packets

CAPACITY = 43_200
"""The number of minutes that fit: 30 days. Vendors advertise three weeks; nobody has measured it."""
KINDS: dict[State | None, int] = {
    State.SITTING: 0x50,
    State.STANDING: 0x60,
    State.WALKING: 0x01,
    State.RUNNING: 0x32,
    State.CYCLING: 0x01,
    State.NOT_WORN: 0x73,
    State.CHARGING: 0x06,
    State.ASLEEP: 0x70,
}


class Memory:
    """The stored minutes, as records of `size` bytes by their stamps.

    A minute that the clock passes twice is overwritten. When the memory is full, the record stored longest ago is
    dropped.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._records: dict[datetime, bytes] = {}

    def __iter__(self) -> Iterator[datetime]:
        return iter(sorted(self._records))

    def keep(self, stamp: datetime, epoch: Epoch) -> None:
        self._records.pop(stamp, None)
        self._records[stamp] = coded(epoch, self.size)
        if len(self._records) > CAPACITY:
            del self._records[next(iter(self._records))]

    def run(self, since: datetime, most: int) -> list[datetime]:
        """Return the stamps of the first minutes from `since` on, at most `most`, up to the first gap.

        A gap is a time in which the band was off, and ends a round.
        """
        first = min((stamp for stamp in self._records if stamp >= since), default=None)
        run: list[datetime] = []
        while first is not None and len(run) < most and first + len(run) * MINUTE in self._records:
            run.append(first + len(run) * MINUTE)
        return run

    def payload(self, stamps: Iterable[datetime]) -> bytes:
        return b"".join(self._records[stamp] for stamp in stamps)

    def forget(self, stamps: Iterable[datetime]) -> list[datetime]:
        """Forget minutes, and return those of them that were still stored."""
        return [stamp for stamp in stamps if self._records.pop(stamp, None) is not None]


def coded(epoch: Epoch, size: int) -> bytes:
    """Return the record of a minute in `size` bytes.

    Its kind byte is the epoch's own; without one, it is a kind that stands for the epoch's state.
    """
    steps = min(epoch.steps, 0xFF)
    kind = epoch.kind if epoch.kind is not None else KINDS.get(epoch.state, 0x01 if steps else 0x50)
    return packets.encode_record(kind, min(epoch.intensity or 0, 0xFF), steps, epoch.heart_rate or 0xFF, size)

"""The records of a window, fetched by their indices, and why one of them does not come.

    > 07/0A  from, to    < how many      > 07/0B  0, 1, 2 ...     < each

A band may count a record and say that it is outside of the window, send another one, nonsense, or nothing. Then it is
missing, and those after it are fetched all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Generic, Protocol, TypeVar

from hipsync.errors import DeviceError, MalformedPacket, NoReply, UnexpectedReply
from hipsync_devices.huawei import minutes, packets
from hipsync_devices.huawei.channel import ANSWER_WITHIN, TRIES, Channel
from hipsync_devices.huawei.minutes import Record

SILENT = 3
"""How many records in a row may be met with silence, before the band is taken to be deaf."""
MISSING = 24
"""How many records in a row may be missing, before those after them are taken to be so too."""

Command = tuple[int, int]


class Indexed(Protocol):
    """A record that says its index."""

    @property
    def index(self) -> int: ...


T = TypeVar("T", bound=Indexed)
Found = Sequence[T | DeviceError]
"""The records of a window in order; in the place of one that is missing stands why."""


class Outside(UnexpectedReply):
    """The band counts a record, and says that it is outside of the window."""


class Memory(Generic[T]):
    """A part of what the band remembers: the command that counts its records in a window, and the one that fetches.

    `within` and `tries` are how long to wait for an answer, and how often to ask.
    """

    def __init__(
        self, channel: Channel, counted: Command, one: Command, decode: Callable[[bytes], T], *,
        within: timedelta = ANSWER_WITHIN, tries: int = TRIES,
    ) -> None:  # fmt: skip
        self._channel, self._counted, self._one, self._decode = channel, counted, one, decode
        self._within, self._tries = within, tries

    async def fetch(self, start: datetime, end: datetime) -> Found[T]:
        """Fetch each record of a window [start, end] in whole seconds.

        Those that are outside at the end are left out: the band has counted too many. Raises `NoReply` if it is silent
        for three records in a row.
        """
        window = minutes.count(start, end)
        count = await self._count(window)
        found: list[T | DeviceError] = []
        missing = 0
        while len(found) < count and missing < MISSING:
            record = await self._record(len(found))
            if isinstance(record, Outside):  # it may have forgotten its oldest records
                count = min(count, await self._count(window))
                if len(found) < count:
                    record = await self._record(len(found))
            missing = missing + 1 if isinstance(record, DeviceError) else 0
            if isinstance(record, NoReply) and missing == SILENT:
                raise record
            found.append(record)
        while found and isinstance(found[-1], Outside):
            found.pop()
        return found

    async def _count(self, window: bytes) -> int:
        answer = await self._channel.order(self._counted, window, within=self._within, tries=self._tries)
        return minutes.counted(answer)

    async def _record(self, index: int) -> T | DeviceError:
        """Fetch the record with an index; in the place of one that does not come stands why."""
        problem: DeviceError = NoReply("the band sent no record")
        for _ in range(TRIES):
            try:
                answer = await self._channel.ask(self._one, minutes.ask(index), within=self._within, tries=self._tries)
                code = packets.result_of(answer)
                if code == packets.OUTSIDE:
                    return Outside("the band counts minutes of the last day, and does not send them")
                if code is not None:
                    return UnexpectedReply(f"the band refused record {index} with {code}")
                record = self._decode(answer)
            except NoReply as silence:
                return silence
            except MalformedPacket as malformed:
                problem = malformed
            else:
                if record.index == index:
                    return record
                problem = UnexpectedReply(f"the band sent another record than number {index}")
        return problem


def next_start(found: Found[Record], number: int) -> datetime | None:
    """Return the start of the first minute in the records behind one; None if there is none."""
    behind = (record for record in islice(found, number + 1, None) if isinstance(record, Record))
    return next((minute.start for record in behind for minute in record.minutes), None)

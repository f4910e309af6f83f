"""Requests to a Lefun band and their answers, over a link. What is no frame of the protocol is ignored."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from hipsync.driver import Link
from hipsync.errors import DeviceError, LinkLost, MalformedPacket, NoReply, UnexpectedReply
from hipsync_devices.lefun import packets
from hipsync_devices.lefun.packets import Frame, Record, Total

REPLY_WITHIN = timedelta(seconds=2)
TRIES = 2
REST = timedelta(seconds=10)
"""How long the rest of a faulty answer may take; a day has at most 255 records."""
STRANGER = "the band has not the service of Lefun: is it another model?"


class Wire:
    """Frames over a link; what is no frame is ignored."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def open(self) -> None:
        if not self._link.has(packets.NOTIFY) or not self._link.has(packets.WRITE):
            raise DeviceError(STRANGER)
        await self._link.subscribe(packets.NOTIFY)

    async def send(self, command: int, params: bytes = b"") -> None:
        await self._link.write(packets.WRITE, Frame(command, params).encode(), response=True)

    async def heard(self, command: int, until: datetime) -> tuple[datetime, bytes]:
        """When the next frame of a command came, and its parameters. Raises `NoReply` if none comes by `until`."""
        while True:
            left = until - self._link.now()
            if left <= timedelta():
                raise NoReply(f"the band did not answer command {command:02X}")
            received = await self._link.notification(packets.NOTIFY, timeout=left)
            with contextlib.suppress(MalformedPacket):
                frame = Frame.decode(received.data)
                if frame.mark == packets.REPLY and frame.command == command:
                    return received.at, frame.params

    async def ask(self, command: int, params: bytes = b"", *, echo: bytes = b"") -> bytes:
        """The parameters of the next answer that begins with `echo`. Raises `NoReply` after two tries."""
        for left in reversed(range(TRIES)):
            await self.send(command, params)
            until = self._link.now() + REPLY_WITHIN
            try:
                while not (answer := (await self.heard(command, until))[1]).startswith(echo):
                    continue
            except NoReply:
                if not left:
                    raise
            else:
                return answer
        raise NoReply(f"the band did not answer command {command:02X}")

    async def total(self, days_ago: int = 0) -> Total:
        """The total of a day. The band may also send today's unasked, which counts as the answer."""
        day = bytes([days_ago])
        return Total.decode(await self.ask(packets.TOTAL, day, echo=day))

    async def records(self, days_ago: int) -> Sequence[Record]:
        """The records of a day, in order. Raises `UnexpectedReply` if they are not complete after two tries."""
        for left in reversed(range(TRIES)):
            await self.send(packets.ACTIVITY, bytes([days_ago]))
            try:
                return await self._records(days_ago)
            except LinkLost:
                raise
            except DeviceError:
                if not left:
                    raise
                await self._quiet()
        raise NoReply("the band tells no records")

    async def _records(self, days_ago: int) -> Sequence[Record]:
        records: list[Record] = []
        while not records or len(records) < records[0].total:
            _, params = await self.heard(packets.ACTIVITY, self._link.now() + REPLY_WITHIN)
            record = Record.decode(params)
            if record.start is None and not records and record.days_ago == days_ago:
                return []
            if records and record == records[-1]:
                continue  # the same record twice
            head = (record.days_ago, record.total, record.current)
            if head != (days_ago, records[0].total if records else record.total, len(records) + 1):
                raise UnexpectedReply("the records of a day are not complete and in order")
            records.append(record)
        return records

    async def _quiet(self) -> None:
        """Wait until the rest of a faulty answer has gone by, before it is asked for again."""
        end = self._link.now() + REST
        with contextlib.suppress(NoReply):
            while True:
                await self.heard(packets.ACTIVITY, min(self._link.now() + REPLY_WITHIN, end))

"""Questions to a Lefun band and their answers, over a link; what is no frame of the protocol is passed over."""

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
"""For the rest of an answer with an error; a day has at most 255 records."""
STRANGER = "the band has not the service of Lefun: is it another model?"


class Wire:
    """Frames over a link; what is none is passed over."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def open(self) -> None:
        if not self._link.has(packets.NOTIFY) or not self._link.has(packets.WRITE):
            raise DeviceError(STRANGER)
        await self._link.subscribe(packets.NOTIFY)

    async def send(self, command: int, params: bytes = b"") -> None:
        await self._link.write(packets.WRITE, Frame(command, params).encode(), response=True)

    async def heard(self, command: int, until: datetime) -> tuple[datetime, bytes]:
        """When the next frame of that command came, and its parameters. Raises `NoReply`."""
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
        """The parameters of the answer, which begin with `echo`. Raises `NoReply` after two tries."""
        for left in reversed(range(TRIES)):
            await self.send(command, params)
            until = self._link.now() + REPLY_WITHIN
            try:
                while not (told := (await self.heard(command, until))[1]).startswith(echo):
                    continue
            except NoReply:
                if not left:
                    raise
            else:
                return told
        raise NoReply(f"the band did not answer command {command:02X}")

    async def total(self, days_ago: int = 0) -> Total:
        """Of a day; the running one may also be told unasked."""
        day = bytes([days_ago])
        return Total.decode(await self.ask(packets.TOTAL, day, echo=day))

    async def records(self, days_ago: int) -> Sequence[Record]:
        """Those of a day, complete and in order. Raises `UnexpectedReply` unless they are, after two tries."""
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
        told: list[Record] = []
        while not told or len(told) < told[0].total:
            _, params = await self.heard(packets.ACTIVITY, self._link.now() + REPLY_WITHIN)
            record = Record.decode(params)
            if record.start is None and not told and record.days_ago == days_ago:
                return []
            if told and record == told[-1]:
                continue  # the same value twice
            head = (record.days_ago, record.total, record.current)
            if head != (days_ago, told[0].total if told else record.total, len(told) + 1):
                raise UnexpectedReply("the records of a day are not complete and in order")
            told.append(record)
        return told

    async def _quiet(self) -> None:
        """Let the rest of an answer go by that is asked for again."""
        end = self._link.now() + REST
        with contextlib.suppress(NoReply):
            while True:
                await self.heard(packets.ACTIVITY, min(self._link.now() + REPLY_WITHIN, end))

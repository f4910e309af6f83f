"""Sends requests to a Lefun band and receives the answers. Bytes that are no frame of the protocol are ignored."""

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
"""How long to wait for the rest of a faulty answer to go by; a day has at most 255 records."""
DAY_WITHIN = timedelta(seconds=60)
"""The longest that the records of a day may take."""
STRANGER = "the band has not the service of Lefun: it is another model, which hipsync cannot read"


class Wire:
    """Sends and receives frames over a link; bytes that are no frame are ignored."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def open(self) -> None:
        if not self._link.has(packets.NOTIFY) or not self._link.has(packets.WRITE):
            raise DeviceError(STRANGER)
        await self._link.subscribe(packets.NOTIFY)

    async def send(self, command: int, params: bytes = b"") -> None:
        await self._link.write(packets.WRITE, Frame(command, params).encode(), response=True)

    async def heard(self, command: int, until: datetime) -> tuple[datetime, bytes]:
        """Wait for the band's next frame of a command, and return when it came and its parameters.

        Raises `NoReply` if none comes by `until`.
        """
        while True:
            left = until - self._link.now()
            if left <= timedelta():
                raise NoReply(f"the band did not answer command {command:02X}")
            received = await self._link.notification(packets.NOTIFY, timeout=left)
            with contextlib.suppress(MalformedPacket):
                frame = Frame.decode(received.data)
                if frame.mark == packets.REPLY and frame.command == command:
                    return received.at, frame.params

    async def ask(self, command: int, params: bytes = b"", *, echo: bytes = b"", tries: int = TRIES) -> bytes:
        """Send a command and return the parameters of the first answer that begin with `echo`.

        Raises `NoReply` after this many tries.
        """
        for left in reversed(range(tries)):
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
        """Ask for the steps of a whole day and return them; `days_ago` counts back from today by the band's clock.

        A total of today that the band sends without being asked also counts as the answer. Raises `NoReply`.
        """
        day = bytes([days_ago])
        return Total.decode(await self.ask(packets.TOTAL, day, echo=day))

    async def records(self, days_ago: int) -> Sequence[Record]:
        """Ask for the records of a day and return them in order; 0 is today by the band's clock.

        After two tries, raises `NoReply` if no answer comes, or `UnexpectedReply` if the records are not complete.
        """
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
        until = self._link.now() + DAY_WITHIN
        while not records or len(records) < records[0].total:
            if self._link.now() > until:
                raise UnexpectedReply("the records of a day do not end")
            _, params = await self.heard(packets.ACTIVITY, self._link.now() + REPLY_WITHIN)
            record = Record.decode(params)
            if record.start is None and not records and record.days_ago == days_ago:
                return []
            if records and record == records[-1]:
                continue  # a record that came twice
            head = (record.days_ago, record.total, record.current)
            if head != (days_ago, records[0].total if records else record.total, len(records) + 1):
                raise UnexpectedReply("the records of a day are not complete and in order")
            records.append(record)
        return records

    async def _quiet(self) -> None:
        """Wait until no record has come for two seconds, or for at most ten (`REST`), before a new request.

        Otherwise the rest of a faulty answer could be taken for the beginning of the next one.
        """
        end = self._link.now() + REST
        with contextlib.suppress(NoReply):
            while True:
                await self.heard(packets.ACTIVITY, min(self._link.now() + REPLY_WITHIN, end))

"""The watch's console: a stream of bytes cut into lines, commands in pieces, and whether the watch wants us to wait."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Self

from hipsync.driver import Link
from hipsync.errors import DeviceError, MalformedPacket, NoReply
from hipsync_devices.banglejs.packets import NOTIFY, WRITE, Message, decode

XON, XOFF = 0x11, 0x13
"""Flow control of the watch, anywhere in its stream, also within a line."""
LONGEST = 2048
"""Bytes of a line that are kept. What hipsync reads has some 200; a longer line is left out whole."""
STOPPED = timedelta(seconds=10)
"""After XOFF; a watch that loads an app is back after three."""
PIECE = 128
"""Bytes the watch takes at once, at most."""


class Lines:
    """Packets in, whole lines out. A packet's border means nothing."""

    def __init__(self) -> None:
        self.stopped = False
        """The watch said stop and has not yet said go on."""
        self._rest = b""
        self._too_long = False

    def feed(self, data: bytes) -> list[bytes]:
        r"""The lines that this packet completes, without `\r\n` and without empty ones."""
        last = max(data.rfind(XON), data.rfind(XOFF))
        if last >= 0:
            self.stopped = data[last] == XOFF
        whole: list[bytes] = []
        *parts, rest = data.translate(None, bytes([XON, XOFF])).split(b"\n")
        for part in parts:
            line = (self._rest + part).removesuffix(b"\r")
            if line and not self._too_long and len(line) <= LONGEST:
                whole.append(line)
            self._rest, self._too_long = b"", False
        self._rest += rest
        if len(self._rest) > LONGEST + 1:
            self._rest, self._too_long = b"", True
        return whole


class Console:
    """One coroutine's side of it: commands out, messages in."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._lines = Lines()
        self._heard: deque[tuple[datetime, Message]] = deque()

    @classmethod
    async def on(cls, link: Link) -> Self:
        """Listen first: a watch throws away what it says while nobody does."""
        if not link.has(NOTIFY):
            raise DeviceError("the watch has no console on Bluetooth: switch it on in its settings")
        await link.subscribe(NOTIFY)
        return cls(link)

    async def send(self, command: bytes) -> None:
        """Write it in pieces, and wait while the watch says stop. Raises `NoReply` if it never says go on."""
        size = min(self._link.write_size, PIECE)
        for at in range(0, len(command), size):
            with suppress(NoReply):
                while True:  # what has come already
                    await self._listen(timedelta(0))
            until = self._link.now() + STOPPED
            while self._lines.stopped:
                await self._listen(self._left(until))
            await self._link.write(WRITE, command[at : at + size], response=True)

    async def heard(self, until: datetime) -> tuple[datetime, Message]:
        """The next thing it says, and when that came; lines that are torn are left out. Raises `NoReply`."""
        while not self._heard:
            await self._listen(self._left(until))
        return self._heard.popleft()

    def _left(self, until: datetime) -> timedelta:
        left = until - self._link.now()
        if left < timedelta(0):
            raise NoReply("the watch says nothing that can be understood, or says stop for too long")
        return left

    async def _listen(self, within: timedelta) -> None:
        received = await self._link.notification(NOTIFY, timeout=within)
        for line in self._lines.feed(received.data):
            with suppress(MalformedPacket):  # torn or noisy; what counts is counted by who asked for it
                self._heard.append((received.at, decode(line)))

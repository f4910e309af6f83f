"""The console of a Bangle.js: splits its stream into lines, sends commands in pieces, and obeys its flow control."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Self

from hipsync.driver import Link
from hipsync.errors import DeviceError, MalformedPacket, NoReply
from hipsync_devices.banglejs.packets import NOTIFY, WRITE, Message, decode

XON, XOFF = 0x11, 0x13
"""The bytes of the flow control, which may come anywhere in the watch's stream, even within a line."""
LONGEST = 2048
"""The most bytes that a line may have; longer lines are dropped as a whole. The lines that hipsync needs have about
200."""
STOPPED = timedelta(seconds=10)
"""How long to wait for XON after XOFF; a watch that loads an app continues after three seconds."""
BREAK_OFF = b"\x03\n"
"""Clears a line that was begun, on a programmable watch by the first byte and on any other by the second."""
PIECE = 128
"""The most bytes that the watch accepts in one write."""


class Lines:
    """Takes packets and returns whole lines; a line may end anywhere in a packet."""

    def __init__(self) -> None:
        self.stopped = False
        """Whether the watch has sent XOFF and no XON after it."""
        self._rest = b""
        self._too_long = False

    def feed(self, data: bytes) -> list[bytes]:
        r"""Take a packet and return the lines that it completes, without line ends and without empty lines."""
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
    """Sends the commands of one coroutine to the watch's console, and receives messages for it."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._lines = Lines()
        self._heard: deque[tuple[datetime, Message]] = deque()

    @classmethod
    async def on(cls, link: Link) -> Self:
        """Subscribe to the console and return it; a watch drops its output while nobody is subscribed.

        Raises `DeviceError` if the watch has no console on Bluetooth.
        """
        if not link.has(NOTIFY):
            raise DeviceError("the watch has no console on Bluetooth: switch it on in its settings")
        await link.subscribe(NOTIFY)
        return cls(link)

    async def send(self, command: bytes) -> None:
        """Write a command in pieces, and wait whenever the watch has sent XOFF.

        Raises `NoReply` if no XON comes within ten seconds. A command that the watch refused halfway is broken off, so
        that it does not take the next one for the rest of it.
        """
        size = min(self._link.write_size, PIECE)
        for at in range(0, len(command), size):
            with suppress(NoReply):
                while True:  # takes only what has come already
                    await self._listen(timedelta(0))
            until = self._link.now() + STOPPED
            while self._lines.stopped:
                await self._listen(self._left(until))
            try:
                await self._link.write(WRITE, command[at : at + size], response=True)
            except DeviceError:
                if at:
                    await self._link.write(WRITE, BREAK_OFF, response=True)
                raise

    async def heard(self, until: datetime) -> tuple[datetime, Message]:
        """Wait for the next message, and return when it came and the message; torn lines are left out.

        Raises `NoReply` if none comes by `until`.
        """
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
            with suppress(MalformedPacket):  # torn or noise; callers that need all lines count them
                self._heard.append((received.at, decode(line)))

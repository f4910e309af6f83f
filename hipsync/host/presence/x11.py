"""When input came last at an X11 display, by the screen saver extension, and whether a window fills its screen.

It is a small client of its own, over the display's Unix socket: no library of X11 is needed, and no connection over the
network is ever made. XWayland counts only what comes to windows of X11, and a VNC server serves somebody elsewhere, so
their displays give no answer.

Source: X Window System Protocol (X11R7.7), sections 8, 9 and appendix B; X11 Screen Saver Extension 1.1, "QueryInfo";
the file format of .Xauthority in Xsecurity(7) and Xau's documentation; Extended Window Manager Hints 1.5.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import struct
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from hipsync.host.presence.seen import Seen

log = logging.getLogger(__name__)
T = TypeVar("T")

SOCKETS = Path("/tmp/.X11-unix")  # noqa: S108  where every X server has its socket
REPLY_WITHIN_S = 2.0
COOKIE = b"MIT-MAGIC-COOKIE-1"
SAVER = b"MIT-SCREEN-SAVER"
NOT_THIS_SCREEN = (b"XWAYLAND", b"VNC-EXTENSION")
"""Extensions of servers whose input is not all, or not this computer's."""
INTERN_ATOM, GET_PROPERTY, QUERY_EXTENSION, QUERY_INFO = 16, 20, 98, 1
ATOM, WINDOW = 4, 33
"""The types of properties that are read here, which are atoms of every server."""


class XError(Exception):
    """The server refused, or sent what is no reply."""


class X11:
    """Asks the X server of one display how long ago the last input was. Its connection stays open."""

    def __init__(self, display: str, environment: Mapping[str, str] | None = None) -> None:
        """`display` is a name such as ":0" or ":1.0". `environment` says where the key to it is."""
        self.display = display
        self._environment = os.environ if environment is None else environment
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._root = self._saver = 0

    async def look(self) -> Seen | None:
        """Return the time since the last input; None if the display cannot be asked, or is not this computer's."""
        ms = await self._asked(self._idle_ms)
        return None if ms is None else Seen(idle_s=ms / 1000)

    async def full_screen(self) -> bool | None:
        """Whether the active window fills the screen; None if the display or its window manager does not say."""
        return await self._asked(self._is_full_screen)

    def close(self) -> None:
        """Close the connection."""
        streams, self._streams = self._streams, None
        if streams is not None:
            streams[1].close()

    async def _asked(self, question: Callable[[], Awaitable[T]]) -> T | None:
        """The answer to a question, over a connection that is opened if there is none; None if that fails."""
        try:
            async with asyncio.timeout(REPLY_WITHIN_S):
                if self._streams is None:
                    await self._connect()
                return await question()
        except (OSError, EOFError, XError, struct.error) as error:  # OSError: also the timeout
            log.debug("the X11 display %s: %s", self.display, error)
            self.close()
            return None

    async def _connect(self) -> None:
        """Open the connection and find the extension. Raises `XError`, `OSError`, `EOFError`, `struct.error`."""
        number = number_of(self.display)
        if number is None:
            raise XError("it is no display of this computer")
        reader, writer = self._streams = await asyncio.open_unix_connection(SOCKETS / f"X{number}")
        key = next(keys(self._environment, number), b"")
        name = COOKIE if key else b""
        writer.write(struct.pack("<BxHHHHxx", ord("l"), 11, 0, len(name), len(key)) + _padded(name) + _padded(key))
        status, length = struct.unpack("<BxHHH", await reader.readexactly(8))[::3]
        setup = await reader.readexactly(length * 4)
        if status != 1:
            raise XError("it does not let us in")
        vendor, formats = struct.unpack_from("<H", setup, 16)[0], setup[21]
        (self._root,) = struct.unpack_from("<I", setup, 32 + vendor + -vendor % 4 + 8 * formats)
        for extension in NOT_THIS_SCREEN:
            if await self._opcode(extension):
                raise XError(f"it has the extension {extension.decode()}")
        self._saver = await self._opcode(SAVER)
        if not self._saver:
            raise XError(f"it lacks the extension {SAVER.decode()}")

    async def _opcode(self, extension: bytes) -> int:
        """The major opcode of an extension; 0 if the server lacks it."""
        reply = await self._reply(struct.pack("<BxHHxx", QUERY_EXTENSION, 0, len(extension)) + _padded(extension))
        return reply[9] if reply[8] else 0

    async def _idle_ms(self) -> int:
        reply = await self._reply(struct.pack("<BBHI", self._saver, QUERY_INFO, 0, self._root))
        return int(struct.unpack_from("<I", reply, 16)[0])

    async def _is_full_screen(self) -> bool | None:
        active = await self._property(self._root, "_NET_ACTIVE_WINDOW", WINDOW)
        if not active:
            return None
        if not active[0]:  # no window is active
            return False
        full = await self._atom("_NET_WM_STATE_FULLSCREEN")
        return bool(full) and full in await self._property(active[0], "_NET_WM_STATE", ATOM)

    async def _atom(self, name: str) -> int:
        """The number of an atom; 0 if nobody has used its name yet."""
        word = name.encode()
        reply = await self._reply(struct.pack("<BBHHxx", INTERN_ATOM, 1, 0, len(word)) + _padded(word))
        return int(struct.unpack_from("<I", reply, 8)[0])

    async def _property(self, window: int, name: str, kind: int) -> Sequence[int]:
        """The numbers in a property of a window, at most 64; none if the window has no such property of this type."""
        atom = await self._atom(name)
        if not atom:
            return ()
        reply = await self._reply(struct.pack("<BBHIIIII", GET_PROPERTY, 0, 0, window, atom, kind, 0, 64))
        if reply[1] != 32:  # the width of its numbers, in bits
            return ()
        return struct.unpack_from(f"<{struct.unpack_from('<I', reply, 16)[0]}I", reply, 32)

    async def _reply(self, request: bytes) -> bytes:
        """Send a request, whose length is filled in here, and return its reply; events in between are passed over."""
        assert self._streams is not None  # noqa: S101  `_asked` has connected
        reader, writer = self._streams
        writer.write(request[:2] + struct.pack("<H", len(request) // 4) + request[4:])
        while True:
            head = await reader.readexactly(32)
            if head[0] == 0:
                raise XError(f"error {head[1]}")
            if head[0] == 1:
                return head + await reader.readexactly(struct.unpack_from("<I", head, 4)[0] * 4)


def number_of(display: str) -> int | None:
    """The number of a display of this computer, such as 0 for ":0.0"; None for one that is reached by the network."""
    match = re.fullmatch(r"(?:unix)?:([0-9]{1,5})(?:\.[0-9]+)?", display)
    return int(match[1]) if match else None


def keys(environment: Mapping[str, str], number: int) -> Iterator[bytes]:
    """The keys to a display in the user's file of keys, those for this display first."""
    path = environment.get("XAUTHORITY") or str(Path(environment.get("HOME", ""), ".Xauthority"))
    try:
        data = Path(path).read_bytes()
    except OSError:
        return
    others: list[bytes] = []
    at = 0
    while at + 2 < len(data):
        fields: list[bytes] = []
        at += 2  # the family of the address
        for _ in range(4):
            length = int.from_bytes(data[at : at + 2], "big")
            fields.append(data[at + 2 : at + 2 + length])
            at += 2 + length
        _, display, name, key = fields
        if name == COOKIE and display == str(number).encode():
            yield key
        elif name == COOKIE and not display:
            others.append(key)
    yield from others


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)

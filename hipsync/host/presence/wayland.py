"""When input came last on Wayland, by the protocol ext-idle-notify-v1: Sway, Hyprland, labwc, KDE, COSMIC and others.

The compositor does not say how long ago the last input was. It says when there was none for a while, and when there is
some again::

    input ....i..i...........................i..i.
    events              idled                resumed
                  |<---->| BATCH_S

So until `idled` comes the last input is under `BATCH_S` old, and from then on its age is known. It is a small client of
its own, over the compositor's Unix socket: no library of Wayland is needed.

Source: The Wayland Protocol, "Wire Format" and appendix A (wl_display, wl_registry, wl_seat); the file
ext-idle-notify-v1.xml of wayland-protocols 1.27.
"""

from __future__ import annotations

import asyncio
import logging
import os
import struct
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import NamedTuple

from hipsync.host.presence.seen import Seen

log = logging.getLogger(__name__)

BATCH_S = 20.0
"""Seconds without input after which the compositor says so. It is asked for no less, so that somebody who types with
short pauses wakes nobody, and for no more, so that input in a minute is told from input in the one before."""
READY_WITHIN_S = 2.0
LONGEST = 4096
"""The most bytes of a message; the ones that matter have under a hundred."""
NOTIFIER, SEAT = b"ext_idle_notifier_v1", b"wl_seat"
DISPLAY_ID, REGISTRY_ID, CALLBACK_ID, SEAT_ID, NOTIFIER_ID, NOTICE_ID = range(1, 7)
SYNC, GET_REGISTRY, BIND, GET_NOTICE, GET_INPUT_NOTICE = 0, 1, 0, 1, 2
"""Requests, by their numbers: of the display, the registry, and the notifier."""
ERROR, GLOBAL = (DISPLAY_ID, 0), (REGISTRY_ID, 0)
DONE, IDLED, RESUMED = (CALLBACK_ID, 0), (NOTICE_ID, 0), (NOTICE_ID, 1)
"""Events, each by who sends it and its number."""


class WaylandError(Exception):
    """The compositor refused, lacks the protocol, or sent what is no message."""


class Global(NamedTuple):
    """Something that the compositor offers: its number and the newest version that it knows."""

    number: int
    version: int


class Wayland:
    """Listens to one compositor. The connection stays open, because only that tells of input."""

    def __init__(self, environment: Mapping[str, str] | None = None, batch_s: float = BATCH_S) -> None:
        """`environment` says where the compositor's socket is."""
        self._environment = os.environ if environment is None else environment
        self._batch_s = batch_s
        self._reading: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._writer: asyncio.StreamWriter | None = None
        self._since = 0.0
        """By the event loop's clock, from when on the compositor counts."""
        self._idled: float | None = None
        """When it last said that there was no input for `BATCH_S`; None while there is some."""

    async def look(self) -> Seen | None:
        """Return the time since the last input; None if no compositor says it, or it counts too short a time yet."""
        if self._reading is None or self._reading.done():
            self._ready.clear()
            self._reading = asyncio.create_task(self._listen(), name="wayland")
        waiting = asyncio.create_task(self._ready.wait())
        await asyncio.wait({waiting, self._reading}, timeout=READY_WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not self._ready.is_set() or self._reading.done():
            return None
        now = asyncio.get_running_loop().time()
        if self._idled is not None:
            return Seen(idle_s=now - self._idled + self._batch_s)
        return Seen(idle_s=0.0) if now - self._since >= self._batch_s else None

    def close(self) -> None:
        """Close the connection."""
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.cancel()
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    async def _listen(self) -> None:
        """Connect and note what the compositor says until it ends; raises nothing but being cancelled."""
        path = socket_of(self._environment)
        if path is None:
            return
        try:
            reader, self._writer = await asyncio.open_unix_connection(path)
            await self._follow(reader, self._writer)
        except (OSError, EOFError, WaylandError, struct.error) as error:
            log.debug("the Wayland compositor at %s: %s", path, error)
        finally:
            self._idled = None
            if self._writer is not None:
                self._writer.close()

    async def _follow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Ask to be told of input, and note what is told. Raises `WaylandError`, `EOFError` and `struct.error`."""
        loop, offered = asyncio.get_running_loop(), dict[bytes, Global]()
        writer.write(_request(DISPLAY_ID, GET_REGISTRY, struct.pack("=I", REGISTRY_ID)))
        writer.write(_request(DISPLAY_ID, SYNC, struct.pack("=I", CALLBACK_ID)))
        async for sender, event, body in _messages(reader):
            told = sender, event
            if told == ERROR:
                raise WaylandError(f"error {struct.unpack_from('=I', body, 4)[0]}")
            if told == GLOBAL:
                number, name, version = _global(body)
                offered.setdefault(name, Global(number, version))
            elif told == DONE:  # all that is offered has been told
                self._ask(writer, offered)
                self._since, self._idled = loop.time(), None
                self._ready.set()
            elif told == IDLED:
                self._idled = loop.time()
            elif told == RESUMED:
                self._idled = None

    def _ask(self, writer: asyncio.StreamWriter, offered: Mapping[bytes, Global]) -> None:
        """Ask for notices of the first seat. Raises `WaylandError` if there is none, or no such protocol."""
        if NOTIFIER not in offered or SEAT not in offered:
            raise WaylandError(f"it lacks {(NOTIFIER if SEAT in offered else SEAT).decode()}")
        version = min(offered[NOTIFIER].version, 2)
        writer.write(_bind(offered[SEAT].number, SEAT, 1, SEAT_ID))
        writer.write(_bind(offered[NOTIFIER].number, NOTIFIER, version, NOTIFIER_ID))
        how = GET_INPUT_NOTICE if version >= 2 else GET_NOTICE  # the first one takes a film that plays for input, too
        asked = struct.pack("=III", NOTICE_ID, int(self._batch_s * 1000), SEAT_ID)
        writer.write(_request(NOTIFIER_ID, how, asked))


def socket_of(environment: Mapping[str, str]) -> Path | None:
    """The compositor's socket; None if the environment names none."""
    name, folder = environment.get("WAYLAND_DISPLAY"), environment.get("XDG_RUNTIME_DIR")
    if not name or not (folder or name.startswith("/")):
        return None
    return Path(folder or "/", name)


async def _messages(reader: asyncio.StreamReader) -> AsyncIterator[tuple[int, int, bytes]]:
    """Yield who sent each message, which event it is, and its arguments. Raises `EOFError` and `WaylandError`."""
    while True:
        sender, word = struct.unpack("=II", await reader.readexactly(8))
        size = word >> 16
        if not 8 <= size <= LONGEST:
            raise WaylandError(f"a message of {size} bytes")
        yield sender, word & 0xFFFF, await reader.readexactly(size - 8)


def _request(receiver: int, number: int, arguments: bytes) -> bytes:
    return struct.pack("=II", receiver, (8 + len(arguments)) << 16 | number) + arguments


def _bind(number: int, interface: bytes, version: int, new: int) -> bytes:
    return _request(
        REGISTRY_ID, BIND, struct.pack("=I", number) + _string(interface) + struct.pack("=II", version, new)
    )


def _string(text: bytes) -> bytes:
    data = text + b"\0"
    return struct.pack("=I", len(data)) + data + bytes(-len(data) % 4)


def _global(body: bytes) -> tuple[int, bytes, int]:
    """The number, name and version of something that is offered. Raises `struct.error`."""
    number, length = struct.unpack_from("=II", body)
    name = body[8 : 8 + length].rstrip(b"\0")
    (version,) = struct.unpack_from("=I", body, 8 + length + -length % 4)
    return number, name, version

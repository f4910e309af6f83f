"""Where the running service answers other commands (`hipsync.service.control_client`), on a socket of its owner's."""

# What JSON holds has any type until it was looked at.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from hipsync.errors import BluetoothUnavailable, ConfigError, HipsyncError
from hipsync.host.clock import Clock
from hipsync.service.control_client import WITHIN_S, Line, door
from hipsync.service.plan import Settings
from hipsync.service.service import Service
from hipsync.service.status_text import doing
from hipsync.store import Band

log = logging.getLogger(__name__)

LONGEST = 16 * 1024
"""Bytes of a question: names of bands, no more."""
CLIENTS = 8
"""At a time; another one is told to try again."""


class Alarm(Protocol):
    """What wakes the service."""

    def alone(self) -> asyncio.Lock: ...

    def look(self) -> None: ...

    def take(self, settings: Settings) -> None: ...

    def trouble(self) -> str | None: ...


class Desk:
    """Answers what other commands ask of the running service."""

    def __init__(
        self, service: Service, alarm: Alarm, clock: Clock, settings: Callable[[], Settings] | None = None
    ) -> None:
        """`settings` reads the user's settings anew."""
        self._service, self._alarm, self._clock, self._settings = service, alarm, clock, settings

    async def answer(self, question: Line) -> Line:
        try:
            match question:
                case {"do": "look"}:
                    self._alarm.look()
                    return {}
                case {"do": "reload"} if self._settings is not None:
                    self._alarm.take(self._settings())
                    return {}
                case {"do": "status"}:
                    connected = ", ".join(self._service.live.connected())
                    return {"process": os.getpid(), "connected": connected, "trouble": self._alarm.trouble()}
                case {"do": "line"}:
                    now = self._clock.now()
                    return {"line": doing(self._service.state(now), now)}
                case {"do": "sync", "band": str(name), "since": str() | None as since}:
                    async with self._alarm.alone():
                        fetched = await self._service.fetch(self._band(name), _instant(since))
                    self._alarm.look()
                    return fetched._asdict()
                case {"do": "buzz", "band": str(name)}:
                    async with self._alarm.alone():
                        await self._service.buzz(self._band(name))
                    return {}
                case _:
                    return {"error": "this service does not know that command: it is another version", "code": 1}
        except ConfigError as error:
            return {"error": str(error), "code": 2}
        except BluetoothUnavailable as error:
            return {"error": str(error), "code": 4}
        except HipsyncError as error:
            return {"error": str(error), "code": 1}
        except Exception:  # a driver is strangers' code
            log.exception("a bug in hipsync or in a driver; the service goes on")
            return {"error": "a bug in hipsync or in a driver: see the service's log", "code": 1}

    def _band(self, name: str) -> Band:
        for band in self._service.store.bands():
            if band.name == name:
                return band
        raise ConfigError(f"no band {name!r} is known")


def _instant(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.fromisoformat(text).astimezone(UTC)
    except ValueError as error:
        raise ConfigError(f"{text!r} is no instant") from error


@contextlib.asynccontextmanager
async def opened(database: Path, answer: Callable[[Line], Awaitable[Line]]) -> AsyncGenerator[None, None]:
    """Listen for as long as the context lasts; without a door, which is logged, if there can be none.

    The caller holds the lock of this database, so a socket that is there already was left by a dead process.
    """
    clients: set[asyncio.Task[None]] = set()

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  streams run this in a task
        clients.add(task)
        try:
            await _talk(reader, writer, answer, crowded=len(clients) > CLIENTS)
        finally:
            clients.discard(task)
            writer.close()

    path = door(database)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        before = os.umask(0o177)  # the socket is born private: nothing can come between bind and chmod
        try:
            server = await asyncio.start_unix_server(met, path, limit=LONGEST)
        finally:
            os.umask(before)
    except (OSError, AttributeError) as error:
        log.warning("other commands cannot reach this service: %s: %s", path, error)
        yield
        return
    try:
        yield
    finally:
        server.close()
        for client in list(clients):
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        path.unlink(missing_ok=True)


async def _talk(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    answer: Callable[[Line], Awaitable[Line]],
    *,
    crowded: bool,
) -> None:
    if not _owner(writer):
        return
    try:
        async with asyncio.timeout(WITHIN_S):
            question: object = json.loads(await reader.readline())
    except (OSError, ValueError, RecursionError) as error:  # ValueError: no JSON, no UTF-8, longer than `LONGEST`
        log.debug("a question that is none: %s", error)
        question = None
    if not isinstance(question, dict):
        told: Line = {"error": "that was no question", "code": 2}
    elif crowded:
        told = {"error": "too many commands at once: try again", "code": 1}
    else:
        told = await answer(question)
    with contextlib.suppress(OSError):  # a client that left, or does not take it
        async with asyncio.timeout(WITHIN_S):
            writer.write(json.dumps(told).encode() + b"\n")
            await writer.drain()


def _owner(writer: asyncio.StreamWriter) -> bool:
    """Whether the other end belongs to our user, or to root; where the system does not say, the file's mode must do."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    held = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, user, _ = struct.unpack("3i", held)
    return user in {os.getuid(), 0}

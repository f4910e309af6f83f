"""How the running service answers other commands, on a socket that only its owner can open.

The socket is only as private as its file, so the other end's user is checked too. A client may send noise, leave or
hang. The one rule: whatever a client does, it gets one line or none, and the service goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from hipsync.errors import BluetoothUnavailable, ConfigError, HipsyncError
from hipsync.host.clock import Clock
from hipsync.host.peer import is_ours
from hipsync.model import Band
from hipsync.service.alarm import Alarm
from hipsync.service.clock_steps import steps_to_json
from hipsync.service.collecting import Collecting
from hipsync.service.control_client import WITHIN_S, Line, socket_path
from hipsync.service.here import here_to_json
from hipsync.service.home_port import Home
from hipsync.service.now import now_of
from hipsync.service.rooms_port import Rooms
from hipsync.service.state import Settings
from hipsync.service.status_text import bar
from hipsync.text import Json, json_of

log = logging.getLogger(__name__)

LONGEST_QUESTION = 16 * 1024
"""The most bytes of a question, which has no more in it than the name of a band and a time."""
MOST_CLIENTS = 8
"""Clients that are served at the same time; another one is asked to try again."""

JUDGES_NOTHING = "what runs here is a gateway: it collects from the bands of many wearers, and judges nothing"

Answer = Callable[[Line], Awaitable[Line]]
"""A function that makes the answer to a question, and raises nothing."""
LONGEST_LOAN_S = 600.0
"""The most seconds for which proxies are lent to another command, which may have died meanwhile."""


class ControlServer:
    """Answers what other commands ask of the running service."""

    def __init__(
        self,
        service: Collecting,
        alarm: Alarm,
        clock: Clock,
        settings: Callable[[], Settings] | None = None,
        trouble: Callable[[], str | None] | None = None,
        home: Home | None = None,
        rooms: Rooms | None = None,
    ) -> None:
        """`settings` reads the user's settings again; without it the question `reload` is refused.

        `trouble` says what is the matter besides the alarm's own trouble, or None. `home` says how things are with
        home automation, and `rooms` with proxies; None for none.
        """
        self._service, self._alarm, self._clock, self._settings = service, alarm, clock, settings
        self._other_trouble, self._home, self._rooms = trouble, home, rooms

    async def answer(self, question: Line) -> Line:
        """Answer a question. Nothing is raised: a failure becomes an answer with `error` and the exit code for it."""
        try:
            return await self._reply(question)
        except ConfigError as error:
            return {"error": str(error), "code": 2}
        except BluetoothUnavailable as error:
            return {"error": str(error), "code": 4}
        except HipsyncError as error:
            return {"error": str(error), "code": 1}
        except Exception:  # a driver is strangers' code
            log.exception("a bug in hipsync or in a driver; the service goes on")
            return {"error": "a bug in hipsync or in a driver: see the service's log", "code": 1}

    async def _reply(self, question: Line) -> Line:
        match question:
            case {"do": "look"}:
                self._alarm.look()
                return {}
            case {"do": "reload"} if self._settings is not None:
                self._alarm.use(self._settings())
                return {}
            case {"do": "status"}:
                connected = ", ".join(self._service.live.connected())
                steps, trouble = steps_to_json(self._alarm.steps()), self._trouble()
                return {
                    "process": os.getpid(), "connected": connected, "trouble": trouble, "clock_steps": steps,
                    "here": here_to_json(self._service.here()), "judges": self._service.judges,
                    "home": None if self._home is None else self._home.told(),
                    "proxies": [] if self._rooms is None else self._rooms.told(),
                }  # fmt: skip
            case {"do": "lend", "seconds": int() | float() as seconds} if self._rooms is not None:
                self._rooms.lend(min(max(0, seconds), LONGEST_LOAN_S))
                return {}
            case {"do": "line"}:
                now = self._clock.now()
                _, state = self._service.look(now)
                if state is None:
                    return {"error": JUDGES_NOTHING, "code": 1}
                shown = bar(now_of(state, now, running=True))
                return {"line": shown["text"], "bar": {**shown}}
            case {"do": "sync", "band": str(name), "since": str() | None as since}:
                async with self._alarm.one_at_a_time:
                    fetched = await self._service.fetch(self._band(name), _instant(since))
                self._alarm.look()
                return fetched._asdict()
            case {"do": "buzz", "band": str(name)}:
                async with self._alarm.one_at_a_time:
                    await self._service.buzz(self._band(name))
                return {}
            case _:
                return {"error": "this service does not know that command: it is another version", "code": 1}

    def _trouble(self) -> str | None:
        other = None if self._other_trouble is None else self._other_trouble()
        rooms = None if self._rooms is None else self._rooms.trouble()
        return "; ".join(filter(None, (self._alarm.trouble(), other, rooms))) or None

    def _band(self, name: str) -> Band:
        for band in self._service.store.bands():
            if band.name == name:
                return band
        raise ConfigError(f"no band {name!r}")


def _instant(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:  # overflow: in UTC it lies before the year 1, or after 9999
        raise ConfigError(f"{text!r} is no instant") from error


@contextlib.asynccontextmanager
async def listening(database: Path, answer: Answer) -> AsyncGenerator[None, None]:
    """Answer questions on the socket for this database during the block. If it cannot be made, that is logged instead.

    The caller holds the lock of this database, so a socket that is there already was left by a dead process.
    """
    clients: set[asyncio.Task[None]] = set()

    async def on_connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  streams run this in a task
        clients.add(task)
        try:
            await _serve(reader, writer, answer, crowded=len(clients) > MOST_CLIENTS)
        finally:
            clients.discard(task)
            writer.close()

    path = socket_path(database)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        before = os.umask(0o177)  # the socket is born private: nothing can come between bind and chmod
        try:
            server = await asyncio.start_unix_server(on_connect, path, limit=LONGEST_QUESTION)
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


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answer, *, crowded: bool) -> None:
    """Receive one question and send one answer; a client of another user gets none."""
    connection: socket.socket = writer.get_extra_info("socket")
    if not is_ours(connection):
        return
    question: Json = None
    try:
        async with asyncio.timeout(WITHIN_S):
            question = json_of(await reader.readline())
    except (OSError, ValueError) as error:  # ValueError: no JSON, or longer than `LONGEST_QUESTION`
        log.debug("a question that is none: %s", error)
    if not isinstance(question, dict):
        reply: Line = {"error": "that was no question", "code": 2}
    elif crowded:
        reply = {"error": "too many commands at once: try again", "code": 1}
    else:
        reply = await answer(question)
    with contextlib.suppress(OSError):  # a client that left, or does not receive it
        async with asyncio.timeout(WITHIN_S):
            writer.write(json.dumps(reply).encode() + b"\n")
            await writer.drain()

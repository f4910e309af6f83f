"""The door to the running service: a socket that only its owner can open, one question and one answer a connection.

Both are a line of JSON::

    {"do": "sync", "bands": ["desk-band"], "since": null}
    {"bands": [{"name": "desk-band", "epochs": 42, ...}]}

What is kept in the database needs no door: commands write it there, and then say `{"do": "look"}`, so that the service
looks at once. An answer with `error` was refused, and has the exit code that the command ends with.

Untried: Windows, where asyncio knows no such sockets; there the service looks at the database once a minute.
"""

# What JSON holds has any type until it was looked at.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import os
import socket
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from pathlib import Path

from hipsync.errors import HipsyncError, Refused
from hipsync.paths import runtime_dir

log = logging.getLogger(__name__)

Line = Mapping[str, object]
LONGEST = 16 * 1024
"""Bytes of a question: names of bands, no more."""
WITHIN_S = 5.0
"""For a client to say its question, and to take the answer."""
CLIENTS = 8
"""At a time; another one is told to try again."""


def door(database: Path) -> Path:
    """The socket of the service on this database."""
    mark = hashlib.sha256(os.fsencode(database.absolute())).hexdigest()[:12]
    return runtime_dir() / f"{mark}.sock"


def ask(database: Path, question: Line, within_s: float | None = WITHIN_S) -> Line | None:
    """The running service's answer; None if no service runs there. Raises `Refused`, and `HipsyncError` if it hangs."""
    if not hasattr(socket, "AF_UNIX"):
        return None
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(WITHIN_S)
        try:
            client.connect(os.fspath(door(database)))
        except OSError:
            return None
        client.settimeout(within_s)
        try:
            client.sendall(json.dumps(question).encode() + b"\n")
            with client.makefile("rb") as answers:
                answer = json.loads(answers.readline())
        except (OSError, ValueError) as error:
            raise HipsyncError("the running service gives no answer: see its log, or stop and start it") from error
    if not isinstance(answer, dict):
        raise HipsyncError("what answers for the service is not hipsync: stop it")
    if "error" in answer:
        raise Refused(str(answer["error"]), int(answer.get("code", 1)))
    return answer


def look(database: Path) -> None:
    """Let a running service see at once what was written into the database; without one there is nothing to do."""
    with contextlib.suppress(HipsyncError):
        ask(database, {"do": "look"}, 1.0)


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

"""When input came last, by ActivityWatch on this computer: of all it holds, the newest event of one bucket is read.

The bucket of the watcher "afk" says when this computer's user was there and when not, and nothing else. Its event "not
afk" grows up to the last input. The server is asked on the loopback address alone, in plain HTTP, and only if the
user's settings say so (`presence.activitywatch`).

Source: ActivityWatch's REST API, docs.activitywatch.net/en/latest/api/rest.html, and "Buckets and events": the bucket
`aw-watcher-afk_HOSTNAME`, type `afkstatus`, data `{"status": "afk" | "not-afk"}`, newest event first.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import quote

from hipsync.host.presence.seen import Seen
from hipsync.text import Json, json_of

log = logging.getLogger(__name__)

HOST, PORT = "127.0.0.1", 5600
REPLY_WITHIN_S = 2.0
LONGEST = 16 * 1024
"""The most bytes of an answer that are read: one event has some hundred."""
STALE = timedelta(minutes=3)
"""How old the end of the newest event may be. The watcher writes every few seconds, so an older one means that it does
not run."""


class ActivityWatch:
    """Asks ActivityWatch's server on this computer whether its user is away."""

    def __init__(self, now: Callable[[], datetime], port: int = PORT, host: str | None = None) -> None:
        """`now` is this computer's clock, by which the watcher stamps events. `host` is the computer's name."""
        self._now, self._port, self._host = now, port, socket.gethostname() if host is None else host

    async def look(self) -> Seen | None:
        """Return the time since the last input; None if the server or its watcher does not run."""
        bucket = quote(f"aw-watcher-afk_{self._host}", safe="")
        try:
            async with asyncio.timeout(REPLY_WITHIN_S):
                events = json_of(await self._got(f"/api/0/buckets/{bucket}/events?limit=1"))
            return _seen(events, self._now())
        except (OSError, EOFError, ValueError) as error:  # OSError: also the timeout
            log.debug("ActivityWatch: %s", error)
            return None

    def close(self) -> None:
        """Close nothing: each question has a connection of its own."""

    async def _got(self, path: str) -> bytes:
        """The body of the answer to a GET. Raises `OSError`, `ValueError` if it is no answer of status 200."""
        reader, writer = await asyncio.open_connection(HOST, self._port, limit=LONGEST)
        try:
            writer.write(f"GET {path} HTTP/1.0\r\nHost: {HOST}:{self._port}\r\nAccept: */*\r\n\r\n".encode())
            answer = await reader.read(LONGEST)
            while more := await reader.read(LONGEST - len(answer)):
                answer += more
        finally:
            writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        if head.split(b" ", 2)[1:2] != [b"200"]:
            raise ValueError(f"it answered {head[:40]!r}")
        return body


def _seen(events: Json, now: datetime) -> Seen | None:
    """What the newest event says at `now`. Raises `ValueError` if it is no event of this watcher."""
    match events:
        case [{"timestamp": str(begun), "duration": int() | float() as lasted, "data": {"status": str(status)}}, *_]:
            start = datetime.fromisoformat(begun)
        case []:
            return None
        case _:
            raise ValueError(f"that is no event: {json.dumps(events)[:80]}")
    if start.tzinfo is None or not 0 <= lasted < timedelta.max.total_seconds():
        raise ValueError("an event has no offset, or no length")
    until = start + timedelta(seconds=lasted)
    if not -STALE <= now - until <= STALE:
        return None
    if status == "not-afk":
        return Seen(idle_s=max((now - until).total_seconds(), 0.0))
    return Seen(idle_s=(now - start).total_seconds()) if status == "afk" else None

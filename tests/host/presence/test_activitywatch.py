"""ActivityWatch, by a stand-in of its documented REST API on the loopback address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from hipsync.host.presence.activitywatch import ActivityWatch
from hipsync.host.presence.computer import Computer
from hipsync.host.presence.seen import UNKNOWN, Seen
from support.stored import NOW

pytestmark = pytest.mark.enable_socket
PATH = "/api/0/buckets/aw-watcher-afk_desk/events?limit=1"


@asynccontextmanager
async def served(answers: Mapping[str, bytes]) -> AsyncGenerator[tuple[int, list[str]], None]:
    """A server on loopback that answers these paths, and 404 to others; yields its port and what it was asked."""
    asked: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        verb, path, _ = head.split(" ", 2)
        asked.append(f"{verb} {path}")
        body = answers.get(path)
        status = "404 NOT FOUND" if body is None else "200 OK"
        writer.write(f"HTTP/1.0 {status}\r\nContent-Type: application/json\r\n\r\n".encode() + (body or b"{}"))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], asked
    finally:
        server.close()


def event(ago_s: float, lasted_s: float, status: str) -> bytes:
    """An event that began `ago_s` ago, as the server writes it."""
    begun = (NOW - timedelta(seconds=ago_s)).isoformat()
    return f'[{{"id": 7, "timestamp": "{begun}", "duration": {lasted_s}, "data": {{"status": "{status}"}}}}]'.encode()


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        (event(600, 595, "not-afk"), Seen(idle_s=5)),
        (event(600, 599.5, "not-afk"), Seen(idle_s=0.5)),
        (event(600, 601, "not-afk"), Seen(idle_s=0)),
        (event(600, 590, "afk"), Seen(idle_s=600)),
        (event(6000, 5800, "not-afk"), None),
        (event(6000, 5800, "afk"), None),
        (event(60, 58, "dancing"), None),
        (b"[]", None),
        (b"{}", None),
        (b"[{}]", None),
        (b"no json", None),
        (b'[{"timestamp": "2026-03-02T12:00:00", "duration": 1, "data": {"status": "afk"}}]', None),
        (b'[{"timestamp": "noon", "duration": 1, "data": {"status": "afk"}}]', None),
        (b'[{"timestamp": "2026-03-02T12:00:00+00:00", "duration": 1e300, "data": {"status": "afk"}}]', None),
        (b'[{"timestamp": "2026-03-02T12:00:00+00:00", "duration": -5, "data": {"status": "afk"}}]', None),
        (b"[" * 40_000, None),
    ],
)
async def test_the_newest_event_says_when_input_came_last(body: bytes, seen: Seen | None) -> None:
    async with served({PATH: body}) as (port, asked):
        assert await ActivityWatch(lambda: NOW, port, "desk").look() == seen
    assert asked == [f"GET {PATH}"], "one event of one bucket, and nothing else"


async def test_another_computer_s_bucket_is_not_this_one_s_and_nobody_there_is_no_answer() -> None:
    async with served({PATH: event(600, 595, "not-afk")}) as (port, asked):
        assert await ActivityWatch(lambda: NOW, port, "laptop/../desk").look() is None
        assert asked == ["GET /api/0/buckets/aw-watcher-afk_laptop%2F..%2Fdesk/events?limit=1"]
    assert await ActivityWatch(lambda: NOW, port, "desk").look() is None


async def test_it_is_asked_only_if_the_user_wants_that(monkeypatch: pytest.MonkeyPatch) -> None:
    async with served({PATH: event(600, 595, "not-afk")}) as (port, asked):
        monkeypatch.setattr("hipsync.host.presence.activitywatch.PORT", port)
        monkeypatch.setattr("hipsync.host.presence.activitywatch.ActivityWatch.__init__.__defaults__", (port, "desk"))
        for wanted, seen in ((False, UNKNOWN), (True, Seen(idle_s=5))):
            computer = Computer(lambda: NOW, environment={}, platform="freebsd", activitywatch=iter([wanted]).__next__)
            assert await computer.look() == seen
            computer.close()
    assert len(asked) == 1

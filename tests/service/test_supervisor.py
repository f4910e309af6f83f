"""What the running service sends to systemd, and when it falls silent."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Generator
from contextlib import suppress
from pathlib import Path

import pytest

from hipsync.service import alarm
from support.running_service import SECOND, Watched, serving, until

pytestmark = pytest.mark.usefixtures("short_waits")


@pytest.fixture
def supervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Callable[[], list[str]], None, None]:
    """Returns the lines that were sent to the supervisor so far."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
        there.bind(str(tmp_path / "notify"))
        there.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        lines: list[str] = []

        def received() -> list[str]:
            with suppress(BlockingIOError):
                while True:
                    lines.extend(there.recv(4096).decode().splitlines())
            return lines

        yield received


def test_the_supervisor_is_notified_of_the_start_the_end_and_what_happens(
    database: Path, supervisor: Callable[[], list[str]]
) -> None:
    async def story(service: Watched) -> None:
        await service.until(lambda service: len(service.said) == 1)
        await until(lambda: "WATCHDOG=1" in supervisor())
        assert supervisor()[0] == "READY=1"

    serving(database, story)
    assert supervisor()[-2:] == ["STOPPING=1", "STATUS=stopping"]
    assert any(line.startswith("STATUS=Sitting for ") for line in supervisor())


def test_a_wake_that_is_stuck_lets_the_watchdog_bite(
    database: Path, supervisor: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(service: Watched) -> None:
        begun = asyncio.Event()

        async def for_ever() -> None:
            begun.set()
            await asyncio.Event().wait()

        service.first = [for_ever]
        await begun.wait()
        await until(lambda: "WATCHDOG=1" in supervisor())
        monkeypatch.setattr(alarm, "STUCK_AFTER", 0 * SECOND)
        alive = len([line for line in supervisor() if line == "WATCHDOG=1"])
        await asyncio.sleep(0.5)  # ten looks
        assert len([line for line in supervisor() if line == "WATCHDOG=1"]) == alive > 0

    serving(database, story)

"""What the tests of the running service share: a database with somebody who sits, short waits, and a session bus."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from hipsync.model import MINUTE, Epoch
from hipsync.service import alarm, desktop
from hipsync.store import Store
from support.private_bus import private_bus
from support.running_service import CLOCK, SECOND


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The running service looks and tries again within fractions of a second."""
    monkeypatch.setattr(alarm, "AT_MOST_EVERY", 0.02 * SECOND)
    monkeypatch.setattr(alarm, "AFTER_FAILURE", 0.1 * SECOND)
    monkeypatch.setattr(alarm, "LOOK_EVERY", 0.05 * SECOND)
    monkeypatch.setattr(alarm, "LISTEN_EVERY", 0.05 * SECOND)


@pytest.fixture
async def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[str, None]:
    """A session bus, at the end without connections of ours."""
    with private_bus(tmp_path) as address:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        yield address
        opened = desktop._desktops.pop(asyncio.get_running_loop(), None)  # pyright: ignore[reportPrivateUsage]
        if opened is not None:
            desktop._hang_up(opened)  # pyright: ignore[reportPrivateUsage]
        await asyncio.sleep(0)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database in which somebody has been sitting for an hour and a half, without a prompt so far."""
    path = tmp_path / "hipsync.db"
    now = CLOCK.now()
    minute = now.replace(second=0, microsecond=0)
    with Store.open(path) as store:
        band = store.add_band(name="data", driver="csv", now=now, vouches=True, reports_wear=True)
        walked = [Epoch(minute - (100 - i) * MINUTE, MINUTE, 100, heart_rate=90) for i in range(10)]
        sat = [Epoch(minute - (90 - i) * MINUTE, MINUTE, 0, heart_rate=60) for i in range(90)]
        store.append(band.id, walked + sat)
    return path

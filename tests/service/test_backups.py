"""The running service copies its database once a day."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hipsync.service import alarm
from hipsync.store import Store
from support.running_service import CLOCK, SECOND, Watched, serving, until

pytestmark = pytest.mark.usefixtures("short_waits")


def test_the_database_is_copied_once_a_day(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarm, "BACKUP_EVERY", 0.05 * SECOND)

    async def story(service: Watched) -> None:
        await until(lambda: bool(service.store.backups()))
        await asyncio.sleep(1.1)  # another copy would have another name

    service = serving(database, story)
    copies = sorted((database.parent / "backups").iterdir())
    assert len(copies) <= 1 + (service.wakes[0].date() != CLOCK.now().date())
    with Store.read(copies[0]) as store:
        assert [band.name for band in store.bands()] == ["data"]

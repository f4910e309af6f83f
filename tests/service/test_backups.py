"""The running service copies its database once a day."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path

import pytest

from hipsync.conversation.session import Connection
from hipsync.core.exercises import Move
from hipsync.model import Band, Prompt, Where
from hipsync.service import alarm
from hipsync.service.service import Service
from hipsync.service.state import settings_of
from hipsync.settings.config import Config
from hipsync.store import Store
from support.running_service import CLOCK, SECOND, Watched, serving, until
from support.stored import HOUR, NOW, band, minute

DAY = timedelta(days=1)

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


class NoRadio:
    """No band is contacted here."""

    def reach(self, band: Band) -> AbstractAsyncContextManager[Connection]:
        raise AssertionError(band)


def test_a_damaged_database_is_logged_and_shown_once_and_its_good_copies_stay(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "hipsync.db"
    shown: list[str] = []
    clock = [NOW]

    async def show() -> None:
        shown.append("damaged")

    async def nowhere(prompt: Prompt, move: Move, strong: bool) -> Sequence[Where]:
        return []

    with Store.open(path) as store:
        store.append(band(store), [minute(at) for at in range(5000)])
        good = [store.backup(None, NOW - at * DAY) for at in range(7, 0, -1)]
    with path.open("r+b") as file:
        file.seek(file.seek(0, 2) // 2)
        file.write(b"\xa5" * 4096)

    async def story() -> None:
        with Store.open(path) as store:
            service = Service(
                store, settings_of(Config(), "UTC"), radio=NoRadio(), drivers={}, secret=lambda _: None,
                deliver=nowhere, now=lambda: clock[0], show_damage=show,
            )  # fmt: skip
            for hour in range(48):
                clock[0] = NOW + hour * HOUR
                await service.backup()
            assert sorted(store.backups()) == good

    asyncio.run(story())
    assert shown == ["damaged"]
    errors = [record.message for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 1
    assert errors[0].startswith(f"{path} is damaged (")

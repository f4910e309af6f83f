"""A database that is locked, moved, replaced or upgraded while the service runs."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from hipsync.errors import Outdated, StoreError
from hipsync.model import MINUTE, Pause
from hipsync.service import control_client as control
from hipsync.service.daemon import run
from hipsync.store import Store
from hipsync.store import file as store_file
from support.running_service import CLOCK, Watched, serving, warnings_of

pytestmark = pytest.mark.usefixtures("short_waits")


WHOLE = CLOCK.now().replace(microsecond=0)


@contextmanager
def locked(database: Path) -> Generator[None]:
    """Another program writes, and takes its time."""
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_a_database_that_is_locked_is_reported_and_used_again_when_it_can_be(
    database: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(store_file, "BUSY_S", 0.05)
    reported: list[object] = []

    async def story(service: Watched) -> None:
        with locked(database):  # what is due at the start cannot be written down, and so is not said
            await service.until(lambda service: len(service.wakes) >= 3)
            reported.append(await asyncio.to_thread(control.ask, database, {"do": "status"}))
            assert service.said == []
        await service.until(lambda service: len(service.said) == 1)
        reported.append(await asyncio.to_thread(control.ask, database, {"do": "status"}))

    service = serving(database, story)
    assert len(service.said) == 1
    trouble = f"{database} is locked by another program that writes: try again when it is done"
    assert [isinstance(each, dict) and each["trouble"] for each in reported] == [trouble, None]
    assert len([record for record in warnings_of(caplog) if "is locked" in record.message]) == 1


def test_a_database_that_is_moved_away_is_reported_and_used_again_when_it_is_back(database: Path) -> None:
    aside, pause = database.with_name("aside.db"), Pause(WHOLE, WHOLE + MINUTE)
    reported: list[str | None] = []

    async def story(service: Watched) -> None:
        shutil.move(database, aside)
        with pytest.raises(StoreError) as caught:
            service.store.add_pause(pause)
        reported.append(str(caught.value))
        shutil.move(aside, database)  # it was not made anew, or this would be refused
        service.store.add_pause(pause)

    serving(database, story)
    assert reported == [
        f"{database} was deleted or moved while it was open: put it back, or a copy with `hipsync db restore`"
    ]
    with Store.read(database) as store:
        assert store.pause(pause.at) == pause


def test_another_database_in_its_place_is_used_from_then_on(database: Path, tmp_path: Path) -> None:
    other, pause = tmp_path / "other.db", Pause(WHOLE, WHOLE + MINUTE)
    with Store.open(other) as store:
        store.add_band(name="other", driver="csv", now=CLOCK.now())

    async def story(service: Watched) -> None:
        await service.until(lambda service: len(service.said) == 1)
        shutil.move(other, database)
        with pytest.raises(StoreError, match="was replaced by another file, which is used from now on"):
            service.store.add_pause(pause)
        service.store.add_pause(pause)
        assert [band.name for band in service.store.bands()] == ["other"]

    serving(database, story)
    with Store.read(database) as store:
        assert [band.name for band in store.bands()] == ["other"]
        assert store.pause(pause.at) == pause
        assert store.check() == []


def test_a_database_that_a_newer_hipsync_brought_up_to_date_ends_the_service(database: Path) -> None:
    async def upgraded() -> None:
        with Store.open(database) as store:
            running = asyncio.ensure_future(run(Watched(store), CLOCK))
            await asyncio.sleep(0.2)
            with closing(sqlite3.connect(database)) as newer:
                newer.execute("PRAGMA user_version = 999")
                newer.commit()
            with pytest.raises(Outdated, match="was brought up to date by another hipsync"):
                await asyncio.wait_for(running, 5)

    asyncio.run(upgraded())

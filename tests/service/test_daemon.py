"""`hipsync run` wakes the service when something is due, whatever fails in between.

These tests run in real time, because the scheduler reads the host's clock; the waits of the product are shortened.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from hipsync.cli import hipsync
from hipsync.conversation.session import Connection
from hipsync.core.exercises import Move
from hipsync.errors import NotHeard, StoreError
from hipsync.model import MINUTE, Answer, Band, BandId, Prompt, Where
from hipsync.registry import drivers
from hipsync.service.answers import answer_prompt
from hipsync.service.daemon import run
from hipsync.service.service import Service
from hipsync.service.state import settings_of
from hipsync.settings.config import Config
from hipsync.store import Store
from support.running_service import CLOCK, SECOND, NoRadio, Watched, failing, serving, warnings_of

pytestmark = pytest.mark.usefixtures("short_waits")


def test_what_is_due_at_the_start_is_said_at_once_and_once(database: Path) -> None:
    async def story(service: Watched) -> None:
        await service.until(lambda service: len(service.said) == 1)
        await asyncio.sleep(0.3)  # several looks

    service = serving(database, story)
    assert len(service.said) == 1
    assert len(service.wakes) <= 2
    with Store.open(database) as store:
        (prompt,) = store.prompts(service.wakes[0] - MINUTE, service.wakes[0] + MINUTE)
        assert prompt.where == (Where.TERMINAL,)


def test_a_failed_wake_is_tried_again_after_the_pause_and_not_before(database: Path) -> None:
    async def story(service: Watched) -> None:
        service.first = [failing(StoreError("the database is locked"))] * 3
        await service.until(lambda service: len(service.said) == 1)

    wakes = serving(database, story).wakes[:4]
    pauses = [later - earlier for earlier, later in pairwise(wakes)]
    assert len(pauses) == 3
    assert all(0.1 * SECOND <= pause < SECOND for pause in pauses)


def test_a_streak_of_failures_is_logged_once(database: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "hipsync.service.alarm")

    async def story(service: Watched) -> None:
        service.first = [failing(StoreError("the disk is full"))] * 2 + [failing(StoreError("it is locked"))] * 2
        await service.until(lambda service: len(service.said) == 1)

    serving(database, story)
    assert [record.message for record in warnings_of(caplog)] == ["the disk is full", "it is locked"]


def test_a_bug_is_logged_with_its_traceback_and_the_service_goes_on(
    database: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(service: Watched) -> None:
        service.first = [failing(ZeroDivisionError("a bug"))] * 2
        await service.until(lambda service: len(service.said) == 1)

    serving(database, story)
    (bug,) = warnings_of(caplog)
    assert bug.exc_info is not None
    assert isinstance(bug.exc_info[1], ZeroDivisionError)


def test_an_answer_from_another_process_is_seen(database: Path) -> None:
    """A snooze that ends soon brings the prompt back, although the service had planned to look later."""

    async def story(service: Watched) -> None:
        await service.until(lambda service: len(service.said) == 1)
        with Store.open(database) as theirs:
            answer_prompt(theirs, service.said[0], Answer.SNOOZED, CLOCK.now(), SECOND)
        await service.until(lambda service: len(service.said) == 2)

    service = serving(database, story)
    assert service.said[1].shown == 2


def test_done_from_the_command_line_is_stored(database: Path) -> None:
    async def story(service: Watched) -> None:
        await service.until(lambda service: len(service.said) == 1)
        done = await asyncio.to_thread(CliRunner().invoke, hipsync, ["--db", str(database), "done"])
        assert done.exit_code == 0, done.output
        await asyncio.sleep(0.2)

    service = serving(database, story)
    assert len(service.said) == 1
    with Store.open(database) as store:
        assert store.prompt(service.said[0]).answer is Answer.DONE


def test_a_band_that_comes_back_into_reach_is_called_without_waiting_for_its_turn(tmp_path: Path) -> None:
    called: list[str] = []
    near = asyncio.Event()

    class Near(NoRadio):
        @asynccontextmanager
        async def reach(self, band: Band) -> AsyncGenerator[Connection, None]:
            called.append(band.name)
            near.set()
            raise NotHeard("away again")
            yield  # pyright: ignore[reportUnreachable]

    async def nowhere(prompt: Prompt, move: Move, strong: bool) -> Sequence[Where]:
        return []

    async def hear(bands: Sequence[Band]) -> set[BandId]:
        return {band.id for band in bands}

    async def story() -> None:
        with Store.open(tmp_path / "hipsync.db") as store:
            now = CLOCK.now()
            band = store.add_band(name="band", driver="huami", address="C8:0F:10:80:D0:21", now=now)
            store.note_sync(band.id, now, now, 0, None)
            store.note_sync(band.id, now, now, 0, "away")  # to be called in two minutes
            service = Service(
                store, settings_of(Config(), "UTC"), radio=Near(), drivers=drivers(), secret=lambda _: None,
                deliver=nowhere, now=CLOCK.now, hear=hear,
            )  # fmt: skip
            running = asyncio.ensure_future(run(service, CLOCK))
            async with asyncio.timeout(20):
                await near.wait()
            os.kill(os.getpid(), signal.SIGTERM)
            await running

    asyncio.run(story())
    assert called == ["band"]

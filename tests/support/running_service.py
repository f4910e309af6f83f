"""A service as `hipsync run` runs it, in real time with shortened waits, whose wakes a test can watch and delay."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from hipsync.cli import hipsync
from hipsync.conversation.session import Connection
from hipsync.core.exercises import Move
from hipsync.core.policy import Policy
from hipsync.host.clock import SystemClock
from hipsync.model import Band, Prompt, Where
from hipsync.service.daemon import run
from hipsync.service.service import Service
from hipsync.service.state import Settings, State, settings_of
from hipsync.settings.config import Config
from hipsync.store import Store

CLOCK = SystemClock()
SECOND = timedelta(seconds=1)


class NoRadio:
    """A radio that must not be used: a test fails if it is asked to reach a band."""

    @asynccontextmanager
    async def reach(self, band: Band) -> AsyncGenerator[Connection, None]:
        pytest.fail(f"{band.name} was called")
        yield  # pyright: ignore[reportUnreachable]


class Watched(Service):
    """A service that records its wakes and prompts, and whose wakes first do what the test puts into `first`."""

    def __init__(self, store: Store) -> None:
        super().__init__(
            store,
            replace(settings_of(Config(), "UTC"), policy=Policy()),
            radio=NoRadio(),
            drivers={},
            secret=lambda _: None,
            deliver=self._show,
            now=CLOCK.now,
        )
        self.wakes: list[datetime] = []
        self.said: list[Prompt] = []
        self.first: list[Callable[[], Awaitable[None]]] = []
        self.changed = asyncio.Condition()

    async def _show(self, prompt: Prompt, move: Move, strong: bool) -> Sequence[Where]:
        self.said.append(prompt)
        return [Where.TERMINAL]

    async def wake(self, now: datetime) -> State:
        self.wakes.append(now)
        try:
            if self.first:
                await self.first.pop(0)()
            return await super().wake(now)
        finally:
            async with self.changed:
                self.changed.notify_all()

    async def until(self, condition: Callable[[Watched], bool]) -> None:
        """Wait until a condition holds after a wake. Raises `TimeoutError` if it does not within 20 seconds."""
        async with asyncio.timeout(20), self.changed:
            await self.changed.wait_for(lambda: condition(self))


def failing(error: Exception) -> Callable[[], Awaitable[None]]:
    """Return a function for `Watched.first` that makes a wake fail with this error."""

    async def fail() -> None:
        raise error

    return fail


def serving(
    database: Path,
    story: Callable[[Watched], Awaitable[None]],
    number: signal.Signals = signal.SIGTERM,
    *,
    settings: Callable[[], Settings] | None = None,
    zone: Callable[[], str] | None = None,
) -> Watched:
    """Run a service through the story, end it by a signal, and return it.

    It must end within five seconds and leave no task behind.
    """

    async def served() -> Watched:
        with Store.open(database) as store:
            service = Watched(store)
            running = asyncio.ensure_future(run(service, CLOCK, settings=settings, zone=zone))
            await asyncio.sleep(0)
            try:
                await story(service)
            finally:
                os.kill(os.getpid(), number)
                async with asyncio.timeout(20):
                    await running
            assert [task.get_coro() for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
            return service

    return asyncio.run(served())


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Return warnings and worse, without the scheduler's warning that a job is due while its last run goes on."""
    records = [record for record in caplog.records if record.levelno >= logging.WARNING]
    return [record for record in records if "maximum number of running instances" not in record.message]


async def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds. Raises `TimeoutError` if it does not within 20 seconds."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110  a signal handler sets it
            await asyncio.sleep(0.01)


async def typed(database: Path, *words: str) -> str:
    """Run `hipsync WORDS` in another thread, as if in another process, and return what it prints."""
    done = await asyncio.to_thread(CliRunner().invoke, hipsync, ["--db", str(database), *words])
    return done.output

"""Conversations with bands that are open: one, and those of one wake."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta

from hipsync.conversation.session import Conversation
from hipsync.driver import Driver, Session
from hipsync.errors import StoreError
from hipsync.model import Band


@dataclass(slots=True)
class Talk:
    """An open conversation with a band."""

    band: Band
    driver: Driver
    conversation: Conversation
    session: Session
    epochs: int
    """How many it told that were not known."""


class Visits:
    """The contacts of one wake, each in a task of its own."""

    def __init__(self) -> None:
        self.going: set[asyncio.Task[None]] = set()
        """Those that have neither told all nor failed."""
        self.staying: set[asyncio.Task[None]] = set()
        """Those that have told all, and keep their conversations open until it is time to `leave`."""
        self.open: list[Talk] = []
        self.leave = asyncio.Event()
        self.failure: StoreError | None = None
        self._over = asyncio.Event()

    @contextlib.asynccontextmanager
    async def staying_with(self, talk: Talk) -> AsyncGenerator[None, None]:
        """By the task that runs the block."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  a coroutine runs in one
        self.open.append(talk)
        self.staying.add(task)
        self.done()
        try:
            yield
        finally:
            self.open.remove(talk)

    def done(self) -> None:
        """The task that says this has told all, or failed."""
        self.going -= {asyncio.current_task()}
        if not self.going:
            self._over.set()

    async def told(self, within: timedelta) -> None:
        """Returns when all have told all, or failed, or after that time. Raises the first `StoreError` of them."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within.total_seconds()):
                await self._over.wait()
        if self.failure is not None:
            raise self.failure

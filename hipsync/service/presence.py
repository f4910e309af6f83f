"""Watches whether this computer is used, once a minute, and stores that seldom.

Each minute is judged by one answer from its last seconds. What is known waits in memory until the service judges, and
for `WRITE_EVERY` at most, so that the disk may sleep. A minute that was not watched from its beginning is unknown.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import timedelta

from hipsync.errors import HipsyncError
from hipsync.host.clock import Clock
from hipsync.host.presence.seen import Answer, Seen, presence
from hipsync.model import MINUTE, PresenceSpan
from hipsync.store import Store

log = logging.getLogger(__name__)

ASK_AT = timedelta(seconds=57)
"""When in each minute the computer is asked: late, and with some seconds to spare for a slow answer."""
PAST_S = 5.0
"""Seconds to wait after an answer, which lead past the end of its minute: a sleep may end a moment too early."""
WRITE_EVERY = 10 * MINUTE
ABOUT = (
    "once a minute hipsync notes whether this computer is used, idle or locked, and nothing else of it: "
    "`hipsync config set sitting.desk off` ends that"
)
"""What is said when this is about to happen for the first time."""
MOST_WAITING = 24 * 60
"""The most minutes that wait in memory while the database cannot be written; the oldest are dropped."""


class PresenceWatch:
    """Asks the computer each minute while `wanted`, and stores what it learns."""

    def __init__(
        self, store: Store, clock: Clock, look: Callable[[], Awaitable[Seen]], wanted: Callable[[], bool]
    ) -> None:
        self._store, self._clock, self._look, self._wanted = store, clock, look, wanted
        self._last: Answer | None = None
        self._waiting: list[PresenceSpan] = []
        self._written_s = clock.passed()

    async def minute(self) -> None:
        """Ask once, and note what the present minute is. Every `WRITE_EVERY`, what waits is stored."""
        if not self._wanted():
            self._last = None
            return
        seen = await self._look()
        answer = Answer(self._clock.now(), self._clock.passed(), seen)
        last, self._last = self._last, answer
        if (found := presence(last, answer)) is not None:
            start = answer.at.replace(second=0, microsecond=0)
            self._waiting = [*self._waiting, PresenceSpan(start, start + MINUTE, found)][-MOST_WAITING:]
        if self._clock.passed() - self._written_s >= WRITE_EVERY.total_seconds():
            self._written_s = self._clock.passed()
            with contextlib.suppress(HipsyncError):  # the next wake meets and reports it
                self.store()

    def store(self) -> None:
        """Store what waits. Raises `StoreError`, and then it waits on."""
        if self._waiting:
            self._store.add_presence(self._waiting)
            self._waiting = []

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncGenerator[None, None]:
        """Ask each minute during the block, and store at its end what waits."""
        asking = asyncio.create_task(self._keep_asking(), name="presence")
        try:
            yield
        finally:
            asking.cancel()
            await asyncio.wait({asking})
            with contextlib.suppress(HipsyncError):
                self.store()

    async def _keep_asking(self) -> None:
        while True:
            now = self._clock.now()
            late = now - now.replace(second=0, microsecond=0)
            wait = ASK_AT - late if late < ASK_AT else ASK_AT + MINUTE - late
            await asyncio.sleep(wait.total_seconds())
            try:
                await self.minute()
            except Exception:  # a bug must not end the watch, nor the service
                log.exception("a bug in hipsync; the service goes on")
            await asyncio.sleep(PAST_S)

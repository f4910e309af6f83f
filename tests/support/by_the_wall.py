"""The date job of the alarm, for tests in virtual time: the wall clock may be set, the loop's may not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta


class JobByTheWall:
    """The date job as APScheduler runs it: its timer is the loop's, and when it rings it asks the wall clock."""

    def __init__(self, work: Callable[[], Awaitable[None]], now: Callable[[], datetime]) -> None:
        self._work, self._now, self._at = work, now, now()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Future[None] | None = None

    def start(self) -> None:
        pass

    def plan(self, at: datetime) -> None:
        self._at = at
        self._ring()

    def end(self) -> None:
        for waiting in (self._timer, self._task):
            if waiting is not None:
                waiting.cancel()

    def _ring(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if (left := self._at - self._now()) > timedelta():
            self._timer = asyncio.get_running_loop().call_later(left.total_seconds(), self._ring)
        else:
            self._task = asyncio.ensure_future(self._work())

"""Clocks for the shell: the system's, and one that waits for nothing.

A `VirtualTimeLoop` is an event loop that jumps to its next timer instead of waiting for it, so that a simulated day
with real time-outs and real pauses passes in seconds. Time stands still while a thread of its executor works.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Clock(Protocol):
    """Time as the shell sees it."""

    def now(self) -> datetime:
        """The instant, aware, in UTC."""
        ...

    async def sleep_until(self, instant: datetime) -> None: ...


class SystemClock:
    """The host's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251  the one place that reads it

    async def sleep_until(self, instant: datetime) -> None:
        await asyncio.sleep(max((instant - self.now()).total_seconds(), 0.0))


class FastClock:
    """Time on a `VirtualTimeLoop`, from `start` on.

    `speed` simulated seconds take one real one; without it waiting takes no time at all.
    """

    def __init__(self, loop: VirtualTimeLoop, start: datetime, speed: float | None = None) -> None:
        self._loop, self._start, self._speed = loop, start - timedelta(seconds=loop.time()), speed

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._loop.time())

    async def sleep_until(self, instant: datetime) -> None:
        while (left_s := (instant - self.now()).total_seconds()) > 0:
            if self._speed is not None:
                left_s = min(left_s, self._speed)
                await self._loop.real_sleep(left_s / self._speed)
            await asyncio.sleep(left_s)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose timers fire at once, in order, with `time()` as if they had been waited for."""

    def __init__(self) -> None:
        self._virtual_s = 0.0
        self._held = 0
        super().__init__(_JumpingSelector(self))
        self._clock_resolution = 1e-6
        """asyncio's 1e-9 is less than a float's step after a year: a timer due now would never be seen as due."""

    def time(self) -> float:
        return self._virtual_s

    @property
    def held(self) -> bool:
        return self._held > 0

    def advance(self, seconds: float) -> None:
        self._virtual_s += seconds

    def jump(self, seconds: float) -> None:
        """Let time pass as in suspend: timers that fall into it fire once, late."""
        self._virtual_s += max(seconds, 0.0)

    async def real_sleep(self, seconds: float) -> None:
        """Wait in real time while virtual time stands still."""
        import time

        await asyncio.to_thread(time.sleep, seconds)

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        self._held += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._released)
        return future

    def _released(self, _: asyncio.Future[T]) -> None:
        self._held -= 1


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        if self._loop.held:
            return super().select(None)  # the end of the thread's work wakes the loop
        if ready := super().select(0):
            return ready
        self._loop.advance(timeout)
        return []

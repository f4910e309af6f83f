"""Clocks: the system's, and a virtual one that waits for nothing.

Whoever needs the time is handed a `Clock`, or its `now`; only `SystemClock` reads the real one. A `VirtualTimeLoop` is
an event loop that jumps to its next timer instead of waiting for it, so that a simulated day with real time-outs and
pauses passes in seconds. Its time stands still while a thread of its executor works.
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
    """What tells the time and waits for a time."""

    def now(self) -> datetime:
        """The present instant, in UTC, with its zone."""
        ...

    async def sleep_until(self, instant: datetime) -> None:
        """Return at this instant, or at once if it is past."""
        ...


class SystemClock:
    """The computer's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251  the one place that reads it

    async def sleep_until(self, instant: datetime) -> None:
        await asyncio.sleep(max((instant - self.now()).total_seconds(), 0.0))


class FastClock:
    """The clock of a `VirtualTimeLoop`, which shows `start` when it is created.

    `speed` is the number of virtual seconds in a real one; without it, waiting takes no real time.
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
    """An event loop whose timers fire at once and in order; `time()` then is as if it had waited for them."""

    def __init__(self) -> None:
        self._virtual_s = 0.0
        self._threads = 0
        super().__init__(_JumpingSelector(self))
        self._clock_resolution = 1e-6
        """Seconds. asyncio's 1e-9 is less than a float's step after a year: a timer due now would never seem due."""

    def time(self) -> float:
        return self._virtual_s

    @property
    def stands_still(self) -> bool:
        """Whether virtual time stands still because a thread of the executor works."""
        return self._threads > 0

    def advance(self, seconds: float) -> None:
        """Let virtual time pass up to the next timer."""
        self._virtual_s += seconds

    def jump(self, seconds: float) -> None:
        """Let virtual time pass as during the computer's sleep: each timer due in it fires once, late."""
        self._virtual_s += max(seconds, 0.0)

    async def real_sleep(self, seconds: float) -> None:
        """Wait for real seconds, during which virtual time stands still."""
        import time

        await asyncio.to_thread(time.sleep, seconds)

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        self._threads += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._thread_ended)
        return future

    def _thread_ended(self, _: asyncio.Future[T]) -> None:
        self._threads -= 1


class _JumpingSelector(selectors.DefaultSelector):
    """A selector that moves virtual time on where another one would wait."""

    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        if self._loop.stands_still:
            return super().select(None)  # the end of the thread's work wakes the loop
        if ready := super().select(0):
            return ready
        self._loop.advance(timeout)
        return []

"""Clocks: the system's clock, and a virtual one on which waiting takes no real time.

Code that needs the time is given a `Clock` or its `now`; only `SystemClock` reads the real time. A `VirtualTimeLoop` is
an event loop that jumps to its next timer instead of waiting for it. So a simulated day with real time-outs and pauses
passes in seconds. Virtual time stands still while a thread of the loop's executor works. The one rule: an instant is
asked of `now`, which may be set to anything at any moment, and a length of time of `passed`.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


SELDOM = 20
"""A `VirtualTimeLoop` without sockets asks the system every so many rounds whether a signal has come."""


_GOES_ON: int | None = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
"""The clock that nobody sets and that goes on while the computer sleeps: Linux has CLOCK_BOOTTIME for it, and that of
macOS is called CLOCK_MONOTONIC. Windows has neither name, and `time.monotonic` goes on there."""


STEP = timedelta(seconds=5)
"""A clock that differs by more than this from the time that passed was set. One that is corrected gently drifts by
milliseconds a minute, and that of a computer that wakes from sleep by a second or two."""


class Clock(Protocol):
    """Gives the present time and the time that has passed, and waits until a given time."""

    def now(self) -> datetime:
        """The present instant, as an aware datetime in UTC. Somebody may set the clock, forwards or backwards."""
        ...

    def passed(self) -> float:
        """Seconds since some instant that stays the same, those during which the computer slept included.

        Setting the clock changes nothing about them.
        """
        ...

    async def sleep_until(self, instant: datetime) -> None:
        """Wait until this instant, or return at once if it is past."""
        ...


class SystemClock:
    """The computer's own clock, in real time."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251  the one place that reads the real time

    def passed(self) -> float:
        return time.monotonic() if _GOES_ON is None else time.clock_gettime(_GOES_ON)

    async def sleep_until(self, instant: datetime) -> None:
        await asyncio.sleep(max((instant - self.now()).total_seconds(), 0.0))


def steady(now: Callable[[], datetime], passed: Callable[[], float]) -> Callable[[], datetime]:
    """A `now` that follows another one, and goes on by the time that passed if that one is set meanwhile.

    Whoever waits until an instant, as drivers do, waits by it as long as was meant. `passed` is as in `Clock`.
    """
    last, last_s = now(), passed()

    def steady_now() -> datetime:
        nonlocal last, last_s
        shown, shown_s = now(), passed()
        expected = last + timedelta(seconds=shown_s - last_s)
        last, last_s = shown if abs(shown - expected) <= STEP else expected, shown_s
        return last

    return steady_now


def onward(now: Callable[[], datetime]) -> Callable[[], datetime]:
    """A `now` that follows another one, and stands still while that one is behind the latest instant that it showed."""
    latest = now()

    def onward_now() -> datetime:
        nonlocal latest
        latest = max(latest, now())
        return latest

    return onward_now


class FastClock:
    """The clock of a `VirtualTimeLoop`. It shows `start`, an instant in UTC, when it is created.

    `speed` is the number of virtual seconds in a real second. With None, waiting takes no real time.
    """

    def __init__(self, loop: VirtualTimeLoop, start: datetime, speed: float | None = None) -> None:
        self._loop, self._start, self._speed = loop, start - timedelta(seconds=loop.time()), speed
        self._shown, self._shown_s = start, loop.time()
        """What the clock showed last, and the time of the loop then."""

    def now(self) -> datetime:
        if (passed_s := self._loop.time()) != self._shown_s:
            self._shown, self._shown_s = self._start + timedelta(seconds=passed_s), passed_s
        return self._shown

    def passed(self) -> float:
        return self._loop.time()

    async def sleep_until(self, instant: datetime) -> None:
        while (left_s := (instant - self.now()).total_seconds()) > 0:
            if self._speed is not None:
                left_s = min(left_s, self._speed)
                await self._loop.real_sleep(left_s / self._speed)
            await asyncio.sleep(left_s)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop that does not wait for its timers. They fire in order, and `time()` jumps to when each is due."""

    def __init__(self) -> None:
        self._virtual_s = 0.0
        self._threads = 0
        super().__init__(_JumpingSelector(self))
        self._clock_resolution = 1e-6
        """Seconds. After a virtual year, asyncio's 1e-9 is less than the step between two floats, and a timer that is
        due would never count as due."""

    def time(self) -> float:
        return self._virtual_s

    @property
    def stands_still(self) -> bool:
        """Whether virtual time stands still, because a thread of the executor is working."""
        return self._threads > 0

    def advance(self, seconds: float) -> None:
        """Let virtual time pass up to the next timer, which is due in `seconds`."""
        self._virtual_s += seconds

    def jump(self, seconds: float) -> None:
        """Let virtual time pass as while a computer sleeps: each timer that falls due meanwhile fires once, late.

        A negative number of `seconds` counts as 0.
        """
        self._virtual_s += max(seconds, 0.0)

    async def real_sleep(self, seconds: float) -> None:
        """Wait for `seconds` of real time, during which virtual time stands still."""
        await asyncio.to_thread(time.sleep, seconds)

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        self._threads += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._thread_ended)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ARG002  asyncio's
        """Wait until all threads have ended. A time-out would pass at once."""
        await super().shutdown_default_executor()

    def _thread_ended(self, _: asyncio.Future[T]) -> None:
        self._threads -= 1


class _JumpingSelector(selectors.DefaultSelector):
    """A selector that advances the loop's virtual time instead of waiting for a time-out."""

    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop
        self._unasked = 0
        """How often in a row the system was not asked."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            return super().select(None)
        if timeout > 0 and self._loop.stands_still:
            return super().select(None)  # the loop wakes when the thread has finished
        if ready := self._ready():
            return ready
        if timeout > 0:
            self._loop.advance(timeout)
        return []

    def _ready(self) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready now. The system is asked only now and then while there is nothing but the loop's own pipe.

        That wakes a loop that waits, for a signal or a thread, and this one goes on in any case.
        """
        self._unasked += 1
        if self._unasked < SELDOM and len(self.get_map()) == 1 and not self._loop.stands_still:
            return []
        self._unasked = 0
        return super().select(0)

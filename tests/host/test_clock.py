"""The clock that waits for nothing keeps the order and the lengths of real time, and stands still for threads."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from hipsync.host.clock import FastClock, SystemClock, VirtualTimeLoop, onward, steady
from hipsync.testing.direct import run

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
Story = Callable[[FastClock], Awaitable[object]]


def real_seconds(story: Story) -> float:
    begun = time.monotonic()
    run(story, START)
    return time.monotonic() - begun


def test_a_day_of_waiting_takes_no_time_and_comes_out_a_day_later() -> None:
    async def story(clock: FastClock) -> None:
        await asyncio.sleep(86_400)
        assert clock.now() == START + 24 * HOUR

    assert real_seconds(story) < 1


def test_timers_fire_in_their_order_at_their_instants() -> None:
    fired: list[tuple[int, datetime]] = []

    async def story(clock: FastClock) -> None:
        async def timer(seconds: int) -> None:
            await asyncio.sleep(seconds)
            fired.append((seconds, clock.now()))

        await asyncio.gather(*(timer(seconds) for seconds in (300, 1, 60, 2)))

    run(story, START)
    assert fired == [(seconds, START + timedelta(seconds=seconds)) for seconds in (1, 2, 60, 300)]


def test_a_deadline_is_met_when_the_work_takes_longer_and_not_else() -> None:
    async def story(clock: FastClock) -> None:
        async with asyncio.timeout(30):
            await asyncio.sleep(29.9)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.sleep(30.1)
        assert clock.now() == START + timedelta(seconds=59.9)

    run(story, START)


def test_time_stands_still_while_a_thread_works() -> None:
    async def story(clock: FastClock) -> None:
        timer = asyncio.ensure_future(asyncio.sleep(0.001))
        await asyncio.to_thread(time.sleep, 0.1)
        assert clock.now() == START
        assert not timer.done()
        await timer

    assert real_seconds(story) >= 0.1


def test_a_thread_that_fails_lets_time_go_on() -> None:
    def fail() -> None:
        raise OSError

    async def story(clock: FastClock) -> None:
        with pytest.raises(OSError):  # noqa: PT011  any
            await asyncio.to_thread(fail)
        await asyncio.sleep(3600)
        assert clock.now() == START + HOUR

    run(story, START)


def test_a_thread_that_nobody_waits_for_any_more_still_holds_time() -> None:
    async def story(clock: FastClock) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await asyncio.to_thread(time.sleep, 0.1)
        await asyncio.sleep(3600)
        assert clock.now() == START + HOUR

    run(story, START)


def test_years_later_a_timer_is_still_seen_as_due() -> None:
    async def story(clock: FastClock) -> None:
        await asyncio.sleep(20 * 365 * 86_400)
        for _ in range(100):
            await asyncio.sleep(1e-7)
        await asyncio.sleep(1)

    assert real_seconds(story) < 1


def test_a_jump_is_a_suspend_after_which_timers_fire_once_and_late() -> None:
    fired: list[datetime] = []

    async def story(clock: FastClock) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        loop.call_later(60, lambda: fired.append(clock.now()))
        loop.jump(8 * 3600)
        loop.jump(-5)
        await asyncio.sleep(1)
        assert clock.now() == START + 8 * HOUR + timedelta(seconds=1)

    run(story, START)
    assert fired == [START + 8 * HOUR]


def test_sleep_until_an_instant_that_has_passed_returns() -> None:
    async def story(clock: FastClock) -> None:
        await clock.sleep_until(START - HOUR)
        assert clock.now() == START
        await clock.sleep_until(START + HOUR)
        assert clock.now() == START + HOUR

    run(story, START)


def test_with_a_speed_waiting_takes_real_time() -> None:
    loop = VirtualTimeLoop()
    clock = FastClock(loop, START, speed=36_000)
    begun = time.monotonic()
    try:
        loop.run_until_complete(clock.sleep_until(START + HOUR))
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()
    assert clock.now() == START + HOUR
    assert 0.1 <= time.monotonic() - begun < 2


def test_a_clock_that_is_made_later_starts_at_its_start() -> None:
    async def story(clock: FastClock) -> None:
        await asyncio.sleep(100)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        assert FastClock(loop, START).now() == START

    run(story, START)


def test_something_that_arrives_from_outside_is_seen_before_time_jumps() -> None:
    async def story(clock: FastClock) -> None:
        loop = asyncio.get_running_loop()
        woken = asyncio.Event()
        loop.call_soon_threadsafe(woken.set)
        async with asyncio.timeout(3600):
            await woken.wait()
        assert clock.now() == START

    run(story, START)


async def test_the_system_s_clock_is_aware_and_waits() -> None:
    clock = SystemClock()
    begun = clock.now()
    assert begun.tzinfo is UTC
    await clock.sleep_until(begun + timedelta(seconds=0.05))
    assert clock.now() >= begun + timedelta(seconds=0.05)
    await clock.sleep_until(begun)


def test_a_steady_clock_follows_small_corrections_and_no_steps() -> None:
    shown, passed = [START], [0.0]
    now = steady(lambda: shown[-1], lambda: passed[-1])

    def after(seconds: float, shows: datetime) -> datetime:
        passed.append(passed[-1] + seconds)
        shown.append(shows)
        return now()

    second = timedelta(seconds=1)
    assert after(10, START + 12 * second) == START + 12 * second
    assert after(10, START - 2 * HOUR) == START + 22 * second
    assert after(10, START - 2 * HOUR) == START + 32 * second
    assert after(3600, START + HOUR + 30 * second) == START + HOUR + 30 * second, "it was put right again"


def test_a_clock_that_only_goes_onward_stands_still_while_the_other_one_is_behind() -> None:
    shown = [START]
    now = onward(lambda: shown[-1])
    for shows, seen in ((START + HOUR, START + HOUR), (START, START + HOUR), (START + 2 * HOUR, START + 2 * HOUR)):
        shown.append(shows)
        assert now() == seen


def test_time_that_passed_is_that_of_a_clock_that_goes_on() -> None:
    clock = SystemClock()
    before = clock.passed()
    time.sleep(0.01)
    assert 0.01 <= clock.passed() - before < 60

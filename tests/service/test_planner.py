"""The clock is set while `hipsync run` runs, the computer sleeps, the process is stopped: the service looks in time.

The planner has a wall clock that each test sets, and the clock of the loop, which nobody sets. Nothing waits in truth.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from cases.kit import ADDRESS, DAY, HOUR, Away, Desktop, Wrist, serving
from hipsync.core.exercises import Move
from hipsync.errors import StoreError
from hipsync.host.clock import FastClock, VirtualTimeLoop
from hipsync.model import MINUTE, Band, BandId, Prompt, Where
from hipsync.registry import drivers
from hipsync.service.alarm import Alarm
from hipsync.service.clock_steps import ClockSteps, Step, steps_from_json, steps_to_json
from hipsync.service.service import Service
from hipsync.service.state import State, settings_of
from hipsync.settings.config import Config
from hipsync.store import Store
from hipsync.testing.direct import run
from hipsync.text import Json
from support.by_the_wall import JobByTheWall
from support.world import pine_time

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SET_BY = [-2 * HOUR, -400 * DAY, 6 * SECOND, HOUR, 400 * DAY, NINE - datetime(1972, 1, 1, tzinfo=UTC)]
"""How far a clock is set: a little, by a zone, by years, and from where a computer without a battery begins."""


class Computer:
    """A clock that a test sets; `passed` goes on while the computer sleeps, and the loop's time does not."""

    def __init__(self, clock: FastClock) -> None:
        self._clock, self._set, self._slept = clock, timedelta(), timedelta()

    def now(self) -> datetime:
        return self._clock.now() + self._set + self._slept

    def passed(self) -> float:
        return self._clock.passed() + self._slept.total_seconds()

    async def sleep_until(self, instant: datetime) -> None:
        await asyncio.sleep((instant - self.now()).total_seconds())

    def put(self, by: timedelta) -> None:
        self._set += by

    def sleep(self, length: timedelta) -> None:
        self._slept += length


class Told(Desktop):
    """A desktop that records when a prompt was shown, in true time."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__()
        self._now = now
        self.at: list[datetime] = []

    async def deliver(self, prompt: Prompt, move: Move, strong: bool) -> Sequence[Where]:
        self.at.append(self._now())
        return await super().deliver(prompt, move, strong)


class Watched(Service):
    """A service with one band that is out of reach. It records when it is woken and when it listens, by `passed`."""

    def __init__(self, store: Store, computer: Computer) -> None:
        super().__init__(
            store,
            settings_of(Config(), "UTC"),
            radio=Away(computer.now),
            drivers=drivers(),
            secret=lambda _: bytes(16),
            deliver=Desktop().deliver,
            now=computer.now,
            hear=self._heard,
            passed=computer.passed,
        )
        self._computer = computer
        self.woken: list[float] = []
        self.heard: list[float] = []
        self.first: Callable[[], Awaitable[object]] | None = None
        """What the next wake does first."""

    async def wake(self, now: datetime) -> State:
        self.woken.append(self._computer.passed())
        if (first := self.first) is not None:
            self.first = None
            await first()
        return await super().wake(now)

    async def _heard(self, bands: Sequence[Band]) -> Collection[BandId]:
        self.heard.append(self._computer.passed())
        return ()


Story = Callable[[Watched, Computer, Alarm], Awaitable[None]]


def planned(story: Story) -> Watched:
    """Run the alarm through a story on a clock that begins at nine, and return its service."""

    async def served(clock: FastClock) -> Watched:
        computer = Computer(clock)
        with Store.in_memory() as store:
            store.add_band(name="band", driver="huami", address=ADDRESS, now=NINE)
            service = Watched(store, computer)
            alarm = Alarm(service, computer, None, asyncio.Event(), lambda work: JobByTheWall(work, computer.now))
            alarm.start()
            await story(service, computer, alarm)
            await alarm.end()
            await service.leave()
        return service

    return run(served, NINE)


@pytest.mark.parametrize(
    ("by", "back_after", "prompts"),
    [
        (8 * MINUTE, None, 1),
        (8 * MINUTE, 5 * MINUTE, 1),
        (14 * MINUTE, None, 1),
        (HOUR, None, 1),
        (400 * DAY, None, 0),
        (400 * DAY, 5 * MINUTE, 1),
    ],
)
def test_nobody_sat_in_the_time_that_a_clock_skipped(by: timedelta, back_after: timedelta | None, prompts: int) -> None:
    """A watch whose counter stands still from 9:05 on is read every minute; its prompt must not come before 10:05.

    The clock is put forward at 9:30, and left so, or put back. If it stays 400 days ahead, there is no sign of life in
    the last three hours, so there is no prompt at all.
    """

    async def story(clock: FastClock) -> list[datetime]:
        computer, desktop = Computer(clock), Told(clock.now)
        wrist = Wrist(pine_time("5m walk 100, 180m sit"), clock.now)
        with Store.in_memory() as store:
            store.add_band(name="watch", driver="infinitime", address=ADDRESS, now=NINE, vouches=True)
            service = serving(store, wrist, computer.now, desktop=desktop, key=None, passed=computer.passed)
            alarm = Alarm(service, computer, None, asyncio.Event(), lambda work: JobByTheWall(work, computer.now))
            alarm.start()
            service.live.attend()
            await asyncio.sleep(30 * 60)
            computer.put(by)
            if back_after is not None:
                await asyncio.sleep(back_after.total_seconds())
                computer.put(-by)
            await clock.sleep_until(NINE + 130 * MINUTE)
            await alarm.end()
            await service.leave()
        return desktop.at

    said = run(story, NINE)
    assert len(said) == prompts
    assert all(at >= NINE + 65 * MINUTE for at in said)
    if by <= 8 * MINUTE:
        assert said[0] <= NINE + 75 * MINUTE, "a stretch goes on over so short a gap"


@pytest.mark.parametrize("by", [-2 * HOUR, 400 * DAY])
def test_a_live_band_is_connected_to_anew_after_a_step_and_sends_by_the_clock_as_it_is(by: timedelta) -> None:
    async def story(clock: FastClock) -> tuple[int, list[timedelta]]:
        computer = Computer(clock)
        wrist = Wrist(pine_time("180m walk 60"), clock.now)
        with Store.in_memory() as store:
            watch = store.add_band(name="watch", driver="infinitime", address=ADDRESS, now=NINE, vouches=True)
            service = serving(store, wrist, computer.now, desktop=Desktop(), key=None, passed=computer.passed)
            alarm = Alarm(service, computer, None, asyncio.Event(), lambda work: JobByTheWall(work, computer.now))
            alarm.start()
            service.live.attend()
            await asyncio.sleep(30 * 60)
            computer.put(by)
            began = computer.now()
            await asyncio.sleep(10 * 60)
            await alarm.end()
            await service.leave()
            sent = [each.at - began for each in store.counters(watch.id, began, began + 10 * MINUTE)]
        return len(wrist.calls), [at for at in sent if timedelta() <= at <= 10 * MINUTE]

    calls, sent = run(story, NINE)
    assert calls == 2
    assert sent[0] <= 3 * MINUTE
    assert max(later - earlier for earlier, later in pairwise(sent)) <= 2 * MINUTE


def since(seconds: Sequence[float], began: float) -> list[float]:
    """Those of `seconds` that are later than `began`, counted from it."""
    return [each - began for each in seconds if each > began]


@pytest.mark.parametrize("by", SET_BY)
def test_a_clock_that_is_set_delays_no_wake(by: timedelta) -> None:
    """The band was away at 9:00, 9:02, 9:06 and 9:14, and is to be tried again at 9:30 or a little earlier."""
    after: list[float] = []

    async def story(service: Watched, computer: Computer, alarm: Alarm) -> None:
        await asyncio.sleep(15 * 60)
        began = computer.passed()
        computer.put(by)
        await asyncio.sleep(20 * 60)
        after.extend(since(service.woken, began))

    planned(story)
    assert after
    assert after[0] <= (16 * 60 if abs(by) < MINUTE else 60)
    assert len(after) <= 6, "nor is it woken without end"


@pytest.mark.parametrize("by", SET_BY)
def test_a_step_is_noticed_within_a_minute_and_told_with_both_times(by: timedelta) -> None:
    async def story(service: Watched, computer: Computer, alarm: Alarm) -> None:
        await asyncio.sleep(600)
        was = computer.now()
        computer.put(by)
        await asyncio.sleep(59)
        (step,) = alarm.steps()
        assert step.became - step.was == by
        assert timedelta() <= step.was - was <= MINUTE

    planned(story)


def test_small_corrections_are_no_steps() -> None:
    async def story(service: Watched, computer: Computer, alarm: Alarm) -> None:
        for by in (5 * SECOND, -5 * SECOND, SECOND):
            computer.put(by)
            await asyncio.sleep(60)
        assert alarm.steps() == []

    planned(story)


def test_a_computer_that_slept_looks_when_it_wakes_and_says_nothing_about_its_clock() -> None:
    """The loop's clock stood still for eight hours, so the band's next try is long past."""
    after: list[float] = []

    async def story(service: Watched, computer: Computer, alarm: Alarm) -> None:
        await asyncio.sleep(15 * 60)
        computer.sleep(8 * HOUR)
        began = computer.passed()
        alarm.look()  # logind tells of it
        await asyncio.sleep(2)
        after.extend(since(service.woken, began))
        computer.sleep(8 * HOUR)
        began = computer.passed()  # and nobody tells
        await asyncio.sleep(31)
        after.extend(since(service.woken, began))
        assert alarm.steps() == []

    planned(story)
    told, untold = after
    assert told <= 2
    assert untold <= 31


def test_a_process_that_was_stopped_looks_at_once_and_says_nothing_about_the_clock() -> None:
    async def story(service: Watched, computer: Computer, alarm: Alarm) -> None:
        await asyncio.sleep(15 * 60)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        loop.jump(3 * 3600)
        began = computer.passed()
        await asyncio.sleep(2)
        assert since(service.woken, began)
        assert alarm.steps() == []

    planned(story)


@pytest.mark.parametrize("by", [-2 * HOUR, 2 * HOUR])
def test_a_failed_wake_is_tried_again_after_a_minute_of_time_whatever_the_clock_says(by: timedelta) -> None:
    after: list[float] = []

    async def story(service: Watched, computer: Computer, alarm: Alarm) -> None:
        async def fail() -> None:
            computer.put(by)
            after.append(computer.passed())
            raise StoreError("the disk is full")

        service.first = fail
        await asyncio.sleep(30 * 60)
        after.extend(since(service.woken, after[0])[:1])

    planned(story)
    assert 60 <= after[1] <= 90


def test_a_store_that_fails_at_every_look_does_not_hold_the_wake_at_an_instant_that_was_put_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    after: list[float] = []

    async def story(service: Watched, computer: Computer, alarm: Alarm) -> None:
        def locked(now: datetime) -> State:
            raise StoreError("the database is locked")

        await asyncio.sleep(15 * 60)
        monkeypatch.setattr(service, "state", locked)
        computer.put(-2 * HOUR)
        began = computer.passed()
        await asyncio.sleep(10 * 60)
        after.extend(since(service.woken, began))
        assert alarm.trouble() == "the database is locked"

    planned(story)
    assert after[0] <= 60
    assert 5 <= len(after) <= 11


@pytest.mark.parametrize("by", [*SET_BY, timedelta()])
def test_a_band_that_is_away_is_listened_for_as_often_as_ever(by: timedelta) -> None:
    after: list[float] = []

    async def story(service: Watched, computer: Computer, alarm: Alarm) -> None:
        await asyncio.sleep(20 * 60)
        began = computer.passed()
        computer.put(by)
        await asyncio.sleep(21 * 60)
        after.extend(since(service.heard, began))

    planned(story)
    gaps = [later - earlier for earlier, later in zip([0.0, *after], after, strict=False)]
    assert len(after) >= 3
    assert max(gaps) <= 7 * 60, "it is listened for every five minutes, and that is asked once a minute"
    assert all(gap >= 5 * 60 for gap in gaps[1:])


class Supervised:
    """The socket of a supervisor, and how often the service said that it is alive."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)

    def alive(self) -> int:
        """How often it said so since this was asked last."""
        told = 0
        with suppress(BlockingIOError):
            while True:
                told += b"WATCHDOG=1" in self._socket.recv(4096)
        return told

    def close(self) -> None:
        self._socket.close()


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there is no systemd here")
@pytest.mark.parametrize("by", [-2 * HOUR, 2 * HOUR])
def test_a_wake_is_stuck_after_ten_minutes_of_time_whatever_the_clock_says(
    by: timedelta, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor = Supervised(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    alive: list[int] = []

    async def story(service: Watched, computer: Computer, alarm: Alarm) -> None:
        service.first = asyncio.Event().wait  # it hangs for ever
        await asyncio.sleep(60)
        computer.put(by)
        for _ in range(20):
            supervisor.alive()
            await asyncio.sleep(60)
            alive.append(supervisor.alive())

    planned(story)
    supervisor.close()
    assert all(alive[:8])
    assert alive[10:] == [0] * 10


def test_the_clock_and_the_time_that_passed_are_read_at_one_moment() -> None:
    """The computer sleeps just between the two readings."""

    class Sleepy:
        def __init__(self) -> None:
            self.passed_s = [0.0, 0.0, 0.0, 30.0, 3630.0, 3630.0, 3630.0]
            self.shown = [NINE, NINE + HOUR + 30 * SECOND, NINE + HOUR + 30 * SECOND]

        def now(self) -> datetime:
            return self.shown.pop(0)

        def passed(self) -> float:
            return self.passed_s.pop(0)

        async def sleep_until(self, instant: datetime) -> None:
            raise NotImplementedError

    sleepy = Sleepy()
    sleepy.passed_s.pop(0)
    steps = ClockSteps(sleepy)
    assert steps.look() is None


def test_the_last_five_steps_are_told_for_a_week() -> None:
    async def story(clock: FastClock) -> None:
        computer = Computer(clock)
        steps = ClockSteps(computer)
        for hours in range(1, 8):
            computer.put(hours * HOUR)
            steps.look()
        assert [step.became - step.was for step in steps.told()] == [hours * HOUR for hours in range(3, 8)]
        await asyncio.sleep(6 * 86400)
        assert len(steps.told()) == 5
        await asyncio.sleep(86401)
        assert steps.told() == []

    run(story, NINE)


def test_what_the_socket_tells_of_steps_is_read_back_and_nothing_else_is() -> None:
    step = Step(NINE, NINE - 2 * HOUR)
    assert steps_to_json([step]) == [["2026-03-02T09:00:00+00:00", "2026-03-02T07:00:00+00:00"]]
    assert steps_from_json(steps_to_json([step])) == [step]
    others: Json = [None, "soon", [1], [["soon", "late"]], [["2026-03-02T09:00:00+00:00"]]]
    assert isinstance(others, list)
    assert [steps_from_json(other) for other in others] == [[]] * 5

"""A band without a memory is stayed with: its counter becomes prompts, and a prompt rings on the connection it has."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from itertools import count, pairwise

import pytest

from hipsync.conversation.session import Connection
from hipsync.driver import Abilities, Driver, Link, Session
from hipsync.errors import DeviceError, NoReply
from hipsync.host.clock import SystemClock
from hipsync.model import Answer, Band, Charge, Counter, Reading, Where
from hipsync.registry import drivers
from hipsync.service.daemon import run as run_daemon
from hipsync.service.plan import contact_at, next_wake
from hipsync.service.state import families_of
from hipsync_devices.huami.sim import MiBand
from hipsync_devices.infinitime.packets import Press
from hipsync_devices.infinitime.sim import PineTime
from support.builders import day
from support.world import HOUR, KEY, MINUTE, NINE, SECOND, UTC_ZONE, World, listen_until, pine_time, world_after


def test_a_band_without_a_memory_or_with_one_of_hours_is_live_if_it_can_be_watched() -> None:
    live = set(families_of(drivers()).live)
    assert live >= {"colmi", "infinitime", "lefun", "moyoung", "sig"}
    assert not live & {"banglejs", "fitpro", "huami"}


def test_an_hour_at_a_desk_prompts_and_buzzes_over_the_one_connection() -> None:
    band = pine_time("5m walk 100, 90m sit")
    world = world_after(lambda world: world.run_until(NINE + 80 * MINUTE), watch=band)
    # the sixtieth still minute ends at minute 65; the watch is read once a minute, and the service looks once a minute
    ((minute, strong),) = world.said
    assert 65 <= minute <= 67
    assert not strong
    assert world.wrist.calls == [("watch", 0.0)]
    assert [shown.text.split()[:3] for shown in band.shown] == [["Time", "to", "move"]]
    (prompt,) = world.prompts()
    assert (prompt.due, prompt.where) == (NINE + 65 * MINUTE, (Where.TERMINAL, Where.BAND))


def test_a_prompt_that_was_ignored_rings_and_a_button_answers_it() -> None:
    band = pine_time("5m walk 100, 70m sit, 1m walk 3, 30m sit", press=Press.ACCEPTED)
    world = world_after(lambda world: world.run_until(NINE + 95 * MINUTE), watch=band)
    assert [strong for _, strong in world.said] == [False, True]
    assert [alert.call for alert in band.alerts] == [False, True]
    assert [prompt.answer for prompt in world.prompts()] == [Answer.DONE]
    assert [done.name for done in world.store.exercises(NINE, NINE + 24 * HOUR)] == [world.prompts()[0].exercise]
    assert world.wrist.minutes_of("watch") == [0.0]


def test_the_counter_goes_on_being_stored_while_the_watch_rings() -> None:
    band = pine_time("5m walk 100, 70m sit, 30m walk 60")
    world = world_after(lambda world: world.run_until(NINE + 105 * MINUTE), watch=band)
    gaps = [after.at - before.at for before, after in zip(world.counters(), world.counters()[1:], strict=False)]
    assert max(gaps) <= 71 * SECOND  # a minute, and a burst that delays the read


def test_a_lost_link_is_called_again_after_two_minutes_then_four_and_no_oftener() -> None:
    async def story(world: World) -> None:
        await world.run_until(NINE + 10 * MINUTE)
        world.wrist.away.add("watch")
        world.wrist.open["watch"].drop()
        await world.run_until(NINE + 30 * MINUTE)
        world.wrist.away.clear()
        await world.run_until(NINE + 60 * MINUTE)

    world = world_after(story, watch=pine_time("90m sit"))
    # lost at 10; 2 minutes after that, then 4 and 8 and 16 after each attempt that failed, the long ones a tenth less
    called = world.wrist.minutes_of("watch")
    assert called[:3] == [0.0, 12.0, 16.0]
    eight, sixteen = called[3] - called[2], called[4] - called[3]
    assert 7.1 <= eight <= 8.1  # rounded to tenths
    assert 14.3 <= sixteen <= 16.1
    assert len(called) == 5
    assert world.store.syncs(world.store.bands()[0].id)[0].error is None
    assert world.counters()[-1].at >= NINE + 58 * MINUTE


@pytest.mark.parametrize("off", [False, True])
def test_a_live_band_that_comes_back_after_long_is_called_when_it_is_heard(off: bool) -> None:
    """Out of reach, or heard by nobody because Bluetooth is switched off."""

    async def story(world: World) -> None:
        await world.run_until(NINE + 10 * MINUTE)
        world.wrist.away, world.wrist.off = {"watch"}, off
        world.wrist.open["watch"].drop()
        await listen_until(world, NINE + 45 * MINUTE)
        world.wrist.away.clear()
        world.wrist.off = False
        await listen_until(world, NINE + 49 * MINUTE)

    world = world_after(story, watch=pine_time("90m sit"))
    called = world.wrist.minutes_of("watch")
    assert 38 <= called[-2] <= 40.1  # its delay would last for half an hour
    assert 45 <= called[-1] <= 46
    assert world.counters()[-1].at >= NINE + 47 * MINUTE


def test_a_band_with_a_memory_that_comes_back_is_called_when_it_is_heard() -> None:
    async def story(world: World) -> None:
        world.wrist.away = {"band"}
        await listen_until(world, NINE + 35 * MINUTE)
        world.wrist.away.clear()
        await listen_until(world, NINE + 45 * MINUTE)

    world = world_after(story, band=MiBand(day("90m sit", NINE), now=NINE, zone=UTC_ZONE, secret=KEY))
    called = world.wrist.minutes_of("band")
    assert 27 <= called[-2] <= 30.1
    assert 35 <= called[-1] <= 40.1  # it was never reached, and is listened for every five minutes
    assert len(called) == 6
    assert world.store.syncs(world.store.bands()[0].id)[0].error is None


def test_a_band_that_is_in_reach_and_does_not_answer_is_called_after_growing_delays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story(world: World) -> None:
        monkeypatch.setattr(world.wrist, "reach", silent)
        await listen_until(world, NINE + 30 * MINUTE)

    calls: list[str] = []

    @contextlib.asynccontextmanager
    async def silent(band: Band) -> AsyncGenerator[Connection, None]:
        calls.append(band.name)
        raise NoReply("it does not let itself be connected to")
        yield  # pyright: ignore[reportUnreachable]

    world_after(story, watch=pine_time("90m sit"))
    assert len(calls) == 5  # at 0, 2, 6, 14 and 28 minutes or so


def test_a_short_loss_costs_no_step_and_no_minute() -> None:
    async def story(world: World) -> None:
        await world.run_until(NINE + 10 * MINUTE)
        world.wrist.open["watch"].drop()
        await world.run_until(NINE + 20 * MINUTE)

    world = world_after(story, watch=pine_time("8m walk 50, 1m sit, 11m walk 50, 5m sit"))
    steps = world.service.state(NINE + 20 * MINUTE).seen.line.steps
    assert sum(steps[-20:-1]) == 8 * 50 + 10 * 50


def test_wake_never_calls_a_live_band_itself_and_is_not_asked_for_without_end() -> None:
    async def story(world: World) -> None:
        await world.service.wake(world.clock.now())
        now = world.clock.now()
        assert next_wake(world.service.state(now), now) >= now + MINUTE

    assert world_after(story, watch=pine_time("90m sit")).wrist.calls == []


def test_while_it_is_out_of_reach_nobody_looks_before_it_is_called_again() -> None:
    async def story(world: World) -> None:
        world.wrist.away.add("watch")
        world.service.live.attend()
        await asyncio.sleep(1)
        now = world.clock.now()
        state = world.service.state(now)
        assert contact_at(state.contacts[0], state, now) == NINE + 2 * MINUTE
        assert next_wake(state, now) == NINE + 3 * MINUTE

    world_after(story, watch=pine_time("90m sit"))


def test_a_band_with_a_memory_is_called_as_without_a_live_one_beside_it() -> None:
    life = day("5m walk 100, 90m sit, 5m walk 100", NINE)

    def mi_band() -> MiBand:
        return MiBand(life, now=NINE, zone=UTC_ZONE, secret=KEY)

    alone = world_after(lambda world: world.run_until(NINE + 100 * MINUTE), band=mi_band())
    beside = world_after(
        lambda world: world.run_until(NINE + 100 * MINUTE), band=mi_band(), watch=pine_time("5m walk 100, 90m sit")
    )
    assert alone.wrist.minutes_of("band")
    assert beside.wrist.minutes_of("watch") == [0.0]
    assert len(beside.prompts()) == len(alone.prompts()) == 1


@pytest.mark.parametrize("way", ["no connection", "no answer", "no end"])
def test_a_band_that_hangs_does_not_keep_another_from_prompting(way: str) -> None:
    """It takes its time to be connected to, says nothing, or goes on and on; the other is asked at the due minute."""
    life = day("5m walk 100, 90m sit", NINE)

    async def forever(link: Link, session: Session) -> AsyncGenerator[Sequence[Reading], None]:
        for number in count():
            await link.pause(SECOND)
            yield [Charge(link.now(), number % 100)]

    async def open_(link: Link, session: Session) -> Sequence[Reading]:
        if way == "no answer":
            await link.pause(24 * HOUR)
        return []

    broken = Driver("broken", "broken", Abilities(history=MINUTE), lambda _: "none", lambda _: True, open_, forever)

    async def story(world: World) -> None:
        if way == "no connection":
            world.wrist.stuck = {"broken"}
        await world.run_until(NINE + 80 * MINUTE)

    world = world_after(
        story,
        known={**drivers(), "broken": broken},
        band=MiBand(life, now=NINE, zone=UTC_ZONE, secret=KEY),
        broken=MiBand(life, now=NINE, zone=UTC_ZONE, secret=KEY),
    )
    assert 65 <= world.said[0][0] <= 67
    assert len(world.wrist.minutes_of("broken")) >= 3, "it is called again"


def test_a_forgotten_band_is_let_go_and_a_new_one_is_stayed_with() -> None:
    async def story(world: World) -> None:
        await world.run_until(NINE + 5 * MINUTE)
        world.store.forget(world.store.bands()[0].id, NINE, with_data=False)
        world.service.live.attend()
        await asyncio.sleep(1)
        assert world.wrist.open == {}
        world.store.add_band(name="again", driver="infinitime", address="watch", now=NINE, simulated=True)
        await world.run_until(NINE + 10 * MINUTE)
        assert list(world.wrist.open) == ["watch"]

    world = world_after(story, watch=pine_time("90m sit"))
    assert world.wrist.minutes_of("watch") == [0.0, 5.0]


def test_a_driver_with_a_bug_is_logged_and_ends_neither_the_service_nor_other_bands(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def buggy(link: Link, session: Session) -> AsyncGenerator[Sequence[Reading], None]:
        yield [Counter(link.now(), 1)]
        raise ZeroDivisionError

    known = drivers()
    band = pine_time("5m walk 100, 90m sit")
    broken = {**known, "infinitime": replace(known["infinitime"], watch=buggy)}
    with caplog.at_level(logging.ERROR):
        world = world_after(lambda world: world.run_until(NINE + 30 * MINUTE), known=broken, watch=band)
    assert world.wrist.minutes_of("watch") == [0.0]
    (record,) = [record for record in caplog.records if record.name == "hipsync.service.live"]
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


def test_what_a_live_band_tells_is_kept_while_the_store_is_full_and_stored_when_it_is_not() -> None:
    seen: list[str | None] = []

    async def story(world: World) -> None:
        await world.run_until(NINE + 5 * MINUTE)
        world.store.full = True
        await asyncio.sleep(20 * 60)
        seen.append(world.service.live.trouble)
        world.store.full = False
        await world.run_until(NINE + 30 * MINUTE)
        seen.append(world.service.live.trouble)

    world = world_after(story, watch=pine_time("40m walk 50"))
    assert seen == ["the disk is full", None]
    assert world.wrist.minutes_of("watch") == [0.0]
    counters = world.counters()
    assert counters[-1].at >= NINE + 28 * MINUTE
    gaps = [after.at - before.at for before, after in pairwise(counters)]
    assert max(gaps) <= 71 * SECOND
    assert len({each.at for each in counters}) == len(counters)


def test_what_is_kept_survives_the_link(caplog: pytest.LogCaptureFixture) -> None:
    async def story(world: World) -> None:
        await world.run_until(NINE + 5 * MINUTE)
        world.store.full = True
        await asyncio.sleep(10 * 60)
        world.wrist.open["watch"].drop()
        await asyncio.sleep(60)
        world.store.full = False
        await world.run_until(NINE + 30 * MINUTE)

    world = world_after(story, watch=pine_time("40m walk 50"))
    minutes = {(counter.at - NINE) // MINUTE for counter in world.counters()}
    assert set(range(1, 15)) <= minutes
    assert len([each for each in caplog.records if "kept in memory" in each.message]) == 1


def test_after_the_host_slept_the_band_is_called_as_soon_as_it_wakes() -> None:
    async def story(world: World) -> None:
        world.wrist.away.add("watch")
        await world.run_until(NINE + 40 * MINUTE)
        world.wrist.away.clear()
        world.clock.slept = 3 * HOUR
        await asyncio.sleep(61)

    world = world_after(story, watch=pine_time("90m sit"))
    called = world.wrist.minutes_of("watch")
    assert (len(called), called[:3]) == (6, [0.0, 2.0, 6.0])
    assert 220 <= called[-1] <= 221


def test_the_daemon_holds_a_live_band_and_lets_it_go_at_a_signal() -> None:
    async def story() -> World:
        clock = SystemClock()
        world = World(clock, watch=PineTime([], now=clock.now(), zone=UTC_ZONE))
        serving = asyncio.ensure_future(run_daemon(world.service, clock))
        async with asyncio.timeout(10):
            await world.wrist.reached.wait()
            os.kill(os.getpid(), signal.SIGTERM)
            await serving
        return world

    assert asyncio.run(story()).wrist.open == {}


def test_what_is_asked_of_a_held_band_goes_over_its_one_connection_also_if_it_is_just_being_reached() -> None:
    async def story(world: World) -> None:
        band = world.store.bands()[0]
        world.service.live.attend()
        assert (await world.service.fetch(band)).held
        await world.service.buzz(band)
        assert world.service.live.connected() == ["watch"]

    watch = pine_time("90m sit")
    world = world_after(story, watch=watch)
    assert world.wrist.minutes_of("watch") == [0.0]
    assert len(watch.shown) == 1


def test_a_held_band_that_is_away_is_not_called_twice_and_the_reason_is_given() -> None:
    async def story(world: World) -> None:
        world.wrist.away = {"watch"}
        world.service.live.attend()
        with pytest.raises(DeviceError, match=r"it is not connected, and hipsync keeps trying: out of reach"):
            await world.service.fetch(world.store.bands()[0])

    assert world_after(story, watch=pine_time("90m sit")).wrist.minutes_of("watch") == [0.0]


def test_the_first_step_after_an_ignored_prompt_brings_its_second_showing() -> None:
    """The step is in minute 90, a quarter of an hour after the prompt counted as ignored."""
    band = pine_time("5m walk 100, 85m sit, 1m sit 4, 20m sit")
    world = world_after(lambda world: world.run_until(NINE + 105 * MINUTE), watch=band)
    (_, first), (again, second) = world.said
    assert (first, second) == (False, True)
    assert 90 <= again <= 93

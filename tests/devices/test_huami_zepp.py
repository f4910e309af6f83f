"""A watch of the newer generation that has no characteristics for steps and buzz: what it tells, and what it lacks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from hipsync.conversation.dialogue import OpenDialogue, dialogue
from hipsync.driver import Message, Session
from hipsync.errors import DeviceError, NoReply
from hipsync.host.clock import FastClock
from hipsync.model import MINUTE, Charge, Counter, Epoch, State, Wear
from hipsync.simulated import Service
from hipsync.testing.direct import DirectConnection, MemoryStore, conversation, run
from hipsync_devices import gatt
from hipsync_devices.huami import DRIVER, endpoints, packets
from hipsync_devices.huami.sim_2021 import MiBand7
from hipsync_devices.huami.sim_zepp import ActiveMax, HelioStrap, total

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
MOST = endpoints.STEPS, endpoints.FIND, endpoints.HEART_RATE, endpoints.BATTERY, endpoints.CLOCK
Story = Callable[[OpenDialogue, MemoryStore, DirectConnection, FastClock], Awaitable[None]]


def lived(*steps: int, start: datetime = NOON, state: State | None = None) -> list[Epoch]:
    return [Epoch(start + number * MINUTE, MINUTE, count, state=state) for number, count in enumerate(steps)]


def a_watch(
    life: Sequence[Epoch] = (), made: type[ActiveMax] = ActiveMax, *, zone: str = "UTC", now: datetime = NOON
) -> ActiveMax:
    return made(life, now=now, zone=ZoneInfo(zone), secret=KEY)


def told(watch: ActiveMax | MiBand7, story: Story, *, zone: str = "UTC", now: datetime = NOON) -> MemoryStore:
    """What is stored of a connection with a watch in which this happens after the login."""
    kept = MemoryStore()

    async def whole(clock: FastClock) -> None:
        connection = DirectConnection(watch, clock.now)
        talk, session = conversation(connection, clock, zone), Session(name=watch.name, secret=KEY)
        async with dialogue(DRIVER, talk, session, kept.commit) as opened:
            await story(opened, kept, connection, clock)
        connection.drop()
        await asyncio.sleep(0)

    run(whole, now)
    return kept


def watching(length: timedelta) -> Story:
    async def story(opened: OpenDialogue, kept: MemoryStore, _: DirectConnection, __: FastClock) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(length.total_seconds()):
                await opened.watch(kept.commit)

    return story


async def nothing(_: OpenDialogue, __: MemoryStore, ___: DirectConnection, ____: FastClock) -> None:
    """Log in, and go."""


# ------------------------------------------------------------------ what the list decides


def test_what_it_lists_and_has_is_what_it_can_do() -> None:
    seen: list[tuple[bool, ...]] = []

    async def story(opened: OpenDialogue, *_: object) -> None:
        able = opened.abilities
        seen.append((able.history == MINUTE, able.live, able.buzz, able.text, able.battery))

    told(a_watch(), story)
    for endpoint in (endpoints.STEPS, endpoints.FIND, endpoints.BATTERY):
        watch = a_watch()
        del watch.services_sealed[endpoint]
        told(watch, story)
    told(MiBand7([], now=NOON, zone=ZoneInfo("UTC"), secret=KEY), story)
    assert seen == [
        (True, True, True, False, True),
        (True, False, True, False, True),
        (True, True, False, False, True),
        (True, True, True, False, False),
        (True, False, True, False, True),  # it lists no steps, and buzzes by Immediate Alert
    ]


class WithoutFetch(ActiveMax):
    """It has neither control nor data of a fetch as a characteristic."""

    def services(self) -> Sequence[Service]:
        return [
            Service(each.uuid, tuple(c for c in each.characteristics if c.uuid not in {packets.FETCH, packets.DATA}))
            for each in super().services()
        ]


def test_a_watch_that_hands_out_no_minutes_is_followed_live_and_one_that_does_neither_is_another_model() -> None:
    watch = a_watch(lived(10, 20), WithoutFetch)
    held: list[bool] = []

    async def story(opened: OpenDialogue, kept: MemoryStore, connection: DirectConnection, clock: FastClock) -> None:
        held.append(opened.held)
        await opened.fetch(kept.commit)
        await watching(3 * MINUTE)(opened, kept, connection, clock)

    kept = told(watch, story)
    assert held == [True]
    assert (kept.of(Epoch), max(each.steps for each in kept.of(Counter))) == ([], 30)
    del watch.services_sealed[endpoints.STEPS]
    with pytest.raises(DeviceError, match="does not tell its steps in a way that hipsync knows: it is another model"):
        told(watch, nothing, now=NOON + 10 * MINUTE)


def test_a_buzz_that_nothing_can_do_is_refused_in_a_line() -> None:
    watch = a_watch()
    del watch.services_sealed[endpoints.FIND]

    async def story(opened: OpenDialogue, *_: object) -> None:
        with pytest.raises(DeviceError, match="cannot buzz"):
            await opened.nudge(Message("a", "b"))

    told(watch, story)
    assert watch.shown == []


@pytest.mark.parametrize("made", [ActiveMax, HelioStrap])
@pytest.mark.parametrize("silent", [(each,) for each in (*MOST, endpoints.SERVICES)] + [(*MOST, endpoints.SERVICES)])
def test_an_endpoint_that_does_not_answer_costs_no_minute(made: type[ActiveMax], silent: Sequence[int]) -> None:
    life = lived(*range(30), start=NOON - 30 * MINUTE)
    watch = a_watch(life, made)
    watch.silent = set(silent)
    took: list[timedelta] = []

    async def story(opened: OpenDialogue, kept: MemoryStore, _: DirectConnection, clock: FastClock) -> None:
        await opened.fetch(kept.commit)
        took.append(clock.now() - NOON)

    kept = told(watch, story)
    assert [(each.start, each.steps) for each in kept.of(Epoch)] == [(each.start, each.steps) for each in life]
    assert took[0] < MINUTE


def test_the_clock_is_set_by_the_characteristic_where_the_endpoint_is_silent() -> None:
    watch = ActiveMax([], now=NOON, zone=ZoneInfo("UTC"), secret=KEY, clock_error=timedelta(hours=3))
    watch.silent = {endpoints.CLOCK}
    told(watch, nothing)
    assert watch.clock() - NOON < timedelta(minutes=1)


# ------------------------------------------------------------------ live


def test_steps_come_as_they_happen_and_stillness_each_minute() -> None:
    watch = a_watch([*lived(400, start=NOON - MINUTE), *lived(90, 110, 0, 0)])
    kept = told(watch, watching(5 * MINUTE))
    counts = kept.of(Counter)
    assert counts[0] == Counter(NOON, 400)
    by_minute = {(each.at - NOON) // MINUTE: each.steps for each in counts}
    assert by_minute == {0: 400, 1: 490, 2: 600, 3: 600, 4: 600}
    assert [each.at for each in counts] == sorted({each.at for each in counts}), "a total is stored once"


def test_a_total_that_comes_twice_is_stored_once() -> None:
    watch = a_watch(lived(10, 20, 30))

    async def story(opened: OpenDialogue, kept: MemoryStore, connection: DirectConnection, _: FastClock) -> None:
        connection.double = set(range(1000))
        await watching(4 * MINUTE)(opened, kept, connection, _)

    counts = told(watch, story).of(Counter)
    assert [each.steps for each in counts if each.steps] == [10, 30, 60]
    assert len({each.at for each in counts}) == len(counts)


def test_the_total_before_midnight_and_the_one_after_it_are_both_stored() -> None:
    midnight = datetime(2026, 3, 2, 18, 15, tzinfo=UTC)  # in Kathmandu
    start = midnight - 2 * MINUTE
    life = [*lived(1000, start=start - 60 * MINUTE), *lived(100, 100, 100, 100, start=start)]
    watch = a_watch(life, zone="Asia/Kathmandu", now=start)
    counts = told(watch, watching(5 * MINUTE), zone="Asia/Kathmandu", now=start).of(Counter)
    before = [each.steps for each in counts if each.at < midnight]
    after = [each.steps for each in counts if each.at > midnight]
    assert (before[0], max(before)) == (1000, 1100)
    assert after[:2] == [100, 200]


def test_both_totals_that_come_within_a_moment_round_midnight_are_stored() -> None:
    watch = a_watch()

    async def story(opened: OpenDialogue, kept: MemoryStore, connection: DirectConnection, clock: FastClock) -> None:
        loop = asyncio.get_running_loop()
        for after_s, steps in ((31, 1200), (33, 1234), (36, 0), (38, 5)):
            loop.call_later(after_s, watch.send, endpoints.STEPS, b"\x07" + total(steps))
        await watching(MINUTE)(opened, kept, connection, clock)

    assert [each.steps for each in told(watch, story).of(Counter)] == [0, 1234, 5]


def test_a_doubled_answer_is_no_answer_to_the_next_question() -> None:
    watch = a_watch(lived(*[5] * 12))

    async def mute(opened: OpenDialogue, kept: MemoryStore, connection: DirectConnection, clock: FastClock) -> None:
        connection.double = set(range(1000))
        connection.spoil = lambda data: [] if data[9:12] == b"\x16\x00\x07" else [data]
        await watching(5 * MINUTE)(opened, kept, connection, clock)

    assert [each.steps for each in told(watch, mute).of(Counter)] == [0, 10, 20]


def test_a_measurement_that_runs_is_ended_with_the_watching() -> None:
    watch = a_watch([*lived(0, start=NOON - MINUTE, state=State.NOT_WORN), *lived(0, 0, state=State.NOT_WORN)])
    measured: list[bool] = []

    async def story(opened: OpenDialogue, kept: MemoryStore, connection: DirectConnection, clock: FastClock) -> None:
        asyncio.get_running_loop().call_later(14, lambda: measured.append(watch.measures_until is not None))
        await watching(15 * SECOND)(opened, kept, connection, clock)
        measured.append(watch.measures_until is not None)

    told(watch, story)
    assert measured == [True, False]


def test_a_watch_that_tells_nothing_is_asked_and_one_that_is_gone_ends_the_watching() -> None:
    watch = a_watch(lived(*[5] * 12))

    async def mute(opened: OpenDialogue, kept: MemoryStore, connection: DirectConnection, clock: FastClock) -> None:
        connection.spoil = lambda data: [] if data[9:12] == b"\x16\x00\x07" else [data]
        await watching(5 * MINUTE)(opened, kept, connection, clock)
        watch.silent = {endpoints.STEPS}
        with pytest.raises(NoReply):
            await opened.watch(kept.commit)

    counts = told(watch, mute).of(Counter)
    assert [(each.at - NOON) // MINUTE for each in counts] == [0, 2, 4]
    assert [each.steps for each in counts] == [0, 10, 20]


def test_what_is_switched_on_is_switched_off_again_also_what_an_earlier_connection_left_on() -> None:
    watch = a_watch(lived(10, 20))
    told(watch, watching(2 * MINUTE))
    assert not watch.tells_steps

    async def cut(opened: OpenDialogue, kept: MemoryStore, connection: DirectConnection, clock: FastClock) -> None:
        with contextlib.suppress(DeviceError, TimeoutError):
            async with asyncio.timeout(90):
                asyncio.get_running_loop().call_later(60, connection.drop)
                await opened.watch(kept.commit)

    watch = a_watch(lived(10, 20))
    told(watch, cut)
    assert watch.tells_steps, "the link was cut: nobody could say it"
    told(watch, nothing, now=NOON + 3 * MINUTE)
    assert not watch.tells_steps


@pytest.mark.parametrize("worn", [True, False])
def test_a_pulse_shows_that_it_is_worn_and_is_measured_for_a_moment_only(worn: bool) -> None:
    state = None if worn else State.NOT_WORN
    watch = a_watch([*lived(0, start=NOON - MINUTE, state=state), *lived(*[0] * 40, state=state)])
    measured: list[datetime] = []

    async def story(opened: OpenDialogue, kept: MemoryStore, connection: DirectConnection, clock: FastClock) -> None:
        def noted(data: bytes) -> Sequence[bytes]:
            if len(data) == 2:
                measured.append(clock.now())
            return [data]

        connection.spoil = noted
        await watching(35 * MINUTE)(opened, kept, connection, clock)

    wears = told(watch, story).of(Wear)
    if worn:
        gaps = [after.at - before.at for before, after in pairwise(wears)]
        assert wears
        assert all(each.worn for each in wears)
        assert max(gaps) < timedelta(minutes=30), "each is believed for half an hour"
        assert wears[-1].at > NOON + 25 * MINUTE
        assert len(measured) < 4 * 15, "it is measured until it is felt, and no longer"
    else:
        assert wears == []
        assert len(measured) > 60
    assert len(measured) * SECOND < 35 * MINUTE / 8, "the light takes much of a battery"


def test_a_watch_without_a_pulse_tells_its_steps_all_the_same() -> None:
    class Refusing(ActiveMax):
        def services(self) -> Sequence[Service]:
            return [each for each in super().services() if each.uuid != gatt.HEART_RATE]

    watch = a_watch(lived(10, 20), Refusing)
    kept = told(watch, watching(3 * MINUTE))
    assert max(each.steps for each in kept.of(Counter)) == 30
    assert kept.of(Wear) == []


def test_a_battery_that_it_tells_is_stored() -> None:
    watch = a_watch()

    async def story(opened: OpenDialogue, kept: MemoryStore, connection: DirectConnection, clock: FastClock) -> None:
        def tell() -> None:
            watch.send(endpoints.BATTERY, bytes.fromhex("040f1200e90704190f24240ce90704190f24240c64"))

        asyncio.get_running_loop().call_later(30, tell)
        await watching(MINUTE)(opened, kept, connection, clock)

    assert [each.percent for each in told(watch, story).of(Charge)] == [87, 18]  # zepp-battery-18


# ------------------------------------------------------------------ buzz, and who asks


def test_a_buzz_is_short_and_a_strong_one_comes_twice() -> None:
    watch = a_watch()

    async def story(opened: OpenDialogue, *_: object) -> None:
        await opened.nudge(Message("a", "b"))
        assert len(watch.shown) == 1
        await opened.nudge(Message("a", "b", strong=True))

    told(watch, story)
    assert len(watch.shown) == 3
    assert watch.buzzes == [timedelta(seconds=0.5)] * 3


def test_a_buzz_that_is_called_off_is_stopped() -> None:
    watch = a_watch()

    async def story(opened: OpenDialogue, _: MemoryStore, __: DirectConnection, clock: FastClock) -> None:
        work = asyncio.ensure_future(opened.nudge(Message("a", "b")))
        await asyncio.sleep(0.2)
        work.cancel()
        await asyncio.wait({work})
        await opened.nudge(Message("a", "b"))

    told(watch, story)
    assert len(watch.buzzes) == len(watch.shown) == 2


def test_a_buzz_that_nobody_acknowledges_is_an_error_and_is_stopped_too() -> None:
    watch = a_watch()

    async def story(opened: OpenDialogue, _: MemoryStore, connection: DirectConnection, ___: FastClock) -> None:
        connection.spoil = lambda _: []
        with pytest.raises(NoReply):
            await opened.nudge(Message("a", "b"))
        connection.spoil = lambda data: [data]

    told(watch, story)
    assert len(watch.buzzes) == 1


def test_a_question_is_answered_while_nobody_waits_and_what_is_said_beside_it_stays_whole() -> None:
    watch = a_watch(lived(*[7] * 30, start=NOON - 30 * MINUTE))

    async def story(opened: OpenDialogue, kept: MemoryStore, _: DirectConnection, clock: FastClock) -> None:
        await clock.sleep_until(NOON + 10 * MINUTE)
        await asyncio.gather(opened.fetch(kept.commit), opened.nudge(Message("a", "b", strong=True)))

    kept = told(watch, story)
    assert watch.complaints == []
    assert len(kept.of(Epoch)) == 30


def test_a_sealed_question_gets_a_sealed_answer_and_a_message_its_receipt() -> None:
    watch = a_watch()
    watch.services_sealed[endpoints.CONNECTION] = True
    watch.wants_receipts = True

    async def story(_: OpenDialogue, __: MemoryStore, connection: DirectConnection, clock: FastClock) -> None:
        await clock.sleep_until(NOON + 3 * MINUTE)
        assert not connection.lost.is_set()

    told(watch, story)
    assert watch.complaints == []
    handles = [receipt[2] for receipt in watch.receipts]
    assert len(handles) > 6
    assert handles == list(range(1, len(handles) + 1)), "one for each message of the watch, in order"


def test_what_is_to_be_sealed_and_is_not_is_not_taken_while_watching() -> None:
    watch = a_watch()
    watch.services_sealed[endpoints.STEPS] = True

    async def story(opened: OpenDialogue, kept: MemoryStore, connection: DirectConnection, clock: FastClock) -> None:
        forged = bytes.fromhex("030300e6000e0000001600070c") + (9999).to_bytes(4, "little") + bytes(8)

        def forge() -> None:
            for callback in list(connection._callbacks.values()):  # pyright: ignore[reportPrivateUsage]
                callback(forged)

        asyncio.get_running_loop().call_later(30, forge)
        await watching(2 * MINUTE)(opened, kept, connection, clock)

    assert {each.steps for each in told(watch, story).of(Counter)} == {0}

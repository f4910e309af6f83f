"""What goes wrong between a band and a radio, and what the application sees of it; then all is as before."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from bumble import hci

from hipsync.conversation.session import Conversation
from hipsync.errors import DeviceError, LinkLost, NoReply
from hipsync.host.clock import FastClock
from hipsync.radio.connect import connect
from hipsync.radio.scan import Adapter, NearbyDevice, find, scan
from hipsync.radio.simulation import Air, SimulatedRadio
from hipsync.radio.simulation.backend import backends
from hipsync.radio.simulation.central import central
from hipsync.radio.simulation.reception import SUPERVISION_S, Reception
from hipsync.simulated import Notification
from support.plain_band import BATTERY, BATTERY_SERVICE, FIRST, OWN, SAME, SECOND, TELL, WRITE, PlainBand, on_the_air

LIMIT = 45 * SECOND
HUNDRED = [bytes([number]) * 20 for number in range(100)]
NOTHING_FOR = 10 * SECOND


def talker() -> PlainBand:
    """A band that says a hundred things when it is told to go."""
    band = PlainBand()
    band.answers[b"go"] = [Notification(TELL, data) for data in HUNDRED]
    return band


async def transfer(
    simulated: SimulatedRadio, clock: FastClock, spoil: Callable[[], None] = lambda: None
) -> list[bytes]:
    """The hundred, as a driver fetches them; the air is spoilt when the third has come."""
    told: list[bytes] = []
    async with connect(simulated.adapter, FIRST, LIMIT) as connection:
        view = Conversation(connection, zone=ZoneInfo("UTC"), now=clock.now).view()
        await view.subscribe(TELL)
        await view.write(WRITE, b"go", response=True)
        while len(told) < len(HUNDRED):
            told.append((await view.notification(TELL, timeout=NOTHING_FOR)).data)
            if len(told) == 3:
                spoil()
    return told


Fault = Callable[[Reception], None]


def fault(spoil: Fault, expected: type[DeviceError]) -> timedelta:
    """How long after the fault the transfer failed as expected; then the air is good, and it succeeds."""

    async def story(simulated: SimulatedRadio, clock: FastClock) -> timedelta:
        reception = simulated.reception()
        reception.bytes_per_s = 1000.0  # so that most is still to come when the third has come
        at = clock.now()

        def now() -> None:
            nonlocal at
            at = clock.now()
            spoil(reception)

        with pytest.raises(expected):
            await transfer(simulated, clock, now)
        failed = clock.now() - at
        reception.resume()
        reception.come_back()
        assert await transfer(simulated, clock) == HUNDRED
        return failed

    return on_the_air(story, talker())


def test_a_band_that_walks_away_is_lost_after_the_supervision_time_out() -> None:
    assert fault(Reception.leave, LinkLost) == timedelta(seconds=SUPERVISION_S)


def test_a_link_that_drops_is_lost_at_once() -> None:
    assert fault(Reception.drop, LinkLost) < 0.1 * SECOND


def test_a_band_that_stalls_is_only_noticed_by_the_deadline() -> None:
    assert fault(Reception.stall, NoReply) == NOTHING_FOR


@pytest.mark.parametrize("cut", [0, 1, 7, 99])
def test_a_link_can_be_cut_in_place_of_any_notification(cut: int) -> None:
    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        simulated.reception().cut_after(cut)
        told: list[bytes] = []
        async with connect(simulated.adapter, FIRST, LIMIT) as connection:
            await connection.start_notify(TELL, told.append)
            await connection.write(WRITE, b"go", response=False)
            await asyncio.wait_for(connection.lost.wait(), 5)
        assert told == HUNDRED[:cut]
        assert await transfer(simulated, clock) == HUNDRED

    on_the_air(story, talker())


def test_delay_and_a_slow_rate_cost_time_and_nothing_else() -> None:
    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        started = clock.now()
        assert await transfer(simulated, clock) == HUNDRED
        fast = clock.now() - started
        simulated.reception().delay_s, simulated.reception().bytes_per_s = 0.25, 500.0
        started = clock.now()
        assert await transfer(simulated, clock) == HUNDRED
        # a hundred times 20 bytes, with 7 of ATT and L2CAP around each
        assert clock.now() - started - fast > timedelta(seconds=100 * 27 / 500)

    on_the_air(story, talker())


def test_a_refused_connection_is_tried_again() -> None:
    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        reception = simulated.reception()
        reception.refuse = hci.HCI_CONNECTION_FAILED_TO_BE_ESTABLISHED_ERROR
        asyncio.get_running_loop().call_later(0.3, setattr, reception, "refuse", None)
        async with connect(simulated.adapter, FIRST, LIMIT) as connection:
            assert await connection.read(BATTERY) == b"\x55"

    on_the_air(story, PlainBand())


def test_a_band_that_refuses_every_connection_is_no_reply() -> None:
    band = PlainBand()

    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        simulated.reception().refuse = hci.HCI_CONNECTION_FAILED_TO_BE_ESTABLISHED_ERROR
        with pytest.raises(NoReply, match=f"no connection to {FIRST}: bring the band close"):
            async with connect(simulated.adapter, FIRST, LIMIT):
                pytest.fail("connected")
        simulated.reception().refuse = None
        async with connect(simulated.adapter, FIRST, LIMIT) as connection:
            assert await connection.read(BATTERY) == b"\x55"

    on_the_air(story, band)
    assert band.visits == ["connected", "disconnected"]


def test_most_adverts_may_be_lost() -> None:
    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        simulated.reception().lost_adverts = 0.9
        async with connect(simulated.adapter, FIRST, LIMIT) as connection:
            assert await connection.read(BATTERY) == b"\x55"
        simulated.reception().lost_adverts = 1.0
        assert await scan(simulated.adapter, 10) == []

    on_the_air(story, PlainBand())


def test_a_band_out_of_range_is_not_heard_until_it_comes_back() -> None:
    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        simulated.reception().leave()
        assert await find(simulated.adapter, FIRST, 10 * SECOND) is None
        asyncio.get_running_loop().call_later(5, simulated.reception().come_back)
        started = clock.now()
        assert await find(simulated.adapter, FIRST, 10 * SECOND) is not None
        assert 5 * SECOND <= clock.now() - started < 6 * SECOND

    on_the_air(story, PlainBand())


def test_who_comes_back_before_the_supervision_time_out_has_lost_nothing() -> None:
    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        reception = simulated.reception()

        def away() -> None:
            reception.leave()
            asyncio.get_running_loop().call_later(SUPERVISION_S - 0.1, reception.come_back)

        assert await transfer(simulated, clock, away) == HUNDRED

    band = talker()
    on_the_air(story, band)
    assert band.visits == ["connected", "disconnected"]


@pytest.mark.parametrize("seen_before", [True, False], ids=["seen, then gone", "by address"])
def test_an_absent_band_is_no_reply_within_the_bound_and_a_later_connect_works(seen_before: bool) -> None:
    band = PlainBand()

    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        seen = await find(simulated.adapter, FIRST, LIMIT)
        assert seen is not None
        simulated.reception().leave()
        started = clock.now()
        with pytest.raises(NoReply, match="no connection"):
            async with connect(simulated.adapter, seen if seen_before else FIRST, LIMIT):
                pytest.fail("connected")
        assert LIMIT <= clock.now() - started <= LIMIT + 1 * SECOND
        simulated.reception().come_back()
        await asyncio.sleep(60)
        assert band.visits == []  # what was given up does not connect by itself
        async with connect(simulated.adapter, FIRST, LIMIT) as connection:
            assert await connection.read(BATTERY) == b"\x55"

    on_the_air(story, band)


def test_a_connect_that_is_cancelled_leaves_nothing_pending() -> None:
    band = PlainBand()

    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        seen = await find(simulated.adapter, FIRST, LIMIT)
        assert seen is not None
        for after in (0.0, 0.001, 0.01, 0.05, 0.1, 0.101, 0.15, 0.2, 0.5):
            before = len(band.visits)

            async def attempt() -> None:
                async with connect(simulated.adapter, seen, LIMIT):
                    await asyncio.sleep(3600)

            task = asyncio.ensure_future(attempt())
            await asyncio.sleep(after)
            task.cancel()
            cancelled = clock.now()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert clock.now() - cancelled < SECOND
            await asyncio.sleep(10)
            assert band.visits[before:] in ([], ["connected", "disconnected"])
        async with connect(simulated.adapter, FIRST, LIMIT) as connection:
            assert await connection.read(BATTERY) == b"\x55"

    on_the_air(story, band)


def test_a_link_that_ends_while_connecting_is_tried_again() -> None:
    band = PlainBand()

    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        reception = simulated.reception()
        reception.bytes_per_s = 300.0  # so that the discovery takes a while
        asyncio.get_running_loop().call_later(1.0, reception.drop)
        async with connect(simulated.adapter, FIRST, LIMIT) as connection:
            assert await connection.read(BATTERY) == b"\x55"
            assert not connection.lost.is_set()

    on_the_air(story, band)
    assert band.visits == ["connected", "disconnected"] * 2


def test_a_cancelled_read_does_not_give_its_late_answer_to_the_next_one() -> None:
    band = PlainBand()
    band.values[BATTERY_SERVICE, BATTERY], band.values[OWN, SAME] = b"the battery", b"the steps"

    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        async with connect(simulated.adapter, FIRST, LIMIT) as connection:
            simulated.reception().delay_s = 3.0
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1):
                    await connection.read(BATTERY)
            assert await connection.read(SAME, OWN) == b"the steps"

    on_the_air(story, band)


def test_a_request_without_an_answer_fails_when_att_gives_up_and_takes_the_link_with_it() -> None:
    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        async with connect(simulated.adapter, FIRST, LIMIT) as connection:
            simulated.reception().stall()
            started = clock.now()
            with pytest.raises(NoReply, match=f"did not answer a read of {BATTERY}"):
                await connection.read(BATTERY)
            # Core specification, volume 3, part F, 3.3.3: 30 s, and then no request more
            assert 30 * SECOND <= clock.now() - started < 33 * SECOND
            assert connection.lost.is_set()

    on_the_air(story, PlainBand())


def test_a_lost_link_fails_every_request_that_waits_at_once() -> None:
    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        async with connect(simulated.adapter, FIRST, LIMIT) as connection:
            simulated.reception().stall()
            reads = [asyncio.ensure_future(connection.read(BATTERY)) for _ in range(4)]
            await asyncio.sleep(1)
            started = clock.now()
            simulated.reception().drop()
            ended = await asyncio.gather(*reads, return_exceptions=True)
            assert [type(each) for each in ended] == [LinkLost] * 4
            assert clock.now() - started < 0.1 * SECOND

    on_the_air(story, PlainBand())


@asynccontextmanager
async def second_adapter(air: Air) -> AsyncGenerator[Adapter, None]:
    controller = air.adapter_controller("second")
    async with central(controller, controller, "F0:00:00:00:00:02", 247) as other:
        yield Adapter(*backends(other))
    air.take_off(controller)


def test_of_two_adapters_that_try_at_once_one_gets_the_band_and_the_other_waits() -> None:
    band = PlainBand()

    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        async with second_adapter(simulated.air) as other:
            met: list[str] = []
            seen = await asyncio.gather(*(find(each, FIRST, LIMIT) for each in (simulated.adapter, other)))

            async def meet(name: str, adapter: Adapter, seen: NearbyDevice | None) -> None:
                async with connect(adapter, seen or "", LIMIT) as connection:
                    assert await connection.read(BATTERY) == b"\x55"
                    met.append(f"{name} came")
                    await asyncio.sleep(5)
                    assert await connection.read(BATTERY) == b"\x55"
                    met.append(f"{name} went")

            started = clock.now()
            await asyncio.gather(meet("one", simulated.adapter, seen[0]), meet("two", other, seen[1]))
            assert sorted(met[:2]) in (["one came", "one went"], ["two came", "two went"])
            assert sorted(met[2:]) != sorted(met[:2])
            assert clock.now() - started < 12 * SECOND, "the second one believed for a while that it was connected"

    on_the_air(story, band)
    assert band.visits == ["connected", "disconnected"] * 2


@pytest.mark.parametrize("seed", range(4))
def test_mangled_bytes_never_crash(seed: int) -> None:
    noise = random.Random(seed)

    def mangle(data: bytes) -> bytes:
        if noise.random() < 0.7:
            return data
        start = noise.randrange(len(data) + 1)
        return noise.choice(
            [data[:start], data[:start] + noise.randbytes(len(data) - start), data + noise.randbytes(9)]
        )

    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        reception = simulated.reception()
        reception.mangle = mangle
        for _ in range(5):
            with suppress(DeviceError):
                await transfer(simulated, clock)
        reception.mangle = None
        assert await transfer(simulated, clock) == HUNDRED

    on_the_air(story, talker())

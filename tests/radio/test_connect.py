"""Every connection is closed in the end, and an attempt that fails says what to do. No hardware, and no BlueZ."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from bleak.backends.client import BaseBleakClient

from hipsync.errors import LinkLost, NoReply
from hipsync.host.clock import FastClock
from hipsync.radio.connect import HANG_UP_S, connect
from hipsync.radio.scan import Adapter
from hipsync.radio.simulation import SimulatedRadio
from support.plain_band import BATTERY, FIRST, SECOND, SECOND_BAND, PlainBand, on_the_air

LIMIT = 30 * SECOND


def counting(simulated: SimulatedRadio) -> tuple[Adapter, list[str]]:
    """The same adapter, and what was called on its clients, in order."""
    called: list[str] = []
    adapter = simulated.adapter
    assert adapter.client is not None

    async def disconnect(client: BaseBleakClient) -> None:
        called.append("disconnect")
        assert adapter.client is not None
        await adapter.client.disconnect(client)

    return Adapter(adapter.scanner, type("Counting", (adapter.client,), {"disconnect": disconnect})), called


@pytest.mark.parametrize("how", ["orderly", "the band hung up", "the caller failed", "cancelled"])
def test_a_connection_is_always_closed(how: str) -> None:
    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        counted, called = counting(simulated)

        async def visit() -> None:
            async with connect(counted, FIRST, LIMIT) as connection:
                assert called == []
                if how == "the band hung up":
                    simulated.reception().drop()
                    await connection.lost.wait()
                if how == "the caller failed":
                    raise ZeroDivisionError
                if how == "cancelled":
                    await asyncio.sleep(3600)

        task = asyncio.ensure_future(visit())
        await asyncio.wait({task}, timeout=60)
        task.cancel()
        (ended,) = await asyncio.gather(task, return_exceptions=True)
        expected = {"the caller failed": ZeroDivisionError, "cancelled": asyncio.CancelledError}
        assert type(ended) is expected.get(how, type(None))
        assert called == ["disconnect"]

    on_the_air(story, PlainBand())


def test_a_connection_that_fails_halfway_is_closed_too() -> None:
    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        counted, called = counting(simulated)
        simulated.reception().bytes_per_s = 5.0  # no discovery ends at this pace
        started = clock.now()
        with pytest.raises(NoReply):
            async with connect(counted, FIRST, LIMIT):
                pytest.fail("connected")
        assert LIMIT <= clock.now() - started <= LIMIT + 5 * SECOND
        assert "disconnect" in called

    on_the_air(story, PlainBand())


def test_a_service_that_does_not_hang_up_is_not_waited_for_for_ever() -> None:
    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        adapter = simulated.adapter
        assert adapter.client is not None

        async def disconnect(_: BaseBleakClient) -> None:
            await asyncio.sleep(3600)

        deaf = Adapter(adapter.scanner, type("Deaf", (adapter.client,), {"disconnect": disconnect}))
        async with connect(deaf, FIRST, LIMIT) as connection:
            assert await connection.read(BATTERY) == b"\x55"
            ended = clock.now()
        assert clock.now() - ended == timedelta(seconds=HANG_UP_S)
        assert connection.lost.is_set()

    on_the_air(story, PlainBand())


def test_a_silent_address_tells_of_another_that_has_the_name() -> None:
    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        simulated.reception(0).leave()
        for name, told in (
            ("Plain", f". {SECOND_BAND} shows itself as 'Plain'"),
            ("Other", "connected to it"),
            ("", "it"),
        ):
            with pytest.raises(NoReply) as caught:
                async with connect(simulated.adapter, FIRST, LIMIT, name):
                    pytest.fail("connected")
            assert (SECOND_BAND in str(caught.value)) == (name == "Plain")
            assert told in str(caught.value)

    on_the_air(story, PlainBand(), PlainBand())


def test_after_the_block_the_connection_is_lost_for_whoever_kept_it() -> None:
    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        async with connect(simulated.adapter, FIRST, LIMIT) as connection:
            pass
        assert connection.lost.is_set()
        with pytest.raises(LinkLost):
            await connection.read(BATTERY)

    on_the_air(story, PlainBand())

"""Simulated bands over real GATT, met by Bleak through `hipsync.radio.connect`: scan, connect, read, write, be told."""

from __future__ import annotations

import asyncio

import pytest
from bleak import BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from hipsync.driver import Advertisement
from hipsync.errors import ConfigError, DeviceError, LinkLost, NotAuthorised
from hipsync.host.clock import FastClock
from hipsync.radio.connect import connect
from hipsync.radio.scan import NearbyDevice, find, scan
from hipsync.radio.simulation import SimulatedRadio, simulated_radio
from hipsync.radio.simulation.peripheral import advertising
from hipsync.simulated import HangUp, Notification, Refused, Service
from support.plain_band import (
    ASK,
    BATTERY,
    BATTERY_SERVICE,
    FIRST,
    OTHER,
    OWN,
    SAME,
    SECOND,
    SECOND_BAND,
    TELL,
    WRITE,
    PlainBand,
    on_the_air,
    without_traces,
)

LIMIT = 30 * SECOND
FEE0 = "0000fee0-0000-1000-8000-00805f9b34fb"


def scanned(*advertisements: Advertisement) -> dict[str, Advertisement]:
    """What two seconds of scanning show of bands that say these, by address."""

    async def story(simulated: SimulatedRadio, clock: FastClock) -> dict[str, Advertisement]:
        seen = await scan(simulated.adapter, 2)
        return {each.address: each.advertisement for each in seen}

    return on_the_air(story, *(PlainBand(each) for each in advertisements))


@pytest.mark.parametrize(
    "said",
    [
        Advertisement(),
        Advertisement(name="Mi Smart Band 5", services=frozenset({FEE0}), service_data={FEE0: b"\x01\x02"}),
        Advertisement(name="Ring", manufacturer_data={0x0157: bytes(range(20))}),
        Advertisement(name="PineTime", services=frozenset({OWN})),
        Advertisement(services=frozenset({OWN, FEE0, BATTERY_SERVICE})),
        Advertisement(service_data={OWN: b"\xff" * 9}),
        Advertisement(name="B", service_data={FEE0: b""}, manufacturer_data={0xFFFF: b""}),
        Advertisement(name="Bänd 手环"),
    ],
    ids=["nothing", "service data", "maker's data", "own service", "three services", "own data", "empty", "not ascii"],
)
def test_a_scan_shows_what_a_band_says_of_itself(said: Advertisement) -> None:
    assert scanned(said) == {FIRST: said}


def test_a_name_is_in_the_scan_response_alone_and_so_in_no_passive_scan() -> None:
    said = Advertisement(name="Band", services=frozenset({FEE0}))
    assert advertising(said) == (b"\x02\x01\x06\x03\x03\xe0\xfe", b"\x05\x09Band")

    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        assert simulated.adapter.scanner is not None
        heard: list[tuple[str | None, list[str]]] = []

        def report(_: BLEDevice, data: AdvertisementData) -> None:
            heard.append((data.local_name, data.service_uuids))

        async with BleakScanner(report, scanning_mode="passive", backend=simulated.adapter.scanner):
            await asyncio.sleep(1)
        assert heard
        assert all(each == (None, [FEE0]) for each in heard)
        assert (await scan(simulated.adapter, 1))[0].advertisement.name == "Band"

    on_the_air(story, PlainBand(said))


def test_a_name_too_long_for_the_air_is_cut_between_characters() -> None:
    # 10 times 3 bytes: of the 29 that fit, 9 whole characters use 27
    assert scanned(Advertisement(name="手" * 10)) == {FIRST: Advertisement(name="手" * 9)}


def test_what_fits_neither_packet_is_left_out() -> None:
    too_much = Advertisement(name="Room for no more than nineteen", manufacturer_data={1: b"x" * 30})
    assert scanned(too_much) == {FIRST: Advertisement(name="Room for no more than ninetee")}


def test_a_name_from_the_air_cannot_steer_a_terminal() -> None:
    hostile = Advertisement(name="\x1b[2J\u202eBand\r\n\x00\x9b0m ")
    assert scanned(hostile) == {FIRST: Advertisement(name="[2JBand0m")}


def test_the_strongest_band_comes_first() -> None:
    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        simulated.reception(0).rssi_dbm = -90
        simulated.reception(1).rssi_dbm = -40
        seen = await scan(simulated.adapter, 1)
        assert [(each.address, each.rssi_dbm) for each in seen] == [(SECOND_BAND, -40), (FIRST, -90)]

    on_the_air(story, PlainBand(), PlainBand())


def test_a_scan_stops_when_its_time_is_over() -> None:
    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        started = clock.now()
        assert [each.address for each in await scan(simulated.adapter, 3)] == [FIRST]
        assert clock.now() - started == 3 * SECOND
        assert not simulated.air.anyone_listens()

    on_the_air(story, PlainBand())


def test_a_scan_ends_with_what_it_was_for() -> None:
    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        start = clock.now()
        seen = await scan(simulated.adapter, 60, lambda seen: seen.advertisement.name == "Band")
        assert "Band" in {each.advertisement.name for each in seen}
        assert clock.now() - start < 3 * SECOND

    on_the_air(story, PlainBand(Advertisement(name="Other")), PlainBand(Advertisement(name="Band")))


def test_a_band_that_keeps_silent_is_not_found() -> None:
    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        started = clock.now()
        assert await find(simulated.adapter, SECOND_BAND, 7 * SECOND) is None
        assert clock.now() - started == 7 * SECOND
        assert (await find(simulated.adapter, FIRST.lower(), 7 * SECOND)) is not None

    on_the_air(story, PlainBand())


def test_two_scans_at_once_do_not_stop_each_other() -> None:
    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        simulated.reception(0).leave()
        long = asyncio.ensure_future(scan(simulated.adapter, 5))
        assert await scan(simulated.adapter, 1) == []
        simulated.reception(0).come_back()
        assert [each.address for each in await long] == [FIRST]

    on_the_air(story, PlainBand())


def test_a_band_is_connected_to_by_address_or_by_what_was_seen() -> None:
    band = PlainBand()

    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        async with connect(simulated.adapter, FIRST.lower(), LIMIT) as connection:
            assert await connection.read(BATTERY) == b"\x55"
            assert not connection.lost.is_set()
        assert connection.lost.is_set()
        (seen,) = await scan(simulated.adapter, 1)
        async with connect(simulated.adapter, seen, LIMIT) as connection:
            assert await connection.read(BATTERY) == b"\x55"

    on_the_air(story, band)
    assert band.visits == ["connected", "disconnected"] * 2


def test_discovery_finds_each_characteristic_in_its_service_and_no_other() -> None:
    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        async with connect(simulated.adapter, FIRST, LIMIT) as connection:
            for service in simulated_table():
                for each in service.characteristics:
                    assert connection.has(each.uuid)
                    assert connection.has(each.uuid, service.uuid)
            assert not connection.has(WRITE, BATTERY_SERVICE)
            assert not connection.has(OTHER)

    band = PlainBand()
    simulated_table = band.services
    on_the_air(story, band)


def test_the_same_characteristic_in_two_services_is_two() -> None:
    band = PlainBand()
    band.values[BATTERY_SERVICE, SAME], band.values[OWN, SAME] = b"of the battery", b"of its own"

    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        async with connect(simulated.adapter, FIRST, LIMIT) as connection:
            assert await connection.read(SAME, BATTERY_SERVICE) == b"of the battery"
            assert await connection.read(SAME, OWN) == b"of its own"

    on_the_air(story, band)


@pytest.mark.parametrize(("mtu", "write_size"), [(23, 20), (247, 244)])
def test_the_mtu_that_is_agreed_bounds_a_write_and_a_notification(mtu: int, write_size: int) -> None:
    band = PlainBand()
    long = bytes(range(write_size))

    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        told: list[bytes] = []
        async with connect(simulated.adapter, FIRST, LIMIT) as connection:
            assert (connection.write_size, band.mtu) == (write_size, mtu)
            await connection.start_notify(TELL, told.append)
            band.answers[long] = [Notification(TELL, long)]
            await connection.write(WRITE, long, response=False)
            await asyncio.sleep(1)
            assert told == [long]

    on_the_air(story, band, mtu=mtu)
    assert band.written == [(WRITE, long)]


@pytest.mark.parametrize("mtu", [23, 247])
def test_a_value_longer_than_the_mtu_is_read_whole(mtu: int) -> None:
    band = PlainBand()
    long = bytes(range(200)) + bytes(range(200))
    band.values[OWN, SAME] = long

    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        async with connect(simulated.adapter, FIRST, LIMIT) as connection:
            assert await connection.read(SAME, OWN) == long

    on_the_air(story, band, mtu=mtu)


def test_writes_arrive_in_order_with_and_without_a_response() -> None:
    band = PlainBand()

    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        async with connect(simulated.adapter, FIRST, LIMIT) as connection:
            for number in range(20):
                await connection.write(WRITE, bytes([number]), response=number % 3 == 0)
            await asyncio.sleep(1)

    on_the_air(story, band)
    assert band.written == [(WRITE, bytes([number])) for number in range(20)]


@pytest.mark.parametrize("uuid", [TELL, ASK], ids=["notifications", "indications"])
def test_what_a_band_says_arrives_in_order_until_the_subscription_ends(uuid: str) -> None:
    band = PlainBand()
    band.answers = {b"go": [Notification(uuid, bytes([n])) for n in range(100)], b"on": [Notification(uuid, b"late")]}

    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        told: list[bytes] = []
        async with connect(simulated.adapter, FIRST, LIMIT) as connection:
            await connection.write(WRITE, b"on", response=True)  # nobody has subscribed yet
            await connection.start_notify(uuid, told.append)
            await connection.write(WRITE, b"go", response=True)
            await asyncio.sleep(1)
            assert told == [bytes([n]) for n in range(100)]
            await connection.stop_notify(uuid)
            await connection.write(WRITE, b"on", response=True)
            await asyncio.sleep(1)
            assert len(told) == 100
            await connection.start_notify(uuid, told.append)
            await connection.write(WRITE, b"on", response=True)
            await asyncio.sleep(1)
            assert told[100:] == [b"late"]

    on_the_air(story, band)
    assert band.subscriptions == [(uuid, True), (uuid, False), (uuid, True)]


@pytest.mark.parametrize("code", [0x05, 0x08, 0x0C, 0x0F])
def test_a_refusal_for_want_of_rights_is_not_authorised(code: int) -> None:
    band = PlainBand()
    band.values[BATTERY_SERVICE, BATTERY] = Refused(code)

    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        async with connect(simulated.adapter, FIRST, LIMIT) as connection:
            with pytest.raises(NotAuthorised, match=f"refused a read of {BATTERY}: ATT error 0x{code:02x} "):
                await connection.read(BATTERY)

    on_the_air(story, band)


def test_another_refusal_is_an_error_of_the_band_and_the_link_stands() -> None:
    band = PlainBand()
    band.refuses[WRITE] = 0x80

    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        async with connect(simulated.adapter, FIRST, LIMIT) as connection:
            with pytest.raises(DeviceError, match="ATT error 0x80") as caught:
                await connection.write(WRITE, b"x", response=True)
            assert type(caught.value) is DeviceError
            await connection.write(WRITE, b"x", response=False)  # nobody is told
            with pytest.raises(DeviceError, match="0x02"):  # read not permitted: the server asks the table (defect 13)
                await connection.read(WRITE)
            with pytest.raises(DeviceError, match="0x03"):
                await connection.write(BATTERY, b"x", response=True)
            assert await connection.read(BATTERY) == b"\x55"

    on_the_air(story, band)


def test_a_refused_subscription_brings_nothing_and_can_be_tried_again() -> None:
    band = PlainBand()
    band.answers[b"go"] = [Notification(TELL, b"x")]

    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        told: list[bytes] = []
        async with connect(simulated.adapter, FIRST, LIMIT) as connection:
            band.refuses[TELL] = 0x0F
            with pytest.raises(NotAuthorised, match=f"refused a subscription to {TELL}: ATT error 0x0f"):
                await connection.start_notify(TELL, told.append)
            await connection.write(WRITE, b"go", response=True)
            del band.refuses[TELL]
            await connection.start_notify(TELL, told.append)
            await connection.write(WRITE, b"go", response=True)
            await asyncio.sleep(1)
            assert told == [b"x"], "once for each that subscribed"

    on_the_air(story, band)


def test_what_a_band_does_not_have_is_an_error_that_names_it() -> None:
    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        async with connect(simulated.adapter, FIRST, LIMIT) as connection:
            with pytest.raises(DeviceError, match=f"has no characteristic {OTHER}$"):
                await connection.read(OTHER)
            with pytest.raises(DeviceError, match=f"has no characteristic {WRITE} in service {BATTERY_SERVICE}"):
                await connection.write(WRITE, b"", response=True, service=BATTERY_SERVICE)

    on_the_air(story, PlainBand())


def test_a_band_that_hangs_up_ends_the_link_after_all_that_it_said() -> None:
    band = PlainBand()
    words = [Notification(TELL, bytes([number])) for number in range(200)]  # more than the controller takes at once
    band.answers[b"bye"] = [*words, HangUp(), Notification(TELL, b"into the void")]

    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        told: list[bytes] = []
        async with connect(simulated.adapter, FIRST, LIMIT) as connection:
            await connection.start_notify(TELL, told.append)
            started = clock.now()
            await connection.write(WRITE, b"bye", response=True)
            await connection.lost.wait()
            assert clock.now() - started < SECOND
            assert told == [word.data for word in words]
            with pytest.raises(LinkLost):
                await connection.read(BATTERY)
        async with connect(simulated.adapter, FIRST, LIMIT) as connection:  # and it advertises again
            assert await connection.read(BATTERY) == b"\x55"

    on_the_air(story, band)


def test_two_bands_are_two() -> None:
    one, two = PlainBand(), PlainBand()
    two.values[BATTERY_SERVICE, BATTERY] = b"\x11"

    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        async with (
            connect(simulated.adapter, FIRST, LIMIT) as first,
            connect(simulated.adapter, SECOND_BAND, LIMIT) as second,
        ):
            assert list(await asyncio.gather(first.read(BATTERY), second.read(BATTERY))) == [b"\x55", b"\x11"]

    on_the_air(story, one, two)


def test_a_band_can_be_bonded_with() -> None:
    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        for _ in range(2):  # the second time it encrypts with the bond there is
            async with connect(simulated.adapter, FIRST, LIMIT) as connection:
                await connection.bond()
                assert await connection.read(BATTERY) == b"\x55"

    on_the_air(story, PlainBand())


def test_a_scan_that_begins_while_a_bonded_band_is_waited_for_outlives_the_connection() -> None:
    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        first, second = simulated.reception(0), simulated.reception(1)
        seen = await find(simulated.adapter, FIRST, LIMIT)
        assert seen is not None
        async with connect(simulated.adapter, seen, LIMIT) as connection:
            await connection.bond()
        first.leave()
        second.leave()
        loop = asyncio.get_running_loop()
        scanned: asyncio.Future[list[NearbyDevice]] = loop.create_future()
        loop.call_later(1, lambda: asyncio.ensure_future(scan(simulated.adapter, 10)).add_done_callback(took))

        def took(done: asyncio.Future[list[NearbyDevice]]) -> None:
            scanned.set_result(done.result())

        loop.call_later(2, first.come_back)
        async with connect(simulated.adapter, seen, LIMIT):
            pass
        assert not scanned.done()
        second.come_back()
        assert SECOND_BAND in {each.address for each in await scanned}

    on_the_air(story, PlainBand(), PlainBand())


@pytest.mark.parametrize("fails", ["read", "advance"])
def test_a_simulator_with_a_bug_is_reported_at_the_end(fails: str) -> None:
    class Broken(PlainBand):
        def advance(self, now: object) -> list[Notification | HangUp]:
            if fails == "advance" and self.reads:
                raise ZeroDivisionError("a bug in a simulator")
            return []

    band = Broken()
    if fails == "read":
        band.values[BATTERY_SERVICE, BATTERY] = ZeroDivisionError("a bug in a simulator")

    async def story(clock: FastClock) -> None:
        async with simulated_radio([band], now=clock.now) as simulated:
            started = clock.now()
            async with connect(simulated.adapter, FIRST, LIMIT) as connection:
                if fails == "read":
                    with pytest.raises(DeviceError, match="0x0e"):  # unlikely error, and at once
                        await connection.read(BATTERY)
                else:
                    await connection.read(BATTERY)
            assert clock.now() - started < 2 * SECOND

    with pytest.raises(ZeroDivisionError, match="a bug in a simulator"):
        without_traces(story)


def test_the_end_waits_for_nothing_also_right_after_a_disconnection() -> None:
    async def story(clock: FastClock) -> None:
        async with simulated_radio([PlainBand()], now=clock.now) as simulated:
            async with connect(simulated.adapter, FIRST, LIMIT):
                pass
            ended = clock.now()
        assert clock.now() - ended < 0.1 * SECOND

    without_traces(story)


@pytest.mark.parametrize("address", ["00:00:00:00:00:01", "C0-00-00-00-00-01", "c0:00:00:00:00:01", ""])
def test_only_a_static_random_address_is_taken(address: str) -> None:
    async def story(clock: FastClock) -> None:
        async with simulated_radio([PlainBand()], now=clock.now, addresses=[address]):
            pytest.fail("it was taken")

    with pytest.raises(ConfigError, match="must be like C0:00:00:00:00:01"):
        without_traces(story)


def test_a_band_with_no_services_can_still_be_met() -> None:
    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        async with connect(simulated.adapter, FIRST, LIMIT) as connection:
            assert not connection.has(BATTERY)
            assert connection.write_size >= 20

    services: tuple[Service, ...] = ()
    on_the_air(story, PlainBand(services=services))


def test_without_traces_notices_a_task_that_is_left() -> None:
    async def story(clock: FastClock) -> None:
        story.left = asyncio.ensure_future(asyncio.sleep(3600))  # type: ignore[attr-defined]

    with pytest.raises(AssertionError, match="Task"):
        without_traces(story)

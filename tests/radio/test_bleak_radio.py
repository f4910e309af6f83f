"""Several bands by one radio."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from zoneinfo import ZoneInfo

from bleak.backends.scanner import AdvertisementDataCallback, BaseBleakScanner
from bleak.exc import BleakDBusError

from hipsync.host.clock import FastClock
from hipsync.model import Band, BandId
from hipsync.radio.bleak_radio import BleakRadio, opened_radio
from hipsync.radio.scan import SYSTEM_ADAPTER, Adapter
from hipsync.radio.simulation import SimulatedRadio
from support.plain_band import BATTERY, FIRST, SECOND_BAND, START, PlainBand, on_the_air


def like_bluez(radio: Adapter) -> Adapter:
    """One that refuses a scan while another one runs, as BlueZ does."""
    running = set[BaseBleakScanner]()
    assert radio.scanner is not None
    plain: type[BaseBleakScanner] = radio.scanner

    class Scanner(BaseBleakScanner):
        def __init__(
            self, callback: AdvertisementDataCallback | None, services: list[str] | None, *_: object, **__: object
        ) -> None:
            super().__init__(callback, services)
            self._plain = plain(callback, services)

        async def start(self) -> None:
            if running:
                raise BleakDBusError("org.bluez.Error.InProgress", ["Operation already in progress"])
            running.add(self)
            await self._plain.start()

        async def stop(self) -> None:
            running.discard(self)
            await self._plain.stop()

    return replace(radio, scanner=Scanner)


def paired(number: int, address: str) -> Band:
    return Band(BandId(number), f"band {number}", "plain", address, "Plain", False, False, False, START)


def test_two_bands_that_are_called_at_once_are_both_reached() -> None:
    async def story(simulated: SimulatedRadio, clock: FastClock) -> list[bytes]:
        radio, met = BleakRadio(like_bluez(simulated.adapter)), asyncio.Barrier(2)

        async def battery(band: Band) -> bytes:
            async with radio.reach(band) as connection:
                await met.wait()  # both connections are open now
                return await connection.read(BATTERY)

        return [*await asyncio.gather(battery(paired(1, FIRST)), battery(paired(2, SECOND_BAND)))]

    assert on_the_air(story, PlainBand(), PlainBand()) == [b"\x55", b"\x55"]


def test_of_the_bands_that_went_away_those_are_heard_that_are_in_reach() -> None:
    async def story(simulated: SimulatedRadio, clock: FastClock) -> set[BandId]:
        simulated.reception(1).in_range = False
        away = [paired(1, FIRST.lower()), paired(2, SECOND_BAND), paired(3, "C0:00:00:00:00:77")]
        return await BleakRadio(like_bluez(simulated.adapter)).hear(away)

    assert on_the_air(story, PlainBand(), PlainBand()) == {BandId(1)}


def test_an_import_beside_simulated_bands_needs_no_radio() -> None:
    async def story() -> None:
        one = paired(1, FIRST)._replace(driver="infinitime", simulated=True)
        imported = paired(2, FIRST)._replace(address=None)
        async with opened_radio([one, imported], lambda _: None, ZoneInfo("UTC"), lambda: START) as radio:
            assert radio.adapter != SYSTEM_ADAPTER

    asyncio.run(story())

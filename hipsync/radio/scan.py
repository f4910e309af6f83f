"""Finds bands: which Bluetooth adapter to use, and what it hears.

An `Adapter` is the system's Bluetooth or a simulated one. Nothing else here and in `connect` differs between the two,
so tests on simulated bands run the code that real bands meet. A device counts as found when it advertises, or when
this computer is connected to it already, for then it may not advertise. Scans are active: most bands have their name
in the scan response alone. Every function raises `BluetoothUnavailable` where no scan can start.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bleak import BleakAdapter, BleakScanner
from bleak.args.bluez import BlueZAdapterArgs, BlueZScannerArgs
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner

from hipsync.driver import Advertisement
from hipsync.errors import BluetoothUnavailable
from hipsync.radio.bleak_errors import FAILURES, SERVICE_SILENT, before_connecting
from hipsync.text import clean

log = logging.getLogger(__name__)

START_S = 15.0
"""Seconds that the system has to begin a scan; D-Bus may have to start the Bluetooth service first."""
GENERIC_SERVICES = ["1800", "1801"]
"""Generic Access and Generic Attribute, which every device has: Bleak lists connected devices by their services."""
CONNECTED_CHECK_S = 1.0
"""Seconds between two checks whether the system or another program has connected to the band during a search."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """A Bluetooth adapter, real or simulated, by the classes that Bleak takes as its backends."""

    scanner: type[BaseBleakScanner] | None
    """None for the system's Bluetooth."""
    client: type[BaseBleakClient] | None
    """None for the system's Bluetooth."""
    name: str | None = None
    """BlueZ's name of one of the system's adapters, such as hci1; None for the default adapter."""


SYSTEM_ADAPTER = Adapter(None, None)


@dataclass(frozen=True, slots=True)
class NearbyDevice:
    """A device that advertises, or that this computer is connected to."""

    address: str
    """On macOS an identifier that has a meaning on this computer alone."""
    rssi_dbm: int | None
    """The signal strength; None for a device that is connected already and does not advertise."""
    advertisement: Advertisement
    """Its name can be shown in a terminal, yet anybody may use any name. A connected device has all its services here,
    an advertising one those that it names."""
    bleak_device: BLEDevice


async def scan(
    adapter: Adapter, seconds: float, enough: Callable[[NearbyDevice], bool] | None = None
) -> list[NearbyDevice]:
    """All devices found within `seconds`, one entry an address, the strongest signal first.

    The scan ends early when `enough` is true of a device. Raises `BluetoothUnavailable`.
    """
    found: dict[str, NearbyDevice] = {}
    stop = asyncio.Event()

    def report(device: BLEDevice, data: AdvertisementData) -> None:
        each = found[device.address] = _nearby(device, data, found.get(device.address))
        if enough is not None and enough(each):
            stop.set()

    async with _scanning(adapter, report):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await stop.wait()
        for each in await _connected_devices(adapter):
            found.setdefault(each.address, each)
    return sorted(found.values(), key=lambda each: -math.inf if each.rssi_dbm is None else each.rssi_dbm, reverse=True)


async def find(
    adapter: Adapter, address: str, timeout: timedelta, on_other: Callable[[NearbyDevice], None] | None = None
) -> NearbyDevice | None:
    """The device with this address, as its first advertisement describes it; None if there was none before `timeout`.

    The name may be missing, for it can come in the scan response alone. `on_other` is called for each advertisement of
    another device. Raises `BluetoothUnavailable`.
    """
    wanted = address.upper()
    found: asyncio.Future[NearbyDevice] = asyncio.get_running_loop().create_future()

    def report(device: BLEDevice, data: AdvertisementData) -> None:
        each = _nearby(device, data, None)
        if device.address.upper() == wanted:
            if not found.done():
                found.set_result(each)
        elif on_other is not None:
            on_other(each)

    async def check_connected() -> None:
        while not found.done():
            for each in await _connected_devices(adapter):
                if each.address.upper() == wanted and not found.done():
                    found.set_result(each)
            await asyncio.sleep(CONNECTED_CHECK_S)

    async with _scanning(adapter, report):
        checking = asyncio.create_task(check_connected(), name="connected bands")
        try:
            await asyncio.wait({found}, timeout=timeout.total_seconds())
        finally:
            checking.cancel()
            await asyncio.wait({checking})
    return found.result() if found.done() else None


async def why_unavailable(adapter: Adapter) -> str | None:
    """What is wrong with Bluetooth, and what to do about it; None if a scan can start."""
    try:
        async with _scanning(adapter, lambda _device, _data: None):
            return None
    except BluetoothUnavailable as error:
        return str(error)


@asynccontextmanager
async def _scanning(
    adapter: Adapter, report: Callable[[BLEDevice, AdvertisementData], None]
) -> AsyncGenerator[None, None]:
    """Scan actively during the block, and call `report` for each advertisement. Raises `BluetoothUnavailable`."""
    with before_connecting():
        scanner = BleakScanner(
            report,
            scanning_mode="active",
            bluez=BlueZScannerArgs(adapter=adapter.name) if adapter.name else {},
            backend=adapter.scanner,
        )
        try:
            async with asyncio.timeout(START_S):
                await scanner.start()
        except TimeoutError as error:
            raise BluetoothUnavailable(SERVICE_SILENT) from error
        try:
            yield
        finally:
            with contextlib.suppress(*FAILURES):  # the devices found are worth more than an orderly end
                await scanner.stop()


def _nearby(device: BLEDevice, data: AdvertisementData, before: NearbyDevice | None) -> NearbyDevice:
    """The device by its newest report, with what only earlier reports said, such as the name in a scan response."""
    old = before.advertisement if before else Advertisement()
    services = {uuid.lower() for uuid in data.service_uuids}
    return NearbyDevice(
        device.address,
        data.rssi,
        Advertisement(
            name=clean(data.local_name or "") or old.name or clean(device.name or "") or None,
            services=old.services | services,
            service_data={**old.service_data, **{uuid.lower(): each for uuid, each in data.service_data.items()}},
            manufacturer_data={**old.manufacturer_data, **data.manufacturer_data},
        ),
        device,
    )


async def _connected_devices(adapter: Adapter) -> list[NearbyDevice]:
    """The devices that the system is connected to; none on simulated adapters. Nobody has tried this on macOS."""
    if adapter.scanner is not None:
        return []
    try:
        system = await BleakAdapter.get(bluez=BlueZAdapterArgs(adapter=adapter.name) if adapter.name else {})
        devices = await system.get_connected_devices(GENERIC_SERVICES)
    except NotImplementedError:
        return []
    except FAILURES as error:  # the devices that advertise are worth more than this error
        log.debug("the connected devices are not known: %s", error)
        return []
    return [
        NearbyDevice(device.address, None, Advertisement(clean(device.name or "") or None, _services(device)), device)
        for device in devices
    ]


def _services(device: BLEDevice) -> frozenset[str]:
    """The services of a connected device, which only BlueZ lists unasked; elsewhere its driver is known by its name."""
    details: Any = device.details  # a dictionary of BlueZ's, an object on other systems
    listed: list[Any] = details["props"].get("UUIDs", []) if sys.platform == "linux" else []
    return frozenset(str(uuid).lower() for uuid in listed)

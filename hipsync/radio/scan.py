"""Finds bands: names the Bluetooth adapter to use, and scans with it.

An `Adapter` is the system's Bluetooth or a simulated one. Nothing else here and in `connect` differs between the two,
so tests on simulated bands run the same code as real bands. A device counts as found when it advertises. It also counts
when this computer is connected to it already, because it may not advertise then. Scans are active, because most bands
send their name only in the scan response. `scan` and `find` raise `BluetoothUnavailable` if no scan can start.
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
"""Seconds allowed for the system to start a scan. D-Bus may have to start the Bluetooth service first."""
GENERIC_SERVICES = ["1800", "1801"]
"""The services Generic Access and Generic Attribute, as 16-bit UUIDs. Bleak lists connected devices by service, and
every device has these two."""
CONNECTED_CHECK_S = 1.0
"""Seconds between two checks, during a search, of whether the system or another program has connected to the band."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """A Bluetooth adapter, real or simulated, as the backend classes that Bleak is given for it."""

    scanner: type[BaseBleakScanner] | None
    """The class of Bleak's scanners; None for the system's Bluetooth."""
    client: type[BaseBleakClient] | None
    """The class of Bleak's clients; None for the system's Bluetooth."""
    name: str | None = None
    """BlueZ's name of one of the system's adapters, such as hci1; None for the default adapter."""


SYSTEM_ADAPTER = Adapter(None, None)


@dataclass(frozen=True, slots=True)
class NearbyDevice:
    """A device that advertises, or that this computer is connected to."""

    address: str
    """The Bluetooth address; on macOS an identifier that is valid only on this computer."""
    rssi_dbm: int | None
    """The signal strength in dBm; None for a device that is connected already and does not advertise."""
    advertisement: Advertisement
    """What the device advertises. Its name is safe to show in a terminal, but any device may use any name. For a device
    that is connected already, it lists all services that the system knows of."""
    bleak_device: BLEDevice


async def scan(
    adapter: Adapter, seconds: float, enough: Callable[[NearbyDevice], bool] | None = None
) -> list[NearbyDevice]:
    """Scan for `seconds` and return the devices found, one for each address, with the strongest signal first.

    The scan ends early once `enough` returns True for a device; None means never. Raises `BluetoothUnavailable`.
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
    """Return the device with this address as soon as it is found, or None if it is not found within `timeout`.

    After its first advertisement the name may be missing, because it can be in the scan response alone. `on_other` is
    called for each advertisement of another device. Raises `BluetoothUnavailable`.
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
    """Try to start a scan. Returns what is wrong with Bluetooth and what to do about it, or None if nothing is."""
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
            with contextlib.suppress(*FAILURES):  # the devices found matter more than an orderly end
                await scanner.stop()


def _nearby(device: BLEDevice, data: AdvertisementData, before: NearbyDevice | None) -> NearbyDevice:
    """Merge a report of a device with what was known `before`, such as a name that only a scan response had.

    Where both have a value, the newer one counts. `before` is None for the first report.
    """
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
    """Return the devices that the system is connected to; an empty list for simulated adapters or after an error.

    Nobody has tried this on macOS.
    """
    if adapter.scanner is not None:
        return []
    try:
        system = await BleakAdapter.get(bluez=BlueZAdapterArgs(adapter=adapter.name) if adapter.name else {})
        devices = await system.get_connected_devices(GENERIC_SERVICES)
    except NotImplementedError:
        return []
    except FAILURES as error:  # the devices that advertise matter more than this error
        log.debug("the connected devices are not known: %s", error)
        return []
    return [
        NearbyDevice(device.address, None, Advertisement(clean(device.name or "") or None, _services(device)), device)
        for device in devices
    ]


def _services(device: BLEDevice) -> frozenset[str]:
    """Return the service UUIDs of a connected device on Linux, where BlueZ lists them.

    On other systems the set is empty, and the driver is recognised by the device's name.
    """
    details: Any = device.details  # a dictionary from BlueZ, an object on other systems
    listed: list[Any] = details["props"].get("UUIDs", []) if sys.platform == "linux" else []
    return frozenset(str(uuid).lower() for uuid in listed)

"""Finds bands: names the Bluetooth adapter to use, and scans with it.

An `Adapter` is the system's Bluetooth or a simulated one. Nothing else here and in `connect` differs between the two,
so tests on simulated bands run the same code as real bands. A device counts as found when it advertises. It also counts
when this computer is connected to it already, because it may not advertise then. Scans are active, because most bands
send their name only in the scan response. All of the system's adapters that are on scan, unless one was chosen, and a
device is contacted by the adapter that found it. `scan` and `find` raise `BluetoothUnavailable` if no scan can start.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from bleak import BleakAdapter, BleakScanner
from bleak.args.bluez import BlueZAdapterArgs, BlueZScannerArgs
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner

from hipsync.driver import Advertisement
from hipsync.errors import BluetoothUnavailable
from hipsync.radio import bluez
from hipsync.radio.bleak_errors import FAILURES, SERVICE_SILENT, before_connecting, bluetooth_unavailable
from hipsync.radio.ways import Proxies, Way, proxy_of
from hipsync.text import LONGEST_LINE, clean, one_line

log = logging.getLogger(__name__)

START_S = 15.0
"""Seconds allowed for the system to start a scan. D-Bus may have to start the Bluetooth service first."""
GENERIC_SERVICES = ["1800", "1801"]
"""The services Generic Access and Generic Attribute, as 16-bit UUIDs. Bleak lists connected devices by service, and
every device has these two."""
CHOICE_S = 1.0
"""Seconds to listen on, once a band was found, for a way on which it is received better."""
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
    """BlueZ's name of one of the system's adapters, such as hci1, or its address; None for all that are on."""
    proxies: Proxies | None = None
    """The proxies in other rooms, beside this computer's own Bluetooth or in its place; None for none."""
    local: bool = True
    """Whether this computer's own Bluetooth is used. Without it there are only the proxies."""

    @property
    def on_system(self) -> bool:
        """Whether the system's Bluetooth takes part, and not a simulated one or proxies alone."""
        return self.local and self.scanner is None


SYSTEM_ADAPTER = Adapter(None, None)


def system_adapter(name: str) -> Adapter:
    """Return the system's Bluetooth by one adapter, given as in the setting `radio.adapter`; by all if it is empty."""
    return Adapter(None, None, name or None)


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
    own: Way | None = None
    """The way to it by this computer's own Bluetooth; None if only proxies heard it."""


async def scan(
    adapter: Adapter, seconds: float, enough: Callable[[NearbyDevice], bool] | None = None
) -> list[NearbyDevice]:
    """Scan for `seconds` and return the devices found, one for each address, with the strongest signal first.

    The scan ends early once `enough` returns True for a device; None means never. Raises `BluetoothUnavailable`.
    """
    found: dict[str, NearbyDevice] = {}
    stop = asyncio.Event()

    def report(device: BLEDevice, data: AdvertisementData) -> None:
        before = found.get(device.address)
        each = found[device.address] = _merged(_nearby(device, data, before), before)
        if enough is not None and enough(each):
            stop.set()

    names = await _names(adapter)
    async with _scanning(adapter, names, report):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await stop.wait()
        for each in await _connected_devices(adapter, names):
            found[each.address] = replace(found.get(each.address, each), own=each.own)
    return sorted(found.values(), key=lambda each: -math.inf if each.rssi_dbm is None else each.rssi_dbm, reverse=True)


async def find(
    adapter: Adapter, address: str, timeout: timedelta, on_other: Callable[[NearbyDevice], None] | None = None
) -> NearbyDevice | None:
    """Return the device with this address as soon as it is found, or None if it is not found within `timeout`.

    After its first advertisement the name may be missing, because it can be in the scan response alone. `on_other` is
    called for each advertisement of another device. A device with which some adapters have a bond is looked for by
    these alone. With proxies, it is listened for a moment longer, so that each who hears the device has a say. Raises
    `BluetoothUnavailable`.
    """
    names = await _names(adapter, address)
    search = _Search(address.upper(), await usable(adapter, address), on_other)
    async with _scanning(adapter, names, search.report):
        checking = asyncio.create_task(search.check_connected(adapter, names), name="connected bands")
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout.total_seconds()):
                    await search.found.wait()
            if search.found.is_set() and adapter.proxies is not None:
                await asyncio.sleep(CHOICE_S)
        finally:
            checking.cancel()
            await asyncio.wait({checking})
    return search.best


class _Search:
    """What is heard while one device is looked for."""

    def __init__(
        self,
        wanted: str,
        may_use: Callable[[BLEDevice], bool],
        on_other: Callable[[NearbyDevice], None] | None,
    ) -> None:
        """`wanted` is the address in capitals, `may_use` as `usable` returns it, and `on_other` as for `find`."""
        self._wanted, self._may_use, self._on_other = wanted, may_use, on_other
        self.found = asyncio.Event()
        self.best: NearbyDevice | None = None
        """The device, by whoever received it most strongly so far; None as long as it was not found."""

    def report(self, device: BLEDevice, data: AdvertisementData) -> None:
        """Take an advertisement."""
        if device.address.upper() != self._wanted:
            if self._on_other is not None:
                self._on_other(_nearby(device, data, None))
        elif self._may_use(device):
            self.best = _merged(_nearby(device, data, self.best), self.best)
            self.found.set()

    async def check_connected(self, adapter: Adapter, names: Names) -> None:
        """Look, until the device is found, whether the system or another program is connected to it."""
        while not self.found.is_set():
            for each in await _connected_devices(adapter, names):
                if each.address.upper() == self._wanted and self._may_use(each.bleak_device) and self.best is None:
                    self.best = each
                    self.found.set()
            await asyncio.sleep(CONNECTED_CHECK_S)


async def usable(adapter: Adapter, address: str) -> Callable[[BLEDevice], bool]:
    """Return what says whether a device at this address may be contacted on the way on which it was heard.

    A bond lies where it was made: with this computer, or with the proxy to which the settings fix the band.
    """
    if adapter.proxies is None:
        return lambda _: True
    fixed = adapter.proxies.fixed_to(address)
    if fixed is None and adapter.on_system and await bluez.bonded(address):
        return lambda device: proxy_of(device) is None
    return lambda device: fixed in {None, proxy_of(device)}


async def why_unavailable(adapter: Adapter) -> str | None:
    """Try to start a scan. Returns what is wrong with Bluetooth and what to do about it, or None if nothing is."""
    try:
        async with _scanning(adapter, await _names(adapter), lambda _device, _data: None):
            return None
    except BluetoothUnavailable as error:
        return str(error)


Names = Sequence[str | None]
"""BlueZ's names of the adapters to use, such as hci0; None is the one that Bleak chooses, on systems without BlueZ."""


async def _names(adapter: Adapter, address: str | None = None) -> Names:
    """Return the adapters to use now, for a device with this address if it is given.

    BlueZ is asked each time, because an adapter can come back under another name. Raises `BluetoothUnavailable` if
    there is no adapter with the wanted name or address.
    """
    if not adapter.local:
        return []
    there = await bluez.adapters() if adapter.on_system else []
    if adapter.name is not None and there:
        named = [each.name for each in there if adapter.name.lower() in {each.name, each.address.lower()}]
        if not named and adapter.proxies is not None:
            log.debug("there is no Bluetooth adapter %s, only proxies", adapter.name)
        elif not named:
            known = ", ".join(f"{each.name} ({each.address})" for each in there)
            raise BluetoothUnavailable(
                f"there is no Bluetooth adapter {adapter.name}: there is {known} (radio.adapter)"
            )
        return named
    usable = [each.name for each in there if each.usable]
    if len(usable) > 1 and address is not None and (bonded := await bluez.bonded_by(address)):
        usable = [name for name in usable if name in bonded] or usable
    return usable or [adapter.name]


@asynccontextmanager
async def _scanning(
    adapter: Adapter, names: Names, report: Callable[[BLEDevice, AdvertisementData], None]
) -> AsyncGenerator[None, None]:
    """Scan actively during the block, and call `report` for each advertisement.

    Of several adapters, and of proxies, those that cannot scan are left out. Raises `BluetoothUnavailable` if none can.
    """
    scanners = [
        BleakScanner(
            report,
            scanning_mode="active",
            bluez=BlueZScannerArgs(adapter=name) if name else {},
            backend=adapter.scanner,
        )
        for name in names
    ]
    if adapter.proxies is not None:
        scanners.append(BleakScanner(report, backend=adapter.proxies.scanner))
    running: list[BleakScanner] = []
    with before_connecting():
        try:
            failures = [
                error
                for error in await asyncio.gather(*(_start(each, running) for each in scanners))
                if error is not None
            ]
            if not running:
                raise _of_all(failures) if adapter.proxies is not None else failures[0]
            for error in failures:
                log.debug("an adapter cannot scan: %s", error)
            yield
        finally:
            for scanner in running:
                with contextlib.suppress(*FAILURES):  # the devices found matter more than an orderly end
                    await scanner.stop()


def _of_all(failures: Sequence[Exception]) -> BluetoothUnavailable:
    """Return why neither this computer's own Bluetooth nor a proxy can scan, as one error."""
    told = [bluetooth_unavailable(error) or error for error in failures]
    return BluetoothUnavailable("; ".join(dict.fromkeys(one_line(each, LONGEST_LINE) for each in map(str, told))))


async def _start(scanner: BleakScanner, running: list[BleakScanner]) -> Exception | None:
    """Start a scanner and append it to `running`. Returns the error if that fails, or if the system takes too long."""
    try:
        async with asyncio.timeout(START_S):
            await scanner.start()
    except TimeoutError as error:
        silent = BluetoothUnavailable(SERVICE_SILENT)
        silent.__cause__ = error
        return silent
    except FAILURES as error:
        return error
    except BluetoothUnavailable as error:  # of proxies
        return error
    running.append(scanner)
    return None


def _nearby(device: BLEDevice, data: AdvertisementData, before: NearbyDevice | None) -> NearbyDevice:
    """Merge a report of a device with what was known `before`, such as a name that only a scan response had.

    Where both have a value, the newer one counts. `before` is None for the first report.
    """
    old = before.advertisement if before else Advertisement()
    own = None if proxy_of(device) is not None else Way(device, data.rssi)
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
        own,
    )


def _merged(now: NearbyDevice, before: NearbyDevice | None) -> NearbyDevice:
    """Return what is known now, by the adapter or the proxy that received the device more strongly."""
    if before is None:
        return now
    own = now.own or before.own
    if now.own and before.own and _is_nearer(before.own.device, before.own.rssi_dbm, now.own.device, now.own.rssi_dbm):
        own = before.own
    if _is_nearer(before.bleak_device, before.rssi_dbm, now.bleak_device, now.rssi_dbm):
        return replace(now, rssi_dbm=before.rssi_dbm, bleak_device=before.bleak_device, own=own)
    return replace(now, own=own)


def _is_nearer(before: BLEDevice, before_dbm: int | None, now: BLEDevice, now_dbm: int | None) -> bool:
    """Whether a device was received more strongly before, by another than now."""
    return _path(before) != _path(now) and (before_dbm or -999) > (now_dbm or -999)


def _path(device: BLEDevice) -> str | None:
    """Return the name of the proxy that heard a device, or its D-Bus path, which begins with that of its adapter.

    None on other systems.
    """
    details: Any = device.details
    if (proxy := proxy_of(device)) is not None:
        return proxy
    try:
        return str(details["path"])
    except (TypeError, KeyError):  # an object of another system or of the simulation
        return None


async def _connected_devices(adapter: Adapter, names: Names) -> list[NearbyDevice]:
    """Return the devices that the system is connected to; an empty list for simulated adapters or after an error.

    Nobody has tried this on macOS.
    """
    if not adapter.on_system:
        return []
    devices: list[BLEDevice] = []
    try:
        for name in names:
            system = await BleakAdapter.get(bluez=BlueZAdapterArgs(adapter=name) if name else {})
            devices += await system.get_connected_devices(GENERIC_SERVICES)
    except NotImplementedError:
        return []
    except FAILURES as error:  # the devices that advertise matter more than this error
        log.debug("the connected devices are not known: %s", error)
    if sys.platform == "linux" and devices:  # Bleak keeps those of a BlueZ that was killed
        true = await bluez.connected()
        devices = [device for device in devices if device.details["path"] in true]
    return [
        NearbyDevice(
            device.address,
            None,
            Advertisement(clean(device.name or "") or None, _services(device)),
            device,
            Way(device, None),
        )
        for device in devices
    ]


def _services(device: BLEDevice) -> frozenset[str]:
    """Return the service UUIDs of a connected device on Linux, where BlueZ lists them.

    On other systems the set is empty, and the driver is recognised by the device's name.
    """
    details: Any = device.details  # a dictionary from BlueZ, an object on other systems
    listed: list[Any] = details["props"].get("UUIDs", []) if sys.platform == "linux" else []
    return frozenset(str(uuid).lower() for uuid in listed)

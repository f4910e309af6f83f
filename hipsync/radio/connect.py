"""Bands in reach, and open connections to them, by Bleak: on the system's Bluetooth or on a simulated one.

A `Radio` says which. Nothing else here differs between the two, so what is tested on simulated bands is the code that
real ones meet. Errors of Bleak, of D-Bus and of the operating system become hipsync's here, once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import sys
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bleak import BleakAdapter, BleakClient, BleakScanner
from bleak.args.bluez import BlueZAdapterArgs, BlueZClientArgs, BlueZScannerArgs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.exc import BleakError
from bleak_retry_connector import close_stale_connections_by_address, establish_connection

from hipsync.driver import Advertisement
from hipsync.errors import BluetoothUnavailable, DeviceError, LinkLost, NoReply, NotBonded, NotHeard
from hipsync.radio.bleak_errors import (
    FAILURES,
    SERVICE_SILENT,
    before_connecting,
    bluetooth_unavailable,
    bonding_error,
    one_line,
    request_error,
)
from hipsync.radio.bluez_agent import bonded
from hipsync.text import clean

log = logging.getLogger(__name__)

ATTEMPTS = 10
"""To connect, within the time given. On BlueZ about one in 14 ends in a race of its own that only another attempt
cures; four in a row were seen on a busy machine."""
START_S = 15.0
"""For the system to begin a scan; D-Bus may have to start the Bluetooth service for it."""
HANG_UP_S = 10.0
"""For a disconnection; BlueZ keeps a link for two to three seconds."""
LEAST_WRITE = 20
"""Bytes that fit a write without response on every link: the least MTU (23) without ATT's header of three."""


@dataclass(frozen=True, slots=True)
class Radio:
    """Which Bluetooth: Bleak's doors to it, both None for the system's."""

    scanner: type[BaseBleakScanner] | None
    client: type[BaseBleakClient] | None
    adapter: str | None = None
    """BlueZ's name of the adapter, such as hci1; None for its default."""


SYSTEM = Radio(None, None)


@dataclass(frozen=True, slots=True)
class Seen:
    """A device that advertises, or is connected to this computer. Its name is clean, but still a stranger's word."""

    address: str
    """On macOS an identifier that only this host knows."""
    rssi_dbm: int | None
    """None for one that is connected already, and so does not advertise."""
    advertisement: Advertisement
    """Of one that is connected: its name and its services, all of them."""
    device: BLEDevice


GENERIC = ["1800", "1801"]
"""Generic Access and Generic Attribute: every device has them, and Bleak wants services to choose by."""
LOOK_S = 1.0
"""How often to look whether the band has been connected meanwhile, by the system or another program."""


async def scan(radio: Radio, seconds: float, enough: Callable[[Seen], bool] | None = None) -> list[Seen]:
    """What advertised within `seconds` or is connected, strongest first, one entry an address.

    It ends sooner when one is `enough`. Raises `BluetoothUnavailable`.
    """
    seen: dict[str, Seen] = {}
    stop = asyncio.Event()

    def report(device: BLEDevice, data: AdvertisementData) -> None:
        each = seen[device.address] = _seen(device, data, seen.get(device.address))
        if enough is not None and enough(each):
            stop.set()

    async with _scanning(radio, report):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await stop.wait()
        for found in await _connected(radio):
            seen.setdefault(found.address, found)
    return sorted(
        seen.values(), key=lambda found: -math.inf if found.rssi_dbm is None else found.rssi_dbm, reverse=True
    )


async def find(
    radio: Radio, address: str, timeout: timedelta, alike: Callable[[Seen], None] | None = None
) -> Seen | None:
    """A device's first report, which may lack what only its scan response says; None if it kept silent.

    `alike` is told of every other device. Raises `BluetoothUnavailable`.
    """
    wanted = address.upper()
    found: asyncio.Future[Seen] = asyncio.get_running_loop().create_future()

    def report(device: BLEDevice, data: AdvertisementData) -> None:
        seen = _seen(device, data, None)
        if device.address.upper() == wanted:
            if not found.done():
                found.set_result(seen)
        elif alike is not None:
            alike(seen)

    async def look() -> None:
        while not found.done():
            for each in await _connected(radio):
                if each.address.upper() == wanted and not found.done():
                    found.set_result(each)
            await asyncio.sleep(LOOK_S)

    async with _scanning(radio, report):
        looking = asyncio.create_task(look(), name="connected bands")
        try:
            await asyncio.wait({found}, timeout=timeout.total_seconds())
        finally:
            looking.cancel()
            await asyncio.wait({looking})
    return found.result() if found.done() else None


async def _connected(radio: Radio) -> list[Seen]:
    """The devices to which the system holds a connection. On macOS by Bleak's word alone: nobody has tried it."""
    if radio.scanner is not None:
        return []
    try:
        adapter = await BleakAdapter.get(bluez=BlueZAdapterArgs(adapter=radio.adapter) if radio.adapter else {})
        devices = await adapter.get_connected_devices(GENERIC)
    except NotImplementedError:
        return []
    except FAILURES as error:  # what advertises is worth more
        log.debug("the connected devices are not known: %s", error)
        return []
    return [
        Seen(device.address, None, Advertisement(clean(device.name or "") or None, _services(device)), device)
        for device in devices
    ]


def _services(device: BLEDevice) -> frozenset[str]:
    """BlueZ tells them; other systems do once they are asked, so that there the name must do."""
    details: Any = device.details  # a dictionary of BlueZ's, an object on other systems
    listed: list[Any] = details["props"].get("UUIDs", []) if sys.platform == "linux" else []
    return frozenset(str(uuid).lower() for uuid in listed)


async def why_unavailable(radio: Radio) -> str | None:
    """What is wrong with Bluetooth and what to do about it; None if a scan can start."""
    try:
        async with _scanning(radio, lambda _device, _data: None):
            return None
    except BluetoothUnavailable as error:
        return str(error)


@asynccontextmanager
async def connect(
    radio: Radio, band: Seen | str, timeout: timedelta, name: str = ""
) -> AsyncGenerator[BleakConnection, None]:
    """An open connection to what was seen or has this address; closed at the end, also if the band hung up.

    Where the address is silent, the error tells of another one that shows itself by this `name`: it is for a person to
    say whether that is the same band.

    Raises `NotHeard` if the band is not there and `NoReply` if it does not let itself be connected to before `timeout`,
    and `BluetoothUnavailable`.
    """
    address = band if isinstance(band, str) else band.address
    made: list[BleakClient] = []
    alike: set[str] = set()
    lost = asyncio.Event()

    def hear(seen: Seen) -> None:
        if name and seen.advertisement.name == name and len(alike) < MOST_ALIKE:
            alike.add(seen.address)

    try:
        with before_connecting():
            try:
                async with asyncio.timeout(timeout.total_seconds()):
                    connection = await _connection(radio, band, timeout, made, lost, hear)
            except TimeoutError as error:
                if made and await _has_bond(radio, address):
                    raise NotBonded(_BOND_LOST.format(address=address)) from error
                why = NoReply if made else NotHeard
                raise why(_ABSENT.format(address=address) + _alike(alike, name)) from error
        try:
            async with _told_of_bluez(lost) if radio.client is None else contextlib.nullcontext():
                yield connection
        finally:
            lost.set()
    finally:
        for client in made:
            await _hang_up(client)


_ABSENT = "no connection to {address}: bring the band close, wake it, and close any app that is connected to it"


MOST_ALIKE = 3


def _alike(addresses: set[str], name: str) -> str:
    if not addresses:
        return ""
    return (
        f". {' and '.join(sorted(addresses))} shows itself as {name!r}: if that is the same band with a new address, "
        "`hipsync pair` says so with --again --name"
    )


async def _connection(
    radio: Radio,
    band: Seen | str,
    timeout: timedelta,
    made: list[BleakClient],
    lost: asyncio.Event,
    hear: Callable[[Seen], None],
) -> BleakConnection:
    """`made` gets every client that may hold something open, also when this fails."""
    if radio.client is None:
        # A connection that a killed process left in BlueZ: such a band does not advertise, and cannot be connected to.
        await close_stale_connections_by_address(band if isinstance(band, str) else band.address)
    if isinstance(band, str):
        found = await find(radio, band, timeout, hear)
        if found is None:
            raise TimeoutError
        band = found

    class Client(BleakClient):
        """One that is known before it is connected."""

        def __init__(self, device: BLEDevice, **options: object) -> None:
            del options  # the connector's; all that matters of them is here
            super().__init__(
                device,
                disconnected_callback=lambda _client: lost.set(),
                bluez=BlueZClientArgs(adapter=radio.adapter) if radio.adapter else {},
                backend=radio.client,
            )
            made.append(self)

        async def connect(self, **options: Any) -> None:
            """Raises what Bleak raises.

            An attempt that fails in BlueZ's race can leave a connection, upon which Bleak would refuse every other one.
            """
            if self.is_connected:
                await _hang_up(self)
            await super().connect(**options)

    try:
        client = await establish_connection(
            Client,
            band.device,
            band.advertisement.name or band.address,
            max_attempts=ATTEMPTS,
            use_services_cache=False,  # with it, a connection is open before BlueZ has agreed on an MTU
        )
        lost.clear()  # an attempt that failed may have set it
        if not client.is_connected:
            lost.set()
        return BleakConnection(client, lost, await _mtu_of_bluez(client) if radio.client is None else None)
    except BleakError as error:
        if bluetooth_unavailable(error) is not None:
            raise
        if await _has_bond(radio, band.address):
            raise NotBonded(_BOND_LOST.format(address=band.address)) from error
        raise NoReply(f"{_ABSENT.format(address=band.address)} ({one_line(error)})") from error


_BOND_LOST = (
    "{address} shows itself, but every connection ends at once: most likely the band has lost the bond that this "
    "computer keeps (by a reset, or another phone); `hipsync pair {address} --again` makes a new one"
)


async def _has_bond(radio: Radio, address: str) -> bool:
    return radio.client is None and await bonded(address)


@asynccontextmanager
async def _told_of_bluez(gone: asyncio.Event) -> AsyncGenerator[None, None]:
    """While the block runs, `gone` is set when BlueZ's process ends: Bleak goes on believing in its connections."""
    if sys.platform != "linux":
        yield
        return
    from dbus_fast import BusType, Message
    from dbus_fast.aio import MessageBus

    def told(message: Message) -> None:
        if message.member == "NameOwnerChanged" and message.body[:1] == ["org.bluez"]:
            gone.set()

    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    try:
        bus.add_message_handler(told)
        rule = "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='org.bluez'"
        name = "org.freedesktop.DBus"
        await bus.call(Message(name, "/org/freedesktop/DBus", name, "AddMatch", signature="s", body=[rule]))
        yield
    finally:
        bus.disconnect()


async def _mtu_of_bluez(client: BleakClient) -> int | None:
    """The MTU by BlueZ's word; None on other systems, and from BlueZ before 5.62.

    Bleak believes what BlueZ said when this process first heard of the characteristic. Of a band that BlueZ knows
    already that was before the connection: 23, and BlueZ announces no change.
    """
    objects: list[Any] = [each.obj for each in client.services.characteristics.values()]
    if sys.platform != "linux" or not objects:
        return None
    from dbus_fast import BusType, Message
    from dbus_fast.aio import MessageBus

    path, which = objects[0][0], ["org.bluez.GattCharacteristic1", "MTU"]
    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    try:
        reply = await bus.call(
            Message("org.bluez", path, "org.freedesktop.DBus.Properties", "Get", signature="ss", body=which)
        )
    finally:
        bus.disconnect()
    return int(reply.body[0].value) if reply.signature == "v" else None


async def _hang_up(client: BleakClient) -> None:
    """Disconnect, come what may: a band that hung up itself still holds a connection of ours to D-Bus."""
    try:
        async with asyncio.timeout(HANG_UP_S):
            await client.disconnect()
    except FAILURES as error:  # the Bluetooth service may be gone
        log.debug("a disconnection failed: %s", one_line(error))


class BleakConnection:
    """An open connection: the port `session.Connection`."""

    def __init__(self, client: BleakClient, lost: asyncio.Event, mtu: int | None = None) -> None:
        """`mtu`, where the characteristics do not tell it."""
        self._client, self._lost, self._mtu = client, lost, mtu
        self._characteristics: dict[tuple[str, str | None], BleakGATTCharacteristic] = {}
        self.address = client.address
        for characteristic in client.services.characteristics.values():
            for service in (characteristic.service_uuid.lower(), None):
                self._characteristics.setdefault((characteristic.uuid.lower(), service), characteristic)

    @property
    def lost(self) -> asyncio.Event:
        """Set when the connection has ended, whoever ended it."""
        return self._lost

    @property
    def write_size(self) -> int:
        """Bytes that fit a write without response: the MTU without ATT's header of three."""
        if self._mtu is not None:
            return self._mtu - 3
        sizes = (each.max_write_without_response_size for each in self._characteristics.values())
        return max(sizes, default=LEAST_WRITE)

    def has(self, characteristic: str, service: str | None = None) -> bool:
        return (characteristic, service) in self._characteristics

    async def read(self, characteristic: str, service: str | None = None) -> bytes:
        with self._errors(f"a read of {characteristic}"):
            return bytes(await self._client.read_gatt_char(self._found(characteristic, service)))

    async def write(self, characteristic: str, data: bytes, response: bool, service: str | None = None) -> None:
        with self._errors(f"a write to {characteristic}"):
            await self._client.write_gatt_char(self._found(characteristic, service), data, response=response)

    async def start_notify(self, characteristic: str, callback: Callable[[bytes], None]) -> None:
        def arrived(_: BleakGATTCharacteristic, data: bytearray) -> None:
            callback(bytes(data))

        with self._errors(f"a subscription to {characteristic}"):
            await self._client.start_notify(self._found(characteristic, None), arrived)

    async def stop_notify(self, characteristic: str) -> None:
        with self._errors(f"the end of a subscription to {characteristic}"):
            await self._client.stop_notify(self._found(characteristic, None))

    async def bond(self) -> None:
        """Pair, unless the system does so by itself when a band asks for it, as macOS does."""
        try:
            with self._errors("pairing"):
                await self._client.pair()
        except NotImplementedError:
            log.debug("this system pairs by itself")
        except LinkLost:
            raise
        except DeviceError as error:
            raise bonding_error(error) from error

    def _found(self, characteristic: str, service: str | None) -> BleakGATTCharacteristic:
        found = self._characteristics.get((characteristic, service))
        if found is None:
            where = f" in service {service}" if service else ""
            raise DeviceError(f"the band has no characteristic {characteristic}{where}")
        return found

    @contextmanager
    def _errors(self, request: str) -> Generator[None, None, None]:
        """Raise hipsync's errors in place of Bleak's for one request, which is named as in `request_error`."""
        try:
            yield
        except FAILURES as error:
            raised = request_error(
                error, request, self.address, connected=self._client.is_connected and not self._lost.is_set()
            )
            if isinstance(
                raised, BluetoothUnavailable
            ):  # BlueZ went away, and Bleak goes on believing in its connections
                self._lost.set()
            raise raised from error


def _seen(device: BLEDevice, data: AdvertisementData, before: Seen | None) -> Seen:
    """What a report says, over what earlier ones said: a name often comes in the scan response alone."""
    old = before.advertisement if before else Advertisement()
    services = {uuid.lower() for uuid in data.service_uuids}
    return Seen(
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


@asynccontextmanager
async def _scanning(radio: Radio, report: Callable[[BLEDevice, AdvertisementData], None]) -> AsyncGenerator[None, None]:
    """Active: only then do bands send their scan response, in which most have their name."""
    with before_connecting():
        scanner = BleakScanner(
            report,
            scanning_mode="active",
            bluez=BlueZScannerArgs(adapter=radio.adapter) if radio.adapter else {},
            backend=radio.scanner,
        )
        try:
            async with asyncio.timeout(START_S):
                await scanner.start()
        except TimeoutError as error:
            raise BluetoothUnavailable(SERVICE_SILENT) from error
        try:
            yield
        finally:
            with contextlib.suppress(*FAILURES):  # what was seen is worth more
                await scanner.stop()

"""Bands in reach, and open connections to them, by Bleak: on the system's Bluetooth or on a simulated one.

A `Radio` says which. Nothing else here differs between the two, so what is tested on simulated bands is the code that
real ones meet. Errors of Bleak, of D-Bus and of the operating system become hipsync's here, once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any

from bleak import BleakClient
from bleak.args.bluez import BlueZClientArgs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.exc import BleakError
from bleak_retry_connector import close_stale_connections_by_address, establish_connection

from hipsync.errors import BluetoothUnavailable, DeviceError, LinkLost, NoReply, NotBonded, NotHeard
from hipsync.radio.bleak_errors import (
    FAILURES,
    before_connecting,
    bluetooth_unavailable,
    bonding_error,
    one_line,
    request_error,
)
from hipsync.radio.bluez_agent import bonded
from hipsync.radio.scan import Adapter, NearbyDevice, find

log = logging.getLogger(__name__)

ATTEMPTS = 10
"""To connect, within the time given. On BlueZ about one in 14 ends in a race of its own that only another attempt
cures; four in a row were seen on a busy machine."""
HANG_UP_S = 10.0
"""For a disconnection; BlueZ keeps a link for two to three seconds."""
LEAST_WRITE = 20
"""Bytes that fit a write without response on every link: the least MTU (23) without ATT's header of three."""


@asynccontextmanager
async def connect(
    adapter: Adapter, band: NearbyDevice | str, timeout: timedelta, name: str = ""
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

    def hear(seen: NearbyDevice) -> None:
        if name and seen.advertisement.name == name and len(alike) < MOST_ALIKE:
            alike.add(seen.address)

    try:
        with before_connecting():
            try:
                async with asyncio.timeout(timeout.total_seconds()):
                    connection = await _connection(adapter, band, timeout, made, lost, hear)
            except TimeoutError as error:
                if made and await _has_bond(adapter, address):
                    raise NotBonded(_BOND_LOST.format(address=address)) from error
                why = NoReply if made else NotHeard
                raise why(_ABSENT.format(address=address) + _alike(alike, name)) from error
        try:
            async with _told_of_bluez(lost) if adapter.client is None else contextlib.nullcontext():
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
    adapter: Adapter,
    band: NearbyDevice | str,
    timeout: timedelta,
    made: list[BleakClient],
    lost: asyncio.Event,
    hear: Callable[[NearbyDevice], None],
) -> BleakConnection:
    """`made` gets every client that may hold something open, also when this fails."""
    if adapter.client is None:
        # A connection that a killed process left in BlueZ: such a band does not advertise, and cannot be connected to.
        await close_stale_connections_by_address(band if isinstance(band, str) else band.address)
    if isinstance(band, str):
        found = await find(adapter, band, timeout, hear)
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
                bluez=BlueZClientArgs(adapter=adapter.name) if adapter.name else {},
                backend=adapter.client,
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
        return BleakConnection(client, lost, await _mtu_of_bluez(client) if adapter.client is None else None)
    except BleakError as error:
        if bluetooth_unavailable(error) is not None:
            raise
        if await _has_bond(adapter, band.address):
            raise NotBonded(_BOND_LOST.format(address=band.address)) from error
        raise NoReply(f"{_ABSENT.format(address=band.address)} ({one_line(error)})") from error


_BOND_LOST = (
    "{address} shows itself, but every connection ends at once: most likely the band has lost the bond that this "
    "computer keeps (by a reset, or another phone); `hipsync pair {address} --again` makes a new one"
)


async def _has_bond(adapter: Adapter, address: str) -> bool:
    return adapter.client is None and await bonded(address)


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

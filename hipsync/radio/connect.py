"""Connects to a band with Bleak, and offers the open connection as the port that a conversation needs.

The adapter is the system's or a simulated one. Nothing else differs between the two, so tests on simulated bands run
the same code as real bands. Every connection is closed in the end, even one that a failed try left open. Bleak's errors
leave this module as hipsync's own (`bleak_errors`). This module does not know what the bytes mean.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.exc import BleakError
from bleak_retry_connector import close_stale_connections_by_address, establish_connection

from hipsync.errors import BluetoothUnavailable, DeviceError, LinkLost, NoReply, NotAuthorised, NotBonded, NotHeard
from hipsync.radio import bluez
from hipsync.radio.bleak_errors import (
    FAILURES,
    before_connecting,
    bluetooth_unavailable,
    bonding_error,
    one_line,
    request_error,
)
from hipsync.radio.scan import Adapter, NearbyDevice, find, usable
from hipsync.radio.ways import Way, proxy_of, strongest_first

log = logging.getLogger(__name__)

MOST_TRIES = 10
"""The number of tries to connect within the time that `connect` is given. With BlueZ about one try in 14 fails because
of a race in BlueZ, and only another try helps. Four such failures in a row were seen on a busy machine."""
TRIES_A_WAY = 4
"""The number of tries to connect on a way while there is another one."""
HANG_UP_S = 10.0
"""Seconds to wait for a disconnection. BlueZ alone keeps a link open for another two to three seconds."""
LEAST_WRITE = 20
"""The bytes that fit into a write without response on any link: the smallest MTU (23) less ATT's header of three."""
MOST_NAMESAKES = 3
"""How many other devices with the wanted band's name an error lists at most."""
_ABSENT = "no connection to {address}: bring the band close, wake it, and close any app that is connected to it"
_LEFT = "whoever heard it is not there any more"
_BOND_LOST = (
    "{address} shows itself, but every connection ends at once: most likely the band has lost the bond that this "
    "computer keeps (by a reset, or another phone); `hipsync pair {address} --again` makes a new one"
)


@asynccontextmanager
async def connect(
    adapter: Adapter, band: NearbyDevice | str, timeout: timedelta, name: str = ""
) -> AsyncGenerator[BleakConnection, None]:
    """Open a connection to `band`, given as a device that was found or as an address; close it at the end of the block.

    `name` is the name that the band advertises, or empty. If nothing advertises at the address, the error lists other
    devices with that name, so that a person can say whether one of them is the same band with a new address.

    Raises `NotHeard` if the band does not advertise within `timeout`, `NoReply` if no try to connect succeeds in that
    time, `NotBonded` if that is most likely because the band has lost its bond, and `BluetoothUnavailable`.
    """
    attempt = _Attempt(adapter, band, name)
    try:
        with before_connecting():
            connection = await attempt.connection(timeout)
        try:
            async with bluez.watching_for_its_end(attempt.lost) if attempt.on_system else contextlib.nullcontext():
                yield connection
        except LinkLost as error:
            if (why := attempt.why_proxy_left()) is not None:
                raise LinkLost(why) from error
            raise
        finally:
            attempt.lost.set()
    finally:
        for client in attempt.clients:
            await _hang_up(client)


class _Attempt:
    """One attempt to reach a band, in several tries. It records every client that they open, and explains a failure."""

    def __init__(self, adapter: Adapter, band: NearbyDevice | str, name: str) -> None:
        self._adapter, self._band, self._name = adapter, band, name
        self._address = band if isinstance(band, str) else band.address
        self._namesakes: set[str] = set()
        """Addresses of other devices that advertise the band's name."""
        self.clients: list[BleakClient] = []
        """Every client that may have a connection open, including those of failed tries."""
        self.lost = asyncio.Event()
        """Set when the connection has ended."""
        self._proxy: str | None = None
        """The name of the proxy by which it was tried last; None for this computer's own Bluetooth."""

    @property
    def on_system(self) -> bool:
        """Whether the way that was tried last is by the system's Bluetooth. Only then can BlueZ be behind it."""
        return self._adapter.on_system and self._proxy is None

    async def connection(self, timeout: timedelta) -> BleakConnection:
        """Open a connection within `timeout`, on the first way that works.

        Raises `NotHeard`, `NoReply`, `NotBonded`, and Bleak's errors that are about this computer's Bluetooth.
        """
        try:
            async with asyncio.timeout(timeout.total_seconds()) as limit:
                device = await self._device(timeout)
                ways = await self._ways(device)
                for left in range(len(ways) - 1, 0, -1):
                    if (found := await self._tried(device, ways[-left - 1], limit, left)) is not None:
                        return found
                self._proxy = proxy_of(ways[-1].device)
                try:
                    return await self._connected(device, ways[-1].device, MOST_TRIES)
                except BleakError as error:
                    if self._proxy is None and bluetooth_unavailable(error) is not None:
                        raise
                    raise await self._connection_failure(f" ({one_line(error)})") from error
        except TimeoutError as error:
            raise await self._timeout_failure() from error

    async def _ways(self, device: NearbyDevice) -> list[Way]:
        """Return the ways to a device that was found, the best one first. Raises `NoReply` if none is free."""
        proxies = self._adapter.proxies
        if proxies is None:
            return [Way(device.bleak_device, device.rssi_dbm)]
        may_use = await usable(self._adapter, self._address)
        own = [] if device.own is None else [device.own]
        ways = [way for way in (*proxies.ways(self._address), *own) if may_use(way.device)]
        if not ways:
            why = proxies.obstacles(self._address) or [_LEFT]
            raise NoReply(f"no connection to {self._address}: {'; '.join(why)}")
        return strongest_first(ways)

    async def _tried(self, device: NearbyDevice, way: Way, limit: asyncio.Timeout, left: int) -> BleakConnection | None:
        """Try a way that is not the last one, and leave time for those `left`. Return None if it does not work."""
        self._proxy = proxy_of(way.device)
        now, end = asyncio.get_running_loop().time(), limit.when()
        try:
            async with asyncio.timeout(None if end is None else (end - now) / (left + 1)):
                return await self._connected(device, way.device, TRIES_A_WAY)
        except FAILURES as error:
            log.info("no connection to %s by %s, another way is tried: %s", self._address, way.name, one_line(error))
            for client in self.clients:
                await _hang_up(client)
            return None

    def why_proxy_left(self) -> str | None:
        """Return why the connection ended, if that is because its proxy went away."""
        if self._proxy is None or self._adapter.proxies is None:
            return None
        return next(iter(self._adapter.proxies.trouble(self._proxy)), None)

    async def _device(self, timeout: timedelta) -> NearbyDevice:
        """Find the device to connect to. Raises `TimeoutError` if it does not advertise within `timeout`."""
        if self._adapter.on_system:
            # A killed process can leave a connection open in BlueZ. Then the band neither advertises nor accepts
            # another connection.
            await close_stale_connections_by_address(self._address)
        if not isinstance(self._band, str):
            return self._band
        found = await find(self._adapter, self._address, timeout, self._note_namesake)
        if found is None:
            raise TimeoutError
        return found

    def _note_namesake(self, device: NearbyDevice) -> None:
        if self._name and device.advertisement.name == self._name and len(self._namesakes) < MOST_NAMESAKES:
            self._namesakes.add(device.address)

    async def _connected(self, device: NearbyDevice, way: BLEDevice, tries: int) -> BleakConnection:
        """Connect on one way, in up to so many tries. Raises whatever Bleak raises."""
        client = await establish_connection(
            _client_class(self._adapter, way, self.clients, self.lost),
            way,
            device.advertisement.name or device.address,
            max_attempts=tries,
            use_services_cache=False,  # with it, a connection is open before BlueZ has agreed on an MTU
        )
        self.lost.clear()  # a failed try may have set it
        if not client.is_connected:
            self.lost.set()
        return BleakConnection(client, self.lost, await bluez.mtu(client) if self.on_system else None)

    async def _timeout_failure(self) -> DeviceError:
        if not self.clients:
            hints = self._hint_at_namesakes() + await self._hint_at_proxies()
            return NotHeard(_ABSENT.format(address=self._address) + hints)
        return await self._connection_failure(self._hint_at_namesakes())

    async def _connection_failure(self, detail: str) -> DeviceError:
        """Return the error for a band that advertises but cannot be connected to. `detail` ends a `NoReply`'s text."""
        if self.on_system and await bluez.bonded(self._address):
            return NotBonded(_BOND_LOST.format(address=self._address))
        why = [] if self._adapter.proxies is None else self._adapter.proxies.obstacles(self._address)
        if self._proxy is not None and why:
            return NoReply(f"no connection to {self._address}: {'; '.join(why)}")
        return NoReply(_ABSENT.format(address=self._address) + detail + await self._hint_at_proxies())

    async def _hint_at_proxies(self) -> str:
        """Return what is wrong with proxies, as the end of an error about a band that cannot be reached."""
        proxies = self._adapter.proxies
        if proxies is None:
            return ""
        fixed = proxies.fixed_to(self._address)
        alone = [] if fixed is None else [f"the settings let it be reached by {fixed} alone"]
        if fixed is None and self._adapter.on_system and await bluez.bonded(self._address):
            alone = ["it is bonded with this computer, so that no proxy can reach it"]
        return "".join(f". {each}" for each in (*alone, *proxies.trouble(fixed)))

    def _hint_at_namesakes(self) -> str:
        if not self._namesakes:
            return ""
        return (
            f". {' and '.join(sorted(self._namesakes))} shows itself as {self._name!r}: if that is the same band with "
            "a new address, `hipsync pair` says so with --again --name"
        )


def _client_class(
    adapter: Adapter, device: BLEDevice, clients: list[BleakClient], lost: asyncio.Event
) -> type[BleakClient]:
    """Return the class whose instances `establish_connection` creates, for the device as it was found.

    The connector would rather take one that Bleak has as connected, and Bleak has those of a BlueZ that was killed. An
    instance appends itself to `clients` before it connects, and sets `lost` when its connection ends.
    """
    by_proxy = proxy_of(device) is not None and adapter.proxies is not None
    backend = adapter.proxies.client if by_proxy and adapter.proxies is not None else adapter.client

    class Client(BleakClient):
        def __init__(self, _: BLEDevice, **options: object) -> None:
            del options  # the connector's options; those that matter are given here
            super().__init__(device, disconnected_callback=lambda _client: lost.set(), backend=backend)
            clients.append(self)

        async def connect(self, **options: Any) -> None:
            """Close what an earlier try left open, then connect. Raises whatever Bleak raises.

            A try that fails because of BlueZ's race can leave a connection open. Bleak would then refuse every later
            try.
            """
            if self.is_connected:
                await _hang_up(self)
            await super().connect(**options)

    return Client


async def _hang_up(client: BleakClient) -> None:
    """Disconnect without raising. Even after the band hung up, the client has its connection to D-Bus to close."""
    try:
        async with asyncio.timeout(HANG_UP_S):
            await client.disconnect()
    except FAILURES as error:  # the Bluetooth service may be gone
        log.debug("a disconnection failed: %s", one_line(error))


class BleakConnection:
    """An open connection to a band through Bleak; implements `hipsync.conversation.session.Connection`.

    Characteristics and services are named by full UUIDs in lower case. Requests raise `LinkLost`, `NotBonded`,
    `NotAuthorised`, `NoReply`, `DeviceError` or `BluetoothUnavailable`.
    """

    def __init__(self, client: BleakClient, lost: asyncio.Event, mtu: int | None = None) -> None:
        """`mtu` is the MTU in bytes that BlueZ gave. With None, the write size comes from Bleak's characteristics."""
        self._client, self._lost, self._mtu = client, lost, mtu
        self._characteristics: dict[tuple[str, str | None], BleakGATTCharacteristic] = {}
        self.address = client.address
        for characteristic in client.services.characteristics.values():
            for service in (characteristic.service_uuid.lower(), None):
                self._characteristics.setdefault((characteristic.uuid.lower(), service), characteristic)

    @property
    def lost(self) -> asyncio.Event:
        """An event that is set when the connection has ended, whichever side ended it."""
        return self._lost

    @property
    def write_size(self) -> int:
        """The number of bytes that fit into a write without response: the MTU less ATT's header of three."""
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
        def on_notification(_: BleakGATTCharacteristic, data: bytearray) -> None:
            callback(bytes(data))

        with self._errors(f"a subscription to {characteristic}"):
            await self._client.start_notify(self._found(characteristic, None), on_notification)

    async def stop_notify(self, characteristic: str) -> None:
        with self._errors(f"the end of a subscription to {characteristic}"):
            await self._client.stop_notify(self._found(characteristic, None))

    async def bond(self) -> None:
        """Bond with the band, on systems such as Linux where a program has to request it. Otherwise do nothing.

        On macOS, for example, the system itself bonds when a band asks for it. Raises `NotAuthorised`, `LinkLost` and
        `BluetoothUnavailable`.
        """
        try:
            with self._errors("pairing"):
                await self._client.pair()
        except NotImplementedError:
            log.debug("this system pairs by itself")
        except (LinkLost, NotAuthorised):  # a proxy's say already what to do
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
        """Raise hipsync's errors in place of Bleak's for one request. `request` names it, as in `request_error`."""
        try:
            yield
        except FAILURES as error:
            raised = request_error(
                error, request, self.address, connected=self._client.is_connected and not self._lost.is_set()
            )
            if isinstance(raised, BluetoothUnavailable):
                self._lost.set()  # BlueZ has gone, but Bleak still takes its connections for open
            raise raised from error

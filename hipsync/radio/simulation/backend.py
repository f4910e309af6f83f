"""Bleak's backends for an adapter in software: a scanner and a client, both on a `Central`.

They behave as Bleak's own backends do, and raise Bleak's errors in place of Bumble's. So simulated bands run the same
code above Bleak as real ones. Workarounds for defects of Bumble are numbered as in the package's docstring.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import ClassVar, TypeVar

from bleak.args import SizedBuffer
from bleak.assigned_numbers import gatt_char_props_to_strs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakDeviceNotFoundError, BleakError, BleakGATTProtocolError
from bleak.uuids import normalize_uuid_str
from bumble import att, core, hci
from bumble.device import Advertisement, Connection
from bumble.gatt_client import CharacteristicProxy, DescriptorProxy

from hipsync.radio.simulation.central import ABORT_S, Central, cancelled_from_outside

T = TypeVar("T")
AD = core.AdvertisingData.Type

PAIRING_S = 60.0
"""Seconds that pairing may take. Bumble alone would wait for ever (defect 10)."""
_UUID_BYTES_OF_LIST: dict[int, int] = {2: 2, 3: 2, 4: 4, 5: 4, 6: 16, 7: 16}
"""The size in bytes of each UUID in a list of services, by AD type (Core Specification Supplement, part A, 1.1)."""
_UUID_BYTES_OF_DATA: dict[int, int] = {0x16: 2, 0x20: 4, 0x21: 16}
"""The size in bytes of the UUID that precedes a service's data, by AD type (Core Specification Supplement, part A,
1.11)."""


def backends(own: Central) -> tuple[type[BaseBleakScanner], type[BaseBleakClient]]:
    """Return the classes to give Bleak as `backend=` for a scanner and a client on this central.

    Each central needs classes of its own, because Bleak itself creates the instances and passes no central to them.
    """

    class BumbleScanner(_Scanner):
        central = own

    class BumbleClient(_Client):
        central = own

    return BumbleScanner, BumbleClient


def _uuid(uuid: core.UUID | bytes) -> str:
    return normalize_uuid_str((core.UUID.from_bytes(uuid) if isinstance(uuid, bytes) else uuid).to_hex_str("-"))


def advertisement_data(report: Advertisement) -> AdvertisementData:
    """Convert a report from Bumble into Bleak's form. Structures of one type are merged, as operating systems do."""
    name: str | None = None
    makers: dict[int, bytes] = {}
    data: dict[str, bytes] = {}
    services: dict[str, None] = {}
    for kind, raw in report.data.ad_structures:
        if kind == AD.COMPLETE_LOCAL_NAME or (kind == AD.SHORTENED_LOCAL_NAME and name is None):
            name = raw.decode("utf-8", "replace")
        elif kind == AD.MANUFACTURER_SPECIFIC_DATA and len(raw) >= 2:
            makers[int.from_bytes(raw[:2], "little")] = raw[2:]
        elif (size := _UUID_BYTES_OF_DATA.get(int(kind))) and len(raw) >= size:
            data[_uuid(raw[:size])] = raw[size:]
        elif size := _UUID_BYTES_OF_LIST.get(int(kind)):
            for at in range(0, len(raw) - size + 1, size):
                services[_uuid(raw[at : at + size])] = None
    return AdvertisementData(name, makers, data, list(services), None, report.rssi, (report,))


class _Scanner(BaseBleakScanner):
    central: ClassVar[Central]

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        scanning_mode: str = "active",
        **_: object,
    ) -> None:
        wanted = [normalize_uuid_str(uuid) for uuid in service_uuids] if service_uuids else None
        super().__init__(detection_callback, wanted)
        self._active = scanning_mode != "passive"

    async def start(self) -> None:
        self.seen_devices = {}
        await self.central.listen(self._report, active=self._active)

    async def stop(self) -> None:
        await self.central.unlisten(self._report)

    def _report(self, report: Advertisement) -> None:
        data = advertisement_data(report)
        if self.is_allowed_uuid(data.service_uuids):
            address = report.address.to_string(False)
            before = self.seen_devices.get(address)
            name = data.local_name or (before[0].name if before else None)
            device = self.create_or_update_device(address, address, name, report.address, data)
            self.call_detection_callbacks(device, data)


class _Client(BaseBleakClient):
    central: ClassVar[Central]

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        *,
        disconnected_callback: Callable[[], None] | None = None,
        timeout: float = 30.0,
        services: set[str] | None = None,
        **_: object,
    ) -> None:
        super().__init__(address_or_ble_device, disconnected_callback=disconnected_callback, timeout=timeout)
        device = address_or_ble_device if isinstance(address_or_ble_device, BLEDevice) else None
        self._name = device.name if device else None
        self._wanted = services
        self._connection: Connection | None = None
        self._proxies: dict[int, CharacteristicProxy[bytes]] = {}
        self._descriptors: dict[int, DescriptorProxy] = {}
        self._notifying: set[int] = set()

    @property
    def name(self) -> str:
        return self._name or self.address.replace(":", "-")

    @property
    def mtu_size(self) -> int:
        return self._open_connection().att_mtu

    @property
    def is_connected(self) -> bool:
        return self._connection is not None

    def _open_connection(self) -> Connection:
        """Return the open connection. Raises `BleakError` if there is none."""
        if self._connection is None:
            raise BleakError("Not connected")
        return self._connection

    async def connect(self, pair: bool = False, *, timeout: float | None = None, **_: object) -> None:
        if self._connection is not None:
            raise BleakError("Client is already connected")
        async with asyncio.timeout(self._timeout if timeout is None else timeout):
            if (peer := self.central.known.get(self.address.upper())) is None:
                raise BleakDeviceNotFoundError(self.address, f"Device with address {self.address} was not found.")
            connection = self._connection = await self.central.connect(peer)

            def ended(_reason: int) -> None:
                self._ended(connection)

            connection.on(Connection.EVENT_DISCONNECTION, ended)
            try:
                await self._secure(connection, pair=pair)
                with contextlib.suppress(BleakGATTProtocolError):  # a server may decline the exchange
                    await self._run(lambda: connection.gatt_client.request_mtu(self.central.mtu))
                self.services = await self._discovered(connection)
            except BaseException:
                callback, self._disconnected_callback = self._disconnected_callback, None
                await self.disconnect()  # the caller never had this link, so its end is not reported
                self._disconnected_callback = callback
                raise

    async def _secure(self, connection: Connection, *, pair: bool) -> None:
        """Encrypt with the bond if there is one, as every system does. Without a bond, pair if `pair` is True."""
        keys = self.central.device.keystore
        if keys is not None and await keys.get(str(connection.peer_address)):
            await self._run(connection.encrypt)
        elif pair:
            await self.pair()

    async def disconnect(self) -> None:
        if (connection := self._connection) is None:
            return
        with contextlib.suppress(core.BaseBumbleError, hci.HCI_Error, TimeoutError):
            async with asyncio.timeout(ABORT_S):
                await connection.disconnect()
        self._ended(connection)  # the controller may never confirm

    def _ended(self, connection: Connection) -> None:
        if self._connection is connection:
            self._connection, self.services = None, None
            self._notifying.clear()
            if self._disconnected_callback:
                self._disconnected_callback()

    async def pair(self, *_: object, **__: object) -> None:
        connection = self._open_connection()
        if not connection.is_encrypted:
            async with asyncio.timeout(PAIRING_S):
                await self._run(connection.pair)

    async def unpair(self) -> None:
        await self.disconnect()
        keys, peer = self.central.device.keystore, self.central.known.get(self.address.upper())
        if keys is not None and peer is not None:
            with contextlib.suppress(KeyError):
                await keys.delete(str(peer))

    async def _run(self, operation: Callable[[], Awaitable[T]]) -> T:
        """Run a procedure on the connection and return its result. Raises Bleak's errors in place of Bumble's.

        Cancelling the caller does not cancel the procedure. An ATT reply carries no number, so Bumble would take a late
        reply for the one to the next request of the same kind (defect 4).
        """
        connection = self._open_connection()
        work = asyncio.ensure_future(connection.cancel_on_disconnection(operation()))
        work.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            return await asyncio.shield(work)
        except att.ATT_Error as error:
            raise BleakGATTProtocolError(int(error.error_code)) from error
        except core.TimeoutError as error:
            await self.disconnect()  # ATT allows no further request on this link
            raise TimeoutError(str(error)) from error
        except (core.BaseBumbleError, hci.HCI_Error) as error:
            raise BleakError(str(error)) from error
        except asyncio.CancelledError:
            if self._connection is connection or cancelled_from_outside():
                raise
            raise BleakError("Disconnected") from None

    async def _discovered(self, connection: Connection) -> BleakGATTServiceCollection:
        """Discover the band's services with their characteristics and descriptors, or only the services asked for."""
        found = BleakGATTServiceCollection()
        for each in await self._run(connection.gatt_client.discover_services):
            if self._wanted and _uuid(each.uuid) not in self._wanted:
                continue
            service = BleakGATTService(each, each.handle, _uuid(each.uuid))
            found.add_service(service)
            for proxy in await self._run(each.discover_characteristics):  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
                await self._add(found, service, proxy)
        return found

    async def _add(
        self, found: BleakGATTServiceCollection, service: BleakGATTService, proxy: CharacteristicProxy[bytes]
    ) -> None:
        self._proxies[proxy.handle] = proxy
        properties = list(gatt_char_props_to_strs(int(proxy.properties)))
        characteristic = BleakGATTCharacteristic(
            proxy, proxy.handle, _uuid(proxy.uuid), properties, lambda: self.mtu_size - 3, service
        )
        found.add_characteristic(characteristic)
        for each in await self._run(proxy.discover_descriptors):
            self._descriptors[each.handle] = each
            found.add_descriptor(BleakGATTDescriptor(each, each.handle, _uuid(each.type), characteristic))

    async def read_gatt_char(
        self, characteristic: BleakGATTCharacteristic, *, use_cached: bool = False, **_: object
    ) -> bytearray:
        del use_cached
        return bytearray(await self._run(self._proxies[characteristic.handle].read_value))

    async def read_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, *, use_cached: bool = False, **_: object
    ) -> bytearray:
        del use_cached
        return bytearray(await self._run(self._descriptors[descriptor.handle].read_value))

    async def write_gatt_char(self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool) -> None:
        proxy, value = self._proxies[characteristic.handle], bytes(data)
        await self._run(lambda: proxy.write_value(value, with_response=response))

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        proxy, value = self._descriptors[descriptor.handle], bytes(data)
        await self._run(lambda: proxy.write_value(value, with_response=True))

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **_: object
    ) -> None:
        if characteristic.handle in self._notifying:
            raise BleakError("Notifications are already enabled on this characteristic")
        proxy = self._proxies[characteristic.handle]
        self._notifying.add(characteristic.handle)
        try:
            await self._run(lambda: proxy.subscribe(lambda value: callback(bytearray(value)), prefer_notify=True))
        except BaseException:
            self._forget(proxy)
            raise

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        if characteristic.handle in self._notifying:
            proxy = self._proxies[characteristic.handle]
            await self._run(proxy.unsubscribe)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
            self._forget(proxy)

    def _forget(self, proxy: CharacteristicProxy[bytes]) -> None:
        """Remove a characteristic's subscribers from Bumble, which keeps them even if the band refused (defect 11)."""
        self._notifying.discard(proxy.handle)
        proxy.subscribers.clear()
        proxy.client.notification_subscribers.pop(proxy.handle, None)  # pyright: ignore[reportUnknownMemberType]
        proxy.client.indication_subscribers.pop(proxy.handle, None)  # pyright: ignore[reportUnknownMemberType]

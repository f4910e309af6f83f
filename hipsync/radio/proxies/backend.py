"""Bleak's backends over proxies: a scanner that reports what they hear, and a client by the proxy of a device.

They raise Bleak's errors. A band that is fixed to its proxy is bonded with as BlueZ would do: when it refuses a request
for want of a bond, the proxy makes one, or takes up the one that it has, and the request is repeated once.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Protocol, TypeVar

from aioesphomeapi.core import SocketAPIError
from bleak.args import SizedBuffer
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback, BaseBleakScanner
from bleak.exc import BleakError
from bleak_esphome.backend.client import ESPHomeClient

from hipsync.errors import BluetoothUnavailable, NotAuthorised, NotBonded
from hipsync.radio.bleak_errors import BOND_BY_PROXY, wants_a_bond
from hipsync.radio.proxies.heard import Report
from hipsync.radio.proxies.proxy import Proxy
from hipsync.radio.ways import Proxies, proxy_of

log = logging.getLogger(__name__)

T = TypeVar("T")

_LENT = "the proxies are lent to another command, such as `hipsync pair`: try again when it has ended"
_NO_BOND = (
    "could not bond with the band: a proxy can only do so without a passkey. Pair a band that shows one, or that this "
    "happens to again, within reach of this computer, and take it out of that proxy's bands"
)


class Reached(Proxies, Protocol):
    """The proxies as these backends need them; each by its name."""

    @property
    def is_any_reached(self) -> bool: ...

    def named(self, name: str | None) -> Proxy | None: ...

    def listen(self, report: Report) -> None: ...

    def unlisten(self, report: Report) -> None: ...


class ProxyScanner(BaseBleakScanner):
    """Reports what all proxies hear. A class of its own is made for each `Rooms`, because Bleak makes the instances."""

    rooms: ClassVar[Reached]

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        *_: object,
        **__: object,
    ) -> None:
        super().__init__(detection_callback, service_uuids)

    async def start(self) -> None:
        """Begin to report. Raises `BluetoothUnavailable` if no proxy is reached."""
        if not self.rooms.is_any_reached:
            raise BluetoothUnavailable("; ".join(self.rooms.trouble()) or _LENT)
        self.seen_devices = {}
        self.rooms.listen(self._report)

    async def stop(self) -> None:
        self.rooms.unlisten(self._report)

    def _report(self, device: BLEDevice, data: AdvertisementData) -> None:
        if self.is_allowed_uuid(data.service_uuids):
            self.seen_devices[device.address] = (device, data)
            self.call_detection_callbacks(device, data)


class ProxyClient(BaseBleakClient):
    """Connects by the proxy that heard the device; a class of its own is made for each `Rooms`."""

    rooms: ClassVar[Reached]

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        *,
        disconnected_callback: Callable[[], None] | None = None,
        timeout: float = 30.0,
        **_: object,
    ) -> None:
        super().__init__(address_or_ble_device, disconnected_callback=disconnected_callback, timeout=timeout)
        assert isinstance(address_or_ble_device, BLEDevice)  # noqa: S101  `connect` gives nothing else
        self._device = address_or_ble_device
        self._proxy = proxy_of(self._device)
        self._inner: ESPHomeClient | None = None

    async def connect(self, pair: bool, **_: Any) -> None:
        """Connect by the proxy. Raises `BleakError` if it is away, and what bleak-esphome raises."""
        del pair
        proxy = self.rooms.named(self._proxy)
        if proxy is None:
            raise BleakError(f"the proxy {self._proxy} is used no more")
        self._inner = proxy.client(self._device, self._disconnected_callback, self._timeout)
        await proxy.while_reached(self._inner.connect(pair=False))
        self.services = self._inner.services

    async def disconnect(self) -> None:
        if self._inner is not None and self._inner.is_connected:
            await self._inner.disconnect()

    @property
    def name(self) -> str:
        return self._device.name or self.address.replace(":", "-")

    @property
    def is_connected(self) -> bool:
        return self._inner is not None and self._inner.is_connected

    @property
    def mtu_size(self) -> int:
        return self._open.mtu_size

    @property
    def _open(self) -> ESPHomeClient:
        if self._inner is None:
            raise BleakError("not connected")
        return self._inner

    # -------------------------------------------------------------- requests

    async def pair(self, *_: Any, **__: Any) -> None:
        """Bond with the band, without a passkey.

        Raises `NotAuthorised` if that fails, `NotBonded` for a band that is not fixed to its proxy, and `BleakError` if
        the connection has ended.
        """
        if self.rooms.fixed_to(self.address) is None:
            raise NotBonded(BOND_BY_PROXY.format(self.address))
        try:
            await self._open.pair()
        except NotImplementedError as error:
            raise NotAuthorised(f"{self._proxy} cannot bond: its ESPHome is older than 2024.3, update it") from error
        except (BleakError, TimeoutError) as error:
            if not self.is_connected:
                raise
            raise NotAuthorised(f"{self._proxy} {_NO_BOND}") from error

    async def unpair(self) -> None:
        await self._open.unpair()

    async def read_gatt_char(self, characteristic: BleakGATTCharacteristic, **_: Any) -> bytearray:
        return await self._bonding(lambda: self._open.read_gatt_char(characteristic))

    async def read_gatt_descriptor(self, descriptor: BleakGATTDescriptor, **_: Any) -> bytearray:
        return await self._bonding(lambda: self._open.read_gatt_descriptor(descriptor))

    async def write_gatt_char(self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool) -> None:
        await self._bonding(lambda: self._open.write_gatt_char(characteristic, data, response))

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        await self._bonding(lambda: self._open.write_gatt_descriptor(descriptor, data))

    async def start_notify(self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **_: Any) -> None:
        await self._bonding(lambda: self._open.start_notify(characteristic, callback))

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        await self._open.stop_notify(characteristic)

    async def _bonding(self, request: Callable[[], Awaitable[T]]) -> T:
        """Make a request; once more over a bond if the band wants one, and is fixed to its proxy.

        Raises as the request does, and as `pair`.
        """
        try:
            return await request()
        except BleakError as error:
            if isinstance(error.__cause__, SocketAPIError):
                raise BleakError(f"not connected: the proxy {self._proxy} is gone") from error
            if not wants_a_bond(error) or self.rooms.fixed_to(self.address) is None:
                raise
            log.debug("the proxy %s bonds with %s", self._proxy, self.address)
            await self.pair()
        try:
            return await request()
        except BleakError as error:
            if wants_a_bond(error):
                raise NotAuthorised(f"{self._proxy} {_NO_BOND}") from error
            raise

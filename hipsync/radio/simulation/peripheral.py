"""One simulated band on the air: it advertises, serves its GATT table, and sends what the simulator returns.

A simulator (`hipsync.simulated.SimulatedBand`) is a pure state machine that knows no Bluetooth. This module calls it
when a client connects, reads, writes, subscribes or disconnects, and at the instant `wake_at`. One task sends all
notifications of the band, so that they stay in order. `on_the_air` raises the simulator's errors when its block ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from bumble import att, core, gatt, hci
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.host import Host
from bumble.pairing import PairingConfig, PairingDelegate
from bumble.transport.common import TransportSink, TransportSource

from hipsync.driver import Advertisement
from hipsync.radio.simulation.central import ABORT_S, RESET_S, power_off
from hipsync.simulated import Characteristic, HangUp, Notification, Property, Refused, Shown, SimulatedBand

log = logging.getLogger(__name__)

T = TypeVar("T")
AD = core.AdvertisingData.Type

SHORTEST_SLEEP_S = 0.001
"""The shortest wait, in seconds. Without it a band whose `wake_at` lies in the past would stop a virtual clock."""
LONGEST_SLEEP_S = 60.0
"""The longest wait, in seconds: the clock that `wake_at` goes by may be put back meanwhile, by hours."""
_BASE_UUID = "-0000-1000-8000-00805f9b34fb"
"""The end of every UUID that the Bluetooth SIG assigned as a number (Core specification, volume 3, part B, 2.5.1)."""
GENERIC_ACCESS = "00001800" + _BASE_UUID
"""The service with a device's name. Every device has one; Bumble adds it unless the simulator brings its own."""
_MOST_BYTES = 31
"""The most bytes of data in a legacy advertisement, and in a scan response (Core specification, volume 6, part B,
2.3.1)."""
_PROPERTIES: dict[Property, gatt.Characteristic.Properties] = {
    "read": gatt.Characteristic.Properties.READ,
    "write": gatt.Characteristic.Properties.WRITE,
    "write-without-response": gatt.Characteristic.Properties.WRITE_WITHOUT_RESPONSE,
    "notify": gatt.Characteristic.Properties.NOTIFY,
    "indicate": gatt.Characteristic.Properties.INDICATE,
}
_MAY = gatt.Characteristic.Permissions
_OPEN = _MAY.READABLE | _MAY.WRITEABLE


@dataclass(frozen=True, slots=True)
class Bond:
    """Makes a simulated band refuse reads and writes without a bond.

    The band shows `passkey`, a number of at most six digits to be typed on the other side. None means Just Works.
    """

    passkey: int | None = None

    @property
    def permissions(self) -> gatt.Characteristic.Permissions:
        if self.passkey is None:
            return _MAY.READ_REQUIRES_ENCRYPTION | _MAY.WRITE_REQUIRES_ENCRYPTION
        return _MAY.READ_REQUIRES_AUTHENTICATION | _MAY.WRITE_REQUIRES_AUTHENTICATION


class _Wearer(PairingDelegate):
    """Pairs as the band's wearer would. The passkey is always the same, like the one in the settings of a Bangle.js."""

    def __init__(self, bond: Bond, show: Callable[[str], None]) -> None:
        super().__init__(
            self.NO_OUTPUT_NO_INPUT if bond.passkey is None else self.DISPLAY_OUTPUT_ONLY  # pyright: ignore[reportArgumentType]
        )
        self._passkey, self._show = bond.passkey, show

    async def generate_passkey(self) -> int:
        return self._passkey or 0

    async def display_number(self, number: int, digits: int) -> None:
        self._show(f"passkey {number:0{digits}}")


def advertising(advertisement: Advertisement) -> tuple[bytes, bytes]:
    """Return the bytes of an advertisement and of its scan response, arranged as most bands arrange them.

    The name goes into the scan response, cut to fit. Everything else goes into the advertisement, flags and services
    first; what does not fit there goes into the scan response. What fits into neither is left out.
    """
    advert, response = bytearray(), bytearray()
    if advertisement.name:
        name = advertisement.name.encode()
        kind = AD.COMPLETE_LOCAL_NAME if len(name) <= _MOST_BYTES - 2 else AD.SHORTENED_LOCAL_NAME
        whole_characters = name[: _MOST_BYTES - 2].decode(errors="ignore").encode()
        response += _structure(kind, whole_characters)
    for structure in _structures(advertisement):
        for part in (advert, response):
            if len(part) + len(structure) <= _MOST_BYTES:
                part.extend(structure)
                break
        else:
            log.debug("%d bytes do not fit the advertisement of %s", len(structure), advertisement.name)
    return bytes(advert), bytes(response)


def _structures(advertisement: Advertisement) -> list[bytes]:
    """Return the AD structures of an advertisement, except the one for its name."""
    short = sorted(uuid for uuid in advertisement.services if _is_short(uuid))
    found = [_structure(AD.FLAGS, b"\x06")]  # general discoverable, no BR/EDR
    if short:
        found.append(_structure(AD.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS, b"".join(map(_wire, short))))
    long = sorted(advertisement.services.difference(short))
    found += [_structure(AD.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS, _wire(uuid)) for uuid in long]
    for uuid, data in advertisement.service_data.items():
        kind = AD.SERVICE_DATA_16_BIT_UUID if _is_short(uuid) else AD.SERVICE_DATA_128_BIT_UUID
        found.append(_structure(kind, _wire(uuid) + data))
    for company, data in advertisement.manufacturer_data.items():
        found.append(_structure(AD.MANUFACTURER_SPECIFIC_DATA, company.to_bytes(2, "little") + data))
    return found


def _structure(kind: int, data: bytes) -> bytes:
    """Build an AD structure from its type and data: length, type, data (Core specification, volume 3, part C, 11)."""
    return bytes([len(data) + 1, kind]) + data


def _is_short(uuid: str) -> bool:
    return uuid.startswith("0000") and uuid.endswith(_BASE_UUID)


def _wire(uuid: str) -> bytes:
    """Encode a UUID as it is sent, least significant byte first, in 2 bytes if the SIG assigned it, else in 16."""
    whole = bytes.fromhex(uuid.replace("-", ""))
    return (whole[2:4] if _is_short(uuid) else whole)[::-1]


def _declared(uuid: str) -> core.UUID:
    """Return a UUID in the form in which a GATT table declares it: in 2 bytes if the SIG assigned it, else in 16.

    A client that looks for a service by its 2 bytes finds no other form of it.
    """
    return core.UUID.from_bytes(_wire(uuid))


@asynccontextmanager
async def on_the_air(
    band: SimulatedBand,
    source: TransportSource,
    sink: TransportSink,
    *,
    address: str,
    mtu: int,
    now: Callable[[], datetime],
    bond: Bond | None = None,
) -> AsyncGenerator[None, None]:
    """Advertise and serve a band until the end of the block.

    `source` and `sink` are the two directions of HCI to its controller. `mtu` is the largest MTU, in bytes, that it
    agrees to. The band takes the time from `now`. With a `bond`, the band refuses reads and writes until it is bonded.
    If the simulator raised an error, that error is raised at the end of the block.
    """
    peripheral = _Peripheral(band, source, sink, address=address, mtu=mtu, now=now, bond=bond)
    life: asyncio.Task[None] | None = None
    try:
        async with asyncio.timeout(RESET_S):
            await peripheral.device.power_on()
        life = asyncio.create_task(peripheral.live(), name=f"simulated band {address}")
        yield
    finally:
        if life is not None:
            peripheral.end()
            await asyncio.wait({life}, timeout=ABORT_S)
            while not life.done():  # Bumble uses `wait_for`, which loses a cancellation that comes with a reply
                life.cancel()
                await asyncio.wait({life}, timeout=RESET_S)
        await power_off(peripheral.device)
        if life is not None and not life.cancelled():
            life.result()  # raises a bug in the simulator


class _Peripheral:
    """Connects a simulator to Bumble's GATT server."""

    def __init__(
        self,
        band: SimulatedBand,
        source: TransportSource,
        sink: TransportSink,
        *,
        address: str,
        mtu: int,
        now: Callable[[], datetime],
        bond: Bond | None,
    ) -> None:
        self._band, self._now = band, now
        self._permissions = _OPEN if bond is None else _OPEN | bond.permissions
        table = band.services()
        configuration = DeviceConfiguration(
            name=band.advertisement().name or "band",
            address=hci.Address(address),
            gap_service_enabled=GENERIC_ACCESS not in {service.uuid for service in table},  # its own, and not twice
        )
        self.device = Device(config=configuration, host=Host(source, sink))
        self.device.gatt_server.max_mtu = mtu
        if bond is not None:
            wearer = _Wearer(bond, lambda text: band.shown.append(Shown(now(), text)))
            mitm = bond.passkey is not None

            def pairing_config(_: Connection) -> PairingConfig:
                return PairingConfig(mitm=mitm, delegate=wearer)

            self.device.pairing_config_factory = pairing_config
        self.device.on(Device.EVENT_CONNECTION, self._connected)
        self._attributes: dict[str, list[gatt.Characteristic[bytes]]] = {}
        self._connection: Connection | None = None
        self._gone = asyncio.Event()
        self._wake = asyncio.Event()
        """Set when `live` must run another step: the client connected, left or sent something, or `end` was called."""
        self._failure: Exception | None = None
        self._ending = False
        for service in table:
            attributes = [self._attribute(each, service.uuid) for each in service.characteristics]
            self.device.add_service(gatt.Service(_declared(service.uuid), attributes))

    def _attribute(self, characteristic: Characteristic, service: str) -> gatt.Characteristic[bytes]:
        uuid, properties = characteristic

        def read(_: Connection) -> bytes:
            if "read" not in properties:  # defect 13
                raise att.ATT_Error(att.ATT_READ_NOT_PERMITTED_ERROR)
            return self._result(lambda: self._band.read(uuid, service, self._now()))

        def write(_: Connection, data: bytes) -> None:
            if properties.isdisjoint({"write", "write-without-response"}):
                raise att.ATT_Error(att.ATT_WRITE_NOT_PERMITTED_ERROR)
            self._result(lambda: self._band.write(uuid, service, bytes(data), self._now()))

        def subscribed(_: att.Bearer, notify: bool, indicate: bool) -> None:
            self._result(lambda: self._band.on_subscribe(uuid, notify or indicate, self._now()))

        flags = gatt.Characteristic.Properties(0)
        for each in properties:
            flags |= _PROPERTIES[each]
        attribute = gatt.Characteristic[bytes](
            _declared(uuid),
            flags,
            self._permissions,
            gatt.CharacteristicValue(read=read, write=write),
        )
        attribute.on(gatt.Characteristic.EVENT_SUBSCRIPTION, subscribed)
        self._attributes.setdefault(uuid, []).append(attribute)
        return attribute

    def _result(self, operation: Callable[[], T]) -> T:
        """Call the simulator for the client and return the result. Raises `ATT_Error` if the simulator refuses.

        Any other exception is a bug in the simulator. It is recorded and ends `live`, and the client gets an
        `ATT_Error` too.
        """
        self._wake.set()
        try:
            return operation()
        except Refused as refused:
            raise att.ATT_Error(refused.code) from refused
        except Exception as error:  # a simulator is other people's code; without a reply the client would wait for 30 s
            self._failure = error
            raise att.ATT_Error(att.ATT_UNLIKELY_ERROR_ERROR) from error

    def _connected(self, connection: Connection) -> None:
        self._connection, self._gone = connection, asyncio.Event()
        self._band.mtu = att.ATT_DEFAULT_MTU
        self._band.connected(self._now())
        connection.on(Connection.EVENT_DISCONNECTION, self._disconnected)
        connection.on(Connection.EVENT_CONNECTION_ATT_MTU_UPDATE, self._mtu_agreed)
        self._wake.set()

    def _mtu_agreed(self) -> None:
        if self._connection is not None:
            self._band.mtu = self._connection.att_mtu

    def _disconnected(self, _reason: int) -> None:
        self._connection = None
        self._gone.set()
        self._band.disconnected(self._now())
        self._wake.set()

    def end(self) -> None:
        """Make `live` return after its current step."""
        self._ending = True
        self._wake.set()

    async def live(self) -> None:
        """Advertise while there is no connection, and send what the simulator returns, until `end` is called.

        Raises whatever the simulator raises.
        """
        advertised = False
        while not self._ending and self._failure is None:
            self._wake.clear()
            if self._connection is not None:
                advertised = False
            elif not advertised:
                advert, response = advertising(self._band.advertisement())
                await self.device.start_advertising(advertising_data=advert, scan_response_data=response)
                advertised = self._connection is None
            for event in self._band.advance(self._now()):
                await self._send(event)
            await self._sleep()
        if self._failure is not None:
            raise self._failure

    async def _sleep(self) -> None:
        """Wait until the client acts, until the simulator's `wake_at`, or for `LONGEST_SLEEP_S`."""
        wake = self._band.wake_at()
        left_s = None if wake is None else (wake - self._now()) / timedelta(seconds=1)
        seconds = None if left_s is None else min(max(left_s, SHORTEST_SLEEP_S), LONGEST_SLEEP_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    async def _send(self, event: Notification | HangUp) -> None:
        """Hang up, or send the client a notification or indication if it has subscribed to one."""
        connection = self._connection
        if connection is None:
            return
        if isinstance(event, HangUp):
            with contextlib.suppress(ValueError):  # nothing has been sent yet
                await connection.drain()
            await self._unless_gone(connection.disconnect(hci.HCI_REMOTE_USER_TERMINATED_CONNECTION_ERROR))
            return
        for attribute in self._attributes[event.characteristic]:
            subscription = self.device.gatt_server.read_cccd(connection, attribute)[0]  # pyright: ignore[reportUnknownMemberType]
            if subscription & 1:
                await self.device.notify_subscriber(connection, attribute, event.data)
            elif subscription & 2:
                await self._unless_gone(self.device.indicate_subscriber(connection, attribute, event.data))

    async def _unless_gone(self, operation: Coroutine[object, object, None]) -> None:
        """Wait for the end of an operation or of the connection, because Bumble would wait on for a peer that has left.

        An error of the operation is only logged.
        """
        work, gone = asyncio.ensure_future(operation), asyncio.ensure_future(self._gone.wait())
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            work.cancel()
            await asyncio.wait({work})
        if not work.cancelled() and (error := work.exception()) is not None:
            log.debug("the simulated band could not send: %s", error)

"""Asks BlueZ, Linux's Bluetooth service, for what Bleak does not pass on: adapters, bonds, the MTU, and BlueZ's end.

It asks over D-Bus. It knows neither bands nor drivers, and it neither scans nor connects, because Bleak does that. If
BlueZ does not run or does not reply, every answer is harmless: no bond, an unknown MTU. So callers need not know which
operating system they run on.

Source: BlueZ's doc/device-api.txt, doc/adapter-api.txt and doc/gatt-api.txt at 5.66.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from bleak import BleakClient

if TYPE_CHECKING:
    from dbus_fast import Message, Variant
    from dbus_fast.aio import MessageBus

log = logging.getLogger(__name__)

BLUEZ, DBUS = "org.bluez", "org.freedesktop.DBus"
DEVICE, ADAPTER = "org.bluez.Device1", "org.bluez.Adapter1"
REPLY_WITHIN_S = 5.0
"""Seconds to wait for a reply over D-Bus. BlueZ replies at once unless it hangs."""


class SystemAdapter(NamedTuple):
    """A Bluetooth adapter, as BlueZ has it now."""

    name: str
    """Its name, such as hci0, which may be another after a restart of BlueZ."""
    address: str
    usable: bool
    """Whether it is switched on and knows Low Energy."""


async def adapters() -> list[SystemAdapter]:
    """Return the adapters that BlueZ has now; none on other systems, and if BlueZ does not reply.

    Bleak has those that it was told of: after BlueZ was killed, it goes on with one that is gone.
    """
    found = [
        SystemAdapter(
            path.rpartition("/")[2],
            str(each["Address"].value) if "Address" in each else "",
            bool("Powered" in each and each["Powered"].value)
            and ("Roles" not in each or "central" in each["Roles"].value),
        )
        for path, interfaces in (await _objects()).items()
        if (each := interfaces.get(ADAPTER)) is not None
    ]
    return sorted(found, key=lambda adapter: (len(adapter.name), adapter.name))


async def connected() -> set[str]:
    """Return the D-Bus paths of the devices that BlueZ is connected to now."""
    return {
        path
        for path, interfaces in (await _objects()).items()
        if (device := interfaces.get(DEVICE)) and "Connected" in device and device["Connected"].value
    }


async def bonded_by(address: str) -> set[str]:
    """Return the names of the adapters that have a bond with this device: another adapter cannot use it."""
    return {path.split("/")[-2] for path, device in (await _devices(address)).items() if device.get("Paired")}


async def bonded(address: str) -> bool:
    """Whether BlueZ has a bond with this device. False on other systems, and if BlueZ does not reply."""
    return any(device.get("Paired") for device in (await _devices(address)).values())


async def identity(address: str) -> str:
    """Return the permanent address of a bonded device; for a device without a bond, return `address` itself.

    A device that changes its address reveals its permanent one when it bonds.
    """
    devices = (await _devices(address)).values()
    return next((str(device["Address"]) for device in devices if device.get("Paired")), address)


async def drop_bond(address: str) -> bool:
    """Make BlueZ forget a device and its keys. Returns whether BlueZ knew the device."""
    devices = await _devices(address)
    if devices and (bus := await system_bus()) is not None:
        try:
            for path, device in devices.items():
                await call(bus, device["Adapter"], ADAPTER, "RemoveDevice", "o", [path])
        finally:
            bus.disconnect()
    return bool(devices)


async def mtu(client: BleakClient) -> int | None:
    """Return the MTU of an open connection in bytes; None on other systems, with BlueZ before 5.62, or without a reply.

    Bleak itself gives the MTU that BlueZ had when this process first learned of the characteristic. For a band that
    BlueZ knew already, that was before the connection. So the MTU was 23, and BlueZ does not announce a change.
    """
    characteristics: list[Any] = [each.obj for each in client.services.characteristics.values()]
    if not characteristics or (bus := await system_bus()) is None:
        return None
    try:
        path = characteristics[0][0]
        wanted = ["org.bluez.GattCharacteristic1", "MTU"]
        reply = await call(bus, path, "org.freedesktop.DBus.Properties", "Get", "ss", wanted)
    finally:
        bus.disconnect()
    return int(reply[0].value) if reply else None


@asynccontextmanager
async def watching_for_its_end(ended: asyncio.Event) -> AsyncGenerator[None, None]:
    """Set `ended` if BlueZ's process ends during the block. Bleak does not notice this."""
    bus = await system_bus()
    if bus is None:
        yield
        return

    def on_message(message: Message) -> None:
        if message.member == "NameOwnerChanged" and message.body[:1] == [BLUEZ]:
            ended.set()

    try:
        bus.add_message_handler(on_message)
        rule = f"type='signal',sender='{DBUS}',member='NameOwnerChanged',arg0='{BLUEZ}'"
        await call(bus, "/org/freedesktop/DBus", DBUS, "AddMatch", "s", [rule])
        yield
    finally:
        bus.disconnect()


async def _devices(address: str) -> dict[str, dict[str, Any]]:
    """Return the properties of the device with this address, by D-Bus path. BlueZ has one such path for each adapter.

    A path contains the address that the device had when BlueZ first saw it, so a search for that address succeeds too.
    """
    found: dict[str, dict[str, Any]] = {}
    for path, interfaces in (await _objects()).items():
        device = {name: variant.value for name, variant in interfaces.get(DEVICE, {}).items()}
        if path.endswith(device_path_end(address)) or str(device.get("Address", "")).upper() == address.upper():
            found[path] = device
    return found


async def _objects() -> dict[str, dict[str, dict[str, Variant]]]:
    """Return all that BlueZ has, by D-Bus path and interface. Empty on other systems, and if BlueZ does not reply."""
    bus = await system_bus()
    if bus is None:
        return {}
    try:
        reply = await call(bus, "/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", "", [])
    finally:
        bus.disconnect()
    return reply[0] if reply else {}


def device_path_end(address: str) -> str:
    """Return the last part of the D-Bus path of a device that BlueZ first saw with this address, "/" included."""
    return "/dev_" + address.upper().replace(":", "_")


async def system_bus() -> MessageBus | None:
    """Connect to D-Bus's system bus; the caller must disconnect. Returns None if there is no bus to connect to."""
    if sys.platform != "linux":
        return None
    from dbus_fast import BusType
    from dbus_fast.aio import MessageBus
    from dbus_fast.errors import AuthError

    bus = MessageBus(bus_type=BusType.SYSTEM)
    try:
        return await bus.connect()
    except (OSError, EOFError, AuthError) as error:
        bus.disconnect()
        log.debug("no D-Bus: %s", error)
        return None


async def call(
    bus: MessageBus, path: str, interface: str, member: str, signature: str, body: list[Any]
) -> list[Any] | None:
    """Call a method of BlueZ, or of the bus itself, and return its values. None means an error or no reply."""
    from dbus_fast import Message, MessageType

    name = DBUS if interface == DBUS else BLUEZ
    try:
        async with asyncio.timeout(REPLY_WITHIN_S):
            reply = await bus.call(
                Message(name, path, interface, member, signature=signature, body=body)  # pyright: ignore[reportUnknownMemberType]
            )
    except (TimeoutError, OSError, EOFError) as error:
        log.debug("%s got no answer: %r", member, error)
        return None
    if reply.message_type is MessageType.ERROR:
        log.debug("%s failed: %s", member, reply.error_name)
        return None
    return list(reply.body)

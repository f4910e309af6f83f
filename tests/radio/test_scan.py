"""Bands that are connected already, as the system lists them; what advertises is tested with the simulation."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from dbus_fast import Message, Variant

from hipsync.radio.scan import SYSTEM_ADAPTER, find, scan
from support.plain_band import BATTERY_SERVICE, FIRST, SECOND
from support.played_bluez import Objects, bluez
from support.private_bus import needs_dbus, on_the_bus, private_bus

LIMIT = 30 * SECOND


def connected(address: str, name: str, services: Iterable[str], holds: bool = True) -> Objects:
    """A device as BlueZ lists it when it has found its services."""
    path = f"/org/bluez/hci0/dev_{address.replace(':', '_')}"
    return {
        path: {
            "org.bluez.Device1": {
                "Address": Variant("s", address),
                "AddressType": Variant("s", "random"),
                "Alias": Variant("s", name),
                "Adapter": Variant("o", "/org/bluez/hci0"),
                "Connected": Variant("b", holds),
                "Paired": Variant("b", False),
                "ServicesResolved": Variant("b", holds),
                "UUIDs": Variant("as", list(services)),
            }
        },
        f"{path}/service0001": {
            "org.bluez.GattService1": {
                "UUID": Variant("s", GENERIC_ATTRIBUTE),
                "Device": Variant("o", path),
                "Primary": Variant("b", True),
                "Handle": Variant("q", 1),
            }
        },
    }


GENERIC_ATTRIBUTE = "00001801-0000-1000-8000-00805f9b34fb"


@needs_dbus
async def test_a_band_that_is_connected_and_does_not_advertise_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    objects = {
        **bluez(),
        **connected(FIRST, "InfiniTime\x1b[2J", [GENERIC_ATTRIBUTE, BATTERY_SERVICE.upper()]),
        **connected("C0:00:00:00:00:02", "Gone", [GENERIC_ATTRIBUTE], holds=False),
    }

    def reply(message: Message) -> Message:
        if message.member == "GetManagedObjects":
            return Message.new_method_return(message, "a{oa{sa{sv}}}", [objects])
        return Message.new_method_return(message)

    with private_bus(tmp_path) as address:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
        async with on_the_bus(address, "org.bluez", reply):
            (seen,) = await scan(SYSTEM_ADAPTER, 0.1)
            found = await find(SYSTEM_ADAPTER, FIRST.lower(), LIMIT)
            assert await find(SYSTEM_ADAPTER, "C0:00:00:00:00:02", SECOND) is None
    for each in (seen, found):
        assert each is not None
        assert (each.address, each.rssi_dbm) == (FIRST, None)
        assert each.advertisement.name == "InfiniTime[2J"
        assert each.advertisement.services == {GENERIC_ATTRIBUTE, BATTERY_SERVICE}

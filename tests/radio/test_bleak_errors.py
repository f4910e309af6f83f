"""Errors of Bleak, of D-Bus and of the system, each one clear line with what to do. No hardware, and no BlueZ."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest
from bleak.backends.scanner import AdvertisementDataCallback, BaseBleakScanner
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakError,
)
from dbus_fast import Message
from dbus_fast.errors import AuthError

from hipsync.errors import BluetoothUnavailable, DeviceError, LinkLost, NotAuthorised, NotBonded
from hipsync.radio.bleak_errors import request_error
from hipsync.radio.connect import connect
from hipsync.radio.scan import SYSTEM_ADAPTER, Adapter, scan, why_unavailable
from support.plain_band import FIRST, SECOND
from support.played_bluez import Objects, bluez
from support.private_bus import needs_dbus, on_the_bus, private_bus

LIMIT = 30 * SECOND


async def complaint(
    address: str,
    monkeypatch: pytest.MonkeyPatch,
    objects: Objects | None = None,
    errors: dict[str, str] | None = None,
    adapter: Adapter = SYSTEM_ADAPTER,
) -> str | None:
    """What is wrong with a system whose BlueZ answers so; None of it runs if there are no objects."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
    if objects is None:
        return await why_unavailable(adapter)

    def reply(message: Message) -> Message | bool | None:
        if message.member in (errors or {}):
            return Message.new_error(message, (errors or {})[message.member or ""], "Operation failed")
        if message.member == "GetManagedObjects":
            return Message.new_method_return(message, "a{oa{sa{sv}}}", [objects])
        return Message.new_method_return(message)

    async with on_the_bus(address, "org.bluez", reply):
        return await why_unavailable(adapter)


async def test_without_a_system_bus_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told = await complaint(f"unix:path={tmp_path / 'nothing'}", monkeypatch)
    assert told == (
        "no Bluetooth: there is no D-Bus system bus here. `sudo systemctl start bluetooth`; a container needs the "
        "host's /run/dbus/system_bus_socket"
    )
    with pytest.raises(BluetoothUnavailable, match="no D-Bus system bus"):
        await scan(SYSTEM_ADAPTER, 1)
    with pytest.raises(BluetoothUnavailable, match="no D-Bus system bus"):
        async with connect(SYSTEM_ADAPTER, FIRST, LIMIT):
            pytest.fail("connected")


@needs_dbus
async def test_without_bluez_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with private_bus(tmp_path) as address:
        told = await complaint(address, monkeypatch)
    assert told == "no Bluetooth: BlueZ does not run; install it, then `sudo systemctl enable --now bluetooth`"


@needs_dbus
async def test_a_policy_that_forbids_bluez_is_told_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with private_bus(tmp_path, '<deny send_destination="org.bluez"/>') as address:
        told = await complaint(address, monkeypatch, bluez())
    assert told is not None
    assert told.startswith("this user may not use Bluetooth: join the group `bluetooth`")


@needs_dbus
@pytest.mark.parametrize(
    ("objects", "errors", "expected"),
    [
        (bluez(), {}, None),
        (bluez(adapters=()), {}, "no Bluetooth adapter: plug one in; `hipsync doctor` tells more"),
        (bluez(powered=False), {}, "Bluetooth is switched off: switch it on (on Linux: `rfkill unblock bluetooth`"),
        (bluez(roles=()), {}, "this Bluetooth adapter is too old: it must know Low Energy"),
        (
            bluez(),
            {"StartDiscovery": "org.bluez.Error.InProgress"},
            "the Bluetooth adapter is busy for another program: try again in a moment",
        ),
        (bluez(), {"StartDiscovery": "org.bluez.Error.NotReady"}, "Bluetooth is switched off"),
        (bluez(), {"SetDiscoveryFilter": "org.bluez.Error.NotAuthorized"}, "Bluetooth failed: "),
        (
            bluez(),
            {"GetManagedObjects": "org.freedesktop.DBus.Error.Spawn.ChildExited"},
            "no Bluetooth: BlueZ does not run",
        ),
        (
            bluez(),
            {"GetManagedObjects": "org.freedesktop.DBus.Error.NoReply"},
            "the Bluetooth service does not answer: restart it",
        ),
    ],
)
async def test_what_bluez_answers_becomes_one_line_with_what_to_do(
    objects: Objects,
    errors: dict[str, str],
    expected: str | None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    with private_bus(tmp_path) as address:
        told = await complaint(address, monkeypatch, objects, errors)
    if expected is None:
        assert told is None
    else:
        assert told is not None
        assert told.startswith(expected)
        assert "\n" not in told


@needs_dbus
async def test_an_adapter_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with private_bus(tmp_path) as address:
        told = await complaint(address, monkeypatch, bluez(), adapter=Adapter(None, None, "hci7"))
    assert told is not None
    assert told == "there is no Bluetooth adapter hci7: there is hci0 (00:00:00:00:00:01) (radio.adapter)"


@needs_dbus
async def test_a_bluez_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("hipsync.radio.scan.START_S", 0.2)
    with private_bus(tmp_path) as address:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
        async with on_the_bus(address, "org.bluez", lambda _: True):
            told = await why_unavailable(SYSTEM_ADAPTER)
    assert told == "the Bluetooth service does not answer: restart it (on Linux: `sudo systemctl restart bluetooth`)"


class Silent(BaseBleakScanner):
    """A scanner whose start fails as the test says."""

    fails: ClassVar[BaseException]

    def __init__(self, callback: AdvertisementDataCallback, uuids: list[str] | None, mode: str, **_: object) -> None:
        super().__init__(callback, uuids)

    async def start(self) -> None:
        raise self.fails

    async def stop(self) -> None:
        pytest.fail("it had not started")


def scanner_that(fails: BaseException) -> Adapter:
    made = type("Made", (Silent,), {"fails": fails})
    return Adapter(made, None)


NotAvailable = BleakBluetoothNotAvailableError
Why = BleakBluetoothNotAvailableReason


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (NotAvailable("x", Why.DENIED_BY_USER), "allow it in the system's privacy settings"),
        (NotAvailable("x", Why.DENIED_BY_UNKNOWN), "allow it in the system's privacy settings"),
        (NotAvailable("x", Why.DENIED_BY_SYSTEM), "ask who administers it"),
        (NotAvailable("\x1b[31mthe radio\nis odd", Why.UNKNOWN), "no Bluetooth: [31mthe radiois odd"),
        (BleakDBusError("org.freedesktop.DBus.Error.TimedOut", []), "does not answer: restart it"),
        (BleakDBusError("org.freedesktop.DBus.Error.NameHasNoOwner", ["gone"]), "BlueZ does not run"),
        (AuthError("authentication failed"), "authentication failed; is the system's Bluetooth service running?"),
        (PermissionError(13, "Permission denied"), "join the group `bluetooth`"),
        (ConnectionRefusedError(111, "refused"), "there is no D-Bus system bus"),
        (EOFError(), "no Bluetooth: EOFError; is the system's Bluetooth service running?"),
        (BleakError("something new"), "Bluetooth failed: something new; try again"),
        (TimeoutError(), "the Bluetooth service does not answer"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
async def test_what_another_system_says_becomes_one_line(error: Exception, expected: str) -> None:
    with pytest.raises(BluetoothUnavailable) as caught:
        await scan(scanner_that(error), 1)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is error


async def test_a_bug_is_not_taken_for_a_missing_radio() -> None:
    with pytest.raises(ZeroDivisionError):
        await scan(scanner_that(ZeroDivisionError()), 1)


class OfProxy(Exception):  # as aioesphomeapi's
    """What a proxy told of a failed request."""

    def __init__(self, code: int) -> None:
        super().__init__(f"Bluetooth GATT Error error={code}")
        self.error = SimpleNamespace(error=code)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (0x05, NotBonded),
        (0x0C, NotBonded),
        (0x0F, NotBonded),
        (0x89, NotBonded),
        (0x8E, NotBonded),
        (0x08, NotAuthorised),
        (0x0E, DeviceError),
        (0x85, DeviceError),
        (-1, DeviceError),
    ],
)
def test_the_number_that_a_proxy_tells_decides_what_is_said(code: int, kind: type[DeviceError]) -> None:
    error = BleakError("Bluetooth GATT Error")
    error.__cause__ = OfProxy(code)
    found = request_error(error, "a read", FIRST, connected=True)
    assert type(found) is kind
    assert (f'bands = ["{FIRST}"]' in str(found)) == (kind is NotBonded)
    assert type(request_error(error, "a read", FIRST, connected=False)) is (kind if code > 0 else LinkLost)

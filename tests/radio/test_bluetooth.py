"""Errors of Bleak, of D-Bus and of the system, each one clear line with what to do. No hardware, and no BlueZ."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import pytest
from bleak.backends.client import BaseBleakClient
from bleak.backends.scanner import AdvertisementDataCallback, BaseBleakScanner
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakError,
)
from dbus_fast import Message, Variant
from dbus_fast.errors import AuthError

from hipsync.errors import BluetoothUnavailable, LinkLost, NoReply
from hipsync.host.clock import FastClock
from hipsync.radio.connect import HANG_UP_S, connect
from hipsync.radio.scan import SYSTEM_ADAPTER, Adapter, find, scan, why_unavailable
from hipsync.radio.simulation import SimulatedRadio
from support.plain_band import (
    BATTERY,
    BATTERY_SERVICE,
    FIRST,
    SECOND,
    SECOND_BAND,
    PlainBand,
    on_the_air,
    without_traces,
)
from support.private_bus import needs_dbus, on_the_bus, private_bus

LIMIT = 30 * SECOND
Objects = dict[str, dict[str, dict[str, Variant]]]


def bluez(powered: bool = True, adapters: Iterable[str] = ("hci0",), roles: Iterable[str] = ("central",)) -> Objects:
    """What BlueZ lists."""
    return {
        f"/org/bluez/{name}": {
            "org.bluez.Adapter1": {
                "Address": Variant("s", "00:00:00:00:00:01"),
                "Powered": Variant("b", powered),
                "Discovering": Variant("b", False),
                "Roles": Variant("as", list(roles)),
            }
        }
        for name in adapters
    }


async def complaint(
    address: str,
    monkeypatch: pytest.MonkeyPatch,
    objects: Objects | None = None,
    errors: dict[str, str] | None = None,
    radio: Adapter = SYSTEM_ADAPTER,
) -> str | None:
    """What is wrong with a system whose BlueZ answers so; None of it runs if there are no objects."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
    if objects is None:
        return await why_unavailable(radio)

    def reply(message: Message) -> Message | bool | None:
        if message.member in (errors or {}):
            return Message.new_error(message, (errors or {})[message.member or ""], "Operation failed")
        if message.member == "GetManagedObjects":
            return Message.new_method_return(message, "a{oa{sa{sv}}}", [objects])
        return Message.new_method_return(message)

    async with on_the_bus(address, "org.bluez", reply):
        return await why_unavailable(radio)


async def test_without_a_system_bus_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told = await complaint(f"unix:path={tmp_path / 'nothing'}", monkeypatch)
    assert told == (
        "no Bluetooth: there is no D-Bus system bus here; start dbus and bluetooth, or in a container pass in the "
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
    assert told == "no Bluetooth: BlueZ does not run; install it, then `systemctl enable --now bluetooth`"


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


@needs_dbus
async def test_an_adapter_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with private_bus(tmp_path) as address:
        told = await complaint(address, monkeypatch, bluez(), radio=Adapter(None, None, "hci7"))
    assert told is not None
    assert "adapter 'hci7' not found" in told


@needs_dbus
async def test_a_bluez_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("hipsync.radio.scan.START_S", 0.2)
    with private_bus(tmp_path) as address:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
        async with on_the_bus(address, "org.bluez", lambda _: True):
            told = await why_unavailable(SYSTEM_ADAPTER)
    assert told == "the Bluetooth service does not answer: restart it (on Linux: `systemctl restart bluetooth`)"


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


def counting(simulated: SimulatedRadio) -> tuple[Adapter, list[str]]:
    """The same radio, and what was called on its clients, in order."""
    called: list[str] = []
    doors = simulated.adapter
    assert doors.client is not None

    async def disconnect(client: BaseBleakClient) -> None:
        called.append("disconnect")
        assert doors.client is not None
        await doors.client.disconnect(client)

    return Adapter(doors.scanner, type("Counting", (doors.client,), {"disconnect": disconnect})), called


@pytest.mark.parametrize("how", ["orderly", "the band hung up", "the caller failed", "cancelled"])
def test_a_connection_is_always_closed(how: str) -> None:
    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        radio, called = counting(simulated)

        async def visit() -> None:
            async with connect(radio, FIRST, LIMIT) as connection:
                assert called == []
                if how == "the band hung up":
                    simulated.reception().drop()
                    await connection.lost.wait()
                if how == "the caller failed":
                    raise ZeroDivisionError
                if how == "cancelled":
                    await asyncio.sleep(3600)

        task = asyncio.ensure_future(visit())
        await asyncio.wait({task}, timeout=60)
        task.cancel()
        (ended,) = await asyncio.gather(task, return_exceptions=True)
        expected = {"the caller failed": ZeroDivisionError, "cancelled": asyncio.CancelledError}
        assert type(ended) is expected.get(how, type(None))
        assert called == ["disconnect"]

    on_the_air(story, PlainBand())


def test_a_connection_that_fails_halfway_is_closed_too() -> None:
    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        radio, called = counting(simulated)
        simulated.reception().bytes_per_s = 5.0  # no discovery ends at this pace
        started = clock.now()
        with pytest.raises(NoReply):
            async with connect(radio, FIRST, LIMIT):
                pytest.fail("connected")
        assert LIMIT <= clock.now() - started <= LIMIT + 5 * SECOND
        assert "disconnect" in called

    on_the_air(story, PlainBand())


def test_a_service_that_does_not_hang_up_is_not_waited_for_for_ever() -> None:
    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        doors = simulated.adapter
        assert doors.client is not None

        async def disconnect(_: BaseBleakClient) -> None:
            await asyncio.sleep(3600)

        radio = Adapter(doors.scanner, type("Deaf", (doors.client,), {"disconnect": disconnect}))
        async with connect(radio, FIRST, LIMIT) as connection:
            assert await connection.read(BATTERY) == b"\x55"
            ended = clock.now()
        assert clock.now() - ended == timedelta(seconds=HANG_UP_S)
        assert connection.lost.is_set()

    on_the_air(story, PlainBand())


def test_a_silent_address_tells_of_another_that_has_the_name() -> None:
    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        simulated.reception(0).leave()
        for name, told in (
            ("Plain", f". {SECOND_BAND} shows itself as 'Plain'"),
            ("Other", "connected to it"),
            ("", "it"),
        ):
            with pytest.raises(NoReply) as caught:
                async with connect(simulated.adapter, FIRST, LIMIT, name):
                    pytest.fail("connected")
            assert (SECOND_BAND in str(caught.value)) == (name == "Plain")
            assert told in str(caught.value)

    on_the_air(story, PlainBand(), PlainBand())


def test_after_the_block_the_connection_is_lost_for_whoever_kept_it() -> None:
    async def story(simulated: SimulatedRadio, clock: FastClock) -> None:
        async with connect(simulated.adapter, FIRST, LIMIT) as connection:
            pass
        assert connection.lost.is_set()
        with pytest.raises(LinkLost):
            await connection.read(BATTERY)

    on_the_air(story, PlainBand())


def test_without_traces_notices_a_task_that_is_left() -> None:
    async def story(clock: FastClock) -> None:
        story.left = asyncio.ensure_future(asyncio.sleep(3600))  # type: ignore[attr-defined]

    with pytest.raises(AssertionError, match="Task"):
        without_traces(story)

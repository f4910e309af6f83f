"""Adapters as BlueZ has them now: one that came back under another name, a second one, one that was chosen.

BlueZ is played on a private bus, by what the real one does: see tests/bluez for that one.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from dbus_fast import Message, Variant
from dbus_fast.aio import MessageBus

from hipsync.errors import BluetoothUnavailable, DeviceError
from hipsync.radio.connect import connect
from hipsync.radio.scan import SYSTEM_ADAPTER, Adapter, find, scan, system_adapter, why_unavailable
from support.plain_band import FIRST
from support.private_bus import needs_dbus, on_the_bus, private_bus

pytestmark = needs_dbus

SHORT = 0.2
LIMIT = timedelta(seconds=10)
NOBODY = timedelta(seconds=0.3)
OBJECTS = "org.freedesktop.DBus.ObjectManager"
Interfaces = dict[str, dict[str, Variant]]


@dataclass
class Daemon:
    """A BlueZ with adapters of which each hears some devices: their addresses, with the strength of the signal."""

    adapters: dict[str, dict[str, int]]
    off: frozenset[str] = frozenset()
    broken: frozenset[str] = frozenset()
    bonds: dict[str, str] = field(default_factory=dict[str, str])
    """The adapter that has a bond with an address."""
    links: dict[str, str] = field(default_factory=dict[str, str])
    """The adapter that is connected to an address."""
    bus: MessageBus | None = None
    scanned: list[str] = field(default_factory=list[str])
    """The adapters on which a scan began."""
    called: list[str] = field(default_factory=list[str])
    """The paths of devices that were to be connected to."""

    def device(self, adapter: str, address: str, rssi: int | None) -> tuple[str, Interfaces]:
        holds = self.links.get(address) == adapter
        made = {
            "Address": Variant("s", address),
            "AddressType": Variant("s", "random"),
            "Alias": Variant("s", "Band"),
            "Name": Variant("s", "Band"),
            "Adapter": Variant("o", f"/org/bluez/{adapter}"),
            "Paired": Variant("b", self.bonds.get(address) == adapter),
            "Connected": Variant("b", holds),
            "ServicesResolved": Variant("b", holds),
            "UUIDs": Variant("as", ["00001801-0000-1000-8000-00805f9b34fb"] if holds else []),
        }
        heard = {} if rssi is None else {"RSSI": Variant("n", rssi)}
        return f"/org/bluez/{adapter}/dev_{address.replace(':', '_')}", {"org.bluez.Device1": {**made, **heard}}

    def adapter(self, name: str) -> Interfaces:
        return {
            "org.bluez.Adapter1": {
                "Address": Variant("s", f"00:00:00:00:00:0{name[-1]}"),
                "Powered": Variant("b", name not in self.off),
                "Discovering": Variant("b", False),
                "Roles": Variant("as", ["central"]),
            }
        }

    def objects(self) -> dict[str, Interfaces]:
        found = {f"/org/bluez/{name}": self.adapter(name) for name in self.adapters}
        for address, adapter in {**self.bonds, **self.links}.items():
            path, interfaces = self.device(adapter, address, None)
            found[path] = interfaces
            if address in self.links:
                service = {"UUID": Variant("s", "00001801-0000-1000-8000-00805f9b34fb"), "Device": Variant("o", path)}
                more = {"Primary": Variant("b", True), "Handle": Variant("q", 1)}
                found[f"{path}/service0001"] = {"org.bluez.GattService1": {**service, **more}}
        return found

    def reply(self, message: Message) -> Message:
        name = (message.path or "").rpartition("/")[2]
        if message.member == "GetManagedObjects":
            return Message.new_method_return(message, "a{oa{sa{sv}}}", [self.objects()])
        if message.member == "Connect":
            self.called.append(message.path or "")
            return Message.new_error(message, "org.bluez.Error.Failed", "le-connection-abort-by-local")
        if message.path != "/" and name not in self.adapters:
            return Message.new_error(message, "org.freedesktop.DBus.Error.UnknownObject", "it is gone")
        if message.member == "StartDiscovery":
            if name in self.off or name in self.broken:
                return Message.new_error(message, "org.bluez.Error.NotReady", "Resource Not Ready")
            self.scanned.append(name)
            for address, rssi in self.adapters[name].items():
                self.added(*self.device(name, address, rssi))
        return Message.new_method_return(message)

    def added(self, path: str, interfaces: Interfaces) -> None:
        assert self.bus is not None
        self.bus.send(  # pyright: ignore[reportUnknownMemberType]
            Message.new_signal("/", OBJECTS, "InterfacesAdded", "oa{sa{sv}}", [path, interfaces])
        )


@dataclass
class Machine:
    """A computer whose BlueZ can be killed and started again."""

    address: str
    stack: AsyncExitStack

    async def runs(self, daemon: Daemon) -> Daemon:
        """Start BlueZ, which tells of its adapters as the real one does."""
        daemon.bus = await self.stack.enter_async_context(on_the_bus(self.address, "org.bluez", daemon.reply))
        for name in daemon.adapters:
            daemon.added(f"/org/bluez/{name}", daemon.adapter(name))
        return daemon

    async def killed(self) -> None:
        """Let BlueZ vanish without a word of its objects, as SIGKILL does."""
        await self.stack.aclose()


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterable[str]:
    with private_bus(tmp_path) as made:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", made)
        yield made


async def by(adapter: Adapter, timeout: timedelta = LIMIT) -> str | None:
    """Return the adapter that finds the band, or None."""
    found = await find(adapter, FIRST, timeout)
    return None if found is None else str(found.bleak_device.details["path"]).split("/")[3]


async def test_an_adapter_that_comes_back_under_another_number_is_found_anew(address: str) -> None:
    """Bleak has all those numbers by then, and takes any of them for the default one."""
    async with AsyncExitStack() as stack:
        machine = Machine(address, stack)
        for number in range(5):
            name = f"hci{number}"
            daemon = await machine.runs(Daemon({name: {FIRST: -60}}))
            assert await by(SYSTEM_ADAPTER) == name
            assert [each.address for each in await scan(SYSTEM_ADAPTER, SHORT)] == [FIRST]
            assert await why_unavailable(SYSTEM_ADAPTER) is None
            assert set(daemon.scanned) == {name}
            await machine.killed()
            with pytest.raises(BluetoothUnavailable):
                await scan(SYSTEM_ADAPTER, SHORT)


async def test_a_band_that_was_connected_when_bluez_was_killed_is_contacted_where_it_is_now(address: str) -> None:
    async with AsyncExitStack() as stack:
        machine = Machine(address, stack)
        await machine.runs(Daemon({"hci0": {}}, links={FIRST: "hci0"}))
        assert await by(SYSTEM_ADAPTER) == "hci0"
        await machine.killed()
        daemon = await machine.runs(Daemon({"hci1": {FIRST: -60}}))
        with pytest.raises(DeviceError):
            async with connect(SYSTEM_ADAPTER, FIRST, timedelta(seconds=1)):
                pytest.fail("nothing answers there")
        assert {path.split("/")[3] for path in daemon.called} == {"hci1"}


async def test_a_connection_of_a_bluez_that_was_killed_is_none(address: str) -> None:
    async with AsyncExitStack() as stack:
        machine = Machine(address, stack)
        await machine.runs(Daemon({"hci0": {}}, links={FIRST: "hci0"}))
        assert await by(SYSTEM_ADAPTER) == "hci0"
        await machine.killed()
        await machine.runs(Daemon({"hci1": {}}))
        assert await by(SYSTEM_ADAPTER, NOBODY) is None
        await machine.killed()
        await machine.runs(Daemon({"hci0": {}}))
        assert await by(SYSTEM_ADAPTER, NOBODY) is None, "under its old number too"


@pytest.mark.parametrize("near", ["hci0", "hci1"])
async def test_a_band_in_reach_of_one_adapter_alone_is_found_and_contacted_by_that(address: str, near: str) -> None:
    async with AsyncExitStack() as stack:
        daemon = await Machine(address, stack).runs(Daemon({"hci0": {}, "hci1": {}, near: {FIRST: -60}}))
        assert await by(SYSTEM_ADAPTER) == near
        assert sorted(daemon.scanned) == ["hci0", "hci1"]


async def test_of_two_adapters_that_hear_a_band_the_nearer_is_listed(address: str) -> None:
    async with AsyncExitStack() as stack:
        await Machine(address, stack).runs(Daemon({"hci0": {FIRST: -40}, "hci1": {FIRST: -80}}))
        (seen,) = await scan(SYSTEM_ADAPTER, SHORT)
        assert (seen.rssi_dbm, seen.bleak_device.details["path"].split("/")[3]) == (-40, "hci0")


@pytest.mark.parametrize("kind", ["off", "broken"])
async def test_an_adapter_that_cannot_scan_is_left_out(address: str, kind: str) -> None:
    async with AsyncExitStack() as stack:
        daemon = Daemon({"hci0": {FIRST: -60}, "hci1": {FIRST: -60}}, **{kind: frozenset({"hci0"})})  # type: ignore[arg-type]  # one of two fields
        await Machine(address, stack).runs(daemon)
        assert await by(SYSTEM_ADAPTER) == "hci1"


async def test_a_bonded_band_is_contacted_by_the_adapter_that_has_the_bond(address: str) -> None:
    async with AsyncExitStack() as stack:
        daemon = Daemon({"hci0": {FIRST: -40}, "hci1": {FIRST: -80}}, bonds={FIRST: "hci1"})
        await Machine(address, stack).runs(daemon)
        assert await by(SYSTEM_ADAPTER) == "hci1"
        assert daemon.scanned == ["hci1"]


@pytest.mark.parametrize(("name", "used"), [("hci1", "hci1"), ("00:00:00:00:00:01", "hci1"), ("hci0", "hci0")])
async def test_an_adapter_that_was_chosen_is_the_only_one(address: str, name: str, used: str) -> None:
    async with AsyncExitStack() as stack:
        daemon = await Machine(address, stack).runs(Daemon({"hci0": {FIRST: -60}, "hci1": {FIRST: -60}}))
        assert await by(system_adapter(name)) == used
        assert daemon.scanned == [used]


async def test_an_adapter_that_was_chosen_by_its_address_is_found_under_any_number(address: str) -> None:
    async with AsyncExitStack() as stack:
        daemon = Daemon({"hci2": {FIRST: -60}, "hci5": {}})
        await Machine(address, stack).runs(daemon)
        assert await by(system_adapter("00:00:00:00:00:02")) == "hci2"
        with pytest.raises(BluetoothUnavailable, match=r"^there is no Bluetooth adapter hci0: there is hci2 \(00:"):
            await scan(system_adapter("hci0"), SHORT)


async def test_an_adapter_that_was_chosen_and_is_off_is_said_to_be(address: str) -> None:
    async with AsyncExitStack() as stack:
        await Machine(address, stack).runs(Daemon({"hci0": {}, "hci1": {}}, off=frozenset({"hci1"})))
        assert await why_unavailable(SYSTEM_ADAPTER) is None
        told = await why_unavailable(system_adapter("hci1"))
        assert told is not None
        assert told.startswith("Bluetooth is switched off")

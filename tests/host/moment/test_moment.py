"""Do-not-disturb by played notice servers, a full screen on a real X server, and all of it in one answer."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Generator
from pathlib import Path

import pytest
from dbus_fast import Message, Variant

from hipsync.host.moment.moment import Moment, moment
from hipsync.host.moment.notices import NAME, held_back
from hipsync.host.presence.bus import Bus
from hipsync.host.presence.computer import Computer
from hipsync.host.presence.x11 import X11
from support.display import display, needs_x11
from support.private_bus import Reply, needs_dbus, on_the_bus, private_bus
from support.stored import NOW


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[str]:
    with private_bus(tmp_path) as address:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        yield address


def notices(name: str, **switches: object) -> Reply:
    """A notice server of this name; `Inhibited` and `paused` are its switches, as far as it has them."""

    def reply(message: Message) -> Message | None:
        if message.member == "GetServerInformation":
            return Message.new_method_return(message, "ssss", [name, "somebody", "1", "1.2"])
        interface, switch = message.body if message.member == "Get" else ("", "")
        if interface == {"Inhibited": NAME, "paused": "org.dunstproject.cmd0"}.get(switch) and switch in switches:
            value = switches[switch]
            return Message.new_method_return(message, "v", [Variant("b" if isinstance(value, bool) else "s", value)])
        return None

    return reply


@needs_dbus
@pytest.mark.parametrize(
    ("server", "found"),
    [
        (notices("Plasma", Inhibited=True), True),
        (notices("Plasma", Inhibited=False), False),
        (notices("dunst", paused=True), True),
        (notices("dunst", paused=False), False),
        (notices("dunst", paused="yes"), None),
        (notices("Notification Daemon"), None),
    ],
)
async def test_a_notice_server_says_whether_it_holds_notices_back(bus: str, server: Reply, found: bool | None) -> None:
    session = Bus(system=False)
    async with on_the_bus(bus, NAME, server):
        assert await held_back(session, {}) is found
    assert await held_back(session, {}) is None, "there is none any more"
    session.close()


@needs_dbus
@pytest.mark.parametrize(("said", "found"), [("true", False), ("false", True), ("", None), ("No such schema", None)])
async def test_gnome_says_it_in_its_settings(bus: str, said: str, found: bool | None, tmp_path: Path) -> None:
    wanted = "get org.gnome.desktop.notifications show-banners"
    (tmp_path / "gsettings").write_text(f'#!/bin/sh\n[ "$*" = "{wanted}" ] && echo "{said}"\n')
    (tmp_path / "gsettings").chmod(0o755)
    session, environment = Bus(system=False), {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    async with on_the_bus(bus, NAME, notices("gnome-shell", Inhibited=found is None)):
        assert await held_back(session, environment) is found
    session.close()


@needs_dbus
@needs_x11
async def test_a_window_that_fills_the_screen_on_a_real_x_server(bus: str) -> None:
    with display() as made:
        screen, window = X11(made.name, {}), Painter(made.name)
        assert await screen.full_screen() is None, "no window manager says which window is active"
        await window.open()
        await window.put(window.root, "_NET_ACTIVE_WINDOW", "WINDOW", window.window)
        assert await screen.full_screen() is False
        full = await window.number("_NET_WM_STATE_FULLSCREEN")
        above = await window.number("_NET_WM_STATE_ABOVE")
        for states, found in (((above,), False), ((above, full), True), ((full,), True), ((), False)):
            await window.put(window.window, "_NET_WM_STATE", "ATOM", *states)
            assert await screen.full_screen() is found, states
        await window.put(window.window, "_NET_WM_STATE", "ATOM", full)
        for wayland, known in (({}, True), ({"WAYLAND_DISPLAY": "w"}, None)):
            environment: dict[str, str] = {"DISPLAY": made.name, **wayland}
            computer = Computer(lambda: NOW, environment=environment, platform="linux")
            async with on_the_bus(bus, NAME, notices("Plasma", Inhibited=False)):
                now = await moment(computer)
            assert now == Moment(call=None, full_screen=known, do_not_disturb=False)
            assert now.busy is (known is True)
            computer.close()
        await window.put(window.root, "_NET_ACTIVE_WINDOW", "WINDOW", 0)
        assert await screen.full_screen() is False, "no window is active"
        await window.put(window.root, "_NET_ACTIVE_WINDOW", "WINDOW", 0x7F7F7F7F)
        assert await screen.full_screen() is None, "a window that is gone"
        screen.close()
        window.close()
        await asyncio.sleep(0.05)


def test_what_is_not_known_keeps_nothing_back() -> None:
    assert not Moment().busy
    assert not Moment(False, None, False).busy
    assert Moment(None, None, True).busy
    assert Moment(True, False, None).busy


class Painter(X11):
    """An X client that makes a window and writes properties, for what a window manager would do."""

    root = window = 0

    async def open(self) -> None:
        assert await self.look() is not None
        assert self._streams is not None
        reader, writer = self._streams
        writer.close()
        self._streams = reader, writer = await asyncio.open_unix_connection(f"/tmp/.X11-unix/X{self.display[1:]}")  # noqa: S108
        writer.write(struct.pack("<BxHHHHxx", ord("l"), 11, 0, 0, 0))
        head = await reader.readexactly(8)
        setup = await reader.readexactly(struct.unpack_from("<H", head, 6)[0] * 4)
        self.root, self.window = self._root, struct.unpack_from("<I", setup, 4)[0] | 1
        writer.write(struct.pack("<BBHIIhhHHHHII", 1, 0, 8, self.window, self.root, 0, 0, 10, 10, 0, 1, 0, 0))

    async def number(self, name: str) -> int:
        word = name.encode() + bytes(-len(name) % 4)
        reply = await self._reply(struct.pack("<BBHHxx", 16, 0, 0, len(name)) + word)
        return int(struct.unpack_from("<I", reply, 8)[0])

    async def put(self, window: int, name: str, kind: str, *values: int) -> None:
        head = window, await self.number(name), await self.number(kind)
        assert self._streams is not None
        data = struct.pack(f"<{len(values)}I", *values)
        request = struct.pack("<BBHIIIBxxxI", 18, 0, 6 + len(values), *head, 32, len(values))
        self._streams[1].write(request + data)
        await self.number(name)  # an answer comes after all that was asked before

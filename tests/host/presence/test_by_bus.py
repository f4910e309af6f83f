"""logind, Mutter and the screen saver, played on a real bus by what their documents say."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from dbus_fast import Message, Variant

from hipsync.host.presence.bus import Bus
from hipsync.host.presence.computer import Computer
from hipsync.host.presence.logind import Logind
from hipsync.host.presence.mutter import Mutter
from hipsync.host.presence.screensaver import ScreenSaver
from hipsync.host.presence.seen import UNKNOWN, Seen
from support.private_bus import Reply, needs_dbus, on_the_bus, private_bus
from support.stored import NOW

pytestmark = needs_dbus
LOGIN, MUTTER, SAVER = "org.freedesktop.login1", "org.gnome.Mutter.IdleMonitor", "org.freedesktop.ScreenSaver"
MINE = os.getuid()
SESSION = {
    "Active": Variant("b", True), "Remote": Variant("b", False), "Class": Variant("s", "user"),
    "Type": Variant("s", "wayland"), "Display": Variant("s", ""), "LockedHint": Variant("b", False),
    "IdleHint": Variant("b", False),
}  # fmt: skip


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[str]:
    with private_bus(tmp_path) as address:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        for name in ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY", "XRDP_SESSION", "DISPLAY", "WAYLAND_DISPLAY"):
            monkeypatch.delenv(name, raising=False)
        yield address


def logind(*sessions: tuple[int, str, dict[str, Variant]]) -> Reply:
    """A logind with these sessions: the user's number, the seat, and what differs from a usual session."""

    def reply(message: Message) -> Message | None:
        if message.member == "ListSessions":
            rows = [
                [str(n), user, "somebody", seat, f"/org/freedesktop/login1/session/_{n}"]
                for n, (user, seat, _) in enumerate(sessions)
            ]
            return Message.new_method_return(message, "a(susso)", [rows])
        if message.member == "GetAll" and message.body == [f"{LOGIN}.Session"]:
            changed = sessions[int((message.path or "").rpartition("_")[2])][2]
            return Message.new_method_return(message, "a{sv}", [SESSION | changed])
        return None

    return reply


def saver(idle: int | None, active: bool) -> Reply:
    def reply(message: Message) -> Message | None:
        if message.member == "GetActive":
            return Message.new_method_return(message, "b", [active])
        if message.member == "GetSessionIdleTime" and idle is not None:
            return Message.new_method_return(message, "u", [idle])
        return None

    return reply


def mutter(idle: int) -> Reply:
    def reply(message: Message) -> Message | None:
        return Message.new_method_return(message, "t", [idle]) if message.member == "GetIdletime" else None

    return reply


async def test_the_session_in_front_of_the_computer_is_the_one_that_counts(bus: str) -> None:
    others: dict[str, tuple[int, str, dict[str, Variant]]] = {
        "another user's": (MINE + 1, "seat0", {}),
        "one by SSH": (MINE, "", {"Remote": Variant("b", True), "Type": Variant("s", "tty")}),
        "a remote desktop with a seat": (MINE, "seat0", {"Remote": Variant("b", True)}),
        "a text console": (MINE, "seat0", {"Type": Variant("s", "tty")}),
        "a remote desktop without a seat": (MINE, "", {"Type": Variant("s", "x11")}),
        "behind another one": (MINE, "seat0", {"Active": Variant("b", False)}),
        "a greeter": (MINE, "seat0", {"Class": Variant("s", "greeter")}),
        "one that says nothing of itself": (MINE, "seat0", {"Remote": Variant("s", "no")}),
    }
    for why, other in others.items():
        async with on_the_bus(bus, LOGIN, logind(other)):
            asked = Logind()
            assert await asked.session() is None, why
            assert asked.there
            asked.close()
    hints = {"LockedHint": Variant("b", True), "IdleHint": Variant("b", True)}
    async with on_the_bus(bus, LOGIN, logind(*others.values(), (MINE, "seat0", hints))):
        asked = Logind()
        assert await asked.session() == ("wayland", "", Seen(locked=True, idle=True))
        asked.close()


async def test_without_logind_or_a_bus_nothing_fails(bus: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked, session = Logind(), Bus(system=False)
    assert (await asked.session(), asked.there) == (None, False)
    assert await Mutter(session).look() is None
    assert await ScreenSaver(session, wayland=False).look() is None
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/nobody")
    gone = Bus(system=False)
    assert await Mutter(gone).look() is None
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus)
    async with on_the_bus(bus, MUTTER, mutter(1500)):
        assert await Mutter(gone).look() == Seen(idle_s=1.5), "a bus that is there again is found"
    for each in (asked, session, gone):
        each.close()


async def test_a_program_that_hangs_is_not_waited_for(bus: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hipsync.host.presence.bus.REPLY_WITHIN_S", 0.2)
    session = Bus(system=False)
    async with on_the_bus(bus, MUTTER, lambda _: True):
        assert await Mutter(session).look() is None
    session.close()


@pytest.mark.parametrize(
    ("wayland", "idle", "active", "seen"),
    [
        (False, 61_000, False, Seen(idle_s=61, locked=False)),
        (False, None, True, Seen(locked=True)),
        (True, 0, False, Seen(locked=False)),
        (True, 0, True, Seen(locked=True)),
    ],
)
async def test_on_wayland_the_screen_saver_knows_the_lock_alone(
    bus: str, wayland: bool, idle: int | None, active: bool, seen: Seen
) -> None:
    session = Bus(system=False)
    async with on_the_bus(bus, SAVER, saver(idle, active)):
        assert await ScreenSaver(session, wayland=wayland).look() == seen
    session.close()


async def test_the_answers_of_several_are_joined_and_the_surest_decides(bus: str) -> None:
    computer = Computer(lambda: NOW, platform="linux")
    locked = {"LockedHint": Variant("b", True)}
    async with on_the_bus(bus, SAVER, saver(9000, active=False)):
        assert await computer.look() == Seen(idle_s=9, locked=False), "no logind: the desktop is asked alone"
        async with on_the_bus(bus, MUTTER, mutter(2000)):
            assert await computer.look() == Seen(idle_s=2), "the first that knows is the last that is asked"
            async with on_the_bus(bus, LOGIN, logind((MINE, "seat0", locked))):
                assert await computer.look() == Seen(idle_s=2, locked=True, idle=False)
            async with on_the_bus(bus, LOGIN, logind((MINE, "", {"Remote": Variant("b", True)}))):
                assert await computer.look() == UNKNOWN, "somebody else may be at this desktop"
        async with on_the_bus(bus, LOGIN, logind((MINE, "seat0", {}))):
            assert await computer.look() == Seen(locked=False, idle=False), "KDE on Wayland says no time"
    computer.close()


@pytest.mark.parametrize("name", ["SSH_CONNECTION", "SSH_TTY", "XRDP_SESSION", "VNCDESKTOP"])
async def test_a_session_from_elsewhere_is_unknown_without_logind_too(bus: str, name: str) -> None:
    computer = Computer(lambda: NOW, environment={name: "1"}, platform="linux")
    async with on_the_bus(bus, MUTTER, mutter(2000)):
        assert await computer.look() == UNKNOWN
    computer.close()

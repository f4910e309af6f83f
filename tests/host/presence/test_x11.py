"""When input came last, by a real X server without a screen and real events of xdotool; and a server that is none."""

from __future__ import annotations

import asyncio
import struct
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest

from hipsync.host.presence import x11
from hipsync.host.presence.computer import Computer
from hipsync.host.presence.seen import Seen
from hipsync.host.presence.x11 import X11, keys, number_of
from support.display import Display, display, needs_x11
from support.stored import NOW

KEY = bytes(range(16))


def record(number: str, key: bytes, name: bytes = b"MIT-MAGIC-COOKIE-1", family: int = 0xFFFF) -> bytes:
    """An entry of a file of keys, as Xau writes it."""
    fields = (b"host", number.encode(), name, key)
    return struct.pack(">H", family) + b"".join(struct.pack(">H", len(each)) + each for each in fields)


@pytest.fixture
def locked(tmp_path: Path) -> Generator[Display]:
    """A display that lets in only who has its key."""
    (tmp_path / "keys").write_bytes(record("", KEY))
    with display("-auth", str(tmp_path / "keys")) as made:
        yield made


@needs_x11
async def test_input_is_seen_and_the_time_since_grows(locked: Display, tmp_path: Path) -> None:
    environment = {"XAUTHORITY": str(tmp_path / "keys"), "DISPLAY": locked.name}
    screen = X11(locked.name, environment)

    async def idle_s() -> float:
        seen = await screen.look()
        assert seen is not None
        assert seen.idle_s is not None
        return seen.idle_s

    def press(*words: str) -> None:
        subprocess.run(["xdotool", *words], env={**environment, "PATH": "/usr/bin:/bin"}, check=True)

    press("mousemove", "10", "10")
    before = await idle_s()
    assert before < 1
    await asyncio.sleep(0.5)
    grown = await idle_s()
    assert 0.4 < grown - before < 10
    for words in (("key", "a"), ("mousemove", "50", "50"), ("click", "1")):
        await asyncio.sleep(1)
        assert (before := await idle_s()) >= 1
        press(*words)
        assert await idle_s() < before, words
    screen.close()
    assert await idle_s() >= 0, "it connects again"
    screen.close()
    assert await X11(locked.name, {"XAUTHORITY": str(tmp_path / "none")}).look() is None, (
        "without the key nobody is let in"
    )
    computer = Computer(lambda: NOW, environment=environment, platform="freebsd")
    seen = await computer.look()
    assert seen.idle_s is not None
    computer.close()
    wayland = Computer(lambda: NOW, environment={**environment, "WAYLAND_DISPLAY": "wayland-0"}, platform="freebsd")
    assert (await wayland.look()).idle_s is None, "XWayland would count only what comes to windows of X11"
    wayland.close()


@needs_x11
async def test_a_display_that_ended_is_no_answer_and_costs_no_wait(locked: Display, tmp_path: Path) -> None:
    screen = X11(locked.name, {"XAUTHORITY": str(tmp_path / "keys")})
    assert await screen.look() is not None
    locked.server.terminate()
    async with asyncio.timeout(1.5):
        for _ in range(3):
            assert await screen.look() is None
    screen.close()


class Played:
    """An X server that answers by the protocol, with one root window 0x123 and the extensions that it is given."""

    def __init__(self, *extensions: bytes) -> None:
        self.extensions = extensions

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        order, major, _, name, key = struct.unpack("<BxHHHHxx", await reader.readexactly(12))
        assert (order, major) == (ord("l"), 11)
        await reader.readexactly(name + -name % 4 + key + -key % 4)
        vendor = b"played"
        fixed = struct.pack("<IIIIHHBBBBBBBBI", 1, 2, 3, 4, len(vendor), 65535, 1, 2, 0, 0, 32, 32, 8, 255, 0)
        setup = fixed + vendor + bytes(-len(vendor) % 4) + bytes(16) + struct.pack("<I", 0x123) + bytes(36)
        writer.write(struct.pack("<BxHHH", 1, 11, 0, len(setup) // 4) + setup)
        try:
            while True:
                opcode, minor, length = struct.unpack("<BBH", await reader.readexactly(4))
                body = await reader.readexactly(length * 4 - 4)
                writer.write(struct.pack("<BBHI", 2, 0, 0, 0) + bytes(24))  # an event that nobody asked for
                if opcode == 98:
                    asked = body[4 : 4 + struct.unpack_from("<H", body)[0]]
                    there = asked in self.extensions
                    writer.write(struct.pack("<BxHIBBBB", 1, 1, 0, there, 140, 0, 0) + bytes(20))
                else:
                    assert (opcode, minor, body) == (140, 1, struct.pack("<I", 0x123))
                    writer.write(struct.pack("<BxHIIIIIB", 1, 1, 0, 0, 0, 7250, 0, 0) + bytes(7))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest.mark.parametrize(
    ("extensions", "seen"),
    [
        ((b"MIT-SCREEN-SAVER",), Seen(idle_s=7.25)),
        ((), None),
        ((b"MIT-SCREEN-SAVER", b"XWAYLAND"), None),
        ((b"MIT-SCREEN-SAVER", b"VNC-EXTENSION"), None),
    ],
)
async def test_a_server_that_does_not_see_all_input_of_this_computer_gives_no_answer(
    extensions: tuple[bytes, ...], seen: Seen | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(x11, "SOCKETS", tmp_path)
    server = await asyncio.start_unix_server(Played(*extensions).serve, tmp_path / "X3")
    screen = X11(":3", {})
    assert await screen.look() == seen
    assert await screen.look() == seen
    screen.close()
    server.close()
    await asyncio.sleep(0.05)  # until both ends are closed


@pytest.mark.parametrize("noise", [b"", b"\0", b"\1" * 8, b"\2" * 64, bytes(8)])
async def test_what_is_no_x_server_is_no_answer(noise: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(noise)
        writer.close()

    monkeypatch.setattr(x11, "SOCKETS", tmp_path)
    server = await asyncio.start_unix_server(serve, tmp_path / "X3")
    assert await X11(":3", {}).look() is None
    assert await X11(":4", {}).look() is None
    server.close()
    await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("name", "number"),
    [(":0", 0), (":12.1", 12), ("unix:3", 3), ("localhost:10.0", None), ("desk:0", None), ("", None), (":0.0.0", None)],
)
def test_only_a_display_of_this_computer_has_a_number(name: str, number: int | None) -> None:
    assert number_of(name) == number


def test_the_key_for_this_display_comes_first_and_a_torn_file_ends_the_search(tmp_path: Path) -> None:
    file = tmp_path / ".Xauthority"
    file.write_bytes(record("", b"any") + record("1", b"one") + record("0", b"zero", b"OTHER") + record("0", b"zero"))
    assert list(keys({"HOME": str(tmp_path)}, 0)) == [b"zero", b"any"]
    assert list(keys({"XAUTHORITY": str(file)}, 1)) == [b"one", b"any"]
    file.write_bytes(file.read_bytes()[:-3])
    assert list(keys({"HOME": str(tmp_path)}, 1)) == [b"one", b"any"]
    assert list(keys({"HOME": str(tmp_path / "none")}, 1)) == []

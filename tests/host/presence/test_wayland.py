"""When input came last on Wayland, by libwayland's own server; and by servers that are none.

The server is `wayland_server.c` with the protocol's description from wayland-protocols. Version 2 of the notifier
is not tried where that description lacks it.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import struct
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from hipsync.host.presence.computer import Computer
from hipsync.host.presence.wayland import Wayland, socket_of
from support.repository import TESTS
from support.stored import NOW

PROTOCOL = Path("/usr/share/wayland-protocols/staging/ext-idle-notify/ext-idle-notify-v1.xml")
needs_wayland = pytest.mark.skipif(
    not (PROTOCOL.exists() and all(map(shutil.which, ("gcc", "wayland-scanner")))),
    reason="needs gcc, libwayland-dev, libwayland-bin and wayland-protocols",
)
BATCH_S = 0.4


class Compositor(NamedTuple):
    process: subprocess.Popen[str]
    environment: dict[str, str]

    def tell(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wayland")
    header, code = folder / "ext-idle-notify.h", folder / "ext-idle-notify.c"
    subprocess.run(["wayland-scanner", "server-header", str(PROTOCOL), str(header)], check=True)
    subprocess.run(["wayland-scanner", "private-code", str(PROTOCOL), str(code)], check=True)
    made = folder / "server"
    source = str(TESTS / "support" / "wayland_server.c")
    subprocess.run(["gcc", "-I", str(folder), source, str(code), "-lwayland-server", "-o", str(made)], check=True)
    return made


@contextmanager
def compositor(program: Path, folder: Path, version: int = 1, seat: int = 1) -> Generator[Compositor]:
    folder.chmod(0o700)
    command = [str(program), str(version), str(seat)]
    environment = {"XDG_RUNTIME_DIR": str(folder)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}
    ) as process:
        found = Compositor(process, environment)
        environment["WAYLAND_DISPLAY"] = found.line().removeprefix("socket ")
        try:
            yield found
        finally:
            process.terminate()


async def idle_s(screen: Wayland) -> float | None:
    seen = await screen.look()
    return None if seen is None else seen.idle_s


async def until_told(screen: Wayland, *, idle: bool) -> float:
    """What the screen says as soon as the last word of the compositor has come."""
    async with asyncio.timeout(10):
        while (found := await idle_s(screen)) is None or (found > 0) != idle:  # noqa: ASYNC110  another process's word
            await asyncio.sleep(0.01)
    return found


@needs_wayland
async def test_the_age_of_the_last_input_is_known_once_it_is_told(program: Path, tmp_path: Path) -> None:
    with compositor(program, tmp_path) as server:
        screen = Wayland(server.environment, BATCH_S)
        assert await idle_s(screen) is None, "it has not listened for long enough to know"
        assert server.line() == "asked idle 400"
        await asyncio.sleep(BATCH_S)
        assert await idle_s(screen) == 0, "no word that there was none"
        server.tell("idled")
        first = await until_told(screen, idle=True)
        assert BATCH_S <= first < BATCH_S + 5
        await asyncio.sleep(0.2)
        assert 0.2 <= (await until_told(screen, idle=True)) - first < 5
        server.tell("resumed")
        assert await until_told(screen, idle=False) == 0
        screen.close()
        assert await idle_s(screen) is None, "it connects again, and knows nothing of the time between"
        assert server.line() == "asked idle 400"
        screen.close()


@needs_wayland
@pytest.mark.parametrize(("version", "seat"), [(0, 1), (1, 0)], ids=["no such protocol", "no seat"])
async def test_a_compositor_that_cannot_tell_is_no_answer(
    program: Path, tmp_path: Path, version: int, seat: int
) -> None:
    with compositor(program, tmp_path, version, seat) as server:
        screen = Wayland(server.environment, BATCH_S)
        assert await screen.look() is None
        screen.close()


@needs_wayland
async def test_one_that_ends_is_no_answer_and_a_new_one_is_found(program: Path, tmp_path: Path) -> None:
    with compositor(program, tmp_path) as server:
        screen = Wayland(server.environment, BATCH_S)
        await screen.look()
        await asyncio.sleep(BATCH_S)
        assert await idle_s(screen) == 0
    async with asyncio.timeout(10):
        while await screen.look() is not None:  # noqa: ASYNC110  another process's end
            await asyncio.sleep(0.01)
    with compositor(program, tmp_path) as again:
        assert again.environment == server.environment
        await screen.look()
        assert again.line() == "asked idle 400"
    screen.close()


@needs_wayland
async def test_the_computer_asks_it(program: Path, tmp_path: Path) -> None:
    with compositor(program, tmp_path) as server:
        computer = Computer(lambda: NOW, environment=server.environment, platform="freebsd")
        await computer.look()
        assert server.line() == "asked idle 20000"
        computer.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\x01",
        struct.pack("=II", 2, 3 << 16),
        struct.pack("=II", 2, 60000 << 16),
        struct.pack("=III", 2, 12 << 16, 1),
        struct.pack("=IIII", 2, 16 << 16, 1, 2**31),
        struct.pack("=IIIII", 1, 20 << 16, 1, 0, 0),
    ],
    ids=["nothing", "half a message", "too short", "too long", "no name", "a name of 2 GiB", "an error"],
)
async def test_what_a_stranger_sends_is_no_answer(sent: bytes, tmp_path: Path) -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        writer.close()

    async with await asyncio.start_unix_server(answer, tmp_path / "wayland-0"):
        screen = Wayland({"XDG_RUNTIME_DIR": str(tmp_path), "WAYLAND_DISPLAY": "wayland-0"})
        assert await screen.look() is None
        screen.close()


def test_the_socket_is_where_the_environment_says() -> None:
    assert socket_of({"WAYLAND_DISPLAY": "wayland-1", "XDG_RUNTIME_DIR": "/run/user/1"}) == Path(
        "/run/user/1/wayland-1"
    )
    assert socket_of({"WAYLAND_DISPLAY": "/tmp/w"}) == Path("/tmp/w")  # noqa: S108
    assert socket_of({"WAYLAND_DISPLAY": "wayland-1"}) is None
    assert socket_of({"XDG_RUNTIME_DIR": "/run/user/1"}) is None

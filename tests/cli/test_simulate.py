"""`hipsync simulate`: bands for other processes, met as another process meets them."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from bumble.controller import Controller
from bumble.link import LocalLink
from bumble.transport.tcp_server import open_tcp_server_transport_with_socket
from click.testing import CliRunner

from hipsync.cli import hipsync
from hipsync.cli.app import system_now
from hipsync.conversation.dialogue import dialogue
from hipsync.conversation.session import Conversation
from hipsync.driver import Message, Session
from hipsync.errors import BluetoothUnavailable, ConfigError
from hipsync.model import Epoch, Reading
from hipsync.radio.connect import connect
from hipsync.radio.simulation import bumble_adapter, serve
from hipsync.registry import drivers
from support.plain_band import BATTERY, FIRST, START, PlainBand

pytestmark = pytest.mark.usefixtures("socket_enabled")
LIMIT = timedelta(seconds=10)
KEY = "00112233445566778899aabbccddeeff"
MINUTES = "timestamp,steps\n2026-11-20T10:00:00+00:00,7\n2026-11-20T10:01:00+00:00,0\n2026-11-20T10:02:00+00:00,93\n"


@asynccontextmanager
async def simulated(*words: str) -> AsyncGenerator[asyncio.subprocess.Process, None]:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-u",
        "-c",
        "from hipsync.__main__ import main; main()",
        "simulate",
        *words,
        stdout=subprocess.PIPE,
    )
    try:
        yield child
    finally:
        child.terminate()
        await child.communicate()


async def line(child: asyncio.subprocess.Process) -> str:
    assert child.stdout is not None
    async with asyncio.timeout(15):
        return (await child.stdout.readline()).decode().strip()


async def test_a_band_with_minutes_of_a_file_is_read_and_buzzed(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "minutes.csv").write_text(MINUTES)
    driver, learnt = drivers()["huami"], list[Reading]()

    async def keep(batch: object) -> None:
        learnt.extend(batch)  # type: ignore[arg-type]

    words = ("--transport", "tcp-server:127.0.0.1:0", "--address", "C8:0F:10:80:D0:21")
    files = ("--data", str(tmp_path / "minutes.csv"), "--key-file", str(tmp_path / "key"))
    async with simulated("huami", *words, *files) as child:
        said = await line(child)
        assert said.startswith("Mi Smart Band 5 (C8:0F:10:80:D0:21) is on the air at tcp-client:127.0.0.1:")
        async with (
            bumble_adapter(said.rpartition(" ")[2]) as adapter,
            connect(adapter, "C8:0F:10:80:D0:21", LIMIT) as connection,
        ):
            conversation = Conversation(connection, zone=ZoneInfo("UTC"), now=system_now)
            session = Session("Mi Smart Band 5", bytes.fromhex(KEY))
            async with dialogue(driver, conversation, session, keep) as opened:
                await opened.fetch(keep)
                await opened.nudge(Message("hipsync", "Time to move"))
        assert [(await line(child)).partition("  ")[2] for _ in range(2)] == ["it buzzes", "hipsync Time to move"]
    steps = [(f"{each.start:%d %H:%M}", each.steps) for each in learnt if isinstance(each, Epoch)]
    assert steps == [("20 10:00", 7), ("20 10:01", 0), ("20 10:02", 93)]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["nonsense"], "no simulated band of kind 'nonsense'"),
        (["huami"], "give it one with --key-file"),
        (["infinitime", "--address", "00:00:00:00:00:01"], "no address for a simulated band"),
        (["infinitime", "--transport", "tcp-server:x"], "write tcp-server:HOST:PORT"),
    ],
)
def test_wrong_use_is_said_in_a_line(words: list[str], why: str) -> None:
    done = CliRunner().invoke(hipsync, ["simulate", *words])
    assert done.exit_code == 2
    assert why in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_dongle_that_is_not_there_is_no_bluetooth() -> None:
    done = CliRunner().invoke(hipsync, ["simulate", "infinitime", "--transport", "usb:0"])
    assert done.exit_code == 4
    assert "the transport usb:0 cannot be opened" in done.stderr


@asynccontextmanager
async def two_dongles() -> AsyncGenerator[tuple[str, str], None]:
    """Two controllers of Bumble's own in reach of each other, each behind a TCP port."""
    link = LocalLink()  # type: ignore[no-untyped-call]  # Bumble's
    async with AsyncExitStack() as stack:
        reached: list[str] = []
        for name in ("near", "far"):
            listening = socket.create_server(("127.0.0.1", 0))
            transport = await open_tcp_server_transport_with_socket(listening)
            stack.push_async_callback(transport.close)
            stack.callback(vars(transport)["server"].close)  # which `close` leaves open
            Controller(name, transport.source, transport.sink, link)
            reached.append(f"tcp-client:127.0.0.1:{listening.getsockname()[1]}")
        yield reached[0], reached[1]


async def test_a_controller_is_given_the_band_it_carries() -> None:
    band = PlainBand()
    async with (
        two_dongles() as (near, far),
        serve([band], near, lambda: START),
        bumble_adapter(far) as adapter,
        connect(adapter, FIRST, LIMIT) as connection,
    ):
        assert await connection.read(BATTERY) == b"\x55"


async def test_a_controller_carries_one_band() -> None:
    with pytest.raises(ConfigError, match="carries one band, not 2"):
        async with serve([PlainBand(), PlainBand()], "usb:0", lambda: START):
            pytest.fail("opened")


async def test_a_band_needs_a_controller_that_answers() -> None:
    with pytest.raises(BluetoothUnavailable, match="the transport serial:nowhere cannot be opened"):
        async with serve([PlainBand()], "serial:nowhere", lambda: START):
            pytest.fail("opened")

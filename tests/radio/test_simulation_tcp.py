"""Bands in one place and an adapter in another, with HCI over a loopback connection between them."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

import pytest

from hipsync.errors import BluetoothUnavailable, ConfigError, LinkLost
from hipsync.radio.connect import connect
from hipsync.radio.scan import Adapter, scan
from hipsync.radio.simulation import bumble_adapter, serve
from hipsync.simulated import Notification
from support.plain_band import BATTERY, FIRST, SECOND_BAND, START, TELL, WRITE, PlainBand

pytestmark = pytest.mark.usefixtures("socket_enabled")
LIMIT = timedelta(seconds=10)
SERVER = "tcp-server:127.0.0.1:0"

GUEST = """
import asyncio, sys
from datetime import timedelta
from hipsync.radio.connect import connect
from hipsync.radio.simulation import bumble_adapter

async def stay(transport, address):
    async with bumble_adapter(transport) as adapter:
        async with connect(adapter, address, timedelta(seconds=10)) as connection:
            print("connected", flush=True)
            await connection.lost.wait()

asyncio.run(stay(*sys.argv[1:]))
"""


def now() -> datetime:
    return START


@asynccontextmanager
async def served(*bands: PlainBand) -> AsyncGenerator[str, None]:
    async with asyncio.timeout(20), serve(bands, SERVER, now) as transport:
        yield transport


async def test_a_band_is_met_through_a_socket() -> None:
    band = PlainBand()
    band.answers[b"go"] = [Notification(TELL, bytes([number])) for number in range(200)]
    async with served(band) as transport, bumble_adapter(transport) as adapter:
        assert [each.advertisement.name for each in await scan(adapter, 0.3)] == ["Plain"]
        async with connect(adapter, FIRST, LIMIT) as connection:
            told: asyncio.Queue[bytes] = asyncio.Queue()
            await connection.start_notify(TELL, told.put_nowait)
            await connection.write(WRITE, b"go", response=True)
            async with asyncio.timeout(20):
                assert [await told.get() for _ in range(200)] == [bytes([number]) for number in range(200)]
            assert connection.write_size == 244
    assert band.visits == ["connected", "disconnected"]


async def test_two_guests_meet_two_bands_at_once() -> None:
    one, two = PlainBand(), PlainBand()
    async with served(one, two) as transport, bumble_adapter(transport) as first, bumble_adapter(transport) as second:

        async def battery(adapter: Adapter, address: str) -> bytes:
            async with connect(adapter, address, LIMIT) as connection:
                return await connection.read(BATTERY)

        assert list(await asyncio.gather(battery(first, FIRST), battery(second, SECOND_BAND))) == [b"\x55", b"\x55"]


async def test_a_guest_that_leaves_without_a_word_frees_the_band() -> None:
    band = PlainBand()
    async with served(band) as transport:
        guest = await asyncio.create_subprocess_exec(
            sys.executable, "-c", GUEST, transport, FIRST, stdout=asyncio.subprocess.PIPE
        )
        assert guest.stdout is not None
        assert await guest.stdout.readline() == b"connected\n"
        assert band.visits == ["connected"]
        guest.send_signal(signal.SIGKILL)
        await guest.wait()
        async with bumble_adapter(transport) as adapter, connect(adapter, FIRST, LIMIT) as connection:
            assert await connection.read(BATTERY) == b"\x55"
    assert band.visits == ["connected", "disconnected"] * 2


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        bytes(range(5, 256)),
        b"\xff" * 1000,
        b"\x01\xff\xff\x02\x00\x00",
        b"",
    ],
    ids=["http", "every byte", "ff", "an unknown command", "nothing"],
)
async def test_a_client_that_speaks_no_hci_harms_nobody(garbage: bytes) -> None:
    troubles: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: troubles.append(context))
    async with served(PlainBand()) as transport, bumble_adapter(transport) as adapter:
        async with connect(adapter, FIRST, LIMIT) as connection:
            reader, writer = await asyncio.open_connection("127.0.0.1", int(transport.rpartition(":")[2]))
            writer.write(garbage)
            await asyncio.sleep(0.1)
            assert await connection.read(BATTERY) == b"\x55"
            writer.close()
        assert [each.address for each in await scan(adapter, 0.3)] == [FIRST]
        del reader
    assert not troubles


async def test_a_client_that_speaks_another_protocol_is_sent_away() -> None:
    async with served(PlainBand()) as transport:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(transport.rpartition(":")[2]))
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        with suppress(ConnectionResetError):
            async with asyncio.timeout(20):
                assert await reader.read() == b""
        writer.close()


async def test_when_the_bands_go_their_guests_lose_the_link() -> None:
    transports: asyncio.Queue[str] = asyncio.Queue()
    over = asyncio.Event()

    async def serving() -> None:
        async with served(PlainBand()) as transport:
            transports.put_nowait(transport)
            await over.wait()

    server = asyncio.ensure_future(serving())
    async with bumble_adapter(await transports.get()) as adapter, connect(adapter, FIRST, LIMIT) as connection:
        over.set()
        await server
        async with asyncio.timeout(20):
            await connection.lost.wait()
        with pytest.raises(LinkLost):
            await connection.read(BATTERY)


async def test_a_transport_that_is_not_there_is_no_bluetooth() -> None:
    for transport in ("tcp-client:127.0.0.1:9", "usb:0", "nonsense:x", "serial:nowhere"):
        with pytest.raises(BluetoothUnavailable, match=f"the transport {transport} cannot be opened: \\S"):
            async with bumble_adapter(transport):
                pytest.fail("opened")


async def test_a_server_that_says_nothing_is_no_bluetooth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hipsync.radio.simulation.central.RESET_S", 0.2)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        gone.set()

    gone = asyncio.Event()
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(BluetoothUnavailable, match="no Bluetooth controller answers"):
            async with bumble_adapter(f"tcp-client:127.0.0.1:{port}"):
                pytest.fail("opened")
        await gone.wait()


@pytest.mark.parametrize("transport", ["tcp-server:127.0.0.1", "tcp-server:127.0.0.1:x", "tcp-server::::"])
async def test_a_server_that_is_written_wrong_is_a_wrong_option(transport: str) -> None:
    with pytest.raises(ConfigError, match="write tcp-server:HOST:PORT"):
        async with serve([PlainBand()], transport, now):
            pytest.fail("opened")


async def test_a_port_in_use_is_said() -> None:
    async with served(PlainBand()) as transport:
        port = transport.rpartition(":")[2]
        with pytest.raises(BluetoothUnavailable, match=r"cannot be opened: .*in use"):
            async with serve([PlainBand()], f"tcp-server:127.0.0.1:{port}", now):
                pytest.fail("opened")

"""Bands by Bluetooth proxies in other rooms: which way is taken, and what is said where none works.

The proxies are stand-ins (`support/proxy.py`) at loopback, and the bands are simulated.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aioesphomeapi.model import BluetoothProxyFeature as Feature
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from hipsync.driver import Advertisement
from hipsync.errors import BluetoothUnavailable, DeviceError, LinkLost, NoReply, NotAuthorised, NotBonded, NotHeard
from hipsync.model import Band, BandId
from hipsync.radio.bleak_radio import BleakRadio
from hipsync.radio.connect import connect
from hipsync.radio.opened import OpenRadio, RadioSettings, opened
from hipsync.radio.proxies import proxy as proxy_module
from hipsync.radio.proxies.heard import FRESH_S, MOST_HEARD, Heard
from hipsync.radio.scan import Adapter, NearbyDevice, scan, usable
from hipsync.radio.simulation import Bond
from hipsync.settings.config import Proxy
from hipsync.simulated import Notification, Refused
from support.house import House, built, house, nobody
from support.plain_band import BATTERY, BATTERY_SERVICE, FIRST, SECOND_BAND, START, TELL, WRITE, PlainBand
from support.proxy import ALL, HOST, KEY, OLDER, OTHER_KEY, PASSIVE, StandIn, number_of, pb

pytestmark = pytest.mark.enable_socket

WITHIN = timedelta(seconds=20)
SOON = timedelta(seconds=3)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated bands are heard ten times a second, so the choice of a way takes less time."""
    monkeypatch.setattr("hipsync.radio.scan.CHOICE_S", 0.3)


async def until(holds: Callable[[], bool], within_s: float = 10.0) -> None:
    """Wait until something holds. Raises `TimeoutError`."""
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110  it comes over sockets
            await asyncio.sleep(0.01)


def one_line(text: str) -> str:
    assert "\n" not in text
    assert "\x1b" not in text
    assert len(text) < 400
    return text


async def trouble_of(settings: Proxy) -> str:
    """What is said of a proxy that was tried, without its name in front."""
    async with opened(RadioSettings("", False, (settings,))) as radio:
        (told,) = radio.troubles()
        assert told.startswith(f"{settings.called}: ")
        assert radio.facts()[0].trouble is not None
        return one_line(told.removeprefix(f"{settings.called}: "))


def key_file(folder: Path, key: str = KEY, mode: int = 0o600) -> str:
    file = folder / "proxy.key"
    file.write_text(f"{key}\n")
    file.chmod(mode)
    return str(file)


async def battery(radio: OpenRadio, address: str = FIRST) -> bytes:
    async with connect(radio.adapter, address, WITHIN) as connection:
        return await connection.read(BATTERY)


# ---------------------------------------------------------------- the connection to a proxy


@pytest.mark.parametrize("encrypted", [False, True])
async def test_a_band_is_found_read_written_and_heard_by_a_proxy(encrypted: bool, tmp_path: Path) -> None:
    band = PlainBand()
    band.answers[b"ask"] = [Notification(TELL, b"told")]
    async with built([band]) as (_, (proxy,)):
        proxy.key = KEY if encrypted else None
        settings = proxy.settings(key_file=key_file(tmp_path) if encrypted else "")
        async with opened(RadioSettings("", False, (settings,))) as radio:
            assert radio.troubles() == []
            (fact,) = radio.facts()
            assert (fact.reached, fact.encrypted, fact.hears, fact.free, fact.slots) == (True, encrypted, True, 3, 3)
            (seen,) = await scan(radio.adapter, 1)
            assert (seen.address, seen.advertisement.name, seen.rssi_dbm) == (FIRST, "Plain", -60)
            told = asyncio.Queue[bytes]()
            async with connect(radio.adapter, seen, WITHIN) as connection:
                assert connection.write_size == 247 - 3
                assert await connection.read(BATTERY) == b"\x55"
                await connection.start_notify(TELL, told.put_nowait)
                await connection.write(WRITE, b"ask", response=True)
                assert await asyncio.wait_for(told.get(), 5) == b"told"
                await connection.stop_notify(TELL)
                assert radio.facts()[0].free == 2
            await until(lambda: band.visits == ["connected", "disconnected"])
            assert radio.facts()[0].free == 3


@pytest.mark.parametrize(
    ("theirs", "ours", "said"),
    [
        (KEY, OTHER_KEY, "has another key than"),
        (KEY, None, "encrypts, and no key is set: key_file names a file with it"),
        (None, KEY, "does not encrypt, and a key is set"),
    ],
    ids=["wrong key", "key wanted", "no key wanted"],
)
async def test_keys_that_do_not_fit_are_told_apart(
    theirs: str | None, ours: str | None, said: str, tmp_path: Path
) -> None:
    async with built([]) as (_, (proxy,)):
        proxy.key = theirs
        told = await trouble_of(proxy.settings(key_file="" if ours is None else key_file(tmp_path, ours)))
        assert said in told
        assert f"{HOST}:{proxy.port}" in told
        assert KEY not in told
        assert OTHER_KEY not in told


@pytest.mark.parametrize(
    ("key", "mode", "said"),
    [
        (KEY, 0o644, "can be read by others: it holds the key of the proxy bedroom; chmod 600 it"),
        ("bedroom", 0o600, "(key_file) holds no key"),
        (KEY[:-8], 0o600, "(key_file) holds no key"),
        ("", 0o600, "(key_file) holds no key"),
    ],
)
async def test_a_file_that_is_no_good_key_is_named(key: str, mode: int, said: str, tmp_path: Path) -> None:
    async with built([]) as (_, (proxy,)):
        told = await trouble_of(proxy.settings(key_file=key_file(tmp_path, key, mode)))
        assert said in told
        assert proxy.asked == {}
        assert "cannot be read: No such file" in await trouble_of(proxy.settings(key_file=str(tmp_path / "none")))


async def test_a_key_in_quotes_as_in_the_yaml_is_taken(tmp_path: Path) -> None:
    async with built([]) as (_, (proxy,)):
        proxy.key = KEY
        async with opened(
            RadioSettings("", False, (proxy.settings(key_file=key_file(tmp_path, f'"{KEY}"')),))
        ) as radio:
            assert radio.troubles() == []


async def test_where_nothing_listens_and_what_has_no_address_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as some:
        some.bind((HOST, 0))
        port = some.getsockname()[1]
    assert f"nothing answers at {HOST}:{port}" in await trouble_of(Proxy(HOST, "bedroom", port))

    def resolve(*_: object, **__: object) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    told = await trouble_of(Proxy("bedroom.invalid"))
    assert told == "no computer called bedroom.invalid is found: give its address (its log and your router know it)"


Answers = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def stranger(answers: Answers) -> AsyncGenerator[Proxy]:
    """Something else that listens where a proxy is expected."""

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await answers(reader, writer)
            await reader.read()
        writer.close()

    server = await asyncio.start_server(served, HOST, 0)
    try:
        yield Proxy(HOST, "bedroom", server.sockets[0].getsockname()[1])
    finally:
        server.close()


@pytest.mark.parametrize("encrypted", [False, True])
@pytest.mark.parametrize(
    "said",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00\xff\xff\xff\xff\xff\xff", bytes(range(256)) * 40, b"\x01\xff\xff"],
    ids=["http", "endless length", "all bytes", "half a frame"],
)
async def test_what_is_no_esphome_device_is_one_line(
    said: bytes, encrypted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxy_module, "WITHIN_S", 0.5)

    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)

    async with stranger(answers) as settings:
        told = await trouble_of(settings._replace(key_file=key_file(tmp_path) if encrypted else ""))
        assert f"{HOST}:{settings.port}" in told
        assert any(word in told for word in ("no ESPHome device", "does not answer", "encrypt"))


async def test_what_hangs_up_or_says_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy_module, "WITHIN_S", 0.3)

    async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0)

    async with stranger(hangs_up) as settings:
        assert "ends the connection at once" in await trouble_of(settings)
    async with stranger(says_nothing) as settings:
        assert "does not answer: is it on, and on this network?" in await trouble_of(settings)
        monkeypatch.setattr(proxy_module, "WITHIN_S", 30.0)
        async with opened(RadioSettings("", False, (settings,)), tried_within_s=0.1) as radio:
            assert radio.troubles() == [
                f"bedroom: {HOST}:{settings.port} did not answer so far: is it on, and on this network?"
            ]


@pytest.mark.parametrize(
    ("features", "said"), [(0, "without a Bluetooth proxy"), (int(OLDER) & ~(1 << 5), "update it")]
)
async def test_a_device_that_is_no_proxy_or_too_old_is_said(features: int, said: str) -> None:
    async with built([], features=features) as (_, (proxy,)):
        assert said in await trouble_of(proxy.settings())


async def test_what_a_proxy_calls_itself_is_shown_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "hipsync")
    async with built([PlainBand()]) as (_, (proxy,)):
        proxy.name = "\x1b[31mbad\r\nname\u202e"
        async with opened(RadioSettings("", False, (proxy.settings(name="bedroom"),))) as radio:
            assert await battery(radio) == b"\x55"
            told = f"{radio.facts()} {radio.troubles()} {caplog.text}"
    assert "bad" not in told


# ---------------------------------------------------------------- what a proxy hears


def test_what_no_device_can_have_sent_is_left_out() -> None:
    heard, told = Heard("bedroom", lambda: 0.0), list[str]()

    def report(device: BLEDevice, data: AdvertisementData) -> None:
        told.append(f"{device.address} {device.name}")

    for number, rssi, kind, data in [
        (0, -60, 1, b""),
        (1 << 48, -60, 1, b""),
        (1, 127, 1, b""),
        (1, -1000, 1, b""),
        (1, -60, 9, b""),
    ]:
        heard.note(number, rssi, kind, data, report)
    assert told == []
    assert heard.at_s is None
    heard.note(0xC00000000001, -60, 1, b"\xff\x09", report)  # longer than what is there
    heard.note(0xC00000000002, -60, 1, b"\x06\x09a\x1b[1m", report)
    assert told == ["C0:00:00:00:00:01 None", "C0:00:00:00:00:02 a[1m"]


def test_a_band_counts_as_heard_for_a_while_and_few_are_remembered() -> None:
    now = [0.0]
    heard = Heard("bedroom", lambda: now[0])
    heard.note(number_of(FIRST), -60, 1, b"", None)
    now[0] = FRESH_S
    assert heard.way(FIRST.lower()) is not None
    now[0] += 0.1
    assert heard.way(FIRST) is None
    heard.note(number_of(FIRST), -60, 1, b"", None)
    for number in range(1, MOST_HEARD):
        heard.note(number, -60, 1, b"", None)
    assert heard.way(FIRST) is not None
    heard.note(MOST_HEARD, -60, 1, b"", None)
    assert heard.way(FIRST) is None


async def test_random_bytes_as_advertisements_do_no_harm() -> None:
    async with house(PlainBand()) as home:
        seen = asyncio.create_task(scan(home.radio.adapter, 1))
        await asyncio.sleep(0.2)
        for size in range(0, 300, 3):
            home.proxy.says("C1:00:00:00:00:01", -40, bytes((size * each + each) % 256 for each in range(size)))
        assert FIRST in {each.address for each in await seen}
        assert home.radio.troubles() == []
        assert await battery(home.radio) == b"\x55"


async def test_a_proxy_tells_all_that_a_band_advertises() -> None:
    shown = Advertisement(
        "Plain",
        frozenset({"0000fee0-0000-1000-8000-00805f9b34fb", "6e400001-b5a3-f393-e0a9-e50e24dcca9e"}),
        {"0000fe95-0000-1000-8000-00805f9b34fb": b"\x01\x02"},
        {0x0157: b"\x03"},
    )
    async with house(PlainBand(shown), local=True) as home:
        (own,) = await scan(home.air.adapter, 0.5)
        (proxied,) = await scan(replace(home.radio.adapter, local=False), 0.5)
        assert proxied.advertisement == own.advertisement == shown


async def test_while_the_proxies_are_lent_that_is_said_and_nothing_else_changes() -> None:
    async with house(PlainBand()) as home:
        home.radio.lend(60)
        await until(lambda: home.proxy.asked["DisconnectRequest"] == 1)
        with pytest.raises(BluetoothUnavailable, match="lent to another command"):
            await battery(home.radio)
        home.radio.use(RadioSettings("", False, (home.proxy.settings(),)))
        assert home.radio.facts() == []
        home.radio.lend(0.1)
        await until(lambda: [fact.hears for fact in home.radio.facts()] == [True])
        assert await battery(home.radio) == b"\x55"


# ---------------------------------------------------------------- what a proxy cannot do


async def test_a_passive_proxy_says_that_it_makes_no_connections() -> None:
    async with house(PlainBand(), features=PASSIVE) as home:
        with pytest.raises(NoReply) as caught:
            await battery(home.radio)
        assert one_line(str(caught.value)) == (
            f"no connection to {FIRST}: bedroom hears it: it makes no connections: set `active: true` under "
            "`bluetooth_proxy:` in its configuration"
        )
        assert home.proxy.asked["BluetoothDeviceRequest"] == 0


async def test_a_proxy_without_a_free_slot_says_so() -> None:
    async with house(PlainBand(), PlainBand(), slots=1) as home:
        async with connect(home.radio.adapter, FIRST, WITHIN):
            with pytest.raises(NoReply) as caught:
                await battery(home.radio, SECOND_BAND)
        assert one_line(str(caught.value)) == (
            f"no connection to {SECOND_BAND}: bedroom hears it: its one connection is in use: wait, or raise "
            "`connection_slots:` in its configuration"
        )
        assert await battery(home.radio, SECOND_BAND) == b"\x55"


@pytest.mark.parametrize("older", [False, True])
async def test_an_adopted_proxy_is_found_out_and_used_once_it_is_free(
    older: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"ANSWERS_WITHIN_S": 0.2, "SILENT_S": 0.4, "ASK_AGAIN_S": 0.2}.items():
        monkeypatch.setattr(proxy_module, name, value)
    async with built([PlainBand()], features=int(OLDER if older else ALL)) as (_, (proxy,)):
        proxy.adopted = True
        async with opened(RadioSettings("", False, (proxy.settings(),))) as radio:
            (told,) = radio.troubles()
            assert ("told of nothing in 30 s" if older else "tells another program what it hears") in told
            assert "most likely Home Assistant has adopted it" in one_line(told)
            with pytest.raises(NotHeard) as caught:
                async with connect(radio.adapter, FIRST, SOON):
                    pytest.fail("connected")
            assert "bedroom: it is connected" in str(caught.value)
            assert radio.facts()[0].reached
            assert not radio.facts()[0].hears
            proxy.adopted = False
            await until(lambda: radio.troubles() == [])
            assert await battery(radio) == b"\x55"


async def test_a_proxy_that_listens_passively_is_made_to_ask_for_names() -> None:
    async with house(PlainBand()) as home:
        await until(lambda: home.proxy.scans_actively)
        assert home.proxy.asked["BluetoothScannerSetModeRequest"] == 1


# ---------------------------------------------------------------- a proxy dies, and comes back


async def test_a_proxy_that_is_dead_from_the_beginning_is_named() -> None:
    async with opened(RadioSettings("", False, (nobody(),))) as radio:
        for attempt in (scan(radio.adapter, 1), battery(radio)):
            with pytest.raises(BluetoothUnavailable, match=r"^nobody: nothing answers at 127\.0\.0\.1:1: "):
                await attempt


async def test_a_proxy_that_dies_before_a_connection_is_used_again_when_it_is_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "hipsync")
    async with house(PlainBand()) as home:
        assert await battery(home.radio) == b"\x55"
        await home.proxy.die()
        await until(lambda: home.radio.troubles() != [])
        with pytest.raises(BluetoothUnavailable, match=r"^bedroom: "):
            await battery(home.radio)
        await home.proxy.start()
        await until(lambda: home.radio.troubles() == [])
        assert await battery(home.radio) == b"\x55"
    lines = [record.getMessage() for record in caplog.records if "bedroom" in record.getMessage()]
    assert lines[0] == "the proxy bedroom listens"
    assert lines[1].startswith("the proxy bedroom: the connection to 127.0.0.1:")
    assert lines[-1] == "the proxy bedroom listens"


async def test_a_proxy_that_dies_while_it_connects_leaves_the_next_way() -> None:
    async with house(PlainBand(), proxies=2) as home:
        near, far = home.proxies
        near.nearer_db = 10
        dying = list[asyncio.Task[None]]()
        near.on_connect = lambda: dying.append(asyncio.ensure_future(near.die()))
        began = time.monotonic()
        assert await battery(home.radio) == b"\x55"
        assert time.monotonic() - began < 6, "it waited for a proxy that is dead"
        assert len(dying) == 1
        assert far.asked["BluetoothDeviceRequest"] >= 1
        await asyncio.gather(*dying)


async def test_the_only_proxy_dies_while_it_connects() -> None:
    async with house(PlainBand()) as home:
        dying = list[asyncio.Task[None]]()
        home.proxy.on_connect = lambda: dying.append(asyncio.ensure_future(home.proxy.die()))
        with pytest.raises(NoReply, match=r"bedroom: (the connection to|nothing answers at) 127\.0\.0\.1:"):
            await battery(home.radio)
        await asyncio.gather(*dying)


async def test_a_proxy_that_dies_in_the_middle_ends_what_runs_by_it_and_is_named() -> None:
    async with house(PlainBand()) as home:

        async def visit() -> None:
            async with connect(home.radio.adapter, FIRST, WITHIN) as connection:
                await home.proxy.die()
                async with asyncio.timeout(20):
                    await connection.lost.wait()
                await connection.read(BATTERY)

        with pytest.raises(LinkLost, match=r"^bedroom: the connection to 127\.0\.0\.1:\d+ was lost"):
            await visit()


async def test_a_band_that_hangs_up_is_not_laid_at_the_proxys_door() -> None:
    async with house(PlainBand()) as home:

        async def visit() -> None:
            async with connect(home.radio.adapter, FIRST, WITHIN) as connection:
                home.air.reception().drop()
                async with asyncio.timeout(20):
                    await connection.lost.wait()
                await connection.read(BATTERY)

        with pytest.raises(LinkLost, match=r"^the connection ended during a read"):
            await visit()
        assert home.radio.facts()[0].free == 3


def table(*handles: int, uuid: list[int], of: list[int] | None = None) -> list[Any]:
    """Services at these handles, each with one characteristic at the same handle."""
    inner = [pb.BluetoothGATTCharacteristic(uuid=uuid if of is None else of, handle=0xFFFF, properties=0xFFFFFFFF)]
    return [pb.BluetoothGATTService(uuid=uuid, handle=handle, characteristics=inner) for handle in handles]


GOOD = [0x0000180F00001000, 0x800000805F9B34FB]


@pytest.mark.parametrize(
    "lies",
    [[], table(1, uuid=[1]), table(1, 1, uuid=GOOD)],
    ids=["none", "half a name", "one handle twice"],
)
async def test_a_table_of_services_that_makes_no_sense_is_an_error_of_one_line(lies: list[Any]) -> None:
    async with house(PlainBand()) as home:
        home.proxy.lies = lies
        with pytest.raises(DeviceError) as caught:
            async with asyncio.timeout(10):
                await battery(home.radio)
        one_line(str(caught.value))
        home.proxy.lies = None
        await until(lambda: home.radio.troubles() == [])
        assert await battery(home.radio) == b"\x55"


# ---------------------------------------------------------------- which way is taken


def used(proxy: StandIn) -> bool:
    return proxy.asked["BluetoothDeviceRequest"] > 0


@pytest.mark.parametrize("nearer", [0, 1])
async def test_the_way_with_the_stronger_signal_is_taken(nearer: int) -> None:
    async with house(PlainBand(), proxies=2, local=True) as home:
        home.proxies[nearer].nearer_db = 10
        home.proxies[1 - nearer].nearer_db = -10
        (seen,) = await scan(home.radio.adapter, 0.5)
        assert seen.rssi_dbm == -50
        assert await battery(home.radio) == b"\x55"
        assert [used(each) for each in home.proxies] == [nearer == 0, nearer == 1]


async def test_this_computers_own_bluetooth_is_taken_where_it_is_nearest() -> None:
    async with house(PlainBand(), local=True) as home:
        home.proxy.nearer_db = -10
        assert await battery(home.radio) == b"\x55"
        assert not used(home.proxy)


async def test_two_bands_at_once_by_two_proxies_of_which_the_nearer_has_one_slot() -> None:
    async with house(PlainBand(), PlainBand(), proxies=2, slots=1) as home:
        home.proxies[0].nearer_db = 10
        async with (
            connect(home.radio.adapter, FIRST, WITHIN) as first,
            connect(home.radio.adapter, SECOND_BAND, WITHIN) as second,
        ):
            assert await first.read(BATTERY) == await second.read(BATTERY) == b"\x55"
            assert [[*each.links] for each in home.proxies] == [[number_of(FIRST)], [number_of(SECOND_BAND)]]


def paired(number: int, address: str) -> Band:
    return Band(BandId(number), f"band {number}", "plain", address, "Plain", False, False, False, START)


async def both_at_once(home: House) -> list[bytes]:
    radio, met = BleakRadio(home.radio), asyncio.Barrier(2)

    async def told(band: Band) -> bytes:
        async with radio.reach(band) as connection, asyncio.timeout(10):
            await met.wait()
            return await connection.read(BATTERY)

    return [*await asyncio.gather(told(paired(1, FIRST)), told(paired(2, SECOND_BAND)))]


@pytest.mark.parametrize("local", [False, True])
async def test_the_service_connects_to_two_bands_at_once(local: bool) -> None:
    async with house(PlainBand(), PlainBand(), local=local) as home:
        home.proxy.nearer_db = -10
        await until(lambda: len(home.radio.adapter.proxies.ways(SECOND_BAND)) > 0)  # type: ignore[union-attr]
        assert await both_at_once(home) == [b"\x55", b"\x55"]
        assert home.proxy.most_links == (1 if local else 2)


async def test_a_proxy_is_added_and_taken_away_while_the_service_runs() -> None:
    async with built([PlainBand()], 2) as (air, (first, second)), opened(RadioSettings(), air.adapter) as radio:
        service = BleakRadio(radio)
        assert radio.adapter.proxies is None
        radio.use(RadioSettings("", False, (first.settings(),)))
        await until(lambda: radio.troubles() == [])
        async with service.reach(paired(1, FIRST)) as connection:
            radio.use(RadioSettings("", False, (first.settings(), second.settings())))
            await until(lambda: radio.troubles() == [])
            assert await connection.read(BATTERY) == b"\x55"
            radio.use(RadioSettings("", False, (second.settings(),)))
            async with asyncio.timeout(20):
                await connection.lost.wait()
        radio.use(RadioSettings())
        assert radio.adapter.proxies is None
        assert await battery(radio) == b"\x55"


# ---------------------------------------------------------------- what wants a bond, and what is small


async def test_a_bond_that_is_wanted_by_proxy_is_named_with_what_to_do() -> None:
    async with house(PlainBand(), bond=Bond()) as home:
        async with connect(home.radio.adapter, FIRST, WITHIN) as connection:
            for request in (connection.read(BATTERY), connection.write(WRITE, b"x", response=True), connection.bond()):
                with pytest.raises(NotBonded) as caught:
                    await request
                assert f'add bands = ["{FIRST}"] to that proxy in the settings and pair again' in str(caught.value)
        assert home.proxy.asked["BluetoothDeviceRequest"] == 2, "no bond was asked for"


async def test_a_band_that_is_fixed_to_a_proxy_is_bonded_there_and_reached_there_alone() -> None:
    async with house(PlainBand(), proxies=2, local=True, bond=Bond(), changed=({}, {"bands": (FIRST,)})) as home:
        home.proxies[0].nearer_db = 20
        for _ in range(2):
            assert await battery(home.radio, FIRST.lower()) == b"\x55"
        assert not used(home.proxies[0])
        await home.proxies[1].die()
        await until(lambda: home.radio.troubles() != [])
        with pytest.raises(NotHeard) as caught:
            async with connect(home.radio.adapter, FIRST, SOON):
                pytest.fail("connected")
        assert "the settings let it be reached by kitchen alone. kitchen: " in one_line(str(caught.value))


async def test_a_band_that_shows_a_passkey_cannot_be_bonded_by_proxy() -> None:
    async with house(PlainBand(), bond=Bond(), changed=({"bands": (FIRST,)},)) as home:
        home.proxy.bonds = False
        with pytest.raises(NotAuthorised, match="a proxy can only do so without a passkey"):
            await battery(home.radio)


async def test_a_bond_that_is_not_good_enough_for_the_band_is_told_once() -> None:
    band = PlainBand()
    band.values[BATTERY_SERVICE, BATTERY] = Refused(0x05)
    async with house(band, changed=({"bands": (FIRST,)},)) as home:
        with pytest.raises(NotAuthorised, match="a proxy can only do so without a passkey"):
            await battery(home.radio)
        assert band.reads == [BATTERY, BATTERY]


async def test_a_proxy_that_cannot_bond_at_all_says_so() -> None:
    features = int(OLDER & ~Feature.PAIRING)
    async with house(PlainBand(), bond=Bond(), features=features, changed=({"bands": (FIRST,)},)) as home:
        with pytest.raises(NotAuthorised, match=r"bedroom cannot bond: its ESPHome is older than 2024\.3"):
            await battery(home.radio)


async def test_a_band_that_is_bonded_with_this_computer_is_left_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def bonded(address: str) -> bool:
        return address == FIRST

    async def none(*_: object) -> list[NearbyDevice]:
        return []

    monkeypatch.setattr("hipsync.radio.bluez.bonded", bonded)
    monkeypatch.setattr(Adapter, "on_system", property(lambda adapter: adapter.local))
    monkeypatch.setattr("hipsync.radio.scan._connected_devices", none)
    monkeypatch.setattr("hipsync.radio.connect.close_stale_connections_by_address", none)
    async with house(PlainBand(), PlainBand(), local=True) as home:
        by = {address: await usable(home.radio.adapter, address) for address in (FIRST, SECOND_BAND)}
        own = BLEDevice(FIRST, None, None)
        room = BLEDevice(FIRST, None, {"proxy": "bedroom"})
        assert [may(device) for may in by.values() for device in (own, room)] == [True, False, True, True]
        monkeypatch.setattr(home.radio.adapter.scanner, "start", none)  # out of reach of this computer
        with pytest.raises(NotHeard, match=r"it is bonded with this computer, so that no proxy can reach it$"):
            async with connect(home.radio.adapter, FIRST, SOON):
                pytest.fail("connected")
        assert not used(home.proxy)


async def test_a_small_mtu_is_kept_to() -> None:
    async with house(PlainBand()) as home:
        home.proxy.mtu = 23
        async with connect(home.radio.adapter, FIRST, WITHIN) as connection:
            assert connection.write_size == 20
        home.proxy.mtu = None
        async with connect(home.radio.adapter, FIRST, WITHIN) as connection:
            assert connection.write_size == 244, "what was agreed earlier does not count"
        assert home.proxy.asked["BluetoothGATTGetServicesRequest"] == 2, "nor do the services"

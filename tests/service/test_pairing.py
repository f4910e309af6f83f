"""Pairing: which band is meant, whether it is one that is known already, and what asks for a bond."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from bleak.backends.device import BLEDevice

from hipsync.cli.app import App
from hipsync.cli.pairing import Wanted, choice, pair_seen
from hipsync.conversation.session import Conversation
from hipsync.driver import Advertisement
from hipsync.errors import ConfigError, LinkLost, NoReply, NotAuthorised, NotBonded
from hipsync.host.clock import FastClock
from hipsync.model import Info
from hipsync.radio.connect import connect
from hipsync.radio.scan import NearbyDevice, scan
from hipsync.radio.simulation import Bond, simulated_radio
from hipsync.registry import drivers
from hipsync.simulated import SimulatedBand
from hipsync.store import Store
from hipsync.store.keys import KeyFile
from hipsync.testing.direct import run
from hipsync_devices.huami.sim import MiBand
from hipsync_devices.infinitime.sim import PineTime
from support.plain_band import BATTERY, FIRST, SECOND_BAND, PlainBand

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
ZONE = ZoneInfo("Europe/London")
KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
LIMIT = timedelta(seconds=30)
SERIAL_NUMBER = "00002a25-0000-1000-8000-00805f9b34fb"
HEART_RATE = "0000180d-0000-1000-8000-00805f9b34fb"


def seen(name: str, *services: str, rssi_dbm: int | None = -60) -> NearbyDevice:
    return NearbyDevice(name, rssi_dbm, Advertisement(name, frozenset(services)), BLEDevice(name, name, None))


def test_a_sensor_of_the_standard_is_no_rival_of_a_band() -> None:
    strap, watch, lamp = seen("Strap", HEART_RATE), seen("InfiniTime", HEART_RATE), seen("Lamp")
    assert choice([strap, lamp, watch], drivers()) == [watch]
    assert choice([strap, lamp], drivers()) == [strap]
    assert choice([lamp], drivers()) == []
    other = seen("Mi Smart Band 5", rssi_dbm=None)
    assert choice([watch, strap, other], drivers()) == [watch, other]


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("banglejs", "Bangle.js a1b2", ["Android Integration", "Health Tracking", "passkey"]),
        ("infinitime", "InfiniTime", ["neither a key nor a bond"]),
        ("fitpro", "LH716", ["needs no key", "press the button"]),
        ("moyoung", "P8", ["needs no key", "Da Fit"]),
        ("sig", "Strap", ["Wear it"]),
        ("huami", "Mi Band 3", ["tap it when it vibrates", "paired with it again"]),
        ("huami", "Mi Smart Band 5", ["32 hexadecimal digits", "maker's app", "huami-token", "makes the key invalid"]),
    ],
)
def test_who_pairs_is_told_what_the_family_needs_in_lines_that_fit(
    kind: str, name: str, words: Sequence[str], home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    """The connection is refused: what is told comes before it."""
    moyoung = "0000feea-0000-1000-8000-00805f9b34fb"
    device = seen(name, *{"sig": [HEART_RATE], "moyoung": [moyoung]}.get(kind, []))

    async def story(clock: FastClock) -> None:
        async with simulated_radio([], now=clock.now) as simulated:
            with home.app.open_store() as store:
                wanted = Wanted(device.address, None, None, None)
                await pair_seen(home.app, store, simulated.adapter, device, wanted, drivers(), None)

    with pytest.raises((NoReply, ConfigError)) as caught:
        run(story, START)
    assert (type(caught.value) is ConfigError) == (name == "Mi Smart Band 5"), caught.value
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= 80, told
    for word in words:
        assert word in " ".join(told.split()), told


# ------------------------------------------------------------------ the same band by another address


class Home:
    """Pairs simulated bands as if they were real, each at its address."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TZ", "Europe/London")
        self.app = App()
        self.app.db_path = folder / "hipsync.db"
        self.key = folder / "key"

    def pair(
        self,
        band: SimulatedBand,
        address: str,
        *,
        key: bytes | None = KEY,
        again: bool = False,
        name: str | None = None,
    ) -> None:
        if key is not None:
            self.key.write_text(key.hex())
            self.key.chmod(0o600)
        wanted = Wanted(address, name, None, None if key is None else self.key, again)

        async def story(clock: FastClock) -> None:
            self.app.now = clock.now
            async with simulated_radio([band], now=clock.now, addresses=[address]) as simulated:
                found = next(each for each in await scan(simulated.adapter, 2) if each.address == address)
                with self.app.open_store() as store:
                    await pair_seen(self.app, store, simulated.adapter, found, wanted, drivers(), None)

        run(story, START)

    def bands(self) -> Sequence[tuple[str, str | None]]:
        with Store.read(self.app.database) as store:
            return [(band.name, band.address) for band in store.bands()]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    return Home(tmp_path, monkeypatch)


def mi_band(key: bytes = KEY) -> MiBand:
    return MiBand([], now=START, zone=ZONE, secret=key)


class Anonymous(MiBand):
    """A band with a serial number that is none."""

    serial = b""

    def read(self, characteristic: str, service: str, now: datetime) -> bytes:
        told = super().read(characteristic, service, now)
        return self.serial if characteristic == SERIAL_NUMBER else told


def watch() -> PineTime:
    return PineTime([], now=START, zone=ZONE)


def test_a_band_that_takes_a_known_band_s_key_is_that_band(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    home.pair(mi_band(), FIRST, name="left")
    with Store.open(home.app.database) as store:
        band = store.bands()[0]
        store.append(band.id, [Info(START + timedelta(days=1), serial="another")])  # the key alone must do
    home.pair(mi_band(), SECOND_BAND)
    assert home.bands() == [("left", SECOND_BAND)]
    assert "This is 'left', by another address: what it told goes on." in capsys.readouterr().out


def test_a_band_with_a_known_band_s_serial_is_that_band_and_has_its_new_key(home: Home) -> None:
    home.pair(mi_band(), FIRST, name="left")
    home.pair(mi_band(KEY[::-1]), SECOND_BAND, key=KEY[::-1])
    assert home.bands() == [("left", SECOND_BAND)]
    with Store.read(home.app.database) as store:
        assert KeyFile(home.app.database.with_name("keys.json")).secret(store.bands()[0]) == KEY[::-1]


@pytest.mark.parametrize("serial", ["000000000000", "0", "", "0123456789"])
def test_a_serial_that_many_have_proves_nothing(home: Home, serial: str) -> None:
    band = Anonymous([], now=START, zone=ZONE, secret=KEY), Anonymous([], now=START, zone=ZONE, secret=KEY[::-1])
    for each in band:
        each.serial = serial.encode()
    home.pair(band[0], FIRST, name="left")
    home.pair(band[1], SECOND_BAND, key=KEY[::-1], name="right")
    assert home.bands() == [("left", FIRST), ("right", SECOND_BAND)]


def test_a_name_alone_proves_nothing_unless_the_user_says_so(home: Home) -> None:
    home.pair(watch(), FIRST, key=None, name="mine")
    home.pair(watch(), SECOND_BAND, key=None)
    assert home.bands() == [("mine", FIRST), ("InfiniTime", SECOND_BAND)]
    home.pair(watch(), "C0:00:00:00:00:03", key=None, again=True, name="mine")
    assert home.bands() == [("mine", "C0:00:00:00:00:03"), ("InfiniTime", SECOND_BAND)]


def test_pairing_again_keeps_the_band_and_another_kind_is_refused(home: Home) -> None:
    home.pair(watch(), FIRST, key=None, name="mine")
    with pytest.raises(ConfigError, match=f"{FIRST} is paired already, as 'mine'"):
        home.pair(watch(), FIRST, key=None)
    home.pair(watch(), FIRST, key=None, again=True)
    assert home.bands() == [("mine", FIRST)]
    with pytest.raises(ConfigError, match="'mine' is a band of kind 'infinitime', and this one is of kind 'huami'"):
        home.pair(mi_band(), SECOND_BAND, again=True, name="mine")
    assert home.bands() == [("mine", FIRST)]


def test_a_wrong_key_leaves_nothing(home: Home) -> None:
    with pytest.raises(NotAuthorised, match="nothing was written down"):
        home.pair(mi_band(), FIRST, key=KEY[::-1])
    assert home.bands() == []
    assert not home.app.database.with_name("keys.json").exists()


# ------------------------------------------------------------------ a band that wants a bond


@pytest.mark.parametrize("bonds", [True, False])
def test_a_band_that_wants_a_bond_is_bonded_once_somebody_may(bonds: bool) -> None:
    async def story(clock: FastClock) -> None:
        async with (
            simulated_radio([PlainBand()], now=clock.now, bond=Bond()) as simulated,
            connect(simulated.adapter, FIRST, LIMIT) as connection,
        ):
            link = Conversation(connection, zone=ZONE, now=clock.now, bonds=bonds).view()
            if bonds:
                assert await link.read(BATTERY) == b"\x55"
                return
            with pytest.raises(NotBonded, match=f"0x0f .*`hipsync pair {FIRST} --again` bonds it anew"):
                await link.read(BATTERY)

    run(story, START)


class Refusing:
    """A connection that goes on wanting a bond, and counts what is asked of it."""

    def __init__(self, fails: Exception) -> None:
        self.lost, self.write_size = asyncio.Event(), 20
        self.reads = self.bonds = 0
        self.fails = fails

    def has(self, characteristic: str, service: str | None = None) -> bool:
        return True

    async def read(self, characteristic: str, service: str | None = None) -> bytes:
        self.reads += 1
        raise self.fails

    async def write(self, characteristic: str, data: bytes, response: bool, service: str | None = None) -> None:
        raise self.fails

    async def start_notify(self, characteristic: str, callback: object) -> None:
        raise self.fails

    async def stop_notify(self, characteristic: str) -> None:
        raise self.fails

    async def bond(self) -> None:
        self.bonds += 1


@pytest.mark.parametrize(
    ("fails", "reads", "bonds"), [(NotBonded("no"), 3, 1), (NotAuthorised("no"), 2, 0), (LinkLost("no"), 2, 0)]
)
async def test_a_bond_is_made_once_and_for_nothing_else(fails: Exception, reads: int, bonds: int) -> None:
    connection = Refusing(fails)
    link = Conversation(connection, zone=ZONE, now=lambda: START, bonds=True).view()
    for _ in range(2):
        with pytest.raises(type(fails)):
            await link.read(BATTERY)
    assert (connection.reads, connection.bonds) == (reads, bonds)

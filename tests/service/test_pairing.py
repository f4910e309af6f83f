"""Pairing with a scripted person: no terminal, no click. Which band is meant, and is it one that is already stored?"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from bleak.backends.device import BLEDevice

from hipsync.conversation.dialogue import dialogue
from hipsync.driver import Abilities, Advertisement, Driver, Link, Session
from hipsync.errors import ConfigError, DeviceError, NoReply, NotAuthorised
from hipsync.host.clock import FastClock
from hipsync.model import MINUTE, Counter, Epoch, Info, Reading, Wear
from hipsync.office_day import office_day, office_days
from hipsync.radio.first_meeting import FirstMeeting, FirstMeetings
from hipsync.radio.scan import Adapter, NearbyDevice
from hipsync.radio.simulation import simulated_radio
from hipsync.registry import drivers
from hipsync.service.pairing import Pairing
from hipsync.service.pairing_ports import InReach, PairingRadio
from hipsync.service.which_band import Newcomer, Wanted, proven_band, recognised, simulated_address
from hipsync.simulated import SimulatedBand
from hipsync.store import Store
from hipsync.store.keys import KeyFile
from hipsync.testing.direct import DirectConnection, MemoryStore, conversation, run
from hipsync_devices.garmin.sim import GarminWatch
from hipsync_devices.huami.sim import MiBand
from hipsync_devices.huami.sim_2021 import MiBand7
from hipsync_devices.infinitime.sim import PineTime
from support.person import Nobody
from support.plain_band import FIRST, SECOND_BAND

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
ZONE = ZoneInfo("Europe/London")
KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
SERIAL_NUMBER = "00002a25-0000-1000-8000-00805f9b34fb"
HEART_RATE = "0000180d-0000-1000-8000-00805f9b34fb"
MOYOUNG = "0000feea-0000-1000-8000-00805f9b34fb"


@dataclass
class ScriptedPerson:
    """Gives one key and chooses the band of one address; without them, nobody can be asked."""

    key: bytes | None = None
    chooses: str | None = None
    lines: list[str] = field(default_factory=list[str])
    family: list[tuple[str, dict[str, str]]] = field(default_factory=list[tuple[str, dict[str, str]]])
    felt: list[bool] = field(default_factory=list[bool])
    calls_it: str = ""
    counts: list[int] = field(default_factory=list[int])
    offered: list[str] = field(default_factory=list[str])

    def show(self, line: str) -> None:
        self.lines.append(line)

    def show_family(self, name: str, lines: Iterable[tuple[str, str]]) -> None:
        self.family.append((name, dict(lines)))

    def show_step(self, line: str) -> None:
        self.lines.append(line)

    def show_count(self, epochs: int, of: int | None) -> None:
        self.counts.append(epochs)

    async def has_buzzed(self) -> bool | None:
        return self.felt.pop(0) if self.felt else None

    async def name_for(self, proposed: str) -> str:
        return self.calls_it or proposed

    async def choose(self, devices: Sequence[InReach]) -> InReach:
        self.offered = [device.address for device in devices]
        if self.chooses is None:
            raise ConfigError("nobody is here to choose")
        return next(device for device in devices if device.address == self.chooses)

    def given_key(self) -> bytes | None:
        return None

    async def ask_key(self) -> bytes:
        if self.key is None:
            raise ConfigError("nobody is here to give a key")
        return self.key


class DirectRadio:
    """The port `PairingRadio` to one band in reach, without Bluetooth in between."""

    def __init__(self, device: NearbyDevice, band: SimulatedBand | None, clock: FastClock) -> None:
        self._device, self._band, self._clock = device, band, clock
        self.cut_after: int | None = None
        """The link is lost before this notification after the log-in."""

    async def scan(self, seconds: float, enough: Callable[[NearbyDevice], bool]) -> Sequence[NearbyDevice]:
        return [self._device]

    async def forget(self, address: str) -> None:
        raise AssertionError("nothing is paired again here")

    @contextlib.asynccontextmanager
    async def meet(self, address: str, driver: Driver, session: Session) -> AsyncGenerator[FirstMeeting, None]:
        if self._band is None:
            raise NoReply("it does not let itself be connected to")
        connection, learnt = DirectConnection(self._band, self._clock.now), MemoryStore()
        async with dialogue(driver, conversation(connection, self._clock), session, learnt.commit) as talk:
            if self.cut_after is not None:
                connection.cut_after(self.cut_after)
            try:
                yield FirstMeeting(address, talk, learnt.readings)
            finally:
                connection.drop()


class Home:
    """Somebody's database and keys, and the bands that they pair there as if these were real."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "hipsync.db"
        self.keys = KeyFile(folder / "keys.json")
        self.person = ScriptedPerson()

    def pairing(self, radio: PairingRadio, clock: FastClock, simulated_key: bytes | None = None) -> Pairing:
        return Pairing(
            self.person, radio, drivers(), lambda: Store.open(self.database), self.keys, ZONE.key, clock.now,
            simulated_key,
        )  # fmt: skip

    def over_gatt(self, adapter: Adapter, clock: FastClock) -> Pairing:
        return self.pairing(FirstMeetings(adapter, Nobody(), ZONE, clock.now), clock)

    def pair(
        self,
        band: SimulatedBand,
        address: str,
        *,
        key: bytes | None = KEY,
        again: bool = False,
        name: str | None = None,
    ) -> None:
        """Pair a band, over GATT."""
        self.person = ScriptedPerson(key)

        async def story(clock: FastClock) -> None:
            async with simulated_radio([band], now=clock.now, addresses=[address]) as air:
                await self.over_gatt(air.adapter, clock).pair(Wanted(address, name, again=again))

        run(story, START)

    def bands(self) -> Sequence[tuple[str, str | None]]:
        with Store.read(self.database) as store:
            return [(band.name, band.address) for band in store.bands()]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def seen(name: str, *services: str, rssi_dbm: int | None = -60) -> NearbyDevice:
    return NearbyDevice(name, rssi_dbm, Advertisement(name, frozenset(services)), BLEDevice(name, name, None))


# ------------------------------------------------------------------ which band is meant


def test_a_sensor_of_the_standard_is_no_rival_of_a_band() -> None:
    strap, watch, lamp = seen("Strap", HEART_RATE), seen("InfiniTime", HEART_RATE), seen("Lamp")
    assert recognised([strap, lamp, watch], drivers()) == [watch]
    assert recognised([strap, lamp], drivers()) == [strap]
    assert recognised([lamp], drivers()) == []
    other = seen("Mi Smart Band 5", rssi_dbm=None)
    assert recognised([watch, strap, other], drivers()) == [watch, other]


def test_of_several_bands_the_person_chooses_one(home: Home) -> None:
    """A band is paired from the first scan to the data in the database by nothing but a script."""
    day = office_day(START.date() - timedelta(days=1), ZONE)
    band = MiBand(day, now=START, zone=ZONE, secret=KEY)
    bands: Sequence[SimulatedBand] = [PineTime([], now=START, zone=ZONE), band]
    home.person = ScriptedPerson(KEY, chooses=SECOND_BAND)

    async def story(clock: FastClock) -> None:
        async with simulated_radio(bands, now=clock.now, addresses=[FIRST, SECOND_BAND]) as air:
            paired = await home.over_gatt(air.adapter, clock).pair(Wanted(name="left"))
            assert (paired.name, paired.address, paired.driver) == ("left", SECOND_BAND, "huami")

    run(story, START)
    assert sorted(home.person.offered) == [FIRST, SECOND_BAND]
    assert home.bands() == [("left", SECOND_BAND)]
    with Store.read(home.database) as store:
        (paired,) = store.bands()
        stored = {epoch.start: epoch.steps for epoch in store.epochs(paired.id, day[0].start, day[-1].end)}
        assert home.keys.secret(paired) == KEY
    assert stored == {epoch.start: epoch.steps for epoch in day}
    assert home.person.counts[-1] >= len(day)
    assert [each.text for each in band.shown if each.text] == ["hipsync paired"], "it was not buzzed"
    assert home.person.lines[-3:] == [
        "Connected, and the key is right",
        "Clock set",
        f"Saved {home.person.counts[-1]:,} minutes, Sun 1 to Mon 2 Mar",
    ]
    ((name, told),) = home.person.family
    assert name == "Mi Smart Band 5"
    assert told["Keeps"].startswith("every minute")
    assert told["Needs"].startswith("its key")
    assert told["First"].startswith("turn off Bluetooth on your phone")


@pytest.mark.parametrize(
    ("felt", "buzzes", "said"), [([True], 1, False), ([False, True], 2, False), ([False, False], 2, True)]
)
def test_who_felt_nothing_is_buzzed_once_more_and_told_what_follows(
    home: Home, felt: list[bool], buzzes: int, said: bool
) -> None:
    band = PineTime([], now=START, zone=ZONE)
    home.person = ScriptedPerson(felt=felt, calls_it="desk")

    async def story(clock: FastClock) -> None:
        async with simulated_radio([band], now=clock.now, addresses=[FIRST]) as air:
            await home.over_gatt(air.adapter, clock).pair(Wanted())

    run(story, START)
    assert len(band.shown) == buzzes
    assert ("Reminders will come on this computer only." in home.person.lines) is said
    assert home.bands() == [("desk", FIRST)]
    assert "This band keeps no history. Leave hipsync running: `hipsync service install`." in home.person.lines


def test_what_a_band_dates_ahead_at_its_first_meeting_is_left_out(home: Home) -> None:
    """Its clock was wrong until it was set just now."""

    async def sync(link: Link, session: Session) -> AsyncGenerator[Sequence[Reading], None]:
        yield [Epoch(START + timedelta(minutes=at), MINUTE, 7) for at in (-60, 60)]

    async def log_in(link: Link, session: Session) -> Sequence[Reading]:
        return [Counter(START + timedelta(days=at), 1000) for at in (0, 2)]

    known = drivers()
    wrong = replace(known["infinitime"], open=log_in, sync=sync)

    async def story(clock: FastClock) -> None:
        async with simulated_radio([PineTime([], now=START, zone=ZONE)], now=clock.now, addresses=[FIRST]) as air:
            pairing = replace(home.over_gatt(air.adapter, clock), drivers={**known, "infinitime": wrong})
            await pairing.pair(Wanted(FIRST))

    run(story, START)
    with Store.read(home.database) as store:
        (band,) = store.bands()
        days = START - timedelta(days=9), START + timedelta(days=9)
        assert [epoch.start for epoch in store.epochs(band.id, *days)] == [START - timedelta(hours=1)]
        assert [counter.at for counter in store.counters(band.id, *days)] == [START]


def test_a_first_meeting_waits_as_long_as_was_meant_whoever_sets_the_clock() -> None:
    """The watch says nothing for 20 s, and the computer's clock is put back by an hour meanwhile."""
    waited: list[timedelta] = []

    async def story(clock: FastClock) -> None:
        began = clock.now()

        def computer() -> datetime:
            return clock.now() - (timedelta(hours=1) if clock.now() > began + timedelta(seconds=20) else timedelta())

        async def log_in(link: Link, session: Session) -> Sequence[Reading]:
            until = link.now() + timedelta(seconds=30)
            while link.now() < until:
                await link.pause(timedelta(seconds=1))
            waited.append(clock.now() - began)
            return []

        watch = replace(drivers()["infinitime"], open=log_in)
        async with simulated_radio([PineTime([], now=START, zone=ZONE)], now=clock.now, addresses=[FIRST]) as air:
            meetings = FirstMeetings(air.adapter, Nobody(), ZONE, computer, asyncio.get_running_loop().time)
            async with meetings.meet(FIRST, watch, Session()):
                pass

    run(story, START)
    assert waited[0] < timedelta(seconds=40)


def test_where_nobody_can_choose_nothing_is_stored(home: Home) -> None:
    bands = [PineTime([], now=START, zone=ZONE), PineTime([], now=START, zone=ZONE)]

    async def story(clock: FastClock) -> None:
        async with simulated_radio(bands, now=clock.now, addresses=[FIRST, SECOND_BAND]) as air:
            await home.over_gatt(air.adapter, clock).pair(Wanted())

    with pytest.raises(ConfigError, match="nobody is here to choose"):
        run(story, START)
    assert not home.database.exists()


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (Wanted("C0:00:00:00:00:09"), "C0:00:00:00:00:09 does not answer"),
        (Wanted(), "No band found"),
        (Wanted("Lamp"), "no driver takes Lamp: name one with --driver"),
    ],
)
def test_what_is_not_there_or_no_band_is_not_paired(wanted: Wanted, why: str, home: Home) -> None:
    async def story(clock: FastClock) -> None:
        await home.pairing(DirectRadio(seen("Lamp"), None, clock), clock).pair(wanted)

    with pytest.raises((DeviceError, ConfigError), match=why):
        run(story, START)


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("banglejs", "Bangle.js a1b2", ["Android Integration", "Health Tracking", "passkey"]),
        ("infinitime", "InfiniTime", ["neither a key nor a bond"]),
        ("fitpro", "LH716", ["needs no key", "press the button"]),
        ("moyoung", "P8", ["needs no key", "Da Fit"]),
        ("sig", "Strap", ["Wear it"]),
        ("huami", "Mi Band 3", ["a tap", "paired again"]),
        ("huawei", "HUAWEI Band 10-A1B", ["release it from its phone first", "tap yes"]),
        ("huami", "Mi Smart Band 5", ["32 letters and digits", "hipsync pair --help-key"]),
    ],
)
def test_who_pairs_reads_what_the_family_needs_before_the_connection(
    kind: str, name: str, words: Sequence[str], home: Home
) -> None:
    device = seen(name, *{"sig": [HEART_RATE], "moyoung": [MOYOUNG]}.get(kind, []))

    async def story(clock: FastClock) -> None:
        await home.pairing(DirectRadio(device, None, clock), clock).pair(Wanted(device.address))

    with pytest.raises((NoReply, ConfigError)) as caught:
        run(story, START)
    assert (type(caught.value) is ConfigError) == (name == "Mi Smart Band 5"), caught.value
    ((_, lines),) = home.person.family
    told = " ".join(lines.values())
    assert [word for word in words if word not in told] == []
    assert "turn off Bluetooth on your phone" in told


# ------------------------------------------------------------------ what is stored, and when


def test_a_first_fetch_that_breaks_off_leaves_the_band_paired_with_what_came(home: Home) -> None:
    life = office_days(START.date() - timedelta(days=7), 7, ZONE)
    band = MiBand(life, now=START, zone=ZONE, secret=KEY)
    home.person = ScriptedPerson(KEY)

    async def story(clock: FastClock) -> None:
        radio = DirectRadio(seen("Mi Smart Band 5"), band, clock)
        radio.cut_after = 1500
        await home.pairing(radio, clock).pair(Wanted(name="left"))

    with pytest.raises(DeviceError, match=r"^paired as 'left', but .*: `hipsync sync` fetches the rest$"):
        run(story, START)
    with Store.read(home.database) as store:
        (stored,) = store.bands()
        (attempt,) = store.syncs(stored.id)
        assert home.keys.secret(stored) == KEY
        epochs = list(store.epochs(stored.id, life[0].start, life[-1].end))
        assert attempt.error is not None
        assert 0 < attempt.epochs == len(epochs) < len(life)


def test_a_simulated_band_is_stored_as_one_with_the_key_that_it_was_made_with(home: Home) -> None:
    band = MiBand([], now=START, zone=ZONE, secret=KEY)

    async def story(clock: FastClock) -> None:
        await home.pairing(DirectRadio(seen("Mi Smart Band 5"), band, clock), clock, KEY).pair(Wanted(kind="huami"))

    run(story, START)
    with Store.read(home.database) as store:
        (stored,) = store.bands()
        assert stored.simulated
        assert home.keys.secret(stored) == KEY
    ((_, told),) = home.person.family
    assert "First" not in told, "no phone has it"


def test_a_simulated_band_gets_its_own_address_again_or_the_first_free_one(home: Home) -> None:
    with Store.open(home.database) as store:
        assert simulated_address(store.bands(), "huami") == "C0:00:00:00:00:01"
        store.add_band(name="one", driver="colmi", address="C0:00:00:00:00:01", simulated=True, now=START)
        store.add_band(name="three", driver="huami", address="C0:00:00:00:00:03", simulated=True, now=START)
        assert simulated_address(store.bands(), "colmi") == "C0:00:00:00:00:01"
        assert simulated_address(store.bands(), "lefun") == "C0:00:00:00:00:02"


# ------------------------------------------------------------------ the same band by another address


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


def test_a_band_that_takes_a_known_band_s_key_is_that_band(home: Home) -> None:
    home.pair(mi_band(), FIRST, name="left")
    with Store.open(home.database) as store:
        band = store.bands()[0]
        store.append(band.id, [Info(START + timedelta(days=1), serial="another")])  # the key alone must do
    home.pair(mi_band(), SECOND_BAND)
    assert home.bands() == [("left", SECOND_BAND)]
    assert "This is 'left' with a new address. Its data continue." in home.person.lines


def test_a_band_with_a_known_band_s_serial_is_that_band_and_has_its_new_key(home: Home) -> None:
    home.pair(mi_band(), FIRST, name="left")
    home.pair(mi_band(KEY[::-1]), SECOND_BAND, key=KEY[::-1])
    assert home.bands() == [("left", SECOND_BAND)]
    with Store.read(home.database) as store:
        assert home.keys.secret(store.bands()[0]) == KEY[::-1]


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
    with pytest.raises(ConfigError, match="'mine' is already paired"):
        home.pair(watch(), FIRST, key=None)
    home.pair(watch(), FIRST, key=None, again=True)
    assert home.bands() == [("mine", FIRST)]
    with pytest.raises(ConfigError, match="'mine' is a band of kind 'infinitime', and this one is of kind 'huami'"):
        home.pair(mi_band(), SECOND_BAND, again=True, name="mine")
    assert home.bands() == [("mine", FIRST)]


@pytest.mark.parametrize(
    ("bands", "same"),
    [(["real"], True), (["real", "real"], False), (["simulated"], False), (["simulated", "real"], True)],
)
def test_one_real_band_alone_is_proven_by_a_serial_number(bands: Sequence[str], same: bool, home: Home) -> None:
    with Store.open(home.database) as store:
        for number, sort in enumerate(bands):
            band = store.add_band(
                name=f"{sort} {number}",
                driver="huami",
                address=f"C0:{number}",
                simulated=sort == "simulated",
                now=START,
            )
            store.append(band.id, [Info(START, serial="31337-XYZZY")])
        said = [Info(START, serial="31337-XYZZY")]
        newcomer = Newcomer(drivers()["huami"], Advertisement("Mi Band 3"), SECOND_BAND, KEY, said, simulated=False)
        found = proven_band(store, home.keys, newcomer)
    assert (found is not None) == same
    assert found is None or found.name.startswith("real")


def test_a_band_that_was_removed_without_its_data_is_the_same_when_it_is_paired_once_more(home: Home) -> None:
    home.pair(mi_band(), FIRST, name="mine")
    with Store.open(home.database) as store:
        (band,) = store.bands()
        store.forget(band.id, START, with_data=False)
    assert home.bands() == [("mine", None)]
    home.pair(mi_band(), FIRST)
    assert home.bands() == [("mine", FIRST)], "two bands of one identity cannot be told apart by another computer"


def test_a_wrong_key_leaves_nothing(home: Home) -> None:
    with pytest.raises(NotAuthorised, match="nothing was written down"):
        home.pair(mi_band(), FIRST, key=KEY[::-1])
    assert home.bands() == []
    assert not home.keys.path.exists()


# ------------------------------------------------------------------ what hipsync knows and does not drive


def of_name(name: str, *services: str) -> NearbyDevice:
    return NearbyDevice(FIRST, -60, Advertisement(name, frozenset(services)), BLEDevice(FIRST, name, None))


def test_a_known_model_that_no_driver_takes_is_named_with_the_reason_and_what_to_do(home: Home) -> None:
    async def story(clock: FastClock) -> None:
        radio = DirectRadio(of_name("HUAWEI WATCH GT 4-A1B"), None, clock)
        with pytest.raises(DeviceError, match="No band found"):
            await home.pairing(radio, clock).pair(Wanted())
        with pytest.raises(ConfigError, match="HUAWEI WATCH GT 4-A1B: not reachable over Bluetooth LE: import from"):
            await home.pairing(radio, clock).pair(Wanted(FIRST))
        strap = DirectRadio(of_name("HUAWEI WATCH GT 4-A1B", HEART_RATE), None, clock)
        with pytest.raises(ConfigError, match="`--driver sig` takes only what it broadcasts"):
            await home.pairing(strap, clock).pair(Wanted(FIRST))

    run(story, START)
    told = [line for line in home.person.lines if not line.startswith("Looking")]
    why = "not reachable over Bluetooth LE: import from Gadgetbridge (`hipsync import gadgetbridge FILE`)"
    assert told == [f"HUAWEI WATCH GT 4-A1B: {why}"]


# ------------------------------------------------------------------ a watch that was paired as a strap


def zepp(life: Sequence[Epoch] = ()) -> MiBand7:
    return MiBand7(life, name="Amazfit Balance", now=START, zone=ZONE, secret=KEY)


def test_a_watch_that_was_paired_as_a_strap_moves_to_its_family_with_its_data(home: Home) -> None:
    """Its stored minutes come whole, though those of the strap are newer."""
    pulse = Epoch(START - MINUTE, MINUTE, 0, heart_rate=61)
    with Store.open(home.database) as store:
        band = store.add_band(
            name="watch", driver="sig", address=FIRST, advertised_name="Amazfit Balance", now=START,
            vouches=True, reports_wear=True,
        )  # fmt: skip
        store.append(band.id, [pulse, Wear(START - MINUTE, True)])
    life = [Epoch(START - number * MINUTE, MINUTE, 7) for number in range(120, 60, -1)]
    home.pair(zepp(life), FIRST, again=True)
    with Store.read(home.database) as store:
        (moved,) = store.bands()
        assert (moved.id, moved.name, moved.driver) == (band.id, "watch", "huami")
        assert (moved.vouches, moved.reports_wear) == (True, True)
        found = store.epochs(band.id, START - timedelta(hours=3), START)
        assert [epoch.steps for epoch in found if epoch.start < pulse.start] == [7] * 60
        assert pulse in found
        assert store.wears(band.id, START - timedelta(hours=1), START) == [Wear(START - MINUTE, True)]
        assert home.keys.secret(moved) == KEY
    assert "'watch' is read as Mi Band 2-7, Amazfit bands and watches from now on. Its data stay." in (
        home.person.lines
    )


def test_only_a_strap_changes_its_family_and_only_at_its_own_address(home: Home) -> None:
    with Store.open(home.database) as store:
        store.add_band(name="strap", driver="sig", address=SECOND_BAND, advertised_name="Polar H10", now=START)
    with pytest.raises(ConfigError, match="'strap' is a band of kind 'sig', and this one is of kind 'huami'"):
        home.pair(zepp(), FIRST, again=True, name="strap")
    with pytest.raises(ConfigError, match="is already paired"):
        home.pair(zepp(), SECOND_BAND)
    with Store.read(home.database) as store:
        assert [(each.name, each.driver) for each in store.bands()] == [("strap", "sig")]


# ------------------------------------------------------------------ what the band itself can do


def test_what_a_band_shows_when_it_is_paired_is_kept_and_pairing_it_again_corrects_it(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A strap that said whether it was worn turns out to be a watch that does not say so, whatever was known before."""
    with Store.open(home.database) as store:
        store.add_band(
            name="watch", driver="sig", address=FIRST, advertised_name="v\u00edvosmart 5", now=START, reports_wear=True
        )
    monkeypatch.setattr("hipsync_devices.garmin.fit.is_available", lambda: False)
    found: list[tuple[Abilities | None, bool]] = []
    for _ in range(2):
        home.pair(GarminWatch([], now=START, zone=ZONE, secret=KEY), FIRST, again=True)
        with Store.read(home.database) as store:
            found += [(each.abilities, each.reports_wear) for each in store.bands()]
        monkeypatch.undo()
    less = Abilities(live=True, buzz=True, text=True, answers=True, battery=True)
    assert found == [(less, False), (replace(less, history=MINUTE, heart_rate=True), False)]

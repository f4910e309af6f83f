"""A pairing whose secret is born on the way, killed at any instant: the next one gets in, and nothing is left over."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from bleak.backends.device import BLEDevice

from hipsync.conversation.dialogue import dialogue
from hipsync.driver import Driver, Session
from hipsync.errors import ConfigError, NotAuthorised
from hipsync.host.clock import FastClock
from hipsync.model import Band
from hipsync.office_day import office_day
from hipsync.radio.first_meeting import FirstMeeting
from hipsync.radio.scan import NearbyDevice
from hipsync.service.pairing import TAP, TAPS_ITSELF, Pairing
from hipsync.service.pairing_ports import InReach
from hipsync.service.which_band import Wanted
from hipsync.store import Store
from hipsync.store.keys import Kept, KeyFile
from hipsync.testing import DirectConnection, MemoryStore, conversation, run
from hipsync.testing.pairing import Fate, Killed
from support.handles_band import DRIVER, TAPPED_AFTER, HandlesBand

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
ADDRESS, LASTING = "C8:0F:10:80:D0:21", "C8:0F:10:80:D0:22"


class Mortal(DirectConnection):
    """A connection whose end at hipsync dies when its fate says so."""

    fate = Fate()

    async def write(self, characteristic: str, data: bytes, response: bool, service: str | None = None) -> None:
        self.fate.step()
        await super().write(characteristic, data, response, service)


class Radio:
    """The port `PairingRadio` to one band, which reveals its permanent address when it is bonded."""

    def __init__(self, band: HandlesBand, clock: FastClock, fate: Fate) -> None:
        self._band, self._clock, self._fate = band, clock, fate
        self.lasting, self.bonded = ADDRESS, False

    async def scan(self, seconds: float, enough: Callable[[NearbyDevice], bool]) -> Sequence[NearbyDevice]:
        return [NearbyDevice(ADDRESS, -60, self._band.advertisement(), BLEDevice(ADDRESS, "Handles", None))]

    async def forget(self, address: str) -> None:
        """It has no bond to drop."""

    @contextlib.asynccontextmanager
    async def meet(self, address: str, driver: Driver, session: Session) -> AsyncGenerator[FirstMeeting, None]:
        connection, learnt = Mortal(self._band, self._clock.now), MemoryStore()
        connection.fate = self._fate
        try:
            async with dialogue(driver, conversation(connection, self._clock), session, learnt.commit) as talk:
                yield FirstMeeting(self.lasting, talk, learnt.readings, self.bonded)
        finally:
            connection.drop()


@dataclass
class Nobody:
    """A person who reads, and answers nothing."""

    lines: list[str] = field(default_factory=list[str])

    def show(self, line: str) -> None:
        self.lines.append(line)

    show_step = show

    def show_family(self, name: str, lines: Iterable[tuple[str, str]]) -> None:
        """It is not looked at."""

    def show_count(self, epochs: int, of: int | None) -> None:
        """It is not looked at."""

    async def has_buzzed(self) -> bool | None:
        return None

    async def name_for(self, proposed: str) -> str:
        return "mine"

    async def choose(self, devices: Sequence[InReach]) -> InReach:
        raise AssertionError

    def given_key(self) -> bytes | None:
        return None

    async def ask_key(self) -> bytes:
        raise ConfigError("nobody is here to give a key")


class Home:
    """A database, its keys, and one band that is paired there, perhaps several times."""

    def __init__(self, folder: Path, clock: FastClock) -> None:
        self.database, self.keys, self.clock = folder / "hipsync.db", KeyFile(folder / "keys.json"), clock
        self.person = Nobody()
        self.simulated_key: bytes | None = None
        life = office_day(START.date(), ZoneInfo("UTC"), seed=1)
        self.band = HandlesBand(life, now=START, zone=ZoneInfo("UTC"))

    async def pair(self, fate: Fate, *, again: bool = False, lasting: str = ADDRESS, bonded: bool = False) -> Band:
        radio = Radio(self.band, self.clock, fate)
        radio.lasting, radio.bonded = lasting, bonded
        pairing = Pairing(
            self.person, radio, {DRIVER.key: DRIVER}, lambda: Store.open(self.database), self.keys, "UTC",
            self.clock.now, self.simulated_key,
        )  # fmt: skip
        return await pairing.pair(Wanted(ADDRESS, again=again))


def test_it_gets_in_after_a_kill_at_any_instant_and_the_service_after_it(tmp_path: Path) -> None:
    async def whole(clock: FastClock) -> int:
        fate = Fate()
        (tmp_path / "whole").mkdir()
        await Home(tmp_path / "whole", clock).pair(fate)
        return fate.passed

    async def killed(clock: FastClock, instant: int) -> None:
        folder = tmp_path / str(instant)
        folder.mkdir()
        home = Home(folder, clock)
        with contextlib.suppress(Killed):
            await home.pair(Fate(instant))
        with Store.open(home.database) as store:
            paired = bool(store.bands())
        band = await home.pair(Fate(), again=paired)
        secret = home.keys.secret(band)
        assert secret is not None
        assert secret == home.keys.kept("handles", ADDRESS).secret
        link = conversation(DirectConnection(home.band, clock.now), clock)
        async with dialogue(DRIVER, link, Session(secret=secret), MemoryStore().commit) as talk:
            assert talk.abilities.live

    for instant in range(run(whole, START) + 1):
        run(partial(killed, instant=instant), START)


def test_the_person_is_told_to_tap_when_the_band_asks_and_only_then(tmp_path: Path) -> None:
    async def story(clock: FastClock) -> None:
        home = Home(tmp_path, clock)
        await home.pair(Fate())
        assert home.person.lines.count(TAP) == 1
        assert home.person.lines.index(TAP) < home.person.lines.index("Connected")
        await home.pair(Fate(), again=True)
        assert home.person.lines.count(TAP) == 1, "the band knows us"
        assert clock.now() - START >= TAPPED_AFTER

    run(story, START)


def test_nobody_is_asked_to_tap_a_practice_band(tmp_path: Path) -> None:
    async def story(clock: FastClock) -> None:
        home = Home(tmp_path, clock)
        home.simulated_key = bytes(16)
        await home.pair(Fate())
        assert [line for line in home.person.lines if line.startswith(TAP)] == [TAPS_ITSELF]
        assert "practice band" in TAPS_ITSELF

    run(story, START)


def test_what_was_kept_goes_with_the_band_to_its_permanent_address_and_so_does_our_bond(tmp_path: Path) -> None:
    async def story(clock: FastClock) -> None:
        home = Home(tmp_path, clock)
        band = await home.pair(Fate(), lasting=LASTING, bonded=True)
        kept = home.keys.kept("handles", LASTING)
        assert (band.address, band.name) == (LASTING, "mine")
        assert kept.bond
        assert kept.secret is not None
        assert kept.secret == home.band.token
        assert home.keys.kept("handles", ADDRESS) == Kept()
        assert list(json.loads((tmp_path / "secrets.json").read_text())) == [f"handles {LASTING}"]
        assert not home.keys.path.exists()

    run(story, START)


def test_a_band_of_somebody_else_is_refused_and_nothing_is_written_down(tmp_path: Path) -> None:
    async def story(clock: FastClock) -> None:
        home = Home(tmp_path, clock)
        home.band = HandlesBand([], now=START, zone=ZoneInfo("UTC"), secret=b"somebody else's")
        with contextlib.suppress(NotAuthorised):
            await home.pair(Fate())
            raise AssertionError("it let us in")
        assert not home.keys.secrets_path.exists()
        with Store.open(home.database) as store:
            assert store.bands() == []

    run(story, START)

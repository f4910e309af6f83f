"""A first meeting while BlueZ asks for a bond: what becomes of the bond, and which error a person reads.

The band is simulated; BlueZ, its agent and its memory of bonds are stand-ins. `tests/bluez` has the real ones.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hipsync.driver import Abilities, Driver, Link, Session
from hipsync.errors import DeviceError, LinkLost, NoReply, NotAuthorised
from hipsync.host.clock import FastClock
from hipsync.model import Info, Reading
from hipsync.radio import first_meeting
from hipsync.radio.first_meeting import SETTLE_S, TAP_WITHIN_S, FirstMeeting, FirstMeetings
from hipsync.radio.simulation import SimulatedRadio
from support.person import Nobody
from support.plain_band import FIRST, SECOND, START, PlainBand, on_the_air

LASTING = "C0:00:00:00:00:07"
"""The address that the band reveals when it is bonded."""


class BlueZ:
    """Stands in for BlueZ and the agent that answers it."""

    def __init__(self) -> None:
        self.had_bond = self.asked = self.unanswered = False
        self.answered = asyncio.Event()
        self.has_bond = False
        self.dropped: list[str] = []

    async def made_a_bond(self) -> bool:
        return self.has_bond

    @contextlib.asynccontextmanager
    async def agent(self, address: str, person: object) -> AsyncGenerator[BlueZ, None]:
        yield self

    async def bonded(self, address: str) -> bool:
        return self.has_bond

    async def drop_bond(self, address: str) -> bool:
        self.dropped.append(address)
        return True

    async def identity(self, address: str) -> str:
        return LASTING if self.has_bond else address


@pytest.fixture
def bluez(monkeypatch: pytest.MonkeyPatch) -> BlueZ:
    stand_in = BlueZ()
    monkeypatch.setattr(first_meeting, "pairing_agent", stand_in.agent)
    for name in ("bonded", "drop_bond", "identity"):
        monkeypatch.setattr(first_meeting, name, getattr(stand_in, name))
    return stand_in


Attempt = Callable[[], Exception | None]


def driver(*attempts: Attempt) -> Driver:
    """A driver whose first log-in ends as the first attempt says, the second as the second."""
    left = list(attempts)

    async def log_in(link: Link, session: Session) -> Sequence[Reading]:
        error = left.pop(0)()
        if error is not None:
            raise error
        return [Info(link.now(), serial="SERIAL")]

    return Driver("plain", "Plain", Abilities(), lambda _: "none", lambda _: True, log_in)


def meeting(driver: Driver, monkeypatch: pytest.MonkeyPatch, *, fails: Exception | None = None) -> FirstMeeting:
    """What came of a first meeting on "the system's" radio; `fails` ends it after the log-in."""

    async def story(air: SimulatedRadio, clock: FastClock) -> FirstMeeting:
        monkeypatch.setattr(first_meeting, "SYSTEM_ADAPTER", air.adapter)
        meetings = FirstMeetings(air.adapter, Nobody(), ZoneInfo("Europe/London"), clock.now)
        async with meetings.meet(FIRST, driver, Session()) as met:
            if fails is not None:
                raise fails
        return met

    return on_the_air(story, PlainBand())


def works() -> None:
    return None


def refuses() -> Exception:
    return NotAuthorised("the band does not take the key")


def test_a_band_that_wants_no_bond_is_met_at_its_address(bluez: BlueZ, monkeypatch: pytest.MonkeyPatch) -> None:
    met = meeting(driver(works), monkeypatch)
    assert met.address == FIRST
    assert [reading.serial for reading in met.readings if isinstance(reading, Info)] == ["SERIAL"]
    assert bluez.dropped == []


@pytest.mark.parametrize(("old_bond", "dropped"), [(False, [FIRST]), (True, [])])
def test_a_log_in_that_fails_costs_a_new_bond_and_no_old_one(
    old_bond: bool, dropped: list[str], bluez: BlueZ, monkeypatch: pytest.MonkeyPatch
) -> None:
    bluez.had_bond = old_bond
    with pytest.raises(NotAuthorised, match=r"^the band does not take the key$"):
        meeting(driver(refuses), monkeypatch)
    assert bluez.dropped == dropped


def test_a_bond_that_came_meanwhile_earns_a_second_attempt(bluez: BlueZ, monkeypatch: pytest.MonkeyPatch) -> None:
    def bonds_and_hangs() -> Exception:
        bluez.has_bond = True
        return NoReply("BlueZ holds the answer back")

    met = meeting(driver(bonds_and_hangs, works), monkeypatch)
    assert met.address == LASTING
    assert bluez.dropped == []


def test_a_second_attempt_that_fails_too_is_the_last(bluez: BlueZ, monkeypatch: pytest.MonkeyPatch) -> None:
    bluez.has_bond = True
    with pytest.raises(NotAuthorised, match=r"^the band does not take the key$"):
        meeting(driver(refuses, refuses), monkeypatch)
    assert bluez.dropped == [FIRST]


@pytest.mark.parametrize(
    ("unanswered", "why"),
    [(True, f"nobody answered: give `hipsync pair {FIRST}` in a terminal"), (False, "the passkey was wrong")],
)
def test_a_passkey_that_was_wrong_or_not_given_is_named(
    unanswered: bool, why: str, bluez: BlueZ, monkeypatch: pytest.MonkeyPatch
) -> None:
    bluez.asked, bluez.unanswered = True, unanswered
    with pytest.raises(NotAuthorised, match=why):
        meeting(driver(refuses), monkeypatch)
    assert bluez.dropped == [FIRST]


@pytest.mark.parametrize(
    ("unanswered", "why"),
    [(True, f"nobody answered: give `hipsync pair {FIRST}` in a terminal"), (False, "the passkey was wrong")],
)
def test_a_log_in_that_needed_no_bond_counts_only_once_the_bond_is_made_that_was_asked_about(
    unanswered: bool, why: str, bluez: BlueZ, monkeypatch: pytest.MonkeyPatch
) -> None:
    bluez.asked, bluez.unanswered = True, unanswered
    with pytest.raises(NotAuthorised, match=why):
        meeting(driver(works), monkeypatch)
    assert bluez.dropped == [FIRST]


def test_a_bond_that_is_made_a_moment_after_the_log_in_is_waited_for(
    bluez: BlueZ, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asks() -> None:
        bluez.asked = True
        asyncio.get_running_loop().call_later(20, setattr, bluez, "has_bond", True)

    assert meeting(driver(asks), monkeypatch).address == LASTING
    assert bluez.dropped == []


def test_what_fails_after_the_log_in_leaves_the_bond_and_its_own_error(
    bluez: BlueZ, monkeypatch: pytest.MonkeyPatch
) -> None:
    bluez.asked = bluez.has_bond = True
    with pytest.raises(DeviceError, match=r"^it broke off$"):
        meeting(driver(works), monkeypatch, fails=DeviceError("it broke off"))
    assert bluez.dropped == []


@pytest.mark.parametrize(("unanswered", "waited_s"), [(False, SETTLE_S), (True, 0.0)])
def test_a_band_that_stays_silent_after_the_answer_is_waited_for_only_if_it_was_bonded(
    unanswered: bool, waited_s: float, bluez: BlueZ, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver waits for ever for a notification that BlueZ holds back."""
    began: list[FastClock] = []

    async def log_in(link: Link, session: Session) -> Sequence[Reading]:
        bluez.unanswered = unanswered
        bluez.answered.set()
        await asyncio.Event().wait()
        return []

    silent = Driver("plain", "Plain", Abilities(), lambda _: "none", lambda _: True, log_in)

    async def story(air: SimulatedRadio, clock: FastClock) -> timedelta:
        monkeypatch.setattr(first_meeting, "SYSTEM_ADAPTER", air.adapter)
        monkeypatch.setattr(first_meeting, "connect", connected)
        began.append(clock)
        with pytest.raises((NoReply, NotAuthorised)):
            async with FirstMeetings(air.adapter, Nobody(), ZoneInfo("UTC"), clock.now).meet(FIRST, silent, Session()):
                pytest.fail("met")
        return clock.now() - START

    @contextlib.asynccontextmanager
    async def connected(*_: object) -> AsyncGenerator[object, None]:
        yield Connected()

    assert on_the_air(story, PlainBand()).total_seconds() == pytest.approx(waited_s, abs=0.1)


@pytest.mark.parametrize(("taps", "waited_s"), [(True, SETTLE_S + TAP_WITHIN_S), (False, SETTLE_S)])
def test_a_band_that_waits_for_a_tap_is_given_the_time_for_it(
    taps: bool, waited_s: float, bluez: BlueZ, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The band was bonded, and then asks for a tap that nobody gives; the person is told at that moment."""
    told: list[datetime] = []

    async def log_in(link: Link, session: Session) -> Sequence[Reading]:
        bluez.answered.set()
        await link.pause(2 * SECOND)
        if taps:
            session.tap()
        await asyncio.Event().wait()
        return []

    patient = Driver("plain", "Plain", Abilities(), lambda _: "none", lambda _: True, log_in)

    async def story(air: SimulatedRadio, clock: FastClock) -> timedelta:
        monkeypatch.setattr(first_meeting, "SYSTEM_ADAPTER", air.adapter)
        session = Session(tap=lambda: told.append(clock.now()))
        meetings = FirstMeetings(air.adapter, Nobody(), ZoneInfo("UTC"), clock.now)
        began = clock.now()
        with pytest.raises((NoReply, NotAuthorised)):
            async with meetings.meet(FIRST, patient, session):
                pytest.fail("met")
        assert len(told) == int(taps)
        assert all(SECOND < at - began < 5 * SECOND for at in told), "at the moment at which the band asks"
        return clock.now() - began

    assert on_the_air(story, PlainBand()).total_seconds() == pytest.approx(waited_s, abs=2)


def test_a_second_log_in_goes_on_with_what_was_kept_in_the_first(bluez: BlueZ, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets: list[bytes | None] = []
    kept: list[bytes] = []

    async def keep(secret: bytes) -> None:
        kept.append(secret)

    async def log_in(link: Link, session: Session) -> Sequence[Reading]:
        secrets.append(session.secret)
        if session.secret is None:
            await session.keep(b"a token")
            bluez.has_bond = True
            raise LinkLost("it ended the connection when it was bonded")
        return []

    keeping = Driver("plain", "Plain", Abilities(), lambda _: "none", lambda _: True, log_in)

    async def story(air: SimulatedRadio, clock: FastClock) -> bool:
        monkeypatch.setattr(first_meeting, "SYSTEM_ADAPTER", air.adapter)
        meetings = FirstMeetings(air.adapter, Nobody(), ZoneInfo("UTC"), clock.now)
        async with meetings.meet(FIRST, keeping, Session(keep=keep)) as met:
            return met.bonded

    assert on_the_air(story, PlainBand()), "this meeting made the bond"
    assert (secrets, kept) == ([None, b"a token"], [b"a token"])


class Typing(Nobody):
    """A person who types a passkey after a while; None if never."""

    def __init__(self, passkey: int | None) -> None:
        self._passkey = passkey

    async def passkey(self) -> int | None:
        await asyncio.sleep(5 if self._passkey is not None else 3600)
        return self._passkey


@pytest.mark.parametrize(("typed", "waited_s"), [(42, 5.0), (None, 30.0)])
@pytest.mark.parametrize("is_systems", [True, False])
def test_a_driver_can_ask_for_the_digits_that_the_band_shows(
    typed: int | None, waited_s: float, is_systems: bool, bluez: BlueZ, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is asked by BlueZ is asked by the driver, too; one who types nothing is not waited for any longer."""
    told: list[tuple[int | None, float]] = []

    async def log_in(link: Link, session: Session) -> Sequence[Reading]:
        began = link.now()
        passkey = await session.passkey(30 * SECOND)
        told.append((passkey, (link.now() - began).total_seconds()))
        return []

    asking = Driver("plain", "Plain", Abilities(), lambda _: "none", lambda _: True, log_in)

    async def story(air: SimulatedRadio, clock: FastClock) -> None:
        if is_systems:
            monkeypatch.setattr(first_meeting, "SYSTEM_ADAPTER", air.adapter)
        async with FirstMeetings(air.adapter, Typing(typed), ZoneInfo("UTC"), clock.now).meet(FIRST, asking, Session()):
            pass

    on_the_air(story, PlainBand())
    ((passkey, took_s),) = told
    assert passkey == typed
    assert took_s == pytest.approx(waited_s, abs=0.5)


def test_a_band_that_goes_while_its_digits_are_typed_is_lost_at_once(
    bluez: BlueZ, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected = Connected()

    async def log_in(link: Link, session: Session) -> Sequence[Reading]:
        asyncio.get_running_loop().call_later(2, connected.lost.set)
        await session.passkey(30 * SECOND)
        return []

    asking = Driver("plain", "Plain", Abilities(), lambda _: "none", lambda _: True, log_in)

    @contextlib.asynccontextmanager
    async def connect(*_: object) -> AsyncGenerator[object, None]:
        yield connected

    async def story(air: SimulatedRadio, clock: FastClock) -> float:
        monkeypatch.setattr(first_meeting, "connect", connect)
        began = clock.now()
        with pytest.raises(LinkLost):
            async with FirstMeetings(air.adapter, Typing(7), ZoneInfo("UTC"), clock.now).meet(FIRST, asking, Session()):
                pytest.fail("met")
        return (clock.now() - began).total_seconds()

    assert on_the_air(story, PlainBand()) == pytest.approx(2, abs=0.1)


class Connected:
    """As much of a connection as a driver needs that only waits."""

    def __init__(self) -> None:
        self.lost = asyncio.Event()

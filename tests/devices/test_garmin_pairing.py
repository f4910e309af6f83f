"""The driver of Garmin's watches, and a simulated one without a bond: paired by its own login, and known again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest

from hipsync.conversation.dialogue import OpenDialogue, dialogue
from hipsync.driver import Message, Session
from hipsync.errors import DeviceError, LinkLost, MalformedPacket, NoReply, NotAuthorised
from hipsync.host.clock import FastClock
from hipsync.model import MINUTE, Epoch, Info, State
from hipsync.radio.first_meeting import FirstMeetings
from hipsync.radio.simulation import simulated_radio
from hipsync.testing.case import ADDRESS, Case, passkey_shown
from hipsync.testing.direct import DirectConnection, MemoryStore, conversation, run
from hipsync.testing.pairing import a_secret_survives_a_kill_at_any_instant
from hipsync.testing.rules import RULES, Rule
from hipsync_devices.garmin import DRIVER, cobs, login, multilink, opened
from hipsync_devices.garmin.gfdi import Frame, Kind
from hipsync_devices.garmin.multilink import OURS, Number, Registered, Status
from hipsync_devices.garmin.nameless import Nameless
from hipsync_devices.garmin.sim import GarminWatch, UnbondedWatch
from hipsync_devices.garmin.sim_login import DIGITS, JUST_WORKS, NEGOTIATION, OUT_OF_BAND

NOW = datetime(2026, 3, 2, 12, 0, 20, tzinfo=UTC)
NOON = NOW.replace(second=0)
LOOKED_AT_S = 11.0
"""Seconds in which a connection has looked at a watch to which something happened."""
SPARSE, IN_TWENTY = 9, 20
"""A rule of the kit that tries many places tries one in so many here."""
MORNING = [Epoch(NOON + i * MINUTE, MINUTE, 90 if i >= -10 else 0, 30, 70, State.WALKING) for i in range(-60, 0)]


@dataclass
class World:
    """A watch, what is kept and stored of it, and the connections with it."""

    watch: GarminWatch
    clock: FastClock
    store: MemoryStore = field(default_factory=MemoryStore)
    written: list[bytes] = field(default_factory=list[bytes])
    heard: list[bytes] = field(default_factory=list[bytes])
    asked: list[timedelta] = field(default_factory=list[timedelta])
    """How long the person had for each question for digits."""
    types: Callable[[int | None], int | None] = lambda shown: shown
    """What the person types, by what the watch shows."""
    thinks: timedelta = timedelta()
    """How long they take for it."""
    mtu: int = 247
    is_full: bool = False
    """Whether nothing can be kept."""

    async def passkey(self, within: timedelta) -> int | None:
        self.asked.append(within)
        await asyncio.sleep(self.thinks.total_seconds())
        return self.types(await passkey_shown(self.watch, within))

    async def keep(self, secret: bytes) -> None:
        if self.is_full:
            raise DeviceError("the disk is full")
        await self.store.keep(secret)

    def arrived(self, data: bytes) -> Sequence[bytes]:
        self.heard.append(data)
        return [data]

    @contextlib.asynccontextmanager
    async def open(self, *, pairing: bool = False, address: str = ADDRESS) -> AsyncGenerator[OpenDialogue, None]:
        connection = DirectConnection(self.watch, self.clock.now, mtu=self.mtu)
        connection.spoil = self.arrived
        session = Session(
            secret=self.store.secret, pairing=pairing, address=address, keep=self.keep, passkey=self.passkey
        )
        try:
            async with dialogue(DRIVER, conversation(connection, self.clock), session, self.store.commit) as opened:
                yield opened
        finally:
            self.written += [data for _, data in connection.written]
            connection.drop()

    @property
    def handle(self) -> bytes:
        """That of the service which was registered last."""
        told = [multilink.decode_control(each) for each in self.heard if each[0] == multilink.CONTROL]
        return bytes([[each.handle for each in told if isinstance(each, Registered)][-1]])

    async def pair(self) -> None:
        async with self.open(pairing=True):
            pass


def world(
    story: Callable[[World], Awaitable[None]],
    *,
    pairs_by: int | None = DIGITS,
    authenticates: bool = False,
    longest: int = 520,
) -> World:
    made: list[World] = []

    async def begun(clock: FastClock) -> None:
        watch = GarminWatch(
            MORNING, now=NOW, zone=ZoneInfo("UTC"), pairs_by=pairs_by, authenticates=authenticates, longest=longest
        )
        made.append(World(watch, clock))
        await story(made[0])

    run(begun, NOW)
    return made[0]


@pytest.mark.parametrize("mode", [DIGITS, JUST_WORKS])
def test_a_watch_without_a_bond_is_paired_and_then_known_for_ever(mode: int) -> None:
    async def story(it: World) -> None:
        await it.pair()
        secret = it.store.secret
        assert it.watch.guard is not None
        assert secret is not None
        assert secret == it.watch.guard.owner.key + it.watch.guard.owner.name
        assert it.asked == [timedelta(seconds=30)] * (mode == DIGITS)
        shown = len(it.watch.shown)
        async with it.open() as opened:
            await opened.fetch(it.store.commit)
        assert it.store.secret == secret
        assert len(it.watch.shown) == shown, "nobody is asked again"
        assert sum(each.steps for each in it.store.of(Epoch)) == 900
        assert it.store.of(Info)[-1].firmware == "14.12"
        assert [(peer.stray, peer.waiting, peer.broken) for peer in it.watch.peers] == [([], [], 0)] * 2
        assert not any(part in data for data in it.written + it.heard for part in (secret[:16], secret[:16][::-1]))

    world(story, pairs_by=mode)


def test_nothing_is_in_plain_once_the_login_is_over() -> None:
    """What is said in a later connection holds neither the text nor the file that goes over the air."""

    async def story(it: World) -> None:
        await it.pair()
        before = len(it.written), len(it.heard)
        async with it.open() as opened:
            await opened.fetch(it.store.commit)
            await opened.nudge(Message("Walk about", "for two minutes", asks=False))
        assert it.watch.shown[-1].text.startswith("Walk about")
        air = b"".join(it.written[before[0] :]) + b"".join(it.heard[before[1] :])
        assert len(air) > 2000
        assert not [part for part in (b"Walk", b".FIT") if part in air]

    world(story)


def test_without_a_login_both_are_in_plain() -> None:
    """The opposite of the test before, so that it could fail."""

    async def story(it: World) -> None:
        async with it.open() as opened:
            await opened.fetch(it.store.commit)
            await opened.nudge(Message("Walk about", "for two minutes", asks=False))
        air = b"".join(it.written) + b"".join(it.heard)
        assert [part for part in (b"Walk", b".FIT") if part in air] == [b"Walk", b".FIT"]

    world(story, pairs_by=None)


def ends(story: Callable[[World], Awaitable[None]], why: str, pairs_by: int = DIGITS) -> World:
    async def failing(it: World) -> None:
        with pytest.raises(NotAuthorised) as caught:
            await story(it)
        assert str(caught.value) == why

    return world(failing, pairs_by=pairs_by)


def test_wrong_digits_end_it_and_the_next_pairing_gets_in() -> None:
    async def mistyped(it: World) -> None:
        it.types = lambda shown: ((shown or 0) + 1) % 1_000_000
        await it.pair()

    it = ends(mistyped, login.WRONG_DIGITS)
    assert it.store.secret is None

    async def again(it: World) -> None:
        with contextlib.suppress(NotAuthorised):
            await mistyped(it)
        it.types = lambda shown: shown
        await it.pair()
        assert it.store.secret is not None

    world(again)


def test_digits_that_nobody_types_end_it() -> None:
    async def absent(it: World) -> None:
        it.types = lambda _: None
        await it.pair()

    assert ends(absent, login.NOBODY_TYPED).store.secret is None


def test_a_watch_at_another_address_does_not_take_the_digits() -> None:
    async def elsewhere(it: World) -> None:
        async with it.open(pairing=True, address="C0:00:00:00:00:02"):
            pass

    ends(elsewhere, login.WRONG_DIGITS)


def test_a_watch_that_was_never_paired_says_so_where_nobody_is_there() -> None:
    async def unpaired(it: World) -> None:
        async with it.open():
            pass

    assert ends(unpaired, login.NOT_PAIRED).asked == []


def test_a_watch_that_forgot_us_says_so_and_is_paired_anew() -> None:
    async def forgotten(it: World) -> None:
        await it.pair()
        assert it.watch.guard is not None
        it.watch.guard.owner.key = b""
        async with it.open():
            pass

    ends(forgotten, login.FORGOTTEN)

    async def anew(it: World) -> None:
        with contextlib.suppress(NotAuthorised):
            await forgotten(it)
        first = it.store.secret
        await it.pair()
        assert it.store.secret != first
        async with it.open():
            pass

    world(anew)


def test_what_knows_the_name_of_the_key_and_not_the_key_is_not_the_watch() -> None:
    async def impostor(it: World) -> None:
        await it.pair()
        assert it.watch.guard is not None
        it.watch.guard.owner.key = bytes(16)
        async with it.open():
            pass

    ends(impostor, login.NO_KEY)


@pytest.mark.parametrize("mode", [DIGITS, JUST_WORKS])
def test_a_watch_that_is_being_paired_and_comes_without_a_seal_is_not_believed(mode: int) -> None:
    async def bare(it: World) -> None:
        assert it.watch.guard is not None
        it.watch.guard.bare_after = Kind.PAIRING
        await it.pair()

    assert ends(bare, login.NO_KEY, pairs_by=mode).store.secret is None


@pytest.mark.parametrize("kind", [Kind.SESSION_KEY, Kind.VERIFICATION])
def test_a_watch_that_claims_the_key_and_comes_without_a_seal_is_not_believed(kind: int) -> None:
    async def bare(it: World) -> None:
        await it.pair()
        assert it.watch.guard is not None
        it.watch.guard.bare_after = kind
        async with it.open():
            pass

    ends(bare, login.NO_KEY)


def test_a_pairing_by_another_way_ends_in_a_line() -> None:
    ends(World.pair, login.BY_ANOTHER_WAY, pairs_by=OUT_OF_BAND)


def test_a_watch_that_cannot_prove_that_it_knows_the_digits_is_left_with_a_line() -> None:
    """It hangs up when it is told so, and the person reads why all the same."""

    async def impostor(it: World) -> None:
        it.types = lambda shown: ((shown or 0) + 1) % 1_000_000
        assert it.watch.guard is not None
        it.watch.guard.believes = True
        await it.pair()

    assert ends(impostor, login.NO_PROOF).store.secret is None


def test_the_key_is_kept_before_the_watch_stores_it() -> None:
    """Where it cannot be kept, the watch does not depend on it either."""

    async def story(it: World) -> None:
        it.is_full = True
        with pytest.raises(DeviceError, match="the disk is full"):
            await it.pair()
        assert it.watch.guard is not None
        assert it.watch.guard.owner.key == b""

    world(story)


def test_a_watch_that_asks_again_while_nobody_has_answered_shows_its_digits_to_the_person_once_more() -> None:
    """What they type for the first question is not used, and after the second one nobody is asked a third time."""

    async def story(it: World) -> None:
        def again(shown: int | None) -> int | None:
            if len(it.asked) == 1:
                for _ in range(2):
                    it.watch.peers[-1].ask(Kind.PAIRING, bytes([0, 30, 0, 0, 0, DIGITS]))
            return shown

        it.types, it.thinks = again, timedelta(seconds=1)
        await it.pair()
        assert len(it.asked) == 2
        assert it.store.secret is not None

    world(story)


def test_a_watch_waits_for_its_digits_no_longer_than_it_says() -> None:
    async def story(it: World) -> None:
        it.thinks = timedelta(seconds=31)
        with pytest.raises(LinkLost):
            await it.pair()

    world(story)


def test_gfdi_that_the_watch_closes_is_opened_and_logged_in_to_again() -> None:
    async def story(it: World) -> None:
        await it.pair()
        async with it.open() as opened:
            it.watch.close_unasked(1)
            await asyncio.sleep(LOOKED_AT_S)
            assert it.watch.peer is not None
            assert it.watch.peer.login is not None
            assert it.watch.peer.login.is_over
            await opened.fetch(it.store.commit)
        assert sum(each.steps for each in it.store.of(Epoch)) == 900

    world(story)


def test_a_handle_that_nobody_asked_for_takes_no_seal_off() -> None:
    async def story(it: World) -> None:
        await it.pair()
        async with it.open() as opened:
            it.watch.say(Registered(OURS, Number.GFDI, Status.OK, 0xEE).encode())
            await asyncio.sleep(LOOKED_AT_S)
            await opened.fetch(it.store.commit)
        assert sum(each.steps for each in it.store.of(Epoch)) == 900

    world(story)


def test_a_watch_that_comes_back_without_its_login_is_not_believed() -> None:
    async def unsealed(it: World) -> None:
        await it.pair()
        async with it.open() as opened:
            it.watch.guard = None
            it.watch.close_unasked(Number.GFDI)
            await asyncio.sleep(LOOKED_AT_S)
            await opened.fetch(it.store.commit)

    ends(unsealed, login.NO_KEY)


def test_between_two_seals_nothing_is_said() -> None:
    """The watch has given a new handle, and is silent."""

    async def story(it: World) -> None:
        await it.pair()
        async with it.open() as opened:
            it.watch.link_faults.mute = True
            it.watch.close_unasked(Number.GFDI)
            await asyncio.sleep(LOOKED_AT_S)
            with pytest.raises(NoReply):
                await opened.nudge(Message("Walk about", "for two minutes", asks=False))
        assert it.written[-1] == multilink.register(Number.GFDI)

    world(story)


def test_no_error_of_a_sealed_message_holds_what_was_opened() -> None:
    said: list[bytes] = []

    async def broken(it: World) -> None:
        async with it.open() as opened:
            peer = it.watch.peers[-1]
            assert peer.login is not None
            said.append(peer.login.sealed(Frame(Kind.SYSTEM_EVENT, b"under it").encode()[:-2] + b"\0\0"))
            it.watch.say(it.handle + cobs.encode(said[0]))
            await asyncio.sleep(LOOKED_AT_S)
            await opened.fetch(it.store.commit)

    async def story(it: World) -> None:
        await it.pair()
        with pytest.raises(MalformedPacket) as caught:
            await broken(it)
        assert caught.value.packet == said[0]

    world(story)


def test_a_watch_that_begins_its_login_and_says_nothing_more_is_not_taken_for_one_without_gfdi() -> None:
    async def story(it: World) -> None:
        it.watch.link_faults.mute = True
        pairing = asyncio.ensure_future(it.pair())
        await asyncio.sleep(LOOKED_AT_S)
        it.watch.say(it.handle + cobs.encode(Frame(Kind.AUTHENTICATION, NEGOTIATION).encode()))
        with pytest.raises(NoReply):
            await pairing

    world(story)


def test_a_watch_that_tells_no_room_for_a_text_ends_nothing() -> None:
    async def story(it: World) -> None:
        async with it.open() as opened:
            it.watch.peers[-1].ask(Kind.DEVICE_INFORMATION, it.watch.device._replace(longest=12).encode())
            await asyncio.sleep(LOOKED_AT_S)
            await opened.nudge(Message("A title", "and a body", asks=False))
            assert it.watch.shown[-1].text.startswith("A title")

    world(story, pairs_by=None)


@pytest.mark.parametrize("longest", [64, 100])
def test_a_sealed_piece_of_a_text_is_no_longer_than_the_longest_message(longest: int) -> None:
    async def story(it: World) -> None:
        await it.pair()
        async with it.open() as opened:
            for _ in range(2):
                await opened.nudge(Message("A title", "and a body of many words " * 8, asks=False))
                assert it.watch.shown[-1].text.startswith("A title")
                it.watch.peers[-1].ask(Kind.DEVICE_INFORMATION, it.watch.device.encode())  # it says who it is again
                await asyncio.sleep(LOOKED_AT_S)
        assert (it.watch.peers[-1].broken, it.watch.peers[-1].waiting) == (0, [])

    world(story, longest=longest)


@pytest.mark.parametrize("mtu", [23, 60])
def test_texts_and_files_at_once_disturb_each_other_no_more_under_a_seal(mtu: int) -> None:
    """A watch takes no message whose number is lower than that of one before."""

    async def story(it: World) -> None:
        it.mtu = mtu
        await it.pair()
        async with it.open() as opened:
            nudge = Message("A title", "and a body of many words " * 8, asks=False)
            await asyncio.gather(opened.fetch(it.store.commit), opened.nudge(nudge), opened.nudge(nudge))
        assert it.watch.peers[-1].broken == 0
        assert sum(each.steps for each in it.store.of(Epoch)) == 900

    world(story)


@pytest.mark.parametrize("secret", [None, bytes(range(26))])
def test_a_watch_with_a_bond_is_talked_to_as_before(secret: bytes | None) -> None:
    """It asks 5101 and nothing more; a key that was kept when it had no bond changes nothing."""

    async def story(it: World) -> None:
        it.store.secret = secret
        async with it.open() as opened:
            await opened.fetch(it.store.commit)
        (peer,) = it.watch.peers
        assert (peer.stray, peer.waiting, peer.broken) == ([], [], 0)
        assert sum(each.steps for each in it.store.of(Epoch)) == 900

    world(story, pairs_by=None, authenticates=True)


def test_a_watch_with_a_bond_that_wants_to_be_paired_all_the_same_is_talked_to_as_before() -> None:
    async def story(it: World) -> None:
        assert it.watch.guard is not None
        it.watch.guard.bare_after = Kind.PAIRING
        async with it.open() as opened:
            await opened.fetch(it.store.commit)
        assert sum(each.steps for each in it.store.of(Epoch)) == 900

    world(story)


class Wearer:
    """Whoever pairs the watch, and types what it shows."""

    def __init__(self, watch: GarminWatch) -> None:
        self._watch = watch

    async def passkey(self) -> int | None:
        return await passkey_shown(self._watch, timedelta())

    async def pin(self) -> str | None:
        raise AssertionError

    async def agrees(self, passkey: int) -> bool:
        raise AssertionError

    def shown(self, text: str) -> None:
        raise AssertionError


def test_over_a_radio_it_is_paired_by_the_person_who_answers_a_bond() -> None:
    store = MemoryStore()

    async def story(clock: FastClock) -> None:
        watch = GarminWatch(MORNING, now=clock.now(), zone=ZoneInfo("UTC"), pairs_by=DIGITS)
        async with simulated_radio([watch], now=clock.now, addresses=[ADDRESS]) as air:
            meetings = FirstMeetings(air.adapter, Wearer(watch), ZoneInfo("UTC"), clock.now)
            async with meetings.meet(ADDRESS, DRIVER, Session(pairing=True, address=ADDRESS, keep=store.keep)) as met:
                assert met.dialogue.abilities.battery
        assert watch.guard is not None
        assert store.secret == watch.guard.owner.key + watch.guard.owner.name

    run(story, NOW)


# ------------------------------------------------------------------ recordings, and the kit's rules


@pytest.mark.parametrize("kind", [*range(5101, 5110), 5111, 5112])
def test_no_message_of_the_login_is_in_a_recording(kind: int) -> None:
    assert opened.recorded(Frame(kind, bytes(range(32))), Nameless()) is None
    for number in (kind, 0x8000 | kind - 5000):
        answer = Frame(Kind.ANSWER, number.to_bytes(2, "little") + bytes(range(20)))
        assert opened.recorded(answer, Nameless()) is None


@pytest.mark.parametrize("every", [IN_TWENTY, pytest.param(SPARSE, marks=pytest.mark.ring)])
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_watch_with_its_own_login_keeps_the_rule(rule: Rule, every: int) -> None:
    rule(Case(DRIVER, UnbondedWatch, every=every, offset=every // 2))


@pytest.mark.parametrize("every", [SPARSE, pytest.param(1, marks=pytest.mark.ring)])
def test_a_pairing_killed_at_any_instant_locks_nobody_out(every: int) -> None:
    a_secret_survives_a_kill_at_any_instant(Case(DRIVER, UnbondedWatch, every=every))
    a_secret_survives_a_kill_at_any_instant(Case(DRIVER, partial(GarminWatch, pairs_by=JUST_WORKS), every=every))

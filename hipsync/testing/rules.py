"""The rules that every driver must satisfy. Each rule is a function that raises `AssertionError` if it is broken.

A rule connects the driver to its simulated band through `DirectConnection`, on a virtual clock, with an office morning
in the band's memory. No rule knows a family: the family's own tests check what the readings mean. The one rule about
rules: each applies to every driver, so that a new family is judged before anybody has read its code.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import tracemalloc
from collections.abc import Callable, Collection, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from hipsync.conversation.dialogue import dialogue
from hipsync.conversation.session import Conversation
from hipsync.driver import Abilities, Advertisement, Driver, Message
from hipsync.errors import DeviceError
from hipsync.host.clock import FastClock
from hipsync.model import MINUTE, Charge, Counter, Epoch, Reading, State, Wear
from hipsync.simulated import SimulatedBand, Simulator
from hipsync.testing.case import ENDS_WITHIN, KEY, MORNING, NOON, WATCHED_FOR, Case, watched_for
from hipsync.testing.courtesies import a_silent_courtesy_costs_no_steps
from hipsync.testing.direct import DirectConnection, MemoryStore, run
from hipsync.testing.pairing import a_secret_survives_a_kill_at_any_instant
from hipsync.testing.together import (
    a_band_that_asks_is_answered_in_time,
    a_message_is_never_interleaved,
    nothing_is_answered_twice,
)
from hipsync.testing.transfers import a_spoilt_transfer_is_made_good

__all__ = ["ENDS_WITHIN", "KEY", "MORNING", "NOON", "RULES", "SWEEPS", "WATCHED_FOR", "Case", "Rule", "check_driver"]

CUT_AT_EACH = 100
"""For a band that has a memory and is also watched, the number of notifications at each of which the link is cut. Only
some of the later ones are tried."""
DAMAGED = 25
"""The number of conversations with a band that has one packet in twenty damaged."""
FLOOD = 100_000
"""The number of rounds of noise that a babbling band sends. In each, every subscribed characteristic gets one
notification."""
FLOODED_FOR = timedelta(minutes=5)
"""The virtual time for which a babbling band is watched. It babbles for 100 seconds of them at most."""
REPEATED = 6
"""How many of the first notifications of a fetch, and of the others, are repeated in turn."""
SOON = timedelta(minutes=2)
"""The virtual time for which a band is watched after its link was cut: what is missing comes as soon as it is met."""
REPEATS_FOR = timedelta(hours=1)
"""The virtual time within which a fetch must end while the band repeats itself twice a second."""
MOST_MEMORY, MOST_FOR_A_ROUND = 3 * 2**20, 300
"""The most bytes of memory that a conversation with a babbling band may take, and as much again for each round."""
ZONES = ("UTC", "Asia/Kathmandu", "America/New_York", "Pacific/Auckland")
INTO_SUMMER, OUT_OF_SUMMER = datetime(2026, 3, 29, 3, 0, 20, tzinfo=UTC), datetime(2026, 10, 25, 3, 0, 20, tzinfo=UTC)
ONE_DAY_A_ZONE = 3
"""Three days in each of four zones are listed by day: one place in three is each zone once, and each day."""


def check_driver(driver: Driver, simulator: Simulator) -> None:
    """Apply every rule of `RULES` to a driver. Raises `AssertionError` at the first one that it breaks."""
    for rule in RULES:
        rule(Case(driver, simulator))


# ------------------------------------------------------------------ the advertisement


def the_matcher_is_total(case: Case) -> None:
    """The matcher answers every advertisement with True or False: an empty one with False, its own band's with True."""
    noise = random.Random(1)
    for _ in range(2000):
        taken = case.driver.matches(_advertisement(noise))
        assert isinstance(taken, bool), "matches() must say True or False"
    assert case.driver.matches(Advertisement()) is False, "an advertisement that says nothing is nobody's"
    own = case.band().advertisement()
    assert case.driver.matches(own), f"the driver does not take its own simulated band: {own}"
    assert case.driver.secret(_advertisement(noise)) in {"none", "own", "given"}


def _advertisement(noise: random.Random) -> Advertisement:
    def text() -> str:
        return "".join(
            chr(noise.choice([noise.randrange(32, 127), noise.randrange(0x2FFF)])) for _ in range(noise.randrange(40))
        )

    def uuid() -> str:
        return f"0000{noise.randrange(0x10000):04x}-0000-1000-8000-00805f9b34fb"

    return Advertisement(
        name=noise.choice([None, "", text()]),
        services=frozenset(uuid() for _ in range(noise.randrange(3))),
        service_data={uuid(): noise.randbytes(noise.randrange(24)) for _ in range(noise.randrange(2))},
        manufacturer_data={
            noise.randrange(0x10000): noise.randbytes(noise.randrange(26)) for _ in range(noise.randrange(2))
        },
    )


# ------------------------------------------------------------------ the conversation


def a_second_sync_adds_nothing(case: Case) -> None:
    """A second sync of the same band changes no epoch that was stored by the first."""

    async def story(clock: FastClock) -> None:
        band, store = case.band(), MemoryStore()
        await _once(case, band, clock, store)
        first = _epochs(store)
        await _once(case, band, clock, store)
        again = _epochs(store)
        assert {key: again[key] for key in first} == first, "a second sync changed what was stored"

    run(story, NOON)


async def _once(
    case: Case, band: SimulatedBand, clock: FastClock, store: MemoryStore, watched: timedelta = WATCHED_FOR
) -> DirectConnection:
    """Connect to a band, sync and disconnect. Returns the connection. Raises `DeviceError`.

    `watched` is the time for which a band is watched that the service stays connected to.
    """
    connection = DirectConnection(band, clock.now)
    try:
        talk = Conversation(connection, zone=ZoneInfo("UTC"), now=clock.now)
        await case.sync(talk, case.session(band, store), store, watched)
    finally:
        connection.drop()
    return connection


def _epochs(store: MemoryStore) -> dict[tuple[datetime, timedelta], Epoch]:
    """Return the epochs by start and length, as the database stores them. Of two with the same key, more steps win."""
    stored: dict[tuple[datetime, timedelta], Epoch] = {}
    for epoch in store.of(Epoch):
        key = (epoch.start, epoch.length)
        if key not in stored or epoch.steps >= stored[key].steps:
            stored[key] = epoch
    return stored


def a_link_cut_anywhere_loses_nothing(case: Case) -> None:
    """If the link is cut in place of any one notification, the next sync fetches what is missing.

    A band that is also watched sends mostly its step counter. So only some twenty of its notifications are tried, and
    besides these the first `CUT_AT_EACH` if it has a memory.
    """
    usual, sent = run(lambda clock: _synced(case, clock, None), NOON)
    first = min(0 if case.driver.abilities.history is None else CUT_AT_EACH, sent)
    first = first if case.driver.held else sent
    for number in case.some([*range(first), *range(first, sent, max((sent - first) // 20, 1))]):
        came, _ = run(partial(_synced, case, cut_at=number), NOON)
        missing = usual - came
        assert not missing, f"cut at notification {number}: {len(missing)} epochs never came, the first {min(missing)}"


async def _synced(case: Case, clock: FastClock, cut_at: int | None) -> tuple[set[tuple[datetime, timedelta]], int]:
    """Sync once, or twice if the link is cut in place of the notification with a number, counted from 0.

    Returns the start and length of what is stored of the time up to `NOON`, and how many notifications came at first.
    """
    band, store = case.band(), MemoryStore()
    if cut_at is None:
        sent = (await _once(case, band, clock, store)).delivered
    else:
        sent = cut_at
        await _cut(case, band, clock, store, cut_at)
        await _once(case, band, clock, store, SOON)
    return {key for key, epoch in _epochs(store).items() if epoch.end <= NOON}, sent


async def _cut(case: Case, band: SimulatedBand, clock: FastClock, store: MemoryStore, number: int) -> None:
    connection = DirectConnection(band, clock.now)
    connection.cut_after(number)
    talk = Conversation(connection, zone=ZoneInfo("UTC"), now=clock.now)
    try:
        await case.sync(talk, case.session(band, store), store)
    except DeviceError:
        return
    finally:
        connection.drop()


def nothing_is_acknowledged_before_it_is_stored(case: Case) -> None:
    """After a batch that could not be committed, the driver writes nothing more to the band."""

    async def story(clock: FastClock) -> None:
        batches = 0
        while not await _all_stored(case, clock, batches):
            batches += 1

    run(story, NOON)


async def _all_stored(case: Case, clock: FastClock, batches: int) -> bool:
    """Sync with `erase`, where the commit of the batch after the first `batches` fails.

    Returns True if there was no such batch. Raises `AssertionError` if the driver writes after the failure.
    """
    band, store = case.band(clock.now()), MemoryStore()
    connection = DirectConnection(band, clock.now)
    talk = Conversation(connection, zone=ZoneInfo("UTC"), now=clock.now)
    session = replace(case.session(band, store), erase=True)
    written = 0

    async def commit(batch: Sequence[Reading]) -> None:
        nonlocal written
        written = len(connection.written)
        await store.commit(batch)

    try:
        async with dialogue(case.driver, talk, session, store.commit) as opened:
            store.fail_at = len(store.batches) + batches
            await opened.fetch(commit)
    except OSError:
        assert len(connection.written) == written, f"it wrote to the band after batch {batches} was not stored"
        return False
    finally:
        connection.drop()
    return True


def damaged_packets_end_as_device_errors(case: Case) -> None:
    """Changed, cut, doubled or lost packets lead to no impossible reading, and to no error but a `DeviceError`."""
    for seed in case.some(range(DAMAGED)):
        noise = random.Random(seed)

        async def story(clock: FastClock, noise: random.Random = noise) -> None:
            band, store = case.band(), MemoryStore()
            connection = DirectConnection(band, clock.now)
            connection.spoil = lambda data: _spoilt(data, noise)
            connection.spoil_read = lambda data: _spoilt(data, noise, lose=False)[0]
            talk = Conversation(connection, zone=ZoneInfo("UTC"), now=clock.now)
            try:
                await case.sync(talk, case.session(band, store), store)
            except DeviceError:
                pass
            finally:
                connection.drop()
            _check_possible(store, clock.now())

        run(story, NOON)


def _spoilt(data: bytes, noise: random.Random, *, lose: bool = True) -> Sequence[bytes]:
    """Return what arrives when `data` is sent: usually just that, but one time in twenty a damaged packet, two or none.

    With `lose=False` exactly one packet arrives, which may be damaged.
    """
    if noise.random() > 0.05:
        return [data]
    match noise.randrange(5 if lose else 3):
        case 0:
            return [data[: noise.randrange(len(data) + 1)]]
        case 1:
            at = noise.randrange(len(data) or 1)
            return [data[:at] + noise.randbytes(1) + data[at + 1 :]]
        case 2:
            return [noise.randbytes(noise.randrange(40))]
        case 3:
            return [data, data]
        case _:
            return []


def _check_possible(store: MemoryStore, now: datetime) -> None:
    """Raise `AssertionError` if a reading is in the future, or has an impossible time, length, steps or percentage."""
    for reading in store.readings:
        at = reading.end if isinstance(reading, Epoch) else reading.at
        assert at <= now, f"a reading from the future: {reading}"
        assert at.utcoffset() == timedelta(0), f"a reading whose time is not in UTC: {reading}"
        if isinstance(reading, Epoch):
            assert not reading.start.second, f"an epoch that starts within a minute: {reading}"
            assert not reading.start.microsecond, f"an epoch that starts within a minute: {reading}"
            assert reading.length > timedelta(0), f"an epoch without a length: {reading}"
        if isinstance(reading, Epoch | Counter):
            assert reading.steps >= 0, f"negative steps: {reading}"
        if isinstance(reading, Charge):
            assert 0 <= reading.percent <= 100, f"a battery of {reading.percent} percent"


def a_babbling_band_is_cut_off(case: Case) -> None:
    """A conversation with a band that sends endless noise ends, and takes less memory than `MOST_MEMORY` allows."""
    rounds = FLOOD // case.every

    async def story(clock: FastClock) -> None:
        band, store = case.band(), MemoryStore()
        connection = DirectConnection(band, clock.now)
        talk = Conversation(connection, zone=ZoneInfo("UTC"), now=clock.now)
        noise = random.Random(1)
        work = asyncio.ensure_future(case.sync(talk, case.session(band, store), store, FLOODED_FOR))
        for _ in range(rounds // 100):
            for _ in range(100):
                connection.flood(noise.randbytes(20))
            await asyncio.sleep(0.1)
            if work.done():
                break
        await asyncio.wait({work}, timeout=ENDS_WITHIN.total_seconds())
        assert work.done(), "the conversation with a babbling band never ends"
        with contextlib.suppress(DeviceError):
            await work
        connection.drop()
        _check_possible(store, clock.now())

    tracemalloc.start()
    try:
        run(story, NOON)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MOST_MEMORY + rounds * MOST_FOR_A_ROUND, f"a babbling band took {peak >> 20} MiB"


def a_repeating_band_is_cut_off(case: Case) -> None:
    """A fetch from a band that repeats what it said last, and says nothing else any more, ends within `REPEATS_FOR`.

    It ends so whatever the band repeats: the first `REPEATED` notifications of a fetch are tried, and as many of the
    others.
    """
    sent = 0

    async def counted(clock: FastClock) -> None:
        nonlocal sent
        band, store = case.band(), MemoryStore()
        connection = DirectConnection(band, clock.now)
        talk = Conversation(connection, zone=ZoneInfo("UTC"), now=clock.now)
        async with dialogue(case.driver, talk, case.session(band, store), store.commit) as opened:
            await opened.fetch(store.commit)
        sent = connection.delivered
        connection.drop()

    run(counted, NOON)
    for number in case.some([*range(min(REPEATED, sent)), *range(REPEATED, sent, max(sent // REPEATED, 1))]):

        async def story(clock: FastClock, number: int = number) -> None:
            band, store = case.band(), MemoryStore()
            connection = _Repeating(band, clock.now, number)
            talk = Conversation(connection, zone=ZoneInfo("UTC"), now=clock.now)
            session = case.session(band, store)

            async def fetched() -> None:
                async with dialogue(case.driver, talk, session, store.commit) as opened:
                    await opened.fetch(store.commit)

            work = asyncio.ensure_future(fetched())
            until = clock.now() + REPEATS_FOR
            while not work.done() and clock.now() < until:
                connection.repeat()
                await asyncio.sleep(0.5)
            assert work.done(), f"the fetch never ends while the band repeats its notification {number}"
            with contextlib.suppress(DeviceError):
                await work
            connection.drop()
            _check_possible(store, clock.now())

        run(story, NOON)


class _Repeating(DirectConnection):
    """A connection on which the notification with a number, counted from 0, is the last one, and can be repeated."""

    def __init__(self, band: SimulatedBand, now: Callable[[], datetime], number: int) -> None:
        super().__init__(band, now)
        self._number, self._heard = number, 0
        self._repeated: Callable[[], None] = lambda: None

    async def start_notify(self, characteristic: str, callback: Callable[[bytes], None]) -> None:
        def arrived(data: bytes) -> None:
            if self._heard == self._number:
                self._repeated = partial(callback, data)
            if self._heard <= self._number:
                callback(data)
            self._heard += 1

        await super().start_notify(characteristic, arrived)

    def repeat(self) -> None:
        self._repeated()


def clock_and_zone_are_the_wearers(case: Case) -> None:
    """In every zone, and on days on which clocks change, readings are from the past and in UTC.

    Epochs start on whole minutes, and the newest one ended at most two epoch lengths ago. Where `Case.every` leaves out
    places, one day remains for each zone.
    """
    places = [(now, zone) for now in (NOON, INTO_SUMMER, OUT_OF_SUMMER) for zone in ZONES]
    for now, zone in replace(case, every=min(case.every, ONE_DAY_A_ZONE)).some(places):

        async def story(clock: FastClock, zone: str = zone, now: datetime = now) -> None:
            band, store = case.band(now, zone), MemoryStore()
            connection = DirectConnection(band, clock.now)
            talk = Conversation(connection, zone=ZoneInfo(zone), now=clock.now)
            await case.sync(talk, case.session(band, store), store)
            connection.drop()
            _check_possible(store, clock.now())
            epochs = _epochs(store)
            walked = any(epoch.steps for epoch in case.life(now, zone) if epoch.end <= now)
            if case.driver.abilities.history is not None and (epochs or walked):  # many omit still slots
                assert epochs, f"nothing of a morning in {zone} arrived"
                newest = max(epoch.end for epoch in epochs.values())
                late = now - newest
                assert late <= 2 * max(epoch.length for epoch in epochs.values()), (
                    f"{zone}: the newest epoch is {late} old"
                )

        run(story, now)


def a_nudge_is_harmless(case: Case) -> None:
    """The wearer notices a nudge, and the nudge changes no epoch that was stored before."""

    async def story(clock: FastClock) -> None:
        band, store = case.band(), MemoryStore()
        connection = DirectConnection(band, clock.now)
        talk = Conversation(connection, zone=ZoneInfo("UTC"), now=clock.now)
        session = case.session(band, store)
        async with dialogue(case.driver, talk, session, store.commit) as opened:
            if not opened.can_nudge:
                connection.drop()
                return
            await opened.fetch(store.commit)
            if opened.held:
                await watched_for(opened, store, WATCHED_FOR)
            before = _epochs(store)
            for strong in (False, True):
                message = Message("Time to move", "Hip extension \u2026 " * 20, strong=strong)
                answer = await opened.nudge(message)
                assert opened.abilities.answers or answer is None, f"no ability to answer, and the answer {answer}"
        assert band.shown, "nobody felt the nudge"
        connection.drop()
        await _once(case, band, clock, store)
        after = _epochs(store)
        assert {key: after[key] for key in before} == before, "a nudge changed what is stored"

    run(story, NOON)


async def _able(case: Case, band: SimulatedBand, clock: FastClock) -> Abilities:
    """Return what a band can do, which is known after the login, and must be a part of what its driver says."""
    most, store = case.driver.abilities, MemoryStore()
    if case.driver.begin is None:
        return most
    connection = DirectConnection(band, clock.now)
    talk = Conversation(connection, zone=ZoneInfo("UTC"), now=clock.now)
    async with dialogue(case.driver, talk, case.session(band, store), store.commit) as opened:
        able = opened.abilities
    connection.drop()
    more = [each.name for each in fields(able) if getattr(able, each.name) and not getattr(most, each.name)]
    assert not more, f"a band that can do more than its driver says: {more}"
    return able


def its_abilities_are_true(case: Case) -> None:
    """The abilities history, live, buzz, text and battery agree with the driver's functions and what a sync brings."""

    async def story(clock: FastClock) -> None:
        store, able = MemoryStore(), await _able(case, case.band(), clock)
        await _once(case, case.band(), clock, store)
        lengths = {epoch.length for epoch in store.of(Epoch) if epoch.end <= NOON}  # later ones came from `watch`
        assert (able.history is not None) == bool(lengths), f"history {able.history}, and epochs of {lengths}"
        assert able.history is None or able.history in lengths, f"history {able.history}, and epochs of {lengths}"
        if case.driver.begin is None:
            assert able.live == (case.driver.watch is not None), "live, and no watch(), or the other way round"
            assert (able.buzz or able.text) == (case.driver.nudge is not None), (
                "buzz or text, and no nudge(), or the other way"
            )
        assert able.battery == bool(store.of(Charge)), "battery, and no Charge came, or the other way round"

    run(story, NOON)


def its_senses_are_true(case: Case) -> None:
    """The abilities wear, sleep and heart_rate agree with what comes of a life in which all of it happens.

    The wearer sleeps until three hours ago, takes the band off for half an hour, and once more in a quarter of an hour.
    What a band that stores minutes says of wear only while it is connected (`Wear`) is not the ability: its minutes do
    not say it.
    """

    async def story(clock: FastClock) -> None:
        store, able, now = MemoryStore(), await _able(case, case.band(), clock), NOON.replace(second=0)
        life = [
            Epoch(now + number * MINUTE, MINUTE, steps, heart_rate=heart_rate, state=state)
            for first, last, steps, heart_rate, state in (
                (-480, -180, 0, 52, State.ASLEEP),
                (-180, -120, 20, 75, State.WALKING),
                (-120, -90, 0, None, State.NOT_WORN),
                (-90, 15, 8, 70, State.WALKING),
                (15, 25, 0, None, State.NOT_WORN),
                (25, 90, 8, 70, State.WALKING),
            )
            for number in range(first, last)
        ]
        await _once(case, case.band_of(life), clock, store)
        epochs = store.of(Epoch)
        off = {State.NOT_WORN, State.CHARGING}
        came = {
            "wear": any(epoch.state in off for epoch in epochs) or (bool(store.of(Wear)) and able.history is None),
            "sleep": any(epoch.state is State.ASLEEP for epoch in epochs),
            "heart_rate": any(epoch.heart_rate for epoch in epochs),
        }
        said = {"wear": able.wear, "sleep": able.sleep, "heart_rate": able.heart_rate}
        assert came == said, f"of the senses there came {came}, and the abilities say {said}"

    run(story, NOON)


def a_silent_band_ends_in_no_reply(case: Case) -> None:
    """If a band falls silent after its first one to eight notifications, the conversation ends within `ENDS_WITHIN`.

    It may end without an error or with a `DeviceError`, but with no other exception.
    """

    async def story(clock: FastClock) -> None:
        for number in range(8):
            band, store = case.band(clock.now()), MemoryStore()
            connection = DirectConnection(band, clock.now)
            sent = 0

            def silenced(data: bytes, number: int = number) -> Sequence[bytes]:
                nonlocal sent
                sent += 1
                return [data] if sent <= number else []

            connection.spoil = silenced
            talk = Conversation(connection, zone=ZoneInfo("UTC"), now=clock.now)
            with contextlib.suppress(DeviceError):
                await case.sync(talk, case.session(band, store), store)
            connection.drop()

    run(story, NOON)


Rule = Callable[[Case], None]
SWEEPS: Collection[Rule] = (
    clock_and_zone_are_the_wearers,
    a_link_cut_anywhere_loses_nothing,
    a_spoilt_transfer_is_made_good,
    damaged_packets_end_as_device_errors,
    a_babbling_band_is_cut_off,
    a_repeating_band_is_cut_off,
    a_silent_courtesy_costs_no_steps,
    nothing_is_answered_twice,
    a_message_is_never_interleaved,
    a_secret_survives_a_kill_at_any_instant,
)
"""The rules that try many places in turn, and fewer of them if `Case.every` says so."""
RULES: Sequence[Rule] = (
    the_matcher_is_total,
    its_abilities_are_true,
    its_senses_are_true,
    a_second_sync_adds_nothing,
    a_link_cut_anywhere_loses_nothing,
    a_spoilt_transfer_is_made_good,
    nothing_is_acknowledged_before_it_is_stored,
    damaged_packets_end_as_device_errors,
    a_babbling_band_is_cut_off,
    a_repeating_band_is_cut_off,
    a_silent_band_ends_in_no_reply,
    a_silent_courtesy_costs_no_steps,
    clock_and_zone_are_the_wearers,
    a_nudge_is_harmless,
    nothing_is_answered_twice,
    a_message_is_never_interleaved,
    a_band_that_asks_is_answered_in_time,
    a_secret_survives_a_kill_at_any_instant,
)

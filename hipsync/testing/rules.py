"""What every driver must satisfy, as a table of rules; each is a function that raises `AssertionError`.

A rule meets the driver and its simulated band through `DirectConnection`, on a virtual clock, with an office morning in
the band's memory. It knows nothing of the family: what the stored readings mean is for the family's own tests.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hipsync.conversation.session import Conversation, collect, meet, nudge
from hipsync.driver import Advertisement, Driver, Message, Session
from hipsync.errors import DeviceError
from hipsync.host.clock import FastClock
from hipsync.model import Charge, Counter, Epoch, Reading
from hipsync.office_day import office_days
from hipsync.simulated import SimulatedBand, Simulator
from hipsync.testing.direct import DirectConnection, Kept, run

NOON = datetime(2026, 11, 20, 12, 0, 20, tzinfo=UTC)
"""A Friday; twenty seconds past the minute, for no band is asked on the second."""
FIRST = 100
"""Notifications of a live band with a memory, each of which is tried as the last one."""
MORNING = timedelta(hours=4)
"""What the band remembers in the rules that meet it again and again."""
KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
ENOUGH = timedelta(hours=2)
"""Of virtual time for one conversation: whatever a band says, it ends by then."""
WATCHED = timedelta(minutes=45)
DAMAGED = 25
"""Conversations with a band of which every twentieth word is damaged."""
FLOOD = 100_000
"""Notifications of a babbling band."""
MOST_MEMORY = 32 * 2**20
ZONES = ("UTC", "Asia/Kathmandu", "America/New_York", "Pacific/Auckland")


@dataclass(slots=True)
class Case:
    """A driver with its simulated band."""

    driver: Driver
    simulator: Simulator
    kept: Kept = field(default_factory=Kept)

    def band(self, now: datetime = NOON, zone: str = "UTC", remembers: timedelta = MORNING) -> SimulatedBand:
        """One on the wrist of somebody with an office day, whose past before `remembers` it has forgotten."""
        where, life = ZoneInfo(zone), self.life(now, zone, remembers)
        fresh = self.simulator(life, now=now, zone=where, secret=KEY)
        needs = self.driver.secret(fresh.advertisement()) != "none"
        return fresh if needs else self.simulator(life, now=now, zone=where)

    def life(self, now: datetime, zone: str, remembers: timedelta = MORNING) -> list[Epoch]:
        """What its wearer does, from the beginning of what the band remembers on."""
        where = ZoneInfo(zone)
        days = office_days(now.astimezone(where).date() - timedelta(days=1), 3, where, seed=1)
        return [epoch for epoch in days if epoch.start >= now - remembers]

    def session(self, band: SimulatedBand, kept: Kept) -> Session:
        """As the service makes it, from what is kept."""
        advertisement = band.advertisement()
        needs = self.driver.secret(advertisement) != "none"
        since: dict[type[Reading], datetime] = {}
        for reading in kept.readings:
            at = reading.end if isinstance(reading, Epoch) else reading.at
            since[type(reading)] = max(at, since.get(type(reading), at))
        return Session(name=advertisement.name or "", secret=KEY if needs else None, since=since)

    async def sync(self, conversation: Conversation, session: Session, kept: Kept) -> None:
        """Meet and collect; a band that the service stays connected to is watched for a while."""
        async with asyncio.timeout(ENOUGH.total_seconds()):
            await meet(self.driver, conversation, session, kept.commit)
            await collect(self.driver, conversation, session, kept.commit)
            if self.driver.held:
                await self.watch(conversation, session, kept)

    async def watch(self, conversation: Conversation, session: Session, kept: Kept) -> None:
        if self.driver.watch is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WATCHED.total_seconds()):
                async with contextlib.aclosing(self.driver.watch(conversation.view(), session)) as batches:
                    async for batch in batches:
                        await kept.commit(batch)


def check_driver(driver: Driver, simulator: Simulator) -> None:
    """Raises `AssertionError` with the first rule that the driver breaks."""
    for rule in RULES:
        rule(Case(driver, simulator))


# ------------------------------------------------------------------ the advertisement


def the_matcher_is_total(case: Case) -> None:
    """It says yes or no to any advertisement, and yes to its own band's."""
    noise = random.Random(1)
    for _ in range(2000):
        said = case.driver.matches(_advertisement(noise))
        assert isinstance(said, bool), "matches() must say True or False"
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
    """What a band is asked again for is what it said before."""

    async def story(clock: FastClock) -> None:
        band, kept = case.band(), Kept()
        await _once(case, band, clock, kept)
        first = _epochs(kept)
        await _once(case, band, clock, kept)
        again = _epochs(kept)
        assert {key: again[key] for key in first} == first, "a second sync changed what was stored"

    run(story, NOON)


async def _once(case: Case, band: SimulatedBand, clock: FastClock, kept: Kept) -> DirectConnection:
    """One connection from beginning to end."""
    connection = DirectConnection(band, clock.now)
    try:
        talk = Conversation(connection, zone=ZoneInfo("UTC"), now=clock.now)
        await case.sync(talk, case.session(band, kept), kept)
    finally:
        connection.drop()
    return connection


def _epochs(kept: Kept) -> dict[tuple[datetime, timedelta], Epoch]:
    """As the store keeps them: of two with the same start and length the one with no fewer steps."""
    held: dict[tuple[datetime, timedelta], Epoch] = {}
    for epoch in kept.of(Epoch):
        key = (epoch.start, epoch.length)
        if key not in held or epoch.steps >= held[key].steps:
            held[key] = epoch
    return held


def a_link_cut_anywhere_loses_nothing(case: Case) -> None:
    """After a link that ends in place of any one notification, the next sync completes what is stored.

    What a live band says is mostly its counter: of its notifications after the first hundred some twenty are tried.
    """

    async def story(clock: FastClock) -> None:
        kept = Kept()
        whole = await _once(case, case.band(), clock, kept)
        expected = {key: epoch for key, epoch in _epochs(kept).items() if epoch.end <= NOON}
        first = min(0 if case.driver.abilities.history is None else FIRST, whole.delivered)
        first = first if case.driver.held else whole.delivered
        numbers = [*range(first), *range(first, whole.delivered, max((whole.delivered - first) // 20, 1))]
        for number in numbers:
            partial, band = Kept(), case.band(clock.now())
            await _cut(case, band, clock, partial, number)
            await _once(case, band, clock, partial)
            told = _epochs(partial)
            missing = [
                key for key in expected if key not in told and key[0] >= clock.now() - MORNING + timedelta(hours=1)
            ]
            assert not missing, (
                f"cut at notification {number}: {len(missing)} epochs never came, the first {missing[0]}"
            )

    run(story, NOON)


async def _cut(case: Case, band: SimulatedBand, clock: FastClock, kept: Kept, number: int) -> None:
    connection = DirectConnection(band, clock.now)
    connection.cut_after(number)
    talk = Conversation(connection, zone=ZoneInfo("UTC"), now=clock.now)
    try:
        await case.sync(talk, case.session(band, kept), kept)
    except DeviceError:
        return
    finally:
        connection.drop()


def nothing_is_acknowledged_before_it_is_stored(case: Case) -> None:
    """A batch that could not be committed is followed by not one write."""

    async def story(clock: FastClock) -> None:
        batches = 0
        while not await _all_stored(case, clock, batches):
            batches += 1

    run(story, NOON)


async def _all_stored(case: Case, clock: FastClock, batches: int) -> bool:
    """Whether a sync of a band that may forget has at most so many batches; the next one could not be stored."""
    band, kept = case.band(clock.now()), Kept()
    connection = DirectConnection(band, clock.now)
    talk = Conversation(connection, zone=ZoneInfo("UTC"), now=clock.now)
    session = replace(case.session(band, kept), erase=True)
    await meet(case.driver, talk, session, kept.commit)
    kept.fail_at = len(kept.batches) + batches
    written = 0

    async def commit(batch: Sequence[Reading]) -> None:
        nonlocal written
        written = len(connection.written)
        await kept.commit(batch)

    try:
        await collect(case.driver, talk, session, commit)
    except OSError:
        assert len(connection.written) == written, f"it wrote to the band after batch {batches} was not stored"
        return False
    finally:
        connection.drop()
    return True


def damaged_packets_end_as_device_errors(case: Case) -> None:
    """Bytes changed, cut, doubled or lost: a `DeviceError` or nothing, and never a reading from the future."""
    for seed in range(DAMAGED):
        noise = random.Random(seed)

        async def story(clock: FastClock, noise: random.Random = noise) -> None:
            band, kept = case.band(), Kept()
            connection = DirectConnection(band, clock.now)
            connection.spoil = lambda data: _spoilt(data, noise)
            connection.spoil_read = lambda data: _spoilt(data, noise, lose=False)[0]
            talk = Conversation(connection, zone=ZoneInfo("UTC"), now=clock.now)
            try:
                await case.sync(talk, case.session(band, kept), kept)
            except DeviceError:
                pass
            finally:
                connection.drop()
            _from_the_past(kept, clock.now())

        run(story, NOON)


def _spoilt(data: bytes, noise: random.Random, *, lose: bool = True) -> Sequence[bytes]:
    """Mostly the data; one time in twenty something else."""
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


def _from_the_past(kept: Kept, now: datetime) -> None:
    for reading in kept.readings:
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
    """Noise without end, on whatever is subscribed to: it ends, and memory stays bounded."""

    async def story(clock: FastClock) -> None:
        band, kept = case.band(), Kept()
        connection = DirectConnection(band, clock.now)
        talk = Conversation(connection, zone=ZoneInfo("UTC"), now=clock.now)
        noise = random.Random(1)
        work = asyncio.ensure_future(case.sync(talk, case.session(band, kept), kept))
        for _ in range(FLOOD // 100):
            for _ in range(100):
                connection.flood(noise.randbytes(20))
            await asyncio.sleep(0.1)
            if work.done():
                break
        await asyncio.wait({work}, timeout=ENOUGH.total_seconds())
        assert work.done(), "the conversation with a babbling band never ends"
        with contextlib.suppress(DeviceError):
            await work
        connection.drop()
        _from_the_past(kept, clock.now())

    tracemalloc.start()
    try:
        run(story, NOON)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MOST_MEMORY, f"a babbling band took {peak >> 20} MiB"


def clock_and_zone_are_the_wearers(case: Case) -> None:
    """In any zone, and on the days on which clocks change, every reading is of the past, in UTC, on whole minutes."""
    for zone in ZONES:
        for now in (NOON, datetime(2026, 3, 29, 3, 0, 20, tzinfo=UTC), datetime(2026, 10, 25, 3, 0, 20, tzinfo=UTC)):

            async def story(clock: FastClock, zone: str = zone, now: datetime = now) -> None:
                band, kept = case.band(now, zone), Kept()
                connection = DirectConnection(band, clock.now)
                talk = Conversation(connection, zone=ZoneInfo(zone), now=clock.now)
                await case.sync(talk, case.session(band, kept), kept)
                connection.drop()
                _from_the_past(kept, clock.now())
                epochs = _epochs(kept)
                walked = any(epoch.steps for epoch in case.life(now, zone) if epoch.end <= now)
                if case.driver.abilities.history is not None and (epochs or walked):  # many omit what is still
                    assert epochs, f"nothing of a morning in {zone} arrived"
                    newest = max(epoch.end for epoch in epochs.values())
                    late = now - newest
                    assert late <= 2 * max(epoch.length for epoch in epochs.values()), (
                        f"{zone}: the newest epoch is {late} old"
                    )

            run(story, now)


def a_nudge_is_harmless(case: Case) -> None:
    """It is felt, and what is stored before and after is the same."""

    async def story(clock: FastClock) -> None:
        if case.driver.nudge is None:
            return
        band, kept = case.band(), Kept()
        connection = DirectConnection(band, clock.now)
        talk = Conversation(connection, zone=ZoneInfo("UTC"), now=clock.now)
        session = case.session(band, kept)
        await case.sync(talk, session, kept)
        before = _epochs(kept)
        for strong in (False, True):
            await nudge(
                case.driver, talk, session, Message("Time to move", "Hip extension \u2026 " * 20, strong=strong)
            )
        assert band.shown, "nobody felt the nudge"
        connection.drop()
        await _once(case, band, clock, kept)
        after = _epochs(kept)
        assert {key: after[key] for key in before} == before, "a nudge changed what is stored"

    run(story, NOON)


def its_abilities_are_true(case: Case) -> None:
    """What the driver promises is what came of a morning."""

    async def story(clock: FastClock) -> None:
        kept, able = Kept(), case.driver.abilities
        await _once(case, case.band(), clock, kept)
        lengths = {epoch.length for epoch in kept.of(Epoch) if epoch.end <= NOON}  # later ones it told as they ended
        assert (able.history is not None) == bool(lengths), f"history {able.history}, and epochs of {lengths}"
        assert able.history is None or able.history in lengths, f"history {able.history}, and epochs of {lengths}"
        assert able.live == (case.driver.watch is not None), "live, and no watch(), or the other way round"
        assert (able.buzz or able.text) == (case.driver.nudge is not None), (
            "buzz or text, and no nudge(), or the other way"
        )
        assert able.battery == bool(kept.of(Charge)), "battery, and no Charge came, or the other way round"

    run(story, NOON)


def a_silent_band_ends_in_no_reply(case: Case) -> None:
    """Whatever it is asked, a band that says nothing any more ends the conversation with a `DeviceError`, in time."""

    async def story(clock: FastClock) -> None:
        for number in range(8):
            band, kept = case.band(clock.now()), Kept()
            connection = DirectConnection(band, clock.now)
            said = 0

            def silenced(data: bytes, number: int = number) -> Sequence[bytes]:
                nonlocal said
                said += 1
                return [data] if said <= number else []

            connection.spoil = silenced
            talk = Conversation(connection, zone=ZoneInfo("UTC"), now=clock.now)
            with contextlib.suppress(DeviceError):
                await case.sync(talk, case.session(band, kept), kept)
            connection.drop()

    run(story, NOON)


Rule = Callable[[Case], None]
RULES: Sequence[Rule] = (
    the_matcher_is_total,
    its_abilities_are_true,
    a_second_sync_adds_nothing,
    a_link_cut_anywhere_loses_nothing,
    nothing_is_acknowledged_before_it_is_stored,
    damaged_packets_end_as_device_errors,
    a_babbling_band_is_cut_off,
    a_silent_band_ends_in_no_reply,
    clock_and_zone_are_the_wearers,
    a_nudge_is_harmless,
)

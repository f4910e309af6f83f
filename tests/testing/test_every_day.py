"""A day of made-up minutes in a simulated band equals what is stored, for every family, whatever happens meanwhile.

What is expected is added up from the minutes themselves: an epoch of the band's own resolution holds the steps of its
minutes; a counter, and minutes that are told as they pass, those that were walked while the band was listened to.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from families.known import Family, bands, family
from hipsync.conversation.dialogue import dialogue
from hipsync.conversation.session import Conversation
from hipsync.errors import DeviceError, LinkLost
from hipsync.host.clock import FastClock
from hipsync.model import MINUTE, Counter, Epoch
from hipsync.office_day import office_days
from hipsync.registry import drivers
from hipsync.simulated import SimulatedBand
from hipsync.testing.direct import DirectConnection, MemoryStore, run
from hipsync.testing.rules import Case

DRIVERS = drivers()
BANDS = bands()
REMEMBERING = sorted(name for name, (key, _) in BANDS.items() if DRIVERS[key].abilities.history is not None)
LIVE = sorted(set(BANDS) - set(REMEMBERING))
HELD = {name for name in REMEMBERING if DRIVERS[BANDS[name][0]].held}
"""Their memory is coarse and their total is told as it grows: they are both synced and held."""
TOLD = sorted({*LIVE, *HELD})
SLOW = frozenset({"huawei, Honor Band 3"})
"""It sends a day in so many packets that to cut each of them takes as long as with all others together."""
KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
LONDON = ZoneInfo("Europe/London")
HOUR = timedelta(hours=1)
LONGEST_RUN = 15
"""The most minutes of a run, which may have begun before the time that is compared, or end after it."""
FRIDAY = datetime(2026, 11, 20, tzinfo=UTC)
SPRING, AUTUMN = datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)
"""Both at one o'clock UTC."""


@cache
def _days(first: date) -> Sequence[Epoch]:
    return office_days(first, 4, LONDON, seed=3)


@dataclass(slots=True)
class Day:
    """A band on its wearer's wrist, and what is stored of it."""

    name: str
    clock: FastClock
    life: Sequence[Epoch]
    band: SimulatedBand
    case: Case
    kept: MemoryStore
    steps: Mapping[datetime, int]
    """Of the life, by the minute."""
    mtu: int = 247

    @classmethod
    def begun(cls, name: str, clock: FastClock, *, error: timedelta = timedelta(0), before: timedelta = HOUR) -> Day:
        """At the clock's time, with a memory of the time `before`."""
        key, made = BANDS[name]
        case, now = Case(DRIVERS[key], made), clock.now()
        days = _days(now.astimezone(LONDON).date() - timedelta(days=1))
        life = [epoch for epoch in days if epoch.start >= now - before]
        idle = made(life[:1], now=now, zone=LONDON, secret=KEY)
        secret = KEY if case.driver.secret(idle.advertisement()) != "none" else None
        wrong = {"clock_error": error} if error else {}
        band = made(life, now=now, zone=LONDON, secret=secret, **wrong)
        return cls(name, clock, life, band, case, MemoryStore(), {minute.start: minute.steps for minute in life})

    @property
    def family(self) -> Family:
        return family(BANDS[self.name][0])

    async def until(self, instant: datetime) -> None:
        await asyncio.sleep(max((instant - self.clock.now()).total_seconds(), 0))

    async def sync(self, cut: int | None = None) -> int:
        """One connection; how many notifications came of it."""
        connection = DirectConnection(self.band, self.clock.now, mtu=self.mtu)
        if cut is not None:
            connection.cut_after(cut)
        talk = Conversation(connection, zone=LONDON, now=self.clock.now)
        session = self.case.session(self.band, self.kept)
        try:
            async with dialogue(self.case.driver, talk, session, self.kept.commit) as opened:
                await opened.fetch(self.kept.commit)
        except DeviceError:
            if cut is None:
                raise
        finally:
            connection.drop()
        return connection.delivered

    async def watch(self, until: datetime, cut: int | None = None) -> int:
        """Meet it and listen until then, or until the link ends."""
        connection = DirectConnection(self.band, self.clock.now, mtu=self.mtu)
        if cut is not None:
            connection.cut_after(cut)
        talk = Conversation(connection, zone=LONDON, now=self.clock.now)
        session = self.case.session(self.band, self.kept)
        try:
            with contextlib.suppress(TimeoutError, LinkLost):
                async with (
                    asyncio.timeout((until - self.clock.now()).total_seconds()),
                    dialogue(self.case.driver, talk, session, self.kept.commit) as opened,
                ):
                    if self.name in HELD:
                        await opened.fetch(self.kept.commit)
                    await opened.watch(self.kept.commit)
        finally:
            connection.drop()
        return connection.delivered

    # ------------------------------------------------------------------ what is expected

    def walked(self, start: datetime, end: datetime) -> int:
        """In `[start, end)`, minute by minute."""
        first = start + (datetime(2000, 1, 1, tzinfo=UTC) - start) % MINUTE
        return sum(self.steps.get(first + i * MINUTE, 0) for i in range((end - first) // MINUTE))

    def stored(self) -> dict[tuple[datetime, timedelta], int]:
        """As the store keeps them: of two with one start and length the one with more steps."""
        held: dict[tuple[datetime, timedelta], int] = {}
        for epoch in self.kept.of(Epoch):
            key = (epoch.start, epoch.length)
            held[key] = max(epoch.steps, held.get(key, 0))
        return held

    def compare(
        self,
        begin: datetime,
        end: datetime,
        unknown: Sequence[tuple[datetime, datetime]] = (),
        unvouched: Sequence[tuple[datetime, datetime]] = (),
    ) -> None:
        """Each epoch of `[begin, end)` is stored, with the steps of its minutes; but for those that touch `unknown`.

        In `unvouched` a still one need not be.
        """
        length = self.case.driver.abilities.history
        assert length is not None
        stored = self.stored()
        if self.family.tells_runs:
            self._compare_runs(begin, end, unknown)
            return
        start = begin + (datetime(2000, 1, 1, tzinfo=UTC) - begin) % length
        seen = compared = 0
        while start + length <= end:
            if not any(start < after and start + length > before for before, after in unknown):
                expected = self.walked(start, start + length)
                told = stored.get((start, length))
                seen += told is not None
                vouched = not any(before <= start < after for before, after in unvouched)
                if told is not None or expected or not self.family.omits_still or (seen and vouched):
                    assert told == expected, f"{start}: {told} steps are stored of {expected}"
                compared += 1
            start += length
        assert compared >= (end - begin) / length * 0.7, "too little was compared"
        inside = [key for key in stored if begin <= key[0] and key[0] + key[1] <= end]
        nothing_yet = self.family.omits_still and not seen  # before its first slot a new band proves nothing
        assert {key[1] for key in inside} == (set() if nothing_yet else {length})
        assert all(not (key[0] - datetime(2000, 1, 1, tzinfo=UTC)) % length for key in inside)

    def _compare_runs(self, begin: datetime, end: datetime, unknown: Sequence[tuple[datetime, datetime]]) -> None:
        """Each minute but those of `unknown` is in one epoch alone, and each epoch has the steps of its minutes."""
        told: dict[datetime, int] = {}
        for (start, length), steps in self.stored().items():
            until = start + length
            if start < begin or until > end or any(start < after and until > before for before, after in unknown):
                continue
            assert steps == self.walked(start, until), f"{start}: {steps} steps are stored of a run of {length}"
            for place in range(length // MINUTE):
                told[start + place * MINUTE] = told.get(start + place * MINUTE, 0) + 1
        first = begin + (datetime(2000, 1, 1, tzinfo=UTC) - begin) % MINUTE
        expected = [first + i * MINUTE for i in range((end - first) // MINUTE)]
        expected = [
            minute
            for minute in expected[:-LONGEST_RUN]  # a run may go on after the end
            if not any(minute < after and minute + MINUTE > before for before, after in unknown)
        ]
        assert len(expected) >= (end - begin) / MINUTE * 0.7, "too little was compared"
        assert [minute for minute in expected[LONGEST_RUN:] if told.get(minute) != 1] == []

    def compare_live(self, begin: datetime, end: datetime, lost: Sequence[datetime] = ()) -> None:
        """By counter: what it grew by. By minutes: each with steps, but the first and any `lost`."""
        counters = self.kept.of(Counter)
        if counters:
            first, last = counters[0], counters[-1]
            assert first.at <= begin + 2 * MINUTE
            assert last.at >= end - 2.5 * MINUTE  # a ring is asked two minutes after what it last said
            told = sum(b.steps - a.steps if b.steps >= a.steps else b.steps for a, b in pairwise(counters))
            whole = self.walked(first.at, last.at)  # exact where the first and the last minute are still
            assert whole <= told <= self.walked(first.at - MINUTE, last.at + MINUTE)
            return
        stored = self.stored()
        missed = {instant.replace(second=0) for instant in (begin, end - MINUTE, end, *lost)}
        for minute in self.life:
            if begin < minute.start and minute.end < end and minute.start not in missed:
                kept = stored.get((minute.start, MINUTE))
                assert kept == minute.steps or (kept is None and not minute.steps), f"{minute}: {kept} are stored"
        assert len(stored) >= (end - begin) / MINUTE * 0.7, "too little was told"


def lived(name: str, start: datetime, story: Callable[[Day], object], error: timedelta = timedelta(0)) -> None:
    async def whole(clock: FastClock) -> None:
        day = Day.begun(name, clock, error=error)
        told = story(day)
        assert asyncio.iscoroutine(told)
        await told

    run(whole, start)


BEGIN = FRIDAY + timedelta(hours=0, seconds=20)
EVENING = FRIDAY + timedelta(hours=22, seconds=20)


async def one_clean_sync(day: Day) -> None:
    await day.until(EVENING)
    await day.sync()
    day.compare(BEGIN, EVENING)
    before = day.stored()
    await day.sync()
    again = day.stored()
    assert {key: again[key] for key in before} == before


async def three_syncs_at_random_instants(day: Day) -> None:
    noise = random.Random(day.name)
    for minute in sorted(noise.sample(range(60, 22 * 60), 3)):
        await day.until(FRIDAY + minute * MINUTE + timedelta(seconds=noise.randrange(60)))
        await day.sync()
        day.compare(BEGIN, day.clock.now() - 2 * MINUTE)


async def a_reboot(day: Day) -> None:
    """A quarter past eleven; met two minutes later."""
    await day.until(FRIDAY + 11 * HOUR)
    await day.sync()
    await day.until(FRIDAY + 11 * HOUR + 14 * MINUTE)
    day.band.reboot(day.clock.now())  # type: ignore[attr-defined]
    rebooted = day.clock.now()
    await day.until(rebooted + 2 * MINUTE)
    await day.sync()
    await day.until(EVENING)
    await day.sync()
    length = day.case.driver.abilities.history or MINUTE
    lost = [(rebooted - length, rebooted + 2 * MINUTE + length)]
    silent = [(FRIDAY, FRIDAY + 24 * HOUR)] if day.family.vouches_for_whole_days else []
    day.compare(BEGIN, EVENING, lost, silent)


async def midnight(day: Day) -> None:
    for instant in (EVENING + 110 * MINUTE, EVENING + 2 * HOUR + 20 * MINUTE, EVENING + 12 * HOUR):
        await day.until(instant)
        await day.sync()
    day.compare(BEGIN, EVENING + 12 * HOUR - MINUTE)


async def clocks_change(day: Day) -> None:
    """From one evening before it to noon after it."""
    begin = day.clock.now()
    change = (SPRING if begin < SPRING else AUTUMN) + HOUR
    for instant in (begin, change - HOUR, change + 8 * HOUR, change + 15 * HOUR):
        await day.until(instant)
        await day.sync()
    met = change + 8 * HOUR
    lost = [(met, met + HOUR + 10 * MINUTE)] if day.family.loses_a_fall_hour and begin > SPRING else []
    lost += [(met, met + 2 * HOUR)] if day.family.knows_no_zone else []
    local = change.astimezone(LONDON).replace(hour=0)
    silent = [(local, local.replace(hour=23, minute=59))] if day.family.vouches_for_whole_days else []
    day.compare(begin, day.clock.now() - MINUTE, lost, silent)


async def a_clock_that_is_wrong(day: Day) -> None:
    """Met at the beginning, which sets it; what it stamped before is not ours to put right."""
    begin = day.clock.now()
    length = day.case.driver.abilities.history or MINUTE
    await day.sync()
    await day.until(EVENING)
    await day.sync()
    # the slot in which the clock was set, and those that the wrong clock had already named
    day.compare(begin, EVENING, [(begin - HOUR, begin + 7 * MINUTE + length)])


Story = Callable[[Day], object]
BEFORE = timedelta(hours=6)
STORIES: dict[str, tuple[Story, datetime, timedelta]] = {
    "one clean sync": (one_clean_sync, BEGIN, timedelta(0)),
    "three syncs": (three_syncs_at_random_instants, BEGIN, timedelta(0)),
    "reboot": (a_reboot, BEGIN, timedelta(0)),
    "midnight": (midnight, BEGIN, timedelta(0)),
    "spring": (clocks_change, SPRING - BEFORE + timedelta(seconds=20), timedelta(0)),
    "autumn": (clocks_change, AUTUMN - BEFORE + timedelta(seconds=20), timedelta(0)),
    "7 minutes fast": (a_clock_that_is_wrong, BEGIN, timedelta(minutes=7)),
    "7 minutes slow": (a_clock_that_is_wrong, BEGIN, timedelta(minutes=-7)),
}


@pytest.mark.parametrize(
    "what", [what if what == "three syncs" else pytest.param(what, marks=pytest.mark.ring) for what in STORIES]
)
@pytest.mark.parametrize("name", REMEMBERING)
def test_what_is_stored_is_the_day(name: str, what: str) -> None:
    story, start, error = STORIES[what]
    lived(name, start, story, error)


@pytest.mark.ring
@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=pytest.mark.long) if each in SLOW else each for each in REMEMBERING]
)
def test_what_is_stored_is_the_day_though_a_link_is_cut_anywhere(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    packets = 0

    async def cut(day: Day, number: int | None) -> int:
        await day.until(EVENING)
        whole = await day.sync(cut=number)
        await day.sync()
        day.compare(BEGIN, EVENING)
        return whole

    def whole(number: int | None) -> int:
        found: list[int] = []

        async def story(day: Day) -> None:
            found.append(await cut(day, number))

        lived(name, BEGIN, story)
        return found[0]

    packets = whole(None)
    for number in range(packets):
        assert whole(number) == number
    with capsys.disabled():
        print(f"\n{name}: the day is whole after a link cut in place of each of its {packets} notifications")


# ------------------------------------------------------------------ bands that tell while they are listened to


UNTOLD = timedelta(seconds=5)
"""What the notification would have told in whose place a link is cut, of a band that tells a pace."""


async def listened(day: Day, until: datetime, *, reboot_at: datetime | None = None, cut: int | None = None) -> None:
    begin, lost = day.clock.now(), list[datetime]()

    async def reboot(at: datetime) -> None:
        await day.until(at)
        lost.append(day.clock.now())
        day.band.reboot(day.clock.now())  # type: ignore[attr-defined]

    rebooting = asyncio.ensure_future(reboot(reboot_at)) if reboot_at is not None else None
    while day.clock.now() < until:
        await day.watch(until, cut)
        lost += [day.clock.now() - UNTOLD, day.clock.now()]
        cut = None
    if rebooting is not None:
        await rebooting
    day.compare_live(begin, until, lost)


async def three_whiles(day: Day) -> None:
    noise = random.Random(day.name)
    for hour in sorted(noise.sample(range(7, 20), 3)):
        await day.until(FRIDAY + hour * HOUR + timedelta(seconds=noise.randrange(1800)))
        day.kept = MemoryStore()
        await listened(day, day.clock.now() + 30 * MINUTE)


def from_hour(start: datetime, hours: float) -> Story:
    async def story(day: Day) -> None:
        await listened(day, start + hours * HOUR)

    return story


async def rebooted(day: Day) -> None:
    await listened(day, day.clock.now() + 3 * HOUR, reboot_at=day.clock.now() + 82 * MINUTE)


WALK, STRETCH, MINUTES_OF_WALK = timedelta(hours=7, minutes=36, seconds=20), 14 * MINUTE, 5
"""Of Friday: still, five minutes of a walk, and still again."""
LATE, MORNING = FRIDAY + timedelta(hours=22, seconds=20), FRIDAY + timedelta(hours=7, seconds=20)
LIVE_STORIES: dict[str, tuple[Story, datetime, timedelta]] = {
    "one clean day": (from_hour(BEGIN, 22), BEGIN, timedelta(0)),
    "three whiles": (three_whiles, BEGIN, timedelta(0)),
    "reboot": (rebooted, MORNING, timedelta(0)),
    "midnight": (from_hour(LATE, 12), LATE, timedelta(0)),
    "spring": (from_hour(SPRING - HOUR, 10), SPRING - HOUR + timedelta(seconds=20), timedelta(0)),
    "autumn": (from_hour(AUTUMN - HOUR, 10), AUTUMN - HOUR + timedelta(seconds=20), timedelta(0)),
    "7 minutes fast": (from_hour(LATE, 12), LATE, timedelta(minutes=7)),
    "7 minutes slow": (from_hour(LATE, 12), LATE, timedelta(minutes=-7)),
}


@pytest.mark.parametrize(
    "what", [what if what == "three whiles" else pytest.param(what, marks=pytest.mark.ring) for what in LIVE_STORIES]
)
@pytest.mark.parametrize("name", TOLD)
def test_what_was_told_is_the_day(name: str, what: str) -> None:
    story, start, error = LIVE_STORIES[what]
    lived(name, start, story, error)


@pytest.mark.ring
@pytest.mark.parametrize("name", TOLD)
def test_what_was_told_is_the_walk_though_a_link_is_cut_anywhere(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every notification of some minutes with a walk in them is the one in whose place the link is cut."""
    begin, said = FRIDAY + WALK, list[int]()

    async def whole(day: Day) -> None:
        said.append(await day.watch(begin + STRETCH))

    lived(name, begin, whole)
    for number in range(said[0]):

        async def cut(day: Day, number: int = number) -> None:
            await listened(day, begin + STRETCH, cut=number)

        lived(name, begin, cut)
    assert said[0] > MINUTES_OF_WALK, "it told too little of the walk"
    with capsys.disabled():
        print(f"\n{name}: the walk is whole after a link cut in place of each of its {said[0]} notifications")

"""Colmi's driver against the simulated ring: the hours that are stored are the hours that were walked."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hipsync.conversation.session import collect, meet, watch
from hipsync.core.timeline import Source, minute_of, timeline
from hipsync.driver import Session
from hipsync.errors import DeviceError
from hipsync.host.clock import FastClock
from hipsync.model import Charge, Counter, Epoch, Reading
from hipsync.office_day import office_day, office_days
from hipsync.testing.direct import DirectConnection, MemoryStore, conversation, run
from hipsync_devices.colmi import DRIVER
from hipsync_devices.colmi.packets import Battery
from hipsync_devices.colmi.sim import ColmiRing

FRIDAY, LONDON = date(2026, 11, 20), "Europe/London"
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LIFE = office_days(FRIDAY - DAY, 3, ZoneInfo("UTC"), seed=4)


def at(hour: int, minute: int = 0, day: date = FRIDAY) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, 20, tzinfo=UTC)


def hours(life: Sequence[Epoch], until: datetime, width: timedelta = HOUR) -> dict[datetime, int]:
    """The steps of each slot that has ended, as far as there were any."""
    sums: dict[datetime, int] = {}
    for epoch in life:
        start = epoch.start - (epoch.start - datetime(2000, 1, 1, tzinfo=UTC)) % width
        if start + width <= until and epoch.steps:
            sums[start] = sums.get(start, 0) + epoch.steps
    return sums


def known(kept: MemoryStore) -> dict[datetime, int]:
    """As the store keeps them, without the still ones."""
    held: dict[datetime, int] = {}
    for epoch in kept.of(Epoch):
        held[epoch.start] = max(epoch.steps, held.get(epoch.start, 0))
    return {start: steps for start, steps in held.items() if steps}


def session(kept: MemoryStore) -> Session:
    since: dict[type[Reading], datetime] = {}
    for reading in kept.readings:
        when = reading.end if isinstance(reading, Epoch) else reading.at
        since[type(reading)] = max(when, since.get(type(reading), when))
    return Session(name="R02_A1B2", since=since)


async def visit(
    band: ColmiRing,
    clock: FastClock,
    kept: MemoryStore,
    zone: str,
    length: timedelta | None = None,
    cut: int | None = None,
) -> int:
    """Meet and collect, and watch for so long or until the link is lost; how many notifications came."""
    connection = DirectConnection(band, clock.now)
    if cut is not None:
        connection.cut_after(cut)
    talk, before = conversation(connection, clock, zone), session(kept)
    try:
        await meet(DRIVER, talk, before, kept.commit)
        await collect(DRIVER, talk, before, kept.commit)
        if length is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(length.total_seconds()):
                    await watch(DRIVER, talk, before, kept.commit)
    except DeviceError:
        assert cut is not None or connection.lost.is_set()
    finally:
        connection.drop()
    return connection.delivered


def told(
    band: ColmiRing, *visits: datetime | tuple[datetime, timedelta], zone: str = "UTC", cut: int | None = None
) -> MemoryStore:
    """What is kept after these visits; the first is cut before that notification."""
    kept = MemoryStore()
    times = [each if isinstance(each, tuple) else (each, None) for each in visits]

    async def story(clock: FastClock) -> None:
        for number, (start, length) in enumerate(times):
            await clock.sleep_until(start)
            await visit(band, clock, kept, zone, length, cut if number == 0 else None)

    run(story, times[0][0])
    return kept


def worn(now: datetime, life: Sequence[Epoch] = LIFE, zone: str = "UTC", **more: timedelta | bool) -> ColmiRing:
    return ColmiRing(life, now=now, zone=ZoneInfo(zone), **more)  # type: ignore[arg-type]


def total(kept: MemoryStore, day: date, zone: str = "UTC") -> int:
    """Of a local day, as the summary counts it."""
    where = ZoneInfo(zone)
    first = minute_of(datetime(day.year, day.month, day.day, tzinfo=where))
    last = minute_of(datetime(day.year, day.month, day.day, tzinfo=where) + DAY)
    held = {(e.start, e.length): e for e in sorted(kept.of(Epoch), key=lambda e: e.steps)}
    seconds: dict[datetime, int] = {}  # of two counters of a second the store keeps the larger
    for counter in kept.of(Counter):
        second = counter.at.replace(microsecond=0)
        seconds[second] = max(counter.steps, seconds.get(second, 0))
    counters = [Counter(*each) for each in sorted(seconds.items())]
    line = timeline([Source(sorted(held.values()), counters)], first, last, where)
    return sum(line.steps) + sum(steps for _, steps in line.unplaced)


@pytest.mark.parametrize("quarters", [False, True])
def test_two_days_arrive_in_one_sync(quarters: bool) -> None:
    kept = told(worn(at(20), quarters=quarters), at(20))
    assert known(kept) == hours(LIFE, at(20), HOUR / 4 if quarters else HOUR)


def test_the_still_hours_between_are_still_and_those_before_the_first_unknown() -> None:
    kept = told(worn(at(20)), at(20))
    epochs = sorted({epoch.start for epoch in kept.of(Epoch)})
    first = min(hours(LIFE, at(20)))
    assert epochs == [first + i * HOUR for i in range(len(epochs))]
    assert epochs[-1] == at(19).replace(second=0)


@pytest.mark.parametrize("every", [7, pytest.param(1, marks=pytest.mark.ring)])
def test_a_link_cut_at_any_packet_is_made_good_by_the_next_sync(every: int) -> None:
    whole = told(worn(at(20)), at(20))

    async def count(clock: FastClock) -> int:
        return await visit(worn(at(20)), clock, MemoryStore(), "UTC")

    packets = run(count, at(20))
    assert packets > 30
    for cut in range(0, packets, every):
        kept = told(worn(at(20)), at(20), at(20, 5), cut=cut)
        assert known(kept) == known(whole) == hours(LIFE, at(20)), f"cut at {cut}"


@pytest.mark.parametrize("seed", range(10))
def test_three_syncs_at_random_instants_store_each_hour_once(seed: int) -> None:
    noise = random.Random(seed)
    minutes = sorted(noise.sample(range(24 * 60), 3))
    times = [at(0) + minute * MINUTE for minute in minutes]
    assert known(told(worn(times[0]), *times)) == hours(LIFE, times[-1])


def test_a_reboot_loses_clock_and_total_and_no_hour() -> None:
    band, kept = worn(at(12)), MemoryStore()

    async def story(clock: FastClock) -> None:
        await visit(band, clock, kept, "UTC")
        await clock.sleep_until(at(15))
        band.reboot(clock.now())
        band.advance(clock.now())
        await visit(band, clock, kept, "UTC")
        await clock.sleep_until(at(20))
        await visit(band, clock, kept, "UTC")

    run(story, at(12))
    assert known(kept) == hours(LIFE, at(20))


def test_hours_and_totals_across_midnight_belong_to_their_days() -> None:
    # watched from before midnight to after it, and once more in the next noon
    kept = told(worn(at(22)), (at(22), 3 * HOUR), at(12, day=FRIDAY + DAY))
    assert known(kept) == hours(LIFE, at(12, day=FRIDAY + DAY))
    assert total(kept, FRIDAY) == sum(e.steps for e in LIFE if e.start.date() == FRIDAY)


@pytest.mark.parametrize("error", [7 * MINUTE, -7 * MINUTE])
def test_a_clock_seven_minutes_off_shifts_what_came_before_and_loses_nothing(error: timedelta) -> None:
    # stamped seven minutes off until the ring is met at 12:30, and right from then on
    met = at(12, 30)
    stamped = [e._replace(start=e.start + error) if e.end <= met else e for e in LIFE]
    kept = told(worn(met, clock_error=error), met, at(20))
    assert known(kept) == hours(stamped, at(20))
    assert sum(known(kept).values()) == sum(e.steps for e in LIFE if e.end <= at(20).replace(minute=0, second=0))


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)])
class TestTheDaysOnWhichClocksChange:
    def life(self, day: date) -> list[Epoch]:
        """Awake through the night: ten steps each minute, 30 in the two hours after midnight UTC; still at 9:00 and
        10:00, for what is walked while the clock is being set lies an hour off."""
        start = datetime(day.year, day.month, day.day, tzinfo=UTC) - 4 * HOUR
        return [
            Epoch(start + i * MINUTE, MINUTE, 30 if 240 <= i < 360 else 0 if i in {780, 840} else 10)
            for i in range(30 * 60)
        ]

    def test_a_ring_that_is_met_only_afterwards_tells_each_hour(self, day: date) -> None:
        life, before = self.life(day), at(20, day=day - DAY)
        kept = told(worn(before, life, LONDON), before, at(10, day=day), zone=LONDON)
        assert known(kept) == hours(life, at(10, day=day))

    def test_of_the_hours_after_it_only_those_of_two_clocks_are_unknown(self, day: date) -> None:
        """Met at nine, which set the clock: in spring the hour of the meeting, in autumn the next one too."""
        life, before = self.life(day), at(20, day=day - DAY)
        kept = told(worn(before, life, LONDON), before, at(9, day=day), at(16, day=day), zone=LONDON)
        expected = hours(life, at(16, day=day))
        for hour in (9,) if day.month == 3 else (9, 10):
            del expected[at(hour, day=day).replace(second=0)]
        assert known(kept) == expected

    def test_a_ring_that_is_held_tells_each_step_once(self, day: date) -> None:
        # walked is in every fifth minute, and in all of them around midnight, when the total falls
        life = [
            each if each.start.hour in {22, 23, 0} or each.start.minute % 5 == 0 else each._replace(steps=0)
            for each in self.life(day)
        ]
        before = at(20, day=day - DAY)
        kept = told(worn(before, life, LONDON), (before, 30 * HOUR), zone=LONDON)
        where = ZoneInfo(LONDON)
        assert total(kept, day, LONDON) == sum(e.steps for e in life if e.start.astimezone(where).date() == day)

    @pytest.mark.ring
    def test_a_ring_that_is_held_and_met_again_doubles_nothing(self, day: date) -> None:
        life, before = self.life(day), at(20, day=day - DAY)
        visits = [(before, 13 * HOUR + 30 * MINUTE), (at(11, day=day), 16 * HOUR)]
        kept = told(worn(before, life, LONDON), *visits, zone=LONDON)
        where = ZoneInfo(LONDON)
        assert total(kept, day, LONDON) == sum(e.steps for e in life if e.start.astimezone(where).date() == day)


@pytest.mark.parametrize("tells", [True, False])
def test_live_total_and_hours_give_each_step_of_the_day_once(tells: bool) -> None:
    life = office_day(FRIDAY, ZoneInfo("UTC"), seed=4)
    # watched in the morning and in the evening; the hours between come with the second visit, after the counter
    kept = told(worn(at(0), life, reports_walks=tells), (at(0), 10 * HOUR + 20 * MINUTE), (at(14, 40), 10 * HOUR))
    assert total(kept, FRIDAY) == sum(epoch.steps for epoch in life)


def test_a_watched_minute_has_the_steps_that_were_walked_in_it() -> None:
    life = [Epoch(at(9).replace(second=0) + i * MINUTE, MINUTE, 60 if i % 20 < 5 else 0) for i in range(60)]
    kept = told(worn(at(9), life), (at(9), HOUR))
    first = minute_of(at(9))
    line = timeline([Source([], sorted(kept.of(Counter)))], first, first + 60, ZoneInfo("UTC"))
    assert sum(line.steps[20:25]) >= 300 - 12  # what is walked until the first burst ends may lie a minute earlier
    assert sum(line.steps[27:38]) == 0  # the first steps of the next walk may have been walked since the last question


@pytest.mark.parametrize("says_so", [True, False], ids=["event", "asked"])
def test_an_hour_on_the_charger_is_unknown(says_so: bool) -> None:
    start, on, off = at(13), at(14), at(15)
    band = worn(start)
    kept = MemoryStore()

    async def story(clock: FastClock) -> None:
        watching = asyncio.create_task(visit(band, clock, kept, "UTC", 3 * HOUR))
        for instant, charging in ((on, True), (off, False)):
            await clock.sleep_until(instant)
            if says_so:
                band.charge(instant, on=charging)
            else:
                band.battery = Battery(64, charging)
        await watching

    run(story, start)
    counted = [counter.at for counter in kept.of(Counter)]
    late = 2 * MINUTE + 10 * SECOND  # it is asked every two minutes
    assert not [instant for instant in counted if on + late < instant < off]
    assert [instant for instant in counted if on - late < instant < on]
    assert [instant for instant in counted if off < instant < off + late]
    line = timeline([Source([], sorted(set(kept.of(Counter))))], minute_of(on), minute_of(off), ZoneInfo("UTC"))
    assert not any(line.code[5:-5])
    assert {charge.charging for charge in kept.of(Charge)} == {True, False}

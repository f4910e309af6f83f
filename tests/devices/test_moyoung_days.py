"""MoYoung's driver against the simulated watch: what its wearer did is what is stored, as far as the watch can say it.

Connected, it tells its counter every two seconds of a walk. Of the time without a connection it tells one difference,
and some watches the half hours of today.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hipsync.conversation.session import Connection, Conversation, collect, meet, nudge, watch
from hipsync.core.timeline import MISSING, Source, Timeline, minute_of, timeline
from hipsync.driver import Message, Session
from hipsync.errors import DeviceError
from hipsync.host.clock import FastClock
from hipsync.model import Counter, Epoch, Info, Reading
from hipsync.office_day import office_day, office_days
from hipsync.radio.connect import connect
from hipsync.radio.scan import scan
from hipsync.radio.simulation import simulated_radio
from hipsync.testing.direct import DirectConnection, MemoryStore, run
from hipsync_devices.moyoung import DRIVER
from hipsync_devices.moyoung.sim import Faults, MoYoungWatch
from support.builders import day

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
TUESDAY = date(2026, 11, 24)
SECOND, MINUTE, HALF_HOUR, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(minutes=30), timedelta(hours=1)
BURST = 10 * SECOND
LAST = BURST + SECOND
"""Time enough for the driver to report what it was told last."""
FASTEST = 116
"""Steps of the fastest minute of the made-up days."""


def worn(life: str | Sequence[Epoch], start: datetime = NINE, *, zone: str = "UTC", **more: Any) -> MoYoungWatch:
    lived = day(life, start) if isinstance(life, str) else life
    return MoYoungWatch(lived, now=start, zone=ZoneInfo(zone), **more)


async def talk(connection: Connection, clock: FastClock, length: timedelta, zone: str, kept: MemoryStore) -> None:
    """Open, sync and watch for so long, or until the link is lost. No length: only sync."""
    since: dict[type[Reading], datetime] = {Counter: kept.of(Counter)[-1].at} if kept.of(Counter) else {}
    conversing = Conversation(connection, zone=ZoneInfo(zone), now=clock.now)
    with contextlib.suppress(TimeoutError, DeviceError):
        async with asyncio.timeout(length.total_seconds() or 60):
            await meet(DRIVER, conversing, Session(since=since), kept.commit)
            await collect(DRIVER, conversing, Session(since=since), kept.commit)
            if length:
                await watch(DRIVER, conversing, Session(since=since), kept.commit)


def visited(
    band: MoYoungWatch,
    visits: Sequence[tuple[datetime, timedelta]],
    *,
    zone: str = "UTC",
    cut_after: int | None = None,
    then: Sequence[tuple[timedelta, Callable[[datetime], None]]] = (),
) -> MemoryStore:
    """What is stored of connections that begin at these instants and last so long.

    The first one is cut after so many notifications; `then` things happen, counted from its beginning.
    """
    kept = MemoryStore()

    async def story(clock: FastClock) -> None:
        def happen(what: Callable[[datetime], None]) -> None:
            what(clock.now())

        for after, what in then:
            asyncio.get_running_loop().call_later(after.total_seconds(), happen, what)
        for number, (start, length) in enumerate(visits):
            await clock.sleep_until(start)
            connection = DirectConnection(band, clock.now)
            if number == 0 and cut_after is not None:
                connection.cut_after(cut_after)
            await talk(connection, clock, length, zone, kept)
            connection.drop()

    run(story, visits[0][0])
    return kept


def line_of(kept: MemoryStore, start: datetime, minutes: int, zone: str = "UTC") -> Timeline:
    first = minute_of(start)
    source = Source(sorted(kept.of(Epoch)), sorted(kept.of(Counter)))
    return timeline([source], first, first + minutes, ZoneInfo(zone))


def total(line: Timeline) -> int:
    return sum(line.steps) + sum(steps for _, steps in line.unplaced)


def walked(life: Sequence[Epoch], until: datetime) -> int:
    """Steps at an instant, to the two seconds in which the watch tells them."""
    steps = 0
    for epoch in life:
        if epoch.start < until:
            share = min((until - epoch.start) // (2 * SECOND), 30)
            steps += epoch.steps * share // 30
    return steps


def half_hours(life: Sequence[Epoch], since: datetime, until: datetime, zone: ZoneInfo) -> dict[datetime, int]:
    """Steps of the half hours that lie wholly between, as far as there were any; not of the first half hour."""
    since += HALF_HOUR
    slots: dict[datetime, int] = {}
    for epoch in life:
        local = epoch.start.astimezone(zone)
        start = epoch.start - timedelta(minutes=local.minute % 30)
        if start >= since and start + HALF_HOUR <= until and epoch.steps:
            slots[start] = slots.get(start, 0) + epoch.steps
    return slots


class TestADay:
    @pytest.mark.parametrize(
        "clock_error",
        [-7 * MINUTE, *(pytest.param(error, marks=pytest.mark.ring) for error in (timedelta(), 7 * MINUTE))],
    )
    def test_every_count_of_a_day_is_what_was_walked_by_then(self, clock_error: timedelta) -> None:
        zone = ZoneInfo("Europe/London")
        life = office_day(TUESDAY, zone, seed=1)
        start = life[0].start + 5 * HOUR + 20 * SECOND  # asleep, nothing was walked yet
        band = worn(life, start, zone=zone.key, clock_error=clock_error)
        kept = visited(band, [(start, life[-1].end - start + LAST)], zone=zone.key)
        before_midnight = [counter for counter in kept.of(Counter) if counter.at < life[-1].end]
        assert [c.steps for c in before_midnight] == [walked(life, c.at) for c in before_midnight]
        assert kept.of(Epoch) == []
        line = line_of(kept, start, 19 * 60, zone.key)
        assert total(line) == sum(epoch.steps for epoch in life)
        # what is told together is spread over at most ten seconds
        ours, theirs = 0, 0
        for steps, epoch in zip(line.steps, life[5 * 60 :], strict=False):
            ours, theirs = ours + steps, theirs + epoch.steps
            assert abs(ours - theirs) <= FASTEST / 6 + 1

    def test_a_watch_that_never_notifies_is_read_every_minute(self) -> None:
        band = worn("5m walk 60, 5m sit", notifies=False)
        line = line_of(visited(band, [(NINE, 10 * MINUTE + SECOND)]), NINE, 10)
        assert line.steps == [60] * 5 + [0] * 5

    def test_a_gap_without_half_hours_is_one_difference_of_no_minute(self) -> None:
        life = "10m walk 60, 2h sit, 10m walk 30, 10m sit"
        kept = visited(worn(life), [(NINE, 12 * MINUTE), (NINE + 2 * HOUR + 25 * MINUTE, 3 * MINUTE)])
        assert kept.of(Epoch) == []
        line = line_of(kept, NINE, 150)
        assert total(line) == 900
        assert set(line.code[15:140]) == {MISSING}

    def test_half_hours_place_the_steps_of_a_gap_and_count_none_twice(self) -> None:
        # from ten on: 300 steps; the rest of the gap was still
        life = "10m walk 60, 60m sit, 10m walk 30, 65m sit"
        band = worn(life, buckets=48)
        kept = visited(band, [(NINE, 12 * MINUTE), (NINE + 2 * HOUR + 15 * MINUTE, 3 * MINUTE)])
        assert kept.of(Epoch) == [Epoch(NINE + HOUR, HALF_HOUR, 300)]
        line = line_of(kept, NINE, 145)
        assert (total(line), line.unplaced) == (900, [])
        assert MISSING not in line.code[60:90]
        assert set(line.code[12:60]) | set(line.code[90:135]) == {MISSING}


class TestInterruptions:
    @pytest.mark.parametrize("buckets", [0, 48])
    def test_a_link_cut_at_any_notification_loses_no_step(self, buckets: int) -> None:
        # 60 steps a minute are 30 notifications; the second connection begins 20 s after the walk's end
        for number in range(90):
            band = worn("3m walk 60, 5m sit", buckets=buckets)
            visits = [(NINE, 3 * MINUTE + 5 * SECOND), (NINE + 3 * MINUTE + 20 * SECOND, 30 * SECOND)]
            kept = visited(band, visits, cut_after=number)
            assert total(line_of(kept, NINE, 8)) == 180, f"cut at notification {number}"

    def test_an_answer_with_half_hours_that_is_cut_anywhere_is_completed_by_the_next(self) -> None:
        life = [*day("10m walk 60", NINE), *day("10m walk 30", NINE + 40 * MINUTE)]
        for number in range(6):
            band = worn(life, buckets=48)
            # nothing is notified in the first visit, so the cut is in the second: six pieces of answers
            kept = MemoryStore()

            async def story(
                clock: FastClock, band: MoYoungWatch = band, kept: MemoryStore = kept, number: int = number
            ) -> None:
                for start, cut in ((NINE, None), (NINE + 75 * MINUTE, number), (NINE + 76 * MINUTE, None)):
                    await clock.sleep_until(start)
                    connection = DirectConnection(band, clock.now)
                    if cut is not None:
                        connection.cut_after(cut)
                    await talk(connection, clock, timedelta(), "UTC", kept)
                    assert connection.lost.is_set() is (cut is not None)
                    connection.drop()

            run(story, NINE)
            assert set(kept.of(Epoch)) == {Epoch(NINE + HALF_HOUR, HALF_HOUR, 300)}
            assert kept.of(Counter)[-1].steps == 900

    @pytest.mark.parametrize("seed", range(6))
    def test_three_syncs_at_random_instants_tell_the_half_hours_between_them(self, seed: int) -> None:
        zone = ZoneInfo(["UTC", "Asia/Kathmandu", "America/New_York"][seed % 3])
        life = office_days(date(2026, 11, 23), 2, zone, seed)
        midnight = life[len(life) // 2].start
        noise = random.Random(seed)
        instants = [midnight + timedelta(seconds=at) for at in sorted(noise.sample(range(4 * 3600, 23 * 3600), 3))]
        band = worn(life, instants[0], zone=zone.key, buckets=48)
        kept = visited(band, [(at, timedelta()) for at in instants], zone=zone.key)
        today = [epoch for epoch in life if epoch.start >= midnight]
        assert [counter.steps for counter in kept.of(Counter)] == [walked(today, at) for at in instants]
        expected = {
            **half_hours(today, instants[0], instants[1], zone),
            **half_hours(today, instants[1], instants[2], zone),
        }
        assert {epoch.start: epoch.steps for epoch in kept.of(Epoch)} == expected
        assert {epoch.length for epoch in kept.of(Epoch)} <= {HALF_HOUR}

    @pytest.mark.parametrize("buckets", [0, 48])
    def test_a_restart_of_the_watch_makes_no_steps(self, buckets: int) -> None:
        band = worn("5m walk 60, 5m sit, 5m walk 60", buckets=buckets)
        visits = [(NINE, 9 * MINUTE), (NINE + 10 * MINUTE, 5 * MINUTE + LAST)]
        kept = visited(band, visits, then=[(8 * MINUTE + 30 * SECOND, band.reboot)])
        assert kept.of(Epoch) == []
        line = line_of(kept, NINE, 15)
        assert line.steps == [60] * 5 + [0] * 5 + [60] * 5
        assert [i for i, code in enumerate(line.code) if code == MISSING] == [8, 9]


class TestClocks:
    def test_a_walk_over_midnight_loses_no_step(self) -> None:
        start = datetime(2026, 3, 1, 23, 50, tzinfo=UTC)
        met = start + timedelta(milliseconds=300)  # else it is read at the very instant of its reset
        kept = visited(worn("5m sit, 10m walk 60, 5m sit", start), [(met, 20 * MINUTE + SECOND)])
        assert line_of(kept, start, 20).steps == [0] * 5 + [60] * 10 + [0] * 5

    def test_of_a_night_without_connection_only_today_s_half_hours_are_told(self) -> None:
        start = datetime(2026, 3, 1, 22, tzinfo=UTC)
        life = [
            *day("30m walk 10", start + HOUR),
            *day("30m walk 20", start + 3 * HOUR),
            *day("1h sit", start + 4 * HOUR),
        ]
        band = worn(life, start, buckets=48)
        kept = visited(band, [(start, timedelta()), (start + 5 * HOUR, timedelta())])
        assert kept.of(Epoch) == [Epoch(start + 3 * HOUR, HALF_HOUR, 600)]
        assert total(line_of(kept, start, 301)) == 600  # the 300 of before midnight are gone with the watch's own reset

    @pytest.mark.parametrize("change", [datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)])
    def test_a_walk_through_a_change_of_clocks_loses_no_step(self, change: datetime) -> None:
        band = worn("5m walk 60, 10m walk 40, 5m sit", change - 10 * MINUTE, zone="Europe/London", buckets=48)
        kept = visited(band, [(change - 10 * MINUTE, 20 * MINUTE + LAST)], zone="Europe/London")
        assert line_of(kept, change - 10 * MINUTE, 20, "Europe/London").steps == [60] * 5 + [40] * 10 + [0] * 5
        local = (change + 20 * MINUTE).astimezone(ZoneInfo("Europe/London"))
        ahead = band.wall_clock() - (change + 10 * MINUTE + LAST).replace(tzinfo=None)
        assert ahead.total_seconds() == pytest.approx((local.utcoffset() or timedelta()).total_seconds(), abs=1)

    @pytest.mark.parametrize("error", [7 * MINUTE, -7 * MINUTE])
    def test_half_hours_of_a_clock_that_was_wrong_are_not_told(self, error: timedelta) -> None:
        life = [*day("90m walk 10", NINE), *day("90m walk 20", NINE + 90 * MINUTE)]
        band = worn(life, NINE + HOUR, buckets=48, clock_error=error)
        kept = visited(band, [(NINE + HOUR, timedelta()), (NINE + 160 * MINUTE, timedelta())])
        # 10:00 was the first meeting; a clock that was fast had counted before it into the half hour after it
        assert kept.of(Epoch) == [
            Epoch(NINE + 3 * HALF_HOUR, HALF_HOUR, 600),
            Epoch(NINE + 4 * HALF_HOUR, HALF_HOUR, 600),
        ]


class TestOddWatches:
    def gap(self, faults: Faults, buckets: int = 48) -> MemoryStore:
        """Twenty minutes' walk between two readings an hour and a half apart."""
        band = worn("30m sit, 20m walk 30, 41m sit", buckets=buckets)
        band.faults = faults
        return visited(band, [(NINE, timedelta()), (NINE + 90 * MINUTE, timedelta())])

    @pytest.mark.parametrize("faults", [Faults(), Faults(stale_buckets=True), Faults(lost_bucket_steps=50)])
    def test_half_hours_that_prove_themselves_are_told(self, faults: Faults) -> None:
        # the running half hour has no steps, so none of them can be late
        assert self.gap(faults).of(Epoch) == [Epoch(NINE + HALF_HOUR, HALF_HOUR, 600)]

    @pytest.mark.parametrize(
        ("faults", "buckets"),
        [
            (Faults(), 0),
            (Faults(), 24),
            (Faults(lose={1}), 48),
            (Faults(double={1}), 48),
            (Faults(stall_at=2), 48),
        ],
    )
    def test_else_the_counter_alone_is(self, faults: Faults, buckets: int) -> None:
        kept = self.gap(faults, buckets)
        assert kept.of(Epoch) == []
        assert [counter.steps for counter in kept.of(Counter)] == [0, 600]

    def test_half_hours_that_lag_behind_the_counter_are_not_told(self) -> None:
        band = worn("30m sit, 20m walk 30, 20m walk 5", buckets=48)
        band.faults = Faults(lost_bucket_steps=1)
        kept = visited(band, [(NINE, timedelta()), (NINE + 65 * MINUTE, timedelta())])
        assert kept.of(Epoch) == []
        assert kept.of(Counter)[-1].steps == 675

    def test_a_watch_that_hangs_up_is_met_again(self) -> None:
        band = worn("5m walk 60, 5m sit")
        band.faults = Faults(hang_up_at=20)
        kept = visited(band, [(NINE, 5 * MINUTE), (NINE + 6 * MINUTE, MINUTE)])
        assert total(line_of(kept, NINE, 10)) == 300

    def test_a_watch_of_small_packets_is_set_and_buzzed(self) -> None:
        band = worn("1m sit", small_only=True, clock_error=7 * MINUTE)

        async def story(clock: FastClock) -> None:
            connection = DirectConnection(band, clock.now)
            await talk(connection, clock, timedelta(), "UTC", MemoryStore())
            conversing = Conversation(connection, zone=ZoneInfo("UTC"), now=clock.now)
            await nudge(DRIVER, conversing, Session(), Message("Time to move", "Hip extension", strong=True))
            connection.drop()

        run(story, NINE)
        assert band.wall_clock() == NINE.replace(tzinfo=None)
        assert [shown.text for shown in band.shown] == ["Time to move:Hip extension", ""]


def test_over_gatt_it_is_found_watched_and_buzzed() -> None:
    band, kept = worn("3m walk 60, 3m sit", buckets=48), MemoryStore()

    async def story(clock: FastClock) -> None:
        async with simulated_radio([band], now=clock.now) as air:
            (seen,) = [seen for seen in await scan(air.adapter, 2) if DRIVER.matches(seen.advertisement)]
            async with connect(air.adapter, seen, 10 * SECOND) as connection:
                await talk(connection, clock, NINE + 5 * MINUTE - clock.now(), "UTC", kept)
                conversing = Conversation(connection, zone=ZoneInfo("UTC"), now=clock.now)
                await nudge(DRIVER, conversing, Session(), Message("Time to move", "Hip extension"))

    run(story, NINE)
    assert kept.of(Info)[0].firmware == "MOY-EES3-2.0.4"
    assert kept.of(Counter)[-1].steps == 180
    assert line_of(kept, NINE, 4).steps[1:] == [60, 60, 0]
    assert [shown.text for shown in band.shown] == ["Time to move:Hip extension"]

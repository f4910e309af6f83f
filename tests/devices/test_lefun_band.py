"""The Lefun driver and the simulated band: a made-up day arrives hour by hour, whatever happens on the way."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hipsync.conversation.session import Conversation, collect, meet, nudge, watch
from hipsync.core.timeline import MISSING, Source, Timeline, minute_of, timeline
from hipsync.driver import Message, Session
from hipsync.errors import LinkLost
from hipsync.host.clock import FastClock
from hipsync.model import MINUTE, Charge, Counter, Epoch, Info, Reading
from hipsync.office_day import office_day, office_days
from hipsync.testing.direct import DirectConnection, MemoryStore, conversation, run
from hipsync_devices.lefun import DRIVER
from hipsync_devices.lefun.sim import LefunBand
from support.builders import day

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
FRIDAY = date(2026, 11, 20)
TUESDAY = date(2026, 11, 24)
LONDON = ZoneInfo("Europe/London")
LAST = 11 * SECOND
"""Time enough for the driver to report what it was told last."""
FASTEST = 116
"""Steps of the fastest minute of the made-up days."""


def at(hour: int, minute: int = 0, day: date = FRIDAY) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


LIFE = office_days(FRIDAY - timedelta(days=1), 3, ZoneInfo("UTC"), seed=4)


def worn(now: datetime, life: Sequence[Epoch] = LIFE, zone: str = "UTC", **more: Any) -> LefunBand:
    """On the wrist of somebody with an office day on Thursday, Friday and Saturday."""
    return LefunBand(life, now=now, zone=ZoneInfo(zone), **more)


def hours(life: Sequence[Epoch], until: datetime) -> dict[datetime, int]:
    """What can be said of a life in hours: the steps of each that has ended, from the first with steps on."""
    sums: dict[datetime, int] = {}
    for epoch in life:
        start = epoch.start.replace(minute=0)
        if start + HOUR <= until:
            sums[start] = sums.get(start, 0) + epoch.steps
    first = min((start for start, steps in sums.items() if steps), default=until)
    return {start: steps for start, steps in sums.items() if start >= first}


def known(kept: MemoryStore) -> dict[datetime, int]:
    """As the store keeps them: of two for the same hour the one with more steps."""
    held: dict[datetime, int] = {}
    for epoch in kept.of(Epoch):
        assert epoch.length == HOUR
        held[epoch.start] = max(epoch.steps, held.get(epoch.start, 0))
    return held


def session(kept: MemoryStore) -> Session:
    since: dict[type[Reading], datetime] = {}
    for reading in kept.readings:
        when = (reading.end if isinstance(reading, Epoch) else reading.at).replace(microsecond=0)  # as it is stored
        since[type(reading)] = max(when, since.get(type(reading), when))
    return Session(name="Lefun", since=since)


async def sync(band: LefunBand, clock: FastClock, kept: MemoryStore, zone: str = "UTC", cut: int | None = None) -> int:
    """Meet and collect; how many notifications came. A link cut before one of them is the only error let go."""
    connection = DirectConnection(band, clock.now)
    if cut is not None:
        connection.cut_after(cut)
    talk, before = conversation(connection, clock, zone), session(kept)
    try:
        await meet(DRIVER, talk, before, kept.commit)
        await collect(DRIVER, talk, before, kept.commit)
    except LinkLost:
        assert cut is not None
    finally:
        connection.drop()
    return connection.delivered


FEW_BANDS = {
    (10, False, False), (15, False, True), (20, True, False), (30, True, True), (60, True, False), (60, False, False),
}  # fmt: skip
"""Lengths of slots in minutes, whether still ones are left out, and whether packets are padded."""


def told(band: LefunBand, *times: datetime, kept: MemoryStore | None = None, zone: str = "UTC") -> MemoryStore:
    """What is kept after a sync at each of the times."""
    kept = MemoryStore() if kept is None else kept

    async def story(clock: FastClock) -> None:
        for time in times:
            await clock.sleep_until(time)
            await sync(band, clock, kept, zone)

    run(story, times[0])
    return kept


# ------------------------------------------------------------------ hours


@pytest.mark.parametrize(
    ("minutes", "omits_still", "pads"),
    [  # each length here, and each combination of the others; all of them together in the ring
        pytest.param(*each, marks=[] if each in FEW_BANDS else pytest.mark.ring)
        for each in product((10, 15, 20, 30, 60), (False, True), (False, True))
    ],
)
def test_two_days_arrive_hour_by_hour_in_one_sync(minutes: int, omits_still: bool, pads: bool) -> None:
    now = at(20) + 20 * SECOND
    kept = told(worn(now, slot=minutes * MINUTE, omits_still=omits_still, pads=pads), now)
    expected = hours(LIFE, now)
    assert len(expected) > 30
    assert {start: steps for start, steps in known(kept).items() if start in expected} == expected
    earlier = [steps for start, steps in known(kept).items() if start not in expected]
    assert sum(earlier) == 0  # a band that tells still slots too tells the night before the first step
    assert bool(earlier) != omits_still
    assert any(epoch.inferred for epoch in kept.of(Epoch)) == omits_still


def test_only_what_was_not_sent_is_inferred() -> None:
    now = at(20) + 20 * SECOND
    for epoch in told(worn(now), now).of(Epoch):
        assert epoch.inferred == (epoch.steps == 0)


def test_seven_days_are_told_and_no_more() -> None:
    now = at(20) + 20 * SECOND
    life = [Epoch(at(9) - timedelta(days=ago), MINUTE, 10 + ago) for ago in range(9)]
    stepped = {start: steps for start, steps in known(told(worn(now, life), now)).items() if steps}
    assert stepped == {at(9) - timedelta(days=ago): 10 + ago for ago in range(7)}


@pytest.mark.parametrize("every", [7, pytest.param(1, marks=pytest.mark.ring)])
def test_a_link_cut_at_any_packet_costs_no_hour_after_the_next_sync(every: int) -> None:
    now = at(13) + 20 * SECOND

    async def story(clock: FastClock) -> None:
        whole = await sync(worn(clock.now()), clock, MemoryStore())
        assert whole > 30
        for number in range(0, whole, every):
            kept, band = MemoryStore(), worn(clock.now())
            await sync(band, clock, kept, cut=number)
            await sync(band, clock, kept)
            assert known(kept) == hours(LIFE, clock.now()), f"cut before notification {number}"

    run(story, now)


@pytest.mark.parametrize("seed", range(6))
def test_three_syncs_at_any_instants_tell_what_one_tells(seed: int) -> None:
    noise = random.Random(seed)
    times = sorted(at(7) + timedelta(seconds=noise.randrange(16 * 3600)) for _ in range(3))
    assert known(told(worn(times[0]), *times)) == hours(LIFE, times[-1])


def test_the_last_hour_of_yesterday_comes_after_midnight() -> None:
    saturday = FRIDAY + timedelta(days=1)
    late, early = at(23, 20), at(2, 40, saturday)
    life = [Epoch(at(20), MINUTE, 30), Epoch(at(23, 50), MINUTE, 77)]
    kept = told(worn(late, life), late, early)
    assert known(kept) == {
        at(20): 30, at(21): 0, at(22): 0, at(23): 77, at(0, 0, saturday): 0, at(1, 0, saturday): 0,
    }  # fmt: skip


@pytest.mark.parametrize("seconds", [-1, 0, 1])
def test_a_sync_that_goes_over_midnight_tells_no_hour_twice(seconds: int) -> None:
    midnight = at(0, 0, FRIDAY + timedelta(days=1))
    first = midnight + seconds * SECOND
    kept = told(worn(first), first, midnight + HOUR)
    assert known(kept) == hours(LIFE, midnight + HOUR)


def test_the_hour_that_runs_is_not_told_but_as_a_total() -> None:
    band = worn(at(9, 20), [Epoch(at(8), MINUTE, 50), Epoch(at(9, 2), MINUTE, 20), Epoch(at(9, 25), MINUTE, 30)])
    kept = told(band, at(9, 20))
    assert known(kept) == {at(8): 50}
    assert [counter.steps for counter in kept.of(Counter)] == [70]
    assert known(told(band, at(10), kept=kept)) == {at(8): 50, at(9): 50}


def test_of_a_day_without_a_word_nothing_is_inferred() -> None:
    life = [Epoch(at(9, 0, date(2026, 11, 17)), MINUTE, 50), Epoch(at(9), MINUTE, 60)]
    days = {start.date() for start in known(told(worn(at(10), life), at(10)))}
    assert days == {date(2026, 11, 17), FRIDAY}


# ------------------------------------------------------------------ clocks


def test_a_band_that_lost_its_clock_infers_nothing_of_that_time() -> None:
    life = [Epoch(at(7), MINUTE, 40), Epoch(at(9), MINUTE, 50), Epoch(at(11, 20), MINUTE, 60)]
    life += [Epoch(at(14, 20), MINUTE, 70)]
    band = worn(at(9, 40), life)
    kept = told(band, at(9, 40))
    assert known(kept) == {at(7): 40, at(8): 0}
    band.reboot(at(10, 30))
    told(band, at(12, 50), kept=kept)
    # what it walked at 11:20 is on the first day of 2000; nobody knows what was still
    assert known(kept) == {at(7): 40, at(8): 0, at(9): 50}
    told(band, at(16, 10), kept=kept)
    # nor of the hour of the meeting and the next, in which some stamps may be those of the clock that was set back
    assert known(kept) == {at(7): 40, at(8): 0, at(9): 50, at(14): 70, at(15): 0}
    assert len(kept.of(Info)) == 2


def test_a_link_cut_while_a_lost_clock_is_set_costs_nothing_and_infers_nothing() -> None:
    life = [Epoch(at(7), MINUTE, 40), Epoch(at(9), MINUTE, 50), Epoch(at(11, 20), MINUTE, 60)]
    life += [Epoch(at(14, 20), MINUTE, 70)]
    for cut in range(12):
        band, kept = worn(at(9, 40), life), MemoryStore()
        told(band, at(9, 40), kept=kept)
        band.reboot(at(10, 30))

        async def story(clock: FastClock, band: LefunBand = band, kept: MemoryStore = kept, cut: int = cut) -> None:
            await sync(band, clock, kept, cut=cut)
            await clock.sleep_until(at(12, 51))
            await sync(band, clock, kept)
            await clock.sleep_until(at(16, 10))
            await sync(band, clock, kept)

        run(story, at(12, 50))
        assert known(kept) == {at(7): 40, at(8): 0, at(9): 50, at(14): 70, at(15): 0}, f"cut at {cut}"


@pytest.mark.parametrize("minutes", [7, -7])
def test_a_clock_some_minutes_off_shifts_what_it_stamped_and_nothing_later(minutes: int) -> None:
    off = minutes * MINUTE
    start, now = at(11, 30), at(17, 5)
    kept = told(worn(start, clock_error=off), start, now)
    right = hours(LIFE, now)
    # before it was set, the band put its steps `off` later; the hour of the meeting holds some of both
    shifted = hours([epoch._replace(start=epoch.start + off) for epoch in LIFE if epoch.end <= start], at(11))
    stored = known(kept)
    assert {when: steps for when, steps in stored.items() if when < at(11)} == shifted
    assert {when: steps for when, steps in stored.items() if when > at(11)} == {
        when: steps for when, steps in right.items() if when > at(11)
    }


@pytest.mark.parametrize("change", [datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)])
def test_a_change_of_clocks_costs_two_hours_when_the_band_is_set_and_moves_none(change: datetime) -> None:
    # the band stays on the old time until the next meeting, at half past seven UTC
    life = [Epoch(change + i * HOUR + 20 * MINUTE, MINUTE, 10 + i) for i in range(-4, 12)]
    before, after, later = change - 50 * MINUTE, change + 6 * HOUR + 30 * MINUTE, change + 11 * HOUR
    band = worn(before, life, zone="Europe/London")
    kept = told(band, before + SECOND, after, later, zone="Europe/London")
    expected = {change + i * HOUR: 10 + i for i in range(-4, 11)}
    del expected[change + 6 * HOUR], expected[change + 7 * HOUR]
    assert known(kept) == expected
    # and two meetings before the change tell it all
    again = told(worn(before, life, zone="Europe/London"), before + SECOND, change + HOUR, zone="Europe/London")
    assert known(again) == {change + i * HOUR: 10 + i for i in range(-4, 1)}


@pytest.mark.parametrize("late", [timedelta(0), timedelta(milliseconds=900)])
def test_a_clock_that_is_set_back_on_the_hour_moves_no_hour(late: timedelta) -> None:
    change = datetime(2026, 10, 25, 1, tzinfo=UTC)
    life = [Epoch(change + i * HOUR + 20 * MINUTE, MINUTE, 10 + i) for i in range(-4, 12)]
    before, met, later = change - 50 * MINUTE, change + 6 * HOUR + late, change + 11 * HOUR
    kept = told(worn(before, life, zone="Europe/London"), before, met, later, zone="Europe/London")
    expected = {change + i * HOUR: 10 + i for i in range(-4, 11)}
    # what was walked in the hour before the meeting has the same stamp as what was in the hour after it
    del expected[change + 6 * HOUR], expected[change + 7 * HOUR]
    assert known(kept) == expected


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "America/New_York", "Pacific/Auckland"])
def test_hours_are_those_of_the_wearer(zone: str) -> None:
    where = ZoneInfo(zone)
    life = office_day(FRIDAY, where, seed=2)
    now = life[0].start + 20 * HOUR + 20 * SECOND
    stored = known(told(worn(now, life, zone), now, zone=zone))
    sums: dict[datetime, int] = {}
    for epoch in life:
        start = life[0].start + (epoch.start - life[0].start) // HOUR * HOUR
        if start + HOUR <= now:
            sums[start] = sums.get(start, 0) + epoch.steps
    assert {start: steps for start, steps in stored.items() if steps} == {s: n for s, n in sums.items() if n}
    assert max(stored) + HOUR <= now < max(stored) + 2 * HOUR


def test_a_day_that_cannot_be_is_not_stored() -> None:
    now = at(12)
    kept = told(worn(now, clock_error=timedelta(days=3650)), now)
    assert kept.of(Epoch) == []
    assert [counter.steps for counter in kept.of(Counter)] == [0]  # as the band says once its clock is set


# ------------------------------------------------------------------ odd firmware


def test_a_band_that_tells_no_records_still_tells_its_total() -> None:
    band = worn(at(12))
    band.faults.deaf = {0x13}
    kept = told(band, at(12))
    assert kept.of(Epoch) == []
    assert [counter.steps for counter in kept.of(Counter)] == [sum(e.steps for e in LIFE if at(0) <= e.start < at(12))]


def test_a_band_that_does_not_tell_its_versions_tells_its_hours() -> None:
    band = worn(at(12))
    band.faults.deaf = {0x00}
    assert known(told(band, at(12))) == hours(LIFE, at(12))


@pytest.mark.parametrize("number", range(12))
def test_a_frame_that_comes_twice_or_is_lost_changes_nothing(number: int) -> None:
    for fault in ("double", "lose"):
        band = worn(at(12))
        setattr(band.faults, fault, {number})
        assert known(told(band, at(12))) == hours(LIFE, at(12)), fault


def test_a_walk_during_the_fetch_does_not_spoil_it() -> None:
    life = [*day("3h walk 60", at(9)), *day("30m walk 120", at(12))]
    now = at(12, 5)

    async def story(clock: FastClock) -> MemoryStore:
        band, kept = worn(now, life), MemoryStore()
        band.faults.lose = {3, 9}  # waits of two seconds, in which totals are told unasked
        await sync(band, clock, kept)
        return kept

    assert known(run(story, now)) == {at(9): 3600, at(10): 3600, at(11): 3600}


# ------------------------------------------------------------------ live


def watched(
    band: LefunBand, visits: Sequence[tuple[datetime, timedelta]], zone: str = "UTC", cut: int | None = None
) -> MemoryStore:
    """What is stored of connections that begin at these instants and are held so long; the first is cut."""
    kept = MemoryStore()

    async def story(clock: FastClock) -> None:
        for number, (start, length) in enumerate(visits):
            await clock.sleep_until(start)
            connection = DirectConnection(band, clock.now)
            if not number and cut is not None:
                connection.cut_after(cut)
            talk = Conversation(connection, zone=ZoneInfo(zone), now=clock.now)
            with contextlib.suppress(TimeoutError, LinkLost):
                async with asyncio.timeout(length.total_seconds()):
                    before = session(kept)
                    await meet(DRIVER, talk, before, kept.commit)
                    await collect(DRIVER, talk, before, kept.commit)
                    await watch(DRIVER, talk, before, kept.commit)
            connection.drop()

    run(story, visits[0][0])
    return kept


def line_of(kept: MemoryStore, start: datetime, minutes: int, zone: str = "UTC") -> Timeline:
    first = minute_of(start)
    source = Source(sorted(kept.of(Epoch)), sorted(kept.of(Counter)))
    return timeline([source], first, first + minutes, ZoneInfo(zone))


def total(line: Timeline) -> int:
    return sum(line.steps) + sum(steps for _, steps in line.unplaced)


def test_every_step_of_a_day_arrives_once_and_in_its_minute() -> None:
    life = office_day(TUESDAY, LONDON, seed=1)
    start = life[0].start + 5 * HOUR + 20 * SECOND  # asleep, nothing was walked yet
    kept = watched(worn(start, life, "Europe/London"), [(start, life[-1].end - start + LAST)], "Europe/London")
    line = line_of(kept, start, 19 * 60, "Europe/London")
    assert total(line) == sum(epoch.steps for epoch in life)
    # what is told together is spread over at most ten seconds
    ours, theirs = 0, 0
    for steps, epoch in zip(line.steps, life[5 * 60 :], strict=False):
        ours, theirs = ours + steps, theirs + epoch.steps
        assert abs(ours - theirs) <= FASTEST / 6 + 1


def test_hours_and_a_held_link_together_count_no_step_twice() -> None:
    now = at(7) + 20 * SECOND
    visits = [(now, 3 * HOUR), (at(12, 30), 4 * HOUR), (at(18) + 20 * SECOND, MINUTE)]
    kept = watched(worn(now), visits)
    line = line_of(kept, at(0, 0, FRIDAY - timedelta(days=1)), 42 * 60)
    assert total(line) == sum(epoch.steps for epoch in LIFE if epoch.end <= at(18))


@pytest.mark.parametrize("every", [7, pytest.param(1, marks=pytest.mark.ring)])
def test_a_link_cut_at_any_notification_of_a_walk_loses_no_step(every: int) -> None:
    for number in range(0, 110, every):
        band = worn(at(9), day("1m walk 60, 4m walk 30, 5m sit", at(9)))
        visits = [(at(9), 5 * MINUTE + 5 * SECOND), (at(9, 5) + 20 * SECOND, 40 * SECOND), (at(10), MINUTE)]
        kept = watched(band, visits, cut=number)
        assert total(line_of(kept, at(9), 61)) == 180, f"cut at notification {number}"


def test_stillness_is_known_as_soon_as_the_band_is_held() -> None:
    kept = watched(worn(at(9), day("5m sit, 2m walk 60, 60m sit", at(9))), [(at(9), 61 * MINUTE)])
    line = line_of(kept, at(9), 60)
    assert line.steps == [0] * 5 + [60] * 2 + [0] * 53
    assert MISSING not in line.code  # the zero is believed, for the records agree


def test_a_zero_for_today_from_a_band_that_does_not_tell_it_is_not_believed() -> None:
    life = [*day("5m walk 60", at(8)), *day("5m sit, 2m walk 60, 10m sit, 1m walk 60", at(9))]
    kept = watched(worn(at(9), life, reports_today=False), [(at(9), 20 * MINUTE)])
    assert all(counter.steps >= 300 for counter in kept.of(Counter))
    assert kept.of(Counter)[-1].steps == 480
    # what was walked in the first burst is in the hour that the records tell; the rest is in its minute
    assert known(kept) == {at(8): 300}


def test_a_walk_over_midnight_loses_no_step() -> None:
    saturday = FRIDAY + timedelta(days=1)
    life = [*day("5m walk 10", at(22)), *day("5m sit, 10m walk 60, 5m sit", at(23, 50))]
    visits = [(at(23, 50), 20 * MINUTE + SECOND), (at(1, 5, saturday), MINUTE)]
    kept = watched(worn(at(23, 50), life), visits)
    line = line_of(kept, at(22), 180)
    # two steps end with the day: the band tells them only in its hour
    assert line.steps[110:130] == [0] * 5 + [60] * 4 + [58] + [60] * 5 + [0] * 5
    assert total(line) == 650
    assert kept.of(Counter)[-1].steps == 300


@pytest.mark.parametrize("change", [datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)])
def test_a_band_that_is_held_through_a_change_of_clocks_is_met_again(change: datetime) -> None:
    life = [*day("5m walk 10", change - HOUR), *day("5m walk 60, 10m walk 40, 25m sit", change - 10 * MINUTE)]
    start = change - 10 * MINUTE
    band = worn(start, life, "Europe/London")
    # the first conversation ends by itself within a minute; the service calls again
    kept = watched(band, [(start, 14 * MINUTE), (change + 5 * MINUTE, 20 * MINUTE)], "Europe/London")
    assert total(line_of(kept, change - HOUR, 90, "Europe/London")) == 750
    local = (change + 25 * MINUTE).astimezone(LONDON).utcoffset()
    assert local is not None
    assert abs(band.wall_clock() - (change + 25 * MINUTE).replace(tzinfo=None) - local) <= SECOND


# ------------------------------------------------------------------ what the band says of itself, and the buzz


def test_a_band_says_who_it_is_and_its_battery() -> None:
    kept = told(worn(at(12)), at(12))
    assert [(info.firmware, info.hardware) for info in kept.of(Info)] == [("3219", "0102")]
    assert [charge.percent for charge in kept.of(Charge)] == [87]


@pytest.mark.parametrize(("strong", "buzzes"), [(False, 1), (True, 2)])
def test_a_nudge_is_shown_and_felt(strong: bool, buzzes: int) -> None:
    band = worn(at(12))
    written: list[str] = []

    async def story(clock: FastClock) -> None:
        connection = DirectConnection(band, clock.now)
        await nudge(DRIVER, conversation(connection, clock), Session(), Message("Move", "Hip extension", strong=strong))
        written.extend(data.hex() for _, data in connection.written)
        connection.drop()

    run(story, at(12))
    assert [shown.text for shown in band.shown] == ["Move: Hip extension"] + [""] * buzzes
    assert written.count("ab040990") == buzzes  # lef-req-09

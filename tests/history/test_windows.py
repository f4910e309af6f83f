"""How much around a day was loaded never shows: the day is that of a timeline of everything there is.

The oracle is one timeline over all readings; what is tested is the day as it comes from the store.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipsync.core.bouts import Rule, bouts
from hipsync.core.days import Zones
from hipsync.core.nights import edges_of
from hipsync.core.summary import KINDS, JudgedDay, judged_day
from hipsync.core.timeline import Source, minute_of, timeline
from hipsync.history.past import DaysBefore, judged_past
from hipsync.history.summaries import summarise
from hipsync.model import MINUTE, Counter, Epoch, Kind, State, Wear, Workout, WorkoutKind
from hipsync.store import Store

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
START = datetime(2026, 3, 2, tzinfo=UTC)
LENGTH = 4 * DAY
NOW = START + LENGTH + 2 * DAY
MIDDLE = date(2026, 3, 4)


class Told(NamedTuple):
    """What one band reported."""

    epochs: Sequence[Epoch] = ()
    counters: Sequence[Counter] = ()
    wears: Sequence[Wear] = ()
    reports_wear: bool = False
    vouches: bool = True
    workouts: Sequence[Workout] = ()


@contextmanager
def stored(told: Sequence[Told]) -> Generator[Store, None, None]:
    with Store.in_memory() as store:
        for number, each in enumerate(told):
            band = store.add_band(
                name=f"band {number}", driver="none", now=START, vouches=each.vouches, reports_wear=each.reports_wear
            )
            store.append(band.id, [*each.epochs, *each.counters, *each.wears, *each.workouts])
        yield store


def sources_of(told: Sequence[Told]) -> list[Source]:
    return [
        Source(
            sorted(each.epochs),
            sorted(each.counters),
            sorted(each.wears),
            each.vouches,
            each.reports_wear,
            each.workouts,
        )
        for each in told
    ]


def from_store(told: Sequence[Told], where: Zones, day: date) -> JudgedDay:
    with stored(told) as store:
        span = where.day(day)
        past = judged_past(store, Rule(), where, span.start, span.end, NOW)
        return judged_day(past.line, past.found, span, NOW)


def from_everything(told: Sequence[Told], where: Zones, day: date) -> JudgedDay:
    span = where.day(day)
    first, last = minute_of(START - 20 * DAY), minute_of(NOW)
    line = timeline(sources_of(told), first, last, span.zone)
    return judged_day(line, bouts(line, Rule()), span, NOW)


def same(told: Sequence[Told], where: Zones, day: date = MIDDLE) -> None:
    found, expected = from_store(told, where, day), from_everything(told, where, day)
    assert found.steps == expected.steps
    assert found.kinds == expected.kinds
    assert found.stretches == expected.stretches
    assert found.lengths == expected.lengths
    around = where.day(day).end + 10 * MINUTE  # what a prompt needs
    breaks = [[(each.start, min(each.end, around)) for each in told.breaks] for told in (found, expected)]
    assert [each for each in breaks[0] if each[0] < around] == [each for each in breaks[1] if each[0] < around]


# ------------------------------------------------------------------ any band


def at(minutes: int) -> datetime:
    return START + minutes * MINUTE


PLACES = st.integers(0, LENGTH // MINUTE - 1)


@st.composite
def longer(draw: st.DrawFn) -> Epoch:
    """An epoch of hours, which counts for the day alone."""
    length = draw(st.sampled_from([31, 60, 120, 180, 360, 420, 720, 1440]))
    return Epoch(at(draw(PLACES)), length * MINUTE, min(draw(st.integers(0, 20000)), 250 * length))


@st.composite
def minutes(draw: st.DrawFn) -> list[Epoch]:
    """Some hours of minutes in a row, with a pulse or without one."""
    start, size = draw(PLACES), draw(st.integers(1, 20 * 60))
    pulse, pace, period = draw(st.booleans()), draw(st.integers(0, 90)), draw(st.integers(1, 90))
    return [
        Epoch(at(start + n), MINUTE, pace * (n % period == 0), heart_rate=70 if pulse else None) for n in range(size)
    ]


@st.composite
def hours(draw: st.DrawFn) -> list[Epoch]:
    """Hours in a row, as a ring stores them."""
    start, size, shift = draw(st.integers(0, 90)), draw(st.integers(1, 60)), draw(st.sampled_from([0, 30]))
    return [Epoch(START + (start + n) * HOUR + shift * MINUTE, HOUR, draw(st.integers(0, 900))) for n in range(size)]


@st.composite
def counters(draw: st.DrawFn) -> list[Counter]:
    read = draw(st.dictionaries(PLACES, st.integers(0, 9000) | st.just(65535), max_size=40))
    return [Counter(at(place), steps) for place, steps in sorted(read.items())]


@st.composite
def wears(draw: st.DrawFn) -> list[Wear]:
    changes = draw(st.dictionaries(PLACES, st.booleans(), max_size=6))
    return [Wear(at(place), worn) for place, worn in sorted(changes.items())]


@st.composite
def workouts(draw: st.DrawFn) -> list[Workout]:
    made = draw(st.dictionaries(PLACES, st.integers(1, 1439), max_size=4))
    return [Workout(draw(st.sampled_from(WorkoutKind)), at(start), at(start + size)) for start, size in made.items()]


def one_each(parts: Sequence[Sequence[Epoch]]) -> list[Epoch]:
    """One epoch for each key, as the store has them."""
    return sorted({(each.start, each.length): each for part in parts for each in part}.values())


@st.composite
def bands(draw: st.DrawFn) -> Told:
    parts = draw(st.lists(minutes() | hours(), max_size=3))
    reports, vouches = draw(st.booleans()), draw(st.booleans())
    epochs = one_each([*parts, draw(st.lists(longer(), max_size=4))])
    return Told(epochs, draw(counters()), draw(wears()) if reports else (), reports, vouches, draw(workouts()))


@st.composite
def zones(draw: st.DrawFn) -> Zones:
    zone = draw(st.sampled_from(["UTC", "Europe/Rome", "Asia/Kolkata", "Pacific/Auckland"]))
    return Zones([], zone, draw(st.sampled_from([time(0), time(4), time(20)])))


@given(st.lists(bands(), min_size=1, max_size=2), zones())
def test_any_day_is_that_of_everything_there_is(told: list[Told], where: Zones) -> None:
    same(told, where)


# ------------------------------------------------------------------ one kind each


UTC_ONLY = Zones([], "UTC")
TUESDAY_SIX = START + 30 * HOUR


def walked(first: datetime, size: int, steps: int = 5, pulse: int | None = None) -> list[Epoch]:
    return [Epoch(first + n * MINUTE, MINUTE, steps, heart_rate=pulse) for n in range(size)]


def test_minutes_eighteen_hours_before_midnight_are_in_the_epoch_that_ends_after_it() -> None:
    """3,600 steps from 6:00 to 18:00 by one band; 7,200 in the 24 hours from 6:00 by another (case window-steps)."""
    told = [Told(walked(TUESDAY_SIX, 720)), Told([Epoch(TUESDAY_SIX, DAY, 7200)])]
    assert from_store(told, UTC_ONLY, date(2026, 3, 3)).steps == 3600
    assert from_store(told, UTC_ONLY, date(2026, 3, 4)).steps == 3600
    with Store.in_memory() as store:
        for name, each in zip("ab", told, strict=True):
            store.append(store.add_band(name=name, driver="csv", now=START).id, each.epochs)
        assert summarise(store, Rule(), UTC_ONLY, date(2026, 3, 4), NOW).steps == 3600


def test_an_epoch_that_ends_the_next_noon_has_the_steps_that_the_counter_grew_by_before() -> None:
    """5,000 steps of a counter from 10:00 to 20:00; 8,000 in the 24 hours from 12:00, which count for the next day."""
    ten = START + DAY + 10 * HOUR
    read = [Counter(ten, 0), Counter(ten + 10 * HOUR, 5000)]
    told = [Told([Epoch(ten + 2 * HOUR, DAY, 8000)], read)]
    days = [from_store(told, UTC_ONLY, date(2026, 3, 3)).steps, from_store(told, UTC_ONLY, date(2026, 3, 4)).steps]
    assert days == [0, 8000]
    same(told, UTC_ONLY, date(2026, 3, 3))


def test_a_pulse_that_stopped_the_noon_before_shows_that_the_band_was_off() -> None:
    """It lies in a bag that is carried about: 40 steps every half hour, which alone count as worn and up."""
    noon = START + DAY + 12 * HOUR
    bag = [Epoch(noon + n * MINUTE, MINUTE, 40 if n % 30 == 0 else 0) for n in range(24 * 60)]
    told = [Told([*walked(noon - 5 * HOUR, 300, 5, pulse=70), *bag])]
    found = from_store(told, UTC_ONLY, MIDDLE)
    up, off = KINDS.index(Kind.UP), KINDS.index(Kind.NOT_WORN)
    assert list(found.kinds[: 12 * 60]) == [up, *[off] * 29] * 24
    same(told, UTC_ONLY)


@pytest.mark.parametrize(("known", "doubtful"), [(14, 100), (6, 0)])
def test_the_evenings_of_two_weeks_tell_when_the_night_begins(known: int, doubtful: int) -> None:
    """Nobody moves after 20:00. 100 still minutes at 20:30 are in the night once enough days are known, however old."""
    evening = START + 2 * DAY + 20 * HOUR + 30 * MINUTE
    back = [DAY * (14 - n) for n in range(known)]
    habit = [Epoch(evening - each - clock, MINUTE, 5) for each in back for clock in (12 * HOUR, 31 * MINUTE)]
    last = [*walked(evening - MINUTE, 1), *walked(evening, 100, 0), *walked(evening + 100 * MINUTE, 1)]
    told = [Told([*habit, *last], vouches=False)]
    found = from_store(told, UTC_ONLY, MIDDLE)
    assert found.kinds[20 * 60 + 30 :].count(KINDS.index(Kind.UNKNOWN)) == doubtful + 109  # and what is missing
    same(told, UTC_ONLY)


EVENING = START + 2 * DAY + 20 * HOUR
WORDS = st.sampled_from([None, None, State.NOT_WORN, State.CHARGING, State.ASLEEP])


def in_a_bag(start: datetime, steps: int) -> list[Epoch]:
    """A pulse that stopped says that the band was off, and so that the steps after it are nobody's."""
    off = [Epoch(start + n * MINUTE, MINUTE, steps if n == 12 else 0) for n in range(25)]
    return [*walked(start - 2 * HOUR, 120, 0, pulse=70), *off]


@st.composite
def steps_at(draw: st.DrawFn, start: datetime) -> list[Epoch | Counter]:
    """Steps that a band reports of a time, in one of the ways in which bands do; some of them count for no minute."""
    steps = draw(st.sampled_from([1, 1, 5, 19, 20, 40]))
    match draw(st.sampled_from(["minute", "minute", "slot", "counter", "too many", "bag"])):
        case "minute":
            return [Epoch(start, MINUTE, steps, state=draw(WORDS))]
        case "slot":
            return [Epoch(start, draw(st.sampled_from([2, 5, 10, 30, 60])) * MINUTE, steps, state=draw(WORDS))]
        case "counter":
            apart = draw(st.sampled_from([0.5, 2, 5, 7, 15, 16])) * MINUTE
            return [Counter(start, 1000), Counter(start + apart, 1000 + steps)]
        case "bag":
            return [*in_a_bag(start, steps)]
        case _:
            return [Epoch(start, MINUTE, 400)]


@st.composite
def days_before(draw: st.DrawFn) -> Told:
    """Two weeks of a band that was seldom heard, so that its few steps are the first and the last ones of a day."""
    readings: list[Epoch | Counter] = []
    for back in range(1, 15):
        for clock in draw(st.lists(st.integers(0, 1439), max_size=3)):
            readings += draw(steps_at(EVENING - back * DAY + clock * MINUTE))
    epochs = one_each([[each for each in readings if isinstance(each, Epoch)]])
    counted = {each.at: each for each in readings if isinstance(each, Counter)}
    reports = draw(st.booleans())
    return Told(epochs, sorted(counted.values()), draw(wears()) if reports else (), reports, vouches=False)


@settings(max_examples=60)
@given(st.lists(days_before(), min_size=1, max_size=2))
def test_the_first_and_the_last_steps_of_the_days_before_are_those_of_everything_there_is(told: list[Told]) -> None:
    line = timeline(sources_of(told), minute_of(EVENING - 20 * DAY), minute_of(EVENING), UTC_ONLY)
    expected = edges_of(line.steps, line.first)
    with stored(told) as store:
        found = DaysBefore(store, store.bands(), UTC_ONLY, minute_of(EVENING)).edges
        for back in range(1, 15):
            day = minute_of(EVENING - back * DAY), minute_of(EVENING - (back - 1) * DAY)
            assert found(*day) == expected(*day), back


def slot_of_a_band_that_was_off(end: datetime) -> list[Epoch]:
    """A pulse of two hours that stopped, and 24 minutes later a slot, which ends at `end` with a step.

    What was before the two hours is not known, so that all of them decide that the band was off.
    """
    slot = Epoch(end - 10 * MINUTE, 10 * MINUTE, 1)
    off = [Epoch(slot.start - back * MINUTE, MINUTE, 0) for back in range(25)]
    beats = [Epoch(off[-1].start - back * MINUTE, MINUTE, 0, heart_rate=70) for back in range(1, 121)]
    return [*beats, *off, slot]


def test_a_slot_that_began_before_the_look_began_is_nobodys_where_the_band_was_off() -> None:
    day = EVENING - 5 * DAY
    told = Told([Epoch(day + HOUR, MINUTE, 1), *slot_of_a_band_that_was_off(day + 8 * HOUR)], vouches=False)
    with stored([told]) as store:
        edges = DaysBefore(store, store.bands(), UTC_ONLY, minute_of(EVENING)).edges
        only = minute_of(day + HOUR)
        assert edges(minute_of(day), minute_of(day + DAY)) == (only, only)


@pytest.mark.parametrize("starts_at", [time(0), time(20)])
def test_a_count_that_was_wrong_since_the_morning_is_put_right_in_the_evening(starts_at: time) -> None:
    day = START + 2 * DAY
    read = [Counter(day + hour * HOUR, steps) for hour, steps in ((7, 100), (8, 65535), (21, 1500), (22, 1600))]
    same([Told(counters=read)], Zones([], "UTC", starts_at))


def test_a_wrong_count_of_yesterday_says_nothing_of_today() -> None:
    day = START + 2 * DAY
    read = [
        *(Counter(day - DAY + hour * HOUR, steps) for hour, steps in ((10, 0), (10.2, 9000))),
        *(Counter(day + hour * HOUR, steps) for hour, steps in ((9, 9100), (9.1, 65000), (10, 9200))),
    ]
    same([Told(counters=read)], UTC_ONLY)


# ------------------------------------------------------------------ a word near a still run


@pytest.mark.parametrize("first", [10, 12], ids=["just before what is loaded first", "well within it"])
@pytest.mark.parametrize("last", [6, 4], ids=["just after what is loaded first", "well within it"])
@pytest.mark.parametrize("lacks", [None, "first", "last"])
def test_what_vouches_for_a_still_run_may_lie_beyond_what_was_loaded_first(
    first: int, last: int, lacks: str | None
) -> None:
    """A run from the evening before to the morning after, with a pulse each 50 minutes, and one beyond either end.

    Six hours before and after the day are loaded at first. The run begins after a walk 20 minutes after a pulse, and
    ends before a walk 20 minutes before one; without either pulse some of its minutes have none within 30.
    """
    begin, end = (24 + 8 + first) * 60 + 10, (72 + last) * 60 - 10  # minutes after START; the day is from 48 h to 72 h
    pulses = {begin - 20 if lacks != "first" else -1, end + 20 if lacks != "last" else -1}
    inner = range(begin + 41, end - 40, 50)
    pulses |= {*inner, end - 40}
    epochs = [
        Epoch(at(n), MINUTE, 0 if begin <= n < end else 90 if n in {begin - 2, begin - 1, end, end + 1} else 0,
              heart_rate=64 if n in pulses else None)
        for n in range(begin - 30, end + 30)
    ]  # fmt: skip
    told = [Told(epochs, vouches=False)]
    where = Zones([], "UTC")
    same(told, where)
    kinds = from_store(told, where, MIDDLE).kinds
    assert (Kind.UNKNOWN in {KINDS[kind] for kind in kinds}) is (lacks is not None)

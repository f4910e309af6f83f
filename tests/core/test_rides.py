"""A ride or a row is movement: it ends a stretch, and no minute of it is sitting, whatever the bands say besides."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from hipsync.core.bouts import Rule, bouts, first_walk
from hipsync.core.summary import KINDS, kinds_of
from hipsync.core.timeline import ALIVE, RIDING, Source, Timeline, instant_of, minute_of
from hipsync.model import MINUTE, RIDES, Epoch, Kind, State, Wear, Workout, WorkoutKind
from support import independent
from support.builders import MONDAY, day, line, slots

HOUR = 60 * MINUTE
SECOND = timedelta(seconds=1)


def at(minutes: float) -> datetime:
    return MONDAY + minutes * MINUTE


def ride(start: float, end: float, kind: WorkoutKind = WorkoutKind.CYCLING) -> Workout:
    return Workout(kind, at(start), at(end))


def kinds(time: Timeline) -> list[Kind]:
    return [KINDS[code] for code in kinds_of(time)]


def dues(time: Timeline) -> list[datetime]:
    return [stretch.due for stretch in bouts(time, Rule()).stretches if stretch.due is not None]


def on_a_bicycle(epochs: Sequence[Epoch]) -> list[Epoch]:
    """In the drawing a minute on a bicycle is one that stands."""
    return [each._replace(state=State.CYCLING) if each.state is State.STANDING else each for each in epochs]


@pytest.mark.parametrize("kind", WorkoutKind)
def test_an_hour_of_it_raises_no_prompt_for_sitting_and_an_hour_of_another_workout_does(kind: WorkoutKind) -> None:
    still = Source(day("60m sit"), workouts=[ride(0, 60, kind)])
    time = line(still, size=60)
    if kind in {"cycling", "cycling_indoor", "rowing", "rowing_machine"}:
        assert (dues(time), set(kinds(time))) == ([], {Kind.UP})
        assert kind in RIDES
    else:
        assert (dues(time), set(kinds(time))) == ([at(60)], {Kind.SITTING})
        assert not any(flags & RIDING for flags in time.flags)


def test_a_state_says_so_too() -> None:
    time = line(Source(on_a_bicycle(day("60m stand"))), size=60)
    assert (dues(time), set(kinds(time))) == ([], {Kind.UP})


@pytest.mark.parametrize("length", [1, 5, 15])
def test_a_band_that_says_so_is_believed_where_it_seems_to_be_off(length: int) -> None:
    """By a pulse that stopped, or by its word that it was taken off; alone, and beside a band that was still."""
    ride = [Epoch(at(120 + i), length * MINUTE, 0, state=State.CYCLING) for i in range(0, 15, length)]
    beats = [Epoch(at(i), MINUTE, 0, heart_rate=70) for i in range(120)]
    silent = [Epoch(at(120 + i), MINUTE, 0) for i in range(15)] if length > 1 else []
    off = Source([*beats, *silent, *ride])
    taken = Source(ride, wears=[Wear(at(119), worn=False)], reports_wear=True)
    for source in (off, taken):
        for others in ([], [Source(day("135m sit"))]):
            for sources in ([source, *others], [*others, source]):
                assert set(kinds(line(*sources, size=135))[120:]) == {Kind.UP}


def test_it_ends_the_stretch_and_the_next_one_begins_at_its_end() -> None:
    time = line(Source(day("100m sit"), workouts=[ride(30, 40)]), size=100)
    found = bouts(time, Rule())
    assert [(each.start, each.end, each.minutes, each.ended_by) for each in found.stretches] == [
        (at(0), at(30), 30, "moving"), (at(40), at(100), 60, None)
    ]  # fmt: skip
    assert [(each.start, each.end) for each in found.breaks] == [(at(30), at(40))]
    assert dues(time) == [at(100)]


@pytest.mark.parametrize("word", ["sit", "gap", "sleep", "off", "charge", "stand", "walk"])
def test_what_bands_say_besides_does_not_matter(word: str) -> None:
    drawing = f"20m {word}"
    for more in ([Source(day("20m off"))], [], [Source(day("20m sit"), vouches=True)]):
        for sources in ([Source(day(drawing)), *more], [*more, Source(day(drawing))]):
            time = line(*sources, Source([], workouts=[ride(0, 20)]), size=20)
            assert set(kinds(time)) == {Kind.UP}
            assert bouts(time, Rule()).stretches == []
            assert all(flags & ALIVE and flags & RIDING for flags in time.flags)


@pytest.mark.parametrize(
    ("start_s", "end_s", "minutes"),
    [(0, 600, range(10)), (29, 600, range(10)), (30, 600, range(1, 10)), (0, 570, range(9)), (0, 571, range(10)),
     (-29, 599, range(10)), (-31, 599, range(-1, 10)), (5, 30, range(0)), (5, 40, range(1)), (30, 50, range(0))],
)  # fmt: skip
def test_begin_and_end_are_rounded_and_half_a_minute_inwards(start_s: int, end_s: int, minutes: range) -> None:
    told = Workout(WorkoutKind.ROWING, at(5) + start_s * SECOND, at(5) + end_s * SECOND)
    time = line(Source([], workouts=[told]), size=30)
    assert [place - 5 for place, flags in enumerate(time.flags) if flags & RIDING] == list(minutes)
    assert [minute - time.first - 5 for minute in time.ride_ends] == [*minutes][-1:]


def test_one_that_cannot_be_and_one_beyond_the_line_change_nothing() -> None:
    for wrong in (ride(10, 10), ride(20, 10), ride(-1000, 440), ride(-50, -1), ride(60, 90)):
        time = line(Source(day("60m sit"), workouts=[wrong]), size=60)
        assert set(kinds(time)) == {Kind.SITTING}
    assert set(kinds(line(Source(day("60m sit"), workouts=[ride(-50, 90)]), size=60))) == {Kind.UP}


def test_a_still_slot_that_was_ridden_in_is_no_walk_and_its_other_minutes_stay_still() -> None:
    time = line(Source(slots([0, 0], 15), workouts=[ride(10, 15)]), size=30)
    assert kinds(time) == [*[Kind.SITTING] * 10, *[Kind.UP] * 5, *[Kind.SITTING] * 15]
    assert [(each.start, each.minutes) for each in bouts(time, Rule()).stretches] == [(at(0), 10), (at(15), 15)]


def test_neither_a_still_slot_that_was_ridden_in_nor_a_ride_is_a_walk_and_a_slot_with_steps_is_one() -> None:
    for steps, walk in ((0, None), (19, None), (20, 14)):
        time = line(Source(slots([steps], 15), workouts=[ride(10, 15)]), size=15)
        assert first_walk(time, Rule(), 0) == walk
    assert first_walk(line(Source(on_a_bicycle(day("9m stand 90"))), size=9), Rule(), 0) is None


def test_steps_made_on_it_count_and_no_window_reaches_back_over_it() -> None:
    time = line(Source(day("5m sit, 10m sit 15, 1m walk 6, 60m sit"), workouts=[ride(5, 15)]), size=76)
    assert sum(time.steps) == 156
    assert [(each.start, each.minutes) for each in bouts(time, Rule()).stretches] == [(at(0), 5), (at(15), 61)]


@pytest.mark.parametrize("seed", range(40))
def test_any_day_agrees_with_the_second_calculation_minute_by_minute(seed: int) -> None:
    dice = random.Random(seed)
    words = ["sit", "sit", "sit", "walk", "walk 3", "walk 25", "sleep", "off", "gap", "stand"]
    drawing = ", ".join(f"{dice.choice([1, 2, 5, 12, 40, 70])}m {dice.choice(words)}" for _ in range(40))
    epochs = on_a_bicycle(day(drawing))
    size = (epochs[-1].end - MONDAY) // MINUTE
    starts = [MONDAY + dice.randrange(size * 60) * SECOND for _ in range(dice.randrange(5))]
    lengths = [dice.choice([30, 31, 252, 600, 2021, 5400]) * SECOND for _ in starts]
    rides = [Workout(dice.choice(sorted(RIDES)), at, at + length) for at, length in zip(starts, lengths, strict=True)]
    told = {each.start: (each.steps, None if each.state is None else each.state.value) for each in epochs}
    rows = independent.ridden(told, [(each.start, each.end) for each in rides])
    end = max(rows) + MINUTE
    theirs = independent.Line(rows, end, independent.Rule(), vouches=False)
    first = minute_of(theirs.origin)
    ours = line(Source(epochs, workouts=rides), size=minute_of(end) - first, start=theirs.origin)
    found = bouts(ours, Rule())
    assert kinds(ours) == [theirs.kind(instant_of(first + place)) for place in range(len(ours.code))]
    assert [
        (minute_of(each.start) - first, minute_of(each.end) - first, each.minutes, each.ended_by, each.doubtful)
        for each in found.stretches
    ] == [(each.first, each.end, each.minutes, each.ended_by, each.doubtful) for each in theirs.stretches()]
    assert [(minute_of(due) - first, "high" if each.sure else "medium")
            for each in found.stretches if (due := each.due)] == [
        (each.minute + 1, each.sure) for each in theirs.prompts()
    ]  # fmt: skip
    assert [minute_of(each.start) - first for each in found.breaks] == [
        each.ended_at for each in theirs.stretches() if each.ended_by == "moving" and each.minutes >= 8
    ]

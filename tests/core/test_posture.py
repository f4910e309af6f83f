"""A posture that a band gives beside its state: it counts where it is trusted, and nowhere else."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from hipsync.core.bouts import Rule, alive_since, bouts
from hipsync.core.summary import KINDS, kinds_of
from hipsync.core.timeline import Source, Timeline, instant_of, minute_of
from hipsync.model import MINUTE, Epoch, Kind, Posture, State, Workout, WorkoutKind
from support import independent
from support.builders import MONDAY, day, line, slots

TRUSTED, UNTRUSTED = Rule(trust_posture=True), Rule()


def held(epochs: Sequence[Epoch], posture: Posture, start: int = 0, end: int | None = None) -> list[Epoch]:
    """The epochs at `[start, end)` with a posture, the others as they are."""
    held = range(len(epochs))[start:end]
    return [each._replace(posture=posture) if at in held else each for at, each in enumerate(epochs)]


def kinds(time: Timeline, rule: Rule = TRUSTED) -> list[Kind]:
    return [KINDS[code] for code in kinds_of(time, trust_posture=rule.trust_posture)]


def lived(seed: int) -> list[Epoch]:
    """A day of which a band gives a state, a posture, both or neither, in turns that do not end together."""
    dice = random.Random(seed)
    epochs: list[Epoch] = []
    while len(epochs) < 900:
        state, steps = dice.choice([None, *State]), dice.choice([0, 0, 0, 0, 3, 25])
        for _ in range(dice.choice([1, 2, 5, 12, 40, 100])):
            count = steps if dice.random() < 0.8 else dice.choice([0, 4, 30])
            epochs.append(Epoch(MONDAY + len(epochs) * MINUTE, MINUTE, count, state=state))
    at = 0
    while at < len(epochs):
        size = dice.choice([1, 2, 4, 6, 30])
        if (posture := dice.choice([None, *Posture])) is not None:
            epochs = held(epochs, posture, at, at + size)
        at += size
    return [each for each in epochs if dice.random() > 0.01 or each is epochs[-1]]


@pytest.mark.parametrize("rule", [TRUSTED, UNTRUSTED], ids=["trusted", "not trusted"])
@pytest.mark.parametrize("seed", range(20))
def test_any_day_agrees_with_the_second_calculation_minute_by_minute(seed: int, rule: Rule) -> None:
    epochs = lived(seed)
    rows = {each.start: (each.steps, None if each.state is None else each.state.value) for each in epochs}
    postures = {each.start: each.posture.value for each in epochs if each.posture is not None}
    theirs = independent.Line(
        rows,
        epochs[-1].end,
        independent.TRUSTING if rule.trust_posture else independent.Rule(),
        vouches=bool(seed % 2),
        postures=postures,
    )
    first = minute_of(theirs.origin)
    ours = line(
        Source(epochs, vouches=bool(seed % 2)), size=minute_of(epochs[-1].end) - first, start=theirs.origin
    )  # fmt: skip
    found = bouts(ours, rule)
    assert kinds(ours, rule) == [theirs.kind(instant_of(first + place)) for place in range(len(ours.code))]
    assert [
        (minute_of(each.start) - first, minute_of(each.end) - first, each.minutes, each.ended_by, each.doubtful)
        for each in found.stretches
    ] == [(each.first, each.end, each.minutes, each.ended_by, each.doubtful) for each in theirs.stretches()]
    assert [minute_of(each.start) - first for each in found.breaks] == [
        each.ended_at for each in theirs.stretches() if each.ended_by in {"moving", "standing"} and each.minutes >= 8
    ]


@pytest.mark.parametrize("seed", range(20))
def test_where_it_is_not_trusted_nothing_follows_from_it(seed: int) -> None:
    given = lived(seed)
    without = [each._replace(posture=None) for each in given]
    assert given != without
    ours, theirs = (line(Source(epochs), size=1000) for epochs in (given, without))
    assert (ours.code, ours.steps, ours.doubtful) == (theirs.code, theirs.steps, theirs.doubtful)
    assert kinds(ours, UNTRUSTED) == kinds(theirs, UNTRUSTED)
    assert bouts(ours, UNTRUSTED) == bouts(theirs, UNTRUSTED)


@pytest.mark.parametrize("posture", Posture)
def test_it_is_no_sign_of_life_and_makes_nobody_wear_a_band(posture: Posture) -> None:
    """Nobody vouches for three still hours, whatever the posture, and a sleeper has one too."""
    time = line(Source(held(day("180m sit", MONDAY), posture)), size=180)
    assert not alive_since(time, 0)
    assert set(kinds(time)) == {Kind.UNKNOWN}
    for word, kind in (("sleep", Kind.ASLEEP), ("off", Kind.NOT_WORN), ("charge", Kind.NOT_WORN)):
        assert set(kinds(line(Source(held(day(f"20m {word}"), posture)), size=20))) == {kind}


def test_a_sensor_on_the_thigh_says_the_posture_and_another_band_the_steps() -> None:
    wrist = Source(day("20m sit, 1m sit 40, 40m sit"))
    thigh = Source(held(day("61m sit"), Posture.SITTING))
    for sources in ((wrist, thigh), (thigh, wrist)):
        time = line(*sources, size=61)
        assert [each.minutes for each in bouts(time, TRUSTED).stretches] == [61]
        assert [each.minutes for each in bouts(time, UNTRUSTED).stretches] == [20, 40]


def test_bands_that_contradict_each_other_tell_none() -> None:
    """Neither ends the stretch by standing, nor waives the 40 steps; the state of another band is as good a word."""
    sits = held(day("20m sit, 1m sit 40, 20m sit"), Posture.LYING)
    stands = [each._replace(steps=0, posture=Posture.UPRIGHT) for each in sits]
    walks = [each._replace(posture=None, state=State.WALKING) for each in stands]
    for other in (stands, walks):
        for sources in ((Source(sits), Source(other)), (Source(other), Source(sits))):
            found = bouts(line(*sources, size=41), TRUSTED)
            assert [(each.minutes, each.ended_by) for each in found.stretches] == [(20, "moving"), (20, None)]


@pytest.mark.parametrize("rule", [TRUSTED, UNTRUSTED], ids=["trusted", "not trusted"])
def test_who_stands_by_the_word_of_one_of_two_bands_stands_in_whatever_order_they_come(rule: Rule) -> None:
    still = day("30m sit")
    sits = [each._replace(state=None) for each in still]
    stands = [each._replace(state=State.STANDING) for each in still]
    for sources in ((Source(sits), Source(stands)), (Source(stands), Source(sits))):
        assert set(kinds(line(*sources, size=30), rule)) == {Kind.STANDING}


def test_a_minute_of_which_one_band_says_standing_and_another_sitting_is_counted_as_ever() -> None:
    still = [each._replace(state=None) for each in day("30m sit")]
    stands, sits = held(still, Posture.STANDING), held(still, Posture.SITTING)
    for sources in ((Source(sits), Source(stands)), (Source(stands), Source(sits))):
        assert set(kinds(line(*sources, size=30))) == {Kind.SITTING}
    few = day("4m sit, 1m walk, 4m sit")
    stood, sat = held(few, Posture.STANDING), held(few, Posture.SITTING)
    for sources in ((Source(sat), Source(stood)), (Source(stood), Source(sat))):
        assert set(kinds(line(*sources, size=9))) == {Kind.UP}, "no still run of eight minutes"


def test_a_band_that_is_not_worn_has_no_say_in_it() -> None:
    off = held(day("30m off"), Posture.STANDING)
    for sources in ((Source(off), Source(day("30m sit"))), (Source(day("30m sit")), Source(off))):
        time = line(*sources, size=30)
        assert [each.minutes for each in bouts(time, TRUSTED).stretches] == [30]
        assert set(kinds(time)) == {Kind.SITTING}


def test_of_a_slot_standing_is_standing_and_ends_and_sitting_waives_nothing() -> None:
    stood = line(Source(held(slots([0, 0], 10), Posture.STANDING, 1)), size=20)
    assert kinds(stood) == [Kind.SITTING] * 10 + [Kind.STANDING] * 10
    assert [(each.minutes, each.ended_by) for each in bouts(stood, TRUSTED).stretches] == [(11, "standing")]
    assert set(kinds(stood, UNTRUSTED)) == {Kind.SITTING}
    sat = line(Source(held(slots([0, 40], 10), Posture.SITTING)), size=20)
    assert [(each.minutes, each.ended_by) for each in bouts(sat, TRUSTED).stretches] == [(10, "moving")]


def test_no_minute_of_a_workout_that_is_a_ride_has_one() -> None:
    """On the pedals they stand; of two upright minutes in a row the first is one of the ride, so nothing ends."""
    epochs = held(day("30m sit"), Posture.STANDING, 0, 11)
    ride = Workout(WorkoutKind.CYCLING, MONDAY, MONDAY + 10 * MINUTE)
    time = line(Source(epochs, workouts=[ride]), size=30)
    assert kinds(time) == [Kind.UP] * 10 + [Kind.STANDING] + [Kind.SITTING] * 19
    assert [(each.minutes, each.ended_by) for each in bouts(time, TRUSTED).stretches] == [(20, None)]

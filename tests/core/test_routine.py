"""A guided exercise goes by one clock: what is said, shown and counted belongs together, and nothing runs by itself."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipsync.core.exercises import MOVES, Move
from hipsync.core.figures import FIGURES
from hipsync.core.routine import (
    Moment,
    after,
    is_over,
    picture_s,
    place_of,
    repeated,
    routine_of,
    skipped,
    toggled,
)

BY_NAME = {move.name: move for move in MOVES}
NAMES = list(BY_NAME)
OWN = BY_NAME["hip-rotation"]._replace(name="wall-slide", hold_s=0, sides=1)


@pytest.mark.parametrize("move", MOVES, ids=NAMES)
def test_it_takes_the_minutes_that_its_line_says(move: Move) -> None:
    said = re.search(r"(\d) minute", move.line)
    assert said is not None
    assert round(routine_of(move).seconds / 60) == int(said[1])


@pytest.mark.parametrize("move", MOVES, ids=NAMES)
def test_a_hold_lasts_as_long_as_the_exercise_says_and_the_rounds_are_its_sides(move: Move) -> None:
    routine = routine_of(move)
    held = [phase.seconds for phase in routine.phases if phase.held]
    if move.hold_s:
        assert max(held) == move.hold_s
    assert {each.mirrored for each in routine.rounds} == ({False, True} if move.sides == 2 else {False})
    assert len({each.name for each in routine.rounds}) == len(routine.rounds)


@pytest.mark.parametrize("move", MOVES, ids=NAMES)
def test_the_phases_show_the_cycle_once_and_without_a_gap(move: Move) -> None:
    routine = routine_of(move)
    for one, other in pairwise(routine.phases):
        assert one.end_s == other.begin_s
    assert (routine.phases[0].begin_s, routine.phases[-1].end_s) == (0, routine.cycle_s)
    assert all(phase.cue and phase.cue[0].isupper() for phase in routine.phases)


def test_hip_extension_second_by_second() -> None:
    """Stand 1 s, back in 2 s, stay 2 s, down in 2 s, eight times: from the exercise's steps, which say so."""
    routine = routine_of(BY_NAME["hip-extension"])
    cues = {at: place_of(routine, Moment(seconds=at)) for at in (0.5, 2, 4, 6, 7.5, 49.5, 55.9)}
    assert [(each.phase.cue, each.repetition) for each in cues.values()] == [
        ("Stand tall", 0),
        ("Leg back, slowly", 0),
        ("Stay", 0),
        ("Lower it slowly", 0),
        ("Stand tall", 1),
        ("Stand tall", 7),
        ("Lower it slowly", 7),
    ]
    assert (cues[4].into_s, cues[4].phase.seconds, cues[4].phase.held) == (1, 2, True)


def test_a_hold_of_half_a_minute_shows_the_picture_s_hold_of_four_seconds() -> None:
    routine = routine_of(BY_NAME["hip-flexor-stretch"])
    begin = 1 + 3
    assert picture_s(routine, Moment(seconds=begin)) == 4
    assert picture_s(routine, Moment(seconds=begin + 15)) == pytest.approx(6)
    assert picture_s(routine, Moment(seconds=begin + 29.99)) == pytest.approx(8, abs=0.01)


def test_circles_the_other_way_round_run_backwards() -> None:
    routine = routine_of(BY_NAME["hip-rotation"])
    assert [each.backwards for each in routine.rounds] == [False, True, False, True]
    assert picture_s(routine, Moment(0, 1)) == 1
    assert picture_s(routine, Moment(1, 1)) == 3


def test_nothing_runs_before_it_is_started_and_it_stops_between_two_legs() -> None:
    routine = routine_of(BY_NAME["hip-extension"])
    assert after(routine, Moment(), 60) == Moment()
    running = toggled(routine, Moment())
    assert running.running
    half = after(routine, running, routine.round_s - 1)
    assert (half.round, half.running) == (0, True)
    assert after(routine, half, 30) == Moment(
        1, 0, running=False, finished=1
    )  # the rest of a frame is not the next leg's


def test_what_is_skipped_is_not_finished() -> None:
    routine = routine_of(BY_NAME["hip-extension"])
    moment = skipped(toggled(routine, Moment()))
    assert moment == Moment(1)
    moment = after(routine, toggled(routine, moment), 999)
    assert is_over(routine, moment)
    assert moment.finished == 1


def test_a_repetition_starts_again_and_right_at_its_start_the_one_before() -> None:
    routine = routine_of(BY_NAME["hip-extension"])
    assert repeated(routine, Moment(seconds=10)).seconds == 7
    assert repeated(routine, Moment(seconds=7.5)).seconds == 0
    assert repeated(routine, Moment(seconds=0.5)).seconds == 0


def test_without_a_figure_or_a_hold_everybody_has_their_own_pace() -> None:
    routine = routine_of(OWN)
    assert (list(routine.phases), routine.seconds, [each.name for each in routine.rounds]) == ([], 0, [""])
    running = toggled(routine, Moment())
    assert after(routine, running, 600) == running
    assert is_over(routine, toggled(routine, running))
    held = routine_of(OWN._replace(hold_s=20, sides=2, repetitions=3))
    assert [phase.seconds for phase in held.phases] == [3, 20, 3]
    assert (held.round_s, len(held.rounds)) == (78, 2)


@given(
    st.sampled_from(MOVES),
    st.lists(st.one_of(st.floats(0, 20), st.sampled_from(["toggle", "skip", "repeat"])), max_size=60),
)
def test_whatever_is_pressed_the_picture_is_of_the_cycle_and_time_left_never_grows_by_itself(
    move: Move, did: list[float | str]
) -> None:
    routine, moment = routine_of(move), Moment()
    for each in did:
        if is_over(routine, moment):
            break
        before = moment
        match each:
            case "toggle":
                moment = toggled(routine, moment)
            case "skip":
                moment = skipped(moment)
            case "repeat":
                moment = repeated(routine, moment)
            case _:
                moment = after(routine, moment, float(each))
                assert (moment.round, moment.seconds) >= (before.round, before.seconds)
        assert 0 <= moment.seconds < routine.round_s
        assert 0 <= moment.finished <= moment.round <= len(routine.rounds)
        assert 0 <= picture_s(routine, moment) <= routine.cycle_s
        if not is_over(routine, moment):
            place = place_of(routine, moment)
            assert 0 <= place.repetition < routine.repetitions
            assert 0 <= place.into_s <= place.phase.seconds


def test_each_exercise_that_comes_with_hipsync_has_a_figure() -> None:
    assert {*FIGURES} == {*BY_NAME}

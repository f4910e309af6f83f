"""What a figure needs beyond its poses follows from them, as in the figures that people drew."""

from __future__ import annotations

from typing import Any

import pytest

from hipsync.core.exercises import MOVES, Move
from hipsync.core.figures import FIGURES, UPRIGHT, Chair, Key, Orbit, chair
from hipsync.core.own_figures import figure_of, moving_parts
from hipsync.core.skeleton import Grip, Hang, Swing

KICK = tuple(Key(UPRIGHT._replace(right=Swing(flex)), 2, 1, "Go", "Stay") for flex in (0, -25))
OWN = MOVES[0]._replace(name="mine", title="Mine", poses=KICK)


def own(*poses: Key, **more: Any) -> Move:
    return OWN._replace(poses=poses, **more)


@pytest.mark.parametrize("name", [name for name, figure in FIGURES.items() if not isinstance(figure.movement, Orbit)])
def test_the_limbs_that_move_are_those_that_people_named(name: str) -> None:
    movement = FIGURES[name].movement
    assert not isinstance(movement, Orbit)
    assert moving_parts(movement) == FIGURES[name].moving


def test_hips_that_move_over_planted_feet_move_both_legs_and_arms_alone_move_arms() -> None:
    up, low = UPRIGHT, UPRIGHT._replace(z=70, x=-10)
    assert moving_parts([Key(up, 1, 0, "", ""), Key(low, 1, 0, "", "")]) == {"left", "right"}
    lifted = UPRIGHT._replace(left_arm=Hang(90))
    assert moving_parts([Key(up, 1, 0, "", ""), Key(lifted, 1, 0, "", "")]) == {"left_arm"}


def test_an_exercise_of_two_sides_is_that_of_the_right_leg_and_then_of_the_left() -> None:
    figure = figure_of(OWN)
    assert figure is not None
    assert [(each.name, each.mirrored) for each in figure.rounds] == [("right leg", False), ("left leg", True)]
    assert [{*each} for each in (figure.moving, figure.hips, figure.far)] == [
        {"right"},
        {"right"},
        {"left", "left_arm"},
    ]
    assert [(trace.part, trace.joint) for trace in figure.trace] == [("right", 2)]
    assert (figure.alt, figure.props) == ("Mine", ())


def test_of_two_sides_the_right_one_works_even_where_both_legs_bend() -> None:
    """In a lunge the hips sink between both feet, and the picture shows the leg whose turn it is."""
    figure = figure_of(own(*(Key(UPRIGHT._replace(z=z), 2, 0, "Go", "Stay") for z in (96, 70)), sides=2))
    assert figure is not None
    assert {*figure.moving} == {"right"}


def test_one_of_no_side_has_one_round_and_from_the_front_both_hips_work() -> None:
    wide = [Key(UPRIGHT._replace(left=Swing(0, turn), right=Swing(0, turn)), 2, 0, "Go", "Stay") for turn in (0, 30)]
    figure = figure_of(own(*wide, sides=1, view="front", chair=Chair(-26, width=46)))
    assert figure is not None
    assert [(each.name, each.mirrored) for each in figure.rounds] == [("", False)]
    assert [{*each} for each in (figure.moving, figure.hips, figure.far)] == [
        {"left", "right"},
        {"left", "right"},
        set(),
    ]
    assert figure.props == chair(-26, width=46)
    assert figure.view == FIGURES["seated-hip-opening"].view
    assert {*figure.order} == {"left", "right", "left_arm", "right_arm", "trunk"}


def test_hips_that_go_up_get_the_arrow_where_the_feet_stand() -> None:
    figure = figure_of(own(*(Key(UPRIGHT._replace(z=z), 2, 0, "Go", "Stay") for z in (70, 96)), sides=1))
    assert figure is not None
    assert [(trace.part, trace.joint) for trace in figure.trace] == [("trunk", 1)]


def test_without_poses_there_is_a_figure_only_for_what_comes_with_hipsync() -> None:
    assert figure_of(MOVES[0]) is FIGURES["hip-extension"]
    assert figure_of(MOVES[0]._replace(name="mine")) is None


def test_an_arm_that_holds_something_is_no_arm_that_moves() -> None:
    held = UPRIGHT._replace(right_arm=Grip(30, 14, 100))
    assert moving_parts([Key(held._replace(right=Swing(flex)), 1, 0, "", "") for flex in (0, 20)]) == {"right"}

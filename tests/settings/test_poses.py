"""The poses of an own exercise: read by name, taken over from the pose before, written back, refused in one line."""

from __future__ import annotations

import tomllib

import pytest

from hipsync.core.figures import UPRIGHT, Chair
from hipsync.core.own_figures import figure_of
from hipsync.core.skeleton import Grip, Hang, Plant, Swing
from hipsync.errors import ConfigError
from hipsync.settings.config import Config
from hipsync.settings.file import as_toml, parsed

HEAD = """
[[exercises.own]]
name = "kick"
title = "Kick"
line = "Kick, 1 minute."
why = "My therapist says so."
steps = ["Kick."]
when = ["hour"]
repetitions = 5
sides = 2
chair = { x = 36, back = 101 }
"""
POSES = """
[[exercises.own.poses]]
go = "Lower it slowly"
x = 2
right = { flex = 0, knee = 4 }
right_arm = { x = 36, y = 13, z = 103 }

[[exercises.own.poses]]
go = "Leg back"
go_s = 2.5
stay = "Hold it"
hold_s = 2
lean = 5
right = { flex = -30, knee = 6, toes = 12 }
"""


def read(text: str) -> Config:
    return parsed(tomllib.loads(text), "config.toml")


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(text)
    said = str(caught.value)
    assert "\n" not in said
    assert len(said) < 300, "one line, and not the whole exercise"
    return said


def test_a_pose_is_read_by_name_and_takes_over_what_it_leaves_out() -> None:
    (move,) = read(HEAD + POSES).own
    start, far = move.poses
    assert (start.go, start.go_s, start.stay, start.hold_s) == ("Lower it slowly", 2, "Stay", 0)
    assert (far.go, far.go_s, far.stay, far.hold_s) == ("Leg back", 2.5, "Hold it", 2)
    assert start.pose == UPRIGHT._replace(x=2, right=Swing(0, knee=4), right_arm=Grip(36, 13, 103))
    assert far.pose == start.pose._replace(lean=5, right=Swing(-30, knee=6, toes=12))
    assert (move.view, move.chair) == ("side", Chair(36, back=101))


def test_each_kind_of_limb_is_told_by_its_keys() -> None:
    limbs = "left = { x = 1 }\nleft_arm = { flex = 8, turn = 9, elbow = 10 }\nright = { flex = 2, turn = 3 }"
    (move,) = read(HEAD + POSES.replace("right = { flex = 0, knee = 4 }", limbs)).own
    pose = move.poses[0].pose
    assert (pose.left, pose.right, pose.left_arm) == (Plant(1), Swing(2, 3), Hang(8, 9, 10))


@pytest.mark.parametrize("more", ["", 'view = "front"\n'])
def test_what_is_shown_is_read_again_the_same(more: str) -> None:
    config = read(HEAD + more + POSES)
    assert read(as_toml(config)) == config


def test_an_exercise_without_poses_goes_on_as_before() -> None:
    (move,) = read(HEAD.replace("chair = { x = 36, back = 101 }", "")).own
    assert (move.poses, move.chair, figure_of(move)) == ((), None, None)
    config = Config(own=(move,))
    assert read(as_toml(config)).own == (move,)
    assert "poses" not in as_toml(config)
    assert len({move, *read(HEAD + POSES).own}) == 2, "exercises are kept in sets"


WRONG = {
    "knee = 6": ("knee = 170", "kick: pose 2: the right knee is bent by 170 degrees, and goes from 0 to 155"),
    "z = 103": ("z = 220", "kick: pose 1: the right hand does not reach its place, by"),
    "lean = 5": ("lean = -200", "kick: pose 2: the trunk leans forward by -200 degrees"),
    "flex = -30": ('flex = "x"', "kick: pose 2: right: flex must be a number from -360 to 360"),
    "toes = 12": ("toe = 12", "kick: pose 2: right: there is no key 'toe': do you mean toes?"),
    "flex = 0, ": ("", "kick: pose 1: right: it needs x to stay at a place, or flex to swing by its angles"),
    ", y = 13": ("", "kick: pose 1: right_arm: it needs y"),
    "x = 2": ("x = inf", "kick: pose 1: x must be a number from -360 to 360"),
    "x = 2\n": ("x = true\n", "kick: pose 1: x must be a number from -360 to 360"),
    'go = "Leg back"': ("", "kick: pose 2: it needs go: what a guide says on the way to it"),
    '"Leg back"': ('"Leg\\u001b[31m"', "kick: pose 2: go must be 1 to 40 characters, all of them visible"),
    '"Hold it"': ("3", "kick: pose 2: stay must be text in quotes"),
    "go_s = 2.5": ("go_s = 0", "kick: pose 2: go_s must lie between 0.3 and 60, and hold_s between 0 and 60"),
    "hold_s = 2": ("hold_s = 61", "kick: pose 2: go_s must lie between"),
    "right = { flex = 0, knee = 4 }": ("right = 4", "kick: pose 1: right: must be a table of numbers, such as { fl"),
    "right_arm = ": ("right_hand = ", "kick: pose 1: there is no key 'right_hand': do you mean right_arm?"),
    "back = 101": ("back = 0", "kick: chair: facing must be 1 or -1, and width, back and depth above 0"),
    "x = 36, back": ("back", "kick: chair: it needs x"),
    "sides = 2": ('sides = 2\nview = "above"', 'kick: view must be "side" or "front"'),
    "right = { flex = -30, knee = 6, toes = 12 }": (
        "right = { x = -30 }", "kick: pose 2: the right leg stays at a place in one pose and swings by angles in",
    ),
}  # fmt: skip


@pytest.mark.parametrize("old", WRONG)
def test_what_is_wrong_is_one_line_with_exercise_pose_and_joint(old: str) -> None:
    new, said = WRONG[old]
    text = HEAD + POSES
    assert old in text
    assert refusal(text.replace(old, new, 1)).startswith(f"config.toml: exercises.own: {said}")


@pytest.mark.parametrize(
    ("poses", "said"),
    [
        ("poses = []", "kick: poses must be 2 to 8 tables: [[exercises.own.poses]]"),
        ('poses = "up"', "kick: poses must be 2 to 8 tables: [[exercises.own.poses]]"),
        ('poses = [{ go = "Up" }]', "kick: poses must be 2 to 8 tables: [[exercises.own.poses]]"),
        ("poses = [" + '{ go = "Up" }, ' * 9 + "]", "kick: poses must be 2 to 8 tables: [[exercises.own.poses]]"),
        ("poses = [1, 2]", "kick: pose 1: must be a table: [[exercises.own.poses]]"),
        ("", "kick: view and chair need poses"),
    ],
)  # fmt: skip
def test_poses_are_two_tables_to_eight(poses: str, said: str) -> None:
    assert refusal(HEAD + poses) == f"config.toml: exercises.own: {said}"


def test_another_fault_of_an_exercise_names_it_too() -> None:
    said = refusal(HEAD.replace("repetitions = 5", "repetitions = 0") + POSES)
    assert said == "config.toml: exercises.own: kick: repetitions must be a whole number from 1 to 100"

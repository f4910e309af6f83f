"""What nobody can do is found and named: the pose, the joint, how far it goes. What comes with hipsync can be done."""

from __future__ import annotations

from typing import Any

import pytest

from hipsync.core.anatomy import fault
from hipsync.core.exercises import Move, When
from hipsync.core.figures import FIGURES, UPRIGHT, Chair, Figure, Key, chair
from hipsync.core.own_figures import figure_of
from hipsync.core.skeleton import Grip, Hang, Plant, Pose, Swing

LYING = UPRIGHT._replace(
    z=13,
    lean=-90,
    left=Plant(44, 9, 2),
    right=Plant(44, 9, 2),
    left_arm=Hang(90, 10),
    right_arm=Hang(90, 10),
)


def made(*poses: Pose, **more: Any) -> Figure:
    keys = tuple(Key(pose, 2, 1, "Go", "Stay") for pose in poses)
    move = Move("mine", "Mine", "A line.", "Why.", ("Do it.",), (When.HOUR,), (), 8, 1, 0, "", poses=keys)
    figure = figure_of(move._replace(**more))
    assert figure is not None
    return figure


@pytest.mark.parametrize("name", FIGURES)
def test_what_comes_with_hipsync_can_be_done(name: str) -> None:
    assert fault(FIGURES[name]) is None


@pytest.mark.parametrize(
    "pose", [UPRIGHT, LYING, UPRIGHT._replace(right=Swing(-30, knee=6)), UPRIGHT._replace(right=Swing(90, knee=90))]
)
def test_what_people_do_can_be_done(pose: Pose) -> None:
    assert (
        fault(
            made(
                UPRIGHT._replace(
                    right=pose.right,
                    left=pose.left,
                    lean=pose.lean,
                    z=pose.z,
                    left_arm=pose.left_arm,
                    right_arm=pose.right_arm,
                ),
                pose,
            )
        )
        is None
    )


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a knee": ({"right": Swing(20, knee=170)}, "the right knee is bent by 170 degrees, and goes from 0 to 155"),
    "a knee the wrong way": (
        {"left": Swing(20, knee=-20)},
        "the left knee is bent by -20 degrees, and goes from 0 to",
    ),
    "a hip back": ({"right": Swing(-60)}, "the right hip is bent by -60 degrees, and goes from -45 to 145"),
    "a hip with the trunk": (
        {"lean": 60, "right": Swing(100, knee=90)},
        "the right hip is bent by 160 degrees, and goes",
    ),
    "a leg aside": ({"right": Swing(0, turn=80)}, "the right hip is turned out by 80 degrees"),
    "a leg about itself": ({"left": Swing(86, rotation=-70, knee=86)}, "the left hip is rotated by -70 degrees"),
    "toes": ({"right": Swing(10, knee=20, toes=90)}, "the right foot points down by 90 degrees"),
    "a heel": ({"left": Plant(0, heel=95)}, "the left heel is lifted by 95 degrees"),
    "an elbow": ({"right_arm": Hang(20, elbow=-30)}, "the right elbow is bent by -30 degrees, and goes from 0 to 155"),
    "a shoulder": ({"left_arm": Hang(-100)}, "the left shoulder is lifted forward by -100 degrees"),
    "an arm aside": ({"left_arm": Hang(0, turn=200)}, "the left arm is lifted aside by 200 degrees"),
    "a trunk": ({"lean": 150}, "the trunk leans forward by 150 degrees, and goes from -135 to 110"),
    # from a hip at (0, 96.5) to an ankle at (90, 5) are 128 cm, and the leg has 92
    "a foot far away": (
        {"right": Plant(90)},
        "the right foot does not reach its place, by 36 cm: the leg is 92 cm long",
    ),
    # from a shoulder at (0, -14, 146.5) to (120, -14, 146.5) are 120 cm, and the arm has 56
    "a hand far away": (
        {"right_arm": Grip(120, 14, 146.5)},
        "the right hand does not reach its place, by 64 cm: the arm is",
    ),
    # hips at 30, a knee 47 lower, and toes 16 lower still, because the shin lies flat
    "a knee in the floor": (
        {"z": 30, "left": Swing(0, knee=90), "right": Swing(0, knee=90)},
        "the left foot is 33 cm under",
    ),
    "nothing below": ({"z": 150, "left": Swing(0), "right": Swing(0)}, "the person floats"),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("at", [1, 2, 3])
def test_what_nobody_can_do_is_named_with_its_pose_and_its_joint(name: str, at: int) -> None:
    changes, said = WRONG[name]
    wrong = UPRIGHT._replace(**changes)
    free: dict[str, Any] = {part: getattr(wrong, part) for part in changes if isinstance(getattr(wrong, part), tuple)}
    # the other poses have the limb of the same kind, at rest
    rest: dict[type, Any] = {Swing: Swing(0, knee=10), Plant: Plant(0), Hang: Hang(0), Grip: Grip(20, 14, 110)}
    right = UPRIGHT._replace(**{part: rest[type(limb)] for part, limb in free.items()})
    poses = [right, right, right]
    poses[at - 1] = wrong
    found = fault(made(*poses, chair=None))
    assert found is not None
    assert found.startswith(f"pose {at}: {said}")


def test_a_chair_carries_who_does_not_stand() -> None:
    seated = UPRIGHT._replace(z=60, left=Swing(86, knee=60, toes=-20), right=Swing(86, knee=60, toes=-20))
    figure = made(seated, seated)
    assert fault(figure) is not None
    assert fault(figure._replace(props=chair(-26))) is None


@pytest.mark.parametrize("part", ["left", "right", "left_arm", "right_arm"])
def test_a_limb_that_stays_in_one_pose_and_swings_in_the_next_is_named(part: str) -> None:
    changed: dict[str, Any] = {part: Grip(20, 14, 110) if part.endswith("arm") else Swing(0, knee=5)}
    other = UPRIGHT._replace(**changed)
    limb = part.replace("_", " ") if part.endswith("arm") else f"{part} leg"
    said = f"pose 2: the {limb} stays at a place in one pose and swings by angles in another"
    assert fault(made(UPRIGHT, other)) == said


def test_the_way_between_two_poses_is_looked_at_too() -> None:
    """A foot that goes from behind to before a hip low above the floor would go through the floor halfway."""
    low = UPRIGHT._replace(z=62, left=Swing(80, knee=100, toes=-20))
    one, other = (low._replace(right=Swing(flex, knee=10, toes=-50)) for flex in (-44, 60))
    assert [fault(made(pose, pose, chair=Chair(-26))) for pose in (one, other)] == [None, None]
    found = fault(made(one, other, chair=Chair(-26)))
    assert found is not None
    assert found.startswith("between two poses: the right foot is")

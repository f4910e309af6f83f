r"""A person as joints in space, from a few angles: what the pictures of exercises are drawn from.

Space has x forward, y to the person's left, z up, and the floor at z = 0. Lengths are in hundredths of the height of
somebody 1.85 m tall times 1.85, so about centimetres. Angles are in degrees. A limb either swings freely by its angles,
or its end stays where it is planted, and the joint in its middle follows::

    hip o                shoulder o
        \ thigh                    | upper arm
    knee o                elbow o
        | shin                     \ forearm
  ankle o-o toes             hand o
"""

from __future__ import annotations

import math
from typing import NamedTuple

SHIN, THIGH, TRUNK, NECK, HEAD, UPPER_ARM, FOREARM, FOOT, ANKLE = 45, 47, 54, 6, 12, 29, 27, 16, 5
HIP_WIDTH, SHOULDER_WIDTH, BELOW_CHEST = 8, 14, 4
STANDING_HIPS = 96.5
"""How high the hips are of somebody who stands with soft knees."""

Point = tuple[float, float, float]
DOWN: Point = (0.0, 0.0, -1.0)
AHEAD: Point = (1.0, 0.0, 0.0)
ELBOWS_BACK: Point = (-0.6, 0.5, -0.7)


class Swing(NamedTuple):
    """A leg in the air: how far the thigh is bent forward and turned out, the leg turned about it, the knee bent."""

    flex: float
    turn: float = 0
    rotation: float = 0
    knee: float = 0
    toes: float = 0


class Plant(NamedTuple):
    """A leg on the floor: where its foot stands, how far from the middle, and how far the heel is lifted."""

    x: float
    y: float = 8
    z: float = 0
    heel: float = 0


class Hang(NamedTuple):
    """An arm that hangs: how far it is lifted forward and to its side, and the elbow bent."""

    flex: float
    turn: float = 0
    elbow: float = 0


class Grip(NamedTuple):
    """An arm whose hand holds something at a place; y is counted away from the middle."""

    x: float
    y: float
    z: float


Leg = Swing | Plant
Arm = Hang | Grip


class Pose(NamedTuple):
    """A whole person at one moment."""

    x: float
    z: float
    """Where the middle of the hips is."""
    lean: float
    """How far the trunk leans forward."""
    left: Leg
    right: Leg
    left_arm: Arm
    right_arm: Arm
    elbows: Point = ELBOWS_BACK
    """Where elbows point that are bent for a grip, on the left."""


class Skeleton(NamedTuple):
    """The joints of each part, from the trunk outwards."""

    left: tuple[Point, ...]
    right: tuple[Point, ...]
    left_arm: tuple[Point, ...]
    right_arm: tuple[Point, ...]
    trunk: tuple[Point, ...]
    neck: tuple[Point, ...]
    head: tuple[Point, ...]


def skeleton(pose: Pose) -> Skeleton:
    """The joints of a person in this pose."""
    radians = math.radians(pose.lean)
    up = (math.sin(radians), 0.0, math.cos(radians))
    pelvis = (pose.x, 0.0, pose.z)
    chest, crown = _add(pelvis, up, TRUNK), _add(pelvis, up, TRUNK + NECK + HEAD)
    shoulders = _add(chest, up, -BELOW_CHEST)
    return Skeleton(
        left=_leg(_add(pelvis, (0, 1, 0), HIP_WIDTH), pose.left, 1),
        right=_leg(_add(pelvis, (0, -1, 0), HIP_WIDTH), pose.right, -1),
        left_arm=_arm(_add(shoulders, (0, 1, 0), SHOULDER_WIDTH), pose.left_arm, 1, pose.elbows),
        right_arm=_arm(_add(shoulders, (0, -1, 0), SHOULDER_WIDTH), pose.right_arm, -1, pose.elbows),
        trunk=(chest, pelvis),
        neck=(chest, crown),
        head=(crown,),
    )


def _leg(hip: Point, leg: Leg, side: int) -> tuple[Point, ...]:
    """Hip, knee, ankle and toes; `side` is 1 on the left, -1 on the right."""
    if isinstance(leg, Plant):
        knee, ankle = _reach(hip, (leg.x, side * leg.y, leg.z + ANKLE), THIGH, SHIN, (1, 0, 0.15))
        return hip, knee, ankle, _add(ankle, _forward(AHEAD, -leg.heel), FOOT)

    def placed(direction: Point) -> Point:
        return _outward(_forward(_outward(direction, side * leg.rotation), leg.flex), side * leg.turn)

    knee = _add(hip, placed(DOWN), THIGH)
    ankle = _add(knee, placed(_forward(DOWN, -leg.knee)), SHIN)
    return hip, knee, ankle, _add(ankle, placed(_forward(_forward(AHEAD, -leg.toes), -leg.knee)), FOOT)


def _arm(shoulder: Point, arm: Arm, side: int, elbows: Point) -> tuple[Point, ...]:
    """Shoulder, elbow and hand."""
    if isinstance(arm, Grip):
        hint = (elbows[0], side * elbows[1], elbows[2])
        return (shoulder, *_reach(shoulder, (arm.x, side * arm.y, arm.z), UPPER_ARM, FOREARM, hint))

    def placed(direction: Point) -> Point:
        return _outward(_forward(direction, arm.flex), side * arm.turn)

    elbow = _add(shoulder, placed(DOWN), UPPER_ARM)
    return shoulder, elbow, _add(elbow, placed(_forward(DOWN, arm.elbow)), FOREARM)


def _reach(root: Point, target: Point, first: float, second: float, hint: Point) -> tuple[Point, Point]:
    """The joint in the middle of a limb from `root` to `target`, bent towards `hint`, and its end.

    A target that is too far away is reached for with a straight limb.
    """
    way = _add(target, root, -1)
    far = math.hypot(*way) or 1e-6
    reach = min(far, first + second - 0.01)
    unit = _scaled(way, 1 / far)
    along = (first**2 - second**2 + reach**2) / (2 * reach)
    aside = _add(hint, unit, -sum(a * b for a, b in zip(hint, unit, strict=True)))
    off = math.sqrt(max(first**2 - along**2, 0)) / (math.hypot(*aside) or 1e-6)
    return _add(_add(root, unit, along), aside, off), _add(root, unit, reach)


def _add(point: Point, direction: Point, by: float) -> Point:
    (a, b, c), (x, y, z) = point, direction
    return a + by * x, b + by * y, c + by * z


def _scaled(direction: Point, by: float) -> Point:
    x, y, z = direction
    return x * by, y * by, z * by


def _forward(direction: Point, degrees: float) -> Point:
    """A direction turned in the plane of x and z; what points down then points forward."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    x, y, z = direction
    return x * cosine - z * sine, y, x * sine + z * cosine


def _outward(direction: Point, degrees: float) -> Point:
    """A direction turned about the upright axis; what points forward then points to the left."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    x, y, z = direction
    return x * cosine - y * sine, x * sine + y * cosine, z

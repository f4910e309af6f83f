"""What no person can do, so that no picture shows it: joints that bend too far, feet that do not reach, floating.

An exercise that a user wrote as joint angles is checked by this before it is drawn, and those that come with hipsync
are in the tests. The limits of knee and hip lie a little beyond the largest mean of any age and sex in the reference
values of the CDC (Soucie et al. 2011, Haemophilia 17, 500-507): hip 140.8 forward and 28.3 back, knee 152.6. A leg goes
back further than its hip, because the pelvis, which is not drawn apart from the trunk, tilts along. The other limits
are generous. That an exercise can be drawn does not make it a good one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from hipsync.core.figures import Figure, Orbit, length_s, pose_at
from hipsync.core.skeleton import (
    ANKLE,
    FOREARM,
    SHIN,
    THIGH,
    UPPER_ARM,
    Arm,
    Hang,
    Leg,
    Point,
    Pose,
    Swing,
    skeleton,
)


class Span(NamedTuple):
    """The degrees that a joint goes from and to."""

    least: float
    most: float


HIP, SPREAD, TWIST = Span(-45, 145), Span(-35, 60), Span(-50, 50)
KNEE, TOES, HEEL = Span(0, 155), Span(-60, 70), Span(0, 80)
SHOULDER, ARM_ASIDE, ELBOW, TRUNK = Span(-65, 180), Span(-50, 180), Span(0, 155), Span(-135, 110)
REACH_CM, SUNK_CM, ABOVE_CM = 3, 4, 8
"""How far a hand or a foot may miss what it holds or stands on, how deep a joint may lie below the floor, and how high
the lowest one above it where no chair carries the person."""
MOMENTS = 12
"""How many moments of a cycle are looked at, besides its poses."""
SIDES = ("left", "right")


def fault(figure: Figure) -> str | None:
    """What is wrong with a movement, such as "pose 2: the right knee ..."; None if a person can do it."""
    movement = figure.movement
    if isinstance(movement, Orbit):
        poses = [pose_at(figure, length_s(figure) * step / MOMENTS) for step in range(MOMENTS)]
        return next((f"pose 1: {found}" for pose in poses for found in faults(pose, carried=bool(figure.props))), None)
    for number, (one, other) in enumerate(pairwise(key.pose for key in movement), 2):
        for part in ("left", "right", "left_arm", "right_arm"):
            if type(getattr(one, part)) is not type(getattr(other, part)):
                return f"pose {number}: the {_named(part)} stays at a place in one pose and swings by angles in another"
    for number, key in enumerate(movement, 1):
        for found in faults(key.pose, carried=bool(figure.props)):
            return f"pose {number}: {found}"
    for step in range(MOMENTS):
        for found in faults(pose_at(figure, length_s(figure) * step / MOMENTS), carried=bool(figure.props)):
            return f"between two poses: {found}"
    return None


def faults(pose: Pose, *, carried: bool) -> Iterator[str]:
    """What is wrong with one pose; `carried` is whether a chair may hold the person."""
    yield from _outside("trunk leans forward by", pose.lean, TRUNK)
    joints = skeleton(pose)
    for side in SIDES:
        leg: Leg = getattr(pose, side)
        points: tuple[Point, ...] = getattr(joints, side)
        yield from _leg(side, leg, points, pose.lean)
        arm: Arm = getattr(pose, f"{side}_arm")
        yield from _arm(side, arm, getattr(joints, f"{side}_arm"), pose.lean)
    for name, points in (("left foot", joints.left), ("right foot", joints.right), ("left hand", joints.left_arm),
                         ("right hand", joints.right_arm), ("head", joints.head)):  # fmt: skip
        if (low := min(z for _, _, z in points)) < -SUNK_CM:
            yield f"the {name} is {-low:.0f} cm under the floor"
    lowest = min(z for points in joints for _, _, z in points)
    if not carried and lowest > ABOVE_CM:
        yield f"the person floats {lowest:.0f} cm above the floor"


def _leg(side: str, leg: Leg, points: tuple[Point, ...], lean: float) -> Iterator[str]:
    hip, knee, ankle = points[:3]
    if isinstance(leg, Swing):
        yield from _outside(f"{side} hip is bent by", leg.flex + lean, HIP)
        yield from _outside(f"{side} hip is turned out by", leg.turn, SPREAD)
        yield from _outside(f"{side} hip is rotated by", leg.rotation, TWIST)
        yield from _outside(f"{side} knee is bent by", leg.knee, KNEE)
        yield from _outside(f"{side} foot points down by", leg.toes, TOES)
        return
    place = (leg.x, (1 if side == "left" else -1) * leg.y, leg.z + ANKLE)
    if (missed := math.dist(ankle, place)) > REACH_CM:
        yield f"the {side} foot does not reach its place, by {missed:.0f} cm: the leg is {THIGH + SHIN} cm long"
        return
    yield from _outside(f"{side} hip is bent by", _forward_of(hip, knee) + lean, HIP)
    yield from _outside(f"{side} knee is bent by", _bend(hip, knee, ankle), KNEE)
    yield from _outside(f"{side} heel is lifted by", leg.heel, HEEL)


def _arm(side: str, arm: Arm, points: tuple[Point, ...], lean: float) -> Iterator[str]:
    if isinstance(arm, Hang):
        yield from _outside(f"{side} shoulder is lifted forward by", arm.flex + lean, SHOULDER)
        yield from _outside(f"{side} arm is lifted aside by", arm.turn, ARM_ASIDE)
        yield from _outside(f"{side} elbow is bent by", arm.elbow, ELBOW)
        return
    shoulder, elbow, hand = points
    place = (arm.x, (1 if side == "left" else -1) * arm.y, arm.z)
    if (missed := math.dist(hand, place)) > REACH_CM:
        yield f"the {side} hand does not reach its place, by {missed:.0f} cm: the arm is {UPPER_ARM + FOREARM} cm long"
        return
    yield from _outside(f"{side} elbow is bent by", _bend(shoulder, elbow, hand), ELBOW)


def _outside(what: str, degrees: float, span: Span) -> Iterator[str]:
    if not span.least <= degrees <= span.most:
        yield f"the {what} {degrees:.0f} degrees, and goes from {span.least:g} to {span.most:g}"


def _forward_of(upper: Point, lower: Point) -> float:
    """How far a limb points forward, in degrees: 0 is straight down, 90 straight ahead."""
    return math.degrees(math.atan2(lower[0] - upper[0], upper[2] - lower[2]))


def _bend(root: Point, middle: Point, end: Point) -> float:
    """By how many degrees a limb is bent at its middle joint; 0 is straight."""
    one = [b - a for a, b in zip(root, middle, strict=True)]
    other = [b - a for a, b in zip(middle, end, strict=True)]
    cosine = sum(a * b for a, b in zip(one, other, strict=True)) / (math.hypot(*one) * math.hypot(*other))
    return math.degrees(math.acos(min(max(cosine, -1), 1)))


def _named(part: str) -> str:
    return part.replace("_", " ") if part.endswith("arm") else f"{part} leg"

"""The exercises as movements: key poses, how long they take, and what stands beside. Add an entry and it is drawn.

Between key poses every number is eased; a knee that draws circles swings two numbers of one leg round instead.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, TypeVar

from hipsync.core.skeleton import STANDING_HIPS, Arm, Grip, Hang, Leg, Plant, Point, Pose, Swing

Part = Literal["left", "right", "left_arm", "right_arm", "trunk"]
Stroke = Sequence[Point]
View = Literal["side", "front"]


class Key(NamedTuple):
    """A pose of the cycle: how long it takes to get there from the one before, and how long it is held, in seconds."""

    pose: Pose
    go_s: float
    hold_s: float
    go: str
    """What a guide says on the way to it."""
    stay: str
    """What a guide says while it is held."""


class Orbit(NamedTuple):
    """A knee that draws circles, with the right leg: by how much its thigh goes up and down and out and in."""

    pose: Pose
    flex: float
    turn: float
    seconds: float
    cue: str
    """What a guide says all the while."""


class Round(NamedTuple):
    """All repetitions without a stop between them: mostly those of one leg."""

    name: str
    mirrored: bool = False
    """Whether the picture is turned over, so that it shows the other leg."""
    backwards: bool = False
    """Whether an orbit goes the other way round."""


RIGHT_THEN_LEFT = (Round("right leg"), Round("left leg", mirrored=True))


class Trace(NamedTuple):
    """The way that a joint takes from the start to the far end, or most of its orbit."""

    part: Part
    joint: int
    """Which joint of the part, counted from the trunk outwards."""
    aside: tuple[float, float]
    """How far from the joint it is drawn: to the right, and downwards."""
    grown: float = 1
    """By how much it is drawn larger than it is."""


class Figure(NamedTuple):
    """An exercise as a movement, for the right leg where it has sides. It can be a key: its sequences are tuples."""

    movement: Sequence[Key] | Orbit
    """The poses of the cycle, the start first and the far end second; or an orbit."""
    moving: frozenset[Part]
    far: frozenset[Part]
    """Parts on the side that is away from the viewer."""
    order: Sequence[Part]
    """The parts, the farthest first, so that nearer ones are drawn over them."""
    props: Sequence[Stroke]
    view: float
    """From where it is seen: 0 from the person's right, 90 from the front."""
    rounds: Sequence[Round]
    """What a guide goes through, one after the other."""
    hips: frozenset[Part]
    """The legs whose hip joint does the work."""
    trace: Sequence[Trace]
    """Paths that a still picture shows beside the figure, with an arrow at their ends."""
    alt: str
    """The picture in words, for those who do not see it."""


class Chair(NamedTuple):
    """The chair beside an exercise of the user's own: where its back stands, and which way its seat goes from there."""

    x: float
    y: float = 0
    facing: float = 1
    """1 if the seat goes on forward, -1 if backward."""
    width: float = 34
    back: float = 94
    depth: float = 38


def chair(
    x: float, *, facing: float = 1, y: float = 0, width: float = 34, back: float = 94, depth: float = 38
) -> Sequence[Stroke]:
    """A chair whose back stands at x; its seat goes on from there, forward if `facing` is 1, backward if -1."""
    half, far, seat = width / 2, x + facing * depth, 49.0
    strokes: list[Stroke] = []
    for side in (y - half, y + half):
        strokes += [
            ((x, side, 0), (x, side, back)),
            ((far, side, 0), (far, side, seat)),
            ((x, side, seat), (far, side, seat)),
        ]
    for at, height in ((x, seat), (far, seat), (x, back), (x, back - 14)):
        strokes.append(((at, y - half, height), (at, y + half, height)))
    return tuple(strokes)


def length_s(figure: Figure) -> float:
    """How many seconds one cycle takes."""
    movement = figure.movement
    return movement.seconds if isinstance(movement, Orbit) else sum(key.go_s + key.hold_s for key in movement)


def far_end_s(figure: Figure) -> float:
    """How many seconds after the begin of a cycle the far end is held, which tells most as a still picture."""
    movement = figure.movement
    if isinstance(movement, Orbit):
        return 0.0
    start, end = movement[0], movement[1]
    return start.hold_s + end.go_s + end.hold_s / 2


def pose_at(figure: Figure, seconds: float) -> Pose:
    """The pose so many seconds after the begin of the first cycle."""
    movement, left = figure.movement, seconds % length_s(figure)
    if isinstance(movement, Orbit):
        return _on_orbit(movement, left)
    for number, key in enumerate(movement):
        after = movement[(number + 1) % len(movement)]
        if left < key.hold_s:
            return key.pose
        left -= key.hold_s
        if left < after.go_s:
            part = left / after.go_s
            return _between(key.pose, after.pose, part * part * (3 - 2 * part))
        left -= after.go_s
    return movement[0].pose


def _on_orbit(orbit: Orbit, seconds: float) -> Pose:
    leg, phase = orbit.pose.right, 2 * math.pi * seconds / orbit.seconds
    if not isinstance(leg, Swing):
        raise TypeError("only a leg in the air draws circles")
    turned = leg._replace(flex=leg.flex + orbit.flex * math.cos(phase), turn=leg.turn + orbit.turn * math.sin(phase))
    return orbit.pose._replace(right=turned)


def _between(start: Pose, end: Pose, part: float) -> Pose:
    return Pose(
        x=start.x + (end.x - start.x) * part,
        z=start.z + (end.z - start.z) * part,
        lean=start.lean + (end.lean - start.lean) * part,
        left=_limb(start.left, end.left, part),
        right=_limb(start.right, end.right, part),
        left_arm=_limb(start.left_arm, end.left_arm, part),
        right_arm=_limb(start.right_arm, end.right_arm, part),
        elbows=start.elbows,
    )


Limb = TypeVar("Limb", Leg, Arm)


def _limb(start: Limb, end: Limb, part: float) -> Limb:
    """A limb between two positions of one kind. Raises `TypeError` if they are of two kinds."""
    if type(start) is not type(end):
        raise TypeError("a limb cannot be planted and swing in one movement")
    return type(start)(*(a + (b - a) * part for a, b in zip(start, end, strict=True)))


UPRIGHT = Pose(0, STANDING_HIPS, 0, Plant(0), Plant(0), Hang(0), Hang(0))
"""Somebody who stands with hanging arms."""
_SEATED = UPRIGHT._replace(z=55, left=Swing(86, 2, 0, 86), right=Swing(86, 2, 0, 86))


def _extension() -> Figure:
    hand = Grip(36, 13, 103)
    stand = Pose(2, STANDING_HIPS, 1, Plant(3), Swing(0, knee=4), hand, hand)
    back = stand._replace(lean=5, right=Swing(-30, knee=6, toes=12))
    return Figure(
        (Key(stand, 2, 1, "Lower it slowly", "Stand tall"), Key(back, 2, 2, "Leg back, slowly", "Stay")),
        frozenset({"right"}), frozenset({"left", "left_arm"}), ("left", "left_arm", "trunk", "right", "right_arm"),
        chair(36, back=101), 14, RIGHT_THEN_LEFT, frozenset({"right"}), (Trace("right", 2, (-6, 11)),),
        "Somebody stands behind a chair, holds its back, and takes one straight leg backward with an upright trunk.",
    )  # fmt: skip


def _flexor_stretch() -> Figure:
    elbows = (-1.0, 0.2, 0.0)
    step = Pose(-13, 87, 0, Plant(26), Plant(-60, 8, 4, 25), Grip(24, 12, 94), Grip(-10, 13, 91), elbows)
    shift = Pose(8, 72, -3, Plant(26), Plant(-60, 8, 6, 35), Grip(50, 12, 96), Grip(11, 13, 76), elbows)
    return Figure(
        (Key(step, 2, 1, "And come back", "A long step"), Key(shift, 3, 4, "Shift forward", "Stay, and breathe")),
        frozenset({"right"}), frozenset({"left", "left_arm"}), ("left", "left_arm", "trunk", "right", "right_arm"),
        chair(50, depth=36), 12, (Round("right leg behind"), Round("left leg behind", mirrored=True)),
        frozenset({"right"}), (Trace("trunk", 1, (-22, 4)),),
        "Somebody stands in a long step, the front knee bent, the back leg straight, the hips shifted forward.",
    )  # fmt: skip


def _circles() -> Figure:
    up = Pose(0, STANDING_HIPS, 0, Plant(0), Swing(66, 14, 0, 86, 6), Grip(-16, 30, 96), Hang(-16, 20, 20))
    rounds = tuple(
        Round(f"{leg} leg, {way}", mirrored=leg == "left", backwards=way == "inward")
        for leg in ("right", "left")
        for way in ("outward", "inward")
    )
    return Figure(
        Orbit(up, 14, 26, 4, "Small, slow circles"), frozenset({"right"}), frozenset({"left", "left_arm"}),
        ("left_arm", "left", "trunk", "right", "right_arm"), chair(-16, y=42, facing=-1, width=30, depth=34), 28,
        rounds, frozenset({"right"}), (Trace("right", 1, (2, 0), 1.9),),
        "Somebody stands on one leg with a hand on a chair and draws small circles with the other, lifted knee.",
    )  # fmt: skip


def _seated_opening() -> Figure:
    shut = _SEATED._replace(left_arm=Hang(20, 30, 40), right_arm=Hang(20, 30, 40))
    wide = Swing(84, 42, 0, 84)
    open_ = shut._replace(left=wide, right=wide, left_arm=Hang(20, 50, 40), right_arm=Hang(20, 50, 40))
    both = frozenset[Part]({"left", "right"})
    return Figure(
        (Key(shut, 2, 1, "Bring them back", "Knees together"), Key(open_, 2, 3, "Let the knees part", "Stay")),
        both, frozenset(), ("trunk", "left_arm", "right_arm", "left", "right"),
        chair(-26, width=46, depth=36, back=100), 80, (Round("both legs"),), both,
        (Trace("left", 2, (4, 13)), Trace("right", 2, (-4, 13))),
        "Seen from the front, somebody sits forward on a chair, lets both knees part and the feet roll outward.",
    )  # fmt: skip


def _seated_inward() -> Figure:
    arm = Hang(-8, 50, 30)
    still = _SEATED._replace(z=56, left=Swing(86, 14, 0, 86), right=Swing(86, 8, 0, 86), left_arm=arm, right_arm=arm)
    out = still._replace(right=Swing(86, 8, -34, 86))
    return Figure(
        (Key(still, 2, 0.5, "Bring it back", "Keep the knee still"), Key(out, 2, 0.5, "Foot out, slowly", "And back")),
        frozenset({"right"}), frozenset(), ("left_arm", "left", "trunk", "right_arm", "right"),
        chair(-26, width=46, depth=36, back=100), -60, RIGHT_THEN_LEFT, frozenset({"right"}),
        (Trace("right", 2, (-8, 16)),),
        "Somebody sits; one knee stays where it is while the foot of that leg swings outward and back.",
    )  # fmt: skip


FIGURES: Mapping[str, Figure] = {
    "hip-extension": _extension(),
    "hip-flexor-stretch": _flexor_stretch(),
    "hip-rotation": _circles(),
    "seated-hip-opening": _seated_opening(),
    "seated-inward-rotation": _seated_inward(),
}
"""The movement of each exercise that comes with hipsync, by its name."""

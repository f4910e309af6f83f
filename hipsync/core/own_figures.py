"""The figure of any exercise: one of those that come with hipsync, or one made from the poses that its user wrote.

Whoever writes an exercise gives the joint angles of its poses. What else a figure needs follows from them here: which
limb moves, which one lies behind, where the arrows go.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from hipsync.core.figures import FIGURES, RIGHT_THEN_LEFT, Chair, Figure, Key, Part, Round, Trace, View, chair
from hipsync.core.skeleton import skeleton

if TYPE_CHECKING:
    from hipsync.core.exercises import Move

DEGREES: Mapping[View, float] = {"side": 14, "front": 80}
"""From where a figure is seen, as `Figure.view` counts."""
ORDERS: Mapping[View, Sequence[Part]] = {
    "side": ("left", "left_arm", "trunk", "right", "right_arm"),
    "front": ("trunk", "left_arm", "right_arm", "left", "right"),
}
FEWEST_CM = 6
"""A joint that moves less than this gets no arrow."""
LEGS: Sequence[Part] = ("left", "right")
ARMS: Sequence[Part] = ("left_arm", "right_arm")


def figure_of(move: Move) -> Figure | None:
    """The movement of an exercise; None if nobody drew it, as of an exercise of the user's own without poses."""
    if move.poses:
        return _made(move.poses, move.view, move.chair, move.sides, move.title)
    return FIGURES.get(move.name)


@cache
def _made(poses: Sequence[Key], view: View, beside: Chair | None, sides: int, title: str) -> Figure:
    moving = moving_parts(poses)
    if sides == 2 and moving & {"right", "right_arm"}:
        moving = moving - {"left", "left_arm"}
    hips = frozenset[Part]({"right"} if sides == 2 else {"left", "right"})
    return Figure(
        movement=poses,
        moving=moving,
        far=frozenset[Part]({"left", "left_arm"} if view == "side" else set()),
        order=ORDERS[view],
        props=() if beside is None else chair(**beside._asdict()),
        view=DEGREES[view],
        rounds=RIGHT_THEN_LEFT if sides == 2 else (Round(""),),
        hips=hips if view == "front" else hips - {"left"},
        trace=_traces(poses, moving, view),
        alt=title,
    )


def moving_parts(poses: Sequence[Key]) -> frozenset[Part]:
    """The limbs that do the exercise: legs whose numbers change, else both legs if the hips move, else such arms."""

    def changed(parts: Sequence[Part]) -> frozenset[Part]:
        return frozenset(part for part in parts if len({getattr(key.pose, part) for key in poses}) > 1)

    if legs := changed(LEGS):
        return legs
    return frozenset(LEGS) if len({(key.pose.x, key.pose.z) for key in poses}) > 1 else changed(ARMS)


def _traces(poses: Sequence[Key], moving: frozenset[Part], view: View) -> Sequence[Trace]:
    """Arrows along the ends of the limbs that move, or else along the hips if those do."""
    start, end = (skeleton(key.pose) for key in poses[:2])
    found: list[Trace] = []
    for part in sorted(moving):
        if math.dist(getattr(start, part)[2], getattr(end, part)[2]) >= FEWEST_CM:
            aside = (-6.0, 11.0) if view == "side" else (4.0 if part.startswith("left") else -4.0, 13.0)
            found.append(Trace(part, 2, aside))
    if not found and math.dist(start.trunk[1], end.trunk[1]) >= FEWEST_CM:
        found.append(Trace("trunk", 1, (-22, 4)))
    return tuple(found)

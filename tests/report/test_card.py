"""A reminder as a card, and the pictures in it."""

from __future__ import annotations

import math
import re
from itertools import pairwise

import pytest

from hipsync.core.exercises import MOVES, Move
from hipsync.core.figures import FIGURES, far_end_s, length_s, pose_at
from hipsync.core.skeleton import ANKLE, FOOT, FOREARM, SHIN, THIGH, UPPER_ARM, Grip, Plant, Point, skeleton
from hipsync.report.braille import picture
from hipsync.report.card import card
from hipsync.report.pen import Pen

NAMES = [move.name for move in MOVES]


def far(one: Point, other: Point) -> float:
    return math.dist(one, other)


@pytest.mark.parametrize("columns", [60, 71, 80, 200])
@pytest.mark.parametrize("move", MOVES, ids=NAMES)
@pytest.mark.parametrize("unicode", [True, False])
def test_a_card_is_a_frame_that_says_what_to_do_and_how_to_answer(move: Move, columns: int, unicode: bool) -> None:
    lines = card("Time to get up", move, 10, 72, Pen(unicode=unicode, columns=columns))
    assert {len(line) for line in lines} == {min(columns, 80) - 2}
    assert "Time to get up" in lines[0]
    assert "sitting for 1 h 12" in lines[0]
    told = " ".join(" ".join(lines).replace("│", " ").replace("|", " ").split())
    for word in (*move.title.split(), "Stop", "hurts.", "hipsync", "exercise", "snooze", "(10", "skip"):
        assert word in told
    assert unicode or "".join(lines).isascii()
    coloured = card("Time to get up", move, 10, 72, Pen(256, unicode, columns))
    assert [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in coloured] == lines


def test_words_of_the_user_s_own_cannot_leave_the_frame() -> None:
    own = MOVES[0]._replace(
        name="own",
        title="\x1b[2J",
        line="x" * 300,
        steps=("\x1b]0;title\x07" + "long " * 80,),
        drawing="\x1b[31m\n" + "y" * 99,
    )
    lines = card("Time to move?", own, 10, None, Pen(columns=80))
    assert {len(line) for line in lines} == {78}
    assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize("name", NAMES)
def test_every_limb_keeps_its_length_and_nobody_sinks_into_the_floor(name: str) -> None:
    figure, last = FIGURES[name], None
    for step in range(121):
        pose = pose_at(figure, length_s(figure) * step / 120)
        joints = skeleton(pose)
        for leg, limb, side in ((pose.left, joints.left, 1), (pose.right, joints.right, -1)):
            lengths = [far(a, b) for a, b in pairwise(limb)]
            assert lengths == pytest.approx([THIGH, SHIN, FOOT], abs=0.6)
            assert min(z for _, _, z in limb) > -4
            if isinstance(leg, Plant):
                assert far(limb[2], (leg.x, side * leg.y, leg.z + ANKLE)) < 2.5, "its foot slips"
        for arm, limb, side in ((pose.left_arm, joints.left_arm, 1), (pose.right_arm, joints.right_arm, -1)):
            assert [far(a, b) for a, b in pairwise(limb)] == pytest.approx([UPPER_ARM, FOREARM], abs=0.6)
            if isinstance(arm, Grip):
                assert far(limb[2], (arm.x, side * arm.y, arm.z)) < 4, "its hand does not reach"
        flat = [point for part in joints for point in part]
        assert last is None or max(far(a, b) for a, b in zip(flat, last, strict=True)) < 9, "it jumps"
        last = flat


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_moves_and_stands_on_one_floor(name: str) -> None:
    figure = FIGURES[name]
    start, end = (
        picture(figure, seconds, 20, 10, Pen()) for seconds in (0.0, far_end_s(figure) or length_s(figure) / 2)
    )
    assert start != end
    assert {len(start), len(end)} == {10}
    assert max(map(len, start + end)) <= 20
    assert start[-1].strip()
    assert end[-1].strip()
    assert all(character == " " or 0x2800 < ord(character) <= 0x28FF for line in start for character in line)


def test_hip_extension_moves_the_leg_behind_the_trunk() -> None:
    figure = FIGURES["hip-extension"]
    for seconds, behind in ((0.0, False), (far_end_s(figure), True)):
        joints = skeleton(pose_at(figure, seconds))
        assert (joints.right[2][0] < joints.right[0][0] - 30) is behind
        assert abs(joints.trunk[0][0] - joints.trunk[1][0]) < 6, "the trunk stays upright"

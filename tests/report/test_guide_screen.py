"""The screen of a guided exercise fits every terminal, and says what is done now and what the keys do."""

from __future__ import annotations

import re

import pytest

from hipsync.core.exercises import MOVES, SAFETY, Move
from hipsync.core.routine import Moment, routine_of
from hipsync.report.guide_screen import guide_screen
from hipsync.report.pen import Pen, wide

BY_NAME = {move.name: move for move in MOVES}
MOMENTS = [Moment(), Moment(0, 3.5, running=True), Moment(0, 3.5), Moment(1, 0), Moment(1, 40, running=True)]
EXTENSION = BY_NAME["hip-extension"]


def shown(move: Move, moment: Moment, pen: Pen) -> list[str]:
    return guide_screen(move, routine_of(move), moment, pen)


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (120, 40), (60, 20), (50, 40), (40, 12), (30, 8), (200, 60)])
@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("move", MOVES, ids=[*BY_NAME])
def test_it_fits(move: Move, columns: int, lines: int, unicode: bool) -> None:
    for moment in MOMENTS[: 3 if move.sides == 1 else None]:
        screen = shown(move, moment, Pen(256, unicode, columns, lines))
        assert len(screen) < lines
        assert max(map(wide, screen)) < columns
        assert unicode or "".join(screen).isascii()
        assert "q leave" in re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(screen))


def test_before_it_starts_it_says_how_long_it_takes_what_it_needs_and_when_to_stop() -> None:
    text = " ".join(" ".join(shown(EXTENSION, Moment(), Pen(columns=100))).split())
    assert "2 minutes, with a chair" in text
    assert "space start" in text
    said = "".join(line[34:].strip() + " " for line in shown(EXTENSION, Moment(), Pen(columns=80)))
    assert SAFETY in said


def test_while_it_runs_it_says_what_to_do_how_long_and_how_much_is_left() -> None:
    text = "\n".join(shown(EXTENSION, Moment(0, 17.5, running=True), Pen(columns=80)))
    assert "right leg   3 of 8" in text
    assert "Stay" in text
    assert "2 seconds" in text
    assert "1:34 left" in text  # 112 s less 17.5
    assert "space pause" in text
    assert "n next round" in text
    last = "\n".join(shown(EXTENSION, Moment(1, 1, running=True), Pen(columns=80)))
    assert "n skip the rest" in last
    assert "left leg" in last


def test_a_single_hold_is_not_counted_as_one_of_one() -> None:
    text = "\n".join(shown(BY_NAME["hip-flexor-stretch"], Moment(0, 10, running=True), Pen(columns=80)))
    assert "of 1" not in text
    assert "right leg behind" in text


def test_the_other_leg_is_shown_turned_over() -> None:
    right, left = (shown(EXTENSION, Moment(number, 4, running=True), Pen(columns=80)) for number in (0, 1))
    assert [line[:31] for line in right] != [line[:31] for line in left]
    assert "the left leg" in "\n".join(shown(EXTENSION, Moment(1), Pen(columns=80)))


def test_words_of_the_user_s_own_cannot_steer_the_terminal() -> None:
    own = EXTENSION._replace(name="own", title="\x1b[2J" + "x" * 90, line="y " * 90, steps=("\x1b]0;title\x07z" * 9,))
    for moment in (Moment(), Moment(0, 1, running=True)):
        screen = shown(own, moment, Pen(columns=80, lines=24))
        assert "\x1b" not in "".join(screen)
        assert max(map(len, screen)) < 80

"""A reminder as a card in a terminal: a picture of the exercise, what to do, and how to answer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from hipsync.core.exercises import Move
from hipsync.report.pen import Pen, padded, sentences, wide, wrapped
from hipsync.text import clean, length

NARROWEST, WIDEST = 60, 80
"""A terminal of fewer columns than the first gets one line in place of a card; a card is no wider than the second."""
PICTURE_COLUMNS, PICTURE_ROWS, DRAWING_COLUMNS = 20, 10, 30
CORNERS = {True: ("╭", "╮", "╰", "╯", "─", "│"), False: ("+", "+", "+", "+", "-", "|")}
"""What the frame is made of, with and without Unicode."""
CAREFUL = "Stop if it hurts."
LONGEST = 200
"""The most characters of a step: exercises of the user's own may have any."""


def card(heading: str, move: Move, snooze_minutes: int, sitting_minutes: int | None, pen: Pen) -> list[str]:
    """The lines of a card for a terminal of at least `NARROWEST` columns. `heading` is the title of the reminder."""
    columns = min(pen.columns, WIDEST) - 2
    room = columns - 4
    picture = _picture(move, pen)
    beside = max(map(wide, picture), default=0) + 3
    told = ["", *(pen.bold(line) for line in sentences(clean(move.line, LONGEST), room - beside)), ""]
    for step in move.steps:
        told += sentences(clean(step, LONGEST), room - beside)
    told += ["", pen.faint(CAREFUL)]
    body = [padded(drawn, beside) + text for drawn, text in zip_longest(picture, told, fillvalue="")]
    show = f"{pen.bold('hipsync exercise')}  show me"
    answers = wrapped([show, f"hipsync done | snooze ({length(snooze_minutes)}) | skip"], room, "      ")
    sat = f"sitting for {length(sitting_minutes)}" if sitting_minutes else ""
    return _framed(heading, sat, [*body, "", *answers], columns, pen)


def _picture(move: Move, pen: Pen) -> list[str]:
    if pen.unicode:
        from hipsync.core.figures import far_end_s
        from hipsync.core.own_figures import figure_of
        from hipsync.report.braille import picture

        if (figure := figure_of(move)) is not None:
            return picture(figure, far_end_s(figure), PICTURE_COLUMNS, PICTURE_ROWS, pen)
    return [clean(f"|{line}", DRAWING_COLUMNS + 1)[1:] for line in move.drawing.splitlines()]


def _framed(left: str, right: str, body: Sequence[str], columns: int, pen: Pen) -> list[str]:
    top_left, top_right, low_left, low_right, across, down = CORNERS[pen.unicode]
    head = f"{across} {pen.bold(left)} "
    tail = f" {right} {across}" if right else across
    top = top_left + head + across * (columns - 2 - wide(head) - wide(tail)) + tail + top_right
    lines = [f"{down} {padded(line, columns - 4)} {down}" for line in body]
    return [top, *lines, low_left + across * (columns - 2) + low_right]

"""The screen of a guided exercise: what is done now, how long, and what the keys do.

`guide_screen` draws one moment of a routine as lines for a terminal. It knows no clock and reads no key.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from hipsync.core.exercises import SAFETY, Move
from hipsync.core.own_figures import figure_of
from hipsync.core.ribbon import Shade
from hipsync.core.routine import Moment, Place, Routine, is_over, picture_s, place_of
from hipsync.report.braille import picture
from hipsync.report.pen import Pen, padded, sentences, spread, wide
from hipsync.text import clean, counted

PICTURE_COLUMNS, PICTURE_ROWS, FEWEST_ROWS = 30, 13, 6
WIDEST, NARROWEST_WITH_PICTURE = 100, 60
WITHOUT_PICTURE_LINES = 11
"""How many lines of the screen are not the picture's."""
DRAWING_COLUMNS = 32
LONGEST = 200
"""The most characters of a word of the user's own exercises on a line."""
LINE = {True: "─", False: "-"}
BAR = {True: ("━", "─"), False: ("#", "-")}
"""What a bar is made of: done, and to do."""


def guide_screen(move: Move, routine: Routine, moment: Moment, pen: Pen) -> list[str]:
    """The lines of the screen at one moment, at most as many as the terminal of the pen has."""
    columns = min(pen.columns, WIDEST) - 2
    rows = PICTURE_ROWS if pen.lines is None else min(pen.lines - WITHOUT_PICTURE_LINES, PICTURE_ROWS)
    beside = _figure(move, routine, moment, rows, pen) if columns >= NARROWEST_WITH_PICTURE else []
    at = PICTURE_COLUMNS + 3 if beside else 0
    told = _told(move, routine, moment, columns - at, pen)
    if beside:
        told = [""] * max((rows - len(told)) // 2, 0) + told
    body = [(padded(drawn, at) + said).rstrip() for drawn, said in zip_longest(beside, told, fillvalue="")]
    head = spread(pen.bold(clean(move.title, columns)), _where(routine, moment), columns)
    foot = [*_progress(routine, moment, columns, pen), "", *_keys(routine, moment, columns, pen)]
    lines = [*head, pen.faint(LINE[pen.unicode] * columns), *body, "", *foot]
    return [f" {line}".rstrip() for line in _fitted(lines, len(head) + 1, pen)]


def _fitted(lines: Sequence[str], head: int, pen: Pen) -> Sequence[str]:
    """The lines with the last of those in the middle left out where a terminal has too few for all."""
    if pen.lines is None or len(lines) < pen.lines:
        return lines
    kept = pen.lines - 1
    foot = min(kept - head, 5)
    return [*lines[: max(kept - foot, 0)], *lines[-foot:]] if foot > 0 else lines[:kept]


def _figure(move: Move, routine: Routine, moment: Moment, rows: int, pen: Pen) -> list[str]:
    """The picture of the moment; the drawing of the exercise where there is none, or braille is not shown."""
    figure = figure_of(move)
    if figure is not None and pen.unicode and rows >= FEWEST_ROWS:
        number = min(moment.round, len(routine.rounds) - 1)
        mirrored = routine.rounds[number].mirrored
        return picture(figure, picture_s(routine, moment), PICTURE_COLUMNS, rows, pen, mirrored=mirrored)
    drawing = [clean(f"|{line}", DRAWING_COLUMNS)[1:] for line in move.drawing.splitlines()]
    return ["", *drawing] if len(drawing) < rows else []


def _where(routine: Routine, moment: Moment) -> str:
    """The round, and which repetition of how many; a single one is not counted."""
    if is_over(routine, moment):
        return ""
    name = routine.rounds[moment.round].name
    if not routine.phases:
        return name
    of = routine.repetitions
    counted_ = f"{place_of(routine, moment).repetition + 1} of {of}" if of > 1 else ""
    return "   ".join(filter(None, (name, counted_)))


def _told(move: Move, routine: Routine, moment: Moment, columns: int, pen: Pen) -> list[str]:
    """What is to be done at this moment, and how long yet; before a round, what it is about to be."""
    steps = [line for step in move.steps for line in sentences(clean(step, LONGEST), columns)]
    if not moment.running:
        return [*_waiting(move, routine, moment, columns, pen), "", *steps]
    if not routine.phases:
        times = counted(move.repetitions, "time", "times")
        return [pen.bold(f"{times}, at your own pace"), "", *steps]
    place = place_of(routine, moment)
    filled = _filled(place.into_s / place.phase.seconds, min(columns, 44), pen)
    return [pen.bold(place.phase.cue), "", filled, _left(place), "", *steps]


def _waiting(move: Move, routine: Routine, moment: Moment, columns: int, pen: Pen) -> list[str]:
    if moment.seconds:
        return [pen.bold("Paused"), *sentences("Press space to go on.", columns)]
    name = routine.rounds[moment.round].name
    if moment.round:
        return [
            pen.bold(f"Now the {name}" if name.endswith("leg") else f"Now: {name}"),
            "Press space when you are ready.",
        ]
    return [*(pen.bold(line) for line in sentences(clean(move.line, LONGEST), columns)), *sentences(SAFETY, columns),
            "Press space when you are ready."]  # fmt: skip


def _left(place: Place) -> str:
    """How much longer a phase takes; nothing is said of a short one, which is over before it is read."""
    left = int(place.phase.seconds - place.into_s) + 1
    return counted(left, "second", "seconds") if place.phase.seconds >= 2 else ""


def _filled(share: float, columns: int, pen: Pen) -> str:
    done, to_do = BAR[pen.unicode]
    filled = round(min(max(share, 0), 1) * columns)
    return pen.shaded(Shade.UP, done * filled) + pen.faint(to_do * (columns - filled))


def _progress(routine: Routine, moment: Moment, columns: int, pen: Pen) -> list[str]:
    """A bar of the round, with how much of everything is left."""
    if not routine.phases or is_over(routine, moment):
        return []
    left = routine.seconds - moment.round * routine.round_s - moment.seconds
    rounds = len(routine.rounds)
    said = f"round {moment.round + 1} of {rounds}" if rounds > 1 else ""
    clock = f"{int(left) // 60}:{int(left) % 60:02} left"
    return [_filled(moment.seconds / routine.round_s, columns, pen), *spread(said, clock, columns)]


def _keys(routine: Routine, moment: Moment, columns: int, pen: Pen) -> list[str]:
    """What the keys do now, on as many lines as they need."""
    go = "start" if not moment.seconds else "go on"
    space = ("pause" if routine.phases else "finished") if moment.running else go
    more = moment.round + 1 < len(routine.rounds)
    keys = [("space", space), ("n", "next round" if more else "skip the rest")]
    if routine.phases and moment.seconds:
        keys.append(("r", "repeat"))
    keys += [("h", "it hurts"), ("q", "leave")]
    lines: list[str] = []
    line = ""
    for key, does in keys:
        shown = f"{pen.bold(key)} {does}"
        if line and wide(line) + 3 + wide(shown) > columns:
            lines.append(line)
            line = ""
        line = f"{line}   {shown}" if line else shown
    return [*lines, line]

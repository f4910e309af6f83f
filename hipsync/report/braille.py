"""An exercise as a picture in braille characters, of two by four dots each, for terminals that show them.

The person is drawn in strokes from straight aside (few dots show no depth), the farthest first. The limb that moves has
a colour of its own; without colours its shape shows it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Literal, NamedTuple

from hipsync.core.figures import Figure, length_s, pose_at
from hipsync.core.ribbon import Shade
from hipsync.core.skeleton import HEAD, Point, Skeleton, skeleton
from hipsync.report.pen import Pen

Kind = Literal["prop", "body", "moving"]
Spot = tuple[float, float]
"""A place in the picture: to the right and downwards, in the units of space."""
WIDTHS = {"left": 6.5, "right": 6.5, "left_arm": 4.2, "right_arm": 4.2, "trunk": 15.0}
NECK_WIDTH, PROP_WIDTH, THINNEST_DOTS = 6.0, 2.0, 0.55
FROM_THE_FRONT = 45
"""A figure that is seen from further round than this is drawn from where it is seen; others from straight aside."""
FRAMES = 9
"""How many moments of the cycle are looked at, so that the picture has room for all of them."""
DOTS: Sequence[Sequence[int]] = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bit of each dot of a braille character (Unicode 15, chapter 21.1)."""
BLANK = 0x2800


class Line(NamedTuple):
    """A line of the picture."""

    spots: Sequence[Spot]
    width: float
    kind: Kind


class Box(NamedTuple):
    """The room that a movement takes in the picture."""

    left: float
    top: float
    right: float
    bottom: float


def picture(figure: Figure, seconds: float, columns: int, rows: int, pen: Pen, *, mirrored: bool = False) -> list[str]:
    """The lines of the picture of a movement, so many seconds after its begin, at most this large.

    One that is `mirrored` shows the other leg.
    """
    box = room(figure)
    scale = min(columns * 2 / (box.right - box.left), rows * 4 / (box.bottom - box.top))
    aside = (columns * 2 - (box.right - box.left) * scale) / 2
    grid: list[list[Kind | None]] = [[None] * (columns * 2) for _ in range(rows * 4)]
    for spots, width, kind in _lines(figure, seconds):
        dots = [((x - box.left) * scale + aside, rows * 4 - (box.bottom - y) * scale) for x, y in spots]
        for start, end in pairwise(dots):
            _draw(grid, start, end, max(width * scale / 2, THINNEST_DOTS), kind)
    if mirrored:
        grid = [line[::-1] for line in grid]
    return [_row(grid[at : at + 4], columns, pen) for at in range(0, rows * 4, 4)]


@cache
def room(figure: Figure) -> Box:
    """The room that everything takes that is ever drawn of a movement, so that its pictures do not jump."""
    times = [length_s(figure) * part / FRAMES for part in range(FRAMES)]
    spots = [spot for seconds in times for line in _lines(figure, seconds) for spot in line.spots]
    across, down = [x for x, _ in spots], [y for _, y in spots]
    return Box(min(across) - 8, min(down) - HEAD - 2, max(across) + 8, 4.0)


def _lines(figure: Figure, seconds: float) -> Iterator[Line]:
    """The lines of a moment, the farthest first."""
    view = math.radians(figure.view if abs(figure.view) > FROM_THE_FRONT else 0)

    def seen(points: Sequence[Point]) -> list[Spot]:
        return [(x * math.cos(view) + y * math.sin(view), -z) for x, y, z in points]

    for stroke in dict.fromkeys(tuple((round(x), round(y)) for x, y in seen(stroke)) for stroke in figure.props):
        yield Line(stroke, PROP_WIDTH, "prop")
    joints = skeleton(pose_at(figure, seconds))
    for part in figure.order:
        if part == "trunk":
            yield Line(seen(joints.neck), NECK_WIDTH, "body")
        yield Line(seen(_points(joints, part)), WIDTHS[part], "moving" if part in figure.moving else "body")
    (head,) = seen(joints.head)
    yield Line([head, head], HEAD * 1.75, "body")


def _points(joints: Skeleton, part: str) -> Sequence[Point]:
    parts: Mapping[str, Sequence[Point]] = joints._asdict()
    return parts[part]


def _draw(grid: list[list[Kind | None]], start: Spot, end: Spot, radius: float, kind: Kind) -> None:
    """Fill the dots that are no farther than `radius` from a line."""
    (x0, y0), (x1, y1) = start, end
    dx, dy = x1 - x0, y1 - y0
    length = dx**2 + dy**2
    for row in range(max(int(min(y0, y1) - radius), 0), min(int(max(y0, y1) + radius) + 2, len(grid))):
        y = row + 0.5
        left, right = _reach(start, end, y, radius)
        for column in range(max(int(left), 0), min(int(right) + 2, len(grid[0]))):
            x = column + 0.5
            along = 0.0 if not length else ((x - x0) * dx + (y - y0) * dy) / length
            part = 0.0 if along < 0 else 1.0 if along > 1 else along
            if math.hypot(x - x0 - part * dx, y - y0 - part * dy) <= radius:
                grid[row][column] = kind


def _reach(start: Spot, end: Spot, y: float, radius: float) -> tuple[float, float]:
    """From where to where, across, a dot at the height `y` can be within `radius` of a line."""
    (x0, y0), (x1, y1) = start, end
    ends = [0.0, 1.0] if y0 == y1 else [min(max((y + far - y0) / (y1 - y0), 0), 1) for far in (-radius, radius)]
    across = [x0 + part * (x1 - x0) for part in ends]
    return min(across) - radius, max(across) + radius


def _row(dots: Sequence[Sequence[Kind | None]], columns: int, pen: Pen) -> str:
    """One line of characters out of four lines of dots."""
    characters: list[str] = []
    for column in range(columns):
        cell = [(bit, dots[y][column * 2 + x]) for y, bits in enumerate(DOTS) for x, bit in enumerate(bits)]
        code = sum(bit for bit, kind in cell if kind is not None)
        kinds = [kind for _, kind in cell if kind is not None]
        character = chr(BLANK + code) if code else " "
        if "moving" in kinds:
            character = pen.shaded(Shade.UP, character)
        elif kinds and kinds.count("prop") * 2 > len(kinds):
            character = pen.faint(character)
        characters.append(character)
    return "".join(characters).rstrip()

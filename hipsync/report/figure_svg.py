"""An exercise as SVG: one still picture that shows the movement, and one that moves, with SMIL and without a script.

Colours and line styles are those of the page's style sheet (`page.css`), so that a figure is right in the dark and on
paper. In blue is the limb that moves, in orange the hip that works; faint is where the movement starts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

from hipsync.core.figures import Figure, Orbit, Part, Trace, far_end_s, length_s, pose_at
from hipsync.core.skeleton import HEAD, Point, Skeleton, skeleton

WIDTHS: dict[Part, float] = {"left": 13, "right": 13, "left_arm": 8.5, "right_arm": 8.5, "trunk": 24}
NECK_WIDTH, EDGE, HIP_RADIUS, NOSE_RADIUS = 9, 4, 5.5, 3
MARGIN, FLOOR, TILT = 14, 5, 0.16
"""Room around everything, how far below the feet the floor is drawn, and how much of depth is seen as height."""
STEPS = 9
"""How many moments of a movement between two poses are drawn; the browser goes straight from one to the next."""
ORBIT_STEPS = 24
STILL, MOVING = "still", "moving"
"""The classes of the two kinds of picture."""

Spot = tuple[float, float]


class Box(NamedTuple):
    """What of the plane a picture shows."""

    left: float
    top: float
    right: float
    bottom: float


def still(figure: Figure) -> str:
    """The picture that stands for the movement: its far end, its start behind that, and arrows between."""
    return _svg(figure, STILL, still_parts(figure))


def still_parts(figure: Figure) -> Sequence[str]:
    """The elements of `still`, from the back to the front: each has a class that names what it shows."""
    parts = _scenery(figure)
    if not isinstance(figure.movement, Orbit):
        parts += _ghost(figure)
    parts += _body(figure, [far_end_s(figure)])
    parts += [line for trace in figure.trace for line in _arrow(_path(figure, trace))]
    return parts


def moving(figure: Figure) -> str:
    """The picture that goes through the whole cycle, again and again, until somebody pauses it."""
    return _svg(figure, MOVING, [*_scenery(figure), *_body(figure, _times(figure))])


def _svg(figure: Figure, kind: str, parts: Sequence[str]) -> str:
    box = box_of(figure)
    view = f"{box.left:.0f} {box.top:.0f} {box.right - box.left:.0f} {box.bottom - box.top:.0f}"
    alt = escape(figure.alt, quote=True)
    return f'<svg class="figure {kind}" viewBox="{view}" role="img" aria-label="{alt}">{"".join(parts)}</svg>'


def box_of(figure: Figure) -> Box:
    """Room for everything that is ever drawn of a figure, so that its pictures do not jump."""
    spots = [spot for stroke in figure.props for spot in _seen(figure, stroke)]
    for seconds in _times(figure):
        joints = skeleton(pose_at(figure, seconds))
        spots += [spot for part in (*figure.order, "head") for spot in _seen(figure, _points(joints, part))]
    spots += [spot for trace in figure.trace for spot in _path(figure, trace)]
    across, down = [x for x, _ in spots], [y for _, y in spots]
    return Box(
        min(across) - MARGIN, min(down) - HEAD - 4, max(across) + MARGIN, max(max(down) + FLOOR, float(FLOOR)) + 7
    )


def _times(figure: Figure) -> list[float]:
    """The moments that are drawn of a cycle, from 0 to its end: none within a hold, where nothing changes."""
    movement = figure.movement
    if isinstance(movement, Orbit):
        return [movement.seconds * step / ORBIT_STEPS for step in range(ORBIT_STEPS + 1)]
    times, at = [0.0], 0.0
    for number, key in enumerate(movement):
        after = movement[(number + 1) % len(movement)]
        at += key.hold_s
        times += [at + after.go_s * step / STEPS for step in range(STEPS + 1)]
        at += after.go_s
    return list(dict.fromkeys(times))


def _seen(figure: Figure, points: Sequence[Point]) -> list[Spot]:
    """Points of space as the viewer sees them, to the right and downwards."""
    view = math.radians(figure.view)
    cosine, sine = math.cos(view), math.sin(view)
    return [(x * cosine + y * sine, -z - TILT * (x * sine - y * cosine)) for x, y, z in points]


def _points(joints: Skeleton, part: str) -> Sequence[Point]:
    found: dict[str, Sequence[Point]] = joints._asdict()
    return found[part]


def _scenery(figure: Figure) -> list[str]:
    box = box_of(figure)
    floor = f'<path class="prop" d="M{box.left + 4:.0f} {FLOOR}H{box.right - 4:.0f}"/>'
    return [floor, *(f'<polyline class="prop" points="{_written(_seen(figure, stroke))}"/>' for stroke in figure.props)]


def _ghost(figure: Figure) -> Iterator[str]:
    """The parts that move, where they start; with the head if the trunk is one of them."""
    joints = skeleton(pose_at(figure, 0))
    moved: set[Part] = {*figure.moving, *(trace.part for trace in figure.trace)}
    parts: list[Part] = [part for part in figure.order if part in moved]
    for part in parts:
        yield _polyline("ghost", WIDTHS[part], _written(_seen(figure, _points(joints, part))))
    if "trunk" in parts:
        ((x, y),) = _seen(figure, joints.head)
        yield f'<circle class="head ghost" cx="{x:.1f}" cy="{y:.1f}" r="{HEAD}"/>'


def _body(figure: Figure, times: Sequence[float]) -> Iterator[str]:
    """The person, at one moment or at many: the farthest part first, each with an edge that sets it off."""
    poses = [skeleton(pose_at(figure, seconds)) for seconds in times]
    cycle_s = length_s(figure)
    shares = [seconds / cycle_s for seconds in times]

    def line(part: str, kind: str, width: float) -> str:
        values = [_written(_seen(figure, _points(joints, part))) for joints in poses]
        return _polyline(kind, width, values[0], _animation("points", values, shares, cycle_s))

    def dot(spots: Sequence[Spot], kind: str, radius: float) -> str:
        across, down = [f"{x:.1f}" for x, _ in spots], [f"{y:.1f}" for _, y in spots]
        inner = _animation("cx", across, shares, cycle_s) + _animation("cy", down, shares, cycle_s)
        return f'<circle class="{kind}" cx="{across[0]}" cy="{down[0]}" r="{radius:g}">{inner}</circle>'

    for part in figure.order:
        if part == "trunk":
            yield line("neck", "near", NECK_WIDTH)
        yield line(part, "edge", WIDTHS[part] + EDGE)
        yield line(part, _kind(figure, part), WIDTHS[part])
    heads = [_seen(figure, joints.head)[0] for joints in poses]
    yield dot(heads, "head", HEAD)
    if abs(figure.view) < 75:
        yield dot([_seen(figure, [_nose(joints)])[0] for joints in poses], "head", NOSE_RADIUS)
    for part in sorted(figure.hips):
        yield dot([_seen(figure, _points(joints, part))[0] for joints in poses], "hip", HIP_RADIUS)


def _kind(figure: Figure, part: Part) -> str:
    if part in figure.moving:
        return "goes"
    return "far" if part in figure.far else "near"


def _nose(joints: Skeleton) -> Point:
    """Where the nose is: before the head, square to the neck."""
    (x0, _, z0), (x1, y1, z1) = joints.neck
    long = math.hypot(x1 - x0, z1 - z0)
    return x1 + HEAD * (z1 - z0) / long, y1, z1 - HEAD * (x1 - x0) / long


def _polyline(kind: str, width: float, points: str, inner: str = "") -> str:
    return f'<polyline class="{kind}" stroke-width="{width:g}" points="{points}">{inner}</polyline>'


def _animation(attribute: str, values: Sequence[str], shares: Sequence[float], cycle_s: float) -> str:
    """How an attribute changes over a cycle of so many seconds; nothing if it does not."""
    if len({*values}) == 1:
        return ""
    seconds = ";".join(f"{share:.4g}" for share in shares)
    return (
        f'<animate attributeName="{attribute}" values="{";".join(values)}" keyTimes="{seconds}" '
        f'dur="{cycle_s:g}s" repeatCount="indefinite"/>'
    )


def _written(spots: Sequence[Spot]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)


def _path(figure: Figure, trace: Trace) -> list[Spot]:
    """The way of a joint, beside itself and as large as it is to be drawn."""
    length = length_s(figure)
    if isinstance(figure.movement, Orbit):
        begin, end = length * 0.1, length * 0.9
    else:
        begin, end = figure.movement[0].hold_s, far_end_s(figure)
    poses = (skeleton(pose_at(figure, begin + (end - begin) * step / 30)) for step in range(31))
    spots = list(dict.fromkeys(_seen(figure, [_points(joints, trace.part)[trace.joint]])[0] for joints in poses))
    middle_x, middle_y = (sum(each) / len(spots) for each in zip(*spots, strict=True))
    (aside_x, aside_y), grown = trace.aside, trace.grown
    return [
        (middle_x + (x - middle_x) * grown + aside_x, middle_y + (y - middle_y) * grown + aside_y) for x, y in spots
    ]


def _arrow(path: Sequence[Spot]) -> Iterator[str]:
    tip = path[-1]
    back = next((spot for spot in reversed(path) if math.dist(spot, tip) > 5), path[0])
    angle = math.atan2(tip[1] - back[1], tip[0] - back[0])
    barbs = [(tip[0] - 10 * math.cos(angle + by), tip[1] - 10 * math.sin(angle + by)) for by in (0.5, -0.5)]
    yield f'<polyline class="arrow" points="{_written(path)}"/>'
    yield f'<polyline class="arrow" points="{_written([barbs[0], tip, barbs[1]])}"/>'

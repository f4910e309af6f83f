"""Reads and writes the poses of an exercise of the user's own, and checks that a person can do them.

A pose is a table: how one gets there, and the numbers of `core.skeleton.Pose` by their names. What it leaves out is as
in the pose before; the first one starts from somebody who stands. A limb that has an `x` stays at that place, one that
has a `flex` swings by its angles. The one rule: whatever is wrong is one line that names the pose and what in it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from hipsync.core.figures import UPRIGHT, Chair, Key, View
from hipsync.core.skeleton import Grip, Hang, Plant, Pose, Swing
from hipsync.errors import ConfigError
from hipsync.settings.values import Toml, suggestion, visible_text

if TYPE_CHECKING:
    from hipsync.core.exercises import Move

FEWEST, MOST = 2, 8
FARTHEST = 360.0
"""No angle and no place of a pose is further from 0 than this."""
QUICKEST_S, LONGEST_S = 0.3, 60.0
"""How long the way to a pose may take, in seconds; it may be held for as long, or not at all."""
LONGEST_CUE = 40
LEGS, ARMS = ("left", "right"), ("left_arm", "right_arm")
NUMBERS = ("x", "z", "lean")
POSE_KEYS = ("go", "go_s", "stay", "hold_s", *NUMBERS, *LEGS, *ARMS)
VIEWS: Mapping[str, View] = {"side": "side", "front": "front"}
Limb: TypeAlias = "Plant | Swing | Grip | Hang"


def poses(value: Toml) -> tuple[Key, ...]:
    """Read the tables `[[exercises.own.poses]]`. Raises `ConfigError`, which begins with the number of the pose."""
    if not isinstance(value, list) or not FEWEST <= len(value) <= MOST:
        raise ConfigError(f"poses must be {FEWEST} to {MOST} tables: [[exercises.own.poses]]")
    found: list[Key] = []
    for number, table in enumerate(value, 1):
        try:
            found.append(_key(table, found[-1].pose if found else UPRIGHT))
        except ConfigError as error:
            raise ConfigError(f"pose {number}: {error}") from error
    return tuple(found)


def view(value: Toml) -> View:
    """Read from where a movement is seen. Raises `ConfigError`."""
    if not isinstance(value, str) or value not in VIEWS:
        raise ConfigError('view must be "side" or "front"')
    return VIEWS[value]


def chair(value: Toml) -> Chair:
    """Read the table of a chair, which has an `x` at least. Raises `ConfigError`."""
    try:
        found = Chair(**_numbers(value, Chair._fields, "x"))
    except ConfigError as error:
        raise ConfigError(f"chair: {error}") from error
    if found.facing not in {1, -1} or min(found.width, found.back, found.depth) <= 0:
        raise ConfigError("chair: facing must be 1 or -1, and width, back and depth above 0")
    return found


def check(move: Move) -> None:
    """Raise `ConfigError` if nobody can do what the poses of an exercise say."""
    from hipsync.core.anatomy import fault
    from hipsync.core.own_figures import figure_of

    if not move.poses and (move.chair is not None or move.view != "side"):
        raise ConfigError("view and chair need poses")
    figure = figure_of(move) if move.poses else None
    if figure is not None and (wrong := fault(figure)) is not None:
        raise ConfigError(wrong)


def _key(table: Toml, before: Pose) -> Key:
    if not isinstance(table, Mapping):
        raise ConfigError("must be a table: [[exercises.own.poses]]")
    for name in table:
        if name not in POSE_KEYS:
            raise ConfigError(f"there is no key {name!r}{suggestion(name, POSE_KEYS)}")
    if "go" not in table:
        raise ConfigError("it needs go: what a guide says on the way to it")
    numbers = {name: _number(name, table[name]) for name in NUMBERS if name in table}
    limbs = {name: _limb(name, table[name]) for name in (*LEGS, *ARMS) if name in table}
    pose = before._replace(**numbers)._replace(**limbs)  # type: ignore[arg-type]  # a limb is of the kind of its name
    go_s, hold_s = (_number(name, table.get(name, usual)) for name, usual in (("go_s", 2), ("hold_s", 0)))
    if not QUICKEST_S <= go_s <= LONGEST_S or not 0 <= hold_s <= LONGEST_S:
        raise ConfigError(
            f"go_s must lie between {QUICKEST_S:g} and {LONGEST_S:g}, and hold_s between 0 and {LONGEST_S:g}"
        )
    return Key(pose, go_s, hold_s, _cue("go", table["go"]), _cue("stay", table.get("stay", "Stay")))


def _cue(name: str, value: Toml) -> str:
    try:
        return visible_text(LONGEST_CUE)(value)
    except ConfigError as error:
        raise ConfigError(f"{name} {error}") from error


def _limb(name: str, value: Toml) -> Limb:
    placed = isinstance(value, Mapping) and "x" in value
    if isinstance(value, Mapping) and not placed and "flex" not in value:
        raise ConfigError(f"{name}: it needs x to stay at a place, or flex to swing by its angles")
    try:
        if name in LEGS:
            return Plant(**_numbers(value, Plant._fields, "x")) if placed else Swing(**_numbers(value, Swing._fields))
        return Grip(**_numbers(value, Grip._fields, *Grip._fields)) if placed else Hang(**_numbers(value, Hang._fields))
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}") from error


def _numbers(value: Toml, known: Sequence[str], *needed: str) -> dict[str, float]:
    """Read a table of numbers with these keys, some of which it needs. Raises `ConfigError`."""
    if not isinstance(value, Mapping):
        raise ConfigError(f"must be a table of numbers, such as {{ {known[0]} = 10 }}")
    for name in value:
        if name not in known:
            raise ConfigError(f"there is no key {name!r}{suggestion(name, known)}")
    if missing := [name for name in needed if name not in value]:
        raise ConfigError(f"it needs {' and '.join(missing)}")
    return {name: _number(name, number) for name, number in value.items()}


def _number(name: str, value: Toml) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not math.isfinite(value)
        or abs(value) > FARTHEST
    ):
        raise ConfigError(f"{name} must be a number from {-FARTHEST:g} to {FARTHEST:g}")
    return value


# ------------------------------------------------------------------ writing


def written(move: Move) -> Iterator[str]:
    """The keys of an exercise that make its figure, as TOML; nothing for one without poses."""
    if move.poses:
        yield f"poses = [{', '.join(map(_written_key, move.poses))}]"
        yield f'view = "{move.view}"'
    if move.chair is not None:
        yield f"chair = {_written_table(move.chair._asdict())}"


def _written_key(key: Key) -> str:
    pose = key.pose._asdict()
    parts = [f"go = {json.dumps(key.go, ensure_ascii=False)}", f"go_s = {key.go_s}"]
    parts += [f"stay = {json.dumps(key.stay, ensure_ascii=False)}", f"hold_s = {key.hold_s}"]
    parts += [f"{name} = {pose[name]}" for name in NUMBERS]
    parts += [f"{name} = {_written_table(pose[name]._asdict())}" for name in (*LEGS, *ARMS)]
    return "{ " + ", ".join(parts) + " }"


def _written_table(numbers: Mapping[str, float]) -> str:
    return "{ " + ", ".join(f"{name} = {number}" for name, number in numbers.items()) + " }"

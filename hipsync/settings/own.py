"""Reads and writes the user's own exercises: the tables `[[exercises.own]]`, with poses or without.

If a value is wrong, a `ConfigError` says in one line which exercise, which key and what is allowed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hipsync.core.exercises import KNOWN, Move, When
from hipsync.errors import ConfigError
from hipsync.settings import poses
from hipsync.settings.values import Toml, suggestion, text, texts, visible_text, whole_number


def own_exercises(value: Toml) -> tuple[Move, ...]:
    """Read the tables `[[exercises.own]]`.

    Raises `ConfigError`, also for a name that is taken: by another of these tables, by an exercise or tag that comes
    with hipsync, or by a value of `When`.
    """
    if not isinstance(value, list):
        raise ConfigError("must be tables: [[exercises.own]]")
    moves = tuple(_exercise(each) for each in value)
    taken = {*KNOWN, *When}
    for move in moves:
        if move.name in taken:
            raise ConfigError(f"the name {move.name!r} is taken")
        taken.add(move.name)
    return moves


def _exercise(value: Toml) -> Move:
    if not isinstance(value, Mapping):
        raise ConfigError("must be tables: [[exercises.own]]")
    for key in value:
        if key not in EXERCISE_KEYS:
            raise ConfigError(f"there is no key {key!r} of an exercise{suggestion(key, EXERCISE_KEYS)}")
    name = value.get("name")
    where = f"{name}: " if isinstance(name, str) and is_name(name) else ""
    fields: dict[str, Any] = {key: default for key, default in Move._field_defaults.items() if key in EXERCISE_KEYS}
    fields |= {"tags": (), "drawing": "", "hold_s": 0, "sides": 1}
    for key, read in EXERCISE_KEYS.items():
        if key in value:
            try:
                fields[key] = read(value[key])
            except ConfigError as error:
                raise ConfigError(f"{where}{error}" if key in FIGURE_KEYS else f"{where}{key} {error}") from error
        elif key not in fields:
            raise ConfigError(f"{where}an exercise needs {key}")
    move = Move(**fields)
    try:
        poses.check(move)
    except ConfigError as error:
        raise ConfigError(f"{where}{error}") from error
    return move


def is_name(text: str) -> bool:
    """Whether an exercise may have this name."""
    return re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", text) is not None


def _name(value: Toml) -> str:
    found = text(value)
    if not is_name(found):
        raise ConfigError("must be up to 40 small letters, digits and hyphens, such as wall-slide")
    return found


def _tags(value: Toml) -> tuple[str, ...]:
    return tuple(map(_name, texts(value)))


def _steps(value: Toml) -> tuple[str, ...]:
    steps = tuple(map(visible_text(200), texts(value)))
    if not 1 <= len(steps) <= 12:
        raise ConfigError("must be 1 to 12 steps")
    return steps


def _when(value: Toml) -> tuple[When, ...]:
    words = texts(value)
    if not words or not {*words} <= {*When}:
        raise ConfigError(f"must be some of {', '.join(When)}")
    return tuple(map(When, words))


def _drawing(value: Toml) -> str:
    found = text(value).strip("\n")
    lines = found.split("\n")
    if len(lines) > 9 or any(len(line) > 30 for line in lines) or not re.fullmatch(r"[ -~\n]*", found):
        raise ConfigError("must be ASCII, at most 9 lines of 30 columns")
    return found


FIGURE_KEYS: Mapping[str, Callable[[Toml], object]] = {
    "poses": poses.poses,
    "view": poses.view,
    "chair": poses.chair,
}
"""The readers of what makes the figure of an exercise, by key; their errors name what they are about themselves."""
EXERCISE_KEYS: Mapping[str, Callable[[Toml], object]] = {
    "name": _name,
    "title": visible_text(40),
    "line": visible_text(100),
    "why": visible_text(200),
    "steps": _steps,
    "when": _when,
    "tags": _tags,
    "repetitions": whole_number(1, 100),
    "sides": whole_number(1, 2),
    "hold_s": whole_number(0, 300),
    "drawing": _drawing,
    **FIGURE_KEYS,
}
"""The readers of a table `[[exercises.own]]`, by key. The keys are the fields of `Move`."""


# ------------------------------------------------------------------ writing


def written(moves: Sequence[Move]) -> str:
    """Write exercises as a TOML value."""
    return "[" + ", ".join(map(_written, moves)) + "]"


def _written(move: Move) -> str:
    plain = [f"{key} = {_value(getattr(move, key))}" for key in EXERCISE_KEYS if key not in FIGURE_KEYS]
    return "{ " + ", ".join([*plain, *poses.written(move)]) + " }"


def _value(value: object) -> str:
    # JSON writes these as TOML does, except for the one control character that only TOML forbids.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

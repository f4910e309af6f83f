"""Settings: every default with its unit and its reason, and the TOML file that overrides them.

The evidence for the sitting rule is a comparison with thigh-worn posture sensors on 11 people; its figures stand
beside the defaults. The file must belong to the user and not be writable by others, for it can name a command.
"""

# What TOML holds has any type until it was looked at.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import time
from pathlib import Path
from typing import TYPE_CHECKING

from hipsync.errors import ConfigError

if TYPE_CHECKING:
    from hipsync.core.exercises import Move, When

Windows = tuple[tuple[time, time], ...]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_OFFICE: Windows = ((time(8), time(22)),)
_WEEKEND: Windows = ((time(9), time(22)),)


@dataclass(frozen=True, slots=True)
class Config:
    """What holds. Lengths carry their unit in the name."""

    limit_minutes: int = 60
    """The osteopath's advice: get up at least every 60 minutes. Precision 0.84, recall 0.80 against posture."""
    break_steps: int = 20
    """A plateau from 15 to 30: fewer are arm movements (the heart rate rises by 0.4 bpm), more miss short walks."""
    break_window_minutes: int = 5
    """In which those steps are taken: "you walked"."""
    moves: int = 3
    """Minutes with steps, of the last 15, that end a stretch ("you kept moving a little"): F1 +0.033. 0: off."""
    trust_posture: bool = False
    """Whether a band's own word "standing" ends a stretch: off until data show that it beats the steps."""

    hours: Mapping[int, Windows] = field(
        default_factory=lambda: {**dict.fromkeys(range(5), _OFFICE), **dict.fromkeys((5, 6), _WEEKEND)}
    )
    """Local prompt hours by weekday, Monday 0: what falls due outside is dropped."""
    lunch: Windows = ((time(12, 30), time(13, 30)),)
    """Dropped too: Huami's bands keep quiet at noon as well."""
    snooze_minutes: int = 10
    """As long as a prompt itself waits for an answer: a coffee, the end of a call."""
    stronger: bool = True
    """Show an ignored prompt once more, if there was a sign of life since: gentle first."""
    repeat_minutes: int | None = None
    """One prompt a stretch; repeats made 8.3 false prompts a day where wear and sleep were ignored."""
    desktop: bool = True
    """A notice where most of the sitting is done."""
    band: bool = True
    """Buzz the band: the wrist is nearer than the screen."""
    command: tuple[str, ...] = ()
    """A program and its arguments; it gets the prompt as JSON."""

    day_start: time = time(0)
    """Local; a night worker's day may begin later."""

    at_most_every_minutes: int = 10
    """Contacts that no prompt needs are not closer than this: bands have small batteries."""
    at_least_every_minutes: int = 240
    """Also without a prompt in sight, so that the day's numbers are never older than four hours."""
    erase: bool = False
    """Whether a band may be told to forget what is stored here: off, so that other apps can still fetch it."""

    exercises: tuple[str, ...] = ("hip-extension", "hip-flexor-stretch", "hip-rotation")
    """Names or tags; they take turns. What sitting takes from the hips: extension and rotation."""
    avoid: tuple[str, ...] = ()
    """Names or tags, such as internal-rotation after a hip replacement."""
    own: tuple[Move, ...] = ()
    """The user's own, one table [[exercises.own]] each; they can be named in the two above."""
    morning: bool = True
    """A prompt at the first movement after sleep: the hips were bent all night."""

    therapist_name: str = ""
    """Shown by `done --hurt`, with what follows; nobody is named unless the user does."""
    therapist_phone: str = ""
    """As one would dial it."""
    therapist_url: str = ""
    """Where to make an appointment."""


def load(file: Path, *, required: bool = False) -> Config:
    """The settings of a file, or the defaults if there is none.

    Raises `ConfigError`, which names file, key and value, and says what is allowed.
    """
    try:
        with file.open("rb") as opened:
            _check_owner(file, os.fstat(opened.fileno()))
            text = opened.read()
    except FileNotFoundError as error:
        if required:
            raise ConfigError(f"{file} is not there: `hipsync config path` says where settings belong") from error
        return Config()
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from error
    import tomllib

    try:
        held = tomllib.loads(text.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not TOML: {error}") from error
    return parsed(held, str(file))


def _check_owner(file: Path, status: os.stat_result) -> None:
    if os.name == "posix":
        if status.st_uid not in {os.getuid(), 0}:
            raise ConfigError(f"{file} belongs to somebody else: it could name a command; make it yours")
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise ConfigError(f"{file} can be written by others: it could name a command; chmod 600 it")


def parsed(held: Mapping[str, object], file: str) -> Config:
    """The settings of a parsed TOML document. Raises `ConfigError`."""
    values: dict[str, object] = {}
    for table, content in held.items():
        if table not in _KEYS:
            raise ConfigError(f"{file}: there is no table [{table}]{_near(table, _KEYS)}")
        if not isinstance(content, Mapping):
            raise ConfigError(f"{file}: {table} must be a table: [{table}]")
        for key, value in content.items():
            known = _KEYS[table]
            if key not in known:
                raise ConfigError(f"{file}: there is no key {table}.{key}{_near(str(key), known)}")
            name, read = known[key]
            try:
                values[name] = read(value)
            except ConfigError as error:
                raise ConfigError(f"{file}: {table}.{key} = {value!r}: {error}") from error
    config = Config(**values)  # type: ignore[arg-type]  # each reader of _KEYS gives its field's type; a test compares them
    for key, names in (("set", config.exercises), ("avoid", config.avoid)):
        _check_known(names, config.own, f"{file}: exercises.{key} = {list(names)!r}")
    if values.keys() & {"exercises", "avoid"}:
        _check_some_left(config, file)
    return config


def _check_known(names: Sequence[str], own: Sequence[Move], where: str) -> None:
    from hipsync.core.exercises import KNOWN

    known = KNOWN.union(*({move.name, *move.tags} for move in own))
    for name in names:
        if name not in known:
            raise ConfigError(f"{where}: there is no exercise or tag {name!r}{_near(name, sorted(known))}")


def _check_some_left(config: Config, file: str) -> None:
    from hipsync.core.exercises import chosen

    if not chosen(config.exercises, config.avoid, own=config.own):
        message = f"{file}: exercises.set without exercises.avoid leaves nothing: name an exercise that may be done"
        raise ConfigError(message)


def _near(word: str, known: Sequence[str] | Mapping[str, object]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(word, list(known), 1)
    return f": do you mean {close[0]}?" if close else f"; there are {', '.join(known)}"


# ------------------------------------------------------------------ values


def minutes_of(text: object) -> int:
    """A length such as "60m", "1h" or "1h30m" in minutes. Raises `ConfigError`."""
    match = re.fullmatch(r"(?:([0-9]{1,3})h)?(?:([0-9]{1,4})m?)?", text) if isinstance(text, str) else None
    minutes = int(match[1] or 0) * 60 + int(match[2] or 0) if match else 0
    if not minutes:
        raise ConfigError('must be a length above nothing, such as "60m" or "1h30m"')
    return minutes


def _limit(value: object) -> int:
    minutes = minutes_of(value)
    if not 10 <= minutes <= 240:
        raise ConfigError("must lie between 10m and 240m")
    return minutes


def _window(value: object) -> int:
    minutes = minutes_of(value)
    if not 1 <= minutes <= 60:
        raise ConfigError("must lie between 1m and 60m")
    return minutes


def _repeat(value: object) -> int | None:
    return None if value == "off" else minutes_of(value)


def _whole(least: int, most: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ConfigError(f"must be a whole number from {least} to {most}")
        return value

    return read


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise ConfigError("must be true or false")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ConfigError("must be text in quotes")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ConfigError('must be a list of texts, such as ["a", "b"]')
    return tuple(str(item) for item in value)


def _own(value: object) -> tuple[Move, ...]:
    from hipsync.core.exercises import KNOWN, When

    if not isinstance(value, list):
        raise ConfigError("must be tables: [[exercises.own]]")
    moves = tuple(_move(each) for each in value)
    taken = {*KNOWN, *When}
    for move in moves:
        if move.name in taken:
            raise ConfigError(f"the name {move.name!r} is taken")
        taken.add(move.name)
    return moves


def _move(value: object) -> Move:
    from hipsync.core.exercises import Move

    if not isinstance(value, Mapping):
        raise ConfigError("must be tables: [[exercises.own]]")
    for key in value:
        if key not in _MOVE:
            raise ConfigError(f"there is no key {key!r} of an exercise{_near(str(key), _MOVE)}")
    held: dict[str, object] = {"tags": (), "drawing": "", "hold_s": 0, "sides": 1}
    for key, read in _MOVE.items():
        if key in value:
            try:
                held[key] = read(value[key])
            except ConfigError as error:
                raise ConfigError(f"{key} {error}") from error
        elif key not in held:
            raise ConfigError(f"an exercise needs {key}")
    return Move(**held)  # type: ignore[arg-type]  # each reader of _MOVE gives its field's type


def _visible(limit: int) -> Callable[[object], str]:
    def read(value: object) -> str:
        from hipsync.text import clean

        text = _text(value)
        if not text or clean(text, limit) != text:
            raise ConfigError(f"must be 1 to {limit} characters, all of them visible")
        return text

    return read


def _name(value: object) -> str:
    text = _text(value)
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", text):
        raise ConfigError("must be up to 40 small letters, digits and hyphens, such as wall-slide")
    return text


def _steps(value: object) -> tuple[str, ...]:
    steps = tuple(map(_visible(200), _texts(value)))
    if not 1 <= len(steps) <= 12:
        raise ConfigError("must be 1 to 12 steps")
    return steps


def _occasions(value: object) -> tuple[When, ...]:
    from hipsync.core.exercises import When

    words = _texts(value)
    if not words or not {*words} <= {*When}:
        raise ConfigError(f"must be some of {', '.join(When)}")
    return tuple(map(When, words))


def _tags(value: object) -> tuple[str, ...]:
    return tuple(map(_name, _texts(value)))


def _drawing(value: object) -> str:
    text = _text(value).strip("\n")
    lines = text.split("\n")
    if len(lines) > 9 or any(len(line) > 30 for line in lines) or not re.fullmatch(r"[ -~\n]*", text):
        raise ConfigError("must be ASCII, at most 9 lines of 30 columns")
    return text


def _time(text: str) -> time:
    match = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", text)
    if match is None:
        raise ConfigError('must be a time such as "08:00"')
    return time(int(match[1]), int(match[2]))


def _end_time(text: str) -> time:
    return time.max if text == "24:00" else _time(text)


def _day_start(value: object) -> time:
    return _time(_text(value))


def _windows(value: object) -> Windows:
    """Spans of a day; "off" and nothing are none."""
    windows: list[tuple[time, time]] = []
    if value == "off":
        return ()
    for part in filter(None, re.split(r"\s*,\s*", _text(value))):
        start, dash, end = part.partition("-")
        if not dash or _time(start) >= _end_time(end):
            raise ConfigError('must be a span within a day, such as "08:00-12:00" or "08:00-12:00, 13:00-18:00"')
        windows.append((_time(start), _end_time(end)))
    return tuple(windows)


def _hours(value: object) -> dict[int, Windows]:
    if not isinstance(value, Mapping):
        raise ConfigError('must be a table by weekdays, such as { mon-fri = "08:00-18:00" }')
    hours: dict[int, Windows] = {}
    for days, windows in value.items():
        first, _, last = str(days).partition("-")
        if first not in DAYS or (last or first) not in DAYS:
            raise ConfigError(f"{days!r} is no weekday or span of them: mon, mon-fri")
        start, end = DAYS.index(first), DAYS.index(last or first)
        for day in range(start, end + 1 if end >= start else end + 8):
            hours[day % 7] = _windows(windows)
    return hours


_Reader = Callable[[object], object]
_MOVE: Mapping[str, _Reader] = {
    "name": _name,
    "title": _visible(40),
    "line": _visible(100),
    "why": _visible(200),
    "steps": _steps,
    "when": _occasions,
    "tags": _tags,
    "repetitions": _whole(1, 100),
    "sides": _whole(1, 2),
    "hold_s": _whole(0, 300),
    "drawing": _drawing,
}
_KEYS: Mapping[str, Mapping[str, tuple[str, _Reader]]] = {
    "sitting": {
        "limit": ("limit_minutes", _limit),
        "break_steps": ("break_steps", _whole(1, 200)),
        "break_window": ("break_window_minutes", _window),
        "moves": ("moves", _whole(0, 15)),
        "trust_posture": ("trust_posture", _truth),
    },
    "prompts": {
        "hours": ("hours", _hours),
        "lunch": ("lunch", _windows),
        "snooze": ("snooze_minutes", minutes_of),
        "stronger": ("stronger", _truth),
        "repeat": ("repeat_minutes", _repeat),
        "desktop": ("desktop", _truth),
        "band": ("band", _truth),
        "command": ("command", _texts),
    },
    "day": {"start": ("day_start", _day_start)},
    "sync": {
        "at_most_every": ("at_most_every_minutes", minutes_of),
        "at_least_every": ("at_least_every_minutes", minutes_of),
        "erase": ("erase", _truth),
    },
    "exercises": {
        "set": ("exercises", _texts),
        "avoid": ("avoid", _texts),
        "own": ("own", _own),
        "morning": ("morning", _truth),
    },
    "therapist": {
        "name": ("therapist_name", _text),
        "phone": ("therapist_phone", _text),
        "url": ("therapist_url", _text),
    },
}


def as_toml(config: Config) -> str:
    """The settings as a file that `load` takes."""
    names = {name for keys in _KEYS.values() for name, _ in keys.values()}
    if names != {held.name for held in fields(config)}:
        raise AssertionError("a setting has no key")
    lines: list[str] = []
    for table, keys in _KEYS.items():
        lines += ["", f"[{table}]"] if lines else [f"[{table}]"]
        lines += [f"{key} = {_shown(name, getattr(config, name))}" for key, (name, _) in keys.items()]
    return "\n".join(lines) + "\n"


def _shown(name: str, value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if name == "hours" and isinstance(value, Mapping):
        return "{ " + ", ".join(f'{DAYS[day]} = "{_spans(value[day])}"' for day in sorted(value)) + " }"
    if name == "lunch":
        return f'"{_spans(value)}"'
    if name.endswith("_minutes"):
        return '"off"' if value is None else f'"{value}m"'
    if isinstance(value, time):
        return f'"{value:%H:%M}"'
    import json

    if name == "own" and isinstance(value, tuple):
        return "[" + ", ".join(map(_shown_move, value)) + "]"
    # JSON's texts and lists are TOML's, but for the one control character that only TOML forbids.
    held = json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
    return held.replace("\x7f", "\\u007f")


def _shown_move(move: Move) -> str:
    return "{ " + ", ".join(f"{key} = {_shown(key, getattr(move, key))}" for key in _MOVE) + " }"


def _spans(windows: object) -> str:
    held = windows if isinstance(windows, tuple) else ()
    return ", ".join(f"{start:%H:%M}-{'24:00' if end == time.max else format(end, '%H:%M')}" for start, end in held)

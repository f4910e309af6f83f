"""The settings file: reads the user's TOML, checks it, and writes settings as TOML.

The table `_KEYS` is the whole format: the table and key of each setting, and how its value is read and written. An
unknown or wrong entry is never skipped: the error names the file, the key and what is allowed. The file must belong to
the user (or root), and nobody else may be able to write to it, because it can name a command. `hipsync today` imports
this module, so modules that only some files need are imported where they are needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hipsync.core.policy import BandText, Busy
from hipsync.errors import ConfigError
from hipsync.model import MINUTE, WEEKDAYS, Desk
from hipsync.private import refuse_writable
from hipsync.settings import values
from hipsync.settings.config import Config, Share
from hipsync.settings.values import Toml, suggestion

if TYPE_CHECKING:
    from hipsync.core.exercises import Move
    from hipsync.core.policy import Windows
    from hipsync.settings.config import Proxy


def load(file: Path, *, required: bool = False) -> Config:
    """Read the settings from a file. A file that does not exist means the defaults.

    Raises `ConfigError`, which names the file, the key and the value, and says what is allowed. If `required`, a file
    that does not exist raises it too.
    """
    try:
        with file.open("rb") as opened:
            refuse_writable(file, opened.fileno(), "it could name a command")
            text = opened.read()
    except FileNotFoundError as error:
        if required:
            raise ConfigError(f"{file} is not there: `hipsync config path` says where settings belong") from error
        return Config()
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from error
    import tomllib

    try:
        document = tomllib.loads(text.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not TOML: {error}") from error
    return parsed(document, str(file))


def parsed(document: Mapping[str, Toml], file: str) -> Config:
    """Check a parsed TOML document and return its settings. Error messages call it `file`. Raises `ConfigError`."""
    parts = ("rule", "policy", "goals", "mqtt", "fleet", "gateway", "")
    changed: dict[str, dict[str, Any]] = {part: {} for part in parts}
    for table, content in document.items():
        keys = _KEYS.get(table)
        if keys is None:
            raise ConfigError(f"{file}: there is no table [{table}]{suggestion(table, _KEYS)}")
        if not isinstance(content, Mapping):
            raise ConfigError(f"{file}: {table} must be a table: [{table}]")
        for name, value in content.items():
            key = keys.get(name)
            if key is None:
                known = [f"{table}.{each}" for each in keys]
                raise ConfigError(f"{file}: there is no key {table}.{name}{suggestion(f'{table}.{name}', known)}")
            part, _, setting = key.setting.rpartition(".")
            try:
                changed[part][setting] = key.read(value)
            except ConfigError as error:
                raise ConfigError(f"{file}: {table}.{name}{_shown(value)}: {error}") from error
    config = _changed(Config(), changed)
    if not changed[""].keys().isdisjoint({"exercises", "avoid"}):
        _check_exercises(config, file)
    _check_share(config, file)
    if not config.local and not config.proxies:
        raise ConfigError(f"{file}: radio.local = false leaves no way to a band: name a proxy in [[radio.proxies]]")
    return config


def _shown(value: Toml) -> str:
    """A wrong value as it is told; tables are not, because a whole list of them fits on no line.

    Nor is a text with an @ or the word password: it may hold one.
    """
    if isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
        return ""
    secret = isinstance(value, str) and ("@" in value or "password" in value.lower())
    return "" if secret else f" = {value!r}"


def takes(path: Sequence[str], value: Toml) -> bool:
    """Whether the setting at `path`, such as ("prompts", "hours", "mon"), takes this value by itself.

    False if there is no such setting.
    """
    key = _KEYS.get(path[0], {}).get(path[1]) if len(path) > 1 else None
    if key is None:
        return False
    for name in reversed(path[2:]):
        value = {name: value}
    try:
        key.read(value)
    except ConfigError:
        return False
    return True


def _changed(config: Config, changed: Mapping[str, dict[str, Any]]) -> Config:
    """Return the settings with the new values in `changed`: of each part, and of "" (the rest)."""
    rule = config.rule._replace(**changed["rule"])
    policy = replace(config.policy, limit_minutes=rule.limit_minutes, **changed["policy"])
    goals = config.goals._replace(**changed["goals"])
    mqtt = config.mqtt._replace(**changed["mqtt"])
    fleet = config.fleet._replace(**changed["fleet"])
    gateway = config.gateway._replace(**changed["gateway"])
    return replace(
        config, rule=rule, policy=policy, goals=goals, mqtt=mqtt, fleet=fleet, gateway=gateway, **changed[""]
    )


def _check_share(config: Config, file: str) -> None:
    """Raise `ConfigError` if everything is to be shared, and nobody said whose it is.

    An account may be called as somebody else's on another computer, and what was merged cannot be taken apart.
    """
    if config.mqtt.share is Share.EVERYTHING and not config.mqtt.wearer:
        raise ConfigError(
            f'{file}: mqtt.share = "everything" needs mqtt.wearer, a name that is the same on all your computers and '
            "no other person's: `hipsync config set mqtt.wearer NAME`"
        )


def _check_exercises(config: Config, file: str) -> None:
    """Raise `ConfigError` for an unknown name or tag of an exercise, or if no exercise is left to choose."""
    from hipsync.core.exercises import KNOWN, chosen

    known = KNOWN.union(*({move.name, *move.tags} for move in config.own))
    for key, names in (("set", config.exercises), ("avoid", config.avoid)):
        for name in names:
            if name not in known:
                where = f"{file}: exercises.{key} = {list(names)!r}"
                raise ConfigError(f"{where}: there is no exercise or tag {name!r}{suggestion(name, sorted(known))}")
    if not chosen(config.exercises, config.avoid, own=config.own):
        message = f"{file}: exercises.set without exercises.avoid leaves nothing: name an exercise that may be done"
        raise ConfigError(message)


# ------------------------------------------------------------------ writing


def as_toml(config: Config) -> str:
    """Write all settings as the text of a file that `load` can read, in the order of `_KEYS`."""
    lines: list[str] = []
    for table, keys in _KEYS.items():
        lines += ["", f"[{table}]"] if lines else [f"[{table}]"]
        lines += [f"{name} = {key.write(_value(config, key.setting))}" for name, key in keys.items()]
    return "\n".join(lines) + "\n"


def _value(config: Config, setting: str) -> object:
    part, _, name = setting.rpartition(".")
    return getattr(getattr(config, part) if part else config, name)


def _written(value: object) -> str:
    """Write a switch, number, text, list of texts, time of day or length of time as a TOML value."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, timedelta):
        return _written_minutes(value // MINUTE)
    if isinstance(value, time):
        return f'"{value:%H:%M}"'
    import json

    # JSON writes texts and lists as TOML does, except for the one control character that only TOML forbids.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _written_minutes(minutes: int | None) -> str:
    return '"off"' if minutes is None else f'"{minutes}m"'


def _written_minutes_or_off(minutes: int) -> str:
    return _written_minutes(minutes or None)


def _written_number(number: int | None) -> str:
    return '"off"' if number is None else str(number)


def _written_share(share: float) -> str:
    return str(share) if share else '"off"'


def _written_windows(windows: Windows) -> str:
    spans = (f"{start:%H:%M}-{'24:00' if end == time.max else format(end, '%H:%M')}" for start, end in windows)
    return f'"{", ".join(spans)}"'


def _written_hours(hours: Mapping[int, Windows]) -> str:
    return "{ " + ", ".join(f"{WEEKDAYS[day]} = {_written_windows(hours[day])}" for day in sorted(hours)) + " }"


def _own_exercises(value: Toml) -> tuple[Move, ...]:
    from hipsync.settings.own import own_exercises  # with it come the figures, which few files need

    return own_exercises(value)


def _proxies(value: Toml) -> tuple[Proxy, ...]:
    from hipsync.settings.proxies import proxies  # few files name one

    return proxies(value)


def _written_proxies(proxies: Sequence[Proxy]) -> str:
    from hipsync.settings.proxies import written

    return written(proxies)


def _written_moves(moves: Sequence[Move]) -> str:
    from hipsync.settings.own import written

    return written(moves)


# ------------------------------------------------------------------ the format


class _Key(NamedTuple):
    """One key of the settings file."""

    setting: str
    """The path of the attribute in `Config`, such as "snooze" or "rule.limit_minutes"."""
    read: Callable[[Toml], object]
    write: Callable[[Any], str] = _written


_KEYS: Mapping[str, Mapping[str, _Key]] = {
    "sitting": {
        "limit": _Key("rule.limit_minutes", values.minutes_between(10, 240), _written_minutes),
        "break_steps": _Key("rule.break_steps", values.whole_number(1, 200)),
        "break_window": _Key("rule.break_window_minutes", values.minutes_between(1, 60), _written_minutes),
        "moves": _Key("rule.moves", values.whole_number(0, 15)),
        "trust_posture": _Key("rule.trust_posture", values.true_or_false),
        "desk": _Key("rule.desk", values.word_of(Desk)),
    },
    "presence": {"activitywatch": _Key("activitywatch", values.true_or_false)},
    "prompts": {
        "hours": _Key("policy.hours", values.windows_by_weekday, _written_hours),
        "lunch": _Key("policy.lunch", values.windows, _written_windows),
        "snooze": _Key("snooze", values.duration),
        "stronger": _Key("policy.stronger", values.true_or_false),
        "repeat": _Key("policy.repeat_minutes", values.minutes_or_off, _written_minutes),
        "early": _Key("policy.early_minutes", values.minutes_up_to(30), _written_minutes_or_off),
        "hold": _Key("policy.hold", values.words_of(Busy)),
        "most_per_day": _Key("policy.most_per_day", values.whole_number_or_off(1, 50), _written_number),
        "desktop": _Key("desktop", values.true_or_false),
        "band": _Key("band", values.true_or_false),
        "band_text": _Key("band_text", values.word_of(BandText)),
        "command": _Key("command", values.texts),
        "adapt": _Key("adapt", values.true_or_false),
        "trial": _Key("trial", values.share_or_off(0.05, 0.5), _written_share),
    },
    "goals": {"breaks": _Key("goals.breaks", values.whole_number_or_off(1, 50), _written_number)},
    "day": {"start": _Key("day_start", values.time_of_day)},
    "sync": {
        "at_most_every": _Key("at_most_every", values.duration),
        "at_least_every": _Key("at_least_every", values.duration),
        "erase": _Key("erase", values.true_or_false),
    },
    "radio": {
        "adapter": _Key("adapter", values.adapter),
        "local": _Key("local", values.true_or_false),
        "proxies": _Key("proxies", _proxies, _written_proxies),
    },
    "exercises": {
        "set": _Key("exercises", values.texts),
        "avoid": _Key("avoid", values.texts),
        "own": _Key("own", _own_exercises, _written_moves),
        "morning": _Key("morning", values.true_or_false),
    },
    "mqtt": {
        "host": _Key("mqtt.host", values.host),
        "port": _Key("mqtt.port", values.whole_number(1, 65535)),
        "tls": _Key("mqtt.tls", values.true_or_false),
        "ca": _Key("mqtt.ca", values.path_or_none),
        "user": _Key("mqtt.user", values.text),
        "password_file": _Key("mqtt.password_file", values.path_or_none),
        "wearer": _Key("mqtt.wearer", values.wearer),
        "prefix": _Key("mqtt.prefix", values.topic),
        "share": _Key("mqtt.share", values.word_of(Share)),
    },
    "fleet": {"dsn": _Key("fleet.dsn", values.conninfo)},
    "gateway": {
        "prompt": _Key("gateway.prompt", values.true_or_false),
        "share": _Key("gateway.share", values.true_or_false),
        "ship_minutes": _Key("gateway.ship_minutes", values.whole_number(0, 1440)),
    },
    "therapist": {
        "name": _Key("therapist_name", values.text),
        "phone": _Key("therapist_phone", values.text),
        "url": _Key("therapist_url", values.text),
    },
}

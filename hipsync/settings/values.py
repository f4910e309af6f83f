"""Reads single values of the settings file: each function turns one kind of TOML value into what hipsync needs.

If a value is wrong, a reader raises a `ConfigError` that says what is allowed. A reader knows neither file nor key. The
module `file` puts them before the message, so the message begins with a verb.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, TypeVar

from hipsync.errors import ConfigError
from hipsync.model import WEEKDAYS

if TYPE_CHECKING:
    from hipsync.core.policy import Windows

Toml: TypeAlias = "str | int | float | bool | datetime | date | time | Sequence[Toml] | Mapping[str, Toml]"
"""Any value of a TOML document."""


Word = TypeVar("Word", bound=StrEnum)


def suggestion(word: str, known: Sequence[str] | Mapping[str, object]) -> str:
    """Return the end of a message about an unknown word: the known word most like it, or else all the known words."""
    from difflib import get_close_matches

    close = get_close_matches(word, list(known), 1)
    return f": do you mean {close[0]}?" if close else f"; there are {', '.join(known)}"


# ------------------------------------------------------------------ numbers and lengths of time


def minutes_of(text: object) -> int:
    """Read a length of time such as "60m", "60", "1h" or "1h30m", in minutes. Raises `ConfigError`, also for zero."""
    match = re.fullmatch(r"(?:([0-9]{1,3})h)?(?:([0-9]{1,4})m?)?", text) if isinstance(text, str) else None
    minutes = int(match[1] or 0) * 60 + int(match[2] or 0) if match else 0
    if not minutes:
        raise ConfigError('must be longer than zero, such as "60m" or "1h30m"')
    return minutes


def duration(value: Toml) -> timedelta:
    """Read a length of time, such as "1h30m", as a timedelta. Raises `ConfigError`, also for a zero length."""
    return timedelta(minutes=minutes_of(value))


def minutes_between(least: int, most: int) -> Callable[[Toml], int]:
    """Return a reader for a length of time, in minutes, from `least` to `most` inclusive."""

    def read(value: Toml) -> int:
        minutes = minutes_of(value)
        if not least <= minutes <= most:
            raise ConfigError(f"must lie between {least}m and {most}m")
        return minutes

    return read


def minutes_or_off(value: Toml) -> int | None:
    """Read a length of time, in minutes, or "off", which gives None. Raises `ConfigError`."""
    return None if value == "off" else minutes_of(value)


def minutes_up_to(most: int) -> Callable[[Toml], int]:
    """Return a reader for a length of time of at most `most` minutes, in minutes; "off", "0" and 0 give 0."""

    def read(value: Toml) -> int:
        if value in ("off", "0", "0m") or (value == 0 and not isinstance(value, bool)):
            return 0
        try:
            return minutes_between(1, most)(value)
        except ConfigError as error:
            raise ConfigError(f'{error}, or "off"') from error

    return read


def whole_number(least: int, most: int) -> Callable[[Toml], int]:
    """Return a reader for a whole number from `least` to `most` inclusive."""

    def read(value: Toml) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ConfigError(f"must be a whole number from {least} to {most}")
        return value

    return read


def whole_number_or_off(least: int, most: int) -> Callable[[Toml], int | None]:
    """Return a reader for a whole number from `least` to `most` inclusive, or "off", which gives None."""

    def read(value: Toml) -> int | None:
        if value == "off":
            return None
        try:
            return whole_number(least, most)(value)
        except ConfigError as error:
            raise ConfigError(f'{error}, or "off"') from error

    return read


def share_or_off(least: float, most: float) -> Callable[[Toml], float]:
    """Return a reader for a share from `least` to `most` inclusive, or "off", which gives 0."""

    def read(value: Toml) -> float:
        if value == "off":
            return 0.0
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise ConfigError(f'must be a share from {least} to {most}, or "off"')
        return float(value)

    return read


def true_or_false(value: Toml) -> bool:
    """Read a switch: TOML's true or false. Raises `ConfigError` for anything else."""
    if not isinstance(value, bool):
        raise ConfigError("must be true or false")
    return value


# ------------------------------------------------------------------ texts


def word_of(words: type[Word]) -> Callable[[Toml], Word]:
    """Return a reader for one of the words of an enumeration."""

    def read(value: Toml) -> Word:
        try:
            return words(str(value))
        except ValueError as error:
            known = ", ".join(f'"{word.value}"' for word in words)
            raise ConfigError(f"must be one of {known}") from error

    return read


def words_of(words: type[Word]) -> Callable[[Toml], tuple[Word, ...]]:
    """Return a reader for a list of some words of an enumeration, in the enumeration's order."""

    def read(value: Toml) -> tuple[Word, ...]:
        found = texts(value)
        for each in found:
            word_of(words)(each)
        return tuple(word for word in words if word in found)

    return read


def text(value: Toml) -> str:
    """Read any text, even an empty one. Raises `ConfigError` if the value is no text."""
    if not isinstance(value, str):
        raise ConfigError("must be text in quotes")
    return value


def texts(value: Toml) -> tuple[str, ...]:
    """Read a list of texts, even an empty list. Raises `ConfigError` for anything else."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ConfigError('must be a list of texts, such as ["a", "b"]')
    return tuple(str(item) for item in value)


def visible_text(limit: int) -> Callable[[Toml], str]:
    """Return a reader for a text of 1 to `limit` characters, all visible, without a space at either end."""

    def read(value: Toml) -> str:
        from hipsync.text import clean

        found = text(value)
        if not found or clean(found, limit) != found:
            raise ConfigError(f"must be 1 to {limit} characters, all of them visible")
        return found

    return read


def adapter(value: Toml) -> str:
    """Read the name of a Bluetooth adapter, such as "hci0", or its address; empty for all. Raises `ConfigError`."""
    found = text(value)
    if not re.fullmatch(r"(?:hci[0-9]{1,3}|[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5})?", found):
        raise ConfigError('must be an adapter such as "hci0" or "00:1A:7D:DA:71:13", or "" for all that are on')
    return found


# ------------------------------------------------------------------ the broker of the home

_NAME, _IPV6 = r"[A-Za-z0-9_.-]{1,253}", r"(?:[0-9A-Fa-f.]*:){2}[0-9A-Fa-f:.]*(?:%[A-Za-z0-9_.-]+)?"


def host(value: Toml) -> str:
    """Read the name of a computer or its address; empty for none. Raises `ConfigError` for an address of the web."""
    found = text(value)
    if not re.fullmatch(rf"(?:{_NAME}|{_IPV6})?", found):
        raise ConfigError(
            'must be a name such as "homeassistant.local" or an address such as "192.168.1.10", without mqtt:// and '
            "port, or empty for none"
        )
    return found


def conninfo(value: Toml) -> str:
    """Read a connection string of Postgres without a password; empty for none. Raises `ConfigError`."""
    found = text(value)
    if has_password(found):
        raise ConfigError("must hold no password: libpq reads that from the file ~/.pgpass, or from a service file")
    if not found.isprintable():
        raise ConfigError('must be a connection string, such as "host=db.example.org dbname=fleet", or empty for none')
    return found


def has_password(dsn: str) -> bool:
    """Whether a connection string, of either form that libpq reads, holds a password."""
    return re.search(r"(?i)(?:password\s*=|^\s*postgres(?:ql)?://[^/@]*:[^/@]*@)", dsn) is not None


def path_or_none(value: Toml) -> str:
    """Read the path of a file, which begins at the root or at the home folder (~); empty for none."""
    from pathlib import Path

    found = text(value)
    try:
        good = not found or Path(found).expanduser().is_absolute()
    except RuntimeError:  # ~somebody, who is not here
        good = False
    if not good or "\0" in found:
        raise ConfigError('must be a whole path, such as "/etc/ssl/ca.pem" or "~/mqtt.password", or empty for none')
    return found


def wearer(value: Toml) -> str:
    """Read the name of a wearer, as it may stand in a topic; empty for none. Raises `ConfigError`."""
    found = text(value)
    if not re.fullmatch(r"(?:[a-z0-9][a-z0-9_-]{0,31})?", found):
        raise ConfigError('must be 1 to 32 of a-z, 0-9, - and _, such as "anna", or empty for this account\'s name')
    return found


def topic(value: Toml) -> str:
    """Read the beginning of a topic, such as "homeassistant". Raises `ConfigError`."""
    found = text(value)
    if len(found) > 100 or not re.fullmatch(r"[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)*", found):
        raise ConfigError('must be the beginning of a topic, such as "homeassistant"')
    return found


# ------------------------------------------------------------------ times of the day


def _time_in(text: str) -> time:
    match = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", text)
    if match is None:
        raise ConfigError('must be a time such as "08:00"')
    return time(int(match[1]), int(match[2]))


def _end_time_in(text: str) -> time:
    return time.max if text == "24:00" else _time_in(text)


def time_of_day(value: Toml) -> time:
    """Read a local time of day such as "04:00". Raises `ConfigError`."""
    return _time_in(text(value))


def windows(value: Toml) -> Windows:
    """Read spans of every day, such as "08:00-12:00, 13:00-24:00"; "off" and "" mean none. Raises `ConfigError`.

    The result has pairs of start and end, in local time; `time.max` stands for 24:00. A span that ends before it begins
    runs past midnight and is two pairs: "23:30-00:30" gives 00:00 to 00:30, and 23:30 to 24:00.
    """
    spans = _spans(value)
    return (*spans.after_midnight, *spans.before_midnight)


class _Spans(NamedTuple):
    """Spans that begin on one day: the part of them up to the next midnight, and the part after it."""

    before_midnight: Windows = ()
    after_midnight: Windows = ()


def _spans(value: Toml) -> _Spans:
    """Read spans such as "08:00-12:00, 22:00-06:00"; "off" and "" mean none. Raises `ConfigError`."""
    before: list[tuple[time, time]] = []
    after: list[tuple[time, time]] = []
    for part in filter(None, re.split(r"\s*,\s*", "" if value == "off" else text(value))):
        first, dash, last = part.partition("-")
        start, end = (_time_in(first), _end_time_in(last)) if dash else (time.min, time.min)
        if start == end:
            raise ConfigError('must be spans such as "08:00-12:00, 13:00-18:00", or "22:00-06:00" over midnight')
        before.append((start, end if start < end else time.max))
        if time.min < end < start:
            after.append((time.min, end))
    return _Spans(tuple(before), tuple(after))


def windows_by_weekday(value: Toml) -> dict[int, Windows]:
    """Read a table such as `{ mon-fri = "08:00-18:00" }` as spans by weekday; Monday is 0. Raises `ConfigError`.

    A range of days may run past Sunday, as in sat-mon. Days that the table does not name are left out. A span over
    midnight belongs to the day on which it begins: `{ fri = "22:00-06:00" }` lasts until 6 on Saturday.
    """
    if not isinstance(value, Mapping):
        raise ConfigError('must be a table by weekdays, such as { mon-fri = "08:00-18:00" }')
    found: dict[int, _Spans] = {}
    for days, spans in value.items():
        found |= dict.fromkeys(_days(days), _spans(spans))
    hours: dict[int, Windows] = {}
    for day in range(len(WEEKDAYS)):
        night = found.get((day - 1) % 7, _Spans()).after_midnight
        if night or day in found:
            hours[day] = (*night, *found.get(day, _Spans()).before_midnight)
    return hours


def weekdays(text: str) -> tuple[int, ...]:
    """Read weekdays and spans of them, such as "tue,thu" or "mon-fri", in order; Monday is 0. Raises `ConfigError`."""
    return tuple(sorted({day for part in text.lower().split(",") for day in _days(part.strip())}))


def _days(text: str) -> list[int]:
    """Read a weekday, or a span of them that may run past Sunday, such as "sat-mon". Raises `ConfigError`."""
    first, _, last = text.partition("-")
    if first not in WEEKDAYS or (last or first) not in WEEKDAYS:
        raise ConfigError(f"{text!r} is not a weekday or a span of them: try mon or mon-fri")
    start, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
    return [day % 7 for day in range(start, end + 1 if end >= start else end + 8)]

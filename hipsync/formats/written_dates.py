"""Dates as spreadsheets write them: `20.11.2026 09:00`, `11/20/2026 9:00 AM`, `2026/11/20 09:00:00`.

Of two numbers before the year, a file does not say which one is the day. One above 12 tells it for the whole file;
where there is none, somebody has to be asked (`Doubt`). Between dots the day comes first, as in every country that
writes dates so, unless somebody said otherwise. A year of two digits is refused, because it may be a day.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, time
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from hipsync.errors import InputError

_DATE = re.compile(r"([0-9]{1,4})([-/.])([0-9]{1,2})\2([0-9]{1,4})")
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.0{1,9})?)?(?:\s?([AaPp])\.?[Mm]\.?)?")
_KNOWN_DAYS, _KNOWN_CLOCKS = 1000, 3000
"""How many texts are remembered with what they mean: a day has 1,440 minutes."""
_MONTHS = 12
WRITE_IT = "write it like 2026-11-20T09:00:00+00:00"
"""How a message says what a timestamp is."""


class DateOrder(StrEnum):
    """Whether the day or the month comes first, where the year comes last."""

    DMY = "dmy"
    MDY = "mdy"


class Doubt(NamedTuple):
    """A date that may be one of two."""

    text: str
    """The date as the file has it, without a time."""
    if_month_first: str
    """What it is if the month comes first, such as "12th of April"."""
    if_day_first: str
    """What it is if the day comes first."""


def unasked(doubt: Doubt) -> DateOrder:
    """Refuse a file whose order is in doubt, where nobody can be asked. Raises `InputError`."""
    raise InputError(
        f"{doubt.text} may be the {doubt.if_month_first} (then add --dates mdy)"
        f" or the {doubt.if_day_first} (--dates dmy)"
    )


def order_of(texts: Iterable[str], ask: Callable[[Doubt], DateOrder]) -> DateOrder | None:
    """Return the order in which a file's timestamps have day and month; None if it makes no difference.

    `texts` is read up to the first date that tells it. If none does, `ask` decides.
    """
    doubt: Doubt | None = None
    before = ""
    for text in texts:
        day = text.partition(" ")[0]
        if day == before:
            continue
        before = day
        found = _DATE.fullmatch(day.rstrip(","))
        if found is None or not _is_ambiguous(found):
            continue
        first, second = int(found[1]), int(found[3])
        if first > _MONTHS or second > _MONTHS:
            return DateOrder.DMY if first > _MONTHS else DateOrder.MDY
        doubt = doubt or _doubt(found[0], first, second, int(found[4]))
    return None if doubt is None else ask(doubt)


def has_date(text: str) -> bool:
    """Whether a timestamp begins with a date of those that are read here."""
    return _found(text) is not None


def is_ambiguous(text: str) -> bool:
    """Whether a timestamp has a date of which only the whole file can tell what comes first."""
    found = _found(text)
    return found is not None and _is_ambiguous(found)


def _found(text: str) -> re.Match[str] | None:
    return _DATE.fullmatch(text.partition(" ")[0].rstrip(","))


def _is_ambiguous(found: re.Match[str]) -> bool:
    return found[2] != "." and len(found[4]) == len("2026")


class Dates:
    """The dates of one file, as naive local times."""

    def __init__(self, order: DateOrder | None = None) -> None:
        """None for `order` reads dates with dots, with the year first, and those whose day and month are alike."""
        self._order = order
        self._day = lru_cache(_KNOWN_DAYS)(self._day_of)
        self._clock = lru_cache(_KNOWN_CLOCKS)(_clock_of)

    def read(self, text: str) -> datetime:
        """The local time that a text means, midnight if it has none. Raises `InputError`."""
        day, *clock = text.split(None, 1) or [""]
        try:
            return datetime.combine(self._day(day), self._clock(clock[0] if clock else "0:00"))
        except ValueError as error:
            raise InputError(f"{text[:80]!r} is not a timestamp: {WRITE_IT}{self._ordered()}") from error

    def _ordered(self) -> str:
        """What a message adds about the order of the file's dates."""
        if self._order is None:
            return ""
        return f"; in this file the {'day' if self._order is DateOrder.DMY else 'month'} comes first"

    def _day_of(self, text: str) -> date:
        found = _DATE.fullmatch(text.rstrip(","))
        if found is None:
            raise ValueError(text)
        first, dot, second, last = int(found[1]), found[2] == ".", int(found[3]), int(found[4])
        if len(found[1]) == len("2026") and len(found[4]) <= len("20"):
            return date(first, second, last)
        if len(found[4]) != len("2026"):
            raise InputError(f"{text[:80]!r} has a year of {len(found[4])} digits: write years with four")
        if self._order is None and not dot and first != second:
            raise InputError(f"{text!r} does not tell day and month: say it with --dates dmy or --dates mdy")
        if self._order is DateOrder.MDY:
            return date(last, first, second)
        return date(last, second, first)


def _clock_of(text: str) -> time:
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise ValueError(text)
    hour = int(found[1])
    if found[4] is not None:
        if not 1 <= hour <= 12:
            raise ValueError(text)
        hour = hour % 12 + (12 if found[4] in "Pp" else 0)
    return time(hour, int(found[2]), int(found[3] or 0))


def _doubt(text: str, first: int, second: int, year: int) -> Doubt | None:
    """The doubt about a date with two numbers up to 12; None if both readings are the same day, or it is none."""
    try:
        month_first, day_first = date(year, first, second), date(year, second, first)
    except ValueError:
        return None
    return None if first == second else Doubt(text, _spoken(month_first), _spoken(day_first))


def _spoken(day: date) -> str:
    """A day and its month in words, such as "12th of April"."""
    number = day.day
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number, "th")  # days up to 12: above, no date is in doubt
    return f"{number}{ending} of {day:%B}"

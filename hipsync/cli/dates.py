"""Days, weeks and months as people say them: `yesterday`, `mon`, `last week`, `november`.

`today` is always an argument: nothing here reads the clock. Words that are not understood raise `ConfigError`, whose
message lists those that are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta

from hipsync.errors import ConfigError

MINUS = "\N{MINUS SIGN}"
"""Stands for the hyphen of "-3" on its way through click, which takes a hyphen for the begin of an option."""
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
YEARS = range(1970, 3000)
"""The years in which a day may be asked for. Others are typing errors, and Python's calendar has an end."""


def day_of(text: str, today: date) -> date:
    """Return the day that `text` names: 2026-11-20, today, yesterday, -3 (days ago) or mon (the most recent Monday).

    Raises `ConfigError` for any other text.
    """
    text = text.replace(MINUS, "-")
    word = text.strip().lower()
    days_ago = re.fullmatch(r"-(\d{1,4})", word, re.ASCII)
    day = today - timedelta(days=int(days_ago[1])) if days_ago else _day(word, today)
    if day is None:
        raise ConfigError(f"{text!r} is not a date: try 2026-11-20, today, yesterday, -3 (days ago) or mon")
    return _in_known_years(text, day)


def week_of(text: str, today: date) -> Sequence[date]:
    """Return Monday to Sunday of the week meant by this week, last, -2 (weeks ago), 2026-W47, or a day in it.

    Raises `ConfigError`.
    """
    text = text.replace(MINUS, "-")
    word = text.strip().lower()
    ago = _ago(word, "week")
    day = today - timedelta(weeks=ago) if ago is not None else _iso_week(word) or _day(word, today)
    if day is None:
        message = f"{text!r} is not a week: try a day of it like 2026-11-20 or mon, or 2026-W47, last, -2 (weeks ago)"
        raise ConfigError(message)
    monday = _in_known_years(text, day) - timedelta(days=day.weekday())
    return [monday + timedelta(days=at) for at in range(7)]


def month_of(text: str, today: date) -> Sequence[date]:
    """Return all days of the month meant by 2026-11, november (the last one), last, -2 (months ago), or a day in it.

    Raises `ConfigError`.
    """
    text = text.replace(MINUS, "-")
    word = text.strip().lower()
    ago = _ago(word, "month")
    first = _months_before(today, ago) if ago is not None else _month(word, today) or _day(word, today)
    if first is None:
        message = f"{text!r} is not a month: try 2026-11, november, last, -2 (months ago), or a day of it"
        raise ConfigError(message)
    from calendar import monthrange  # `hipsync today` waits for every import of this module

    first = _in_known_years(text, first).replace(day=1)
    return [first.replace(day=at) for at in range(1, monthrange(first.year, first.month)[1] + 1)]


def _day(word: str, today: date) -> date | None:
    """Return the day meant by today, yesterday, an ISO date, or a weekday: the last one, up to today. Else None."""
    if word in {"today", "yesterday"}:
        return today - timedelta(days=word == "yesterday")
    for number, name in enumerate(WEEKDAYS):
        if word in {name, name[:3]}:
            return today - timedelta(days=(today.weekday() - number) % 7)
    try:
        return date.fromisoformat(word)
    except ValueError:
        return None


def _ago(word: str, unit: str) -> int | None:
    """Return how many weeks or months ago is meant, or None if no such number is; `unit` is "week" or "month"."""
    if word in {"today", "this", f"this {unit}"}:
        return 0
    if word in {"last", f"last {unit}"}:
        return 1
    return int(word[1:]) if re.fullmatch(r"-\d{1,3}", word, re.ASCII) else None


def _iso_week(word: str) -> date | None:
    """Return the Monday of a week such as 2026-W47, or None if the word is no such week."""
    if found := re.fullmatch(r"(\d{4})-?w(\d{2})", word, re.ASCII):
        try:
            return date.fromisocalendar(int(found[1]), int(found[2]), 1)
        except ValueError:
            return None
    return None


def _month(word: str, today: date) -> date | None:
    """Return the first day of 2026-11, "november 2025", or november: the last one, up to today. Else None."""
    if found := re.fullmatch(r"(\d{4})-(\d{2})", word, re.ASCII):
        year, number = int(found[1]), int(found[2])
        return date(year, number, 1) if year and 1 <= number <= len(MONTHS) else None
    name, _, year_text = word.partition(" ")
    for number, month in enumerate(MONTHS, 1):
        if name in {month, month[:3]} and re.fullmatch(r"(\d{4})?", year_text, re.ASCII):
            year = int(year_text) if year_text else today.year - (number > today.month)
            return date(year, number, 1) if year else None
    return None


def _months_before(today: date, ago: int) -> date:
    months = today.year * 12 + today.month - 1 - ago
    return date(months // 12, months % 12 + 1, 1)


def _in_known_years(text: str, day: date) -> date:
    if day.year not in YEARS:
        raise ConfigError(f"{text!r} is too far away: the years {YEARS[0]} to {YEARS[-1]} can be used")
    return day

"""What is to be learned of reminders, calculated from docs/rule.md alone: it imports nothing of hipsync."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import NamedTuple

MINUTE = timedelta(minutes=1)


class Reminder(NamedTuple):
    """A reminder that was shown, on the wearer's clock; `followed` is None if that is not known."""

    at: datetime
    last: datetime
    followed: bool | None


class Manner(NamedTuple):
    quiet: bool
    walk: bool


def hour_fails(earlier: Sequence[Reminder], weekday: int, hour: int) -> bool:
    same = [each.followed for each in earlier if (each.at.weekday(), each.at.hour) == (weekday, hour)]
    return len(same) >= 6 and Fraction(2 + same.count(True), 4 + len(same)) < Fraction(1, 4)


def manner(now: datetime, reminders: Sequence[Reminder], number: int) -> Manner:
    """Return how the reminder with this number, from 0, is to be shown at `now` after these, in order."""
    known = [
        each
        for each in reminders
        if each.followed is not None
        and now - timedelta(days=84) <= each.at
        and (each.followed or each.last + 10 * MINUTE <= now)
    ]
    this, before = now, now - timedelta(hours=1)
    quiet = all(hour_fails(known, at.weekday(), at.hour) for at in (this, before))
    week = [each.followed for each in known if now - each.at <= timedelta(days=7)]
    few = len(week) >= 6 and Fraction(week.count(True), len(week)) < Fraction(3, 10)
    return Manner(quiet, few and number % 2 == 1)

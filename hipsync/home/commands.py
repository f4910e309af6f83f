"""What a message from the home asks for, or why nothing is done about it.

A message is a stranger's word: whoever may write to the topic can send anything, at any rate, and the broker may keep
it for years. So a command says when it was given, and is worth nothing after ten minutes. Nothing here acts.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from hipsync.instants import is_believed
from hipsync.model import MINUTE
from hipsync.service.answers import LONGEST_PAUSE
from hipsync.text import Json, json_of

LONGEST_BYTES = 1000
"""The most bytes of a command, which has no more in it than a word and two numbers."""
STANDS_FOR = 10 * MINUTE
"""How long after it was given a command is obeyed: a press that comes later is about another reminder."""
LONGEST_PAUSE_MINUTES = LONGEST_PAUSE // MINUTE
MOST_A_MINUTE = 30
"""The most commands that are obeyed within a minute: no person presses more, and each one writes to the disk."""


class Do(StrEnum):
    """What can be asked for. CHECK is what `hipsync mqtt check` sends, and nothing is done about it."""

    DONE = "done"
    SNOOZE = "snooze"
    SKIP = "skip"
    HURT = "hurt"
    PAUSE = "pause"
    RESUME = "resume"
    CHECK = "check"


class Command(NamedTuple):
    """What was asked for, and when."""

    do: Do
    at: datetime
    minutes: int | None = None
    """How long a pause or a snooze lasts; None for as long as the settings say."""


class Dropped(StrEnum):
    """Why nothing is done about a message. The values are what is logged."""

    RETAINED = "the broker kept it: a button must not be retained"
    LONG = f"it has more than {LONGEST_BYTES:,} bytes"
    NOT_JSON = "it is not JSON"
    NO_COMMAND = "it is no object with do and at"
    UNKNOWN = "hipsync knows no such command"
    NO_TIME = "its at is no time in seconds"
    OLD = f"it is more than {STANDS_FOR // MINUTE} minutes old"
    FUTURE = "it comes from the future: one of the two clocks is wrong"
    MINUTES = f"its minutes are no whole number from 1 to {LONGEST_PAUSE_MINUTES:,}"
    TOO_MANY = f"more than {MOST_A_MINUTE} came within a minute"


def command_of(payload: bytes, now: datetime, *, retained: bool) -> Command | Dropped:
    """The command that a message is, or why it is none; `now` is the instant at which it came."""
    if retained:
        return Dropped.RETAINED
    if len(payload) > LONGEST_BYTES:
        return Dropped.LONG
    try:
        value = json_of(payload)
    except ValueError:
        return Dropped.NOT_JSON
    if not isinstance(value, dict) or not {"do", "at"} <= value.keys():
        return Dropped.NO_COMMAND
    if value["do"] not in [*Do]:
        return Dropped.UNKNOWN
    at, minutes = _instant(value["at"], now), value.get("minutes")
    if isinstance(at, Dropped):
        return at
    if minutes is None:
        return Command(Do(str(value["do"])), at)
    if isinstance(minutes, bool) or not isinstance(minutes, int) or not 1 <= minutes <= LONGEST_PAUSE_MINUTES:
        return Dropped.MINUTES
    return Command(Do(str(value["do"])), at, minutes)


def _instant(value: Json, now: datetime) -> datetime | Dropped:
    """The instant of a number of seconds since 1970, in UTC; why it is none, or too far from `now`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:  # noqa: PLR0124  only NaN
        return Dropped.NO_TIME
    try:
        at = datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):  # before the year 1, or after 9999
        return Dropped.FUTURE if value > 0 else Dropped.OLD
    if not is_believed(at, now):
        return Dropped.FUTURE
    return Dropped.OLD if now - at > STANDS_FOR else at


class Gate:
    """Lets at most `MOST_A_MINUTE` commands through within a minute."""

    def __init__(self) -> None:
        self._passed_s: list[float] = []

    def lets_through(self, passed_s: float) -> bool:
        """Whether one more command may be obeyed; `passed_s` is the time of a clock that nobody sets, in seconds."""
        self._passed_s = [each for each in self._passed_s if passed_s - each < 60]
        if len(self._passed_s) >= MOST_A_MINUTE:
            return False
        self._passed_s.append(passed_s)
        return True

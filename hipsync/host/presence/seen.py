"""What is known of the computer's use at an instant, and what a minute is by that."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from hipsync.model import MINUTE, Presence

LAST_SECONDS = timedelta(seconds=6)
"""A minute is judged by an answer from its last seconds: an earlier one has not seen the rest of it."""
GAP_S = 90.0
"""Seconds between two answers above which the computer may have slept. Some systems count the time since the last
input by a clock that stands still then, so the first answer after a gap says nothing."""
CLOCK_SET_S = 5.0
"""Seconds by which the computer's clock and a clock that nobody sets may disagree between two answers."""


class Seen(NamedTuple):
    """One answer: what is known of the computer's use now. What is None is not known."""

    idle_s: float | None = None
    """Seconds since the last input by this user at this computer."""
    locked: bool | None = None
    """Whether the screen is locked."""
    idle: bool | None = None
    """Whether the desktop calls the session idle, which it does after some minutes without input."""


UNKNOWN = Seen()


class Source(Protocol):
    """One way to learn when input came last."""

    async def look(self) -> Seen | None:
        """Return what is known now; None if this way leads nowhere at present. It raises nothing."""
        ...

    def close(self) -> None:
        """Give up connections. The next `look` opens them again."""
        ...


class Answer(NamedTuple):
    """What was seen, and when, by two clocks."""

    at: datetime
    passed_s: float
    """As `Clock.passed` counts: by a clock that nobody sets and that goes on while the computer sleeps."""
    seen: Seen


def presence(last: Answer | None, now: Answer) -> Presence | None:
    """What the minute of an answer is, if the answer came in its last seconds; None if that is unknown.

    `last` is the answer before it, None if there was none. Used means input in that very minute.
    """
    since = now.at - now.at.replace(second=0, microsecond=0)
    if since < MINUTE - LAST_SECONDS or last is None:
        return None
    passed = now.passed_s - last.passed_s
    if passed > GAP_S or abs((now.at - last.at).total_seconds() - passed) > CLOCK_SET_S:
        return None
    if now.seen.locked:
        return Presence.LOCKED
    if now.seen.idle_s is not None:
        return Presence.USED if now.seen.idle_s <= since.total_seconds() else Presence.IDLE
    return Presence.IDLE if now.seen.idle else None

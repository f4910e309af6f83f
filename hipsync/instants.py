"""What an instant in the store is worth: one that lies ahead of now was stamped by a clock that was wrong.

Such an instant stays in the store, because nobody knows when it truly was. It is no mark: not where the next fetch
starts, not the last contact, the last copy or the last word. The one rule: who asks the store what came last says what
time it is, and gets the last that lies at most `AHEAD` ahead of that.
"""

from __future__ import annotations

from datetime import datetime, timedelta

AHEAD = timedelta(minutes=5)
"""How far ahead of now an instant still counts as now. Clocks that are set by the network are stepped by less."""


def latest(now: datetime) -> datetime:
    """The latest instant that is believed at `now`: whatever was stamped later lies in the future."""
    return now + AHEAD


def is_believed(instant: datetime, now: datetime) -> bool:
    """Whether an instant that something stamped can be right: it lies at most `AHEAD` ahead of `now`."""
    return instant <= latest(now)

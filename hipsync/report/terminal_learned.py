"""What was learned of reminders, as lines of text: each number, and what follows from it. The page says the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from hipsync.core.followed import (
    FAILING_BELOW,
    FEW_BELOW,
    FEWEST_IN_HOUR,
    FEWEST_IN_WEEK,
    LEARNED_FROM,
    Learned,
    estimate,
    is_failing,
    is_quiet,
)

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WEEKS = LEARNED_FROM.days // 7


class HourLine(NamedTuple):
    """What was learned of one hour of the week, as texts."""

    hour: str
    followed: str
    estimate: str
    follows: str
    """Whether the hour is failing and what follows from that; empty if it is not."""


def learned_lines(known: Learned, *, adapts: bool) -> Iterator[str]:
    """All that was learned. `adapts` says whether anything follows from it (`prompts.adapt`)."""
    yield from week_lines(known, adapts=adapts)
    if not known.hours:
        yield f"no data on whether reminders of the last {WEEKS} weeks were followed"
        return
    yield f"by hour of the week, in the last {WEEKS} weeks:"
    for each in hour_lines(known, adapts=adapts):
        counted = f"{each.hour}  {each.followed:>8}  estimate {each.estimate:>5}"
        yield f"  {counted}  {each.follows}".rstrip()
    yield from rule_lines()


def week_lines(known: Learned, *, adapts: bool) -> Iterator[str]:
    """What was followed in the last week, and whether anything follows from what was learned."""
    if not adapts:
        yield "nothing follows from these numbers: prompts.adapt is false"
    week, walks = known.last_week, known.suggests_walks and adapts
    if not week.of:
        yield "no reminders to judge by in the last 7 days"
        return
    suggested = ", so every second one suggests a short walk first" if walks else ""
    yield f"followed in the last 7 days: {week.hits} of {week.of} reminders{suggested}"


def hour_lines(known: Learned, *, adapts: bool) -> Iterator[HourLine]:
    """Each hour of the week with reminders, in order."""
    for (weekday, hour), share in sorted(known.hours.items()):
        quiet = is_quiet(known.hours, (weekday, hour)) and adapts
        follows = "failing, and so is the hour before: given quietly" if quiet else "failing"
        yield HourLine(
            f"{_WEEKDAYS[weekday]} {hour:02}-{hour + 1:02}",
            f"{share.hits} of {share.of}",
            _percent(estimate(share)),
            follows if is_failing(share) else "",
        )


def rule_lines() -> Iterator[str]:
    """How the numbers are made and used."""
    low, few = _percent(FAILING_BELOW), _percent(FEW_BELOW)
    yield f"estimate: (followed + 2) / (reminders + 4); failing: under {low} after {FEWEST_IN_HOUR} reminders or more"
    yield f"a short walk: if under {few} of {FEWEST_IN_WEEK} reminders or more were followed in the last 7 days"


def _percent(share: float) -> str:
    return f"{round(share * 100)} %"

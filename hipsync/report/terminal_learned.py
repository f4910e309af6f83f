"""What was learned of reminders, as lines of text: each number, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterator

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


def learned_lines(known: Learned, *, adapts: bool) -> Iterator[str]:
    """All that was learned. `adapts` says whether anything follows from it (`prompts.adapt`)."""
    if not adapts:
        yield "Nothing follows from these numbers: prompts.adapt is false."
    week = known.last_week
    yield f"followed in the last 7 days: {week.hits} of {week.of} reminders" + (
        ", so every second one suggests a short walk first" if known.suggests_walks and adapts else ""
    )
    if not known.hours:
        yield f"no reminder of the last {LEARNED_FROM.days // 7} weeks is known to be followed or not"
        return
    yield f"by hour of the week, in the last {LEARNED_FROM.days // 7} weeks:"
    for (weekday, hour), share in sorted(known.hours.items()):
        failing = "" if not is_failing(share) else "  failing"
        if is_quiet(known.hours, (weekday, hour)) and adapts:
            failing += ", and so is the hour before: given quietly"
        counted = f"{share.hits:>3} of {share.of:<3}  estimate {_percent(estimate(share)):>5}"
        yield f"  {_WEEKDAYS[weekday]} {hour:02}-{hour + 1:02}  {counted}{failing}"
    low, few = _percent(FAILING_BELOW), _percent(FEW_BELOW)
    yield f"estimate: (followed + 2) / (reminders + 4); failing: under {low} after {FEWEST_IN_HOUR} reminders or more"
    yield f"a short walk: if under {few} of {FEWEST_IN_WEEK} reminders or more were followed in the last 7 days"


def _percent(share: float) -> str:
    return f"{round(share * 100)} %"

"""How the weeks went, as lines of text: both halves, and what their difference says. The page says the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hipsync.core.halves import FEWEST_WEEKS, Halves, says
from hipsync.core.shares import Says, Share
from hipsync.core.weeks import DAY_AWAKE_MINUTES, IN_TIME_MINUTES, KNOWN_DAY_MINUTES, KNOWN_DAYS, Weeks
from hipsync.text import length

HEADS = ("week of", "in time", "answered", "sitting a day")
"""The heads of the columns of `week_rows`."""
WIDTHS = (11, 10, 10, 13)
"""How wide these columns are in text."""
_DAY = f"a day of {DAY_AWAKE_MINUTES // 60} h awake"


class HalfLines(NamedTuple):
    """One thing that is counted week by week, as texts."""

    what: str
    told: str
    """What it was in the earlier half, and in the later one."""
    difference: str
    """How far apart these are, with the interval; empty if too few weeks have any of it."""
    word: str
    """What the difference says, in plain words."""


def weeks_lines(found: Weeks) -> Iterator[str]:
    """What was found, without the single weeks."""
    yield head_line(found)
    for what, told, difference, word in half_lines(found):
        yield f"{what}: {told}"
        if difference:
            yield f"  difference: {difference}"
        yield f"  {word}"


def each_week_lines(found: Weeks) -> Iterator[str]:
    """The same with every known week, and with how the numbers are made."""
    head, *lines = weeks_lines(found)
    yield head
    for cells in (HEADS, *week_rows(found)):
        yield "".join(f"  {cell:>{width}}" for cell, width in zip(cells, WIDTHS, strict=True))
    yield from (*lines, *rule_lines(found))


def head_line(found: Weeks) -> str:
    """How many weeks are known, and which are compared."""
    known, earlier = len(found.known), len(found.known) // 2
    told = f"weeks with data: {known} of the last {found.looked_at}"
    if earlier < FEWEST_WEEKS:
        return f"{told}; {2 * FEWEST_WEEKS} are needed to compare"
    return f"{told}; the first {earlier}, then the last {known - earlier}:"


def rule_lines(found: Weeks) -> Iterator[str]:
    """How the numbers are made."""
    limit = found.limit_minutes
    yield f"a week counts if {KNOWN_DAYS} of its days have {KNOWN_DAY_MINUTES // 60} h or more awake and worn"
    yield f"in time: of spells of {limit} min, those that a break ended before {limit + IN_TIME_MINUTES} min"
    yield "answered: of reminders for sitting, those answered or soon followed by a break"
    yield f"sitting a day: for {_DAY}, however long the band was worn"


def half_lines(found: Weeks) -> Sequence[HalfLines]:
    """Breaks in time, reminders that were answered, and sitting; nothing if too few weeks are known."""
    if len(found.known) < 2 * FEWEST_WEEKS:
        return ()
    in_time, answered, sitting = found.in_time, found.answered, found.sitting
    broken_off = f"broken off within {IN_TIME_MINUTES} min after {found.limit_minutes} min"
    return (
        HalfLines(broken_off, _shares(in_time), _difference(in_time, 100, "points"), _word(in_time)),
        HalfLines("reminders answered", _shares(answered), _difference(answered, 100, "points"), _word(answered)),
        HalfLines(
            f"sitting in {_DAY}",
            f"{_day_of(sitting.earlier)}, then {_day_of(sitting.later)}",
            _difference(sitting, DAY_AWAKE_MINUTES, "min"),
            _word(sitting),
        ),
    )


def week_rows(found: Weeks) -> Iterator[Sequence[str]]:
    """Each known week, in order, with a cell for each of `HEADS`."""
    for week in found.known:
        yield (f"{week.first.day} {week.first:%b %Y}", _of(week.in_time), _of(week.answered), _day_of(week.sitting))


def _day_of(sitting: Share) -> str:
    return "no data" if sitting.value is None else length(round(sitting.value * DAY_AWAKE_MINUTES))


def _of(share: Share) -> str:
    return f"{share.hits} of {share.of}" if share.of else "-"


def _shares(found: Halves) -> str:
    return f"{_share(found.earlier)}, then {_share(found.later)}"


def _share(share: Share) -> str:
    return "no data" if share.value is None else f"{round(share.value * 100)} % of {share.of:,}"


def _difference(found: Halves, scale: int, unit: str) -> str:
    if found.apart is None:
        return ""
    value, low, high = (f"{round(each * scale) or 0:+d}" for each in (found.apart.value, *found.apart.interval()))
    return f"{value} {unit} (95 % interval: {low} to {high})"


def _word(found: Halves) -> str:
    match says(found):
        case Says.HIGHER:
            return "more in the later weeks: a difference like this is hardly chance"
        case Says.LOWER:
            return "less in the later weeks: a difference like this is hardly chance"
        case Says.NOTHING_YET if found.apart is None:
            return f"no difference can be seen yet: {FEWEST_WEEKS} weeks of each half must have any"
        case Says.NOTHING_YET:
            return "no difference can be seen yet: it can be chance"

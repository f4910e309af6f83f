"""Steps that are known only as a total over a longer time, and the day for which they count.

They come from epochs of hours, and from a counter that was not read for long. A finer source may have reported some of
the same steps minute by minute, so those are subtracted first. See docs/rule.md, "Coarse and mixed data". Minutes are
whole minutes of UTC, counted from 1970. This module knows no timeline, only its steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class UnplacedSteps(NamedTuple):
    """Steps known only as a total over `[start, end)`, in minutes; they count for the day of `minute`.

    Steps that a finer source reports in that range are subtracted first.
    """

    start: int
    end: int
    minute: int
    steps: int
    gap: bool = False
    """Whether a counter grew by these steps between two readings; else they come from a coarse epoch."""


def clusters(unplaced: Sequence[UnplacedSteps]) -> list[tuple[int, int]]:
    """The ranges `[start, end)` of minutes, in order, that the totals cover, joined where they overlap.

    So nothing in one range depends on anything in another.
    """
    found: list[tuple[int, int]] = []
    for start, end in sorted((each.start, max(each.end, each.start + 1)) for each in unplaced):
        if found and start < found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found


def settled(unplaced: Sequence[UnplacedSteps], placed: Sequence[int], first: int) -> list[tuple[int, int]]:
    """Pairs of (minute, steps) for the totals whose minute lies in the timeline, without what `placed` has already.

    `placed` are the steps of each minute from the minute `first` on, as finer sources reported them.

    Gaps of counters come before coarse epochs. In each group the shortest come first; of two equally long ones, the one
    with more steps, so that two bands do not double an hour. An epoch that overlaps a gap shares some steps with it,
    but nobody knows how many. So each step of the gap is attributed to at most one epoch, and those left over count
    where the gap ends.
    """
    last = first + len(placed)
    found: list[tuple[int, int]] = []
    taken: list[UnplacedSteps] = []
    gaps: list[tuple[UnplacedSteps, list[int]]] = []  # each with its steps that are not yet attributed
    for each in sorted(unplaced, key=lambda each: (not each.gap, each.end - each.start, -each.steps)):
        start, end, minute, steps, gap = each
        inside = range(max(start, first) - first, max(min(end, last) - first, 0))
        steps -= sum(placed[at] for at in inside)
        steps -= sum(other.steps for other in taken if other.gap == gap and start <= other.start < other.end <= end)
        if steps <= 0 or not first <= minute < last:
            continue
        taken.append(each._replace(steps=steps))
        if gap:
            gaps.append((each, [steps]))
            continue
        found.append((minute, steps))
        for other, left in gaps:
            if start < max(other.end, other.start + 1) and other.start < end:
                shared = min(steps, left[0])
                steps, left[0] = steps - shared, left[0] - shared
    return found + [(gap.minute, left[0]) for gap, left in gaps if left[0]]

"""Stray steps of somebody who types end no stretch: hipsync's stretches against those that the text gives."""

from __future__ import annotations

import random

import pytest

from hipsync.core.bouts import Rule, bouts
from hipsync.core.timeline import Source, minute_of
from hipsync.model import MINUTE, Epoch
from support.builders import MONDAY
from support.builders import line as line_of


def found(steps: list[int | None], used: set[int]) -> list[tuple[int, int]]:
    """The stretches `[start, end)` that hipsync finds, in minutes from Monday; None is a missing minute."""
    epochs = [Epoch(MONDAY + at * MINUTE, MINUTE, count) for at, count in enumerate(steps) if count is not None]
    line = line_of(Source(epochs), size=len(steps))
    line = line._replace(used=bytes(at in used for at in range(len(steps))))
    first = minute_of(MONDAY)
    return [(minute_of(each.start) - first, minute_of(each.end) - first) for each in bouts(line, Rule()).stretches]


def window(steps: list[int | None], t: int, length: int) -> list[int]:
    """The steps of the minutes up to t, as many as `length`, as far as no missing minute lies between."""
    counts: list[int] = []
    for at in range(t, max(t - length, -1), -1):
        if (count := steps[at]) is None:
            break
        counts.append(count)
    return counts


def brk(steps: list[int | None], used: set[int], t: int) -> bool:
    count = steps[t]
    if not count:
        return False
    if count < 20 and t >= 4 and all(at in used for at in (t - 4, t - 3, t - 2, t - 1, t)):
        return False
    return sum(window(steps, t, 5)) >= 20 or sum(each >= 1 for each in window(steps, t, 15)) >= 3


def by_the_text(steps: list[int | None], used: set[int]) -> list[tuple[int, int]]:
    """The same, read off docs/rule.md ("Written out") minute by minute."""
    stretches: list[tuple[int, int]] = []
    start = end = missing = 0
    for t, count in enumerate(steps):
        missing = missing + 1 if count is None else 0
        if end and (missing == 11 or (count is not None and brk(steps, used, t))):
            stretches.append((start, end))
            end = 0
        elif count is not None and not brk(steps, used, t):
            start, end = (start if end else t), t + 1
    return [*stretches, (start, end)] if end else stretches


def life(chance: random.Random) -> tuple[list[int | None], set[int]]:
    """Some hours in which somebody sits, fidgets, walks, takes the band off and uses the computer at times."""
    steps: list[int | None] = []
    while len(steps) < 600:
        kind, length = chance.choice(["sit", "fidget", "fidget", "walk", "gap"]), chance.randrange(1, 25)
        for _ in range(length):
            fidget = chance.choice([0, 0, 0, 2, 7, 15, 19, 20, 21])
            steps.append({"sit": 0, "fidget": fidget, "walk": chance.randrange(20, 120), "gap": None}[kind])
    used: set[int] = set()
    at = 0
    while at < len(steps):
        length = chance.randrange(1, 60)
        if chance.random() < 0.6:
            used.update(range(at, min(at + length, len(steps))))
        at += length
    return steps, used


@pytest.mark.parametrize("seed", range(60))
def test_the_stretches_are_those_of_the_text(seed: int) -> None:
    steps, used = life(random.Random(seed))
    assert found(steps, used) == by_the_text(steps, used)
    assert found(steps, set()) == by_the_text(steps, set())
    assert found(steps, used) != found(steps, set()), "typing changed nothing: the life is too dull to try it"


DESK = set(range(1000))
STRAY: list[int | None] = [90, *([0] * 20), 6, 9, 19, *([0] * 20)]


@pytest.mark.parametrize(
    ("used", "stretches"),
    [
        (DESK, [(1, 44)]),
        (set[int](), [(1, 23), (24, 44)]),
        (DESK - {23}, [(1, 23), (24, 44)]),
        (DESK - {19}, [(1, 23), (24, 44)]),
        (DESK - {18}, [(1, 44)]),
    ],
)
def test_by_hand(used: set[int], stretches: list[tuple[int, int]]) -> None:
    assert found(STRAY, used) == stretches


def test_twenty_steps_are_never_waived_and_nineteen_are() -> None:
    for count, stretches in ((19, [(0, 60)]), (20, [(0, 30), (31, 60)])):
        steps: list[int | None] = [0] * 60
        steps[30] = count
        steps[29] = 1
        assert found(steps, DESK) == stretches

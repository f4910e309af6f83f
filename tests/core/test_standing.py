""" "I was standing" ends a stretch for prompts: every prompt of made-up days, found again by counting on paper."""

from __future__ import annotations

import random
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from hipsync.core.bouts import Rule, bouts
from hipsync.core.days import Zones
from hipsync.core.policy import Policy
from hipsync.core.prompting import Due, Quiet, Reason, verdict
from hipsync.core.timeline import Source, minute_of, timeline
from hipsync.model import MINUTE, Answer, Epoch, Prompt, State
from support.builders import MONDAY

RULE, POLICY, ZONES = Rule(moves=0), Policy(), Zones([], "UTC")
WAIT = 3
"""Minutes after a prompt at which it is answered."""


def lived(steps: list[int], answers: list[Answer]) -> list[int]:
    """The minutes, counted from Monday, at which hipsync prompts; each prompt gets the next answer, `WAIT` later."""
    epochs = [Epoch(MONDAY + at * MINUTE, MINUTE, count, state=State.SITTING) for at, count in enumerate(steps)]
    prompts: list[Prompt] = []
    for now in range(1, len(steps) + 1):
        at = MONDAY + now * MINUTE
        line = timeline([Source(epochs[:now], reports_wear=True)], minute_of(MONDAY), minute_of(at), ZoneInfo("UTC"))
        if isinstance(due := verdict(line, bouts(line, RULE), prompts, POLICY, ZONES, at), Due):
            said = answers[len(prompts)]
            prompts.append(Prompt(at, due.due, "hip-extension", True, answer=said, answered_at=at + WAIT * MINUTE))
    return [int((prompt.at - MONDAY) / MINUTE) for prompt in prompts]


def counted(steps: list[int], answers: list[Answer]) -> list[int]:
    """The same by counting: 60 still minutes in a row, from 0 again after a walk and after an answer "standing"."""
    age, asked, found = 0, False, list[int]()
    stood: set[int] = set()
    for minute, count in enumerate(steps):
        if count or minute in stood:
            age, asked = 0, False
        else:
            age += 1
        if age >= 60 and not asked:
            asked = True
            if answers[len(found)] is Answer.STANDING:
                stood.add(minute + 1 + WAIT)
            found.append(minute + 1)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_every_prompt_is_the_one_that_counting_finds(seed: int) -> None:
    chance = random.Random(seed)
    steps: list[int] = []
    while len(steps) < 420:
        steps += [0] * chance.randrange(20, 200) + [90]
    answers = [Answer.STANDING if chance.random() < 0.7 else Answer.SKIPPED for _ in steps]
    expected = counted(steps, answers)
    assert len(expected) > 2
    assert Answer.STANDING in answers[: len(expected)]
    assert lived(steps, answers) == expected


def test_the_minute_after_the_answer_counts_first_and_the_answer_ends_no_stretch_of_the_day() -> None:
    steps = [90] + [0] * 150
    epochs = [Epoch(MONDAY + at * MINUTE, MINUTE, count) for at, count in enumerate(steps)]
    asked = MONDAY + 61 * MINUTE
    stood = Prompt(asked, asked, "x", True, answer=Answer.STANDING, answered_at=asked + timedelta(seconds=90))
    for known in (62, 63, 70):  # before, at and after the first minute that counts
        line = timeline([Source(epochs)], minute_of(MONDAY), minute_of(MONDAY) + known, ZoneInfo("UTC"))
        found = bouts(line, RULE)
        assert len(found.stretches) == 1
        judged = verdict(line, found, [stood], POLICY, ZONES, MONDAY + known * MINUTE)
        assert judged == Quiet(Reason.SITTING, MONDAY + (62 + 1 + 60) * MINUTE)


def test_what_a_clock_that_was_ahead_stamped_on_an_answer_ends_nothing_now() -> None:
    epochs = [Epoch(MONDAY + at * MINUTE, MINUTE, 0 if at else 90, heart_rate=70) for at in range(62)]
    line = timeline([Source(epochs)], minute_of(MONDAY), minute_of(MONDAY) + 62, ZoneInfo("UTC"))
    asked = MONDAY - timedelta(hours=3)
    ahead = Prompt(asked, asked, "x", True, answer=Answer.STANDING, answered_at=MONDAY + timedelta(hours=5))
    assert isinstance(verdict(line, bouts(line, RULE), [ahead], POLICY, ZONES, MONDAY + 62 * MINUTE), Due)

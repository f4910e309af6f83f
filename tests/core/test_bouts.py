"""The sitting rule: thirty cases that somebody else wrote down, and what they leave out."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from hipsync.core.bouts import Rule, bouts, reached, usual_minutes
from hipsync.core.timeline import Source, minute_of, zero_runs
from hipsync.model import EndedBy
from support import shared
from support.builders import MONDAY, day, line, minutes, slots

CASES: list[dict[str, Any]] = json.loads((shared.VECTORS / "sitting-rule.json").read_text("utf-8"))["cases"]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_case_of_the_sitting_rule(case: dict[str, Any]) -> None:
    width = case.get("width", 1)
    epochs = slots(case["slots"], width) if width > 1 else minutes(case["steps"])
    size = len(case["slots"]) * width if width > 1 else len(case["steps"])
    time = line(Source(epochs), size=size)
    found = bouts(time, Rule())
    prompts = [(minute_of(s.due) - time.first) // width - 1 for s in found.stretches if s.due]
    every = case.get("options", {}).get("repeat_every")
    if every:
        stretch = found.stretches[0]
        again = reached(time, stretch, stretch.start, 60 + every)
        assert again is not None
        prompts.append(again)
    if width > 1:
        assert prompts == case["prompts"]
        return
    assert prompts == [prompt["index"] for prompt in case["prompts"]]
    sure = ["high" if s.sure else "medium" for s in found.stretches if s.due]
    assert sure == [prompt["confidence"] for prompt in case["prompts"]][: len(sure)]
    assert [(minute_of(s.start) - time.first, s.minutes) for s in found.stretches] == [
        (s["start"], s["minutes"]) for s in case["stretches"]
    ]
    assert found.age == case["last_age"]
    zero = [end - start for start, end in zero_runs(time) if end - start >= 8]
    assert sum(zero) == case["sitting_minutes"]


def test_a_stretch_ends_where_its_last_counted_minute_ends() -> None:
    found = bouts(line(Source(day("30m sit, 5m gap, 10m off, 20m sit")), size=65), Rule())
    first, second = found.stretches
    assert (first.start, first.end) == (MONDAY, MONDAY + timedelta(minutes=30))
    assert first.ended_by is EndedBy.NOT_WORN
    assert (second.minutes, second.ended_by) == (20, None)


def test_sleep_ends_a_stretch_at_once() -> None:
    found = bouts(line(Source(day("30m sit, 1h sleep, 10m sit")), size=100), Rule())
    assert [(s.minutes, s.ended_by) for s in found.stretches] == [(30, EndedBy.ASLEEP), (10, None)]


def test_a_break_is_the_whole_walk_after_eight_minutes_or_more() -> None:
    found = bouts(line(Source(day("7m sit, 2m walk, 8m sit, 3m walk 30, 5m sit")), size=25), Rule())
    (only,) = found.breaks
    assert (only.start, only.end) == (MONDAY + timedelta(minutes=17), MONDAY + timedelta(minutes=20))
    assert only.steps == 90


def test_a_break_at_the_end_of_the_line_is_kept() -> None:
    found = bouts(line(Source(day("20m sit, 3m walk")), size=23), Rule())
    assert [b.steps for b in found.breaks] == [270]


def test_standing_ends_a_stretch_only_where_posture_is_trusted() -> None:
    time = line(Source(day("20m sit, 1m stand, 20m sit, 2m stand, 20m sit")), size=63)
    assert [s.minutes for s in bouts(time, Rule()).stretches] == [63]
    trusting = bouts(time, Rule(trust_posture=True)).stretches
    assert [(s.minutes, s.ended_by) for s in trusting] == [(42, EndedBy.STANDING), (20, None)]


def test_moves_can_be_switched_off() -> None:
    steps = [0] * 20 + [3, 0, 3, 0, 3] + [0] * 20
    assert len(bouts(line(Source(minutes(steps)), size=45), Rule()).stretches) == 2
    assert len(bouts(line(Source(minutes(steps)), size=45), Rule(moves=0)).stretches) == 1


def test_half_a_doubtful_stretch_is_doubtful() -> None:
    nine = MONDAY + timedelta(hours=9)  # at night 90 minutes are enough
    lonely = bouts(line(Source(day("100m sit, 1m walk 3, 200m sit", nine)), size=301, start=nine), Rule()).stretches
    assert [s.doubtful for s in lonely] == [True]
    vouched = bouts(
        line(Source(day("100m sit, 1m walk 3, 200m sit", nine), vouches=True), size=301, start=nine), Rule()
    ).stretches
    assert [s.doubtful for s in vouched] == [False]
    mostly = bouts(
        line(Source(day("170m sit, 1m walk 3, 170m sit, 1m walk 3, 179m sit", nine)), size=521, start=nine), Rule()
    ).stretches
    assert [s.doubtful for s in mostly] == [False]


def test_minutes_and_slots_make_one_stretch() -> None:
    epochs = [*day("30m sit"), *slots([0, 5, 0, 25], 15, MONDAY + timedelta(minutes=30))]
    (stretch,) = bouts(line(Source(epochs), size=90), Rule()).stretches
    assert (stretch.minutes, stretch.ended_by) == (75, EndedBy.MOVING)
    assert stretch.due == MONDAY + timedelta(minutes=60)


def test_a_prompt_within_a_slot_waits_for_its_end() -> None:
    epochs = [*day("50m sit"), *slots([0, 0], 15, MONDAY + timedelta(minutes=50))]
    (stretch,) = bouts(line(Source(epochs), size=80), Rule()).stretches
    assert stretch.due == MONDAY + timedelta(minutes=65)


def test_the_usual_stretch_holds_half_of_the_time() -> None:
    assert usual_minutes([10, 10, 10, 10, 60]) == 60
    assert usual_minutes([10, 20, 30]) == 20
    assert usual_minutes([]) is None

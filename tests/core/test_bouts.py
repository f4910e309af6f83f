"""The sitting rule: cases that were written down from its text, and what they leave out."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from hipsync import model
from hipsync.core.bouts import Rule, bouts, reached, usual_minutes
from hipsync.core.summary import KINDS, kinds_of
from hipsync.core.timeline import SLOT_END, Source, minute_of
from hipsync.model import MINUTE, EndedBy, Epoch, Kind, Posture, State
from support import rule_cases
from support.builders import MONDAY, day, line, minutes, slots

CASES = rule_cases.cases()


def epochs_of(case: rule_cases.Case) -> list[Epoch]:
    return [
        Epoch(
            MONDAY + at * MINUTE,
            MINUTE,
            minute.steps,
            heart_rate=70 if minute.beats else None,
            state=State(minute.state) if minute.state else None,
            posture=Posture(minute.posture) if minute.posture else None,
        )
        for at, minute in enumerate(rule_cases.minutes_of(case))
        if minute is not None
    ]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_case_of_the_sitting_rule(case: rule_cases.Case) -> None:
    width = case.get("width", 1)
    epochs = slots(case["slots"], width) if width > 1 else epochs_of(case)
    size = len(case["slots"]) * width if width > 1 else len(case["steps"])
    time = line(Source(epochs, vouches=rule_cases.vouches(case)), size=size)
    trust = rule_cases.trusts(case)
    found = bouts(time, Rule(trust_posture=trust))
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
    kinds = Counter(KINDS[kind].value for kind in kinds_of(time, trust_posture=trust))
    assert kinds["sitting"] == case["sitting_minutes"]
    assert kinds == case.get("kinds", kinds)


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


def test_getting_up_is_a_break_where_posture_is_trusted() -> None:
    """It lasts while they stand and walk on: of 3 minutes standing the first is the stretch's; then they walk."""
    time = line(Source(day("20m sit, 3m stand, 2m walk, 5m sit, 2m stand, 1m sit")), size=33)
    (only,) = bouts(time, Rule(trust_posture=True)).breaks
    assert (only.start, only.end, only.steps) == (MONDAY + 21 * MINUTE, MONDAY + 25 * MINUTE, 180)


@pytest.mark.parametrize(("state", "minutes"), [(State.STANDING, [21, 9]), (State.SITTING, [31])])
def test_the_posture_may_come_from_another_band_than_the_steps(state: State, minutes: list[int]) -> None:
    wrist = [Epoch(MONDAY + at * MINUTE, MINUTE, 5) for at in range(31)]
    thigh = [Epoch(MONDAY + at * MINUTE, MINUTE, 0, state=State.SITTING) for at in range(31)]
    thigh[20:22] = [epoch._replace(state=state) for epoch in thigh[20:22]]
    for sources in ((Source(wrist), Source(thigh)), (Source(thigh), Source(wrist))):
        found = bouts(line(*sources, size=31), Rule(trust_posture=True, moves=0, break_steps=200))
        assert [s.minutes for s in found.stretches] == minutes


def test_a_sensor_on_the_thigh_waives_what_the_wrist_counted() -> None:
    wrist = Source([Epoch(MONDAY + at * MINUTE, MINUTE, 40 * (at == 10)) for at in range(20)])
    thigh = Source([Epoch(MONDAY + at * MINUTE, MINUTE, 0, state=State.SITTING) for at in range(20)])
    for sources in ((wrist, thigh), (thigh, wrist)):
        time = line(*sources, size=20)
        assert [s.minutes for s in bouts(time, Rule(trust_posture=True)).stretches] == [20]
        assert [s.minutes for s in bouts(time, Rule()).stretches] == [10, 9]


def test_of_bands_that_contradict_each_other_the_length_of_stillness_decides() -> None:
    sits = [Epoch(MONDAY + at * MINUTE, MINUTE, 0, state=State.SITTING) for at in range(8)]
    walks = [epoch._replace(state=State.WALKING) for epoch in sits]
    for size, kind in ((8, Kind.SITTING), (7, Kind.UP)):
        time = line(Source(sits[:size]), Source(walks[:size]), size=size)
        assert {KINDS[each] for each in kinds_of(time, trust_posture=True)} == {kind}


def test_bands_that_contradict_each_other_tell_no_posture() -> None:
    """Neither ends the stretch by standing, nor waives the 40 steps."""
    sits = [Epoch(MONDAY + at * MINUTE, MINUTE, 40 * (at == 30), state=State.SITTING) for at in range(50)]
    stands = [epoch._replace(steps=0, state=State.STANDING) for epoch in sits]
    found = bouts(line(Source(sits), Source(stands), size=50), Rule(trust_posture=True))
    assert [(s.minutes, s.ended_by) for s in found.stretches] == [(30, EndedBy.MOVING), (19, None)]


def test_a_slot_is_moving_whatever_the_posture() -> None:
    sits = [epoch._replace(state=State.SITTING) for epoch in slots([0, 40, 0], 10)]
    found = bouts(line(Source(sits), size=30), Rule(trust_posture=True))
    assert [(s.minutes, s.ended_by) for s in found.stretches] == [(10, EndedBy.MOVING), (10, None)]


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


def test_a_short_slot_of_a_counter_is_complete_before_a_prompt_is_due() -> None:
    """Readings a little over five minutes apart make slots of five or six minutes."""
    counters = [model.Counter(MONDAY + timedelta(seconds=310 * number), 100) for number in range(20)]
    time = line(Source([], counters), size=100)
    (stretch,) = bouts(time, Rule(limit_minutes=11)).stretches
    assert stretch.due is not None
    assert time.flags[minute_of(stretch.due) - time.first - 1] & SLOT_END

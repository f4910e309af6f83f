"""Any minutes, judged by columns, against the second calculation, which looks at them one by one."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipsync.core.bouts import Rule, bouts
from hipsync.core.summary import KINDS, kinds_of
from hipsync.core.timeline import Source, instant_of, minute_of
from hipsync.model import MINUTE, Desk, Epoch, Posture, State
from support import independent
from support.builders import MONDAY, line


class Part(NamedTuple):
    """So many minutes in a row that are alike; without steps they are missing."""

    size: int
    steps: int | None
    state: State | None
    posture: Posture | None


PARTS = st.builds(
    Part,
    st.one_of(st.integers(1, 4), st.integers(1, 16), st.sampled_from([59, 60, 61])),
    st.one_of(st.sampled_from([0, 0, 0, None]), st.integers(0, 30)),
    st.one_of(st.none(), st.none(), st.sampled_from(list(State))),
    st.one_of(st.none(), st.none(), st.sampled_from(list(Posture))),
)
LIVES = st.lists(PARTS, min_size=1, max_size=25).filter(lambda parts: any(part.steps is not None for part in parts))
RULES = st.one_of(
    st.just(Rule()),
    st.builds(
        Rule,
        limit_minutes=st.sampled_from([1, 8, 30, 60]),
        break_steps=st.integers(1, 40),
        break_window_minutes=st.integers(1, 9),
        moves=st.integers(0, 5),
        move_window_minutes=st.integers(1, 20),
        bridge_minutes=st.just(10),
        trust_posture=st.booleans(),
        desk=st.just(Desk.SITTING),
    ),
)


def agrees(life: list[Part], rule: Rule) -> None:
    epochs: list[Epoch] = []
    at = MONDAY
    for part in life:
        for _ in range(part.size):
            if part.steps is not None:
                epochs.append(Epoch(at, MINUTE, part.steps, state=part.state, posture=part.posture))
            at += MINUTE
    trusts = rule.trust_posture
    theirs = independent.Line(
        {each.start: (each.steps, None if each.state is None else each.state.value) for each in epochs},
        epochs[-1].end,
        independent.Rule(
            rule.limit_minutes, rule.break_steps, rule.break_window_minutes, rule.moves, rule.move_window_minutes,
            None, trusts, trusts, trusts,
        ),
        vouches=True,
        postures={each.start: each.posture.value for each in epochs if each.posture is not None},
    )  # fmt: skip
    first = minute_of(theirs.origin)
    ours = line(Source(epochs, vouches=True), size=minute_of(epochs[-1].end) - first, start=theirs.origin)
    found, expected = bouts(ours, rule), theirs.stretches()
    assert [KINDS[kind] for kind in kinds_of(ours, trust_posture=trusts)] == [
        theirs.kind(instant_of(first + place)) for place in range(len(ours.code))
    ]
    assert [
        (minute_of(each.start) - first, minute_of(each.end) - first, each.minutes, each.ended_by)
        for each in found.stretches
    ] == [(each.first, each.end, each.minutes, each.ended_by) for each in expected]
    assert found.age == theirs.ages[-1]
    assert [minute_of(each.start) - first for each in found.breaks] == [
        each.ended_at for each in expected if each.ended_by in {"moving", "standing"} and each.minutes >= 8
    ]
    assert [(minute_of(each.due) - first - 1, each.sure) for each in found.stretches if each.due is not None] == [
        (each.minute, each.sure == "high") for each in theirs.prompts()
    ]


@settings(max_examples=150)
@given(LIVES, RULES)
def test_any_minutes_agree_with_the_second_calculation(life: list[Part], rule: Rule) -> None:
    agrees(life, rule)


@pytest.mark.long
@settings(max_examples=10_000)
@given(LIVES, RULES)
def test_ten_thousand_times_any_minutes_agree_with_the_second_calculation(life: list[Part], rule: Rule) -> None:
    agrees(life, rule)

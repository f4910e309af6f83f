"""What a minute is by one answer: judged again from when input really came, by made-up hours at a computer."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from hipsync.host.presence.seen import Answer, Seen, presence
from hipsync.model import Presence
from support.builders import MONDAY

START = MONDAY + timedelta(hours=9)


def answer(second: float, seen: Seen, *, passed: float | None = None) -> Answer:
    return Answer(START + timedelta(seconds=second), second if passed is None else passed, seen)


@pytest.mark.parametrize("seed", range(20))
def test_used_is_input_in_that_minute_and_nothing_else_is(seed: int) -> None:
    chance = random.Random(seed)
    inputs = sorted(chance.uniform(0, 3600) for _ in range(chance.choice([3, 20, 200])))
    last: Answer | None = None
    for minute in range(60):
        asked = minute * 60 + chance.uniform(54, 59.9)
        before = [at for at in inputs if at <= asked]
        seen = Seen(idle_s=asked - before[-1] if before else 10_000.0, locked=False)
        now = answer(asked, seen)
        found, last = presence(last, now), now
        if minute == 0:
            assert found is None, "nobody watched it from its beginning"
        else:
            used = any(minute * 60 <= at <= asked for at in inputs)
            assert found is (Presence.USED if used else Presence.IDLE)


@pytest.mark.parametrize(
    ("seen", "found"),
    [
        (Seen(), None),
        (Seen(locked=False), None),
        (Seen(idle=False), None),
        (Seen(idle=True), Presence.IDLE),
        (Seen(idle_s=0, locked=True), Presence.LOCKED),
        (Seen(locked=True), Presence.LOCKED),
        (Seen(idle_s=57.0), Presence.USED),
        (Seen(idle_s=57.01), Presence.IDLE),
        (Seen(idle_s=3, idle=True), Presence.USED),
    ],
)
def test_what_is_not_known_is_not_idle(seen: Seen, found: Presence | None) -> None:
    assert presence(answer(57, Seen()), answer(117, seen)) is found


def test_a_minute_that_was_not_seen_to_its_end_or_from_its_beginning_is_unknown() -> None:
    used = Seen(idle_s=1)
    assert presence(answer(57, used), answer(117, used)) is Presence.USED
    assert presence(None, answer(117, used)) is None
    assert presence(answer(57, used), answer(113.9, used)) is None, "five seconds more of it are to come"
    assert presence(answer(57, used), answer(121, used)) is None, "it is late, in the next minute"


def test_after_a_sleep_of_the_computer_or_a_step_of_its_clock_a_minute_is_unknown() -> None:
    used = Seen(idle_s=1)
    assert presence(answer(57, used), answer(177, used)) is None, "it slept for a minute, or hung"
    hour = 3600
    for wall, passed in ((117 + hour, 117), (117 - hour, 117), (117, 117 + hour)):
        assert presence(answer(57, used), answer(wall, used, passed=passed)) is None
    assert presence(answer(57, used), answer(117, used, passed=119)) is Presence.USED

"""What is known up to the end of the data is what bouts say of a timeline that ends there."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.test_any_minutes import LIVES, RULES, Part
from hipsync.core.bouts import Rule, bouts
from hipsync.core.timeline import Source
from hipsync.history.past import Past
from hipsync.model import MINUTE, Epoch
from hipsync.service.state import until_known
from support.builders import MONDAY, line

SAT = [Part(61, 0, None, None)]


@settings(max_examples=300)
@given(LIVES, RULES, st.integers(0, 12), st.integers(0, 30))
@example(SAT, Rule(), 10, 10)
@example(SAT, Rule(), 10, 11)
@example([*SAT, Part(1, 30, None, None)], Rule(), 10, 11)
def test_the_past_until_its_data_end_is_that_of_a_shorter_timeline(
    life: list[Part], rule: Rule, bridge: int, missing: int
) -> None:
    rule, size = rule._replace(bridge_minutes=bridge), sum(part.size for part in life)
    starts = [MONDAY + sum(part.size for part in life[:at]) * MINUTE for at in range(len(life))]
    epochs = [
        Epoch(start + at * MINUTE, MINUTE, part.steps, state=part.state, posture=part.posture)
        for start, part in zip(starts, life, strict=True)
        if part.steps is not None
        for at in range(part.size)
    ]
    whole = line(Source(epochs, vouches=True), size=size + missing, start=MONDAY)
    past = Past(whole, bouts(whole, rule), whole.first)
    end = whole.known_until()
    assert end is not None
    known = until_known(past)
    assert known.line == whole.until(end)
    assert known.found == bouts(known.line, rule)

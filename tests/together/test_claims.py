"""Who speaks: the first whose claim the broker passes on, for a while, and never a stranger for ever."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipsync.model import Occasion
from hipsync.together.claims import ANEW_S, HOLDS_S, Claim, Claims, claim_message, claim_of

DESK, LAPTOP = Claim("desk", "a", Occasion.SITTING), Claim("laptop", "b", Occasion.SITTING)
SITTING = Occasion.SITTING


def test_a_claim_comes_as_it_was_sent() -> None:
    assert claim_of(claim_message(DESK, 1_772_000_000)) == DESK


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"\xff\x00", b"[]", b"{}", b"null", b"[" * 200, b'{"host": "desk", "run": "a", "occasion": "dancing"}',
        b'{"host": "../desk", "run": "a", "occasion": "sitting"}', b'{"host": "", "run": "a", "occasion": "sitting"}',
        b'{"host": ["desk"], "run": "a", "occasion": "sitting"}', b'{"host": "desk", "run": 1, "occasion": "sitting"}',
        json.dumps({"host": "desk", "run": "a" * 300, "occasion": "sitting"}).encode(),
    ],
)  # fmt: skip
def test_what_is_no_claim_is_none(payload: bytes) -> None:
    assert claim_of(payload) is None


@given(st.binary(max_size=400))
def test_no_bytes_raise_anything(payload: bytes) -> None:
    claim_of(payload)


def test_the_first_holds_for_its_occasion_whatever_comes_after_it() -> None:
    claims = Claims()
    claims.heard(DESK, 100)
    claims.heard(LAPTOP, 100.1)
    assert claims.holder(SITTING, 100 + HOLDS_S - 0.1) == DESK
    assert claims.holder(Occasion.MORNING, 101) is None
    assert claims.holder(SITTING, 100 + HOLDS_S) is None
    claims.heard(LAPTOP, 100 + HOLDS_S)
    assert claims.holder(SITTING, 100 + HOLDS_S) == LAPTOP


def test_another_program_by_the_same_name_is_not_the_same() -> None:
    claims = Claims()
    claims.heard(DESK._replace(run="other"), 0)
    assert claims.holder(SITTING, 0) != DESK


def test_who_lost_and_hears_nothing_of_a_prompt_speaks_after_a_while_whoever_goes_on_claiming() -> None:
    claims = Claims()
    for second in range(int(HOLDS_S)):
        claims.heard(LAPTOP, second)  # a stranger who claims each second
        assert not claims.waited_in_vain(SITTING, second)
        claims.lose(SITTING, second)
    assert claims.waited_in_vain(SITTING, HOLDS_S)
    claims.speak(SITTING)
    assert not claims.waited_in_vain(SITTING, HOLDS_S + 1)


def test_what_is_due_much_later_is_another_reminder_and_is_waited_for_anew() -> None:
    claims = Claims()
    claims.lose(SITTING, 0)
    assert not claims.waited_in_vain(SITTING, ANEW_S)
    claims.lose(SITTING, ANEW_S)
    assert not claims.waited_in_vain(SITTING, ANEW_S + HOLDS_S - 1)
    assert claims.waited_in_vain(SITTING, ANEW_S + HOLDS_S)

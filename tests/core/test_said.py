"""The byte that holds what a band said of a minute, for each thing that a band can say."""

from __future__ import annotations

from itertools import product

import pytest

from hipsync.core.said import HAS_PULSE, IS_TOLD, IS_WORD, LACKS_PULSE, by_said
from hipsync.model import NOT_TOLD, POSTURES, STATES, Posture, State, said


@pytest.mark.parametrize(("state", "posture", "pulse"), [*product([None, *State], [None, *Posture], [None, 0, 61])])
def test_state_posture_and_pulse_come_back(state: State | None, posture: Posture | None, pulse: int | None) -> None:
    byte = bytes([said(state, posture, pulse)])

    def asked(of_state: State | None, of_posture: Posture | None, of_pulse: bool) -> int:
        return 1 if (of_state, of_posture, of_pulse) == (state, posture, bool(pulse)) else 2

    assert byte.translate(by_said(asked)) == b"\1"
    worn = bool(pulse) or state not in {None, State.NOT_WORN, State.CHARGING}
    assert [byte.translate(each)[0] for each in (IS_TOLD, HAS_PULSE, LACKS_PULSE, IS_WORD)] == [
        1, bool(pulse), not pulse, worn,
    ]  # fmt: skip


def test_a_minute_of_which_nothing_is_told_is_nothing_else() -> None:
    bytes_of_words = {said(*word) for word in product(STATES, POSTURES, (None, 1))}
    assert len(bytes_of_words) == len(STATES) * len(POSTURES) * 2
    assert NOT_TOLD not in bytes_of_words
    assert {bytes([NOT_TOLD]).translate(each) for each in (IS_TOLD, HAS_PULSE, LACKS_PULSE, IS_WORD)} == {b"\0"}


def test_each_state_and_each_posture_has_a_code() -> None:
    assert set(STATES) == {None, *State}
    assert set(POSTURES) == {None, *Posture}

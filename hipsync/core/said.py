"""What a band said of each minute, asked of the whole column `MinuteEpochs.said` at once."""

from __future__ import annotations

from collections.abc import Callable

from hipsync.model import POSTURE_SHIFT, POSTURES, PULSE, STATES, Posture, State

OFF = frozenset({State.NOT_WORN, State.CHARGING})
"""What a band says while nobody wears it."""
WORDS = frozenset(State) - OFF
"""What a band says only while somebody wears it."""


def by_said(value_of: Callable[[State | None, Posture | None, bool], int]) -> bytes:
    """A table for `bytes.translate` of `MinuteEpochs.said`: a value for each state, posture and presence of a pulse.

    It has 0 for the minutes of which there is no epoch.
    """
    values = bytearray(256)
    for state, told in enumerate(STATES):
        for posture, held in enumerate(POSTURES):
            word = state | posture << POSTURE_SHIFT
            values[word], values[word | PULSE] = value_of(told, held, False), value_of(told, held, True)
    return bytes(values)


IS_TOLD = by_said(lambda _state, _posture, _pulse: True)
HAS_PULSE = by_said(lambda _state, _posture, pulse: pulse)
LACKS_PULSE = by_said(lambda _state, _posture, pulse: not pulse)
IS_WORD = by_said(lambda state, _posture, pulse: pulse or state in WORDS)
"""A word that somebody wears the band: a heart rate, or one of `WORDS`."""

"""When a band was worn: by its own words, and by its heart rates.

Minutes are whole minutes of UTC, counted from 1970. What is decided here is written in docs/rule.md, "Wear and doubtful
stillness". This module knows no timeline.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hipsync.core.columns import runs
from hipsync.core.said import HAS_PULSE, IS_WORD, LACKS_PULSE
from hipsync.model import MinuteEpochs

WORD_MINUTES = 30
"""How far a heart rate and a band's own word reach, where a band's minutes do not say whether it was worn.

A run of stillness is vouched for if one of them lies within so many minutes of each of its minutes. The word that it
was taken off is believed for so long, too."""
HEART_WINDOW_MINUTES, HEART_ENOUGH_MINUTES, HEART_GAP_MINUTES = 120, 96, 10
"""When a missing heart rate means that the band was taken off.

It does if there is none for more than 10 minutes, but there was one in at least 96 of the 120 minutes before.
"""

WALK_MINUTES, WALK_STEPS = 5, 20
"""A band that counts so many steps within so many minutes is on its wearer, even if it finds no heart rate."""

Change = tuple[int, bool]
"""A minute in which a band was put on (True) or taken off (False)."""


def unworn_minutes(
    minutes: MinuteEpochs, changes: Sequence[Change], last: int, *, reports_wear: bool
) -> frozenset[int]:
    """The minutes without a band, up to `last`, by what it says of wear or by its heart rates.

    `changes` are in order. `reports_wear` is whether the band's minutes say when it is not worn.
    """
    if reports_wear:
        return _taken_off(changes, last, last)
    return _unworn_by_heart(minutes) | _taken_off(changes, last, WORD_MINUTES)


def words_of(minutes: MinuteEpochs, changes: Sequence[Change]) -> list[tuple[int, int]]:
    """The times `[start, end)` of heart rates, and of a band's words that somebody wears it.

    Such words are that its wearer slept, sat, stood, walked, ran or rode, and that the band was put on.
    """
    told = [(minutes.first + start, minutes.first + end) for start, end in runs(minutes.said.translate(IS_WORD))]
    return told + [(minute, minute + 1) for minute, worn in changes if worn]


def heartless_since(minutes: MinuteEpochs, minute: int) -> int:
    """The first of the minutes without a heart rate that end just before `minute`, or `minute` if there are none.

    Only epochs of one minute are looked at, as where a missing heart rate shows that a band was taken off.
    """
    size = minute - minutes.first
    if not 0 < size <= len(minutes.said):
        return minute
    before = minutes.said[:size].translate(LACKS_PULSE)
    return minute - len(before) + len(before.rstrip(b"\1"))


def _taken_off(changes: Sequence[Change], last: int, reach: int) -> frozenset[int]:
    """Whole minutes between taking the band off and putting it on, `reach` of them at most.

    They go up to `last` if it was not put on again.
    """
    unworn: set[int] = set()
    for (minute, worn), (after, _) in pairwise([*changes, (last, True)]):
        if not worn:
            unworn.update(range(minute + 1, min(after, minute + 1 + reach)))
    return frozenset(unworn)


def _unworn_by_heart(minutes: MinuteEpochs) -> frozenset[int]:
    """The minutes in which a band was off, inferred from a heart rate that was nearly always there and then stopped.

    Minutes in which somebody walked are left out: see `_walked_minutes`.
    """
    pulses = minutes.said.translate(HAS_PULSE)
    if 1 not in pulses:
        return frozenset()
    unworn: set[int] = set()
    for start, end in runs(minutes.said.translate(LACKS_PULSE), HEART_GAP_MINUTES + 1):
        if pulses.count(1, max(start - HEART_WINDOW_MINUTES, 0), start) >= HEART_ENOUGH_MINUTES:
            unworn.update(range(minutes.first + start, minutes.first + end))
    return frozenset(unworn - _walked_minutes(minutes) if unworn else unworn)


def _walked_minutes(minutes: MinuteEpochs) -> set[int]:
    """The minutes of each walk: within `WALK_MINUTES` at least `WALK_STEPS`, from its first to its last step."""
    walked: set[int] = set()
    for at, stepped in enumerate(minutes.steps):
        window = minutes.steps[at : at + WALK_MINUTES] if stepped else ()
        if sum(window) >= WALK_STEPS:
            size = max(place for place, steps in enumerate(window, 1) if steps)
            walked.update(range(minutes.first + at, minutes.first + at + size))
    return walked

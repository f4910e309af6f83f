"""When prompts may come and how insistent they are: the user's wishes as values, by which `prompting` decides.

This module is separate from `prompting` because the settings contain a `Policy`. `hipsync today` reads the settings but
decides nothing, so it need not load `prompting`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time
from enum import StrEnum

Windows = Sequence[tuple[time, time]]
"""Pairs of local times `[from, to)` within one day."""
ALL_DAY: Windows = ((time.min, time.max),)


class Busy(StrEnum):
    """What keeps a notice from being welcome at a moment. The values are the words of `prompts.hold`."""

    CALL = "call"
    """A program listens to a microphone."""
    FULL_SCREEN = "full-screen"
    """The window in front fills the screen."""
    DO_NOT_DISTURB = "do-not-disturb"
    """The user had the desktop hold notices back."""


class BandText(StrEnum):
    """What a band shows while it vibrates for a prompt, if it can show text: the words of `prompts.band_text`."""

    NEUTRAL = "neutral"
    """That it is time to move, which tells nothing to others who see it."""
    EXERCISE = "exercise"
    """The name of what is to be done."""


@dataclass(frozen=True, slots=True)
class Policy:
    """When a prompt may be shown."""

    limit_minutes: int = 60
    """The age of a stretch at which its first prompt is due."""
    repeat_minutes: int | None = None
    """After this many more minutes of the same stretch there is another prompt; with None, there is one per stretch."""
    most_per_day: int | None = None
    """The most reminders of one day of the user's, for whatever occasion; None for no such limit."""
    early_minutes: int = 0
    """How many minutes before the limit the first prompt of a stretch may be shown, at a natural pause."""
    hold: Sequence[Busy] = tuple(Busy)
    """What holds a prompt back, all but its vibration."""
    hours: Mapping[int, Windows] = field(default_factory=lambda: dict.fromkeys(range(7), ALL_DAY))
    """When prompts are allowed, by weekday: Monday is 0."""
    lunch: Windows = ()
    """Local times without prompts on every day; a prompt for sitting that falls due then is dropped."""
    stronger: bool = True
    """Whether a prompt that was ignored is shown a second time, more strongly."""

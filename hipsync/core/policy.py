"""When prompts may come and how insistent they are: the user's wishes as values, by which `prompting` decides.

This module is separate from `prompting` because the settings contain a `Policy`. `hipsync today` reads the settings but
decides nothing, so it need not load `prompting`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time

Windows = Sequence[tuple[time, time]]
"""Pairs of local times `[from, to)` within one day."""
ALL_DAY: Windows = ((time.min, time.max),)


@dataclass(frozen=True, slots=True)
class Policy:
    """When a prompt may be shown."""

    limit_minutes: int = 60
    """The age of a stretch at which its first prompt is due."""
    repeat_minutes: int | None = None
    """After this many more minutes of the same stretch there is another prompt; with None, there is one per stretch."""
    most_per_day: int | None = None
    """The most reminders of one day of the user's, for whatever occasion; None for no such limit."""
    hours: Mapping[int, Windows] = field(default_factory=lambda: dict.fromkeys(range(7), ALL_DAY))
    """When prompts are allowed, by weekday: Monday is 0."""
    lunch: Windows = ()
    """Local times without prompts on every day; a prompt for sitting that falls due then is dropped."""
    stronger: bool = True
    """Whether a prompt that was ignored is shown a second time, more strongly."""

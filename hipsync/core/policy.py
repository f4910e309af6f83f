"""When prompts may come and how insistent they are: the user's wishes as values; `prompting` decides by them.

It stands apart from `prompting` because the settings hold it, and `hipsync today` reads those and decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time

Windows = Sequence[tuple[time, time]]
"""Local times `[from, to)` within one day."""
ALL_DAY: Windows = ((time.min, time.max),)


@dataclass(frozen=True, slots=True)
class Policy:
    """When a prompt may be shown."""

    limit_minutes: int = 60
    """The age of a stretch at which its first prompt is due."""
    repeat_minutes: int | None = None
    """After so many more minutes of the same stretch there is another prompt; None: there is one a stretch."""
    hours: Mapping[int, Windows] = field(default_factory=lambda: dict.fromkeys(range(7), ALL_DAY))
    """When prompts are allowed, by weekday: Monday is 0."""
    lunch: Windows = ()
    """Times without prompts on every day; what falls due then is dropped."""
    stronger: bool = True
    """Whether a prompt that was ignored is shown a second time, and more strongly."""

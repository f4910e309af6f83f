"""When prompts may come and how insistent they are: the user's wishes as values; `prompting` decides by them.

It stands apart from `prompting` because the settings hold it, and `hipsync today` reads those and decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time

Windows = Sequence[tuple[time, time]]
"""Local times `[from, to)` of one day."""
ALL_DAY: Windows = ((time.min, time.max),)


@dataclass(frozen=True, slots=True)
class Policy:
    """When to prompt. Lengths in minutes; `hours` by weekday, Monday 0."""

    limit: int = 60
    repeat: int | None = None
    hours: Mapping[int, Windows] = field(default_factory=lambda: dict.fromkeys(range(7), ALL_DAY))
    lunch: Windows = ()
    stronger: bool = True

"""The names of exercises as they stand within a sentence and in a list.

`status` and `today` import it, and most of their lines name no exercise: so the table of exercises is imported where a
name is looked up.
"""

from __future__ import annotations

from hipsync.model import Prompt


def exercise_name(prompt: Prompt) -> str:
    """The exercise of a reminder as it is named within a sentence, such as "standing hip circles"."""
    from hipsync.core.exercises import MOVES

    name = next((move.title for move in MOVES if move.name == prompt.exercise), prompt.exercise)
    return name[:1].lower() + name[1:]


def short_exercise_name(name: str) -> str:
    """The exercise that settings and the database call `name`, in at most 20 characters, for lists."""
    from hipsync.core.exercises import MOVES

    short = next((move.short for move in MOVES if move.name == name), name)
    return short[:1].lower() + short[1:]

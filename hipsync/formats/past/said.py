"""What one row of an export says about its wearer, by one source: the name of what measured it, as the file has it.

Instants are whole seconds since 1970-01-01 00:00 UTC, spans are half-open `[start_s, end_s)`.
"""

from __future__ import annotations

from typing import NamedTuple

from hipsync.model import WorkoutKind


class Walked(NamedTuple):
    """So many steps were made in a span of any length; 0 if the source says that none was."""

    source: str
    start_s: int
    end_s: int
    steps: int


class Beat(NamedTuple):
    """A heart rate at an instant, in beats a minute."""

    source: str
    at_s: int
    heart_rate: int


class Moved(NamedTuple):
    """How much the source was moved in the minute of an instant, on its own scale."""

    source: str
    at_s: int
    intensity: int


class Slept(NamedTuple):
    """The wearer slept in a span."""

    source: str
    start_s: int
    end_s: int


class Trained(NamedTuple):
    """A workout."""

    source: str
    start_s: int
    end_s: int
    kind: WorkoutKind


Said = Walked | Beat | Moved | Slept | Trained
"""What one row says. A row may say several things, and many say nothing that hipsync has a use for."""

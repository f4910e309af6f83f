"""Timelines made from drawings, so that a test shows the day that it is about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hipsync.core.timeline import Source, Timeline, minute_of, timeline
from hipsync.model import MINUTE, Epoch, State

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)

STATES = {"sleep": State.ASLEEP, "off": State.NOT_WORN, "charge": State.CHARGING, "stand": State.STANDING}


def day(drawing: str, start: datetime = MONDAY, *, walk: int = 90) -> list[Epoch]:
    """Return the minute epochs of a drawing, such as `day("8h sleep, 55m sit, 3m walk, 10m gap, 2m walk 12")`.

    A part is a length, a word (sit, walk, sleep, off, charge, stand, or gap: no rows) and, if other than 0 or `walk`,
    the steps of each of its minutes.
    """
    epochs: list[Epoch] = []
    at = start
    for part in drawing.split(","):
        match = re.fullmatch(r"\s*(?:(\d+)h)?\s*(?:(\d+)m)?\s*(\w+)(?:\s+(\d+))?\s*", part)
        if match is None:
            raise ValueError(part)
        hours, minutes, word, steps = match.groups()
        for _ in range(int(hours or 0) * 60 + int(minutes or 0)):
            if word != "gap":
                count = int(steps) if steps else walk if word == "walk" else 0
                epochs.append(Epoch(at, MINUTE, count, state=STATES.get(word)))
            at += MINUTE
    return epochs


def minutes(steps: Sequence[int | str | None], start: datetime = MONDAY) -> list[Epoch]:
    """Return the minute epochs of a list: a number is steps, None is not worn, any text is a missing row."""
    return [
        Epoch(start + i * MINUTE, MINUTE, x or 0, state=State.NOT_WORN if x is None else None)
        for i, x in enumerate(steps)
        if not isinstance(x, str)
    ]


def slots(steps: Sequence[int | None], width: int, start: datetime = MONDAY) -> list[Epoch]:
    """Return epochs of `width` minutes with these steps; None is not worn."""
    length = timedelta(minutes=width)
    return [
        Epoch(start + i * length, length, x or 0, state=State.NOT_WORN if x is None else None)
        for i, x in enumerate(steps)
    ]


def walked(minutes: Sequence[Epoch], start: datetime, end: datetime) -> int:
    """Return the steps of the minutes that begin in `[start, end)`, of minutes of which each follows on the last."""
    first, last = (max(-((minutes[0].start - at) // MINUTE), 0) for at in (start, end))
    return sum(minute.steps for minute in minutes[first:last])


def line(*sources: Source, size: int = 1440, start: datetime = MONDAY) -> Timeline:
    first = minute_of(start)
    return timeline(sources, first, first + size, ZoneInfo("UTC"))

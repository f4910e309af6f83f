"""Steps of the computer's clock: somebody, or the network, set it while the service ran.

What the clock shows is compared with the time that passed by a clock that nobody sets and that goes on while the
computer sleeps. So neither a sleep nor a service that was stopped for a while is taken for a step. The one rule: a step
is only told and reckoned with; which of the two times was right is not for this module.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from hipsync.host.clock import STEP, Clock
from hipsync.text import Json

TOLD_FOR_S = 7 * 86400
"""Seconds for which a step is told."""
MOST_TOLD = 5
"""How many steps are told at most, the last ones."""


class Step(NamedTuple):
    """One step of the computer's clock: it would have shown `was`, and showed `became`."""

    was: datetime
    became: datetime


def steps_to_json(steps: Sequence[Step]) -> list[Json]:
    """Steps as the service tells them on its socket: pairs of instants in ISO 8601."""
    return [[step.was.isoformat(), step.became.isoformat()] for step in steps]


def steps_from_json(told: Json) -> list[Step]:
    """The steps that `steps_to_json` told; none if it is something else, such as the answer of an older service."""
    steps: list[Step] = []
    for pair in told if isinstance(told, list) else ():
        match pair:
            case [str(was), str(became)]:
                with contextlib.suppress(ValueError):
                    steps.append(Step(datetime.fromisoformat(was), datetime.fromisoformat(became)))
            case _:
                pass
    return steps


class ClockSteps:
    """Compares the computer's clock with the time that passed, at each look."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._passed, self._now = self._read()
        self._seen: deque[tuple[float, Step]] = deque(maxlen=MOST_TOLD)

    def look(self) -> Step | None:
        """The step that the clock made since the last look; None if it made none."""
        passed, now = self._read()
        was = self._now + timedelta(seconds=passed - self._passed)
        self._passed, self._now = passed, now
        if abs(now - was) <= STEP:
            return None
        step = Step(was, now)
        self._seen.append((passed, step))
        return step

    def told(self) -> Sequence[Step]:
        """The last steps, the oldest first, as far as they are not older than a week."""
        passed = self._clock.passed()
        return [step for at, step in self._seen if passed - at <= TOLD_FOR_S]

    def _read(self) -> tuple[float, datetime]:
        """The time that passed and what the clock shows, read at one moment: the computer did not sleep in between."""
        while True:
            passed, now = self._clock.passed(), self._clock.now()
            if self._clock.passed() - passed < 1:
                return passed, now

"""A made-up but plausible office day, minute by minute, for the demo and for simulated bands.

It is not a recording of anybody. The same date and seed always make the same day, so a simulated band remembers
yesterday. It knows no band: each family's simulator turns these epochs into its own bytes.
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hipsync.model import MINUTE, Epoch, State


class _Part(NamedTuple):
    """A part of the day in which the person does one thing."""

    minutes: int
    what: str
    jitter_minutes: int = 0
    """How much longer or shorter the part may be. After sleep and pottering, the next part makes up for the
    difference."""


_OFFICE_DAY = (
    _Part(6 * 60 + 45, "asleep", 10),
    _Part(20, "potter", 3),
    _Part(11, "shower"),
    _Part(24, "breakfast"),
    _Part(5, "walk"),
    _Part(22, "cycle", 3),
    _Part(6, "walk"),
    _Part(83, "desk", 4),  # the first long sit
    _Part(6, "walk", 1),
    _Part(64, "desk", 2),  # the second, ended by getting up after the prompt
    _Part(5, "walk", 1),
    _Part(47, "meeting", 3),
    _Part(8, "potter", 2),
    _Part(27, "lunch"),
    _Part(26, "walk", 4),
    _Part(98, "desk", 5),  # the third
    _Part(7, "walk", 1),
    _Part(66, "desk", 1),  # the fourth
    _Part(9, "potter", 2),
    _Part(41, "desk", 3),
    _Part(6, "walk"),
    _Part(35, "meeting", 3),
    _Part(6, "walk"),
    _Part(23, "cycle", 3),
    _Part(58, "potter", 5),
    _Part(38, "supper", 5),
    _Part(24, "potter", 2),
    _Part(84, "sofa", 6),
    _Part(25, "potter", 4),
)
_STEPS: dict[str, tuple[float, int, int]] = {
    "walk": (1.0, 78, 116),
    "potter": (0.75, 4, 48),
    "breakfast": (0.12, 3, 14),
    "lunch": (0.05, 2, 9),
    "supper": (0.06, 2, 10),
    "meeting": (0.04, 2, 8),
    "sofa": (0.015, 2, 7),
    "desk": (0.012, 2, 9),
}
"""For each part, the share of its minutes that have steps, and the fewest and most steps of such a minute."""
_STATES = {
    "asleep": State.ASLEEP,
    "shower": State.NOT_WORN,
    "cycle": State.CYCLING,
    "walk": State.WALKING,
    "desk": State.SITTING,
    "meeting": State.SITTING,
    "sofa": State.SITTING,
}
"""The state that a band reports during a part of the day; it reports none during the other parts."""
_PULSE = {"asleep": 54, "walk": 98, "cycle": 124, "potter": 82}
"""Mean heart rate in beats a minute; 68 for the parts that are not listed."""


def office_day(day: date, zone: ZoneInfo, seed: int = 0) -> list[Epoch]:
    """Make up an office worker's local day in `zone`: an `Epoch` for each minute from midnight to midnight, in order.

    The same `seed` gives the same day. The person sleeps, cycles to work, sits long at a desk four times, walks at
    lunch, cycles home, and sits on a sofa.
    """
    noise = random.Random(f"{day.isoformat()}/{seed}")
    start = datetime.combine(day, time(0), zone).astimezone(UTC)
    end = datetime.combine(day + timedelta(days=1), time(0), zone).astimezone(UTC)
    epochs: list[Epoch] = []
    carry = 0
    for part in _OFFICE_DAY:
        shift = noise.randint(-part.jitter_minutes, part.jitter_minutes)
        for _ in range(max(part.minutes + shift - carry, 1)):
            epochs.append(_minute(start + len(epochs) * MINUTE, part.what, noise))
        carry = shift if part.what in {"asleep", "potter"} else 0
    while epochs[-1].end < end:
        epochs.append(_minute(start + len(epochs) * MINUTE, "asleep", noise))
    return [epoch for epoch in epochs if epoch.end <= end]


def office_days(first: date, days: int, zone: ZoneInfo, seed: int = 0) -> list[Epoch]:
    """The minutes of `days` consecutive local days from `first` on in `zone`, as epochs in order and without a gap."""
    return [epoch for i in range(days) for epoch in office_day(first + timedelta(days=i), zone, seed)]


def _minute(start: datetime, what: str, noise: random.Random) -> Epoch:
    share, least, most = _STEPS.get(what, (0.0, 0, 0))
    steps = noise.randint(least, most) if noise.random() < share else 0
    state = _STATES.get(what)
    if state is State.NOT_WORN:
        return Epoch(start, MINUTE, 0, 0, None, state)
    quiet = what in {"asleep", "desk", "meeting", "sofa"}
    intensity = min(steps + noise.randint(1, 30 if quiet else 90), 255)
    pulse = _PULSE.get(what, 68) + noise.randint(-4, 6)
    return Epoch(start, MINUTE, steps, intensity, pulse, state)

"""Somebody who sits at a computer with a Mi Band on the wrist, for tests of when and where a reminder is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from hipsync.core.policy import Busy, Policy
from hipsync.core.speaking import Here
from hipsync.host.clock import FastClock
from hipsync.model import Draw, Prompt, State, Trial
from hipsync.service.state import Settings
from hipsync.testing.direct import run
from hipsync_devices.huami.sim import MiBand
from support.builders import day
from support.world import KEY, MINUTE, NINE, SETTINGS, UTC_ZONE, World

SITS = "5m walk 30, 90m sit, 20m walk 30"
FIRST = NINE + 6 * MINUTE
"""When the service is started: it learns at once that somebody has sat down."""
LIMIT = 65
"""The minute since nine at which the limit is reached in `SITS`."""
EARLY = replace(SETTINGS, policy=Policy(early_minutes=10))


@dataclass(frozen=True)
class Desktop:
    """What somebody does at the computer, in minutes since nine: each pair is a time `[from, to)`."""

    typing: tuple[tuple[float, float], ...] = ((-60, 200),)
    call: tuple[tuple[float, float], ...] = ()
    locked: tuple[tuple[float, float], ...] = ()

    def at(self, now: datetime) -> Here:
        minutes = (now - NINE) / MINUTE
        since = min(max(minutes - end, 0) for start, end in self.typing if start <= minutes)
        on_call, locked = (any(a <= minutes < b for a, b in spans) for spans in (self.call, self.locked))
        return Here(Busy.CALL if on_call else None, locked, 60 * since)


@dataclass
class Lived:
    """What came of it."""

    shown: list[float]
    """Minutes since nine at which something was shown in the terminal."""
    prompts: list[Prompt]
    calls: list[float]
    buzzes: list[float]
    draws: list[Draw]
    looks: list[float]
    """When this computer was asked."""

    @property
    def only(self) -> Prompt:
        (prompt,) = self.prompts
        return prompt


def lived(
    desktop: Desktop,
    drawing: str = SITS,
    until: int = 100,
    *,
    band: bool = True,
    trial: bool = False,
    first: datetime = FIRST,
    settings: Settings = EARLY,
    events: Sequence[tuple[float, Callable[[World], None]]] = (),
) -> Lived:
    """Live through a drawing with a Mi Band, which has a memory, in reach. `events` happen at minutes since nine."""

    async def story(clock: FastClock) -> Lived:
        epochs = [e._replace(state=e.state or State.SITTING) for e in day(drawing, NINE)]
        wearable = MiBand(epochs, now=NINE, zone=UTC_ZONE, secret=KEY)
        world = World(clock, huami=wearable)
        looks: list[float] = []

        def seen(now: datetime) -> Here:
            looks.append(round((now - NINE) / MINUTE, 1))
            return desktop.at(now)

        world.sit_down(seen, replace(settings, band=band, trial=0.5 if trial else 0.0))
        if trial:
            world.store.add_trial(Trial(NINE - 60 * MINUTE, withholding_seed()))
        for at, happens in events:
            await world.run_until(NINE + at * MINUTE)
            happens(world)
        await world.run_until(NINE + until * MINUTE)
        await world.service.leave()
        buzzes = sorted({round((each.at - NINE) / MINUTE, 1) for each in wearable.shown if each.text})
        draws = world.store.draws(NINE, NINE + 200 * MINUTE)
        calls = world.wrist.minutes_of("huami")
        return Lived([at for at, _ in world.said], world.prompts(), calls, buzzes, draws, looks)

    return run(story, first)


def withholding_seed() -> str:
    """Return a seed of a trial that withholds the reminder of the stretch of `SITS`."""
    from hipsync.core.trial import withholds

    return next(str(n) for n in range(100) if withholds(str(n), NINE + 5 * MINUTE, 0.5))


def minutes(instant: datetime | None) -> float:
    assert instant is not None
    return round((instant - NINE) / MINUTE, 1)

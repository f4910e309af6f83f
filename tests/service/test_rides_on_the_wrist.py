"""A ride, a row and a run that a band recorded: the reminder after each ride, once, and none of its minutes sitting.

For every family whose simulated bands can record a workout; the band is called as the service calls it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from families.known import bands, family
from hipsync.core.days import Zones
from hipsync.history.past import judged_past
from hipsync.host.clock import FastClock
from hipsync.model import MINUTE, Epoch, Occasion, Workout, WorkoutKind
from hipsync.registry import drivers
from hipsync.simulated import SimulatedBand
from hipsync.testing.direct import run
from support.world import KEY, NINE, SETTINGS, UTC_ZONE, World

HOUR = timedelta(hours=1)
RIDE = Workout(WorkoutKind.CYCLING, NINE + HOUR, NINE + HOUR + 40 * MINUTE)
ROW = Workout(WorkoutKind.ROWING_MACHINE, NINE + 4 * HOUR, NINE + 4 * HOUR + 30 * MINUTE)
RUN = Workout(WorkoutKind.RUNNING, NINE + 7 * HOUR, NINE + 7 * HOUR + 30 * MINUTE)
BANDS = {name: made for name, made in bands().items() if family(made[0]).tells_workouts}


def minute(number: int) -> Epoch:
    """Of a day at a desk, with three minutes of a walk before each full hour; only the run has steps of its own."""
    at = NINE + number * MINUTE
    steps = 150 if RUN.start <= at < RUN.end else 90 if 50 <= number % 60 < 53 else 0
    return Epoch(at, MINUTE, steps, heart_rate=66 + number % 5)


@pytest.mark.parametrize("name", BANDS)
def test_a_ride_and_a_row_are_followed_by_one_reminder_each_and_are_no_sitting(name: str) -> None:
    key, made = BANDS[name]
    life, end = [minute(number) for number in range(10 * 60)], NINE + 9 * HOUR

    async def story(clock: FastClock) -> World:
        recorded: dict[str, Any] = {"workouts": [RIDE, ROW, RUN]}
        band: SimulatedBand = made(life, now=NINE, zone=UTC_ZONE, secret=KEY, **recorded)
        world = World(clock, known=dict(drivers()), **{key: band})
        try:
            await world.run_until(end)
        finally:
            await world.service.leave()
        return world

    world = run(story, NINE)
    (band,) = world.store.bands()
    told = list(world.store.workouts(band.id, NINE - MINUTE, end))
    assert [each.kind for each in told] == [each.kind for each in (RIDE, ROW, RUN)]
    for each, was in zip(told, (RIDE, ROW, RUN), strict=True):  # a clock is set in whole seconds
        assert max(abs(each.start - was.start), abs(each.end - was.end)) <= timedelta(seconds=1)
    after = [prompt for prompt in world.prompts() if prompt.occasion is Occasion.AFTER_RIDE]
    assert [ride.end <= prompt.at <= ride.end + HOUR for ride, prompt in zip([RIDE, ROW], after, strict=True)] == [
        True, True,
    ]  # fmt: skip
    past = judged_past(world.store, SETTINGS.rule, Zones([], "UTC"), NINE, end, end)
    assert past.found.stretches, "the hours at the desk"
    for workout in (RIDE, ROW, RUN):
        assert not [each for each in past.found.stretches if each.start < workout.end and each.end > workout.start]
    assert {prompt.occasion for prompt in world.prompts()} == {Occasion.AFTER_RIDE}

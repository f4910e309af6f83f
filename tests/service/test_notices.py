"""A notice is withdrawn as soon as its reminder has ended, in whatever way it did."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime

import pytest

from hipsync.core.exercises import Move
from hipsync.host.clock import FastClock, VirtualTimeLoop
from hipsync.model import Answer, Occasion, Pause, Prompt, Where
from hipsync.service.answers import answer_prompt
from hipsync.service.notices import NOTICE_FOR
from hipsync.service.plan import next_wake
from support.world import HOUR, MINUTE, NINE, World, pine_time

SAT = "5m walk 30, 170m sit"
"""The reminder is due at 10:05, and comes when the watch has told of that minute."""


class Desktop:
    """What lies on the desktop: by when its prompt was first shown, and when it was put there and taken away."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.here: dict[datetime, datetime] = {}
        self.taken: dict[datetime, datetime] = {}

    def open(self) -> Collection[datetime]:
        return list(self.here)

    async def withdraw(self, of: Collection[datetime]) -> None:
        for at in of:
            self.here.pop(at)
            self.taken[at] = self.now()


class Noticed(World):
    desk: Desktop

    async def shown(self, prompt: Prompt, move: Move, strong: bool) -> Sequence[Where]:
        self.desk.here[prompt.due] = self.clock.now()
        await super().shown(prompt, move, strong)
        return [Where.DESKTOP]


def live(drawing: str, then: Callable[[Noticed], Awaitable[None]]) -> None:
    """Sit with a watch that stays connected, to 10:08, when one notice is there; then go on."""
    loop = VirtualTimeLoop()

    async def lived() -> None:
        world = Noticed(FastClock(loop, NINE), band=pine_time(drawing))
        world.desk = Desktop(world.clock.now)
        world.show_notices_by(world.desk)
        await world.run_until(NINE + 68 * MINUTE)
        assert len(world.desk.here) == 1
        await then(world)
        await world.service.leave()

    try:
        loop.run_until_complete(lived())
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


async def is_withdrawn_at_once(world: Noticed) -> None:
    """As when a command has written to the database and lets the service look."""
    now = world.clock.now()
    assert next_wake(world.service.state(now), now) == now
    state = await world.service.wake(now)
    assert (world.desk.here, list(world.desk.taken.values())) == ({}, [now])
    assert next_wake(state, world.clock.now()) > now, "it does not wake for it again"


@pytest.mark.parametrize("said", [each for each in Answer if each not in {Answer.MOVED, Answer.IGNORED}])
def test_when_it_is_answered_anywhere(said: Answer) -> None:
    async def then(world: Noticed) -> None:
        answer_prompt(world.store, world.prompts()[-1], said, world.clock.now())
        await is_withdrawn_at_once(world)

    live(SAT, then)


def test_when_a_pause_begins() -> None:
    async def then(world: Noticed) -> None:
        now = world.clock.now()
        world.store.add_pause(Pause(now, now + 30 * MINUTE))
        await is_withdrawn_at_once(world)

    live(SAT, then)


def test_when_the_wearer_gets_up() -> None:
    async def then(world: Noticed) -> None:
        await world.run_until(NINE + 75 * MINUTE)
        (taken,) = world.desk.taken.values()
        assert NINE + 70 * MINUTE <= taken <= NINE + 73 * MINUTE

    live("5m walk 30, 65m sit, 20m walk 60", then)


def test_when_an_hour_has_passed_since_it_was_last_shown() -> None:
    async def then(world: Noticed) -> None:
        await world.run_until(NINE + 170 * MINUTE)
        (prompt,) = world.prompts()
        assert prompt.last_shown is not None
        (taken,) = world.desk.taken.values()
        assert prompt.last_shown + NOTICE_FOR <= taken <= prompt.last_shown + NOTICE_FOR + MINUTE

    live(SAT, then)


def test_when_the_service_ends() -> None:
    async def then(world: Noticed) -> None:
        await world.service.leave()
        assert (world.desk.here, len(world.desk.taken)) == ({}, 1)

    live(SAT, then)


def test_an_ignored_one_stays_while_its_wearer_sits_for_it_may_still_be_done() -> None:
    async def then(world: Noticed) -> None:
        await world.run_until(NINE + 90 * MINUTE)
        assert world.prompts()[0].answer is Answer.IGNORED
        assert len(world.desk.here) == 1

    live(SAT, then)


def test_one_for_another_occasion_goes_when_it_is_answered_or_after_an_hour() -> None:
    async def then(world: Noticed) -> None:
        now = world.clock.now()
        morning = world.store.add_prompt(
            Prompt(now, now, "hip-extension", sure=True, last_shown=now, occasion=Occasion.MORNING)
        )
        world.desk.here[morning.due] = now
        await world.service.wake(now)
        assert morning.due in world.desk.here, "getting up is no answer to it"
        answer_prompt(world.store, morning, Answer.DONE, world.clock.now())
        await world.service.wake(world.clock.now())
        assert morning.due not in world.desk.here

    live(SAT, then)


def test_what_nobody_knows_any_more_is_withdrawn_too() -> None:
    async def then(world: Noticed) -> None:
        world.desk.here[NINE - 20 * HOUR] = NINE
        await world.service.wake(world.clock.now())
        assert list(world.desk.taken) == [NINE - 20 * HOUR]

    live(SAT, then)

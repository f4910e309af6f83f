"""A reminder that is due on two computers is shown by the one that is told to; the other one stores nothing of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from hipsync.core.exercises import Move
from hipsync.core.policy import Policy
from hipsync.core.prompting import Due, Quiet, Reason
from hipsync.core.speaking import Here
from hipsync.core.trial import withholds
from hipsync.model import MINUTE, Occasion, Prompt, Trial, Where
from hipsync.service.plan import next_wake
from hipsync.service.service import Service
from hipsync.service.state import settings_of
from hipsync.settings.config import Config
from hipsync.store import Store
from support.builders import MONDAY, day
from support.running_service import NoRadio

NOW = MONDAY + timedelta(hours=10, minutes=10)
WALKED_UNTIL = MONDAY + timedelta(hours=9, minutes=5)


class Computer:
    """A computer whose wearer has sat for 65 minutes; `says` answers whether it speaks."""

    def __init__(self, says: Callable[[Computer], Awaitable[bool]], idle_s: float = 1, trial: float = 0) -> None:
        self.store = Store.in_memory()
        band = self.store.add_band(name="band", driver="csv", now=MONDAY, vouches=True, reports_wear=True)
        self.store.append(band.id, day("5m walk 100, 65m sit", WALKED_UNTIL - 5 * MINUTE))
        self.asked: list[tuple[Occasion, bool]] = []
        self.shown: list[Prompt] = []

        async def speaks(occasion: Occasion, is_there: bool) -> bool:
            self.asked.append((occasion, is_there))
            return await says(self)

        async def look_here() -> Here:
            return Here(idle_s=idle_s)

        self.service = Service(
            self.store, replace(settings_of(Config(morning=False, trial=trial), "UTC", "here"), policy=Policy()),
            radio=NoRadio(), drivers={}, secret=lambda _: None, deliver=self.show, now=lambda: NOW, look_here=look_here,
            speaks=speaks,
        )  # fmt: skip

    async def show(self, prompt: Prompt, move: Move, strong: bool) -> Sequence[Where]:
        self.shown.append(prompt)
        return [Where.TERMINAL]

    def prompts(self) -> list[Prompt]:
        return self.store.prompts(MONDAY, NOW + MINUTE)


async def yes(_: Computer) -> bool:
    return True


async def no(_: Computer) -> bool:
    return False


def shown_by_another(seconds: int, *, answer: bool) -> Callable[[Computer], Awaitable[bool]]:
    """Another computer shows it meanwhile, for an instant so many seconds from that which is reckoned here."""

    async def says(computer: Computer) -> bool:
        at = WALKED_UNTIL + 60 * MINUTE + timedelta(seconds=seconds)
        computer.store.add_prompt(Prompt(NOW, at, "hip-extension", sure=True, last_shown=NOW, host="there"))
        return answer

    return says


@pytest.mark.parametrize(("idle_s", "is_there"), [(1, True), (299, True), (301, False)])
async def test_who_is_told_to_shows_it_and_says_whether_somebody_is_there(idle_s: float, is_there: bool) -> None:
    computer = Computer(yes, idle_s)
    await computer.service.wake(NOW)
    assert computer.asked == [(Occasion.SITTING, is_there)]
    (prompt,) = computer.prompts()
    assert (len(computer.shown), prompt.host, prompt.shown) == (1, "here", 1)


async def test_who_is_told_not_to_stores_nothing_and_asks_again_soon_in_case_nobody_shows_it() -> None:
    computer = Computer(no)
    state = await computer.service.wake(NOW)
    assert (computer.shown, computer.prompts()) == ([], [])
    assert isinstance(state.verdict, Due)
    assert next_wake(state, NOW) == NOW
    await computer.service.wake(NOW)
    assert len(computer.asked) == 2


@pytest.mark.parametrize("seconds", [-240, -60, 0, 60, 240])
@pytest.mark.parametrize("answer", [True, False])
async def test_what_another_one_showed_meanwhile_is_not_shown_again_whenever_it_fell_due(
    seconds: int, answer: bool
) -> None:
    computer = Computer(shown_by_another(seconds, answer=answer))
    state = await computer.service.wake(NOW)
    assert computer.shown == []
    assert [each.host for each in computer.prompts()] == ["there"]
    assert isinstance(state.verdict, Quiet)
    assert state.verdict.reason is Reason.ASKED


async def test_what_a_trial_withholds_is_drawn_by_the_one_that_is_told_to() -> None:
    seed = next(str(number) for number in range(99) if withholds(str(number), WALKED_UNTIL, 0.5))
    for says, count in ((yes, 1), (no, 0)):
        computer = Computer(says, trial=0.5)
        computer.store.add_trial(Trial(MONDAY, seed))
        await computer.service.wake(NOW)
        assert (computer.shown, len(computer.store.draws(MONDAY, NOW + MINUTE))) == ([], count)
        assert computer.asked == [(Occasion.SITTING, True)]


async def test_nobody_is_asked_while_nothing_is_due() -> None:
    computer = Computer(yes)
    await computer.service.wake(NOW - 30 * MINUTE)
    assert computer.asked == []

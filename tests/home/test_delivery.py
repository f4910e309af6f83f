"""A prompt goes to the home where it may be heard, and counts as shown there only if the home says so."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import UTC, datetime

import pytest

from hipsync.core.exercises import Move, next_exercise
from hipsync.model import Occasion, Prompt, Where
from hipsync.service.delivery import Delivery
from hipsync.service.now import Now
from hipsync.service.state import State
from hipsync.settings.config import Config
from hipsync.store import Store
from hipsync.text import Json

AT = datetime(2026, 3, 2, 10, tzinfo=UTC)


class Told:
    """A home that notes what it is shown, and says whether that was seen."""

    def __init__(self, *, shows: bool) -> None:
        self._shows = shows
        self.prompts: list[tuple[Prompt, bool]] = []

    def tell(self, state: State, now: Now) -> None:
        """Nobody asks."""

    async def show(self, prompt: Prompt, move: Move, strong: bool) -> bool:
        self.prompts.append((prompt, strong))
        return self._shows

    async def speaks(self, occasion: Occasion, *, is_there: bool) -> bool:
        return self._shows and is_there and occasion is Occasion.SITTING

    def told(self) -> Json:
        return None

    def running(self, look: Callable[[], None]) -> AbstractAsyncContextManager[None]:
        return nullcontext()


@pytest.mark.parametrize("shows", [True, False])
async def test_where_it_was_shown_is_what_the_home_says_and_a_quiet_one_stays_away_from_it(shows: bool) -> None:
    move = next_exercise(["hip-extension"], [], [], [])
    assert move is not None
    prompt = Prompt(AT, AT, move.name, sure=True)
    with Store.in_memory() as store:
        delivery = Delivery(store, lambda: AT, Config(desktop=False, command=("true",)))
        home = delivery.home = Told(shows=shows)
        assert (Where.MQTT in await delivery.deliver(prompt, move, strong=True)) is shows
        assert home.prompts == [(prompt, True)]
        assert Where.MQTT not in await delivery.deliver_quietly(prompt, move, strong=True)
        assert len(home.prompts) == 1, "the home can make a noise"
        stored = store.add_prompt(prompt._replace(where=(Where.DESKTOP, Where.MQTT)))
        assert store.prompt(stored).where == (Where.DESKTOP, Where.MQTT)


async def test_who_speaks_is_asked_at_home_if_there_is_one() -> None:
    with Store.in_memory() as store:
        delivery = Delivery(store, lambda: AT, Config(desktop=False))
        assert await delivery.speaks(Occasion.MORNING, False) is True
        delivery.home = Told(shows=True)
        assert await delivery.speaks(Occasion.SITTING, True) is True
        assert await delivery.speaks(Occasion.SITTING, False) is False
        assert await delivery.speaks(Occasion.MORNING, True) is False

"""A clock that was ahead is put right while the service runs: what it stamped silences nobody, and repeats nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NoReturn

import pytest

from cases.kit import ADDRESS, DAY, HOUR, Desktop, Wrist, life, served, serving
from hipsync.errors import NotHeard
from hipsync.host.clock import FastClock
from hipsync.model import MINUTE, Answer, Band, BandId, Prompt, Remark, Trouble
from hipsync.service.plan import Contacts, LastTry, facts_of, listens, settings_of, state_of
from hipsync.settings.config import Config
from hipsync.store import Store
from hipsync.testing.direct import run
from support.world import pine_time

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
WRONG = NINE + 400 * DAY


class Away(Wrist):
    """A radio that reaches nothing, and records every try."""

    def reach(self, band: Band) -> NoReturn:
        self.calls.append(self._now())
        raise NotHeard(f"{band.name} is out of reach")


@pytest.mark.parametrize("ahead", [10 * DAY, 400 * DAY])
def test_a_live_band_that_is_away_is_tried_again_soon(ahead: timedelta) -> None:
    right_at = NINE + 30 * MINUTE

    async def story(clock: FastClock) -> list[datetime]:
        def computer() -> datetime:
            return clock.now() + (ahead if clock.now() < right_at else timedelta())

        away = Away(pine_time("90m sit"), clock.now)
        with Store.in_memory() as store:
            store.add_band(name="watch", driver="infinitime", address=ADDRESS, now=NINE, vouches=True)
            service = serving(store, away, computer, desktop=Desktop(), key=None)
            service.live.attend()
            await clock.sleep_until(right_at + 10 * MINUTE)
            await service.leave()
        return away.calls

    after = [call - right_at for call in run(story, NINE) if call >= right_at]
    assert after
    assert after[0] <= 2 * MINUTE


@pytest.mark.parametrize("ahead", [timedelta(), MINUTE, 5 * MINUTE])
def test_a_prompt_is_not_said_again_after_the_clock_was_put_back(ahead: timedelta) -> None:
    """The sixtieth still minute ends at ten; the clock is put back as soon as that was said."""

    async def story(clock: FastClock) -> list[Prompt]:
        desktop, nobody = Desktop(), Away(pine_time("90m sit"), clock.now)

        def computer() -> datetime:
            return clock.now() + (timedelta() if desktop.shown else ahead)

        with Store.in_memory() as store:
            minutes = life(NINE - 10 * MINUTE, 2 * HOUR, lambda i: 60 if i < 10 else 0)
            store.append(store.add_band(name="import", driver="csv", now=NINE, vouches=True).id, minutes)
            service = serving(store, nobody, computer, desktop=desktop, key=None)
            await served(service, computer, NINE + 80 * MINUTE)
            return store.prompts(NINE - HOUR, NINE + DAY)

    ((due, at),) = [(prompt.due, prompt.at) for prompt in run(story, NINE + HOUR + MINUTE / 2)]
    assert due == NINE + HOUR
    assert at == NINE + HOUR + MINUTE / 2 + ahead


def test_what_a_wrong_clock_stamped_on_a_prompt_later_does_not_hold_up_the_next() -> None:
    with Store.in_memory() as store:
        shown = Prompt(NINE - MINUTE, NINE - MINUTE, "hip-extension", sure=True)
        store.add_prompt(shown._replace(shown=2, last_shown=WRONG))
        snoozed = shown._replace(at=NINE, last_shown=NINE, answer=Answer.SNOOZED)
        store.add_prompt(snoozed._replace(answered_at=WRONG, snoozed_until=WRONG + 10 * MINUTE))
        store.add_prompt(shown._replace(at=WRONG))
        state = state_of(store, settings_of(Config(), "UTC"), NINE + MINUTE, live=())
        assert list(state.said) == [
            shown._replace(shown=2, last_shown=NINE - MINUTE),
            snoozed._replace(answered_at=NINE + MINUTE, snoozed_until=NINE + MINUTE),
        ]


def test_troubles_are_judged_by_what_can_be() -> None:
    """A band that was added, remarked on and charged by a clock that was ahead, and is silent in truth."""
    with Store.in_memory() as store:
        band = store.add_band(name="band", driver="huami", address=ADDRESS, now=WRONG, vouches=True)
        for hours in (30, 20, 10):
            store.note_sync(band.id, NINE - hours * HOUR, NINE - hours * HOUR, 0, "out of reach")
        store.note_sync(band.id, WRONG, WRONG, 5, None)
        store.add_remark(Remark(band.id, Trouble.NO_DATA, "No data"), WRONG)
        state = state_of(store, settings_of(Config(), "UTC"), NINE, live=())
        (facts,) = facts_of(store, state.contacts, NINE)
        assert facts.newest == NINE - 30 * HOUR
        assert facts.in_vain == NINE - 20 * HOUR
        assert (facts.charge, facts.reached, facts.remarked) == (None, None, {})


def test_a_band_that_went_away_is_listened_for_whatever_the_clock_said_last_time() -> None:
    band = Band(BandId(1), "band", "huami", ADDRESS, "", False, False, False, NINE)
    away = Contacts(band, NINE, NINE, 1, last_try=LastTry.AWAY)
    assert not listens(away, NINE, NINE + MINUTE / 2)
    assert listens(away, WRONG, NINE + MINUTE / 2)

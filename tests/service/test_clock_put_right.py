"""A clock that was ahead is put right while the service runs: what it stamped silences nobody, and repeats nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cases.kit import ADDRESS, DAY, HOUR, KEY, Away, Desktop, Wrist, life, served, serving
from hipsync.core.policy import Policy
from hipsync.host.clock import FastClock
from hipsync.model import MINUTE, Answer, Prompt, Remark, Trouble
from hipsync.registry import drivers
from hipsync.service.band_facts import facts_of
from hipsync.service.clock_steps import Step
from hipsync.service.service import Service
from hipsync.service.state import Families, settings_of, state_of
from hipsync.settings.config import Config
from hipsync.store import Store
from hipsync.testing.direct import run
from hipsync_devices.huami.sim import MiBand
from support.world import UTC_ZONE

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
WRONG = NINE + 400 * DAY


@pytest.mark.parametrize("ahead", [10 * DAY, 400 * DAY])
def test_a_live_band_that_is_away_is_tried_again_soon(ahead: timedelta) -> None:
    right_at = NINE + 30 * MINUTE

    async def story(clock: FastClock) -> list[datetime]:
        def computer() -> datetime:
            return clock.now() + (ahead if clock.now() < right_at else timedelta())

        away = Away(clock.now)
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


@pytest.mark.parametrize("ahead", [timedelta(), MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE])
def test_a_prompt_is_not_said_again_after_the_clock_was_put_back(ahead: timedelta) -> None:
    """The sixtieth still minute ends at ten; the clock is put back as soon as that was said.

    A clock that is far ahead says it late: what fell due at ten is shown by it at a quarter past.
    """

    async def story(clock: FastClock) -> list[Prompt]:
        desktop, nobody = Desktop(), Away(clock.now)

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


@pytest.mark.parametrize("back", [6 * MINUTE, 5 * HOUR, 400 * DAY])
def test_a_prompt_is_not_said_again_if_the_clock_is_put_back_before_it_is_stored(back: timedelta) -> None:
    """A prompt is due at one look of the service; the clock is put back in the same moment, and put right after it."""
    looks = NINE + HOUR + MINUTE / 2

    async def story(clock: FastClock) -> list[Prompt]:
        with Store.in_memory() as store:
            minutes = life(NINE - 10 * MINUTE, 2 * HOUR, lambda i: 60 if i < 10 else 0)
            store.append(store.add_band(name="import", driver="csv", now=NINE, vouches=True).id, minutes)
            told = [looks - back]
            for now in (looks, looks + MINUTE):
                service = serving(store, Away(clock.now), lambda: told[-1], desktop=Desktop(), key=None)
                await service.wake(now)
                told.append(looks + MINUTE)
            return store.prompts(NINE - 500 * DAY, NINE + DAY)

    ((due, at, shown),) = [(prompt.due, prompt.at, prompt.shown) for prompt in run(story, looks)]
    assert (due, at, shown) == (NINE + HOUR, looks, 1)


def test_what_a_wrong_clock_stamped_on_a_prompt_later_does_not_hold_up_the_next() -> None:
    with Store.in_memory() as store:
        shown = Prompt(NINE - MINUTE, NINE - MINUTE, "hip-extension", sure=True)
        store.add_prompt(shown._replace(shown=2, last_shown=WRONG))
        snoozed = shown._replace(at=NINE, due=NINE, last_shown=NINE, answer=Answer.SNOOZED)
        store.add_prompt(snoozed._replace(answered_at=WRONG, snoozed_until=WRONG + 10 * MINUTE))
        store.add_prompt(shown._replace(at=WRONG, due=WRONG))
        state = state_of(store, settings_of(Config(), "UTC"), NINE + MINUTE, Families())
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
        state = state_of(store, settings_of(Config(), "UTC"), NINE, Families())
        (facts,) = facts_of(store, state.contacts, NINE)
        assert facts.newest == NINE - 30 * HOUR
        assert facts.in_vain == NINE - 20 * HOUR
        assert (facts.charge, facts.reached, facts.remarked) == (None, None, {})


def test_a_band_was_not_silent_in_the_time_that_a_clock_skipped() -> None:
    """The band has been away for 20 minutes when the clock is put forward by two days, and a day later it still is."""
    clock, passed, told = [NINE], [0.0], list[str]()

    async def tell(remark: Remark) -> None:
        told.append(remark.text)

    async def story(_: FastClock) -> None:
        with Store.in_memory() as store:
            store.add_band(name="band", driver="huami", address=ADDRESS, now=NINE)
            service = Service(
                store, replace(settings_of(Config(), "UTC"), policy=Policy()), radio=Away(lambda: clock[-1]),
                drivers=drivers(), secret=lambda _: bytes(16), deliver=Desktop().deliver, now=lambda: clock[-1],
                show_remark=tell, passed=lambda: passed[-1],
            )  # fmt: skip
            await service.wake(NINE)
            step = Step(NINE + 20 * MINUTE, NINE + 2 * DAY)
            clock.append(step.became)
            passed.append(20 * 60)
            service.clock_was_set(step)
            await service.wake(clock[-1])
            assert told == []
            clock.append(clock[-1] + DAY)
            passed.append(passed[-1] + 86400)
            await service.wake(clock[-1])

    run(story, NINE)
    (text,) = told
    assert text.startswith("No data from band since Mon 09:00")


@pytest.mark.parametrize("watched", [True, False], ids=["as `run`", "as `sync`"])
@pytest.mark.parametrize("back", [10 * MINUTE, HOUR, 400 * DAY])
def test_a_clock_that_is_put_back_during_a_contact_costs_no_minute(back: timedelta, watched: bool) -> None:
    """The driver saw minutes of the past and lets the band forget them; by the new clock they lie in the future."""
    minutes = life(NINE - 5 * HOUR, 5 * HOUR, lambda i: i % 90)

    async def story(clock: FastClock) -> tuple[set[datetime], set[datetime]]:
        band = MiBand(minutes, now=NINE, zone=UTC_ZONE, secret=KEY)

        def computer() -> datetime:
            return clock.now() - (back if band.sent else timedelta())

        with Store.in_memory() as store:
            paired = store.add_band(name="band", driver="huami", address=ADDRESS, now=NINE)
            passed = clock.passed if watched else None
            service = serving(store, Wrist(band, clock.now), computer, desktop=Desktop(), key=KEY, passed=passed)
            service.settings = replace(service.settings, erase=True)
            await service.fetch(paired)
            stored = {epoch.start for epoch in store.epochs(paired.id, NINE - DAY, NINE + DAY)}
        return stored, set(band.erased)

    stored, erased = run(story, NINE)
    assert erased, "or nothing is shown"
    assert erased <= stored

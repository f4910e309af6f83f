"""What somebody does at this computer decides when and where a reminder is shown (docs/rule.md, "At a good moment")."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import pytest

from hipsync.core.policy import Busy
from hipsync.core.speaking import Here
from hipsync.host.clock import FastClock
from hipsync.model import Answer, Desk, Prompt, State, Where
from hipsync.service.answers import answer_prompt
from hipsync.testing.direct import run
from hipsync_devices.huami.sim import MiBand
from support.at_a_computer import EARLY, FIRST, LIMIT, SITS, Desktop, lived, minutes
from support.builders import day
from support.world import KEY, MINUTE, NINE, SECOND, UTC_ZONE, World, listen_until, pine_time


def test_at_a_natural_pause_a_band_is_called_once_and_the_reminder_comes_early() -> None:
    found = lived(Desktop(typing=((-60, 57),)), until=64)
    assert found.shown == [pytest.approx(58, abs=0.2)]
    assert [each for each in found.calls if each > 10] == found.shown
    prompt = found.only
    assert (minutes(prompt.due), prompt.sitting_minutes) == (minutes(prompt.at), 53)
    assert set(prompt.where) == {Where.TERMINAL, Where.BAND}


def test_whoever_moved_when_the_data_ended_may_have_sat_down_at_once() -> None:
    found = lived(Desktop(typing=((-60, 57),)), until=64, first=NINE + 3 * MINUTE)
    assert found.shown == [pytest.approx(58, abs=0.2)]
    assert [each for each in found.calls if each > 10] == found.shown


def test_without_a_pause_it_comes_at_the_limit() -> None:
    found = lived(Desktop(), until=70)
    assert found.shown == [pytest.approx(LIMIT, abs=0.2)]
    assert (minutes(found.only.due), found.only.sitting_minutes) == (LIMIT, 60)
    assert [each for each in found.calls if each > 10] == found.shown


def test_a_band_is_called_early_once_a_stretch_even_if_it_tells_of_a_walk() -> None:
    walked = "5m walk 30, 30m sit, 5m walk 30, 80m sit"
    found = lived(Desktop(typing=((-60, 57), (59, 60), (61, 62))), walked, until=97)
    assert [each for each in found.calls if each > 10] == [pytest.approx(58, abs=0.2)]
    assert found.prompts == []


def test_in_a_call_only_the_band_speaks_and_the_notice_comes_at_its_end() -> None:
    found = lived(Desktop(call=((60, 80),)), until=88)
    prompt = found.only
    assert minutes(prompt.at) == pytest.approx(LIMIT, abs=0.2)
    assert minutes(prompt.due) == LIMIT
    assert found.shown == [pytest.approx(80, abs=1.1)]
    assert minutes(prompt.last_shown) == found.shown[0]
    assert (prompt.where, prompt.shown, prompt.answer) == ((Where.BAND, Where.TERMINAL), 1, None)
    assert found.buzzes == [pytest.approx(LIMIT, abs=0.2)]


def test_it_is_ignored_only_ten_minutes_after_its_notice() -> None:
    found = lived(Desktop(call=((60, 80),)), until=93)
    assert found.only.shown == 2
    assert found.shown[1] - found.shown[0] >= 10


def test_without_a_band_that_vibrates_it_waits_for_the_end_of_the_call() -> None:
    found = lived(Desktop(call=((60, 80),)), until=79, band=False)
    assert (found.prompts, found.shown) == ([], [])
    found = lived(Desktop(call=((60, 80),)), until=84, band=False)
    assert found.shown == [pytest.approx(80, abs=1.1)]
    assert (minutes(found.only.due), found.only.where) == (LIMIT, (Where.TERMINAL,))
    assert found.only.sitting_minutes == pytest.approx(75, abs=2)


@pytest.mark.parametrize("band", [True, False], ids=["the band vibrates", "it does not"])
def test_who_gets_up_in_the_call_is_told_nothing_at_its_end(band: bool) -> None:
    drawing = "5m walk 30, 64m sit, 40m walk 30"
    found = lived(Desktop(call=((60, 80),)), drawing, until=95, band=band)
    assert found.shown == []
    assert [prompt.answer for prompt in found.prompts] == ([Answer.MOVED] if band else [])


def test_on_a_locked_screen_only_the_band_speaks() -> None:
    found = lived(Desktop(typing=((-60, 50),), locked=((51, 72),)), until=74)
    assert (found.only.where, found.shown) == ((Where.BAND,), [])
    assert minutes(found.only.at) == pytest.approx(LIMIT, abs=0.2)


def test_without_a_band_a_locked_screen_holds_it_until_it_is_unlocked() -> None:
    found = lived(Desktop(typing=((-60, 50), (72, 100)), locked=((51, 72),)), until=75, band=False)
    assert found.shown == [pytest.approx(72, abs=1.1)]


@pytest.mark.parametrize(("band", "where"), [(True, (Where.BAND,)), (False, (Where.TERMINAL,))])
def test_away_from_the_computer_the_band_speaks_alone(band: bool, where: tuple[Where, ...]) -> None:
    found = lived(Desktop(typing=((-60, 10),)), until=70, band=band)
    assert found.only.where == where
    assert minutes(found.only.at) == pytest.approx(LIMIT, abs=0.2)


def test_the_end_of_a_call_is_a_pause_for_an_early_reminder() -> None:
    found = lived(Desktop(call=((40, 60),)), until=64)
    assert found.shown == [pytest.approx(60, abs=1.1)]


def test_a_desk_that_is_not_asked_changes_nothing() -> None:
    asked = 0

    async def story(clock: FastClock) -> list[Prompt]:
        def desktop(now: datetime) -> Here:
            nonlocal asked
            del now
            asked += 1
            return Here(busy=Busy.CALL)

        world = World(clock, huami=MiBand(day(SITS, NINE), now=NINE, zone=UTC_ZONE, secret=KEY))
        world.sit_down(desktop, replace(EARLY, rule=EARLY.rule._replace(desk=Desk.OFF)))
        await world.run_until(NINE + 70 * MINUTE)
        await world.service.leave()
        return world.prompts()

    (prompt,) = run(story, FIRST)
    assert minutes(prompt.at) == pytest.approx(LIMIT, abs=0.2)
    assert asked == 0


@pytest.mark.parametrize("band", [True, False], ids=["at the band's moment", "at the end of the call"])
def test_what_a_trial_withholds_is_drawn_when_it_would_have_been_shown(band: bool) -> None:
    found = lived(Desktop(call=((60, 80),)), until=90, band=band, trial=True)
    (draw,) = found.draws
    assert (draw.withheld, found.prompts, found.shown, found.buzzes) == (True, [], [], [])
    assert minutes(draw.at) == pytest.approx(LIMIT if band else 80, abs=1.1)


def test_an_answer_in_the_call_spares_the_notice() -> None:
    async def story(clock: FastClock) -> tuple[list[tuple[float, bool]], Prompt]:
        epochs = [e._replace(state=e.state or State.SITTING) for e in day(SITS, NINE)]
        world = World(clock, huami=MiBand(epochs, now=NINE, zone=UTC_ZONE, secret=KEY))
        world.sit_down(Desktop(call=((60, 80),)).at, EARLY)
        await world.run_until(NINE + 70 * MINUTE)
        (prompt,) = world.prompts()
        answer_prompt(world.store, prompt, Answer.DONE, clock.now(), EARLY.snooze)
        await world.run_until(NINE + 90 * MINUTE)
        await world.service.leave()
        return world.said, world.prompts()[0]

    said, prompt = run(story, FIRST)
    assert (said, prompt.answer, prompt.where) == ([], Answer.DONE, (Where.BAND,))


def test_a_band_that_is_watched_needs_no_call_for_an_early_reminder() -> None:
    async def story(clock: FastClock) -> tuple[list[tuple[float, bool]], list[float]]:
        world = World(clock, infinitime=pine_time("5m walk 30, 90m sit"))
        world.sit_down(Desktop(typing=((-60, 57),)).at, EARLY)
        await listen_until(world, NINE + 64 * MINUTE)
        await world.service.leave()
        return world.said, world.wrist.minutes_of("infinitime")

    said, calls = run(story, NINE)
    assert [at for at, _ in said] == [pytest.approx(58, abs=1.1)]
    assert len(calls) == 1


def test_the_computer_is_asked_once_a_minute_and_only_while_it_matters() -> None:
    looks: list[float] = []

    async def story(clock: FastClock) -> None:
        def desktop(now: datetime) -> Here:
            looks.append((now - NINE) / MINUTE)
            return Here(idle_s=0)

        epochs = [e._replace(state=e.state or State.SITTING) for e in day(SITS, NINE)]
        world = World(clock, huami=MiBand(epochs, now=NINE, zone=UTC_ZONE, secret=KEY))
        world.sit_down(desktop, EARLY)
        await world.run_until(NINE + 90 * MINUTE)
        await world.service.leave()

    run(story, FIRST)
    assert all(later - sooner >= 50 * SECOND / MINUTE for sooner, later in pairwise(looks))
    assert {int(each) for each in looks} <= {*range(55, 67), *range(74, 78)}
    assert {*range(55, 65)} <= {int(each) for each in looks}


def test_a_band_that_was_asked_a_moment_before_vibrates_for_an_early_reminder() -> None:
    """It was asked at 66, because nobody might have moved since it was asked at six, and told of a walk up to ten."""
    found = lived(Desktop(locked=((50, 67),)), "10m walk 30, 90m sit", until=69)
    assert found.calls == [6, pytest.approx(66, abs=0.2), pytest.approx(67, abs=0.2)]
    assert set(found.only.where) == {Where.TERMINAL, Where.BAND}
    assert found.shown == [pytest.approx(67, abs=0.2)]

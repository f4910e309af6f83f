"""A reminder that is held in a call is neither lost nor shown twice, whatever else happens meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time

import pytest

from hipsync.conversation.dialogue import OpenDialogue
from hipsync.core.policy import Busy, Policy
from hipsync.core.speaking import Here
from hipsync.driver import Message
from hipsync.errors import NoReply
from hipsync.model import Answer, Occasion, Pause, Prompt, State, Where
from hipsync.service.answers import answer_prompt
from hipsync.service.clock_steps import Step
from hipsync.service.plan import next_wake
from hipsync.service.state import Families, Running, state_of
from hipsync.store import Store
from support.at_a_computer import EARLY, FIRST, LIMIT, Desktop, lived
from support.builders import day
from support.world import MINUTE, NINE, World


def answer(said: Answer, world: World) -> None:
    answer_prompt(world.store, world.prompts()[-1], said, world.clock.now(), EARLY.snooze)


@pytest.mark.parametrize("band", [True, False], ids=["the band vibrates", "it does not"])
def test_the_second_showing_is_held_too(band: bool) -> None:
    """It is shown at the limit, and ten minutes later its wearer is in a call."""
    found = lived(Desktop(call=((70, 85),)), until=84, band=band)
    assert found.shown == [pytest.approx(LIMIT, abs=0.2)]
    found = lived(Desktop(call=((70, 85),)), until=90, band=band)
    assert found.shown == [pytest.approx(LIMIT, abs=0.2), pytest.approx(85, abs=1.1)]
    assert found.only.shown == 2


def test_the_second_showing_on_a_locked_screen_is_on_the_band_alone() -> None:
    found = lived(Desktop(typing=((-60, 66),), locked=((67, 90),)), until=88)
    assert found.shown == [pytest.approx(LIMIT, abs=0.2)]
    assert len(found.buzzes) == 2


def test_what_is_snoozed_in_a_call_is_shown_once_after_it() -> None:
    found = lived(Desktop(call=((60, 80),)), until=91, events=[(71, lambda world: answer(Answer.SNOOZED, world))])
    assert found.shown == [pytest.approx(81, abs=0.2)]


def test_a_pause_in_a_call_makes_nothing_ignored() -> None:
    def pause(world: World) -> None:
        world.store.add_pause(Pause(world.clock.now(), world.clock.now() + 16 * MINUTE))

    def wake(_: World) -> None:
        """Something else wakes the service in the pause."""

    found = lived(Desktop(call=((60, 92),)), until=94, events=[(70, pause), (85.5, wake)])
    assert (found.only.answer, found.only.shown) == (None, 1)
    assert found.shown == [pytest.approx(92, abs=1.1)]


def test_a_pause_that_outlasts_the_call_postpones_the_notice() -> None:
    def pause(world: World) -> None:
        world.store.add_pause(Pause(world.clock.now(), world.clock.now() + 20 * MINUTE))

    found = lived(Desktop(call=((60, 80),)), until=94, events=[(70, pause)])
    assert (found.only.answer, found.only.shown) == (None, 1)
    assert found.shown == [pytest.approx(90, abs=0.2)]


@pytest.mark.parametrize("band", [True, False], ids=["the band vibrates", "it does not"])
@pytest.mark.parametrize("up_at", [None, 92], ids=["sits on", "gets up"])
def test_a_band_that_is_asked_seldom_is_asked_when_the_call_ends(band: bool, up_at: int | None) -> None:
    drawing = "5m walk 30, 120m sit" if up_at is None else f"5m walk 30, {up_at - 5}m sit, 20m walk 30"
    seldom = replace(EARLY, at_most_every=45 * MINUTE)
    found = lived(Desktop(call=((60, 100),)), drawing, until=103, band=band, settings=seldom)
    assert found.shown == ([pytest.approx(100, abs=1.1)] if up_at is None else [])


def test_while_it_is_held_no_band_is_asked_for_nothing() -> None:
    found = lived(Desktop(call=((60, 119),)), "5m walk 30, 130m sit", until=118)
    assert [each for each in found.calls if each > LIMIT + 1] == []


def test_who_sits_down_anew_in_a_long_call_feels_the_band_again() -> None:
    drawing = "5m walk 30, 62m sit, 5m walk 30, 90m sit"
    found = lived(Desktop(call=((60, 150),)), drawing, until=140)
    assert found.buzzes == [pytest.approx(LIMIT, abs=0.2), pytest.approx(132, abs=0.2)]


def test_at_the_end_of_lunch_the_band_is_asked_before_the_notice() -> None:
    lunch = replace(EARLY, policy=Policy(early_minutes=10, lunch=((time(10, 20), time(10, 30)),)))
    drawing = "5m walk 30, 81m sit, 20m walk 30"
    found = lived(Desktop(call=((60, 82),)), drawing, until=98, settings=lunch)
    assert (found.shown, found.only.where) == ([], (Where.BAND,))
    found = lived(Desktop(call=((60, 82),)), until=92, settings=lunch)
    assert found.shown == [pytest.approx(90, abs=0.2)]


@pytest.mark.parametrize("band", [True, False], ids=["the band vibrates", "it does not"])
def test_what_is_held_when_the_hours_end_is_dropped(band: bool) -> None:
    hours = replace(EARLY, policy=Policy(hours=dict.fromkeys(range(7), ((time(8), time(10, 10)),))))
    found = lived(Desktop(call=((60, 300),)), "5m walk 30, 300m sit", until=300, settings=hours, band=band)
    assert (found.shown, [each.answer for each in found.prompts]) == ([], [Answer.IGNORED] if band else [])
    assert [each for each in found.looks if each > 71] == []
    assert len([each for each in found.calls if each > 71]) <= 4


RISES = "4h sleep, 5m walk 30, 80m sit"
UP = 245
"""The minute since nine at which a morning prompt is due in `RISES`."""


@pytest.mark.parametrize("band", [True, False], ids=["the band vibrates", "it does not"])
def test_a_morning_prompt_is_held_in_the_same_way(band: bool) -> None:
    found = lived(Desktop(call=((200, 260),)), RISES, until=262, band=band, first=NINE + (UP + 1) * MINUTE)
    assert found.shown == [pytest.approx(260, abs=1.1)]
    assert found.only.occasion is Occasion.MORNING
    assert found.only.where == ((Where.BAND, Where.TERMINAL) if band else (Where.TERMINAL,))
    assert found.only.answer is None


def test_a_morning_prompt_that_is_held_for_an_hour_is_no_notice_any_more() -> None:
    strolls = "4h sleep, 5m walk 30, 40m sit, 5m walk 30, 40m sit"
    found = lived(Desktop(call=((200, UP + 65),)), strolls, until=UP + 67, first=NINE + (UP + 1) * MINUTE)
    assert (found.shown, found.only.answer) == ([], Answer.IGNORED)


@pytest.mark.parametrize(
    ("drawing", "first", "ends"),
    [("5m walk 30, 90m sit", FIRST, 80), (RISES, NINE + (UP + 1) * MINUTE, 260)],
    ids=["sitting", "morning"],
)
def test_what_no_band_could_be_made_to_vibrate_for_is_a_notice_later(
    drawing: str, first: datetime, ends: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(self: OpenDialogue, message: Message) -> None:
        raise NoReply("the link was lost")

    monkeypatch.setattr(OpenDialogue, "nudge", lost)
    found = lived(Desktop(call=((ends - 30, ends),)), drawing, until=ends + 2, first=first)
    assert found.shown == [pytest.approx(ends, abs=1.1)]
    assert found.only.where == (Where.TERMINAL,)


def test_a_service_that_is_started_anew_in_a_call_shows_it_once_more_instead() -> None:
    """Which prompts are held is known to the running service alone."""

    def restart(world: World) -> None:
        world.sit_down(Desktop(call=((60, 80),)).at, EARLY)

    found = lived(Desktop(call=((60, 80),)), until=84, events=[(70, restart)])
    assert found.only.shown == 2
    assert len(found.buzzes) == 2
    assert found.shown == [pytest.approx(80, abs=1.1)]
    found = lived(Desktop(call=((60, 72),)), until=84, events=[(70, restart)])
    assert found.only.shown == 2


@pytest.mark.parametrize(("minutes", "is_shown"), [(-50, False), (0, True), (90, False)])
@pytest.mark.parametrize("here", [Here(), Here(Busy.CALL)], ids=["the call is over", "in a call"])
def test_a_clock_that_is_set_while_it_is_held(minutes: int, is_shown: bool, here: Here) -> None:
    """It was given on the band at five past ten; ten minutes later the clock is set, and what it skipped is unknown."""
    at, was = NINE + LIMIT * MINUTE, NINE + 75 * MINUTE
    now = was + minutes * MINUTE
    with Store.in_memory() as store:
        band = store.add_band(name="import", driver="csv", now=NINE, vouches=True).id
        store.append(band, [e._replace(state=e.state or State.SITTING) for e in day("5m walk 30, 70m sit", NINE)])
        store.add_prompt(Prompt(at, at, "hip-extension", sure=True, where=(Where.BAND,), last_shown=at))
        state = state_of(
            store, EARLY, now, Families(), Running(skipped=[Step(was, now)][: minutes > 0], here=here, owed={at})
        )
    assert (state.notice() is not None) == (is_shown and here.busy is None)
    assert state.due() is None
    assert next_wake(state, now) > now

"""What a wrist shows for a reminder: neutral words, or the name of the exercise, in at most 20 characters."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hipsync.conversation.dialogue import dialogue
from hipsync.conversation.session import Conversation
from hipsync.core.exercises import MOVES, Move, When, warm_up, wrist_name
from hipsync.core.followed import Learned
from hipsync.core.policy import BandText
from hipsync.core.shares import Share
from hipsync.driver import Message
from hipsync.host.clock import FastClock
from hipsync.model import Answer, Prompt
from hipsync.registry import drivers, simulator
from hipsync.service import showing
from hipsync.service.showing import on_wrist
from hipsync.testing.case import NOON, Case
from hipsync.testing.direct import DirectConnection, MemoryStore, run
from support.world import HOUR, MINUTE, NINE, SETTINGS, UTC_ZONE, World, pine_time

NAMES = {
    "hip-extension": "Hip extension",
    "hip-flexor-stretch": "Hip-flexor stretch",
    "hip-rotation": "Hip circles",
    "seated-hip-opening": "Seated hip opening",
    "seated-inward-rotation": "Seated rotation",
}
"""The words of the design for each exercise that comes with hipsync."""
SHOW_TEXT = [key for key, driver in drivers().items() if driver.abilities.text]


def own(title: str) -> Move:
    return Move("mine", title, "A line.", "For my hips.", ("Do it.",), (When.HOUR,), (), 1, 1, 0, "")


@pytest.mark.parametrize("move", MOVES, ids=[move.name for move in MOVES])
def test_an_exercise_is_named_only_if_the_user_wants_that(move: Move) -> None:
    assert on_wrist(move, BandText.NEUTRAL, walk=False) == "Time to move"
    assert on_wrist(move, BandText.NEUTRAL, walk=True) == "Time to move"
    assert on_wrist(move, BandText.EXERCISE, walk=False) == NAMES[move.name]
    assert on_wrist(move, BandText.EXERCISE, walk=True) == "Short walk"


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Sit to stand", "Sit to stand"),
        ("Wall slide with band", "Wall slide with band"),  # 20 characters
        ("Wall slides with bands", "Wall slides with"),
        ("Hip extension, with a weight", "Hip extension, with"),
        ("Bridge and clamshell: slow", "Bridge and"),
        ("Clamshell, on the left: slow", "Clamshell, on the"),
        ("Adductor lengthening, one side", "Adductor"),
        ("Long, very-long-word-of-some", "Long"),
        ("Hüftstreckung im Stehen", "Hüftstreckung im"),
        ("Oberschenkelrückseitendehnung", "Time to move"),
    ],
)
def test_the_title_of_an_own_exercise_is_cut_at_the_end_of_a_word(title: str, shown: str) -> None:
    assert len(shown) <= 20
    assert on_wrist(own(title), BandText.EXERCISE, walk=False) == shown


def test_before_an_outing_the_first_of_the_two_exercises_is_named() -> None:
    both = warm_up((), ())
    assert both is not None
    assert both.title == "Standing hip circles, then standing hip extension"
    assert wrist_name(both) == "Hip circles"


def test_of_two_own_exercises_the_first_is_named_without_the_then() -> None:
    mine = own("Leg swings")._replace(when=(When.WARMUP,), tags=("rotation",))
    both = warm_up(("hip-rotation",), (), (mine,))
    assert both is not None
    assert both.title == "Leg swings, then standing hip extension"
    assert wrist_name(both) == "Leg swings"


@pytest.mark.parametrize("key", SHOW_TEXT)
@pytest.mark.parametrize("words", ["Time to move", "Seated hip opening"])
def test_every_family_that_shows_text_shows_these_words_and_nothing_beside_them(key: str, words: str) -> None:
    case = Case(drivers()[key], simulator(key))

    async def story(clock: FastClock) -> list[str]:
        band, store = case.band(), MemoryStore()
        connection = DirectConnection(band, clock.now, mtu=100)
        talk, session = Conversation(connection, zone=UTC_ZONE, now=clock.now), case.session(band, store)
        async with dialogue(case.driver, talk, session, store.commit) as opened:
            await opened.nudge(Message(words, "", asks=False))
        connection.drop()
        return [shown.text for shown in band.shown if shown.text]

    # a MoYoung watch is only known to show `title:body` (docs/protocols/moyoung.md, command 41)
    assert run(story, NOON) == [f"hipsync:{words}" if key == "moyoung" else words]


def few_followed(*_: object) -> Learned:
    """What is learned from a week in which no reminder was followed: every second one suggests a walk."""
    return Learned({}, Share(0, 8))


@pytest.mark.parametrize(
    ("wanted", "walk", "shown"),
    [
        (BandText.NEUTRAL, False, "Time to move"),
        (BandText.NEUTRAL, True, "Time to move"),
        (BandText.EXERCISE, False, "Hip extension"),
        (BandText.EXERCISE, True, "Short walk"),
    ],
)
def test_a_reminder_of_the_service_shows_what_the_setting_says(
    monkeypatch: pytest.MonkeyPatch, wanted: BandText, walk: bool, shown: str
) -> None:
    if walk:
        monkeypatch.setattr(showing, "learned_by", few_followed)
    band = pine_time("5m walk 100, 90m sit")

    async def story(clock: FastClock) -> None:
        world = World(clock, watch=band)
        at = NINE - 9 * 24 * HOUR
        world.store.add_prompt(Prompt(at, at, "hip-rotation", sure=True, answer=Answer.SKIPPED, answered_at=at))
        world.service.settings = replace(SETTINGS, band_text=wanted)
        try:
            await world.run_until(NINE + 70 * MINUTE)
        finally:
            await world.service.leave()

    run(story, NINE)
    assert [each.text for each in band.shown] == [shown]

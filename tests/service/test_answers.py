"""Answering a prompt, wherever the answer comes from: what is written down."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hipsync.model import Answer, Exercise, Prompt
from hipsync.service.answers import answer_prompt
from hipsync.store import Store
from support.builders import MONDAY

PROMPT = Prompt(MONDAY, MONDAY, "hip-extension", sure=True)
SOON, LATER = MONDAY + timedelta(minutes=2), MONDAY + timedelta(minutes=3)


@pytest.mark.parametrize(
    ("answer", "done"),
    [
        (Answer.DONE, [Exercise(SOON, "hip-extension", "prompt")]),
        (Answer.HURT, [Exercise(SOON, "hip-extension", "prompt", hurt=True)]),
        (Answer.SKIPPED, []),
        (Answer.SNOOZED, []),
    ],
)
def test_done_and_hurt_are_an_exercise_and_said_twice_they_are_one(answer: Answer, done: list[Exercise]) -> None:
    with Store.in_memory() as store:
        store.add_prompt(PROMPT)
        answer_prompt(store, PROMPT, answer, SOON)
        answer_prompt(store, PROMPT, answer, LATER)
        assert store.exercises(MONDAY, MONDAY + timedelta(days=1)) == done
        assert store.prompt(PROMPT).answer is answer


def test_a_snooze_ends_when_the_wearer_wanted_it_to() -> None:
    with Store.in_memory() as store:
        store.add_prompt(PROMPT)
        answered = answer_prompt(store, PROMPT, Answer.SNOOZED, SOON, timedelta(minutes=25))
        assert answered.snoozed_until == SOON + timedelta(minutes=25)
        assert store.prompt(PROMPT) == answered

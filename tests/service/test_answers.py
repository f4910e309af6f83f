"""Answering a prompt, wherever the answer comes from: what is written down."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hipsync.errors import ConfigError
from hipsync.model import Answer, Exercise, Label, Occasion, Prompt, State
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


def test_standing_is_an_answer_and_a_label_and_said_twice_both_labels_stay() -> None:
    with Store.in_memory() as store:
        store.add_prompt(PROMPT)
        for at in (SOON, LATER):
            answer_prompt(store, PROMPT, Answer.STANDING, at)
        assert store.labels(MONDAY, LATER) == [Label(SOON, State.STANDING)]
        assert store.labels(SOON, LATER + timedelta(seconds=1)) == [
            Label(SOON, State.STANDING),
            Label(LATER, State.STANDING),
        ]
        assert store.exercises(MONDAY, MONDAY + timedelta(days=1)) == []


@pytest.mark.parametrize("occasion", [Occasion.MORNING, Occasion.AFTER_RIDE])
def test_standing_answers_no_prompt_that_is_not_for_sitting(occasion: Occasion) -> None:
    with Store.in_memory() as store:
        prompt = store.add_prompt(PROMPT._replace(occasion=occasion))
        with pytest.raises(ConfigError, match="not for sitting"):
            answer_prompt(store, prompt, Answer.STANDING, SOON)
        assert store.prompt(prompt).answer is None
        assert store.labels(MONDAY, LATER) == []


def test_a_snooze_ends_when_the_wearer_wanted_it_to() -> None:
    with Store.in_memory() as store:
        store.add_prompt(PROMPT)
        answered = answer_prompt(store, PROMPT, Answer.SNOOZED, SOON, timedelta(minutes=25))
        assert answered.snoozed_until == SOON + timedelta(minutes=25)
        assert store.prompt(PROMPT) == answered

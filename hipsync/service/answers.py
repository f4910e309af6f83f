"""Answers to prompts: which prompt may be answered, and what is written down, wherever the answer comes from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from hipsync.model import Answer, Exercise, Prompt
from hipsync.store import Store


def standing_prompt(said: Sequence[Prompt]) -> Prompt | None:
    """The prompt that may still be answered: the newest, unless it was answered or acted upon already."""
    last = said[-1] if said else None
    return last if last is not None and last.answer in {None, Answer.IGNORED, Answer.SNOOZED} else None


def answer_prompt(
    store: Store,
    prompt: Prompt,
    answer: Answer,
    now: datetime,
    snooze: timedelta = timedelta(minutes=10),
    *,
    how: str = "prompt",
) -> Prompt:
    """Write down an answer, and the exercise that was done or that hurt; a snooze ends `snooze` after now.

    Said twice, by a button and on the command line, it is one exercise.
    """
    until = now + snooze if answer is Answer.SNOOZED else None
    before = store.prompt(prompt)
    answered = before._replace(answer=answer, answered_at=now, snoozed_until=until)
    with store.transaction():
        store.update_prompt(answered)
        if answer in {Answer.DONE, Answer.HURT} and before.answer is not answer:
            store.add_exercise(Exercise(now, prompt.exercise, how, hurt=answer is Answer.HURT))
    return answered

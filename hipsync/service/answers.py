"""Answers to prompts, and pauses: which prompt may be answered, and what is stored, wherever that comes from.

Buttons of desktop notices, bands, the command line and Home Assistant all come here. The one rule: an answer that comes
by two of these ways counts once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from hipsync.errors import ConfigError
from hipsync.instants import latest
from hipsync.model import Answer, Exercise, Label, Occasion, Pause, Prompt, State
from hipsync.store import Store

STANDS_FOR = timedelta(hours=3)
"""For how long after it was first shown a prompt can be answered; later it belongs to another part of the day."""
LONGEST_PAUSE = timedelta(days=7)
"""The longest pause that can be asked for: a typing error must not end all prompts for years."""
USUAL_PAUSE = timedelta(hours=1)
"""How long a pause lasts for which nothing else is asked."""


def standing_prompt(prompts: Sequence[Prompt]) -> Prompt | None:
    """The prompt that may still be answered: the newest one, if it has no answer yet or was ignored or snoozed.

    `prompts` are in order of time. None if there is no such prompt.
    """
    last = prompts[-1] if prompts else None
    return last if last is not None and last.answer in {None, Answer.IGNORED, Answer.SNOOZED} else None


def open_prompt(store: Store, now: datetime) -> Prompt | None:
    """The prompt that can be answered now: the newest, if it is still open and not older than `STANDS_FOR`."""
    return standing_prompt(store.prompts(now - STANDS_FOR, latest(now) + timedelta(seconds=1)))


def pause_prompts(store: Store, now: datetime, length: timedelta = USUAL_PAUSE) -> Pause:
    """Store a pause from now on, of at most `LONGEST_PAUSE`, and return it. Raises `StoreError`."""
    pause = Pause(now, now + min(length, LONGEST_PAUSE))
    store.add_pause(pause)
    return pause


def resume_prompts(store: Store, now: datetime) -> bool:
    """End a pause, and return whether there was one. Raises `StoreError`."""
    if store.pause(now) is None:
        return False
    store.add_pause(Pause(now, now))
    return True


def answer_prompt(
    store: Store,
    prompt: Prompt,
    answer: Answer,
    now: datetime,
    snooze: timedelta = timedelta(minutes=10),
    *,
    how: str = "prompt",
) -> Prompt:
    """Store an answer, and an exercise if the answer says that it was done or that it hurt. Return the stored prompt.

    A snooze ends at `now` plus `snooze`. The same answer, given again to the same prompt, stores no second exercise.
    `how` becomes `Exercise.how`. "I was standing" stores a label too. Raises `StoreError`, and `ConfigError` if it
    answers a prompt that was not for sitting.
    """
    if answer is Answer.STANDING and prompt.occasion is not Occasion.SITTING:
        raise ConfigError(f"the open reminder ({prompt.occasion}) is not for sitting: `hipsync done`, or `skip`")
    until = now + snooze if answer is Answer.SNOOZED else None
    with store.transaction():
        before = store.prompt(prompt)
        answered = before._replace(answer=answer, answered_at=now, snoozed_until=until)
        store.update_prompt(answered)
        if answer in {Answer.DONE, Answer.HURT} and before.answer is not answer:
            store.add_exercise(Exercise(now, prompt.exercise, how, hurt=answer is Answer.HURT))
        if answer is Answer.STANDING:
            store.add_label(Label(now, State.STANDING))
    return answered

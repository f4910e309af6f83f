"""Does what the home asks for, by the functions that every other surface answers and pauses by."""

from __future__ import annotations

from datetime import datetime, timedelta

from hipsync.home.commands import Command, Do
from hipsync.model import MINUTE, Answer
from hipsync.service.answers import USUAL_PAUSE, answer_prompt, open_prompt, pause_prompts, resume_prompts
from hipsync.store import Store

ANSWERS = {Do.DONE: Answer.DONE, Do.SNOOZE: Answer.SNOOZED, Do.SKIP: Answer.SKIPPED, Do.HURT: Answer.HURT}
CLOCKS_DIFFER = MINUTE
"""How much the clocks of two computers at home may differ, so that a press seems to come before its reminder."""


def obey(store: Store, command: Command, now: datetime, snooze: timedelta) -> str:
    """Do what a command asks for, and return what came of it, in words for the log. Raises `StoreError`.

    A snooze that says no length lasts for `snooze`. An answer that was given before the open prompt was shown is none
    to it, and changes nothing.
    """
    asked_for = None if command.minutes is None else command.minutes * MINUTE
    match command.do:
        case Do.CHECK:
            return "hipsync mqtt check asks: this service hears it"
        case Do.PAUSE:
            until = pause_prompts(store, now, asked_for or USUAL_PAUSE).until
            return f"paused from the home, until {until:%H:%M} UTC"
        case Do.RESUME:
            return "the pause was ended from the home" if resume_prompts(store, now) else "there was no pause to end"
        case do:
            prompt = open_prompt(store, now)
            if prompt is None:
                return f"{do} came from the home, and no reminder is open"
            if command.at < (prompt.last_shown or prompt.at) - CLOCKS_DIFFER:
                return f"{do} from the home is older than the open reminder: it is left open"
            answer_prompt(store, prompt, ANSWERS[do], now, asked_for or snooze)
            return f"the reminder was answered from the home: {do}"

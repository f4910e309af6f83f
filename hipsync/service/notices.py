"""Which notices on the desktop nobody can act upon any more, so that they are withdrawn.

A notice stays from its reminder to whichever comes first: an answer, wherever it was given; getting up, or whatever
else ends the spell; a pause; an hour. The service withdraws the rest when it ends.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from hipsync.core.bouts import Bouts
from hipsync.core.prompting import prompts_for
from hipsync.model import Answer, Occasion, Pause, Prompt

NOTICE_FOR = timedelta(hours=1)
"""How long a notice stays for which nothing else happens."""
OPEN_ANSWERS = frozenset({None, Answer.IGNORED})
"""The answers of a reminder whose notice may still be pressed: an ignored one may be done after all."""


class Notices(Protocol):
    """The notices that may be on the desktop now."""

    def open(self) -> Collection[datetime]:
        """When the reminders fell due that have a notice there."""
        ...

    async def withdraw(self, of: Collection[datetime]) -> None:
        """Take the notices of these reminders away. It raises nothing."""
        ...


def to_withdraw(
    shown: Collection[datetime], said: Sequence[Prompt], found: Bouts, now: datetime, pause: Pause | None
) -> list[datetime]:
    """Which of these notices are to be withdrawn now.

    `shown` are the instants at which their reminders fell due, `said` the reminders, `found` the stretches up
    to the end of the known data.
    """
    if not shown:
        return []
    mine = prompts_for(found.stretches[-1], said, now)[-1:] if found.age else []
    if pause is not None and now < pause.until:
        return sorted(shown)
    return sorted({*shown} - {each.due for each in said if _stays(each, mine, now)})


def _stays(prompt: Prompt, mine: Sequence[Prompt], now: datetime) -> bool:
    if prompt.answer not in OPEN_ANSWERS or now >= ends(prompt):
        return False
    return prompt.occasion is not Occasion.SITTING or prompt in mine


def ends(prompt: Prompt) -> datetime:
    """When the notice of a reminder is withdrawn at the latest."""
    return (prompt.last_shown or prompt.at) + NOTICE_FOR


def next_end(shown: Collection[datetime], said: Sequence[Prompt]) -> datetime | None:
    """When the next of these notices has stood for an hour; None if there is none."""
    return min((ends(each) for each in said if each.due in shown), default=None)

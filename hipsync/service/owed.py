"""Which prompt is still to be shown as a notice, because a band vibrated for it while a notice had to wait.

Only the running service knows which prompts these are (`Showing.owed`): one that was started anew has none, and shows
what nobody answered once more, as ever. See docs/rule.md, "At a good moment".
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from hipsync.core.bouts import Bouts
from hipsync.core.days import Zones
from hipsync.core.policy import Policy
from hipsync.core.prompting import Due, Quiet, Reason, next_hours, prompts_for, quiet_at
from hipsync.model import Occasion, Pause, Prompt


class Owed(NamedTuple):
    """A prompt that is still to be shown as a notice."""

    prompt: Prompt
    until: datetime | None = None
    """The end of a lunch, a pause or whatever else lets nothing be shown now; None if only this computer may."""


def newest_owed(owed: Collection[datetime], said: Sequence[Prompt]) -> Prompt | None:
    """The newest unanswered one of the prompts that were first shown at these instants."""
    return next((each for each in reversed(said) if each.at in owed and each.answer is None), None)


def owed_sitting(
    prompt: Prompt,
    found: Bouts,
    said: Sequence[Prompt],
    policy: Policy,
    zones: Zones,
    now: datetime,
    pause: Pause | None,
) -> Owed | None:
    """What is owed of a prompt for sitting: nothing outside the hours, or if its stretch was over at the last data.

    `found` are the stretches up to the end of the known data.
    """
    if not found.age or prompt not in prompts_for(found.stretches[-1], said, now)[-1:]:
        return None
    quiet = quiet_at(now, policy, zones)
    if quiet is Reason.OUTSIDE_HOURS:
        return None
    if pause is not None and now < pause.until:
        return Owed(prompt, pause.until)
    return Owed(prompt, None if quiet is None else next_hours(policy, zones, now))


def owed_occasion(
    prompt: Prompt, said: Sequence[Prompt], judge: Callable[[Sequence[Prompt]], Mapping[Occasion, Due | Quiet]]
) -> Owed | None:
    """What is owed of a prompt for another occasion: its notice, as long as the prompt would be due if it had not been.

    `judge` returns what is due after some prompts.
    """
    judged = judge([each for each in said if each is not prompt]).get(prompt.occasion)
    if isinstance(judged, Due):
        return Owed(prompt)
    return None if judged is None or judged.until is None else Owed(prompt, judged.until)

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


def owed_now(
    owed: Collection[datetime],
    said: Sequence[Prompt],
    found: Bouts,
    policy: Policy,
    zones: Zones,
    now: datetime,
    pause: Pause | None,
    judge: Callable[[Sequence[Prompt]], Mapping[Occasion, Due | Quiet]],
) -> Owed | None:
    """The newest of the prompts that fell due at the instants `owed`, unless it has an answer or its time is over.

    One for sitting has its time while its stretch ran at the last data (`found`), inside the hours. One for another
    occasion has it while it would be due if it had not been shown, which `judge` says of some prompts.
    """
    last = next((each for each in reversed(said) if each.due in owed and each.answer is None), None)
    if last is None:
        return None
    if last.occasion is not Occasion.SITTING:
        judged = judge([each for each in said if each is not last]).get(last.occasion)
        if isinstance(judged, Due):
            return Owed(last)
        return None if judged is None or judged.until is None else Owed(last, judged.until)
    quiet = quiet_at(now, policy, zones)
    runs = bool(found.age) and last in prompts_for(found.stretches[-1], said, now)[-1:]
    if not runs or quiet is Reason.OUTSIDE_HOURS:
        return None
    if pause is not None and now < pause.until:
        return Owed(last, pause.until)
    return Owed(last, None if quiet is None else next_hours(policy, zones, now))

"""Whether a reminder is welcome at this moment, by what is known of its wearer at this computer.

::

      the last minutes before the limit          the limit        in a call        its end
    ----|---------- a natural pause: early ---------|--------------| held: band |-----| notice

`verdict` says when a reminder is due; nothing here changes that. A reminder may come a little early, at a natural
pause, and what is due waits while a notice would disturb or nobody would see it. What is not known holds nothing back.
See docs/rule.md, "At a good moment".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from hipsync.core.bouts import Bouts
from hipsync.core.days import Zones
from hipsync.core.policy import Busy, Policy
from hipsync.core.prompting import Due, Quiet, Reason, verdict
from hipsync.core.timeline import Timeline, instant_of
from hipsync.model import MINUTE, Prompt

PAUSE_S, THERE_S, AWAY_S = 60.0, 300.0, 600.0
"""Seconds since the last input from which on it is a pause, up to which somebody is there for sure, and from which on
nobody seems to be there."""
CURRENT = 3 * MINUTE
"""Data that end less than this before now tell what their wearer does now."""


OBSTACLES = {
    Busy.CALL: Reason.CALL,
    Busy.FULL_SCREEN: Reason.FULL_SCREEN,
    Busy.DO_NOT_DISTURB: Reason.DO_NOT_DISTURB,
}


class Here(NamedTuple):
    """What is known of the wearer at this computer at one moment."""

    busy: Busy | None = None
    """What keeps a notice from being welcome; None if nothing is known to do so."""
    locked: bool = False
    """Whether the screen is known to be locked."""
    idle_s: float | None = None
    """Seconds since the last input; None if that is not known."""
    freed: bool = False
    """Whether this moment is the first look after one that found it busy or locked, and is neither itself."""

    @property
    def obstacle(self) -> Reason | None:
        """Why a notice must wait: it is not welcome, or it would be shown on a locked screen; None if it need not."""
        if self.busy is not None:
            return OBSTACLES[self.busy]
        return Reason.LOCKED if self.locked else None

    @property
    def is_away(self) -> bool:
        """Whether nobody seems to be at this computer."""
        return self.locked or (self.idle_s is not None and self.idle_s >= AWAY_S)

    @property
    def is_there(self) -> bool:
        """Whether somebody is known to be at this computer."""
        return not self.locked and self.idle_s is not None and self.idle_s < THERE_S

    @property
    def is_pause(self) -> bool:
        """Whether this is a natural pause: nothing was typed for a minute, a call has ended, the screen is unlocked."""
        if self.obstacle is not None:
            return False
        return self.freed or (self.idle_s is not None and PAUSE_S <= self.idle_s < AWAY_S)

    def after(self, before: Here | None) -> Here:
        """The same moment with `freed` set by the look before it; `before` is None if there was none lately."""
        return self._replace(freed=before is not None and before.obstacle is not None and self.obstacle is None)


def sooner(
    judged: Due | Quiet,
    line: Timeline,
    found: Bouts,
    prompts: Sequence[Prompt],
    policy: Policy,
    zones: Zones,
    now: datetime,
    here: Here | None,
) -> Due | Quiet:
    """The verdict; in its place the first reminder of the stretch, if it may come early and this is a natural pause.

    It is due by all the conditions of `verdict`, with a limit that is lower by `Policy.early_minutes`, if the data tell
    what the wearer does now. `here` is None where no computer can be asked.
    """
    if here is None or not here.is_pause or isinstance(judged, Due) or judged.reason is not Reason.SITTING:
        return judged
    known = line.known_until()
    if known is None or now - instant_of(known) >= CURRENT:
        return judged
    lower = replace(policy, limit_minutes=policy.limit_minutes - early_minutes(policy))
    early = verdict(line, found, prompts, lower, zones, now)
    return early._replace(due=now) if isinstance(early, Due) and early.again is None else judged


def early_minutes(policy: Policy) -> int:
    """How many minutes before the limit a reminder may come: what the user allows, and at most half of the limit."""
    return min(policy.early_minutes, policy.limit_minutes // 2)


def unless_held(judged: Due | Quiet, here: Here | None) -> Due | Quiet:
    """The verdict; a `Quiet` in the place of what is due if a notice must wait."""
    if here is None or isinstance(judged, Quiet) or here.obstacle is None:
        return judged
    return Quiet(here.obstacle)

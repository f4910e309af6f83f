"""What the wearer does now, and why no reminder comes: one value, of which every surface makes its words.

`now_of` decides nothing. It names what `plan` has decided from the same `State`, so that `status`, a status bar, the
page and a notice cannot say different things. How it is said is for `status_text`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from hipsync.core.bouts import LISTED_MINUTES, Bouts, signs_of_life
from hipsync.core.days import Zones
from hipsync.core.prompting import BRIDGED_MINUTES, Due, Reason, next_hours, prompts_for, quiet_at
from hipsync.core.timeline import ASLEEP, MISSING, NOT_WORN, RIDING, Timeline, instant_of, minute_of
from hipsync.model import MINUTE, Prompt
from hipsync.service.plan import contact_at
from hipsync.service.state import State


class Doing(StrEnum):
    """What the wearer does now, as far as that is known. The values are those of `state` in `status --json`."""

    SITTING = "sitting"
    UP = "up"
    RIDING = "riding"
    ASLEEP = "asleep"
    NOT_WORN = "not worn"
    STILL = "no movement"
    """A spell goes on without any sign of life, so that nobody may be there."""
    NO_DATA = "no data"
    COARSE = "steps only"
    """There are steps and no minutes: slots that are too long to tell sitting, or one count of a band so far."""
    NO_BAND = "no band"


class Then(NamedTuple):
    """What the wearer did when the data ended, with nothing wrong since: the band is only not asked yet."""

    doing: Doing
    minutes: int | None
    """How long the spell was then; None unless they sat."""


class Now(NamedTuple):
    """What is known of the wearer at one instant."""

    at: datetime
    zones: Zones
    doing: Doing
    since: datetime | None
    """Since when; for NO_DATA the end of the data. None if nothing is known."""
    minutes: int | None
    """How many minutes of the running spell count; None if none runs."""
    limit: int
    reason: Reason | None
    """Why no reminder is shown now; None if one is due."""
    until: datetime | None
    """When that may change, as far as is known."""
    dropped: Reason | None
    """The prompt hours or lunch, if what falls due at `until`, or fell due in this spell, is dropped for their sake."""
    opens: datetime | None
    """When the prompt hours begin again, if what falls due at `until` is dropped because it lies outside of them."""
    reminder: Prompt | None
    """The last reminder of the running spell."""
    failing: str | None
    """The band that could not be reached, if the data ended for want of it."""
    contact: datetime | None
    """When a band is contacted next, as far as is known."""
    then: Then | None
    """For NO_DATA: what was known when the data ended; None if a band has failed since, or is watched all the time."""
    steps: int | None
    """The steps of the user's day; only for COARSE."""
    running: bool
    """Whether the service runs, so that reminders come at all."""
    is_watched: bool
    """Whether the service stays connected to a band, which sends its minutes then."""

    @property
    def sat(self) -> int | None:
        """How many minutes of the running spell are sitting; None if nobody may be there, or no spell runs."""
        return self.minutes if self.doing is Doing.SITTING else None

    @property
    def is_over(self) -> bool:
        """Whether the running spell has reached the limit."""
        return self.minutes is not None and self.minutes >= self.limit

    @property
    def open(self) -> Prompt | None:
        """The reminder that waits for its answer; None if none does."""
        return self.reminder if self.reminder is not None and self.reason is Reason.ASKED else None


def now_of(state: State, now: datetime, *, running: bool) -> Now:
    """What is known of the wearer at `now`, and why no reminder comes, by the state at that instant."""
    line, found, judged = state.seen.line, state.seen.found, state.verdict
    reason, until = (None, None) if isinstance(judged, Due) else (judged.reason, judged.until)
    doing, since = _doing(state, reason)
    mine = prompts_for(found.stretches[-1], state.said, now) if found.age else []
    dropped = _dropped(state, reason, until, now)
    waiting = doing is Doing.NO_DATA
    failing = next((each for each in state.contacts if each.failures), None) if waiting else None
    return Now(
        at=now,
        zones=state.zones,
        doing=doing,
        since=since,
        minutes=found.age or None,
        limit=state.settings.rule.limit_minutes,
        reason=reason,
        until=until,
        dropped=dropped,
        opens=None if until is None or dropped is None else next_hours(state.settings.policy, state.zones, until),
        reminder=mine[-1] if mine else None,
        failing=failing.band.name if failing is not None else None,
        contact=min((contact_at(each, state, now) for each in state.contacts if not each.live), default=None),
        then=_then(state) if waiting and failing is None else None,
        steps=_steps(line, state.zones, now) if doing is Doing.COARSE else None,
        running=running,
        is_watched=any(each.live for each in state.contacts),
    )


def _doing(state: State, reason: Reason | None) -> tuple[Doing, datetime | None]:
    """What the wearer does at the end of the timeline, and since when."""
    line, found = state.seen.line, state.seen.found
    known = line.known_until()
    if found.age and (reason is Reason.NO_LIFE or found.stretches[-1].doubtful):
        return Doing.STILL, _last_sign(line)
    if found.age:
        return Doing.SITTING, found.stretches[-1].start
    if known is None and line.unplaced:
        return Doing.COARSE, None
    if known is None:
        return Doing.NO_DATA if state.contacts else Doing.NO_BAND, None
    return _awake_or_not(line, found, known, state.settings.at_least_every // MINUTE + BRIDGED_MINUTES)


def _awake_or_not(line: Timeline, found: Bouts, known: int, lasts: int) -> tuple[Doing, datetime | None]:
    """The same where no spell runs; `known` is the first minute after the newest known one.

    Sleep and a band that lies aside go on for `lasts` minutes without data, because a band that stores its minutes is
    only contacted now and then. A night of which nothing came since is no sleep that goes on.
    """
    at = known - 1 - line.first
    code = line.code[at]
    if code in {ASLEEP, NOT_WORN} and line.last - known <= lasts:
        begun = len(line.code[: at + 1].rstrip(bytes([code])))
        return Doing.ASLEEP if code == ASLEEP else Doing.NOT_WORN, instant_of(line.first + begun)
    if line.last - known > BRIDGED_MINUTES:
        return Doing.NO_DATA, instant_of(known)
    if line.flags[at] & RIDING:
        return Doing.RIDING, _begun(line, at, lambda place: bool(line.flags[place] & RIDING))
    listed = [stretch for stretch in found.stretches if stretch.minutes >= LISTED_MINUTES]
    first = minute_of(listed[-1].end) - line.first if listed else 0
    off = {MISSING, ASLEEP, NOT_WORN}
    return Doing.UP, _begun(line, at, lambda place: place >= first and line.code[place] not in off)


def _begun(line: Timeline, at: int, holds: Callable[[int], bool]) -> datetime:
    """The start of the unbroken run of minutes, up to the place `at`, for whose places `holds` is true."""
    while at > 0 and holds(at - 1):
        at -= 1
    return instant_of(line.first + at)


def _last_sign(line: Timeline) -> datetime | None:
    """The end of the last minute with a sign of life; None if there is none."""
    last = max(signs_of_life(line, 0, len(line.flags)), default=None)
    return None if last is None else instant_of(line.first + last + 1)


def _dropped(state: State, reason: Reason | None, until: datetime | None, now: datetime) -> Reason | None:
    """Why what falls due at `until`, or fell due in the running spell, is dropped; None if it is not."""
    policy, zones = state.settings.policy, state.zones
    if reason is Reason.SITTING:
        return None if until is None else quiet_at(until, policy, zones)
    dropped = reason in {Reason.LUNCH, Reason.OUTSIDE_HOURS} and quiet_at(now, policy, zones) is None
    return reason if dropped else None


def _then(state: State) -> Then | None:
    """What the wearer did when the data of a band ended that is only asked now and then; None if nothing is known."""
    line, found, _ = state.known
    known = line.known_until()
    if known is None or all(each.live for each in state.contacts):
        return None
    if found.age:
        return Then(Doing.SITTING, found.age)
    return Then(_awake_or_not(line, found, known, 0)[0], None)


def _steps(line: Timeline, zones: Zones, now: datetime) -> int:
    """The steps of the user's day up to now, those included that belong to no single minute."""
    start = minute_of(zones.day(zones.date_of(now)).start)
    placed = sum(line.steps[max(start - line.first, 0) :])
    return placed + sum(steps for minute, steps in line.unplaced if minute >= start)

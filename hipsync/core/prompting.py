"""Whether a prompt is due now, or why not and when to look again (`science.md` section 2, `product.md` section 5).

The same function decides for the service and explains for `status`. It judges what is known: a line whose data end
before now holds missing minutes at its end, and a stretch that nobody has seen running for over ten minutes is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from hipsync.core.bouts import MOVED_WITHIN, Bouts, alive_since, is_sure, moved_after, reached, signs_of_life
from hipsync.core.days import Zones
from hipsync.core.policy import Policy
from hipsync.core.timeline import ASLEEP, MISSING, NOT_WORN, Timeline, instant_of, minute_of
from hipsync.model import MINUTE, Answer, Occasion, Pause, Prompt, Stretch

LIFE_WITHIN = 180
"""Minutes: no prompt without a sign of life this recently; without it one prompt in ten came for a night (measured)."""


class Reason(StrEnum):
    """Why nothing is said now."""

    NO_DATA = "no data"
    NOT_WORN = "not worn"
    ASLEEP = "asleep"
    MOVING = "moving"
    SITTING = "sitting, not yet long enough"
    OUTSIDE_HOURS = "outside the prompt hours"
    LUNCH = "lunch"
    PAUSED = "paused"
    NO_LIFE = "no sign of life"
    SNOOZED = "snoozed"
    ASKED = "waiting for an answer"
    SAID = "said already"
    NO_SLEEP = "no night's sleep is known"
    NOT_UP = "not yet up"
    UNSEEN = "getting up was not seen"
    TOO_EARLY = "up too early"
    RIDING = "riding"
    TOO_LATE = "too late for it"


@dataclass(frozen=True, slots=True)
class Due:
    """Say it now. `again` is the prompt that is shown once more, if it is not a new one."""

    due: datetime
    sure: bool
    again: Prompt | None = None
    strong: bool = False
    occasion: Occasion = Occasion.SITTING


@dataclass(frozen=True, slots=True)
class Quiet:
    """Say nothing. `until`: the earliest instant at which that could change by what is known now; None: no telling."""

    reason: Reason
    until: datetime | None = None


def verdict(
    line: Timeline,
    found: Bouts,
    said: Sequence[Prompt],
    policy: Policy,
    zones: Zones,
    now: datetime,
    pause: Pause | None = None,
) -> Due | Quiet:
    """What to do about the stretch that runs at the end of the line, which ends at `now`."""
    if pause is not None and now < pause.until:
        return Quiet(Reason.PAUSED, pause.until)
    known = line.known_until()
    if known is None:
        return Quiet(Reason.NO_DATA)
    if not found.age:
        return Quiet(_why_not_sitting(line, known), instant_of(known) + policy.limit * MINUTE)
    stretch = found.stretches[-1]
    origin = _origin(line, stretch, policy, zones, now)
    if origin is None:
        inside = _in_hours(now, policy, zones)
        return Quiet(Reason.NO_LIFE) if inside else Quiet(Reason.OUTSIDE_HOURS, next_hours(policy, zones, now))
    mine = [each for each in said if each.occasion is Occasion.SITTING and stretch.start < each.due <= now]
    if mine and (held := _after(line, mine[-1], policy, now)):
        return held if isinstance(held, Quiet) else _unless_quiet(held, policy, zones, now)
    age = policy.limit + (policy.repeat or 0) * len(mine)
    at = reached(line, stretch, origin, age)
    if at is None:
        counted = sum(code != MISSING for code in line.code[minute_of(origin) - line.first : known - line.first])
        return Quiet(Reason.SITTING if not mine else Reason.SAID, instant_of(known) + (age - counted) * MINUTE)
    due = instant_of(line.first + at + 1)
    if (reason := quiet_at(due, policy, zones)) is not None:  # hours and lunch drop
        return Quiet(reason)
    if not alive_since(line, minute_of(now) - line.first - LIFE_WITHIN):
        return Quiet(Reason.NO_LIFE)
    return _unless_quiet(Due(due, is_sure(line, at)), policy, zones, now)


def _after(line: Timeline, last: Prompt, policy: Policy, now: datetime) -> Due | Quiet | None:
    """What follows from the last prompt of the stretch; None if another one may come by its age."""
    shown = last.last_shown or last.at
    alive = alive_since(line, minute_of(shown) - line.first)
    if last.answer is None:
        return Quiet(Reason.ASKED, shown + MOVED_WITHIN)
    if last.answer is Answer.SNOOZED:
        until = last.snoozed_until or shown
        return Due(last.due, last.sure, again=last) if until <= now else Quiet(Reason.SNOOZED, until)
    if last.answer is Answer.IGNORED and policy.stronger and last.shown < 2:
        return Due(last.due, last.sure, again=last, strong=True) if alive else Quiet(Reason.NO_LIFE)
    return None if policy.repeat and alive else Quiet(Reason.SAID)


def _why_not_sitting(line: Timeline, known: int) -> Reason:
    code = line.code[known - line.first - 1]
    if code == ASLEEP:
        return Reason.ASLEEP
    if code == NOT_WORN:
        return Reason.NOT_WORN
    return Reason.MOVING if line.last - known <= 10 else Reason.NO_DATA


def _origin(line: Timeline, stretch: Stretch, policy: Policy, zones: Zones, now: datetime) -> datetime | None:
    """From when a stretch counts for prompts: its start, or its first sign of life inside the present prompt hours.

    The latter if it began outside them, or if they were over since: what was not said in the evening is not said of the
    night at eight sharp.
    """
    closed = _closed(stretch.start, policy, zones, now)
    if closed is None and _in_hours(stretch.start, policy, zones):
        return stretch.start
    start, end = minute_of(closed or stretch.start) - line.first, minute_of(stretch.end) - line.first
    for at in signs_of_life(line, start, end):
        if _in_hours(instant_of(line.first + at), policy, zones):
            return instant_of(line.first + at)
    return None


def _closed(since: datetime, policy: Policy, zones: Zones, now: datetime) -> datetime | None:
    """When the prompt hours last ended in `(since, now]`; None if they did not."""
    local = zones.local(now)
    ends = [
        datetime.combine(local.date() - timedelta(days=days), end, local.tzinfo).astimezone(now.tzinfo)
        for days in range((now - since).days + 2)
        for _, end in policy.hours.get((local.weekday() - days) % 7, ())
    ]
    return max((e for e in ends if since < e <= now and not _in_hours(_whole(e), policy, zones)), default=None)


def _whole(instant: datetime) -> datetime:
    """The whole minute not before an instant: hours that last to midnight are written as ending right before it."""
    return instant if not instant.microsecond else instant.replace(second=0, microsecond=0) + MINUTE


def _unless_quiet(due: Due, policy: Policy, zones: Zones, now: datetime) -> Due | Quiet:
    reason = quiet_at(now, policy, zones)
    return due if reason is None else Quiet(reason, next_hours(policy, zones, now))


def quiet_at(instant: datetime, policy: Policy, zones: Zones) -> Reason | None:
    """Why nothing is said at an instant, whatever the wearer does."""
    if not _in_hours(instant, policy, zones):
        return Reason.OUTSIDE_HOURS
    local = zones.local(instant).time()
    return Reason.LUNCH if any(start <= local < end for start, end in policy.lunch) else None


def _in_hours(instant: datetime, policy: Policy, zones: Zones) -> bool:
    local = zones.local(instant)
    return any(start <= local.time() < end for start, end in policy.hours.get(local.weekday(), ()))


def next_hours(policy: Policy, zones: Zones, now: datetime) -> datetime | None:
    """The next instant, after now, at which prompts are allowed again; None if they never are."""
    local = zones.local(now)
    starts = [
        datetime.combine(local.date() + timedelta(days=days), edge, local.tzinfo).astimezone(now.tzinfo)
        for days in range(8)
        for window in (*policy.hours.get((local.weekday() + days) % 7, ()), *policy.lunch)
        for edge in window
    ]
    return min((start for start in starts if start > now and quiet_at(start, policy, zones) is None), default=None)


def outcome(
    prompt: Prompt, found: Bouts, known_until: datetime | None, now: datetime
) -> tuple[Answer, datetime] | None:
    """What became of a prompt that nobody answered, and when; None while that is open.

    It was ignored if data cover the ten minutes after it, or if twice that time brought none. Who has just got up, or
    off a bicycle, moves anyway: there moving is no answer, and ten minutes are enough.
    """
    over = (prompt.last_shown or prompt.at) + MOVED_WITHIN
    if prompt.occasion is not Occasion.SITTING:
        return (Answer.IGNORED, over) if now >= over else None
    if moved := moved_after(prompt, (b.start for b in found.breaks)):
        return Answer.MOVED, moved
    if (known_until is not None and known_until >= over) or now >= over + MOVED_WITHIN:
        return Answer.IGNORED, over
    return None

"""Whether a prompt is due now, or why not and when to look again.

The same function, `verdict`, decides for the service and explains for `hipsync status`. It judges by what is known:
if the data end before now, the timeline ends with missing minutes. A stretch is over once more than ten minutes in a
row are missing. See docs/rule.md, "When a prompt is shown".
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from hipsync.core.bouts import MOVED_WITHIN, Bouts, alive_since, is_sure, moved_after, reached, signs_of_life
from hipsync.core.days import Zones
from hipsync.core.policy import Policy
from hipsync.core.timeline import ASLEEP, MISSING, NOT_WORN, Timeline, instant_of, minute_of
from hipsync.instants import latest
from hipsync.model import MINUTE, Answer, Occasion, Pause, Prompt, Stretch

LIFE_WITHIN_MINUTES = 180
"""There is no prompt unless there was a sign of life in this many minutes before it. Without this condition, one prompt
in ten was for a night of stillness (docs/rule.md)."""

BRIDGED_MINUTES = 10
"""Data that end no longer before now than this are as good as current: only longer gaps end a spell."""


class Reason(StrEnum):
    """Why no prompt is shown now. The values are what `hipsync status` prints."""

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
    SHOWN = "said already"
    ENOUGH = "enough for today"
    WITHHELD = "no reminder in this stretch"
    """A trial withheld it. The words are true, and do not say why, so that they remind of nothing."""
    NO_SLEEP = "no night's sleep is known"
    NOT_UP = "not yet up"
    UNSEEN = "getting up was not seen"
    TOO_EARLY = "up too early"
    RIDING = "riding"
    TOO_LATE = "too late for it"
    PLANNED = "planned"
    BEGUN = "the walk has begun"
    CALL = "in a call"
    FULL_SCREEN = "a window fills the screen"
    DO_NOT_DISTURB = "do not disturb is on"
    LOCKED = "the screen is locked"


class Due(NamedTuple):
    """Show a prompt now."""

    due: datetime
    sure: bool
    again: Prompt | None = None
    """The prompt to show once more; None if a new one is to be shown."""
    strong: bool = False
    """Whether to show it more strongly than the first time."""
    occasion: Occasion = Occasion.SITTING


class Quiet(NamedTuple):
    """Show nothing now."""

    reason: Reason
    until: datetime | None = None
    """The earliest instant at which the decision could change, as far as is known; None if nothing known says when."""


def verdict(
    line: Timeline,
    found: Bouts,
    prompts: Sequence[Prompt],
    policy: Policy,
    zones: Zones,
    now: datetime,
    pause: Pause | None = None,
) -> Due | Quiet:
    """Whether a prompt is due for the stretch that runs at the end of the timeline.

    The timeline ends at `now`; `found` are its stretches; `prompts` are those shown so far, in order of time. One that
    fell due a little ahead of `now`, before the clock was put back, counts too (`hipsync.instants`).
    """
    if pause is not None and now < pause.until:
        return Quiet(Reason.PAUSED, pause.until)
    known = line.known_until()
    if known is None:
        return Quiet(Reason.NO_DATA)
    if not found.age:
        return Quiet(_why_not_sitting(line, known), instant_of(known) + policy.limit_minutes * MINUTE)
    stretch = _since_stood(found.stretches[-1], prompts, now)
    origin = _origin(line, stretch, policy, zones, now)
    if origin is None:
        inside = _in_hours(now, policy, zones)
        return Quiet(Reason.NO_LIFE) if inside else Quiet(Reason.OUTSIDE_HOURS, next_hours(policy, zones, now))
    mine = prompts_for(stretch, prompts, now)
    if mine and (next_step := _after_prompt(line, mine[-1], policy, now)):
        return next_step if isinstance(next_step, Quiet) else _unless_quiet(next_step, policy, zones, now)
    age = policy.limit_minutes + (policy.repeat_minutes or 0) * len(mine)
    at = reached(line, stretch, origin, age)
    if at is None:
        counted = sum(code != MISSING for code in line.code[minute_of(origin) - line.first : known - line.first])
        counts_from = max(instant_of(known), origin)
        return Quiet(Reason.SITTING if not mine else Reason.SHOWN, counts_from + (age - counted) * MINUTE)
    due = instant_of(line.first + at + 1)
    if (reason := quiet_at(due, policy, zones)) is not None:  # what falls due outside the hours or at lunch is dropped
        return Quiet(reason)
    if not alive_since(line, minute_of(now) - line.first - LIFE_WITHIN_MINUTES):
        return Quiet(Reason.NO_LIFE)
    return _unless_quiet(Due(due, is_sure(line, at)), policy, zones, now)


def _since_stood(stretch: Stretch, prompts: Sequence[Prompt], now: datetime) -> Stretch:
    """The part of a running stretch that counts towards a prompt: what follows the person's last "I was standing".

    The minute of that answer ends the stretch for prompts, so the part begins with the minute after it.
    """
    stood = [
        instant_of(minute_of(each.answered_at) + 1)
        for each in prompts
        if each.answer is Answer.STANDING and each.answered_at is not None and each.answered_at <= latest(now)
    ]
    return stretch._replace(start=max([stretch.start, *stood]))


def prompts_for(stretch: Stretch, prompts: Sequence[Prompt], now: datetime) -> list[Prompt]:
    """Those of the prompts, in order of time, that were shown because of this stretch."""
    return [each for each in prompts if each.occasion is Occasion.SITTING and stretch.start < each.due <= latest(now)]


def full_until(given: Sequence[datetime], policy: Policy, zones: Zones, now: datetime) -> datetime | None:
    """The end of the user's day if it has had as many prompts as the policy allows; None if one more may be shown.

    `given` are the instants at which prompts were first shown, and those at which a trial withheld one.
    """
    today = zones.day(zones.date_of(now))
    count = sum(today.start <= each < today.end for each in given)
    return today.end if policy.most_per_day is not None and count >= policy.most_per_day else None


def unless_full(judged: Due | Quiet, until: datetime | None) -> Due | Quiet:
    """The verdict; a `Quiet` in the place of a new prompt if the day is full, as `full_until` says. Repeats go on."""
    if until is None or isinstance(judged, Quiet) or judged.again is not None:
        return judged
    return Quiet(Reason.ENOUGH, until if judged.occasion is Occasion.SITTING else None)


def _after_prompt(line: Timeline, last: Prompt, policy: Policy, now: datetime) -> Due | Quiet | None:
    """The verdict that follows from the stretch's last prompt; None if the stretch's age decides about another one."""
    shown = last.last_shown or last.at
    alive = alive_since(line, minute_of(shown) - line.first)
    if last.answer is None:
        return Quiet(Reason.ASKED, shown + MOVED_WITHIN)
    if last.answer is Answer.SNOOZED:
        until = last.snoozed_until or shown
        return Due(last.due, last.sure, again=last) if until <= now else Quiet(Reason.SNOOZED, until)
    if last.answer is Answer.IGNORED and policy.stronger and last.shown < 2:
        return Due(last.due, last.sure, again=last, strong=True) if alive else Quiet(Reason.NO_LIFE)
    return None if policy.repeat_minutes and alive else Quiet(Reason.SHOWN)


def _why_not_sitting(line: Timeline, known: int) -> Reason:
    """Why no stretch runs; `known` is the first minute after the newest known one."""
    code = line.code[known - line.first - 1]
    if code == ASLEEP:
        return Reason.ASLEEP
    if code == NOT_WORN:
        return Reason.NOT_WORN
    return Reason.MOVING if line.last - known <= BRIDGED_MINUTES else Reason.NO_DATA


def _origin(line: Timeline, stretch: Stretch, policy: Policy, zones: Zones, now: datetime) -> datetime | None:
    """The instant from which a stretch counts towards a prompt; None if it does not count yet.

    That is its start, unless it began outside the prompt hours or they have ended since. Then it is the first sign of
    life inside the current hours, so that nobody gets a prompt for a whole night the moment the hours begin.
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
    """The last instant in `(since, now]` at which the prompt hours ended; None if they did not end in that time."""
    local = zones.local(now)
    ends = [
        datetime.combine(local.date() - timedelta(days=days), end, local.tzinfo).astimezone(now.tzinfo)
        for days in range((now - since).days + 2)
        for _, end in policy.hours.get((local.weekday() - days) % 7, ())
    ]
    return max((e for e in ends if since < e <= now and not _in_hours(_whole(e), policy, zones)), default=None)


def _whole(instant: datetime) -> datetime:
    """An instant rounded up to a whole minute, because hours up to midnight are written as ending just before it."""
    return instant if not instant.microsecond else instant.replace(second=0, microsecond=0) + MINUTE


def _unless_quiet(due: Due, policy: Policy, zones: Zones, now: datetime) -> Due | Quiet:
    """`due`, or a `Quiet` that says when to show it if `now` is outside the prompt hours or at lunch."""
    reason = quiet_at(now, policy, zones)
    return due if reason is None else Quiet(reason, next_hours(policy, zones, now))


def quiet_at(instant: datetime, policy: Policy, zones: Zones) -> Reason | None:
    """Why no prompt is allowed at an instant, whatever the wearer does; None if prompts are allowed."""
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
        _whole(datetime.combine(local.date() + timedelta(days=days), edge, local.tzinfo).astimezone(now.tzinfo))
        for days in range(8)
        for window in (*policy.hours.get((local.weekday() + days) % 7, ()), *policy.lunch)
        for edge in window
    ]
    return min((start for start in starts if start > now and quiet_at(start, policy, zones) is None), default=None)


def outcome(
    prompt: Prompt, found: Bouts, known_until: datetime | None, now: datetime
) -> tuple[Answer, datetime] | None:
    """What became of a prompt that nobody answered, and when; None while that is undecided.

    The prompt was ignored if the data cover the ten minutes after it without a break, or if no data came for twice that
    time. A prompt for anything but sitting is ignored after ten minutes: who has got up, has ridden or is about to go
    moves anyway, so moving is no answer.
    """
    over = (prompt.last_shown or prompt.at) + MOVED_WITHIN
    if prompt.occasion is not Occasion.SITTING:
        return (Answer.IGNORED, over) if now >= over else None
    if moved := moved_after(prompt, (b.start for b in found.breaks)):
        return Answer.MOVED, moved
    if (known_until is not None and known_until >= over) or now >= over + MOVED_WITHIN:
        return Answer.IGNORED, over
    return None

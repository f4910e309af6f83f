"""Prompts that are not for sitting: the first movement after sleep, and the end of a ride (`science.md` section 5).

::

    z z z z z z | bathroom | z z z z |  awake in bed  | up and about
      a night: at least 180 minutes that a band calls asleep
                               its end ^              ^ the first walk after it: the morning prompt is due

Sleeps less than two hours apart are one night, so a walk to the bathroom ends none; a nap is too short to be one. A
walk before four in the morning begins no day. Where more than ten minutes in a row between the night and the walk are
missing or not worn, nobody saw the wearer get up, and nothing is said; the same where no band reports sleep.

Both are said within an hour or not at all: hours, lunch, a pause and a prompt that waits for its answer hold them no
longer, and late data about a morning that is over raise none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import NamedTuple

from hipsync.core.bouts import MOVED_WITHIN, Rule, first_walk
from hipsync.core.days import Zones
from hipsync.core.policy import Policy
from hipsync.core.prompting import Due, Quiet, Reason, next_hours, quiet_at
from hipsync.core.timeline import ASLEEP, MISSING, NOT_WORN, RIDING, Timeline, instant_of
from hipsync.model import MINUTE, Answer, Occasion, Pause, Prompt

NIGHT = 180
"""Minutes asleep that make a night."""
ONE_NIGHT = 120
"""Minutes: sleeps no further apart belong to one night."""
UNSEEN = 10
"""Minutes: as long as a hole that a sitting stretch bridges."""
NOT_BEFORE = time(4)
"""Local: who walks earlier goes to the bathroom."""
RIDE, RIDE_OVER = 10, 2
"""Minutes: a ride is no shorter, and over when it is known that nobody rode for so long."""
WITHIN = timedelta(hours=1)
"""Later it is not the morning any more, and the ride is forgotten. Of rides closer than this one is spoken of."""


class _Event(NamedTuple):
    due: datetime
    until: datetime
    """The last instant at which it may be said."""


def occasions(
    line: Timeline,
    rule: Rule,
    said: Sequence[Prompt],
    policy: Policy,
    zones: Zones,
    now: datetime,
    pause: Pause | None = None,
    *,
    morning: bool = True,
) -> Mapping[Occasion, Due | Quiet]:
    """What to do about each occasion that there could be; `until` of a `Quiet` is when it is to be said."""
    found: dict[Occasion, Due | Quiet] = {}
    for occasion in (Occasion.MORNING, Occasion.AFTER_CYCLING):
        if occasion is Occasion.MORNING:
            event = _first_movement(line, rule, zones, now) if morning else None
        else:
            event = _last_ride(line)
        if isinstance(event, Quiet):
            found[occasion] = event
        elif event is not None:
            mine = [each for each in said if each.occasion is occasion and _same(occasion, each, event, zones)]
            found[occasion] = _judged(occasion, event, mine, said, policy, zones, now, pause)
    return found


def _same(occasion: Occasion, prompt: Prompt, event: _Event, zones: Zones) -> bool:
    """Whether a prompt was about this event: one a local day, and one of rides that follow each other closely."""
    if occasion is Occasion.MORNING:
        return zones.date_of(prompt.due) == zones.date_of(event.due)
    return prompt.due > event.until - 2 * WITHIN


def _judged(
    occasion: Occasion,
    event: _Event,
    mine: Sequence[Prompt],
    said: Sequence[Prompt],
    policy: Policy,
    zones: Zones,
    now: datetime,
    pause: Pause | None,
) -> Due | Quiet:
    due, until = Due(event.due, sure=True, occasion=occasion), event.until
    if mine:
        last = mine[-1]
        if last.answer is not Answer.SNOOZED or last.snoozed_until is None:
            return Quiet(Reason.SAID)
        if now < last.snoozed_until:
            return Quiet(Reason.SNOOZED, last.snoozed_until)
        due, until = Due(last.due, last.sure, again=last, occasion=occasion), last.snoozed_until + WITHIN
    if now > until:
        return Quiet(Reason.TOO_LATE)

    def held(reason: Reason, opens: datetime | None) -> Quiet:
        return Quiet(reason, opens if opens is not None and opens <= until else None)

    if pause is not None and now < pause.until:
        return held(Reason.PAUSED, pause.until)
    if (reason := quiet_at(now, policy, zones)) is not None:
        return held(reason, next_hours(policy, zones, now))
    asked = [each.last_shown or each.at for each in said if each.answer is None and each not in mine]
    if asked and now < asked[-1] + MOVED_WITHIN:
        return held(Reason.ASKED, asked[-1] + MOVED_WITHIN)
    return due


def _first_movement(line: Timeline, rule: Rule, zones: Zones, now: datetime) -> _Event | Quiet:
    end = _night_end(line)
    if end is None:
        return Quiet(Reason.NO_SLEEP)
    walk = first_walk(line, rule, end)
    unseen = longest = 0
    seen = line.code.rstrip(bytes([MISSING])) if walk is None else line.code[:walk]
    for code in seen[end:]:
        unseen = unseen + 1 if code in {MISSING, NOT_WORN} else 0
        longest = max(longest, unseen)
    if longest > UNSEEN:
        return Quiet(Reason.UNSEEN)
    if walk is None:
        return Quiet(Reason.NOT_UP)
    due = instant_of(line.first + walk + 1)
    if zones.local(due - MINUTE).time() < NOT_BEFORE:
        return Quiet(Reason.TOO_EARLY)
    if zones.date_of(due) != zones.date_of(now) and now > due + WITHIN:
        return Quiet(Reason.NO_SLEEP)  # of the last night nothing is known
    return _Event(due, due + WITHIN)


def _night_end(line: Timeline) -> int | None:
    """The place after the last minute asleep of the last night."""
    end = night_end = None
    asleep = 0
    for at, code in enumerate(line.code):
        if code == ASLEEP:
            asleep = asleep + 1 if end is not None and at - end <= ONE_NIGHT else 1
            end = at + 1
            if asleep >= NIGHT:
                night_end = end
    return night_end


def _last_ride(line: Timeline) -> _Event | Quiet | None:
    """None if there was none. Minutes that are missing neither belong to a ride nor end it."""
    found: _Event | None = None
    ridden = quiet = end = 0
    for at, code in enumerate(line.code):
        if code == MISSING:
            continue
        if line.flags[at] & RIDING:
            ridden, quiet, end = ridden + 1, 0, at + 1
        elif ridden:
            quiet += 1
            if quiet == RIDE_OVER:
                if ridden >= RIDE:
                    found = _Event(instant_of(line.first + at + 1), instant_of(line.first + end) + WITHIN)
                ridden = 0
    return Quiet(Reason.RIDING) if ridden >= RIDE else found

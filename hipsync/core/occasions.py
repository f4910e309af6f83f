"""Prompts that are not for sitting: in the morning, after a ride (which is also a row), and before a planned walk.

::

    z z z z z z | bathroom | z z z z |  awake in bed  | up and about
      a night: at least 180 minutes that a band calls asleep
                               its end ^              ^ the first walk after it: the morning prompt is due

Sleeps at most two hours apart are one night, so a walk to the bathroom does not end it. A nap is too short to be one.
There is no morning prompt unless a band saw the wearer get up. None did if no band reports sleep, or if more than ten
minutes in a row between the night and the walk are missing or not worn. Either prompt is shown within an hour of its
event or never. The prompt hours, lunch, a pause or an unanswered prompt may postpone it, but do not lengthen that hour.
A snooze begins a new one. See docs/rule.md, "The morning prompt, and the one after a ride". The prompt for a warm-up is
shown before the plan begins or never, whatever the prompt hours: "The warm-up before a plan".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import NamedTuple

from hipsync.core.bouts import MOVED_WITHIN, Rule, first_walk
from hipsync.core.columns import runs, table
from hipsync.core.days import Zones
from hipsync.core.plans import WARM_UP, has_begun, starts
from hipsync.core.policy import Policy
from hipsync.core.prompting import Due, Quiet, Reason, next_hours, quiet_at
from hipsync.core.timeline import ASLEEP, IS_RIDING, MISSING, NOT_WORN, Timeline, instant_of
from hipsync.model import MINUTE, Answer, Occasion, Pause, Plan, Prompt

NIGHT_MINUTES = 180
"""At least this many minutes asleep make a night."""
ONE_NIGHT_MINUTES = 120
"""Sleeps at most this many minutes apart belong to one night."""
UNSEEN_MINUTES = 10
"""The longest gap in the data, between the night and the first walk, with which getting up counts as seen. It is as
long as the gap that a stretch bridges."""
NOT_BEFORE = time(4)
"""The local time before which a walk does not begin the morning: whoever walks earlier goes to the bathroom."""
RIDE_MINUTES, RIDE_OVER_MINUTES = 10, 2
"""A ride has at least the first number of minutes of riding. It is over when the band that recorded it says so, or
after the second number of known minutes in a row without riding."""
SHOWN_WITHIN = timedelta(hours=1)
"""A prompt for the morning or after a ride that could not be shown within this time of its event is dropped. Rides
closer together than this count as one."""
LOOK_AGAIN = SHOWN_WITHIN / 2
"""How long after the last minute of a ride that is not known to be over the bands are asked whether it is."""

_IS_ASLEEP = table(lambda code: code == ASLEEP)


class _Event(NamedTuple):
    """A first walk in the morning, the end of a ride, or the time before a plan: what a prompt would be about."""

    due: datetime
    until: datetime
    """The last instant at which the prompt may be shown."""
    planned: bool = False
    """Whether the person chose its time, so that hours and lunch do not matter."""


def occasions(
    line: Timeline,
    rule: Rule,
    prompts: Sequence[Prompt],
    policy: Policy,
    zones: Zones,
    now: datetime,
    pause: Pause | None = None,
    *,
    morning: bool = True,
    plans: Sequence[Plan] = (),
) -> Mapping[Occasion, Due | Quiet]:
    """For each occasion that the data show, whether its prompt is due now, or why not.

    `line` ends at `now`; `prompts` are those shown so far, in order of time. The `until` of a `Quiet` is when its
    prompt is to be shown, or None if nothing known says when. With `morning=False` there is no morning prompt.
    """
    found: dict[Occasion, Due | Quiet] = {}
    ride, riding = _last_ride(line)
    warm_ups = [start - WARM_UP for start in starts(plans, zones, now)]
    events = {
        Occasion.MORNING: _first_movement(line, rule, zones, now) if morning else None,
        Occasion.AFTER_RIDE: ride,
        Occasion.WARM_UP: _warm_up(line, warm_ups[0], now) if warm_ups else None,
    }
    for occasion, event in events.items():
        if isinstance(event, Quiet):
            found[occasion] = event
        elif event is not None:
            mine = [each for each in prompts if each.occasion is occasion and _is_about(each, event, zones)]
            judged = _due_or_quiet(occasion, event, mine, prompts, policy, zones, now, pause)
            found[occasion] = riding if riding is not None and isinstance(judged, Due) else judged
    held = found.get(Occasion.WARM_UP)
    if isinstance(held, Quiet) and held.until is None:
        found[Occasion.WARM_UP] = Quiet(held.reason, next((opens for opens in warm_ups if opens > now), None))
    return found


def _warm_up(line: Timeline, opens: datetime, now: datetime) -> _Event | Quiet:
    """The time before the next plan, from `opens` on, or a `Quiet` if it has not come or its walk has begun."""
    if now < opens:
        return Quiet(Reason.PLANNED)
    return Quiet(Reason.BEGUN) if has_begun(line, opens) else _Event(opens, opens + WARM_UP, planned=True)


def _is_about(prompt: Prompt, event: _Event, zones: Zones) -> bool:
    """Whether an earlier prompt of the same occasion covers this event.

    A local day has one morning. Rides that follow each other closely count as one, and so do plans.
    """
    if prompt.occasion is Occasion.MORNING:
        return zones.date_of(prompt.due) == zones.date_of(event.due)
    if prompt.occasion is Occasion.WARM_UP:
        return abs(prompt.due - event.due) < WARM_UP
    return prompt.due > event.until - 2 * SHOWN_WITHIN


def _due_or_quiet(
    occasion: Occasion,
    event: _Event,
    mine: Sequence[Prompt],
    prompts: Sequence[Prompt],
    policy: Policy,
    zones: Zones,
    now: datetime,
    pause: Pause | None,
) -> Due | Quiet:
    """Whether the prompt for an event is due, or why not; `mine` are those of `prompts` that were about the event."""
    due, until = Due(event.due, sure=True, occasion=occasion), event.until
    if mine:
        last = mine[-1]
        if last.answer is not Answer.SNOOZED or last.snoozed_until is None:
            return Quiet(Reason.SHOWN)
        if now < last.snoozed_until:
            return Quiet(Reason.SNOOZED, last.snoozed_until)
        due, until = Due(last.due, last.sure, again=last, occasion=occasion), last.snoozed_until + SHOWN_WITHIN
    if now > until:
        return Quiet(Reason.TOO_LATE)

    def postponed(reason: Reason, opens: datetime | None) -> Quiet:
        return Quiet(reason, opens if opens is not None and opens <= until else None)

    if pause is not None and now < pause.until:
        return postponed(Reason.PAUSED, pause.until)
    if not event.planned and (reason := quiet_at(now, policy, zones)) is not None:
        return postponed(reason, next_hours(policy, zones, now))
    unanswered = [each.last_shown or each.at for each in prompts if each.answer is None and each not in mine]
    if unanswered and now < unanswered[-1] + MOVED_WITHIN:
        return postponed(Reason.ASKED, unanswered[-1] + MOVED_WITHIN)
    return due


def _first_movement(line: Timeline, rule: Rule, zones: Zones, now: datetime) -> _Event | Quiet:
    """The first walk after the last night, or a `Quiet` with the reason why it is not known or does not count."""
    end = _night_end(line)
    if end is None:
        return Quiet(Reason.NO_SLEEP)
    walk = first_walk(line, rule, end)
    unseen = longest = 0
    seen = line.code.rstrip(bytes([MISSING])) if walk is None else line.code[:walk]
    for code in seen[end:]:
        unseen = unseen + 1 if code in {MISSING, NOT_WORN} else 0
        longest = max(longest, unseen)
    if longest > UNSEEN_MINUTES:
        return Quiet(Reason.UNSEEN)
    if walk is None:
        return Quiet(Reason.NOT_UP)
    due = instant_of(line.first + walk + 1)
    if zones.local(due - MINUTE).time() < NOT_BEFORE:
        return Quiet(Reason.TOO_EARLY)
    if zones.date_of(due) != zones.date_of(now) and now > due + SHOWN_WITHIN:
        return Quiet(Reason.NO_SLEEP)  # that was an earlier night: nothing is known of the last one
    return _Event(due, due + SHOWN_WITHIN)


def _night_end(line: Timeline) -> int | None:
    """The place in the timeline after the last minute asleep of the last night; None if there was no night."""
    end = night_end = None
    asleep = 0
    for start, after in runs(line.code.translate(_IS_ASLEEP)):
        is_same = end is not None and start - end <= ONE_NIGHT_MINUTES
        asleep, end = (asleep if is_same else 0) + after - start, after
        if asleep >= NIGHT_MINUTES:
            night_end = end
    return night_end


def _last_ride(line: Timeline) -> tuple[_Event | Quiet | None, Quiet | None]:
    """The last ride that is over, and a `Quiet` if somebody seems to ride at the end of the timeline.

    While a ride of some length goes on, that `Quiet` stands in the place of the last one, too; None if there was none.
    Missing minutes neither belong to a ride nor end it, but after more than ten in a row nobody seems to ride.
    """
    riding = line.flags.translate(IS_RIDING)
    at = riding.find(1)
    if at < 0:
        return None, None
    found: _Event | None = None
    ridden = quiet = end = 0
    over = True
    while 0 <= at < len(riding):
        is_known = line.code[at] != MISSING
        if is_known and riding[at]:
            ridden, quiet, end = ridden + 1, 0, at + 1
            over = line.first + at in line.ride_ends
        elif is_known:
            quiet += 1
            ridden = 0 if over else ridden
            over = over or quiet == RIDE_OVER_MINUTES
        if is_known and over and ridden >= RIDE_MINUTES:
            found = _Event(instant_of(line.first + at + 1), instant_of(line.first + end) + SHOWN_WITHIN)
        at = riding.find(1, at + 1) if over and not ridden else at + 1  # between rides nothing changes
    still = Quiet(Reason.RIDING, instant_of(line.first + end) + LOOK_AGAIN)
    return (
        still if not over and ridden >= RIDE_MINUTES else found,
        still if not over and len(line.code) - end <= UNSEEN_MINUTES else None,
    )

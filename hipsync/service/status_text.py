"""What the service does now, or why it does nothing, in one line: for `status`, for status bars, for systemd.

This module only puts a `State` into words, in the wearer's local time; `plan` has decided everything. `status --line`
imports it, so it imports nothing heavy. The one rule: whoever reads the line learns why no
prompt comes, and until when.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from hipsync.core.prompting import Due, Reason, next_hours, quiet_at
from hipsync.core.timeline import instant_of
from hipsync.model import Occasion

if TYPE_CHECKING:
    from hipsync.core.days import Zones
    from hipsync.service.clock_steps import Step
    from hipsync.service.plan import Contacts, State

FRESH = timedelta(minutes=10)
"""Data that are no older than this are as good as current: only longer gaps end a stretch of sitting."""


NAMES = {**{occasion: occasion.value for occasion in Occasion}, Occasion.AFTER_RIDE: "after-ride"}
"""What people read of each occasion."""


def status_line(state: State, now: datetime) -> str:
    """What the service does now, such as "sitting for 34 min, next look at a prompt 10:26". Times are local."""
    verdict, age = state.verdict, state.seen.found.age
    if isinstance(verdict, Due):
        return f"sitting for {age} min: time to move"
    at = _allowed(state, verdict.until)
    until = "" if at is None or at <= now else f", next look at a prompt {_when(state, at, now)}"
    match verdict.reason:
        case Reason.SITTING:
            return f"sitting for {age} min{until}"
        case Reason.PAUSED if verdict.until is not None:
            return f"paused until {_when(state, verdict.until, now)}"
        case Reason.MOVING if (known := state.seen.line.known_until()) is not None:
            minutes = int((now - instant_of(known)).total_seconds()) // 60
            return f"moving {'now' if minutes < 2 else f'{minutes} min ago'}{until}"
        case Reason.NO_DATA | Reason.NOT_WORN | Reason.ASLEEP as reason if (since := _since(state, reason)) is not None:
            as_of = "" if reason is Reason.NO_DATA else _as_of(state, now)
            return f"nothing is said: {reason.value} since {_when(state, since, now)}{as_of}{until}"
        case Reason.LUNCH | Reason.OUTSIDE_HOURS as reason if _quiet(state, now) is None:
            when = "over lunch" if reason is Reason.LUNCH else "outside the prompt hours"
            return f"nothing is said: the limit was reached {when}, and that is dropped"
        case reason:
            return f"nothing is said: {reason.value}{until}"


def other_prompts(state: State, now: datetime) -> Iterator[str]:
    """A line for each occasion but sitting, such as "morning prompt: outside the prompt hours, held until 08:00"."""
    for occasion, judged in state.occasions.items():
        if isinstance(judged, Due):
            yield f"{NAMES[occasion]} prompt: due now"
        else:
            word = "next look" if occasion is Occasion.WARM_UP or judged.reason is Reason.RIDING else "held until"
            until = "" if judged.until is None else f", {word} {_when(state, judged.until, now)}"
            yield f"{NAMES[occasion]} prompt: {judged.reason.value}{until}"


def future_contact(contacts: Contacts, zones: Zones) -> str | None:
    """Words on a contact with a band that is dated in the future, so that its clock was wrong; None without one."""
    if contacts.future is None:
        return None
    dated = f"{zones.local(contacts.future):%Y-%m-%d %H:%M}"
    return f"a contact is dated {dated}, in the future: this computer's clock was ahead then, so it does not count"


def future_data(newest: datetime, zones: Zones) -> str:
    """Words on data that are dated in the future; `newest` is the last instant."""
    dated = f"{zones.local(newest):%Y-%m-%d %H:%M}"
    return f"data are dated {dated}, in the future: a clock was ahead then, so they do not count"


def clock_step(step: Step, zones: Zones) -> str:
    """Words on a step of this computer's clock while the service ran; times are local."""
    was, became = (f"{zones.local(instant):%Y-%m-%d %H:%M:%S}" for instant in step)
    if step.became < step.was:
        return f"this computer's clock was put back from {was} to {became}: what it stamped ahead of now does not count"
    return f"this computer's clock was put forward from {was} to {became}: that time did not pass, and nobody sat in it"


def _allowed(state: State, until: datetime | None) -> datetime | None:
    """Return `until`, or the start of the next prompt hours if it lies outside them. None stays None."""
    if until is None or _quiet(state, until) is None:
        return until
    return next_hours(state.settings.policy, state.zones, until)


def _quiet(state: State, instant: datetime) -> Reason | None:
    """Why no prompt may be shown at an instant (hours, lunch), or None if one may."""
    return quiet_at(instant, state.settings.policy, state.zones)


def _since(state: State, reason: Reason) -> datetime | None:
    """Since when this has been the reason for no prompt; None if no data are known."""
    line = state.seen.line
    known = line.known_until()
    if known is None or reason is Reason.NO_DATA:
        return None if known is None else instant_of(known)
    first = known - 1
    while first > line.first and line.code[first - 1 - line.first] == line.code[known - 1 - line.first]:
        first -= 1
    return instant_of(first)


def _as_of(state: State, now: datetime) -> str:
    """Words that say up to when data are known; empty if they are current."""
    known = state.seen.line.known_until()
    if known is None or now - instant_of(known) <= FRESH:
        return ""
    return f", known up to {_when(state, instant_of(known), now)}"


def _when(state: State, instant: datetime, now: datetime) -> str:
    """A local time such as "10:26", with the day of the week if it is not today's."""
    local = state.zones.local(instant)
    return f"{local:%H:%M}" if local.date() == state.zones.local(now).date() else f"{local:%a %H:%M}"

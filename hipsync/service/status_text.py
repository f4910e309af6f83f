"""What hipsync knows now, in words: for `status`, for status bars, for systemd, for the page.

This is the one place that makes these sentences, out of a `Now`, in the wearer's local time. First comes how long and
since when, then what to do, then why no reminder comes. `status --line` imports it, so it imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from hipsync.core.prompting import Due, Reason
from hipsync.model import Answer, Occasion
from hipsync.report.exercise_words import exercise_name
from hipsync.service.now import Doing
from hipsync.text import counted, length

if TYPE_CHECKING:
    from hipsync.core.days import Zones
    from hipsync.service.clock_steps import Step
    from hipsync.service.now import Now
    from hipsync.service.state import Contacts, State

SOON_MINUTES = 10
"""A spell whose limit is no further than this has the class `soon` in a status bar."""
DAYS_OF_WEEK = 7
WAITS = {
    Reason.CALL: "you are in a call",
    Reason.FULL_SCREEN: "a window fills the screen",
    Reason.DO_NOT_DISTURB: "do not disturb is on",
    Reason.LOCKED: "the screen is locked",
}
"""For each reason why a reminder is held, what people read."""
SILENCES = {
    Reason.LUNCH: "No reminder over lunch.",
    Reason.OUTSIDE_HOURS: "No reminders now.",
    Reason.ENOUGH: "That was today's last reminder.",
    Reason.WITHHELD: "No reminder in this spell.",
}
"""For each other reason without a reminder that needs no time, what people read."""
HELD_BY = {
    Reason.CALL: "call",
    Reason.FULL_SCREEN: "fullscreen",
    Reason.DO_NOT_DISTURB: "dnd",
    Reason.LOCKED: "away",
}
"""For each reason why a reminder is held, the value of `held_by` in `status --json`."""
AFTER_BREAK = "next reminder after your next break"
NO_BAND = "No band yet. `hipsync pair`, or `hipsync demo` to look around."


def sentences(now: Now) -> list[str]:
    """What is known, in a line or three: how long and since when, what to do, and why no reminder comes."""
    if now.reason is Reason.PAUSED and now.until is not None and now.running:
        return [" ".join(filter(None, (f"Paused until {_when(now, now.until)}.", _doing(now))))]
    if (prompt := now.open) is not None:
        opened = f"Reminder from {_when(now, prompt.at)} is open: {exercise_name(prompt)}."
        return [_doing(now), opened, "  hipsync exercise | done | snooze | skip"]
    return [" ".join(filter(None, (_doing(now), _next(now))))]


def short(now: Now) -> str:
    """The same for a status bar, such as "34 min" or "1 h 12 - time to move"."""
    found = _short(now)
    return found if now.running or now.doing is Doing.NO_BAND else f"{found}, off"


def style(now: Now) -> str:
    """The class of the status bar: sitting, soon, over, quiet, paused, up, unknown or off."""
    if now.doing is Doing.NO_BAND or not now.running:
        return "off"
    if now.reason is Reason.PAUSED:
        return "paused"
    match now.doing:
        case Doing.SITTING if now.reason in WAITS or now.reason in {Reason.LUNCH, Reason.OUTSIDE_HOURS}:
            return "quiet"
        case Doing.SITTING if now.is_over or now.open is not None:
            return "over"
        case Doing.SITTING:
            return "soon" if (now.minutes or 0) >= now.limit - SOON_MINUTES else "sitting"
        case Doing.UP | Doing.RIDING:
            return "up"
        case Doing.ASLEEP | Doing.NOT_WORN:
            return "quiet"
        case _:
            return "unknown"


def bar(now: Now) -> dict[str, str | int]:
    """What `status --line --json` shows, as waybar and others read it."""
    percentage = min((now.minutes or 0) * 100 // now.limit, 100)
    return {"text": short(now), "tooltip": "\n".join(sentences(now)), "class": style(now), "percentage": percentage}


def _doing(now: Now) -> str:
    """What the wearer does, and since when."""
    since = "" if now.since is None else f", since {_when(now, now.since)}"
    match now.doing:
        case Doing.SITTING:
            return f"Sitting for {length(now.minutes or 0)}{since}."
        case Doing.STILL:
            end = "" if now.since is None else f" since {_when(now, now.since)}"
            return f"No movement{end}. Is the band on your wrist?"
        case Doing.UP:
            return f"You are up{since}."
        case Doing.RIDING:
            return f"You are riding{since}."
        case Doing.ASLEEP:
            return f"Asleep{since.removeprefix(',')}."
        case Doing.NOT_WORN:
            return f"Your band is off your wrist{since}."
        case Doing.COARSE:
            later = " Minutes come while hipsync is connected." if now.is_watched else ""
            return f"Steps only, no reminders: {counted(now.steps or 0, 'step')} today.{later}"
        case Doing.NO_BAND:
            return NO_BAND
        case Doing.NO_DATA:
            return _no_data(now)


def _no_data(now: Now) -> str:
    if now.since is None:
        return "No data in the last day."
    at, again = _when(now, now.since), ""
    if now.contact is not None and now.contact > now.at and now.running:
        again = f" {'Trying again at' if now.failing else 'Next sync'} {_when(now, now.contact)}."
    if now.failing is not None:
        return f"No data since {at}: hipsync cannot connect to {now.failing}.{again}"
    match now.then:
        case (Doing.SITTING, int(minutes)):
            return f"Sitting for {length(minutes)} at the last sync, {at}.{again}"
        case (Doing.UP, None):
            return f"You were up at the last sync, {at}.{again}"
        case _:
            return f"No data since {at}.{again}"


def _next(now: Now) -> str:
    """When a reminder comes, or why none does; empty if nothing is to be said of that."""
    if now.doing is not Doing.SITTING or not now.running:
        return ""
    if now.dropped is not None:
        return _dropped(now, now.dropped)
    match now.reason:
        case None:
            return "Time to get up."
        case Reason.SITTING:
            return "" if now.until is None or now.until <= now.at else f"Next reminder at {_when(now, now.until)}."
        case Reason.SNOOZED if now.until is not None:
            return f"Snoozed until {_when(now, now.until)}."
        case Reason.SHOWN:
            return _answered(now)
        case Reason.OUTSIDE_HOURS if now.until is not None:
            return f"No reminders until {_when(now, now.until)}."
        case reason:
            return f"The reminder waits: {WAITS[reason]}." if reason in WAITS else SILENCES.get(reason, "")


def _dropped(now: Now, why: Reason) -> str:
    if now.reason is not Reason.SITTING:
        when = "over lunch" if why is Reason.LUNCH else "outside the reminder hours"
        return f"No reminder in this spell: it passed {now.limit} min {when}."
    if why is Reason.LUNCH or now.opens is None:
        return SILENCES[why]
    return f"No reminders until {_when(now, now.opens)}."


def _answered(now: Now) -> str:
    """What became of the last reminder of the running spell, and when the next one comes."""
    prompt = now.reminder
    if prompt is None:
        return ""
    if prompt.answer is Answer.IGNORED or prompt.answered_at is None:
        return f"No answer to the reminder at {_when(now, prompt.at)}; {AFTER_BREAK}."
    done = {Answer.DONE: "Done", Answer.SKIPPED: "Skipped", Answer.HURT: "Done, and it hurt", Answer.SNOOZED: "Snoozed"}
    return f"{done.get(prompt.answer or Answer.DONE, 'Answered')} at {_when(now, prompt.answered_at)}; {AFTER_BREAK}."


def _short(now: Now) -> str:
    if now.reason is Reason.PAUSED and now.until is not None and now.running:
        return f"paused to {_when(now, now.until)}"
    at = "" if now.since is None else f" {_when(now, now.since)}"
    match now.doing:
        case Doing.SITTING:
            return f"{length(now.minutes or 0)}{_addition(now)}"
        case Doing.STILL:
            return f"no movement{at}"
        case Doing.NOT_WORN:
            return "band off"
        case Doing.COARSE:
            return f"{now.steps or 0:,} steps"
        case Doing.NO_DATA if now.then is not None and now.then.doing is Doing.SITTING:
            return f"{length(now.then.minutes or 0)} at{at}"
        case Doing.NO_DATA if now.then is not None and now.then.doing is Doing.UP:
            return f"up at{at}"
        case Doing.NO_DATA:
            return f"no data{at}"
        case Doing.UP | Doing.RIDING | Doing.ASLEEP | Doing.NO_BAND as doing:
            return doing.value


def _addition(now: Now) -> str:
    """What follows the length of a spell in a status bar."""
    if now.reason is None or now.open is not None:
        return " - time to move"
    if now.reason is Reason.SNOOZED and now.until is not None:
        return f", again {_when(now, now.until)}"
    return ", waits" if now.reason in WAITS else ""


OCCASIONS = {
    Occasion.SITTING: "Reminder",
    Occasion.MORNING: "Morning reminder",
    Occasion.AFTER_RIDE: "Reminder after your ride",
    Occasion.WARM_UP: "Warm-up reminder",
}
"""What people read of the reminder for each occasion."""
MISSED = {
    Reason.NO_SLEEP: "no night's sleep was recorded",
    Reason.UNSEEN: "your getting up was not recorded",
    Reason.TOO_EARLY: "you were up before 04:00",
    Reason.TOO_LATE: "it is too late for it now",
    Reason.BEGUN: "you have set out",
    Reason.ENOUGH: "you had today's last one",
    Reason.PAUSED: "the pause lasts longer than its time",
    Reason.LUNCH: "lunch lasts longer than its time",
    Reason.OUTSIDE_HOURS: "it would come outside the reminder hours",
    Reason.ASKED: "another one waits for you",
}
"""Why there is no reminder for an occasion."""


def other_reminders(state: State, now: datetime) -> Iterator[str]:
    """A line for each occasion but sitting that matters now, such as "Morning reminder: when you get up."."""
    for occasion, judged in state.occasions.items():
        name = OCCASIONS[occasion]
        if isinstance(judged, Due):
            yield f"{name}: now."
        elif judged.reason is Reason.SHOWN:
            continue
        elif judged.reason is Reason.NOT_UP:
            yield f"{name}: when you get up."
        elif judged.reason is Reason.RIDING:
            yield f"{name}: when it is over."
        elif judged.reason in WAITS:
            yield f"{name} waits: {WAITS[judged.reason]}."
        elif judged.until is not None:
            yield f"{name}: at {when(state.zones, judged.until, now)}."
        elif judged.reason in MISSED:
            yield f"No {name[:1].lower()}{name[1:]}: {MISSED[judged.reason]}."


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


def _when(now: Now, instant: datetime) -> str:
    return when(now.zones, instant, now.at)


def when(zones: Zones, instant: datetime, now: datetime) -> str:
    """A local time such as "10:26"; with the day of the week if it is not today's, and the date if that is far away."""
    local = zones.local(instant)
    days = abs((local.date() - zones.local(now).date()).days)
    day = "" if not days else f"{local:%a} " if days < DAYS_OF_WEEK else f"{local:%a} {local.day} {local:%b} "
    return f"{day}{local:%H:%M}"

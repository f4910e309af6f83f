"""What is told to the home at an instant, as values that JSON can express.

The words and numbers are those of `status` and of the day: nothing is judged here. The one rule: each message has all
of its keys always, and null where nothing is known, because Home Assistant complains of a missing key each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from hipsync.core.days import Zones
from hipsync.core.exercises import Move
from hipsync.core.prompting import Reason
from hipsync.core.summary import DaySummary
from hipsync.core.timeline import instant_of
from hipsync.instants import is_believed
from hipsync.model import Answer, Charge, Kind, Prompt
from hipsync.service.notice import LONGEST, notice_of
from hipsync.service.now import Doing, Now
from hipsync.service.state import Contacts, State
from hipsync.service.status_text import short
from hipsync.text import Json, clean, json_of


class Known(NamedTuple):
    """What is known of the wearer at one instant, as far as the home is told."""

    now: Now
    known_until: datetime | None
    """The end of the newest known minute; None if none is."""
    last_answer: Answer | None
    """What came of the last prompt; None if nothing yet, or if there was none lately."""


def known_of(state: State, now: Now) -> Known:
    """What is known by the state of which `now` was made."""
    until = state.seen.line.known_until()
    last = state.said[-1].answer if state.said else None
    return Known(now, None if until is None else instant_of(until), last)


def state_message(known: Known, today: DaySummary, host: str) -> dict[str, Json]:
    """The state of the wearer; `today` is the summary of the local day of that instant, `host` is who tells it."""
    now, zones = known.now, known.now.zones
    is_known = today.complete_until is not None
    return {
        "now": now.doing.value,
        "line": short(now),
        "stretch": now.minutes,
        "limit": now.limit,
        "sitting": today.minutes[Kind.SITTING] if is_known else None,
        "up": today.minutes[Kind.UP] if is_known else None,
        "steps": today.steps if is_known else None,
        "breaks": today.breaks if is_known else None,
        "next_prompt": _local(zones, next_prompt(now)),
        "known_until": _local(zones, known.known_until),
        "day_start": _local(zones, today.start),
        "due": is_due(now),
        "paused": now.reason is Reason.PAUSED,
        "last_answer": None if known.last_answer is None else known.last_answer.value,
        "host": host,
    }


def teller(state: bytes) -> str | None:
    """The host that told a state; None if it is no state of ours."""
    host = _state_of(state).get("host")
    return host if isinstance(host, str) else None


def _state_of(payload: bytes) -> Mapping[str, Json]:
    """The state that bytes are; empty if they are none."""
    try:
        told = json_of(payload)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def knows_more(theirs: bytes, ours: Mapping[str, Json], now: datetime) -> str | None:
    """The other host that told a state by newer data than ours, so that it is the one to tell; None if none did.

    Of two with equally new data the later in the alphabet tells. What is no state of ours is nobody's, and data of the
    future, which a clock that is ahead has stamped, are no newer ones.
    """
    match _state_of(theirs):
        case {"host": str(host), "known_until": str(until)} if host != ours["host"]:
            pass
        case _:
            return None
    try:
        newest = datetime.fromisoformat(until)
        own = ours["known_until"]
        known = None if not isinstance(own, str) else datetime.fromisoformat(own)
        if is_believed(newest, now) and (known is None or (newest, host) > (known, str(ours["host"]))):
            return host
    except (ValueError, TypeError):  # no instant, or one without a zone
        return None
    return None


def is_due(now: Now) -> bool:
    """Whether it is time to move: what a status bar shows as "time to move"."""
    return now.doing is Doing.SITTING and (now.reason is None or now.open is not None)


def next_prompt(now: Now) -> datetime | None:
    """When the next prompt comes if the wearer sits on, as `status` says it; None if it names no time."""
    if now.doing is not Doing.SITTING or not now.running or now.dropped is not None:
        return None
    if now.reason is Reason.SITTING and now.until is not None and now.until <= now.at:
        return None
    return now.until if now.reason in {Reason.SITTING, Reason.SNOOZED} else None


def pressing(known: Known) -> tuple[Json, ...]:
    """What of a state cannot wait for a minute: a person who pressed a button waits for what comes of it."""
    return is_due(known.now), known.now.reason is Reason.PAUSED, known.last_answer


def band_state(contacts: Contacts, charge: Charge | None, zones: Zones) -> dict[str, Json]:
    """What is known of a band; `charge` is its newest, if any."""
    return {
        "battery": None if charge is None else charge.percent,
        "last_contact": _local(zones, contacts.reached),
        "trouble": None if contacts.trouble is None else clean(contacts.trouble, LONGEST),
    }


def prompt_message(prompt: Prompt, move: Move, zones: Zones, *, strong: bool) -> dict[str, Json]:
    """A prompt that is shown now. Its words are those of the notice on a desktop."""
    notice = notice_of(prompt, move, strong=strong)
    return {
        "event_type": prompt.occasion.value,
        "title": clean(notice.title, LONGEST),
        "line": clean(notice.body, LONGEST),
        "exercise": prompt.exercise,
        "due": _local(zones, prompt.due),
        "strong": strong,
    }


def _local(zones: Zones, instant: datetime | None) -> str | None:
    return None if instant is None else zones.local(instant).isoformat()

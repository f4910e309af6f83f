"""What happens next, and why: every decision of the service, as functions of what is known.

`contact_at` says when to contact a band, `asks_here` when to ask this computer, and `next_wake` when anything has to be
done, each by a `State` (`hipsync.service.state`). Nothing is done here. The one rule: `status` explains with the same
functions by which `service.py` acts, so that what it shows is what will happen.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from hipsync.core.days import Zones
from hipsync.core.prompting import (
    Due,
    Quiet,
    Reason,
    next_hours,
    quiet_at,
)
from hipsync.core.speaking import CURRENT, early_minutes
from hipsync.core.timeline import instant_of
from hipsync.model import MINUTE
from hipsync.service.state import Contacts, LastTry, State

FIRST_RETRY, LONGEST_RETRY = timedelta(minutes=2), timedelta(hours=1)
"""A band that cannot be reached is tried again after 2, 4, 8 ... minutes, and after the longest delay from then on. Its
wearer may be on the way back, and every attempt costs both batteries."""

JITTER, SHORT_RETRY = 0.1, timedelta(minutes=4)
"""Retries later than SHORT_RETRY start up to 10 % early, at random, so that they cannot stay in step with whatever made
them fail."""

SECOND = timedelta(seconds=1)

UNSEEN = timedelta(minutes=10)
"""The longest time without data after which a stretch may still run."""

LISTEN_OFTEN, LISTEN_SELDOM, OFTEN_FOR = MINUTE, 5 * MINUTE, timedelta(hours=1)
"""How often to listen for a band that went away: often for this long after it was last reached, and seldom later. Its
battery may be empty for days, and a scan disturbs what else is on the air."""


def listens(contacts: Contacts, waited: timedelta, now: datetime) -> bool:
    """Whether to listen at `now` for a band that went away; `waited` is the time that passed since that was last done.

    A run of the service that has just begun listens for every band whose last contact failed, for whatever reason.
    """
    away = contacts.failures > 0 and contacts.last_try in {None, LastTry.AWAY}
    lately = contacts.reached is not None and now - contacts.reached < OFTEN_FOR
    return away and waited >= (LISTEN_OFTEN if lately else LISTEN_SELDOM)


def contact_at(contacts: Contacts, state: State, now: datetime) -> datetime:
    """When to contact one band: just in time for the next possible prompt, and seldom otherwise.

    An instant that is not after `now` means at once.
    """
    settled, settings = _whatever_is_known(contacts, now), state.settings
    if settled is not None or contacts.attempted is None:
        return settled or now
    if _news_wanted(contacts.attempted, state, now):
        return now
    at_least = min([contacts.attempted + settings.at_least_every, *_postponed_until(state, contacts.attempted)])
    if any(isinstance(judged, Due) for judged in state.occasions.values()):  # newer data may say otherwise
        at_least = min(at_least, contacts.attempted + _apart(contacts, MINUTE))
    earliest = _earliest_prompt(state, contacts.attempted)
    if earliest is None:
        return at_least
    if earliest <= contacts.attempted:  # the band was contacted after that, and what it sent decided nothing
        earliest = contacts.attempted + _apart(contacts, settings.at_most_every)
    return min(at_least, earliest)


def collect_at(contacts: Contacts, at_least_every: timedelta, now: datetime) -> datetime:
    """When to contact one band for whose news nobody waits: seldom, as `contact_at` does while no prompt is near.

    An instant that is not after `now` means at once.
    """
    settled = _whatever_is_known(contacts, now)
    if settled is not None or contacts.attempted is None:
        return settled or now
    return contacts.attempted + _apart(contacts, at_least_every)


def _whatever_is_known(contacts: Contacts, now: datetime) -> datetime | None:
    """When to contact one band as its past contacts alone decide it; None if the last one succeeded."""
    if contacts.last_try is LastTry.BUSY:
        return now + FIRST_RETRY
    if contacts.attempted is None or contacts.last_try is LastTry.BACK:
        return now
    if contacts.last_try is LastTry.REFUSED:
        return contacts.attempted + LONGEST_RETRY
    if contacts.failures:
        return contacts.attempted + _retry_after(contacts)
    if contacts.live:  # disconnected a moment ago, by another program or an earlier run of the service
        return contacts.attempted + FIRST_RETRY
    return None


def _apart(contacts: Contacts, least: timedelta) -> timedelta:
    """How long after its last contact a band is asked for mere news again: `least`, or what its driver says if more."""
    return least if contacts.spacing is None else max(least, contacts.spacing.least)


def _retry_after(contacts: Contacts) -> timedelta:
    """How long after its last attempt a band that failed is tried again: the same whenever this is asked."""
    delay = min(FIRST_RETRY * (1 << min(contacts.failures - 1, 10)), LONGEST_RETRY)
    if delay > SHORT_RETRY:
        from random import Random

        delay *= 1 - JITTER * Random(f"{contacts.band.id} {contacts.attempted}").random()
    return delay


def _news_wanted(attempted: datetime, state: State, now: datetime) -> bool:
    """Whether a band must be asked what its wearer does before a prompt is shown at this moment.

    That is once before the first prompt of a stretch comes early, and when nothing holds back any more what is due.
    """
    here = state.here
    if here is None:
        return False
    if may_come_early(state, now) and state.asked_early != sat_down(state):
        return True
    if here.obstacle is not None or now - attempted < CURRENT:
        return False
    if here.freed and (state.due() is not None or isinstance(state.expected, Due)):
        return True
    told = state.known.line.known_until()
    lags = told is None or attempted - instant_of(told) > UNSEEN  # asking it again would tell nothing new
    return state.owed is not None and state.owed.until is None and (here.freed or not lags)


def may_come_early(state: State, now: datetime) -> bool:
    """Whether this is a natural pause in the time in which the stretch's first prompt may come early."""
    opens = early_from(state, now)
    return state.here is not None and state.here.is_pause and opens is not None and opens <= now


def sat_down(state: State) -> datetime | None:
    """The start of the stretch that runs, if its wearer has not moved since the known data end; None without data."""
    end = state.known.line.known_until()
    if state.known.found.age:
        return state.known.found.stretches[-1].start
    return None if end is None else instant_of(end)


def early_from(state: State, now: datetime) -> datetime | None:
    """When the time begins in which the stretch's first prompt may come early; None if there is no such time ahead.

    It ends at the limit, as far as that is known: whoever moved when the data ended may have sat down at once.
    """
    wait, early = state.expected, early_minutes(state.settings.policy) * MINUTE
    if state.here is None or not early or isinstance(wait, Due) or wait.reason not in {Reason.SITTING, Reason.MOVING}:
        return None
    if wait.until is None or wait.until <= now:
        return None
    opens = wait.until - early
    quiet = [quiet_at(each, state.settings.policy, state.zones) for each in (opens, max(opens, now))]
    return opens if quiet == [None, None] else None


def asks_here(state: State, now: datetime) -> bool:
    """Whether it matters now what the wearer does at this computer: a prompt is due, is held, or may come early."""
    opens = early_from(state, now)
    waits = state.waits_for_computer(now) or any(each is not None for each in (state.due(), state.draw))
    return state.here is not None and (waits or (opens is not None and opens <= now))


def _earliest_prompt(state: State, asked: datetime) -> datetime | None:
    """When a prompt, or the answer to one, could next be due for a band that was last contacted at `asked`.

    An instant outside the prompt hours is moved to the start of the next ones; None if there are none.
    """
    if isinstance(state.expected, Due):
        can_vibrate = state.settings.band and any(each.nudges for each in state.contacts)
        return asked if state.obstacle is None or can_vibrate else None  # it is asked when nothing holds it any more
    until = state.expected.until if state.owed is None else None
    if until is None:  # shown, owed, dropped, or no sign of life: look again after another limit of sitting
        until = asked + state.settings.rule.limit_minutes * timedelta(minutes=1)
    elif state.expected.reason is Reason.ASKED:  # after the minute that decides it: bands report whole minutes
        return _whole(until)
    if quiet_at(until, state.settings.policy, state.zones) is not None:
        return next_hours(state.settings.policy, state.zones, until)
    return until


def _postponed_until(state: State, after: datetime) -> list[datetime]:
    """Each instant later than `after` at which another verdict on an occasion but sitting is known to be possible.

    The band is contacted then.
    """
    untils = (judged.until for judged in state.occasions.values() if isinstance(judged, Quiet))
    return [until for until in untils if until is not None and until > after]


def _whole(instant: datetime) -> datetime:
    """The first whole minute that is not before an instant."""
    floor = instant.replace(second=0, microsecond=0)
    return instant if instant == floor else floor + MINUTE


def backup_due(newest: datetime | None, zones: Zones, now: datetime) -> bool:
    """Whether to copy the database, which is done once in each local day.

    `newest` is the time of the last copy that is believed.
    """
    return newest is None or zones.date_of(newest) < zones.date_of(now)


def next_wake(state: State, now: datetime) -> datetime:
    """The next instant at which `Service.wake` has something to do; not before `now`."""
    instants = [
        _look_at(contacts, state, now) if contacts.live else contact_at(contacts, state, now)
        for contacts in state.contacts
    ]
    instants += _postponed_until(state, now)
    if (opens := early_from(state, now)) is not None:
        instants.append(max(opens, _whole(now + SECOND)))
    if state.owed is not None and state.owed.until is not None:
        instants.append(state.owed.until)
    if state.to_withdraw:
        instants.append(now)
    elif state.notices_until is not None:
        instants.append(state.notices_until)
    if state.waits_for_computer(now) and (state.obstacle is not None or state.notice() is not None):
        instants.append(_whole(now + SECOND))
    elif state.due() is not None or state.draw is not None:
        instants.append(now)
    elif (
        isinstance(state.verdict, Quiet)
        and state.verdict.reason in {Reason.SNOOZED, Reason.ASKED, Reason.PAUSED}
        and (state.verdict.until or now) > now
    ):
        instants.append(state.verdict.until or now)
    return max(now, min(instants, default=now + state.settings.at_least_every))


def _look_at(contacts: Contacts, state: State, now: datetime) -> datetime:
    """When to judge again what a live band has sent, without contacting it: it sends something about every minute."""
    if contacts.failures:
        return max(contact_at(contacts, state, now), now) + MINUTE
    if state.notices_until is not None:  # getting up takes the notice away, and is known within a minute
        return now + MINUTE
    looks = [_earliest_prompt(state, now)]
    if _awaited(state):
        quiet = quiet_at(now, state.settings.policy, state.zones)
        looks.append(now if quiet is None else next_hours(state.settings.policy, state.zones, now))
    at = min((each for each in looks if each is not None), default=now + state.settings.at_least_every)
    return max(at, now + MINUTE)


def _awaited(state: State) -> bool:
    """Whether a prompt waits for what a live band may report at any minute: a sign of life, or the end of a ride."""
    return any(
        isinstance(judged, Quiet) and judged.reason in {Reason.NOT_UP, Reason.RIDING, Reason.NO_LIFE}
        for judged in (state.verdict, *state.occasions.values())
    )

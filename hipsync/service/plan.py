"""What happens next, and why: every decision of the service, as functions of what the store knows.

`state_of(store, ...)` reads what is known, `contact_at` says when to contact a band, and `next_wake` when anything has
to be done. Nothing is done here. The one rule: `status` explains with the same functions by which `service.py` acts, so
that what it shows is what will happen.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from hipsync.core.bouts import bouts
from hipsync.core.days import Zones
from hipsync.core.occasions import occasions
from hipsync.core.prompting import (
    Due,
    Quiet,
    Reason,
    full_until,
    next_hours,
    quiet_at,
    unless_full,
    verdict,
)
from hipsync.core.speaking import CURRENT, Here, early_minutes, sooner, unless_held
from hipsync.core.timeline import MISSING, instant_of, minute_of
from hipsync.core.trial import next_draw, unless_withheld
from hipsync.history.past import Past, judged_past
from hipsync.instants import is_believed, latest
from hipsync.model import MINUTE, Band, BandId, Draw, Occasion, Pause, Prompt, Sync
from hipsync.service.owed import Owed, newest_owed, owed_occasion, owed_sitting
from hipsync.settings.config import Config
from hipsync.store import Store

if TYPE_CHECKING:  # what `status --line` need not wait for
    from hipsync.driver import Driver
    from hipsync.service.clock_steps import Step

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
LOOK_BACK = timedelta(hours=26)
"""How much of the past prompts are judged by: a day and the night before it. Where a stretch of sitting began earlier,
more is read."""


@dataclass(frozen=True, slots=True)
class Settings(Config):
    """The user's settings, and the time zone of this computer: what the service acts by."""

    host_zone: str = "UTC"
    """The IANA name of this computer's time zone."""


def settings_of(config: Config, host_zone: str) -> Settings:
    """The user's settings on a computer in this zone, an IANA name."""
    return Settings(**{each.name: getattr(config, each.name) for each in fields(config)}, host_zone=host_zone)


class LastTry(Enum):
    """How the last attempt of this run of the service to contact a band ended, unless it succeeded."""

    BUSY = auto()
    """The contact is still under way."""
    REFUSED = auto()
    """The band did not accept our key; contacting it again soon will not change that."""
    FAILED = auto()
    """The band was in reach, and the contact failed for another reason."""
    AWAY = auto()
    """The band was not in reach, or Bluetooth was not available."""
    BACK = auto()
    """The band was away and is in reach again, or it refused its key and has been given another."""


@dataclass(frozen=True, slots=True)
class Contacts:
    """The past contacts with one band, as far as they decide when it is contacted next."""

    band: Band
    attempted: datetime | None
    """Start of the last attempt; None if there was none."""
    reached: datetime | None
    """Start of the last attempt that succeeded; None if none did."""
    failures: int
    """Failed attempts in a row since the band was last reached. A live band's lost connection counts as one."""
    trouble: str | None = None
    """Why the last attempt failed; None if it succeeded, or there was none."""
    live: bool = False
    """Whether the band has no memory, or too coarse a one, so that `service.live` stays connected to it."""
    last_try: LastTry | None = None
    """How the last attempt to contact the band failed; None if it succeeded, or if this run made none."""
    future: datetime | None = None
    """The newest start of an attempt that lies ahead of now, so that the clock was wrong then; None if none does. It
    decides nothing."""


class Running(NamedTuple):
    """What only the running service knows; others go by what the store holds."""

    tries: Mapping[BandId, LastTry] = {}
    """How the last try with each band ended."""
    skipped: Sequence[Step] = ()
    """Times that the computer's clock skipped."""
    here: Here | None = None
    """What is known of the wearer at this computer; None if it is not asked."""
    owed: Collection[datetime] = ()
    """When prompts were first shown that are still to be shown as a notice."""
    asked_early: datetime | None = None
    """The start of the stretch for which the bands were asked so that its prompt may come early; None if none was."""


@dataclass(frozen=True, slots=True)
class State:
    """All that decisions depend on at one instant, read from the store and the settings."""

    contacts: Sequence[Contacts]
    seen: Past
    said: Sequence[Prompt]
    """Prompts that were shown since the first minute of `seen`, the oldest first."""
    known: Past
    """`seen` up to the end of the known data, as if the wearer had not moved since."""
    verdict: Due | Quiet
    """Whether a prompt for sitting is due, by what is known at this instant."""
    expected: Due | Quiet
    """Whether a prompt is due if the wearer has not moved since the known data end; `verdict` makes no such guess."""
    zones: Zones
    settings: Settings
    occasions: Mapping[Occasion, Due | Quiet] = field(default_factory=dict[Occasion, Due | Quiet])
    """For each occasion other than sitting that matters now, whether its prompt is due."""
    draw: Draw | None = None
    """What a trial draws now for a prompt that is due, to be stored; None if nothing is to be drawn. If the draw
    withholds the prompt, `verdict` is quiet already."""
    here: Here | None = None
    """What is known of the wearer at this computer; None if it is not asked."""
    asked_early: datetime | None = None
    """The start of the stretch for which the bands were asked so that its prompt may come early; None if none was."""
    held: Due | None = None
    """What is due while a notice must wait, so that only a band may be made to vibrate for it; None if nothing is. Its
    own verdict is quiet."""
    owed: Owed | None = None
    """What is still to be shown as a notice, as far as is known: its stretch ran when the known data end."""

    def due(self) -> Due | None:
        """The prompt to show now, if any. One for sitting comes first, because the others wait for its answer."""
        return next((each for each in (self.verdict, *self.occasions.values()) if isinstance(each, Due)), None)

    def waits_for_computer(self) -> bool:
        """Whether something is due or owed, by data that may be old, that depends on what is done at this computer."""
        owed = self.owed is not None and self.owed.until is None
        return owed or self.held is not None or isinstance(self.expected, Due)

    def notice(self) -> Prompt | None:
        """The prompt to show as a notice now, if one is owed and its stretch runs for all that is known."""
        if self.owed is None or self.owed.until is not None or self.obstacle is not None:
            return None
        runs = isinstance(self.verdict, Quiet) and self.verdict.reason is Reason.ASKED
        return self.owed.prompt if runs or self.owed.prompt.occasion is not Occasion.SITTING else None

    @property
    def obstacle(self) -> Reason | None:
        """What is known of this computer that makes a notice wait."""
        return None if self.here is None else self.here.obstacle


def zones_of(store: Store, settings: Settings) -> Zones:
    """The wearer's time zones: the past ones from the store, and the host's. Days begin where the user says."""
    return Zones(store.zones(), settings.host_zone, settings.day_start)


def live_kinds(drivers: Mapping[str, Driver]) -> frozenset[str]:
    """The keys of drivers whose bands must be watched, because they store no epochs, or epochs too long to judge by."""
    return frozenset(key for key, driver in drivers.items() if driver.held)


def state_of(
    store: Store,
    settings: Settings,
    now: datetime,
    live: Collection[str],
    running: Running | None = None,
    before: State | None = None,
) -> State:
    """The state at `now`, which `status` explains and the service acts upon. Raises `StoreError`.

    `live` are the keys of drivers whose bands are watched. `before` is an earlier state at the same instant, whose
    minutes are not read again.
    """
    with store.snapshot():
        return _state_of(store, settings, now, live, running or Running(), before)


def _state_of(
    store: Store, settings: Settings, now: datetime, live: Collection[str], running: Running, before: State | None
) -> State:
    zones = zones_of(store, settings)
    past = _past(store, settings, zones, now, running.skipped) if before is None else before.seen
    known = until_known(past, settings) if before is None else before.known
    shown = store.prompts(instant_of(past.line.first), latest(now) + LOOK_BACK)
    said = [_believed(prompt, now) for prompt in shown if is_believed(prompt.due, now)]
    pause, draws = store.pause(now), store.draws(instant_of(past.line.first), latest(now) + LOOK_BACK)
    given = [*(each.at for each in said), *(each.at for each in draws if each.withheld)]
    full = full_until(given, settings.policy, zones, now)
    judged = verdict(past.line, past.found, said, settings.policy, zones, now, pause)
    judged = unless_full(sooner(judged, past.line, past.found, said, settings.policy, zones, now, running.here), full)
    judged = unless_withheld(judged, past.found, draws, now)
    judge = partial(_occasions, store, past, settings, zones, now, pause)
    others = {occasion: unless_full(each, full) for occasion, each in judge(said).items()}
    here, last = running.here, newest_owed(running.owed, said)
    waits = here is not None and here.obstacle is not None
    held = next((each for each in (judged, *others.values()) if isinstance(each, Due)), None) if waits else None
    draw = next_draw(judged, past.found, said, draws, store.trial(now), settings.trial, now)
    draws += [] if draw is None else [draw]
    wait = expected(known, said, settings, zones, pause, draws)
    if last is None:
        owed = None
    elif last.occasion is Occasion.SITTING:
        owed = owed_sitting(last, known.found, said, settings.policy, zones, now, pause)
    else:
        owed = owed_occasion(last, said, judge)
    return State(
        contacts=contacts_of(store, live, running.tries, now),
        seen=past,
        known=known,
        said=said,
        verdict=unless_held(judged, here) if waits else unless_withheld(judged, past.found, draws, now),
        expected=unless_full(wait, full),
        draw=draw,
        zones=zones,
        settings=settings,
        occasions={occasion: unless_held(each, here) for occasion, each in others.items()},
        here=here,
        asked_early=running.asked_early,
        held=held,
        owed=owed,
    )


def _past(store: Store, settings: Settings, zones: Zones, now: datetime, skipped: Sequence[Step]) -> Past:
    """What prompts are judged by at `now`."""
    past = judged_past(store, settings.rule, zones, now - LOOK_BACK, now, now, nights=False)  # no prompt asks for them
    return _without(past, skipped, settings) if skipped else past


def until_known(past: Past, settings: Settings) -> Past:
    """The past up to the end of the known data; missing minutes after that say nothing about the wearer."""
    end = past.line.known_until()
    if end is None or end >= past.line.last:
        return past
    line = past.line.until(end)
    return past._replace(line=line, found=bouts(line, settings.rule))


def _without(past: Past, skipped: Sequence[Step], settings: Settings) -> Past:
    """Return the past with the times `[was, became)` that the clock skipped as unknown: nobody sat in them.

    A counter that was read before and after such a step did not grow, and so seems to stand for minutes of sitting.
    """
    line = past.line._replace(code=past.line.code[:])
    for was, became in skipped:
        for minute in range(max(minute_of(was), line.first), min(minute_of(became), line.last)):
            line.code[minute - line.first] = MISSING
    return past._replace(line=line, found=bouts(line, settings.rule))


def _believed(prompt: Prompt, now: datetime) -> Prompt:
    """Return a prompt without what a clock that was ahead stamped on it later: a second showing, or a snooze.

    One that was shown by such a clock, late, for a stretch that `now` has reached counts as shown when it fell due.
    """
    if prompt.last_shown is not None and not is_believed(prompt.last_shown, now):
        prompt = prompt._replace(last_shown=prompt.at if is_believed(prompt.at, now) else prompt.due)
    if prompt.answered_at is not None and not is_believed(prompt.answered_at, now):
        prompt = prompt._replace(answered_at=now, snoozed_until=None if prompt.snoozed_until is None else now)
    return prompt


def _occasions(
    store: Store,
    past: Past,
    settings: Settings,
    zones: Zones,
    now: datetime,
    pause: Pause | None,
    said: Sequence[Prompt],
) -> Mapping[Occasion, Due | Quiet]:
    """The verdict on each occasion but sitting, unless every exercise for it is avoided or has hurt."""
    found = occasions(
        past.line, settings.rule, said, settings.policy, zones, now, pause, morning=settings.morning,
        plans=store.plans(),
    )  # fmt: skip
    if not found:
        return found
    from hipsync.core.exercises import chosen, names_for

    hurt = store.hurt()
    return {
        occasion: judged
        for occasion, judged in found.items()
        if chosen(names_for(occasion, settings.exercises, settings.own), settings.avoid, hurt, settings.own)
    }


def expected(
    known: Past,
    said: Sequence[Prompt],
    settings: Settings,
    zones: Zones,
    pause: Pause | None = None,
    draws: Sequence[Draw] = (),
) -> Due | Quiet:
    """The verdict as it was at the end of the known data."""
    line, found, _ = known
    end = line.known_until()
    if end is None:
        return Quiet(Reason.NO_DATA)
    judged = verdict(line, found, said, settings.policy, zones, instant_of(end), pause)
    return unless_withheld(judged, found, draws, instant_of(end))


def contacts_of(store: Store, live: Collection[str], tries: Mapping[BandId, LastTry], now: datetime) -> list[Contacts]:
    """The past contacts, as far as they are believed at `now`, with each band that has an address.

    A band imported from a file has none.
    """
    return [
        _contacts(
            band,
            store.syncs(band.id, now=now),
            live=band.driver in live,
            last_try=tries.get(band.id),
            future=store.future_sync(band.id, now),
        )
        for band in store.bands()
        if band.address
    ]


def _contacts(
    band: Band, syncs: Sequence[Sync], *, live: bool, last_try: LastTry | None, future: datetime | None
) -> Contacts:
    """The past contacts with one band; `syncs` are all attempts that are believed, the newest first."""
    failures = next((count for count, sync in enumerate(syncs) if sync.error is None), len(syncs))
    return Contacts(
        band=band,
        attempted=syncs[0].started if syncs else None,
        reached=next((sync.started for sync in syncs if sync.error is None), None),
        failures=failures,
        trouble=syncs[0].error if syncs else None,
        live=live,
        last_try=last_try,
        future=future,
    )


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
    if contacts.last_try is LastTry.BUSY:
        return now + FIRST_RETRY
    if contacts.attempted is None or contacts.last_try is LastTry.BACK:
        return now
    settings = state.settings
    if contacts.last_try is LastTry.REFUSED:
        return contacts.attempted + LONGEST_RETRY
    if contacts.failures:
        return contacts.attempted + _retry_after(contacts)
    if contacts.live:  # disconnected a moment ago, by another program or an earlier run of the service
        return contacts.attempted + FIRST_RETRY
    if _news_wanted(contacts.attempted, state, now):
        return now
    at_least = min([contacts.attempted + settings.at_least_every, *_postponed_until(state, contacts.attempted)])
    if any(isinstance(judged, Due) for judged in state.occasions.values()):  # newer data may say otherwise
        at_least = min(at_least, contacts.attempted + MINUTE)
    earliest = _earliest_prompt(state, contacts.attempted)
    if earliest is None:
        return at_least
    if earliest <= contacts.attempted:  # the band was contacted after that, and what it sent decided nothing
        earliest = contacts.attempted + settings.at_most_every
    return min(at_least, earliest)


def _retry_after(contacts: Contacts) -> timedelta:
    """How long after its last attempt a band that failed is tried again: the same whenever this is asked."""
    delay = min(FIRST_RETRY * (1 << min(contacts.failures - 1, 10)), LONGEST_RETRY)
    if delay > SHORT_RETRY:
        delay *= 1 - JITTER * random.Random(f"{contacts.band.id} {contacts.attempted}").random()
    return delay


def _news_wanted(attempted: datetime, state: State, now: datetime) -> bool:
    """Whether a band must be asked what its wearer does before a prompt is shown at this moment.

    That is once before the first prompt of a stretch comes early, and when nothing holds back any more what is due.
    """
    here = state.here
    if here is None:
        return False
    if here.freed and (state.due() is not None or isinstance(state.expected, Due)):
        return now - attempted >= CURRENT
    if state.owed is not None and state.owed.until is None and here.obstacle is None:
        told = state.known.line.known_until()
        lags = told is None or attempted - instant_of(told) > UNSEEN  # asking it again would tell nothing new
        return now - attempted >= CURRENT and (here.freed or not lags)
    return may_come_early(state, now) and state.asked_early != sat_down(state)


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
    waits = state.waits_for_computer() or any(each is not None for each in (state.due(), state.draw))
    return state.here is not None and (waits or (opens is not None and opens <= now))


def _earliest_prompt(state: State, asked: datetime) -> datetime | None:
    """When a prompt, or the answer to one, could next be due for a band that was last contacted at `asked`.

    An instant outside the prompt hours is moved to the start of the next ones; None if there are none.
    """
    if isinstance(state.expected, Due):
        held = state.obstacle is not None and not state.settings.band  # it is asked when nothing holds it any more
        return None if held else asked
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
    if state.waits_for_computer() and (state.obstacle is not None or state.notice() is not None):
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

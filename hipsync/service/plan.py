"""What is to happen next, and why: every decision of the service, as functions of what the store knows.

`state_of(store, ...)` reads it, `contact_at` says when to call a band, `next_wake` when anything has to be done. Here
nothing is done: `status` explains with the same functions by which `service.py` acts.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING

from hipsync.core.band_troubles import CHARGED_PERCENT, BandFacts
from hipsync.core.bouts import bouts
from hipsync.core.days import Zones
from hipsync.core.occasions import occasions
from hipsync.core.prompting import Due, Quiet, Reason, next_hours, quiet_at, verdict
from hipsync.core.timeline import instant_of
from hipsync.history.past import Past, judged_past
from hipsync.model import MINUTE, Band, BandId, Counter, Epoch, Occasion, Pause, Prompt, Sync, Trouble, Wear
from hipsync.settings.config import Config
from hipsync.store import Store

if TYPE_CHECKING:  # what `status --line` need not wait for
    from hipsync.driver import Driver

FIRST_RETRY = timedelta(minutes=2)
LONGEST_RETRY = timedelta(hours=1)
"""A band that cannot be reached is tried again after 2, 4, 8 ... minutes: its wearer may be on the way back, and every
attempt costs both batteries."""
JITTER, SHORT_RETRY = 0.1, timedelta(minutes=4)
"""The share of longer delays by which it may be sooner, so that what fails in step with something does not for ever."""
LISTEN_OFTEN, LISTEN_SELDOM, SOON = MINUTE, 5 * MINUTE, timedelta(hours=1)
"""How often to listen for a band that went away, in the hour after it was last reached and later: its battery may be
empty for days, and a scan disturbs what else is on the air."""
LOOK_BACK = timedelta(hours=26)
"""What is judged for prompts: a day and the night before it; more where a stretch is older."""


@dataclass(frozen=True, slots=True)
class Settings(Config):
    """The user's settings, and the time zone of this computer: what the service acts by."""

    host_zone: str = "UTC"
    """The name of the zone in the IANA database."""


def settings_of(config: Config, host_zone: str) -> Settings:
    """The user's settings on a computer in this zone."""
    return Settings(**{each.name: getattr(config, each.name) for each in fields(config)}, host_zone=host_zone)


class Met(Enum):
    """How it went when this run of the service last turned to a band, unless it went well."""

    BUSY = auto()
    """It is being talked to."""

    REFUSED = auto()
    """It did not take our key: calling it again soon will not change its mind."""
    FAILED = auto()
    AWAY = auto()
    """It did not show itself, or there was no Bluetooth to see it by."""
    BACK = auto()
    """It was away, and shows itself now; or it refused its key, and has another."""


@dataclass(frozen=True, slots=True)
class Contacts:
    """What is known of reaching one band."""

    band: Band
    attempted: datetime | None
    reached: datetime | None
    failures: int
    """In a row, since it was last reached. A live band's lost connection is one."""
    trouble: str | None = None
    """Why the last attempt failed."""
    live: bool = False
    """It has no memory, or a coarse one: a task of its own holds it, and `wake` does not call it."""
    met: Met | None = None
    """None before this run turned to it, and after it went well."""


@dataclass(frozen=True, slots=True)
class State:
    """All that the two decisions depend on; read from the store, nothing is remembered elsewhere."""

    contacts: Sequence[Contacts]
    seen: Past
    said: Sequence[Prompt]
    verdict: Due | Quiet
    """Of what is known at this instant."""
    expected: Due | Quiet
    """The verdict at the end of the data: what is to come if the wearer has not moved since."""
    zones: Zones
    settings: Settings
    occasions: Mapping[Occasion, Due | Quiet] = field(default_factory=dict[Occasion, Due | Quiet])
    """Of each other occasion for a prompt."""

    def due(self) -> Due | None:
        """What is to be said now; an hour of sitting first, for the rest waits while a prompt waits for its answer."""
        return next((each for each in (self.verdict, *self.occasions.values()) if isinstance(each, Due)), None)


def zones_of(store: Store, settings: Settings) -> Zones:
    return Zones(store.zones(), settings.host_zone)


def live_kinds(drivers: Mapping[str, Driver]) -> frozenset[str]:
    """The kinds of bands that keep no history, or one too coarse to judge by, and must be watched instead."""
    return frozenset(key for key, driver in drivers.items() if driver.held)


def state_of(
    store: Store, settings: Settings, now: datetime, live: Collection[str], met: Mapping[BandId, Met] | None = None
) -> State:
    """The state at `now`: what `status` explains and the service acts upon.

    `live`: the kinds of bands that are; `met`: what this run of the service knows of each.
    """
    zones = zones_of(store, settings)
    past = judged_past(store, settings.rule, zones, now - LOOK_BACK, now, now)
    said = store.prompts(instant_of(past.line.first), now + timedelta(seconds=1))
    pause = store.pause(now)
    return State(
        contacts=contacts_of(store, live, met or {}),
        seen=past,
        said=said,
        verdict=verdict(past.line, past.found, said, settings.policy, zones, now, pause),
        expected=expected(past, said, settings, zones, pause),
        zones=zones,
        settings=settings,
        occasions=_occasions(store, past, said, settings, zones, now, pause),
    )


def _occasions(
    store: Store,
    past: Past,
    said: Sequence[Prompt],
    settings: Settings,
    zones: Zones,
    now: datetime,
    pause: Pause | None,
) -> Mapping[Occasion, Due | Quiet]:
    """Without those for which avoiding and hurting leave no exercise."""
    found = occasions(
        past.line, settings.rule, said, settings.policy, zones, now, pause, morning=settings.morning
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


def facts_of(store: Store, contacts: Sequence[Contacts]) -> list[BandFacts]:
    """What is known of the health of each band that is paired."""
    found: list[BandFacts] = []
    for each in contacts:
        band, since = each.band, store.since(each.band.id)
        newest = max([band.added, *(since[kind] for kind in (Epoch, Counter, Wear) if kind in since)])
        remarked = store.remarked(band.id)
        low = remarked.get(Trouble.BATTERY)
        found.append(
            BandFacts(
                band=band.id,
                name=band.name,
                newest=newest,
                in_vain=store.in_vain_since(band.id, newest),
                charge=store.newest_charge(band.id),
                recharged=low is not None and store.charged(band.id, low, CHARGED_PERCENT),
                refused=each.met is Met.REFUSED,
                reached=each.reached,
                remarked=remarked,
            )
        )
    return found


def expected(
    past: Past, said: Sequence[Prompt], settings: Settings, zones: Zones, pause: Pause | None = None
) -> Due | Quiet:
    """The verdict as it was at the end of the data: holes after it say nothing of the wearer."""
    line, found = past
    known = line.known_until()
    if known is None:
        return Quiet(Reason.NO_DATA)
    if known < line.last:
        line = line.until(known)
        found = bouts(line, settings.rule)
    return verdict(line, found, said, settings.policy, zones, instant_of(known), pause)


def contacts_of(store: Store, live: Collection[str], met: Mapping[BandId, Met]) -> list[Contacts]:
    """What is known of reaching each band; imports have none."""
    return [
        _contacts(band, store.syncs(band.id), live=band.driver in live, met=met.get(band.id))
        for band in store.bands()
        if band.address
    ]


def _contacts(band: Band, syncs: Sequence[Sync], *, live: bool, met: Met | None) -> Contacts:
    """`syncs`, newest first."""
    failures = next((count for count, sync in enumerate(syncs) if sync.error is None), len(syncs))
    return Contacts(
        band=band,
        attempted=syncs[0].started if syncs else None,
        reached=next((sync.started for sync in syncs if sync.error is None), None),
        failures=failures,
        trouble=syncs[0].error if syncs else None,
        live=live,
        met=met,
    )


def listens(contacts: Contacts, listened: datetime, now: datetime) -> bool:
    """Whether to listen for a band now that failed to show itself; `listened`: when that was last done.

    A run that has just begun listens for every band whose last contact failed, whatever it failed of.
    """
    away = contacts.failures > 0 and contacts.met in {None, Met.AWAY}
    lately = contacts.reached is not None and now - contacts.reached < SOON
    return away and now - listened >= (LISTEN_OFTEN if lately else LISTEN_SELDOM)


def contact_at(contacts: Contacts, state: State, now: datetime) -> datetime:
    """When to call one band: as late as every prompt can still be on time, and seldom else (architecture section 6)."""
    if contacts.met is Met.BUSY:
        return now + FIRST_RETRY
    if contacts.attempted is None or contacts.met is Met.BACK:
        return now
    settings = state.settings
    if contacts.met is Met.REFUSED:
        return contacts.attempted + LONGEST_RETRY
    if contacts.failures:
        delay = min(FIRST_RETRY * (1 << min(contacts.failures - 1, 10)), LONGEST_RETRY)
        if delay > SHORT_RETRY:
            delay *= 1 - JITTER * random.Random(f"{contacts.band.id} {contacts.attempted}").random()  # whoever asks
        return contacts.attempted + delay
    if contacts.live:  # let go a moment ago, by another program or a run before this one
        return contacts.attempted + FIRST_RETRY
    at_least = min([contacts.attempted + settings.at_least_every, *_held(state, contacts.attempted)])
    if any(isinstance(judged, Due) for judged in state.occasions.values()):  # held until now: is it still so?
        at_least = min(at_least, contacts.attempted + MINUTE)
    earliest = _earliest_prompt(state, contacts.attempted)
    if earliest is None:
        return at_least
    if earliest <= contacts.attempted:  # the band was asked at that instant and had nothing that decides it
        earliest = contacts.attempted + settings.at_most_every
    return min(at_least, earliest)


def _earliest_prompt(state: State, asked: datetime) -> datetime | None:
    """When a prompt, or the answer to one, could next be due; moved to the next prompt hours if it falls outside."""
    if isinstance(state.expected, Due):
        return asked
    until = state.expected.until
    if until is None:  # said, dropped, or no sign of life: look in again with the next hour of the stretch
        until = asked + state.settings.rule.limit_minutes * timedelta(minutes=1)
    if state.expected.reason is Reason.ASKED:  # once the minute is over that decides it: a band tells whole ones
        return _whole(until)
    if quiet_at(until, state.settings.policy, state.zones) is not None:
        return next_hours(state.settings.policy, state.zones, until)
    return until


def _held(state: State, after: datetime) -> list[datetime]:
    """When a prompt for another occasion is to be said that is held now: the band is asked once more, and buzzed."""
    untils = (judged.until for judged in state.occasions.values() if isinstance(judged, Quiet))
    return [until for until in untils if until is not None and until > after]


def _whole(instant: datetime) -> datetime:
    """The whole minute not before an instant."""
    floor = instant.replace(second=0, microsecond=0)
    return instant if instant == floor else floor + MINUTE


def backup_due(newest: datetime | None, zones: Zones, now: datetime) -> bool:
    """Whether to copy the database: once in each local day, the night's end being as good as any time."""
    return newest is None or zones.date_of(newest) < zones.date_of(now)


def next_wake(state: State, now: datetime) -> datetime:
    """The next instant at which `wake` has something to do; not before now."""
    instants = [
        _look_at(contacts, state, now) if contacts.live else contact_at(contacts, state, now)
        for contacts in state.contacts
    ]
    instants += _held(state, now)
    if state.due() is not None:
        instants.append(now)
    elif (
        isinstance(state.verdict, Quiet)
        and state.verdict.reason in {Reason.SNOOZED, Reason.ASKED, Reason.PAUSED}
        and (state.verdict.until or now) > now
    ):
        instants.append(state.verdict.until or now)
    return max(now, min(instants, default=now + state.settings.at_least_every))


def _look_at(contacts: Contacts, state: State, now: datetime) -> datetime:
    """When what a live band told may decide a prompt; a minute later if it has not, for it tells more every minute."""
    if contacts.failures:
        return max(contact_at(contacts, state, now), now) + MINUTE
    if _awaited(state) and quiet_at(now, state.settings.policy, state.zones) is None:
        return now + MINUTE
    earliest = _earliest_prompt(state, now)
    return now + state.settings.at_least_every if earliest is None else max(earliest, now + MINUTE)


def _awaited(state: State) -> bool:
    """Whether a movement, or the end of one, is to be spoken of as soon as a live band tells of it."""
    return any(
        isinstance(judged, Quiet) and judged.reason in {Reason.NOT_UP, Reason.RIDING}
        for judged in state.occasions.values()
    )

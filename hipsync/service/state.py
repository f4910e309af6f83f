"""All that decisions depend on at one instant, as one value: what the store knows, and what the running service knows.

`state_of(store, ...)` reads and judges it. What follows from it is for `plan`. The one rule: nothing is decided by
anything that is not in a `State`, so that `status` can explain whatever the service does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields
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
    quiet_at,
    unless_full,
    verdict,
)
from hipsync.core.speaking import Here, sooner, unless_held
from hipsync.core.timeline import MISSING, instant_of, minute_of
from hipsync.core.trial import next_draw, unless_withheld
from hipsync.history.past import Past, judged_past
from hipsync.instants import is_believed, latest
from hipsync.model import Band, BandId, Draw, Occasion, Pause, Prompt, Sync
from hipsync.service.notices import next_end, to_withdraw
from hipsync.service.owed import Owed, owed_now
from hipsync.settings.config import Config
from hipsync.store import Store

if TYPE_CHECKING:  # what `status --line` need not wait for
    from hipsync.driver import Driver, Spacing
    from hipsync.service.clock_steps import Step

LOOK_BACK = timedelta(hours=26)
"""How much of the past prompts are judged by: a day and the night before it. Where a stretch of sitting began earlier,
more is read."""


@dataclass(frozen=True, slots=True)
class Settings(Config):
    """The user's settings, and the time zone of this computer: what the service acts by."""

    host_zone: str = "UTC"
    """The IANA name of this computer's time zone."""
    host: str = ""
    """The name of this computer."""


def settings_of(config: Config, host_zone: str, host: str = "") -> Settings:
    """The user's settings on a computer of this name, in this zone, an IANA name."""
    given = {each.name: getattr(config, each.name) for each in fields(config)}
    return Settings(**given, host_zone=host_zone, host=host)


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


class Contacts(NamedTuple):
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
    nudges: bool = True
    """Whether the band can be made to vibrate or to show a message."""
    spacing: Spacing | None = None
    """How often the band's stored epochs may be fetched at most; None if it gives none, or without limit."""
    last_try: LastTry | None = None
    """How the last attempt to contact the band failed; None if it succeeded, or if this run made none."""
    future: datetime | None = None
    """The newest start of an attempt that lies ahead of now, so that the clock was wrong then; None if none does. It
    decides nothing."""


class LastPast:
    """The past that was judged last, which serves again as long as all that it was judged by is as it was.

    The service looks several times a minute at minutes that are the same.
    """

    def __init__(self) -> None:
        self._by: object = None
        self._found: tuple[Past, Past] | None = None

    def found(self, by: object, judge: Callable[[], tuple[Past, Past]]) -> tuple[Past, Past]:
        """What `judge` returns, or returned before for an equal `by`."""
        if self._found is None or by != self._by:
            self._by, self._found = by, judge()
        return self._found


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
    notices: Collection[datetime] = ()
    """When prompts were first shown that may have a notice on the desktop now."""
    last_past: LastPast | None = None
    """What was judged before; None if nothing is remembered."""


class State(NamedTuple):
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
    occasions: Mapping[Occasion, Due | Quiet] = {}
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
    to_withdraw: Sequence[datetime] = ()
    """When prompts were first shown whose notices are to be withdrawn now."""
    notices_until: datetime | None = None
    """When the next notice has stood for an hour; None if none is on the desktop."""

    def due(self) -> Due | None:
        """The prompt to show now, if any. One for sitting comes first, because the others wait for its answer."""
        return next((each for each in (self.verdict, *self.occasions.values()) if isinstance(each, Due)), None)

    def waits_for_computer(self, now: datetime) -> bool:
        """Whether something is due or owed, by data that may be old, that depends on what is done at this computer."""
        if self.held is not None or (self.owed is not None and self.owed.until is None):
            return True
        return isinstance(self.expected, Due) and quiet_at(now, self.settings.policy, self.zones) is None

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


class Families(NamedTuple):
    """What the drivers say of bands that have not shown yet what they can do themselves, by the keys of drivers."""

    live: Collection[str] = frozenset()
    """Those whose bands must be watched, because they store no epochs, or epochs too long to judge by."""
    mute: Collection[str] = frozenset()
    """Those whose bands can neither vibrate nor show a message."""

    spacings: Mapping[str, Spacing] = {}
    """How often the stored epochs of their bands may be fetched at most."""

    def spacing(self, band: Band) -> Spacing | None:
        """How often a band's stored epochs may be fetched at most; None for one that gives none, and without limit."""
        keeps = band.abilities is None or band.abilities.history is not None
        return self.spacings.get(band.driver) if keeps else None

    def is_live(self, band: Band) -> bool:
        """Whether the service stays connected to a band; what the band has shown itself comes first."""
        return band.driver in self.live if band.abilities is None else band.abilities.held

    def nudges(self, band: Band) -> bool:
        """Whether a band can be made to vibrate or to show a message; what it has shown itself comes first."""
        return band.driver not in self.mute if band.abilities is None else band.abilities.nudges


def families_of(drivers: Mapping[str, Driver]) -> Families:
    """What these drivers say of their families, as far as decisions depend on it."""
    return Families(
        live=frozenset(key for key, driver in drivers.items() if driver.held),
        mute=frozenset(key for key, driver in drivers.items() if not driver.abilities.nudges),
        spacings={key: driver.spacing for key, driver in drivers.items() if driver.spacing is not None},
    )


def state_of(
    store: Store,
    settings: Settings,
    now: datetime,
    families: Families,
    running: Running | None = None,
    before: State | None = None,
) -> State:
    """The state at `now`, which `status` explains and the service acts upon. Raises `StoreError`.

    `families` is what the drivers say of bands that have shown nothing themselves. `before` is an earlier state at the
    same instant, whose minutes are not read again.
    """
    with store.snapshot():
        return _state_of(store, settings, now, families, running or Running(), before)


def _state_of(
    store: Store, settings: Settings, now: datetime, families: Families, running: Running, before: State | None
) -> State:
    zones = zones_of(store, settings)
    past, known = (before.seen, before.known) if before is not None else _judged(store, settings, zones, now, running)
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
    here = running.here
    waits = here is not None and here.obstacle is not None
    held = next((each for each in (judged, *others.values()) if isinstance(each, Due)), None) if waits else None
    draw = next_draw(judged, past.found, said, draws, store.trial(now), settings.trial, now)
    draws += [] if draw is None else [draw]
    return State(
        contacts=contacts_of(store, families, running.tries, now),
        seen=past,
        known=known,
        said=said,
        verdict=unless_held(judged, here) if waits else unless_withheld(judged, past.found, draws, now),
        expected=unless_full(expected(known, said, settings, zones, pause, draws), full),
        draw=draw,
        zones=zones,
        settings=settings,
        occasions={occasion: unless_held(each, here) for occasion, each in others.items()},
        here=here,
        asked_early=running.asked_early,
        held=held,
        owed=owed_now(running.owed, said, known.found, settings.policy, zones, now, pause, judge),
        to_withdraw=to_withdraw(running.notices, said, known.found, now, pause),
        notices_until=next_end(running.notices, said),
    )


def _judged(store: Store, settings: Settings, zones: Zones, now: datetime, running: Running) -> tuple[Past, Past]:
    """What prompts are judged by at `now`, and that up to the end of the known data."""

    def judge() -> tuple[Past, Past]:
        past = _past(store, settings, zones, now, running.skipped)
        return past, until_known(past)

    if running.last_past is None:
        return judge()
    by = store.state_of_file(), minute_of(now), zones.at(now - LOOK_BACK), settings, tuple(running.skipped)
    return running.last_past.found(by, judge)


def _past(store: Store, settings: Settings, zones: Zones, now: datetime, skipped: Sequence[Step]) -> Past:
    """What prompts are judged by at `now`."""
    past = judged_past(store, settings.rule, zones, now - LOOK_BACK, now, now, nights=False)  # the usual night will do
    return _without(past, skipped, settings) if skipped else past


def until_known(past: Past) -> Past:
    """The past up to the end of the known data; missing minutes after that say nothing about the wearer.

    They can only have ended the last stretch, if it went on until then: it is still running.
    """
    end, found = past.line.known_until(), past.found
    if end is None or end >= past.line.last:
        return past
    if found.stretches and (last := found.stretches[-1]).end == instant_of(end):
        stretches = [*found.stretches[:-1], last._replace(ended_by=None)]
        found = found._replace(stretches=stretches, age=last.minutes)
    return past._replace(line=past.line.until(end), found=found)


def _without(past: Past, skipped: Sequence[Step], settings: Settings) -> Past:
    """Return the past with the times `[was, became)` that the clock skipped as unknown: nobody sat in them.

    A counter that was read before and after such a step did not grow, and so seems to stand for minutes of sitting.
    """
    before = past.line
    line = before._replace(code=before.code[:], steps=before.steps[:], flags=before.flags[:])
    for was, became in skipped:
        for minute in range(max(minute_of(was), line.first), min(minute_of(became), line.last)):
            at = minute - line.first
            line.code[at], line.steps[at], line.flags[at] = MISSING, 0, 0
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
    hurt = store.hurt() if found else ()
    if not hurt and not settings.avoid:  # then there is an exercise for each
        return found
    from hipsync.core.exercises import chosen, names_for

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


def contacts_of(store: Store, families: Families, tries: Mapping[BandId, LastTry], now: datetime) -> list[Contacts]:
    """The past contacts, as far as they are believed at `now`, with each band that has an address.

    A band imported from a file has none.
    """
    return [
        _contacts(
            band,
            store.syncs(band.id, now=now),
            families,
            last_try=tries.get(band.id),
            future=store.future_sync(band.id, now),
        )
        for band in store.bands()
        if band.address
    ]


def _contacts(
    band: Band, syncs: Sequence[Sync], families: Families, *, last_try: LastTry | None, future: datetime | None
) -> Contacts:
    """The past contacts with one band; `syncs` are all attempts that are believed, the newest first."""
    failures = next((count for count, sync in enumerate(syncs) if sync.error is None), len(syncs))
    return Contacts(
        band=band,
        attempted=syncs[0].started if syncs else None,
        reached=next((sync.started for sync in syncs if sync.error is None), None),
        failures=failures,
        trouble=syncs[0].error if syncs else None,
        live=families.is_live(band),
        nudges=families.nudges(band),
        spacing=families.spacing(band),
        last_try=last_try,
        future=future,
    )

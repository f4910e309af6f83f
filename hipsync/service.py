"""Collecting and judging, wired together.

`next_wake(state, now)` says when something has to happen next, `Service.wake(now)` does it; between them they hold
every decision. The scheduler of `hipsync run` and the fast clock of the demo loop over the same two. Collecting and
judging meet only in the store: a dead radio delays data, never the verdict on what is known.

A band with a memory is called by `wake`. A live band, which has none, is held by a task of its own (`Service.attend`):
what it tells goes into the store, where `wake` finds it, and a prompt buzzes it over the connection that is open.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from hipsync.bouts import Rule, bouts
from hipsync.config import Config
from hipsync.days import Zones
from hipsync.driver import Driver, Message, Session
from hipsync.errors import BluetoothUnavailable, ConfigError, DeviceError, HipsyncError, StoreError
from hipsync.exercises import Move, next_exercise
from hipsync.model import MINUTE, Answer, BandId, Epoch, Prompt, Reading, Where
from hipsync.prompting import Due, Policy, Quiet, Reason, next_hours, outcome, quiet_at, verdict
from hipsync.review import Seen, rule_of, seen
from hipsync.session import Commit, Connection, Conversation, collect, meet, nudge, watch
from hipsync.store import Band, Store, Sync
from hipsync.timeline import instant_of

log = logging.getLogger(__name__)

FIRST_RETRY = timedelta(minutes=2)
LONGEST_RETRY = timedelta(hours=1)
"""A band that cannot be reached is tried again after 2, 4, 8 ... minutes: its wearer may be on the way back, and every
attempt costs both batteries."""
LOOK_BACK = timedelta(hours=26)
"""What is judged for prompts: a day and the night before it; more where a stretch is older."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the service needs of the configuration."""

    rule: Rule
    policy: Policy
    at_most_every: timedelta
    at_least_every: timedelta
    exercises: Sequence[str] = ()
    avoid: Sequence[str] = ()
    buzz: bool = True
    erase: bool = False
    host_zone: str = "UTC"


def settings_of(config: Config, host_zone: str) -> Settings:
    """The user's settings, as the service takes them."""
    return Settings(
        rule=rule_of(config),
        policy=Policy(
            limit=config.limit_minutes,
            repeat=config.repeat_minutes,
            hours=config.hours,
            lunch=config.lunch,
            stronger=config.stronger,
        ),
        at_most_every=timedelta(minutes=config.at_most_every_minutes),
        at_least_every=timedelta(minutes=config.at_least_every_minutes),
        exercises=config.exercises,
        avoid=config.avoid,
        buzz=config.band,
        erase=config.erase,
        host_zone=host_zone,
    )


@dataclass(frozen=True, slots=True)
class Contacts:
    """What is known of reaching one band."""

    band: Band
    attempted: datetime | None
    reached: datetime | None
    failures: int
    """In a row, since it was last reached. A live band's lost connection is one."""
    live: bool = False
    """It has no memory: a task of its own holds it, and `wake` does not call it."""


@dataclass(frozen=True, slots=True)
class State:
    """All that the two decisions depend on; read from the store, nothing is remembered elsewhere."""

    contacts: Sequence[Contacts]
    seen: Seen
    said: Sequence[Prompt]
    verdict: Due | Quiet
    """Of what is known at this instant."""
    expected: Due | Quiet
    """The verdict at the end of the data: what is to come if the wearer has not moved since."""
    zones: Zones
    settings: Settings


def zones_of(store: Store, settings: Settings) -> Zones:
    return Zones(store.zones(), settings.host_zone)


def live_kinds(drivers: Mapping[str, Driver]) -> frozenset[str]:
    """The kinds of bands that keep no history and must be watched instead."""
    return frozenset(
        key for key, driver in drivers.items() if driver.abilities.history is None and driver.watch is not None
    )


def state_of(store: Store, settings: Settings, now: datetime, live: Collection[str]) -> State:
    """The state at `now`: what `status` explains and the service acts upon. `live`: the kinds of bands that are."""
    zones = zones_of(store, settings)
    past = seen(store, settings.rule, zones, now - LOOK_BACK, now, now)
    said = store.prompts(instant_of(past.line.first), now + timedelta(seconds=1))
    return State(
        contacts=[
            _contacts(band, store.syncs(band.id), live=band.driver in live) for band in store.bands() if band.address
        ],
        seen=past,
        said=said,
        verdict=verdict(past.line, past.found, said, settings.policy, zones, now),
        expected=expected(past, said, settings, zones),
        zones=zones,
        settings=settings,
    )


def expected(past: Seen, said: Sequence[Prompt], settings: Settings, zones: Zones) -> Due | Quiet:
    """The verdict as it was at the end of the data: holes after it say nothing of the wearer."""
    line, found = past
    known = line.known_until()
    if known is None:
        return Quiet(Reason.NO_DATA)
    if known < line.last:
        line = line.until(known)
        found = bouts(line, settings.rule)
    return verdict(line, found, said, settings.policy, zones, instant_of(known))


def _contacts(band: Band, syncs: Sequence[Sync], *, live: bool) -> Contacts:
    """`syncs`, newest first."""
    failures = next((count for count, sync in enumerate(syncs) if sync.error is None), len(syncs))
    return Contacts(
        band=band,
        attempted=syncs[0].started if syncs else None,
        reached=next((sync.started for sync in syncs if sync.error is None), None),
        failures=failures,
        live=live,
    )


def contact_at(contacts: Contacts, state: State, now: datetime) -> datetime:
    """When to call one band: as late as every prompt can still be on time, and seldom else (architecture section 6)."""
    if contacts.attempted is None:
        return now
    settings = state.settings
    if contacts.failures:
        return contacts.attempted + min(FIRST_RETRY * (1 << min(contacts.failures - 1, 10)), LONGEST_RETRY)
    if contacts.live:  # let go a moment ago, by another program or a run before this one
        return contacts.attempted + FIRST_RETRY
    at_least = contacts.attempted + settings.at_least_every
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
        until = asked + state.settings.rule.limit * timedelta(minutes=1)
    if state.expected.reason is not Reason.ASKED and quiet_at(until, state.settings.policy, state.zones) is not None:
        return next_hours(state.settings.policy, state.zones, until)
    return until


def next_wake(state: State, now: datetime) -> datetime:
    """The next instant at which `wake` has something to do; not before now."""
    instants = [
        _look_at(contacts, state, now) if contacts.live else contact_at(contacts, state, now)
        for contacts in state.contacts
    ]
    if isinstance(state.verdict, Due):
        instants.append(now)
    elif state.verdict.reason in {Reason.SNOOZED, Reason.ASKED} and (state.verdict.until or now) > now:
        instants.append(state.verdict.until or now)
    return max(now, min(instants, default=now + state.settings.at_least_every))


def _look_at(contacts: Contacts, state: State, now: datetime) -> datetime:
    """When what a live band told may decide a prompt; a minute later if it has not, for it tells more every minute."""
    if contacts.failures:
        return max(contact_at(contacts, state, now), now) + MINUTE
    earliest = _earliest_prompt(state, now)
    return now + state.settings.at_least_every if earliest is None else max(earliest, now + MINUTE)


class Radio(Protocol):
    """What reaches a band: `bluetooth.py` on the system's radio or on a simulated one."""

    def reach(self, band: Band) -> AbstractAsyncContextManager[Connection]:
        """An open connection. Raises `DeviceError`, `BluetoothUnavailable`."""
        ...


Deliver = Callable[[Prompt, Move, bool], Awaitable[Sequence[Where]]]
"""Shows a prompt (the last argument: strongly) everywhere but on the band; where it was truly shown."""


@dataclass(slots=True)
class Talk:
    """An open conversation with a band."""

    band: Band
    driver: Driver
    conversation: Conversation
    session: Session
    epochs: int
    """How many it had to tell."""


class Service:
    """The stages, wired. One at a time: `wake` is not called while it runs."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        *,
        radio: Radio,
        drivers: Mapping[str, Driver],
        secret: Callable[[Band], bytes | None],
        deliver: Deliver,
        now: Callable[[], datetime],
    ) -> None:
        self.store, self.settings = store, settings
        self._radio, self._drivers, self._secret, self._deliver, self._now = radio, drivers, secret, deliver, now
        self._live = live_kinds(drivers)
        self._staying: dict[BandId, asyncio.Task[None]] = {}
        self._watched: dict[BandId, Talk] = {}
        """The conversations with live bands that are open now."""

    def state(self, now: datetime) -> State:
        return state_of(self.store, self.settings, now, self._live)

    async def wake(self, now: datetime) -> State:
        """Contact the bands that are due, settle what became of prompts, and say what is to be said.

        A band that fails, or whose driver does, is logged and tried again later; it delays neither the others nor the
        verdict. Raises `StoreError`, after which nothing was lost.
        """
        self.store.note_zone(now, self.settings.host_zone)
        state = self.state(now)
        async with AsyncExitStack() as open_talks:
            talks: list[Talk] = []
            due = [each for each in state.contacts if not each.live and contact_at(each, state, now) <= now]
            for contacts in due:
                try:
                    talks.append(await open_talks.enter_async_context(self.talk(contacts.band)))
                except StoreError:
                    raise
                except Exception as error:  # a driver is strangers' code
                    level = logging.DEBUG if contacts.failures else logging.WARNING
                    bug = None if isinstance(error, HipsyncError) else error
                    log.log(level, "%s: %s", contacts.band.name, _told(error), exc_info=bug)
            if due:
                state = self.state(self._now())
            if self.settle(state, self._now()):
                state = self.state(self._now())
            if isinstance(state.verdict, Due):
                await self._say(state.verdict, [*talks, *self._watched.values()])
                state = self.state(self._now())
        return state

    @contextlib.asynccontextmanager
    async def talk(self, band: Band, since: datetime | None = None) -> AsyncGenerator[Talk, None]:
        """Connect, authenticate and fetch what is new; then the conversation is open for a nudge.

        Every attempt is a row of `syncs`. `since` goes further back than what is stored.
        """
        started, count = self._now(), 0
        store = self._commit(band)

        async def commit(batch: Sequence[Reading]) -> None:
            nonlocal count
            await store(batch)
            count += sum(isinstance(reading, Epoch) for reading in batch)

        async with AsyncExitStack() as stack:
            try:
                driver = driver_of(band, self._drivers)
                connection = await stack.enter_async_context(self._radio.reach(band))
                conversation = Conversation(connection, zone=self._zones().at(started), now=self._now)
                session = self._session(band, since)
                await meet(driver, conversation, session, commit)
                await collect(driver, conversation, session, commit)
            except StoreError:
                raise
            except Exception as failure:
                self.store.note_sync(band.id, started, self._now(), count, _told(failure))
                raise
            self.store.note_sync(band.id, started, self._now(), count, None)
            log.info("%s: %d new epochs", band.name, count)
            yield Talk(band, driver, conversation, session, count)

    def settle(self, state: State, now: datetime) -> bool:
        """Write down what became of the prompts that nobody answered; whether there was any."""
        known = state.seen.line.known_until()
        settled = False
        for prompt in state.said:
            if prompt.answer is None:
                known_until = None if known is None else instant_of(known)
                if (became := outcome(prompt, state.seen.found, known_until, now)) is not None:
                    answer, at = became
                    self.store.update_prompt(prompt._replace(answer=answer, answered_at=at))
                    settled = True
        return settled

    async def _say(self, due: Due, talks: Sequence[Talk]) -> None:
        now = self._now()
        move = self._move(due)
        if due.again is None:
            prompt = self.store.add_prompt(Prompt(now, due.due, move.name, due.sure, last_shown=now))
        else:
            prompt = due.again._replace(shown=due.again.shown + 1, last_shown=now, answer=None, answered_at=None)
            self.store.update_prompt(prompt)
        where = list(await self._deliver(prompt, move, due.strong))
        if self.settings.buzz and await self._buzz(prompt, move, talks, strong=due.strong):
            where.append(Where.BAND)
        fresh = self.store.prompt(prompt)  # an answer may have come in meanwhile
        self.store.update_prompt(fresh._replace(where=tuple(dict.fromkeys([*prompt.where, *where]))))

    def _move(self, due: Due) -> Move:
        done = [prompt.exercise for prompt in self.store.prompts(due.due - timedelta(days=7), due.due)]
        hurt = self.store.hurt()
        move = next_exercise(self.settings.exercises, self.settings.avoid, done, hurt)
        if move is None:
            raise ConfigError("no exercise is left: every one of exercises.set is avoided or has hurt")
        return move

    async def _buzz(self, prompt: Prompt, move: Move, talks: Sequence[Talk], *, strong: bool) -> bool:
        message = Message("Time to move", move.title, strong=strong)
        felt = False
        for talk in talks:
            if talk.driver.nudge is not None:
                try:
                    answer = await nudge(talk.driver, talk.conversation, talk.session, message)
                except DeviceError as error:
                    log.warning("%s: it could not be buzzed: %s", talk.band.name, error)
                else:
                    felt = True
                    if answer is not None:
                        answer_prompt(self.store, prompt, answer, self._now())
        return felt

    def _session(self, band: Band, since: datetime | None) -> Session:
        stored = dict(self.store.since(band.id))
        if since is not None and since < stored.get(Epoch, since + timedelta(1)):
            stored[Epoch] = since
        return Session(
            name=band.advertised_name,
            secret=self._secret(band),
            since=stored,
            erase=self.settings.erase,
        )

    def _commit(self, band: Band) -> Commit:
        async def commit(batch: Sequence[Reading]) -> None:
            await asyncio.to_thread(self.store.append, band.id, batch)

        return commit

    def _zones(self) -> Zones:
        return zones_of(self.store, self.settings)

    def attend(self) -> None:
        """A task for each live band: one for a new band, none for a forgotten one. Who calls this ends with `leave`."""
        live = {band.id: band for band in self.store.bands() if band.address and band.driver in self._live}
        for gone in self._staying.keys() - live:
            self._staying.pop(gone).cancel()
        for new in live.keys() - self._staying:
            self._staying[new] = asyncio.create_task(self._stay(live[new]), name=f"live {live[new].name}")

    async def leave(self) -> None:
        """Let go of all live bands; what they have told is stored first."""
        for task in self._staying.values():
            task.cancel()
        await asyncio.gather(*self._staying.values(), return_exceptions=True)
        self._staying.clear()

    async def _stay(self, band: Band) -> None:
        """Stay connected to a live band and store what it says; when the link ends, call it again at `contact_at`.

        What goes wrong is logged and tried again later; it is cancelled to end it.
        """
        while True:
            failures = 0
            try:
                now = self._now()
                state = self.state(now)
                contacts = next(each for each in state.contacts if each.band.id == band.id)
                failures = contacts.failures
                await self._sleep_until(contact_at(contacts, state, now))
                await self._watch(band)
            except (DeviceError, BluetoothUnavailable) as error:
                log.log(logging.DEBUG if failures else logging.WARNING, "%s: %s", band.name, error)
            except HipsyncError as error:  # the store is locked or full, the driver was uninstalled
                log.error("%s: %s", band.name, error)  # noqa: TRY400  one line; the traceback is for bugs
                await self._sleep_until(self._now() + FIRST_RETRY)
            except Exception:  # a driver is strangers' code
                log.exception("%s: its driver has a bug", band.name)
                await self._sleep_until(self._now() + LONGEST_RETRY)

    async def _watch(self, band: Band) -> None:
        async with self.talk(band) as talk:
            self._watched[band.id] = talk
            try:
                await watch(talk.driver, talk.conversation, talk.session, self._commit(band))
            except DeviceError as failure:
                self.store.note_sync(band.id, self._now(), self._now(), 0, str(failure))
                raise
            finally:
                del self._watched[band.id]

    async def _sleep_until(self, instant: datetime) -> None:
        """A minute at a time: asyncio's clock stands still while the host sleeps."""
        while (left := instant - self._now()) > timedelta():  # noqa: ASYNC110  there is no event to wait for
            await asyncio.sleep(min(left, MINUTE).total_seconds())


def _told(failure: Exception) -> str:
    return str(failure) if isinstance(failure, HipsyncError) else f"{type(failure).__name__}: {failure}"


def driver_of(band: Band, drivers: Mapping[str, Driver]) -> Driver:
    if (driver := drivers.get(band.driver)) is None:
        raise ConfigError(
            f"no driver {band.driver!r} for band {band.name!r}: `hipsync drivers` lists what is installed"
        )
    return driver


def standing_prompt(said: Sequence[Prompt]) -> Prompt | None:
    """The prompt that may still be answered: the newest, unless it was answered or acted upon already."""
    last = said[-1] if said else None
    return last if last is not None and last.answer in {None, Answer.IGNORED, Answer.SNOOZED} else None


def answer_prompt(
    store: Store, prompt: Prompt, answer: Answer, now: datetime, snooze: timedelta = timedelta(minutes=10)
) -> Prompt:
    """Write down an answer; a snooze ends `snooze` after now."""
    until = now + snooze if answer is Answer.SNOOZED else None
    answered = store.prompt(prompt)._replace(answer=answer, answered_at=now, snoozed_until=until)
    store.update_prompt(answered)
    return answered

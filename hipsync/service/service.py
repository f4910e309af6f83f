"""Collecting and judging, wired together.

`plan.next_wake(state, now)` says when something has to happen next, `Service.wake(now)` does it; between them they hold
every decision. The scheduler of `hipsync run` and the fast clock of the demo loop over the same two. Collecting and
judging meet only in the store: a dead radio delays data, never the verdict on what is known.

A band with a memory is called by `wake`. A live band, which has none or only one of hours, is held by a task of its own
(`Service.attend`), which asks for what it remembers at each connection: what it tells goes into the store, where `wake`
finds it, and a prompt buzzes it over the connection that is open.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from hipsync.conversation.session import Commit, Connection, Conversation, collect, meet, nudge, watch
from hipsync.core.band_troubles import remarks_due
from hipsync.core.days import Zones
from hipsync.core.exercises import Move, names_for, next_exercise
from hipsync.core.prompting import Due, outcome
from hipsync.core.timeline import instant_of
from hipsync.driver import Driver, Message, Session
from hipsync.errors import (
    BluetoothUnavailable,
    ConfigError,
    DeviceError,
    HipsyncError,
    NotAuthorised,
    NotHeard,
    StoreError,
)
from hipsync.model import MINUTE, Band, BandId, Epoch, Prompt, Reading, Remark, Where
from hipsync.service.answers import answer_prompt
from hipsync.service.contact import Talk, Visits
from hipsync.service.plan import (
    FIRST_RETRY,
    LISTEN_SELDOM,
    LONGEST_RETRY,
    Contacts,
    Met,
    Settings,
    State,
    backup_due,
    contact_at,
    contacts_of,
    facts_of,
    listens,
    live_kinds,
    state_of,
    zones_of,
)
from hipsync.store import Store

log = logging.getLogger(__name__)


class Radio(Protocol):
    """What reaches a band: `hipsync.radio` on the system's radio or on a simulated one."""

    def reach(self, band: Band) -> AbstractAsyncContextManager[Connection]:
        """An open connection. Raises `DeviceError`, `BluetoothUnavailable`."""
        ...


JUDGE_WITHIN, TALK_WITHIN = timedelta(seconds=90), timedelta(minutes=8)
"""After the first, what is known is judged although a band has not told all yet; after the second it is let go, and
called another time: what it told by then is kept. A first sync of a month takes two to three minutes."""
LEAST_YEAR = 2024
"""A computer that has no battery for its clock begins in 1970 and learns the time later."""
AHEAD = timedelta(minutes=15)
"""By how much a band's clock may be ahead: it is set at each contact, and drifts by seconds."""
MOST_KEPT = 5000
"""Readings of a live band in memory: some days of them."""
HELD_WITHIN, HELD_LOOK = timedelta(seconds=45), timedelta(seconds=0.2)
"""How long a command waits for a live band that is about to be reached, and how often it looks."""

Deliver = Callable[[Prompt, Move, bool], Awaitable[Sequence[Where]]]
"""Shows a prompt (the last argument: strongly) everywhere but on the band; where it was truly shown."""


Tell = Callable[[Remark], Awaitable[object]]
"""Shows a remark."""


class Fetched(NamedTuple):
    """What came of one contact."""

    epochs: int
    history: bool
    """Whether the band keeps any."""
    held: bool
    """The service is connected to it all the time: nothing had to be fetched."""


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
        hear: Callable[[Sequence[Band]], Awaitable[Collection[BandId]]] | None = None,
        tell: Tell | None = None,
    ) -> None:
        """`hear` says which of some bands are in reach now; without it, one that went away is only called again.

        Without `tell` nothing is remarked on.
        """
        self.store, self.settings = store, settings
        self._radio, self._drivers, self._secret, self._deliver, self._now = radio, drivers, secret, deliver, now
        self._live = live_kinds(drivers)
        self._staying: dict[BandId, asyncio.Task[None]] = {}
        self._visiting: dict[BandId, asyncio.Task[None]] = {}
        self._watched: dict[BandId, Talk] = {}
        """The conversations with live bands that are open now."""
        self._kept: dict[BandId, list[Reading]] = {}
        self.trouble: str | None = None
        """Why what live bands tell cannot be stored now."""
        self._met: dict[BandId, Met] = {}
        self._tried: dict[BandId, bytes | None] = {}
        """The key that each band was last given."""
        self._hear, self._listened, self._tell = hear, now() - LISTEN_SELDOM, tell
        self._came_back = asyncio.Event()
        """Set for an instant, when a band that was away is heard."""

    def state(self, now: datetime) -> State:
        self._forgive()
        return state_of(self.store, self.settings, now, self._live, self._met)

    async def wake(self, now: datetime) -> State:
        """Contact the bands that are due, settle what became of prompts, and say what is to be said.

        All at a time: a band that fails, or whose driver does, is logged and tried again later, and one that takes
        longer than `JUDGE_WITHIN` goes on by itself. Raises `StoreError`, after which nothing was lost.
        """
        self.store.note_zone(now, self.settings.host_zone)
        state = self.state(now)
        due = [each for each in state.contacts if not each.live and contact_at(each, state, now) <= now]
        if not due:
            return await self._judge(state, ())
        visits = Visits()
        for contacts in due:
            visit = asyncio.create_task(self._visit(contacts, visits), name=f"visit {contacts.band.name}")
            visits.going.add(visit)
            self._visiting[contacts.band.id] = visit
        try:
            await visits.told(JUDGE_WITHIN)
            return await self._judge(self.state(self._now()), visits.open)
        finally:
            visits.leave.set()
            await asyncio.gather(*visits.staying, return_exceptions=True)

    async def _judge(self, state: State, talks: Sequence[Talk]) -> State:
        """Settle, and say what is to be said: over these conversations, and over those with the bands that are held."""
        if self.settle(state, self._now()):
            state = self.state(self._now())
        if (said := state.due()) is not None:
            await self._say(said, [*talks, *self._watched.values()])
            state = self.state(self._now())
        await self._remark(state)
        return state

    def _forgive(self) -> None:
        """A band that refused its key and has another now is called at once."""
        for band in self.store.bands() if Met.REFUSED in self._met.values() else ():
            if self._met.get(band.id) is Met.REFUSED:
                with contextlib.suppress(ConfigError):  # the file of keys cannot be read: the next contact tells it
                    if self._secret(band) != self._tried.get(band.id):
                        self._met[band.id] = Met.BACK
                        self._came_back.set()
                        self._came_back.clear()

    async def _remark(self, state: State) -> None:
        """Say once what is the matter with a band."""
        if self._tell is None:
            return
        now = self._now()
        due = remarks_due(
            facts_of(self.store, state.contacts), state.settings.policy, state.zones, now, self.store.pause(now)
        )
        for remark in due:
            self.store.add_remark(remark, now)
            log.warning("%s", remark.text)
            await self._tell(remark)

    async def _visit(self, contacts: Contacts, visits: Visits) -> None:
        """Fetch, and keep the conversation open until the wake that began it is over."""
        band, began = contacts.band, self._now()
        self._met[band.id] = Met.BUSY
        try:
            async with (
                asyncio.timeout(TALK_WITHIN.total_seconds()),
                self.talk(band) as talk,
                visits.staying_with(talk),
            ):
                await visits.leave.wait()
        except StoreError as error:
            visits.failure = visits.failure or error
        except TimeoutError:
            self._met[band.id] = Met.FAILED
            why = f"it did not come to an end within {TALK_WITHIN // MINUTE} minutes; what it told is kept"
            log.warning("%s: %s", band.name, why)
            with contextlib.suppress(StoreError):  # the next wake tells what is the matter with it
                self.store.note_sync(band.id, began, self._now(), 0, why)
        except Exception as error:  # a driver is strangers' code
            level = logging.DEBUG if contacts.failures else logging.WARNING
            bug = None if isinstance(error, HipsyncError) else error
            log.log(level, "%s: %s", band.name, _told(error), exc_info=bug)
        finally:
            visits.done()
            del self._visiting[band.id]
            if self._met.get(band.id) is Met.BUSY:
                del self._met[band.id]

    @contextlib.asynccontextmanager
    async def talk(self, band: Band, since: datetime | None = None) -> AsyncGenerator[Talk, None]:
        """Connect, authenticate and fetch what is new; then the conversation is open for a nudge.

        Every attempt is a row of `syncs`. `since` goes further back than what is stored.
        """
        started, count = self._now(), 0

        async def commit(batch: Sequence[Reading]) -> None:
            nonlocal count
            count += (await asyncio.to_thread(self.store.append, band.id, self._past(band, batch))).new

        async with AsyncExitStack() as stack:
            try:
                _check_clock(started, band)
                driver = driver_of(band, self._drivers)
                connection = await stack.enter_async_context(self._radio.reach(band))
                conversation = Conversation(connection, zone=self._zones().at(started), now=self._now)
                session = self._session(band, since)
                self._tried[band.id] = session.secret
                await meet(driver, conversation, session, commit)
                await collect(driver, conversation, session, commit)
            except StoreError:
                raise
            except Exception as failure:
                self._met[band.id] = _met(failure)
                self.store.note_sync(band.id, started, self._now(), count, _told(failure))
                raise
            self._met.pop(band.id, None)
            self.store.note_sync(band.id, started, self._now(), count, None)
            log.info("%s: %d new epochs", band.name, count)
            yield Talk(band, driver, conversation, session, count)

    async def fetch(self, band: Band, since: datetime | None = None) -> Fetched:
        """One contact now, because somebody asked. A live band that is held is not called: it tells as it goes.

        Raises `DeviceError`, `BluetoothUnavailable`, `ConfigError`, `StoreError`.
        """
        if await self._held(band) is not None:
            return Fetched(0, history=False, held=True)
        if (visit := self._visiting.get(band.id)) is not None:  # a second connection would only be in its way
            await asyncio.wait({visit})
        async with self.talk(band, since) as talk:
            return Fetched(talk.epochs, history=talk.driver.abilities.history is not None, held=False)

    async def buzz(self, band: Band) -> None:
        """Let a band vibrate, over the connection that is open if there is one. Raises as `fetch`."""
        message = Message("hipsync", "Here I am", asks=False)
        if (held := await self._held(band)) is not None:
            await nudge(held.driver, held.conversation, held.session, message)
            return
        async with self.talk(band) as talk:
            await nudge(talk.driver, talk.conversation, talk.session, message)

    async def _held(self, band: Band) -> Talk | None:
        """The open conversation with a band that a task of its own stays with; None for another one.

        Raises `DeviceError` if that task does not reach it either, for a second connection would only be in its way.
        """
        if band.id not in self._staying:
            return None
        until = self._now() + HELD_WITHIN
        while (talk := self._watched.get(band.id)) is None:
            if self._now() >= until:
                last = next((sync.error for sync in self.store.syncs(band.id) if sync.error), None)
                raise DeviceError(f"it is not connected now, and tried again and again: {last or 'it was not heard'}")
            await asyncio.sleep(HELD_LOOK.total_seconds())
        return talk

    def connected(self) -> Sequence[str]:
        """Names of the live bands that are held now."""
        return [talk.band.name for talk in self._watched.values()]

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
            prompt = self.store.add_prompt(
                Prompt(now, due.due, move.name, due.sure, last_shown=now, occasion=due.occasion)
            )
        else:
            prompt = due.again._replace(shown=due.again.shown + 1, last_shown=now, answer=None, answered_at=None)
            self.store.update_prompt(prompt)
        where = list(await self._deliver(prompt, move, due.strong))
        if self.settings.band and await self._buzz(prompt, move, talks, strong=due.strong):
            where.append(Where.BAND)
        fresh = self.store.prompt(prompt)  # an answer may have come in meanwhile
        self.store.update_prompt(fresh._replace(where=tuple(dict.fromkeys([*prompt.where, *where]))))

    def _move(self, due: Due) -> Move:
        done = [prompt.exercise for prompt in self.store.prompts(due.due - timedelta(days=7), due.due)]
        names = names_for(due.occasion, self.settings.exercises, self.settings.own)
        move = next_exercise(names, self.settings.avoid, done, self.store.hurt(), self.settings.own)
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
                        answer_prompt(self.store, prompt, answer, self._now(), self.settings.snooze)
        return felt

    def _past(self, band: Band, batch: Sequence[Reading]) -> Sequence[Reading]:
        """A batch without what a band tells of the future: its clock was wrong, and nobody knows when that was."""
        latest = self._now() + AHEAD
        past = [each for each in batch if (each.end if isinstance(each, Epoch) else each.at) <= latest]
        if len(past) < len(batch):
            log.warning("%s: its clock was ahead: %d readings are left out", band.name, len(batch) - len(past))
        return past

    def _session(self, band: Band, since: datetime | None) -> Session:
        now = self._now()
        stored = {kind: min(at, now) for kind, at in self.store.since(band.id).items()}  # a clock may have been wrong
        if since is not None and since < stored.get(Epoch, since + timedelta(1)):
            stored[Epoch] = since
        return Session(
            name=band.advertised_name,
            secret=self._secret(band),
            since=stored,
            erase=self.settings.erase,
        )

    def _commit(self, band: Band) -> Commit:
        """Of what a live band tells, which it does only once: what cannot be stored now is kept in memory until it can.

        Raises `StoreError` when that is more than `MOST_KEPT`.
        """

        async def commit(batch: Sequence[Reading]) -> None:
            kept = self._kept.setdefault(band.id, [])
            kept += self._past(band, batch)
            try:
                await asyncio.to_thread(self.store.append, band.id, kept)
            except StoreError as error:
                if self.trouble is None:
                    log.error("%s: what it tells is kept in memory: %s", band.name, error)  # noqa: TRY400  one line
                self.trouble = str(error)
                if len(kept) > MOST_KEPT:
                    raise
            else:
                kept.clear()
                self.trouble = None

        return commit

    def _zones(self) -> Zones:
        return zones_of(self.store, self.settings)

    async def listen(self) -> bool:
        """Whether one of the bands that went away shows itself now; then it is to be called at once."""
        now = self._now()
        contacts = contacts_of(self.store, self._live, self._met)
        away = [each.band for each in contacts if listens(each, self._listened, now)]
        if self._hear is None or not away:
            return False
        self._listened = now
        try:
            heard = await self._hear(away)
        except BluetoothUnavailable as error:
            log.debug("no band can be heard: %s", error)
            return False
        back = [band for band in away if band.id in heard and self._met.get(band.id, Met.AWAY) is Met.AWAY]
        for band in back:
            log.info("%s: it is back in reach", band.name)
            self._met[band.id] = Met.BACK
        self._came_back.set()
        self._came_back.clear()
        return bool(back)

    async def backup(self) -> None:
        """Copy the database if that is due. Raises `StoreError`."""
        now = self._now()
        if self.store.path is not None and backup_due(self.store.backed_up(), self._zones(), now):
            kept = await asyncio.to_thread(self.store.backup, None, now)
            log.info("the database was copied to %s", kept)

    def attend(self) -> None:
        """A task for each live band: one for a new band, none for a forgotten one. Who calls this ends with `leave`."""
        live = {band.id: band for band in self.store.bands() if band.address and band.driver in self._live}
        for gone in self._staying.keys() - live:
            self._staying.pop(gone).cancel()
        for new in live.keys() - self._staying:
            self._staying[new] = asyncio.create_task(self._stay(live[new]), name=f"live {live[new].name}")

    async def leave(self) -> None:
        """Let go of all bands; what they have told is stored first."""
        tasks = [*self._staying.values(), *self._visiting.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._staying.clear()

    async def _stay(self, band: Band) -> None:
        """Stay connected to a live band and store what it says; when the link ends, call it again at `contact_at`.

        What goes wrong is logged and tried again later; it is cancelled to end it.
        """
        while True:
            failures = 0
            try:
                failures = await self._turn(band)
                await self._watch(band)
            except (DeviceError, BluetoothUnavailable) as error:
                log.log(logging.DEBUG if failures else logging.WARNING, "%s: %s", band.name, error)
            except HipsyncError as error:  # the store is locked or full, the driver was uninstalled
                log.error("%s: %s", band.name, error)  # noqa: TRY400  one line; the traceback is for bugs
                await self._sleep_until(self._now() + FIRST_RETRY, band)
            except Exception:  # a driver is strangers' code
                log.exception("%s: its driver has a bug", band.name)
                await self._sleep_until(self._now() + LONGEST_RETRY, band)

    async def _turn(self, band: Band) -> int:
        """Wait until a live band is to be called; how often that failed in a row."""
        while True:
            now = self._now()
            state = self.state(now)
            contacts = next(each for each in state.contacts if each.band.id == band.id)
            if (at := contact_at(contacts, state, now)) <= now:
                return contacts.failures
            await self._sleep_until(at, band)

    async def _watch(self, band: Band) -> None:
        async with self.talk(band) as talk:
            self._watched[band.id] = talk
            try:
                await watch(talk.driver, talk.conversation, talk.session, self._commit(band))
            except DeviceError as failure:
                self._met[band.id] = Met.AWAY
                if self._kept.get(band.id):
                    await self._commit(band)(())
                self.store.note_sync(band.id, self._now(), self._now(), 0, str(failure))
                raise
            finally:
                del self._watched[band.id]

    async def _sleep_until(self, instant: datetime, band: Band) -> None:
        """Or until the band came back. A minute at a time: asyncio's clock stands still while the host sleeps."""
        while (left := instant - self._now()) > timedelta() and self._met.get(band.id) is not Met.BACK:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left, MINUTE).total_seconds()):
                    await self._came_back.wait()


def _check_clock(now: datetime, band: Band) -> None:
    """Raises `DeviceError` where this computer does not know the time: a band would be set by it."""
    if now.year < LEAST_YEAR and not band.simulated:  # a demo lives in any year
        raise DeviceError(f"this computer believes it is {now:%Y-%m-%d}: set its clock first")


def _met(failure: Exception) -> Met:
    match failure:
        case NotAuthorised():
            return Met.REFUSED
        case NotHeard() | BluetoothUnavailable():
            return Met.AWAY
        case _:
            return Met.FAILED


def _told(failure: Exception) -> str:
    return str(failure) if isinstance(failure, HipsyncError) else f"{type(failure).__name__}: {failure}"


def driver_of(band: Band, drivers: Mapping[str, Driver]) -> Driver:
    if (driver := drivers.get(band.driver)) is None:
        raise ConfigError(
            f"no driver {band.driver!r} for band {band.name!r}: `hipsync drivers` lists what is installed"
        )
    return driver

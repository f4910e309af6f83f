"""One contact with one band: connect, log in, fetch what is new, and keep the connection open for a vibration.

A contact decides nothing. `plan` says when a band is contacted, and `service` what follows from what was fetched. Two
kinds of callers share it: a wake of the service contacts bands that have a memory (`Visits`), and `live` stays
connected to those that have none. The one rule: every attempt leaves a trace, as a row of the table `syncs` and in
`Tries`, so that `plan` knows when to try again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol
from zoneinfo import ZoneInfo

from hipsync.conversation.clock_sets import clock_sets
from hipsync.conversation.dialogue import OpenDialogue, dialogue
from hipsync.conversation.session import Connection, Conversation
from hipsync.conversation.stored import finished
from hipsync.driver import Driver, Session
from hipsync.errors import (
    BluetoothUnavailable,
    ConfigError,
    DeviceError,
    HipsyncError,
    NotAuthorised,
    NotHeard,
    StoreError,
)
from hipsync.host.clock import onward, steady
from hipsync.instants import is_believed
from hipsync.model import MINUTE, Band, BandId, Epoch, Reading
from hipsync.service.state import Contacts, LastTry, Settings, zones_of
from hipsync.store import Store

log = logging.getLogger(__name__)

VISIT_WITHIN = timedelta(minutes=8)
"""A visit that takes longer is ended and tried again later; what was fetched by then is stored. A
first fetch, of a month of minutes, takes two to three minutes."""
EARLIEST_YEAR = 2024
"""A computer whose clock shows an earlier year has no battery for its clock, and has not yet learnt the time."""


class Radio(Protocol):
    """The port to Bluetooth: `radio/bleak_radio.py` implements it, on the system's radio or on a simulated one."""

    def reach(self, band: Band) -> AbstractAsyncContextManager[Connection]:
        """Open a connection for the length of the block. Raises `DeviceError` and `BluetoothUnavailable`."""
        ...


@dataclass(frozen=True, slots=True)
class Talk:
    """An open conversation with a band, from which everything new was fetched already."""

    band: Band
    dialogue: OpenDialogue
    epochs: int
    """How many epochs were fetched that the store did not have."""


class Tries:
    """How the last try with each band ended, as far as this run of the service knows; shared by all who contact bands.

    A band that was contacted successfully has no entry.
    """

    def __init__(self) -> None:
        self.last: dict[BandId, LastTry] = {}
        self._back = asyncio.Event()

    def mark_back(self, bands: Iterable[Band]) -> None:
        """Note that these bands are to be contacted at once, and wake whoever waits in `wait_back`."""
        for band in bands:
            self.last[band.id] = LastTry.BACK
        self._back.set()
        self._back.clear()

    async def wait_back(self, within: timedelta) -> None:
        """Return when any band is marked as back, or after `within`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within.total_seconds()):
                await self._back.wait()


class Connector:
    """Contacts bands with what it is handed: a radio, drivers, keys, and the store for what they send."""

    def __init__(
        self,
        store: Store,
        tries: Tries,
        *,
        radio: Radio,
        drivers: Mapping[str, Driver],
        secret: Callable[[Band], bytes | None],
        keep: Callable[[Band, bytes], None] | None,
        settings: Callable[[], Settings],
        now: Callable[[], datetime],
        passed: Callable[[], float] | None,
    ) -> None:
        """`keep` keeps a secret that a band handed over; without it, none can be kept.

        `now` and `passed` are as in `Clock`; without `passed`, conversations go by `now`, whoever sets it.
        """
        self.drivers = drivers
        self._store, self._tries = store, tries
        self._radio, self._secret, self._keep, self._settings, self._now = radio, secret, keep, settings, now
        self._passed = passed
        self._last_key: dict[BandId, bytes | None] = {}
        self._visiting: dict[BandId, asyncio.Task[None]] = {}

    @contextlib.asynccontextmanager
    async def talk(self, band: Band, since: datetime | None = None) -> AsyncGenerator[Talk, None]:
        """Connect, log in and fetch what is new; the connection stays open during the block.

        With `since`, epochs are fetched again from that instant on; None fetches only what is new. Every attempt is
        noted in the table `syncs` and in `Tries`, unless the store fails. Raises `DeviceError`, `BluetoothUnavailable`,
        `ConfigError`, `StoreError`, and what a driver with a bug raises.
        """
        started, count = self._now(), 0
        # one clock for a contact: what the driver takes for past, and lets the band forget, must not be left out here
        now = onward(self._now) if self._passed is None else steady(self._now, self._passed)

        async def commit(batch: Sequence[Reading]) -> None:
            nonlocal count
            batch = without_future(band, batch, now())
            count += (await asyncio.to_thread(self._store.append, band.id, batch)).new

        async with AsyncExitStack() as stack:
            try:
                _check_clock(started, band)
                driver = driver_of(band, self.drivers)
                connection = await stack.enter_async_context(self._radio.reach(band))
                conversation = Conversation(connection, zone=self._zone, now=now)
                session = self._session(band, since)
                self._last_key[band.id] = session.secret
                opened = await stack.enter_async_context(dialogue(driver, conversation, session, commit))
                self._note_abilities(band, opened)
                await opened.fetch(commit)
            except StoreError:
                raise
            except Exception as failure:
                self._tries.last[band.id] = _last_try(failure)
                self._store.note_sync(band.id, started, self._now(), count, reason_of(failure))
                raise
            self._tries.last.pop(band.id, None)
            self._store.note_sync(band.id, started, self._now(), count, None)
            log.info("%s: %d new rows", band.name, count)
            yield Talk(band, opened, count)

    def _note_abilities(self, band: Band, opened: OpenDialogue) -> None:
        """Store what the band has shown that it can do, unless that is known already. Raises `StoreError`."""
        known = next((each.abilities for each in self._store.bands() if each.id == band.id), None)
        if opened.own_abilities != known:
            self._store.note_abilities(band.id, opened.own_abilities, family=opened.driver.abilities)

    def _zone(self) -> ZoneInfo:
        return zones_of(self._store, self._settings()).at(self._now())

    def _session(self, band: Band, since: datetime | None) -> Session:
        now = self._now()
        stored = {kind: min(at, now) for kind, at in self._store.since(band.id, now=now).items()}
        if since is not None and since < stored.get(Epoch, since + timedelta(days=1)):
            stored[Epoch] = since
        session = Session(
            name=band.advertised_name,
            secret=self._secret(band),
            since=stored,
            clock_sets=clock_sets(self._store.info_times(band.id, now=now), zones_of(self._store, self._settings()).at),
            erase=self._settings().erase,
            address=shown_address(band.address),
        )
        return session if self._keep is None else replace(session, keep=keeping(partial(self._keep, band)))

    def retry_new_keys(self) -> None:
        """Mark as back each band that refused its key and has been given another one since."""
        if LastTry.REFUSED not in self._tries.last.values():
            return
        for band in self._store.bands():
            if self._tries.last.get(band.id) is LastTry.REFUSED:
                with contextlib.suppress(ConfigError):  # the key file cannot be read: the next contact reports it
                    if self._secret(band) != self._last_key.get(band.id):
                        self._tries.mark_back([band])

    def visit(self, contacts: Contacts, visits: Visits) -> None:
        """Start a task that contacts a band and holds the connection open until `visits.release` is set."""
        band = contacts.band
        task = asyncio.create_task(self._visit(contacts, visits), name=f"visit {band.name}")
        visits.fetching.add(task)
        self._visiting[band.id] = task

    async def _visit(self, contacts: Contacts, visits: Visits) -> None:
        band, began = contacts.band, self._now()
        self._tries.last[band.id] = LastTry.BUSY
        try:
            async with (
                asyncio.timeout(VISIT_WITHIN.total_seconds()),
                self.talk(band) as talk,
                visits.hold_open(talk),
            ):
                await visits.release.wait()
        except StoreError as error:
            visits.failure = visits.failure or error
        except TimeoutError:
            self._tries.last[band.id] = LastTry.FAILED
            why = f"it did not come to an end within {VISIT_WITHIN // MINUTE} minutes; what it sent is kept"
            log.warning("%s: %s", band.name, why)
            with contextlib.suppress(StoreError):  # the next wake reports what is the matter with the store
                self._store.note_sync(band.id, began, self._now(), 0, why)
        except Exception as error:  # a driver is strangers' code
            level = logging.DEBUG if contacts.failures else logging.WARNING
            bug = None if isinstance(error, HipsyncError) else error
            log.log(level, "%s: %s", band.name, reason_of(error), exc_info=bug)
        finally:
            visits.finished()
            del self._visiting[band.id]
            if self._tries.last.get(band.id) is LastTry.BUSY:
                del self._tries.last[band.id]

    def visits(self) -> Collection[asyncio.Task[None]]:
        """The visits that are under way, each as its task."""
        return list(self._visiting.values())

    async def wait_visit(self, band: Band) -> None:
        """Return when no visit of this band is under way any more, because a second connection would disturb it."""
        if (visit := self._visiting.get(band.id)) is not None:
            await asyncio.wait({visit})

    async def leave(self) -> None:
        """End all visits that are under way; a commit is finished first."""
        visits = self.visits()
        for visit in visits:
            visit.cancel()
        await asyncio.gather(*visits, return_exceptions=True)


class Visits:
    """The contacts of one wake of the service, each in a task of its own, so that a slow band delays no other.

    A visit that has fetched everything holds its connection open until `release` is set, so that a prompt can be shown
    on the band without another contact.
    """

    def __init__(self) -> None:
        self.fetching: set[asyncio.Task[None]] = set()
        """Tasks that have neither fetched everything nor failed."""
        self.holding_open: set[asyncio.Task[None]] = set()
        """Tasks that have fetched everything and wait for `release`."""
        self.open: list[Talk] = []
        """The conversations of the tasks in `holding_open`."""
        self.release = asyncio.Event()
        self.failure: StoreError | None = None
        """The first error of the store in any visit."""
        self._all_finished = asyncio.Event()

    @contextlib.asynccontextmanager
    async def hold_open(self, talk: Talk) -> AsyncGenerator[None, None]:
        """Offer a conversation for vibrations during the block. Called by a visit's own task that has fetched all."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  a coroutine runs in one
        self.open.append(talk)
        self.holding_open.add(task)
        self.finished()
        try:
            yield
        finally:
            self.open.remove(talk)

    def finished(self) -> None:
        """Note that the current task, which is a visit's own, has fetched everything or failed."""
        self.fetching -= {asyncio.current_task()}
        if not self.fetching:
            self._all_finished.set()

    async def wait_fetched(self, within: timedelta) -> None:
        """Return when every visit has fetched everything or failed, at the latest after `within`.

        Raises the first `StoreError` of any visit.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within.total_seconds()):
                await self._all_finished.wait()
        if self.failure is not None:
            raise self.failure


def without_future(band: Band, batch: Sequence[Reading], now: datetime) -> Sequence[Reading]:
    """Return the batch without readings that are not believed at `now`, and log how many were left out.

    The band's clock was wrong when it stored them, so their true time is unknown: it is set at each contact, and drifts
    by seconds in between. An epoch counts by its end.
    """
    past = [each for each in batch if is_believed(each.end if isinstance(each, Epoch) else each.at, now)]
    if len(past) < len(batch):
        log.warning("%s: its clock was ahead: %d rows are left out", band.name, len(batch) - len(past))
    return past


def shown_address(address: str | None) -> str | None:
    """The address for a driver; None for what macOS shows in its place, which no band knows."""
    return address if address is not None and re.fullmatch(r"(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}", address) else None


def keeping(keep: Callable[[bytes], None]) -> Callable[[bytes], Awaitable[None]]:
    """Return a function for `Session.keep` that calls `keep` in a thread, and raises its errors as `DeviceError`."""

    async def kept(secret: bytes) -> None:
        try:
            await finished(asyncio.to_thread(keep, secret))
        except ConfigError as error:
            raise DeviceError(str(error)) from error

    return kept


def driver_of(band: Band, drivers: Mapping[str, Driver]) -> Driver:
    """The driver for a band. Raises `ConfigError` if it is not installed."""
    if (driver := drivers.get(band.driver)) is None:
        raise ConfigError(
            f"no driver {band.driver!r} for band {band.name!r}: `hipsync drivers` lists what is installed"
        )
    return driver


def reason_of(failure: Exception) -> str:
    """Why a contact failed, as it is logged and stored; a bug is given with the name of its exception."""
    return str(failure) if isinstance(failure, HipsyncError) else f"{type(failure).__name__}: {failure}"


def _check_clock(now: datetime, band: Band) -> None:
    """Raise `DeviceError` if this computer does not know the time, because a contact sets the band's clock by it."""
    if now.year < EARLIEST_YEAR and not band.simulated:  # a demo lives in any year
        raise DeviceError(f"this computer believes it is {now:%Y-%m-%d}: set its clock first")


def _last_try(failure: Exception) -> LastTry:
    match failure:
        case NotAuthorised():
            return LastTry.REFUSED
        case NotHeard() | BluetoothUnavailable():
            return LastTry.AWAY
        case _:
            return LastTry.FAILED

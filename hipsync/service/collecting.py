"""Contacts bands and stores what they send, and judges nothing of it: what `hipsync run` and a gateway share.

When a band is contacted is said by those who build on it: `service` judges what is stored, and prompts; `gateway`
contacts each band now and then.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from hipsync.core.speaking import Here
from hipsync.driver import Driver, Message
from hipsync.errors import BluetoothUnavailable, Damaged
from hipsync.model import Band, BandId
from hipsync.service.clock_steps import Step
from hipsync.service.contact import Connector, Radio, Tries
from hipsync.service.live import LiveBands
from hipsync.service.plan import LISTEN_SELDOM, backup_due, listens
from hipsync.service.state import Contacts, LastTry, Settings, State, contacts_of, families_of, zones_of
from hipsync.store import Store
from hipsync.store.checked import last_check

log = logging.getLogger(__name__)


class Fetched(NamedTuple):
    """The result of one contact that a person asked for."""

    epochs: int
    history: bool
    """Whether bands of this kind store any epochs."""
    held: bool
    """Whether the service stays connected to this band, so that nothing had to be fetched."""


class Collecting(ABC):
    """Contacts bands, stays connected to live ones, and looks after the database."""

    judges = True
    """Whether what the bands send is judged as one wearer's day."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        *,
        radio: Radio,
        drivers: Mapping[str, Driver],
        secret: Callable[[Band], bytes | None],
        now: Callable[[], datetime],
        hear: Callable[[Sequence[Band]], Awaitable[Collection[BandId]]] | None = None,
        show_damage: Callable[[], Awaitable[object]] | None = None,
        passed: Callable[[], float] | None = None,
        keep: Callable[[Band, bytes], None] | None = None,
    ) -> None:
        """`hear` returns which of the given bands are in reach now; without it, a band that went away is only retried.

        `keep` keeps a secret that a band handed over; without it, none can be kept. `show_damage` shows that the
        database is damaged. `passed` is as in `Clock`; without it, time passes by the clock of the event loop, and
        nobody sets the clock of `now`.
        """
        self.store = store
        self.settings = settings
        """May be replaced between two wakes."""
        self._now, self._hear, self._show_damage = now, hear, show_damage
        self._damage: str | None = None
        """What is wrong with the database, as it was told last; None if nothing is."""
        self._families, self._tries = families_of(drivers), Tries()
        self._passed = passed or _loop_s
        self._listened_s: float | None = None
        self.connector = Connector(
            store,
            self._tries,
            radio=radio,
            drivers=drivers,
            secret=secret,
            keep=keep,
            settings=lambda: self.settings,
            now=now,
            passed=passed,
        )
        self.live = LiveBands(store, self.connector, self._tries, self._families, planned=self.planned, now=now)

    @abstractmethod
    async def wake(self, now: datetime) -> object:
        """Do what is due. Only one may run at a time. A band that fails is logged and tried again later.

        After a `StoreError` nothing is lost.
        """

    @abstractmethod
    def look(self, now: datetime) -> tuple[datetime, State | None]:
        """When to wake next, by what is known at `now`; and that, or None if nothing is judged. Raises `StoreError`."""

    @abstractmethod
    def planned(self, band: Band, now: datetime) -> tuple[Contacts, datetime] | None:
        """The past contacts with a band that has an address, and when to contact it; None if it is gone meanwhile.

        Raises `StoreError`.

        An instant that is not after `now` means at once.
        """

    def here(self) -> Here | None:
        """What is known of the wearer at this computer; None if it is not asked."""
        return None

    def contacts(self, now: datetime) -> list[Contacts]:
        """The past contacts with each band that has an address, by what is known at `now`. Raises `StoreError`."""
        return contacts_of(self.store, self._families, self._tries.last, now)

    def clock_was_set(self, step: Step) -> None:
        """Reckon with a step of the computer's clock: conversations with live bands begin anew."""
        del step
        self.live.begin_anew()

    async def leave(self) -> None:
        """End all visits and leave all live bands; what bands have sent is stored first."""
        await asyncio.gather(self.live.leave(), self.connector.leave())

    async def fetch(self, band: Band, since: datetime | None = None) -> Fetched:
        """Contact a band now, unless the service stays connected to it: such a band sends everything unasked.

        `since` is as for `Connector.talk`. Raises `DeviceError`, `BluetoothUnavailable`, `ConfigError`, `StoreError`.
        """
        if await self.live.talk_with(band) is not None:
            return Fetched(0, history=False, held=True)
        await self.connector.wait_visit(band)
        async with self.connector.talk(band, since) as talk:
            return Fetched(talk.epochs, history=talk.dialogue.abilities.history is not None, held=False)

    async def buzz(self, band: Band) -> None:
        """Make a band vibrate, over the open connection if there is one. Raises what `fetch` raises."""
        message = Message("hipsync", "Here I am", asks=False)
        if (live := await self.live.talk_with(band)) is not None:
            await live.dialogue.nudge(message)
            return
        async with self.connector.talk(band) as talk:
            await talk.dialogue.nudge(message)

    async def listen(self) -> bool:
        """Listen for bands that went away, and return whether one is in reach again. It is then due at once."""
        now = self._now()
        contacts = self.contacts(now)
        passed = self._passed()
        waited = LISTEN_SELDOM if self._listened_s is None else timedelta(seconds=passed - self._listened_s)
        away = [each.band for each in contacts if listens(each, waited, now)]
        if self._hear is None or not away:
            return False
        self._listened_s = passed
        try:
            heard = await self._hear(away)
        except BluetoothUnavailable as error:
            log.debug("no band can be heard: %s", error)
            return False
        back = [
            band for band in away if band.id in heard and self._tries.last.get(band.id, LastTry.AWAY) is LastTry.AWAY
        ]
        for band in back:
            log.info("%s: it is back in range", band.name)
        self._tries.mark_back(back)
        return bool(back)

    async def backup(self) -> None:
        """Copy the database if that is due, which checks it. What was found is logged and shown once.

        Raises `StoreError`.
        """
        now = self._now()
        if self.store.path is None:
            return
        try:
            if backup_due(self.store.backed_up(now=now), zones_of(self.store, self.settings), now):
                copy = await asyncio.to_thread(self.store.backup, None, now)
                log.info("the database was copied to %s", copy)
        except Damaged as error:  # it is tried again in an hour
            log.debug("%s", error)
            await self._tell_damage(str(error))
            return
        checked = last_check(self.store.path)
        await self._tell_damage(None if checked is None else checked.told(self.store.path))

    async def _tell_damage(self, found: str | None) -> None:
        """Log and show what is wrong with the database, unless that was done already; None means nothing is."""
        if found is not None and self._damage is None:
            log.error("%s", found)
            if self._show_damage is not None:
                await self._show_damage()
        self._damage = found


def _loop_s() -> float:
    """Seconds by the clock of the running event loop."""
    return asyncio.get_running_loop().time()

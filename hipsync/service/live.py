"""Live bands: the service stays connected to them, because they have no memory, or only one of long slots.

Each live band has a task of its own, which `attend` starts. At each connection the task fetches what the band
remembers, then stores what it sends until the link ends; `plan` says when the band is contacted again. The next wake of
the service finds what was stored, and its prompt goes over the connection that is open already. The one rule: a live
band sends a reading only once, so what cannot be stored now waits in memory.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from hipsync.conversation.stored import Commit
from hipsync.errors import BluetoothUnavailable, DeviceError, HipsyncError, StoreError
from hipsync.model import MINUTE, Band, BandId, Reading
from hipsync.service.contact import Connector, Talk, Tries, without_future
from hipsync.service.plan import FIRST_RETRY, LONGEST_RETRY
from hipsync.service.state import Contacts, Families, LastTry
from hipsync.store import Store

log = logging.getLogger(__name__)

MOST_NOT_STORED = 5000
"""How many readings of one band may wait in memory while the store fails: as many as come in some days."""
CONNECTED_WITHIN, LOOK_EVERY = timedelta(seconds=45), timedelta(seconds=0.2)
"""How long a command waits for the task of a live band to connect, and how often it checks."""


class LiveBands:
    """Stays connected to all live bands and stores what they send."""

    def __init__(
        self,
        store: Store,
        connector: Connector,
        tries: Tries,
        families: Families,
        *,
        planned: Callable[[Band, datetime], tuple[Contacts, datetime] | None],
        now: Callable[[], datetime],
    ) -> None:
        """`families` says which bands are live that have not shown it themselves; `planned` is `Collecting.planned`."""
        self._store, self._connector, self._tries, self._families = store, connector, tries, families
        self._planned, self._now = planned, now
        self._tasks: dict[BandId, asyncio.Task[None]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        """Tasks that were cancelled in favour of another one for the same band, and have not ended yet."""
        self._talks: dict[BandId, Talk] = {}
        self._not_yet_stored: dict[BandId, list[Reading]] = {}
        self.trouble: str | None = None
        """Why readings cannot be stored now; None while they can."""

    def attend(self) -> None:
        """Start a task for each live band that has none, and end those of forgotten bands, and of bands not live now.

        Whoever calls this must call `leave` at the end.
        """
        live = {band.id: band for band in self._store.bands() if band.address and self._families.is_live(band)}
        for gone in self._tasks.keys() - live:
            self._tasks.pop(gone).cancel()
        for new in live.keys() - self._tasks:
            self._tasks[new] = asyncio.create_task(self._stay(live[new]), name=f"live {live[new].name}")

    def begin_anew(self) -> None:
        """End each open conversation and begin another, because the computer's clock was set.

        A conversation goes on by the time that it began with, so that a driver waits as long as it means to.
        """
        for talk in self._talks.values():
            if (task := self._tasks.get(talk.band.id)) is not None:
                task.cancel()
                self._ending.add(task)
                task.add_done_callback(self._ending.discard)
                self._tasks[talk.band.id] = asyncio.create_task(
                    self._stay_after(task, talk.band), name=f"live {talk.band.name}"
                )

    async def leave(self) -> None:
        """Disconnect from all live bands; a commit that is under way is finished first."""
        tasks = [*self._tasks.values(), *self._ending]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.clear()

    def connected(self) -> Sequence[str]:
        """The names of the live bands that are connected now."""
        return [talk.band.name for talk in self._talks.values()]

    def talks(self) -> Sequence[Talk]:
        """The conversations with live bands that are open now."""
        return list(self._talks.values())

    async def talk_with(self, band: Band) -> Talk | None:
        """Wait for a live band's own task to connect, and return its open conversation; None if the band is not live.

        Raises `DeviceError` if the task does not connect within `CONNECTED_WITHIN`. No second connection is tried: it
        would disturb the task.
        """
        if band.id not in self._tasks:
            return None
        loop = asyncio.get_running_loop()  # its clock is set by nobody
        until = loop.time() + CONNECTED_WITHIN.total_seconds()
        while (talk := self._talks.get(band.id)) is None:
            if loop.time() >= until:
                syncs = self._store.syncs(band.id, now=self._now())
                last = next((sync.error for sync in syncs if sync.error), None)
                raise DeviceError(f"it is not connected, and hipsync keeps trying: {last or 'it is out of range'}")
            await asyncio.sleep(LOOK_EVERY.total_seconds())
        return talk

    async def _stay_after(self, earlier: asyncio.Task[None], band: Band) -> None:
        """Stay connected to a live band as soon as an earlier task has disconnected from it."""
        await asyncio.wait({earlier})
        await self._stay(band)

    async def _stay(self, band: Band) -> None:
        """Stay connected to a live band and store what it sends, until the task is cancelled, or it shows a memory.

        When the link ends, the band is contacted again at `contact_at`. Every failure is logged and followed by another
        try.
        """
        while True:
            failures = 0
            try:
                tried = await self._until_due(band)
                if tried is None:
                    return
                failures = tried
                if not await self._watch(band):
                    return
            except (DeviceError, BluetoothUnavailable) as error:
                log.log(logging.DEBUG if failures else logging.WARNING, "%s: %s", band.name, error)
            except HipsyncError as error:  # the store is locked or full, the driver was uninstalled
                log.error("%s: %s", band.name, error)  # noqa: TRY400  one line; the traceback is for bugs
                await self._rest(FIRST_RETRY, band)
            except Exception:  # a driver is strangers' code
                log.exception("%s: its driver has a bug", band.name)
                await self._rest(LONGEST_RETRY, band)

    async def _until_due(self, band: Band) -> int | None:
        """Wait until a live band is to be contacted, and return how many tries in a row have failed so far.

        Return None if it is gone from the database: another program may have removed it meanwhile.

        It reckons anew after a minute at most: asyncio's clock stands still while the host sleeps, and the computer's
        may be set, so that the instant is years away or long past.
        """
        while True:
            now = self._now()
            planned = self._planned(band, now)
            if planned is None:
                return None
            contacts, at = planned
            if at <= now:
                return contacts.failures
            await self._tries.wait_back(min(at - now, MINUTE))

    async def _watch(self, band: Band) -> bool:
        """Contact a live band and store what it sends until the link ends, which raises `LinkLost`.

        Return False, disconnected again, if the band has shown that it stores its minutes: it is asked for them then.
        """
        async with self._connector.talk(band) as talk:
            if not talk.dialogue.held:
                return False
            self._talks[band.id] = talk
            try:
                await talk.dialogue.watch(self._commit(band))
            except DeviceError as failure:
                self._tries.last[band.id] = LastTry.AWAY
                if self._not_yet_stored.get(band.id):
                    await self._commit(band)(())
                self._store.note_sync(band.id, self._now(), self._now(), 0, str(failure))
                raise
            finally:
                del self._talks[band.id]
        return True

    def _commit(self, band: Band) -> Commit:
        """Return a function that stores a batch; what cannot be stored waits in memory for the next call.

        That function raises `StoreError` if a batch cannot be stored and more than `MOST_NOT_STORED` readings wait.
        """

        async def commit(batch: Sequence[Reading]) -> None:
            waiting = self._not_yet_stored.setdefault(band.id, [])
            waiting += without_future(band, batch, self._now())
            try:
                await asyncio.to_thread(self._store.append, band.id, waiting)
            except StoreError as error:
                if self.trouble is None:
                    log.error("%s: its data are kept in memory: %s", band.name, error)  # noqa: TRY400  one line
                self.trouble = str(error)
                if len(waiting) > MOST_NOT_STORED:
                    raise
            else:
                waiting.clear()
                self.trouble = None

        return commit

    async def _rest(self, length: timedelta, band: Band) -> None:
        """Wait for a length of time by the clock of the event loop, which nobody sets, or until the band is back."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + length.total_seconds()
        while (left_s := until_s - loop.time()) > 0 and self._tries.last.get(band.id) is not LastTry.BACK:
            await self._tries.wait_back(timedelta(seconds=left_s))

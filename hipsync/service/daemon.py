"""`hipsync run`: the service under APScheduler, one date job at a time, one instance on this database.

Start, run, stop: the door for other commands opens, the job that wakes the service plans its own successor, each live
band has a task that stays connected to it, a signal ends the wait.
"""

# apscheduler 3 has no types.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from hipsync.errors import HipsyncError, Outdated, StoreError
from hipsync.host.clock import Clock
from hipsync.host.sleep import awake
from hipsync.host.systemd_notify import tell, watchdog_s
from hipsync.model import MINUTE
from hipsync.service.control_server import Desk, opened
from hipsync.service.plan import Settings, next_wake
from hipsync.service.service import Service
from hipsync.service.status_text import doing

log = logging.getLogger(__name__)

AFTER_FAILURE = timedelta(minutes=1)
"""A store that is locked or full is tried again this soon; nothing was lost meanwhile, for nothing was acknowledged."""
LOOK_EVERY = timedelta(minutes=1)
"""asyncio's clock stands still while the host sleeps, answers come from other processes, and bands come back into
reach: look this often."""
BACKUP_EVERY = timedelta(hours=1)
"""To see whether one is due: the computer may sleep at any hour."""
AT_MOST_EVERY = timedelta(seconds=1)
"""Between wakes, should one find that the next is due already."""
INTERRUPTED_WITHIN_S = 4.0
"""For a wake that is interrupted: to finish a commit, and to hang up, for which BlueZ takes two to three seconds."""


STUCK_AFTER = 10 * MINUTE
"""A wake that takes longer does not advance: systemd's watchdog is not told that all is well any more."""


async def run(
    service: Service,
    clock: Clock,
    *,
    settings: Callable[[], Settings] | None = None,
    zone: Callable[[], str] | None = None,
) -> None:
    """Wake the service whenever something is due, until SIGINT or SIGTERM.

    Raises `Outdated` if hipsync was upgraded under it: whoever started it is to start the new one.

    `settings` reads the user's settings anew, on SIGHUP; `zone` says in which zone the host is.
    """
    stop = asyncio.Event()
    alarm = _Alarm(service, clock, zone, stop)
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):  # Windows has no signal handlers on loops; Ctrl-C still ends it
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        if settings is not None:
            loop.add_signal_handler(signal.SIGHUP, lambda: alarm.reload(settings))
    path, desk = service.store.path, Desk(service, alarm, clock, settings)
    door = contextlib.nullcontext() if path is None else opened(path, desk.answer)
    async with door, awake(alarm.look):
        alarm.start()
        log.info("hipsync watches %s", ", ".join(band.name for band in service.store.bands()))
        tell(READY=1, STATUS="started")
        try:
            service.live.attend()
            await stop.wait()
            if alarm.failure is not None:
                raise alarm.failure
        finally:
            tell(STOPPING=1, STATUS="stopping")
            await asyncio.gather(alarm.end(), service.leave())  # each may take the seconds that BlueZ needs to hang up


class _Alarm:
    """The job that wakes the service and plans its own successor, and the one that looks whether the plan still holds.

    A failure of any kind ends that wake, never the service.
    """

    def __init__(self, service: Service, clock: Clock, zone: Callable[[], str] | None, stop: asyncio.Event) -> None:
        self._service, self._clock, self._zone, self._stop = service, clock, zone, stop
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._waking: asyncio.Task[object] | None = None
        self._woke = clock.now()
        """When the wake began that runs now, or the last one."""
        self._turn = asyncio.Lock()
        """Of the service: a wake, or what another command asked for."""
        self._not_before = clock.now()
        """A wake that failed is not tried again earlier."""
        self._told: str | None = None
        """The failure that was told already; None after a wake that went well."""
        self.failure: Outdated | None = None
        """What ends the service."""

    def start(self) -> None:
        self._plan(self._clock.now())
        self._scheduler.add_job(
            self._look,
            "interval",
            seconds=min(LOOK_EVERY.total_seconds(), (watchdog_s() or float("inf")) / 2),
            id="look",
            misfire_grace_time=None,
            coalesce=True,
        )
        for job, name, every in ((self._listen, "listen", LOOK_EVERY), (self._backup, "backup", BACKUP_EVERY)):
            self._scheduler.add_job(
                job, "interval", seconds=every.total_seconds(), id=name, misfire_grace_time=None, coalesce=True
            )
        self._scheduler.start()

    async def end(self) -> None:
        """Interrupt a wake under way; a commit that it is in is finished first."""
        self._scheduler.shutdown(wait=False)  # a turn of the loop later: starts nothing more, cancels what runs
        await asyncio.sleep(0)
        while (waking := self._waking) is not None:
            _, late = await asyncio.wait({waking}, timeout=INTERRUPTED_WITHIN_S)
            if late:
                waking.cancel()  # before Python 3.12 `wait_for` can lose the first one

    def alone(self) -> asyncio.Lock:
        """Hold it while the service is asked for something: it does one thing at a time."""
        return self._turn

    def look(self) -> None:
        """Something changed in the database: see at once what follows."""
        self._scheduler.add_job(self._look, "date", id="look now", replace_existing=True, misfire_grace_time=None)

    def reload(self, settings: Callable[[], Settings]) -> None:
        """Read the settings anew; bad ones are refused and the old ones kept."""
        try:
            self.take(settings())
        except HipsyncError as error:
            log.error("the settings stay as they were: %s", error)  # noqa: TRY400  one line

    def take(self, settings: Settings) -> None:
        """Go on by these."""
        self._service.settings = settings
        log.info("the settings were read anew")
        self.look()

    def _plan(self, at: datetime) -> None:
        self._scheduler.add_job(
            self._wake, "date", run_date=at, id="wake", replace_existing=True, misfire_grace_time=None, coalesce=True
        )

    async def _wake(self) -> None:
        self._waking = asyncio.current_task()
        try:
            async with self._turn:
                self._woke = self._clock.now()
                await self._service.wake(self._woke)
            due = self._due()
        except asyncio.CancelledError:  # by `end`; the scheduler would log it as a failure
            log.info("a contact or a prompt under way was interrupted; nothing is lost")
            return
        except Outdated as error:
            self._end(error)
            return
        except Exception as error:  # noqa: BLE001  a bug, too, must not end the service
            self._tell(error)
            due = self._not_before = self._clock.now() + AFTER_FAILURE
        else:
            self._told = None
        finally:
            self._waking = None
        self._plan(due)

    async def _look(self) -> None:
        """Plan anew: the planned instant may have passed, or come nearer, while nobody looked. Stay with new bands."""
        if self._waking is None:
            try:
                self._service.store.refuse_outdated()
            except Outdated as error:
                self._end(error)
                return
            except StoreError as error:
                log.debug("%s", error)  # the wake that is planned already will tell it
            with contextlib.suppress(Exception):  # the wake that is planned already will meet and tell it
                self._travel()
                self._service.live.attend()
                self._plan(max(self._due(), self._not_before))
        if self._waking is None or self._clock.now() - self._woke < STUCK_AFTER:
            tell(WATCHDOG=1)

    async def _listen(self) -> None:
        """For bands that went away."""
        with contextlib.suppress(Exception):  # a store that is locked: the wake that is planned will tell it
            if await self._service.listen():
                self.look()

    async def _backup(self) -> None:
        try:
            await self._service.backup()
        except HipsyncError as error:
            log.warning("the database was not copied: %s", error)

    def _travel(self) -> None:
        """The host may be in another zone than a minute ago."""
        if self._zone is not None and (zone := self._zone()) != self._service.settings.host_zone:
            log.info("the host is in %s now", zone)
            self._service.settings = replace(self._service.settings, host_zone=zone)
            self._service.store.note_zone(self._clock.now(), zone)

    def _end(self, error: Outdated) -> None:
        self.failure = error
        self._stop.set()

    def trouble(self) -> str | None:
        """Why the last wake failed, or what was told could not be stored."""
        return self._told or self._service.live.trouble

    def _due(self) -> datetime:
        now = self._clock.now()
        state = self._service.state(now)
        tell(STATUS=doing(state, now))
        return max(next_wake(state, now), now + AT_MOST_EVERY)

    def _tell(self, error: Exception) -> None:
        """The first of a streak of equal failures; a bug with its traceback."""
        told = str(error) if isinstance(error, HipsyncError) else f"{type(error).__name__}: {error}"
        tell(STATUS=told)
        level = logging.DEBUG if told == self._told else logging.ERROR
        if isinstance(error, HipsyncError):
            log.log(level, "%s", error)
        else:
            log.log(level, "a bug in hipsync or in a driver; the service goes on", exc_info=error)
        self._told = told

"""What wakes the service: one job that wakes it and plans the next wake, and one that checks whether that plan holds.

`plan` decides when something is due; the alarm only sees to it that the service is called then, one thing at a time.
The one rule: a failure of any kind ends that wake, never the service. Only an upgrade of the database by a newer
hipsync (`Outdated`) ends the service.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from hipsync.errors import HipsyncError, Outdated, StoreError
from hipsync.host.clock import Clock
from hipsync.host.systemd_notify import notify_supervisor, watchdog_s
from hipsync.model import MINUTE
from hipsync.service.plan import Settings, next_wake
from hipsync.service.service import Service
from hipsync.service.status_text import status_line

log = logging.getLogger(__name__)

AFTER_FAILURE = timedelta(minutes=1)
"""How long after a failed wake the next one comes. Nothing is lost while the store is locked or full, because nothing
was acknowledged."""
LOOK_EVERY = timedelta(minutes=1)
"""How often to check whether the planned wake still holds. asyncio's clock stands still while the host sleeps, answers
come from other processes, and bands come back into reach."""
BACKUP_EVERY = timedelta(hours=1)
"""How often to check whether a backup is due: the computer may sleep at any hour."""
AT_MOST_EVERY = timedelta(seconds=1)
"""The shortest time between two wakes, for when one finds that the next is due already."""
INTERRUPTED_WITHIN_S = 4.0
"""Seconds that an interrupted wake has to finish a commit and to disconnect, before it is cancelled once more. BlueZ
takes two to three seconds to disconnect."""
STUCK_AFTER = 10 * MINUTE
"""A wake that takes longer than this is stuck, so systemd's watchdog is no longer notified that all is well."""


class _Scheduler(Protocol):
    """The part of APScheduler 3 that is used here; the library has no type hints."""

    def add_job(self, func: Callable[[], Awaitable[None]], trigger: str, **options: Any) -> object: ...

    def start(self) -> None: ...

    def shutdown(self, wait: bool) -> None: ...


class Alarm:
    """Wakes the service whenever something is due."""

    def __init__(self, service: Service, clock: Clock, zone: Callable[[], str] | None, stop: asyncio.Event) -> None:
        """`zone` returns the IANA name of the zone that the host is in now; with None the zone stays as it is.

        The alarm sets `stop` when the service must end.
        """
        self._service, self._clock, self._zone, self._stop = service, clock, zone, stop
        self._scheduler: _Scheduler = AsyncIOScheduler(timezone=UTC)
        self._waking: asyncio.Task[object] | None = None
        self._woke = clock.now()
        """Start of the wake that runs now, or of the last one."""
        self.one_at_a_time = asyncio.Lock()
        """Held by a wake, and by a command for which the service contacts a band."""
        self._not_before = clock.now()
        """The earliest instant for the wake after one that failed."""
        self._reported: str | None = None
        """The failure that was logged last; None after a wake that went well."""
        self.failure: Outdated | None = None
        """What ended the service; None if nothing did."""

    def start(self) -> None:
        """Plan the first wake for now, and start all jobs."""
        self._plan(self._clock.now())
        watchdog = watchdog_s()
        often = LOOK_EVERY if watchdog is None else min(LOOK_EVERY, timedelta(seconds=watchdog / 2))
        self._repeat(self._look, "look", often)
        self._repeat(self._listen, "listen", LOOK_EVERY)
        self._repeat(self._backup, "backup", BACKUP_EVERY)
        self._scheduler.start()

    async def end(self) -> None:
        """Stop all jobs and interrupt a wake that is under way; a commit is finished first."""
        self._scheduler.shutdown(wait=False)  # in effect a turn of the loop later: starts nothing, cancels what runs
        await asyncio.sleep(0)
        while (waking := self._waking) is not None:
            _, late = await asyncio.wait({waking}, timeout=INTERRUPTED_WITHIN_S)
            if late:
                waking.cancel()  # before Python 3.12 `wait_for` can lose the first cancellation

    def look(self) -> None:
        """Check the plan at once, because something changed in the database."""
        self._scheduler.add_job(self._look, "date", id="look now", replace_existing=True, misfire_grace_time=None)

    def reload(self, settings: Callable[[], Settings]) -> None:
        """Replace the service's settings by what `settings` reads. Wrong ones are logged, and the old ones stay."""
        try:
            self.use(settings())
        except HipsyncError as error:
            log.error("the settings stay as they were: %s", error)  # noqa: TRY400  one line

    def use(self, settings: Settings) -> None:
        """Replace the service's settings, and check the plan at once."""
        self._service.settings = settings
        log.info("the settings were read anew")
        self.look()

    def trouble(self) -> str | None:
        """Why the last wake failed, or why readings of live bands cannot be stored; None if all is well."""
        return self._reported or self._service.live.trouble

    def _plan(self, at: datetime) -> None:
        self._scheduler.add_job(
            self._wake, "date", run_date=at, id="wake", replace_existing=True, misfire_grace_time=None, coalesce=True
        )

    def _repeat(self, job: Callable[[], Awaitable[None]], name: str, every: timedelta) -> None:
        self._scheduler.add_job(
            job, "interval", seconds=every.total_seconds(), id=name, misfire_grace_time=None, coalesce=True
        )

    async def _wake(self) -> None:
        """Wake the service, then plan the next wake."""
        self._waking = asyncio.current_task()
        try:
            async with self.one_at_a_time:
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
            self._report(error)
            due = self._not_before = self._clock.now() + AFTER_FAILURE
        else:
            self._reported = None
        finally:
            self._waking = None
        self._plan(due)

    async def _look(self) -> None:
        """Plan the next wake again and start tasks for new live bands, unless a wake runs now.

        The planned instant may have passed, or something may be due earlier now. The watchdog is notified here, unless
        a wake is stuck.
        """
        if self._waking is None:
            try:
                self._service.store.refuse_outdated()
            except Outdated as error:
                self._end(error)
                return
            except StoreError as error:
                log.debug("%s", error)  # the wake that is planned already will report it
            with contextlib.suppress(Exception):  # the wake that is planned already will meet and report it
                self._follow_host()
                self._service.live.attend()
                self._plan(max(self._due(), self._not_before))
        if self._waking is None or self._clock.now() - self._woke < STUCK_AFTER:
            notify_supervisor(WATCHDOG=1)

    async def _listen(self) -> None:
        """Listen for bands that went away, and check the plan at once if one is back."""
        with contextlib.suppress(Exception):  # a store that is locked: the wake that is planned will report it
            if await self._service.listen():
                self.look()

    async def _backup(self) -> None:
        try:
            await self._service.backup()
        except HipsyncError as error:
            log.warning("the database was not copied: %s", error)

    def _follow_host(self) -> None:
        """Put the host's time zone into the settings and the store if it has changed."""
        if self._zone is not None and (zone := self._zone()) != self._service.settings.host_zone:
            log.info("the host is in %s now", zone)
            self._service.settings = replace(self._service.settings, host_zone=zone)
            self._service.store.note_zone(self._clock.now(), zone)

    def _end(self, error: Outdated) -> None:
        self.failure = error
        self._stop.set()

    def _due(self) -> datetime:
        """Return when to wake the service next, and notify the supervisor of what the service does until then."""
        now = self._clock.now()
        state = self._service.state(now)
        notify_supervisor(STATUS=status_line(state, now))
        return max(next_wake(state, now), now + AT_MOST_EVERY)

    def _report(self, error: Exception) -> None:
        """Log a failure, a bug with its traceback; one that is the same as the last is logged at DEBUG only."""
        reason = str(error) if isinstance(error, HipsyncError) else f"{type(error).__name__}: {error}"
        notify_supervisor(STATUS=reason)
        level = logging.DEBUG if reason == self._reported else logging.ERROR
        if isinstance(error, HipsyncError):
            log.log(level, "%s", error)
        else:
            log.log(level, "a bug in hipsync or in a driver; the service goes on", exc_info=error)
        self._reported = reason

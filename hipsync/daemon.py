"""`hipsync run`: the service under APScheduler, one date job at a time, one instance on this database.

Start, run, stop: the lock is taken, the job that wakes the service plans its own successor, each live band has a task
that stays connected to it, a signal ends the wait.
"""

# apscheduler 3 has no types.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from hipsync.clock import Clock
from hipsync.errors import HipsyncError
from hipsync.plan import next_wake
from hipsync.service import Service

log = logging.getLogger(__name__)

AFTER_FAILURE = timedelta(minutes=1)
"""A store that is locked or full is tried again this soon; nothing was lost meanwhile, for nothing was acknowledged."""
LOOK_EVERY = timedelta(minutes=1)
"""asyncio's clock stands still while the host sleeps, and answers come from other processes: look this often."""


AT_MOST_EVERY = timedelta(seconds=1)
"""Between wakes, should one find that the next is due already."""
INTERRUPTED_WITHIN_S = 4.0
"""For a wake that is interrupted: to finish a commit, and to hang up, for which BlueZ takes two to three seconds."""


async def run(service: Service, clock: Clock) -> None:
    """Wake the service whenever something is due, until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows has no signal handlers on loops; Ctrl-C still ends it
            loop.add_signal_handler(number, stop.set)
    alarm = _Alarm(service, clock)
    alarm.start()
    log.info("hipsync watches %s", ", ".join(band.name for band in service.store.bands()))
    try:
        service.attend()
        await stop.wait()
    finally:
        await alarm.end()
        await service.leave()


class _Alarm:
    """The job that wakes the service and plans its own successor, and the one that looks whether the plan still holds.

    A failure of any kind ends that wake, never the service.
    """

    def __init__(self, service: Service, clock: Clock) -> None:
        self._service, self._clock = service, clock
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._waking: asyncio.Task[object] | None = None
        self._not_before = clock.now()
        """A wake that failed is not tried again earlier."""
        self._told: str | None = None
        """The failure that was told already; None after a wake that went well."""

    def start(self) -> None:
        self._plan(self._clock.now())
        self._scheduler.add_job(
            self._look,
            "interval",
            seconds=LOOK_EVERY.total_seconds(),
            id="look",
            misfire_grace_time=None,
            coalesce=True,
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

    def _plan(self, at: datetime) -> None:
        self._scheduler.add_job(
            self._wake, "date", run_date=at, id="wake", replace_existing=True, misfire_grace_time=None, coalesce=True
        )

    async def _wake(self) -> None:
        self._waking = asyncio.current_task()
        try:
            await self._service.wake(self._clock.now())
            due = self._due()
        except asyncio.CancelledError:  # by `end`; the scheduler would log it as a failure
            log.info("a contact or a prompt under way was interrupted; nothing is lost")
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
            with contextlib.suppress(Exception):  # the wake that is planned already will meet and tell it
                self._service.attend()
                self._plan(max(self._due(), self._not_before))

    def _due(self) -> datetime:
        now = self._clock.now()
        return max(next_wake(self._service.state(now), now), now + AT_MOST_EVERY)

    def _tell(self, error: Exception) -> None:
        """The first of a streak of equal failures; a bug with its traceback."""
        told = f"{type(error).__name__}: {error}"
        level = logging.DEBUG if told == self._told else logging.ERROR
        if isinstance(error, HipsyncError):
            log.log(level, "%s", error)
        else:
            log.log(level, "a bug in hipsync or in a driver; the service goes on", exc_info=error)
        self._told = told

"""What wakes the service: one date job that wakes it and plans the next wake, and a loop that looks after that plan.

`plan` decides when something is due; the alarm only sees to it that the service is called then, one thing at a time.
The date job goes by the computer's clock, which may be set at any moment. So the loop looks twice a minute, by a clock
that nobody sets, and plans anew; by that clock it starts the other regular work, too. The one rule: a failure of any
kind ends that wake, never the service. Only `Outdated` ends the service: a newer hipsync upgraded the database.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from hipsync.core.days import Zones
from hipsync.errors import HipsyncError, Outdated, StoreError
from hipsync.host.clock import Clock
from hipsync.host.systemd_notify import notify_supervisor, watchdog_s
from hipsync.model import MINUTE
from hipsync.service.clock_steps import ClockSteps, Step
from hipsync.service.collecting import Collecting
from hipsync.service.date_job import DateJob
from hipsync.service.home_port import Home
from hipsync.service.line_file import LineFile
from hipsync.service.now import now_of
from hipsync.service.state import Settings, State
from hipsync.service.status_text import clock_step, sentences, short
from hipsync.text import counted

log = logging.getLogger(__name__)

AFTER_FAILURE = timedelta(minutes=1)
"""How long after a failed wake the next one comes. Nothing is lost while the store is locked or full, because nothing
was acknowledged."""
LOOK_EVERY = timedelta(seconds=30)
"""How often to check whether the planned wake still holds. The clock may be set, asyncio's clock stands still while the
host sleeps, and answers come from other processes."""
LISTEN_EVERY = timedelta(minutes=1)
"""How often to ask whether to listen for bands that went away."""
BACKUP_EVERY = timedelta(hours=1)
"""How often to check whether a backup is due: the computer may sleep at any hour."""
AT_MOST_EVERY = timedelta(seconds=1)
"""The shortest time between two wakes, for when one finds that the next is due already."""
INTERRUPTED_WITHIN_S = 4.0
"""Seconds that an interrupted wake has to finish a commit and to disconnect, before it is cancelled once more. BlueZ
takes two to three seconds to disconnect."""
STUCK_AFTER = 10 * MINUTE
"""A wake that takes longer than this is stuck, so systemd's watchdog is no longer notified that all is well."""


class Job(Protocol):
    """The one job that is planned for an instant: `DateJob` implements it, by the computer's clock."""

    def start(self) -> None:
        """Begin to run what is planned."""
        ...

    def plan(self, at: datetime) -> None:
        """Run the job at this instant in place of the one planned before."""
        ...

    def end(self) -> None:
        """Run nothing any more, and cancel the job if it runs now."""
        ...


@dataclass(slots=True)
class _Regular:
    """Work that is done again and again, in a task of its own, and never twice at a time."""

    work: Callable[[], Awaitable[None]]
    every: timedelta
    due_s: float
    """When it is due, as `Clock.passed` counts."""
    task: asyncio.Task[None] | None = None


class Alarm:
    """Wakes the service whenever something is due."""

    def __init__(
        self,
        service: Collecting,
        clock: Clock,
        zone: Callable[[], str] | None,
        stop: asyncio.Event,
        job: Callable[[Callable[[], Awaitable[None]]], Job] = DateJob,
        line: LineFile | None = None,
        home: Home | None = None,
    ) -> None:
        """`zone` returns the IANA name of the zone that the host is in now; with None the zone stays as it is.

        The alarm sets `stop` when the service must end. `job` makes the job that wakes the service. `line` is kept up
        to date at every look, and `home` is told.
        """
        self._line, self._home = line or LineFile(None), home
        self._service, self._clock, self._zone, self._stop = service, clock, zone, stop
        self._steps = ClockSteps(clock)
        self._job = job(self._wake)
        self._waking: asyncio.Task[object] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._look_now = asyncio.Event()
        self._woke_s = 0.0
        """When the wake that runs now began, by the loop's clock: it stands still while the computer sleeps, as the
        deadlines of a wake do."""
        self._not_before_s = clock.passed()
        """The earliest time for the wake after one that failed, as `Clock.passed` counts."""
        self._regular = [
            _Regular(work, every, clock.passed() + every.total_seconds())
            for work, every in ((self._listen, LISTEN_EVERY), (self._backup, BACKUP_EVERY))
        ]
        self.one_at_a_time = asyncio.Lock()
        """Held by a wake, and by a command for which the service contacts a band."""
        self._reported: str | None = None
        """The failure that was logged last; None after a wake that went well."""
        self.failure: Outdated | None = None
        """What ended the service; None if nothing did."""

    def start(self) -> None:
        """Plan the first wake for now, and begin to look after it."""
        self._job.start()
        self._job.plan(self._clock.now())
        self._looking = asyncio.create_task(self._keep_looking(), name="look")

    async def end(self) -> None:
        """Stop all work and interrupt a wake that is under way; a commit is finished first."""
        self._job.end()
        tasks = [task for task in (self._looking, *(each.task for each in self._regular)) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)
        while (waking := self._waking) is not None:
            _, late = await asyncio.wait({waking}, timeout=INTERRUPTED_WITHIN_S)
            if late:
                waking.cancel()  # before Python 3.12 `wait_for` can lose the first cancellation

    def look(self) -> None:
        """Check the plan at once, because something changed in the database."""
        self._look_now.set()

    def reload(self, settings: Callable[[], Settings]) -> None:
        """Replace the service's settings by what `settings` reads. Wrong ones are logged, and the old ones stay."""
        try:
            self.use(settings())
        except HipsyncError as error:
            log.error("the settings stay as they were: %s", error)  # noqa: TRY400  one line

    def use(self, settings: Settings) -> None:
        """Replace the service's settings, and check the plan at once."""
        self._service.settings = settings
        log.info("the settings were read again")
        self.look()

    def trouble(self) -> str | None:
        """Why the last wake failed, or why readings of live bands cannot be stored; None if all is well."""
        return self._reported or self._service.live.trouble

    def steps(self) -> Sequence[Step]:
        """The last steps of the computer's clock that were seen, the oldest first."""
        return self._steps.told()

    async def _keep_looking(self) -> None:
        """Look whenever that is asked for, and at least every `LOOK_EVERY`, until the task is cancelled."""
        watchdog = watchdog_s()
        often = LOOK_EVERY if watchdog is None else min(LOOK_EVERY, timedelta(seconds=watchdog / 2))
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(often.total_seconds()):
                    await self._look_now.wait()
            self._look_now.clear()
            try:
                self._look()
            except Exception:  # a bug must not end the service
                log.exception("a bug in hipsync; the service goes on")

    async def _wake(self) -> None:
        """Wake the service, then plan the next wake."""
        self._waking = asyncio.current_task()
        try:
            async with self.one_at_a_time:
                self._woke_s = asyncio.get_running_loop().time()
                await self._service.wake(self._clock.now())
            due = self._due()
        except asyncio.CancelledError:  # by `end`; the scheduler would log it as a failure
            log.info("a contact or a reminder under way was interrupted; nothing is lost")
            return
        except Outdated as error:
            self._end(error)
            return
        except Exception as error:  # noqa: BLE001  a bug, too, must not end the service
            self._report(error)
            due = self._clock.now() + AFTER_FAILURE
            self._not_before_s = self._clock.passed() + AFTER_FAILURE.total_seconds()
        else:
            self._reported = None
        finally:
            self._waking = None
        self._job.plan(due)

    def _look(self) -> None:
        """Look at the clock, plan the next wake again, and start what else is due.

        The planned instant may have passed, something may be due earlier now, or the clock was set. The watchdog is
        notified here, unless a wake is stuck.
        """
        if (step := self._steps.look()) is not None:
            self._service.clock_was_set(step)
            log.warning("%s", clock_step(step, Zones((), self._service.settings.host_zone)))
        if self._waking is None:
            self._plan_again()
        else:
            self._tell_meanwhile()
        passed = self._clock.passed()
        for each in self._regular:
            if passed >= each.due_s and (each.task is None or each.task.done()):
                each.due_s = passed + each.every.total_seconds()
                each.task = asyncio.create_task(_guarded(each.work))
        if self._waking is None or asyncio.get_running_loop().time() - self._woke_s < STUCK_AFTER.total_seconds():
            notify_supervisor(WATCHDOG=1)

    def _plan_again(self) -> None:
        """Plan the next wake by what is known now, and start tasks for new live bands."""
        try:
            self._service.store.refuse_outdated()
        except Outdated as error:
            self._end(error)
            return
        except StoreError as error:
            log.debug("%s", error)  # the wake that is planned already will report it
        try:
            self._follow_host()
            self._service.live.attend()
            due = self._due()
        except Exception as error:  # noqa: BLE001  the wake will meet and report it
            self._nothing_is_known(error)
            due = self._clock.now() + AT_MOST_EVERY
        wait = timedelta(seconds=max(self._not_before_s - self._clock.passed(), 0))
        self._job.plan(max(due, self._clock.now() + wait))

    async def _listen(self) -> None:
        """Listen for bands that went away, and check the plan at once if one is back."""
        with contextlib.suppress(HipsyncError):  # a store that is locked: the wake that is planned will report it
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
            self._service.settings = settings = replace(self._service.settings, host_zone=zone)
            self._service.store.note_zone(self._clock.now(), zone, settings.host)

    def _end(self, error: Outdated) -> None:
        self.failure = error
        self._stop.set()

    def _due(self) -> datetime:
        """Return when to wake the service next, and tell what is known until then."""
        now = self._clock.now()
        due, state = self._service.look(now)
        self._tell(state, now)
        return max(due, now + AT_MOST_EVERY)

    def _tell(self, state: State | None, now: datetime) -> None:
        """Tell the supervisor, the home, and who reads the line for status bars, what is known at `now`."""
        if state is None:
            notify_supervisor(STATUS=f"collects from {counted(len(self._service.store.bands()), 'band')}")
            return
        known = now_of(state, now, running=True)
        notify_supervisor(STATUS=sentences(known)[0])
        self._line.show(short(known))
        if self._home is not None:
            self._home.tell(state, known)

    def _tell_meanwhile(self) -> None:
        """Tell the same while a wake runs, which may wait for a minute for an answer from a band."""
        now = self._clock.now()
        try:
            self._tell(self._service.look(now)[1], now)
        except Exception as error:  # noqa: BLE001  the wake will meet and report it
            self._nothing_is_known(error)

    def _nothing_is_known(self, error: Exception) -> None:
        """Show no line that may be out of date; the wake will meet what failed here, and report it."""
        log.debug("%s", error)
        self._line.remove()

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


async def _guarded(work: Callable[[], Awaitable[None]]) -> None:
    """Do some work; a bug in it is logged and ends nothing else."""
    try:
        await work()
    except Exception:
        log.exception("a bug in hipsync; the service goes on")

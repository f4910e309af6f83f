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
import os
import signal
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from hipsync.clock import Clock
from hipsync.errors import ConfigError, HipsyncError
from hipsync.service import Service, next_wake

log = logging.getLogger(__name__)

AFTER_FAILURE = timedelta(minutes=1)
"""A store that is locked or full is tried again this soon; nothing was lost meanwhile, for nothing was acknowledged."""
LOOK_EVERY = timedelta(minutes=1)
"""asyncio's clock stands still while the host sleeps, and answers come from other processes: look this often."""


async def run(service: Service, clock: Clock) -> None:
    """Wake the service whenever something is due, until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows has no signal handlers on loops; Ctrl-C still ends it
            loop.add_signal_handler(number, stop.set)
    scheduler = AsyncIOScheduler(timezone=UTC)
    waking = asyncio.Lock()
    planned = clock.now()

    async def wake() -> None:
        async with waking:
            now = clock.now()
            try:
                await service.wake(now)
                due = next_wake(service.state(clock.now()), clock.now())
            except HipsyncError as error:
                log.error("%s", error)  # noqa: TRY400  one line; the traceback is for bugs
                due = now + AFTER_FAILURE
            plan(max(due, now + timedelta(seconds=1)))

    async def look() -> None:
        """Wake at once if the planned instant has passed, or came nearer, while nobody looked; stay with new bands."""
        if waking.locked():
            return
        with contextlib.suppress(HipsyncError):
            service.attend()
            now = clock.now()
            due = max(next_wake(service.state(now), now), now + timedelta(seconds=1))
            if due < planned or planned <= now:
                plan(due)

    def plan(at: datetime) -> None:
        nonlocal planned
        planned = at
        scheduler.add_job(
            wake, "date", run_date=at, id="wake", replace_existing=True, misfire_grace_time=None, coalesce=True
        )

    plan(planned)
    scheduler.add_job(
        look, "interval", seconds=LOOK_EVERY.total_seconds(), id="look", misfire_grace_time=None, coalesce=True
    )
    scheduler.start()
    try:
        service.attend()
        await stop.wait()
    finally:
        scheduler.shutdown(wait=False)
        async with waking:  # a commit under way is finished
            await service.leave()


@contextlib.contextmanager
def only_instance(database: Path) -> Generator[None, None, None]:
    """Hold the lock beside the database; `ConfigError` names the process that holds it already."""
    path = database.with_name(database.name + ".run")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _lock(handle):
            first = os.read(handle, 32).decode("ascii", "replace").strip() or "unknown"
            message = f"hipsync already runs on {database} (process {first}): stop it first, or give another --db"
            raise ConfigError(message)
        os.truncate(handle, 0)
        os.write(handle, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(handle)


def _lock(handle: int) -> bool:
    try:
        import fcntl  # not on Windows
    except ImportError:  # pragma: no cover  untested: Windows
        import msvcrt

        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True

"""Ships every so many minutes while a gateway runs.

It is done in a thread, so that a slow database delays no contact; and in one that the end of the program does not wait
for, because nothing is lost if it is cut off anywhere. The one rule: whatever becomes of the database, it is one line
in the log, and the next time comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable
from threading import Thread

from hipsync.errors import HipsyncError
from hipsync.fleet.shipping import Told

log = logging.getLogger(__name__)

LOOK_S = 20.0
"""Seconds between two looks at whether it is time: the computer may have slept, or the settings may have changed."""


class Shipper:
    """Ships at once, and then every so many minutes."""

    def __init__(
        self, ship: Callable[[], Told | None], minutes: Callable[[], int], passed: Callable[[], float]
    ) -> None:
        """`ship` ships once, in a thread, and returns None if no database is named.

        `minutes` says after how many minutes it is called again; 0 for never. `passed` is as in `Clock`.
        """
        self._ship, self._minutes, self._passed = ship, minutes, passed
        self._why: str | None = None

    def trouble(self) -> str | None:
        """Why nothing was shipped the last time; None if it was."""
        return None if self._why is None else f"nothing is shipped: {self._why}"

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncGenerator[None, None]:
        """Ship during the block. A shipping that is under way at its end is cut off."""
        task = asyncio.create_task(self._keep(), name="ship")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _keep(self) -> None:
        minutes = 0
        last_s: float | None = None
        while True:
            with contextlib.suppress(HipsyncError):  # the settings are wrong now: those of before hold
                minutes = self._minutes()
            if minutes and (last_s is None or self._passed() - last_s >= minutes * 60):
                last_s = self._passed()
                await self._once()
            await asyncio.sleep(LOOK_S)

    async def _once(self) -> None:
        try:
            told = await _in_thread(self._ship)
        except HipsyncError as error:
            log.log(logging.DEBUG if str(error) == self._why else logging.WARNING, "nothing is shipped: %s", error)
            self._why = str(error)
        except Exception as error:  # a bug must not end the gateway
            log.exception("a bug in hipsync; the gateway goes on")
            self._why = f"{type(error).__name__}: {error}"
        else:
            again = self._why is not None
            self._why = None
            if told is not None and (again or told.new or told.changed):
                log.info("shipped: %d band-days are new there, %d were completed", told.new, told.changed)


async def _in_thread(work: Callable[[], Told | None]) -> Told | None:
    """Do some work in a thread of its own, and return what it returns; if we are cancelled, it is left alone."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Told | None] = loop.create_future()

    def settle(told: Told | None, error: Exception | None) -> None:
        if done.cancelled():
            return
        if error is None:
            done.set_result(told)
        else:
            done.set_exception(error)

    def run() -> None:
        told, failure = None, None
        try:
            told = work()
        except Exception as error:  # noqa: BLE001  it is raised where the work is waited for
            failure = error
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, told, failure)

    Thread(target=run, name="ship", daemon=True).start()
    return await done

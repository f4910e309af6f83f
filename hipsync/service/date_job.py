"""The one date job of `hipsync run`, which APScheduler runs.

APScheduler holds the instant of a job by the computer's clock: when its timer rings, it asks that clock, and waits on
if the instant has not come. So whoever plans looks often, by a clock that nobody sets, and plans anew. The one rule:
this is the only job. One that repeats would list every run that it missed when the clock is set forward.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Protocol

from apscheduler.schedulers.asyncio import AsyncIOScheduler


class _Scheduler(Protocol):
    """The part of APScheduler 3 that is used here; the library has no type hints."""

    def add_job(self, func: Callable[[], Awaitable[None]], trigger: str, **options: Any) -> object: ...

    def start(self) -> None: ...

    def shutdown(self, wait: bool) -> None: ...


class DateJob:
    """Runs a coroutine once, at the instant that was planned last."""

    def __init__(self, work: Callable[[], Awaitable[None]]) -> None:
        """`work` may plan again before it returns, for an instant that is still to come."""
        self._work = work
        self._scheduler: _Scheduler = AsyncIOScheduler(timezone=UTC)

    def start(self) -> None:
        """Begin to run what is planned. Called inside the event loop."""
        self._scheduler.start()

    def plan(self, at: datetime) -> None:
        """Run the work at this instant in place of the one planned before; at once if it is past."""
        self._scheduler.add_job(
            self._work, "date", run_date=at, id="wake", replace_existing=True, misfire_grace_time=None, coalesce=True
        )

    def end(self) -> None:
        """Run nothing any more, and cancel the work if it is under way: both in the next turn of the loop."""
        self._scheduler.shutdown(wait=False)

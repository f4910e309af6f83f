"""Ends tasks for sure: before Python 3.12 `asyncio.wait_for`, which aiomqtt waits by, can lose a cancellation."""

from __future__ import annotations

import asyncio

AGAIN_S = 3.0
"""Seconds after which a task is cancelled once more; one that says goodbye takes two at most."""


async def ended(*tasks: asyncio.Task[object], again_s: float = AGAIN_S) -> None:
    """Cancel tasks, and wait until all of them have ended. What they raise is not looked at."""
    open_ = set(tasks)
    while open_:
        for task in open_:
            task.cancel()
        done, open_ = await asyncio.wait(open_, timeout=again_s)
        for task in done:
            if not task.cancelled():
                task.exception()

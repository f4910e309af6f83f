"""Ends tasks and threads for sure.

Before Python 3.12 `asyncio.wait_for`, which aiomqtt waits by, can lose a cancellation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

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


async def in_thread(work: Callable[[], T]) -> T:
    """Do some work in a thread, and return what it returns. If we are cancelled, we wait for it: it uses the store."""
    working = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait({working})
        raise

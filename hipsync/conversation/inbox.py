"""An inbox between the coroutines of one dialogue: `listen` puts aside what another one waits for.

The one rule: it is bounded, so that a band that sends endless nonsense ends its conversation and not this computer's
memory.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Generic, TypeVar

from hipsync.errors import DeviceError

T = TypeVar("T")

MOST = 4096
"""The most items that may wait in one inbox. The largest burst of any band is some 1,000, so a band that exceeds this
number is sending nonsense."""


class WaitingInbox(Generic[T]):
    """Implements `driver.Inbox` on a running event loop."""

    def __init__(self, run: Callable[[Awaitable[T], float], Awaitable[T]]) -> None:
        """`run` awaits an operation for so many seconds, as `Conversation.run` does."""
        self._run = run
        self._items: deque[T] = deque()
        self._takers: list[asyncio.Future[T]] = []
        """Who waits for an item, the first one first."""

    def put(self, item: T) -> None:
        if (taker := next((each for each in self._takers if not each.done()), None)) is not None:
            taker.set_result(item)
            return
        if len(self._items) >= MOST:
            raise DeviceError(f"the band sent more than {MOST} messages that nobody asked for")
        self._items.append(item)

    async def take(self, timeout: timedelta) -> T:
        if self._items:
            return self._items.popleft()
        taker: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._takers.append(taker)
        try:
            return await self._run(taker, timeout.total_seconds())
        except asyncio.CancelledError:
            if taker.done() and not taker.cancelled():
                self._items.appendleft(taker.result())  # for whoever asks next
            raise
        finally:
            self._takers.remove(taker)

    def clear(self) -> None:
        self._items.clear()

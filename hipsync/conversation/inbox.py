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
        self._arrived = asyncio.Event()

    def put(self, item: T) -> None:
        if len(self._items) >= MOST:
            raise DeviceError(f"the band sent more than {MOST} messages that nobody asked for")
        self._items.append(item)
        self._arrived.set()

    async def take(self, timeout: timedelta) -> T:
        return self._items.popleft() if self._items else await self._run(self._next(), timeout.total_seconds())

    async def _next(self) -> T:
        while not self._items:
            self._arrived.clear()
            await self._arrived.wait()
        return self._items.popleft()

    def clear(self) -> None:
        self._items.clear()

"""A simulated band without a radio: a `Connection` directly to the object, on a virtual clock.

    run(story, start)                               runs an async function of a clock, in no real time
    conversation(DirectConnection(...), clock)      a `Conversation` for `session.meet` and `session.collect`
    MemoryStore().commit                            the `commit` for them

Faults can be set. `cut_after(n)` lets n more notifications arrive and then ends the link, `lose` and `double` affect
single notifications, and `spoil` and `spoil_read` replace what the band sent. The one rule: time passes only while some
task waits.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from hipsync.conversation.session import Conversation
from hipsync.errors import DeviceError, LinkLost
from hipsync.host.clock import FastClock, VirtualTimeLoop
from hipsync.model import Reading
from hipsync.simulated import HangUp, Refused, SimulatedBand

T = TypeVar("T")

SHORTEST_SLEEP_S = 0.001
"""The shortest wait, in seconds. Without it a band whose `wake_at` lies in the past would stop the virtual clock."""
LONGEST_SLEEP_S = 10.0
"""The longest wait, in seconds, after which the band is advanced although it did not ask for it: a test may change what
the band does without telling the connection."""


def run(story: Callable[[FastClock], Awaitable[T]], start: datetime) -> T:
    """Call `story` with a clock that shows `start` at first, and return the result of the coroutine.

    It runs on an event loop of its own, whose timers take no real time.
    """
    loop = VirtualTimeLoop()
    try:
        return loop.run_until_complete(_awaited(story(FastClock(loop, start))))
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


async def _awaited(story: Awaitable[T]) -> T:
    return await story


class DirectConnection:
    """An open connection to a simulated band, for `session.Conversation`. Create it while an event loop is running."""

    def __init__(self, band: SimulatedBand, now: Callable[[], datetime], *, mtu: int = 23) -> None:
        self.band, self._now = band, now
        self.lost = asyncio.Event()
        self.written: list[tuple[str, bytes]] = []
        """The characteristic and value of each write so far, refused ones included."""
        self.delivered = 0
        """The number of notifications so far, including those that were lost; one that arrived twice counts once."""
        self.lose: set[int] = set()
        """Numbers of notifications that do not arrive, counted from 0 as `delivered` does."""
        self.double: set[int] = set()
        """Numbers of notifications that arrive twice."""
        self.spoil: Callable[[bytes], Sequence[bytes]] = lambda data: [data]
        """Returns the values that arrive in place of a notification's value, none or several."""
        self.spoil_read: Callable[[bytes], bytes] = lambda data: data
        """Returns the value that arrives in place of the answer to a read."""
        self._cut_at: int | None = None
        self._left = False
        self._callbacks: dict[str, Callable[[bytes], None]] = {}
        self._tables: dict[str, list[str]] = {}
        """The services that have a characteristic, in the band's order."""
        for service in band.services():
            for characteristic in service.characteristics:
                self._tables.setdefault(characteristic.uuid, []).append(service.uuid)
        band.mtu = mtu
        band.connected(now())
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.Handle = self._loop.call_soon(self._arm)

    @property
    def write_size(self) -> int:
        return self.band.mtu - 3

    def cut_after(self, notifications: int) -> None:
        """Let this many more notifications arrive, and end the link in place of the next one."""
        self._cut_at = self.delivered + notifications

    def drop(self) -> None:
        """End the link, as if the band had gone out of reach."""
        if not self.lost.is_set():
            self.lost.set()
            self._timer.cancel()
            self.band.disconnected(self._now())

    def leave(self) -> None:
        """Stop advancing the band, but leave its link open, so that another object can take over the connected band."""
        self._left = True
        self._timer.cancel()

    def has(self, characteristic: str, service: str | None = None) -> bool:
        its_services = self._tables.get(characteristic, ())
        return bool(its_services) if service is None else service in its_services

    def _service(self, characteristic: str, service: str | None) -> str:
        """Return `service`, or for None the first service that has the characteristic. There must be one."""
        return self._tables[characteristic][0] if service is None else service

    async def read(self, characteristic: str, service: str | None = None) -> bytes:
        self._check(characteristic, service)
        try:
            data = self.band.read(characteristic, self._service(characteristic, service), self._now())
        except Refused as refused:
            raise DeviceError(f"the band refused a read of {characteristic}: {refused}") from refused
        self._pump()
        return self.spoil_read(data)

    async def write(self, characteristic: str, data: bytes, response: bool, service: str | None = None) -> None:
        self._check(characteristic, service)
        self.written.append((characteristic, data))
        try:
            self.band.write(characteristic, self._service(characteristic, service), data, self._now())
        except Refused as refused:
            if response:
                raise DeviceError(f"the band refused a write to {characteristic}: {refused}") from refused
        self._pump()

    def flood(self, data: bytes) -> None:
        """Send this value as a notification of every characteristic that is subscribed to."""
        for callback in list(self._callbacks.values()):
            callback(data)

    async def start_notify(self, characteristic: str, callback: Callable[[bytes], None]) -> None:
        self._check(characteristic, None)
        self._callbacks[characteristic] = callback
        self.band.on_subscribe(characteristic, True, self._now())
        self._pump()

    async def stop_notify(self, characteristic: str) -> None:
        self._check(characteristic, None)
        self._callbacks.pop(characteristic, None)
        self.band.on_subscribe(characteristic, False, self._now())
        self._pump()

    async def bond(self) -> None:
        return

    def _check(self, characteristic: str, service: str | None) -> None:
        if self.lost.is_set():
            raise LinkLost("the connection has ended")
        if not self.has(characteristic, service):
            raise DeviceError(f"the band has no characteristic {characteristic}")

    def _pump(self) -> None:
        """Advance the band to now, let arrive what it sends, and wait until it has to be advanced again."""
        self._deliver()
        self._arm()

    def _deliver(self) -> None:
        for event in self.band.advance(self._now()):
            if self.lost.is_set():
                return
            if isinstance(event, HangUp):
                self.drop()
            elif callback := self._callbacks.get(event.characteristic):
                if self.delivered == self._cut_at:
                    self.drop()
                    return
                for _ in range(0 if self.delivered in self.lose else 2 if self.delivered in self.double else 1):
                    for data in self.spoil(event.data):
                        callback(data)
                self.delivered += 1

    def _arm(self) -> None:
        """Advance the band once more at its `wake_at`, and after `LONGEST_SLEEP_S` at the latest."""
        self._timer.cancel()
        if not self.lost.is_set() and not self._left:
            wake = self.band.wake_at()
            left_s = LONGEST_SLEEP_S if wake is None else (wake - self._now()).total_seconds()
            self._timer = self._loop.call_later(min(max(left_s, SHORTEST_SLEEP_S), LONGEST_SLEEP_S), self._pump)


class MemoryStore:
    """Stores in memory the readings of a driver under test. It can be made to fail."""

    def __init__(self) -> None:
        self.batches: list[list[Reading]] = []
        """The batches that were committed, in order."""
        self.fail_at: int | None = None
        """The number of the batch, counted from 0, whose commit fails; None for no failure."""
        self.secret: bytes | None = None
        """The last secret that was kept; None if there was none."""

    @property
    def readings(self) -> list[Reading]:
        """All readings that were committed, in order."""
        return [reading for batch in self.batches for reading in batch]

    def of(self, kind: type[T]) -> list[T]:
        """Return the committed readings of one type, in order."""
        return [reading for reading in self.readings if isinstance(reading, kind)]

    async def commit(self, batch: Sequence[Reading]) -> None:
        """Store a batch. Raises `OSError` for the batch with the number `fail_at`."""
        if len(self.batches) == self.fail_at:
            raise OSError("disk full")
        self.batches.append(list(batch))

    async def keep(self, secret: bytes) -> None:
        """Keep a secret, as `Session.keep` does."""
        self.secret = secret


def conversation(connection: DirectConnection, clock: FastClock, zone: str = "UTC") -> Conversation:
    """Create a conversation over a direct connection. `zone` is the name of the wearer's time zone."""
    return Conversation(connection, zone=ZoneInfo(zone), now=clock.now)


def renamed(name: str) -> object:
    """Return what a name from an earlier version now stands for, with a `DeprecationWarning`.

    It is called by the `__getattr__` of a module. Raises `AttributeError` for any other name.
    """
    if name != "Kept":
        raise AttributeError(f"hipsync.testing has no {name!r}")
    warnings.warn("hipsync.testing.Kept is called MemoryStore now", DeprecationWarning, stacklevel=3)
    return MemoryStore


def __getattr__(name: str) -> object:
    return renamed(name)

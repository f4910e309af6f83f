"""Runs a driver over an open connection: deadlines, arrival times, bounded inboxes, and batches that are stored.

A `Conversation` wraps what the radio offers (`Connection`), and each coroutine of a driver gets a `View` of it, which
is a `driver.Link`. A radio raises nothing for somebody who waits for a notification when the link drops, so every wait
here races the loss of the link and a deadline. The one rule: `yield` means stored, so a driver goes on after `commit`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo

from hipsync.driver import Driver, Message, Received, Session
from hipsync.errors import DeviceError, LinkLost, NoReply, NotBonded
from hipsync.model import Answer, Reading

log = logging.getLogger(__name__)

T = TypeVar("T")

REPLY_WITHIN_S = 30.0
"""Seconds for one read, write or subscription: ATT's own transaction time-out (Core specification, volume 3, part F,
3.3.3)."""

BOND_WITHIN_S = 70.0
"""Seconds for bonding: a person reads six digits and types them, and each side gives up 30 s after the other's last
packet (Core specification, volume 3, part H, 3.4)."""

INBOX = 4096
"""Notifications that may wait in one view. A band's largest round is some 1,000; one that sends more babbles."""

Commit = Callable[[Sequence[Reading]], Awaitable[None]]
"""Stores a batch of readings, and returns when it is on disk."""


class Connection(Protocol):
    """An open connection to one band, as a radio offers it. Its coroutines raise `DeviceError`."""

    @property
    def lost(self) -> asyncio.Event:
        """Set when the link has ended, for whatever reason."""
        ...

    @property
    def write_size(self) -> int:
        """How many bytes fit into a write without response, and into a notification."""
        ...

    def has(self, characteristic: str, service: str | None = None) -> bool:
        """Whether the band has a characteristic, in any service or in this one."""
        ...

    async def read(self, characteristic: str, service: str | None = None) -> bytes:
        """The value of a characteristic."""
        ...

    async def write(self, characteristic: str, data: bytes, response: bool, service: str | None = None) -> None:
        """Write a value; with `response`, return when the band has acknowledged it."""
        ...

    async def start_notify(self, characteristic: str, callback: Callable[[bytes], None]) -> None:
        """Subscribe, and call `callback` with the value of each notification from now on."""
        ...

    async def stop_notify(self, characteristic: str) -> None:
        """End the subscription."""
        ...

    async def bond(self) -> None:
        """Bond with the band, where the system does that on request."""
        ...


class Conversation:
    """One connection, shared by the views that are made of it.

    With `bonds`, somebody is there who knows the passkey: when the band asks for a bond, it is bonded once, and what it
    had refused is tried again.
    """

    def __init__(
        self, connection: Connection, *, zone: ZoneInfo, now: Callable[[], datetime], bonds: bool = False
    ) -> None:
        self.connection = connection
        self._bonds = bonds
        self._within_s = BOND_WITHIN_S if bonds else REPLY_WITHIN_S
        self.zone = zone
        self.now = now
        self._views: list[View] = []
        self._subscribed: dict[str, int] = {}
        self._operation = asyncio.Lock()

    def view(self) -> View:
        """A new view, which receives notifications until the connection ends."""
        view = View(self)
        self._views.append(view)
        return view

    @contextlib.contextmanager
    def viewing(self) -> Generator[View, None, None]:
        """A view for the length of the block, after which it receives nothing more."""
        view = self.view()
        try:
            yield view
        finally:
            self._views.remove(view)

    async def run(self, operation: Awaitable[T], within_s: float = REPLY_WITHIN_S) -> T:
        """The result of an operation. Raises `LinkLost` as soon as the link ends, and `NoReply` after the deadline."""
        work = asyncio.ensure_future(operation)
        lost = asyncio.ensure_future(self.connection.lost.wait())
        try:
            await asyncio.wait({work, lost}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return work.result()
            if lost.done():
                raise LinkLost("the band ended the connection or went out of reach")
            raise NoReply(f"the band did not answer within {within_s:g} s")
        finally:
            lost.cancel()
            if not work.done():
                work.cancel()
                await asyncio.wait({work})  # to await the work itself would hide that we are cancelled meanwhile
                with contextlib.suppress(asyncio.CancelledError, DeviceError):
                    work.result()

    async def one_at_a_time(self, operation: Callable[[], Awaitable[T]]) -> T:
        """The result of an operation, which waits until no other one is under way. Raises as `run` does."""
        async with self._operation:
            try:
                return await self.run(operation(), self._within_s)
            except NotBonded:
                if not self._bonds:
                    raise
            self._bonds = False
            await self.run(self.connection.bond(), BOND_WITHIN_S)
            return await self.run(operation())

    async def bond(self) -> None:
        """Bond with the band. Raises `DeviceError`."""
        async with self._operation:
            await self.run(self.connection.bond(), BOND_WITHIN_S)

    async def subscribe(self, characteristic: str) -> None:
        """Subscribe one more view to a characteristic; the band is asked only for the first. Raises `DeviceError`."""
        count = self._subscribed.get(characteristic, 0)
        if count == 0:
            await self.one_at_a_time(
                lambda: self.connection.start_notify(characteristic, self._arrival(characteristic))
            )
        self._subscribed[characteristic] = count + 1

    async def unsubscribe(self, characteristic: str) -> None:
        """End the subscription of one view; the band is asked only for the last. Raises `DeviceError`."""
        count = self._subscribed.get(characteristic, 0)
        if count == 1:
            await self.one_at_a_time(lambda: self.connection.stop_notify(characteristic))
        self._subscribed[characteristic] = max(count - 1, 0)

    def _arrival(self, characteristic: str) -> Callable[[bytes], None]:
        def arrived(data: bytes) -> None:
            received = Received(characteristic, self.now(), bytes(data))
            log.debug("< %s %s", characteristic[:8], received.data.hex())
            for view in self._views:
                view.deliver(received)

        return arrived


class View:
    """One coroutine's side of a conversation: a `driver.Link`, which says what its methods do, with an own inbox."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._subscribed: set[str] = set()
        self._inbox: deque[Received] = deque()
        self._arrived = asyncio.Event()
        self._overflow = False

    @property
    def zone(self) -> ZoneInfo:
        return self._conversation.zone

    @property
    def write_size(self) -> int:
        return self._conversation.connection.write_size

    def now(self) -> datetime:
        return self._conversation.now()

    def has(self, characteristic: str, service: str | None = None) -> bool:
        return self._conversation.connection.has(characteristic, service)

    async def read(self, characteristic: str, *, service: str | None = None) -> bytes:
        connection = self._conversation.connection
        data = await self._conversation.one_at_a_time(lambda: connection.read(characteristic, service))
        log.debug("= %s %s", characteristic[:8], data.hex())
        return data

    async def write(
        self, characteristic: str, data: bytes, *, response: bool = False, service: str | None = None
    ) -> None:
        connection = self._conversation.connection
        log.debug("> %s %d bytes", characteristic[:8], len(data))  # never the bytes: one of them may be a key
        await self._conversation.one_at_a_time(lambda: connection.write(characteristic, data, response, service))

    async def subscribe(self, *characteristics: str) -> None:
        for characteristic in characteristics:
            if characteristic not in self._subscribed:
                self._subscribed.add(characteristic)  # first: a band may notify before its answer is here
                try:
                    await self._conversation.subscribe(characteristic)
                except BaseException:
                    self._subscribed.discard(characteristic)
                    raise

    async def unsubscribe(self, *characteristics: str) -> None:
        for characteristic in characteristics:
            if characteristic in self._subscribed:
                self._subscribed.discard(characteristic)
                self._inbox = deque(received for received in self._inbox if received.uuid != characteristic)
                await self._conversation.unsubscribe(characteristic)

    async def notification(self, *characteristics: str, timeout: timedelta) -> Received:
        wanted = frozenset(characteristics)
        if received := self._waiting(wanted):
            return received
        return await self._conversation.run(self._next(wanted), timeout.total_seconds())

    async def _next(self, wanted: frozenset[str]) -> Received:
        while True:
            self._arrived.clear()
            if received := self._waiting(wanted):
                return received
            await self._arrived.wait()

    def _waiting(self, wanted: frozenset[str]) -> Received | None:
        """Take the oldest of the wanted notifications from the inbox, if there is one."""
        if self._overflow:
            raise DeviceError(f"the band sent more than {INBOX} messages that nobody asked for")
        for position, received in enumerate(self._inbox):
            if received.uuid in wanted:
                del self._inbox[position]
                return received
        return None

    def deliver(self, received: Received) -> None:
        """Put a notification into the inbox, if this view has subscribed to it."""
        if received.uuid in self._subscribed:
            if len(self._inbox) >= INBOX:
                self._overflow = True
            else:
                self._inbox.append(received)
            self._arrived.set()

    async def pause(self, length: timedelta) -> None:
        with contextlib.suppress(NoReply):
            await self._conversation.run(asyncio.Event().wait(), length.total_seconds())

    async def bond(self) -> None:
        await self._conversation.bond()


async def meet(driver: Driver, conversation: Conversation, session: Session, commit: Commit) -> None:
    """Log in and set the band's clock, then store what the band reports of itself.

    Raises `DeviceError`, and whatever `commit` raises.
    """
    with conversation.viewing() as link:
        readings = await driver.open(link, session)
    if readings:
        await committed(commit, readings)


async def collect(driver: Driver, conversation: Conversation, session: Session, commit: Commit) -> None:
    """Fetch what is new; each batch is committed before the driver goes on.

    Raises `DeviceError`, and whatever `commit` raises. The driver is closed before that, so it goes on after a batch
    only if that batch was stored.
    """
    await _stored(driver.sync, conversation, session, commit)


async def watch(driver: Driver, conversation: Conversation, session: Session, commit: Commit) -> None:
    """Store what a band sends as long as it is connected. Raises as `collect` does, `LinkLost` when the link ends."""
    await _stored(driver.watch, conversation, session, commit)


Batches = Callable[[View, Session], AsyncGenerator[Sequence[Reading], None]]
"""`Driver.sync` or `Driver.watch`."""


async def _stored(batches: Batches | None, conversation: Conversation, session: Session, commit: Commit) -> None:
    if batches is None:
        return
    with conversation.viewing() as link:
        async with contextlib.aclosing(batches(link, session)) as open_batches:
            async for batch in open_batches:
                await committed(commit, batch)


async def nudge(driver: Driver, conversation: Conversation, session: Session, message: Message) -> Answer | None:
    """Let the band vibrate and show a message; the wearer's answer, if the band can send one. Raises `DeviceError`."""
    if driver.nudge is None:
        raise DeviceError(f"{driver.label}: a band of this kind cannot buzz")
    with conversation.viewing() as link:
        return await driver.nudge(link, session, message)


async def committed(commit: Commit, batch: Sequence[Reading]) -> None:
    """Store a batch; where the task is cancelled meanwhile, it ends after the commit, not within it."""
    work = asyncio.ensure_future(commit(batch))
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait({work})
        raise

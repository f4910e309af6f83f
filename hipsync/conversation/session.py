"""Runs a driver over an open connection: deadlines, arrival times, and bounded inboxes.

A `Conversation` wraps a radio's `Connection`, and each coroutine of a driver gets a `View` of it, which is a
`driver.Link`. When the link drops, a radio raises nothing in a task that waits for a notification. So every wait here
also ends when the link is lost or a deadline passes. The one rule: `yield` means stored, so a driver continues only
after `commit` has returned.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol, TypeVar
from zoneinfo import ZoneInfo

from hipsync.conversation.inbox import MOST, WaitingInbox
from hipsync.conversation.stored import Commit, all_committed, committed, finished
from hipsync.driver import Driver, Inbox, Message, Received, Session
from hipsync.errors import DeviceError, LinkLost, NoReply, NotBonded
from hipsync.model import Answer, Reading

log = logging.getLogger(__name__)

T = TypeVar("T")

REPLY_WITHIN_S = 30.0
"""Seconds allowed for one read, write or subscription: ATT's own transaction time-out (Core specification, volume 3,
part F, 3.3.3). A `Conversation` with `bonds` allows `BOND_WITHIN_S` instead."""

BOND_WITHIN_S = 70.0
"""Seconds allowed for bonding. A person reads six digits and types them, and each side gives up 30 s after the other's
last packet (Core specification, volume 3, part H, 3.4)."""

INBOX = MOST
"""The most notifications that may wait in one view."""


class Connection(Protocol):
    """An open connection to one band, as a radio offers it. Its coroutines raise `DeviceError`."""

    @property
    def lost(self) -> asyncio.Event:
        """An event that is set once the link has ended, for whatever reason."""
        ...

    @property
    def write_size(self) -> int:
        """How many bytes fit into a write without response, and into a notification."""
        ...

    def has(self, characteristic: str, service: str | None = None) -> bool:
        """Whether the band has this characteristic, in the given service; None means in any service."""
        ...

    async def read(self, characteristic: str, service: str | None = None) -> bytes:
        """Read and return the value of a characteristic. With `service` None, the first one that has it is meant."""
        ...

    async def write(self, characteristic: str, data: bytes, response: bool, service: str | None = None) -> None:
        """Write a value to a characteristic; with `response`, return once the band has acknowledged the write.

        With `service` None, the first service that has the characteristic is meant.
        """
        ...

    async def start_notify(self, characteristic: str, callback: Callable[[bytes], None]) -> None:
        """Subscribe to a characteristic, and call `callback` with the value of each notification from now on."""
        ...

    async def stop_notify(self, characteristic: str) -> None:
        """End the subscription to a characteristic."""
        ...

    async def bond(self) -> None:
        """Bond with the band. Does nothing on systems that bond only when the band asks for it."""
        ...


class Conversation:
    """One connection, shared by its views.

    `bonds` means that somebody is there who can type a passkey. Then, the first time that the band refuses an operation
    for want of a bond, the conversation bonds with it and repeats the operation.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        zone: ZoneInfo | Callable[[], ZoneInfo],
        now: Callable[[], datetime],
        bonds: bool = False,
    ) -> None:
        """`zone` is the wearer's, or a function that returns it, because a wearer may travel while connected."""
        self.connection = connection
        self._bonds = bonds
        self._within_s = BOND_WITHIN_S if bonds else REPLY_WITHIN_S
        self._zone = zone
        self.now = now
        self._views: list[View] = []
        self._subscribed: dict[str, int] = {}
        self._operation = asyncio.Lock()
        self._counting = asyncio.Lock()
        """Held while a subscription begins or ends: two views may do so at once, and both have to be counted."""
        self._broken: asyncio.Future[None] | None = None
        """Holds the error that ended what runs beside this conversation, if anything does."""

    @property
    def zone(self) -> ZoneInfo:
        """The zone that the wearer is in now."""
        return self._zone if isinstance(self._zone, ZoneInfo) else self._zone()

    def view(self) -> View:
        """Return a new view: a queue of its own that gets every notification from now until the connection ends."""
        view = View(self)
        self._views.append(view)
        return view

    @contextlib.contextmanager
    def viewing(self) -> Generator[View, None, None]:
        """Create a view for the duration of the block. After the block it receives nothing more."""
        view = self.view()
        try:
            yield view
        finally:
            self._views.remove(view)

    @contextlib.asynccontextmanager
    async def beside(self, listening: Coroutine[Any, Any, None]) -> AsyncGenerator[None, None]:
        """Run a coroutine beside the block, and end it with the block.

        An error that ends it is raised by whatever waits in `run` then, and by every later `run`. Raises it at the end
        of the block too, unless it is a `DeviceError`: then a dead link is all that it means.
        """
        self._broken = broken = asyncio.get_running_loop().create_future()

        def ended(task: asyncio.Task[None]) -> None:
            if not task.cancelled() and (error := task.exception()) is not None:
                broken.set_exception(error)

        task = asyncio.create_task(listening, name="listen")
        task.add_done_callback(ended)
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})
            self._broken = None
            error = broken.exception() if broken.done() else None  # looked at, so that asyncio does not complain
        if error is not None and not isinstance(error, DeviceError):
            raise error

    async def run(self, operation: Awaitable[T], within_s: float = REPLY_WITHIN_S) -> T:
        """Await an operation and return its result.

        Raises `LinkLost` as soon as the link ends, `NoReply` after `within_s` seconds, and what ended a coroutine
        `beside` this conversation.
        """
        work = asyncio.ensure_future(operation)
        try:
            if work is not operation:
                await asyncio.sleep(0)  # what waits for nothing is done then, and nothing has to be watched meanwhile
            if not work.done():
                await self._until_over(work, within_s)
            return work.result()
        finally:
            if work.done() and not work.cancelled():
                work.exception()  # looked at, so that asyncio does not complain if this task was cancelled meanwhile
            if not work.done():
                work.cancel()
                await asyncio.wait({work})  # awaiting the work itself would hide it if this task is cancelled meanwhile
                with contextlib.suppress(asyncio.CancelledError, DeviceError):
                    work.result()

    async def _until_over(self, work: asyncio.Future[T], within_s: float) -> None:
        """Wait until work is done, or raise as `run` does."""
        lost = asyncio.ensure_future(self.connection.lost.wait())
        ends: set[asyncio.Future[Any]] = {work, lost} if self._broken is None else {work, lost, self._broken}
        try:
            await asyncio.wait(ends, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return
            if lost.done():
                raise LinkLost("the band ended the connection or went out of reach")
            if self._broken is not None and self._broken.done():
                self._broken.result()
            raise NoReply(f"the band did not answer within {within_s:g} s")
        finally:
            lost.cancel()

    async def one_at_a_time(self, *operations: Callable[[], Awaitable[T]]) -> T:
        """Run operations, once no other one is under way and with none between them, and return the last one's result.

        With `bonds`, bond and repeat an operation the first time that one raises `NotBonded`. Raises as `run` does.
        """
        async with self._operation:
            for operation in operations[:-1]:
                await self._bonding(operation)
            return await self._bonding(operations[-1])

    async def _bonding(self, operation: Callable[[], Awaitable[T]]) -> T:
        try:
            return await self.run(operation(), self._within_s)
        except NotBonded:
            if not self._bonds:
                raise
        self._bonds = False
        await self.run(self.connection.bond(), BOND_WITHIN_S)
        return await self.run(operation())

    async def bond(self) -> None:
        """Bond with the band once no operation is under way. Raises `DeviceError`."""
        async with self._operation:
            await self.run(self.connection.bond(), BOND_WITHIN_S)

    async def subscribe(self, characteristic: str) -> None:
        """Subscribe one more view to a characteristic. Only the first view causes a request to the band.

        Raises `DeviceError`.
        """
        async with self._counting:
            count = self._subscribed.get(characteristic, 0)
            if count == 0:
                await self.one_at_a_time(
                    lambda: self.connection.start_notify(characteristic, self._arrival(characteristic))
                )
            self._subscribed[characteristic] = count + 1

    async def unsubscribe(self, characteristic: str) -> None:
        """End one view's subscription to a characteristic. Only the last view causes a request to the band.

        Raises `DeviceError`.
        """
        async with self._counting:
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
    """One coroutine's side of a conversation, with an inbox of its own. `driver.Link` documents its methods."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._subscribed: set[str] = set()
        self._inbox: deque[Received] = deque()
        self._awaited: list[tuple[frozenset[str], asyncio.Future[Received]]] = []
        """Who waits for a notification: of which characteristics, and the future that gets it."""
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
        await self.write_whole(characteristic, [data], response=response, service=service)

    async def write_whole(
        self, characteristic: str, parts: Sequence[bytes], *, response: bool = False, service: str | None = None
    ) -> None:
        connection = self._conversation.connection
        # never the bytes: some of them may be a key
        log.debug("> %s %s bytes", characteristic[:8], "+".join(str(len(part)) for part in parts))
        writes = [partial(connection.write, characteristic, part, response, service) for part in parts]
        if len(writes) == 1:
            await self._conversation.one_at_a_time(*writes)
        else:
            await finished(self._conversation.one_at_a_time(*writes))

    def lock(self) -> AbstractAsyncContextManager[object]:
        return asyncio.Lock()

    def inbox(self, of: type[T]) -> Inbox[T]:
        del of  # for the types alone
        return WaitingInbox(self._conversation.run)

    async def subscribe(self, *characteristics: str) -> None:
        for characteristic in characteristics:
            if characteristic not in self._subscribed:
                self._subscribed.add(characteristic)  # first, because a band may notify before its answer arrives
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
        arrival = asyncio.get_running_loop().create_future()
        self._awaited.append((wanted, arrival))
        try:
            return await self._conversation.run(arrival, timeout.total_seconds())
        except asyncio.CancelledError:
            if arrival.done() and not arrival.cancelled() and arrival.exception() is None:
                self._inbox.appendleft(arrival.result())  # for whoever asks next
            raise
        finally:
            self._awaited.remove((wanted, arrival))

    def _waiting(self, wanted: frozenset[str]) -> Received | None:
        """Take the oldest notification of the wanted characteristics from the inbox, or return None.

        Raises `DeviceError` if the inbox has overflowed.
        """
        if self._overflow:
            raise _too_many()
        for position, received in enumerate(self._inbox):
            if received.uuid in wanted:
                del self._inbox[position]
                return received
        return None

    def deliver(self, received: Received) -> None:
        """Hand a notification to who waits for it, or put it into the inbox, if this view has subscribed to it."""
        if received.uuid not in self._subscribed:
            return
        waiting = [(wanted, arrival) for wanted, arrival in self._awaited if not arrival.done()]
        for wanted, arrival in waiting:
            if received.uuid in wanted:
                arrival.set_result(received)
                return
        if len(self._inbox) < INBOX:
            self._inbox.append(received)
            return
        self._overflow = True
        for _, arrival in waiting:
            arrival.set_exception(_too_many())

    async def pause(self, length: timedelta) -> None:
        with contextlib.suppress(NoReply):
            await self._conversation.run(asyncio.get_running_loop().create_future(), length.total_seconds())

    async def bond(self) -> None:
        await self._conversation.bond()


def _too_many() -> DeviceError:
    return DeviceError(f"the band sent more than {INBOX} messages that nobody asked for")


async def meet(driver: Driver, conversation: Conversation, session: Session, commit: Commit) -> None:
    """Let the driver log in and set the band's clock, then store what the band reports about itself.

    Raises `DeviceError`, and whatever `commit` raises.
    """
    with conversation.viewing() as link:
        readings = await driver.open(link, session)
    if readings:
        await committed(commit, readings)


async def collect(driver: Driver, conversation: Conversation, session: Session, commit: Commit) -> None:
    """Fetch what is new since `session.since`, and commit each batch before the driver continues.

    Raises `DeviceError`, and whatever `commit` raises. In either case the driver's generator is closed first, so the
    driver never continues after a batch that was not stored.
    """
    await _stored(driver.sync, conversation, session, commit)


async def watch(driver: Driver, conversation: Conversation, session: Session, commit: Commit) -> None:
    """Store what a band sends until the link ends. If the driver has no `watch`, return at once.

    Raises as `collect` does, and `LinkLost` when the link ends.
    """
    await _stored(driver.watch, conversation, session, commit)


Batches = Callable[[View, Session], AsyncGenerator[Sequence[Reading], None]]
"""The type of `Driver.sync` and `Driver.watch`."""


async def _stored(batches: Batches | None, conversation: Conversation, session: Session, commit: Commit) -> None:
    if batches is None:
        return
    with conversation.viewing() as link:
        await all_committed(commit, batches(link, session))


async def nudge(driver: Driver, conversation: Conversation, session: Session, message: Message) -> Answer | None:
    """Make the band vibrate and show a message. Returns the wearer's answer, or None if none came.

    Raises `DeviceError`, also if bands of this kind can do neither.
    """
    if driver.nudge is None:
        raise DeviceError(f"{driver.label}: a band of this kind cannot buzz")
    with conversation.viewing() as link:
        return await driver.nudge(link, session, message)

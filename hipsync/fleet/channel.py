"""Passes messages between the computers of one wearer, by the fleet's database: a `hipsync.together.channel.Channel`.

One connection asks and says, and a second one is notified, which says only that there is something to ask for. Where
no notification comes, as behind some poolers, it is asked after each message of ours and now and then. The one rule:
nobody waits for a server that hangs: what takes too long ends the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from functools import partial
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from hipsync.ending import ended
from hipsync.errors import FleetError
from hipsync.fleet.database import refuse_other_schema, translated
from hipsync.together.channel import Message, Subscription
from hipsync.together.topics import OFFLINE, ONLINE, Topics

WITHIN_S = 10.0
"""Seconds that the database has for one answer."""
LOOK_S = 20.0
"""Seconds after which it is asked whether there is something new, though nothing says so."""
ONLINE_EVERY_S, ONLINE_FOR_S = 20.0, 60
"""Seconds after which a computer says again that it is online, and those for which the word holds."""
GOODBYE_WITHIN_S = 1.0
MOST_WAITING = 500
"""The most messages that wait to be looked at; the rest stays in the database meanwhile."""


class FleetChannel:
    """An open channel. `opened` makes it."""

    dropped = 0
    """None is ever dropped: what is not asked for stays in the database."""

    def __init__(self, connection: psycopg.AsyncConnection, topics: Topics, after: int) -> None:
        """`after` is the number of the newest message of before."""
        self._db, self._topics, self._after = connection, topics, after
        self._filters: set[str] = set()
        self._waiting: asyncio.Queue[Message] = asyncio.Queue(MOST_WAITING)
        self._one = asyncio.Lock()
        """So that what is kept and what is new come in the order of their numbers."""
        self._new = asyncio.Event()
        self._asking: set[asyncio.Task[Any]] = set()
        self._lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._online: set[str] = set()
        """The topics at which another computer says that it is online."""

    # -------------------------------------------------------------- what sharing asks

    async def publish(self, topic: str, payload: bytes, *, retain: bool, expires_s: int | None = None) -> int:
        """Send a message, as `Channel` says it; return 0. Raises `FleetError`."""
        await self._ask("SELECT hipsync.say(%s, %s, %s, %s)", topic, payload, retain, expires_s)
        self._new.set()
        return 0

    async def subscribe(self, subscriptions: Sequence[Subscription]) -> list[int]:
        """Hear these topics from now on, as `Channel` says it. Raises `FleetError`."""
        async with self._one:
            self._filters |= {each.topic for each in subscriptions}
            if kept := [each.topic for each in subscriptions if each.kept]:
                await self._put(await self._hear(kept, kept=True))
        return [0] * len(subscriptions)

    async def unsubscribe(self, topics: Sequence[str]) -> None:
        """Hear these topics no more, as `Channel` says it, once what is being asked for has come. Raises nothing."""
        async with self._one:
            self._filters -= {*topics}

    async def messages(self) -> AsyncIterator[Message]:
        """Yield what comes, until the connection is lost; then raise `FleetError`."""
        while True:
            getting = asyncio.ensure_future(self._waiting.get())
            ends: set[asyncio.Future[Any]] = {getting, self._lost}
            try:
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            finally:
                getting.cancel()
            if not getting.done() or getting.cancelled():
                self._lost.result()
            yield getting.result()

    # -------------------------------------------------------------- what keeps it going

    async def keep_hearing(self) -> None:
        """Ask for what is new whenever something says so, and every `LOOK_S` seconds."""
        while True:
            self._new.clear()
            async with self._one:
                found = await self._hear(self._filters, kept=False)
                self._after = max([self._after, *(number for number, _ in found)])
                await self._put(found)
                await self._tell_who_left()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._new.wait()

    def look_at(self, listening: psycopg.AsyncConnection) -> None:
        """Note whether something is new, by a connection that does nothing else and on which something came."""
        try:
            with translated():
                listening.pgconn.consume_input()
        except FleetError as error:
            self.lose(error)
        while listening.pgconn.notifies() is not None:
            self._new.set()

    async def keep_online(self) -> None:
        """Say that this computer is online, again and again."""
        while True:
            topic = self._topics.host_topic()
            await self.publish(topic, ONLINE.encode(), retain=True, expires_s=ONLINE_FOR_S)
            await asyncio.sleep(ONLINE_EVERY_S)

    def lose(self, error: BaseException) -> None:
        """End the channel: who waits for messages is told why."""
        if not self._lost.done():
            self._lost.set_exception(error)
            self._lost.exception()  # else asyncio logs that nobody asked for it

    async def _tell_who_left(self) -> None:
        """Let it be heard that a computer is offline which does not say any more that it is online."""
        if (hosts := self._topics.host_topic("+")) not in self._filters:
            return
        kept = {
            message.topic for _, message in await self._hear([hosts], kept=True) if message.payload != OFFLINE.encode()
        }
        for topic in self._online - kept:
            await self._waiting.put(Message(topic, OFFLINE.encode(), retained=True))
        self._online = kept

    async def _hear(self, filters: Iterable[str], *, kept: bool) -> list[tuple[int, Message]]:
        """The new messages of these filters, or those that are kept there, with their numbers."""
        rows = await self._ask("SELECT * FROM hipsync.hear(%s, %s, %s)", self._after, [*filters], kept)
        return [(number, Message(topic, bytes(payload), is_kept)) for number, topic, payload, is_kept in rows]

    async def _put(self, found: Sequence[tuple[int, Message]]) -> None:
        for _, message in found:
            await self._waiting.put(message)

    async def _ask(self, query: LiteralString, *values: object) -> list[tuple[Any, ...]]:
        """The rows of a query. If we are cancelled, it goes on: to cancel it at the server may take long.

        Raises `FleetError` if the database refuses, or if the channel is lost.
        """
        if self._lost.done():
            self._lost.result()
        asking = asyncio.create_task(self._rows(query, values))
        self._asking.add(asking)
        late = FleetError(f"the fleet's database did not answer within {WITHIN_S:.0f} seconds")
        waiting = asyncio.get_running_loop().call_later(WITHIN_S, self.lose, late)
        asking.add_done_callback(partial(self._settle, waiting))
        ends: set[asyncio.Future[Any]] = {asking, self._lost}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if not asking.done():
            self._lost.result()
        return asking.result()

    async def _rows(self, query: LiteralString, values: Sequence[object]) -> list[tuple[Any, ...]]:
        with translated():
            return await (await self._db.execute(query, values, binary=True)).fetchall()

    def _settle(self, waiting: asyncio.TimerHandle, asking: asyncio.Task[Any]) -> None:
        """Wait for an answer no longer; and look at what it was, else asyncio logs that nobody did."""
        waiting.cancel()
        self._asking.discard(asking)
        if not asking.cancelled():
            asking.exception()

    async def close(self) -> None:
        """Say that this computer is offline, if that can be said at once, and let go of what hangs."""
        with contextlib.suppress(FleetError, TimeoutError):
            async with asyncio.timeout(GOODBYE_WITHIN_S):
                await self.publish(self._topics.host_topic(), OFFLINE.encode(), retain=True, expires_s=ONLINE_FOR_S)
        self._db.pgconn.finish()  # else psycopg asks the server to cancel, for seconds
        await ended(*self._asking)


@contextlib.asynccontextmanager
async def opened(conninfo: str, topics: Topics) -> AsyncGenerator[FleetChannel, None]:
    """A channel during the block, for the wearer to whom this login belongs.

    Raises `FleetError` if it cannot be opened: the database is away, its schema is another version's, or the login is
    of no wearer's computer. Raises `ConfigError` if the string describes no connection.
    """
    async with _connected(conninfo) as working, _connected(conninfo) as listening:
        with translated():
            name, last = await _attended(working)
            await listening.execute(sql.SQL("LISTEN {}").format(sql.Identifier(name)))
        channel = FleetChannel(working, topics, last)
        loop, socket = asyncio.get_running_loop(), listening.fileno()
        loop.add_reader(socket, channel.look_at, listening)  # psycopg's `notifies` wakes ten times a second
        tasks = [
            asyncio.create_task(channel.keep_hearing(), name="hear"),
            asyncio.create_task(channel.keep_online(), name="here"),
        ]
        for task in tasks:
            task.add_done_callback(partial(_look_at, channel))
        try:
            yield channel
        finally:
            loop.remove_reader(socket)
            await channel.close()
            await ended(*tasks)


@contextlib.asynccontextmanager
async def _connected(conninfo: str) -> AsyncGenerator[psycopg.AsyncConnection, None]:
    with translated():
        connection = await psycopg.AsyncConnection.connect(conninfo, autocommit=True)
    try:
        yield connection
    finally:
        connection.pgconn.finish()


async def _attended(connection: psycopg.AsyncConnection) -> tuple[str, int]:
    """Where to listen, and the number of the newest message. Raises `FleetError` for another version's schema."""
    ((is_there,),) = await (await connection.execute("SELECT to_regnamespace('hipsync') IS NOT NULL")).fetchall()
    if not is_there:
        refuse_other_schema(None)
    ((version,),) = await (await connection.execute("SELECT hipsync.schema_version()")).fetchall()
    refuse_other_schema(version)
    ((name, last),) = await (await connection.execute("SELECT name, last FROM hipsync.attend()")).fetchall()
    return name, last


def _look_at(channel: FleetChannel, task: asyncio.Task[None]) -> None:
    """End the channel if something ended that keeps it going."""
    error = None if task.cancelled() else task.exception()
    if error is not None:
        channel.lose(error)

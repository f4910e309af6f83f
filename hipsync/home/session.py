"""One connection to the broker, from the first word to the last: it announces, tells, hears and obeys.

Numbers are told when they change, once a minute at most; what a person waits for is told at once. Discovery, who is
there and what is known are told anew whenever Home Assistant says that it has started.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Mapping
from datetime import datetime

from hipsync.ending import ended
from hipsync.errors import BrokerError, HipsyncError
from hipsync.home.broker import NOT_HEARD, Connection
from hipsync.home.commands import Command, Do, Dropped, Gate, command_of
from hipsync.home.discovery import Announced, band_message, wearer_message
from hipsync.home.messages import knows_more, teller
from hipsync.home.names import Names
from hipsync.home.telling import Telling, Told
from hipsync.text import Json
from hipsync.together.channel import REFUSED, Message, Subscription
from hipsync.together.topics import OFFLINE, ONLINE

log = logging.getLogger(__name__)

TELL_EVERY_S, AT_ONCE_S = 60.0, 1.0
"""Seconds between two states at least: of numbers, and of what a person waits for."""
GOODBYE_WITHIN_S = 1.0
MOST_HOSTS = 10
"""The most computers of one wearer that are believed in: anybody who may write there can name a thousand."""
TOLD_AGAIN_S = 600.0
"""Seconds after which it is said again that commands are dropped for the same reason."""


class Session:
    """Serves one connection until it is lost."""

    def __init__(
        self,
        connection: Connection,
        names: Names,
        version: str,
        telling: Telling,
        obey: Callable[[Command], str],
        now: Callable[[], datetime],
        passed: Callable[[], float],
    ) -> None:
        """`obey` does what a command asks for, and says what came of it. `now` and `passed` are as in `Clock`."""
        self._connection, self._names, self._version = connection, names, version
        self._telling, self._obey, self._now, self._passed = telling, obey, now, passed
        self.home_online: bool | None = None
        """Whether Home Assistant said that it is online; None if it said nothing in this connection."""
        self.refused: set[str] = set()
        """Topics at which the broker does not let us write, or hear."""
        self._hosts, self._online = {names.host}, {names.host}
        """The hosts of the wearer, and those of them that are online."""
        self._state = b""
        """The state that another host told last; empty if none did."""
        self._wake, self._again, self._here = asyncio.Event(), True, True
        """What wakes the teller; whether all is to be announced again; whether to say that this host is online."""
        self._announced: dict[str, bytes] = {}
        """What was announced in this connection, by its topic."""
        self._said: dict[str, bytes] = {}
        """What was told in this connection, by its topic."""
        self._bands: set[str] = set()
        self._pressing: tuple[Json, ...] | None = None
        self._told_s = passed() - TELL_EVERY_S
        self._gate = Gate()
        self._dropped_s: dict[Dropped, float] = {}

    def wake(self) -> None:
        """Look at once whether there is something to tell."""
        self._wake.set()

    async def run(self) -> None:
        """Serve the connection. Raises `BrokerError` when it is lost. If it is cancelled, it says goodbye."""
        names = self._names
        topics = [Subscription(each) for each in (names.birth, names.shared.host_topic("+"), names.do, names.state)]
        codes = await self._connection.subscribe(topics)
        self.refused |= {each.topic for each, code in zip(topics, codes, strict=True) if code >= REFUSED}
        tasks = {asyncio.create_task(self._hear(), name="hear"), asyncio.create_task(self._keep_telling(), name="tell")}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except asyncio.CancelledError:
            with contextlib.suppress(BrokerError, TimeoutError):
                async with asyncio.timeout(GOODBYE_WITHIN_S):
                    await self._connection.publish(names.shared.host_topic(), OFFLINE.encode(), retain=True)
            raise
        finally:
            await ended(*tasks)

    async def show(self, message: Mapping[str, Json]) -> bool:
        """Send a prompt, and return whether it was shown: the broker passed it on, and Home Assistant is online.

        Raises `BrokerError`.
        """
        code = await self._put(self._names.prompt, _bytes(message), retain=False)
        return code < REFUSED and code != NOT_HEARD and self.home_online is True

    # -------------------------------------------------------------- telling

    async def _keep_telling(self) -> None:
        while True:
            self._wake.clear()
            wait = await self._tell()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._wake.wait()

    async def _tell(self) -> float | None:
        """Tell what is to be told, and return in how many seconds there is more to tell; None if nothing is waiting."""
        if self._here:
            self._here = False
            await self._put(self._names.shared.host_topic(), ONLINE.encode(), retain=True)
        pressing, since = self._telling.pressing(), self._passed() - self._told_s
        wanted_s = AT_ONCE_S if self._again or pressing != self._pressing else TELL_EVERY_S
        if since < wanted_s:
            return wanted_s - since
        try:
            told = self._telling.told(self._names.host)
        except HipsyncError as error:  # the service meets and reports it
            log.debug("%s", error)
            return TELL_EVERY_S
        again, self._again = self._again, False
        if again:
            self._announced, self._said = {}, {}
        await self._announce([] if told is None else [*told.bands])
        if told is None:
            return None
        self._pressing = pressing
        topics = {} if self._yields(told) else {self._names.state: told.state}
        topics |= {self._names.band_topic(band.key): known for band, known in told.bands.items()}
        for topic, known in topics.items():
            if self._said.get(topic) != (payload := _bytes(known)):
                self._said[topic], self._told_s = payload, self._passed()
                await self._put(topic, payload, retain=True)
        return None

    def _yields(self, told: Told) -> bool:
        """Whether another computer of the wearer, which is online, knows more and so tells the state."""
        other = knows_more(self._state, told.state, self._now())
        yields = other is not None and other in self._online
        if yields:
            self._said.pop(self._names.state, None)
        return yields

    async def _announce(self, bands: list[Announced]) -> None:
        """Announce the devices that are new or changed, and take back bands that were forgotten."""
        names, hosts = self._names, sorted(self._hosts)
        devices = {names.config(): wearer_message(names, hosts, self._version)}
        devices |= {names.config(band.key): band_message(names, hosts, self._version, band) for band in bands}
        for topic, message in devices.items():
            if self._announced.get(topic) != (payload := _bytes(message)):
                self._announced[topic] = payload
                await self._put(topic, payload, retain=True)
        keys = {band.key for band in bands}
        for key in self._bands - keys:
            self._announced.pop(names.config(key), None)
            self._said.pop(names.band_topic(key), None)
            await self._put(names.config(key), b"", retain=True)
            await self._put(names.band_topic(key), b"", retain=True)
        self._bands = keys

    async def _put(self, topic: str, payload: bytes, *, retain: bool) -> int:
        code = await self._connection.publish(topic, payload, retain=retain)
        if code < REFUSED:
            self.refused.discard(topic)
        elif topic not in self.refused:
            self.refused.add(topic)
            log.warning("the broker does not let hipsync write to %s: `hipsync mqtt check` says what it needs", topic)
        return code

    # -------------------------------------------------------------- hearing

    async def _hear(self) -> None:
        async for message in self._connection.messages():
            if message.topic == self._names.birth:
                self.home_online = message.payload == ONLINE.encode()
                if self.home_online:
                    self._again = self._here = True
                    self.wake()
            elif message.topic == self._names.do:
                self._command(message)
            elif message.topic == self._names.state:
                self._heard_state(message.payload)
            elif (host := self._names.shared.host_of(message.topic)) is not None:
                self._host(host, message.payload)

    def _host(self, host: str, payload: bytes) -> None:
        """Note what a host says of itself; an empty word takes it back."""
        if payload == ONLINE.encode() and host in self._hosts:
            self._online.add(host)
        elif host != self._names.host:
            self._online.discard(host)
        if host == self._names.host:
            self._here = payload != ONLINE.encode()  # what an earlier connection of ours left
        elif not payload and host in self._hosts:
            self._hosts.discard(host)
            self._again = True
        elif payload in {ONLINE.encode(), OFFLINE.encode()} and host not in self._hosts:
            if len(self._hosts) >= MOST_HOSTS:
                return
            self._hosts.add(host)
            self._online |= {host} if payload == ONLINE.encode() else set()
            self._again = True
        else:
            return
        self.wake()

    def _heard_state(self, payload: bytes) -> None:
        """Note what another host told; if it knows less than this one, the state is told again."""
        if teller(payload) != self._names.host:
            self._state = payload
            self._said.pop(self._names.state, None)
            self.wake()

    def _command(self, message: Message) -> None:
        found = command_of(message.payload, self._now(), retained=message.retained)
        if isinstance(found, Command) and not self._gate.lets_through(self._passed()):
            found = Dropped.TOO_MANY
        if isinstance(found, Dropped):
            passed, before = self._passed(), self._dropped_s.get(found)
            is_new = before is None or passed - before >= TOLD_AGAIN_S
            if is_new:
                self._dropped_s[found] = passed
            log.log(
                logging.WARNING if is_new else logging.DEBUG, "a command at %s is dropped: %s", message.topic, found
            )
            return
        try:
            came = self._obey(found)
        except HipsyncError as error:
            log.warning("%s from the home was not done: %s", found.do, error)
        else:
            log.log(logging.DEBUG if found.do is Do.CHECK else logging.INFO, "%s", came)


def _bytes(message: Mapping[str, Json]) -> bytes:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()

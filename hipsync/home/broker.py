"""The connection to the broker: the only module that speaks MQTT.

aiomqtt connects once; whoever wants a connection that lasts asks again. It is MQTT 5, because its broker says what it
refuses, with a session that ends with the connection: what was pressed meanwhile is not done late. The one rule: every
failure is a `BrokerError`, in people's words.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

import aiomqtt
from paho.mqtt.client import Client as PahoClient
from paho.mqtt.client import MQTTMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from hipsync.errors import BrokerError, NameTaken
from hipsync.home.knocking import LEAVE_WITHIN_S, WITHIN_S, knock
from hipsync.home.place import Broker
from hipsync.home.words import NAME_TAKEN, other_port, refusal, words
from hipsync.together.channel import Message, Subscription
from hipsync.together.topics import OFFLINE

KEEPALIVE_S = 20
"""Seconds of silence after which the connection is tried. A computer that vanished is offline half as long later."""
LARGEST_BYTES = 4096
"""The most bytes of a message that the broker may send us; what is longer it keeps to itself. Nobody has to read
megabytes to find that they are no command."""
MOST_WAITING = 100
"""The most messages that wait to be looked at; what comes beyond them is dropped."""
NOT_HEARD = 0x10
"""MQTT 5's reason code for a message that nobody is subscribed to. Those from `REFUSED` on refuse."""
TAKEN_OVER = 0x8E

_quiet = logging.getLogger(f"{__name__}.paho")
_quiet.setLevel(logging.CRITICAL)  # it warns of each message of a flood


class Connection:
    """An open connection to the broker."""

    def __init__(self, broker: Broker, client: _Client) -> None:
        self._broker, self._client = broker, client
        self._one = asyncio.Lock()

    @property
    def dropped(self) -> int:
        """How many messages were dropped so far, because too many waited to be looked at."""
        return self._client.dropped

    async def publish(self, topic: str, payload: bytes, *, retain: bool, expires_s: int | None = None) -> int:
        """Send a message, and return the reason code with which the broker acknowledged it; 0 is fine.

        After `expires_s` seconds the broker drops it: it is passed on no more, and no more kept. None means never.

        Raises `BrokerError` if the connection was lost, or if no acknowledgement comes in time.
        """
        async with self._one:  # so that the acknowledgement that came last is that of this message
            self._client.acknowledged = 0
            try:
                await self._client.publish(topic, payload, 1, retain, _expiring(expires_s))
            except aiomqtt.MqttError as error:
                raise _translated(self._broker, error) from error
            return self._client.acknowledged

    async def subscribe(self, subscriptions: Sequence[Subscription]) -> list[int]:
        """Hear these topics from now on, and return the broker's reason code for each. Raises `BrokerError`."""
        wanted = [
            (each.topic, SubscribeOptions(qos=1, retainAsPublished=True, retainHandling=0 if each.kept else 2))
            for each in subscriptions
        ]
        try:
            codes = await self._client.subscribe(wanted)
        except aiomqtt.MqttError as error:
            raise _translated(self._broker, error) from error
        return [code.value if isinstance(code, ReasonCode) else code for code in codes]

    async def unsubscribe(self, topics: Sequence[str]) -> None:
        """Hear these topics no more. Raises `BrokerError`."""
        try:
            await self._client.unsubscribe(list(topics))
        except aiomqtt.MqttError as error:
            raise _translated(self._broker, error) from error

    async def kept(self, topics: Sequence[str], ask: str) -> dict[str, bytes]:
        """What the broker kept at these topics, by topic; they are heard from now on, too. Raises `BrokerError`.

        `ask` is as for `until_back`.
        """
        await self.subscribe([Subscription(topic) for topic in topics])
        messages, _ = await self.until_back(ask)
        return {each.topic: each.payload for each in messages if each.retained}

    async def until_back(self, ask: str) -> tuple[Sequence[Message], bool]:
        """All that is heard until a message of ours comes back from the topic `ask`, and whether it did.

        The broker sends in order, so that all that came before it is there. Where the broker does not let us write to
        or read from `ask`, what comes within `LEAVE_WITHIN_S` is all. Raises `BrokerError`.
        """
        await self.subscribe([Subscription(ask, kept=False)])
        mark, found = os.urandom(8).hex().encode(), list[Message]()
        await self.publish(ask, mark, retain=False)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_WITHIN_S):
                async for message in self.messages():
                    if message.topic == ask and message.payload == mark:
                        return found, True
                    found.append(message)
        return found, False

    async def messages(self) -> AsyncIterator[Message]:
        """Yield what comes, until the connection is lost; then raise `BrokerError`."""
        try:
            async for message in self._client.messages:
                yield Message(message.topic.value, message.payload, bool(message.retain))
        except aiomqtt.MqttError as error:
            raise _translated(self._broker, error) from error


def _expiring(after_s: int | None) -> Properties | None:
    """The properties of a message that expires after so many seconds."""
    if after_s is None:
        return None
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho has no types here
    properties.MessageExpiryInterval = after_s
    return properties


class _Client(aiomqtt.Client):
    """aiomqtt's client, which also notes with which reason code a message was acknowledged."""

    acknowledged = 0
    dropped = 0
    """How many messages were dropped, because too many waited to be looked at."""

    def _on_message(self, client: PahoClient, userdata: object, message: MQTTMessage) -> None:
        self.dropped += self._queue.full()
        super()._on_message(client, userdata, message)

    def _on_publish(
        self, client: PahoClient, userdata: object, mid: int, reason_code: ReasonCode, properties: Properties
    ) -> None:
        self.acknowledged = reason_code.value
        super()._on_publish(client, userdata, mid, reason_code, properties)

    async def leave(self) -> None:
        """End the connection, if there still is one."""
        with contextlib.suppress(aiomqtt.MqttError, TimeoutError):
            async with asyncio.timeout(LEAVE_WITHIN_S):
                await self.__aexit__(None, None, None)
        if self._disconnected.done() and not self._disconnected.cancelled():
            self._disconnected.exception()  # else asyncio logs that nobody asked for it


@contextlib.asynccontextmanager
async def connected(
    broker: Broker,
    identifier: str,
    will: str | None = None,
    largest: int = LARGEST_BYTES,
    waiting: int = MOST_WAITING,
) -> AsyncGenerator[Connection, None]:
    """Connect to the broker during the block, by this identifier.

    `will` is the topic at which the broker says for us that we are offline, once the connection is lost. `largest` is
    the most bytes of a message that the broker may send. Of more than `waiting` messages that wait to be looked at, the
    rest is dropped. Raises `BrokerError` if it cannot be reached or refuses us.
    """
    await knock(broker)
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho has no types here
    properties.MaximumPacketSize = largest
    client = _Client(
        broker.host, broker.port, username=broker.user, password=broker.password, identifier=identifier,
        protocol=aiomqtt.ProtocolVersion.V5, will=None if will is None else aiomqtt.Will(will, OFFLINE, 1, retain=True),
        tls_context=broker.tls, timeout=WITHIN_S, keepalive=KEEPALIVE_S, properties=properties, logger=_quiet,
        max_queued_incoming_messages=waiting,
    )  # fmt: skip
    await _entered(broker, client)
    try:
        yield Connection(broker, client)
    finally:
        await client.leave()


async def _entered(broker: Broker, client: _Client) -> None:
    """Let a client connect. A thread of it does that, which cannot be stopped: if we are, its connection is closed."""
    entering = asyncio.ensure_future(client.__aenter__())
    try:
        await asyncio.shield(entering)
    except asyncio.CancelledError:
        await asyncio.wait({entering})
        await client.leave()
        raise
    except aiomqtt.MqttError as error:
        await client.leave()
        raise _translated(broker, error) from error


def _translated(broker: Broker, error: aiomqtt.MqttError) -> BrokerError:
    """The error of ours for one of aiomqtt's, which keeps what caused it in its context."""
    cause = error.__cause__ or error.__context__
    code = _code(cause) if _code(error) is None else _code(error)
    if code == TAKEN_OVER:
        return NameTaken(NAME_TAKEN)
    if code is not None:
        return BrokerError(refusal(broker, code, str(getattr(error, "rc", code))))
    if str(error) == "Operation timed out":  # aiomqtt has no other sign of it
        return BrokerError(f"{broker.place} does not answer as a broker does: is that its port? {other_port(broker)}")
    if isinstance(cause, OSError):
        return BrokerError(words(broker, cause))
    return BrokerError(f"the connection to {broker.place} was lost")


def _code(error: BaseException | None) -> int | None:
    """The reason code of MQTT 5 in an error, or the one of 3.1.1 with which a broker refuses a connection."""
    if not isinstance(error, aiomqtt.MqttCodeError):
        return None
    if isinstance(error.rc, ReasonCode):
        return error.rc.value
    return error.rc if isinstance(error, aiomqtt.exceptions.MqttConnectError) else None

"""The connection to the broker: the only module that speaks MQTT, and says in people's words why it cannot.

aiomqtt connects once; whoever wants a connection that lasts asks again. It is MQTT 5, because its broker says what it
refuses, with a session that ends with the connection: what was pressed meanwhile is not done late. The one rule: the
password is in no message, no log and no `repr`.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import re
import socket
import ssl
import stat
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import aiomqtt
from paho.mqtt.client import Client as PahoClient
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from hipsync.errors import BrokerError, ConfigError, NameTaken
from hipsync.home.names import OFFLINE
from hipsync.private import refuse_readable
from hipsync.settings.config import Mqtt
from hipsync.text import clean

WITHIN_S = 5.0
"""Seconds that the broker has for each step: to be found, to take a connection, to answer."""
LEAVE_WITHIN_S = 1.0
KEEPALIVE_S = 20
"""Seconds of silence after which the connection is tried. A computer that vanished is offline half as long later."""
LARGEST_BYTES = 4096
"""The most bytes of a message that the broker may send us; what is longer it keeps to itself. Nobody has to read
megabytes to find that they are no command."""
MOST_WAITING = 100
"""The most messages that wait to be looked at; what comes beyond them is dropped."""
CREDENTIAL = "mqtt-password"
"""The name of systemd's credential that is read where no file is named."""
NOT_HEARD, REFUSED = 0x10, 0x80
"""MQTT 5's reason code for a message that nobody is subscribed to, and the first of those that refuse."""
NOT_AUTHORIZED, WRONG_PASSWORD, TAKEN_OVER = 0x87, 0x86, 0x8E
NAME_TAKEN = (
    "another program uses the broker by the same name: stop hipsync there, or give it another wearer or host "
    "(`hipsync config set mqtt.wearer NAME`)"
)
LOOPBACK = re.compile(r"localhost|127\.[0-9.]+|::1")
OLD_VERSION = frozenset({0x01, 0x84})
CLEAR = "`hipsync config set mqtt.tls false` talks to it in the clear"

_log = logging.getLogger(__name__)
_quiet = logging.getLogger(f"{__name__}.paho")
_quiet.setLevel(logging.CRITICAL)  # it warns of each message of a flood


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is, and how we log in."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def place(self) -> str:
        """The broker as people read it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_overheard(self) -> bool:
        """Whether others in the network can read the password: it is sent in the clear, and not within a computer."""
        return self.tls is None and self.password is not None and not LOOPBACK.fullmatch(self.host)


class Message(NamedTuple):
    """What came from the broker."""

    topic: str
    payload: bytes
    retained: bool


class Subscription(NamedTuple):
    """A topic to hear; of what the broker kept there, too, if `kept`."""

    topic: str
    kept: bool = True


def broker_of(mqtt: Mqtt, environment: Mapping[str, str] = os.environ) -> Broker:
    """The broker of the settings. It reads the files that they name.

    Raises `ConfigError` if there is no host, or if a file cannot be read or is read by others.
    """
    if not mqtt.host:
        raise ConfigError("no broker is named: `hipsync config set mqtt.host homeassistant.local`")
    password = _password(mqtt, environment)
    if password is not None and not mqtt.user:
        raise ConfigError("there is a password and no user: `hipsync config set mqtt.user NAME`")
    return Broker(mqtt.host, mqtt.port, _context(mqtt.ca) if mqtt.tls else None, mqtt.user or None, password)


def _password(mqtt: Mqtt, environment: Mapping[str, str]) -> str | None:
    """The password from the file of the settings, or else from systemd; None if there is neither."""
    credentials = environment.get("CREDENTIALS_DIRECTORY")
    if mqtt.password_file:
        path, judged = Path(mqtt.password_file).expanduser(), True
    elif credentials and (Path(credentials) / CREDENTIAL).exists():
        path, judged = Path(credentials) / CREDENTIAL, False  # systemd made it, in a folder for this service alone
    else:
        return None
    try:
        with path.open("rb") as opened:
            if judged:
                refuse_readable(path, opened.fileno(), "it holds the password of the broker")
            line = opened.readline(1000).rstrip(b"\r\n").decode("utf-8")
    except OSError as error:
        raise ConfigError(f"{path} (mqtt.password_file) cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ConfigError(f"{path} (mqtt.password_file) is no text in UTF-8") from None  # the error holds the bytes
    if not line:
        raise ConfigError(f"{path} (mqtt.password_file) is empty: its first line is the password")
    return line


def _context(ca: str) -> ssl.SSLContext:
    path = Path(ca).expanduser() if ca else None
    try:
        if path is not None and not stat.S_ISREG(path.stat().st_mode):
            raise ConfigError(f"{path} (mqtt.ca) is no file with certificates")
        return ssl.create_default_context(cafile=path)
    except ssl.SSLError as error:  # an OSError, too
        raise ConfigError(f"{path} (mqtt.ca) is no file with certificates (PEM)") from error
    except OSError as error:
        raise ConfigError(f"{path} (mqtt.ca) cannot be read: {error.strerror}") from error


# ------------------------------------------------------------------ connecting


class Connection:
    """An open connection to the broker."""

    def __init__(self, broker: Broker, client: _Client) -> None:
        self._broker, self._client = broker, client
        self._one = asyncio.Lock()

    async def publish(self, topic: str, payload: bytes, *, retain: bool) -> int:
        """Send a message, and return the reason code with which the broker acknowledged it; 0 is fine.

        Raises `BrokerError` if the connection was lost, or if no acknowledgement comes in time.
        """
        async with self._one:  # so that the acknowledgement that came last is that of this message
            self._client.acknowledged = 0
            try:
                await self._client.publish(topic, payload, 1, retain)
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


class _Client(aiomqtt.Client):
    """aiomqtt's client, which also notes with which reason code a message was acknowledged."""

    acknowledged = 0

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
    broker: Broker, identifier: str, will: str | None = None, largest: int = LARGEST_BYTES
) -> AsyncGenerator[Connection, None]:
    """Connect to the broker during the block, by this identifier.

    `will` is the topic at which the broker says for us that we are offline, once the connection is lost. `largest` is
    the most bytes of a message that the broker may send. Raises `BrokerError` if it cannot be reached or refuses us.
    """
    await _knock(broker)
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho: types nearly everywhere
    properties.MaximumPacketSize = largest
    client = _Client(
        broker.host, broker.port, username=broker.user, password=broker.password, identifier=identifier,
        protocol=aiomqtt.ProtocolVersion.V5, will=None if will is None else aiomqtt.Will(will, OFFLINE, 1, retain=True),
        tls_context=broker.tls, timeout=WITHIN_S, keepalive=KEEPALIVE_S, properties=properties, logger=_quiet,
        max_queued_incoming_messages=MOST_WAITING,
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


async def _knock(broker: Broker) -> None:
    """Open a connection to the broker and close it again. Raises `BrokerError` if that fails.

    aiomqtt connects in a thread, which a broker that hangs would hold for minutes, and the end of the program with it.
    This waits no longer than it is told to, and its errors say more.
    """
    why: BaseException = TimeoutError()
    for address in await _addresses(broker):
        try:
            async with asyncio.timeout(WITHIN_S):
                _, writer = await asyncio.open_connection(
                    address, broker.port, ssl=broker.tls, server_hostname=broker.host if broker.tls else None
                )
        except (OSError, ValueError) as error:  # ValueError: a name that no certificate can have
            why = error
            continue
        writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(LEAVE_WITHIN_S):
                await writer.wait_closed()
        return
    raise BrokerError(_words(broker, why)) from why


async def _addresses(broker: Broker) -> Sequence[str]:
    """The addresses of the broker. A thread asks for them that nobody waits for at the end. Raises `BrokerError`."""
    loop, found = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()

    def note(answer: Sequence[str] | OSError) -> None:
        if not found.done():
            found.set_result(answer)

    def ask() -> None:
        answer: Sequence[str] | OSError
        try:
            rows = socket.getaddrinfo(broker.host, broker.port, type=socket.SOCK_STREAM)
            answer = list(dict.fromkeys(str(row[4][0]) for row in rows))
        except (OSError, UnicodeError) as error:  # UnicodeError: a label of more than 63 characters
            answer = error if isinstance(error, OSError) else socket.gaierror(socket.EAI_NONAME, "")
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(note, answer)

    threading.Thread(target=ask, name="where is the broker", daemon=True).start()
    try:
        async with asyncio.timeout(WITHIN_S):
            answer: Sequence[str] | OSError = await found
    except TimeoutError as error:
        raise BrokerError(f"nobody says in time where {broker.host} is: is this computer on the network?") from error
    if isinstance(answer, OSError):
        raise BrokerError(_words(broker, answer)) from answer
    return answer


# ------------------------------------------------------------------ in people's words


def _translated(broker: Broker, error: aiomqtt.MqttError) -> BrokerError:
    """The error of ours for one of aiomqtt's, which keeps what caused it in its context."""
    cause = error.__cause__ or error.__context__
    code = _code(cause) if _code(error) is None else _code(error)
    if code == TAKEN_OVER:
        return NameTaken(NAME_TAKEN)
    if code is not None:
        return BrokerError(_refusal(broker, code, error))
    if str(error) == "Operation timed out":  # aiomqtt has no other sign of it
        return BrokerError(f"{broker.place} does not answer as a broker does: is that its port? {_other_port(broker)}")
    if isinstance(cause, OSError):
        return BrokerError(_words(broker, cause))
    return BrokerError(f"the connection to {broker.place} was lost")


def _code(error: BaseException | None) -> int | None:
    """The reason code of MQTT 5 in an error, or the one of 3.1.1 with which a broker refuses a connection."""
    if not isinstance(error, aiomqtt.MqttCodeError):
        return None
    if isinstance(error.rc, ReasonCode):
        return error.rc.value
    return error.rc if isinstance(error, aiomqtt.exceptions.MqttConnectError) else None


def _refusal(broker: Broker, code: int, error: aiomqtt.MqttError) -> str:
    if code in {NOT_AUTHORIZED, WRONG_PASSWORD, 4, 5}:
        if broker.user is None:
            return f"{broker.place} wants a user and a password: mqtt.user and mqtt.password_file"
        return f"{broker.place} refuses the user {clean(broker.user)} or the password (mqtt.user, mqtt.password_file)"
    if code in OLD_VERSION:
        return f"{broker.place} speaks no MQTT 5: mosquitto does since version 1.6"
    return f"{broker.place} ended the connection: {clean(str(getattr(error, 'rc', code)))}"


def _words(broker: Broker, error: BaseException) -> str:
    """Why the broker cannot be reached, and what to do."""
    place = broker.place
    match error:
        case ssl.SSLCertVerificationError():
            return _certificate(broker, error)
        case ssl.SSLError():
            return f"{place} speaks no TLS at that port: with TLS it is mostly 8883. {CLEAR}"
        case socket.gaierror(errno=socket.EAI_AGAIN):
            return f"nobody says where {broker.host} is: is this computer on the network?"
        case socket.gaierror():
            return f"no computer called {broker.host} is found: `hipsync config set mqtt.host NAME` names another"
        case ConnectionRefusedError():
            return f"nothing answers at {place}: does the broker run, and is that its port?"
        case ConnectionResetError() | BrokenPipeError() | asyncio.IncompleteReadError():
            return f"{place} ends the connection at once: is that its port? {_other_port(broker)}"
        case TimeoutError():
            return f"{place} does not answer: is it on, and on this network?"
        case OSError(errno=errno.EAFNOSUPPORT):
            return "the service may use no network: `hipsync service install` writes its file again"
        case OSError(errno=errno.ENETUNREACH | errno.EHOSTUNREACH):
            return f"this computer has no way to {place}: is it on the network?"
        case _:
            return f"hipsync cannot connect to {place}: {clean(str(error), 200)}"


def _other_port(broker: Broker) -> str:
    return "its port without TLS is mostly 1883" if broker.tls else "its port with TLS is mostly 8883"


def _certificate(broker: Broker, error: ssl.SSLCertVerificationError) -> str:
    why = clean(str(error.verify_message), 200).rstrip(".")
    if "ostname mismatch" in why or "IP address mismatch" in why:
        return f"the certificate at {broker.place} is for another name: mqtt.host must be one that it has ({why})"
    if "expired" in why or "not yet valid" in why:
        return f"the certificate at {broker.place} does not hold today ({why}): make a new one, or set the clock"
    whom = "is not signed by anybody whom this computer trusts"
    return f"the certificate at {broker.place} {whom} ({why}): mqtt.ca names its CA's file"

"""The messages of one connection with a band of the newer generation: login, questions, and what it tells unasked.

::

    > 0082  04 02 00 02 <our public key>        < 0082  10 04 01 <random> <the band's public key>
    > 0082  05 <random, encrypted twice>        < 0082  10 05 01
    > 0000  03                                  < 0000  04 <which endpoints it has, and which want encryption>
    > 0029  03                                  < 0029  04 <battery>
                                                < 0015  03      is anybody there?
    > 0015  04

`listen` alone takes what comes over the channel. It sends receipts and answers at once, and puts the rest aside.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple

from hipsync.driver import Inbox, Link, Received
from hipsync.errors import MalformedPacket, NoReply, NotAuthorised, UnexpectedReply
from hipsync_devices import gatt
from hipsync_devices.huami import chunked, ecdh, endpoints
from hipsync_devices.huami.auth import answer
from hipsync_devices.huami.chunked import TO_BAND, TO_PHONE, Assembly, Keys, Message
from hipsync_devices.huami.endpoints import Challenge, Hello, Proof
from hipsync_devices.huami.packets import RESPONSE, SUCCESS, Battery

ANSWER_WITHIN = timedelta(seconds=10)
FOR_EVER = timedelta(days=1)
NO_PROOF = (
    "what answers at the band's address does not know the band's key: nothing of it is taken; "
    "look whether another device is near, and try again"
)


class Told(NamedTuple):
    """What a band told unasked, and when."""

    at: datetime
    endpoint: int | None
    """The endpoint whose message it is; None for a value of the standard's heart rate."""
    payload: bytes


class Channel:
    """Sends messages to the endpoints of one band and receives theirs, during one connection."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._heard = Assembly()
        self._handle = 0
        self._sequence = 0
        self._out: list[list[bytes]] = []
        """What was said and is not written yet: the chunks of each message."""
        self._saying, self._asking = link.lock(), link.lock()
        self._awaited: tuple[int, bytes] | None = None
        """The endpoint, and the beginning of the payload, of the message that somebody waits for."""
        self._answers: Inbox[bytes] = link.inbox(bytes)
        self.services: Mapping[int, bool] = {}
        """The endpoints that this band has, each with whether its messages are encrypted; none before `learn`."""
        self.told: Inbox[Told] = link.inbox(Told)
        """What the band tells unasked, while `watched`."""
        self.watched = False

    @classmethod
    def on(cls, link: Link) -> bool:
        """Whether the band has the two characteristics that a channel needs."""
        return link.has(TO_BAND) and link.has(TO_PHONE)

    # ------------------------------------------------------------------ listening

    async def listen(self) -> None:
        """Receive and answer what the band sends over the channel, until the connection ends.

        Raises `NotAuthorised` if the band does not prove that it knows its key where somebody waits for that.
        """
        while True:
            try:
                received = await self._link.notification(TO_PHONE, gatt.HEART_RATE_MEASUREMENT, timeout=FOR_EVER)
            except NoReply:
                continue
            if received.uuid == TO_PHONE:
                await self._take(received)
            elif self.watched:
                self.told.put(Told(received.at, None, received.data))

    async def _take(self, received: Received) -> None:
        chunk = received.data
        if chunk[:1] == bytes([chunked.RECEIPT]):
            return  # nothing is ever sent again, so receipts do not matter
        message = None
        try:
            message = self._heard.take(chunk)
        except MalformedPacket as error:
            if self._wants_proof() and chunk[1:2] and chunk[1] & chunked.ENCRYPTED:
                raise NotAuthorised(NO_PROOF) from error
        if (receipt := chunked.receipt_for(chunk)) is not None:
            await self._link.write(TO_PHONE, receipt.encode())
        if message is not None:
            await self._sort(message, received.at)

    def _wants_proof(self) -> bool:
        """Whether somebody waits for a message that only a band that knows its key can send."""
        return self._awaited is not None and self.services.get(self._awaited[0], False)

    async def _sort(self, message: Message, at: datetime) -> None:
        """Answer a message, or put it aside for who waits for it; the rest is dropped."""
        endpoint, payload = message.endpoint, message.payload
        genuine = message.encrypted or not self.services.get(endpoint, False)
        if self._awaited is not None and endpoint == self._awaited[0] and payload.startswith(self._awaited[1]):
            if not genuine:
                raise NotAuthorised(NO_PROOF)
            self._answers.put(payload)
        elif endpoint == endpoints.CONNECTION and payload == bytes([endpoints.PING]):
            await self._say(endpoint, bytes([endpoints.PONG]), encrypted=message.encrypted)
        elif self.watched and genuine:
            self.told.put(Told(at, endpoint, payload))

    # ------------------------------------------------------------------ saying

    async def say(self, endpoint: int, payload: bytes) -> None:
        """Send a message, encrypted if the band's list wants that, and wait for nothing."""
        await self._say(endpoint, payload, encrypted=self.services.get(endpoint, False))

    async def _say(self, endpoint: int, payload: bytes, *, encrypted: bool) -> None:
        self._handle = self._handle + 1 & 0xFF
        message = Message(self._handle, endpoint, payload, encrypted)
        self._out.append(chunked.encode(message, self._link.write_size, self._heard.keys, self._sequence))
        self._sequence += encrypted
        await self._flush()

    async def _flush(self) -> None:
        """Write what was said, in the order of its handles, of which the band misses none.

        One of several chunks is written to its end whatever becomes of this task. One of a single chunk stays if this
        task is cancelled, and comes before whatever is said next.
        """
        async with self._saying:
            while self._out:
                chunks = self._out[0]
                if len(chunks) > 1:
                    del self._out[0]
                    await self._link.write_whole(TO_BAND, chunks)
                else:
                    await self._link.write(TO_BAND, chunks[0])
                    del self._out[0]

    async def ask(self, endpoint: int, payload: bytes, begins: bytes = b"", within: timedelta = ANSWER_WITHIN) -> bytes:
        """Send a message, and return the payload of the endpoint's next message that begins with these bytes.

        Raises `NoReply` if none comes within that time. Raises `NotAuthorised` if it is to be encrypted and is not:
        only a band that knows its own key can encrypt it.
        """
        async with self._asking:
            self._answers.clear()
            self._awaited = endpoint, begins
            try:
                await self.say(endpoint, payload)
                return await self._answers.take(within)
            finally:
                self._awaited = None

    # ------------------------------------------------------------------ the login, and what follows it

    async def log_in(self, key: bytes, random: Callable[[int], bytes] = secrets.token_bytes) -> None:
        """Agree with the band on a key for this connection, and prove that we know the band's own key.

        `random` returns that many random bytes. Raises `NotAuthorised` if the key is wrong, and `DeviceError` for any
        other failure.
        """
        private = ecdh.private_key(random)
        await self._link.subscribe(TO_PHONE)
        said = await self.ask(endpoints.LOGIN, Hello(ecdh.public_key(private)).encode())
        if said[:2] == bytes([RESPONSE, endpoints.HELLO]) and said[2:3] != bytes([SUCCESS]):
            raise UnexpectedReply(f"the band refuses the newer login: {said[2:].hex() or 'no status'}")
        challenge = Challenge.decode(said)
        keys = Keys.agreed(ecdh.shared_secret(private, challenge.public), key)
        proof = Proof(answer(key, challenge.random), answer(keys.session, challenge.random))
        self._heard.keys, self._sequence = keys, keys.sequence
        _judge(await self.ask(endpoints.LOGIN, proof.encode()))

    async def learn(self) -> None:
        """Ask which endpoints the band has. Raises `DeviceError` if it does not say; then it has none for us."""
        said = await self.ask(endpoints.SERVICES, bytes([endpoints.ASK]), bytes([endpoints.ANSWER]))
        self.services = endpoints.decode_services(said)

    async def battery(self) -> Battery | None:
        """Ask for the battery; None if the band lists none, or if it makes no sense. Raises `NoReply`.

        Raises `NotAuthorised` if the answer is not encrypted, though the band wants it.
        """
        if endpoints.BATTERY not in self.services:
            return None
        said = await self.ask(endpoints.BATTERY, bytes([endpoints.ASK]), bytes([endpoints.ANSWER]))
        with suppress(MalformedPacket):
            return endpoints.decode_battery(said)
        return None


def _judge(said: bytes) -> None:
    if len(said) < 3 or said[:2] != bytes([RESPONSE, endpoints.PROOF]):
        raise MalformedPacket("not an answer to the proof of the newer login", said)
    if said[2] == endpoints.WRONG_KEY:
        raise NotAuthorised(
            "wrong key: the maker's app has given the band a new one since; give its key of now (`hipsync bands key`)"
        )
    if said[2] != SUCCESS:
        raise UnexpectedReply(f"the band refused the newer login with status 0x{said[2]:02x}")

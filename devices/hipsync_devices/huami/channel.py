"""The conversation with a band of the newer generation over chunked messages: its login and its battery.

::

    > 0082  04 02 00 02 <our public key>        < 0082  10 04 01 <random> <the band's public key>
    > 0082  05 <random, encrypted twice>        < 0082  10 05 01
    > 0000  03                                  < 0000  04 <which endpoints want encryption>
    > 0029  03                                  < 0029  04 <battery>
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta

from hipsync.driver import Link
from hipsync.errors import MalformedPacket, NotAuthorised, UnexpectedReply
from hipsync_devices.huami import chunked, ecdh, endpoints
from hipsync_devices.huami.auth import answer
from hipsync_devices.huami.chunked import TO_BAND, TO_PHONE, Assembly, Keys, Message
from hipsync_devices.huami.endpoints import Challenge, Hello, Proof
from hipsync_devices.huami.packets import RESPONSE, SUCCESS, Battery

ANSWER_WITHIN = timedelta(seconds=10)
NO_PROOF = (
    "what answers at the band's address does not know the band's key: nothing of it is taken; "
    "look whether another device is near, and try again"
)


class Channel:
    """Sends messages to the endpoints of one band and receives theirs, during one connection."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._heard = Assembly()
        self._handle = 0
        self._sequence = 0

    @classmethod
    def on(cls, link: Link) -> bool:
        """Whether the band has the two characteristics that a channel needs."""
        return link.has(TO_BAND) and link.has(TO_PHONE)

    async def say(self, endpoint: int, payload: bytes, *, encrypted: bool = False) -> None:
        self._handle = self._handle + 1 & 0xFF
        message = Message(self._handle, endpoint, payload, encrypted)
        for chunk in chunked.encode(message, self._link.write_size, self._heard.keys, self._sequence):
            await self._link.write(TO_BAND, chunk)
        self._sequence += encrypted

    async def hear(self, endpoint: int, *, sealed: bool = False) -> bytes:
        """Wait for the next message from an endpoint and return its payload; messages from others are ignored.

        With `sealed`, it must be encrypted with the key of this login: only a band that knows its own key can do that.
        Raises `NotAuthorised` if it is not, and `NoReply` if none comes within ten seconds.
        """
        until = self._link.now() + ANSWER_WITHIN
        while True:
            timeout = max(until - self._link.now(), timedelta(0))
            chunk = (await self._link.notification(TO_PHONE, timeout=timeout)).data
            if chunk[:1] == bytes([chunked.RECEIPT]):
                continue  # nothing is ever sent again, so receipts do not matter
            try:
                message = self._heard.take(chunk)
            except MalformedPacket as error:
                if sealed and chunk[1:2] and chunk[1] & chunked.ENCRYPTED:
                    raise NotAuthorised(NO_PROOF) from error
                raise
            if (receipt := chunked.receipt_for(chunk)) is not None:
                await self._link.write(TO_PHONE, receipt.encode())
            if message is not None and message.endpoint == endpoint:
                if sealed and not message.encrypted:
                    raise NotAuthorised(NO_PROOF)
                return message.payload

    async def log_in(self, key: bytes, random: Callable[[int], bytes] = secrets.token_bytes) -> None:
        """Agree with the band on a key for this connection, and prove that we know the band's own key.

        `random` returns that many random bytes. Raises `NotAuthorised` if the key is wrong, and `DeviceError` for any
        other failure.
        """
        private = ecdh.private_key(random)
        await self._link.subscribe(TO_PHONE)
        await self.say(endpoints.LOGIN, Hello(ecdh.public_key(private)).encode())
        said = await self.hear(endpoints.LOGIN)
        if said[:2] == bytes([RESPONSE, endpoints.HELLO]) and said[2:3] != bytes([SUCCESS]):
            raise UnexpectedReply(f"the band refuses the newer login: {said[2:].hex() or 'no status'}")
        challenge = Challenge.decode(said)
        keys = Keys.agreed(ecdh.shared_secret(private, challenge.public), key)
        proof = Proof(answer(key, challenge.random), answer(keys.session, challenge.random))
        await self.say(endpoints.LOGIN, proof.encode())
        _judge(await self.hear(endpoints.LOGIN))
        self._heard.keys, self._sequence = keys, keys.sequence

    async def battery(self) -> Battery:
        """Ask for the battery and return it; request and answer are encrypted if the band wants that.

        Raises `NotAuthorised` if the answer is not, though the band wants it.
        """
        await self.say(endpoints.SERVICES, bytes([endpoints.ASK]))
        services = endpoints.decode_services(await self.hear(endpoints.SERVICES))
        sealed = services.get(endpoints.BATTERY, False)
        await self.say(endpoints.BATTERY, bytes([endpoints.ASK]), encrypted=sealed)
        return endpoints.decode_battery(await self.hear(endpoints.BATTERY, sealed=sealed))

    async def close(self) -> None:
        """Stop receiving messages; the band stays logged in."""
        await self._link.unsubscribe(TO_PHONE)


def _judge(said: bytes) -> None:
    if len(said) < 3 or said[:2] != bytes([RESPONSE, endpoints.PROOF]):
        raise MalformedPacket("not an answer to the proof of the newer login", said)
    if said[2] == endpoints.WRONG_KEY:
        raise NotAuthorised(
            "wrong key: the maker's app has given the band a new one since; give its key of now (`hipsync bands key`)"
        )
    if said[2] != SUCCESS:
        raise UnexpectedReply(f"the band refused the newer login with status 0x{said[2]:02x}")

"""The messages of Garmin's own login, 5101 to 5112, in the directions in which the host sends and receives them.

======= ======================================================= ====================================================
message asks                                                    the rest of its answer
======= ======================================================= ====================================================
5101    watch: u8 | u32 algorithms                              u8 0 one in common | u8 a key is there | u32 algorithms
5102    host: 2 + 8 bytes that name a long-term key             u8 0 known
5103    watch: u8 | u16 seconds | 2 bytes | u8 mode             u8 0 | u8 FF, or a mode that the host cannot do
5104    host: confirm value, 16 bytes                           u8 0 | the watch's
5105    host: its random number, 16 bytes                       u8 0 | the watch's, or u8 2 if its confirm was wrong
5106    host: u8 0 both are right                               nothing
5107    watch: u8 | 32 bytes under the short-term key           u8 0 stored
5108    watch: 8 random bytes                                   u8 0 | 8 of the host's, or u8 1 without a key
5109    watch: u8 | 24 bytes under the session key              u8 0 right, 1 no session key, 2 wrong
5111    watch: 16 bytes under the session key                   16 bytes under it
5112    watch: a passkey by another way                         u8 1 not taken
======= ======================================================= ====================================================

Source: seofernando25/garmin-proto-lab at 501817c3, `spec/PROTOCOL.md` P-0201 to P-0212, and at 2b6c3d67,
`tests/test_auth_messages.py`. Nobody has tried it on a watch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum
from typing import NamedTuple

from hipsync.errors import MalformedPacket
from hipsync_devices.garmin import cipher
from hipsync_devices.garmin.cipher import KEY_BYTES
from hipsync_devices.garmin.gfdi import Answer, Said

XXTEA = 1
"""The bit of the one algorithm that is in use."""
NEGOTIATION = b"\0" + XXTEA.to_bytes(4, "little")
"""Message 5101 as the host sends it, to begin anew when the watch does not know the long-term key any more."""
HAS_KEY = bytes([0, 1]) + XXTEA.to_bytes(4, "little")
"""The rest of the answer to 5101 where a long-term key is kept. Without one it is `gfdi.authenticated`."""
WITHIN, AT_MOST = timedelta(seconds=30), timedelta(seconds=90)
"""How long a watch waits for digits that names no time, and how long a person is waited for at most: in Garmin's app a
whole pairing has as long."""
RANDOM_BYTES, SHARE_BYTES, IV_BYTES = 16, 8, 4
TAKEN = b"\0"
GOES_ON = b"\0\xff"
"""The rest of the answer to 5103 for a mode that the host can do."""
NO_KEY, WRONG, REFUSED = b"\1", b"\2", b"\1"
WRONG_CONFIRM = 2
"""How a watch answers 5105 if what the host has confirmed was not that."""


class Mode(IntEnum):
    """How a watch wants to be paired."""

    DIGITS = 0
    JUST_WORKS = 1
    OUT_OF_BAND = 2


def algorithms(payload: bytes) -> int:
    """Decode message 5101 to the bits of the algorithms that the watch knows. Raises `MalformedPacket`."""
    if len(payload) < 5:
        raise MalformedPacket("a question for authentication that is cut off", payload)
    return int.from_bytes(payload[1:5], "little")


class Begin(NamedTuple):
    """Message 5103: the watch wants to be paired, in this mode, and waits so long for its digits."""

    mode: int
    within: timedelta

    @classmethod
    def decode(cls, payload: bytes) -> Begin:
        """Decode the payload. Raises `MalformedPacket`."""
        if len(payload) < 6:
            raise MalformedPacket("the begin of a pairing that is cut off", payload)
        within = timedelta(seconds=int.from_bytes(payload[1:3], "little")) or WITHIN
        return cls(payload[5], min(within, AT_MOST))


def is_taken(answer: Answer) -> bool:
    """Return whether a watch has taken a message, and what it asks for."""
    return answer.status == Said.ACK and answer.rest[:1] == TAKEN


def value(answer: Answer) -> bytes:
    """Decode the answer to 5104 or 5105 to the watch's 16 bytes. Raises `MalformedPacket` if there are none."""
    if not is_taken(answer) or len(answer.rest) < 1 + RANDOM_BYTES:
        raise MalformedPacket("the watch does not go on with its pairing", answer.encode())
    return answer.rest[1 : 1 + RANDOM_BYTES]


@dataclass(frozen=True, slots=True)
class LongTerm:
    """What a watch hands over once and knows us by for ever: a key, and the ten bytes that name it."""

    key: bytes = field(repr=False)
    name: bytes
    """Two bytes that Bluetooth calls EDIV, and eight that it calls RAND."""

    def encode(self) -> bytes:
        """Return the 26 bytes that are kept."""
        return self.key + self.name

    @classmethod
    def kept(cls, secret: bytes | None) -> LongTerm | None:
        """Return what was kept; None if nothing was, or it cannot be read, so that the watch is paired anew.

        A key alone, of 16 bytes, has a name of zeros: it was given to a practice watch.
        """
        if secret is None or len(secret) not in {KEY_BYTES, KEY_BYTES + _NAME_BYTES}:
            return None
        return cls(secret[:KEY_BYTES], secret[KEY_BYTES:].ljust(_NAME_BYTES, b"\0"))

    @classmethod
    def decode(cls, payload: bytes, short_term_key: bytes) -> LongTerm:
        """Decode message 5107, of which the last 6 of 32 bytes mean nothing. Raises `MalformedPacket`."""
        if len(payload) < 33:
            raise MalformedPacket("a long-term key that is cut off", payload)
        plain = cipher.decrypt(payload[1:33], short_term_key)
        return cls(plain[:KEY_BYTES], plain[KEY_BYTES : KEY_BYTES + _NAME_BYTES])


_NAME_BYTES = 10


def share(payload: bytes) -> bytes:
    """Decode message 5108 to the watch's eight random bytes. Raises `MalformedPacket`."""
    if len(payload) < SHARE_BYTES:
        raise MalformedPacket("a share of a session key that is cut off", payload)
    return payload[:SHARE_BYTES]


def verified(payload: bytes, session_key: bytes) -> bytes:
    """Decode message 5109 to the session key as the watch has it. Raises `MalformedPacket`."""
    if len(payload) < 25:
        raise MalformedPacket("a verification that is cut off", payload)
    return cipher.decrypt(payload[1:25], session_key)[:KEY_BYTES]


class Secure(NamedTuple):
    """Message 5111 and its answer: what marks the messages of its sender from then on."""

    selector: int
    """A number that the answer repeats."""
    iv: bytes
    """Four bytes."""

    def encode(self, session_key: bytes, random: bytes) -> bytes:
        """Return the rest of the answer; `random` are four bytes that fill it."""
        return cipher.encrypt(bytes([self.selector]) + bytes(7) + self.iv + random, session_key)

    @classmethod
    def decode(cls, payload: bytes, session_key: bytes) -> Secure:
        """Decode the payload. Raises `MalformedPacket`."""
        if len(payload) < 16:
            raise MalformedPacket("a secure session that is cut off", payload)
        plain = cipher.decrypt(payload[:16], session_key)
        return cls(plain[0], plain[8 : 8 + IV_BYTES])

"""Messages in chunks, in both directions: the newer generation (later Mi Band 6, Mi Band 7, Zepp OS).

A message is for an endpoint, and may be encrypted. Numbers are little-endian::

    first     03 <flags> 00 <handle> 00 <length u32> <endpoint u16> <data ...>
    others    03 <flags> 00 <handle> <number> <data ...>
    receipt   04 00 <handle> 01 <number>                to a chunk that asks for one

`length` is that of the payload before encryption. Source: public clients and logs of these bands; bytes that others
recorded or assert are in `tests/devices`. A few early models omit the third byte; they are not supported.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from struct import Struct

from hipsync.errors import MalformedPacket
from hipsync_devices.huami.auth import decrypted, encrypted
from hipsync_devices.huami.packets import vendor

TO_BAND, TO_PHONE = vendor(0x0016), vendor(0x0017)
CHUNK, RECEIPT = 0x03, 0x04
FIRST, LAST, WANTS_RECEIPT, ENCRYPTED = 0x01, 0x02, 0x04, 0x08
MOST_CHUNKS = 256
"""The most chunks that a message can have, because a chunk has its number in one byte."""
_OTHERS = Struct("<BBxBB")
_FIRST = Struct("<BBxBBIH")


@dataclass(frozen=True, slots=True)
class Message:
    handle: int
    """The number of the message in its direction, in one byte; the first message of a login has 1."""
    endpoint: int
    payload: bytes
    """The payload before encryption."""
    encrypted: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to a chunk, which says that the chunk arrived."""

    handle: int
    number: int

    def encode(self) -> bytes:
        return bytes([RECEIPT, 0, self.handle, 1, self.number])

    @classmethod
    def decode(cls, data: bytes) -> Receipt:
        if len(data) != 5 or data[0] != RECEIPT:
            raise MalformedPacket("not a receipt for a chunk", data)
        return cls(data[2], data[4])


@dataclass(frozen=True, slots=True)
class Keys:
    """What both ends have agreed on after a login: the session's key, and the first number of encrypted messages."""

    session: bytes
    sequence: int
    """The number that the first encrypted message has."""

    @classmethod
    def agreed(cls, shared: bytes, key: bytes) -> Keys:
        """Return the keys that follow from the shared secret (48 bytes) and the band's key (16 bytes)."""
        session = bytes(a ^ b for a, b in zip(shared[8:24], key, strict=True))
        return cls(session, int.from_bytes(shared[:4], "little"))

    def seal(self, handle: int, payload: bytes, sequence: int) -> bytes:
        """Encrypt a payload together with the message's number and a checksum, in blocks of 16 bytes."""
        numbered = payload + (sequence & 0xFFFF_FFFF).to_bytes(4, "little")
        whole = numbered + zlib.crc32(numbered).to_bytes(4, "little")
        return encrypted(self._of(handle), whole + bytes(-len(whole) % 16))

    def unseal(self, handle: int, blocks: bytes, length: int) -> bytes:
        """Decrypt a payload of `length` bytes. Raises `MalformedPacket`.

        The number of the message is decrypted, but nobody checks its order.
        """
        if len(blocks) % 16 or not length + 8 <= len(blocks) < length + 24:
            raise MalformedPacket(f"not the encrypted form of {length} bytes", blocks)
        whole = decrypted(self._of(handle), blocks)
        if zlib.crc32(whole[: length + 4]) != int.from_bytes(whole[length + 4 : length + 8], "little"):
            raise MalformedPacket("an encrypted message that does not fit its checksum", blocks)
        return whole[:length]

    def _of(self, handle: int) -> bytes:
        return bytes(byte ^ handle for byte in self.session)


def encode(
    message: Message, room: int, keys: Keys | None = None, sequence: int = 0, *, wants_receipt: bool = True
) -> list[bytes]:
    """Split a message into chunks of at most `room` bytes; `wants_receipt` asks for a receipt of the last chunk.

    An encrypted message gets the number `sequence`. Raises `ValueError` if it is to be encrypted without `keys`, or if
    it needs too many chunks.
    """
    body, sealed = message.payload, 0
    if message.encrypted:
        if keys is None:
            raise ValueError("without keys nothing can be encrypted")
        body, sealed = keys.seal(message.handle, body, sequence), ENCRYPTED
    first = room - _FIRST.size
    parts = [
        body[:first],
        *(body[at : at + room - _OTHERS.size] for at in range(first, len(body), room - _OTHERS.size)),
    ]
    if len(parts) > MOST_CHUNKS:
        raise ValueError(f"{len(body)} bytes are too many for a message")
    chunks: list[bytes] = []
    for number, part in enumerate(parts):
        flags = sealed
        if number + 1 == len(parts):
            flags |= LAST | (WANTS_RECEIPT if wants_receipt else 0)
        if number:
            head = _OTHERS.pack(CHUNK, flags, message.handle, number)
        else:
            head = _FIRST.pack(CHUNK, flags | FIRST, message.handle, 0, len(message.payload), message.endpoint)
        chunks.append(head + part)
    return chunks


class Assembly:
    """Joins the chunks of one direction to messages. A message with a lost, doubled or misplaced chunk is dropped."""

    def __init__(self) -> None:
        self.keys: Keys | None = None
        self._handle = self._length = self._endpoint = self._next = 0
        self._parts: list[bytes] | None = None

    def take(self, chunk: bytes) -> Message | None:
        """Take a chunk and return the message that it completes; None if it completes none.

        Raises `MalformedPacket` for a damaged chunk or message; the next message can be received all the same.
        """
        if len(chunk) < _OTHERS.size or chunk[0] != CHUNK:
            raise MalformedPacket("not a chunk", chunk)
        _, flags, handle, number = _OTHERS.unpack_from(chunk)
        if flags & FIRST:
            self._parts = None
            if len(chunk) < _FIRST.size:
                raise MalformedPacket("a first chunk without length and endpoint", chunk)
            *_, self._length, self._endpoint = _FIRST.unpack_from(chunk)
            self._handle, self._next, self._parts = handle, 0, []
        if self._parts is None or (handle, number) != (self._handle, self._next):
            self._parts = None
            return None
        self._parts.append(chunk[_FIRST.size if flags & FIRST else _OTHERS.size :])
        self._next += 1
        if not flags & LAST:
            return None
        body, self._parts = b"".join(self._parts), None
        return self._whole(body, sealed=bool(flags & ENCRYPTED))

    def _whole(self, body: bytes, *, sealed: bool) -> Message:
        if sealed:
            if self.keys is None:
                raise MalformedPacket("an encrypted message before the login", body)
            body = self.keys.unseal(self._handle, body, self._length)
        elif len(body) != self._length:
            raise MalformedPacket(f"a message of {self._length} bytes that has another length", body)
        return Message(self._handle, self._endpoint, body, sealed)


def receipt_for(chunk: bytes) -> Receipt | None:
    """Return the receipt for a chunk; None if the chunk does not ask for one."""
    if len(chunk) < _OTHERS.size or chunk[0] != CHUNK or not chunk[1] & WANTS_RECEIPT:
        return None
    return Receipt(chunk[3], chunk[4])

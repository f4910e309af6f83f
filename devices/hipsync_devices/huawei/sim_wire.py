"""The wire as a simulated band writes and reads it, apart from the codec, of which it shares the constants alone.

A band that was written with the driver's own functions would agree with it in every mistake.
"""

from __future__ import annotations

from binascii import crc_hqx
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MOST_WAITING = 70_000
"""The most bytes that wait for the rest of a message; a band with more drops them."""
Tagged = tuple[int, bytes]


class Heard(NamedTuple):
    """A message from the client, as it came."""

    service: int
    command: int
    body: bytes


class Unreadable(Exception):
    """The client sent what is no field, no frame or no sealed body; a band answers it with a result."""


# ------------------------------------------------------------------ fields


def field(tag: int, *parts: bytes) -> bytes:
    """Return one field. Its length takes one byte, or two or three with the top bit set in all but the last."""
    value = b"".join(parts)
    size = len(value)
    if size < 0x80:
        return bytes([tag, size]) + value
    if size < 0x4000:
        return bytes([tag, 0x80 | size >> 7, size & 0x7F]) + value
    return bytes([tag, 0x80 | size >> 14, 0x80 | size >> 7 & 0x7F, size & 0x7F]) + value


def number(tag: int, value: int, size: int) -> bytes:
    return field(tag, value.to_bytes(size, "big"))


def fields(body: bytes) -> list[Tagged]:
    """Return the fields of a body. Raises `Unreadable`."""
    found: list[Tagged] = []
    rest = iter(body)
    for tag in rest:
        size, more = 0, True
        while more:
            byte = next(rest, None)
            if byte is None or size >= 1 << 21:
                raise Unreadable
            size, more = size << 7 | byte & 0x7F, byte >= 0x80
        value = bytes(byte for _, byte in zip(range(size), rest, strict=False))  # in this order none too many is taken
        if len(value) < size:
            raise Unreadable
        found.append((tag, value))
    return found


def first(found: Sequence[Tagged], tag: int) -> bytes:
    """Return the first value with a tag. Raises `Unreadable` if there is none."""
    for held, value in found:
        if held == tag:
            return value
    raise Unreadable


# ------------------------------------------------------------------ frames


def framed(said: Heard, slice_size: int) -> list[bytes]:
    """Return the frames of a message."""
    content = bytes([said.service, said.command]) + said.body
    most = slice_size - 7
    if len(content) <= most:
        return [_closed(b"\0" + content)]
    out: list[bytes] = []
    while content:
        piece, content = content[:most], content[most:]
        kind = 1 if not out else 2 if content else 3
        out.append(_closed(bytes([kind, len(out) % 256]) + piece))
    return out


def _closed(inside: bytes) -> bytes:
    frame = b"\x5a" + len(inside).to_bytes(2, "big") + inside
    return frame + crc_hqx(frame, 0).to_bytes(2, "big")


class Ear:
    """Hears the client's bytes. What is no frame is dropped without a word, as a band does."""

    def __init__(self) -> None:
        self._bytes = b""
        self._content = b""

    def hear(self, data: bytes) -> Iterator[Heard]:
        self._bytes += data
        while self._bytes:
            if self._bytes[0] != 0x5A or len(self._bytes) > MOST_WAITING:
                self._bytes = b""
                return
            if len(self._bytes) < 3:
                return
            end = int.from_bytes(self._bytes[1:3], "big") + 5
            if len(self._bytes) < end:
                return
            frame, self._bytes = self._bytes[:end], self._bytes[end:]
            if crc_hqx(frame, 0) == 0 and end >= 7:  # a frame with its checksum behind it leaves no remainder
                yield from self._frame(frame[3], frame[4:-2])

    def _frame(self, kind: int, inside: bytes) -> Iterator[Heard]:
        if kind == 0:
            self._content = inside
        elif kind == 1:
            self._content = inside[1:]
        else:
            self._content += inside[1:]
        if kind in {0, 3} and len(self._content) >= 2:
            yield Heard(self._content[0], self._content[1], self._content[2:])


# ------------------------------------------------------------------ seals


class Seal(NamedTuple):
    """How the messages of one connection are sealed."""

    key: bytes
    gcm: bool

    def close(self, iv: bytes, plain: bytes) -> bytes:
        if self.gcm:
            return AESGCM(self.key).encrypt(iv, plain, None)
        padded = plain + bytes([16 - len(plain) % 16]) * (16 - len(plain) % 16)
        maker = Cipher(algorithms.AES(self.key), modes.CBC(iv)).encryptor()
        return maker.update(padded) + maker.finalize()

    def open(self, iv: bytes, text: bytes) -> bytes:
        """Return what was sealed. Raises `Unreadable`."""
        try:
            if self.gcm:
                return AESGCM(self.key).decrypt(iv, text, None)
            maker = Cipher(algorithms.AES(self.key), modes.CBC(iv)).decryptor()
            padded = maker.update(text) + maker.finalize()
        except (ValueError, InvalidTag) as error:
            raise Unreadable from error
        if not padded or not 1 <= padded[-1] <= 16:
            raise Unreadable
        return padded[: -padded[-1]]

    def sealed(self, iv: bytes, body: bytes) -> bytes:
        return field(0x7C, b"\1") + field(0x7D, iv) + field(0x7E, self.close(iv, body))

    def opened(self, body: bytes) -> bytes:
        """Return a body that must be sealed. Raises `Unreadable`."""
        found = fields(body)
        if first(found, 0x7C) != b"\1":
            raise Unreadable
        return self.open(first(found, 0x7D), first(found, 0x7E))

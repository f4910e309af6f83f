"""Protobuf, as far as these bands speak it: varints, 32-bit words, and byte strings that may hold messages themselves.

::

    key varint = field << 3 | wire type
    0  varint           up to ten bytes, seven bits each, lowest first
    1  eight bytes      skipped
    2  varint length, bytes
    5  four bytes

It is written here and not taken from the library `protobuf`: that one reads nothing without code made from the maker's
message files, which are not ours to copy, and a handful of layouts with known field numbers needs none. Each level is
parsed when it is asked for, so nothing recurses, and the work is linear in the bytes. Groups (3, 4) are refused.

Source: the page "Encoding" of protobuf.dev; that these bands want fields written even when they are 0, Gadgetbridge and
AstroBox show alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct

from hipsync.errors import MalformedPacket

VARINT, EIGHT_BYTES, BYTES, FOUR_BYTES = 0, 1, 2, 5
MOST_VARINT = 10
"""The most bytes of a varint: ten have seven bits each for 64."""
_FLOAT = Struct("<f")


class Fields:
    """The fields of one message, by number. Of a field that comes several times, the last one counts.

    A field that is absent is None; one of another wire type raises `MalformedPacket`.
    """

    def __init__(self, data: bytes = b"") -> None:
        self._data = data
        self._found: dict[int, list[int | bytes]] = {}
        at = 0
        while at < len(data):
            key, at = _varint(data, at)
            value, at = _value(data, at, key & 7)
            self._found.setdefault(key >> 3, []).append(value)

    def number(self, field: int) -> int | None:
        """Return a varint, or the bits of a 32-bit word, as an unsigned number."""
        value = self._found.get(field, [None])[-1]
        if isinstance(value, bytes):
            raise MalformedPacket(f"field {field} ought to be a number", self._data)
        return value

    def blob(self, field: int) -> bytes | None:
        return next(reversed(self.blobs(field)), None)

    def blobs(self, field: int) -> list[bytes]:
        """Return all values of a field of bytes, in order."""
        values = self._found.get(field, [])
        blobs = [value for value in values if isinstance(value, bytes)]
        if len(blobs) < len(values):
            raise MalformedPacket(f"field {field} ought to be bytes", self._data)
        return blobs

    def at(self, *path: int) -> Fields:
        """Return the message at a path of fields; one without fields if any of them is absent."""
        here = self
        for field in path:
            here = Fields(here.blob(field) or b"")
        return here

    def has(self, field: int) -> bool:
        return field in self._found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place, byte in enumerate(data[at : at + MOST_VARINT]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at + place + 1
    raise MalformedPacket("a varint does not end", data)


def _value(data: bytes, at: int, wire: int) -> tuple[int | bytes, int]:
    if wire == VARINT:
        return _varint(data, at)
    if wire == BYTES:
        length, at = _varint(data, at)
    elif wire in {EIGHT_BYTES, FOUR_BYTES}:
        length = 8 if wire == EIGHT_BYTES else 4
    else:
        raise MalformedPacket(f"wire type {wire}", data)
    value, end = data[at : at + length], at + length
    if end > len(data):
        raise MalformedPacket("a field is longer than its message", data)
    return value if wire == BYTES else int.from_bytes(value, "little"), end


# ------------------------------------------------------------------ writing


def varint(value: int) -> bytes:
    """Return a number from 0 up as a varint. Raises `ValueError` for a negative one."""
    if value < 0:
        raise ValueError("a negative number has no varint here: see zigzag")
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field: int, value: int) -> bytes:
    """Return a field with a number, also if that is 0."""
    return varint(field << 3 | VARINT) + varint(value)


def zigzag(field: int, value: int) -> bytes:
    """Return a field with a number that may be negative: 0, -1, 1, -2 are written as 0, 1, 2, 3."""
    return number(field, 2 * value if value >= 0 else -2 * value - 1)


def float32(field: int, value: float) -> bytes:
    return varint(field << 3 | FOUR_BYTES) + _FLOAT.pack(value)


def blob(field: int, value: bytes | str) -> bytes:
    """Return a field with bytes or a text in UTF-8, also if that is empty."""
    data = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | BYTES) + varint(len(data)) + data


def message(field: int, parts: Iterable[bytes]) -> bytes:
    """Return a field with a message, whose fields are given in order."""
    return blob(field, b"".join(parts))

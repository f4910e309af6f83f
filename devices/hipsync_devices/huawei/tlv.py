"""Fields of a tag, a length and a value, of which nearly all bodies of messages consist.

A tag has one byte. A length is a varint: seven bits a byte, the most significant group first, and the top bit says that
more follow. By custom a tag with the top bit set holds fields itself. A tag may repeat, so fields are a list. A single
00 at the end is padding. Source: docs/protocols/huawei.md, 3.4.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from hipsync.errors import MalformedPacket

LONGEST = (1 << 21) - 1
"""The greatest length in bytes of a value: what three groups of a varint hold. No message is nearly as long."""
WIDEST = 8
"""The most bytes of a whole number; the widest one in the protocol is the number of a HiChain request."""


class Field(NamedTuple):
    tag: int
    value: bytes = b""


def varint(number: int) -> bytes:
    """Return a length as a varint. Raises `ValueError` unless it is 0 to `LONGEST`."""
    if not 0 <= number <= LONGEST:
        raise ValueError(f"{number} is no length of a value")
    groups = [number & 0x7F]
    while number := number >> 7:
        groups.append(number & 0x7F | 0x80)
    return bytes(reversed(groups))


def decode_varint(data: bytes, at: int = 0) -> tuple[int, int]:
    """Return the varint at an index, and the index after it. Raises `MalformedPacket` if it is cut or too long."""
    number = 0
    for index in range(at, min(at + 3, len(data))):
        number = number << 7 | data[index] & 0x7F
        if data[index] < 0x80:
            return number, index + 1
    raise MalformedPacket("a length that is cut or too long", data)


def encode(*fields: tuple[int, bytes]) -> bytes:
    """Return fields as bytes, in this order."""
    return b"".join(bytes([tag]) + varint(len(value)) + value for tag, value in fields)


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a message or of a value, in their order; `raw` are the bytes that they were read from."""

    held: tuple[Field, ...]
    raw: bytes

    @classmethod
    def decode(cls, data: bytes) -> Fields:
        """Decode fields. Raises `MalformedPacket` if one is cut. Values that hold fields are read by `inside`."""
        held: list[Field] = []
        at, end = 0, len(data)
        while at < end and not (at == end - 1 and data[at] == 0):
            tag = data[at]
            size, start = decode_varint(data, at + 1)
            at = start + size
            if at > end:
                raise MalformedPacket(f"a value of {size} bytes that is cut", data)
            held.append(Field(tag, data[start:at]))
        return cls(tuple(held), data)

    def find(self, tag: int) -> bytes | None:
        """Return the first value with this tag; None if there is none."""
        return next((value for held, value in self.held if held == tag), None)

    def all(self, tag: int) -> list[bytes]:
        """Return all values with this tag, in their order."""
        return [value for held, value in self.held if held == tag]

    def value(self, tag: int) -> bytes:
        """Return the first value with this tag. Raises `MalformedPacket` if there is none."""
        if (value := self.find(tag)) is None:
            raise MalformedPacket(f"no field {tag:02X}", self.raw)
        return value

    def number(self, tag: int, default: int | None = None) -> int:
        """Return the first value with this tag as a whole number, big-endian and without a sign.

        Raises `MalformedPacket` if it is empty or longer than eight bytes, or if it is absent and `default` is None.
        """
        value = self.find(tag)
        if value is None and default is not None:
            return default
        value = self.value(tag)
        if not 0 < len(value) <= WIDEST:
            raise MalformedPacket(f"field {tag:02X} is no number", self.raw)
        return int.from_bytes(value, "big")

    def inside(self, tag: int) -> Iterator[Fields]:
        """Yield the fields within each value with this tag. Raises `MalformedPacket` if one of them is cut."""
        return (Fields.decode(value) for value in self.all(tag))

    def only(self, tag: int) -> Fields:
        """Return the fields within the first value with this tag. Raises `MalformedPacket` if there is none."""
        return Fields.decode(self.value(tag))

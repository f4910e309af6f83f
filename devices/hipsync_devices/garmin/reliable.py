"""The reliable form of a Multi-Link service (MLR), in which each packet has a number and tells what has come.

hipsync never asks for it. A watch that answers a plain registration with a reliable handle is understood all the same::

    byte 0   1 | handle (3 bits) | next number expected, high 4 bits
    byte 1   next number expected, low 2 bits | own number (6 bits)

A packet of these two bytes only acknowledges. Numbers are modulo 64. Source: seofernando25/garmin-proto-lab at
501817c3, `spec/PROTOCOL.md` P-0702, and zoop-dev/pulse at 27d6e921, whose packets agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from hipsync.errors import MalformedPacket

RELIABLE = 0x80
NUMBERS = 64
HEAD = 2


class Packet(NamedTuple):
    """One packet: its handle, the number that its sender expects next, its own number, and what it carries."""

    handle: int
    expected: int
    number: int
    payload: bytes = b""

    def encode(self) -> bytes:
        first = RELIABLE | (self.handle & 0x07) << 4 | self.expected >> 2
        return bytes([first, (self.expected & 0x03) << 6 | self.number]) + self.payload

    @classmethod
    def decode(cls, data: bytes) -> Packet:
        """Decode a packet; its handle has bit 7 set. Raises `MalformedPacket`."""
        if len(data) < HEAD or not data[0] & RELIABLE:
            raise MalformedPacket("not a packet of the reliable form", data)
        handle = RELIABLE | data[0] >> 4 & 0x07
        return cls(handle, (data[0] & 0x0F) << 2 | data[1] >> 6, data[1] & 0x3F, data[HEAD:])


class Ends:
    """One side of a reliable handle: what it sends next, and what it expects."""

    def __init__(self, handle: int) -> None:
        self._handle = RELIABLE | handle & 0x07
        self._number = self.expected = 0

    def is_for(self, packet: bytes) -> bool:
        """Return whether a packet, which is not empty, belongs to this handle."""
        return bool(packet[0] & RELIABLE) and RELIABLE | packet[0] >> 4 & 0x07 == self._handle

    def send(self, data: bytes, write_size: int) -> Iterator[bytes]:
        """Yield the packets that carry some data, each of at most `write_size` bytes."""
        room = max(write_size - HEAD, 1)
        for at in range(0, len(data), room):
            yield Packet(self._handle, self.expected, self._number, data[at : at + room]).encode()
            self._number = (self._number + 1) % NUMBERS

    def take(self, packet: Packet) -> bytes:
        """Return what a packet carries; nothing if it is not the one that is expected next, or only acknowledges."""
        if not packet.payload or packet.number != self.expected:
            return b""
        self.expected = (self.expected + 1) % NUMBERS
        return packet.payload

    def acknowledgement(self) -> bytes:
        """Return a packet that only tells what has come."""
        return Packet(self._handle, self.expected, 0).encode()

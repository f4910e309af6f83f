"""Bytes of the band, both ways: a frame is a command, its payload, and the low byte of their sum.

Source: none, for nobody makes this band. Here stand repository, commit and file, or whose recording it was.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Self

from hipsync.errors import MalformedPacket

SERVICE = "b10e0001-0000-4000-8000-00805f9b34fb"
WRITE = "b10e0002-0000-4000-8000-00805f9b34fb"
NOTIFY = "b10e0003-0000-4000-8000-00805f9b34fb"

SET_TIME, BATTERY, FETCH, FORGET, TOTAL, BUZZ = range(1, 7)
"""Commands; each answer has the number of its command, and `TOTAL` comes unasked too."""
SLOT = timedelta(minutes=10)
"""The slots begin at the full tens of minutes of UTC."""
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class Frame(NamedTuple):
    command: int
    payload: bytes = b""

    def encode(self) -> bytes:
        body = bytes([self.command]) + self.payload
        return body + bytes([sum(body) & 0xFF])

    @classmethod
    def decode(cls, data: bytes) -> Self:
        if len(data) < 2 or sum(data[:-1]) & 0xFF != data[-1]:
            raise MalformedPacket("not a frame with a right sum", data)
        return cls(data[0], data[1:-1])


class Slot(NamedTuple):
    """A part of the answer to `FETCH`: `u32 start, u16 steps`, little-endian."""

    start: datetime
    steps: int

    def encode(self) -> bytes:
        return encode_instant(self.start) + self.steps.to_bytes(2, "little")

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        start = decode_instant(payload[:4])
        if len(payload) != 6 or (start - BEGINNING) % SLOT:
            raise MalformedPacket("not a slot of ten minutes", payload)
        return cls(start, int.from_bytes(payload[4:], "little"))


def decode_fetched(payload: bytes) -> Slot | int:
    """A slot; or how many were sent, `u16` little-endian, which ends the answer."""
    return int.from_bytes(payload, "little") if len(payload) == 2 else Slot.decode(payload)


def encode_instant(instant: datetime) -> bytes:
    """`u32` little-endian: seconds since 1970 in UTC."""
    return int(instant.timestamp()).to_bytes(4, "little")


def decode_instant(payload: bytes) -> datetime:
    """Inverse of `encode_instant`, to the second."""
    if len(payload) != 4:
        raise MalformedPacket("an instant has four bytes", payload)
    return BEGINNING + timedelta(seconds=int.from_bytes(payload, "little"))


def decode_steps(payload: bytes) -> int:
    """The payload of `TOTAL`: `u32` little-endian, since midnight in UTC."""
    if len(payload) != 4:
        raise MalformedPacket("a total has four bytes", payload)
    return int.from_bytes(payload, "little")


def decode_percent(payload: bytes) -> int:
    if len(payload) != 1 or payload[0] > 100:
        raise MalformedPacket("a battery level is one byte of at most 100", payload)
    return payload[0]

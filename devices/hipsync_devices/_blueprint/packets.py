"""The bytes of the blueprint's band, in both directions.

A frame is a command, its payload, and the low byte of their sum.

Source: none, because nobody makes this band. In a copy, name the repository, commit and file here, or say who recorded
the bytes.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Self

from hipsync.errors import MalformedPacket

SERVICE = "b10e0001-0000-4000-8000-00805f9b34fb"
WRITE = "b10e0002-0000-4000-8000-00805f9b34fb"
NOTIFY = "b10e0003-0000-4000-8000-00805f9b34fb"

SET_TIME, BATTERY, FETCH, FORGET, TOTAL, BUZZ = range(1, 7)
"""Numbers of the commands. An answer has the number of its command; the band also sends `TOTAL` without being asked."""
SLOT = timedelta(minutes=10)
"""The length of a slot. Slots begin at every full ten minutes, in UTC."""
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
    """One slot in the answer to `FETCH`: `u32 start, u16 steps`, little-endian; see `encode_instant` for the start."""

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
    """Decode a part of the answer to `FETCH`: a slot or, in the last part, the number of slots sent.

    The number is `u16` little-endian. Raises `MalformedPacket` for anything else.
    """
    return int.from_bytes(payload, "little") if len(payload) == 2 else Slot.decode(payload)


def encode_instant(instant: datetime) -> bytes:
    """Encode an instant as the seconds since 1970 in UTC, `u32` little-endian; fractions of a second are cut off.

    From 2106 on the number begins again at 0.
    """
    return (int(instant.timestamp()) & 0xFFFF_FFFF).to_bytes(4, "little")


def decode_instant(payload: bytes) -> datetime:
    """Decode an instant that `encode_instant` encoded, in UTC. Raises `MalformedPacket` unless there are four bytes."""
    if len(payload) != 4:
        raise MalformedPacket("an instant has four bytes", payload)
    return BEGINNING + timedelta(seconds=int.from_bytes(payload, "little"))


def decode_steps(payload: bytes) -> int:
    """Decode the payload of `TOTAL`: the steps since midnight in UTC, `u32` little-endian; more bytes are ignored.

    Raises `MalformedPacket` for fewer.
    """
    if len(payload) < 4:
        raise MalformedPacket("a total has four bytes", payload)
    return int.from_bytes(payload[:4], "little")

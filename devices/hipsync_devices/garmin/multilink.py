"""Multi-Link of Garmin: several logical services over one pair of characteristics, each behind a handle of one byte.

The host registers a service by its number, and the watch answers with the handle that then begins each packet of that
service. Packets that begin with zero are control packets, of which this module has both directions. The reliable form
(MLR) is never asked for, so it is not here.

Numbers are little-endian. Source of the layouts: EroSagiri/PulseBridge at 05d91172, `docs/phase0-multilink.md`, and
seofernando25/garmin-proto-lab at 501817c3, `spec/PROTOCOL.md`, which do not descend from each other. Bytes that were
recorded are in `tests/vectors/garmin.json`.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from struct import Struct
from typing import NamedTuple

from hipsync.errors import MalformedPacket


def vendor(number: int) -> str:
    """Return the full UUID of a 32-bit number on Garmin's base UUID."""
    return f"{number:08x}-667b-11e3-949a-0800200c9a66"


SERVICE = vendor(0x6A4E2800)
QUERY = vendor(0x6A4E2803)
"""The characteristic that tells, before anything is registered, which services the watch has."""
LANES = tuple((vendor(0x6A4E2810 + lane), vendor(0x6A4E2820 + lane)) for lane in (*range(10), 0x20))
"""The pairs of characteristics, the first of each for notifications and the second for writes; a watch has some of
them. The last pair is the third one of a Forerunner 255 (PulseBridge, as above)."""
OURS = bytes([0x68, 0x69, 0x70, 0x73, 0x79, 0x6E, 0x63, 0x00])
"""hipsync's own client id. Any eight bytes will do; Garmin's app uses 1 and Gadgetbridge 2."""


class Number(IntEnum):
    """The numbers of the services that hipsync registers."""

    GFDI = 1
    HEART_RATE = 6
    STEPS = 7


class Status(IntEnum):
    """How a watch answers a registration. Only `OK` gives a handle."""

    OK = 0
    INVALID = 1
    PENDING_AUTHENTICATION = 2
    IN_USE = 3
    REJECTED = 4


REGISTER, REGISTERED, CLOSE, CLOSED, CLOSE_ALL, ALL_CLOSED = 0, 1, 2, 3, 5, 6
"""The second byte of a control packet."""
_HEAD = Struct("<BB8s")
CONTROL = 0
"""The first byte of a control packet, so that it is the handle of no service."""


class Registered(NamedTuple):
    """The answer to a registration; without `Status.OK` the handle means nothing."""

    client: bytes
    service: int
    status: int
    handle: int = 0
    reliable: bool = False
    revision: int = 0

    def encode(self) -> bytes:
        head = _HEAD.pack(CONTROL, REGISTERED, self.client) + self.service.to_bytes(2, "little")
        return head + bytes([self.status, self.handle, self.reliable, self.revision])


class Closed(NamedTuple):
    """The word of the watch that a handle is closed, asked or unasked."""

    client: bytes
    service: int
    handle: int
    status: int = 0

    def encode(self) -> bytes:
        head = _HEAD.pack(CONTROL, CLOSED, self.client) + self.service.to_bytes(2, "little")
        return head + bytes([self.handle, self.status])


class AllClosed(NamedTuple):
    """The word of the watch that all handles of a client are closed."""

    client: bytes

    def encode(self) -> bytes:
        return _HEAD.pack(CONTROL, ALL_CLOSED, self.client) + bytes(3)


class Unknown(NamedTuple):
    """A control packet that the watch sent and nobody here knows."""

    client: bytes
    kind: int


def register(service: int, client: bytes = OURS, *, reliable: bool = False) -> bytes:
    """Return the request for a handle of a service."""
    return _HEAD.pack(CONTROL, REGISTER, client) + service.to_bytes(2, "little") + bytes([2 * reliable])


def close(service: int, handle: int, client: bytes = OURS) -> bytes:
    """Return the request to close a handle."""
    return _HEAD.pack(CONTROL, CLOSE, client) + service.to_bytes(2, "little") + bytes([handle])


def close_all(client: bytes = OURS) -> bytes:
    """Return the request to close all handles of this client, which those of an earlier connection may be."""
    return _HEAD.pack(CONTROL, CLOSE_ALL, client) + bytes(3)


def decode_control(packet: bytes) -> Registered | Closed | AllClosed | Unknown:
    """Decode a control packet of the watch. Raises `MalformedPacket`.

    ::

        00 01 | client id 8 | service u16 | status u8 | handle u8 | flags u8 (bit 0 reliable) | revision u8
        00 03 | client id 8 | service u16 | handle u8 | status u8
        00 06 | client id 8 | ...

    A registration that failed may end after its status.
    """
    if len(packet) < _HEAD.size or packet[0] != CONTROL:
        raise MalformedPacket("not a control packet of Multi-Link", packet)
    _, kind, client = _HEAD.unpack_from(packet)
    rest = packet[_HEAD.size :]
    if kind == ALL_CLOSED:
        return AllClosed(client)
    if kind not in {REGISTERED, CLOSED}:
        return Unknown(client, kind)
    if len(rest) < (4 if kind == CLOSED or rest[2:3] == b"\0" else 3):
        raise MalformedPacket("a control packet of Multi-Link that is cut off", packet)
    service = int.from_bytes(rest[:2], "little")
    if kind == CLOSED:
        return Closed(client, service, rest[2], rest[3])
    handle, flags, revision = rest[3:6].ljust(3, b"\0")
    return Registered(client, service, rest[2], handle, bool(flags & 1), revision)


def pieces(handle: int, data: bytes, write_size: int) -> Iterator[bytes]:
    """Cut data for a handle into packets of at most `write_size` bytes, each of which begins with the handle."""
    room = max(write_size - 1, 1)
    for at in range(0, len(data), room):
        yield bytes([handle]) + data[at : at + room]


class Identity(NamedTuple):
    """Which model a watch is, as it tells before anything is registered."""

    product: int
    second: int


def decode_services(answer: bytes) -> frozenset[int]:
    """Decode the answer to query 0 of `QUERY`, `00 | u32 bitmap`, to the numbers of the services that there are.

    Raises `MalformedPacket`. Source: PulseBridge, as above.
    """
    if len(answer) < 5 or answer[0] != 0:
        raise MalformedPacket("not the services of a Garmin watch", answer)
    bitmap = int.from_bytes(answer[1:5], "little")
    return frozenset(number for number in range(32) if bitmap >> number & 1)


def decode_identity(answer: bytes) -> Identity:
    """Decode the answer to query 3 of `QUERY`, `03 | u16 product | u16 | u32 unit id`, leaving the unit id alone.

    Raises `MalformedPacket`. Source: PulseBridge, as above.
    """
    if len(answer) < 5 or answer[0] != 3:
        raise MalformedPacket("not the identity of a Garmin watch", answer)
    return Identity(int.from_bytes(answer[1:3], "little"), int.from_bytes(answer[3:5], "little"))

"""Messages of Garmin's protocol GFDI, in both directions: the frame, the clock, the host, and what was answered.

A frame is `u16 length of it all | u16 message | payload | u16 CRC`. The watch asks as well as the host, each question
is answered by a message 5000 that names it, and a question that is not answered comes again. `files` has the messages
about files, and `smart` those in protobuf.

Numbers are little-endian, times are seconds from 1989-12-31 00:00 UTC, and a string is its length in one byte and then
UTF-8. Source unless a line says otherwise: Gadgetbridge at a0948ee1 and zoop-dev/pulse at 27d6e921,
`service/devices/garmin/`, and seofernando25/garmin-proto-lab at 501817c3, `spec/PROTOCOL.md`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from struct import Struct
from typing import NamedTuple

from hipsync.errors import MalformedPacket

EPOCH = datetime(1989, 12, 31, tzinfo=UTC)


class Kind(IntEnum):
    """The messages that this family sends or understands, by their numbers."""

    ANSWER = 5000
    DOWNLOAD = 5002
    FILE_DATA = 5004
    DIRECTORY_FILTER = 5007
    SET_FILE_FLAGS = 5008
    FILE_READY = 5009
    DEVICE_INFORMATION = 5024
    SETTINGS = 5026
    QUEUED_DOWNLOAD = 5027
    SYSTEM_EVENT = 5030
    FILE_TYPES = 5031
    NOTIFICATION_UPDATE = 5033
    NOTIFICATION_CONTROL = 5034
    NOTIFICATION_DATA = 5035
    NOTIFICATION_SUBSCRIPTION = 5036
    SYNCHRONIZATION = 5037
    PROTOBUF_REQUEST = 5043
    PROTOBUF_RESPONSE = 5044
    CONFIGURATION = 5050
    CURRENT_TIME = 5052
    AUTHENTICATION = 5101
    RECONNECT = 5102
    PAIRING = 5103
    CONFIRM = 5104
    RANDOM = 5105
    PAIRING_STATUS = 5106
    LONG_TERM_KEY = 5107
    SESSION_KEY = 5108
    VERIFICATION = 5109
    SECURE_SESSION = 5111
    OUT_OF_BAND = 5112


class Said(IntEnum):
    """The status in an answer: whether a message was taken."""

    ACK = 0
    NAK = 1
    UNSUPPORTED = 2
    DECODE_ERROR = 3
    CRC_ERROR = 4
    LENGTH_ERROR = 5


# ------------------------------------------------------------------ the frame


def _crc_table() -> Sequence[int]:
    table: list[int] = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
        table.append(crc)
    return table


_CRC_TABLE = _crc_table()


def crc16(data: bytes, crc: int = 0) -> int:
    """Return the CRC-16/ARC of data; `crc` is that of what came before, so that a file can be checked in pieces."""
    for byte in data:
        crc = crc >> 8 ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc


_LEAST = 6
_BASE, _COMPACT = 5000, 0x8000


class Frame(NamedTuple):
    """One message: its number, its payload, and its transaction if it came in the compact form.

    In the compact form bit 15 of the number is set, its low byte counts from 5000 and bits 8 to 12 are the transaction,
    which the answer repeats.
    """

    kind: int
    payload: bytes = b""
    transaction: int | None = None

    def encode(self) -> bytes:
        number = self.kind
        if self.transaction is not None:
            number = _COMPACT | (self.transaction & 0x1F) << 8 | (self.kind - _BASE & 0xFF)
        head = (len(self.payload) + _LEAST).to_bytes(2, "little") + number.to_bytes(2, "little")
        body = head + self.payload
        return body + crc16(body).to_bytes(2, "little")

    @classmethod
    def decode(cls, data: bytes) -> Frame:
        """Decode a frame, of which COBS is taken off. Raises `MalformedPacket` for a wrong length or CRC."""
        if len(data) < _LEAST or int.from_bytes(data[:2], "little") != len(data):
            raise MalformedPacket("a message of Garmin whose length is wrong", data)
        if crc16(data[:-2]) != int.from_bytes(data[-2:], "little"):
            raise MalformedPacket("a message of Garmin whose checksum is wrong", data)
        number = int.from_bytes(data[2:4], "little")
        if number & _COMPACT:
            return cls(_BASE + (number & 0xFF), data[4:-2], number >> 8 & 0x1F)
        return cls(number, data[4:-2])


class Answer(NamedTuple):
    """The payload of message 5000: which message is answered, whether it was taken, and what it asked for."""

    kind: int
    status: int = Said.ACK
    rest: bytes = b""

    def encode(self) -> bytes:
        return self.kind.to_bytes(2, "little") + bytes([self.status]) + self.rest

    @classmethod
    def decode(cls, payload: bytes) -> Answer:
        if len(payload) < 3:
            raise MalformedPacket("an answer of Garmin that is cut off", payload)
        number = int.from_bytes(payload[:2], "little")
        return cls(_BASE + (number & 0xFF) if number & _COMPACT else number, payload[2], payload[3:])


def answered(frame: Frame, status: int = Said.ACK, rest: bytes = b"") -> Frame:
    """Return the answer to a message, in the same transaction."""
    return Frame(Kind.ANSWER, Answer(frame.kind, status, rest).encode(), frame.transaction)


# ------------------------------------------------------------------ who they are


def _string(text: str) -> bytes:
    held = text.encode()[:255].decode(errors="ignore").encode()
    return bytes([len(held)]) + held


def _strings(data: bytes, count: int) -> tuple[list[str], bytes]:
    """Return the first `count` strings of some bytes, and the bytes after them. Raises `MalformedPacket`."""
    found: list[str] = []
    rest = data
    for _ in range(count):
        if not rest or len(rest) <= rest[0]:
            raise MalformedPacket("a string of Garmin that is cut off", data)
        found.append(rest[1 : 1 + rest[0]].decode("utf-8", "replace"))
        rest = rest[1 + rest[0] :]
    return found, rest


class Device(NamedTuple):
    """What one side says of itself: message 5024, and the answer to it.

    ::

        u16 protocol (150 is 1.50) | u16 product | u32 unit id | u16 software (1412 is 14.12) | u16 longest packet
        3 strings: Bluetooth name, device, model | more
    """

    protocol: int
    product: int
    unit: int
    software: int
    longest: int
    name: str
    device: str
    model: str
    rest: bytes = b""

    def encode(self) -> bytes:
        head = _DEVICE.pack(self.protocol, self.product, self.unit, self.software, self.longest)
        return head + _string(self.name) + _string(self.device) + _string(self.model) + self.rest

    @classmethod
    def decode(cls, payload: bytes) -> Device:
        if len(payload) < _DEVICE.size:
            raise MalformedPacket("a watch that does not say who it is", payload)
        (name, device, model), rest = _strings(payload[_DEVICE.size :], 3)
        protocol, product, unit, software, longest = _DEVICE.unpack_from(payload)
        return cls(protocol, product, unit, software, longest, name, device, model, rest)

    @property
    def version(self) -> str:
        """The software's version as people write it."""
        return f"{self.software // 100}.{self.software % 100:02}"


_DEVICE = Struct("<HHIHH")


def host(watch: Device, *, name: str, maker: str, model: str, software: int) -> Device:
    """Return what the host says of itself to this watch: numbers that it does not have are all ones."""
    flag = bytes([watch.protocol // 100 == 1])
    return Device(150, 0xFFFF, 0xFFFFFFFF, software, 0xFFFF, name, maker, model, flag)


def encode_capabilities(bits: Collection[int]) -> bytes:
    """Return message 5050: the length in bytes, and a bit for each thing that the sender can do."""
    size = max(bits, default=-1) // 8 + 1
    return bytes([size]) + sum(1 << bit for bit in bits).to_bytes(size, "little")


def decode_capabilities(payload: bytes) -> frozenset[int]:
    """Decode message 5050 to the numbers of the bits that are set. Raises `MalformedPacket`."""
    if not payload or len(payload) <= payload[0]:
        raise MalformedPacket("a watch that does not say what it can do", payload)
    bits = int.from_bytes(payload[1 : 1 + payload[0]], "little")
    return frozenset(bit for bit in range(8 * payload[0]) if bits >> bit & 1)


def authenticated(payload: bytes) -> bytes:
    """Return the rest of the answer to message 5101 where no key is kept, as over a bond: its own bytes come back.

    Raises `MalformedPacket`.
    """
    if len(payload) < 5:
        raise MalformedPacket("a question for authentication that is cut off", payload)
    return b"\0" + payload[:5]


# ------------------------------------------------------------------ the clock, settings, events


def encode_time(instant: datetime) -> bytes:
    """Encode an instant in four bytes."""
    return max(int((instant - EPOCH).total_seconds()), 0).to_bytes(4, "little")


def decode_time(data: bytes) -> datetime:
    """Decode four bytes to an instant in UTC. Raises `MalformedPacket`."""
    if len(data) != 4:
        raise MalformedPacket("a time of Garmin has four bytes", data)
    return EPOCH + timedelta(seconds=int.from_bytes(data, "little"))


class Clock(NamedTuple):
    """The answer to message 5052: `u32 reference | u32 time | i32 offset in seconds | u32 0 | u32 0`.

    The offset is that from UTC, including summer time. The last two are the next changes of the clocks, in an order on
    which sources do not agree; watches keep time without them (wh1le/garmin-bridge at ffcb0826).
    """

    reference: int
    instant: datetime
    offset: timedelta

    def encode(self) -> bytes:
        offset = int(self.offset.total_seconds()).to_bytes(4, "little", signed=True)
        return self.reference.to_bytes(4, "little") + encode_time(self.instant) + offset + bytes(8)

    @classmethod
    def decode(cls, rest: bytes) -> Clock:
        if len(rest) < 12:
            raise MalformedPacket("a clock of Garmin that is cut off", rest)
        offset = int.from_bytes(rest[8:12], "little", signed=True)
        if abs(offset) > _DAY_S:
            raise MalformedPacket("not an offset from UTC", rest)
        return cls(int.from_bytes(rest[:4], "little"), decode_time(rest[4:8]), timedelta(seconds=offset))


_DAY_S = 24 * 3600


def reference(payload: bytes) -> int:
    """Decode message 5052, the watch's question for the time, to the reference that the answer repeats.

    Raises `MalformedPacket`.
    """
    if len(payload) < 4:
        raise MalformedPacket("a question for the time that is cut off", payload)
    return int.from_bytes(payload[:4], "little")


class Event(IntEnum):
    """What the host tells by message 5030. Event 2 would reset the watch, so it has no name here."""

    SYNC_COMPLETE = 0
    PAIR_COMPLETE = 4
    SYNC_READY = 8
    SETUP_WIZARD_COMPLETE = 14
    TIME_UPDATED = 16


def event(what: Event) -> Frame:
    """Return the message 5030 that tells an event."""
    return Frame(Kind.SYSTEM_EVENT, bytes([what, 0]))


AUTO_UPLOAD = 6
"""The setting that the watch may offer its files by itself."""


def settings(values: Mapping[int, bool]) -> Frame:
    """Return message 5026: `u8 count`, then `u8 setting | u8 1 | u8 value` for each."""
    held = b"".join(bytes([number, 1, value]) for number, value in values.items())
    return Frame(Kind.SETTINGS, bytes([len(values)]) + held)


class Synchronization(NamedTuple):
    """Message 5037: the watch says that it has something new, of these categories."""

    mode: int
    bits: frozenset[int]

    def encode(self) -> bytes:
        return bytes([self.mode]) + encode_capabilities(self.bits)

    @classmethod
    def decode(cls, payload: bytes) -> Synchronization:
        if len(payload) < 2:
            raise MalformedPacket("an offer of files that is cut off", payload)
        return cls(payload[0], decode_capabilities(payload[1:]))

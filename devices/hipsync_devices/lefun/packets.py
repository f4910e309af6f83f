"""Bytes of Lefun bands, in both directions.

A frame is one value of a characteristic: `<mark> <length> <command> <parameters> <check>`. Numbers are big-endian, and
those of commands are written in hexadecimal; times are the band's wall clock, without a zone. Source of the layouts:
notes on an FT100 (0xless/FT100_fitness_bracelet_reversing) and a public client's classes (Freeyourgadget/Gadgetbridge,
`devices/lefun`). Nobody has published a record of activity from a real band.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from struct import Struct
from typing import NamedTuple

from hipsync.errors import MalformedPacket
from hipsync_devices.gatt import uuid16

SERVICE, WRITE, NOTIFY = uuid16(0x18D0), uuid16(0x2D01), uuid16(0x2D00)

REQUEST, REPLY = 0xAB, 0x5A
"""The first byte of a frame from the host, and of one from the band."""
SHORTEST, LONGEST = 4, 20
"""The lengths in bytes of the shortest frame and of the longest that is sent; longer ones are received all the same."""

INFO, BATTERY, TIME, FIND, TOTAL, ACTIVITY, TEXT = 0x00, 0x03, 0x04, 0x09, 0x12, 0x13, 0x17
GET, SET = 0, 1
TEXT_MESSAGE = 1 << 1
PIECE, LONGEST_TEXT = 13, 254
"""The most bytes of a text in one frame, and in all."""
LAST_DAY = 6
"""The oldest day that can be asked for, as a number of days before today."""


def crc(data: bytes) -> int:
    """Return the CRC-8/MAXIM of some bytes: polynomial 0x31, reflected, initial value 0."""
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x8C if value & 1 else 0)
    return value


class Frame(NamedTuple):
    """A command with at most 16 bytes of parameters; `mark` (`REQUEST` or `REPLY`) says which end sent it."""

    command: int
    params: bytes = b""
    mark: int = REQUEST

    def encode(self) -> bytes:
        """Return the bytes of the frame. Raises `ValueError` for more than 16 bytes of parameters."""
        size = SHORTEST + len(self.params)
        if size > LONGEST:
            raise ValueError(f"a frame of {size} bytes")
        body = bytes([self.mark, size, self.command]) + self.params
        return body + bytes([crc(body)])

    @classmethod
    def decode(cls, data: bytes) -> Frame:
        """Decode the frame in a packet; bytes after its length are padding. Raises `MalformedPacket`."""
        if len(data) < SHORTEST or data[0] not in {REQUEST, REPLY}:
            raise MalformedPacket("not a frame", data)
        size = data[1]
        if not SHORTEST <= size <= len(data):
            raise MalformedPacket("a frame has no such length", data)
        if crc(data[: size - 1]) != data[size - 1]:
            raise MalformedPacket("the check byte does not fit", data)
        return cls(data[2], data[3 : size - 1], data[0])


# ------------------------------------------------------------------ time


def encode_time(wall: datetime) -> bytes:
    """Encode a wall-clock time as six bytes: year since 2000, month, day, hour, minute, second."""
    return bytes([wall.year - 2000, wall.month, wall.day, wall.hour, wall.minute, wall.second])


def decode_time(data: bytes) -> datetime:
    """Decode a wall-clock time of six bytes, or of five without seconds; it has no zone. Raises `MalformedPacket`."""
    if len(data) not in {5, 6}:
        raise MalformedPacket("a time has five or six bytes", data)
    year, month, day, hour, minute, second = *data, *bytes(6 - len(data))
    try:
        return datetime(2000 + year, month, day, hour, minute, second)  # noqa: DTZ001  a wall clock
    except ValueError as problem:
        raise MalformedPacket("not a time", data) from problem


def set_time(wall: datetime) -> Frame:
    return Frame(TIME, bytes([SET]) + encode_time(wall))


# ------------------------------------------------------------------ what the band says of itself


class Info(NamedTuple):
    """The answer to command 0x00: in its 16 bytes two for each version, and the maker's letters at the end.

    The meaning of the other bytes is unknown.
    """

    hardware: str
    firmware: str

    @classmethod
    def decode(cls, params: bytes) -> Info:
        """Decode the versions as hexadecimal digits.

        Raises `MalformedPacket` unless the maker is TJDP, because only its layout is known.
        """
        if len(params) != 16 or not params.endswith(b"TJDP"):
            raise MalformedPacket("not the versions of this maker", params)
        return cls(params[8:10].hex(), params[10:12].hex())


# ------------------------------------------------------------------ steps

_TOTAL, _RECORD = Struct(">B3sIII"), Struct(">BBB5sHHH")
NO_DATA = b"\xff\xff\xff"


@dataclass(frozen=True, slots=True)
class Total:
    """The answer to command 0x12: what was walked on the day `days_ago` days before today, by the band's clock.

    `day` is its date, or None if the band has no data of that day.
    """

    days_ago: int
    day: date | None
    steps: int = 0
    metres: int = 0
    calories: int = 0

    def encode(self) -> bytes:
        day = NO_DATA if self.day is None else bytes([self.day.year - 2000, self.day.month, self.day.day])
        return _TOTAL.pack(self.days_ago, day, self.steps, self.metres, self.calories)

    @classmethod
    def decode(cls, params: bytes) -> Total:
        """Decode the total; bytes after its 16 are ignored. Raises `MalformedPacket`."""
        if len(params) < _TOTAL.size:
            raise MalformedPacket("the total of a day has 16 bytes", params)
        days_ago, day, steps, metres, calories = _TOTAL.unpack_from(params)
        if day[0] == 0xFF:
            return cls(days_ago, None)
        try:
            return cls(days_ago, date(2000 + day[0], day[1], day[2]), steps, metres, calories)
        except ValueError as problem:
            raise MalformedPacket("not a day", params) from problem


@dataclass(frozen=True, slots=True)
class Record:
    """A part of the answer to command 0x13: the steps of one slot, which is record `current` (from 1) of `total`.

    For a day without records the answer is one part with a total of 0. Nobody has published how long a slot is.
    """

    days_ago: int
    total: int = 0
    current: int = 0
    start: datetime | None = None
    """The start of the slot by the band's wall clock, to the minute; None if the day has no records."""
    steps: int = 0
    metres: int = 0
    calories: int = 0

    def encode(self) -> bytes:
        start = bytes(5) if self.start is None else encode_time(self.start)[:5]
        return _RECORD.pack(self.days_ago, self.total, self.current, start, self.steps, self.metres, self.calories)

    @classmethod
    def decode(cls, params: bytes) -> Record:
        """Decode the record; bytes after its 14 are ignored. Raises `MalformedPacket`."""
        if len(params) < _RECORD.size:
            raise MalformedPacket("a record of activity has 14 bytes", params)
        days_ago, total, current, start, steps, metres, calories = _RECORD.unpack_from(params)
        if not total:
            if any(params[1 : _RECORD.size]):
                raise MalformedPacket("no records, and yet something", params)
            return cls(days_ago)
        if not 1 <= current <= total:
            raise MalformedPacket("a record beyond the last", params)
        try:
            return cls(days_ago, total, current, decode_time(start), steps, metres, calories)
        except MalformedPacket as problem:
            raise MalformedPacket(problem.why, params) from problem


# ------------------------------------------------------------------ words


@dataclass(frozen=True, slots=True)
class Piece:
    """The parameters of command 0x17: a piece of a text; `number` counts from 1. The band sends no answer."""

    pieces: int
    number: int
    text: bytes
    kind: int = TEXT_MESSAGE

    def encode(self) -> bytes:
        return bytes([self.kind, self.pieces, self.number]) + self.text

    @classmethod
    def decode(cls, params: bytes) -> Piece:
        if len(params) < 3 or not 1 <= params[2] <= params[1]:
            raise MalformedPacket("not a piece of a text", params)
        return cls(params[1], params[2], params[3:], params[0])


def pieces(text: str) -> list[Piece]:
    """Cut a text to at most 254 bytes and split it into pieces of at most 13. No character is split."""
    parts, size = [b""], 0
    for character in text:
        coded = character.encode(errors="replace")
        if (size := size + len(coded)) > LONGEST_TEXT:
            break
        if len(parts[-1]) + len(coded) > PIECE:
            parts.append(b"")
        parts[-1] += coded
    return [Piece(len(parts), number, part) for number, part in enumerate(parts, 1)]

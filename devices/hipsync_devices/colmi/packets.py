"""Bytes of Colmi rings, in both directions.

A command has 16 bytes: its number, 14 bytes of payload, and the low byte of their sum. An answer has the number of its
command; bit 7 of it is set for an error. Numbers of commands are hexadecimal.
Sources: public clients and their captures (tahnok/colmi_r02_client at 9e08383f, smittytone/RingCLI at 3cc884d9,
SneakyZippy/Colmi_Rxx_flutter_companion at 0e4249b6, vlordier/colmismartring at 9f830d19); the bytes are in
`tests/devices`. Byte order differs from command to command.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from hipsync.errors import MalformedPacket
from hipsync_devices.gatt import percent, uuid16

SERVICE = "6e40fff0-b5a3-f393-e0a9-e50e24dcca9e"
WRITE = "6e400002-b5a3-f393-e0a9-e50e24dcca9e"
NOTIFY = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"
BIG_SERVICE = "de5bf728-d711-4e47-af26-65e3012a5dc7"
BIG_WRITE = "de5bf72a-d711-4e47-af26-65e3012a5dc7"
BIG_NOTIFY = "de5bf729-d711-4e47-af26-65e3012a5dc7"
FIRMWARE, HARDWARE = uuid16(0x2A26), uuid16(0x2A27)

SET_TIME, BATTERY, PHONE, PREFERENCES, BLINK = 0x01, 0x03, 0x04, 0x0A, 0x10
HEART_LOG, HEART_SETTINGS, REALTIME_HEART, GOALS = 0x15, 0x16, 0x1E, 0x21
PACKET_SIZE, STEPS, TOTALS, FIND = 0x2F, 0x43, 0x48, 0x50
MEASURE, MEASURED, EVENT = 0x69, 0x6A, 0x73
ERROR = 0x80
UNSUPPORTED = 0xEE
NOTHING, HEADER = 0xFF, 0xF0
READ, SET = 1, 2
PAYLOAD = 14


class Frame(NamedTuple):
    """A command to the ring or its answer. `encode` pads the payload with zeros to 14 bytes."""

    command: int
    payload: bytes = bytes(PAYLOAD)

    @property
    def refused(self) -> bool:
        return bool(self.command & ERROR)

    def encode(self) -> bytes:
        if len(self.payload) > PAYLOAD:
            raise ValueError(f"a payload of {len(self.payload)} bytes")
        body = bytes([self.command]) + self.payload.ljust(PAYLOAD, b"\0")
        return body + bytes([sum(body) & 0xFF])


def decode_frame(data: bytes) -> Frame:
    """Decode the frame in a packet; bytes after its sixteen are ignored. Raises `MalformedPacket`."""
    if len(data) < 16:
        raise MalformedPacket("a packet has sixteen bytes", data)
    if sum(data[:15]) & 0xFF != data[15]:
        raise MalformedPacket("the sum is wrong", data)
    return Frame(data[0], data[1:15])


# ------------------------------------------------------------------ time, battery, settings


def _bcd(number: int) -> int:
    return number // 10 << 4 | number % 10


def _decimal(byte: int) -> int:
    if byte >> 4 > 9 or byte & 0xF > 9:
        raise ValueError(f"{byte:02x} is no decimal")
    return (byte >> 4) * 10 + (byte & 0xF)


def set_time(wall: datetime, language: int = 1) -> Frame:
    """Return the command that sets the ring's clock to a wall-clock time; language 1 is English, as in the app."""
    parts = (wall.year - 2000, wall.month, wall.day, wall.hour, wall.minute, wall.second)
    return Frame(SET_TIME, bytes([*map(_bcd, parts), language]).ljust(PAYLOAD, b"\0"))


def time_of(payload: bytes) -> datetime:
    """Decode the wall-clock time in the payload of command 0x01; it has no zone. Raises `MalformedPacket`."""
    try:
        year, *rest = (_decimal(byte) for byte in payload[:6])
        return datetime(2000 + year, *rest)  # type: ignore[arg-type]  # noqa: DTZ001  a wall clock
    except (ValueError, TypeError) as problem:
        raise MalformedPacket("not a time", payload) from problem


@dataclass(frozen=True, slots=True)
class Battery:
    """The payload of command 0x03, and of an event (0x73) of kind 0x0C after its kind: `u8 percent, u8 charging`.

    `percent` is None for a level over 100, which no battery has.
    """

    percent: int | None
    charging: bool

    def payload(self) -> bytes:
        return bytes([0xFF if self.percent is None else self.percent, self.charging]).ljust(PAYLOAD, b"\0")

    @classmethod
    def decode(cls, payload: bytes) -> Battery:
        if len(payload) < 2:
            raise MalformedPacket("not a battery", payload)
        return cls(percent(payload), payload[1] == 1)


@dataclass(frozen=True, slots=True)
class HeartSettings:
    """The payload of command 0x16: whether the ring logs the heart rate, and the minutes between two measurements."""

    enabled: bool
    minutes: int

    def payload(self, op: int = READ) -> bytes:
        return bytes([op, 1 if self.enabled else 2, self.minutes]).ljust(PAYLOAD, b"\0")

    @classmethod
    def decode(cls, payload: bytes) -> HeartSettings:
        if len(payload) < 3 or payload[0] not in {READ, SET} or payload[1] not in {1, 2}:
            raise MalformedPacket("no settings of the pulse", payload)
        return cls(payload[1] == 1, payload[2])


def phone(name: str) -> Frame:
    """Return command 0x04, which gives the ring the phone's name, cut to twelve bytes."""
    cut = name.encode()[: PAYLOAD - 2].decode("utf-8", "ignore").encode()
    return Frame(PHONE, (b"\x02\x0a" + cut).ljust(PAYLOAD, b"\0"))


# ------------------------------------------------------------------ steps

QUARTERS = 96
MOST_DAYS = 7
"""The oldest day that any public client asks for, as a number of days before today."""


def steps_request(days_ago: int) -> Frame:
    """Return command 0x43, which asks for all records of a day; `days_ago` counts by the ring's clock, 0 for today."""
    return Frame(STEPS, bytes([days_ago, 0x0F, 0, QUARTERS - 1, 1]).ljust(PAYLOAD, b"\0"))


@dataclass(frozen=True, slots=True)
class StepsHeader:
    """The first part of an answer to command 0x43: the number of records that follow."""

    count: int
    new_calories: bool = True

    def payload(self) -> bytes:
        return bytes([HEADER, self.count, self.new_calories]).ljust(PAYLOAD, b"\0")


@dataclass(frozen=True, slots=True)
class StepsRecord:
    """The steps of a slot that begins at `quarter`, counted in quarters of an hour from the ring's midnight.

    It is record `number` (from 0) of `count`. All records ever seen begin at a full hour and cover it.
    """

    day: date
    quarter: int
    number: int
    count: int
    calories: int
    """The energy, in tens of small calories if the header has `new_calories`, else in small calories."""
    steps: int
    metres: int

    def payload(self) -> bytes:
        numbers = b"".join(min(n, 0xFFFF).to_bytes(2, "little") for n in (self.calories, self.steps, self.metres))
        day = bytes(map(_bcd, (self.day.year - 2000, self.day.month, self.day.day)))
        return (day + bytes([self.quarter, self.number, self.count]) + numbers).ljust(PAYLOAD, b"\0")


def steps_of(payload: bytes) -> StepsHeader | StepsRecord | None:
    """Decode a part of the answer to command 0x43; None if the ring has no record of that day, and no part follows.

    Raises `MalformedPacket`.
    """
    if len(payload) != PAYLOAD:
        raise MalformedPacket("too short for steps", payload)
    if payload[0] == NOTHING:
        return None
    if payload[0] == HEADER:
        if payload[1] > QUARTERS:
            raise MalformedPacket("more records than a day has quarters", payload)
        return StepsHeader(payload[1], payload[2] == 1)
    try:
        year, month, day = (_decimal(byte) for byte in payload[:3])
        when = date(2000 + year, month, day)
    except ValueError as problem:
        raise MalformedPacket("not a date", payload) from problem
    quarter, number, count = payload[3:6]
    if quarter >= QUARTERS or number >= count:
        raise MalformedPacket("not a quarter of a day", payload)
    calories, steps, metres = (int.from_bytes(payload[at : at + 2], "little") for at in (6, 8, 10))
    return StepsRecord(when, quarter, number, count, calories, steps, metres)


@dataclass(frozen=True, slots=True)
class Totals:
    """The payload of command 0x48: totals since midnight by the ring's clock; `calories` are small calories."""

    steps: int
    running: int = 0
    calories: int = 0
    metres: int = 0
    active_minutes: int = 0

    def payload(self) -> bytes:
        three = b"".join(n.to_bytes(3, "big") for n in (self.steps, self.running, self.calories, self.metres))
        return three + self.active_minutes.to_bytes(2, "big")

    @classmethod
    def decode(cls, payload: bytes) -> Totals:
        if len(payload) != PAYLOAD:
            raise MalformedPacket("not the totals of a day", payload)
        steps, running, calories, metres = (int.from_bytes(payload[at : at + 3], "big") for at in (0, 3, 6, 9))
        return cls(steps, running, calories, metres, int.from_bytes(payload[12:], "big"))


# ------------------------------------------------------------------ what it says by itself

NEW_STEPS, CHARGE, WALKING = 0x04, 0x0C, 0x12


@dataclass(frozen=True, slots=True)
class Walking:
    """An event (0x73) of kind 0x12, which the ring sends about once a second during a walk: today's totals so far."""

    steps: int
    calories: int = 0
    metres: int = 0

    def payload(self) -> bytes:
        three = b"".join(n.to_bytes(3, "big") for n in (self.steps, self.calories, self.metres))
        return (bytes([WALKING]) + three).ljust(PAYLOAD, b"\0")


def event_of(payload: bytes) -> Walking | Battery | None:
    """Decode the payload of an event (0x73); None if it is about neither walking nor the battery.

    Raises `MalformedPacket`.
    """
    if len(payload) != PAYLOAD:
        raise MalformedPacket("too short for an event", payload)
    if payload[0] == WALKING:
        return Walking(*(int.from_bytes(payload[at : at + 3], "big") for at in (1, 4, 7)))
    return Battery.decode(payload[1:]) if payload[0] == CHARGE else None


# ------------------------------------------------------------------ the pulse

SAMPLES = 288
HEART_PACKETS = 24


@dataclass(frozen=True, slots=True)
class HeartDay:
    """The answer to command 0x15: the day that was asked for, and the heart rate at every fifth minute of it.

    Rates are in beats a minute, 0 for none, from midnight by the ring's clock on. `asked` is as in the request: see
    `day_asked`.
    """

    asked: int
    pulses: tuple[int, ...]
    interval: int = 5

    def frames(self) -> list[Frame]:
        samples = bytes(self.pulses).ljust(9 + 22 * 13, b"\0")
        head = Frame(HEART_LOG, bytes([0, HEART_PACKETS, self.interval]).ljust(PAYLOAD, b"\0"))
        first = Frame(HEART_LOG, bytes([1]) + self.asked.to_bytes(4, "little") + samples[:9])
        rest = (Frame(HEART_LOG, bytes([i]) + samples[9 + (i - 2) * 13 :][:13]) for i in range(2, HEART_PACKETS))
        return [head, first, *rest]


def heart_day(payloads: Sequence[bytes]) -> HeartDay | None:
    """Decode all parts of one answer to command 0x15; None if the ring has no heart rate of that day.

    Raises `MalformedPacket` unless the parts are complete and in order.
    """
    if payloads and payloads[0][:1] == bytes([NOTHING]):
        return None
    whole = b"".join(payloads)
    if [each[:1] for each in payloads] != [bytes([i]) for i in range(HEART_PACKETS)] or len(whole) != 24 * PAYLOAD:
        raise MalformedPacket("not the pulses of a day", whole)
    samples = payloads[1][5:] + b"".join(each[1:] for each in payloads[2:])
    return HeartDay(int.from_bytes(payloads[1][1:5], "little"), tuple(samples[:SAMPLES]), payloads[0][2])


def day_asked(number: int) -> date:
    """Return the day that command 0x15 asks for with this number: its midnight in seconds since 1970, as if in UTC."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=number)).date()


class Measured(NamedTuple):
    """The payload of command 0x69, a measurement. Kind 1 is the heart rate.

    Error 1 means that the ring is not worn well, error 2 that the client is to try again.
    """

    kind: int
    error: int
    value: int

    def payload(self) -> bytes:
        return bytes(self).ljust(PAYLOAD, b"\0")


def measured(payload: bytes) -> Measured:
    if len(payload) < 3:
        raise MalformedPacket("not a measurement", payload)
    return Measured(*payload[:3])


# ------------------------------------------------------------------ long answers

BIG = 0xBC
TEMPERATURE, SLEEP, OXYGEN, PULSES = 0x25, 0x27, 0x2A, 0x28


class Big(NamedTuple):
    """A frame of the ring's second service: `BC <id> <u16 length> <u16 CRC> <payload>`, little-endian.

    Length and CRC-16/MODBUS are those of the payload.
    """

    id: int
    payload: bytes = b""

    def encode(self) -> bytes:
        head = bytes([BIG, self.id]) + len(self.payload).to_bytes(2, "little")
        return head + crc(self.payload).to_bytes(2, "little") + self.payload


def decode_big(data: bytes) -> Big:
    if len(data) < 6 or data[0] != BIG or len(data) != 6 + int.from_bytes(data[2:4], "little"):
        raise MalformedPacket("not one whole long packet", data)
    if int.from_bytes(data[4:6], "little") != crc(data[6:]):
        raise MalformedPacket("the CRC is wrong", data)
    return Big(data[1], data[6:])


def crc(data: bytes) -> int:
    """Return the CRC-16/MODBUS of some bytes."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value

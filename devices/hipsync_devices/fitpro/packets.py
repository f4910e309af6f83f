"""Bytes of FitPro bands (LH716 and others), in both directions.

Numbers are big-endian; time is the band's wall clock, without a zone. Source of the layouts: a public client's
constants and tests (Freeyourgadget/Gadgetbridge at f0e0428e, `devices/fitpro`) and notes on captures of a band with
board LJ737. The bytes that others recorded are in `tests/devices`, each with its source.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from struct import Struct, error, iter_unpack
from typing import NamedTuple

from hipsync.errors import MalformedPacket
from hipsync_devices.gatt import uuid16


def vendor(number: int) -> str:
    """Return the full UUID of a number on FitPro's base UUID, which differs from Nordic's in the last byte."""
    return f"6e40{number:04x}-b5a3-f393-e0a9-e50e24dcca9d"


SERVICE, WRITE, NOTIFY = vendor(0x0001), vendor(0x0002), vendor(0x0003)
BATTERY_SERVICE, BATTERY = uuid16(0x180F), uuid16(0x2A19)
MANUFACTURER, FIRMWARE = uuid16(0x2A29), uuid16(0x2A26)

# ------------------------------------------------------------------ frames

DATA, ACK = 0xCD, 0xDC
FROM_HOST = 0x01
"""The byte that an acknowledgement from the host has where one from the band has the command."""
LONGEST = 4096
"""The length in bytes of the longest frame that is accepted; a frame with a whole day of slots has 780 bytes."""


@dataclass(frozen=True, slots=True)
class Data:
    """A frame of data: `CD <length> <group> 01 <command> <length> <payload>`.

    The first length counts all bytes after it, the second one those of the payload; both have two bytes, big-endian.
    """

    group: int
    command: int
    payload: bytes = b""

    @property
    def total(self) -> int:
        """The length of the whole frame in bytes, by which the other end acknowledges it."""
        return 8 + len(self.payload)

    def encode(self) -> bytes:
        size = len(self.payload)
        head = bytes([DATA]) + (size + 5).to_bytes(2, "big") + bytes([self.group, 1, self.command])
        return head + size.to_bytes(2, "big") + self.payload


@dataclass(frozen=True, slots=True)
class Ack:
    """The acknowledgement of a frame of `total` bytes: `DC 00 05 <group> <command> <total> <status>`.

    Status 1 means that the frame was accepted.
    """

    group: int
    command: int
    total: int
    status: int = 1

    def encode(self) -> bytes:
        head = bytes([ACK, 0, 5, self.group, self.command])
        return head + self.total.to_bytes(2, "big") + bytes([self.status])


Frame = Data | Ack


def frame_size(head: bytes) -> int | None:
    """Return the length in bytes of the frame that begins with `head`; None while `head` is too short to contain it.

    Raises `MalformedPacket` if no frame can begin with these bytes, or if it would be longer than `LONGEST`.
    """
    if head[:1] not in {b"", bytes([DATA]), bytes([ACK])}:
        raise MalformedPacket("neither data nor an acknowledgement", head)
    if len(head) < 3:
        return None
    size = 3 + int.from_bytes(head[1:3], "big")
    if size > LONGEST:
        raise MalformedPacket(f"a frame of {size} bytes", head)
    return size


def decode_frame(data: bytes) -> Frame:
    """Decode one frame. Raises `MalformedPacket` unless the bytes are exactly one whole frame."""
    if frame_size(data) != len(data) or len(data) < 8:
        raise MalformedPacket("not one whole frame", data)
    if data[0] == ACK:
        if len(data) != 8:
            raise MalformedPacket("an acknowledgement has eight bytes", data)
        return Ack(data[3], data[4], int.from_bytes(data[5:7], "big"), data[7])
    if data[4] != 1 or int.from_bytes(data[6:8], "big") != len(data) - 8:
        raise MalformedPacket("the lengths of a frame do not agree", data)
    return Data(data[3], data[5], data[8:])


# ------------------------------------------------------------------ commands

SETTINGS, QUERIES, BAND_INFO, HISTORY = 0x12, 0x1A, 0x20, 0x15
"""Groups of commands. A command is written as its group and its number in hexadecimal, such as 15/02."""
SET_TIME, HELLO, READY, LANGUAGE = 0x01, 0x0A, 0xFF, 0x15
FIND, NOTIFICATION, NOTIFICATIONS, VIBRATION = 0x0B, 0x12, 0x07, 0x08
HARDWARE, STRINGS = 0x10, 0x02
STEPS, SLEEP, SEND_HISTORY, TOTALS, HEART = 0x02, 0x03, 0x06, 0x0C, 0x0E
MARKERS = frozenset({0x07, 0x08, 0x10})
"""The three commands with which the band announces its history. It sends nothing more until they are acknowledged."""

SMS = 0x01


def find(*, on: bool) -> Data:
    """Return the command that makes the band vibrate until it is told to stop; `on=False` is the one that stops it."""
    return Data(SETTINGS, FIND, bytes([on]))


def vibration(*, on: bool) -> Data:
    """Return the command that allows the band to vibrate, or with `on=False` forbids it."""
    return Data(SETTINGS, VIBRATION, bytes([on] * 4))


def notifications() -> Data:
    """Return the command that allows the band to show notifications from all twelve kinds of apps."""
    return Data(SETTINGS, NOTIFICATIONS, b"\1" * 12)


def notification(text: str, icon: int = SMS, limit: int = 64) -> Data:
    """Return the command that shows a text. A text of more than `limit` bytes is cut without splitting a character.

    The longest text that anybody recorded has 27 bytes.
    """
    cut = text.encode()[:limit].decode("utf-8", "ignore").encode()
    return Data(SETTINGS, NOTIFICATION, bytes([icon, 0, 0]) + cut)


def notification_text(payload: bytes) -> str:
    if len(payload) < 3:
        raise MalformedPacket("a notification without a text", payload)
    return payload[3:].decode("utf-8", "replace")


# ------------------------------------------------------------------ time


def encode_time(wall: datetime) -> bytes:
    """Encode a wall-clock time in 32 bits, the number in brackets for each part.

    The parts are: year since 2000 (6), month (4), day (5), hour (5), minute (6), second (6).
    """
    day = (wall.year - 2000) << 9 | wall.month << 5 | wall.day
    return (day << 17 | wall.hour << 12 | wall.minute << 6 | wall.second).to_bytes(4, "big")


def decode_time(data: bytes) -> datetime:
    """Decode a wall-clock time that `encode_time` encoded; it has no zone. Raises `MalformedPacket`."""
    if len(data) != 4:
        raise MalformedPacket("a time has four bytes", data)
    bits = int.from_bytes(data, "big")
    try:
        return datetime(  # noqa: DTZ001  a wall clock
            2000 + (bits >> 26), bits >> 22 & 15, bits >> 17 & 31, bits >> 12 & 31, bits >> 6 & 63, bits & 63
        )
    except ValueError as problem:
        raise MalformedPacket("not a time", data) from problem


def encode_date(day: date | None) -> int:
    """Encode a date in 16 bits: year since 2000 (7 bits), month (4), day (5). None, of a clock never set, becomes 0."""
    return 0 if day is None else (day.year - 2000) << 9 | day.month << 5 | day.day


def decode_date(bits: int) -> date | None:
    """Decode a date that `encode_date` encoded; None if the bits are no date, as from a clock that was never set."""
    try:
        return date(2000 + (bits >> 9), bits >> 5 & 15, bits & 31)
    except ValueError:
        return None


# ------------------------------------------------------------------ what the band remembers

SLOTS = 96
"""The number of 15-minute slots in a day."""


class Slot(NamedTuple):
    """The steps of 15 minutes: a word of 64 bits, whose fields are these, with their bits, from the highest bit down.

    ====  ======================================================================
    12    steps
    4     active: 5 in all samples, meaning unknown
    16    metres
    11    number of the slot, which begins at 15 minutes times it after midnight
    2     mode: 1 in all samples, meaning unknown
    19    small calories
    ====  ======================================================================
    """

    number: int
    steps: int
    metres: int = 0
    calories: int = 0
    active: int = 5
    mode: int = 1


@dataclass(frozen=True, slots=True)
class Steps:
    """The payload of command 15/02: those slots of a day that have steps, in order of time.

    `day` is None if the date is impossible, as from a clock that was never set.
    """

    day: date | None
    slots: tuple[Slot, ...]

    def encode(self) -> bytes:
        words = [
            slot.steps << 52
            | slot.active << 48
            | slot.metres << 32
            | slot.number << 21
            | slot.mode << 19
            | slot.calories
            for slot in self.slots
        ]
        return _list_head(self.day, len(words)) + b"".join(word.to_bytes(8, "big") for word in words)

    @classmethod
    def decode(cls, payload: bytes) -> Steps:
        day, items = _items(payload, ">Q")
        slots = tuple(
            Slot(
                number=word >> 21 & 0x7FF,
                steps=word >> 52,
                metres=word >> 32 & 0xFFFF,
                calories=word & 0x7FFFF,
                active=word >> 48 & 0xF,
                mode=word >> 19 & 3,
            )
            for (word,) in items
        )
        numbers = [slot.number for slot in slots]
        if numbers != sorted(set(numbers)) or (numbers and numbers[-1] >= SLOTS):
            raise MalformedPacket("not the slots of a day in order", payload)
        return cls(day, slots)


@dataclass(frozen=True, slots=True)
class Sleep:
    """The payload of command 15/03: pairs of a minute and a kind of sleep.

    Clients disagree on the meaning of the kinds, and on the time of day from which the minutes count.
    """

    day: date | None
    items: tuple[tuple[int, int], ...]

    def encode(self) -> bytes:
        return _list_head(self.day, len(self.items)) + b"".join(
            minute.to_bytes(2, "big") + bytes([0, kind]) for minute, kind in self.items
        )

    @classmethod
    def decode(cls, payload: bytes) -> Sleep:
        day, items = _items(payload, ">HxB")
        return cls(day, tuple((minute, kind) for minute, kind in items))


class Pulse(NamedTuple):
    """A measurement of heart rate, oxygen and blood pressure; `second` counts from midnight by the band's clock.

    Which of the two pressures is the systolic one depends on the firmware.
    """

    second: int
    oxygen_percent: int
    pressures: tuple[int, int]
    heart_rate: int


@dataclass(frozen=True, slots=True)
class Heart:
    """The payload of command 15/0E: the heart rate measurements of a day."""

    day: date | None
    pulses: tuple[Pulse, ...]

    def encode(self) -> bytes:
        return _list_head(self.day, len(self.pulses)) + b"".join(
            pulse.second.to_bytes(4, "big") + bytes([pulse.oxygen_percent, *pulse.pressures, pulse.heart_rate])
            for pulse in self.pulses
        )

    @classmethod
    def decode(cls, payload: bytes) -> Heart:
        day, items = _items(payload, ">IBBBB")
        return cls(day, tuple(Pulse(second, oxygen, (a, b), bpm) for second, oxygen, a, b, bpm in items))


_TOTAL = Struct(">HIIH")


@dataclass(frozen=True, slots=True)
class Total:
    """The payload of command 15/0C: what was walked on a day so far.

    If the band's clock was never set, `day` is wrong, or None.
    """

    day: date | None
    steps: int
    metres: int = 0
    kilocalories: int = 0

    def encode(self) -> bytes:
        return _TOTAL.pack(encode_date(self.day), self.steps, self.metres, self.kilocalories)

    @classmethod
    def decode(cls, payload: bytes) -> Total:
        try:
            day, steps, metres, kilocalories = _TOTAL.unpack_from(payload)
        except error as problem:
            raise MalformedPacket("not the total of a day", payload) from problem
        return cls(decode_date(day), steps, metres, kilocalories)


def _list_head(day: date | None, count: int) -> bytes:
    return encode_date(day).to_bytes(2, "big") + count.to_bytes(2, "big")


def _items(payload: bytes, layout: str) -> tuple[date | None, Iterator[tuple[int, ...]]]:
    """Decode `<date> <count> <items>` and return the date and the items, each unpacked by the struct format `layout`.

    Bytes after the items are ignored. Raises `MalformedPacket` if there are fewer items than the count says.
    """
    end = 4 + Struct(layout).size * int.from_bytes(payload[2:4], "big")
    if len(payload) < max(end, 4):
        raise MalformedPacket("the count does not fit the items", payload)
    return decode_date(int.from_bytes(payload[:2], "big")), iter_unpack(layout, payload[4:end])

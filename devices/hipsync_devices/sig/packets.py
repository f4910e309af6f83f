"""Bytes of devices with standard services, in both directions; all numbers are little-endian.

Source: layouts on which these libraries agree: NordicSemiconductor/Android-BLE-Common-Library at c078e25,
polarofficial/polar-ble-sdk at 8fb5311, movisens/SmartGattLib at 67a2348, RonanB96/bluetooth-sig-python at 27bdb3d.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Self

from hipsync.errors import MalformedPacket
from hipsync_devices.gatt import uuid16

RUNNING = uuid16(0x1814)
"""The Running Speed and Cadence service."""
LINK_LOSS = uuid16(0x1803)
"""The Link Loss service. Its Alert Level has the same UUID as that of Immediate Alert."""
BATTERY_SERVICE = uuid16(0x180F)
CURRENT_TIME_SERVICE = uuid16(0x1805)
BODY_SENSOR_LOCATION = uuid16(0x2A38)
RSC_MEASUREMENT = uuid16(0x2A53)
RSC_FEATURE = uuid16(0x2A54)
BATTERY_LEVEL = uuid16(0x2A19)
FIRMWARE_REVISION = uuid16(0x2A26)

WIDE, CONTACT, CONTACT_KNOWN, ENERGY, INTERVALS = 0x01, 0x02, 0x04, 0x08, 0x10
"""Flags of a Heart Rate Measurement."""
STRIDE, DISTANCE, IS_RUNNING = 0x01, 0x02, 0x04
"""Flags of an RSC Measurement."""


@dataclass(frozen=True, slots=True)
class HeartRate:
    """A Heart Rate Measurement: `u8 flags, bpm, [u16 energy], [u16 interval]...`.

    Bit 0 of the flags: bpm has two bytes. Bit 2: the sensor can feel contact, and then bit 1: it feels skin now. Bit 3:
    energy follows. Bit 4: intervals follow, to the end of the packet. Other bits are ignored.
    """

    bpm: int
    """The heart rate in beats a minute; 0 for no reading."""
    contact: bool | None = None
    """Whether the sensor feels skin; None if it cannot feel contact."""
    energy_kj: int | None = None
    """The energy since a reset in kilojoules, at most 65,535; None if the device does not send it."""
    intervals: tuple[int, ...] = ()
    """The times between two beats, in 1/1024 s, the oldest first."""

    def packet(self) -> bytes:
        wide = self.bpm > 0xFF
        flags = WIDE * wide | ENERGY * (self.energy_kj is not None) | INTERVALS * bool(self.intervals)
        if self.contact is not None:
            flags |= CONTACT_KNOWN | CONTACT * self.contact
        words = [*([] if self.energy_kj is None else [self.energy_kj]), *self.intervals]
        return (
            bytes([flags])
            + self.bpm.to_bytes(2 if wide else 1, "little")
            + b"".join(word.to_bytes(2, "little") for word in words)
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Decode a measurement. Bytes that no flag announces are ignored, as is a single byte after the intervals.

        Raises `MalformedPacket` if there are fewer bytes than the flags announce.
        """
        flags = data[0] if data else 0
        at = 3 if flags & WIDE else 2
        end = at + 2 * bool(flags & ENERGY)
        if len(data) < end:
            raise MalformedPacket("a heart rate is as long as its flags say", data)
        beats = range(end, len(data) - 1, 2) if flags & INTERVALS else ()
        return cls(
            bpm=int.from_bytes(data[1:at], "little"),
            contact=bool(flags & CONTACT) if flags & CONTACT_KNOWN else None,
            energy_kj=int.from_bytes(data[at:end], "little") if flags & ENERGY else None,
            intervals=tuple(int.from_bytes(data[i : i + 2], "little") for i in beats),
        )


@dataclass(frozen=True, slots=True)
class Pace:
    """An RSC (Running Speed and Cadence) Measurement: `u8 flags, u16 speed, u8 cadence, [u16 stride], [u32 distance]`.

    Bit 0 of the flags: a stride length follows. Bit 1: a distance follows. Bit 2: running; without it walking, or
    unknown. Other bits are ignored, and so are bytes that no bit announces.
    """

    speed: int
    """The speed in 1/256 m/s."""
    cadence: int
    """The cadence: by the standard steps a minute, but some pods send strides a minute, half as many."""
    running: bool = False
    stride_cm: int | None = None
    distance_dm: int | None = None

    def packet(self) -> bytes:
        stride, distance = self.stride_cm, self.distance_dm
        flags = STRIDE * (stride is not None) | DISTANCE * (distance is not None) | IS_RUNNING * self.running
        return (
            bytes([flags])
            + self.speed.to_bytes(2, "little")
            + bytes([self.cadence])
            + (b"" if stride is None else stride.to_bytes(2, "little"))
            + (b"" if distance is None else distance.to_bytes(4, "little"))
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Decode a measurement. Raises `MalformedPacket` if there are fewer bytes than the flags announce."""
        flags = data[0] if data else 0
        at = 4 + 2 * bool(flags & STRIDE)
        end = at + 4 * bool(flags & DISTANCE)
        if len(data) < end:
            raise MalformedPacket("a pace is as long as its flags say", data)
        return cls(
            speed=int.from_bytes(data[1:3], "little"),
            cadence=data[3],
            running=bool(flags & IS_RUNNING),
            stride_cm=int.from_bytes(data[4:at], "little") if flags & STRIDE else None,
            distance_dm=int.from_bytes(data[at:end], "little") if flags & DISTANCE else None,
        )


class Level(IntEnum):
    """The values of an Alert Level, which is one byte."""

    NONE = 0
    MILD = 1
    HIGH = 2


def level(data: bytes) -> Level:
    """Decode an Alert Level, one byte. Raises `MalformedPacket`, also for reserved values."""
    if len(data) != 1 or data[0] > Level.HIGH:
        raise MalformedPacket("an alert level is one byte, 0, 1 or 2", data)
    return Level(data[0])


def wall_clock(local: datetime) -> bytes:
    """Encode a wall-clock time as a Current Time of 10 bytes.

    `u16 year, month, day, hour, minute, second, weekday (1 = Monday), 1/256 s, reason (1 = set by hand)`.
    """
    return (
        local.year.to_bytes(2, "little")
        + bytes([local.month, local.day, local.hour, local.minute, local.second, local.isoweekday()])
        + bytes([local.microsecond * 256 // 1_000_000, 1])
    )


def wall_clock_of(data: bytes) -> datetime:
    """Decode the first seven bytes of a Current Time: a wall-clock time without a zone. Raises `MalformedPacket`."""
    if len(data) < 7:
        raise MalformedPacket("a time has at least 7 bytes", data)
    try:
        month, day, hour, minute, second = data[2:7]
        return datetime(int.from_bytes(data[:2], "little"), month, day, hour, minute, second)  # noqa: DTZ001
    except ValueError as error:
        raise MalformedPacket("no such time", data) from error

"""The memory of a simulated Bangle.js: blocks of ten minutes, filed by month and the watch's local time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from hipsync.errors import MalformedPacket
from hipsync_devices.banglejs.packets import ACTIVITIES, BLOCK, END, EPOCH, Block, Measured, milliseconds

DAY = timedelta(days=1)
LABELLED = timedelta(seconds=590)
"""How long before its end a block has the local time under which the watch files it."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record of a HEALTH2 file: 10 bytes, big-endian (espruino/BangleApps at 0fe18ed, `apps/health/README.md`).

    `u16 steps, u8 least bpm, u8 most bpm, u8 movement / 8, u8 battery with 0x80 charging, u8 temperature * 2,
    u16 activity << 13 and 13 bits of altitude, u8 0`.
    """

    steps: int
    bpm_min: int = 0
    bpm_max: int = 0
    movement: int = 0
    battery: int = 0
    charging: bool = False
    temperature: float = 0
    """The temperature in degrees Celsius, in steps of 0.5, from -47.5 to 80."""
    altitude: int = 0
    """The altitude in metres, from -691 to 7500."""
    activity: str = "UNKNOWN"

    def encode(self) -> bytes:
        tail = ACTIVITIES.index(self.activity) << 13 | self.altitude & 0x1FFF
        return (
            min(self.steps, 0xFFFF).to_bytes(2, "big")
            + bytes([self.bpm_min, self.bpm_max, min(self.movement // 8, 0xFF), self.battery | self.charging << 7])
            + bytes([int(self.temperature * 2) & 0xFF])
            + tail.to_bytes(2, "big")
            + b"\0"
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        if len(data) != 10 or data[7] >> 5 >= len(ACTIVITIES):
            raise MalformedPacket("a record has 10 bytes and one of six activities", data)
        altitude = int.from_bytes(data[7:9], "big") & 0x1FFF
        temperature = data[6] / 2
        return cls(
            steps=int.from_bytes(data[:2], "big"),
            bpm_min=data[2],
            bpm_max=data[3],
            movement=data[4] * 8,
            battery=data[5] & 0x7F,
            charging=bool(data[5] & 0x80),
            temperature=temperature - 128 if temperature > 80 else temperature,
            altitude=altitude - 8192 if altitude > 7500 else altitude,
            activity=ACTIVITIES[data[7] >> 5],
        )

    @property
    def bpm(self) -> float:
        """The heart rate in beats a minute as Health Tracking reports it: the mean of the least and the most."""
        return (self.bpm_min + self.bpm_max) / 2


class Health:
    """The files of the watch, and the app Health Tracking that reads them; `version` is the app's number after `0.`."""

    def __init__(self, version: int) -> None:
        self.version = version
        self._slots: dict[datetime, bytes] = {}
        """The records by the start of their slot, which is a local time written as if it were UTC."""

    def file(self, clock: datetime, offset: timedelta, record: Record) -> bool:
        """File a block that ends at `clock`, and return True; False if its slot is taken, so that the block is lost.

        `offset` is the watch's offset from UTC.
        """
        slot = floor(clock + offset - LABELLED)
        if slot in self._slots:
            return False
        self._slots[slot] = record.encode()
        return True

    def fetch(self, since_ms: float, clock: datetime, offset: timedelta, *, activity: bool) -> Iterator[Block]:
        """Yield what the app sends for `actfetch`: of the days that it reads, the blocks that end at `since` or later.

        `since_ms` is in milliseconds since 1970. Versions from 0.35 on begin with the local day whose date is the UTC
        date ten minutes before `since`. Older ones step in whole days from that instant on, so they miss today if it is
        earlier in the day now. For `ts:0` they leave out the first month.
        """
        since = EPOCH + timedelta(milliseconds=min(max(since_ms, 0), milliseconds(END)))
        days = self._days(since, clock, offset)
        for slot in sorted(self._slots):
            end = slot - offset + BLOCK
            if end >= since and slot.date() in days:
                record = Record.decode(self._slots[slot])
                known = activity and self.version >= 31
                yield Block(
                    end, Measured(record.steps, record.bpm, record.movement, record.activity if known else None)
                )

    def _days(self, since: datetime, clock: datetime, offset: timedelta) -> set[object]:
        months = sorted({(slot.year, slot.month) for slot in self._slots})
        if since == EPOCH:
            read = months if self.version >= 35 else months[1:]
            return {slot.date() for slot in self._slots if (slot.year, slot.month) in read}
        at = since - BLOCK
        if self.version >= 35:
            midnight = datetime.combine(at.date(), datetime.min.time(), UTC) - offset
            at = midnight
        first, count = (at + offset).date(), (clock - at) // DAY + 1
        return {slot.date() for slot in self._slots if 0 <= (slot.date() - first).days < count}


def floor(instant: datetime) -> datetime:
    """Return the start of the ten minutes, by UTC, in which an instant lies."""
    return instant - (instant - EPOCH) % BLOCK

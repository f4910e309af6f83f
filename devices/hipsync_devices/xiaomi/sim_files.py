"""The memory of a simulated Xiaomi band: files of minutes, of nights and of workouts, written from a life.

A file of minutes has no holes: where the band was off, and where its clock was set, another one begins, as at midnight
by its own clock. A night's file is there when the night is over, and a workout's when it has ended. The writing shares
nothing with the reading of the driver.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from hipsync.model import Epoch, State, WorkoutKind

MINUTE_S = 60
DAY_FLAGS, NIGHT_FLAGS, REPORT_FLAGS = 0x00, 0x21, 0x20
"""The flags of files of minutes, of a night's report and of its records."""
SPORTS = {
    WorkoutKind.RUNNING: 1, WorkoutKind.WALKING: 2, WorkoutKind.TREADMILL: 3, WorkoutKind.CYCLING: 6,
    WorkoutKind.CYCLING_INDOOR: 7, WorkoutKind.ROWING_MACHINE: 13, WorkoutKind.ROWING: 107, WorkoutKind.OTHER: 9,
}  # fmt: skip
"""The vendor's number of a sport, by kind."""
FREE_TRAINING = 8
REPORTS = {1: (4, 4), 2: (4, 4), 3: (5, 4), 6: (4, 5), 7: (9, 8), 8: (8, 6), 9: (6, 4), 13: (6, 5)}
"""The version of a report, and the length of its bitmap, by the sport's number."""


def file_id(start: int, quarters: int, version: int, flags: int) -> bytes:
    return struct.pack("<IbBB", start, quarters, version, flags)


def closed(id_: bytes, body: bytes) -> bytes:
    """Return a whole file: its id, a zero, its body and the checksum."""
    head = id_ + b"\0" + body
    return head + struct.pack("<I", zlib.crc32(head))


@dataclass(slots=True)
class DayFile:
    """The minutes from one instant on, without a hole."""

    start: int
    """Unix seconds by the band's clock."""
    quarters: int
    version: int
    rising: int = 0
    """The heart rate of the last minute, from which the band notices an unusual rise."""
    records: list[bytes] = field(default_factory=list[bytes])

    @property
    def id(self) -> bytes:
        return file_id(self.start, self.quarters, self.version, DAY_FLAGS)

    @property
    def end(self) -> int:
        return self.start + MINUTE_S * len(self.records)

    def add(self, epoch: Epoch) -> None:
        self.records.append(self._record(epoch))

    def _record(self, epoch: Epoch) -> bytes:
        steps, pulse = min(epoch.steps, 0x3FFF), epoch.heart_rate or 0
        rise = pulse > self.rising + 30 > 30
        self.rising = pulse
        movement = {State.RUNNING: 3, State.WALKING: 2, State.NOT_WORN: 0}.get(epoch.state or State.SITTING, 1)
        if epoch.state is None and steps:
            movement = 3 if steps > 140 else 2
        strength = epoch.intensity if epoch.intensity is not None else min((steps + 29) // 30, 5)
        out = struct.pack("<HBBH", steps | (0x4000 if rise else 0), movement << 6 | min(steps // 20, 63),
                          min(strength, 7) << 5, steps * 7 // 10)  # fmt: skip
        out += struct.pack("<BBH", pulse, 80, min(steps // 15, 63) << 10)
        if self.version > 2:
            out += bytes([0, 255])
        if rise:
            out += bytes([min(pulse + 10, 255)])
        return out + (struct.pack("<HH", 300, steps) if self.version > 3 else b"")

    def whole(self) -> bytes:
        bitmap = bytes.fromhex({1: "feecccf0", 2: "feecccf0", 3: "feecccfcc0", 4: "feecccfcccc0"}[self.version])
        return closed(self.id, bitmap + b"".join(self.records))


def night(bed: int, stages: Iterable[tuple[int, int]], quarters: int, *, records: bool) -> tuple[bytes, bytes]:
    """Return the id and the file of a night: as records of version 3, else as a report of version 6.

    `stages` are pairs of a stage (0 awake, 1 light, 2 deep, 3 REM) and its minutes, from `bed` on.
    """
    runs = list(stages)
    awake = bed + MINUTE_S * sum(minutes for _, minutes in runs)
    times = struct.pack("<BII", 1, bed, awake)
    if records:
        id_ = file_id(bed, quarters, 3, REPORT_FLAGS)
        body = b"\xfe" + times + struct.pack("<HHIBB", 60, 2, bed, 60, 61) + struct.pack("<HHHH", 60, 0, 0, 0)
    else:
        id_ = file_id(bed, quarters, 6, NIGHT_FLAGS)
        long = awake - bed
        body = b"\xdf\xff\xf4" + times + struct.pack("<BBIIII", 80, 90, 420, long, bed - 420, awake + 60)
        body += bytes(6 * 2 + 4 + 4 * 2) + struct.pack("<HHIBB", 600, 2, bed, 64, 49) + bytes(3 * 4)
    slept = [0, 0, 0, 0]
    for stage, minutes in runs:
        slept[stage] += minutes
    counted = struct.pack(">BHHHHHH", 0x12, sum(slept[1:]), slept[0], slept[1], slept[3], slept[2], 0x1600)
    listed = b"".join(struct.pack(">H", stage << 12 | minutes) for stage, minutes in runs)
    body += _packet(bed, 16, counted) + _packet(bed, 2, b"", says=0x300) + _packet(bed, 17, listed)
    return id_, closed(id_, body)


def _packet(at: int, kind: int, data: bytes, says: int | None = None) -> bytes:
    length = len(data) if says is None else says
    return b"\xfb\xfa\xfc\xff\x11" + struct.pack("<q", at) + bytes([0, kind]) + struct.pack(">H", length) + data


def workout(kind: WorkoutKind, start: int, end: int, quarters: int) -> tuple[bytes, bytes]:
    """Return the id and the file of a workout's report."""
    sport = SPORTS[kind]
    subtype = sport if sport < 32 else FREE_TRAINING
    version, bitmap = REPORTS[subtype]
    id_ = file_id(start, quarters, version, 0x80 | subtype << 2 | 1)
    body = b"\xff" * bitmap + struct.pack("<III", start, end, end - start) + bytes(100 - bitmap)
    if subtype == FREE_TRAINING:
        body = body[: 76 - 8] + struct.pack("<H", sport) + body[76 - 8 + 2 :]
    return id_, closed(id_, body)

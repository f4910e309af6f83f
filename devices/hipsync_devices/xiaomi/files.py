"""Files of these bands: their ids, how they arrive in parts, and the minutes of a day.

::

    id     <start u32, unix UTC> <zone i8, quarter hours> <version u8> <flags u8>
           flags: bit 7 sport, bits 6-2 subtype, bits 1-0 detail (0 records, 1 report, 2 GPS)
    part   <total u16> <number u16, from 1> <data>
    file   <id, 7 bytes> 00 <body> <CRC-32 of all before it, u32>

The body of a day is a bitmap, then a record for each minute from the id's start on. A half byte of the bitmap stands
for a group of values, the high one first: bit 3 says that each record holds the group, bits 2 to 0 that its first,
second and third value mean something. A group that is absent takes no bytes::

    0  u16   bit 14: one byte more in this record, bits 13-0 steps     5  u8   energy
    1  u8    bits 7-6 movement, bits 5-0 kcal                          6  u16  kcal, energy
    2  u8    bits 7-5 strength, bits 4-0 kind of sport                 7  u8   SpO2               from version 3
    3  u16   distance                                                  8  u8   stress             from version 3
    4  u8    heart rate, 0 and 255 for none                            9, 10  u16                 version 4

Nothing in a minute says whether the band was worn. Source: Gadgetbridge (DailyDetailsParser, XiaomiActivityFileId), run
for `tests/vectors/xiaomi.json` (areas file-id and day-file); movement and strength by the tables of miwear-ctl.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from struct import Struct

from hipsync.errors import MalformedPacket
from hipsync.model import MINUTE, STEPS_A_MINUTE, Epoch, State

_ID = Struct("<IbBB")
_PART = Struct("<HH")
_U16 = Struct("<H")
HEAD, CRC = 8, 4
"""The bytes of a file before and after its body."""
MOST_BYTES = 2**20
"""The most bytes of a file; a whole day with every group takes 30,000, a long track ten times that."""


class What(Enum):
    """The files that matter here, as (sport, subtype, detail)."""

    MINUTES = (0, 0, 0)
    STAGES = (0, 3, 0)
    """A night, with its stages."""
    SLEEP = (0, 8, 0)
    """A night, in detail: versions 1 to 3."""
    SLEEP_REPORT = (0, 8, 1)
    """A night, in detail: versions 4 to 6."""


@dataclass(frozen=True, slots=True)
class FileId:
    """The id of a file: what is in it, and when that began."""

    data: bytes
    """The id itself, seven bytes."""
    start: datetime
    quarters: int
    """How far the band's zone was ahead of UTC when the file began, in quarter hours."""
    version: int
    sport: bool
    subtype: int
    detail: int

    @classmethod
    def decode(cls, data: bytes) -> FileId:
        """Decode an id of seven bytes. Raises `MalformedPacket`."""
        if len(data) != _ID.size:
            raise MalformedPacket("an id of a file has seven bytes", data)
        start, quarters, version, flags = _ID.unpack(data)
        at = datetime.fromtimestamp(start, UTC)
        return cls(data, at, quarters, version, flags >= 0x80, flags >> 2 & 0x1F, flags & 3)

    @property
    def what(self) -> What | None:
        """Which file of a day or night it is; None for any other."""
        key = (int(self.sport), self.subtype, self.detail)
        return What(key) if key in {what.value for what in What} else None

    @property
    def is_workout(self) -> bool:
        """Whether it is the report of a workout."""
        return self.sport and self.detail == 1


class Parts:
    """Puts a file together from its parts, which come in order. The first part always begins a file anew."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._next = 1

    def take(self, part: bytes) -> bytes | None:
        """Take a part, and return the file if it is whole; a part that does not follow the one before is passed over.

        Raises `MalformedPacket` for what is no part, or a file that is longer than any.
        """
        if len(part) < _PART.size:
            raise MalformedPacket("too short for a part of a file", part)
        total, number = _PART.unpack_from(part)
        if number == 1:
            self._data.clear()
        elif number != self._next:
            return None
        self._data += part[_PART.size :]
        if len(self._data) > MOST_BYTES:
            raise MalformedPacket("a file without end", part)
        self._next = number + 1
        if number < total:
            return None
        self._next = 0
        return bytes(self._data)


def body_of(file: bytes, asked: FileId) -> bytes:
    """Return the body of a file. Raises `MalformedPacket` if it is damaged, or another one than was asked for."""
    if len(file) < HEAD + CRC or zlib.crc32(file[:-CRC]) != int.from_bytes(file[-CRC:], "little"):
        raise MalformedPacket("a file does not fit its checksum", file)
    if file[: _ID.size] != asked.data:
        raise MalformedPacket("the band sent another file than was asked for", file)
    return file[HEAD:-CRC]


# ------------------------------------------------------------------ the minutes of a day


BITMAPS = {1: 4, 2: 4, 3: 5, 4: 6}
"""The length of the bitmap in bytes, by version; version 5 exists, and nobody has told how its records read."""
SIZES = (2, 1, 1, 2, 1, 1, 2, 1, 1, 2, 2)
"""The bytes of each group."""
EXTRA_AFTER = 8
"""The group behind which the extra byte stands, wherever the groups behind it begin."""
GROUPS = {1: 7, 2: 7, 3: 9, 4: 11}
"""How many groups a version has."""
STEPS, MOVEMENT, STRENGTH, HEART_RATE = 0, 1, 2, 4
MOVEMENTS: dict[int, State] = {2: State.WALKING, 3: State.RUNNING}
"""The states by movement. Still (1) is no state: it may be sitting, standing, or the band on a table."""
UNKNOWN_STRENGTH = 7


@dataclass(frozen=True, slots=True)
class Layout:
    """Which groups the records of one file hold."""

    present: tuple[int, ...]
    valid: tuple[int, ...]
    """For each group, bits 2 to 0: whether its first, second and third value mean something."""

    @classmethod
    def decode(cls, version: int, body: bytes) -> Layout:
        """Decode the bitmap at the head of a body. Raises `MalformedPacket` for one that nobody knows."""
        size = BITMAPS.get(version)
        if size is None or len(body) < size:
            raise MalformedPacket(f"minutes of version {version}", body)
        halves = [half for byte in body[:size] for half in (byte >> 4, byte & 0x0F)]
        present = tuple(group for group, half in enumerate(halves) if half & 8)
        if present and present[-1] >= GROUPS[version]:
            raise MalformedPacket("minutes with a value that nobody knows", body)
        return cls(present, tuple(half & 7 for half in halves))

    @property
    def has_extra(self) -> bool:
        """Whether bit 14 of the steps stands for one byte more."""
        return STEPS in self.present and bool(self.valid[STEPS] & 2)

    def records(self, data: bytes) -> Iterator[dict[int, int]]:
        """Yield the values of each record by group. Raises `MalformedPacket` if the last one is not whole."""
        at = 0
        while at < len(data):
            record: dict[int, int] = {}
            extra = False
            for group in self.present:
                if extra and group > EXTRA_AFTER:
                    at, extra = at + 1, False
                end = at + SIZES[group]
                record[group] = int.from_bytes(data[at:end], "little")
                at = end
                if group == STEPS:
                    extra = self.has_extra and bool(record[STEPS] & 0x4000)
            at += extra
            if at > len(data) or not self.present:
                raise MalformedPacket("the last minute is not whole", data)
            yield record

    def epoch(self, start: datetime, record: dict[int, int]) -> Epoch | None:
        """Return a record as an epoch; None if it does not say how many steps, or more than anybody makes."""
        if STEPS not in record or not self.valid[STEPS] & 1:
            return None
        steps = record[STEPS] & 0x3FFF
        if steps > STEPS_A_MINUTE:
            return None
        movement = record[MOVEMENT] >> 6 if self._says(MOVEMENT, record) else 0
        strength = record[STRENGTH] >> 5 if self._says(STRENGTH, record) else UNKNOWN_STRENGTH
        pulse = record[HEART_RATE] if self._says(HEART_RATE, record) else 0
        return Epoch(
            start, MINUTE, steps,
            intensity=None if strength == UNKNOWN_STRENGTH else strength,
            heart_rate=pulse if 0 < pulse < 255 else None,
            state=MOVEMENTS.get(movement),
            kind=self._kind(record),
        )  # fmt: skip

    def _kind(self, record: dict[int, int]) -> int | None:
        """Return movement (bits 9 and 8) and the group of strength and sport (below) as one number."""
        if MOVEMENT not in record and STRENGTH not in record:
            return None
        return record.get(MOVEMENT, 0) >> 6 << 8 | record.get(STRENGTH, 0)

    def _says(self, group: int, record: dict[int, int]) -> bool:
        """Whether the first value of a group is there and means something."""
        return group in record and bool(self.valid[group] & 4)


def decode_minutes(id_: FileId, body: bytes) -> list[Epoch]:
    """Return the minutes of a day's file in order; those whose steps nobody can tell are left out.

    A file of today grows: it is fetched again, with all its minutes. Raises `MalformedPacket`, and then no minute
    of the file can be trusted.
    """
    layout = Layout.decode(id_.version, body)
    start = id_.start.replace(second=0)
    placed = enumerate(layout.records(body[BITMAPS[id_.version] :]))
    found = (layout.epoch(start + number * MINUTE, record) for number, record in placed)
    return [epoch for epoch in found if epoch is not None]

"""Nights of these bands, from two kinds of files: when the wearer was asleep, and nothing else.

In detail (0.8.x)::

    bitmap (1 byte in versions 1 to 4, then 2, then 3)   flag u8   to bed u32   awake u32   ...
    fbfafcff 11 <time i64> <parity u8> <type u8> <length u16, big-endian> <data>              packets, anywhere behind

A packet of type 17 holds stages from its time on, u16 big-endian each: the top 4 bits 0 awake, 1 light, 2 deep, 3 REM,
the other 12 minutes. The rest (series of heart rates and the like) is passed over: the mark is looked for. The flag is
not used, because Gadgetbridge names it in two ways.

With stages (0.3.0, version 2)::

    7 bytes   minutes asleep u16   to bed u32   awake u32   12 bytes   then <time u32> <stage u8> each: 5 is awake

Source: Gadgetbridge (SleepDetailsParser, SleepStagesParser), run for `tests/vectors/xiaomi.json` (area sleep). The
second form was seen in Gadgetbridge alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from struct import Struct

from hipsync.errors import MalformedPacket
from hipsync.model import DAY, MINUTE
from hipsync_devices.xiaomi.files import FileId, What

BITMAPS = {1: 1, 2: 1, 3: 1, 4: 1, 5: 2, 6: 3}
"""The length of the bitmap of a night in detail, in bytes, by version."""
MARK = b"\xfb\xfa\xfc\xff"
STAGES_PACKET = 17
MOST_PACKETS = 64
"""How many packets with stages are read: a night has a handful, and a file may hold tens of thousands."""
WITHOUT_DATA = frozenset({2, 3, 9, 12, 13, 14, 15, 18, 19})
"""The types of packets that have no data, whatever their length says."""
AWAKE, AWAKE_STAGE = 0, 5
"""Awake, in a packet of a night in detail and in a file with stages."""
_TIMES = Struct("<II")
_PACKET = Struct(">4sB8sBBH")
_STAGE = Struct("<IB")
STAGES_VERSION = 2
MOST_STAGES = 1440
"""How many stages of a file are read: a night that changed them each minute of a day has so many."""
_STAGES_TIMES, _STAGES_FROM = 9, 29
"""Where a file with stages has its times, and its first stage."""


@dataclass(frozen=True, slots=True)
class Span:
    """A time `[start, end)`."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Night:
    """A night in bed, `[start, end)`, with the times in it at which the wearer was awake.

    A night that goes on is reported again later with the same start.
    """

    start: datetime
    end: datetime
    awake: Sequence[Span] = ()

    def asleep(self) -> Iterator[datetime]:
        """Yield the starts of the whole minutes in which the wearer was asleep from end to end, in order."""
        first = self.start.replace(second=0)
        if first < self.start:
            first += MINUTE
        awake: set[datetime] = set()
        for span in self.awake:
            awake.update(_minutes(max(span.start, first).replace(second=0), min(span.end, self.end)))
        whole = (minute for minute in _minutes(first, self.end) if minute + MINUTE <= self.end)
        return (minute for minute in whole if minute not in awake)


def _minutes(start: datetime, end: datetime) -> Iterator[datetime]:
    """Yield the minutes that begin in `[start, end)`, from `start` on."""
    while start < end:
        yield start
        start += MINUTE


def decode_night(id_: FileId, body: bytes) -> Night:
    """Return the night of a file. Raises `MalformedPacket` for an unknown form, and a night longer than a day."""
    if id_.what is What.STAGES:
        return _with_stages(id_, body)
    size = BITMAPS.get(id_.version)
    if id_.what not in {What.SLEEP, What.SLEEP_REPORT} or size is None:
        raise MalformedPacket(f"a night of version {id_.version}", body)
    start, end = _times(body, size + 1)
    stages = _packets(body[size + 1 + _TIMES.size :])
    return Night(start, end, [span for at, data in islice(stages, MOST_PACKETS) for span in _awake(at, data)])


def _times(body: bytes, at: int) -> tuple[datetime, datetime]:
    if len(body) < at + _TIMES.size:
        raise MalformedPacket("too short for a night", body)
    start, end = (datetime.fromtimestamp(stamp, UTC) for stamp in _TIMES.unpack_from(body, at))
    if not timedelta() < end - start <= DAY:
        raise MalformedPacket("a night that nobody can have slept", body)
    return start, end


def _packets(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the time in seconds and the data of each packet with stages."""
    at = data.find(MARK)
    while 0 <= at <= len(data) - _PACKET.size:
        _, _, time, _, kind, length = _PACKET.unpack_from(data, at)
        at += _PACKET.size
        if kind == STAGES_PACKET:
            yield int.from_bytes(time, "little"), data[at : at + length]
        at = data.find(MARK, at if kind in WITHOUT_DATA else min(at + length, len(data)))


def _awake(at: int, data: bytes) -> Iterator[Span]:
    """Yield the times awake in a packet of stages that begins at a time in seconds; none if that is no time."""
    if at >= 2**32:
        return
    start = datetime.fromtimestamp(at, UTC)
    for place in range(0, len(data) - 1, 2):
        word = int.from_bytes(data[place : place + 2], "big")
        end = start + (word & 0xFFF) * MINUTE
        if word >> 12 == AWAKE and end > start:
            yield Span(start, end)
        start = end


def _with_stages(id_: FileId, body: bytes) -> Night:
    if id_.version != STAGES_VERSION:
        raise MalformedPacket(f"stages of version {id_.version}", body)
    start, end = _times(body, _STAGES_TIMES)
    last = len(body) - _STAGE.size
    stages = [_STAGE.unpack_from(body, at) for at in range(_STAGES_FROM, last + 1, _STAGE.size)][:MOST_STAGES]
    begins = [*(datetime.fromtimestamp(stamp, UTC) for stamp, _ in stages), end]
    awake = [Span(begins[i], begins[i + 1]) for i, (_, stage) in enumerate(stages) if stage == AWAKE_STAGE]
    return Night(start, end, [span for span in awake if span.start < span.end])

"""The minutes and the nights that a band stores: counted for a window of time, then fetched one by one by their index.

    > 07/0A  81 00 · 03 <from> · 04 <to>          < 81 { 02 <count> }
    > 07/0B  81 { 02 <index> }                    < 81 { 02 <index> · 03 <base> · 84 { 05 <offset> 06 <data> } ... }

A record has the minutes at `base` + 60 s * offset (UTC). What a minute holds is told by a bitmap, or two: first the
values of the first bitmap, in order of rising bits, then those of the second::

    01 ?   02 steps   04 calories   08 metres   10 ?   two bytes each      20 ?   40 heart rate   one byte each
    80 a second bitmap follows it: SpO2, resting heart rate and unknown values, one byte each

A listed minute without steps is a minute in which the band counted none. Source: docs/protocols/huawei.md, 8 and 9.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from hipsync.errors import MalformedPacket
from hipsync.model import MINUTE
from hipsync_devices.huawei import tlv
from hipsync_devices.huawei.tlv import Fields

COUNT_MINUTES, MINUTES, COUNT_SLEEP, SLEEP = (0x07, 0x0A), (0x07, 0x0B), (0x07, 0x0C), (0x07, 0x0D)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""The earliest beginning of a window; an earlier one is said to upset some bands."""
STEPS, HEART_RATE, MORE = 0x02, 0x40, 0x80
WIDTHS = {0x01: 2, STEPS: 2, 0x04: 2, 0x08: 2, 0x10: 2, 0x20: 1, HEART_RATE: 1}
"""How many bytes the value of each bit of the first bitmap has."""
NOT_COUNTED, NO_HEART_RATES = 0xFFFF, frozenset({0, 0xFF})
LIGHT, DEEP = 0x06, 0x07
"""The types of sleep. Other types are bouts of activity."""


def count(start: datetime, end: datetime) -> bytes:
    """Return the body that counts the records in [start, end] in whole seconds, and makes the window of the indices."""
    edges = ((tag, int(max(at, EARLIEST).timestamp()).to_bytes(4, "big")) for tag, at in ((0x03, start), (0x04, end)))
    return tlv.encode((0x81, b""), *edges)


def counted(body: bytes) -> int:
    """Return the number of records in the window. Raises `MalformedPacket`."""
    number = Fields.decode(body).only(0x81).number(0x02)
    if number > 0xFFFF:
        raise MalformedPacket(f"{number} records", body)
    return number


def ask(index: int) -> bytes:
    """Return the body that asks for one record of the window, counted from 0."""
    return tlv.encode((0x81, tlv.encode((0x02, index.to_bytes(2, "big")))))


class Minute(NamedTuple):
    start: datetime
    steps: int | None
    """None if the band does not know them, or if they are cut off."""
    heart_rate: int | None


@dataclass(frozen=True, slots=True)
class Record:
    """One record of minutes, in the band's order."""

    index: int
    minutes: tuple[Minute, ...]
    damaged: int
    """How many of its minutes were cut short or came without offset or data."""

    @classmethod
    def decode(cls, body: bytes) -> Record:
        """Decode an answer to 07/0B. What can be read of damaged minutes is kept. Raises `MalformedPacket`."""
        fields = Fields.decode(body).only(0x81)
        base = fields.number(0x03)
        if base > 0xFFFF_FFFF:
            raise MalformedPacket("a record from no time", body)
        found: list[Minute] = []
        damaged = 0
        for value in fields.all(0x84):
            try:
                minute, whole = _minute(base, value)
            except MalformedPacket:
                damaged += 1
                continue
            damaged += not whole
            found.append(minute)
        return cls(fields.number(0x02), tuple(found), damaged)


def _minute(base: int, value: bytes) -> tuple[Minute, bool]:
    """Return a minute and whether it was whole. Raises `MalformedPacket` if its time or its data are missing."""
    inside = Fields.decode(value)
    offset, data = inside.number(0x05), inside.value(0x06)
    if offset > 0xFF:
        raise MalformedPacket("a minute from no time", value)
    steps, heart_rate, whole = decode_values(data)
    return Minute(_instant(base) + offset * MINUTE, steps, heart_rate), whole


def decode_values(data: bytes) -> tuple[int | None, int | None, bool]:
    """Return the steps and the heart rate of a minute, and whether the data hold everything that its bitmaps announce.

    Steps are 0 if the bitmap announces none, and None if the band did not count them or if they are cut off.
    """
    if not data:
        return None, None, False
    bitmap, more = data[0], data[1] if data[0] & MORE and len(data) > 1 else 0
    at = 2 if bitmap & MORE else 1
    values: dict[int, int] = {}
    for bit, width in WIDTHS.items():
        if bitmap & bit:
            if at + width <= len(data):
                values[bit] = int.from_bytes(data[at : at + width], "big")
            at += width
    end = at + more.bit_count()
    steps = values.get(STEPS) if bitmap & STEPS else 0
    heart_rate = values.get(HEART_RATE)
    return (
        None if steps == NOT_COUNTED else steps,
        None if heart_rate in NO_HEART_RATES else heart_rate,
        len(data) >= max(end, 2 if bitmap & MORE else 1),
    )


class Slept(NamedTuple):
    """A span `[start, end)` of sleep."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Night:
    """One record of sleep."""

    index: int
    spans: tuple[Slept, ...]

    @classmethod
    def decode(cls, body: bytes) -> Night:
        """Decode an answer to 07/0D. Spans of other types than sleep are left out. Raises `MalformedPacket`."""
        fields = Fields.decode(body).only(0x81)
        found: list[Slept] = []
        for each in fields.inside(0x83):
            if each.number(0x04) not in {LIGHT, DEEP}:
                continue
            span = each.value(0x05)
            if len(span) != 6:
                raise MalformedPacket("a span of sleep has six bytes", body)
            start = _instant(int.from_bytes(span[:4], "big"))
            found.append(Slept(start, start + int.from_bytes(span[4:], "big") * MINUTE))
        return cls(fields.number(0x02), tuple(found))


def _instant(seconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)

"""Writes files in Garmin's form FIT, for a simulated watch: definitions, rows, and both checksums.

It shares nothing with what reads such files, so that one tests the other. The layouts of the rows are those of a real
vívosmart 4 (MaksVasilev/fit2gpx at a672a731, `test/**/monitor`); the form itself is Garmin's "Flexible and
Interoperable Data Transfer (FIT) Protocol".
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

BEGINNING = datetime(1989, 12, 31, tzinfo=UTC)
PRODUCT, SERIAL = 2927, 1_234_567_890
"""A vívosmart 4, and the serial number that stands in place of a real one."""
_NIBBLES = (
    0x0000, 0xCC01, 0xD801, 0x1400, 0xF001, 0x3C00, 0x2800, 0xE401,
    0xA001, 0x6C00, 0x7800, 0xB401, 0x5000, 0x9C01, 0x8801, 0x4400,
)  # fmt: skip
_HEAD_SIZE, _PROTOCOL, _PROFILE = 14, 0x20, 2132
_ENUM, _BYTE, _U8, _S16, _U16, _U32, _U32Z = 0x00, 0x0D, 0x02, 0x83, 0x84, 0x86, 0x8C
_SIZES = {_ENUM: 1, _BYTE: 1, _U8: 1, _S16: 2, _U16: 2, _U32: 4, _U32Z: 4}
_DEFINITION = 0x40


_BYTES = [_NIBBLES[low] >> 4 ^ _NIBBLES[(_NIBBLES[low] ^ high) & 0x0F] for high in range(16) for low in range(16)]
"""What each byte does to the low byte of a checksum, a nibble after the other."""


def checksum(data: bytes, crc: int = 0) -> int:
    """Return the CRC-16 of data, which continues from `crc`."""
    for byte in data:
        crc = crc >> 8 ^ _BYTES[(crc ^ byte) & 0xFF]
    return crc


def seconds(instant: datetime) -> int:
    """Return an instant as these files count time."""
    return int((instant - BEGINNING).total_seconds())


class Layout(NamedTuple):
    """A kind of row: its number within the file, the number of its message, and its fields with their types."""

    local: int
    message: int
    fields: tuple[tuple[int, int], ...]

    def definition(self) -> bytes:
        fields = b"".join(bytes([number, _SIZES[kind], kind]) for number, kind in self.fields)
        head = bytes([_DEFINITION | self.local, 0, 0]) + self.message.to_bytes(2, "little")
        return head + bytes([len(self.fields)]) + fields

    def row(self, *values: int) -> bytes:
        held = [
            value.to_bytes(_SIZES[kind], "little", signed=kind == _S16)
            for value, (_, kind) in zip(values, self.fields, strict=True)
        ]
        return bytes([self.local]) + b"".join(held)


FILE_ID = Layout(0, 0, ((3, _U32Z), (4, _U32), (1, _U16), (2, _U16), (5, _U16), (0, _ENUM)))
INFO = Layout(1, 103, ((253, _U32), (0, _U32)))
TOTAL = Layout(2, 55, ((253, _U32), (3, _U32), (4, _U32), (5, _ENUM)))
PULSE = Layout(3, 55, ((26, _U16), (27, _U8)))
STILL = Layout(4, 55, ((253, _U32), (24, _BYTE)))
MOVING = Layout(5, 55, ((3, _U32), (4, _U32), (26, _U16), (24, _BYTE)))
STRESS = Layout(6, 227, ((1, _U32), (0, _S16)))
ALARM = Layout(7, 21, ((253, _U32), (3, _U32), (0, _ENUM), (1, _ENUM)))
SESSION = Layout(8, 18, ((253, _U32), (2, _U32), (7, _U32), (8, _U32), (5, _ENUM), (6, _ENUM)))
_ALL = (FILE_ID, INFO, TOTAL, PULSE, STILL, MOVING, STRESS, ALARM, SESSION)
_MAKER, _ALARM_EVENT, _MARKER = 1, 41, 3
_SEDENTARY = 8


def written(rows: Sequence[bytes]) -> bytes:
    """Return the file that holds these rows, each kind of which is defined once, where it first stands."""
    body, defined = bytearray(), set[int]()
    layouts = {each.local: each for each in _ALL}
    for row in rows:
        if row[0] not in defined:
            defined.add(row[0])
            body += layouts[row[0]].definition()
        body += row
    head = bytes([_HEAD_SIZE, _PROTOCOL]) + _PROFILE.to_bytes(2, "little") + len(body).to_bytes(4, "little") + b".FIT"
    whole = head + checksum(head).to_bytes(2, "little") + body
    return whole + checksum(whole).to_bytes(2, "little")


def file_id(holds: int, number: int, created: datetime) -> bytes:
    """Return the first row of every file."""
    return FILE_ID.row(SERIAL, seconds(created), _MAKER, PRODUCT, number, holds)


class Minute(NamedTuple):
    """A minute as the watch has it: when it began by the watch's clock, and what it found."""

    at: datetime
    activity: int
    intensity: int
    steps: int
    pulse: int | None


class Level(NamedTuple):
    """The move bar reached a level, or was cleared (0)."""

    at: datetime
    level: int


class Day(NamedTuple):
    """What a monitoring file begins with: its number, its start, how far local time is ahead, and totals so far.

    `totals` are cycles and active minutes by activity.
    """

    number: int
    start: datetime
    ahead_s: int
    totals: dict[int, tuple[int, int]]


MINUTE_S = 60
LONGEST_WALK = 15
"""The most minutes of one run with steps; longer ones are not found in real files."""
PULSE_AGAIN = 8
"""After how many minutes an unchanged heart rate is written again."""


def monitoring(day: Day, minutes: Sequence[Minute], alarms: Sequence[Level]) -> bytes:
    """Return the monitoring file of consecutive minutes: runs, heart rates when they change, stress, and alarms.

    Stress is written once a minute and runs a minute ahead of the rest, as in real files. At the end the totals are
    repeated.
    """
    begun = seconds(day.start)
    rows = [file_id(32, day.number, day.start), INFO.row(begun, begun + day.ahead_s)]
    totals = dict(day.totals)
    rows += [TOTAL.row(begun, cycles, active * 60_000, activity) for activity, (cycles, active) in totals.items()]
    pulses = _Pulses()
    waiting = list(alarms)
    run: list[Minute] = []
    for place, minute in enumerate(minutes):
        end = seconds(minute.at) + MINUTE_S
        rows.append(STRESS.row(end + MINUTE_S, -1 if minute.activity == _SEDENTARY else -2))
        rows += pulses.rows(minute, end)
        run.append(minute)
        after = minutes[place + 1] if place + 1 < len(minutes) else None
        if after is None or _breaks(run, after):
            rows.append(_closed(run, end, totals))
            run = []
        while waiting and seconds(waiting[0].at) <= end:
            alarm = waiting.pop(0)
            rows.append(ALARM.row(seconds(alarm.at), alarm.level, _ALARM_EVENT, _MARKER))
    if minutes:
        end = seconds(minutes[-1].at) + MINUTE_S
        rows += [TOTAL.row(end, cycles, active * 60_000, activity) for activity, (cycles, active) in totals.items()]
    return written(rows)


def _breaks(run: Sequence[Minute], after: Minute) -> bool:
    """Whether the next minute begins another run."""
    last = run[-1]
    alike = (last.activity, last.intensity) == (after.activity, after.intensity)
    return not alike or (last.activity != _SEDENTARY and len(run) >= LONGEST_WALK)


def _closed(run: Sequence[Minute], end: int, totals: dict[int, tuple[int, int]]) -> bytes:
    """Return the row that closes a run, and enter its totals."""
    activity = run[-1].activity
    code = activity | run[-1].intensity << 5
    if activity == _SEDENTARY:
        return STILL.row(end, code)
    cycles, active = totals.get(activity, (0, 0))
    totals[activity] = (cycles + sum(minute.steps for minute in run), active + len(run))
    return MOVING.row(totals[activity][0], totals[activity][1] * 60_000, end & 0xFFFF, code)


class _Pulses:
    """Tells which heart rates are written: one that changed, or was not written for some minutes."""

    def __init__(self) -> None:
        self._last: tuple[int, int] | None = None

    def rows(self, minute: Minute, end: int) -> list[bytes]:
        if minute.pulse is None:
            return []
        if self._last is not None and self._last[1] == minute.pulse and end - self._last[0] < PULSE_AGAIN * MINUTE_S:
            return []
        self._last = (end, minute.pulse)
        return [PULSE.row(end & 0xFFFF, min(minute.pulse, 0xFE))]


def activity(number: int, start: datetime, end: datetime, sport: int, sub_sport: int) -> bytes:
    """Return the file of one recorded activity, with its session alone."""
    elapsed = (seconds(end) - seconds(start)) * 1000
    session = SESSION.row(seconds(end), seconds(start), elapsed, elapsed, sport, sub_sport)
    return written([file_id(4, number, start), session])

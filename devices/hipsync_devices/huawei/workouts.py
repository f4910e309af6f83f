"""The workouts that a band stores: their numbers in a window of time, then one by one their kind, start and end.

    > 17/07  81 { 03 <from> · 04 <to> }      < 81 { 02 <count> · 85 { 06 <number> ... } ... }
    > 17/08  81 { 02 <number> }              < 81 { 02 <number> · 04 <start> · 05 <end> · 14 <type> ... }

The list counts, and not its count. Source: docs/protocols/workouts.md, 5.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta

from hipsync.errors import MalformedPacket
from hipsync.model import Workout, WorkoutKind
from hipsync_devices.huawei import tlv
from hipsync_devices.huawei.tlv import Fields

LIST, TOTALS = (0x17, 0x07), (0x17, 0x08)
SUPPORTED = (0x17, 0x01)
"""The command without which a band has no list of workouts."""
KINDS = defaultdict(
    lambda: WorkoutKind.OTHER,
    {
        1: WorkoutKind.RUNNING, 2: WorkoutKind.WALKING, 3: WorkoutKind.CYCLING, 4: WorkoutKind.WALKING,
        5: WorkoutKind.TREADMILL, 7: WorkoutKind.CYCLING_INDOOR, 11: WorkoutKind.RUNNING, 13: WorkoutKind.WALKING,
        14: WorkoutKind.WALKING, 135: WorkoutKind.ROWING_MACHINE, 141: WorkoutKind.CYCLING_INDOOR,
        200: WorkoutKind.ROWING, 213: WorkoutKind.CYCLING,
    },
)  # fmt: skip


def ask_list(start: datetime, end: datetime) -> bytes:
    """Return the body that asks for the numbers of the workouts in [start, end]."""
    stamps = ((tag, int(at.timestamp()).to_bytes(4, "big")) for tag, at in ((0x03, start), (0x04, end)))
    return tlv.encode((0x81, tlv.encode(*stamps)))


def numbers(body: bytes) -> list[int]:
    """Return the numbers of the workouts in a list, in the band's order. Raises `MalformedPacket`."""
    listed = [each.number(0x06) for each in Fields.decode(body).only(0x81).inside(0x85)]
    if any(number > 0xFFFF for number in listed):
        raise MalformedPacket("a workout with a number of more than two bytes", body)
    return list(dict.fromkeys(listed))


def ask(number: int) -> bytes:
    return tlv.encode((0x81, tlv.encode((0x02, number.to_bytes(2, "big")))))


def decode(body: bytes, number: int) -> Workout:
    """Decode the totals of the workout with this number.

    Raises `MalformedPacket` if they are another workout's, or if the workout has no length, or one of a day or more.
    """
    fields = Fields.decode(body).only(0x81)
    if fields.number(0x02) != number:
        raise MalformedPacket("the totals of another workout", body)
    start, end = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=_stamp(fields, tag)) for tag in (0x04, 0x05))
    workout = Workout(KINDS[fields.number(0x14, 255)], start, end)
    if not workout.is_possible:
        raise MalformedPacket("a workout of an impossible length", body)
    return workout


def _stamp(fields: Fields, tag: int) -> int:
    value = fields.number(tag)
    if value > 0xFFFF_FFFF:
        raise MalformedPacket("a workout from no time", fields.raw)
    return value

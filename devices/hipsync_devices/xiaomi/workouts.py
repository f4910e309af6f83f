"""Reports of workouts: their kind, start and end, and nothing else of them.

::

    <id, 7 bytes> 00 <bitmap> [sport u16, categories 22 and 23 only] <start u32> <end u32> <active seconds u32> ...

The length of the bitmap depends on the sport and the version. For a version that nobody has listed, the id's own stamp
is looked for, with a later one behind it; if that is there exactly once, it is the start. The kind is the subtype of
the id, which is the vendor's number of the sport, as far as that fits into five bits. Free training (8) and the
categories 22 and 23 have the number in the report.

Source: Gadgetbridge (WorkoutSummaryParser) and forks of 2026; the sports of AstroBox and Gadgetbridge, which differ in
4 and 15: both are walks. Bytes of each are in `tests/vectors/workouts.json` (areas xiaomi-id, xiaomi-report).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from struct import Struct

from hipsync.errors import MalformedPacket
from hipsync.model import DAY, Workout, WorkoutKind
from hipsync_devices.xiaomi.files import HEAD, FileId

KINDS: Mapping[int, WorkoutKind] = {
    1: WorkoutKind.RUNNING, 2: WorkoutKind.WALKING, 3: WorkoutKind.TREADMILL, 4: WorkoutKind.WALKING,
    5: WorkoutKind.RUNNING, 6: WorkoutKind.CYCLING, 7: WorkoutKind.CYCLING_INDOOR, 13: WorkoutKind.ROWING_MACHINE,
    15: WorkoutKind.WALKING, 22: WorkoutKind.WALKING, 107: WorkoutKind.ROWING, 207: WorkoutKind.WALKING,
    324: WorkoutKind.CYCLING_INDOOR, 333: WorkoutKind.WALKING,
}  # fmt: skip
"""The kinds by the vendor's number of the sport; every other number is `OTHER`."""
FREE = 8
CATEGORIES = frozenset({22, 23})
BITMAPS: Mapping[int, Mapping[int, int]] = {
    1: {4: 4}, 2: {4: 4},
    3: {5: 4, 9: 6, 10: 8, 11: 9},
    6: {4: 5},
    7: {8: 7, 9: 8},
    8: {5: 3, 7: 5, 8: 6, 9: 6, 10: 6},
    9: {6: 4, 7: 5, 8: 8},
    11: {3: 4, 4: 4, 5: 4, 6: 4},
    13: {4: 4, 6: 5, 7: 5},
    14: {3: 5, 5: 5},
    16: {5: 4},
    22: {1: 5, 4: 7, 5: 9, 6: 9, 9: 13},
    23: {4: 6, 5: 6, 6: 7, 7: 7},
}  # fmt: skip
"""The length of the bitmap in bytes, by subtype and version."""
FREE_SPORT = {5: 65, 7: 75, 8: 76, 9: 76, 10: 76}
"""Where in the file a report of free training names its sport, by version."""
LOOKED_THROUGH = range(11, 26)
"""The places in a file at which the start of an unknown version is looked for."""
_TIMES = Struct("<II")
_U16 = Struct("<H")


def decode_workout(id_: FileId, body: bytes) -> Workout | None:
    """Return the workout of a report; None if nobody can tell where an unknown version has its times.

    Raises `MalformedPacket` for a report that breaks off, or whose workout is impossible.
    """
    size = BITMAPS.get(id_.subtype, {}).get(id_.version)
    at = _looked_for(id_, body) if size is None else size + (2 if id_.subtype in CATEGORIES else 0)
    if at is None:
        return None
    if len(body) < at + _TIMES.size:
        raise MalformedPacket("too short for a report", body)
    start, end = (datetime.fromtimestamp(stamp, UTC) for stamp in _TIMES.unpack_from(body, at))
    workout = Workout(KINDS.get(_sport(id_, body, at), WorkoutKind.OTHER), start, end)
    if not workout.is_possible:
        raise MalformedPacket("a workout that nobody can have done", body)
    return workout


def _sport(id_: FileId, body: bytes, times_at: int) -> int:
    """Return the vendor's number of the sport; the subtype where the report does not name it."""
    at = {FREE: FREE_SPORT.get(id_.version, HEAD) - HEAD}.get(id_.subtype, 0)
    if id_.subtype in CATEGORIES:
        at = times_at - _U16.size
    if not at or len(body) < at + _U16.size:
        return id_.subtype
    return int(_U16.unpack_from(body, at)[0])


def _looked_for(id_: FileId, body: bytes) -> int | None:
    stamp = int(id_.start.timestamp())
    last = len(body) - _TIMES.size
    places = [place - HEAD for place in LOOKED_THROUGH if place - HEAD <= last]
    pairs = {at: _TIMES.unpack_from(body, at) for at in places}
    hits = [at for at, (start, end) in pairs.items() if start == stamp and 0 < end - start < DAY.total_seconds()]
    return hits[0] if len(hits) == 1 else None

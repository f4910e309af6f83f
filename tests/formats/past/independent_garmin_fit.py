"""What a monitoring file of a Garmin watch says, read by hand: no library, and nothing of hipsync.

Written from docs/protocols/garmin.md, 9, and the layout of records in Garmin's "Flexible and Interoperable Data
Transfer (FIT) Protocol". It is for the files in `tests/data/garmin-fit`, whose runs lie on whole minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

SINCE_1970 = 631_065_600
"""1989-12-31 00:00 UTC, where the times of such files begin."""
FILE_ID, MONITORING, MONITORING_INFO = 0, 55, 103
UNSET = {1: 0xFF, 2: 0xFFFF, 4: 0xFFFF_FFFF}
Fields = dict[int, int]


class Minutes(NamedTuple):
    """What a file says: spans with steps, and the intensity and the heart rate of minutes, by their starts."""

    walked: list[tuple[int, int, int]]
    moved: dict[int, int]
    beats: dict[int, int]


def messages(data: bytes) -> Iterator[tuple[int, Fields]]:
    """Yield the number of each message and its fields of one whole number, as far as they are set."""
    at, end = data[0], data[0] + int.from_bytes(data[4:8], "little")
    layouts: dict[int, tuple[int, list[tuple[int, int]], int]] = {}
    while at < end:
        head = data[at]
        at += 1
        local = head >> 5 & 3 if head & 0x80 else head & 0x0F
        if not head & 0x80 and head & 0x40:
            kind, count = int.from_bytes(data[at + 2 : at + 4], "little"), data[at + 4]
            fields = [(data[at + 5 + 3 * i], data[at + 6 + 3 * i]) for i in range(count)]
            at += 5 + 3 * count
            others = 0
            if head & 0x20:
                others = sum(data[at + 2 + 3 * i] for i in range(data[at]))
                at += 1 + 3 * data[at]
            layouts[local] = (kind, fields, others)
            continue
        kind, fields, others = layouts[local]
        found: Fields = {}
        for number, size in fields:
            value = int.from_bytes(data[at : at + size], "little")
            if value != UNSET.get(size):
                found[number] = value
            at += size
        at += others
        yield kind, found


def minutes(data: bytes) -> Minutes:
    """Read the runs of a file: each row with an activity closes one, and its cycles are the total at its own time."""
    walked: list[tuple[int, int, int]] = []
    moved: dict[int, int] = {}
    beats: dict[int, int] = {}
    runs: list[tuple[int, int, bool]] = []
    totals: dict[int, int] = {}
    before = last = 0
    for kind, row in messages(data):
        if kind == MONITORING_INFO:
            before = last = row[253]
        if kind != MONITORING:
            continue
        last = row[253] if 253 in row else last + (row[26] - last) % 65_536
        if 27 in row:
            beats[last + SINCE_1970 - 60] = row[27]
            continue
        if 5 not in row and 24 not in row:
            continue
        activity, intensity = row.get(5, row.get(24, 0) & 31), row.get(24, 0) >> 5
        on_foot = activity in {1, 6}
        steps = 0
        if 3 in row:
            steps, totals[activity] = row[3] - totals.get(activity, 0), row[3]
        if last <= before:
            continue
        start, end = before + SINCE_1970, last + SINCE_1970
        runs.append((start, end, on_foot))
        walked += [(start, end, steps)] if on_foot else [(at, at + 60, 0) for at in range(start, end, 60)]
        moved |= dict.fromkeys(range(start, end, 60), intensity)
        before = last
    return Minutes(walked, moved, _of_runs(runs, beats))


def _of_runs(runs: list[tuple[int, int, bool]], beats: dict[int, int]) -> dict[int, int]:
    """The heart rate of each minute: in a walk, the last one of the walk."""
    found: dict[int, int] = {}
    for start, end, on_foot in runs:
        inside = [(at, beats[at]) for at in range(start, end, 60) if at in beats]
        found |= dict.fromkeys(range(start, end, 60), inside[-1][1]) if on_foot and inside else dict(inside)
    return found

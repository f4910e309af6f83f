"""The blocks of a Bangle.js in Gadgetbridge's database.

A row does not say how much time it covers. The watch's own blocks begin at full ten minutes; rows at other times come
from live counts and are left out, because nobody knows how much time they cover.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from hipsync.driver import LeftOut, Row, Samples
from hipsync.model import MINUTE, STEPS_A_MINUTE, Epoch, State
from hipsync_devices.banglejs.packets import BLOCK
from hipsync_devices.samples import TOO_MANY, UNCOUNTED

BLOCK_S = int(BLOCK.total_seconds())
MOST = STEPS_A_MINUTE * (BLOCK // MINUTE)
"""The most steps that a block may have; a larger number is an error in the data."""
LIVE = "between the watch's own blocks of ten minutes"
"""Why a row of a live count is left out."""
ASLEEP, NOT_WORN = frozenset({2, 4}), 8
"""Gadgetbridge's own codes in the column `RAW_KIND`: light and deep sleep, and not worn."""


def epochs(rows: Iterator[tuple[datetime, Row]]) -> Iterator[Epoch | LeftOut]:
    for at, row in rows:
        steps, bpm = row["STEPS"], row["HEART_RATE"]
        if at.timestamp() % BLOCK_S:
            yield LeftOut(LIVE)
        elif steps is None or steps < 0:
            yield LeftOut(UNCOUNTED)
        elif steps > MOST:
            yield LeftOut(TOO_MANY)
        else:
            beats = bpm if bpm is not None and 10 < bpm < 250 else None
            yield Epoch(at, BLOCK, steps, None, beats, _state(row["RAW_KIND"]))


def _state(kind: int | None) -> State | None:
    if kind in ASLEEP:
        return State.ASLEEP
    return State.NOT_WORN if kind == NOT_WORN else None


TABLES: Mapping[str, Samples] = {
    "BANGLE_JSACTIVITY_SAMPLE": Samples(("STEPS", "RAW_KIND", "HEART_RATE"), epochs),
}

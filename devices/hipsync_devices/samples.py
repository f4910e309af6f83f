"""What families share in reading another program's database, for `Driver.gadgetbridge`: sums, minutes and its codes.

Source of the codes and of the heart rates that count: docs/protocols/gadgetbridge-db.md, section 4.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from hipsync.driver import LeftOut, Row
from hipsync.model import MINUTE, STEPS_A_MINUTE, Epoch, State

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
UNCOUNTED, TOO_MANY = "without steps", "with more steps than anybody walks in that time"
WRONG_SPAN = "with a sleep that cannot be"
"""Why a row is left out."""
NIGHT = timedelta(days=1)
"""The longest sleep that is believed."""
KINDS: Mapping[int, State] = {
    0x2: State.ASLEEP, 0x4: State.ASLEEP, 0x1000000: State.ASLEEP, 0x8: State.NOT_WORN, 0x10: State.RUNNING,
    0x20: State.WALKING, 0x80: State.CYCLING,
}  # fmt: skip
"""What Gadgetbridge's own codes in a column `RAW_KIND` say: light, deep and REM sleep, not worn, and three activities.
The others, such as 0 (unknown), 1 (activity) and -1 (not measured), say nothing that counts here."""


def beats(bpm: int | None) -> int | None:
    """The heart rate in a cell, in beats a minute; None for the values that mean that there is none."""
    return bpm if bpm is not None and 10 < bpm < 250 else None


def summed(rows: Iterator[tuple[datetime, Row]], length: timedelta, least: int = 0) -> Iterator[Epoch | LeftOut]:
    """Yield an epoch of `length` for each slot that has rows, with the sum of their steps.

    Slots begin at whole multiples of `length` since 1970 in UTC. The rows come in order of time. Those with fewer than
    `least` steps are left out, and so are the rows of a slot in which nobody can have made so many.
    """
    most = STEPS_A_MINUTE * (length // MINUTE)
    for slot, part in groupby(rows, key=lambda each: each[0] - (each[0] - BEGINNING) % length):
        found = [row["STEPS"] for _, row in part]
        counts = [count for count in found if count is not None and count >= least]
        if missing := len(found) - len(counts):
            yield LeftOut(UNCOUNTED, missing)
        likely = [count for count in counts if count <= most]
        if sum(likely) > most:
            likely = []
        if too_many := len(counts) - len(likely):
            yield LeftOut(TOO_MANY, too_many)
        if likely:
            yield Epoch(slot, length, sum(likely))


class Counted(NamedTuple):
    """A row of a minute: its steps, and what else it says."""

    steps: int
    heart_rate: int | None = None
    state: State | None = None


def by_minute(rows: Iterator[tuple[datetime, Counted | LeftOut]]) -> Iterator[Epoch | LeftOut]:
    """Yield an epoch for each minute that has rows, which come in order of time.

    Rows off the whole minute belong to the minute in which they lie: their steps are added, and the last heart rate and
    state count. The rows of a minute in which nobody can have made so many steps are left out.
    """
    for start, part in groupby(rows, key=lambda each: whole_minute(each[0])):
        steps, count, bpm, state = 0, 0, None, None
        for _, row in part:
            if isinstance(row, LeftOut):
                yield row
            else:
                steps, count, bpm, state = steps + row.steps, count + 1, row.heart_rate or bpm, row.state or state
        if steps > STEPS_A_MINUTE:
            yield LeftOut(TOO_MANY, count)
        elif count:
            yield Epoch(start, MINUTE, steps, None, bpm, state)


def whole_minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def instant_in(cell: int | None) -> datetime | None:
    """The instant in a cell, in seconds or, from 10^11 on, in milliseconds since 1970; None for what is none."""
    if cell is None or cell <= 0:
        return None
    try:
        return datetime.fromtimestamp(cell / 1000 if cell >= 10**11 else cell, UTC)
    except (OverflowError, ValueError, OSError):
        return None

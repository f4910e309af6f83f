"""Adds up samples from another program's database into slots of one length, for `Driver.gadgetbridge`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from hipsync.driver import Row
from hipsync.model import Epoch

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def summed(rows: Iterator[tuple[datetime, Row]], length: timedelta, steps: range) -> Iterator[Epoch]:
    """Yield an epoch of `length` for each slot that has rows, with the sum of their steps.

    Slots begin at whole multiples of `length` since 1970 in UTC. The rows come in order of time; those without steps,
    or with a number of steps that is not in `steps`, are left out.
    """
    slot: datetime | None = None
    total = 0
    for at, row in rows:
        count = row["STEPS"]
        if count is None or count not in steps:
            continue
        start = at - (at - BEGINNING) % length
        if slot is not None and start != slot:
            yield Epoch(slot, length, total)
            total = 0
        slot, total = start, total + count
    if slot is not None:
        yield Epoch(slot, length, total)

"""Samples that another program stored are put together into slots here (`Driver.gadgetbridge`)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from hipsync.driver import Row
from hipsync.model import Epoch

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def summed(rows: Iterator[tuple[datetime, Row]], length: timedelta, steps: range) -> Iterator[Epoch]:
    """Slots of this length, each with the steps of its rows; rows whose steps are not in `steps` are left out."""
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

"""Steps of a PineTime in Gadgetbridge's database: a row when the count rose, and none while it did not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from hipsync.driver import Row, Samples
from hipsync.model import MINUTE, Epoch

MOST = 1000
"""Steps of one notification; more was counted while nobody listened, and belongs to no minute."""


def epochs(rows: Iterator[tuple[datetime, Row]]) -> Iterator[Epoch]:
    """Minutes with steps. Those without a row say nothing: the watch may have been out of reach."""
    minute: datetime | None = None
    total = 0
    for at, row in rows:
        steps = row["STEPS"]
        if steps is None or not 0 < steps <= MOST:
            continue
        start = at.replace(second=0, microsecond=0)
        if minute is not None and start != minute:
            yield Epoch(minute, MINUTE, total)
            total = 0
        minute, total = start, total + steps
    if minute is not None:
        yield Epoch(minute, MINUTE, total)


TABLES: Mapping[str, Samples] = {"PINE_TIME_ACTIVITY_SAMPLE": Samples(("STEPS",), epochs)}

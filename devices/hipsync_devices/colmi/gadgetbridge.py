"""Steps of a Colmi ring in Gadgetbridge's database, as hours: finer than that no ring was ever seen to record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from hipsync.driver import Row, Samples
from hipsync.model import Epoch

HOUR = timedelta(hours=1)
MOST = 20_000
"""Steps of an hour; more is a mistake."""


def epochs(rows: Iterator[tuple[datetime, Row]]) -> Iterator[Epoch]:
    """An hour holds the rows that begin in it."""
    hour: datetime | None = None
    total = 0
    for at, row in rows:
        steps = row["STEPS"]
        if steps is None or not 0 <= steps <= MOST:
            continue
        start = at.replace(minute=0, second=0, microsecond=0)
        if hour is not None and start != hour:
            yield Epoch(hour, HOUR, total)
            total = 0
        hour, total = start, total + steps
    if hour is not None:
        yield Epoch(hour, HOUR, total)


TABLES: Mapping[str, Samples] = {"COLMI_ACTIVITY_SAMPLE": Samples(("STEPS",), epochs)}

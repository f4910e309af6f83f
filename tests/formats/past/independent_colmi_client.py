"""What a database of colmi_r02_client says, worked out a second time from its published schema alone.

It knows nothing of hipsync.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

Row = tuple[object, ...]
"""What is said, the ring, and then instants in seconds since 1970 and a number, or None for a row that is left out."""
STEPS = """
    SELECT 'Walked', upper(address), CAST(strftime('%s', timestamp) AS INTEGER),
        CAST(strftime('%s', timestamp) AS INTEGER) + 900, steps
    FROM sport_details JOIN rings USING (ring_id) ORDER BY sport_detail_id"""
RATES = """
    SELECT 'Beat', upper(address), CAST(strftime('%s', timestamp) AS INTEGER), reading
    FROM heart_rates JOIN rings USING (ring_id) ORDER BY heart_rate_id"""


def said(file: Path, now: datetime) -> Iterator[Row | None]:
    latest = now.astimezone(UTC).timestamp() + 300
    with closing(sqlite3.connect(file)) as db:
        for row in db.execute(STEPS):
            yield row if 0 <= row[-1] <= 300 * 15 and row[3] <= latest else None
        for row in db.execute(RATES):
            yield row if 20 <= row[-1] <= 250 and row[2] <= latest else None

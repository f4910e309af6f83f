"""What a Fitabase file says, worked out from its description alone, minute by minute, with nothing of hipsync.

The files are of one kind a call. Times are local and of days on which no clock was set.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

Fact = tuple[str, str, int, int]
"""What it is about, the person's band, an instant in seconds since 1970, and a number; sleep has 1."""


def facts(text: str, zone: str) -> Iterator[Fact]:
    """Steps, movement and sleep by minute, heart rates by second."""
    for row in csv.DictReader(io.StringIO(text)):
        band = f"fitbit {row['Id']}"
        stamp = row.get("ActivityMinute") or row.get("ActivityHour") or row.get("date") or row["Time"]
        local = datetime.strptime(stamp, "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=ZoneInfo(zone))
        at_s = int(local.timestamp())
        for name, cell in row.items():
            if cell == "":
                continue
            for what, column in (("steps", "Steps"), ("moved", "Intensity")):
                if name.startswith(column):
                    later = int(name[len(column) :] or 0)
                    yield what, band, (at_s // 60 + later) * 60, int(cell)
            if name == "value" and int(cell) < 3:
                yield "asleep", band, at_s // 60 * 60, 1
            if name == "Value" and 20 <= int(cell) <= 250:
                yield "heart", band, at_s, int(cell)

"""What the CSV files of Google Health say, worked out from their description alone, with nothing of hipsync."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from datetime import datetime

Fact = tuple[str, str, int, int]
"""What it is about, the source, an instant in seconds since 1970, and a number; sleep has its end."""


def facts(text: str) -> set[Fact]:
    """The steps of each minute, the heart rates and the spans asleep."""
    minutes: defaultdict[tuple[str, int], dict[datetime, int]] = defaultdict(dict)
    found: set[Fact] = set()
    for row in csv.DictReader(io.StringIO(text)):
        if "steps" in row:
            at = datetime.fromisoformat(row["timestamp"])
            minutes[row["data source"], int(at.timestamp()) // 60 * 60][at] = int(row["steps"])
        elif "beats per minute" in row:
            at_s, rate = (
                int(datetime.fromisoformat(row["timestamp"]).timestamp()),
                round(float(row["beats per minute"])),
            )
            if 20 <= rate <= 250:
                found.add(("heart", row["data source"], at_s, rate))
        elif row["sleep_stage_type"] != "AWAKE":
            start, end = (datetime.fromisoformat(row[f"sleep_stage_{name}"]) for name in ("start", "end"))
            found.add(("asleep", "Google Health", int(start.timestamp()), int(end.timestamp())))
    return found | {("steps", source, at_s, sum(each.values())) for (source, at_s), each in minutes.items()}

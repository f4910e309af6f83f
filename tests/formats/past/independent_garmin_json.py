"""What the days and nights of a Garmin account's export say, calculated from the description alone.

It imports nothing of hipsync. It is for files whose times are written as "2026-11-20T08:00:00.0".
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any


def seconds(written: str) -> int:
    return int(datetime.fromisoformat(written.split(".", maxsplit=1)[0]).replace(tzinfo=UTC).timestamp())


def days(text: str) -> list[tuple[int, int, int]]:
    """Return beginning, end and steps of each day with steps of a watch, in seconds since 1970."""
    rows: list[dict[str, Any]] = json.loads(text)
    return [
        (seconds(row["wellnessStartTimeGmt"]), seconds(row["wellnessEndTimeGmt"]), row["totalSteps"])
        for row in rows
        if row.get("totalSteps") is not None and row.get("includesWellnessData", True)
    ]


def nights(text: str) -> list[tuple[int, int]]:
    """Return beginning and end of each night with stages, and of the naps, in seconds since 1970."""
    found: list[tuple[int, int]] = []
    for row in json.loads(text):
        stages = sum(row.get(f"{stage}SleepSeconds") or 0 for stage in ("deep", "light", "rem"))
        if stages and row["sleepWindowConfirmationType"] != "UNCONFIRMED":
            found.append((seconds(row["sleepStartTimestampGMT"]), seconds(row["sleepEndTimestampGMT"])))
        found += [
            (seconds(nap["napStartTimestampGMT"]), seconds(nap["napEndTimestampGMT"])) for nap in row.get("napList", [])
        ]
    return found

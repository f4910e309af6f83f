"""What the JSON files of a Fitbit account say, worked out from their description alone, with nothing of hipsync."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Fact = tuple[str, int, int]
"""What it is about, an instant in seconds since 1970, and a number; spans have their end."""


def facts(text: str, zone: str) -> Iterator[Fact]:
    """Steps by minute, heart rates, spans asleep in local time and workouts; all others are in UTC."""
    entries: list[dict[str, Any]] = json.loads(text)
    for entry in entries:
        if "levels" in entry:
            for stage in entry["levels"]["data"]:
                start = datetime.fromisoformat(stage["dateTime"]).replace(tzinfo=ZoneInfo(zone))
                if stage["level"] not in {"wake", "awake"}:
                    yield "asleep", int(start.timestamp()), int(start.timestamp()) + stage["seconds"]
            continue
        at = datetime.strptime(entry.get("dateTime") or entry["startTime"], "%m/%d/%y %H:%M:%S").replace(tzinfo=UTC)
        at_s = int(at.timestamp())
        if "duration" in entry:
            end = at + timedelta(milliseconds=entry["duration"])
            yield "trained", at_s, int(end.timestamp())
        elif isinstance(entry["value"], dict):
            if 20 <= entry["value"]["bpm"] <= 250:
                yield "heart", at_s, entry["value"]["bpm"]
        else:
            yield "steps", at_s // 60 * 60, int(entry["value"])

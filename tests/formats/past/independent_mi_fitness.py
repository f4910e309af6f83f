"""What the files of a copy of Mi Fitness's data say, calculated from their description and with nothing of hipsync."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator

Row = tuple[str, str, int, int] | tuple[str, str, int, int, int] | tuple[str, str, int, int, str]
SPORTS = {
    "outdoor_running": "running",
    "indoor_running": "treadmill",
    "outdoor_walking": "walking",
    "outdoor_riding": "cycling",
    "indoor_riding": "cycling_indoor",
}


def said(data: str) -> list[Row]:
    return [row for line in csv.DictReader(data.lstrip("\ufeff").splitlines()) for row in _said(line)]


def _said(line: dict[str, str]) -> Iterator[Row]:
    value, at = json.loads(line["Value"]), int(line["Time"])
    sid = line["Sid"]
    source = "Mi Fitness " + (sid.replace(".", "")[-4:] if any(map(str.isdigit, sid)) else sid)
    if "Category" in line:
        yield ("Trained", source, value["start_time"], value["end_time"], SPORTS.get(line["Key"], "other"))
    elif line["Key"] == "steps":
        yield ("Walked", source, at, at + 60, value["steps"])
    elif line["Key"] in ("heart_rate", "single_heart_rate"):
        yield ("Beat", source, at, value["bpm"])
    elif line["Key"] in ("sleep", "watch_night_sleep", "watch_daytime_sleep"):
        if not value.get("items"):
            yield ("Slept", source, value["bedtime"], value["wake_up_time"])
        for item in value.get("items", []):
            if item["state"] in (2, 3, 4):
                yield ("Slept", source, item["start_time"], item["end_time"])

"""What the files of a copy of Samsung Health's data say, calculated from their description, with nothing of hipsync."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

Row = tuple[str, str, int, int] | tuple[str, str, int, int, int] | tuple[str, str, int, int, str]
EXERCISES = {
    "1001": "walking",
    "1002": "running",
    "11007": "cycling",
    "15003": "cycling_indoor",
    "15004": "rowing_machine",
    "15005": "treadmill",
}


def said(data: str, zone: ZoneInfo) -> list[Row]:
    first, rest = data.lstrip("\ufeff").split("\n", 1)
    table = first.split(",")[0]
    return [row for line in csv.DictReader(rest.splitlines()) for row in _said(table, _short(line), zone)]


def _short(line: dict[str, str]) -> dict[str, str]:
    return {name.split(".")[-1]: cell for name, cell in line.items() if name}


def _utc(text: str) -> float:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC).timestamp()


def _said(table: str, line: dict[str, str], zone: ZoneInfo) -> Iterator[Row]:
    if table.endswith("step_daily_trend"):
        if line["source_type"] == "-2":
            text = line["day_time"]
            day = datetime.fromtimestamp(int(text) / 1000, UTC) if text.isdigit() else datetime.fromisoformat(text)
            start = day.replace(tzinfo=zone)
            end = min((start + timedelta(days=1)).timestamp(), start.timestamp() + 86400)
            yield ("Walked", "Samsung Health days", int(start.timestamp()), int(end), int(line["count"]))
        return
    source = "Samsung Health " + line["deviceuuid"].replace("/", "")[:4]
    start_s, end_s = math.floor(_utc(line["start_time"])), math.ceil(_utc(line["end_time"]))
    if table.endswith("step_count"):
        yield ("Walked", source, start_s, end_s, int(line["count"]))
    elif table.endswith("heart_rate"):
        if end_s - start_s <= 60:
            yield ("Beat", source, start_s, round(float(line["heart_rate"])))
    elif table.endswith("sleep") or (table.endswith("stage") and line["stage"] in ("40002", "40003", "40004")):
        yield ("Slept", source, start_s, end_s)
    elif table.endswith("exercise"):
        yield ("Trained", source, start_s, end_s, EXERCISES.get(line["exercise_type"], "other"))


def said_by_bins(data: str) -> list[Row]:
    found: list[Row] = []
    for item in json.loads(data):
        if "heart_rate" in item:
            found.append(("Beat", "Samsung Health", item["start_time"] // 1000, round(item["heart_rate"])))
        elif item["mStartTime"]:
            start_s = item["mStartTime"] // 1000
            found.append(("Walked", "Samsung Health", start_s, start_s + item["mTimeUnit"] // 1000, item["mStepCount"]))
    return found

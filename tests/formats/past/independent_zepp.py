"""What the files of a copy of Zepp's data say, calculated from their description and with nothing of hipsync."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo


def rows_of(data: str) -> list[dict[str, str]]:
    return list(csv.DictReader(data.lstrip("\ufeff").splitlines()))


def utc_of_local(rows: list[dict[str, str]], zone: ZoneInfo) -> list[int | None]:
    """The instants of rows of local minutes that follow each other; None where the clock was put forward over one."""
    found: list[int | None] = []
    latest = datetime.min.replace(tzinfo=UTC)
    for row in rows:
        wall = datetime.fromisoformat(f"{row['date']}T{row['time']}")
        both = [wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
        real = sorted({at for at in both if at.astimezone(zone).replace(tzinfo=None) == wall})
        if not real:
            found.append(None)
            continue
        at = next((at for at in real if at >= latest), real[0])
        latest = at
        found.append(int(at.timestamp()))
    return found


def minutes(data: str, zone: ZoneInfo) -> list[tuple[str, str, int, int, int]]:
    rows = rows_of(data)
    return [
        ("Walked", "Zepp", at, at + 60, int(row["steps"]))
        for row, at in zip(rows, utc_of_local(rows, zone), strict=True)
        if at is not None
    ]


def local_beats(data: str, zone: ZoneInfo) -> list[tuple[str, str, int, int]]:
    rows = rows_of(data)
    return [
        ("Beat", "Zepp", at, int(row["heartRate"]))
        for row, at in zip(rows, utc_of_local(rows, zone), strict=True)
        if at is not None
    ]


def _utc(text: str) -> int:
    return int(datetime.strptime(text, "%Y-%m-%d %H:%M:%S%z").timestamp())


def single_beats(data: str) -> list[tuple[str, str, int, int]]:
    return [("Beat", "Zepp", _utc(row["time"]), int(row["heartRate"])) for row in rows_of(data)]


def nights(data: str) -> list[tuple[str, str, int, int]]:
    return [
        ("Slept", "Zepp", _utc(row["start"]), _utc(row["stop"])) for row in rows_of(data) if row["start"] != row["stop"]
    ]


def workouts(data: str) -> list[tuple[str, str, int, int, str]]:
    found: list[tuple[str, str, int, int, str]] = []
    for row in rows_of(data):
        start = datetime.strptime(row["startTime"], "%Y-%m-%d %H:%M:%S%z")
        end = start + timedelta(seconds=int(row["sportTime(s)"]))
        kind = "running" if row["type"] == "1" else "other"
        found.append(("Trained", "Zepp", int(start.timestamp()), int(end.timestamp()), kind))
    return found

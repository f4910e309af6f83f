"""What an export.xml of Apple Health says, worked out a second time from its description alone.

It reads the whole file as a tree, so it is for small files; it knows nothing of hipsync.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from xml.etree import ElementTree as ET

Row = tuple[object, ...]
"""What is said, the source, and then instants in seconds since 1970 and numbers, or None for a row that is left out."""
DAY = 86_400
KINDS = {"Cycling": "cycling", "Rowing": "rowing", "Running": "running", "Walking": "walking", "Hiking": "walking"}
INDOORS = {"cycling": "cycling_indoor", "rowing": "rowing_machine"}


def said(xml: bytes, now: datetime) -> Iterator[Row | None]:
    """Each sample of steps, heart rate and sleep and each workout, in the order of the file."""
    text = xml.decode().replace("\v", " ")
    for element in ET.fromstring(re.sub(r"<!DOCTYPE.*?\]>", "", text, flags=re.DOTALL)):  # noqa: S314  made in a test
        if element.tag in {"Record", "Workout"}:
            row = _row(element, now.timestamp() + 300)
            if row != ():
                yield row


def _row(element: ET.Element, latest: float) -> Row | None:
    """The row of an element; () if it is not about steps, heart rate, sleep or a workout."""
    start, end = (
        int(datetime.strptime(element.attrib[name], "%Y-%m-%d %H:%M:%S %z").timestamp())
        for name in ("startDate", "endDate")
    )
    source = re.sub(r"\s+", " ", element.attrib["sourceName"]).strip() or "Apple Health"
    what = re.sub("^HK(Quantity|Category)TypeIdentifier", "", element.get("type", ""))
    value = element.get("value", "")
    is_right = 0 <= end - start <= DAY and end <= latest
    if what == "StepCount":
        steps = int(Decimal(value).to_integral_value(ROUND_HALF_EVEN))
        return ("Walked", source, start, max(end, start + 1), steps) if is_right and 0 <= steps <= 300 * 1440 else None
    if what == "HeartRate":
        rate = int(Decimal(value).to_integral_value(ROUND_HALF_EVEN))
        return ("Beat", source, start, rate) if is_right and 20 <= rate <= 250 else None
    if what == "SleepAnalysis":
        if "Asleep" not in value:
            return ()
        return ("Slept", source, start, end) if is_right and start < end else None
    if element.tag == "Workout":
        kind = KINDS.get(element.attrib["workoutActivityType"].removeprefix("HKWorkoutActivityType"), "other")
        if any(entry.attrib == {"key": "HKIndoorWorkout", "value": "1"} for entry in element.findall("MetadataEntry")):
            kind = INDOORS.get(kind, kind)
        return ("Trained", source, start, end, kind) if is_right and start < end else None
    return ()

"""Made-up exports of Apple Health, of any length, written as Apple writes them; and how fast one is read.

`python tests/formats/past/made_apple_health.py 1000` reads 1000 MB that are made on the fly, and prints what it took.
Started by a large process it would print that one's memory (getrusage(2)): a test starts it by `bench.child`.
"""

from __future__ import annotations

import io
import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

DTD = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE HealthData [
<!-- HealthKit Export Version: 12 -->
<!ELEMENT HealthData (ExportDate,Me,(Record|Correlation|Workout|ActivitySummary|ClinicalRecord|VisionPrescription)*)>
<!ATTLIST HealthData
  locale CDATA #REQUIRED
>
<!ELEMENT VisionPrescription EMPTY>
<!ATTLIST VisionPrescription
  type             CDATA #REQUIRED
  brand            CDATA #IMPLIED
<!ELEMENT RightEye EMPTY>
>
]>
"""
"""As iOS 16 wrote it: an ATTLIST without an end, and one end too many. No parser of XML reads it."""
NAMES = ("iPhone", "Apple\xa0Watch", "“Ring” &amp; &quot;Band&quot;", "Schritte\vHeute", "")
"""Names of sources as they stand in the file."""
ASLEEP = ("Asleep", "AsleepUnspecified", "AsleepCore", "AsleepDeep", "AsleepREM", "InBed", "Awake")
WORKOUTS = ("Cycling", "Rowing", "Running", "Walking", "Hiking", "Yoga", "Elliptical")
DEVICE = (
    'device="&lt;&lt;HKDevice: 0x282d03020&gt;, name:Apple Watch, manufacturer:Apple Inc., model:Watch,'
    ' hardware:Watch5,4, software:7.6.2&gt;" '
)


def shown(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S %z}"


def record(
    what: str, start: datetime, end: datetime, value: object = "", unit: str = "", name: str = "iPhone", more: str = ""
) -> str:
    family = "Category" if not unit else "Quantity"
    units = f'unit="{unit}" ' if unit else ""
    return (
        f'<Record type="HK{family}TypeIdentifier{what}" sourceName="{name}" sourceVersion="10.6.1" {more}{units}'
        f'creationDate="{shown(end)}" startDate="{shown(start)}" endDate="{shown(end)}" value="{value}"'
    )


def samples(noise: random.Random, at: datetime) -> Iterator[str]:
    """Samples of every sort from an instant on, without end; some of them cannot be right."""
    while True:
        at = (at + timedelta(seconds=noise.randrange(900))).astimezone(
            timezone(timedelta(minutes=noise.choice([0, 60, 120, -300, 330])))
        )
        end = at + timedelta(seconds=noise.choice([0, 1, 77, 640, 4000, 86_400, 86_401, -5]))
        name = noise.choice(NAMES)
        match noise.randrange(8):
            case 0 | 1:
                yield f" {record('StepCount', at, end, noise.choice([0, 14, 250.5, -3, 10**7]), 'count', name)}/>\n"
            case 2:
                rate = noise.choice([72, 58.16669845581055, 0, 251, 61.5, "7.2e1"])
                entry = '<MetadataEntry key="HKMetadataKeyHeartRateMotionContext" value="0"/>'
                head = record("HeartRate", at, at, rate, "count/min", name, DEVICE)
                yield f" {head}>\n  {entry}\n </Record>\n"
            case 3:
                value = f"HKCategoryValueSleepAnalysis{noise.choice(ASLEEP)}"
                yield f" {record('SleepAnalysis', at, end, value, name=name)}/>\n"
            case 4:
                yield workout(noise, at, end, name)
            case 5:
                inner = record("HeartRate", at, at, 99, "count/min", name)
                yield f' <Correlation type="HKCorrelationTypeIdentifierFood">\n  {inner}/>\n </Correlation>\n'
            case 6:
                yield f" {record('AppleStandHour', at, end, 'HKCategoryValueAppleStandHourStood', name=name)}/>\n"
            case _:
                yield f" {record('ActiveEnergyBurned', at, end, 0.071, 'Cal', name, DEVICE)}/>\n"


def workout(noise: random.Random, start: datetime, end: datetime, name: str) -> str:
    inside = noise.choice(["", "0", "1"])
    entry = f'  <MetadataEntry key="HKIndoorWorkout" value="{inside}"/>\n' if inside else ""
    return (
        f' <Workout workoutActivityType="HKWorkoutActivityType{noise.choice(WORKOUTS)}" duration="28.1"'
        f' durationUnit="min" sourceName="{name}" startDate="{shown(start)}" endDate="{shown(end)}">\n{entry}'
        '  <WorkoutRoute sourceName="iPhone">\n   <MetadataEntry key="HKIndoorWorkout" value="1"/>\n  </WorkoutRoute>\n'
        " </Workout>\n"
    )


def export(count: int, seed: int = 1, at: datetime = datetime(2026, 11, 1, tzinfo=UTC)) -> bytes:
    """A whole file with so many samples."""
    made = samples(random.Random(seed), at)
    return f'{DTD}<HealthData locale="en_GB">\n{"".join(next(made) for _ in range(count))}</HealthData>\n'.encode()


def day_of_telemetry() -> bytes:
    """The samples of 1 November 2026 in the proportions of a real file: of eight, hipsync has a use for two."""
    lines: list[str] = []
    for minute in range(0, 1435, 5):
        at = datetime(2026, 11, 1, minute // 60, minute % 60, 17, tzinfo=UTC)
        end = at + timedelta(minutes=4)
        others = ("ActiveEnergyBurned", "BasalEnergyBurned", "DistanceWalkingRunning") * 2
        lines += [f" {record(what, at, end, 0.071, 'Cal', NAMES[1], DEVICE)}/>\n" for what in others]
        lines.append(f" {record('StepCount', at, end, minute % 120, 'count', 'iPhone', DEVICE)}/>\n")
        entry = '<MetadataEntry key="HKMetadataKeyHeartRateMotionContext" value="0"/>'
        head = record("HeartRate", at, at, 50 + minute % 50, "count/min", NAMES[1], DEVICE)
        lines.append(f" {head}>\n  {entry}\n </Record>\n")
    return "".join(lines).encode()


class Long(io.RawIOBase):
    """A file of about so many MB that is nowhere: the same day again and again, from 2000 on."""

    def __init__(self, megabytes: int) -> None:
        self._pieces = self._made(megabytes * 1_000_000)
        self._rest = memoryview(b"")

    def _made(self, left: int) -> Iterator[bytes]:
        yield f'{DTD}<HealthData locale="en_GB">\n'.encode()
        piece, date = day_of_telemetry(), datetime(2000, 1, 1, tzinfo=UTC)
        while left > 0:
            yield piece.replace(b"2026-11-01", f"{date:%Y-%m-%d}".encode())
            left -= len(piece)
            date += timedelta(days=1)
        yield b"</HealthData>\n"

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            self._rest = memoryview(next(self._pieces, b""))
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def main() -> None:
    import resource
    import time

    from hipsync.formats.past.apple_health import FORM
    from hipsync.formats.past.reading import Head, Reading

    megabytes = int(sys.argv[1])
    began = time.process_time()
    reading = Reading(None, datetime(2030, 1, 1, tzinfo=UTC))
    count = sum(1 for _ in FORM.read(io.BufferedReader(Long(megabytes)), Head("export.xml", b""), reading))
    took = time.process_time() - began
    room = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{count} rows, {megabytes / took:.0f} MB a second of the processor, {room} MiB")
    if count < 600 * megabytes:
        sys.exit("so few rows are not what was made")


if __name__ == "__main__":
    main()

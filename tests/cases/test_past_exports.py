"""The samples of other programs' exports: imported twice by the command, and damaged, against what lies beside them.

Expected is what the papers of ../shared/cases/data say, or sums that are made here with csv, json and sqlite3 alone.
"""

from __future__ import annotations

import csv
import json
import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from hipsync.store import Store
from support.machine import Machine
from support.shared import LARGER, needs_shared

NOW = datetime(2026, 12, 1, tzinfo=UTC)
LONDON = ZoneInfo("Europe/London")
Told = Mapping[tuple[datetime, int], int]
"""Steps by the start of an epoch and its length in minutes."""
SAMPLES = "../cases/data"
pytestmark = needs_shared(f"{SAMPLES}/17-takeout-steps.json")


def of_rows(rows: list[tuple[datetime, int]], minutes: int = 1) -> Told:
    told = Counter[tuple[datetime, int]]()
    for start, steps in rows:
        told[start, minutes] += steps
    return told


def takeout(file: Path) -> Told:
    rows = json.loads(file.read_text())
    return of_rows(
        [
            (datetime.strptime(row["dateTime"], "%m/%d/%y %H:%M:%S").replace(tzinfo=UTC), int(row["value"]))
            for row in rows
        ]
    )


def google(file: Path) -> Told:
    """The watch's rows; the phone's one row is of another band."""
    with file.open() as lines:
        rows = [row for row in csv.DictReader(lines) if row["data source"] == "Google Fitbit Air"]
    return of_rows([(datetime.fromisoformat(row["timestamp"]), int(row["steps"])) for row in rows])


def zepp(file: Path) -> Told:
    with file.open(encoding="utf-8-sig") as lines:
        rows = list(csv.DictReader(lines))
    return of_rows(
        [
            (
                datetime.fromisoformat(f"{row['date']}T{row['time']}").replace(tzinfo=LONDON).astimezone(UTC),
                int(row["steps"]),
            )
            for row in rows
        ]
    )


def mi_fitness(file: Path) -> Told:
    with file.open() as lines:
        rows = [row for row in csv.DictReader(lines) if row["Key"] == "steps"]
    return of_rows([(datetime.fromtimestamp(int(row["Time"]), UTC), json.loads(row["Value"])["steps"]) for row in rows])


def colmi(file: Path) -> Told:
    with closing(sqlite3.connect(file)) as db:
        rows = db.execute("SELECT timestamp, steps FROM sport_details").fetchall()
    return of_rows([(datetime.fromisoformat(stamp).replace(tzinfo=UTC), steps) for stamp, steps in rows], 15)


def samsung(_: Path) -> Told:
    return {(datetime(2026, 11, 20, 8, tzinfo=UTC), 1): 34}


def fitabase(_: Path) -> Told:
    """London had summer time in October 2017."""
    midnight = datetime(2017, 9, 30, 23, tzinfo=UTC)
    return {(midnight, 1): 0, (midnight + timedelta(minutes=1), 1): 12}


def excel(_: Path) -> Told:
    midnight = datetime(2016, 4, 11, 23, tzinfo=UTC)
    return {(midnight, 1): 0, (midnight + timedelta(minutes=1), 1): 5}


class Case(NamedTuple):
    kind: str
    name: str
    band: str
    expected: Callable[[Path], Told]


CASES = [
    Case("fitbit", "17-takeout-steps.json", "Fitbit", takeout),
    Case("fitbit", "18-google-health-steps.csv", "Google Fitbit Air", google),
    Case("samsung", "21-samsung-steps.csv", "Samsung Health d", samsung),
    Case("zepp", "22-zepp-ACTIVITY_MINUTE.csv", "Zepp", zepp),
    Case("mifitness", "23-mifitness.csv", "Mi Fitness 2", mi_fitness),
    Case("colmi", "25-colmi_r02_client.db", "AA:BB:CC:00:00:03", colmi),
    Case("fitbit", "13-fitabase-one-person-steps.csv", "fitbit", fitabase),
    Case("fitbit", "15-excel-1.csv", "fitbit 1503960366", excel),
    Case("fitbit", "15-excel-2.csv", "fitbit 1503960366", excel),
]
EVERY_SAMPLE = [
    *(case.name for case in CASES),
    "19-apple-export.xml", "27-gb-garmin.db", "27-gb-xiaomi.db", "30-gb-live-rows.db", "32-semicolon.csv",
    "33-no-final-newline.csv",
]  # fmt: skip


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path, NOW)


def sample(name: str) -> Path:
    return LARGER / SAMPLES / name


def stored(machine: Machine, band: str) -> Told:
    with Store.read(machine.database) as store:
        return {
            (epoch.start, epoch.length // timedelta(minutes=1)): epoch.steps
            for name, epoch in store.all_epochs(None, None)
            if name == band
        }


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
@pytest.mark.parametrize("is_named", [True, False])
def test_each_sample_is_what_it_says_and_a_second_import_adds_nothing(
    machine: Machine, case: Case, is_named: bool
) -> None:
    words = ["import", *([case.kind] if is_named else []), str(sample(case.name)), "--zone", "Europe/London"]
    machine.told(*words)
    assert stored(machine, case.band) == case.expected(sample(case.name))
    again = machine.told(*words)
    assert all(" 0 new" in line for line in again.splitlines() if " read: " in line)
    assert " read: " in again


def test_of_two_sources_of_apple_health_a_minute_has_one(machine: Machine) -> None:
    """By hand, from the four records of the sample: the watch's 340 steps in 08:00 to 08:04, and the phone's 400.

    The phone has 54 in a whole minute of its 444 s; the watch 90 of 84 s and 250 of 204 s.
    """
    machine.told("import", str(sample("19-apple-export.xml")))
    assert sum(stored(machine, "Watch").values()) == 340
    assert sum(stored(machine, "iPhone").values()) == 412
    day = json.loads(machine.told("day", "2026-11-20", "--json"))
    assert 340 + 12 < day["steps"] < 752


def damaged(content: bytes, chance: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    at = chance.randrange(len(lines))
    match chance.randrange(5):
        case 0:
            return content[: chance.randrange(len(content))]
        case 1:
            return b"".join([*lines[:at], *lines[at : at + 3], *lines[at:]])
        case 2:
            return b"\n".join(b",".join(reversed(line.strip().split(b","))) for line in lines)
        case 3:
            return content.decode("latin-1").encode(chance.choice(["utf-16", "utf-8", "cp037"]))
        case _:
            made = bytearray(content)
            for _ in range(chance.randrange(1, 8)):
                made[chance.randrange(len(made))] = chance.randrange(256)
            return bytes(made)


@pytest.mark.parametrize("count", [4, pytest.param(200, marks=pytest.mark.ring)])
@pytest.mark.parametrize("name", EVERY_SAMPLE)
def test_a_damaged_sample_is_one_line_and_nothing_half_done_or_read(machine: Machine, name: str, count: int) -> None:
    chance, file = random.Random(name), machine.home / name
    for _ in range(count):
        file.write_bytes(damaged(sample(name).read_bytes(), chance))
        done = machine.type("import", str(file), "--zone", "Europe/London")
        if done.exit_code == 0:
            machine.database.unlink()
        else:
            assert done.exit_code in {1, 2}, done.exception
            (line,) = done.stderr.splitlines()
            assert line.startswith(f"hipsync: {file}")
            assert not machine.database.exists()

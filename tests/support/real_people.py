"""Weeks of real people from `fitbit_minutes.csv.gz` (Furberg, Brinton, Keating, Ortiz 2016, Fitabase; CC0).

`SAMPLE` is a week of three of them, in this repository (`tests/data/README.md`). `EVERYBODY` is eleven people for a
month. That file need not be there: a test that reads it carries the mark `needs_everybody`. Times are local in an
unknown zone, and are taken as UTC here. `in_bed` 1 is asleep; else `worn` 0 is not worn, and empty is not known and
treated as worn. No minute is missing, so `with_holes` removes some.
"""

import csv
import gzip
import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate, groupby
from pathlib import Path
from typing import Literal, NamedTuple, TextIO

from support.shared import DATA, LARGER, needs_shared

SAMPLE = DATA / "fitbit_minutes.csv.gz"
EVERYBODY = LARGER / "fitbit_minutes.csv.gz"
needs_everybody = needs_shared("fitbit_minutes.csv.gz")
AT_HOME = "3977333714"
"""The person in `SAMPLE` who slept with the band on and never seems to have taken it off."""
WEEK = 7 * 1440
BLOCK = 6 * 60


class Row(NamedTuple):
    """One minute; a state of None means awake and worn, as far as the file says."""

    at: datetime
    steps: int
    intensity: int
    heart_rate: int | None
    state: Literal["asleep", "not_worn"] | None


def read(path: Path = SAMPLE) -> dict[str, list[Row]]:
    """Return every minute of each person, in order, by the file's number for the person."""
    with gzip.open(path, "rt", newline="") as file:
        return {
            person: [_row(line) for line in lines]
            for person, lines in groupby(csv.DictReader(file), key=lambda line: line["pid"])
        }


def _row(line: dict[str, str]) -> Row:
    state: Literal["asleep", "not_worn"] | None = None
    if line["in_bed"] == "1":
        state = "asleep"
    elif line["worn"] == "0":
        state = "not_worn"
    return Row(
        datetime.fromisoformat(line["t"]).replace(tzinfo=UTC),
        int(line["steps"]),
        int(line["intensity"]),
        int(float(line["hr"])) if line["hr"] else None,
        state,
    )


def best_week(rows: Sequence[Row]) -> list[Row]:
    """Return the 7 whole days in a row with the most awake, worn minutes; of equal weeks the earliest."""
    awake = [0, *accumulate(int(row.state is None) for row in rows)]
    midnights = [i for i, row in enumerate(rows) if row.at.hour == row.at.minute == 0]
    starts = [i for i in midnights if i + WEEK <= len(rows) and rows[i + WEEK - 1].at - rows[i].at == _LENGTH]
    start = max(starts, key=lambda i: awake[i + WEEK] - awake[i])  # max keeps the first of equals
    return list(rows[start : start + WEEK])


_LENGTH = timedelta(minutes=WEEK - 1)


def weeks(path: Path = SAMPLE) -> dict[str, list[Row]]:
    """Return the best week of each person, by the file's number for the person."""
    return {person: best_week(rows) for person, rows in read(path).items()}


def with_holes(rows: Sequence[Row], seed: int) -> list[Row]:
    """Return the rows without 1 % of them, drawn one by one, and without one block of 6 hours. `seed` decides which."""
    draw = random.Random(seed)
    gone = set(draw.sample(range(len(rows)), len(rows) // 100))
    block = draw.randrange(len(rows) - BLOCK + 1)
    gone.update(range(block, block + BLOCK))
    return [row for i, row in enumerate(rows) if i not in gone]


def write_csv(rows: Iterable[Row], file: TextIO) -> None:
    """Write the rows as `hipsync import csv` reads them; open the file with newline=""."""
    out = csv.writer(file, lineterminator="\n")
    out.writerow(["timestamp", "steps", "intensity", "heart_rate", "state"])
    for row in rows:
        heart_rate = "" if row.heart_rate is None else row.heart_rate
        out.writerow([row.at.isoformat(), row.steps, row.intensity, heart_rate, row.state or ""])

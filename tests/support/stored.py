"""A store with a band in it, and readings to put there."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from hipsync.model import (
    MINUTE,
    BandId,
    Charge,
    Counter,
    Epoch,
    Inactivity,
    Info,
    Posture,
    Reading,
    State,
    Wear,
    Workout,
    WorkoutKind,
)
from hipsync.store import Store
from support.builders import MONDAY

NOW = MONDAY + timedelta(hours=12)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
READINGS = ("epochs", "counters", "wears", "charges", "inactivities", "workouts", "infos")
"""The tables for readings. Each gets one row of `GOOD`, and `epochs` gets two."""


def band(store: Store, name: str = "band") -> BandId:
    return store.add_band(name=name, driver="huami", now=NOW, address="C0:00:00:00:00:01").id


def minute(
    at: int,
    steps: int = 0,
    *,
    heart_rate: int | None = None,
    intensity: int | None = None,
    state: State | None = None,
    kind: int | None = None,
    inferred: bool = False,
    posture: Posture | None = None,
) -> Epoch:
    """Return minute `at` of Monday, counted from 0, as an epoch."""
    return Epoch(MONDAY + at * MINUTE, MINUTE, steps, intensity, heart_rate, state, kind, inferred, posture)


GOOD: list[Reading] = [
    minute(0), minute(1, 30), Counter(NOW, 3), Wear(NOW, True), Charge(NOW, 9), Inactivity(NOW), Info(NOW, "1.0"),
    Workout(WorkoutKind.ROWING, NOW - HOUR, NOW),
]  # fmt: skip


def count(path: Path, table: str) -> int:
    """Return how many rows a table has, as another program sees the file."""
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608  our own names


def limit(store: Store, pages: int) -> None:
    """Limit the database to `pages` pages, like a disk with no more room; those that are there stay."""
    with store.transaction() as db:
        db.execute(f"PRAGMA max_page_count = {pages}")


def counts(path: Path) -> dict[str, int]:
    return {table: count(path, table) for table in READINGS}


NONE = dict.fromkeys(READINGS, 0)
ALL_GOOD = {**dict.fromkeys(READINGS, 1), "epochs": 2}

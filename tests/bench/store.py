"""Storing a year of minutes, beside plain SQLite, and how much room they take.

*Ours*: `Store.append` of 525,600 epochs with intensity, heart rate and kind, in batches of 2,000 as a sync brings them,
into a new file: from `Epoch` to disk.

*Baseline*: the same rows, ready as tuples of integers, by `executemany` of a plain `INSERT` through Python's
sqlite3, into a new file with the same empty tables and PRAGMAs, in as many transactions. It does not look for
duplicates.
Wall time includes the disk's, which is the same for both; CPU time shows the work of Python and SQLite alone.

*Room*: the size of the file after a checkpoint, less that of one without readings, divided by the minutes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from itertools import count
from pathlib import Path
from statistics import median

from bench import year
from bench.figure import Cost, Figure, alternating, cost
from hipsync.model import Epoch

RUNS = 5
Row = tuple[int | None, ...]


def figures(folder: Path, minutes: int = year.MINUTES, runs: int = RUNS) -> list[Figure]:
    epochs = year.epochs(minutes)
    number = count()
    rows = rows_of(year.database(folder, minutes))

    def ours() -> Cost:
        store, band = year.opened(folder / f"ours-{next(number)}.db")
        with store:
            return cost(lambda: year.append(store, band, epochs))

    def theirs() -> Cost:
        path = folder / f"theirs-{next(number)}.db"
        year.opened(path)[0].close()
        with closing(connected(path)) as db:
            return cost(lambda: insert(db, rows))

    own, plain = alternating(ours, theirs, runs)
    return [
        Figure(
            f"store: {minutes:,} minutes, wall",
            median(cost.wall_s for cost in own),
            "s",
            median(cost.wall_s for cost in plain),
            1.3,
        ),
        Figure(
            f"store: {minutes:,} minutes, CPU",
            median(cost.cpu_s for cost in own),
            "s",
            median(cost.cpu_s for cost in plain),
        ),
        Figure("store: bytes a minute, all values", room(folder / "all.db", epochs), "B", aim=24),
        Figure("store: bytes a minute, steps alone", room(folder / "steps.db", [steps_alone(e) for e in epochs]), "B"),
    ]


def steps_alone(epoch: Epoch) -> Epoch:
    return Epoch(epoch.start, epoch.length, epoch.steps)


def rows_of(path: Path) -> list[Row]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT * FROM epochs ORDER BY start").fetchall()


def connected(path: Path) -> sqlite3.Connection:
    """Open a database with the PRAGMA that `Store` sets; that it has a write-ahead log is stored in the file."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA foreign_keys = ON")
    return db


def insert(db: sqlite3.Connection, rows: Sequence[Row]) -> None:
    for at in range(0, len(rows), year.BATCH):
        db.execute("BEGIN IMMEDIATE")
        db.executemany("INSERT INTO epochs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows[at : at + year.BATCH])
        db.execute("COMMIT")


def room(path: Path, epochs: Sequence[Epoch]) -> float:
    """Return how many bytes an epoch takes in the file."""
    store, band = year.opened(path)
    store.close()  # the last connection to close moves the log into the file
    empty = path.stat().st_size
    with store.open(path) as again:
        year.append(again, band, epochs)
    return (path.stat().st_size - empty) / len(epochs)

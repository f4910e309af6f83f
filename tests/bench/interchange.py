"""Importing and exporting a year of minutes, and writing the page of a month.

*Imports*: the processes `hipsync import csv` and `hipsync import json` of what `hipsync export` wrote of that year,
into a new file. *Baseline*: the same rows, ready as tuples of integers, by one `executemany` for each 2,000 of them
into a new file with the same empty tables, without reading or checking a line of text.

*Export*: the process `hipsync export`, to CSV. *Baseline*: `fetchall` of the same rows through Python's sqlite3.

All of them take turns, and the figure is the least CPU time of each: other programs can only add to it. *Peak* is the
most memory that such a process had resident in any turn.

*Page*: the process `month --html`, from its start to its end, and the size of the page, which has its charts in it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench import year
from bench.child import Child, child
from bench.figure import Figure, cost, seconds
from bench.store import Row, connected, insert, rows_of

RUNS = 5
HIPSYNC = [sys.executable, "-c", "from hipsync.__main__ import main; main()"]
PEAK_MIB = 80
"""The most memory of an import or export, however long the file is."""


class Turn(NamedTuple):
    """What each of them took once."""

    executemany_s: float
    fetchall_s: float
    csv: Child
    json: Child
    out: Child


def figures(folder: Path, minutes: int = year.MINUTES, runs: int = RUNS) -> list[Figure]:
    database = year.database(folder, minutes)
    for form in ("csv", "json"):
        run(["--db", str(database), "export", "--format", form, "-o", str(folder / f"year.{form}")])
    rows = rows_of(database)
    turns = [turn(folder, database, rows) for _ in range(runs)]
    executemany_s, fetchall_s = min(each.executemany_s for each in turns), min(each.fetchall_s for each in turns)
    page = folder / "month.html"
    month = ["--db", str(database), "month", "last", "--html", str(page)]
    run(month)
    spent = median(seconds(lambda: run(month)) for _ in range(runs))
    return [
        *both(f"import csv: {minutes:,} minutes", [each.csv for each in turns], executemany_s, 4),
        *both(f"import json: {minutes:,} minutes", [each.json for each in turns], executemany_s, 5),
        *both(f"export csv: {minutes:,} minutes", [each.out for each in turns], fetchall_s, 4),
        Figure("month --html, the process", spent, "s", aim=1),
        Figure("month --html, size", page.stat().st_size / 2**20, "MiB", aim=1),
    ]


def both(what: str, found: Sequence[Child], baseline_s: float, aim: float) -> list[Figure]:
    """Return the figures of CPU time and memory."""
    return [
        Figure(f"{what}, CPU", min(each.cpu_s for each in found), "s", baseline_s, aim),
        Figure(f"{what}, peak", max(each.peak_mib for each in found), "MiB", aim=PEAK_MIB),
    ]


def turn(folder: Path, database: Path, rows: Sequence[Row]) -> Turn:
    plain, taken = folder / "plain.db", folder / "taken.db"

    def fresh(path: Path) -> list[str]:
        for file in folder.glob(f"{path.name}*"):
            file.unlink()
        return [*HIPSYNC, "--db", str(path)]

    fresh(plain)
    year.opened(plain)[0].close()
    with closing(connected(plain)) as db:
        executemany_s = cost(lambda: insert(db, rows)).cpu_s
    return Turn(
        executemany_s,
        cost(lambda: rows_of(database)).cpu_s,
        child([*fresh(taken), "import", "csv", str(folder / "year.csv")]),
        child([*fresh(taken), "import", "json", str(folder / "year.json")]),
        child([*HIPSYNC, "--db", str(database), "export", "-o", str(folder / "again.csv")]),
    )


def run(words: Sequence[str]) -> None:
    subprocess.run([*HIPSYNC, *words], check=True, capture_output=True)

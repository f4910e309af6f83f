"""Importing a year of minutes from CSV, and writing the page of a month.

*Import*: the process `hipsync import csv YEAR.csv` into a new file. *Baseline*: the same rows, ready as tuples of
integers, by one `executemany` into a new file with the same empty tables, without reading or checking a line of text.

*Page*: the process `month --html`, from its start to its end, and the size of the page, which has its charts in it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from itertools import count
from pathlib import Path
from statistics import median

from bench import year
from bench.figure import Figure, alternating, seconds
from bench.store import connected, insert, rows_of

RUNS = 3
HIPSYNC = [sys.executable, "-c", "from hipsync.__main__ import main; main()"]


def figures(folder: Path, minutes: int = year.MINUTES, runs: int = RUNS) -> list[Figure]:
    database, table, number = year.database(folder, minutes), folder / "year.csv", count()
    run(["--db", str(database), "export", "-o", str(table)])
    rows = rows_of(database)

    def ours() -> float:
        return seconds(lambda: run(["--db", str(folder / f"in-{next(number)}.db"), "import", "csv", str(table)]))

    def theirs() -> float:
        path = folder / f"plain-{next(number)}.db"
        year.opened(path)[0].close()
        with closing(connected(path)) as db:
            return seconds(lambda: insert(db, rows))

    own, plain = alternating(ours, theirs, runs)
    page = folder / "month.html"
    month = ["--db", str(database), "month", "last", "--html", str(page)]
    run(month)
    spent = median(seconds(lambda: run(month)) for _ in range(runs))
    return [
        Figure(f"import csv: {minutes:,} minutes", median(own), "s", median(plain)),
        Figure("month --html, the process", spent, "s", aim=1),
        Figure("month --html, size", page.stat().st_size / 2**20, "MiB", aim=1),
    ]


def run(words: Sequence[str]) -> None:
    subprocess.run([*HIPSYNC, *words], check=True, capture_output=True)

"""How long a person waits for `hipsync month`, on the database of a year, beside `hipsync today`.

*Ours*: the process `hipsync --db YEAR.db month last --json`, from its start to its end, for the last whole month.
*Cold*: no day was judged before, as after an upgrade. *Warm*: all days were.

*Baseline*: the process `hipsync --db YEAR.db today --json`, started in turn with ours, as in `bench.today`.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from statistics import median

from bench import year
from bench.figure import Figure, alternating
from bench.today import environment, milliseconds, script

RUNS = 15


def figures(folder: Path, minutes: int = year.MINUTES, runs: int = RUNS) -> list[Figure]:
    path = year.database(folder, minutes)
    today = script(folder / "today", "hipsync.cli", "--db", str(path), "today", "--json")
    month = script(folder / "month", "hipsync.cli", "--db", str(path), "month", "last", "--json")
    around = environment(folder)

    def run(command: list[str]) -> float:
        return milliseconds(command, around)

    def cold() -> float:
        with closing(sqlite3.connect(path)) as db, db:
            db.execute("DELETE FROM days")
        return run(month)

    run(today)  # compiles
    cold_ms, beside_cold_ms = alternating(cold, lambda: run(today), runs)
    warm_ms, beside_warm_ms = alternating(lambda: run(month), lambda: run(today), runs)
    return [
        Figure("month: a whole month, against today", median(warm_ms), "ms", median(beside_warm_ms), 2.0),
        Figure("month: the same, no day judged before", median(cold_ms), "ms", median(beside_cold_ms)),
    ]

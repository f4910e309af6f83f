"""How long a person waits for a week and a month, on the database of a year, beside `hipsync today`.

*Ours*: the processes `hipsync --db YEAR.db month last --json`, for the last whole month, and `week --json`, from their
starts to their ends. *Cold*: no day was judged before, as after an upgrade. *Warm*: all days were.

*Baseline*: the process `hipsync --db YEAR.db today --json`, started in turn with ours, as in `bench.today`. The figures
are CPU time, the least of all runs.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

from bench import year
from bench.figure import Figure, least, process_ms
from bench.today import environment, script

RUNS = 12


def figures(folder: Path, minutes: int = year.MINUTES, runs: int = RUNS) -> list[Figure]:
    path, around = year.database(folder, minutes), environment(folder)

    def command(name: str, *words: str) -> list[str]:
        return script(folder / name, "hipsync.__main__", "--db", str(path), *words, "--json")

    def cold(of: list[str]) -> float:
        with closing(sqlite3.connect(path)) as db, db:
            db.execute("DELETE FROM days")
        return process_ms(of, around)

    today, week, month = command("today", "today"), command("week", "week"), command("month", "month", "last")
    process_ms(today, around)  # compiles
    cold_week, cold_month, warm_month, beside = least(
        runs,
        partial(cold, week),
        partial(cold, month),
        partial(process_ms, month, around),
        partial(process_ms, today, around),
    )
    return [
        Figure("hipsync week, no day judged before, against today", cold_week, "ms", beside, 1.5),
        Figure("hipsync month, no day judged before, against today", cold_month, "ms", beside, 2.2),
        Figure("hipsync month, judged before, against today", warm_month, "ms", beside, 1.25),
    ]

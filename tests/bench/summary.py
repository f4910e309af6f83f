"""How long it takes to sum up a day, and each day of a year, from the database of a year.

All of it is measured: rows from SQLite, timeline, stretches, numbers. It runs in one process, warm; no result is kept
from one day to the next.
There is no baseline: the second calculation in `tests/support/independent.py` is slow on purpose.
"""

from __future__ import annotations

import statistics
from datetime import date, timedelta
from pathlib import Path

from bench import year
from bench.figure import Figure, seconds
from hipsync.core.bouts import Rule
from hipsync.core.days import Zones
from hipsync.history.summaries import summarise
from hipsync.store import Store

RUNS = 3


def figures(folder: Path, minutes: int = year.MINUTES, runs: int = RUNS) -> list[Figure]:
    now, rule = year.system_now(), Rule()
    with Store.read(year.database(folder, minutes)) as store:
        zones = Zones(store.zones(), "UTC")
        last = zones.date_of(now)
        days = [last - timedelta(days=back) for back in range(1, minutes // 1440 + 1)]

        def summed_up(day: date) -> float:
            return seconds(lambda: summarise(store, rule, zones, day, now))

        runs_s = [[summed_up(day) for day in days] for _ in range(runs)]
    each_ms = statistics.median(day_s for run in runs_s for day_s in run) * 1e3
    all_s = statistics.median(sum(run) for run in runs_s)
    return [
        Figure("summary: one day", each_ms, "ms"),
        Figure(f"summary: {len(days)} days, one by one", all_s, "s"),
    ]

"""How long judging takes: a day, each day of a year, and what the service does when it wakes.

*Ours*: rows from SQLite, timeline, stretches, numbers, in this process, warm. Nothing that was judged is kept from one
run to the next: the file is opened for reading.

*Baseline*: `fetchall` of the rows on which it rests, all columns: the 36 hours around a day, the year, the 26 hours
that a wake looks back. The figures are CPU time, the least of runs in turn. The second calculation in
`tests/support/independent.py` is slow on purpose, and no baseline.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from bench import year
from bench.figure import Figure, cpu_ms, least
from hipsync.core.bouts import Rule
from hipsync.core.days import Zones
from hipsync.history.summaries import summarise, summarise_days
from hipsync.service.state import Families, settings_of, state_of
from hipsync.settings.config import Config
from hipsync.store import Store

RUNS = 40
YEARS = 3
"""How often the whole year is judged."""
FETCH = "SELECT * FROM epochs WHERE band = 1 AND start >= ? AND start < ? ORDER BY start"
HOUR_S = 3600


def figures(folder: Path, minutes: int = year.MINUTES, runs: int = RUNS) -> list[Figure]:
    now, rule, path = year.system_now(), Rule(), year.database(folder, minutes)
    with Store.read(path) as store, closing(sqlite3.connect(path)) as db:
        zones = Zones(store.zones(), "UTC")
        days = [zones.date_of(now) - timedelta(days=back) for back in range(minutes // 1440, 0, -1)]
        middle = days[len(days) // 2]
        begins, ends = (int(each.timestamp()) for each in zones.day(middle)[1:3])
        first, last = (int(zones.day(day).start.timestamp()) for day in (days[0], days[-1]))
        present = int(now.timestamp())
        settings = settings_of(Config(), "UTC")

        def fetched(from_s: int, until_s: int) -> float:
            return cpu_ms(lambda: db.execute(FETCH, (from_s, until_s)).fetchall())

        day, of_day, wake, of_wake = least(
            runs,
            lambda: cpu_ms(lambda: summarise(store, rule, zones, middle, now)),
            lambda: fetched(begins - 6 * HOUR_S, ends + 6 * HOUR_S),
            lambda: cpu_ms(lambda: state_of(store, settings, now, Families())),
            lambda: fetched(present - 26 * HOUR_S, present),
        )
        each, of_all = least(
            min(runs, YEARS),
            lambda: cpu_ms(lambda: summarise_days(store, rule, zones, days, now)),
            lambda: fetched(first, last + 24 * HOUR_S),
        )
    return [
        Figure("judging a day, against fetching its 36 hours of rows", day, "ms", of_day, 1.5),
        Figure(f"judging {len(days)} days in a row, against fetching their rows", each, "ms", of_all, 1.7),
        Figure("the service's look at a wake, against fetching 26 hours of rows", wake, "ms", of_wake, 1.6),
    ]

"""Other programs beside the floors of `bench.summary`, where they can be installed: pandas, and DuckDB over Parquet.

    uv run python -m bench.peers

Each runs in an environment of its own that uv makes, on the same year. They add up steps, and the minutes that lie in
runs of eight or more without a step, by day; none of them judges stretches, breaks, wear or reminders. *Floor*:
`fetchall` of the year's rows. The figures are CPU time, the least of all runs; to import them is shown by itself.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import year
from bench.figure import Figure, table

RUNS = 3
HEAD = """
import json, sqlite3, sys, time
begun = time.process_time()
import {imported}
imported = time.process_time() - begun
db = sqlite3.connect(sys.argv[1])
def least(work):
    best = 1e9
    for _ in range(int(sys.argv[2])):
        begun = time.process_time()
        work()
        best = min(best, time.process_time() - begun)
    return best
rows = least(lambda: db.execute("SELECT * FROM epochs WHERE band = 1 ORDER BY start").fetchall())
"""
FOOT = """
print(json.dumps([imported, least(days), rows]))
"""
PANDAS = """
def days():
    of = pandas.read_sql("SELECT start, steps, state FROM epochs WHERE band = 1 ORDER BY start", db)
    still = (of.steps == 0) & ~of.state.isin([2, 3, 4])
    run = (still != still.shift()).cumsum()
    of["day"], of["sat"] = of.start // 86400, still & (still.groupby(run).transform("size") >= 8)
    return of.groupby("day").agg(steps=("steps", "sum"), sat=("sat", "sum"))
"""
DUCKDB = """
import pyarrow, pyarrow.parquet
file = sys.argv[1] + ".parquet"
start, steps, state = zip(*db.execute("SELECT start, steps, state FROM epochs WHERE band = 1 ORDER BY start"))
pyarrow.parquet.write_table(pyarrow.table({"start": start, "steps": steps, "state": state}), file)
SQL = f'''WITH minutes AS (SELECT start // 60 AS minute, start // 86400 AS day, steps,
    steps = 0 AND state NOT IN (2, 3, 4) AS still FROM '{file}'),
grouped AS (SELECT *, minute - row_number() OVER (PARTITION BY still ORDER BY minute) AS run FROM minutes),
sized AS (SELECT *, count(*) OVER (PARTITION BY still, run) AS size FROM grouped)
SELECT day, sum(steps), count(*) FILTER (WHERE still AND size >= 8) FROM sized GROUP BY day'''
duck = duckdb.connect()
duck.execute("SET threads = 1")
def days():
    return duck.execute(SQL).fetchall()
"""
PEERS = {"pandas": (PANDAS, ["pandas"]), "duckdb": (DUCKDB, ["duckdb", "pyarrow"])}


def main() -> None:
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="hipsync-peers-") as folder:
        path = year.database(Path(folder))
        for name, (days, packages) in PEERS.items():
            program = HEAD.format(imported=name) + days + FOOT
            with_them = [word for package in packages for word in ("--with", package)]
            command = ["uv", "run", "--quiet", "--no-project", "--isolated", *with_them, "python", "-c", program]
            done = subprocess.run([*command, str(path), str(RUNS)], stdout=subprocess.PIPE, check=False, text=True)
            if done.returncode:
                print(f"{name} is left out: it could not be installed, or failed", file=sys.stderr)
                continue
            imported, took, rows = json.loads(done.stdout)
            figures += [
                Figure(f"{name}: steps and still minutes of each day of a year", took, "s", rows),
                Figure(f"{name}: to import it", imported, "s"),
            ]
    print(table(figures))


if __name__ == "__main__":
    main()

"""Benchmarks of hipsync, each beside a baseline that its own docstring defines.

    uv run python -m bench                  all of them: takes some minutes
    uv run python -m bench today sync       these
    uv run python -m bench.activpal         the rule's prompts against posture sensors; needs ../shared/data
    uv run python -m bench.sleepers         prompts for sleepers, with and without a heart rate; needs ../shared/data
    uv run python -m bench.nights           evening hours that the rule of nights costs; needs ../shared/data
    uv run python -m bench.since FOLDER     every minute and prompt beside an earlier commit's; needs ../shared/data
    uv run python -m bench.repeated         lines that the simulated bands of two families share

    store       a year of minutes into SQLite, beside a plain executemany; bytes a minute
    today       the process `hipsync today --json`, beside a script that fetches the same rows
    live        the first picture of `hipsync live`, beside a Textual app with one label
    month       the process `hipsync month --json`, beside `today --json`; with days judged before, and without
    sync        30 days from a simulated band over a Bluetooth stack in software, beside a client that discards them
    summary     a day, and each day of a year, summed up
    demo        the whole of `hipsync demo`
    interchange import csv of a year, beside a plain executemany; the page of a month
    bands       50 simulated bands of all families in one process, synced; memory a band above their own

A ratio compares medians of runs in turn, so that it means something on a busy machine too; milliseconds do not. The
command fails if a figure misses its aim.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from bench import bands, demo, interchange, live, month, store, summary, sync, today
from bench.figure import Figure, table

BENCHES: Mapping[str, Callable[[Path], list[Figure]]] = {
    "store": store.figures,
    "today": today.figures,
    "live": live.figures,
    "month": month.figures,
    "sync": sync.figures,
    "summary": summary.figures,
    "demo": demo.figures,
    "bands": bands.figures,
    "interchange": interchange.figures,
}


def main(names: list[str]) -> int:
    if unknown := set(names) - set(BENCHES):
        print(f"no benchmark {', '.join(sorted(unknown))}: there are {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="hipsync-bench-") as folder:
        for name in names or BENCHES:
            print(f"{name} ...", file=sys.stderr)
            figures += BENCHES[name](Path(folder))
    print(table(figures))
    return int(any(figure.missed for figure in figures))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

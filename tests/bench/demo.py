"""How much CPU `hipsync demo` takes, for each kind of band: it pairs one, lives through its day, and ends.

There is no baseline. The promise is that the demo ends before a newcomer wonders. The figures are the least CPU time
of all runs.
"""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path

from bench.figure import Figure, process_ms
from hipsync.registry import kinds

RUNS = 1
AIM_S = 5.0


def figures(folder: Path, runs: int = RUNS) -> list[Figure]:
    number = count()

    def least_s(kind: str) -> float:
        words = ["--db", str(folder / f"demo-{next(number)}.db"), "demo", "--band", kind]
        command = [sys.executable, "-c", "from hipsync.__main__ import main; main()", *words]
        return min(process_ms(command) for _ in range(runs)) / 1e3

    return [Figure(f"hipsync demo --band {kind}, CPU", least_s(kind), "s", aim=AIM_S) for kind in kinds()]

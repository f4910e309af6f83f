"""How long `hipsync demo` takes: a process that pairs a simulated band, lives through its day, and ends.

There is no baseline. The promise is that the demo ends before a newcomer wonders: after 30 s at most.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

from bench.figure import Figure, seconds

RUNS = 3


def figures(folder: Path, runs: int = RUNS) -> list[Figure]:
    def run(number: int) -> float:
        script = "from hipsync.__main__ import main; main()"
        command = [sys.executable, "-c", script, "--db", str(folder / f"demo-{number}.db"), "demo"]
        return seconds(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))

    return [Figure("demo: a whole simulated day", statistics.median(map(run, range(runs))), "s", aim=30)]

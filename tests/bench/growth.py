"""What grows with the years: the CPU time of commands and the size of the file, after 1, 2, 5 and 10 years.

    uv run python -m bench.growth           makes databases of 12 to 105 MiB: takes some minutes

All processes are as in `bench.today`; the figures are the least of all runs.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench import year
from bench.figure import machine, process_ms
from bench.today import environment, script
from hipsync.model import DAY

YEARS = (1, 2, 5, 10)
RUNS = 5
COMMANDS = {
    "today --json": ["today", "--json"],
    "week --json": ["week", "--json"],
    "month last --json": ["month", "last", "--json"],
    "status": ["status"],
    "db backup": ["db", "backup"],
    "db check": ["db", "check"],
}


def main(years: Sequence[int] = YEARS, runs: int = RUNS) -> None:
    rows = [["", *(f"{each} y" for each in years)]]
    rows += [[f"{words}, CPU ms"] for words in COMMANDS] + [["the file, MiB"]]
    for each in years:
        with tempfile.TemporaryDirectory(prefix="hipsync-growth-") as folder:
            for row, figure in zip(rows[1:], _figures(Path(folder), each, runs), strict=True):
                row.append(f"{figure:.0f}")
    print(machine())
    for row in rows:
        print(f"{row[0]:24}{''.join(f'{cell:>9}' for cell in row[1:])}")


def _figures(folder: Path, years: int, runs: int) -> list[float]:
    path, around = database(folder / "growth.db", years), environment(folder)
    found: list[float] = []
    for name, words in COMMANDS.items():
        command = script(folder / name.replace(" ", ""), "hipsync.__main__", "--db", str(path), *words)
        process_ms(command, around)  # compiles, and judges the days that it shows
        found.append(min(process_ms(command, around) for _ in range(runs)))
    return [*found, path.stat().st_size / 2**20]


def database(path: Path, years: int) -> Path:
    """Make a database of so many years: the same year again and again, up to now."""
    life = year.epochs(year.MINUTES)
    store, band = year.opened(path)
    with store:
        for back in reversed(range(years)):
            year.append(store, band, [each._replace(start=each.start - back * 365 * DAY) for each in life])
    return path


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or YEARS)

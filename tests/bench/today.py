"""How long a person waits for `hipsync today`, on the database of a year, beside a program that does almost nothing.

*Ours*: the process `hipsync --db YEAR.db today --json`, from its start to its end.

*Baseline*: the process of `bare.py`, which imports click and sqlite3, opens the same file, and fetches today's rows.

Both are console scripts of the same text, started in turn with `python -X frozen_modules=on`. Both find compiled
byte code, as an installed program does, whatever the environment of this shell says about that. The data end now, and
now is early evening.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, time
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

from bench import year
from bench.figure import Figure, alternating, seconds

RUNS = 30
SCRIPT = "import sys\nfrom {module} import main\nif __name__ == '__main__':\n    sys.exit(main())\n"
BARE = Path(__file__).with_name("bare.py")


def figures(folder: Path, minutes: int = year.MINUTES, runs: int = RUNS) -> list[Figure]:
    path = year.database(folder, minutes)
    ours = script(folder, "hipsync.cli", "--db", str(path), "today", "--json")
    shutil.copy(BARE, folder)
    theirs = script(folder, "bare", str(path), str(midnight()))
    around = environment(folder)

    def run(command: list[str]) -> float:
        return milliseconds(command, around)

    run(ours)  # compiles
    run(theirs)
    own, bare = alternating(lambda: run(ours), lambda: run(theirs), runs)
    return [Figure("today: hipsync today --json, against a bare script", median(own), "ms", median(bare), 2.0)]


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of an installed program, whose compiled byte code and settings are in `folder`."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "HIPSYNC_"))}
    return {**inherited, "PYTHONPYCACHEPREFIX": str(folder / "compiled"), "XDG_CONFIG_HOME": str(folder)}


def milliseconds(command: list[str], environment: dict[str, str]) -> float:
    """Return the milliseconds from the start of a command to its end. Raises `CalledProcessError` if it fails."""
    return 1e3 * seconds(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment))


def script(folder: Path, module: str, *arguments: str) -> list[str]:
    """Return a command that runs the `main` of a module as an installed console script does."""
    folder.mkdir(exist_ok=True)
    file = folder / f"{module}.script"
    file.write_text(SCRIPT.format(module=module))
    return [sys.executable, "-X", "frozen_modules=on", str(file), *arguments]


def midnight() -> int:
    """Return the second, counted from 1970, at which the local day began."""
    now = year.system_now()
    zone = ZoneInfo(year.zone_of(now))
    return int(datetime.combine(now.astimezone(zone).date(), time(0), zone).astimezone(UTC).timestamp())

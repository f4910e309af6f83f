"""How long a person waits for a command, on the database of a year, beside a program that does almost nothing.

*Ours*: the processes `hipsync --db YEAR.db` with `today --json`, `status`, and `status --line`, while no service runs.

*Baseline*: the process of `bare.py`, which imports click and sqlite3, opens the same file, and fetches today's rows.

All are console scripts of the same text, started in turn with `python -X frozen_modules=on`. They find compiled byte
code, as an installed program does, whatever the environment of this shell says about that. The data end now, and now
is early evening. The figures are CPU time, the least of all runs.
"""

from __future__ import annotations

import os
import shutil
import sys
from datetime import UTC, datetime, time
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from bench import year
from bench.figure import Figure, least, process_ms

RUNS = 25
SCRIPT = "import sys\nfrom {module} import main\nif __name__ == '__main__':\n    sys.exit(main())\n"
BARE = Path(__file__).with_name("bare.py")
AIMS = {"today --json": 1.7, "status": 2.2, "status --line": 2.0}


def figures(folder: Path, minutes: int = year.MINUTES, runs: int = RUNS) -> list[Figure]:
    path = year.database(folder, minutes)
    shutil.copy(BARE, folder)
    around = environment(folder)
    commands = [script(folder, "bare", str(path), str(midnight()))]
    commands += [
        script(folder / words.replace(" ", ""), "hipsync.__main__", "--db", str(path), *words.split()) for words in AIMS
    ]
    for command in commands:
        process_ms(command, around)  # compiles
    bare, *ours = least(runs, *(partial(process_ms, command, around) for command in commands))
    return [
        Figure(f"hipsync {words}, against a bare script", own, "ms", bare, aim)
        for (words, aim), own in zip(AIMS.items(), ours, strict=True)
    ]


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of an installed program, whose compiled byte code and settings are in `folder`."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "HIPSYNC_"))}
    return {**inherited, "PYTHONPYCACHEPREFIX": str(folder / "compiled"), "XDG_CONFIG_HOME": str(folder)}


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

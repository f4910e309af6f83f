"""The judge: says what was lost, doubled or shown wrongly, by sqlite3, csv and the truth alone.

It imports nothing of hipsync, so that an error of ours cannot hide itself here. The truth is made up by the campaign
before hipsync sees anything of it: for each band, its minutes since 1970 and the steps of each.
"""

from __future__ import annotations

import csv
import re
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

Found = Mapping[str, Counter[tuple[int, int]]]
"""How often each (minute, steps) was found, by the name of the band."""
Minutes = Mapping[int, int]
"""Minutes since 1970-01-01 00:00 UTC, and the steps of each."""
HOUR = 60
TROUBLE = re.compile(
    r"^Traceback \(most recent call last\)|^Exception ignored|^Fatal Python error|never (?:retrieved|awaited)"
    r"|a bug in hipsync|RuntimeWarning|ResourceWarning",
    re.MULTILINE,
)
"""What no process may ever print, and no log hold."""


class Unreadable(Exception):
    """The database cannot be read by SQLite itself."""


def stored(database: Path) -> Found:
    """Return how often each (minute, steps) is stored, by the name of the band. A slot of an hour is 60 minutes.

    Raises `Unreadable`.
    """
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
            rows = db.execute(
                "SELECT bands.name, start, length, steps FROM epochs JOIN bands ON bands.id = band"
            ).fetchall()
    except (sqlite3.Error, ValueError) as error:
        raise Unreadable(str(error)) from error
    found: dict[str, list[tuple[int, int]]] = {}
    for name, start, length, steps in rows:
        found.setdefault(str(name), []).extend((start // 60 + each, steps) for each in range(length))
    return {name: Counter(minutes) for name, minutes in found.items()}


def exported(table: Path) -> Found:
    """Return what `stored` returns, from a CSV file that `hipsync export` wrote."""
    found: dict[str, list[tuple[int, int]]] = {}
    with table.open(encoding="utf-8", newline="") as file, closing(sqlite3.connect(":memory:")) as db:
        for row in csv.DictReader(file):
            ((at,),) = db.execute("SELECT strftime('%s', ?)", (row["timestamp"],)).fetchall()
            found.setdefault(row["band"], []).append((int(at) // 60, int(row["steps"])))
    return {name: Counter(minutes) for name, minutes in found.items()}


def lost(truth: Mapping[str, Minutes], found: Found) -> int:
    """Return how many minutes of the truth are not found with their steps."""
    none: Counter[tuple[int, int]] = Counter()
    return sum(
        (minute, steps) not in found.get(band, none)
        for band, minutes in truth.items()
        for minute, steps in minutes.items()
    )


def doubled(truth: Mapping[str, Minutes], found: Found) -> int:
    """Return how many minutes are found twice, or were made up: nobody lived them, or not with these steps."""
    count = 0
    for band, rows in found.items():
        minutes = truth.get(band, {})
        times = Counter(minute for minute, _ in rows.elements())
        count += sum(number - 1 for number in times.values())
        count += sum(minute not in minutes for minute in times)
    return count


def is_sound(database: Path) -> bool:
    """Whether SQLite finds no damage in a file."""
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
            return db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    except (sqlite3.Error, ValueError):
        return False


def copies(folder: Path) -> list[Path]:
    """Return the copies in the folder `backups` beside a database that are sound."""
    return [path for path in sorted((folder / "backups").glob("*.db")) if is_sound(path)]


def still_at_the_end(minutes: Minutes) -> int:
    """Return for how many minutes up to the last one the person has made no step."""
    count, at = 0, max(minutes, default=0)
    while minutes.get(at) == 0:
        count, at = count + 1, at - 1
    return count


def wrong_prompts(minutes: Minutes, shown: Sequence[str], *, allowed: bool) -> int:
    """Return how many prompts should not have been shown: before an hour of sitting, in quiet time, or once more."""
    right = 1 if allowed and still_at_the_end(minutes) >= HOUR else 0
    return max(len(shown) - right, 0)


def troubles(texts: Iterable[str]) -> int:
    """Return how many tracebacks and the like stand in what processes have printed."""
    return sum(len(TROUBLE.findall(text)) for text in texts)


def leftovers(folder: Path, own: Collection[str]) -> list[str]:
    """Return the half files that lie in a folder, such as `x.db.new`, except those in `own`."""
    return [path.name for path in sorted(folder.rglob("*.new")) if path.name not in own]

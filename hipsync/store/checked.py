"""What the last check of a database found: a small file beside it, so that every command can tell without a check.

A check is due once a day, and after a crash. SQLite deletes its log when the last program closes the database in order,
so a log that is there while nobody runs was left by a crash; the file holds which log was there at the check. The one
rule: the file is only a memory. Without it, or if it makes no sense, a check is due.

It is on the path of `hipsync today`, so it imports nothing slow.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from hipsync.instants import is_believed
from hipsync.private import replacing
from hipsync.store.file import instant, seconds
from hipsync.text import clean, json_of

CHECK_EVERY = timedelta(hours=26)
"""A running service checks once in each local day, so an hour's delay after a day of 25 hours makes no second check."""
LONGEST_FILE = 65536
LONGEST_LINE = 300


class Checked(NamedTuple):
    """The result of the last check of a database."""

    at: datetime
    damage: tuple[str, ...]
    strange: tuple[str, ...]
    log: str
    """What `log_of` returned after the check."""

    def told(self, database: Path) -> str | None:
        """What is wrong, in one line that says what to do; None if the check found nothing."""
        if self.damage:
            return (
                f"{database} is damaged ({self.damage[0]}), so numbers may be wrong: "
                "`hipsync db check` says more, `hipsync db restore FILE` puts a copy back"
            )
        if self.strange:
            return f"{database} holds rows that make no sense ({self.strange[0]}): `hipsync db check` says more"
        return None


def record_of(database: Path) -> Path:
    """The file that holds what the last check of a database found."""
    return database.with_name(database.name + ".checked")


def last_check(database: Path) -> Checked | None:
    """What the last check of a database found; None if there was none, or nothing sensible is known of it."""
    try:
        with record_of(database).open("rb") as file:
            match json_of(file.read(LONGEST_FILE)):
                case {"at": int(at), "damage": list(damage), "strange": list(strange), "log": str(log)}:
                    return Checked(instant(at), _lines(damage), _lines(strange), log)
                case _:
                    return None
    except (OSError, ValueError, OverflowError):
        return None


def _lines(found: Sequence[object]) -> tuple[str, ...]:
    return tuple(clean(str(line), LONGEST_LINE) for line in found)


def is_due(database: Path, last: Checked | None, now: datetime, running: Callable[[Path], bool]) -> bool:
    """Whether to check a database now. `running` says whether a service has it open, so that its log is no remnant.

    A check that is dated in the future, by a clock that was ahead, does not count.
    """
    if last is None or not is_believed(last.at, now) or now - last.at >= CHECK_EVERY:
        return True
    log = log_of(database)
    return log not in {"", last.log} and not running(database)


def remember(database: Path, now: datetime, damage: tuple[str, ...], strange: tuple[str, ...]) -> Checked:
    """Store what a check found, and return it. Where the folder cannot be written, nothing is remembered."""
    import json

    checked = Checked(instant(seconds(now)), damage, strange, log_of(database))
    values = {"version": 1, "at": seconds(now), "damage": damage, "strange": strange, "log": checked.log}
    with contextlib.suppress(OSError), replacing(record_of(database)) as fresh:
        fresh.write_text(json.dumps(values))
    return checked


def forget_check(database: Path) -> None:
    """Delete what the last check of a database found, so that a check is due, or because the database is deleted."""
    with contextlib.suppress(OSError):
        record_of(database).unlink(missing_ok=True)


def log_of(database: Path) -> str:
    """The state of the log beside a database, which changes with every write; empty if there is none, or no bytes."""
    for tail in ("-wal", "-journal"):
        with contextlib.suppress(OSError):
            status = database.with_name(database.name + tail).stat()
            if status.st_size:
                return f"{tail} {status.st_ino} {status.st_size} {status.st_mtime_ns}"
    return ""

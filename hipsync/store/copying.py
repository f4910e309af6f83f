"""Copies of a database as files: how they are written, named and removed.

SQLite keeps files beside a database. The one rule: whoever removes a database removes those too, because SQLite would
apply them to the next file of that name.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from hipsync.private import create_private

STAMP = "%Y%m%dT%H%M%S"
"""The format of the time, in UTC, in the name of a copy."""
TAILS = ("-wal", "-shm", "-journal")
"""The ends of the names of the files that SQLite keeps beside a database."""


def write_copy(source: sqlite3.Connection, to: Path) -> None:
    """Write what a connection reads to a new private file.

    Raises `sqlite3.Error` and `OSError`; then no file is left.
    """
    remove(to)
    try:
        create_private(to)
        with contextlib.closing(sqlite3.connect(to)) as target:
            source.backup(target)
    except BaseException:
        remove(to)
        raise


def remove(file: Path) -> None:
    """Delete a database, and the files that SQLite keeps beside it. Raises `OSError`."""
    for tail in ("", *TAILS):
        file.with_name(file.name + tail).unlink(missing_ok=True)

"""Readings, and what was shown to the person and done, in one SQLite file.

All SQL is in this package. What the tables mean is in `columns.py` and in docs/contract.md, "What is stored"::

    file.py         the connection, transactions, SQLite's errors as `StoreError`
    bands.py        bands, syncs, zones
    readings.py     epochs, counters and the other readings
    prompts.py      prompts, labels, pauses, exercises, plans, remarks
    presences.py    when the computer was used, and at which desk
    trials.py       the trial of whether reminders help
    judged_days.py  a cache of days that were judged
    maintenance.py  check, backup, vacuum, forget, erase
    erasing.py      what is erased of one band, because its wearer was
    imports.py      epochs of an import on their way in
    temporary.py    rows of an import that wait in a temporary file: staging.py ours, past.py others'
    zones.py        the host's zones and those of imports
    band_days.py    what a band reported on a day of UTC, as columns, for a fleet
    rows.py         rows of any table, for export and import
    merging.py      what becomes of two rows that are about the same thing
    sense.py        which rows make sense, so that a reader takes them
    checks.py       what is wrong with a database or a copy
    checked.py      what the last check found, in a file beside the database
    copying.py      how copies are written and removed
    restoring.py    a copy in the place of the database
    migrations.py   the schema, step by step
    __init__.py     opening, and `Store`, which is all of these

It is on the path of `hipsync today`, so only sqlite3 is imported at the top, and logging where a line is logged.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Self

from hipsync.errors import StoreError
from hipsync.store.band_days import BandDays
from hipsync.store.checked import Checked, is_due, last_check, remember
from hipsync.store.erasing import Erasing
from hipsync.store.file import connected, error_code, translated
from hipsync.store.imports import Imports
from hipsync.store.judged_days import JudgedDays, StoredDay
from hipsync.store.presences import Presences
from hipsync.store.prompts import Prompts
from hipsync.store.readings import Appended
from hipsync.store.rows import Rows
from hipsync.store.trials import Trials

__all__ = ["VERSION", "Appended", "Checked", "Store", "StoredDay"]

VERSION = 17
"""The number of schema steps in `migrations.py`: the version of a file that is up to date."""


class Store(Imports, Prompts, Presences, Trials, JudgedDays, Erasing, Rows, BandDays):
    """The open database: a context manager that closes it. Several threads may use it, one at a time."""

    @staticmethod
    def exists(path: Path) -> bool:
        """Whether there is a database file. Raises `StoreError` if that cannot be seen."""
        with translated(path):
            return path.exists()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the database for reading and writing.

        A missing file is created, private to its owner; an older one is backed up and then upgraded. Raises
        `StoreError` for a file that is locked, read-only, full, damaged, not a database, or made by a newer hipsync.
        """
        with translated(path):
            fresh = not path.exists()
            if fresh:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            store = cls(connected(path, "mode=rw"), path)
            try:
                store._prepare()
            except BaseException:
                store.close()
                raise
            return store

    @classmethod
    def read(cls, path: Path) -> Self:
        """Open the database for reading, even in a folder that cannot be written. An older file is upgraded first.

        Raises `StoreError` as `open` does.
        """
        with translated(path):
            db, version = opened_for_reading(path)
            try:
                refuse_newer(path, version)
            except StoreError:
                db.close()
                raise
            if version < VERSION:
                db.close()
                return cls.open(path)
            return cls(db, path)

    @classmethod
    def restore(cls, path: Path, copy: Path, now: datetime) -> Path | None:
        """Replace the database, which nobody may have open, by a copy; return where the old database is now.

        Return None if there was no database before. Raises `StoreError` if the copy is damaged or is not hipsync's, if
        the disk has no space for both, or if the database is locked; then the database is as it was.
        """
        from hipsync.store.restoring import restored

        return restored(path, copy, now)

    @classmethod
    def checked(cls, path: Path, now: datetime, running: Callable[[Path], bool]) -> Checked | None:
        """What the last check of a database found; if a check is due, it is made first.

        `running` says whether a service has the database open. Return None if there is no database of this version that
        can be opened and checked: whoever opens it is told why.
        """
        if not path.exists():
            return None
        last = last_check(path)
        if not is_due(path, last, now, running):
            return last
        with contextlib.suppress(StoreError), translated(path):
            db, version = opened_for_reading(path)
            with contextlib.closing(db):
                if version != VERSION:
                    return None
                from hipsync.store.checks import findings_in

                damage, strange, _ = findings_in(db)
            return remember(path, now, damage, strange)
        return None

    @classmethod
    def in_memory(cls) -> Self:
        """Open a database in memory, for tests. It is gone when it is closed."""
        store = cls(connected(None), None)
        _empty().backup(store._db)
        return store

    def _prepare(self) -> None:
        """Upgrade an older file after a backup, and make the file ready for writing."""
        ((version, is_empty),) = self._rows(  # in one statement, as another process may make the tables just now
            "SELECT user_version, NOT EXISTS (SELECT 1 FROM sqlite_master) FROM pragma_user_version"
        )
        if self.path is not None:
            refuse_newer(self.path, version)
        if version < VERSION:
            if self.path is not None and not is_empty:
                backup = self.backup(None, datetime.fromtimestamp(self.path.stat().st_mtime, UTC))
                from logging import getLogger

                getLogger(__name__).warning("the database is brought up to date; the old one is kept as %s", backup)
            self._migrate()
        self._db.execute("PRAGMA journal_mode = WAL")
        self._schema = VERSION

    def _replaced_by(self, path: Path) -> sqlite3.Connection:
        Store.open(path).close()  # upgrades the file if it is older
        self._db.close()
        return connected(path, "mode=rw")

    def _migrate(self) -> None:
        from hipsync.store.migrations import migrate

        migrate(self._db)


@cache
def _empty() -> sqlite3.Connection:
    """A database in memory without a row. A copy of it takes a hundredth of the time of all schema steps."""
    from hipsync.store.migrations import migrate

    db = connected(None)
    migrate(db)
    return db


def opened_for_reading(path: Path) -> tuple[sqlite3.Connection, int]:
    """Open the file read-only; return the connection and schema version. Raises `sqlite3.Error` and `StoreError`."""
    db = connected(path, "mode=ro")
    try:
        return db, _version(db)
    except sqlite3.OperationalError as error:
        db.close()
        if error_code(error) not in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}:
            raise
        log_file = path.with_name(path.name + "-wal")
        if log_file.exists() and log_file.stat().st_size:
            raise StoreError(f"{path} was not closed in order: open it once in a folder that can be written") from error
    # In WAL mode SQLite has an index beside the file. Where it cannot make one, nobody else writes, and none is needed.
    db = connected(path, "mode=ro", "immutable=1")
    try:
        return db, _version(db)
    except sqlite3.Error:
        db.close()
        raise


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def refuse_newer(path: Path, version: int) -> None:
    if version > VERSION:
        raise StoreError(
            f"{path} was made by a newer hipsync (schema {version}, this one knows {VERSION}) or by another program: "
            "upgrade hipsync, or give another file with --db FILE"
        )

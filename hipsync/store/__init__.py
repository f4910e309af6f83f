"""Readings, and what was shown to the person and done, in one SQLite file.

All SQL is in this package. What the tables mean is in `columns.py` and in docs/contract.md, "What is stored"::

    file.py         the connection, transactions, SQLite's errors as `StoreError`
    bands.py        bands, syncs, zones
    readings.py     epochs, counters and the other readings
    prompts.py      prompts, pauses, exercises, remarks
    judged_days.py  a cache of days that were judged
    maintenance.py  check, backup, vacuum, forget, erase
    rows.py         rows of any table, for export and import
    migrations.py   the schema, step by step
    __init__.py     opening and restoring, and `Store`, which is all of these

It is on the path of `hipsync today`, so only sqlite3 is imported at the top.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from hipsync.errors import StoreError
from hipsync.store.bands import Bands
from hipsync.store.file import connected, error_code, translated
from hipsync.store.judged_days import JudgedDays, StoredDay
from hipsync.store.maintenance import Maintenance
from hipsync.store.prompts import Prompts
from hipsync.store.readings import Appended, Readings
from hipsync.store.rows import Rows

__all__ = ["VERSION", "Appended", "Store", "StoredDay"]

log = logging.getLogger(__name__)

VERSION = 5
"""The number of schema steps in `migrations.py`: the version of a file that is up to date."""


class Store(Bands, Readings, Prompts, JudgedDays, Maintenance, Rows):
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
            db, version = _opened_for_reading(path)
            try:
                _refuse_newer(path, version)
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

        Return None if there was no database before. Raises `StoreError` if the copy is damaged, is not hipsync's, or
        does not fit on the disk; then the database is as it was.
        """
        fresh = path.with_name(path.name + ".new")
        with translated(copy):
            source, version = _opened_for_reading(copy)
        with translated(copy), contextlib.closing(source):
            _refuse_newer(copy, version)
            if source.execute("SELECT 1 FROM sqlite_master WHERE name = 'bands'").fetchone() is None:
                raise StoreError(f"{copy} is no database of hipsync: nothing was changed")
            ((found,),) = source.execute("PRAGMA integrity_check(1)")
            if found != "ok":
                raise StoreError(f"{copy} is damaged: choose another copy, nothing was changed")
            with translated(fresh):
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                fresh.unlink(missing_ok=True)
                os.close(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
                with contextlib.closing(sqlite3.connect(fresh)) as target:
                    source.backup(target)
        with translated(path):
            old = cls._set_aside(path, now) if path.exists() else None
            for tail in ("-wal", "-shm"):  # those of the old file, which SQLite would apply to the new one
                path.with_name(path.name + tail).unlink(missing_ok=True)
            fresh.replace(path)
        return old

    @classmethod
    def _set_aside(cls, path: Path, now: datetime) -> Path:
        """Save the old database as a backup, or move it aside as it is if it cannot be read; return its new path."""
        try:
            with cls.open(path) as store:
                return store.backup(None, now)
        except StoreError:
            damaged = path.parent / "backups" / f"damaged-{now:%Y%m%dT%H%M%S}.db"
            damaged.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.replace(damaged)
            return damaged

    @classmethod
    def in_memory(cls) -> Self:
        """Open a database in memory, for tests. It is gone when it is closed."""
        store = cls(connected(None), None)
        store._migrate()
        return store

    def _prepare(self) -> None:
        """Upgrade an older file after a backup, and make the file ready for writing."""
        version = _version(self._db)
        if self.path is not None:
            _refuse_newer(self.path, version)
        if version < VERSION:
            if self.path is not None and self._db.execute("SELECT 1 FROM sqlite_master").fetchone() is not None:
                backup = self.backup(None, datetime.fromtimestamp(self.path.stat().st_mtime, UTC))
                log.warning("the database is brought up to date; the old one is kept as %s", backup)
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


def _opened_for_reading(path: Path) -> tuple[sqlite3.Connection, int]:
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


def _refuse_newer(path: Path, version: int) -> None:
    if version > VERSION:
        raise StoreError(
            f"{path} was made by a newer hipsync (schema {version}, this one knows {VERSION}) or by another program: "
            "upgrade hipsync, or give another file with --db FILE"
        )

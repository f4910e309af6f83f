"""Readings, and what was said and done, in one SQLite file.

All SQL is in this package and in `migrations.py`, which makes the tables::

    file.py       the connection, transactions, SQLite's errors as `StoreError`
    bands.py      bands, syncs, zones
    readings.py   epochs, counters and the other readings
    said.py       prompts, pauses and exercises
    kept.py       days that were judged already
    care.py       check, backup, vacuum, forget, erase
    rows.py       rows of any table, for export and import
    __init__.py   opening and restoring, and `Store`, which is all of these

The path of `hipsync today`: only sqlite3 is imported at the top.
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
from hipsync.model import Band, Sync
from hipsync.store.bands import Bands
from hipsync.store.file import connected, error_code, translated
from hipsync.store.judged_days import JudgedDays, StoredDay
from hipsync.store.maintenance import Care
from hipsync.store.prompts import Said
from hipsync.store.readings import Appended, Readings
from hipsync.store.rows import Rows

__all__ = ["VERSION", "Appended", "Band", "Store", "StoredDay", "Sync"]

log = logging.getLogger(__name__)

VERSION = 5
"""Schema steps that this program knows (`migrations.py`)."""


class Store(Bands, Readings, Said, JudgedDays, Care, Rows):
    """The open file. A context manager; may be used from several threads, one at a time."""

    @staticmethod
    def exists(path: Path) -> bool:
        """Whether there is a file. Raises `StoreError` where that cannot be seen."""
        with translated(path):
            return path.exists()

    @classmethod
    def open(cls, path: Path) -> Self:
        """For writing: made, private to its owner, or upgraded after a backup if it is older.

        Raises `StoreError`: locked, read-only, full, damaged, not a database, or made by a newer hipsync.
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
        """For reading; also a file in a folder that cannot be written. An older one is upgraded first.

        Raises `StoreError`.
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
        """Put a copy in the place of the database, while nobody has it open; where what was there is kept now.

        Raises `StoreError`, and then the database is as it was: the copy is damaged or not hipsync's, or has no place.
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
            kept = cls._set_aside(path, now) if path.exists() else None
            for tail in ("-wal", "-shm"):  # of the file before: SQLite would apply it to this one
                path.with_name(path.name + tail).unlink(missing_ok=True)
            fresh.replace(path)
        return kept

    @classmethod
    def _set_aside(cls, path: Path, now: datetime) -> Path:
        """A backup, or, of what is no database any more, the file as it is."""
        try:
            with cls.open(path) as store:
                return store.backup(None, now)
        except StoreError:
            kept = path.parent / "backups" / f"damaged-{now:%Y%m%dT%H%M%S}.db"
            kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.replace(kept)
            return kept

    @classmethod
    def in_memory(cls) -> Self:
        """For tests: gone when closed."""
        store = cls(connected(None), None)
        store._migrate()
        return store

    def _prepare(self) -> None:
        version = _version(self._db)
        if self.path is not None:
            _refuse_newer(self.path, version)
        if version < VERSION:
            if self.path is not None and self._db.execute("SELECT 1 FROM sqlite_master").fetchone() is not None:
                kept = self.backup(None, datetime.fromtimestamp(self.path.stat().st_mtime, UTC))
                log.warning("the database is brought up to date; the old one is kept as %s", kept)
            self._migrate()
        self._db.execute("PRAGMA journal_mode = WAL")
        self._schema = VERSION

    def _replaced_by(self, path: Path) -> sqlite3.Connection:
        Store.open(path).close()  # made ready, if it was older
        self._db.close()
        return connected(path, "mode=rw")

    def _migrate(self) -> None:
        from hipsync.store.migrations import migrate

        migrate(self._db)


def _opened_for_reading(path: Path) -> tuple[sqlite3.Connection, int]:
    """A connection, and the schema it found. Raises `sqlite3.Error`, `StoreError`."""
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
    # WAL keeps an index beside the file; where none can be made nobody else writes either, so it is not needed.
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

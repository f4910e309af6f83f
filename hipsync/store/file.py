"""The open file: one connection, transactions, and SQLite's errors, each as one line.

It knows no table. Instants are stored as whole seconds since 1970-01-01 00:00 UTC.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hipsync.errors import Damaged, Outdated, StoreError
from hipsync.instants import latest

MAGIC = b"SQLite format 3\0"
"""How every database begins (SQLite, "Database File Format", 1.3)."""
BUSY_S = 5.0
"""Seconds to wait for another program that is writing before an error is raised."""
ROWS_AT_ONCE = 50
"""How many rows one statement inserts. More are hardly quicker, and older versions of SQLite take 999 cells at most."""
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class OpenFile:
    """An open database file: a context manager that closes it. Several threads may use it, one at a time."""

    def __init__(self, connection: sqlite3.Connection, path: Path | None) -> None:
        self._db, self.path = connection, path
        self._lock = threading.RLock()
        self._file = None if path is None else _identity(path)
        self._schema: int | None = None
        """The schema version that the file must still have when a transaction begins; None if it is not checked."""
        self._in_snapshot = False

    def close(self) -> None:
        """Close the file, as soon as another thread that uses it is done."""
        with self._lock:
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def snapshot(self) -> Generator[None, None, None]:
        """During the block, every read sees the file as it was at the first one, whatever others write meanwhile.

        Nothing can be written in the block. A snapshot inside another one, or inside a transaction, is part of the
        outer one. Raises `StoreError`.
        """
        with self._lock:
            if self._db.in_transaction:
                yield
                return
            self._rows("BEGIN")
            self._in_snapshot = True
            try:
                yield
            finally:
                self._in_snapshot = False
                self._rows("ROLLBACK")

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection, None, None]:
        """During the block, either everything that is written is stored, or nothing is.

        A transaction inside another one is part of the outer one. Raises `StoreError`.
        """
        with self._lock, translated(self.path):
            if self._in_snapshot:
                raise RuntimeError("a snapshot is read-only: what is written in it would be rolled back")
            if self._db.in_transaction:
                yield self._db
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._refuse_replaced()  # not before: `db restore` holds the lock while it replaces the file
                self.refuse_outdated()
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):  # a full disk may have rolled back already
                    self._db.execute("ROLLBACK")
                raise

    def state_of_file(self) -> object:
        """A value that equals an earlier one only if nothing was stored in between, by whatever program.

        Raises `StoreError`.
        """
        ((by_others,),) = self._rows("PRAGMA data_version")
        return self._file, by_others, self._db.total_changes

    def refuse_outdated(self) -> None:
        """Raise `Outdated` if another hipsync has changed the schema since the file was opened for writing.

        Raises `StoreError` if the file cannot be read.
        """
        ((version,),) = self._rows("PRAGMA user_version")
        if self._schema is not None and version != self._schema:
            raise Outdated(f"{self.path} was brought up to date by another hipsync: start this one anew")

    def _refuse_replaced(self) -> None:
        """Raise `StoreError` if the path no longer leads to the open file, since writes would be lost with that file.

        If another file took its place, that file is opened first, and can be used from then on.
        """
        if self.path is None:
            return
        try:
            same = _identity(self.path) == self._file
        except FileNotFoundError as error:
            raise StoreError(
                f"{self.path} was deleted or moved while it was open: put it back, or a copy with `hipsync db restore`"
            ) from error
        if not same:
            self._db = self._replaced_by(self.path)
            self._file = _identity(self.path)
            raise StoreError(f"{self.path} was replaced by another file, which is used from now on")

    def _replaced_by(self, path: Path) -> sqlite3.Connection:
        """Open the file that took the place of the open one, and return the connection to use from then on."""
        raise NotImplementedError(path)

    def _rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock, translated(self.path):
            return self._db.execute(sql, values).fetchall()


def insert_rows(db: sqlite3.Connection, into: str, rows: Sequence[Sequence[object]], on_conflict: str = "") -> None:
    """Insert rows of one length, in their order. `into` is SQL up to `VALUES`, and `on_conflict` what comes after it.

    It takes half of the time of an `executemany` that inserts one row at a time.
    """
    whole = len(rows) // ROWS_AT_ONCE * ROWS_AT_ONCE
    for size, part in ((ROWS_AT_ONCE, rows[:whole]), (1, rows[whole:])):
        if part:
            row = f"({', '.join('?' * len(part[0]))})"
            cells = chain.from_iterable(part)
            sql = f"{into} VALUES {', '.join([row] * size)} {on_conflict}"
            db.executemany(sql, zip(*[cells] * (size * len(part[0])), strict=True))


def _identity(path: Path) -> tuple[int, int]:
    """The device and inode of a file, which show whether another file has taken its name. Raises `OSError`."""
    status = path.stat()
    return status.st_dev, status.st_ino


def seconds(instant: datetime) -> int:
    """An instant as the file stores it: whole seconds since 1970-01-01 00:00 UTC, rounded down."""
    return (instant - BEGINNING) // SECOND


def instant(at_s: int) -> datetime:
    """The instant, in UTC, that the file stores as seconds since 1970-01-01 00:00 UTC."""
    return datetime.fromtimestamp(at_s, UTC)


def latest_s(now: datetime | None) -> int:
    """The latest second that is believed at `now` (`instants.latest`); with None, one after every stored second."""
    return 2**62 if now is None else seconds(latest(now))


def text(value: object) -> str | None:
    """A cell as text; None stays None."""
    return None if value is None else str(value)


def connected(path: Path | None, *options: str) -> sqlite3.Connection:
    """Open a connection that never begins a transaction implicitly; without a path, to a database in memory.

    `options` are those of SQLite's URIs, such as `mode=ro`. Raises `sqlite3.Error`.
    """
    where = ":memory:" if path is None else f"file:{_quoted(path)}?{'&'.join(options)}"
    db = sqlite3.connect(where, uri=path is not None, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA foreign_keys = ON")
    db.text_factory = lenient_text
    return db


def lenient_text(cell: bytes) -> str:
    """A cell as text, with a replacement character for whatever is no UTF-8: a file may hold anything."""
    return cell.decode("utf-8", "replace")


def _quoted(path: Path) -> str:
    from urllib.parse import quote

    return quote(str(path.absolute()))


@contextmanager
def translated(path: Path | None) -> Generator[None, None, None]:
    """During the block, errors of SQLite and of the system become a `StoreError`: what failed, why, and what to do."""
    where = "the database in memory" if path is None else str(path)
    try:
        yield
    except sqlite3.Error as error:
        kind = Damaged if is_damage(error) else StoreError
        raise kind(f"{where} {_why(error, path)}") from error
    except UnicodeDecodeError as error:  # SQLite's words on a schema that is no text
        raise Damaged(f"{where} {_DAMAGED}") from error
    except PermissionError as error:
        raise StoreError(f"{where} cannot be opened: permission denied; name another file") from error
    except OSError as error:
        raise StoreError(f"{where} cannot be used: {error.strerror or error}; name another file") from error


def error_code(error: sqlite3.Error) -> int:
    """SQLite's primary result code of an error; 0 for an error of the Python module."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an error means that the file is damaged, or no database of ours: its tables or columns are not there."""
    if error_code(error) == sqlite3.SQLITE_ERROR:
        return str(error).startswith(("no such table", "no such column", "malformed", "unsupported file format"))
    return error_code(error) in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


_DAMAGED = "is damaged: put the newest copy from the folder `backups` beside it back (`hipsync db restore FILE`)"


def _why(error: sqlite3.Error, path: Path | None) -> str:
    """The end of a sentence that begins with the name of the file: what is wrong, and what to do."""
    if path is not None and path.is_dir():
        return "is a folder: give a file with --db FILE"
    locked = "is locked by another program that writes: try again when it is done"
    reasons = {
        sqlite3.SQLITE_BUSY: locked,
        sqlite3.SQLITE_LOCKED: locked,
        sqlite3.SQLITE_READONLY: "cannot be written: make file and folder writable, or give another with --db FILE",
        sqlite3.SQLITE_FULL: "could not grow: the disk is full; free some space, nothing was lost",
        sqlite3.SQLITE_NOTADB: "is not a database: give another file with --db FILE, or restore a copy",
        sqlite3.SQLITE_CANTOPEN: "cannot be opened: look at the folder and its permissions",
        sqlite3.SQLITE_IOERR: "could not be read or written (input/output error): look at the disk, nothing was lost",
    }
    return reasons.get(error_code(error), _DAMAGED if is_damage(error) else f"refused: {error}")

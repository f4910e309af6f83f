"""Tables for the rows of an import that wait: in a temporary file that SQLite deletes itself.

It knows no columns. What does not fit into the memory lies on the disk, and nothing is left of it, whatever happens.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from hipsync.errors import InputError

_QUICK = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN;"
"""The one transaction never ends, because a transaction for each row would take most of the time again."""


class TemporaryTables:
    """An open temporary file with some tables: a context manager that deletes it.

    Whatever it does raises `InputError` if there is no room.
    """

    def __init__(self, schema: str) -> None:
        with needing_room():
            self._db = sqlite3.connect("", isolation_level=None)
            self._db.executescript(f"{schema}; {_QUICK}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def _rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with needing_room():
            return self._db.execute(sql, values).fetchall()

    def _each(self, sql: str, *values: object) -> Iterator[tuple[Any, ...]]:
        with needing_room():
            yield from self._db.execute(sql, values)


@contextmanager
def needing_room() -> Generator[None, None, None]:
    """During the block, SQLite's errors become an `InputError`: a full disk is the likely one."""
    try:
        yield
    except sqlite3.Error as error:
        raise InputError(f"it needs room for a temporary copy, and there is none: {error}") from error

"""Another database of hipsync, read as an archive: that of another computer, or a copy that `db backup` made.

It is opened so that nothing in its folder changes. So it must be whole without the log that SQLite keeps beside a
database in use; what lies in the log would be missing without a word.
"""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from collections.abc import Generator
from datetime import datetime
from pathlib import Path

from hipsync.errors import Damaged, InputError
from hipsync.formats.archive import Archive
from hipsync.formats.json_archive import band_row, checked_band_row
from hipsync.formats.meaning import wrong_epoch, wrong_row
from hipsync.store import VERSION, Store, refuse_newer
from hipsync.store.checks import damage_of, is_ours
from hipsync.store.copying import write_copy
from hipsync.store.file import connected, translated
from hipsync.store.rows import TIMES


def read_database(file: Path, now: datetime) -> Archive:
    """Read and check all that a database holds; the caller closes the result. What makes no sense is left out.

    Raises `InputError` if it is no database of hipsync, or not whole without a log beside it, and `StoreError` if it
    is damaged, or of a newer hipsync.
    """
    archive = Archive()
    try:
        with _opened(file) as store, store.snapshot():
            _fill(archive, store, now)
    except BaseException as error:
        archive.__exit__(type(error), error, None)
        raise
    return archive


def _fill(archive: Archive, store: Store, now: datetime) -> None:
    rows, names = archive.rows, set[str]()
    for number, band in enumerate(store.bands(), 1):
        with contextlib.suppress(InputError):  # one that no import would take
            row = checked_band_row(dict(band_row(band, now)), now)
            rows.add_row("bands", row, number)
            names.add(band.name)
    for table in TIMES:
        for number, row in enumerate(store.rows_of(table, None, None), 1):
            if wrong_row(table, row, now) is None and row.get("band", None) in {None, *names}:
                rows.add_row(table, row, number)
    for number, (name, epoch) in enumerate(store.all_epochs(None, None), 1):
        if name in names and wrong_epoch(epoch, now) is None:
            rows.add(name, epoch, number)
    rows.count()


@contextlib.contextmanager
def _opened(file: Path) -> Generator[Store, None, None]:
    """Open a database whose folder stays as it is; one of an older hipsync is brought up to date in a copy."""
    real = file.resolve()  # SQLite keeps the log beside the file to which a link leads
    for tail in ("-wal", "-journal"):
        log = real.with_name(real.name + tail)
        if log.exists() and log.stat().st_size:
            raise InputError(
                f"{file} is in use, or was not closed: part of it is in {log.name}; copy it with "
                "`hipsync db backup FILE` where it is in use, and give that copy"
            )
    with contextlib.ExitStack() as stack:
        db = stack.enter_context(_checked(file))
        ((version,),) = db.execute("PRAGMA user_version").fetchall()
        refuse_newer(file, version)
        if version < VERSION:
            from hipsync.store.migrations import migrate

            copy = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "copy.db"
            with translated(copy):
                write_copy(db, copy)
                db = stack.enter_context(contextlib.closing(connected(copy, "mode=rw")))
            with translated(file):  # what cannot be brought up to date is in the file, of which this is a copy
                migrate(db)
        yield stack.enter_context(Store(db, file))


@contextlib.contextmanager
def _checked(file: Path) -> Generator[sqlite3.Connection, None, None]:
    """Open a file that nobody writes to. Raises `InputError` if it is no database of hipsync, and `Damaged`."""
    with translated(file):
        db = connected(file, "mode=ro", "immutable=1")
    with contextlib.closing(db):
        if damage := damage_of(db):
            raise Damaged(f"{file} is damaged, or no database ({damage[0]}): nothing was taken; give another copy")
        if not is_ours(db):
            raise InputError(f"{file} is no database of hipsync: nothing was taken")
        yield db

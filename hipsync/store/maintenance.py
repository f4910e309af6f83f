"""Care for the database as a whole: look for damage, make backups, and delete from the file and its backups alike.

Deleted rows are overwritten, so that their bytes are no longer in the file.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from hipsync.errors import StoreError
from hipsync.instants import is_believed
from hipsync.model import BandId
from hipsync.store.file import OpenFile, connected, seconds, translated

BACKUPS = 7
"""How many backups remain, of those that hipsync named itself."""
STAMP = "%Y%m%dT%H%M%S"
"""The format of the time, in UTC, in the name of a backup."""


class Maintenance(OpenFile):
    """What can be done with the file as a whole: check it, back it up, and delete from it."""

    def check(self) -> list[str]:
        """Look for damage and return one line for each problem; empty if there is none.

        Raises `StoreError` if the damage keeps SQLite from looking further.
        """
        damage = [str(line) for (line,) in self._rows("PRAGMA integrity_check") if line != "ok"]
        if damage:
            return damage
        orphans = len(self._rows("PRAGMA foreign_key_check"))
        return [f"{orphans} rows belong to bands that are not there"] if orphans else []

    def vacuum(self) -> None:
        """Give the space of deleted rows back to the disk. Raises `StoreError`."""
        with self._lock, translated(self.path):
            self._db.execute("VACUUM")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def backup(self, to: Path | None, now: datetime) -> Path:
        """Make a copy that is complete even if another program writes meanwhile, and return its path.

        Without `to`, the copy goes to the folder `backups` beside the file, where only the newest seven remain. Those
        whose name lies in the future are deleted first: a clock that was ahead named them. Raises `StoreError` if there
        is no space, or if `to` exists already; then no partial copy is left.
        """
        if self.path is None and to is None:
            raise StoreError("a database in memory has no place for a backup: name a file")
        target = to if to is not None else self._backup_folder() / f"hipsync-{now:{STAMP}}.db"
        if to is not None and to.exists():
            raise StoreError(f"{to} exists already: name a new file for the backup")
        with self._lock, translated(target):
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = target.with_name(target.name + ".new")
            os.close(os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_RDWR, 0o600))
            try:
                with contextlib.closing(sqlite3.connect(fresh)) as copy:
                    self._db.backup(copy)
                fresh.replace(target)
            finally:
                fresh.unlink(missing_ok=True)
        by_worth = sorted(self.backups(), key=lambda path: (is_believed(_made(path) or now, now), path))
        for old in by_worth[:-BACKUPS] if to is None else ():
            if old != target:  # the copy made before an upgrade is as old as the file, and may sort first
                old.unlink()
        return target

    def backups(self) -> list[Path]:
        """The backups that hipsync named itself, the oldest first."""
        return sorted(self._backup_folder().glob("hipsync-*.db")) if self.path is not None else []

    def backed_up(self, *, now: datetime | None = None) -> datetime | None:
        """When the newest of `backups` was made, by its name; None if there is none.

        With `now`, those whose name is not believed at that instant are left out (`hipsync.instants`).
        """
        made = [
            at for path in self.backups() if (at := _made(path)) is not None and (now is None or is_believed(at, now))
        ]
        return max(made, default=None)

    def _backup_folder(self) -> Path:
        return (self.path.parent if self.path is not None else Path()) / "backups"

    def forget(self, band: BandId, *, with_data: bool) -> None:
        """Unpair a band by removing its address. `with_data` deletes the band and all its rows, in the backups too.

        Raises `StoreError`. Backups come first: if one of them cannot be written, the band is still there for another
        try.
        """
        if not with_data:
            with self.transaction() as db:
                db.execute("UPDATE bands SET address = NULL WHERE id = ?", (band,))
            return
        ((added,),) = self._rows("SELECT added FROM bands WHERE id = ?", band)
        # Its name may have changed since a backup was made, and its number may be given to another band later.
        self._everywhere({"bands": "id = :band AND added = :added"}, {"band": band, "added": int(added)})

    def erase(self, start: datetime, end: datetime) -> None:
        """Delete all rows that belong to `[start, end)`, in the backups too; bands and zones stay.

        Raises `StoreError`. Backups come first: if one of them cannot be written, the call can be repeated.
        """
        self._everywhere(_TIMES, {"start": seconds(start), "end": seconds(end)})

    def _everywhere(self, where: Mapping[str, str], values: Mapping[str, int]) -> None:
        """Delete rows by a condition for each table, first in the backups and then in the file. Raises `StoreError`."""
        where = {**where, "days": "TRUE"}  # judged days are made from the same minutes
        for backup in self.backups():
            with translated(backup), contextlib.closing(connected(backup, "mode=rw")) as old:
                _overwritten(old, where, values)
        with self._lock, translated(self.path):
            if not _overwritten(self._db, where, values):
                raise StoreError(
                    "the rows are deleted, but another program reads the file, so their bytes are in it still: "
                    "stop `hipsync run`, then open and close the file once (`hipsync doctor`)"
                )


def _made(backup: Path) -> datetime | None:
    """When a backup was made, by its name; None if the name holds no such time."""
    stamp = backup.stem.removeprefix("hipsync-")
    if not re.fullmatch(r"[0-9]{8}T[0-9]{6}", stamp):
        return None
    with contextlib.suppress(ValueError):  # digits, and no date
        return datetime.strptime(stamp, STAMP).replace(tzinfo=UTC)
    return None


_AT = "at >= :start AND at < :end"
_TIMES = {
    "epochs": "start < :end AND start + length * 60 > :start",
    **dict.fromkeys(
        ("counters", "wears", "charges", "inactivities", "infos", "prompts", "exercises", "pauses", "remarks"), _AT
    ),
    "syncs": "started < :end AND ended >= :start",
}
"""By table, the SQL condition for rows that belong to `[:start, :end)`."""


def _overwritten(db: sqlite3.Connection, where: Mapping[str, str], values: Mapping[str, int]) -> bool:
    """Delete rows and overwrite their bytes; return False if a reader still needs old pages of the log with them."""
    tables = {str(name) for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    db.execute("PRAGMA secure_delete = ON")  # for the end of the file, which VACUUM cuts off without overwriting it
    db.execute("BEGIN IMMEDIATE")
    try:
        for table, condition in where.items():
            if table in tables:  # an old backup may lack some
                db.execute(f"DELETE FROM {table} WHERE {condition}", values)  # noqa: S608  our own words
    finally:
        db.execute("COMMIT")
    db.execute("VACUUM")
    return not db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]

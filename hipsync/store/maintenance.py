"""Care for the file: look for damage, keep copies, and erase in all of them."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from hipsync.errors import StoreError
from hipsync.model import BandId
from hipsync.store.file import OpenFile, connected, seconds, translated

BACKUPS = 7
"""Kept of those that get a name of their own."""
STAMP = "%Y%m%dT%H%M%S"
"""In UTC."""


class Care(OpenFile):
    """What concerns the file as a whole."""

    def check(self) -> list[str]:
        """What is wrong with the file, a line each; empty if nothing is.

        Raises `StoreError` where the damage is such that SQLite cannot look further.
        """
        damage = [str(line) for (line,) in self._rows("PRAGMA integrity_check") if line != "ok"]
        if damage:
            return damage
        orphans = len(self._rows("PRAGMA foreign_key_check"))
        return [f"{orphans} rows belong to bands that are not there"] if orphans else []

    def vacuum(self) -> None:
        """Give back the space of what was deleted. Raises `StoreError`."""
        with self._lock, translated(self.path):
            self._db.execute("VACUUM")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def backup(self, to: Path | None, now: datetime) -> Path:
        """A copy, complete also while somebody writes; by default beside the file, the last seven kept.

        Raises `StoreError`: no place for it, or a file of that name is there; then no half of a copy is left.
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
        for old in self.backups()[:-BACKUPS] if to is None else ():
            if old != target:  # the copy made before an upgrade is as old as the file, and may sort first
                old.unlink()
        return target

    def backups(self) -> list[Path]:
        """Oldest first."""
        return sorted(self._backup_folder().glob("hipsync-*.db")) if self.path is not None else []

    def backed_up(self) -> datetime | None:
        """When the newest copy was made of those that get a name of their own; to the second, by that name."""
        stamps = [path.stem.removeprefix("hipsync-") for path in self.backups()]
        made = [
            datetime.strptime(stamp, STAMP).replace(tzinfo=UTC)
            for stamp in stamps
            if re.fullmatch(r"\d{8}T\d{6}", stamp)
        ]
        return max(made, default=None)

    def _backup_folder(self) -> Path:
        return (self.path.parent if self.path is not None else Path()) / "backups"

    def forget(self, band: BandId, *, with_data: bool) -> None:
        """Unpair: the band has no address any more. With data, every row of it is overwritten, in the backups too.

        The backups come first, so that one that cannot be written (`StoreError`) leaves a band that can be named again.
        """
        if not with_data:
            with self.transaction() as db:
                db.execute("UPDATE bands SET address = NULL WHERE id = ?", (band,))
            return
        ((added,),) = self._rows("SELECT added FROM bands WHERE id = ?", band)
        # by number and birthday: it may have had another name when a backup was made, and a number may be given again
        self._everywhere({"bands": "id = :band AND added = :added"}, {"band": band, "added": int(added)})

    def erase(self, start: datetime, end: datetime) -> None:
        """Overwrite all that was told, said and done in `[start, end)`, in the backups too; bands and zones stay.

        The backups come first, so that one that cannot be written (`StoreError`) leaves a file of which the same can be
        asked again.
        """
        self._everywhere(_TIMES, {"start": seconds(start), "end": seconds(end)})

    def _everywhere(self, where: Mapping[str, str], values: Mapping[str, int]) -> None:
        where = {**where, "days": "TRUE"}  # they tell of the same minutes
        for backup in self.backups():
            with translated(backup), contextlib.closing(connected(backup, "mode=rw")) as old:
                _overwritten(old, where, values)
        with self._lock, translated(self.path):
            if not _overwritten(self._db, where, values):
                raise StoreError(
                    "the rows are deleted, but another program reads the file, so their bytes are in it still: "
                    "stop `hipsync run`, then open and close the file once (`hipsync doctor`)"
                )


_AT = "at >= :start AND at < :end"
_TIMES = {
    "epochs": "start < :end AND start + length * 60 > :start",
    **dict.fromkeys(
        ("counters", "wears", "charges", "inactivities", "infos", "prompts", "exercises", "pauses", "remarks"), _AT
    ),
    "syncs": "started < :end AND ended >= :start",
}
"""By table, the rows that are of a time."""


def _overwritten(db: sqlite3.Connection, where: Mapping[str, str], values: Mapping[str, int]) -> bool:
    """Delete rows of some tables and overwrite where they were; False if a reader keeps old pages in the log."""
    tables = {str(name) for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    db.execute("PRAGMA secure_delete = ON")  # for the end of the file, which VACUUM cuts off as it is
    db.execute("BEGIN IMMEDIATE")
    try:
        for table, condition in where.items():
            if table in tables:  # an old copy may lack some
                db.execute(f"DELETE FROM {table} WHERE {condition}", values)  # noqa: S608  our own words
    finally:
        db.execute("COMMIT")
    db.execute("VACUUM")
    return not db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]

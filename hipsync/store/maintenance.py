"""Care for the database as a whole: look for damage, make backups, and delete from the file and its backups alike.

Deleted rows are overwritten, so that their bytes are no longer in the file.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hipsync.errors import Damaged, StoreError
from hipsync.instants import is_believed
from hipsync.model import BandId
from hipsync.store.checked import forget_check, remember
from hipsync.store.copying import STAMP, remove, write_copy
from hipsync.store.file import OpenFile, connected, seconds, translated
from hipsync.store.identities import mark_of

if TYPE_CHECKING:
    from hipsync.store.checks import Findings

BACKUPS = 7
"""How many backups remain, of those that hipsync named itself."""

STRANGE = "-strange"
"""The end of the name, before `.db`, of a copy with rows that make no sense."""
TORN_AFTER_S = 3600.0
"""Seconds after which a copy that is still being made was left by a program that was killed."""


class Maintenance(OpenFile):
    """What can be done with the file as a whole: check it, back it up, and delete from it."""

    def findings(self) -> Findings:
        """Look for damage, and for rows that make no sense. Raises `StoreError` if the file cannot be looked at."""
        from hipsync.store.checks import findings_in

        with self._lock, translated(self.path):
            return findings_in(self._db)

    def notes(self, now: datetime) -> list[str]:
        """A line for each kind of rows that count for nothing or little, such as those of the future."""
        from hipsync.store.checks import notes_on

        with self._lock, translated(self.path):
            return list(notes_on(self._db, now))

    def check(self) -> list[str]:
        """Look for damage and for rows that make no sense; return a line for each problem, empty if there is none."""
        damage, strange, _ = self.findings()
        return [*damage, *strange]

    def vacuum(self) -> None:
        """Give the space of deleted rows back to the disk. Raises `StoreError`, also if the file is damaged.

        A damaged file is left alone, because a new one made from it would hide what is lost.
        """
        with self._lock, translated(self.path):
            _refuse_damaged(self._db, self.path)
            self._db.execute("VACUUM")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def backup(self, to: Path | None, now: datetime) -> Path:
        """Make a copy that is complete even if another program writes meanwhile, and return its path.

        Without `to`, the copy goes to the folder `backups` beside the file, where only the newest seven remain. Those
        whose name lies in the future are deleted first: a clock that was ahead named them. A copy with rows that make
        no sense is named `-strange`; only the newest such copy remains, and it pushes out no other.

        The copy is checked before it replaces anything, and `checked.last_check` returns what was found. Raises
        `Damaged` if the database is: then no copy is made and all others stay. Raises `StoreError` if there is no
        space, or if `to` exists already; then no partial copy is left.
        """
        if self.path is None and to is None:
            raise StoreError("a database in memory has no place for a backup: name a file")
        if to is not None and to.exists():
            raise StoreError(f"{to} exists already: name a new file for the backup")
        target = to if to is not None else self._backup_folder() / f"hipsync-{now:{STAMP}}.db"
        fresh = target.with_name(target.name + ".new")
        try:
            found = self._copied(fresh, now)
            if found.strange and to is None:
                target = target.with_name(f"{target.stem}{STRANGE}.db")
            with translated(target):
                fresh.replace(target)
        finally:
            with contextlib.suppress(OSError):
                fresh.unlink(missing_ok=True)
        if to is None:
            self._prune(target, now)
        return target

    def _copied(self, fresh: Path, now: datetime) -> Findings:
        """Copy the database to a new file, check that, and remember what was found. Raises `Damaged`, `StoreError`."""
        from hipsync.store.checks import findings_in

        with self._lock, translated(fresh):
            fresh.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_copy(self._db, fresh)
        with translated(fresh), contextlib.closing(connected(fresh, "mode=ro", "immutable=1")) as copy:
            found = findings_in(copy)
        if self.path is not None:
            remember(self.path, now, found.damage, found.strange)
        if found.damage:
            kept = len(self.backups())
            raise Damaged(
                f"{self.path or 'the database in memory'} is damaged ({found.damage[0]}), so it was not copied: "
                f"`hipsync db restore FILE` puts one of the {kept} good copies back"
            )
        return found

    def _prune(self, newest: Path, now: datetime) -> None:
        """Delete the copies that are too many, of those that hipsync named itself, and what is left of torn ones."""
        by_worth = sorted(self.backups(), key=lambda path: (is_believed(_made(path) or now, now), path))
        sound = [path for path in by_worth if not path.stem.endswith(STRANGE)]
        strange = [path for path in by_worth if path.stem.endswith(STRANGE)]
        with contextlib.suppress(OSError):  # the copy is made; the next one tries again
            for old in (*sound[:-BACKUPS], *strange[:-1]):
                if old != newest:  # the copy made before an upgrade is as old as the file, and may sort first
                    remove(old)
                    forget_check(old)
            for torn in self._backup_folder().glob("*.db.new*"):
                if now.timestamp() - torn.stat().st_mtime > TORN_AFTER_S:
                    torn.unlink()

    def backups(self) -> list[Path]:
        """The backups that hipsync named itself, the oldest first."""
        return sorted(self._backup_folder().glob("hipsync-*.db")) if self.path is not None else []

    def set_aside(self) -> list[Path]:
        """The damaged databases that `restore` kept as they were; nothing can be erased in them."""
        return sorted(self._backup_folder().glob("damaged-*")) if self.path is not None else []

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

    def forget(self, band: BandId, now: datetime, *, with_data: bool) -> None:
        """Unpair a band by removing its address. `with_data` deletes the band and all its rows, in the backups too.

        Then it is also noted as forgotten at `now`, so that no import brings it back. Raises `StoreError`. Backups
        come first: if one of them cannot be written, the band is still there for another try.
        """
        if not with_data:
            with self.transaction() as db:
                db.execute("UPDATE bands SET address = NULL WHERE id = ?", (band,))
            return
        ((added, driver, identity),) = self._rows("SELECT added, driver, identity FROM bands WHERE id = ?", band)
        sql = "SELECT count(*) FROM bands WHERE driver = ? AND identity = ?"
        ((count,),) = self._rows(sql, driver, identity)
        if count == 1:  # where it is here twice, the other one stays
            with self.transaction() as db:
                sql = "INSERT INTO forgotten VALUES (?, ?) ON CONFLICT DO UPDATE SET at = max(at, excluded.at)"
                db.execute(sql, (mark_of(str(driver), str(identity)), max(seconds(now), int(added))))
        # Its name may have changed since a backup was made, and its number may be given to another band later.
        values = {"band": band, "added": int(added)}
        self._everywhere({"bands": "id = :band AND added = :added"}, lambda _: values)

    def erase(self, start: datetime, end: datetime) -> None:
        """Delete all rows that belong to `[start, end)`, in the backups too; bands, zones and plans stay.

        Raises `StoreError`. Backups come first: if one of them cannot be written, the call can be repeated.
        """
        values = {"start": seconds(start), "end": seconds(end)}
        self._everywhere(TIMES, lambda _: values)

    def _everywhere(
        self, where: Mapping[str, str], values_in: Callable[[sqlite3.Connection], Mapping[str, object]]
    ) -> None:
        """Delete rows by a condition for each table, first in the backups and then in the file. Raises `StoreError`.

        `values_in` gives the values for the conditions in one of these databases.
        """
        where = {**where, "days": "TRUE"}  # judged days are made from the same minutes
        for backup in self.backups():
            with translated(backup), contextlib.closing(connected(backup, "mode=rw")) as old:
                _refuse_damaged(old, backup)
                _overwritten(old, where, values_in(old))
        with self._lock, translated(self.path):
            _refuse_damaged(self._db, self.path)
            if not _overwritten(self._db, where, values_in(self._db)):
                raise StoreError(
                    "the rows are deleted, but another program reads the file, so their bytes are in it still: "
                    "stop `hipsync run`, then open and close the file once (`hipsync doctor`)"
                )


def _made(backup: Path) -> datetime | None:
    """When a backup was made, by its name; None if the name holds no such time."""
    stamp = backup.stem.removeprefix("hipsync-").removesuffix(STRANGE)
    if not re.fullmatch(r"[0-9]{8}T[0-9]{6}", stamp):
        return None
    with contextlib.suppress(ValueError):  # digits, and no date
        return datetime.strptime(stamp, STAMP).replace(tzinfo=UTC)
    return None


_AT = "at >= :start AND at < :end"
TIMES = {
    "epochs": "start < :end AND start + length * 60 > :start",
    **dict.fromkeys(("counters", "wears", "charges", "inactivities", "infos", "remarks"), _AT),
    **dict.fromkeys(("prompts", "labels", "desks", "exercises", "pauses", "draws"), _AT),
    **dict.fromkeys(("presence", "workouts"), "start < :end AND until > :start"),
    "trials": "since >= :start AND since < :end",
    "syncs": "started < :end AND ended >= :start",
}
"""By table, the SQL condition for rows that belong to `[:start, :end)`."""


def _refuse_damaged(db: sqlite3.Connection, path: Path | None) -> None:
    """Raise `Damaged` if the structure of a file is damaged; also raises `sqlite3.Error`."""
    from hipsync.store.checks import damage_of

    if damage := damage_of(db):
        raise Damaged(
            f"{path} is damaged ({damage[0]}), so nothing was changed: `hipsync db restore FILE` puts a copy in its "
            "place; a copy in the folder `backups` you may delete"
        )


def _overwritten(db: sqlite3.Connection, where: Mapping[str, str], values: Mapping[str, object]) -> bool:
    """Delete rows and overwrite their bytes; return False if a reader still needs old pages of the log with them.

    Raises `sqlite3.Error`; what failed before the rows were deleted leaves all of them there.
    """
    tables = {str(name) for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    db.execute("PRAGMA secure_delete = ON")  # for the end of the file, which VACUUM cuts off without overwriting it
    db.execute("BEGIN IMMEDIATE")
    try:
        for table, condition in where.items():
            if table in tables:  # an old backup may lack some
                db.execute(f"DELETE FROM {table} WHERE {condition}", values)
        db.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):  # a full disk may have rolled back already
            db.execute("ROLLBACK")
        raise
    db.execute("VACUUM")
    return not db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]

"""Epochs of an import on their way in: a band that nobody sees yet takes them, and at the end all bands appear at once.

An import of years takes minutes, and a service may be fetching from a band meanwhile. So epochs are stored in short
transactions, as those of an *arriving* band, which `Bands.bands` leaves out. The last transaction lets each become a
band of its own, which takes no time, or merges its epochs into a band that is there. What was cut off before is of
bands that nobody sees, and the next import deletes them.

The merge rule: of two epochs of one start and length, each column keeps the larger value, and a value stays where the
other has none. An epoch that the band sent is not inferred, even if the other one is. So it does not matter which file
comes first, how often, or in how many parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from hipsync.model import Band, BandId
from hipsync.store.file import insert_rows, seconds
from hipsync.store.identities import identity_of
from hipsync.store.judged_days import AFTER_ALL_S, BEFORE_ALL_S, drop_days
from hipsync.store.readings import INFERRED, Appended, EpochRow, Readings
from hipsync.text import clean

AT_ONCE = 20_000
"""How many epochs of an arriving band are looked at in one transaction."""
_OTHERS = ("counters", "wears", "charges", "inactivities", "workouts", "infos", "syncs", "remarks", "imports")
"""The tables, beside epochs, whose rows are of a band."""


def _larger(old: str, new: str) -> dict[str, str]:
    """SQL for the larger of two values of each column; `old` and `new` stand before a column of either row."""
    state = f"max({old}state % {INFERRED}, {new}state % {INFERRED})"
    return {
        "steps": f"max({old}steps, {new}steps)",
        "state": f"({state} | ({old}state & {new}state & {INFERRED}))",
        **{
            column: f"coalesce(max({old}{column}, {new}{column}), {old}{column}, {new}{column})"
            for column in ("intensity", "heart_rate", "kind", "posture")
        },
    }


_MERGED = _larger("", "excluded.")
MERGED = (
    f"ON CONFLICT DO UPDATE SET {', '.join(f'{column} = {larger}' for column, larger in _MERGED.items())}"
    f" WHERE {' OR '.join(f'{larger} IS NOT {column}' for column, larger in _MERGED.items())}"
)
"""SQL for the merge rule, after an INSERT into a table with the columns of `epochs`; what changes nothing is no change.
"""
_TRIMMED = (
    "DELETE FROM epochs WHERE band = ?1 AND start >= ?2 AND start < ?3 AND EXISTS (SELECT 1 FROM epochs AS old"
    " WHERE old.band = ?4 AND old.start = epochs.start AND old.length = epochs.length"
    + "".join(f" AND {larger} IS old.{column}" for column, larger in _larger("old.", "epochs.").items())
    + ")"
)
"""SQL that deletes from one band what would change nothing in another one."""


class NewBand(NamedTuple):
    """A band that an import adds: as `Bands.add_band` takes it."""

    name: str
    driver: str
    now: datetime
    vouches: bool = False
    reports_wear: bool = False
    address: str | None = None
    advertised_name: str = ""
    simulated: bool = False
    identity: str | None = None


class Imports(Readings):
    """Arriving bands, in the table `bands`."""

    def add_arriving(self, now: datetime) -> BandId:
        """Add a band that nobody sees yet, and return its number."""
        with self.transaction() as db:
            # No band that somebody named begins with a space.
            sql = (
                "INSERT INTO bands (name, driver, advertised_name, simulated, vouches, reports_wear, added, arriving)"
                " SELECT ' ' || (ifnull(max(id), 0) + 1), 'csv', '', 0, 0, 0, ?, 1 FROM bands"
            )
            return BandId(db.execute(sql, (seconds(now),)).lastrowid or 0)

    def arrive(self, rows: Sequence[EpochRow]) -> None:
        """Store epochs of an arriving band, in one transaction."""
        with self.transaction() as db:
            insert_rows(db, "INSERT INTO epochs", rows, MERGED)

    def has_epochs(self, band: BandId) -> bool:
        """Whether a band, arriving or not, has any epoch."""
        return bool(self._rows("SELECT 1 FROM epochs WHERE band = ? LIMIT 1", band))

    def become(self, arriving: BandId, new: NewBand) -> tuple[Band, Appended]:
        """Let an arriving band be seen as a new one; return it, and how many epochs it has.

        Raises `StoreError` if there is a band of its name.
        """
        with self.transaction() as db:
            db.execute(
                "UPDATE bands SET name = ?, driver = ?, address = ?, advertised_name = ?, simulated = ?, vouches = ?,"
                " reports_wear = ?, added = ?, identity = ?, arriving = 0 WHERE id = ?",
                (
                    clean(new.name), new.driver, new.address, clean(new.advertised_name), new.simulated, new.vouches,
                    new.reports_wear, seconds(new.now),
                    new.identity or identity_of(new.address, clean(new.name), simulated=new.simulated), arriving,
                ),
            )  # fmt: skip
            ((count,),) = db.execute("SELECT count(*) FROM epochs WHERE band = ?", (arriving,)).fetchall()
            self._drop_days_of(arriving)
        return next(band for band in self.bands() if band.id == arriving), Appended(count, 0)

    def trim(self, arriving: BandId, into: BandId) -> int:
        """Delete those epochs of an arriving band that would change nothing in a band, in short transactions.

        Return how many there were. What is left is merged quickly, so that a service does not wait for an import that
        brings little.
        """
        count, first = 0, -(2**62)
        while True:
            with self.transaction() as db:
                sql = "SELECT start FROM epochs WHERE band = ? AND start >= ? ORDER BY start LIMIT 1 OFFSET ?"
                found = db.execute(sql, (arriving, first, AT_ONCE)).fetchall()
                last = found[0][0] if found else 2**62
                count += db.execute(_TRIMMED, (arriving, first, last, into)).rowcount
            if not found:
                return count
            first = last

    def merge(self, arriving: BandId, into: BandId) -> Appended:
        """Merge the epochs of an arriving band into a band; return how many were new there or completed one."""
        with self.transaction() as db:
            before = db.total_changes
            db.execute(
                "INSERT INTO epochs SELECT ?, start, length, steps, intensity, heart_rate, state, kind, posture"
                f" FROM epochs WHERE band = ? ORDER BY start, length {MERGED}",
                (into, arriving),
            )
            changed = db.total_changes - before
            ((count,),) = db.execute("SELECT count(*) FROM epochs WHERE band = ?", (arriving,)).fetchall()
            if changed:
                self._drop_days_of(arriving)
        return Appended(changed, count - changed)

    def merge_epochs(self, rows: Sequence[EpochRow]) -> int:
        """Merge some epochs of one band into those that are there; return how many were new or completed one.

        To be called with as many as may be stored in one transaction: a service that stores waits for it. What changes
        nothing is not written.
        """
        with self.transaction() as db:
            before = db.total_changes
            insert_rows(db, "INSERT INTO epochs", rows, MERGED)
            changed = db.total_changes - before
            if changed:
                starts = [row[1] for row in rows]
                drop_days(db, min(starts), max(starts) + 60 * max(row[2] for row in rows))
        return changed

    def join(self, band: BandId, into: BandId) -> Appended:
        """Let everything of a band be of another one, and remove the band; return how many epochs were new there.

        Epochs are merged by the rule of imports. Of two other readings of one instant, that of `into` stays.
        """
        with self.transaction() as db:
            done = self.merge(band, into)
            for table in _OTHERS:
                db.execute(f"UPDATE OR IGNORE {table} SET band = ? WHERE band = ?", (into, band))
            db.execute("DELETE FROM bands WHERE id = ?", (band,))
            drop_days(db, BEFORE_ALL_S, AFTER_ALL_S)
        return done

    def drop_arriving(self) -> None:
        """Delete what arrived and was not taken over, in short transactions."""
        for (band,) in self._rows("SELECT id FROM bands WHERE arriving"):
            while self._drop_some(band):
                pass
            with self.transaction() as db:
                db.execute("DELETE FROM bands WHERE id = ? AND arriving", (band,))

    def _drop_some(self, arriving: int) -> bool:
        """Delete some epochs of an arriving band, and return whether there were any."""
        with self.transaction() as db:
            last = "SELECT start FROM epochs WHERE band = ?1 ORDER BY start LIMIT 1 OFFSET ?2"
            sql = f"DELETE FROM epochs WHERE band = ?1 AND start <= ifnull(({last}), {2**62})"
            return db.execute(sql, (arriving, AT_ONCE)).rowcount > 0

    def _drop_days_of(self, band: BandId) -> None:
        """Drop the judged days that the epochs of a band can change."""
        sql = "SELECT min(start), max(start), max(length) FROM epochs WHERE band = ?"
        ((first, last, longest),) = self._rows(sql, band)
        if first is not None:
            drop_days(self._db, first, last + 60 * longest)

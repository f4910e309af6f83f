"""Bands, the attempts to reach them, and the time zones that the wearer's computers were in."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from hipsync.instants import is_believed
from hipsync.model import MINUTE, Band, BandId, Sync, ZoneChange
from hipsync.store.file import OpenFile, instant, latest_s, seconds, text
from hipsync.store.identities import LONGEST_IDENTITY, NAMED, identity_of, is_serial
from hipsync.store.sense import CAN, SENSE, known_zone
from hipsync.store.zones import Abroad, overlaid
from hipsync.text import clean

if TYPE_CHECKING:
    from hipsync.abilities import Abilities


class Bands(OpenFile):
    """The tables `bands`, `forgotten`, `syncs`, `imports` and `zones`."""

    def bands(self) -> list[Band]:
        """All bands, in the order in which they were added, without those that are still arriving (`imports.py`)."""
        rows = self._rows(
            "SELECT id, name, driver, address, advertised_name, simulated, vouches, reports_wear, added,"
            f" keeps, can, identity FROM bands WHERE NOT arriving AND {SENSE['bands']} ORDER BY id"
        )
        return [
            Band(
                BandId(int(row[0])), clean(row[1]), clean(row[2]), text(row[3]), clean(row[4]),
                bool(row[5]), bool(row[6]), bool(row[7]), instant(row[8]),
                _abilities(row[9], row[10]), text(row[11]),
            )
            for row in rows
        ]  # fmt: skip

    def add_band(
        self,
        *,
        name: str,
        driver: str,
        now: datetime,
        address: str | None = None,
        advertised_name: str = "",
        simulated: bool = False,
        vouches: bool = False,
        reports_wear: bool = False,
        identity: str | None = None,
    ) -> Band:
        """Add a band and return it as it is stored; without an identity, its address is that, or else its name.

        Names come from strangers, so characters that control a terminal are removed. Raises `StoreError` if there is a
        band of this name already.
        """
        name, known = clean(name), identity or identity_of(address, clean(name), simulated=simulated)
        values = (name, driver, address, clean(advertised_name), simulated, vouches, reports_wear, seconds(now), known)
        with self.transaction() as db:
            db.execute(
                "INSERT INTO bands"
                " (name, driver, address, advertised_name, simulated, vouches, reports_wear, added, identity)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            )
        return next(band for band in self.bands() if band.name == name)

    def amend_band(self, band: BandId, *, vouches: bool, reports_wear: bool) -> None:
        """Store that a band reports more than was known when it was added. What it is known to report stays."""
        with self.transaction() as db:
            db.execute(
                "UPDATE bands SET vouches = max(vouches, ?1), reports_wear = max(reports_wear, ?2)"
                " WHERE id = ?3 AND (vouches < ?1 OR reports_wear < ?2)",
                (vouches, reports_wear, band),
            )

    def identify_band(self, band: BandId, identity: str) -> None:
        """Store by what a band is known again, unless more than its name was known of it, or it is simulated."""
        if not identity.startswith(NAMED):
            with self.transaction() as db:
                sql = "UPDATE bands SET identity = ? WHERE id = ? AND NOT simulated"
                db.execute(f"{sql} AND (identity IS NULL OR identity LIKE ?)", (identity, band, f"{NAMED}%"))

    def note_abilities(self, band: BandId, abilities: Abilities | None, *, family: Abilities) -> None:
        """Store what a connection has shown that a band can do; None means nothing but what its `family` may do.

        If that is other than before about wear, the band counts from now on as one that says itself whether it is
        worn, or no longer does.
        """
        known = next((each.abilities for each in self.bands() if each.id == band), None)
        wore, wears = (known or family).wear, (abilities or family).wear
        with self.transaction() as db:
            db.execute("UPDATE bands SET keeps = ?, can = ? WHERE id = ?", (*_cells(abilities), band))
            if wore or wears:
                db.execute("UPDATE bands SET vouches = ?1, reports_wear = ?1 WHERE id = ?2", (wears, band))

    def move_band(self, band: BandId, address: str, advertised_name: str) -> None:
        """Store that a band is now reached at another address, and advertises this name."""
        with self.transaction() as db:
            db.execute(
                "UPDATE bands SET address = ?1, advertised_name = ?2,"
                " identity = CASE WHEN simulated THEN identity ELSE upper(?1) END WHERE id = ?3",
                (address, clean(advertised_name), band),
            )

    def give_to_family(self, band: BandId, driver: str, *, vouches: bool, reports_wear: bool) -> None:
        """Store that a band is of another family than it was paired as; all its readings stay."""
        with self.transaction() as db:
            db.execute(
                "UPDATE bands SET driver = ?, vouches = ?, reports_wear = ? WHERE id = ?",
                (driver, vouches, reports_wear, band),
            )

    def rename(self, band: BandId, name: str) -> None:
        """Give a band another name. Raises `StoreError` if another band has it."""
        with self.transaction() as db:
            db.execute("UPDATE bands SET name = ? WHERE id = ?", (clean(name), band))

    def free_name(self, wish: str) -> str:
        """The name `wish`, with a number after it if a band has that name; a long one is cut for the number."""
        taken = {band.name for band in self.bands()}
        if wish not in taken:
            return wish
        begin = clean(wish, 59)
        return next(name for name in (f"{begin} {number}" for number in range(2, len(taken) + 3)) if name not in taken)

    def serials(self, band: BandId) -> set[str]:
        """The serial numbers that a band gave and that tell it from others."""
        rows = self._rows(f"SELECT DISTINCT serial FROM infos WHERE band = ? AND {SENSE['infos']}", band)
        return {str(serial) for (serial,) in rows if is_serial(text(serial))}

    def forgotten(self) -> dict[str, datetime]:
        """When bands were removed with their data, by their marks (`identities.mark_of`)."""
        rows = self._rows(f"SELECT mark, at FROM forgotten WHERE {SENSE['forgotten']}")
        return {str(mark): instant(at) for mark, at in rows}

    def has_simulated(self) -> bool:
        """Whether any band is simulated."""
        return any(band.simulated for band in self.bands())

    def note_sync(self, band: BandId, started: datetime, ended: datetime, epochs: int, error: str | None) -> None:
        """Store one attempt to reach a band; `error` is None if it succeeded."""
        with self.transaction() as db:
            db.execute(
                "INSERT INTO syncs (band, started, ended, epochs, error) VALUES (?, ?, ?, ?, ?)",
                (band, seconds(started), seconds(ended), epochs, error),
            )

    def syncs(self, band: BandId, most: int = 100, *, now: datetime | None = None) -> list[Sync]:
        """The last attempts to reach a band, `most` of them at most, newest first.

        With `now`, those whose start or end is not believed at that instant are left out (`hipsync.instants`).
        """
        rows = self._rows(
            "SELECT started, ended, epochs, error FROM syncs WHERE band = ?1 AND started <= ?2 AND ended <= ?2"
            f" AND {SENSE['syncs']} ORDER BY started DESC, id DESC LIMIT ?3",
            band, latest_s(now), most,
        )  # fmt: skip
        return [Sync(instant(r[0]), instant(r[1]), int(r[2]), text(r[3])) for r in rows]

    def future_sync(self, band: BandId, now: datetime) -> datetime | None:
        """The newest start of an attempt that is not believed at `now`, because it lies in the future; None without."""
        sql = f"SELECT max(started) FROM syncs WHERE band = ? AND started > ? AND {SENSE['syncs']}"
        ((newest,),) = self._rows(sql, band, latest_s(now))
        return None if newest is None else instant(newest)

    def in_vain_since(self, band: BandId, since: datetime, *, now: datetime | None = None) -> datetime | None:
        """The start of the first attempt after `since` that failed or brought no epoch; None if there was none.

        With `now`, attempts that are not believed at that instant are left out.
        """
        ((first,),) = self._rows(
            "SELECT min(started) FROM syncs"
            " WHERE band = ? AND started > ? AND started <= ? AND (error IS NOT NULL OR epochs = 0)"
            f" AND {SENSE['syncs']}",
            band, seconds(since), latest_s(now),
        )  # fmt: skip
        return None if first is None else instant(first)

    def zones(self) -> list[ZoneChange]:
        """The zones that the wearer was in, in order of time, as far as the system knows them (`zones.py`)."""
        sql = (
            "SELECT since, until, zone FROM imports WHERE since IS NOT NULL AND until IS NOT NULL AND zone IS NOT NULL"
            f" AND {SENSE['imports']} GROUP BY since, until, zone ORDER BY max(at), max(id)"
        )
        given = [Abroad(instant(a), instant(b), zone) for a, b, zone in self._rows(sql) if known_zone(zone)]
        return overlaid(self.host_zones(), given)

    def host_zones(self) -> list[ZoneChange]:
        """The zones that the wearer's computers were in, in order of time, as far as the system knows them."""
        return [change for _, change in self._zones()]

    def _zones(self) -> list[tuple[str, ZoneChange]]:
        """The zones in order of time, each with the name of the computer that was in it."""
        rows = self._rows(f"SELECT host, since, zone FROM zones WHERE {SENSE['zones']} ORDER BY since, host")
        return [(str(host), ZoneChange(instant(since), zone)) for host, since, zone in rows if known_zone(zone)]

    def note_zone(self, now: datetime, zone: str, host: str = "", *, in_use: bool = False) -> None:
        """Store the zone of this computer, an IANA name, from `now` on, if that says anything new of its wearer.

        It does if this computer is in another zone than before, as far as its last one is believed. It also does if
        this computer is in use while the newest zone is that of another computer, which its wearer left elsewhere.
        """
        history = [(at, change) for at, change in self._zones() if is_believed(change.since, now)]
        mine = [change.zone for at, change in history if at in {host, ""}]
        newest = history[-1][1].zone if history else None
        if mine[-1:] != [zone] or (in_use and newest != zone):
            since = max([now, *(change.since for _, change in history)])  # the clock may have been put back a little
            with self.transaction() as db:
                sql = "INSERT OR REPLACE INTO zones (host, since, zone) VALUES (?, ?, ?)"
                db.execute(sql, (clean(host), seconds(since), zone))

    def note_import(self, band: BandId, at: datetime, form: str, source: str, abroad: Abroad | None) -> None:
        """Store that a source of a form was imported into a band, and the zone that was asked for."""
        zone, days = (None, (None, None)) if abroad is None else (abroad.zone, map(seconds, abroad[:2]))
        with self.transaction() as db:
            sql = "INSERT INTO imports (band, at, form, source, zone, since, until) VALUES (?, ?, ?, ?, ?, ?, ?)"
            db.execute(sql, (band, seconds(at), form, source, zone, *days))
        self.identify_band(band, f"{form}:{clean(source, LONGEST_IDENTITY)}"[:LONGEST_IDENTITY])

    def imported_into(self, form: str, source: str) -> BandId | None:
        """The band into which a source of a form was imported last; None if it never was."""
        sql = f"SELECT band FROM imports WHERE form = ? AND source = ? AND {SENSE['imports']} ORDER BY id DESC LIMIT 1"
        return next((BandId(band) for (band,) in self._rows(sql, form, source)), None)


def _abilities(keeps: object, can: object) -> Abilities | None:
    """What two cells say of a band's abilities; None if they say nothing."""
    if can is None:
        return None
    from hipsync.abilities import Abilities

    words = str(can).split()
    history = None if keeps is None else int(str(keeps)) * MINUTE
    return Abilities(history, **{word: True for word in CAN if word in words})


def _cells(abilities: Abilities | None) -> tuple[int | None, str | None]:
    """The cells `keeps` and `can` that say what a band can do."""
    if abilities is None:
        return None, None
    keeps = None if abilities.history is None else abilities.history // MINUTE
    return keeps, " ".join(word for word in CAN if getattr(abilities, word))

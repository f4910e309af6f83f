"""Bands, the attempts to reach them, and the zones their wearer was in."""

from __future__ import annotations

from datetime import datetime

from hipsync.model import Band, BandId, Sync, ZoneChange
from hipsync.store.file import OpenFile, instant, seconds, text
from hipsync.text import clean


class Bands(OpenFile):
    """Tables `bands`, `syncs`, `zones`."""

    def bands(self) -> list[Band]:
        """All, in the order in which they came."""
        rows = self._rows(
            "SELECT id, name, driver, address, advertised_name, simulated, vouches, reports_wear, added"
            " FROM bands ORDER BY id"
        )
        return [
            Band(
                BandId(int(row[0])), str(row[1]), str(row[2]), text(row[3]), str(row[4]),
                bool(row[5]), bool(row[6]), bool(row[7]), instant(row[8]),
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
    ) -> Band:
        """The band as it is kept; its names are a stranger's word, so they lose what steers a terminal.

        Raises `StoreError` if there is one of this name.
        """
        name = clean(name)
        values = (name, driver, address, clean(advertised_name), simulated, vouches, reports_wear, seconds(now))
        with self.transaction() as db:
            db.execute(
                "INSERT INTO bands (name, driver, address, advertised_name, simulated, vouches, reports_wear, added)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            )
        return next(band for band in self.bands() if band.name == name)

    def amend_band(self, band: BandId, *, vouches: bool, reports_wear: bool) -> None:
        """It turned out to report more than was known when it was added."""
        with self.transaction() as db:
            db.execute(
                "UPDATE bands SET vouches = max(vouches, ?), reports_wear = max(reports_wear, ?) WHERE id = ?",
                (vouches, reports_wear, band),
            )

    def move_band(self, band: BandId, address: str, advertised_name: str) -> None:
        """It is reached by another address now, and shows itself by this name."""
        with self.transaction() as db:
            db.execute(
                "UPDATE bands SET address = ?, advertised_name = ? WHERE id = ?",
                (address, clean(advertised_name), band),
            )

    def rename(self, band: BandId, name: str) -> None:
        """Raises `StoreError` if there is another of this name."""
        with self.transaction() as db:
            db.execute("UPDATE bands SET name = ? WHERE id = ?", (clean(name), band))

    def has_simulated(self) -> bool:
        return any(band.simulated for band in self.bands())

    def has_real(self) -> bool:
        return any(not band.simulated for band in self.bands())

    def note_sync(self, band: BandId, started: datetime, ended: datetime, epochs: int, error: str | None) -> None:
        with self.transaction() as db:
            db.execute(
                "INSERT INTO syncs (band, started, ended, epochs, error) VALUES (?, ?, ?, ?, ?)",
                (band, seconds(started), seconds(ended), epochs, error),
            )

    def syncs(self, band: BandId, most: int = 100) -> list[Sync]:
        """The last attempts, newest first."""
        rows = self._rows(
            "SELECT started, ended, epochs, error FROM syncs WHERE band = ? ORDER BY started DESC, id DESC LIMIT ?",
            band, most,
        )  # fmt: skip
        return [Sync(instant(r[0]), instant(r[1]), int(r[2]), text(r[3])) for r in rows]

    def in_vain_since(self, band: BandId, since: datetime) -> datetime | None:
        """The first attempt after an instant that brought no epoch, whether the band was reached or not."""
        ((first,),) = self._rows(
            "SELECT min(started) FROM syncs WHERE band = ? AND started > ? AND (error IS NOT NULL OR epochs = 0)",
            band, seconds(since),
        )  # fmt: skip
        return None if first is None else instant(first)

    def zones(self) -> list[ZoneChange]:
        rows = self._rows("SELECT since, zone FROM zones ORDER BY since")
        return [ZoneChange(instant(since), str(zone)) for since, zone in rows]

    def note_zone(self, now: datetime, zone: str) -> None:
        """Written only when the host is in another zone than before."""
        history = self.zones()
        if not history or history[-1].zone != zone:
            with self.transaction() as db:
                db.execute("INSERT OR REPLACE INTO zones VALUES (?, ?)", (seconds(now), zone))

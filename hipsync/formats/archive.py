"""All that another database holds, on its way into this one: what is known already meets it by the rules of merging.

A band may have another name on each computer. It is the same one if driver and identity are equal, or its serial
number; else by its name: `_Known.band` decides, and must say the same when epochs are loaded and when all is landed
(`landing.py` has the drawing). The one rule: what somebody removed with its data does not come back by an import.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Self

from hipsync.errors import InputError
from hipsync.formats.landing import Landed, Landing
from hipsync.model import Band, BandId
from hipsync.store import Store
from hipsync.store.identities import are_two, identity_of, is_serial, mark_of
from hipsync.store.imports import NewBand
from hipsync.store.rows import TIMES
from hipsync.store.staging import Staging


class Archive:
    """What a database holds, checked and not yet stored: a context manager that forgets it."""

    def __init__(self) -> None:
        self.rows = Staging()
        self.changed = 0
        """How many rows of other tables than epochs were new, or said more than what was stored, after `land`."""
        self.removed: dict[str, datetime] = {}
        """When bands were removed with their data on other computers than that of the archive, by their marks."""
        self._arriving: dict[str, BandId] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.rows.__exit__(kind, error, trace)

    def to_remove(self, store: Store) -> list[tuple[Band, datetime]]:
        """The bands of the store that were removed with their data where the archive comes from, and when they were.

        Raises `InputError` as `land` does.
        """
        known, removed = self._known(store), self.removals()
        for row in self.rows.rows("bands"):
            known.band(row)
        found = ((band, removed.get(mark_of(band.driver, band.identity))) for band in store.bands())
        return [(band, at) for band, at in found if at is not None and band.added <= at]

    def removals(self) -> dict[str, datetime]:
        """When bands were removed with their data where the archive comes from, by their marks."""
        return {str(row["mark"]): _second(row["at"]) for row in self.rows.rows("forgotten")}

    def left_out(self, store: Store) -> list[str]:
        """The names of the archive's bands that were removed with their data, so that nothing of them is taken."""
        known = self._known(store)
        return [str(row["name"]) for row in self.rows.rows("bands") if known.is_forgotten(row)]

    def load(self, landing: Landing) -> None:
        """As `Read.load`."""
        with_epochs, known = self.rows.bands(), self._known(landing.store)
        for row in self.rows.rows("bands"):
            name = str(row["name"])
            if name in with_epochs and not known.is_forgotten(row):
                self._arriving[name] = landing.load(partial(self.rows.epoch_rows, name), known.band(row))

    def land(self, landing: Landing) -> list[Landed]:
        """As `Read.land`. Raises `InputError` if a band of one of its names is of another kind."""
        landed: list[Landed] = []

        def landed_in(name: str, band: Band | NewBand) -> Band | NewBand:
            if name not in self._arriving:
                return band
            landed.append(landing.land(self._arriving[name], band))
            return landed[-1].band

        self._merge(landing.store, landed_in)
        return landed

    def take(self, store: Store, most_bands: int) -> int:
        """Store all at once, in one transaction, and return how many rows changed anything.

        It is for an archive of a day at most, which another computer sends while this one is at work: larger ones come
        by `landing.py`. Nobody is asked, so a band that is here stays, though it was removed where the archive comes
        from. What changes nothing is not written.

        Raises `InputError` as `land` does, and if a band would be new where there are `most_bands` already; and
        `StoreError`.
        """
        staying = {mark_of(band.driver, band.identity) for band, _ in self.to_remove(store)}
        epochs = 0

        def taken(name: str, band: Band | NewBand) -> Band | NewBand:
            nonlocal epochs
            if isinstance(band, NewBand):
                if len(store.bands()) >= most_bands:
                    raise InputError(f"there are {most_bands} bands already, and {name!r} would be one more")
                band = store.add_band(**band._asdict())
            epochs += sum(store.merge_epochs(batch) for batch in self.rows.epoch_rows(name, band.id))
            return band

        with store.transaction():
            self._merge(store, taken, staying)
        return epochs + self.changed

    def _merge(
        self,
        store: Store,
        with_epochs: Callable[[str, Band | NewBand], Band | NewBand],
        staying: Collection[str] = (),
    ) -> None:
        """Merge all rows into a store, inside a transaction.

        `with_epochs` stores the epochs of the archive's band of this name in the band that it means, and returns that
        one. Bands with a mark of `staying` do not count as removed.
        """
        known, bands = self._known(store), dict[str, int]()
        for row in self.rows.rows("bands"):
            if known.is_forgotten(row):
                continue
            band = with_epochs(str(row["name"]), known.band(row))
            if isinstance(band, NewBand):
                band = store.add_band(**band._asdict())
            known.learn(band, row)
            bands[str(row["name"])] = band.id
        for table in TIMES:
            rows = (row for row in self.rows.rows(table) if row.get("band") is None or row["band"] in bands)
            taken = (row for row in rows if table != "forgotten" or row["mark"] not in staying)
            self.changed += store.merge_rows(table, taken, bands)

    def _known(self, store: Store) -> _Known:
        return _Known(store, self.rows, _latest(store.forgotten(), self.removals(), self.removed))


def heed_each_other(archives: Sequence[Archive]) -> None:
    """Let each archive leave out what was removed where another one comes from, so that their order does not matter."""
    removed = _latest(*(archive.removals() for archive in archives))
    for archive in archives:
        archive.removed = removed


def _latest(*removals: Mapping[str, datetime]) -> dict[str, datetime]:
    """When bands were removed last, by their marks, as all of these say together."""
    marks = {mark for each in removals for mark in each}
    return {mark: max(each[mark] for each in removals if mark in each) for mark in marks}


class _Known:
    """The bands of a store, as rows of an archive name them."""

    def __init__(self, store: Store, rows: Staging, forgotten: Mapping[str, datetime]) -> None:
        """`forgotten` says when bands were removed with their data, by their marks."""
        self._store, self._bands, self._forgotten = store, store.bands(), forgotten
        self._serials = {band.id: store.serials(band.id) for band in self._bands}
        self._meant: set[BandId] = set()
        """The bands that earlier rows mean: the name alone does not make another row's band one of them."""
        self._told: dict[str, set[str]] = {}
        """The serial numbers of the archive's bands, by name."""
        for row in rows.rows("infos"):
            self._told.setdefault(str(row["band"]), set()).add(str(row.get("serial")))

    def is_forgotten(self, row: Mapping[str, object]) -> bool:
        """Whether a band was removed with its data after it had been added where the archive comes from."""
        at = self._forgotten.get(mark_of(str(row["driver"]), _identity(row)))
        return at is not None and _added(row) <= at

    def learn(self, band: Band, row: Mapping[str, object]) -> None:
        """Store what a row says of the band that it means, for the rows after it, and the next archive."""
        if (identity := _identity(row)) is not None:
            self._store.identify_band(band.id, identity)
        self._store.amend_band(band.id, vouches=bool(row["vouches"]), reports_wear=bool(row["reports_wear"]))
        self._meant.add(band.id)
        if band.id not in self._serials:
            self._bands.append(band)
            self._serials[band.id] = set()

    def band(self, row: Mapping[str, object]) -> Band | NewBand:
        """The band that a row of the table `bands` means; a new one if none is.

        Raises `InputError` if its name belongs to a band of another kind.
        """
        name, driver, identity = str(row["name"]), str(row["driver"]), _identity(row)
        alike = [each for each in self._bands if (each.driver, each.simulated) == (driver, bool(row["simulated"]))]
        serials = {each for each in self._told.get(name, ()) if is_serial(each)}
        for band in alike:
            if identity is not None and band.identity == identity:
                return band
        for band in alike:
            if not band.simulated and self._serials[band.id] & serials:
                return band
        named = next((each for each in self._bands if each.name == name), None)
        if named is None or named.id in self._meant or are_two(named.identity, identity):
            return _new(row, self._store.free_name(name))
        if named not in alike:
            raise InputError(f"there is a band {name!r} already, of another kind: rename it (`hipsync bands rename`)")
        return named


def _new(row: Mapping[str, object], name: str) -> NewBand:
    address = row["address"]
    return NewBand(
        name=name, driver=str(row["driver"]), address=None if address is None else str(address),
        advertised_name=str(row["advertised_name"]), now=_added(row), simulated=bool(row["simulated"]),
        vouches=bool(row["vouches"]), reports_wear=bool(row["reports_wear"]), identity=_identity(row),
    )  # fmt: skip


def _added(row: Mapping[str, object]) -> datetime:
    return datetime.fromisoformat(str(row["added"])).astimezone(UTC)


def _identity(row: Mapping[str, object]) -> str | None:
    """The identity of a band; in a row that an older hipsync wrote, that of its address or name."""
    if told := row.get("identity"):
        return str(told)
    address = row["address"]
    given = None if address is None else str(address)
    return identity_of(given, str(row["name"]), simulated=bool(row["simulated"]))


def _second(cell: object) -> datetime:
    return datetime.fromtimestamp(int(str(cell)), UTC)

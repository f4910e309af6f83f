"""The files of one form on their way into the database: each source becomes a band of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from types import TracebackType
from typing import BinaryIO, Self

from hipsync.formats.landing import Landed, Landing
from hipsync.formats.past.minutes import MinutesOfThePast
from hipsync.formats.past.reading import Form, Head, Reading
from hipsync.model import Band, BandId
from hipsync.store import Store
from hipsync.store.file import instant
from hipsync.store.imports import NewBand
from hipsync.store.zones import Abroad
from hipsync.text import clean

DRIVER = "csv"
"""The word in `bands.driver` for a band that comes from a file."""
BATCH = 1000
"""How many workouts are stored at a time."""


class PastRead:
    """What the files of one form hold: a `landing.Read`, and a context manager that forgets it."""

    def __init__(self, key: str, label: str, reading: Reading) -> None:
        self._key, self._label = key, label
        self._reading = replace(reading, has_local_times=False)  # another form's local times are not of these days
        self._minutes = MinutesOfThePast(reading.leave_out)
        self._arriving: dict[str, BandId] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._minutes.__exit__(kind, error, trace)

    def add(self, form: Form, file: BinaryIO, head: Head) -> None:
        """Read one file. Raises `InputError`, and `ZoneWanted` if its times are local and no zone is known."""
        self._minutes.add(form.read(file, head, self._reading))

    def sources(self) -> Sequence[str]:
        """The names of what measured, in the order in which they came."""
        return self._minutes.sources()

    def load(self, landing: Landing) -> None:
        """As `Read.load`."""
        for source in self.sources():
            into = self._band(landing.store, source)
            self._arriving[source] = landing.load(partial(self._minutes.epoch_rows, source), into)

    def land(self, landing: Landing) -> list[Landed]:
        """As `Read.land`. The zone that was asked for counts for the days of the files.

        A source of which everything is left out becomes no band.
        """
        abroad = self._abroad(landing)
        landed = (self._land(landing, source, abroad) for source in self.sources())
        return [each for each in landed if each is not None]

    def _abroad(self, landing: Landing) -> Abroad | None:
        """The days of all sources with the zone that was asked for; None if it was not needed."""
        zone, spans = self._reading.zone, [self._minutes.bounds(source) for source in self.sources()]
        known = [span for span in spans if span is not None]
        if zone is None or not self._reading.has_local_times or not known:
            return None
        first, last = instant(min(first for first, _ in known)), instant(max(last for _, last in known))
        return landing.days_abroad(first, last, zone.key)

    def _land(self, landing: Landing, source: str, abroad: Abroad | None) -> Landed | None:
        store, into, workouts = landing.store, self._band(landing.store, source), self._minutes.workouts(source)
        some = list(islice(workouts, BATCH))
        if isinstance(into, NewBand) and not some and not landing.has_any(self._arriving[source]):
            return None
        landed = landing.land(self._arriving[source], into)
        while some:
            store.append(landed.band.id, some)
            some = list(islice(workouts, BATCH))
        store.note_import(landed.band.id, self._reading.now, self._key, source, abroad)
        return landed

    def _band(self, store: Store, source: str) -> Band | NewBand:
        """The band into which the source was imported before, whatever it is called now; else one of its name.

        A band of its name that no import added is left alone: then a new one gets a longer name.
        """
        vouches = self._minutes.has_heart_rates(source) or self._minutes.has_sleep(source)
        bands = {band.name: band for band in store.bands()}
        known = store.imported_into(self._key, source)
        if (band := next((band for band in bands.values() if band.id == known), None)) is not None:
            if band.driver == DRIVER:
                store.amend_band(band.id, vouches=vouches, reports_wear=False)
            return band
        for name in (clean(source), clean(f"{source}, {self._label}"), clean(f"{source}, imported")):
            band = bands.get(name)
            if band is None:
                return NewBand(name, DRIVER, self._reading.now, vouches)
            if band.driver == DRIVER:
                store.amend_band(band.id, vouches=vouches, reports_wear=False)
                return band
        return NewBand(f"{self._key} {len(bands) + 1}", DRIVER, self._reading.now, vouches)

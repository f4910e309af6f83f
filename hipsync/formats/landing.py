"""From files that were read whole to the database: in short transactions first, and then all at once or not at all.

A reader checks every row of its files before the database is opened. What it holds then is `Read`. A `Landing` takes
the epochs of all of them in as arriving bands (`store.imports`), and yields the lock between two transactions, so that
a service that fetches from a band meanwhile waits for a moment at most. In the last transaction each `Read` says which
bands its epochs belong to, and stores what else it has.

::

    rows of a file ──load──> an arriving band ──land──┬── become: it is a new band
     (checked)     short       (nobody       at once  └── merge: its epochs go into a band that is there
                transactions    sees it)
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from time import sleep
from types import TracebackType
from typing import NamedTuple, Protocol, Self
from zoneinfo import ZoneInfo

from hipsync.core.days import Zones
from hipsync.errors import StoreError
from hipsync.model import DAY, Band, BandId
from hipsync.store import Store
from hipsync.store.file import BEGINNING
from hipsync.store.imports import NewBand
from hipsync.store.readings import EpochRow
from hipsync.store.zones import Abroad

SECOND = timedelta(seconds=1)
YIELD_S = 0.005
"""Seconds for which the lock is free between two transactions. SQLite's own waiters look again after a few
milliseconds at first."""
Batches = Callable[[BandId], Iterator[list[EpochRow]]]
"""The epochs of one band in batches, as rows for the band of this number."""


class Landed(NamedTuple):
    """What became of the epochs of one band."""

    band: Band
    epochs: int
    new: int


class Landing:
    """Takes epochs into a store: a context manager that leaves nothing behind of what was not taken over."""

    def __init__(self, store: Store, now: datetime, host: Callable[[], str] = lambda: "UTC") -> None:
        """`host` returns the zone of this computer, an IANA name; it is called if the database knows no zone."""
        self.store, self.now, self._host = store, now, host
        self._known: dict[BandId, int] = {}
        """How many epochs of each arriving band were known already, and are gone."""

    def __enter__(self) -> Self:
        self.store.drop_arriving()  # what an import that was cut off has left
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What is stored is stored, also if a full disk keeps this from being tidied up: the next import does that.
        with contextlib.suppress(StoreError):
            self.store.drop_arriving()

    def load(self, batches: Batches, into: Band | NewBand) -> BandId:
        """Store the epochs of one band where nobody sees them, and return the number of the arriving band.

        `into` is where they will land. Of a band that is there, what it knows already is not kept.
        """
        arriving = self.store.add_arriving(self.now)
        for batch in batches(arriving):
            self.store.arrive(batch)
            sleep(YIELD_S)
        self._known[arriving] = self.store.trim(arriving, into.id) if isinstance(into, Band) else 0
        return arriving

    def has_any(self, arriving: BandId) -> bool:
        """Whether an arriving band has any epoch that would land."""
        return self.store.has_epochs(arriving)

    def land(self, arriving: BandId, into: Band | NewBand) -> Landed:
        """Let the epochs of an arriving band be those of a band that is there, or of a new one.

        To be called inside the last transaction. Raises `StoreError`.
        """
        if isinstance(into, NewBand):
            band, done = self.store.become(arriving, into)
        else:
            band, done = into, self.store.merge(arriving, into.id)
        return Landed(band, done.new + done.same + self._known[arriving], done.new)

    def days_abroad(self, start: datetime, end: datetime, zone: str) -> Abroad:
        """The local days that `[start, end)` touches in a zone, as far as they are over, for `Bands.note_import`.

        If the database knows no zone yet, that of this computer is stored as the one of all other days.
        """
        if not self.store.host_zones():
            self.store.note_zone(BEGINNING, self._host())
        there, before = ZoneInfo(zone), Zones(self.store.host_zones(), zone)
        first, last = start.astimezone(there).date(), (end - SECOND).astimezone(there).date()
        # Where the other zone's day of this date begins earlier, the day would be one of the other zone.
        since = min(_midnight(first, there), _midnight(first, before.at(start)))
        return Abroad(since, min(_midnight(last + DAY, there), max(end, self.now)), zone)


class Read(Protocol):
    """What files of one form hold, checked and not yet stored."""

    def load(self, landing: Landing) -> None:
        """Store the epochs where nobody sees them, in short transactions."""
        ...

    def land(self, landing: Landing) -> Sequence[Landed]:
        """Store all that is read, inside one transaction; return what became of it, band by band.

        Raises `InputError` if a name belongs to a band of another kind, and `StoreError`.
        """
        ...


def stored(
    store: Store, read: Sequence[Read], now: datetime, host: Callable[[], str] = lambda: "UTC"
) -> list[list[Landed]]:
    """Store all that was read, or nothing; return what became of it. `host` is as in `Landing`.

    Raises `InputError` and `StoreError`.
    """
    with Landing(store, now, host) as landing:
        for each in read:
            each.load(landing)
        with store.transaction():
            return [list(each.land(landing)) for each in read]


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """The instant in UTC at which a date begins in a zone."""
    return datetime.combine(day, time(), zone).astimezone(UTC)

"""A gateway's SQLite as the outbox: all that it holds is brought to Postgres, and no more than is missing there.

What was brought already, Postgres itself says: a receipt for each band-day and gateway, with a digest of what came,
written in the transaction that stored it. So a gateway that is killed anywhere, or that lost its file and was given a
copy, goes on rightly; and a Postgres that was given an older copy gets again what it lost. Two gateways may hear one
band: keys are the band's, and the merge rule does not mind who comes first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from heapq import merge
from itertools import groupby, islice
from typing import NamedTuple

from hipsync.errors import FleetError
from hipsync.fleet.band_days import Parcel, Shipped, digest_of, shipped
from hipsync.fleet.database import Database
from hipsync.store import Store
from hipsync.store.band_days import BandDay

AT_ONCE = 20
"""How many band-days are one transaction."""
CLOCKS_APART = timedelta(minutes=5)
"""How far this computer's clock may be from the server's: bands are set by it, and stamp their minutes."""


class Told(NamedTuple):
    """What came of a shipping, as numbers of band-days."""

    there: int
    """How many were known to be there, so that they were not sent."""
    new: int
    changed: int
    same: int
    """How many brought nothing, because another gateway had brought all of it."""
    left_out: int
    """How many bands are not shipped (`band_days.shipped`)."""
    erased: int = 0
    """How many were of a wearer who is erased, so that nothing of them was stored."""
    elsewhere: int = 0
    """How many were of a band that belongs to another site, so that nothing of them was stored."""


def ship(store: Store, database: Database, now: datetime) -> Told:
    """Bring to the fleet's database what it lacks of this computer's readings up to `now`.

    Raises `FleetError` if the clocks disagree, or if the database cannot be reached or refuses; what was brought before
    that stays there.
    """
    refuse_apart(now, database.ready())
    bands = store.bands()
    going = shipped(bands)
    taken, counts = database.taken(), {"there": 0, "new": 0, "changed": 0, "same": 0, "erased": 0, "elsewhere": 0}
    missing = _missing(store, going, taken, now, counts)
    while batch := list(islice(missing, AT_ONCE)):
        for became in database.take(batch):
            counts[became] += 1
    return Told(**counts, left_out=len(bands) - len(going))


def refuse_apart(here: datetime, there: datetime) -> None:
    """Raise `FleetError` if this computer's clock and the server's are too far apart."""
    apart = here - there
    if abs(apart) > CLOCKS_APART:
        minutes, side = int(abs(apart).total_seconds()) // 60, "ahead of" if apart > timedelta() else "behind"
        raise FleetError(
            f"nothing was shipped: this computer's clock is {minutes} min {side} the server's, and bands are set "
            "by it; let both be set by the network"
        )


def _missing(
    store: Store,
    going: Sequence[Shipped],
    taken: Mapping[tuple[str, date], bytes],
    now: datetime,
    counts: dict[str, int],
) -> Iterator[Parcel]:
    """The band-days whose content was not brought yet, in order of mark and day; the others are counted."""
    for _, bands in groupby(going, key=lambda one: one.mark):  # a band that was paired anew can be here twice
        days = merge(*(_days(store, one, now) for one in bands), key=lambda each: each[1].day)
        for _, found in groupby(days, key=lambda each: each[1].day):
            parts = list(found)
            digests = [digest_of([day for _, day in parts[: place + 1]]) for place in range(len(parts))]
            if taken.get((parts[0][0].mark, parts[0][1].day)) == digests[-1]:
                counts["there"] += len(parts)
            else:  # only the receipt of the last one says that all is there
                yield from (Parcel(*part, digest) for part, digest in zip(parts, digests, strict=True))


def _days(store: Store, one: Shipped, now: datetime) -> Iterator[tuple[Shipped, BandDay]]:
    """A band's days, in order, each with the band."""
    return ((one, day) for day in store.band_days(one.band.id, now))

"""Gathers what this computer tells the wearer's others, and says which of it they do not have yet.

What a person waits for (an answer, a pause, a removed band) is of today, yesterday, or lasting, and is gathered at each
change of the store. A day of a band is told a minute after it changed at the earliest, and older days some minutes
later.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime
from enum import IntEnum
from typing import NamedTuple

from hipsync.formats.shared import Content, band_days, digest_of, lasting, wearer_day
from hipsync.model import DAY, BandId
from hipsync.store import Store
from hipsync.together.held import Held
from hipsync.together.topics import Kind, Part, band_key

DAYS = 28
"""How many UTC days are shared, the running one included."""
EXPIRES_S = 40 * 24 * 3600
"""Seconds after which the channel drops a day; what lasts it keeps until it is taken back."""


class Reach(IntEnum):
    """How much is gathered."""

    SAID = 0
    """What the wearer did and was told in the last two days, and what lasts."""
    RECENT = 1
    """What bands told in these days, too."""
    ALL = 2
    """All of `DAYS`."""


def days_until(now: datetime, count: int = DAYS) -> list[date]:
    """The last UTC days, the newest first."""
    return [(now.astimezone(UTC) - number * DAY).date() for number in range(count)]


class Gathered(NamedTuple):
    """What this computer knows of some parts now."""

    contents: Mapping[Part, tuple[Content, str]]
    """What each part says, and its digest."""
    looked_at: Collection[tuple[Kind, date | None]]
    """The kinds and days that were gathered: a part of these that is not in `contents` has nothing to say."""

    def to_tell(self, held: Held) -> list[tuple[Part, Content, str]]:
        """The parts that the channel does not hold yet, with their digests."""
        return [
            (part, content, digest) for part, (content, digest) in self.contents.items() if held.needs(part, digest)
        ]

    def to_take_back(self, held: Held) -> list[Part]:
        """The parts of this host that the channel holds though there is nothing to say of them any more."""
        own = [part for kind in Kind for part in held.own(kind)]
        return [part for part in own if (part.kind, part.day) in self.looked_at and part not in self.contents]


def gathered(store: Store, host: str, removed: Collection[BandId], now: datetime, reach: Reach) -> Gathered:
    """What this computer knows now, of as much as `reach` says. Nothing is told of bands that are `removed`.

    The store is free between two parts. Raises `StoreError`.
    """
    looked_at = _looked_at(now, reach)
    contents: dict[Part, Content] = {Part(Kind.LASTS, host): lasting(store, now)}
    for kind, day in looked_at:
        if day is not None and kind is Kind.SAID:
            contents[Part(Kind.SAID, host, day)] = wearer_day(store, day, now)
        elif day is not None:
            for band, content in band_days(store, day, now):
                if band.id not in removed:
                    contents[Part(Kind.DAY, host, day, band_key(band))] = content
    return Gathered({part: (each, digest_of(each)) for part, each in contents.items() if each}, looked_at)


def _looked_at(now: datetime, reach: Reach) -> list[tuple[Kind, date | None]]:
    """The kinds and days that are gathered: what a person waits for comes first."""
    days = days_until(now, DAYS if reach is Reach.ALL else 2)
    kinds = (Kind.SAID,) if reach is Reach.SAID else (Kind.SAID, Kind.DAY)
    return [(Kind.LASTS, None), *((kind, day) for kind in kinds for day in days)]

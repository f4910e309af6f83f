"""A past time as the rule judges it: what the store has of it, as a timeline with its stretches and breaks.

Stretches can begin before the time that is asked for and end after it. So this module loads six hours more on either
side, and further while a stretch reaches the edge of what was loaded. It is on the path of `hipsync today`, so it
imports nothing slow.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from hipsync.core.bouts import Bouts, Rule, bouts
from hipsync.core.timeline import HEART_WINDOW_MINUTES, Source, Timeline, instant_of, minute_of, timeline

if TYPE_CHECKING:
    from hipsync.core.days import Zones
    from hipsync.model import Band
    from hipsync.store import Store

AROUND_MINUTES = 6 * 60
"""How much is loaded before and after the time asked for; doubled while a stretch reaches the edge."""
FARTHEST_MINUTES = 64 * AROUND_MINUTES
"""The most that is loaded before and after: 16 days."""


class Past(NamedTuple):
    """A timeline, and the stretches and breaks on it."""

    line: Timeline
    found: Bouts


def judged_past(
    store: Store,
    rule: Rule,
    zones: Zones,
    start: datetime,
    end: datetime,
    now: datetime,
    only_band: Band | None = None,
) -> Past:
    """Load and judge what is known of `[start, end)` up to `now`, from all bands or from `only_band`.

    The timeline begins before `start` and ends after `end`, so that stretches that cross either of them are whole. It
    never reaches beyond `now`.
    """
    around = AROUND_MINUTES
    while True:
        first = minute_of(start) - around
        last = min(minute_of(end) + around, minute_of(now))
        line = timeline(sources(store, first, last, only_band), first, last, zones)
        found = bouts(line, rule)
        if around >= FARTHEST_MINUTES or not _reaches_edge(line, found, start, end, now):
            return Past(line, found)
        around *= 2


def _reaches_edge(line: Timeline, found: Bouts, start: datetime, end: datetime, now: datetime) -> bool:
    """Whether loading more could change a stretch that touches `[start, end)`.

    The start of the timeline is certain only after `HEART_WINDOW_MINUTES`: no part of the rule looks back further.
    """
    if not found.stretches:
        return False
    settled, last = instant_of(line.first + HEART_WINDOW_MINUTES), found.stretches[-1]
    early = any(stretch.start < settled and stretch.end > start for stretch in found.stretches)
    late = last.ended_by is None and last.start < end and line.last < minute_of(now)
    return early or late


def sources(store: Store, first: int, last: int, only_band: Band | None = None) -> list[Source]:
    """Load what each band, or `only_band`, reported for the minutes `[first, last)`, counted from 1970."""
    return [
        Source(
            store.epochs(band.id, instant_of(first), instant_of(last)),
            store.counters(band.id, instant_of(first), instant_of(last)),
            store.wears(band.id, instant_of(first), instant_of(last)),
            vouches=band.vouches,
            reports_wear=band.reports_wear,
        )
        for band in chosen_bands(store, only_band)
    ]


def chosen_bands(store: Store, only_band: Band | None) -> Sequence[Band]:
    """The bands to judge by: `only_band`, or all bands if it is None."""
    return store.bands() if only_band is None else [only_band]

"""A past time as the rule judges it: what the store has of it, as a timeline with its stretches and breaks.

Stretches can begin before the time that is asked for and end after it, and steps that are known only as a total depend
on all that lies in its time. So this module loads six hours more on either side, and further while something that
counts reaches the edge of what was loaded: how much was loaded never shows, up to 16 days. It is on the path of
`hipsync today`, so it imports nothing slow.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from hipsync.core.bouts import Bouts, Rule, bouts
from hipsync.core.timeline import (
    HEART_WINDOW_MINUTES,
    USED,
    Source,
    Timeline,
    heartless_since,
    instant_of,
    minute_of,
    nights_need,
    timeline,
)
from hipsync.model import Desk, Presence

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
    looked_from: int
    """The first minute, counted from 1970, of which any reading could have changed this.

    It may lie before the timeline: that no heart rate is known of two weeks says that a band without one was worn."""


def judged_past(
    store: Store,
    rule: Rule,
    zones: Zones,
    start: datetime,
    end: datetime,
    now: datetime,
    only_band: Band | None = None,
    *,
    nights: bool = True,
) -> Past:
    """Load and judge what is known of `[start, end)` up to `now`, from all bands or from `only_band`.

    The timeline begins before `start` and ends after `end`, so that stretches that cross either of them are whole. It
    never reaches beyond `now`. The wearer's own hours of the night follow from the two weeks before, which are loaded
    if they matter; with `nights=False` they are not, so what is doubtful may differ.
    """
    with store.snapshot():  # a band that another process adds on the way is in all that is read, or in nothing
        return _judged(store, rule, zones, start, end, now, only_band, nights=nights)


def _judged(
    store: Store,
    rule: Rule,
    zones: Zones,
    start: datetime,
    end: datetime,
    now: datetime,
    only_band: Band | None,
    *,
    nights: bool,
) -> Past:
    zone, around = zones.at(start), AROUND_MINUTES
    midnight = minute_of(start.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0))
    first, last = minute_of(start), minute_of(end)
    while True:
        first, last = min(first, minute_of(start) - around), min(max(last, minute_of(end) + around), minute_of(now))
        given = sources(store, first, last, only_band, counters_from=min(first, midnight))
        line = timeline(given, first, last, zones)
        need_first, need_last, looked_from = _needed(store, given, line, minute_of(start), minute_of(end), only_band)
        if nights:
            need_first = min(need_first, nights_need(line, minute_of(start) - around, zones))
        need_first = max(need_first, minute_of(start) - FARTHEST_MINUTES)
        need_last = min(need_last, minute_of(end) + FARTHEST_MINUTES)
        if need_first < first or min(need_last, minute_of(now)) > last:
            first, last = min(first, need_first), max(last, need_last)
            continue
        if rule.desk is Desk.SITTING:
            _mark_used(line, store)
        found = bouts(line, rule)
        if around >= FARTHEST_MINUTES or not _reaches_edge(line, found, start, end, now):
            return Past(line, found, min(looked_from, line.first))
        around *= 2


def _mark_used(line: Timeline, store: Store) -> None:
    """Set the flag `USED` in the minutes in which this computer was used, but for those of standing at the desk."""
    start, end = instant_of(line.first), instant_of(line.last)
    for span in store.presences(start, end):
        if span.presence is Presence.USED:
            for at in _places(line, span.start, span.until):
                line.flags[at] |= USED
    for time in store.desk_times(start, end):
        for at in _places(line, time.at, time.until):
            line.flags[at] &= ~USED


def _places(line: Timeline, start: datetime, end: datetime) -> range:
    """The places of the minutes of a timeline that overlap `[start, end)`."""
    last = minute_of(end - timedelta(microseconds=1)) + 1
    return range(max(minute_of(start), line.first) - line.first, min(last, line.last) - line.first)


def _needed(
    store: Store, given: Sequence[Source], line: Timeline, start: int, end: int, only_band: Band | None
) -> tuple[int, int, int]:
    """The minutes `[first, last)` that decide about steps and wear in the minutes `[start, end)`, and `looked_from`.

    That is as far as the timeline `line` of the sources `given` tells: a longer one may tell of more. The steps of an
    epoch of hours depend on all that finer sources report in it, and whether a band was worn in a time without a heart
    rate depends on what was before that. `looked_from` is the first minute that was searched for a heart rate in vain,
    or `first`.
    """
    touched = [each for each in line.clusters if each[0] < end and each[1] >= start]
    first, last = (touched[0][0], touched[-1][1] + 1) if touched else (start, end)
    looked_from = first
    for band, source in zip(chosen_bands(store, only_band), given, strict=True):
        since = start if source.reports_wear else heartless_since(source, start)
        if since > line.first:
            first = min(first, since - HEART_WINDOW_MINUTES)
        elif store.has_heart_rate(band.id, instant_of(start - FARTHEST_MINUTES), instant_of(since)):
            first = min(first, since - (start - since))
        else:
            looked_from = start - FARTHEST_MINUTES
    return first, last, min(looked_from, first)


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


def sources(
    store: Store, first: int, last: int, only_band: Band | None = None, *, counters_from: int | None = None
) -> list[Source]:
    """Load what each band, or `only_band`, reported for the minutes `[first, last)`, counted from 1970.

    Counters are loaded from the minute `counters_from` on, if it is given: whether a count is possible depends on all
    the readings of its local day.
    """
    since = first if counters_from is None else counters_from
    return [
        Source(
            store.epochs(band.id, instant_of(first), instant_of(last)),
            store.counters(band.id, instant_of(since), instant_of(last)),
            store.wears(band.id, instant_of(first), instant_of(last)),
            vouches=band.vouches,
            reports_wear=band.reports_wear,
            workouts=store.workouts(band.id, instant_of(first), instant_of(last)),
        )
        for band in chosen_bands(store, only_band)
    ]


def chosen_bands(store: Store, only_band: Band | None) -> Sequence[Band]:
    """The bands to judge by: `only_band`, or all bands if it is None."""
    return store.bands() if only_band is None else [only_band]

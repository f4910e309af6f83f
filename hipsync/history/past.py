"""A past time as the rule judges it: what the store has of it, as a timeline with its stretches and breaks.

Stretches can begin before the time that is asked for and end after it, and steps that are known only as a total depend
on all that lies in its time. So this module loads six hours more on either side, and further while something that
counts reaches the edge of what was loaded: how much was loaded never shows, up to 16 days. It is on the path of
`hipsync today`, so it imports nothing slow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from hipsync.core.bouts import Bouts, Rule, bouts
from hipsync.core.columns import fill
from hipsync.core.nights import searched
from hipsync.core.timeline import (
    COARSE,
    COARSE_MINUTES,
    FINE_MINUTES,
    Source,
    Timeline,
    instant_of,
    minute_of,
    timeline,
)
from hipsync.core.wear import HEART_GAP_MINUTES, HEART_WINDOW_MINUTES, WORD_MINUTES, heartless_since
from hipsync.history.loaded import Loaded, sources
from hipsync.model import Desk, Presence

if TYPE_CHECKING:
    from hipsync.core.days import Zones
    from hipsync.history.port import Reported
    from hipsync.model import Band, BandId

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
    store: Reported,
    rule: Rule,
    zones: Zones,
    start: datetime,
    end: datetime,
    now: datetime,
    only_band: Band | None = None,
    *,
    nights: bool = True,
    loaded: Loaded | None = None,
) -> Past:
    """Load and judge what is known of `[start, end)` up to `now`, from all bands or from `only_band`.

    The timeline begins before `start` and ends after `end`, so that stretches that cross either of them are whole. It
    never reaches beyond `now`. The wearer's own hours of the night follow from the two weeks before, which are searched
    if they matter; with `nights=False` they are not, so what is doubtful may differ. What was `loaded` of the same
    bands in the same snapshot is not loaded again.
    """
    with store.snapshot():  # a band that another process adds on the way is in all that is read, or in nothing
        return _judged(
            store, rule, zones, start, end, now, chosen_bands(store, only_band), nights=nights, loaded=loaded
        )


def _judged(
    store: Reported,
    rule: Rule,
    zones: Zones,
    start: datetime,
    end: datetime,
    now: datetime,
    bands: Sequence[Band],
    *,
    nights: bool,
    loaded: Loaded | None,
) -> Past:
    zone, around = zones.at(start), AROUND_MINUTES
    midnight = minute_of(start.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0))
    first, last = minute_of(start), minute_of(end)
    before = DaysBefore(store, bands, zones, first)
    while True:
        first, last = min(first, minute_of(start) - around), min(max(last, minute_of(end) + around), minute_of(now))
        since = min(first, midnight)
        given = (
            sources(store, bands, first, last, counters_from=since)
            if loaded is None
            else loaded.sources(first, last, since)
        )
        line = timeline(given, first, last, zones, before.edges if nights else None)
        need_first, need_last, looked_from = _needed(bands, given, line, minute_of(start), minute_of(end), before.beats)
        need_first = max(need_first, minute_of(start) - FARTHEST_MINUTES)
        need_last = min(need_last, minute_of(end) + FARTHEST_MINUTES)
        if need_first < first or min(need_last, minute_of(now)) > last:
            first, last = min(first, need_first), max(last, need_last)
            continue
        if rule.desk is Desk.SITTING:
            line = line._replace(used=_used(line, store))
        found = bouts(line, rule)
        if around >= FARTHEST_MINUTES or not _reaches_edge(line, found, start, end, now):
            return Past(line, found, min(looked_from, line.first, before.looked_from))
        around *= 2


def _used(line: Timeline, store: Reported) -> bytes:
    """The column `Timeline.used`: when this computer was used, but for the times of standing at the desk."""
    used, start, end = bytearray(len(line.code)), instant_of(line.first), instant_of(line.last)
    for span in store.presences(start, end):
        if span.presence is Presence.USED:
            fill(used, *_places(line, span.start, span.until))
    for time in store.desk_times(start, end):
        fill(used, *_places(line, time.at, time.until), 0)
    return bytes(used)


def _places(line: Timeline, start: datetime, end: datetime) -> tuple[int, int]:
    """The places `[first, last)` of the minutes that overlap `[start, end)`, also beyond the timeline."""
    return minute_of(start) - line.first, minute_of(end - timedelta(microseconds=1)) + 1 - line.first


Beats = Callable[["BandId"], bool]
"""Whether a band found a heart rate at any time in the 16 days before what is judged."""


def _needed(
    bands: Sequence[Band],
    given: Sequence[Source],
    line: Timeline,
    start: int,
    end: int,
    beats: Beats,
) -> tuple[int, int, int]:
    """The minutes `[first, last)` that decide about steps and wear in the minutes `[start, end)`, and `looked_from`.

    That is as far as the timeline `line` of the sources `given` tells: a longer one may tell of more. The steps of an
    epoch of hours depend on all that finer sources report in it, and whether a band was worn in a time without a heart
    rate depends on what was before that. `looked_from` is the first minute that was searched for a heart rate in vain,
    or `first`.
    """
    touched = [each for each in line.clusters if each[0] < end and each[1] >= start]
    first, last = (touched[0][0], touched[-1][1] + 1) if touched else (start, end)
    since, in_vain = _worn_from(bands, given, line.first, start, beats)
    first = min(first, since)
    return first, last, min(first, start - FARTHEST_MINUTES) if in_vain else first


def _worn_from(
    bands: Sequence[Band], given: Sequence[Source], loaded_from: int, start: int, beats: Beats
) -> tuple[int, bool]:
    """The first minute that decides whether the bands were worn from `start` on, as far as what is `given` tells.

    Returned with it is whether a heart rate was searched for in vain.
    """
    first, in_vain = start, False
    for band, source in zip(bands, given, strict=True):
        since = (
            start if source.reports_wear else heartless_since(source.all_minutes(), _after_slot_begun(source, start))
        )
        if since > loaded_from:
            first = min(first, since - HEART_WINDOW_MINUTES)
        elif beats(band.id):
            first = min(first, since - (start - since))  # twice as far: the caller loads that, and asks again
        else:
            in_vain = True
    return first, in_vain


def _after_slot_begun(source: Source, start: int) -> int:
    """The second minute of a band's slot that goes on in the minute `start`, or `start`.

    Whether the band was worn in a slot is decided by its first minute.
    """
    at = instant_of(start)
    begun = (minute_of(each.start) for each in source.epochs if each.start < at < each.end and each.length <= COARSE)
    return min(begun, default=start - 1) + 1


class DaysBefore:
    """The two weeks before, of which only the first and the last minute with steps of each day are needed.

    The wearer's own hours of the night follow from these. To load and merge all minutes of two weeks takes a tenth of a
    second, so only those are loaded in which a first or last step can lie, with the minutes that decide about them.
    """

    def __init__(self, store: Reported, bands: Sequence[Band], zones: Zones, start: int) -> None:
        self._store, self._bands, self._zones, self._start = store, bands, zones, start
        self.looked_from = start
        """The first minute that was asked about, or `start`."""
        self.edges = cache(searched(self._bounds, self._steps))
        self.beats = cache(self._has_beaten)

    def _has_beaten(self, band: BandId) -> bool:
        """Whether a band found a heart rate at any time in the 16 days before `start`."""
        first = instant_of(self._start - FARTHEST_MINUTES)
        return self._store.has_heart_rate(band, first, instant_of(self._start))

    def _bounds(self, start: int, end: int) -> tuple[int, int] | None:
        """A first and a last minute outside of which no band reports steps in the minutes `[start, end)`."""
        self.looked_from = min(self.looked_from, start)
        begins, ends = instant_of(start), instant_of(end)
        found = [self._store.stepped(band.id, begins, ends, within=COARSE) for band in self._bands]
        known = [each for each in found if each is not None]
        if not known:
            return None
        first, last = min(first for first, _ in known), max(last for _, last in known)
        return minute_of(first), minute_of(last - timedelta(seconds=1))

    def _steps(self, start: int, end: int) -> Sequence[int]:
        """The steps of the minutes `[start, end)`, of all bands together."""
        by_heart = any(self.beats(band.id) for band in self._bands if not band.reports_wear)
        first, last = start - by_heart * HEART_WINDOW_MINUTES, end + HEART_GAP_MINUTES + FINE_MINUTES
        while True:
            given = sources(self._store, self._bands, first, last, longest_minutes=COARSE_MINUTES)
            since, _ = _worn_from(self._bands, given, first, start, self.beats)
            since = max(since, start - FARTHEST_MINUTES)
            if not by_heart or since >= first:
                return timeline(given, first, end, self._zones).steps[start - first :]
            first = since


def _reaches_edge(line: Timeline, found: Bouts, start: datetime, end: datetime, now: datetime) -> bool:
    """Whether loading more could change a stretch that touches `[start, end)`.

    The start of the timeline is certain only after `HEART_WINDOW_MINUTES`: no part of the rule looks back further. Its
    end is certain only `WORD_MINUTES` before: what comes then may vouch for stillness.
    """
    settled, heard = instant_of(line.first + HEART_WINDOW_MINUTES), instant_of(line.last - WORD_MINUTES)
    early = any(stretch.start < settled and stretch.end > start for stretch in found.stretches)
    late = line.last < minute_of(now) and any(
        stretch.start < end and (stretch.ended_by is None or stretch.end > heard) for stretch in found.stretches
    )
    return early or late


def chosen_bands(store: Reported, only_band: Band | None) -> Sequence[Band]:
    """The bands to judge by: `only_band`, or all bands if it is None."""
    return store.bands() if only_band is None else [only_band]

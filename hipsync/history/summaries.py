"""Summaries of local days: what the store holds of a day, judged by the rule, with what was said and done.

On the path of `hipsync today`, so it imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import hipsync.core.bouts
import hipsync.core.summary
import hipsync.core.timeline
import hipsync.history.past
from hipsync.core.bouts import Rule
from hipsync.core.summary import DaySummary, Judged, Worn, judged_day, summed_up
from hipsync.core.timeline import instant_of, minute_of
from hipsync.history.past import Seen, bands_of, seen
from hipsync.model import BandId, Prompt

if TYPE_CHECKING:
    from hipsync.core.days import Day, Zones
    from hipsync.model import Band
    from hipsync.store import Store


def summarise(store: Store, rule: Rule, zones: Zones, day: date, now: datetime, only: Band | None = None) -> DaySummary:
    """The summary of a local day, as far as it is known at `now`; of all bands, or of one `only`."""
    span = zones.day(day)
    judged = judged_day(*_seen_day(store, rule, zones, span, now, only), span, now)
    return _told(store, rule, span, now, judged, resolutions(store, span, only))


def summarise_days(
    store: Store, rule: Rule, zones: Zones, days: Sequence[date], now: datetime, only: Band | None = None
) -> list[DaySummary]:
    """The summary of each of these local days, in their order.

    A day is judged once, and kept in the file if that can be written, until something comes that it rests upon.
    """
    from hipsync.history.day_codec import packed, unpacked
    from hipsync.store import KeptDay

    spans = [zones.day(day) for day in days]
    if not spans:
        return []
    mark, fresh = store.mark(), list[KeptDay]()
    of, judged_by = "all" if only is None else str(only.id), _judged_by(store, rule, only)
    kept = {
        (day.start, day.until, day.zone): day
        for day in store.kept_days(spans[0].start, spans[-1].end, of, judged_by)
        if _settled(day.loaded_until, now)
    }
    found: list[DaySummary] = []
    for span in spans:
        held = kept.get((span.start, span.end, span.zone.key))
        if held is not None:
            judged, bands = unpacked(held.kinds, held.facts)
        else:
            line, stretches = _seen_day(store, rule, zones, span, now, only)
            judged, bands = judged_day(line, stretches, span, now), resolutions(store, span, only)
            loaded = instant_of(line.first), instant_of(line.last)
            if _settled(loaded[1], now):
                columns = packed(judged, bands)
                fresh.append(KeptDay(span.start, span.end, span.zone.key, of, judged_by, *loaded, *columns))
        found.append(_told(store, rule, span, now, judged, bands))
    if fresh:
        store.keep_days(fresh, mark)
    return found


def _seen_day(store: Store, rule: Rule, zones: Zones, span: Day, now: datetime, only: Band | None) -> Seen:
    return seen(store, rule, zones, span.start, min(span.end, max(now, span.start)), now, only)


def _settled(loaded_until: datetime, now: datetime) -> bool:
    """Whether all was loaded that a day may rest upon: a later `now` would load no more."""
    return minute_of(loaded_until) < minute_of(now)


def _judged_by(store: Store, rule: Rule, only: Band | None) -> str:
    """All that a judgement rests upon besides a day's readings and bounds: settings, bands, and this very program."""
    bands = [(band.id, band.vouches, band.reports_wear) for band in bands_of(store, only)]
    return repr((tuple(rule), bands, _edition()))


def _edition() -> list[tuple[int, int]]:
    """Another one after an upgrade: sizes and times of the files that judge."""
    files = [
        __file__,
        hipsync.history.past.__file__,
        *(module.__file__ or "" for module in (hipsync.core.timeline, hipsync.core.bouts, hipsync.core.summary)),
    ]
    return [(stat.st_size, stat.st_mtime_ns) for stat in (Path(file).stat() for file in files)]


def _told(
    store: Store, rule: Rule, span: Day, now: datetime, judged: Judged, resolutions: Sequence[tuple[BandId, int]]
) -> DaySummary:
    bands = {band.id: band for band in store.bands()}
    return summed_up(
        judged,
        span,
        now,
        limit=rule.limit,
        bands=[
            Worn(bands[band].name, bands[band].simulated, minutes) for band, minutes in resolutions if band in bands
        ],
        prompts=said(store, span.start, span.end),
        exercises=store.exercises(span.start, span.end),
    )


def resolutions(store: Store, day: Day, only: Band | None = None) -> list[tuple[BandId, int]]:
    """The bands that have data of a day, each with its finest resolution in minutes."""
    return [
        (band.id, max(int(resolution.total_seconds()) // 60, 1))
        for band in bands_of(store, only)
        if (resolution := store.resolution(band.id, day.start, day.end)) is not None
    ]


def said(store: Store, start: datetime, end: datetime) -> Sequence[Prompt]:
    """Prompts that concern a day, those of stretches that began the day before included."""
    return store.prompts(start - timedelta(days=1), end + timedelta(days=1))

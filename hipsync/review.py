"""From the store to a day: loads as much around it as its stretches need, and sums it up.

On the path of `hipsync today`, so it imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from hipsync.bouts import Bouts, Rule, bouts
from hipsync.model import Prompt
from hipsync.summary import DaySummary, Worn, day_summary
from hipsync.timeline import HEART_WINDOW, Source, Timeline, instant_of, minute_of, timeline

if TYPE_CHECKING:
    from hipsync.config import Config
    from hipsync.days import Day, Zones
    from hipsync.store import Band, Store

AROUND = 6 * 60
"""Minutes loaded before and after; doubled while a stretch of the time asked for reaches the edge."""
FARTHEST = 64 * AROUND


class Seen(NamedTuple):
    """A piece of the past, as it is judged."""

    line: Timeline
    found: Bouts


def rule_of(config: Config) -> Rule:
    """The sitting rule of the user's settings."""
    return Rule(
        limit=config.limit_minutes,
        break_steps=config.break_steps,
        break_window=config.break_window_minutes,
        moves=config.moves,
        trust_posture=config.trust_posture,
    )


def seen(
    store: Store,
    rule: Rule,
    zones: Zones,
    start: datetime,
    end: datetime,
    now: datetime,
    only: Band | None = None,
) -> Seen:
    """Timeline and stretches from before `start` to after `end`, never beyond `now`, with whole stretches at both.

    Of all bands, or of one `only`.
    """
    around = AROUND
    while True:
        first = minute_of(start) - around
        last = min(minute_of(end) + around, minute_of(now))
        line = timeline(sources(store, first, last, only), first, last, zones.at(start))
        found = bouts(line, rule)
        if around >= FARTHEST or not _reaches_edge(line, found, start, end, now):
            return Seen(line, found)
        around *= 2


def _reaches_edge(line: Timeline, found: Bouts, start: datetime, end: datetime, now: datetime) -> bool:
    """Whether more of the past or the future could change a stretch. No rule looks further back than for the heart."""
    if not found.stretches:
        return False
    settled, last = instant_of(line.first + HEART_WINDOW), found.stretches[-1]
    early = any(stretch.start < settled and stretch.end > start for stretch in found.stretches)
    late = last.ended_by is None and last.start < end and line.last < minute_of(now)
    return early or late


def sources(store: Store, first: int, last: int, only: Band | None = None) -> list[Source]:
    """What each band reported of minutes `[first, last)`."""
    return [
        Source(
            store.epochs(band.id, instant_of(first), instant_of(last)),
            store.counters(band.id, instant_of(first), instant_of(last)),
            store.wears(band.id, instant_of(first), instant_of(last)),
            vouches=band.vouches,
            reports_wear=band.reports_wear,
        )
        for band in ([only] if only is not None else store.bands())
    ]


def summarise(store: Store, rule: Rule, zones: Zones, day: date, now: datetime, only: Band | None = None) -> DaySummary:
    """The summary of a local day, as far as it is known at `now`; of all bands, or of one `only`."""
    span = zones.day(day)
    line, found = seen(store, rule, zones, span.start, min(span.end, max(now, span.start)), now, only)
    return day_summary(
        line,
        found,
        span,
        now,
        limit=rule.limit,
        bands=worn(store, span, only),
        prompts=said(store, span.start, span.end),
        exercises=store.exercises(span.start, span.end),
    )


def summarise_days(
    store: Store, rule: Rule, zones: Zones, days: Sequence[date], now: datetime, only: Band | None = None
) -> list[DaySummary]:
    """The summary of each of these local days, in their order."""
    return [summarise(store, rule, zones, day, now, only) for day in days]


def worn(store: Store, day: Day, only: Band | None = None) -> list[Worn]:
    """The bands that have data of a day, with the finest resolution of each."""
    return [
        Worn(band.name, band.simulated, max(int(resolution.total_seconds()) // 60, 1))
        for band in ([only] if only is not None else store.bands())
        if (resolution := store.resolution(band.id, day.start, day.end)) is not None
    ]


def said(store: Store, start: datetime, end: datetime) -> Sequence[Prompt]:
    """Prompts that concern a day, those of stretches that began the day before included."""
    return store.prompts(start - timedelta(days=1), end + timedelta(days=1))

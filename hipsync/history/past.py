"""A piece of the past from the store, as the rule judges it: a timeline, and the stretches and breaks in it.

Stretches can begin before the time that is asked for and end after it. So this module loads six hours around it,
and more while a stretch reaches the edge of what was loaded. It is on the path of `hipsync today` and imports nothing
heavy.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from hipsync.core.bouts import Bouts, Rule, bouts
from hipsync.core.timeline import HEART_WINDOW, Source, Timeline, instant_of, minute_of, timeline

if TYPE_CHECKING:
    from hipsync.core.days import Zones
    from hipsync.model import Band
    from hipsync.settings.config import Config
    from hipsync.store import Store

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
        for band in bands_of(store, only)
    ]


def bands_of(store: Store, only: Band | None) -> Sequence[Band]:
    return store.bands() if only is None else [only]

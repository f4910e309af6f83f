"""What bands reported, as sources of a timeline: from the store, or cut from a longer time that was loaded before.

Days in a row need the same readings several times, as each looks at some hours around it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hipsync.core.timeline import Source, instant_of
from hipsync.model import DAY, MINUTE, MinuteEpochs

if TYPE_CHECKING:
    from hipsync.history.port import Reported
    from hipsync.model import Band


def sources(
    store: Reported,
    bands: Sequence[Band],
    first: int,
    last: int,
    *,
    counters_from: int | None = None,
    longest_minutes: int = DAY // MINUTE,
) -> list[Source]:
    """Load what each of these bands reported for the minutes `[first, last)`, counted from 1970.

    Counters are loaded from the minute `counters_from` on, if it is given: whether a count is possible depends on all
    the readings of its local day. Epochs of more than `longest_minutes` are left out.
    """
    longer = range(2, longest_minutes + 1)
    since = first if counters_from is None else counters_from
    return [
        Source(
            store.epochs(band.id, instant_of(first), instant_of(last), lengths=longer),
            store.counters(band.id, instant_of(since), instant_of(last)),
            store.wears(band.id, instant_of(first), instant_of(last)),
            vouches=band.vouches,
            reports_wear=band.reports_wear,
            workouts=store.workouts(band.id, instant_of(first), instant_of(last)),
            minutes=store.minute_epochs(band.id, instant_of(first), instant_of(last)),
        )
        for band in bands
    ]


class Loaded:
    """What these bands reported for the minutes `[first, last)`, to be cut as often as needed."""

    def __init__(self, store: Reported, bands: Sequence[Band], first: int, last: int) -> None:
        self._store, self._bands, self._first, self._last = store, bands, first, last
        self._whole = sources(store, bands, first, last)

    def sources(self, first: int, last: int, counters_from: int) -> list[Source]:
        """The same as `sources` gives of the store; from the store where it is more than what was loaded."""
        if min(first, counters_from) < self._first or last > self._last:
            return sources(self._store, self._bands, first, last, counters_from=counters_from)
        return [_cut(source, first, last, counters_from) for source in self._whole]


def _cut(source: Source, first: int, last: int, counters_from: int) -> Source:
    """The part of a source that belongs to the minutes `[first, last)`, its counters from `counters_from` on."""
    start, end, since = instant_of(first), instant_of(last), instant_of(counters_from)
    epochs, counters, wears = source.epochs, source.counters, source.wears
    begun = bisect_left(epochs, start - DAY, key=lambda epoch: epoch.start)
    ended = bisect_left(epochs, end, key=lambda epoch: epoch.start)
    read_before = max(bisect_left(counters, since, key=lambda counter: counter.at) - 1, 0)
    read_after = bisect_left(counters, end, key=lambda counter: counter.at) + 1
    worn_before = max(bisect_left(wears, start, key=lambda wear: wear.at) - 1, 0)
    worn_after = bisect_left(wears, end, key=lambda wear: wear.at)
    return source._replace(
        epochs=[epoch for epoch in epochs[begun:ended] if epoch.end > start],
        counters=counters[read_before:read_after],
        wears=wears[worn_before:worn_after],
        workouts=[each for each in source.workouts if each.start < end and each.end > start],
        minutes=_cut_minutes(source.minutes, first, last),
    )


def _cut_minutes(minutes: MinuteEpochs, first: int, last: int) -> MinuteEpochs:
    """The minutes `[first, last)` of these epochs, as far as there are any."""
    begin = max(first, minutes.first)
    cut = slice(begin - minutes.first, max(last - minutes.first, 0))
    return MinuteEpochs(begin, minutes.steps[cut], minutes.said[cut])

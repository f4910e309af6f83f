"""What bands reported of one wearer, from band-days: another store behind the judgement of days (`history.port`).

The judgement asks for some days, for hours around them, and for two weeks before. So band-days are fetched in blocks,
each once, and kept as columns. Each time for which a band was handed to the wearer is a band of its own here.
"""

from __future__ import annotations

import contextlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from operator import attrgetter

from hipsync.fleet.heard import Columns, HeardDay, Worn, columns, nothing
from hipsync.model import (
    MINUTE,
    NOT_TOLD,
    PULSE,
    Band,
    BandId,
    Counter,
    DeskTime,
    Epoch,
    MinuteEpochs,
    PresenceSpan,
    Wear,
    Workout,
)
from hipsync.store.file import instant, seconds
from hipsync.store.readings import ALL_LENGTHS

BLOCK = timedelta(days=8)
"""How much more is fetched than was asked for, on the side that was asked about."""
_DAY = timedelta(days=1)
"""So long an epoch or a workout can last."""
_AT = attrgetter("at")
_LIVE = 5 * MINUTE
"""How far apart two readings of a counter are that is told live."""
LONGER = ALL_LENGTHS[1:]
_NONE_BEFORE = -1
_WITHOUT_PULSE = bytes(range(PULSE))

Fetch = Callable[[date, date], Sequence[HeardDay]]
"""Gives the wearer's band-days of `[first, last)`, and of each of his bands those nearest before and after that have
readings of a counter, or changes of wear."""


class ReportedDays:
    """What was reported of one wearer; `history.port.Reported` says what each method means."""

    def __init__(self, worn: Sequence[Worn], fetch: Fetch) -> None:
        self._worn = {BandId(one.id): one for one in worn}
        self._fetch = fetch
        self._parts: dict[tuple[int, date], Columns] = {}
        self._known: dict[BandId, Columns] = {}
        self._range: tuple[date, date] | None = None
        """The days `[first, last)` that were fetched."""

    def snapshot(self) -> contextlib.AbstractContextManager[None]:
        """Whoever judges holds a lock on the wearer, so that all that is read is of one instant."""
        return contextlib.nullcontext()

    def bands(self) -> list[Band]:
        """One for each time for which a band was handed to the wearer."""
        return [
            Band(number, str(number), one.driver, None, "", simulated=False, vouches=one.vouches,
                 reports_wear=one.reports_wear, added=one.since)
            for number, one in self._worn.items()
        ]  # fmt: skip

    def epochs(self, band: BandId, start: datetime, end: datetime, *, lengths: range = LONGER) -> list[Epoch]:
        """Those of more than one minute, which alone are asked for so, without what no judgement asks for."""
        longer = self._of(band, start, end).longer
        return [each for each in longer if each.start < end and each.end > start and each.length // MINUTE in lengths]

    def minute_epochs(self, band: BandId, start: datetime, end: datetime) -> MinuteEpochs:
        known = self._of(band, start, end)
        first, last = _overlapping(known.minutes, start, end)
        if first == last:
            return MinuteEpochs()
        begin, size = known.minutes[first], known.minutes[last - 1] + 1 - known.minutes[first]
        steps, told = known.steps[first:last], bytes(known.said[first:last])
        if size == last - first:
            return MinuteEpochs(begin, steps, told)
        whole, whole_steps = bytearray([NOT_TOLD]) * size, [0] * size
        for minute, count, word in zip(known.minutes[first:last], steps, told, strict=True):
            whole[minute - begin], whole_steps[minute - begin] = word, count
        return MinuteEpochs(begin, whole_steps, bytes(whole))

    def has_heart_rate(self, band: BandId, start: datetime, end: datetime) -> bool:
        known = self._of(band, start, end)
        first, last = _begun(known.minutes, start, end)
        return bool(bytes(known.said[first:last]).translate(None, _WITHOUT_PULSE)) or any(
            (epoch.heart_rate or 0) > 0 for epoch in known.longer if start <= epoch.start < end
        )

    def counters(self, band: BandId, start: datetime, end: datetime) -> list[Counter]:
        counters = self._of(band, start, end).counters
        first, last = (bisect_left(counters, at, key=_AT) for at in (start, end))
        return counters[max(first - 1, 0) : last + 1]

    def wears(self, band: BandId, start: datetime, end: datetime) -> list[Wear]:
        wears = self._of(band, start, end).wears
        first, last = (bisect_left(wears, at, key=_AT) for at in (start, end))
        return wears[max(first - 1, 0) : last]

    def workouts(self, band: BandId, start: datetime, end: datetime) -> list[Workout]:
        workouts = self._of(band, start, end).workouts
        return [each for each in workouts if each.start < end and each.end > start]

    def stepped(
        self, band: BandId, start: datetime, end: datetime, *, within: timedelta
    ) -> tuple[datetime, datetime] | None:
        known = self._of(band, start - within, end + within)
        first, last = _overlapping(known.minutes, start, end)
        times = [
            (epoch.start, epoch.end)
            for epoch in [each for each in known.longer if each.start < end and each.end > start]
            if epoch.steps > 0 and epoch.length <= within
        ]
        if (begins := next((at for at in range(first, last) if known.steps[at]), None)) is not None:
            ends = next(at for at in range(last - 1, begins - 1, -1) if known.steps[at])
            times.append((instant(known.minutes[begins] * 60), instant((known.minutes[ends] + 1) * 60)))
        if (grown := _grown(known.counters, start, end, within)) is not None:
            times.append(grown)
        if not times:
            return None
        return max(min(begin for begin, _ in times), start), min(max(until for _, until in times), end)

    def resolution(self, band: BandId, start: datetime, end: datetime) -> timedelta | None:
        known = self._of(band, start, end)
        first, last = _begun(known.minutes, start, end)
        if first < last:
            return MINUTE
        shortest = min((epoch.length for epoch in known.longer if start <= epoch.start < end), default=None)
        live = [reading.at for reading in known.counters if start <= reading.at < end]
        close = any(other - one <= _LIVE for one, other in pairwise(live))
        return MINUTE if live and (shortest is None or close) else shortest

    def presences(self, start: datetime, end: datetime) -> Sequence[PresenceSpan]:  # noqa: ARG002
        """None: nobody's computer is known here."""
        return ()

    def desk_times(self, start: datetime, end: datetime) -> Sequence[DeskTime]:  # noqa: ARG002
        """None, as of presence."""
        return ()

    def _of(self, band: BandId, start: datetime, end: datetime) -> Columns:
        """What is known of a band, after all was fetched that can overlap `[start, end)`."""
        first, last = start.astimezone(UTC).date() - _DAY, end.astimezone(UTC).date() + _DAY
        if self._range is None:
            self._take(first - BLOCK, last)
            self._range = first - BLOCK, last
        have_first, have_last = self._range
        if first < have_first:
            self._take(first - BLOCK, have_first)
            have_first = first - BLOCK
        if last > have_last:
            self._take(have_last, last + BLOCK)
            have_last = last + BLOCK
        self._range = have_first, have_last
        return self._known.get(band) or nothing()

    def _take(self, first: date, last: date) -> None:
        for day in self._fetch(first, last):
            if (day.worn, day.day) not in self._parts:
                self._parts[day.worn, day.day] = columns(self._worn[BandId(day.worn)], day)
        self._known = {}
        for (number, _), part in sorted(self._parts.items(), key=lambda each: each[0]):
            whole = self._known.setdefault(BandId(number), nothing())
            whole.extend(part)


def _overlapping(minutes: Sequence[int], start: datetime, end: datetime) -> tuple[int, int]:
    """The places `[first, last)` of the minutes, in order, that overlap `[start, end)`."""
    first = bisect_right(minutes, seconds(start) // 60 - 1)
    return first, max(bisect_left(minutes, -(-seconds(end) // 60)), first)


def _begun(minutes: Sequence[int], start: datetime, end: datetime) -> tuple[int, int]:
    """The places `[first, last)` of the minutes, in order, that begin in `[start, end)`."""
    first, last = (bisect_left(minutes, -(-seconds(at) // 60)) for at in (start, end))
    return first, last


def _grown(
    counters: Sequence[Counter], start: datetime, end: datetime, within: timedelta
) -> tuple[datetime, datetime] | None:
    """As `stepped`, for a counter: all readings before that time are alike, and so are all after it."""
    last = next((each for each in reversed(counters) if start < each.at < end + within and each.steps > 0), None)
    if last is None:
        return None
    begun = next(
        (each for each in reversed(counters) if start - within <= each.at <= start), Counter(start, _NONE_BEFORE)
    )
    grown = next((each for each in counters if begun.at < each.at <= last.at and each.steps != begun.steps), None)
    if grown is None:
        return None
    before = next((each for each in reversed(counters) if grown.at - within <= each.at < grown.at), grown)
    other = next(
        (each for each in reversed(counters) if begun.at < each.at < last.at and each.steps != last.steps), begun
    )
    after = next((each for each in counters if each.at > other.at), last)
    return before.at, min(after.at, other.at + within)

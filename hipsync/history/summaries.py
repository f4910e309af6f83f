"""Summaries of local days: what the store has of a day, judged by the rule, with what was shown and done.

Judging a day takes long, and a day that is over hardly changes. So `summarise_days` stores the judged part of each
complete day. It uses that again while settings, bands, readings and this program's way of judging are the same.
`summarise` judges its single day every time. It is on the path of `hipsync today`, so this module imports nothing
slow.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from hipsync.core.bouts import Rule
from hipsync.core.summary import BandOfDay, DaySummary, JudgedDay, judged_day, summed_up
from hipsync.core.timeline import instant_of, minute_of
from hipsync.history.loaded import Loaded
from hipsync.history.past import AROUND_MINUTES, Past, chosen_bands, judged_past
from hipsync.model import DAY, Band, BandId, Exercise, Prompt

if TYPE_CHECKING:
    from hipsync.core.days import Day, Zones
    from hipsync.history.day_codec import Resolutions
    from hipsync.history.port import Reported
    from hipsync.store import Store, StoredDay

JUDGED_AS = 13
"""The version of this program's way of judging a day. Stored days of another version are judged again.

Raise it with every change of the code that judges; `tests/history/test_judged_as.py` says when that is needed.
"""


TOGETHER = 32
"""For so many days readings are loaded at once: as many as a month has, so that memory stays bounded."""


def summarise(
    store: Store, rule: Rule, zones: Zones, day: date, now: datetime, only_band: Band | None = None
) -> DaySummary:
    """The summary of a local day as far as it is known at `now`, from all bands or from `only_band`."""
    span = zones.day(day)
    with store.snapshot():
        past = _past_of(store, rule, zones, span, now, only_band)
        judged = judged_day(past.line, past.found, span, now, trust_posture=rule.trust_posture)
        return _joined(
            _beside(store, span.start, span.end), rule, span, now, judged, resolutions(store, span, only_band)
        )


def summarise_days(
    store: Store, rule: Rule, zones: Zones, days: Sequence[date], now: datetime, only_band: Band | None = None
) -> list[DaySummary]:
    """Return the summary of each of these local days, in their order, from all bands or from `only_band`.

    Days that were judged before are taken from the store. Others are judged and, if they are complete, stored. If the
    file cannot be written, they are judged again the next time.
    """
    spans = [zones.day(day) for day in days]
    if not spans:
        return []
    mark = store.mark()
    with store.snapshot():
        summaries, fresh = _summaries(store, rule, zones, spans, now, only_band)
    if fresh:
        store.store_days(fresh, mark)
    return summaries


def _summaries(
    store: Store, rule: Rule, zones: Zones, spans: Sequence[Day], now: datetime, only_band: Band | None
) -> tuple[list[DaySummary], list[StoredDay]]:
    """Return the summary of each of these days, and those that were judged just now and can be stored."""
    from hipsync.history.day_codec import encoded
    from hipsync.store import StoredDay

    judged_by = _judged_by(store, rule, only_band)
    number = None if only_band is None else only_band.id
    stored = _stored_days(store, spans, number, judged_by, now)
    decoded = {span: _decoded(stored.get((span.start, span.end, span.zone.key))) for span in spans}
    known = {span: day for span, day in decoded.items() if day is not None}
    fresh: list[StoredDay] = []
    for span, judged, bands, looked_from, looked_until in judged_days(
        store, rule, zones, [span for span in spans if span not in known], now, only_band
    ):
        known[span] = judged, bands
        if _is_complete(looked_until, now):
            columns = encoded(judged, bands)
            fresh.append(
                StoredDay(span.start, span.end, span.zone.key, number, judged_by, looked_from, looked_until, *columns)
            )
    beside = _beside(store, min(span.start for span in spans), max(span.end for span in spans))
    return [_joined(beside, rule, span, now, *known[span]) for span in spans], fresh


class Judgement(NamedTuple):
    """A day as it was judged by what bands reported, and nothing else."""

    span: Day
    judged: JudgedDay
    bands: Resolutions
    looked_from: datetime
    looked_until: datetime
    """The readings that were looked at are those of `[looked_from, looked_until)`."""


def judged_days(
    store: Reported, rule: Rule, zones: Zones, spans: Sequence[Day], now: datetime, only_band: Band | None = None
) -> Iterator[Judgement]:
    """Judge each of these days, which are in order of time, up to `now`, by data of all bands or of `only_band`."""
    for days in _in_a_row(spans):
        for span, past in zip(days, _pasts_of(store, rule, zones, days, now, only_band), strict=True):
            judged = judged_day(past.line, past.found, span, now, trust_posture=rule.trust_posture)
            bands = resolutions(store, span, only_band)
            yield Judgement(span, judged, bands, instant_of(past.looked_from), instant_of(past.line.last))


def _in_a_row(spans: Sequence[Day]) -> Iterator[list[Day]]:
    """Days that follow each other, at most `TOGETHER` of them at a time."""
    row: list[Day] = []
    for span in spans:
        if row and (row[-1].end != span.start or len(row) == TOGETHER):
            yield row
            row = []
        row.append(span)
    if row:
        yield row


def _pasts_of(
    store: Reported, rule: Rule, zones: Zones, days: Sequence[Day], now: datetime, only_band: Band | None
) -> Iterator[Past]:
    """The past of each of these days in a row. What several of them rest upon is loaded once."""
    loaded = None
    if len(days) > 1:
        first, last = minute_of(days[0].start) - AROUND_MINUTES, minute_of(days[-1].end) + AROUND_MINUTES
        loaded = Loaded(store, chosen_bands(store, only_band), first, last)
    return (_past_of(store, rule, zones, day, now, only_band, loaded) for day in days)


def _decoded(row: StoredDay | None) -> tuple[JudgedDay, Resolutions] | None:
    """What a stored day says; None if there is none, or if it is damaged, so that it has to be judged again."""
    from hipsync.history.day_codec import decoded

    if row is None:
        return None
    try:
        return decoded(row.kinds, row.facts)
    except ValueError:
        return None


def _stored_days(
    store: Store, spans: Sequence[Day], only_band: BandId | None, judged_by: str, now: datetime
) -> Mapping[tuple[datetime, datetime, str], StoredDay]:
    """The stored days that are complete and were judged in just this way, by (start, end, name of the zone)."""
    days = store.stored_days(spans[0].start, spans[-1].end, only_band, judged_by)
    return {(day.start, day.until, day.zone): day for day in days if _is_complete(day.loaded_until, now)}


def _past_of(
    store: Reported,
    rule: Rule,
    zones: Zones,
    span: Day,
    now: datetime,
    only_band: Band | None,
    loaded: Loaded | None = None,
) -> Past:
    until = min(span.end, max(now, span.start))
    return judged_past(store, rule, zones, span.start, until, now, only_band, loaded=loaded)


def _is_complete(loaded_until: datetime, now: datetime) -> bool:
    """Whether a later `now` would load no more than was loaded for a day, so that its judgement can be stored."""
    return minute_of(loaded_until) < minute_of(now)


def _judged_by(store: Store, rule: Rule, only_band: Band | None) -> str:
    """All that a judgement depends on besides the day and its readings: rule, bands, version of the program."""
    bands = [(band.id, band.vouches, band.reports_wear) for band in chosen_bands(store, only_band)]
    return repr((tuple(rule), bands, JUDGED_AS))


class _Beside(NamedTuple):
    """What the store has of some days beside what is judged. It is asked for once, however many days there are."""

    bands: Mapping[BandId, Band]
    prompts: Sequence[Prompt]
    """Those of the days, of the day before and of the day after, in order of time."""
    exercises: Sequence[Exercise]
    """In order of time."""


def _beside(store: Store, start: datetime, end: datetime) -> _Beside:
    """What the store has of the days `[start, end)` beside what is judged."""
    bands = {band.id: band for band in store.bands()}
    return _Beside(bands, prompts_around(store, start, end), store.exercises(start, end))


def _joined(
    beside: _Beside, rule: Rule, span: Day, now: datetime, judged: JudgedDay, resolutions: Sequence[tuple[BandId, int]]
) -> DaySummary:
    """Return a judged day with the names of its bands, and with the prompts and exercises of that day."""
    bands = beside.bands
    return summed_up(
        judged,
        span,
        now,
        limit_minutes=rule.limit_minutes,
        bands=[
            BandOfDay(bands[band].name, bands[band].simulated, minutes)
            for band, minutes in resolutions
            if band in bands
        ],
        prompts=_between(beside.prompts, span.start - DAY, span.end + DAY),
        exercises=_between(beside.exercises, span.start, span.end),
    )


_At = TypeVar("_At", Prompt, Exercise)


def _between(each: Sequence[_At], start: datetime, end: datetime) -> Sequence[_At]:
    """Those of `[start, end)`; `each` is in order of time."""
    first, last = (bisect_left(each, instant, key=attrgetter("at")) for instant in (start, end))
    return each[first:last]


def resolutions(store: Reported, day: Day, only_band: Band | None = None) -> list[tuple[BandId, int]]:
    """The bands that have data for a day, each with its finest resolution in minutes."""
    return [
        (band.id, max(int(resolution.total_seconds()) // 60, 1))
        for band in chosen_bands(store, only_band)
        if (resolution := store.resolution(band.id, day.start, day.end)) is not None
    ]


def prompts_around(store: Store, start: datetime, end: datetime) -> Sequence[Prompt]:
    """Prompts that concern a day `[start, end)`: its own, and those of the day before and the day after.

    A stretch that the day shows may have had its prompt before midnight, or may get it afterwards.
    """
    return store.prompts(start - DAY, end + DAY)

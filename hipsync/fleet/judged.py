"""A judged day that comes back from Postgres, as the summary that every output of hipsync shows."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hipsync.core.days import Day, Zones
from hipsync.core.summary import KINDS, DaySummary, JudgedDay, summed_up
from hipsync.core.timeline import instant_of, minute_of
from hipsync.errors import FleetError
from hipsync.history.day_codec import decoded
from hipsync.model import DAY, MINUTE, Kind
from hipsync.text import clean

_UNKNOWN = bytes([KINDS.index(Kind.UNKNOWN)])
_DAMAGED = (ValueError, KeyError, TypeError, OverflowError, OSError, zlib.error)
"""What reading a row can raise that was damaged, or made up."""


class JudgedRow(NamedTuple):
    """What the table `judged` has of a day."""

    day: date
    zone: str
    start: datetime
    until: datetime
    limit_minutes: int
    kinds: bytes
    facts: str


def zone_of(name: str) -> ZoneInfo:
    """The zone of this name. Raises `FleetError` if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise FleetError(f"the fleet's database names a time zone {clean(name)!r}, which there is not") from error


def summaries(
    rows: Iterable[JudgedRow], zone: str, limit_minutes: int, first: date, days: int, now: datetime
) -> Iterator[DaySummary]:
    """So many days from `first` on, in order; of a day without a row, or with a damaged one, nothing is known.

    `zone` is the wearer's, which there is. Days after that of `now` have no minutes yet.
    """
    by_day = {row.day: row for row in rows}
    zones = Zones([], zone)
    for day in (first + at * DAY for at in range(days)):
        row = by_day.get(day)
        yield (_summary(row) if row else None) or _empty(zones.day(day), limit_minutes, now)


def _summary(row: JudgedRow) -> DaySummary | None:
    """A day as it was judged, up to when it was; None if the row is damaged."""
    try:
        judged, _ = decoded(row.kinds, row.facts)
        span = Day(row.day, row.start, row.until, zone_of(row.zone))
        until = row.start + len(judged.kinds) * MINUTE
        if until > row.until or max(judged.kinds, default=0) >= len(KINDS) or _strays(judged, span.start, until):
            return None
        return summed_up(judged, span, until, limit_minutes=row.limit_minutes)
    except (*_DAMAGED, FleetError):
        return None


def _strays(judged: JudgedDay, start: datetime, until: datetime) -> bool:
    """Whether a piece of a spell lies outside of the minutes of its day."""
    return any(not start <= piece.start <= piece.end <= until for piece in judged.stretches)


def _empty(span: Day, limit_minutes: int, now: datetime) -> DaySummary:
    until = max(min(instant_of(minute_of(now)), span.end), span.start)
    judged = JudgedDay(None, 0, _UNKNOWN * ((until - span.start) // MINUTE), (), (), ())
    return summed_up(judged, span, now, limit_minutes=limit_minutes)

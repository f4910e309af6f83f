"""What the fleet's database has of wearers month by month, for an export. A month is one of UTC."""

from __future__ import annotations

import contextlib
import zlib
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from hipsync.fleet.months import Handed, HeardRow, JudgedMark, JudgedMinutes, MonthMark

if TYPE_CHECKING:
    from hipsync.fleet.database import Snapshot


class Who(NamedTuple):
    """A wearer."""

    pseudonym: str
    zone: str
    limit_minutes: int


class _Kinds(NamedTuple):
    start: datetime
    kinds: bytes


def wearers(snapshot: Snapshot) -> list[Who]:
    """All wearers, in order of the pseudonym."""
    return snapshot.rows(Who, 'hipsync.wearers ORDER BY pseudonym COLLATE "C"')


def handed(snapshot: Snapshot) -> list[Handed]:
    """Which band was handed to whom, and when."""
    return snapshot.rows(
        Handed,
        "(SELECT who.pseudonym AS wearer, w.id AS worn, w.band, b.driver, b.vouches, b.reports_wear, w.since, w.until"
        " FROM hipsync.worn AS w JOIN hipsync.wearers AS who ON who.id = w.wearer"
        " JOIN hipsync.bands AS b ON b.id = w.band)"
        ' AS each ORDER BY wearer COLLATE "C", worn',
    )


def months(snapshot: Snapshot) -> list[MonthMark]:
    """Each month of which a band told while a wearer had it."""
    return snapshot.rows(
        MonthMark,
        "(SELECT who.pseudonym AS wearer, date_trunc('month', d.day::timestamp)::date AS month,"
        " count(*)::integer AS days, max(d.changed) AS changed FROM hipsync.worn AS w"
        " JOIN hipsync.wearers AS who ON who.id = w.wearer JOIN hipsync.band_days AS d ON d.band = w.band"
        " AND d.day >= (w.since AT TIME ZONE 'UTC')::date"
        " AND d.day <= coalesce((w.until AT TIME ZONE 'UTC')::date, 'infinity')"
        ' GROUP BY who.pseudonym, 2) AS each ORDER BY wearer COLLATE "C", month',
    )


def judged_marks(snapshot: Snapshot) -> list[JudgedMark]:
    """A digest of all that was judged in each month; a day that lies in two of them counts in both."""
    return snapshot.rows(
        JudgedMark,
        "(SELECT who.pseudonym AS wearer, m.month,"
        " md5(string_agg(md5(j.kinds) || extract(epoch FROM j.start), '' ORDER BY j.day)) AS digest"
        " FROM hipsync.judged AS j JOIN hipsync.wearers AS who ON who.id = j.wearer CROSS JOIN LATERAL"
        " (SELECT DISTINCT date_trunc('month', at AT TIME ZONE 'UTC')::date AS month"
        " FROM unnest(ARRAY[j.start, j.until - interval '1 second']) AS each (at)) AS m"
        " GROUP BY who.pseudonym, m.month) AS each",
    )


def heard(snapshot: Snapshot, pseudonym: str, month: date) -> list[HeardRow]:
    """The band-days of a wearer's month."""
    return snapshot.rows(
        HeardRow,
        "(SELECT who.pseudonym, w.id AS worn, d.day, (d.epochs).start AS start, (d.epochs).length AS length,"
        " (d.epochs).steps AS steps, (d.epochs).intensity AS intensity, (d.epochs).heart_rate AS heart_rate,"
        " (d.epochs).state AS state, (d.epochs).posture AS posture, (d.counters).at AS counted_at,"
        " (d.counters).steps AS counted, (d.wears).at AS worn_at, (d.wears).worn AS is_worn,"
        " (d.workouts).start AS workout_start, (d.workouts).length AS workout_length, (d.workouts).kind AS workout_kind"
        " FROM hipsync.worn AS w JOIN hipsync.wearers AS who ON who.id = w.wearer"
        " JOIN hipsync.band_days AS d ON d.band = w.band"
        " AND d.day >= (w.since AT TIME ZONE 'UTC')::date"
        " AND d.day <= coalesce((w.until AT TIME ZONE 'UTC')::date, 'infinity'))"
        " AS each WHERE pseudonym = %(pseudonym)s AND day >= %(first)s AND day < %(last)s ORDER BY day, worn",
        pseudonym=pseudonym,
        first=month,
        last=next_month(month),
    )


def judged(snapshot: Snapshot, pseudonym: str, month: date) -> list[JudgedMinutes]:
    """The judged days that lie in a month with any of their minutes; one whose row is damaged is left out."""
    rows = snapshot.rows(
        _Kinds,
        "(SELECT who.pseudonym, j.start, j.until, j.kinds FROM hipsync.judged AS j"
        " JOIN hipsync.wearers AS who ON who.id = j.wearer) AS each WHERE pseudonym = %(pseudonym)s"
        " AND start < %(last)s::timestamp AT TIME ZONE 'UTC' AND until > %(first)s::timestamp AT TIME ZONE 'UTC'"
        " ORDER BY start",
        pseudonym=pseudonym,
        first=month,
        last=next_month(month),
    )
    found: list[JudgedMinutes] = []
    for row in rows:
        with contextlib.suppress(zlib.error):
            found.append(JudgedMinutes(row.start, zlib.decompress(row.kinds)))
    return found


def next_month(month: date) -> date:
    """The first day of the month after that of this first day."""
    return (month + timedelta(days=31)).replace(day=1)

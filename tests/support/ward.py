"""Wearers of a fleet, with what their bands reported and the days that were judged of it, in a real Postgres.

The rows are true: a gateway's store ships them, and the days are hipsync's own judgement of that store.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import psycopg

from hipsync.core.bouts import Rule
from hipsync.core.days import Zones
from hipsync.core.summary import DaySummary, summed_up
from hipsync.fleet.database import connected
from hipsync.fleet.shipping import ship
from hipsync.history.day_codec import encoded
from hipsync.history.summaries import judged_days
from hipsync.model import DAY, Reading
from hipsync.store import Store
from support.postgres import Postgres

LOGIN = "ward_1"
JUDGED = b"INSERT INTO hipsync.judged VALUES (%s, %s, %s, '1', " + b", ".join([b"%s"] * 19) + b")"


class Put(NamedTuple):
    """A wearer who was put into a fleet."""

    wearer: int
    band: int
    days: Sequence[DaySummary]
    """What hipsync itself says of his days, from the first one on that was asked for."""


def put(
    fleet: Postgres,
    pseudonym: str,
    readings: Sequence[Reading],
    now: datetime,
    first: date,
    *,
    zone: str = "Europe/London",
    limit: int = 60,
    treated: date | None = None,
    number: int = 0,
) -> Put:
    """Put a wearer there with a band of his own, and with his days from `first` up to that of `now`, which are judged.

    `number` tells bands apart, 0 to 65535.
    """
    with Store.in_memory() as store:
        address = f"C0:00:00:00:{number // 256:02X}:{number % 256:02X}"
        band = store.add_band(name="band", driver="huami", now=now, address=address, vouches=True)
        store.append(band.id, readings)
        with connected(fleet.dsn(LOGIN)) as database:
            ship(store, database, datetime.now(UTC))  # noqa: TID251  the server's clock is this computer's
        with fleet.owner() as db, db.transaction():
            wearer = one(
                db.execute(
                    "INSERT INTO hipsync.wearers (pseudonym, zone, limit_minutes, treated, added)"
                    " VALUES (%s, %s, %s, %s, %s) RETURNING id",
                    [pseudonym, zone, limit, treated, datetime.combine(first, datetime.min.time(), UTC)],
                )
            )
            there = one(db.execute("SELECT id FROM hipsync.bands ORDER BY id DESC LIMIT 1"))
            hand(db, there, wearer, datetime.combine(first, datetime.min.time(), UTC) - DAY)
            return Put(wearer, there, judge(db, store, wearer, Zones([], zone), limit, first, now))


def one(cursor: psycopg.Cursor[tuple[int, ...]]) -> int:
    """The number that a statement gives back."""
    row = cursor.fetchone()
    assert row is not None
    return row[0]


def hand(db: psycopg.Connection, band: int, wearer: int, since: datetime, until: datetime | None = None) -> None:
    db.execute(
        "INSERT INTO hipsync.worn (band, wearer, since, until) VALUES (%s, %s, %s, %s)", [band, wearer, since, until]
    )


def judge(
    db: psycopg.Connection, store: Store, wearer: int, zones: Zones, limit: int, first: date, now: datetime
) -> Sequence[DaySummary]:
    """Store the days from `first` up to that of `now` as they are judged, in place of those that are there."""
    spans = [zones.day(first + at * DAY) for at in range((zones.date_of(now) - first).days + 1)]
    found: list[DaySummary] = []
    db.execute("DELETE FROM hipsync.judged WHERE wearer = %s", [wearer])
    for span, judged, bands, looked_from, looked_until in judged_days(
        store, Rule(limit_minutes=limit), zones, spans, now
    ):
        day = summed_up(judged, span, now, limit_minutes=limit)
        found.append(day)
        if day.complete_until is None:
            continue  # a day of which nothing is known has no row
        row = [
            wearer, span.date, span.zone.key, span.start, span.end, looked_from, looked_until,
            looked_until < now - timedelta(minutes=1), *day.minutes.values(), day.steps, limit, day.longest_minutes,
            day.over_30, day.over_limit, day.breaks, *encoded(judged, bands),
        ]  # fmt: skip
        db.execute(JUDGED, row)
    return found

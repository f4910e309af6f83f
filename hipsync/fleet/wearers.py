"""The wearers of a fleet under their pseudonyms, and who wears which band, in Postgres."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from difflib import get_close_matches
from typing import NamedTuple

import psycopg
from psycopg import errors, sql

from hipsync.errors import ConfigError, FleetError
from hipsync.fleet.database import Database
from hipsync.text import clean

SHORTEST_MARK = 6
"""The fewest digits of a band's mark by which it may be called."""


class Wearer(NamedTuple):
    """A wearer, who is known by a pseudonym only."""

    pseudonym: str
    zone: str
    """An IANA name: his days begin and end by it."""
    limit_minutes: int
    """The limit of the sitting rule for him."""
    treated: date | None
    """The first day with the exercises; None if there is none yet, or if nobody said."""
    left_on: date | None
    """The first day on which he takes part no more."""
    bands: Sequence[str]
    """The marks of the bands that he wears now."""
    computers: Sequence[str]
    """The logins of the computers that are his own."""


class Handed(NamedTuple):
    """A band as it was handed on."""

    mark: str
    since: datetime
    before: str | None
    """The pseudonym of who wore it until then; None if nobody did."""


def all_wearers(database: Database) -> list[Wearer]:
    """All wearers, by pseudonym. Raises `FleetError`."""
    with database.transaction() as db:
        rows = db.execute(
            "SELECT pseudonym, zone, limit_minutes, treated, left_on, array(SELECT mark FROM hipsync.worn AS w"
            " JOIN hipsync.bands AS b ON b.id = w.band WHERE w.wearer = p.id AND since <= clock_timestamp()"
            " AND (until IS NULL OR until > clock_timestamp()) ORDER BY mark),"
            " array(SELECT login::text FROM hipsync.computers AS c WHERE c.wearer = p.id ORDER BY login)"
            ' FROM hipsync.wearers AS p ORDER BY pseudonym COLLATE "C"'
        )
        return [Wearer(*row) for row in rows]


def add_wearer(database: Database, pseudonym: str, zone: str, limit_minutes: int, treated: date | None) -> None:
    """Add a wearer. Raises `ConfigError` if the pseudonym is taken or is none, `FleetError` if it cannot be done."""
    refuse_unknown_zone(database, zone)
    with database.transaction() as db:
        try:
            with db.transaction():
                db.execute(
                    "INSERT INTO hipsync.wearers (pseudonym, zone, limit_minutes, treated) VALUES (%s, %s, %s, %s)",
                    [pseudonym, zone, limit_minutes, treated],
                )
        except errors.UniqueViolation as error:
            raise ConfigError(f"there is a wearer {pseudonym!r} already") from error
        except errors.CheckViolation as error:
            raise ConfigError(
                f"{clean(pseudonym, 80)!r} is no pseudonym: up to 63 letters, digits, and . _ - within, such as P-014"
            ) from error


def change_wearer(database: Database, pseudonym: str, values: dict[str, object]) -> None:
    """Change some of `zone`, `limit_minutes`, `treated` and `left_on` of a wearer. Raises `ConfigError`, `FleetError`.

    A change of the zone or the limit makes his days dirty. Who has left wears nothing any more from that day on.
    """
    if "zone" in values:
        refuse_unknown_zone(database, str(values["zone"]))
    with database.transaction() as db:
        number = _wearer(db, pseudonym)
        for name, value in values.items():
            change = sql.SQL("UPDATE hipsync.wearers SET {} = %s WHERE id = %s").format(sql.Identifier(name))
            db.execute(change, [value, number])
        left = _left(db, number)
        db.execute("DELETE FROM hipsync.worn WHERE wearer = %s AND since >= %s", [number, left])
        db.execute(
            "UPDATE hipsync.worn SET until = %(left)s WHERE wearer = %(wearer)s"
            " AND tstzrange(since, until) @> %(left)s::timestamptz",
            {"wearer": number, "left": left},
        )


def _left(db: psycopg.Connection, wearer: int) -> datetime | None:
    """The begin of a wearer's first day on which he takes part no more; None while he does."""
    row = db.execute(
        "SELECT left_on::timestamp AT TIME ZONE zone FROM hipsync.wearers WHERE id = %s", [wearer]
    ).fetchone()
    return None if row is None else row[0]


def refuse_unknown_zone(database: Database, zone: str) -> None:
    """Raise `ConfigError` for a zone that this computer or Postgres does not know."""
    from zoneinfo import available_timezones

    with database.transaction() as db:
        known = db.execute("SELECT 1 FROM pg_timezone_names WHERE name = %s", [zone]).fetchone()
    if known is None or zone not in available_timezones():
        close = get_close_matches(zone, sorted(available_timezones()), 1)
        meant = f"did you mean {close[0]}?" if close else "it is a name such as Europe/London"
        raise ConfigError(f"no time zone {clean(zone, 80)!r} is known: {meant}")


def hand(database: Database, band: str, pseudonym: str, since: datetime, until: datetime | None) -> Handed:
    """Hand a band, by its mark or the first digits of it, to a wearer from an instant on, up to another one if given.

    Who wears it then wore it until `since`. Raises `ConfigError`, also if somebody is said to have worn it from a later
    instant on, and `FleetError`.
    """
    if until is not None and until <= since:
        raise ConfigError("a band is handed on for a time that ends after its begin")
    with database.transaction() as db:
        number, mark = _band(db, band)
        wearer = _wearer(db, pseudonym)
        left = _left(db, wearer)
        if left is not None and (until is None or until > left):
            raise ConfigError(f"{pseudonym} takes part no more by then: hand it up to that day, with --until")
        before = _end(db, number, since)
        try:
            with db.transaction():
                db.execute(
                    "INSERT INTO hipsync.worn (band, wearer, since, until) VALUES (%s, %s, %s, %s)",
                    [number, wearer, since, until],
                )
        except errors.ExclusionViolation as error:
            raise ConfigError(
                f"band {mark[:12]} was handed to somebody from a later time on: take it back from then on, with --back"
            ) from error
    return Handed(mark, since, before)


def take_back(database: Database, band: str, at: datetime) -> Handed:
    """Say that nobody wears a band from an instant on. Raises `ConfigError` if nobody did before, and `FleetError`."""
    with database.transaction() as db:
        number, mark = _band(db, band)
        before = _end(db, number, at)
        gone = db.execute("DELETE FROM hipsync.worn WHERE band = %s AND since >= %s", [number, at]).rowcount
        if before is None and not gone:
            raise ConfigError(f"nobody wears band {mark[:12]} then")
    return Handed(mark, at, before)


def _end(db: psycopg.Connection, band: int, at: datetime) -> str | None:
    """Let the time for which somebody wears a band end; return his pseudonym, or None if nobody does."""
    row = db.execute(
        "UPDATE hipsync.worn AS w SET until = %(at)s FROM hipsync.wearers AS p"
        " WHERE p.id = w.wearer AND band = %(band)s AND since < %(at)s AND (until IS NULL OR until > %(at)s)"
        " RETURNING pseudonym",
        {"at": at, "band": band},
    ).fetchone()
    return None if row is None else str(row[0])


def zone_of(database: Database, pseudonym: str) -> str:
    """The zone of a wearer. Raises `ConfigError` if there is none of this name, and `FleetError`."""
    with database.transaction() as db:
        row = db.execute("SELECT zone FROM hipsync.wearers WHERE id = %s", [_wearer(db, pseudonym)]).fetchone()
    if row is None:
        raise FleetError("the wearer is gone")
    return str(row[0])


def _wearer(db: psycopg.Connection, pseudonym: str) -> int:
    row = db.execute("SELECT id FROM hipsync.wearers WHERE pseudonym = %s", [pseudonym]).fetchone()
    if row is None:
        raise ConfigError(f"there is no wearer {clean(pseudonym, 80)!r}: `hipsync fleet wearer list` shows them")
    return int(row[0])


def _band(db: psycopg.Connection, mark: str) -> tuple[int, str]:
    """The number and the whole mark of the one band whose mark begins so."""
    rows = db.execute("SELECT id, mark FROM hipsync.bands WHERE starts_with(mark, %s) LIMIT 2", [mark]).fetchall()
    if len(rows) == 1:
        return int(rows[0][0]), str(rows[0][1])
    if rows:
        raise ConfigError(f"more than one band's mark begins with {mark}: give more of its digits")
    raise ConfigError(f"no band {mark[:12]} has been shipped: its gateway says `hipsync fleet ship` first")

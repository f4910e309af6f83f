"""Whose days a doctor sees, of which site a gateway is, and whose own computer: as the owner of the database says."""

from __future__ import annotations

import re
from collections.abc import Sequence

import psycopg

from hipsync.errors import ConfigError
from hipsync.fleet.database import Database
from hipsync.fleet.owner import refuse_others
from hipsync.text import clean

_SITE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
"""The same as in the schema."""


def give_care(database: Database, login: str, pseudonyms: Sequence[str]) -> None:
    """Let a doctor's login see the days of these wearers, too.

    Raises `ConfigError` if the login, or one of the wearers, is not known; then nothing is changed. Also raises
    `FleetError`.
    """
    refuse_others(database)
    with database.transaction() as db:
        _refuse_unknown_login(db, login, "hipsync_doctor")
        db.cursor().executemany(
            "INSERT INTO hipsync.care VALUES (%s, %s) ON CONFLICT DO NOTHING",
            [(login, wearer) for wearer in _wearers(db, pseudonyms)],
        )


def take_care(database: Database, login: str, pseudonyms: Sequence[str]) -> int:
    """Let a login, which may be gone already, see these wearers no more; return how many of them it saw.

    Raises `ConfigError` if one of the wearers is not known; then nothing is changed. Also raises `FleetError`.
    """
    refuse_others(database)
    with database.transaction() as db:
        sql = "DELETE FROM hipsync.care WHERE login = %s AND wearer = ANY (%s)"
        return db.execute(sql, [login, _wearers(db, pseudonyms)]).rowcount


def set_site(database: Database, login: str, site: str) -> None:
    """Let a gateway be of a site; of none that has a name if `site` is empty. Bands that are there stay where they are.

    Raises `ConfigError` if there is no such login, or if a site cannot be called so, and `FleetError`.
    """
    if site and not _SITE.fullmatch(site):
        raise ConfigError(
            f"{clean(site, 100)!r} is no name of a site: use up to 63 letters, digits, dots, dashes and _"
        )
    refuse_others(database)
    with database.transaction() as db:
        if not site:
            db.execute("DELETE FROM hipsync.sites WHERE login = %s", [login])
            return
        _refuse_unknown_login(db, login, "hipsync_gateway")
        db.execute(
            "INSERT INTO hipsync.sites VALUES (%s, %s) ON CONFLICT (login) DO UPDATE SET site = excluded.site",
            [login, site],
        )


def set_computer(database: Database, login: str, pseudonym: str) -> None:
    """Let a gateway be a wearer's own computer; nobody's if `pseudonym` is empty.

    What a wearer's computers told each other there is gone with the last of them. Raises `ConfigError` if there is no
    such login, or no such wearer, and `FleetError`.
    """
    refuse_others(database)
    with database.transaction() as db:
        db.execute("DELETE FROM hipsync.computers WHERE login = %s", [login])
        if pseudonym:
            _refuse_unknown_login(db, login, "hipsync_gateway")
            (wearer,) = _wearers(db, [pseudonym])
            db.execute("INSERT INTO hipsync.computers VALUES (%s, %s)", [login, wearer])
        db.execute("DELETE FROM hipsync.channels WHERE wearer NOT IN (SELECT wearer FROM hipsync.computers)")


def _refuse_unknown_login(db: psycopg.Connection, login: str, role: str) -> None:
    """Raise `ConfigError` unless there is this login, and it is in the role."""
    sql = "SELECT pg_has_role(oid, %s, 'MEMBER') FROM pg_roles WHERE rolname = %s"
    row = db.execute(sql, [role, login]).fetchone()
    if row is None:
        raise ConfigError(f"there is no login {clean(login, 100)!r} there: its owner makes one with `CREATE ROLE`")
    if not row[0]:
        name = clean(login, 100)
        raise ConfigError(f'{name!r} is not in the role {role}: the owner says `GRANT {role} TO "{name}"`')


def _wearers(db: psycopg.Connection, pseudonyms: Sequence[str]) -> list[int]:
    """The numbers of wearers. Raises `ConfigError` if one is not known."""
    rows = db.execute("SELECT pseudonym, id FROM hipsync.wearers WHERE pseudonym = ANY (%s)", [list(pseudonyms)])
    known = {str(pseudonym): int(number) for pseudonym, number in rows}
    for pseudonym in pseudonyms:
        if pseudonym not in known:
            raise ConfigError(f"there is no wearer {clean(pseudonym, 100)!r}: `hipsync fleet wearer list` shows them")
    return [known[pseudonym] for pseudonym in pseudonyms]

"""The owner of the fleet's database erases a wearer: rows, bytes of rows, an export, and a receipt of it.

The rows go in one transaction with their tombstones. What comes after it may be cut off anywhere and is done by the
next call, because the erasure is found again by a hash of the pseudonym. Gateways erase their part by themselves
(`obeying.py`), and the receipt says which of them have.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import psycopg
from psycopg import errors, sql
from psycopg.types.json import Jsonb

from hipsync.errors import FleetError
from hipsync.fleet.database import Database, retried
from hipsync.fleet.owner import refuse_others
from hipsync.text import clean

WAIT = "30s"
"""How long a table may be in use before its old bytes stay where they are."""
SEEN_STILL = "other programs still see old rows, so their bytes stay: end long transactions there, and call this again"
IN_USE = "a table was in use for {}, so its old bytes stay: call this again when it is not"
STATISTICS = "only the owner of the whole database can overwrite Postgres' statistics of columns: call this as that"
LOG = "its log (WAL), until that is overwritten: a superuser can do it at once, as docs/fleet.md says"


class Done(NamedTuple):
    """What a gateway said that it erased, over all its bands."""

    gateway: str
    at: datetime
    rows: int
    backups: int
    kept: int
    """How many files it could not clean."""


class Erasure(NamedTuple):
    """What became of one erasure."""

    number: int
    at: datetime
    removed: Mapping[str, int]
    """How many rows of what, in Postgres."""
    remains: Sequence[str]
    """Where bytes of it are still in Postgres, in words."""
    finished: datetime | None
    """When the files of its tables held no byte of it any more."""
    backups_until: date | None
    done: Sequence[Done]
    unseen: Sequence[str]
    """The gateways that had brought something of its bands, and have not said since that they erased it."""


def lives(database: Database, pseudonym: str) -> bool:
    """Whether there is a wearer of this pseudonym. Raises `FleetError`, also for a login that may not erase."""
    refuse_others(database)
    with database.transaction() as db:
        return db.execute("SELECT 1 FROM hipsync.wearers WHERE pseudonym = %s", [pseudonym]).fetchone() is not None


def erase(database: Database, pseudonym: str) -> int | None:
    """Erase a wearer's rows, and return the number of the erasure; None if there is no such wearer."""

    def go() -> int | None:
        with database.transaction() as db:
            row = db.execute("SELECT hipsync.erase(%s)", [pseudonym]).fetchone()
        return None if row is None or row[0] is None else int(row[0])

    return retried(go)


def erasures_of(database: Database, pseudonym: str) -> list[Erasure]:
    """All erasures of wearers of this pseudonym, the newest first. Raises `FleetError`."""
    with database.transaction() as db:
        rows = db.execute(
            "SELECT id, at, removed, remains, finished, backups_until FROM hipsync.erasures WHERE who = %s"
            " ORDER BY id DESC",
            [sha256(pseudonym.encode()).digest()],
        ).fetchall()
        return [
            Erasure(number, at, removed, remains, finished, until, _done(db, number), _unseen(db, number))
            for number, at, removed, remains, finished, until in rows
        ]


def finish(database: Database, erasure: int, backups_until: date | None) -> None:
    """Overwrite what Postgres' files still hold of erased rows, as far as the login may, and note it.

    Raises `FleetError`.
    """
    remains = [*dict.fromkeys(_overwritten(database))]
    is_finished = not remains
    if not _log_overwritten(database):
        remains.append(LOG)
    with database.transaction() as db:
        db.execute(
            "UPDATE hipsync.erasures SET remains = %s, backups_until = coalesce(%s, backups_until),"
            " finished = CASE WHEN %s THEN coalesce(finished, clock_timestamp()) END WHERE id = %s",
            [Jsonb(remains), backups_until, is_finished, erasure],
        )


def remove_export(folder: Path, pseudonym: str) -> int:
    """Delete a wearer's folders in an export to Parquet, and return how many there were.

    Raises `FleetError` if one cannot be deleted.
    """
    found = sorted(path for path in folder.rglob(f"wearer={pseudonym}") if path.is_dir() and not path.is_symlink())
    for path in found:
        try:
            shutil.rmtree(path)
        except OSError as error:
            raise FleetError(f"{path} cannot be deleted: {error.strerror}; call this again when it can") from error
    return len(found)


def _overwritten(database: Database) -> Iterator[str]:
    """Write all tables anew without dead rows; yield why bytes of some stay."""
    with database.alone() as db:
        tables = db.execute(
            "SELECT nspname, relname FROM pg_class JOIN pg_namespace AS n ON n.oid = relnamespace"
            " WHERE nspname IN ('hipsync', 'hipsync_names') AND relkind IN ('r', 'm') ORDER BY nspname, relname"
        ).fetchall()
        for table in [*tables, ("pg_catalog", "pg_statistic")]:
            yield from _written_anew(db, table)


def _written_anew(db: psycopg.Connection, table: tuple[str, str]) -> Iterator[str]:
    """Write a table anew without dead rows; yield why bytes of some stay."""
    told: list[tuple[str | None, str]] = []

    def hear(line: errors.Diagnostic) -> None:  # what it holds is gone once this returns
        told.append((line.severity_nonlocalized, line.message_detail or ""))

    db.add_notice_handler(hear)
    options = sql.SQL("FULL, VERBOSE" if table[0] == "pg_catalog" else "FULL, VERBOSE, ANALYZE")
    try:
        db.execute(sql.SQL("SET lock_timeout = {}").format(WAIT))
        db.execute(sql.SQL("VACUUM ({}) {}").format(options, sql.Identifier(*table)))
    except errors.LockNotAvailable:
        yield IN_USE.format(WAIT)
    finally:
        db.remove_notice_handler(hear)
        db.execute("RESET lock_timeout")
    if any(severity == "WARNING" for severity, _ in told):  # it was passed over
        yield STATISTICS
    if any(map(_dead, (detail for _, detail in told))):
        yield SEEN_STILL


def _dead(detail: str) -> int:
    """How many dead rows VACUUM says that it had to keep; that is the first number, in whatever language."""
    number = re.match(r"\D*?(\d+)", detail)
    return 0 if number is None else int(number[1])


def _log_overwritten(database: Database) -> bool:
    """Overwrite the log, whose files Postgres uses again and again; return False if the login may not.

    A switch fills the rest of a file with zeros. After the first round each file was used but the first ones, which
    come again in the second.
    """
    with database.alone() as db:
        try:
            for _ in range(2):
                db.execute("CHECKPOINT")
                row = db.execute("SELECT count(*) FROM pg_ls_waldir()").fetchone()
                for _ in range(1 + (0 if row is None else int(row[0]))):
                    db.execute("SELECT pg_logical_emit_message(false, 'hipsync', '')")
                    db.execute("SELECT pg_switch_wal()")
            db.execute("CHECKPOINT")
        except errors.InsufficientPrivilege:
            return False
    return True


def _done(db: psycopg.Connection, erasure: int) -> list[Done]:
    rows = db.execute(
        "SELECT gateway, max(d.at), sum((what->>'rows')::bigint)::bigint, max((what->>'backups')::integer),"
        " max((what->>'kept')::integer) FROM hipsync.erasures_done AS d JOIN hipsync.erased AS e ON e.id = d.erased"
        " WHERE e.erasure = %s GROUP BY gateway ORDER BY gateway",
        [erasure],
    )
    return [Done(clean(gateway), *rest) for gateway, *rest in rows]


def _unseen(db: psycopg.Connection, erasure: int) -> list[str]:
    rows = db.execute(
        "SELECT DISTINCT holder FROM hipsync.erased AS e, unnest(e.holders) AS holder WHERE e.erasure = %s"
        " AND NOT EXISTS (SELECT 1 FROM hipsync.erasures_done AS d WHERE d.erased = e.id AND d.gateway = holder)"
        " ORDER BY holder",
        [erasure],
    )
    return [clean(holder) for (holder,) in rows]

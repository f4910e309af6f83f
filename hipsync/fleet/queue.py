"""The queue of dirty days in the fleet's Postgres, as whoever judges sees it.

A transaction holds a lock on the wearer whose days it judges, for which a gateway that brings him something waits. So
what is read of him is of one instant, and what changes afterwards makes his days dirty again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

import psycopg
from psycopg import sql

from hipsync.errors import FleetError
from hipsync.fleet.database import Database
from hipsync.fleet.heard import HeardDay, Worn
from hipsync.fleet.reported import ReportedDays
from hipsync.history.summaries import JUDGED_AS, TOGETHER

HANGS_AFTER = "10min"
"""How long a process may hold a wearer without a word before Postgres ends its transaction, as if it was killed."""


class Task(NamedTuple):
    """A wearer whose days are to be judged."""

    wearer: int
    zone: str
    """An IANA name."""
    limit_minutes: int
    days: Sequence[date]
    """Some of his dirty days, in order."""
    reported: ReportedDays


class Judged(NamedTuple):
    """A row of the table `judged`, without the wearer and the edition."""

    day: date
    zone: str
    start: datetime
    until: datetime
    loaded_from: datetime
    loaded_until: datetime
    complete: bool
    minutes: tuple[int, ...]
    """Those of each kind, in the order of `core.summary.KINDS`, which is that of the table's columns."""
    steps: int
    limit_minutes: int
    longest: int
    over_30: int
    over_limit: int
    breaks: int
    kinds: bytes
    facts: str


class Waiting(NamedTuple):
    """What there is to judge."""

    days: int
    wearers: int


class Queue:
    """The dirty days."""

    def __init__(self, database: Database) -> None:
        """Raises `FleetError`."""
        self._database = database
        with database.transaction() as db:
            db.execute(f"SET idle_in_transaction_session_timeout = '{HANGS_AFTER}'".encode())

    def mark_outdated(self) -> None:
        """Make all days dirty that another version of the program judged. Raises `FleetError`."""
        with self._database.transaction() as db:
            db.execute(
                "INSERT INTO hipsync.dirty (wearer, day) SELECT wearer, day FROM hipsync.judged"
                " WHERE edition <> %s ORDER BY wearer, day ON CONFLICT DO NOTHING",
                [JUDGED_AS],
            )

    def waiting(self, now: datetime) -> Waiting:
        """What is dirty, and due at `now`. Raises `FleetError`."""
        with self._database.transaction() as db:
            row = db.execute(
                "SELECT count(*), count(DISTINCT wearer) FROM hipsync.dirty WHERE due <= %s", [now]
            ).fetchone()
        return Waiting(0, 0) if row is None else Waiting(*row)

    @contextlib.contextmanager
    def next(self, now: datetime, *, wait: bool) -> Generator[Task | None]:
        """A wearer who has days that are due at `now`, and nobody else, during the block; None if there is none.

        One whom another process has is passed over, or waited for if `wait` says so. Raises `FleetError`.
        """
        with self._database.transaction() as db:
            row = db.execute("SELECT hipsync.next_wearer(%s, %s)", [now, wait]).fetchone()
            yield None if row is None or row[0] is None else _task(db, int(row[0]), now)

    def settle(
        self, task: Task, judged: Sequence[Judged], empty: Sequence[date], later: Mapping[date, datetime]
    ) -> None:
        """Store the judged days of a task, and take its days off the queue, but those that come `later` once more.

        Of the `empty` days nothing is known, so that nothing is stored of them. Raises `FleetError`.
        """
        done = [day for day in task.days if day not in later]
        with self._database.transaction() as db, db.cursor() as cursor:
            if judged:
                cursor.executemany(_STORE, [[task.wearer, row.day, JUDGED_AS, *_flat(row)] for row in judged])
            cursor.execute("DELETE FROM hipsync.judged WHERE wearer = %s AND day = ANY(%s)", [task.wearer, [*empty]])
            cursor.execute("DELETE FROM hipsync.dirty WHERE wearer = %s AND day = ANY(%s)", [task.wearer, done])
            for day, due in later.items():
                cursor.execute(
                    "UPDATE hipsync.dirty SET due = %s WHERE wearer = %s AND day = %s", [due, task.wearer, day]
                )


def _flat(row: Judged) -> list[object]:
    """The columns after the day and the edition."""
    return [cell for value in row[1:] for cell in (value if isinstance(value, tuple) else [value])]


_COLUMNS = (
    "wearer", "day", "edition", "zone", "start", "until", "loaded_from", "loaded_until", "complete", "sitting", "up",
    "standing", "asleep", "not_worn", "unknown", "steps", "limit_minutes", "longest", "over_30", "over_limit", "breaks",
    "kinds", "facts",
)  # fmt: skip
_STORE = sql.SQL("INSERT INTO hipsync.judged ({}) VALUES ({}) ON CONFLICT (wearer, day) DO UPDATE SET {}").format(
    sql.SQL(", ").join(map(sql.Identifier, _COLUMNS)),
    sql.SQL(", ").join([sql.Placeholder()] * len(_COLUMNS)),
    sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in _COLUMNS[1:]),
)


def _task(db: psycopg.Connection, wearer: int, now: datetime) -> Task:
    """The task of a wearer, who is locked."""
    row = db.execute("SELECT zone, limit_minutes FROM hipsync.wearers WHERE id = %s", [wearer]).fetchone()
    if row is None:
        raise FleetError("a wearer is gone while his days are judged: run it again")
    days = db.execute(
        "SELECT day FROM hipsync.dirty WHERE wearer = %s AND due <= %s ORDER BY day LIMIT %s", [wearer, now, TOGETHER]
    )
    worn = db.execute(
        "SELECT w.id, driver, vouches, reports_wear, since, until FROM hipsync.worn AS w"
        " JOIN hipsync.bands AS b ON b.id = w.band WHERE wearer = %s ORDER BY w.id",
        [wearer],
    )
    found = [Worn(*each) for each in worn]

    def fetch(first: date, last: date) -> list[HeardDay]:
        rows = db.execute("SELECT * FROM hipsync.heard(%s, %s, %s)", [wearer, first, last], binary=True)
        return [HeardDay(*each) for each in rows]

    return Task(wearer, str(row[0]), int(row[1]), [day for (day,) in days], ReportedDays(found, fetch))

"""The connection to the fleet's Postgres, its schema, and what a gateway says and asks there.

What is said there by others is in `wearers` and `queue`. The one rule: every failure is a `FleetError`, in one line,
and nothing is half written then. What a server says is a stranger's word: one line of it is told, without what could
steer a terminal.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import date, datetime
from importlib.resources import files
from typing import Literal, LiteralString, NamedTuple, TypeVar

import psycopg
from psycopg import errors, sql
from psycopg.rows import class_row

from hipsync.errors import ConfigError, FleetError
from hipsync.fleet.band_days import Parcel, as_arrays
from hipsync.store.band_days import COLUMNS
from hipsync.text import clean

STEPS = sorted(
    (step for step in (files("hipsync.fleet") / "schema").iterdir() if step.name.endswith(".sql")),
    key=lambda step: int(step.name.partition("_")[0]),
)
"""The schema as files of SQL, in their order: each brings it from the version before to the one that its name begins
with."""
VERSION = len(STEPS)
"""The version of the schema that this hipsync makes and speaks to."""
TRIES = 5
"""How often a transaction is tried that the server gave up for another one's sake, as it does in a deadlock."""
_GIVEN_UP = (errors.DeadlockDetected, errors.SerializationFailure)
OTHER_SCHEMA = "the fleet's database has schema {} and this hipsync knows {}: use hipsync of one version"
OLDER_SCHEMA = (
    "the fleet's database has schema {} and this hipsync makes {}: its owner brings it up with `hipsync fleet init`"
)
NEEDS_SCHEMA = "the fleet's database is not made yet: its owner runs `hipsync fleet init`"
_OURS = {
    "HS001": "the server refused a day as senseless: {}; look at this computer's database with `hipsync db check`",
    "HS002": "the server refused a day because its clock says that this is still to come: {}; set the clock of this "
    "computer, or that of the server",
    "HS003": "the server refused {}: forget it here, or let its owner say of which site this computer is "
    "(`hipsync fleet site`)",
    "HS004": "the login {} is no wearer's own computer: the owner says `hipsync fleet computer LOGIN PSEUDONYM`",
}
"""What is said for the errors that the schema raises, by code."""
_ARRAYS: Mapping[str, Mapping[str, str]] = {
    "epochs": {
        "start": "int2",
        "length": "int2",
        "steps": "int4",
        "intensity": "int4",
        "heart_rate": "int4",
        "state": "int2",
        "kind": "int4",
        "posture": "text",
    },
    "counters": {"at": "int4", "steps": "int8"},
    "wears": {"at": "int4", "worn": "bool"},
    "charges": {"at": "int4", "percent": "int2", "charging": "bool"},
    "workouts": {"start": "int4", "length": "int4", "kind": "text"},
}
"""The types of `COLUMNS` in the schema."""
Work = Literal["ship", "judge"]
"""What a login may be for."""
_WORK: Mapping[Work, tuple[str, str]] = {
    "ship": ("take", "hipsync_gateway"),
    "judge": ("next_wearer", "hipsync_judge"),
}
"""For each work a function that it needs, and the role that may call it."""
T = TypeVar("T")


class Facts(NamedTuple):
    """What a connection and its login are."""

    server: str
    """The version of Postgres."""
    login: str
    encrypted: bool
    is_local: bool
    """Whether it goes by a socket within this computer."""
    schema: int | None
    """The version of the schema; None if there is none, or if the login may not see it."""
    may_ship: bool
    is_superuser: bool
    now: datetime
    """The time by the server's clock."""


class Database:
    """An open connection to the fleet's Postgres."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._db = connection

    def facts(self) -> Facts:
        """What this connection is. Raises `FleetError`."""
        with translated(), self._db.transaction():
            row = self._db.execute(
                "SELECT current_setting('server_version'), session_user,"
                " coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false),"
                " inet_server_addr() IS NULL, current_setting('is_superuser') = 'on', clock_timestamp(),"
                " coalesce(has_schema_privilege(to_regnamespace('hipsync'), 'USAGE'), false)"
            ).fetchone()
            assert row is not None  # noqa: S101  a SELECT without FROM has one row
            may_use = bool(row[6])
            schema, may_ship = self._schema() if may_use else (None, False)
        return Facts(str(row[0]), str(row[1]), row[2], row[3], schema, may_ship, row[4], row[5])

    def _schema(self) -> tuple[int | None, bool]:
        """The version of the schema, and whether the login may ship into it."""
        row = self._db.execute(
            "SELECT coalesce(bool_or(may) FILTER (WHERE proname = 'take'), false),"
            " coalesce(bool_or(may) FILTER (WHERE proname = 'schema_version'), false)"
            " FROM (SELECT proname, has_function_privilege(oid, 'EXECUTE') AS may"
            " FROM pg_proc WHERE pronamespace = to_regnamespace('hipsync')) AS ours"
        ).fetchone()
        if row is None or not row[1]:
            return None, False
        found = self._db.execute("SELECT hipsync.schema_version()").fetchone()
        return (None if found is None else int(found[0])), bool(row[0])

    def create(self) -> Literal["made", "brought up", "there"]:
        """Make the schema, or bring an older one up to this version, in one transaction; return which was needed.

        Raises `FleetError` if it is a newer version's, or none of a fleet's.
        """
        with translated(), self._db.transaction():
            self._db.execute("SELECT pg_advisory_xact_lock(hashtext('hipsync.fleet'))")
            row = self._db.execute("SELECT to_regnamespace('hipsync') IS NOT NULL").fetchone()
            is_there = row is not None and bool(row[0])
            before = self._known_schema() if is_there else 0
            for step in STEPS[before:]:
                self._db.execute(step.read_bytes())
            self._db.execute("UPDATE hipsync.version SET number = %s WHERE number <> %s", [VERSION, VERSION])
        return "there" if before == VERSION else "brought up" if before else "made"

    def _known_schema(self) -> int:
        """The version of the schema that is there. Raises `FleetError` if it is none of a fleet's, or a newer one."""
        schema, _ = self._schema()
        if schema is None:
            raise FleetError("there is a schema hipsync that is none of a fleet's: give another database")
        if schema > VERSION:
            raise FleetError(OTHER_SCHEMA.format(schema, VERSION))
        return schema

    def ready(self, to: Work = "ship") -> datetime:
        """The time by the server's clock.

        Raises `FleetError` if the schema is missing or another version's, or if the login may not do this work.
        """
        facts = self.facts()
        refuse_other_schema(facts.schema)
        function, role = _WORK[to]
        with self.transaction() as db:
            row = db.execute(
                "SELECT bool_and(has_function_privilege(oid, 'EXECUTE')) FROM pg_proc"
                " WHERE pronamespace = to_regnamespace('hipsync') AND proname = %s",
                [function],
            ).fetchone()
        if row is None or not row[0]:
            raise FleetError(
                f"the login {clean(facts.login)} may not {to}: the owner of the database says "
                f'`GRANT {role} TO "{clean(facts.login)}"`'
            )
        return facts.now

    @contextlib.contextmanager
    def transaction(self) -> Generator[psycopg.Connection]:
        """During the block, one transaction, which is undone if the block raises. Raises `FleetError`."""
        with translated(), self._db.transaction():
            yield self._db

    @contextlib.contextmanager
    def alone(self) -> Generator[psycopg.Connection]:
        """During the block, each statement is a transaction of its own. Raises `FleetError`."""
        with translated():
            yield self._db

    @contextlib.contextmanager
    def snapshot(self, now: datetime) -> Generator[Snapshot]:
        """During the block, all that is read is of one instant, and views take `now` for the present; times are in UTC.

        Raises `FleetError`, also if the schema is missing or another version's.
        """
        with translated():
            refuse_other_schema(self.facts().schema)
            with self._db.transaction():
                self._db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                self._db.execute(
                    "SELECT set_config('hipsync.now', %s, true), set_config('TimeZone', 'UTC', true)", [now.isoformat()]
                )
                yield Snapshot(self._db)

    def taken(self) -> dict[tuple[str, date], bytes]:
        """The digests of what this login has brought already, by mark of the band and day. Raises `FleetError`."""
        with translated(), self._db.transaction():
            rows = self._db.execute("SELECT mark, day, digest FROM hipsync.taken()")
            return {(str(mark), day): bytes(digest) for mark, day, digest in rows}

    def take(self, batch: Sequence[Parcel]) -> list[str]:
        """Store band-days, which are in order of mark and day, in one transaction with their receipts.

        Return for each what became of it: new, changed, same, erased or elsewhere. Raises `FleetError`, and
        then none is stored.
        """

        def store() -> list[str]:
            became: list[str] = []
            with self._db.transaction(), self._db.cursor() as cursor:
                for one, day, digest in batch:
                    band = one.band
                    head = [one.mark, band.driver, band.vouches, band.reports_wear, day.day]
                    cursor.execute(_TAKE, [*head, *as_arrays(day), digest])
                    row = cursor.fetchone()
                    became.append("" if row is None else str(row[0]))
            return became

        with translated():
            return retried(store)


class Snapshot:
    """What the fleet's database holds at one instant, and no more of it than the login may see."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._db = connection

    def rows(self, kind: type[T], source: LiteralString, **values: object) -> list[T]:
        """The rows of what follows FROM, as values of a `NamedTuple` whose fields are the columns. Raises `FleetError`.

        `%(name)s` in the source stands for the value of that name.
        """
        columns = sql.SQL(", ").join(map(sql.Identifier, kind.__annotations__))
        query = sql.SQL("SELECT {} FROM ").format(columns) + sql.SQL(source)
        with translated(), self._db.cursor(row_factory=class_row(kind)) as cursor:
            return cursor.execute(query, values, binary=True).fetchall()


def _row(table: str) -> sql.Composable:
    """The SQL of one table's arrays as a value of its type."""
    arrays = sql.SQL(", ").join(
        sql.SQL("%s::{}[]").format(sql.Identifier(_ARRAYS[table][name])) for name in COLUMNS[table]
    )
    return sql.SQL("ROW({})::{}").format(arrays, sql.Identifier("hipsync", table))


_TAKE = sql.SQL("SELECT hipsync.take(%s, %s, %s, %s, %s, {}, %s)").format(sql.SQL(", ").join(map(_row, COLUMNS)))


def refuse_other_schema(schema: int | None) -> None:
    """Raise `FleetError` unless a schema, None for none, is of the version that this hipsync speaks to."""
    if schema is None:
        raise FleetError(NEEDS_SCHEMA)
    if schema != VERSION:
        raise FleetError((OTHER_SCHEMA if schema > VERSION else OLDER_SCHEMA).format(schema, VERSION))


def retried(act: Callable[[], T]) -> T:
    """Do something that is one transaction, again if the server gave it up for another one's sake."""
    for _ in range(TRIES - 1):
        with contextlib.suppress(*_GIVEN_UP):
            return act()
    return act()


@contextlib.contextmanager
def connected(conninfo: str) -> Generator[Database]:
    """A connection during the block. Raises `FleetError` if there can be none, `ConfigError` if none is described."""
    with translated():
        connection = psycopg.connect(conninfo, autocommit=True)
    try:
        yield Database(connection)
    finally:
        connection.close()


@contextlib.contextmanager
def translated() -> Generator[None]:
    """During the block, what psycopg raises becomes a `FleetError`: what failed, why, and what to do.

    A string that is none of a connection is a `ConfigError`.
    """
    try:
        yield
    except psycopg.Error as error:
        if isinstance(error, psycopg.ProgrammingError) and error.sqlstate is None:  # it never came to a server
            raise ConfigError(f"fleet.dsn is no connection string: {clean(str(error).strip(), 300)}") from error
        raise FleetError(_words(error)) from error


def _words(error: psycopg.Error) -> str:
    lines = str(error).strip().splitlines() or ["no reason was given"]
    why = clean(lines[-1] if isinstance(error, psycopg.OperationalError) and error.sqlstate is None else lines[0], 300)
    if (ours := _OURS.get(error.sqlstate or "")) is not None:
        return ours.format(why)
    if isinstance(error, errors.InsufficientPrivilege):
        return f"the fleet's database does not allow this to the login: {why}"
    if isinstance(error, psycopg.OperationalError):
        return f"the fleet's database cannot be reached, and nothing was half written: {why}; try again later"
    return f"the fleet's database refused, and nothing was half written: {why}"

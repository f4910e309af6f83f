"""Who sees and changes what in a fleet's Postgres: each login, table and way, and what a hostile one tries."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from psycopg import errors, sql

from fleet.test_fleet_commands import said
from hipsync.errors import ConfigError, FleetError
from hipsync.fleet.access import give_care, set_site, take_care
from hipsync.fleet.database import connected, translated
from support.postgres import Postgres

COLUMNS = ("keeper", "judge_1", "dr", "ward_1", "ward_2", "clerk", "stranger")
"""The logins: the owner, who is no superuser; one who judges; a doctor with 2 of 29 wearers; the gateways of two
sites; who keeps the names; and one that is in no role."""
ROLES = {
    "judge_1": "hipsync_judge", "dr": "hipsync_doctor", "ward_1": "hipsync_gateway", "ward_2": "hipsync_gateway",
    "clerk": "hipsync_names",
}  # fmt: skip
TABLES = """
                      keeper    judge_1  dr   ward_1  ward_2  clerk    stranger
hipsync.version       siud:1    -        -    -       -       -        -
hipsync.bands         siud:30   s:30     s:3  -       -       -        -
hipsync.band_days     siud:30   s:30     -    -       -       -        -
hipsync.receipts      siud:30   -        -    -       -       -        -
hipsync.wearers       siud:29   s:29     s:2  -       -       -        -
hipsync.worn          siud:31   s:31     s:3  -       -       -        -
hipsync.dirty         siud:29   siud:29  s:2  -       -       -        -
hipsync.judged        siud:29   siud:29  s:2  -       -       -        -
hipsync.care          siud:2    -        -    -       -       -        -
hipsync.sites         siud:2    -        -    -       -       -        -
hipsync.erasures      siud:0    -        -    -       -       -        -
hipsync.erased        siud:0    -        -    -       -       -        -
hipsync.erasures_done siud:0    -        -    -       -       -        -
hipsync.computers     siud:1    -        -    -       -       -        -
hipsync.channels      siud:1    -        -    -       -       -        -
hipsync.messages      siud:1    -        -    -       -       -        -
hipsync.days          s:29      -        s:2  -       -       -        -
hipsync.weeks         s:29      -        s:2  -       -       -        -
hipsync.handed        s:31      -        s:3  -       -       -        -
hipsync.attention     s:29      -        s:2  -       -       -        -
hipsync.before_after  s:29      -        s:2  -       -       -        -
hipsync_names.people  siud:29   -        -    -       -       siud:29  -
"""
"""What each login may do with each table: select, insert, update, delete; and to how many rows."""
FUNCTIONS = {
    "hipsync.take": {"ward_1", "ward_2"},
    "hipsync.taken": {"ward_1", "ward_2"},
    "hipsync.erasures": {"ward_1", "ward_2"},
    "hipsync.cleaned": {"ward_1", "ward_2"},
    "hipsync.attend": {"ward_1", "ward_2"},
    "hipsync.say": {"ward_1", "ward_2"},
    "hipsync.hear": {"ward_1", "ward_2"},
    "hipsync.schema_version": {"judge_1", "dr", "ward_1", "ward_2"},
    "hipsync.next_wearer": {"judge_1"},
    "hipsync.heard": {"judge_1"},
    "hipsync.cared_for": {"dr"},
    "hipsync.epochs_of": {"dr"},
    "hipsync.present": {"dr"},
    "hipsync.last_told": {"dr"},
    "hipsync_names.pseudonyms": {"clerk"},
}
"""Who beside the owner may call a function; those that are not here nobody may."""
A_COLUMN = {"version": "number", "people": "name", "receipts": "gateway", "care": "login", "sites": "login",
            "erasures": "at", "erased": "mark", "erasures_done": "gateway",
            "computers": "login", "channels": "last", "messages": "topic",
            "bands": "driver", "wearers": "zone", "judged": "facts",
            "weeks": "week", "handed": "since", "attention": "reason", "before_after": "week"}  # fmt: skip
"""A column of a table to change, if it is not `day` or `since`."""

FILL = """
INSERT INTO hipsync.bands (mark, driver, vouches, reports_wear, site)
    SELECT repeat(lpad(to_hex(n), 2, '0'), 32), 'huami', false, false, CASE WHEN n < 16 THEN 'A' ELSE 'B' END
    FROM generate_series(1, 30) AS n;
INSERT INTO hipsync.band_days
    SELECT id, '2026-03-02', ROW(ARRAY[60, 720], ARRAY[1, 1], ARRAY[7, 1000 + id], ARRAY[NULL, NULL],
        ARRAY[NULL, NULL], ARRAY[0, 0], ARRAY[NULL, NULL], ARRAY[NULL, NULL])::hipsync.epochs,
        ROW('{}', '{}')::hipsync.counters, ROW('{}', '{}')::hipsync.wears, ROW('{}', '{}', '{}')::hipsync.charges,
        ROW('{}', '{}', '{}')::hipsync.workouts
    FROM hipsync.bands;
INSERT INTO hipsync.receipts SELECT 'ward_1', id, '2026-03-02', decode(repeat('00', 16), 'hex') FROM hipsync.bands;
INSERT INTO hipsync.wearers (pseudonym, zone)
    SELECT 'w' || lpad(n::text, 2, '0'), 'UTC' FROM generate_series(1, 29) AS n;
INSERT INTO hipsync.worn (band, wearer, since)
    SELECT b.id, w.id, '2026-03-01' FROM hipsync.bands AS b JOIN hipsync.wearers AS w ON w.id = b.id;
INSERT INTO hipsync.worn (band, wearer, since, until) VALUES    -- the band 30 goes from w01 to w02 at 10:00
    (30, 1, '2026-03-01Z', '2026-03-02 10:00Z'), (30, 2, '2026-03-02 10:00Z', NULL);
DELETE FROM hipsync.dirty;
INSERT INTO hipsync.dirty (wearer, day) SELECT id, '2026-03-02' FROM hipsync.wearers;
INSERT INTO hipsync.judged SELECT id, '2026-03-02', 'UTC', '1', '2026-03-02Z', '2026-03-03Z', '2026-03-01Z',
    '2026-03-04Z', true, 0, 0, 0, 0, 0, 1440, 4000 + id, 60, 0, 0, 0, 0, '', 'facts of ' || pseudonym
    FROM hipsync.wearers;
INSERT INTO hipsync.care SELECT 'dr', id FROM hipsync.wearers WHERE pseudonym IN ('w01', 'w05');
INSERT INTO hipsync.sites VALUES ('ward_1', 'A'), ('ward_2', 'B');
INSERT INTO hipsync.computers SELECT 'ward_1', id FROM hipsync.wearers WHERE pseudonym = 'w01';
INSERT INTO hipsync.channels (wearer) SELECT wearer FROM hipsync.computers;
INSERT INTO hipsync.messages SELECT wearer, 1, 'hipsync/wearer/claim', '', false, 'infinity' FROM hipsync.channels;
INSERT INTO hipsync_names.people SELECT pseudonym, 'name of ' || pseudonym FROM hipsync.wearers;
"""


@pytest.fixture(scope="module")
def roles(server: Postgres) -> Iterator[Postgres]:
    """The server, with a login for each column of the matrix."""
    with server.owner() as db:
        db.execute("DROP SCHEMA IF EXISTS hipsync, hipsync_names CASCADE")
        db.execute("CREATE ROLE keeper LOGIN CREATEROLE")
        db.execute("GRANT CREATE ON DATABASE postgres TO keeper")
        for login in ("judge_1", "dr", "clerk"):
            db.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(login)))
    yield server
    with server.owner() as db:
        db.execute("DROP OWNED BY keeper CASCADE")
        for login in ("keeper", "judge_1", "dr", "clerk"):
            db.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(login)))


@pytest.fixture
def ward(roles: Postgres) -> Postgres:
    """A fleet's database of an owner who is no superuser, with 29 wearers, of whom the doctor has two."""
    with roles.owner() as db:
        db.execute("DROP SCHEMA IF EXISTS hipsync, hipsync_names CASCADE")
    with connected(roles.dsn("keeper")) as database:
        assert database.create() == "made"
    with roles.owner() as db:
        for login, role in ROLES.items():
            db.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), sql.Identifier(login)))
    with psycopg.connect(roles.dsn("keeper"), autocommit=True) as db:
        db.execute(FILL.encode())
    return roles


def allowed(login: str) -> dict[str, str]:
    """What the matrix says of a login, by table."""
    _, *rows = TABLES.strip("\n").splitlines()
    return {row.split()[0]: row.split()[1 + COLUMNS.index(login)] for row in rows}


def found(db: psycopg.Connection, table: str) -> str:
    """What a login may do with a table, as the matrix says it: each way is tried, and undone."""
    column = A_COLUMN.get(table.partition(".")[2], "since" if table == "hipsync.worn" else "day")
    ways: dict[str, LiteralString] = {
        "s": "SELECT count(*) FROM {table}",
        "i": "INSERT INTO {table} DEFAULT VALUES",
        "u": "UPDATE {table} SET {column} = {column}",
        "d": "DELETE FROM {table}",
    }
    names = {"table": sql.Identifier(*table.split(".")), "column": sql.Identifier(column)}
    may, counts = "", set[int]()
    for letter, statement in ways.items():
        try:
            with db.transaction(force_rollback=True):
                cursor = db.execute(sql.SQL(statement).format(**names))
                row = cursor.fetchone() if letter == "s" else None
                counts.add(cursor.rowcount if row is None else int(row[0]))
        except (errors.InsufficientPrivilege, errors.ObjectNotInPrerequisiteState):  # the second: a view is only read
            continue
        except (errors.NotNullViolation, errors.UniqueViolation):
            assert letter == "i"  # it was allowed, and the row makes no sense
        may += letter
    assert len(counts) <= 1
    return f"{may}:{counts.pop()}" if may else "-"


@pytest.mark.parametrize("login", COLUMNS)
def test_each_login_does_with_each_table_what_the_matrix_says(ward: Postgres, login: str) -> None:
    with psycopg.connect(ward.dsn(login), autocommit=True) as db:
        assert {table: found(db, table) for table in allowed(login)} == allowed(login)


def test_no_table_and_no_function_is_left_out_of_the_matrix(ward: Postgres) -> None:
    with ward.owner() as db:
        there = db.execute(
            "SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'v', 'm', 'p', 'f')"
            " AND relnamespace IN ('hipsync'::regnamespace, 'hipsync_names'::regnamespace)"
        ).fetchall()
        assert {name for (name,) in there} == set(allowed("dr"))
        may = db.execute(
            "SELECT pronamespace::regnamespace || '.' || proname, rolname FROM pg_proc, pg_roles"
            " WHERE pronamespace IN ('hipsync'::regnamespace, 'hipsync_names'::regnamespace)"
            " AND rolname = ANY (%s) AND has_function_privilege(pg_roles.oid, pg_proc.oid, 'EXECUTE')"
            " AND has_schema_privilege(pg_roles.oid, pronamespace, 'USAGE')",
            [[login for login in COLUMNS if login != "keeper"]],
        ).fetchall()
    callers: dict[str, set[str]] = {}
    for function, login in may:
        callers.setdefault(function, set()).add(login)
    assert callers == FUNCTIONS


def test_a_doctor_reads_what_is_her_wearers_and_no_mark(ward: Postgres) -> None:
    with psycopg.connect(ward.dsn("dr"), autocommit=True) as db:
        assert db.execute("SELECT pseudonym FROM hipsync.wearers ORDER BY 1").fetchall() == [("w01",), ("w05",)]
        assert db.execute("SELECT facts FROM hipsync.judged ORDER BY 1").fetchall() == [
            ("facts of w01",), ("facts of w05",)]  # fmt: skip
        assert db.execute("SELECT band, wearer, until IS NULL FROM hipsync.worn ORDER BY 1").fetchall() == [
            (1, 1, True), (5, 5, True), (30, 1, False)]  # fmt: skip
        for column in ("mark", "site", "added"):
            with pytest.raises(errors.InsufficientPrivilege):
                db.execute(sql.SQL("SELECT {} FROM hipsync.bands").format(sql.Identifier(column)))


def test_a_doctor_learns_when_her_wearers_bands_were_heard_and_of_no_other(ward: Postgres) -> None:
    """The band 30 was heard at 12:00 of w02, and at 01:00 of w01, who had it before."""
    with psycopg.connect(ward.dsn("dr"), autocommit=True) as db:
        rows = db.execute(
            "SELECT worn, to_char(heard AT TIME ZONE 'UTC', 'HH24:MI') FROM hipsync.last_told() ORDER BY 1"
        ).fetchall()
        assert rows == [(1, "12:01"), (5, "12:01"), (30, "01:01")]
        assert db.execute("SELECT DISTINCT wearer FROM hipsync.handed ORDER BY 1").fetchall() == [("w01",), ("w05",)]


def test_a_doctor_gets_of_a_band_that_was_handed_on_the_minutes_of_her_wearer_alone(ward: Postgres) -> None:
    """The band 30 has a minute at 01:00, when w01 wore it, and one at 12:00, when w02 did, who is not hers."""
    ask = "SELECT band, steps FROM hipsync.epochs_of(%s, '2026-03-01Z', '2026-03-04Z') ORDER BY 1, 2"
    with psycopg.connect(ward.dsn("dr"), autocommit=True) as db:
        assert db.execute(ask, ["w01"]).fetchall() == [(1, 7), (1, 1001), (30, 7)]
        assert db.execute(ask, ["w05"]).fetchall() == [(5, 7), (5, 1005)]
        assert db.execute(ask, ["w02"]).fetchall() == []
        within = ask.replace("03-01Z", "03-02 01:00Z").replace("03-04Z", "03-02 01:01Z")
        assert db.execute(within, ["w05"]).fetchall() == [(5, 7)]
    with ward.owner() as db:  # an epoch in which it changes hands is nobody's
        db.execute("UPDATE hipsync.band_days SET epochs.length = '{600, 1}' WHERE band = 30")
        db.execute("UPDATE hipsync.band_days SET epochs.start = '{300, 720}' WHERE band = 30")
    with psycopg.connect(ward.dsn("dr"), autocommit=True) as db:
        assert db.execute(ask, ["w01"]).fetchall() == [(1, 7), (1, 1001)]


def test_who_keeps_the_names_learns_the_pseudonyms_and_nothing_else(ward: Postgres) -> None:
    with psycopg.connect(ward.dsn("clerk"), autocommit=True) as db:
        assert len(db.execute("SELECT * FROM hipsync_names.pseudonyms()").fetchall()) == 29
        with pytest.raises(errors.InsufficientPrivilege):
            db.execute("SELECT hipsync.schema_version()")


HOSTILE = (
    (
        "CREATE FUNCTION pg_temp.leak(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS"
        " $$ BEGIN RAISE NOTICE '%', $1; RETURN true; END $$"
    ),
    (
        "CREATE FUNCTION pg_temp.leak(text, text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS"
        " $$ BEGIN RAISE NOTICE '%', $1; RETURN true; END $$"
    ),
    "CREATE OPERATOR pg_temp.<<< (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_temp.leak, RESTRICT = eqsel)",
    "CREATE TYPE pg_temp.mine AS (word text)",
    (
        "CREATE FUNCTION pg_temp.mine(text) RETURNS pg_temp.mine LANGUAGE plpgsql COST 0.0000001 AS"
        " $$ BEGIN RAISE NOTICE '%', $1; RETURN ROW($1)::pg_temp.mine; END $$"
    ),
    "CREATE CAST (text AS pg_temp.mine) WITH FUNCTION pg_temp.mine(text)",
    (
        "CREATE FUNCTION pg_temp.cared_for() RETURNS bigint[] LANGUAGE sql AS $$ SELECT array_agg(n) FROM"
        " generate_series(1::bigint, 99) AS n $$"
    ),
    "CREATE TEMP VIEW care AS SELECT name 'dr' AS login, n AS wearer FROM generate_series(1::bigint, 99) AS n",
    "SET search_path = pg_temp, hipsync, pg_catalog",
)
ASKED = (
    "SELECT 1 FROM hipsync.judged WHERE pg_temp.leak(facts)",
    "SELECT 1 FROM hipsync.judged WHERE facts OPERATOR(pg_temp.<<<) 'x'",
    "SELECT 1 FROM hipsync.judged WHERE (facts::pg_temp.mine).word = 'x'",
    "SELECT 1 FROM hipsync.wearers WHERE pg_temp.leak('facts of ' || pseudonym)",
    "SELECT 1 FROM hipsync.worn JOIN hipsync.judged USING (wearer) WHERE pg_temp.leak(facts) OR band > 0",
    "SELECT pg_temp.leak(facts) FROM hipsync.judged ORDER BY facts OFFSET 0",
    "SELECT 1 FROM hipsync.judged AS a RIGHT JOIN hipsync.judged AS b ON pg_temp.leak(a.facts || '')",
)
"""Questions by which functions of the asker's own see each row that they are called with."""


def test_what_a_hostile_login_makes_for_itself_sees_no_rows_of_others(ward: Postgres) -> None:
    heard: list[str] = []
    with psycopg.connect(ward.dsn("dr"), autocommit=True) as db:
        db.add_notice_handler(lambda told: heard.append(told.message_primary or ""))
        for statement in HOSTILE:
            db.execute(statement.encode())
        for question in ASKED:
            heard.clear()
            db.execute(question.encode())
            assert set(heard) == {"facts of w01", "facts of w05"}, question
        assert db.execute("SELECT 1 FROM hipsync.judged WHERE 1 / (steps - 4009) > 5").fetchall() == []  # that is w09
        with pytest.raises(errors.DivisionByZero):
            db.execute("SELECT 1 FROM hipsync.judged WHERE 1 / (steps - 4005) > 5")
        db.execute("SET row_security = off")
        with pytest.raises(errors.InsufficientPrivilege):
            db.execute("SELECT 1 FROM hipsync.judged")
        for role in ("keeper", "hipsync_judge"):
            with pytest.raises(errors.InsufficientPrivilege):
                db.execute(f"SET ROLE {role}".encode())


def test_a_doctor_who_takes_on_the_role_itself_is_still_herself(ward: Postgres) -> None:
    with psycopg.connect(ward.dsn("dr"), autocommit=True) as db:
        db.execute("SET ROLE hipsync_doctor")
        assert db.execute("SELECT count(*) FROM hipsync.judged").fetchone() == (2,)


def test_who_judges_works_on_all_wearers(ward: Postgres) -> None:
    with psycopg.connect(ward.dsn("judge_1"), autocommit=True) as db:
        assert db.execute("SELECT hipsync.next_wearer('infinity', false)").fetchone() == (1,)
        assert db.execute("DELETE FROM hipsync.dirty WHERE wearer = 7").rowcount == 1
        assert db.execute("UPDATE hipsync.judged SET steps = 1 WHERE wearer = 7").rowcount == 1


EMPTY = (
    "ROW('{}','{}')::hipsync.counters, ROW('{}','{}')::hipsync.wears, ROW('{}','{}','{}')::hipsync.charges,"
    " ROW('{}','{}','{}')::hipsync.workouts"
)


def brought(ward: Postgres, login: str, mark: str, steps: int = 9) -> str:
    """Let a gateway bring a minute of a band, and return what became of it."""
    one = "ROW('{60}','{1}',ARRAY[%s],'{NULL}','{NULL}','{0}','{NULL}','{NULL}')::hipsync.epochs"
    call = f"SELECT hipsync.take(%s, 'huami', true, false, '2026-03-02', {one}, {EMPTY}, %s)"
    with psycopg.connect(ward.dsn(login), autocommit=True) as db, translated():
        row = db.execute(call.encode(), [mark, steps, bytes(16)]).fetchone()
    assert row is not None
    return str(row[0])


def test_a_gateway_ships_the_bands_of_its_site_alone(ward: Postgres) -> None:
    assert brought(ward, "ward_1", "01" * 32) == "changed"
    with ward.owner() as db:
        before = db.execute("SELECT b.*, d.*, r.* FROM hipsync.bands AS b JOIN hipsync.band_days AS d ON d.band = b.id"
                            " JOIN hipsync.receipts AS r ON r.band = b.id ORDER BY b.id").fetchall()  # fmt: skip
    assert brought(ward, "ward_2", "01" * 32) == "elsewhere"
    with ward.owner() as db:
        after = db.execute("SELECT b.*, d.*, r.* FROM hipsync.bands AS b JOIN hipsync.band_days AS d ON d.band = b.id"
                           " JOIN hipsync.receipts AS r ON r.band = b.id ORDER BY b.id").fetchall()  # fmt: skip
    assert after == before
    assert brought(ward, "ward_2", "ee" * 32) == "new"
    assert brought(ward, "ward_1", "ee" * 32) == "elsewhere"
    with ward.owner() as db:
        assert db.execute("SELECT site FROM hipsync.bands WHERE mark = %s", ["ee" * 32]).fetchall() == [("B",)]


def test_without_sites_all_gateways_are_of_one(ward: Postgres) -> None:
    with connected(ward.dsn("keeper")) as database:
        set_site(database, "ward_1", "")
        set_site(database, "ward_2", "")
    assert [brought(ward, login, "ee" * 32) for login in ("ward_1", "ward_2")] == ["new", "same"]


def test_the_owner_says_whose_days_a_doctor_sees(ward: Postgres, tmp_path: Path) -> None:
    def seen() -> list[str]:
        with psycopg.connect(ward.dsn("dr")) as db:
            return [name for (name,) in db.execute("SELECT pseudonym FROM hipsync.wearers ORDER BY 1")]

    done = said(tmp_path, ward.dsn("keeper"), "care", "dr", "w07", "w05")
    assert (done.exit_code, done.output) == (0, "dr sees 2 wearers of these.\n")
    assert seen() == ["w01", "w05", "w07"]
    done = said(tmp_path, ward.dsn("keeper"), "care", "dr", "w07", "w09", "--remove")
    assert (done.exit_code, done.output) == (0, "dr saw 1 of these, and sees none of them any more.\n")
    assert seen() == ["w01", "w05"]
    assert said(tmp_path, ward.dsn("keeper"), "site", "ward_1", "north").output == "ward_1 is of the site north.\n"
    assert said(tmp_path, ward.dsn("keeper"), "site", "ward_1", "").output == "ward_1 is of no site.\n"


def test_the_owner_says_whose_own_computer_a_gateway_is(ward: Postgres, tmp_path: Path) -> None:
    """What the wearer's computers told each other goes with the last of them."""

    def own() -> tuple[dict[str, list[str]], int]:
        listed = json.loads(said(tmp_path, ward.dsn("keeper"), "wearer", "list", "--json").output)["wearers"]
        with ward.owner() as db:
            ((messages,),) = db.execute("SELECT count(*) FROM hipsync.messages").fetchall()
        return {each["pseudonym"]: each["computers"] for each in listed if each["computers"]}, messages

    assert own() == ({"w01": ["ward_1"]}, 1)
    done = said(tmp_path, ward.dsn("keeper"), "computer", "ward_2", "w01")
    assert (done.exit_code, done.output) == (0, "ward_2 is a computer of w01.\n")
    assert said(tmp_path, ward.dsn("keeper"), "computer", "ward_1", "w05").exit_code == 0
    assert own() == ({"w01": ["ward_2"], "w05": ["ward_1"]}, 1)
    done = said(tmp_path, ward.dsn("keeper"), "computer", "ward_2", "")
    assert (done.exit_code, done.output) == (0, "ward_2 is nobody's own computer.\n")
    assert own() == ({"w05": ["ward_1"]}, 0)
    assert "ward_1" in said(tmp_path, ward.dsn("keeper"), "wearer", "list").output


@pytest.mark.parametrize(
    ("login", "words", "says", "code"),
    [
        ("keeper", ("care", "dr", "w07", "w99"), "there is no wearer 'w99'", 2),
        ("keeper", ("care", "dr", "w99", "--remove"), "there is no wearer 'w99'", 2),
        ("keeper", ("care", "dr_who", "w07"), "there is no login 'dr_who'", 2),
        ("keeper", ("care", "stranger", "w07"), 'GRANT hipsync_doctor TO "stranger"', 2),
        ("keeper", ("site", "ward_9", "A"), "there is no login 'ward_9'", 2),
        ("keeper", ("site", "dr", "A"), 'GRANT hipsync_gateway TO "dr"', 2),
        ("keeper", ("site", "ward_1", "a b"), "no name of a site", 2),
        ("keeper", ("computer", "ward_9", "w01"), "there is no login 'ward_9'", 2),
        ("keeper", ("computer", "dr", "w01"), 'GRANT hipsync_gateway TO "dr"', 2),
        ("keeper", ("computer", "ward_1", "w99"), "there is no wearer 'w99'", 2),
        ("ward_1", ("computer", "ward_1", "w05"), "only the owner", 1),
        ("dr", ("care", "dr", "w07"), "only the owner", 1),
        ("stranger", ("site", "stranger", "A"), "only the owner", 1),
    ],
)
def test_what_cannot_be_is_one_line_and_changes_nothing(
    ward: Postgres, tmp_path: Path, login: str, words: tuple[str, ...], says: str, code: int
) -> None:
    done = said(tmp_path, ward.dsn(login), *words)
    assert (done.exit_code, done.output.count("\n")) == (code, 1), done.output
    assert says in done.output
    with ward.owner() as db:
        assert db.execute("SELECT count(*) FROM hipsync.care").fetchone() == (2,)
        assert db.execute("SELECT count(*) FROM hipsync.sites").fetchone() == (2,)
        assert db.execute("SELECT login::text, wearer FROM hipsync.computers").fetchall() == [("ward_1", 1)]


def test_a_login_that_is_gone_can_still_be_taken_out(ward: Postgres) -> None:
    with ward.owner() as db:
        db.execute("INSERT INTO hipsync.care VALUES ('dr_old', 3)")
    with connected(ward.dsn("keeper")) as database:
        assert take_care(database, "dr_old", ["w03"]) == 1
        with pytest.raises(ConfigError, match="no login 'dr_old'"):
            give_care(database, "dr_old", ["w03"])


def test_a_database_that_is_not_made_is_said(server: Postgres, tmp_path: Path) -> None:
    with server.owner() as db:
        db.execute("DROP SCHEMA IF EXISTS hipsync, hipsync_names CASCADE")
    done = said(tmp_path, server.dsn(), "care", "dr", "w01")
    assert (done.exit_code, "hipsync fleet init" in done.output) == (1, True)


def test_an_older_database_is_brought_up_with_its_bands(fleet: Postgres) -> None:
    """As before this version: the bands that are there are of no site, and still go on."""
    steps = sorted(Path(str(path)) for path in (Path(__file__).parents[2] / "hipsync/fleet/schema").glob("[12]_*.sql"))
    with fleet.owner() as db:
        db.execute("DROP SCHEMA hipsync, hipsync_names CASCADE")
        for step in steps:
            db.execute(step.read_bytes())
        db.execute("UPDATE hipsync.version SET number = 2")
        db.execute("INSERT INTO hipsync.bands (mark, driver, vouches, reports_wear) VALUES (%s, 'huami', true, false)",
                   ["01" * 32])  # fmt: skip
    with connected(fleet.dsn()) as database:
        assert database.create() == "brought up"
    assert brought(fleet, "ward_1", "01" * 32) == "new"
    with fleet.owner() as db:
        assert db.execute("SELECT DISTINCT site FROM hipsync.bands").fetchall() == [("",)]


def test_names_of_another_owner_are_not_taken_over(roles: Postgres) -> None:
    with roles.owner() as db:
        db.execute("DROP SCHEMA IF EXISTS hipsync, hipsync_names CASCADE")
        db.execute("CREATE SCHEMA hipsync_names")
    with (
        connected(roles.dsn("keeper")) as database,
        pytest.raises(FleetError, match="hipsync_names is another login's"),
    ):
        database.create()
    with roles.owner() as db:
        assert db.execute("SELECT to_regnamespace('hipsync')").fetchone() == (None,)
        db.execute("DROP SCHEMA hipsync_names CASCADE")


def test_the_names_outlive_the_rest(ward: Postgres) -> None:
    with psycopg.connect(ward.dsn("keeper"), autocommit=True) as db:
        db.execute("DROP SCHEMA hipsync CASCADE")
    with connected(ward.dsn("keeper")) as database:
        assert database.create() == "made"
    with psycopg.connect(ward.dsn("clerk"), autocommit=True) as db:
        assert db.execute("SELECT count(*) FROM hipsync_names.people").fetchone() == (29,)
        assert db.execute("SELECT * FROM hipsync_names.pseudonyms()").fetchall() == []


def test_the_matrix_is_whole() -> None:
    """Each row has a cell for each login, so that none is left out by a slip."""
    head, *rows = TABLES.strip("\n").splitlines()
    assert tuple(head.split()) == COLUMNS
    cell = re.compile(r"-|s?i?u?d?:\d+")
    assert all(len(row.split()) == 1 + len(COLUMNS) and all(map(cell.fullmatch, row.split()[1:])) for row in rows)

"""Gateways ship into a real Postgres: there stands the union of what they heard, whatever happens on the way."""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from hipsync.errors import FleetError
from hipsync.fleet.band_days import Parcel, shipped
from hipsync.fleet.database import Database, connected, translated
from hipsync.fleet.shipping import Told, ship
from hipsync.model import MINUTE, Charge, Counter, Epoch, Posture, Reading, State, Wear, Workout, WorkoutKind
from hipsync.store import Store
from hipsync.store.imports import NewBand
from hipsync.store.merging import RULES
from support.builders import MONDAY
from support.postgres import Postgres

HOUR = timedelta(hours=1)
Key = tuple[str, datetime, int]
Row = tuple[Any, ...]


def present() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  the server's clock is this computer's


def gateway(path: Path | None = None, *, bands: int = 1) -> Store:
    store = Store.in_memory() if path is None else Store.open(path)
    for number in range(bands):
        address = f"C0:00:00:00:00:{number:02X}"
        store.add_band(name=f"band {number}", driver="huami", now=MONDAY, address=address)
    return store


def shipped_from(store: Store, fleet: Postgres, login: str = "ward_1", ahead: timedelta = timedelta()) -> Told:
    with connected(fleet.dsn(login)) as database:
        return ship(store, database, present() + ahead)


def there(fleet: Postgres) -> dict[Key, Row]:
    """All epochs that stand in Postgres, by band, start and length."""
    with fleet.owner() as db:
        rows = db.execute(
            "SELECT mark, day::timestamp AT TIME ZONE 'UTC' + start * interval '1 minute', length, steps, intensity,"
            " heart_rate, state, kind, posture FROM hipsync.band_days JOIN hipsync.bands ON id = band,"
            " unnest((epochs).start, (epochs).length, (epochs).steps, (epochs).intensity, (epochs).heart_rate,"
            " (epochs).state, (epochs).kind, (epochs).posture)"
            " AS x (start, length, steps, intensity, heart_rate, state, kind, posture)"
        ).fetchall()
    return {(mark, at.astimezone(UTC), length): tuple(cells) for mark, at, length, *cells in rows}


def test_what_a_band_reported_stands_there_as_it_was_heard(fleet: Postgres) -> None:
    late = MONDAY + 23 * HOUR + 59 * MINUTE
    heard: list[Reading] = [
        Epoch(MONDAY, MINUTE, 7, 30, 61, State.WALKING, 4, posture=Posture.UPRIGHT),
        Epoch(MONDAY + MINUTE, 15 * MINUTE, 0, state=State.SITTING, inferred=True),
        Epoch(late, 30 * MINUTE, 3),
        Counter(late, 100), Wear(MONDAY, worn=False), Charge(late, 50), Charge(late + MINUTE, 49, charging=True),
        Workout(WorkoutKind.ROWING, late, late + HOUR),
    ]  # fmt: skip
    with gateway() as store:
        store.append(store.bands()[0].id, heard)
        assert shipped_from(store, fleet) == Told(there=0, new=2, changed=0, same=0, left_out=0)
    found = {key[1:]: row for key, row in there(fleet).items()}
    assert found == {
        (MONDAY, 1): (7, 30, 61, 6, 4, "upright"),
        (MONDAY + MINUTE, 15): (0, None, None, 17, None, None),
        (late, 30): (3, None, None, 0, None, None),
    }
    with fleet.owner() as db:
        others = db.execute(
            "SELECT day::text, (counters).at, (counters).steps, (wears).at, (wears).worn, (charges).percent,"
            " (charges).charging, (workouts).start, (workouts).length, (workouts).kind"
            " FROM hipsync.band_days ORDER BY 1"
        ).fetchall()
    assert others == [
        ("2026-03-02", [86340], [100], [0], [False], [50], [None], [86340], [3600], ["rowing"]),
        ("2026-03-03", [], [], [], [], [49], [True], [], [], []),
    ]


def test_what_is_there_is_not_sent_again_and_touches_nothing(fleet: Postgres) -> None:
    with gateway() as one, gateway() as other:
        for store in (one, other):
            store.append(store.bands()[0].id, [Epoch(MONDAY, MINUTE, 5), Epoch(MONDAY + MINUTE, MINUTE, 5)])
        other.append(other.bands()[0].id, [Epoch(MONDAY + 2 * MINUTE, MINUTE, 5)])
        assert shipped_from(other, fleet, "ward_2").new == 1
        with fleet.owner() as db:
            before = db.execute("SELECT xmin, ctid, changed FROM hipsync.band_days").fetchall()
        assert shipped_from(one, fleet) == Told(there=0, new=0, changed=0, same=1, left_out=0)
        assert shipped_from(one, fleet) == Told(there=1, new=0, changed=0, same=0, left_out=0)
        with fleet.owner() as db:
            assert db.execute("SELECT xmin, ctid, changed FROM hipsync.band_days").fetchall() == before
        one.append(one.bands()[0].id, [Epoch(MONDAY, MINUTE, 6)])
        assert shipped_from(one, fleet).changed == 1


def test_a_band_that_is_here_twice_is_one_there_and_is_not_sent_again(fleet: Postgres) -> None:
    """As after it was paired anew under another name; what either name has of a day, the other may have, too."""
    with gateway() as store:
        again = store.add_band(name="again", driver="huami", now=MONDAY, address="c0:00:00:00:00:00")
        store.append(store.bands()[0].id, [Epoch(MONDAY, MINUTE, 5)])
        store.append(again.id, [Epoch(MONDAY, MINUTE, 7), Epoch(MONDAY + 24 * HOUR, MINUTE, 5)])
        assert shipped_from(store, fleet) == Told(there=0, new=2, changed=1, same=0, left_out=0)
        assert shipped_from(store, fleet) == Told(there=3, new=0, changed=0, same=0, left_out=0)
        assert sorted(row[0] for row in there(fleet).values()) == [5, 7]
        with fleet.owner() as db:  # as if it was cut off between the two
            db.execute("UPDATE hipsync.receipts SET digest = %s WHERE day = '2026-03-02'",
                       [next(store.band_days(store.bands()[0].id, present())).digest()])  # fmt: skip
        assert shipped_from(store, fleet) == Told(there=1, new=0, changed=0, same=2, left_out=0)


def test_a_server_that_was_given_an_older_copy_gets_again_what_it_lost(fleet: Postgres) -> None:
    with gateway() as store:
        store.append(store.bands()[0].id, [Epoch(MONDAY + at * HOUR, MINUTE, 5) for at in range(48)])
        assert shipped_from(store, fleet).new == 2
        with fleet.owner() as db:
            db.execute("DELETE FROM hipsync.receipts WHERE day = '2026-03-03'")
            db.execute("DELETE FROM hipsync.band_days WHERE day = '2026-03-03'")
        assert shipped_from(store, fleet) == Told(there=1, new=1, changed=0, same=0, left_out=0)


def noisy(noise: random.Random, days: int) -> list[Epoch]:
    """Epochs of which another run of the noise has others, and some of the same key with other values."""
    length = noise.choice([MINUTE, MINUTE, 15 * MINUTE])
    return [
        Epoch(
            MONDAY + at * MINUTE, length, noise.randrange(9), noise.choice([None, 1, 2]), noise.choice([None, 60, 70]),
            noise.choice([None, State.ASLEEP, State.WALKING]), noise.choice([None, 3]), inferred=noise.random() < 0.3,
            posture=noise.choice([None, Posture.LYING, Posture.SITTING]),
        )
        for at in range(0, days * 1440, 45) if noise.random() < 0.8
    ]  # fmt: skip


def united(stores: Sequence[Store]) -> dict[Key, Row]:
    """What the store itself makes of what several stores hold: by the rule by which it takes another one's file."""
    with Store.in_memory() as whole:
        found: dict[Key, Row] = {}
        marks = {each.mark: each.band.name for store in stores for each in shipped(store.bands())}
        for mark, name in marks.items():
            arriving = whole.add_arriving(MONDAY)
            for store in stores:
                whole.arrive([(arriving, *row[1:]) for of, row in store.epoch_rows(None, None) if of == name])
            whole.become(arriving, NewBand(name, "huami", MONDAY))
            for of, row in whole.epoch_rows(None, None):
                if of == name:
                    found[mark, datetime.fromtimestamp(row[1], UTC), row[2]] = tuple(row[3:])
        return found


@pytest.mark.parametrize("seed", range(6))
def test_the_merge_is_the_stores_own_in_any_order_and_as_often_as_it_comes(fleet: Postgres, seed: int) -> None:
    noise = random.Random(seed)
    stores = [gateway() for _ in range(3)]
    for store in stores:
        store.append(store.bands()[0].id, noisy(noise, 2))
    want = united(stores)
    for _ in range(2):
        for store in noise.sample(stores, 3):
            shipped_from(store, fleet, "ward_1")
    assert there(fleet) == want
    assert len(want) > 60


def others_of(noise: random.Random) -> list[Reading]:
    """Readings that are no epochs, of which another run of the noise has some at the same second with other values."""
    found: list[Reading] = []
    for at in (MONDAY + step * HOUR for step in range(20)):
        found += [
            Counter(at, noise.randrange(5)),
            Wear(at, noise.random() < 0.5),
            Charge(at, noise.randrange(3), noise.choice([None, True, False])),
            Workout(noise.choice(list(WorkoutKind)), at, at + noise.randrange(1, 3) * MINUTE),
        ]
    return [each for each in found if noise.random() < 0.8]


OTHERS = {
    "counters": "(counters).at, (counters).steps",
    "wears": "(wears).at, (wears).worn",
    "charges": "(charges).at, (charges).percent, (charges).charging",
    "workouts": "(workouts).start, (workouts).length, (workouts).kind",
}
"""By table, the arrays of which its rows are made."""


def others_there(fleet: Postgres, table: str) -> set[Row]:
    """The rows of a table that is not `epochs`, of a fleet with one band and the day of `MONDAY`."""
    query = f"SELECT x.* FROM hipsync.band_days, unnest({OTHERS[table]}) AS x"  # noqa: S608  our own words
    with fleet.owner() as db:
        return set(db.execute(query.encode()))


def others_united(stores: Sequence[Store], table: str) -> set[Row]:
    """The same by the rule by which one computer takes the rows of another."""
    rule, found, start = RULES[table], dict[Row, dict[str, Any]](), int(MONDAY.timestamp())
    names = {
        "counters": ["steps"],
        "wears": ["worn"],
        "charges": ["percent", "charging"],
        "workouts": ["until", "kind"],
    }
    at = "start" if table == "workouts" else "at"
    for store in stores:
        for cells in store.rows_of(table, None, None):
            row = {**dict.fromkeys(names[table]), **cells}
            known = found.get((row[at],))
            found[(row[at],)] = row if known is None else dict(rule.merged(known, row))
    rows = {(row[at] - start, *(row[name] for name in names[table])) for row in found.values()}
    return {(begun, until - begun - start, kind) for begun, until, kind in rows} if table == "workouts" else rows


@pytest.mark.parametrize("seed", range(6))
def test_the_other_readings_merge_by_the_stores_own_rules(fleet: Postgres, seed: int) -> None:
    noise = random.Random(seed)
    stores = [gateway() for _ in range(3)]
    for store in stores:
        store.append(store.bands()[0].id, others_of(noise))
    for _ in range(2):
        for store in noise.sample(stores, 3):
            shipped_from(store, fleet)
    for table in OTHERS:
        found = others_there(fleet, table)
        assert found == others_united(stores, table)
        assert len(found) > 15


SHIP = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from hipsync.fleet import shipping
from hipsync.fleet.database import connected
from hipsync.store import Store
shipping.AT_ONCE = 1
with Store.read(Path(sys.argv[1])) as store, connected(sys.argv[2]) as database:
    def take(batch, take=database.take):
        print("a transaction begins", flush=True)
        return take(batch)
    database.take = take
    shipping.ship(store, database, datetime.now(UTC))
"""


@pytest.mark.parametrize("kills", [3, pytest.param(16, marks=pytest.mark.ring)])
def test_two_gateways_that_are_killed_at_random_bring_the_union(fleet: Postgres, tmp_path: Path, kills: int) -> None:
    """Both are killed while they ship at the same time, in a transaction or after it, and hear more in between."""
    noise = random.Random(18)
    stores = [gateway(tmp_path / f"{name}.db", bands=4) for name in ("one", "two")]
    for store in stores:
        for band in store.bands():
            store.append(band.id, noisy(noise, 12))
    for number in range(1, kills + 1):
        pair = [
            subprocess.Popen([sys.executable, "-c", SHIP, str(store.path), fleet.dsn(login)], stdout=subprocess.PIPE)
            for store, login in zip(stores, ("ward_1", "ward_2"), strict=True)
        ]
        for process in pair:
            assert process.stdout is not None
            for _ in range(noise.randint(1, 4)):
                assert process.stdout.readline()
            time.sleep(noise.uniform(0, 0.01))  # where it is struck is left to chance
            process.kill()
            process.communicate()
        for store in stores:
            for band in store.bands():
                new = noisy(noise, 2)
                store.append(band.id, [each._replace(start=each.start + number * MINUTE) for each in new])
    want = united(stores)
    for store, login in zip(stores, ("ward_1", "ward_2"), strict=True):
        shipped_from(store, fleet, login)
        assert shipped_from(store, fleet, login).there == 4 * 12
        store.close()
    assert there(fleet) == want


def test_a_deadlock_is_tried_again(fleet: Postgres) -> None:
    """The server gives up one of two transactions that wait for each other: here always the gateway's."""
    with gateway(bands=2) as store:
        for band in store.bands():
            store.append(band.id, [Epoch(MONDAY, MINUTE, 5)])
        shipped_from(store, fleet)
        for band in store.bands():
            store.append(band.id, [Epoch(MONDAY, MINUTE, 6)])
        with fleet.owner() as other:
            other.execute("SET deadlock_timeout = '1min'")  # so that it is the gateway's process that notices
            other.execute("BEGIN")
            other.execute("SELECT 1 FROM hipsync.band_days WHERE band = (SELECT id FROM hipsync.bands"
                          " ORDER BY mark DESC LIMIT 1) FOR UPDATE")  # fmt: skip
            told: list[Told] = []
            thread = threading.Thread(target=lambda: told.append(shipped_from(store, fleet)))
            thread.start()
            fleet.until_waits("%hipsync.take%")
            other.execute("SELECT 1 FROM hipsync.band_days WHERE band = (SELECT id FROM hipsync.bands"
                          " ORDER BY mark LIMIT 1) FOR UPDATE")  # fmt: skip
            other.execute("COMMIT")
            thread.join(60)
        fleet.until_some("SELECT deadlocks FROM pg_stat_database WHERE datname = 'postgres'")
    assert told == [Told(there=0, new=0, changed=2, same=0, left_out=0)]


def test_a_gateway_whose_clock_is_ahead_or_behind_ships_nothing(fleet: Postgres) -> None:
    with gateway() as store:
        store.append(store.bands()[0].id, [Epoch(MONDAY, MINUTE, 5)])
        for ahead, word in ((3 * HOUR, "ahead of"), (-3 * HOUR, "behind")):
            with pytest.raises(FleetError, match=rf"clock is 1(79|80) min {word} the server's"):
                shipped_from(store, fleet, ahead=ahead)
    assert there(fleet) == {}


def test_a_reading_ahead_of_now_stays_here_and_the_server_refuses_it_too(fleet: Postgres) -> None:
    ahead = present().replace(second=0, microsecond=0) + 2 * HOUR
    with gateway() as store:
        store.append(store.bands()[0].id, [Epoch(MONDAY, MINUTE, 5), Epoch(ahead, MINUTE, 5)])
        assert shipped_from(store, fleet).new == 1
        assert [at for _, at, _ in there(fleet)] == [MONDAY]
        with connected(fleet.dsn("ward_1")) as database:
            (one,) = shipped(store.bands())
            days = list(store.band_days(one.band.id, ahead + HOUR))
            with pytest.raises(FleetError, match="still to come"):
                database.take([Parcel(one, day, day.digest()) for day in days])
    assert [at for _, at, _ in there(fleet)] == [MONDAY]


def test_a_server_that_is_away_is_one_line_and_nothing_is_lost(fleet: Postgres) -> None:
    with gateway() as store:
        store.append(store.bands()[0].id, [Epoch(MONDAY, MINUTE, 5)])
        fleet.stop()
        try:
            with pytest.raises(FleetError, match="cannot be reached") as found:
                shipped_from(store, fleet)
        finally:
            fleet.start()
        assert "\n" not in str(found.value)
        assert shipped_from(store, fleet).new == 1


def test_a_server_that_is_killed_in_a_transaction_has_nothing_of_it(fleet: Postgres) -> None:
    failed: list[str] = []
    with gateway(bands=2) as store:
        for band in store.bands():
            store.append(band.id, [Epoch(MONDAY, MINUTE, 5)])
        with contextlib.suppress(psycopg.OperationalError), fleet.owner() as other:  # it is thrown out, too
            other.execute("BEGIN")
            other.execute("LOCK TABLE hipsync.receipts IN SHARE MODE")  # the first receipt has to wait

            def go() -> None:
                try:
                    shipped_from(store, fleet)
                except FleetError as error:
                    failed.append(str(error))

            thread = threading.Thread(target=go)
            thread.start()
            fleet.until_waits("%hipsync.take%")
            fleet.kill_sessions()
            thread.join(60)
        fleet.wait_until_up()
        assert len(failed) == 1
        assert "nothing was half written" in failed[0]
        assert there(fleet) == {}
        assert shipped_from(store, fleet).new == 2


def test_bands_that_have_no_address_stay_here(fleet: Postgres) -> None:
    with gateway(bands=0) as store:
        for name, simulated in (("named", False), ("played", True)):
            band = store.add_band(name=name, driver="huami", now=MONDAY, simulated=simulated)
            store.append(band.id, [Epoch(MONDAY, MINUTE, 5)])
        band = store.add_band(name="imported", driver="csv", now=MONDAY)  # another wearer's may be called so, too
        store.note_import(band.id, MONDAY, "fitbit", "Charge 4", None)
        store.append(band.id, [Epoch(MONDAY, MINUTE, 5)])
        assert shipped_from(store, fleet) == Told(there=0, new=0, changed=0, same=0, left_out=3)


def test_a_band_of_a_strange_kind_and_rows_of_strange_numbers_hold_up_no_other(fleet: Postgres) -> None:
    start, huge = int(MONDAY.timestamp()), 2**48
    with gateway(bands=3) as store:
        for band in store.bands():
            store.append(band.id, [Epoch(MONDAY, MINUTE, 5)])
        store.give_to_family(store.bands()[1].id, "é;'x y", vouches=False, reports_wear=False)
        with store.transaction() as db:
            rows = [
                (start + 60, 1440, huge, None, None, 0, None, None), (start + 120, 1, 0, huge, -huge, 24, 7, "lying"),
                (start + 180, 1440, 2**31 - 1, -9, -9, 24, -7, "lying"), (-86400, 1, 4, None, None, 0, None, None),
                (start + 240, 1, "many", None, None, 0, None, None), (start + 300, 1, 4, None, None, 77, None, "'}"),
            ]  # fmt: skip
            db.executemany("INSERT INTO epochs VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
            db.execute("INSERT INTO counters VALUES (1, ?, ?), (1, ?, 5)", (start, huge, 253_339_228_799))
        assert shipped_from(store, fleet).new == 3
        assert shipped_from(store, fleet).there == 3
    assert sorted(row[0] for row in there(fleet).values()) == [5, 5, 5, 2**31 - 1]


def test_no_address_and_no_name_of_a_band_leaves_the_gateway(fleet: Postgres) -> None:
    with gateway() as store:
        store.append(store.bands()[0].id, [Epoch(MONDAY, MINUTE, 5)])
        shipped_from(store, fleet)
    with fleet.owner() as db:
        told = [
            str(row)
            for table in ("bands", "band_days", "receipts")
            for row in db.execute(sql.SQL("SELECT x::text FROM {} AS x").format(sql.Identifier("hipsync", table)))
        ]
    assert len(told) == 3
    assert not [line for line in told if "C0:00" in line.upper() or "band 0" in line]


@pytest.mark.parametrize("table", ["version", "bands", "band_days", "receipts", "wearers", "worn", "dirty", "judged"])
@pytest.mark.parametrize("login", ["ward_1", "stranger"])
def test_a_gateway_sees_and_changes_no_table(fleet: Postgres, table: str, login: str) -> None:
    for statement in ("SELECT * FROM", "DELETE FROM", "TRUNCATE"):
        with psycopg.connect(fleet.dsn(login)) as db, pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.execute(f"{statement} hipsync.{table}".encode())


def test_a_stranger_may_not_ship_and_is_told_what_the_owner_has_to_say(fleet: Postgres) -> None:
    with gateway() as store, pytest.raises(FleetError, match="not made yet"):
        shipped_from(store, fleet, "stranger")
    with fleet.owner() as db:
        db.execute("GRANT USAGE ON SCHEMA hipsync TO stranger")
        db.execute("GRANT EXECUTE ON FUNCTION hipsync.schema_version TO stranger")
    try:
        with gateway() as store, pytest.raises(FleetError, match='GRANT hipsync_gateway TO "stranger"'):
            shipped_from(store, fleet, "stranger")
    finally:
        with fleet.owner() as db:
            db.execute("REVOKE ALL ON SCHEMA hipsync FROM stranger")


EMPTY = "ROW('{}','{}')::hipsync.counters, ROW('{}','{}')::hipsync.wears, ROW('{}','{}','{}')::hipsync.charges"


@pytest.mark.parametrize(
    ("epochs", "workouts"),
    [
        ("'{0,1}','{1}','{0}','{0}','{0}','{0}','{0}','{NULL}'", "'{}','{}','{}'"),
        ("'{1,0}','{1,1}','{0,0}','{0,0}','{0,0}','{0,0}','{0,0}','{NULL,NULL}'", "'{}','{}','{}'"),
        ("'{0,0}','{1,1}','{0,0}','{0,0}','{0,0}','{0,0}','{0,0}','{NULL,NULL}'", "'{}','{}','{}'"),
        ("'{1440}','{1}','{0}','{0}','{0}','{0}','{0}','{NULL}'", "'{}','{}','{}'"),
        ("'{0}','{1}','{-1}','{0}','{0}','{0}','{0}','{NULL}'", "'{}','{}','{}'"),
        ("'{0}','{1}','{NULL}','{0}','{0}','{0}','{0}','{NULL}'", "'{}','{}','{}'"),
        ("'{0}','{1}','{0}','{0}','{0}','{9}','{0}','{NULL}'", "'{}','{}','{}'"),
        ("'{0}','{1}','{0}','{0}','{0}','{0}','{0}','{<script>}'", "'{}','{}','{}'"),
        ("NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL", "'{}','{}','{}'"),
        ("'{}','{}','{}','{}','{}','{}','{}','{}'", "'{0}','{60}','{<script>}'"),
        ("'{}','{}','{}','{}','{}','{}','{}','{}'", "'{0}','{-60}','{rowing}'"),
        ("'{}','{}','{}','{}','{}','{}','{}','{}'", "'{0}','{NULL}','{rowing}'"),
    ],
)
def test_a_hostile_gateway_stores_nothing_that_makes_no_sense(fleet: Postgres, epochs: str, workouts: str) -> None:
    call = (
        f"SELECT hipsync.take('{'a' * 64}', 'huami', false, false, '2026-03-02', ROW({epochs})::hipsync.epochs,"
        f" {EMPTY}, ROW({workouts})::hipsync.workouts, '\\x{'00' * 16}')"
    )
    with psycopg.connect(fleet.dsn("ward_1")) as db, pytest.raises(FleetError, match="senseless"), translated():
        db.execute(call.encode())
    assert there(fleet) == {}


def test_a_gateway_cannot_have_its_own_code_run_as_the_owner(fleet: Postgres) -> None:
    """What a session makes for itself is found first where a search path does not say otherwise (CREATE FUNCTION)."""
    with gateway() as store, psycopg.connect(fleet.dsn("ward_1"), autocommit=True) as db:
        store.append(store.bands()[0].id, [Epoch(MONDAY, MINUTE, 5), Charge(MONDAY, 50)])
        db.execute("CREATE TEMP TABLE ran (who name)")
        db.execute("GRANT ALL ON pg_temp.ran TO PUBLIC")
        db.execute(
            "CREATE FUNCTION pg_temp.look(word pg_catalog.text) RETURNS boolean LANGUAGE plpgsql AS"
            " $$ BEGIN INSERT INTO pg_temp.ran VALUES (current_user); RETURN true; END $$"
        )
        for name in ("text", "date", "bytea", "timestamptz"):
            db.execute(
                sql.SQL(
                    "CREATE DOMAIN pg_temp.{0} AS pg_catalog.{0} CHECK (pg_temp.look(VALUE::pg_catalog.text))"
                ).format(sql.Identifier(name))
            )
        assert ship(store, Database(db), present()).new == 1
        assert db.execute("SELECT who FROM pg_temp.ran WHERE who <> 'ward_1'").fetchall() == []


def test_the_owner_need_not_be_a_superuser(fleet: Postgres) -> None:
    with fleet.owner() as db:
        db.execute("DROP SCHEMA hipsync, hipsync_names CASCADE")
        db.execute("CREATE ROLE keeper LOGIN")
        db.execute("GRANT CREATE ON DATABASE postgres TO keeper")
    try:
        with connected(fleet.dsn("keeper")) as database:
            assert database.create() == "made"
        with gateway() as store:
            store.append(store.bands()[0].id, [Epoch(MONDAY, MINUTE, 5)])
            assert shipped_from(store, fleet).new == 1
    finally:
        with fleet.owner() as db:
            db.execute("DROP OWNED BY keeper CASCADE")
            db.execute("DROP ROLE keeper")


def test_two_that_make_it_at_once_make_it_once(fleet: Postgres) -> None:
    with fleet.owner() as db:
        db.execute("DROP SCHEMA hipsync CASCADE")
    made: list[str] = []

    def make() -> None:
        with connected(fleet.dsn()) as database:
            made.append(database.create())

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(made) == ["made", "there", "there", "there"]

"""A wearer is erased: in Postgres, on gateways that are there and on those that come later, and nobody else."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from fleet.test_fleet_commands import said
from fleet.test_shipping import HOUR, gateway, noisy, others_of, present, shipped_from, there
from hipsync.errors import FleetError
from hipsync.fleet import erasing
from hipsync.fleet.band_days import Parcel, shipped
from hipsync.fleet.database import connected
from hipsync.fleet.erasing import Erasure, erase, erasures_of, finish
from hipsync.fleet.judging import judge
from hipsync.fleet.obeying import Obeyed, obey
from hipsync.fleet.queue import Queue
from hipsync.fleet.shipping import Told
from hipsync.model import MINUTE, Band, Charge, Counter, Epoch, Info, Reading, Wear, Workout
from hipsync.store import Store
from support.builders import MONDAY
from support.postgres import Postgres

NOON = MONDAY + 12 * HOUR
BY_HOURS = [Epoch(MONDAY + at * HOUR, MINUTE, 5) for at in range(48)]


def handed(fleet: Postgres, mark: str, *times: tuple[str, datetime, datetime | None]) -> None:
    """Let wearers wear a band, each of a pseudonym for a time; those who are not there yet are added."""
    with fleet.owner() as db:
        for pseudonym, since, until in times:
            db.execute(
                "INSERT INTO hipsync.wearers (pseudonym, zone) VALUES (%s, 'UTC') ON CONFLICT DO NOTHING", [pseudonym]
            )
            db.execute(
                "INSERT INTO hipsync.worn (band, wearer, since, until) SELECT b.id, w.id, %s, %s FROM"
                " hipsync.bands AS b, hipsync.wearers AS w WHERE mark = %s AND pseudonym = %s",
                [since, until, mark, pseudonym],
            )


def mark_in(store: Store, number: int = 0) -> str:
    band = store.bands()[number]
    return next(one.mark for one in shipped(store.bands()) if one.band.id == band.id)


def erased(fleet: Postgres, pseudonym: str) -> Erasure:
    """Erase a wearer as the command does, and return the receipt."""
    with connected(fleet.dsn()) as database:
        number = erase(database, pseudonym)
        assert number is not None
        finish(database, number, None)
        return receipt(fleet, pseudonym)


def receipt(fleet: Postgres, pseudonym: str) -> Erasure:
    with connected(fleet.dsn()) as database:
        return erasures_of(database, pseudonym)[0]


def obeyed(
    store: Store, fleet: Postgres, login: str = "ward_1", forget: Callable[[Band], None] | None = None
) -> Obeyed:
    with connected(fleet.dsn(login)) as database:
        return obey(store, database, present(), forget or (lambda _: None))


def starts(store: Store) -> list[datetime]:
    return [datetime.fromtimestamp(row[1], UTC) for _, row in store.epoch_rows(None, None)]


def count(fleet: Postgres, table: str) -> int:
    with fleet.owner() as db:
        row = db.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("hipsync", table))).fetchone()
    assert row is not None
    return int(row[0])


def test_of_a_band_that_changed_wearers_only_the_erased_ones_time_goes(fleet: Postgres) -> None:
    """From Monday noon to Tuesday noon it was his; an epoch that began before and lasted into that is his, too."""
    day = 24 * HOUR
    with gateway() as store:
        store.append(store.bands()[0].id, [*BY_HOURS, Epoch(NOON - 5 * MINUTE, 10 * MINUTE, 7)])
        shipped_from(store, fleet)
        mark = mark_in(store)
        handed(fleet, mark, ("before", MONDAY, NOON), ("gone", NOON, NOON + day), ("after", NOON + day, None))
        with fleet.owner() as db:
            db.execute("DELETE FROM hipsync.dirty")
        removed = erased(fleet, "gone").removed
        others = [MONDAY + at * HOUR for at in (*range(12), *range(36, 48))]
        assert [at for _, at, _ in sorted(there(fleet))] == others
        assert (removed["bands"], removed["bands_cut"], removed["band_days_cut"], removed["worn"]) == (0, 1, 2, 1)
        told = obeyed(store, fleet)
        assert (told.erasures, told.rows, told.gone) == (1, 25, [])
        assert starts(store) == others
        assert shipped_from(store, fleet) == Told(0, 0, 0, 2, 0)
        assert shipped_from(store, fleet) == Told(2, 0, 0, 0, 0)
        assert obeyed(store, fleet).erasures == 0
    assert [at for _, at, _ in sorted(there(fleet))] == others
    with fleet.owner() as db:
        assert db.execute("SELECT pseudonym FROM hipsync.wearers ORDER BY 1").fetchall() == [("after",), ("before",)]


@pytest.mark.parametrize("seed", range(4))
def test_the_times_that_are_lost_are_cut_from_all_kinds_of_readings(fleet: Postgres, seed: int) -> None:
    """What stays there and here is what another calculation keeps, reading by reading."""
    noise = random.Random(seed)
    readings: list[Reading] = [*noisy(noise, 3), *others_of(noise)]
    edges = [MONDAY + edge * timedelta(seconds=1) for edge in sorted(noise.sample(range(3 * 86400), 4))]
    times = [(edges[0], edges[1]), (edges[2], edges[3])]

    def is_lost(one: Reading) -> bool:
        match one:
            case Epoch(start=start, length=length):
                first, last = start, start + length
            case Workout(start=first, end=last):
                pass
            case Counter(at=at) | Wear(at=at) | Charge(at=at):
                first, last = at, at + timedelta(microseconds=1)
            case _:
                raise AssertionError(one)
        return any(first < until and last > since for since, until in times)

    with gateway() as store, gateway() as kept:
        store.append(store.bands()[0].id, readings)
        kept.append(kept.bands()[0].id, [one for one in readings if not is_lost(one)])
        assert len(list(kept.epoch_rows(None, None))) not in {0, len(list(store.epoch_rows(None, None)))}
        shipped_from(store, fleet)
        handed(
            fleet, mark_in(store), *[("gone", since, until) for since, until in times], ("other", MONDAY - HOUR, MONDAY)
        )
        erased(fleet, "gone")
        with fleet.owner() as db:
            days = "SELECT day, epochs, counters, wears, charges, workouts FROM hipsync.band_days ORDER BY day"
            left = db.execute(days).fetchall()
            db.execute("DELETE FROM hipsync.band_days")
            db.execute("DELETE FROM hipsync.receipts")
            obeyed(store, fleet)
            assert list(store.band_days(store.bands()[0].id, present())) == list(
                kept.band_days(kept.bands()[0].id, present())
            )
            shipped_from(kept, fleet)
            assert db.execute(days).fetchall() == left


def test_a_band_that_nobody_else_wore_goes_whole_with_its_backups(fleet: Postgres, tmp_path: Path) -> None:
    forgot: list[str] = []
    with gateway(tmp_path / "hipsync.db", bands=2) as store:
        for band in store.bands():
            store.append(band.id, [*BY_HOURS, Info(MONDAY, "1.0", "A", f"SERIAL{band.id}")])
        store.rename(store.bands()[0].id, "called so in the backup")
        backup = store.backup(None, present())
        store.rename(store.bands()[0].id, "other")
        shipped_from(store, fleet)
        handed(fleet, mark_in(store), ("gone", MONDAY, None))
        handed(fleet, mark_in(store, 1), ("stays", MONDAY, None))
        one = erased(fleet, "gone")
        assert (one.removed["bands"], one.removed["band_days"], one.unseen) == (1, 2, ["ward_1"])
        assert {at for _, at, _ in there(fleet)} == {epoch.start for epoch in BY_HOURS}
        told = obeyed(store, fleet, forget=lambda band: forgot.append(band.name))
        assert (told.rows, told.backups, [band.name for band in told.gone]) == (49, 1, ["other"])
        assert forgot == ["other"]
        assert [band.name for band in store.bands()] == ["band 1"]
        with Store.read(backup) as copy:
            assert [band.name for band in copy.bands()] == ["band 1"]
        assert shipped_from(store, fleet) == Told(2, 0, 0, 0, 0)
    assert b"SERIAL1" not in b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    one = receipt(fleet, "gone")
    assert [(done.gateway, done.rows, done.backups, done.kept) for done in one.done] == [("ward_1", 49, 1, 0)]
    assert one.unseen == []


def test_a_gateway_that_was_away_brings_nothing_back_and_is_cleaned_when_it_comes(
    fleet: Postgres, tmp_path: Path
) -> None:
    """It has more than the others had, and the band under two names."""
    with gateway() as store:
        store.append(store.bands()[0].id, [Epoch(MONDAY, MINUTE, 5)])
        shipped_from(store, fleet, "ward_2")
        handed(fleet, mark_in(store), ("gone", MONDAY, None))
    with gateway(tmp_path / "hipsync.db") as away:
        again = away.add_band(name="again", driver="huami", now=MONDAY, address="c0:00:00:00:00:00")
        for band in (away.bands()[0].id, again.id):
            away.append(band, BY_HOURS)
    erased(fleet, "gone")
    with Store.read(tmp_path / "hipsync.db") as away:
        assert shipped_from(away, fleet) == Told(
            0, 0, 0, 0, 0, erased=4
        )  # as an older gateway would, that asks nothing
    assert (count(fleet, "bands"), count(fleet, "receipts")) == (0, 0)
    first = said(tmp_path, fleet.dsn("ward_1"), "ship")
    assert "96 rows here" in first.output
    with Store.read(tmp_path / "hipsync.db") as away:
        assert (away.bands(), starts(away)) == ([], [])
    again_told = said(tmp_path, fleet.dsn("ward_1"), "ship", "--json")
    assert json.loads(again_told.output)["rows_erased_here"] == 0
    assert (count(fleet, "bands"), count(fleet, "band_days"), count(fleet, "receipts")) == (0, 0, 0)
    one = receipt(fleet, "gone")
    assert ([done.gateway for done in one.done], one.unseen) == (["ward_1"], ["ward_2"])


def test_a_day_that_was_cut_on_its_way_is_not_sent_again_and_again(fleet: Postgres) -> None:
    """A gateway that does not ask what to erase: its digest of the day is of more than what is there."""
    with gateway() as store:
        store.append(store.bands()[0].id, BY_HOURS)
        shipped_from(store, fleet)
        handed(fleet, mark_in(store), ("before", MONDAY, NOON), ("gone", NOON, None))
        erased(fleet, "gone")
        left = there(fleet)
        assert shipped_from(store, fleet) == Told(0, 0, 0, 1, 0, erased=1)
        assert shipped_from(store, fleet) == Told(1, 0, 0, 0, 0, erased=1)
        assert there(fleet) == left
        assert len(left) == 12


def test_a_band_that_goes_on_is_nobodys_until_it_is_handed_on(fleet: Postgres) -> None:
    now = present().replace(microsecond=0)
    with gateway() as store:
        store.append(store.bands()[0].id, BY_HOURS)
        shipped_from(store, fleet)
        mark = mark_in(store)
        handed(fleet, mark, ("before", MONDAY, NOON), ("gone", NOON, None))
        erased(fleet, "gone")
        obeyed(store, fleet)
        late = [now + at * timedelta(seconds=30) for at in (1, 3, 5, 7)]
        store.append(store.bands()[0].id, [Charge(at, 50) for at in late])
        with connected(fleet.dsn("ward_1")) as database:  # as if that time had come
            (one,) = shipped(store.bands())
            *_, day = store.band_days(one.band.id, now + HOUR)
            assert database.take([Parcel(one, day, day.digest())]) == ["erased"]
            handed(fleet, mark, ("after", late[2] - timedelta(seconds=1), None))
            assert database.take([Parcel(one, day, day.digest())]) == ["new"]
            assert obeyed(store, fleet).rows == 2
    with fleet.owner() as db:
        ((at,),) = db.execute("SELECT (charges).at FROM hipsync.band_days ORDER BY day DESC LIMIT 1").fetchall()
        assert at == [int(one.timestamp()) % 86400 for one in late[2:]]


def test_a_pseudonym_and_a_band_can_be_used_again(fleet: Postgres) -> None:
    with gateway() as store:
        store.append(store.bands()[0].id, BY_HOURS)
        shipped_from(store, fleet)
        handed(fleet, mark_in(store), ("P-1", MONDAY, None))
        erased(fleet, "P-1")
        obeyed(store, fleet)
        now = present()
        band = store.add_band(name="anew", driver="huami", now=now + 2 * MINUTE, address="C0:00:00:00:00:00")
        store.append(band.id, [*BY_HOURS, Charge(now + 2 * MINUTE, 50)])  # the band itself keeps old minutes
        with connected(fleet.dsn("ward_1")) as database:
            (one,) = shipped(store.bands())
            days = [Parcel(one, day, day.digest()) for day in store.band_days(band.id, now + HOUR)]
            assert database.take(days) == ["erased", "erased", "new"]
        handed(fleet, mark_in(store), ("P-1", now - HOUR, None))
        told = obeyed(store, fleet)
        assert (told.rows, told.gone, starts(store)) == (48, [], [])
        assert len(store.bands()) == 1
        second = erased(fleet, "P-1")
        assert (second.removed["bands"], second.removed["band_days"]) == (1, 1)
    with connected(fleet.dsn()) as database:
        assert len(erasures_of(database, "P-1")) == 2


def test_what_came_back_from_a_copy_is_erased_again(fleet: Postgres, tmp_path: Path) -> None:
    with gateway(tmp_path / "hipsync.db") as store:
        store.append(store.bands()[0].id, BY_HOURS)
        copy = store.backup(tmp_path / "elsewhere.db", present())
        shipped_from(store, fleet)
        handed(fleet, mark_in(store), ("gone", MONDAY, None))
        erased(fleet, "gone")
        assert obeyed(store, fleet).rows == 48
    Store.restore(tmp_path / "hipsync.db", copy, present())
    with Store.open(tmp_path / "hipsync.db") as store:
        assert len(store.bands()) == 1
        told = obeyed(store, fleet)
        assert (told.rows, told.kept) == (48, [])
        assert store.bands() == []


def test_files_that_cannot_be_cleaned_are_told_until_they_are_gone(fleet: Postgres, tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    for name in ("damaged-20260302T100000.db", "hipsync-20260302T100000.db.new"):
        (tmp_path / "backups" / name).write_bytes(b"whatever")
    with gateway(tmp_path / "hipsync.db") as store:
        store.append(store.bands()[0].id, BY_HOURS)
    assert said(tmp_path, fleet.dsn("ward_1"), "ship").exit_code == 0
    with Store.read(tmp_path / "hipsync.db") as store:
        handed(fleet, mark_in(store), ("gone", MONDAY, None))
    erased(fleet, "gone")
    for _ in range(2):
        done = said(tmp_path, fleet.dsn("ward_1"), "ship")
        assert "Not erased, delete yourself: " in done.output
        assert [one.kept for one in receipt(fleet, "gone").done] == [2]
        assert "2 files there it cannot clean" in said(tmp_path, fleet.dsn(), "erase", "gone", "--receipt").output
    for name in ("damaged-20260302T100000.db", "hipsync-20260302T100000.db.new"):
        (tmp_path / "backups" / name).unlink()
    assert "delete yourself" not in said(tmp_path, fleet.dsn("ward_1"), "ship").output
    assert [one.kept for one in receipt(fleet, "gone").done] == [0]


def test_an_erasure_waits_while_he_is_judged_and_a_gateway_while_he_is_erased(fleet: Postgres) -> None:
    with gateway() as store:
        store.append(store.bands()[0].id, BY_HOURS)
        shipped_from(store, fleet)
        handed(fleet, mark_in(store), ("gone", MONDAY, None))
        store.append(store.bands()[0].id, [Epoch(MONDAY, MINUTE, 9)])
        with fleet.owner() as judge:
            judge.execute("BEGIN")
            assert judge.execute("SELECT hipsync.next_wearer('infinity', false) IS NOT NULL").fetchone() == (True,)
            threads = [threading.Thread(target=lambda: erased(fleet, "gone"))]
            threads[0].start()
            fleet.until_waits("%hipsync.erase(%")
            told: list[Told] = []
            threads.append(threading.Thread(target=lambda: told.append(shipped_from(store, fleet))))
            threads[1].start()
            fleet.until_waits("%hipsync.take(%")
            judge.execute("INSERT INTO hipsync.judged SELECT id, '2026-03-02', 'UTC', '1', now(), now(), now(), now(),"
                          " true, 0, 0, 0, 0, 0, 0, 0, 60, 0, 0, 0, 0, '', '' FROM hipsync.wearers")  # fmt: skip
            judge.execute("COMMIT")
            for thread in threads:
                thread.join(60)
    assert told == [Told(1, 0, 0, 0, 0, erased=1)]
    assert [count(fleet, table) for table in ("judged", "dirty", "bands", "band_days", "receipts")] == [0] * 5
    assert receipt(fleet, "gone").removed["judged"] == 1


def test_while_somebody_still_sees_old_rows_the_receipt_says_so_and_another_call_ends_it(
    fleet: Postgres, tmp_path: Path
) -> None:
    with gateway() as store:
        store.append(store.bands()[0].id, BY_HOURS)
        shipped_from(store, fleet)
        handed(fleet, mark_in(store), ("gone", MONDAY, None))
    with psycopg.connect(fleet.dsn()) as doctor:
        doctor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        doctor.execute("SELECT 1")
        done = said(tmp_path, fleet.dsn(), "erase", "gone", "--yes")
        assert (done.exit_code, "still see old rows" in done.output) == (1, True), done.output
        assert count(fleet, "wearers") == 0
        handed(fleet, "0" * 64, ("gone", MONDAY, None))  # another person has the pseudonym meanwhile
    done = said(tmp_path, fleet.dsn(), "erase", "gone", "--yes")
    assert (done.exit_code, "still" in done.output) == (0, False), done.output
    assert "Somebody has that pseudonym again, and stays" in done.output
    assert count(fleet, "wearers") == 1


def test_the_command_says_what_was_removed_where_and_what_only_age_removes(fleet: Postgres, tmp_path: Path) -> None:
    with gateway(tmp_path / "hipsync.db") as store:
        store.append(store.bands()[0].id, BY_HOURS)
    said(tmp_path, fleet.dsn("ward_1"), "ship")
    with Store.read(tmp_path / "hipsync.db") as store:
        handed(fleet, mark_in(store), ("P-1", MONDAY, None), ("P-10", MONDAY - HOUR, MONDAY))
    with fleet.owner() as db:
        db.execute("INSERT INTO hipsync_names.people VALUES ('P-1', 'Ada'), ('P-10', 'Bea')")
    export = tmp_path / "export"
    for folder in ("wearer=P-1", "wearer=P-10", "kind=days/wearer=P-1"):
        (export / folder).mkdir(parents=True)
        (export / folder / "2026-03.parquet").write_bytes(b"PAR1")
    words = ("erase", "P-1", "--yes", "--parquet", str(export), "--backups-until", "2027-01-31")
    done = said(tmp_path, fleet.dsn(), *words)
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert "1 time of a band that goes on" in lines[1]
    assert "1 name" in lines[1]
    assert lines[2].startswith("  ward_1: not seen since")
    assert lines[3].endswith("until 2027-01-31")
    assert "2 folders" in lines[4]
    assert [path.name for path in export.rglob("wearer=*")] == ["wearer=P-10"]
    with fleet.owner() as db:
        assert db.execute("SELECT name FROM hipsync_names.people").fetchall() == [("Bea",)]
    assert said(tmp_path, fleet.dsn("ward_1"), "ship").exit_code == 0
    again = said(tmp_path, fleet.dsn(), "erase", "P-1", "--json")
    one = json.loads(again.output)["erasures"][0]
    assert again.exit_code == 0
    assert (one["not_seen"], one["remains"], one["backups_until"]) == ([], [], "2027-01-31")
    assert [(each["gateway"], each["rows"]) for each in one["gateways"]] == [("ward_1", 48)]


@pytest.mark.parametrize(
    ("login", "words", "says", "code"),
    [
        (None, ("erase", "nobody", "--yes"), "there is no wearer 'nobody'", 2),
        (None, ("erase", "nobody", "--receipt"), "nobody called 'nobody' was erased", 2),
        (None, ("erase", "P-1", "--parquet", "/no/such/folder"), "does not exist", 2),
        (None, ("erase", "P-1", "--backups-until", "someday"), "someday", 2),
        ("ward_1", ("erase", "P-1", "--yes"), "only the owner", 1),
    ],
)
def test_what_cannot_be_erased_is_one_line_and_changes_nothing(
    fleet: Postgres, tmp_path: Path, login: str | None, words: tuple[str, ...], says: str, code: int
) -> None:
    with fleet.owner() as db:
        db.execute("INSERT INTO hipsync.wearers (pseudonym, zone) VALUES ('P-1', 'UTC')")
    done = said(tmp_path, fleet.dsn(login or "owner"), *words)
    assert (done.exit_code, says in done.output) == (code, True), done.output
    assert count(fleet, "wearers") == 1
    assert count(fleet, "erasures") == 0


def test_nothing_goes_without_a_yes(fleet: Postgres, tmp_path: Path) -> None:
    with fleet.owner() as db:
        db.execute("INSERT INTO hipsync.wearers (pseudonym, zone) VALUES ('P-1', 'UTC')")
    assert said(tmp_path, fleet.dsn(), "erase", "P-1").exit_code == 1
    assert count(fleet, "wearers") == 1


def test_a_gateway_can_neither_erase_nor_say_nonsense_of_an_erasure(fleet: Postgres) -> None:
    with connected(fleet.dsn("ward_1")) as database, pytest.raises(FleetError, match="does not allow"):
        erase(database, "P-1")
    with gateway() as store:
        store.append(store.bands()[0].id, BY_HOURS)
        shipped_from(store, fleet)
        handed(fleet, mark_in(store), ("gone", MONDAY, None))
    erased(fleet, "gone")
    with psycopg.connect(fleet.dsn("ward_1"), autocommit=True) as db:
        for number, rows in ((10**6, 1), (None, 1), (1, -1), (1, None)):
            db.execute("SELECT hipsync.cleaned(%s, %s, 0, 0)", [number, rows])
    assert receipt(fleet, "gone").done == []


def test_a_table_that_is_in_use_is_told_and_the_others_are_cleaned(
    fleet: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasing, "WAIT", "50ms")
    with gateway() as store:
        store.append(store.bands()[0].id, BY_HOURS)
        shipped_from(store, fleet)
        handed(fleet, mark_in(store), ("gone", MONDAY, None))
    assert said(tmp_path, fleet.dsn(), "erase", "gone", "--yes").exit_code == 0
    with psycopg.connect(fleet.dsn()) as doctor:
        doctor.execute("LOCK TABLE hipsync.judged IN ACCESS SHARE MODE")
        done = said(tmp_path, fleet.dsn(), "erase", "gone")
        assert (done.exit_code, "a table was in use for 50ms" in done.output) == (1, True), done.output
    assert said(tmp_path, fleet.dsn(), "erase", "gone").exit_code == 0


@pytest.fixture
def keeper(server: Postgres) -> Iterator[str]:
    """The login of an owner of the fleet's tables who is no superuser."""
    with server.owner() as db:
        db.execute("DROP SCHEMA IF EXISTS hipsync, hipsync_names CASCADE")
        db.execute("CREATE ROLE modest LOGIN CREATEROLE")
        db.execute("GRANT CREATE ON DATABASE postgres TO modest")
    yield "modest"
    with server.owner() as db:
        db.execute("ALTER DATABASE postgres OWNER TO owner")
        db.execute("DROP OWNED BY modest CASCADE")
        db.execute("DROP ROLE modest")


def test_an_owner_who_is_no_superuser_is_told_what_he_cannot_overwrite(
    server: Postgres, keeper: str, tmp_path: Path
) -> None:
    with connected(server.dsn(keeper)) as database:
        database.create()
    with server.owner() as db:
        db.execute("INSERT INTO hipsync.wearers (pseudonym, zone) VALUES ('P-1', 'UTC')")
    done = said(tmp_path, server.dsn(keeper), "erase", "P-1", "--yes")
    assert done.exit_code == 1
    assert "statistics of columns" in done.output
    assert "its log (WAL)" in done.output
    with server.owner() as db:
        db.execute("ALTER DATABASE postgres OWNER TO modest")
    done = said(tmp_path, server.dsn(keeper), "erase", "P-1")
    assert (done.exit_code, "statistics of columns" in done.output) == (0, False), done.output
    assert "its log (WAL)" in done.output
    done = said(tmp_path, server.dsn(), "erase", "P-1")
    assert (done.exit_code, "still holds" in done.output) == (0, False), done.output


def test_the_days_of_those_who_had_the_band_before_and_after_are_judged_as_they_were(fleet: Postgres) -> None:
    """Their judged days are made dirty, because a band-day that they share is another, and come out the same."""
    day = 24 * HOUR
    minutes = [Epoch(MONDAY + at * MINUTE, MINUTE, 40 if at % 50 == 0 else 0) for at in range(3 * 1440)]
    rows = (
        "SELECT pseudonym, day, steps, sitting, unknown, kinds, facts FROM hipsync.judged"
        " JOIN hipsync.wearers ON id = wearer WHERE pseudonym <> 'gone' ORDER BY 1, 2"
    )
    with gateway() as store, fleet.owner() as db:
        store.append(store.bands()[0].id, minutes)
        shipped_from(store, fleet)
        mark = mark_in(store)
        handed(fleet, mark, ("before", MONDAY, NOON), ("gone", NOON, NOON + day), ("after", NOON + day, None))
        judged_all(fleet)
        before = db.execute(rows).fetchall()
        erased(fleet, "gone")
        dirty = db.execute(
            "SELECT DISTINCT pseudonym FROM hipsync.dirty JOIN hipsync.wearers ON id = wearer ORDER BY 1"
        )
        assert dirty.fetchall() == [("after",), ("before",)]
        judged_all(fleet)
        assert db.execute(rows).fetchall() == before
    assert sum(row[2] for row in before) > 0


def judged_all(fleet: Postgres) -> None:
    with connected(fleet.dsn()) as database:
        judge(Queue(database), present())

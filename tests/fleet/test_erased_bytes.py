"""After an erasure no byte of the wearer is in any file, but where the receipt says that only age removes it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result
from psycopg import sql

from fleet.test_erasing import handed, mark_in
from fleet.test_fleet_commands import said
from fleet.test_shipping import HOUR, present
from hipsync.fleet.database import connected
from hipsync.model import MINUTE, Epoch, Info
from hipsync.store import Store
from support.builders import MONDAY
from support.postgres import GATEWAYS, Postgres, postgres

PSEUDONYM, ADDRESS, SERIAL, NAME = "P-zebra-4711", "C0:FF:EE:12:34:56", "SN-ZEBRA-0815", "Zebedee Zebra"
MARKER = int.from_bytes(b"ZqqZ")
"""The same from either side, so that SQLite and Postgres write one word of two of them, however they write a number."""
WORDS = {"marker": b"ZqqZZqqZ", **{word: word.encode() for word in (PSEUDONYM, ADDRESS, SERIAL, NAME)}}
OTHER = "P-other-0001"


@pytest.fixture(scope="module")
def own_server() -> Iterator[Postgres]:
    """A server whose files hold nothing of other tests, and whose log says what it is asked."""
    with postgres() as running:
        with running.owner() as db:
            for login in GATEWAYS:
                db.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(login)))
            db.execute("ALTER SYSTEM SET log_statement = 'all'")
            db.execute("SELECT pg_reload_conf()")
        with connected(running.dsn()) as database:
            database.create()
        with running.owner() as db:
            db.execute("GRANT hipsync_gateway TO ward_1, ward_2")
            db.execute("ALTER TABLE hipsync.band_days ALTER epochs SET STORAGE EXTERNAL")
        yield running


def found(*folders: Path) -> dict[str, set[str]]:
    """For each word the files that hold it, or are called so: by the parts of the whole that they belong to."""
    places: dict[str, set[str]] = {word: set() for word in WORDS}
    for folder in folders:
        for path in folder.rglob("*"):
            held = path.read_bytes() if path.is_file() and not path.is_socket() else b""
            for word, letters in WORDS.items():
                if letters in held or letters in str(path).encode():
                    places[word].add(part_of(path, folder))
    return places


def part_of(path: Path, folder: Path) -> str:
    inner = path.relative_to(folder)
    if inner.parts[0] == "data":
        return f"Postgres {inner.parts[1]}"
    return f"{folder.name} {inner.parts[0]}" if inner.parts[0] in {"backups", "log"} else f"{folder.name} {inner.name}"


def filled(folder: Path, login: str, server: Postgres) -> Store:
    """A gateway that has shipped two bands: his, and one that was his until noon."""
    folder.mkdir()
    store = Store.open(folder / "hipsync.db")
    now = MONDAY - HOUR
    his = store.add_band(name="his", driver="huami", now=now, address=ADDRESS)
    passed = store.add_band(name="passed on", driver="huami", now=now, address="C0:00:00:00:00:02")
    store.append(his.id, [Info(MONDAY, "1.0", "A", SERIAL)])
    minutes = [MONDAY + at * MINUTE for at in range(1440)]
    store.append(his.id, [Epoch(at, MINUTE, 5, MARKER, MARKER) for at in minutes])
    store.append(
        passed.id,
        [Epoch(at, MINUTE, 5, *(MARKER, MARKER) if at < MONDAY + 12 * HOUR else (1, 60)) for at in minutes],
    )
    store.backup(None, present() - timedelta(days=1))
    store.backup(None, present())
    assert ship(folder, login, server).exit_code == 0
    store.vacuum()
    store.rename(passed.id, "passed on to another")  # so that the log beside the file is not empty
    store.append(his.id, [Info(MONDAY + HOUR, "1.0", "A", SERIAL)])
    return store


def ship(folder: Path, login: str, server: Postgres) -> Result:
    return said(folder, server.dsn(login), "ship")


def test_no_byte_is_left_but_where_only_age_removes_it(own_server: Postgres, tmp_path: Path) -> None:
    folders = [tmp_path / login for login in GATEWAYS]
    stores = [filled(folder, folder.name, own_server) for folder in folders]
    marks = [mark_in(stores[0], number) for number in range(2)]
    handed(own_server, marks[0], (PSEUDONYM, MONDAY, None))
    handed(own_server, marks[1], (PSEUDONYM, MONDAY, MONDAY + 12 * HOUR), (OTHER, MONDAY + 12 * HOUR, None))
    with own_server.owner() as db:
        db.execute("INSERT INTO hipsync_names.people VALUES (%s, %s)", [PSEUDONYM, NAME])
        db.execute("INSERT INTO hipsync.judged SELECT id, '2026-03-02', 'UTC', '1', now(), now(), now(), now(), true,"
                   " 0, 0, 0, 0, 0, 0, 0, 60, 0, 0, 0, 0, 'ZqqZZqqZ', pseudonym FROM hipsync.wearers"
                   " WHERE pseudonym = %s", [PSEUDONYM])  # fmt: skip
        db.execute(
            "INSERT INTO hipsync.wearers (pseudonym, zone) SELECT 'Q-' || n, 'UTC' FROM generate_series(1, 60) AS n"
        )
        db.execute("ANALYZE")
        db.execute("CHECKPOINT")
        ((statistics,),) = db.execute("SELECT pg_relation_filepath('pg_catalog.pg_statistic')").fetchall()
    assert WORDS[PSEUDONYM] in (own_server.folder / "data" / str(statistics)).read_bytes()
    export = tmp_path / "export"
    (export / f"wearer={PSEUDONYM}").mkdir(parents=True)
    (export / f"wearer={PSEUDONYM}" / "2026-03.parquet").write_bytes(WORDS["marker"])
    everywhere = [own_server.folder, *folders, export]

    before = found(*everywhere)
    of_gateways = {f"{login} {name}" for login in GATEWAYS for name in ("hipsync.db", "backups")}
    assert before["marker"] >= {"Postgres base", "Postgres pg_wal", "export 2026-03.parquet", *of_gateways}
    assert before[PSEUDONYM] >= {"Postgres base", "Postgres pg_wal", f"{own_server.folder.name} log",
                                 f"export wearer={PSEUDONYM}"}  # fmt: skip
    assert before[NAME] >= {"Postgres base", "Postgres pg_wal"}
    for word in (ADDRESS, SERIAL):
        assert before[word] >= of_gateways
    assert all("ward_1 hipsync.db-wal" in before[word] for word in (ADDRESS, SERIAL))
    assert not any(place.startswith("Postgres") for word in (ADDRESS, SERIAL) for place in before[word])

    erased = said(tmp_path, own_server.dsn(), "erase", PSEUDONYM, "--yes", "--parquet", str(export))
    assert erased.exit_code == 0, erased.output
    assert "still holds bytes" not in erased.output
    for folder in folders:
        done = ship(folder, folder.name, own_server)
        assert done.exit_code == 0, done.output
    messages = {f"{own_server.folder.name} log"}
    by_age: dict[str, set[str]] = {
        "marker": messages,
        PSEUDONYM: messages,
        NAME: messages,
        ADDRESS: set(),
        SERIAL: set(),
    }
    assert found(*everywhere) == by_age
    for store in stores:
        assert [(band.name, len(list(store.epoch_rows(None, None)))) for band in store.bands()] == [
            ("passed on to another", 720)]  # fmt: skip
        store.close()
    assert found(*everywhere) == by_age
    own_server.stop()
    try:
        assert found(*everywhere) == by_age
    finally:
        own_server.start()
    with own_server.owner() as db:
        assert db.execute("SELECT sum(cardinality((epochs).start)) FROM hipsync.band_days").fetchone() == (720,)
        others = db.execute("SELECT pseudonym FROM hipsync.wearers WHERE pseudonym NOT LIKE 'Q-%'").fetchall()
    assert others == [(OTHER,)]

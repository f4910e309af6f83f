"""What is erased of one band, because its wearer was: in the file and in its backups, whatever it is called there."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from hipsync.errors import Damaged
from hipsync.model import BandId, Charge, Epoch, Info, Wear
from hipsync.store import Store
from hipsync.store.erasing import OF_BANDS, Lost
from hipsync.store.identities import mark_of
from support.builders import MONDAY
from support.stored import GOOD, HOUR, NOW, SECOND, minute

ADDRESS = "C0:00:00:00:00:01"
MARK = mark_of("huami", ADDRESS)
NOON = MONDAY + 12 * HOUR


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hipsync.db"


def paired(store: Store, name: str = "band", address: str = ADDRESS) -> BandId:
    return store.add_band(name=name, driver="huami", now=MONDAY, address=address).id


def times(store: Store) -> dict[str, list[int]]:
    """The seconds since Monday at which something is stored, by table."""
    found: dict[str, list[int]] = {}
    with store.transaction() as db:
        for table in OF_BANDS:
            at = {"epochs": "start", "workouts": "start", "syncs": "started"}.get(table, "at")
            rows = db.execute(f"SELECT {at} FROM {table} ORDER BY 1").fetchall()  # noqa: S608  names of ours
            if rows:
                found[table] = [second - int(MONDAY.timestamp()) for (second,) in rows]
    return found


def test_each_table_with_rows_of_a_band_is_known() -> None:
    with Store.in_memory() as store, store.transaction() as db:
        tables = {str(name) for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        having = {table for table in tables
                  if "band" in {row[1] for row in db.execute(f"PRAGMA table_info({table})")}}  # fmt: skip
    assert having == set(OF_BANDS)


def test_the_edges_of_a_time_are_half_open_and_what_lasts_into_it_goes() -> None:
    with Store.in_memory() as store:
        band = paired(store)
        store.append(band, [minute(at) for at in (9, 10, 11, 19, 20)])
        store.append(
            band,
            [Epoch(MONDAY, timedelta(minutes=10), 1), Epoch(MONDAY + timedelta(minutes=8), timedelta(minutes=3), 1)],
        )
        for at in (599, 600, 1199, 1200):
            store.append(band, [Charge(MONDAY + at * SECOND, 50), Wear(MONDAY + at * SECOND, worn=True)])
            store.append(band, [Info(MONDAY + at * SECOND, "1", "A", "SERIAL")])
            store.note_sync(band, MONDAY + at * SECOND, MONDAY + at * SECOND, 1, None)
        other = paired(store, "other", "C0:00:00:00:00:02")
        store.append(other, [minute(10)])
        lost = Lost(MARK, MONDAY + 600 * SECOND, MONDAY + 1200 * SECOND)
        assert store.holds(lost)
        removed = store.lose(lost, NOW)
        assert times(store) == {"epochs": [0, 540, 600, 1200], "charges": [599, 1200], "wears": [599, 1200],
                                "infos": [599, 1200], "syncs": [599, 1200]}  # fmt: skip
        assert (removed.rows, removed.backups, removed.kept) == (4 + 4 * 2, 0, [])
        assert not store.holds(lost)
        assert store.forgotten() == {}


def test_a_band_that_goes_is_noted_so_that_no_import_brings_it_back_and_one_that_came_anew_stays() -> None:
    with Store.in_memory() as store:
        paired(store)
        anew = store.add_band(name="anew", driver="huami", now=NOON + HOUR, address=ADDRESS)
        store.append(anew.id, [minute(0), minute(800)])
        lost = Lost(MARK, None, NOON, NOON)
        assert store.lose(lost, NOW).rows == 1
        assert [band.name for band in store.bands()] == ["anew"]
        assert times(store) == {"epochs": [800 * 60]}
        assert store.forgotten() == {MARK: NOON + HOUR}
        assert store.marks() == {MARK}


def test_a_backup_counts_even_where_the_file_has_no_such_band_any_more(path: Path) -> None:
    with Store.open(path) as store:
        store.append(paired(store, "of old"), GOOD)
        backup = store.backup(None, NOW)
        with store.transaction() as db:
            db.execute("DELETE FROM bands")
        assert store.marks() == {MARK}
        lost = Lost(MARK, None, NOON, NOON)
        assert store.holds(lost)
        removed = store.lose(lost, NOW)
        assert (removed.rows, removed.backups) == (0, 1)
        with Store.read(backup) as copy:
            assert copy.bands() == []
        assert not store.holds(lost)
        assert store.marks() == set()


def test_a_backup_of_an_older_schema_is_known_by_the_address(path: Path) -> None:
    """Before schema 16 a band had no identity, and before 13 an epoch no posture."""
    with Store.open(path) as store:
        store.append(paired(store), [minute(0), minute(900)])
        backup = store.backup(None, NOW)
        with closing(sqlite3.connect(backup)) as db:
            db.executescript("DROP VIEW minutes; ALTER TABLE bands DROP COLUMN identity; DROP TABLE imports;"
                             " ALTER TABLE epochs DROP COLUMN posture; DROP TABLE workouts;"
                             " PRAGMA user_version = 12")  # fmt: skip
        assert store.lose(Lost(MARK, MONDAY, NOON), NOW).backups == 1
        with closing(sqlite3.connect(backup)) as db:
            assert db.execute("SELECT count(*), max(start) FROM epochs").fetchone() == (
                1, int(MONDAY.timestamp()) + 900 * 60)  # fmt: skip


def test_a_damaged_backup_is_one_line_and_the_file_keeps_all_for_another_try(path: Path) -> None:
    with Store.open(path) as store:
        store.append(paired(store), GOOD)
        backup = store.backup(None, NOW)
        backup.write_bytes(b"no database at all")
        with pytest.raises(Damaged, match="damaged"):
            store.marks()
        with pytest.raises(Damaged, match="damaged"):
            store.lose(Lost(MARK, None, NOON, NOON), NOW)
        assert len(store.bands()) == 1
        backup.unlink()
        assert store.lose(Lost(MARK, None, NOON, NOON), NOW).rows == len(GOOD)


def test_files_that_cannot_be_cleaned_are_named(path: Path) -> None:
    with Store.open(path) as store:
        paired(store)
        store.backup(None, NOW)
        names = ("damaged-20260302T100000.db", "hipsync-20260302T100000.db.new")
        for name in names:
            (path.parent / "backups" / name).write_bytes(b"whatever")
        assert [file.name for file in store.lose(Lost(MARK, None, NOON, NOON), NOW).kept] == [*names]

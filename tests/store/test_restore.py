"""A copy in the place of the database: afterwards there is either the old one or the new one, whatever the disk."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from hipsync.errors import StoreError
from hipsync.model import BandId
from hipsync.store import Store, restoring
from hipsync.store import file as store_file
from hipsync.store.copying import write_copy
from support.builders import MONDAY
from support.repository import ROOT
from support.small_disk import fill, small_disk
from support.stored import HOUR, NOW, band, minute

WRITTEN = 14_000
"""Minutes that are only in the log of a service that was killed."""
KILLED = """
import sys, time
from pathlib import Path
from datetime import timedelta
from support.stored import band, minute
from hipsync.store import Store
store = Store.open(Path(sys.argv[1]))
store._db.execute("PRAGMA wal_autocheckpoint = 0")
store.append(store.bands()[0].id, [minute(at, 1) for at in range(int(sys.argv[2]))])
print("stored", flush=True)
time.sleep(600)
"""


def written_and_killed(path: Path, minutes: int = WRITTEN) -> None:
    """Leave these minutes in the log of the database, as a service does that is killed."""
    source = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path), str(minutes)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": source},
    ) as service:
        assert service.stdout is not None
        assert service.stdout.readline() == "stored\n"
        service.send_signal(signal.SIGKILL)
    assert path.with_name(path.name + "-wal").stat().st_size > 10 * minutes


def known(path: Path) -> int:
    with Store.read(path) as store:
        return len(store.epochs(BandId(1), MONDAY, MONDAY.replace(day=30)))


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and not file.name.endswith("-shm") and file.name != "stuffing"
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hipsync.db"


def copy_of_one_minute(folder: Path) -> Path:
    """Make a good copy, elsewhere, that has one minute."""
    folder.mkdir(exist_ok=True)
    with Store.open(folder / "other.db") as store:
        store.append(band(store), [minute(0, 5)])
        return store.backup(folder / "good.db", NOW)


@pytest.mark.parametrize("leave", [0, 64, 200, 400, 800, 1200, 1600, 2400], ids="{}k".format)
def test_on_a_disk_that_is_nearly_full_a_copy_is_put_back_whole_or_all_is_as_it_was(tmp_path: Path, leave: int) -> None:
    good = copy_of_one_minute(tmp_path / "elsewhere")
    with small_disk(tmp_path / "disk", 6144) as disk:
        path = disk / "hipsync.db"
        with Store.open(path) as store:
            band(store)
        written_and_killed(path)
        fill(disk, leave * 1024)
        before = contents(disk)
        try:
            kept = Store.restore(path, good, NOW)
        except StoreError:
            left = contents(disk)
            assert set(left) <= set(before) | {"hipsync.db.run"}, "nothing new is left behind"
            (disk / "stuffing").unlink()
            assert known(path) == WRITTEN
        else:
            assert kept is not None
            (disk / "stuffing").unlink()
            assert (known(path), known(kept)) == (1, WRITTEN)
        assert not list(disk.rglob("*.new*"))


def test_the_small_disks_of_the_test_above_are_too_small_and_large_enough(tmp_path: Path) -> None:
    outcomes = set[bool]()
    for number, leave in enumerate((0, 2400)):
        good = copy_of_one_minute(tmp_path / f"elsewhere{number}")
        with small_disk(tmp_path / f"disk{number}", 6144) as disk:
            with Store.open(disk / "hipsync.db") as store:
                band(store)
            written_and_killed(disk / "hipsync.db")
            fill(disk, leave * 1024)
            try:
                Store.restore(disk / "hipsync.db", good, NOW)
            except StoreError:
                outcomes.add(False)
            else:
                outcomes.add(True)
    assert outcomes == {True, False}


def test_a_database_that_is_locked_is_not_taken_for_a_damaged_one(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_file, "BUSY_S", 0.05)
    good = copy_of_one_minute(tmp_path / "elsewhere")
    with Store.open(path) as store:
        store.append(band(store), [minute(at) for at in range(7)])
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="is locked by another program"):
            Store.restore(path, good, NOW)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM bands").fetchall()
        with Store.open(path) as store:
            store.append(BandId(1), [minute(7)])
        with pytest.raises(StoreError, match="is in use by another program: stop that"):
            Store.restore(path, good, NOW)
    assert known(path) == 8
    assert not (path.parent / "backups").exists() or not list((path.parent / "backups").iterdir())
    assert not list(path.parent.glob("*.new*"))


def test_a_damaged_database_is_kept_with_its_log(path: Path, tmp_path: Path) -> None:
    good = copy_of_one_minute(tmp_path / "elsewhere")
    with Store.open(path) as store:
        store.append(band(store), [minute(at) for at in range(5000)])
    written_and_killed(path, 100)
    with path.open("r+b") as file:
        file.write(b"\xa5" * 100)
    before = path.read_bytes(), path.with_name("hipsync.db-wal").read_bytes()
    kept = path.parent / "backups" / "damaged-20260302T120000.db"
    assert Store.restore(path, good, NOW) == kept
    assert (kept.read_bytes(), kept.with_name(kept.name + "-wal").read_bytes()) == before
    assert known(path) == 1


def test_a_copy_that_is_put_back_pushes_out_no_other_and_overwrites_none(path: Path) -> None:
    with Store.open(path) as store:
        desk = band(store)
        made: list[Path] = []
        for at in range(7):
            store.append(desk, [minute(at)])
            made.append(store.backup(None, NOW.replace(minute=at)))
        store.append(desk, [minute(8)])
    kept = path.parent / "backups" / "hipsync-20260302T120601.db"
    assert Store.restore(path, made[0], NOW.replace(minute=6)) == kept
    assert [known(each) for each in (*made, kept, path)] == [1, 2, 3, 4, 5, 6, 7, 8, 1]


def test_what_is_written_while_a_copy_is_put_back_is_refused_and_never_lost(path: Path, tmp_path: Path) -> None:
    good = copy_of_one_minute(tmp_path / "elsewhere")
    outcomes: list[str] = []
    with Store.open(path) as store:
        desk = band(store)
        stop = threading.Event()

        def write() -> None:
            at = 0
            while not stop.wait(0.001):
                at += 1
                try:
                    store.append(desk, [minute(at)])
                except StoreError as error:
                    outcomes.append(str(error))
                    return
                outcomes.append("stored")

        writer = threading.Thread(target=write)
        writer.start()
        try:
            while len(outcomes) < 20:
                stop.wait(0.001)
            kept = Store.restore(path, good, NOW)
            writer.join(20)
        finally:
            stop.set()
            writer.join()
    assert outcomes[-1] == f"{path} was replaced by another file, which is used from now on"
    assert kept is not None
    assert known(kept) == outcomes.count("stored")


def test_a_newer_database_is_kept_as_a_copy_when_an_older_one_is_put_back(path: Path, tmp_path: Path) -> None:
    good = copy_of_one_minute(tmp_path / "elsewhere")
    with Store.open(path) as store:
        band(store)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
    kept = Store.restore(path, good, NOW)
    assert kept is not None
    assert kept.name == "hipsync-20260302T120000.db"
    with closing(sqlite3.connect(kept)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (99,)


def test_a_torn_copy_of_an_earlier_try_does_not_get_into_the_new_one(path: Path, tmp_path: Path) -> None:
    good = copy_of_one_minute(tmp_path / "elsewhere")
    for tail in ("", "-journal", "-wal"):
        path.with_name(f"hipsync.db.new{tail}").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" * 512)
    assert Store.restore(path, good, NOW) is None
    assert known(path) == 1
    assert not list(path.parent.glob("*.new*"))


@pytest.mark.parametrize("act", ["vacuum", "erase", "forget"])
def test_on_a_full_disk_nothing_is_deleted_or_all_of_it(tmp_path: Path, act: str) -> None:
    with small_disk(tmp_path / "disk", 8192) as disk:
        path = disk / "hipsync.db"
        with Store.open(path) as store:
            desk = band(store)
            store.append(desk, [minute(at, 1) for at in range(40_000)])
            store.note_sync(desk, NOW, NOW, 3, None)
        for leave in (0, 32, 256, 1024):
            stuffing = fill(disk, leave * 1024)
            try:
                with Store.open(path) as store:
                    if act == "vacuum":
                        store.vacuum()
                    elif act == "erase":
                        store.erase(MONDAY, NOW + HOUR)
                    else:
                        store.forget(desk, NOW, with_data=True)
            except StoreError:
                pass  # a full disk; what counts is what is there afterwards
            stuffing.unlink()
            with Store.open(path) as store:
                assert store.check() == []
                epochs, syncs = len(store.epochs(desk, MONDAY, MONDAY.replace(day=31))), len(store.syncs(desk))
            expected = {"vacuum": {(40_000, 1)}, "erase": {(40_000, 1), (39_220, 0)}, "forget": {(40_000, 1), (0, 0)}}
            assert (epochs, syncs) in expected[act]


def test_a_deletion_that_fails_midway_deletes_nothing(path: Path) -> None:
    with Store.open(path) as store:
        desk = band(store)
        store.append(desk, [minute(at) for at in range(300)])
        store.note_sync(desk, NOW, NOW, 3, None)
        with store.transaction() as db:
            db.execute("CREATE TRIGGER no BEFORE DELETE ON syncs BEGIN SELECT raise(ABORT, 'no'); END")
        with pytest.raises(StoreError, match="no"):
            store.erase(MONDAY, NOW + HOUR)
        assert len(store.epochs(desk, MONDAY, NOW)) == 300


def test_an_upgrade_on_a_full_disk_leaves_the_old_file_whole(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 4096) as disk:
        path = disk / "hipsync.db"
        with Store.open(path) as store:
            store.append(band(store), [minute(at) for at in range(20_000)])
            with store.transaction() as db:
                db.execute("DROP TABLE plans")
                db.execute("DELETE FROM _sqlite_migrations WHERE name = 'm007_plans'")
                db.execute("PRAGMA user_version = 6")
        for leave in (0, 40, 300):
            stuffing = fill(disk, leave * 1024)
            with pytest.raises(StoreError, match=r"full|input/output|cannot be used"):
                Store.open(path)
            stuffing.unlink()
            assert not list(disk.rglob("*.new*"))
        assert known(path) == 20_000


def test_where_the_old_database_cannot_be_kept_it_is_not_replaced(path: Path, tmp_path: Path) -> None:
    good = copy_of_one_minute(tmp_path / "elsewhere")
    with Store.open(path) as store:
        store.append(band(store), [minute(at) for at in range(3000)])
    backups = path.parent / "backups"
    backups.write_text("in the way")
    with pytest.raises(StoreError, match="cannot be used"):
        Store.restore(path, good, NOW)
    backups.unlink()
    assert known(path) == 3000
    assert not list(path.parent.glob("*.new*"))


def test_who_is_killed_while_the_old_database_is_copied_leaves_no_copy_that_looks_whole(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = copy_of_one_minute(tmp_path / "elsewhere")
    with Store.open(path) as store:
        band(store)
    seen: list[str] = []

    def noted(source: sqlite3.Connection, to: Path) -> None:
        write_copy(source, to)
        seen.extend(each.name for each in (path.parent / "backups").glob("*.db"))

    monkeypatch.setattr(restoring, "write_copy", noted)
    kept = Store.restore(path, good, NOW)
    assert kept is not None
    assert (seen, kept.exists(), [*kept.parent.glob("*.new")]) == ([], True, [])

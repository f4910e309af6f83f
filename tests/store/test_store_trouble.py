"""What becomes of the file when something is wrong with it, beside it, or with the disk."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hipsync.conversation.dialogue import dialogue
from hipsync.driver import Session
from hipsync.errors import StoreError
from hipsync.host.clock import FastClock
from hipsync.model import BandId, Epoch, Reading
from hipsync.registry import drivers
from hipsync.store import Appended, Store
from hipsync.store import file as store_file
from hipsync.testing.direct import DirectConnection, conversation, run
from hipsync_devices.huami import packets
from hipsync_devices.huami.sim import MiBand
from support.builders import MONDAY
from support.builders import day as drawn
from support.stored import GOOD, NOW, band, limit, minute


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hipsync.db"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_file, "BUSY_S", 0.05)


WRITER = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("BEGIN IMMEDIATE")
print(flush=True)
input()
"""


@pytest.mark.usefixtures("impatient")
def test_a_file_that_another_process_writes_is_said_to_be_locked(path: Path) -> None:
    with Store.open(path) as store:
        desk = band(store)
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as other:
            assert other.stdout is not None
            assert other.stdin is not None
            other.stdout.readline()
            with pytest.raises(StoreError) as caught:
                store.append(desk, GOOD)
            assert store.epochs(desk, MONDAY, NOW) == [], "reading waits for nobody"
            with Store.read(path) as reader:
                assert len(reader.bands()) == 1
            other.stdin.write("\n")
            other.stdin.flush()
            other.wait()
        assert str(caught.value) == f"{path} is locked by another program that writes: try again when it is done"
        assert store.append(desk, GOOD) == Appended(2, 0)


@pytest.mark.usefixtures("impatient")
def test_a_file_that_is_locked_for_good_is_not_read_past_the_lock(path: Path) -> None:
    with Store.open(path) as store:
        band(store)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN IMMEDIATE")
        for opened in (Store.read, Store.open):
            with pytest.raises(StoreError, match="is locked by another program"):
                opened(path)


def test_a_connection_that_may_only_read_says_so_and_changes_nothing(path: Path) -> None:
    with Store.open(path) as store:
        desk = band(store)
        with store.transaction() as db:
            db.execute("PRAGMA query_only = ON")
        with pytest.raises(StoreError, match="cannot be written: make file and folder writable, or give another"):
            store.append(desk, GOOD)
        assert store.epochs(desk, MONDAY, NOW) == []


def as_nobody_special(act: Callable[[], object]) -> str:
    """What comes of it in a process that permissions hold for: root gives its rights up first."""
    out, into = os.pipe()
    child = os.fork()
    if not child:
        try:
            if os.getuid() == 0:
                os.setgid(65534)
                os.setuid(65534)
            output = f"{act()}"
        except StoreError as error:
            output = f"StoreError: {error}"
        except BaseException as error:  # noqa: BLE001  whatever it is, the parent is told
            output = f"{type(error).__name__}: {error}"
        os.write(into, output.encode())
        os._exit(0)
    os.close(into)
    os.waitpid(child, 0)
    with os.fdopen(out, "rb") as answer:
        return answer.read().decode()


@contextmanager
def closed_to_others(mode: int) -> Generator[Path]:
    """A database with two epochs in a folder of this mode, for the user that `as_nobody_special` becomes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hipsync.db"
        with Store.open(path) as store:
            store.append(band(store), GOOD)
        for place in (path, path.parent):
            if os.getuid() == 0:
                os.chown(place, 65534, 65534)
        path.parent.chmod(mode)
        try:
            yield path
        finally:
            path.parent.chmod(0o700)


def written(path: Path) -> int:
    with Store.open(path) as store:
        return store.append(store.bands()[0].id, [minute(7)]).new


def read(path: Path) -> int:
    with Store.read(path) as store:
        return len(store.epochs(store.bands()[0].id, MONDAY, NOW))


forking = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="a POSIX system's permissions"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning"),
]


class TestPermissions:
    pytestmark = forking

    def test_a_file_that_may_not_be_written_is_read_and_refuses_writing(self) -> None:
        with closed_to_others(0o700) as path:
            assert as_nobody_special(lambda: written(path)) == "1"
            path.chmod(0o400)
            assert as_nobody_special(lambda: read(path)) == "3"
            message = as_nobody_special(lambda: written(path))
        assert message == (
            f"StoreError: {path} cannot be written: make file and folder writable, or give another with --db FILE"
        )

    def test_a_file_in_a_folder_that_may_not_be_written_is_read(self) -> None:
        with closed_to_others(0o500) as path:
            assert as_nobody_special(lambda: read(path)) == "2"
            assert as_nobody_special(lambda: written(path)).startswith(f"StoreError: {path} cannot be ")

    def test_what_a_crash_left_in_the_log_of_such_a_folder_is_not_passed_over(self) -> None:
        with closed_to_others(0o700) as path:
            assert as_nobody_special(lambda: Store.open(path).rename(BandId(1), "new")) == "None"  # and is not closed
            assert path.with_name("hipsync.db-wal").stat().st_size > 0
            path.with_name("hipsync.db-shm").unlink()
            path.parent.chmod(0o500)
            message = as_nobody_special(lambda: read(path))
        assert message == f"StoreError: {path} was not closed in order: open it once in a folder that can be written"

    def test_a_folder_that_may_not_be_entered_is_no_missing_database(self) -> None:
        with closed_to_others(0o000) as path:
            for act in (lambda: Store.exists(path), lambda: written(path)):
                message = as_nobody_special(act)
                assert message == f"StoreError: {path} cannot be opened: permission denied; name another file"


def test_a_full_disk_loses_nothing_that_was_stored_and_keeps_nothing_of_the_batch(path: Path) -> None:
    with Store.open(path) as store:
        desk = band(store)
        store.append(desk, [minute(0, 9)])
        limit(store, 1)
        with pytest.raises(StoreError) as caught:
            store.append(desk, [minute(at) for at in range(1, 20000)])
        assert str(caught.value) == f"{path} could not grow: the disk is full; free some space, nothing was lost"
        assert store.epochs(desk, MONDAY, NOW) == [minute(0, 9)]
        limit(store, 10**6)
        assert store.append(desk, [minute(at) for at in range(1, 20000)]) == Appended(19999, 0)
        assert store.check() == []


@pytest.mark.parametrize("opened", [Store.open, Store.read], ids=["open", "read"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"timestamp,steps\n" * 500, "is not a database: give another file with --db FILE, or restore a copy"),
        (None, "is a folder: give a file with --db FILE"),
    ],
    ids=["not a database", "a folder"],
)
def test_what_is_no_database_is_left_alone(
    path: Path, opened: Callable[[Path], Store], content: bytes | None, message: str
) -> None:
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(StoreError) as caught:
        opened(path)
    assert str(caught.value) == f"{path} {message}"
    assert list(path.parent.iterdir()) == [path]
    assert content is None or path.read_bytes() == content


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "hipsync.db"
    with pytest.raises(StoreError) as caught:
        Store.open(path)
    assert str(caught.value).startswith(f"{path} cannot be used: ")


def damaged(path: Path) -> None:
    """A database with some days, closed, with pages of its epochs overwritten: they come after the empty tables."""
    with Store.open(path) as store:
        store.append(band(store), [minute(at) for at in range(5000)])
    with path.open("r+b") as file:
        size = file.seek(0, 2)
        file.seek(size // 2)
        file.write(b"\xa5" * (size // 4))


def test_damage_is_found_and_said(path: Path) -> None:
    damaged(path)
    message = "is damaged: put the newest copy from the folder `backups` beside it back (`hipsync db restore FILE`)"
    with Store.read(path) as store:
        assert store.check() != []
        with pytest.raises(StoreError, match=re.escape(message)):
            store.epochs(BandId(1), MONDAY, MONDAY + timedelta(days=9))


def test_a_sound_file_has_no_damage_and_a_row_of_no_band_is_some(path: Path) -> None:
    with Store.open(path) as store:
        store.append(band(store), GOOD)
        assert store.check() == []
    with closing(sqlite3.connect(path)) as db:
        db.execute("DELETE FROM bands")
        db.commit()
    with Store.read(path) as store:
        assert store.check() == ["8 rows belong to bands that are not there"]


KEY = bytes.fromhex("00112233445566778899aabbccddeeff")


@pytest.mark.parametrize("room", [True, False], ids=["with room", "full"])
def test_a_band_is_told_to_forget_only_what_is_stored(path: Path, room: bool) -> None:
    life = drawn("3h sit, 10m walk, 2h sit")
    now = life[-1].end
    driver = drivers()["huami"]
    with Store.open(path) as store:
        desk = band(store)
        limit(store, 10**6 if room else 1)

        async def story(clock: FastClock) -> list[bytes]:
            mi = MiBand(life, now=now, zone=ZoneInfo("UTC"), secret=KEY)
            connection = DirectConnection(mi, clock.now, mtu=247)
            talk = conversation(connection, clock)
            session = Session(name=mi.name, secret=KEY, since={Epoch: MONDAY}, erase=True)

            async def commit(batch: Sequence[Reading]) -> None:
                store.append(desk, batch)

            async def learn(_: object) -> None:
                """What it says of itself is small, and would fit."""

            async with dialogue(driver, talk, session, learn) as opened:
                with nullcontext() if room else pytest.raises(StoreError, match="the disk is full"):
                    await opened.fetch(commit)
            connection.drop()
            return [data for uuid, data in connection.written if uuid == packets.FETCH]

        written = run(story, now)
        forget = bytes([0x03])
        assert bytes([0x02]) in written, "no minutes were asked for"
        assert (forget in written) == room
        assert len(store.epochs(desk, MONDAY, now)) == (310 if room else 0)

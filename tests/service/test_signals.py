"""A signal ends `hipsync run` within seconds, with nothing half written."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from hipsync.cli import hipsync
from hipsync.conversation.stored import committed
from hipsync.model import MINUTE, Epoch, Presence, PresenceSpan, Reading
from hipsync.service import pairing
from hipsync.store import Store
from hipsync_devices.huami import protocol
from support.running_service import CLOCK, Watched, serving, warnings_of

pytestmark = pytest.mark.usefixtures("short_waits")


def test_a_commit_under_way_is_finished_before_the_end(database: Path) -> None:
    finished = False

    async def slow(batch: Sequence[Reading]) -> None:
        nonlocal finished
        await asyncio.sleep(0.3)
        finished = True

    async def story(service: Watched) -> None:
        started = asyncio.Event()

        async def sync() -> None:
            started.set()
            await committed(slow, [])
            pytest.fail("it went on after it was told to end")

        service.first = [sync]
        await started.wait()

    serving(database, story)
    assert finished


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_wake_that_does_not_end_by_itself_is_interrupted(
    database: Path, number: signal.Signals, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(service: Watched) -> None:
        started = asyncio.Event()

        async def for_ever() -> None:
            started.set()
            await asyncio.sleep(3600)

        service.first = [for_ever]
        await started.wait()

    begun = time.monotonic()
    serving(database, story, number)
    assert time.monotonic() - begun < 10
    assert not warnings_of(caplog)


@pytest.fixture(scope="module")
def paired_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database in which a simulated Mi Band was paired a minute ago."""
    folder = tmp_path_factory.mktemp("paired")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairing, "LISTEN_TO_SIMULATED_S", 0.3)
        patch.setattr(protocol, "BETWEEN_ROUNDS", timedelta())
        done = CliRunner().invoke(hipsync, ["--db", str(folder / "hipsync.db"), "pair", "--simulate", "huami"])
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def paired(paired_once: Path, tmp_path: Path) -> Path:
    """A copy of that database, with the last sync five hours ago, so that the next one is due."""
    folder = tmp_path / "paired"
    shutil.copytree(paired_once, folder)
    path = folder / "hipsync.db"
    with sqlite3.connect(path) as db:
        db.execute("UPDATE syncs SET started = started - 5 * 3600, ended = ended - 5 * 3600")
    db.close()
    return path


class Running:
    """The real `hipsync run` in a process of its own, and the lines that it has logged."""

    def __init__(self, database: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from hipsync.__main__ import main; main()", "--db", str(database), "run"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []

    def until(self, words: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if words in line:
                return
        pytest.fail("".join(self.lines))

    def ended_by(self, number: signal.Signals) -> float:
        """Seconds from the signal to the end of the process, whose status must be 0."""
        begun = time.monotonic()
        self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=10)
        self.lines.append(rest)
        assert self.process.returncode == 0, "".join(self.lines)
        return time.monotonic() - begun


@contextmanager
def running(database: Path) -> Generator[Running]:
    run = Running(database)
    try:
        yield run
    finally:
        run.process.kill()
        run.process.communicate()


def test_run_syncs_a_simulated_band_refuses_a_second_and_ends_on_sigterm(paired: Path) -> None:
    with running(paired) as run:
        run.until("new rows")
        second = subprocess.run(
            [sys.executable, "-c", "from hipsync.__main__ import main; main()", "--db", str(paired), "run"],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        assert second.returncode == 2
        assert f"hipsync already runs on {paired} (process {run.process.pid})" in second.stderr
        assert second.stderr.count("\n") == 1
        assert run.ended_by(signal.SIGTERM) < 5
    assert "Traceback" not in "".join(run.lines)
    with Store.open(paired) as store:
        (band,) = store.bands()
        assert [sync.error for sync in store.syncs(band.id)] == [None, None]


def test_that_the_computer_is_watched_is_said_before_the_first_time_and_not_again(paired: Path) -> None:
    for already in (False, True):
        with running(paired) as run:
            run.until("watches")
            assert run.ended_by(signal.SIGTERM) < 5
        assert ("sitting.desk off" in "".join(run.lines)) is not already
        with Store.open(paired) as store:
            now = CLOCK.now().replace(second=0, microsecond=0)
            store.add_presence([PresenceSpan(now - MINUTE, now, Presence.IDLE)])


def test_sigterm_in_the_middle_of_a_fetch_leaves_whole_minutes_without_a_hole(paired: Path) -> None:
    with sqlite3.connect(paired) as db:
        db.execute("DELETE FROM epochs")
        db.execute("DELETE FROM syncs")
    db.close()
    with running(paired) as run:
        run.until("watches")
        with Store.open(paired) as store:
            (band,) = store.bands()
            deadline = time.monotonic() + 15
            while Epoch not in store.since(band.id) and time.monotonic() < deadline:
                time.sleep(0.01)
            assert run.ended_by(signal.SIGTERM) < 5
            now = CLOCK.now()
            stored = store.epochs(band.id, now - timedelta(days=30), now)
            assert stored
            assert store.syncs(band.id) == []
    assert "Traceback" not in "".join(run.lines)
    starts = [epoch.start for epoch in stored]
    assert starts == [starts[0] + number * MINUTE for number in range(len(starts))]
    with sqlite3.connect(paired) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()

"""`hipsync run`: one on each database, woken when something is due, ended by a signal with nothing half written.

These run in real time, for the scheduler reads the host's clock; the waits of the product are shortened.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from hipsync.cli import hipsync, pairing
from hipsync.conversation.session import Connection, committed
from hipsync.core.exercises import Move
from hipsync.core.prompting import Policy
from hipsync.errors import ConfigError, NotHeard, Outdated, Refused, StoreError
from hipsync.host import lock as instance
from hipsync.host.clock import SystemClock
from hipsync.host.lock import only_instance
from hipsync.model import MINUTE, Answer, BandId, Epoch, Pause, Prompt, Reading, Where
from hipsync.registry import drivers
from hipsync.service import alarm
from hipsync.service import control_client as control
from hipsync.service.answers import answer_prompt
from hipsync.service.daemon import run
from hipsync.service.plan import Settings, State, settings_of
from hipsync.service.service import Service
from hipsync.settings.config import Config
from hipsync.store import Band, Store
from hipsync.store import file as store_file
from hipsync_devices.huami import protocol

CLOCK = SystemClock()
SECOND = timedelta(seconds=1)


class NoRadio:
    """There is no band to reach."""

    @asynccontextmanager
    async def reach(self, band: Band) -> AsyncGenerator[Connection, None]:
        pytest.fail(f"{band.name} was called")
        yield  # pyright: ignore[reportUnreachable]


class Watched(Service):
    """A service that tells when it wakes and what it says; its wakes do first what the test gives them to do."""

    def __init__(self, store: Store) -> None:
        super().__init__(
            store,
            replace(settings_of(Config(), "UTC"), policy=Policy()),
            radio=NoRadio(),
            drivers={},
            secret=lambda _: None,
            deliver=self._show,
            now=CLOCK.now,
        )
        self.wakes: list[datetime] = []
        self.said: list[Prompt] = []
        self.first: list[Callable[[], Awaitable[None]]] = []
        self.changed = asyncio.Condition()

    async def _show(self, prompt: Prompt, move: Move, strong: bool) -> Sequence[Where]:
        self.said.append(prompt)
        return [Where.TERMINAL]

    async def wake(self, now: datetime) -> State:
        self.wakes.append(now)
        try:
            if self.first:
                await self.first.pop(0)()
            return await super().wake(now)
        finally:
            async with self.changed:
                self.changed.notify_all()

    async def until(self, told: Callable[[Watched], bool]) -> None:
        """Raises `TimeoutError` if it does not become true in five seconds."""
        async with asyncio.timeout(5), self.changed:
            await self.changed.wait_for(lambda: told(self))


def failing(error: Exception) -> Callable[[], Awaitable[None]]:
    async def fail() -> None:
        raise error

    return fail


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarm, "AT_MOST_EVERY", 0.02 * SECOND)
    monkeypatch.setattr(alarm, "AFTER_FAILURE", 0.1 * SECOND)
    monkeypatch.setattr(alarm, "LOOK_EVERY", 0.05 * SECOND)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Somebody has been sitting for an hour and a half; nobody has said so."""
    path = tmp_path / "hipsync.db"
    now = CLOCK.now()
    minute = now.replace(second=0, microsecond=0)
    with Store.open(path) as store:
        band = store.add_band(name="data", driver="csv", now=now, vouches=True, reports_wear=True)
        walked = [Epoch(minute - (100 - i) * MINUTE, MINUTE, 100, heart_rate=90) for i in range(10)]
        sat = [Epoch(minute - (90 - i) * MINUTE, MINUTE, 0, heart_rate=60) for i in range(90)]
        store.append(band.id, walked + sat)
    return path


def serving(
    database: Path,
    story: Callable[[Watched], Awaitable[None]],
    number: signal.Signals = signal.SIGTERM,
    *,
    settings: Callable[[], Settings] | None = None,
    zone: Callable[[], str] | None = None,
) -> Watched:
    """The service, after the story and a signal, which must end it within five seconds."""

    async def told() -> Watched:
        with Store.open(database) as store:
            service = Watched(store)
            running = asyncio.ensure_future(run(service, CLOCK, settings=settings, zone=zone))
            await asyncio.sleep(0)
            try:
                await story(service)
            finally:
                os.kill(os.getpid(), number)
                async with asyncio.timeout(5):
                    await running
            assert [task.get_coro() for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
            return service

    return asyncio.run(told())


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """And worse; without the scheduler's remarks that a look so often comes while the one before it runs."""
    records = [record for record in caplog.records if record.levelno >= logging.WARNING]
    return [record for record in records if "maximum number of running instances" not in record.message]


def test_what_is_due_at_the_start_is_said_at_once_and_once(database: Path) -> None:
    async def story(service: Watched) -> None:
        await service.until(lambda service: len(service.said) == 1)
        await asyncio.sleep(0.3)  # several looks

    service = serving(database, story)
    assert len(service.said) == 1
    assert len(service.wakes) <= 2
    with Store.open(database) as store:
        (kept,) = store.prompts(service.wakes[0] - MINUTE, service.wakes[0] + MINUTE)
        assert kept.where == (Where.TERMINAL,)


def test_a_failed_wake_is_tried_again_after_the_pause_and_not_before(database: Path) -> None:
    async def story(service: Watched) -> None:
        service.first = [failing(StoreError("the database is locked"))] * 3
        await service.until(lambda service: len(service.said) == 1)

    wakes = serving(database, story).wakes[:4]
    pauses = [later - earlier for earlier, later in pairwise(wakes)]
    assert len(pauses) == 3
    assert all(0.1 * SECOND <= pause < SECOND for pause in pauses)


def test_a_streak_of_failures_is_told_once(database: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "hipsync.service.alarm")

    async def story(service: Watched) -> None:
        service.first = [failing(StoreError("the disk is full"))] * 2 + [failing(StoreError("it is locked"))] * 2
        await service.until(lambda service: len(service.said) == 1)

    serving(database, story)
    assert [record.message for record in warnings_of(caplog)] == ["the disk is full", "it is locked"]


def test_a_bug_is_logged_with_its_traceback_and_the_service_goes_on(
    database: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(service: Watched) -> None:
        service.first = [failing(ZeroDivisionError("a bug"))] * 2
        await service.until(lambda service: len(service.said) == 1)

    serving(database, story)
    (told,) = warnings_of(caplog)
    assert told.exc_info is not None
    assert isinstance(told.exc_info[1], ZeroDivisionError)


def test_an_answer_from_another_process_is_seen(database: Path) -> None:
    """A snooze that ends soon brings the prompt back, although the service had planned to look later."""

    async def story(service: Watched) -> None:
        await service.until(lambda service: len(service.said) == 1)
        with Store.open(database) as theirs:
            answer_prompt(theirs, service.said[0], Answer.SNOOZED, CLOCK.now(), SECOND)
        await service.until(lambda service: len(service.said) == 2)

    service = serving(database, story)
    assert service.said[1].shown == 2


def test_done_from_the_command_line_is_kept(database: Path) -> None:
    async def story(service: Watched) -> None:
        await service.until(lambda service: len(service.said) == 1)
        done = await asyncio.to_thread(CliRunner().invoke, hipsync, ["--db", str(database), "done"])
        assert done.exit_code == 0, done.output
        await asyncio.sleep(0.2)

    service = serving(database, story)
    assert len(service.said) == 1
    with Store.open(database) as store:
        assert store.prompt(service.said[0]).answer is Answer.DONE


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
    assert time.monotonic() - begun < 2
    assert not warnings_of(caplog)


HOLD = """
import sys, time
from pathlib import Path
from hipsync.host.lock import only_instance, running
with only_instance(Path(sys.argv[1])):
    print("holds it", flush=True)
    time.sleep(60)
"""


def test_a_second_process_is_refused_naming_the_first_and_a_killed_one_lets_go(tmp_path: Path) -> None:
    database = tmp_path / "new folder" / "hipsync.db"
    first = subprocess.Popen([sys.executable, "-c", HOLD, str(database)], stdout=subprocess.PIPE)
    with first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"holds it\n"
        try:
            refused = pytest.raises(ConfigError, match=rf"already runs on .*hipsync.db \(process {first.pid}\)")
            with refused, only_instance(database):
                pytest.fail("let in")
        finally:
            first.kill()
    itself = pytest.raises(ConfigError, match=rf"\(process {os.getpid()}\)")
    with only_instance(database), only_instance(tmp_path / "another.db"), itself, only_instance(database):
        pytest.fail("let in")
    with only_instance(database):
        pass


def test_a_folder_that_takes_no_lock_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused = pytest.raises(StoreError, match=r"file/hipsync.db.run cannot be made: .*--db FILE")
    with refused, only_instance(tmp_path / "file" / "hipsync.db"):
        pytest.fail("let in")


@pytest.fixture(scope="module")
def paired_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database in which a simulated Mi Band was paired a minute ago."""
    folder = tmp_path_factory.mktemp("paired")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairing, "LISTEN_S", 0.3)
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
            [sys.executable, "-c", "from hipsync.cli import main; main()", "--db", str(database), "run"],
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
        run.until("new epochs")
        second = subprocess.run(
            [sys.executable, "-c", "from hipsync.cli import main; main()", "--db", str(paired), "run"],
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
            held = store.epochs(band.id, now - timedelta(days=30), now)
            assert held
            assert store.syncs(band.id) == []
    assert "Traceback" not in "".join(run.lines)
    starts = [epoch.start for epoch in held]
    assert starts == [starts[0] + number * MINUTE for number in range(len(starts))]
    with sqlite3.connect(paired) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()


def test_without_a_band_run_says_what_to_do(tmp_path: Path) -> None:
    done = CliRunner().invoke(hipsync, ["--db", str(tmp_path / "hipsync.db"), "run"])
    assert done.exit_code == 2
    assert "no band is paired yet: `hipsync pair` does that" in done.output


# ------------------------------------------------------------------ what other commands ask of it


async def typed(database: Path, *words: str) -> str:
    """What `hipsync WORDS` prints, from another thread."""
    done = await asyncio.to_thread(CliRunner().invoke, hipsync, ["--db", str(database), *words])
    return done.output


def test_a_snooze_is_seen_at_once_by_a_service_that_looks_seldom(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarm, "LOOK_EVERY", timedelta(hours=1))

    async def story(service: Watched) -> None:
        await service.until(lambda service: len(service.said) == 1)
        with Store.open(database) as theirs:
            answer_prompt(theirs, service.said[0], Answer.SNOOZED, CLOCK.now(), SECOND)
        await asyncio.to_thread(control.look, database)
        await service.until(lambda service: len(service.said) == 2)

    assert serving(database, story).said[1].shown == 2


def test_a_pause_silences_the_running_service_and_resume_lets_it_speak(database: Path) -> None:
    async def story(service: Watched) -> None:
        await service.until(lambda service: bool(service.wakes))
        assert not service.said
        assert "Prompts come again." in await typed(database, "resume")
        await service.until(lambda service: len(service.said) == 1)

    with Store.open(database) as store:
        store.add_pause(Pause(CLOCK.now(), CLOCK.now() + timedelta(hours=1)))
    serving(database, story)


def test_status_is_asked_of_the_service_itself(database: Path) -> None:
    async def story(service: Watched) -> None:
        with only_instance(database):
            told = await typed(database, "status")
        assert f"the service runs (process {os.getpid()}), connected to no band now" in told

    serving(database, story)


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ({"do": "sync", "band": "nobody", "since": None}, 2),
        ({"do": "sync", "band": "data", "since": "soon"}, 2),
        ({"do": "buzz", "band": "nobody"}, 2),
        ({"do": "sync", "band": 7}, 1),
        ({"do": "dance"}, 1),
        ({}, 1),
    ],
)
def test_what_the_service_cannot_do_is_refused(database: Path, question: control.Line, code: int) -> None:
    async def story(service: Watched) -> None:
        with pytest.raises(Refused) as caught:
            await asyncio.to_thread(control.ask, database, question)
        assert caught.value.code == code
        assert await asyncio.to_thread(control.ask, database, {"do": "status"})

    serving(database, story)


def test_it_does_one_thing_at_a_time(database: Path) -> None:
    """A sync that somebody asks for waits for the wake that runs."""
    order: list[str] = []

    async def story(service: Watched) -> None:
        started, go_on = asyncio.Event(), asyncio.Event()

        async def slow() -> None:
            started.set()
            await go_on.wait()
            order.append("wake")

        service.first = [slow]
        await started.wait()
        asking = asyncio.create_task(typed(database, "bands", "buzz", "data"))
        await asyncio.sleep(0.2)
        assert not asking.done()
        go_on.set()
        order.append((await asking).split(":")[0])

    serving(database, story)
    assert order == ["wake", "hipsync"]


# ------------------------------------------------------------------ settings and zone


def test_a_hangup_reads_the_settings_anew_and_bad_ones_are_refused(
    database: Path, caplog: pytest.LogCaptureFixture
) -> None:
    quiet = replace(settings_of(Config(), "UTC"), snooze=timedelta(minutes=7))
    answers: list[Settings | ConfigError] = [ConfigError("sitting.limit is no length"), quiet]

    def settings() -> Settings:
        answer = answers.pop(0)
        if isinstance(answer, ConfigError):
            raise answer
        return answer

    async def story(service: Watched) -> None:
        before = service.settings
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: len(answers) == 1)
        assert service.settings is before
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: not answers)
        assert service.settings is quiet

    serving(database, story, settings=settings)
    assert "the settings stay as they were: sitting.limit is no length" in [r.message for r in warnings_of(caplog)]


def test_a_status_bar_is_told_by_the_service(database: Path) -> None:
    lines: list[str] = []

    async def story(service: Watched) -> None:
        await service.until(lambda service: len(service.said) == 1)
        done = await typed(database, "status", "--line")
        lines.append(done)

    serving(database, story)
    assert lines[0].startswith("nothing is said: waiting for an answer, next look at a prompt ")


def test_settings_are_read_anew_when_a_command_asks(database: Path) -> None:
    quiet = replace(settings_of(Config(), "UTC"), policy=Policy(limit=90))
    answers: list[Settings | ConfigError] = [ConfigError("sitting.limit is no length"), quiet]

    def settings() -> Settings:
        answer = answers.pop(0)
        if isinstance(answer, ConfigError):
            raise answer
        return answer

    async def story(service: Watched) -> None:
        before = service.settings
        with pytest.raises(Refused, match=r"sitting\.limit is no length"):
            await asyncio.to_thread(control.ask, database, {"do": "reload"})
        assert service.settings is before
        await asyncio.to_thread(control.ask, database, {"do": "reload"})
        assert service.settings is quiet

    serving(database, story, settings=settings)


def test_the_database_is_copied_once_a_day(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarm, "BACKUP_EVERY", 0.05 * SECOND)

    async def story(service: Watched) -> None:
        await until(lambda: bool(service.store.backups()))
        await asyncio.sleep(1.1)  # another copy would have another name

    service = serving(database, story)
    copies = sorted((database.parent / "backups").iterdir())
    assert len(copies) <= 1 + (service.wakes[0].date() != CLOCK.now().date())
    with Store.read(copies[0]) as store:
        assert [band.name for band in store.bands()] == ["data"]


def test_a_band_that_comes_back_into_reach_is_called_without_waiting_for_its_turn(tmp_path: Path) -> None:
    called: list[str] = []
    near = asyncio.Event()

    class Near(NoRadio):
        @asynccontextmanager
        async def reach(self, band: Band) -> AsyncGenerator[Connection, None]:
            called.append(band.name)
            near.set()
            raise NotHeard("away again")
            yield  # pyright: ignore[reportUnreachable]

    async def nowhere(prompt: Prompt, move: Move, strong: bool) -> Sequence[Where]:
        return []

    async def hear(bands: Sequence[Band]) -> set[BandId]:
        return {band.id for band in bands}

    async def story() -> None:
        with Store.open(tmp_path / "hipsync.db") as store:
            now = CLOCK.now()
            band = store.add_band(name="band", driver="huami", address="C8:0F:10:80:D0:21", now=now)
            store.note_sync(band.id, now, now, 0, None)
            store.note_sync(band.id, now, now, 0, "away")  # to be called in two minutes
            service = Service(
                store, settings_of(Config(), "UTC"), radio=Near(), drivers=drivers(), secret=lambda _: None,
                deliver=nowhere, now=CLOCK.now, hear=hear,
            )  # fmt: skip
            running = asyncio.ensure_future(run(service, CLOCK))
            async with asyncio.timeout(5):
                await near.wait()
            os.kill(os.getpid(), signal.SIGTERM)
            await running

    asyncio.run(story())
    assert called == ["band"]


def test_the_host_in_another_zone_is_noticed_and_kept(database: Path) -> None:
    zone = "UTC"

    async def story(service: Watched) -> None:
        nonlocal zone
        await service.until(lambda service: bool(service.said))
        await asyncio.sleep(1)  # the file knows whole seconds
        zone = "Asia/Tokyo"
        await until(lambda: service.settings.host_zone == "Asia/Tokyo")

    serving(database, story, zone=lambda: zone)
    with Store.open(database) as store:
        assert [change.zone for change in store.zones()] == ["UTC", "Asia/Tokyo"]


async def until(told: Callable[[], bool]) -> None:
    """Raises `TimeoutError` if it does not become true in five seconds."""
    async with asyncio.timeout(5):
        while not told():  # noqa: ASYNC110  a signal handler sets it
            await asyncio.sleep(0.01)


# ------------------------------------------------------------------ the supervisor


@pytest.fixture
def supervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Callable[[], list[str]], None, None]:
    """What was told to it so far, a line each."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
        there.bind(str(tmp_path / "notify"))
        there.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        lines: list[str] = []

        def told() -> list[str]:
            with suppress(BlockingIOError):
                while True:
                    lines.extend(there.recv(4096).decode().splitlines())
            return lines

        yield told


def test_the_supervisor_is_told_of_the_start_the_end_and_what_happens(
    database: Path, supervisor: Callable[[], list[str]]
) -> None:
    async def story(service: Watched) -> None:
        await service.until(lambda service: len(service.said) == 1)
        await until(lambda: "WATCHDOG=1" in supervisor())
        assert supervisor()[0] == "READY=1"

    serving(database, story)
    assert supervisor()[-2:] == ["STOPPING=1", "STATUS=stopping"]
    assert any(line.startswith("STATUS=nothing is said: waiting for an answer") for line in supervisor())


def test_a_wake_that_is_stuck_lets_the_watchdog_bite(
    database: Path, supervisor: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarm, "STUCK_AFTER", 0.1 * SECOND)

    async def story(service: Watched) -> None:
        async def for_ever() -> None:
            await asyncio.Event().wait()

        service.first = [for_ever]
        await until(lambda: "WATCHDOG=1" in supervisor())
        await asyncio.sleep(0.3)
        told = len([line for line in supervisor() if line == "WATCHDOG=1"])
        await asyncio.sleep(0.5)  # ten looks
        assert len([line for line in supervisor() if line == "WATCHDOG=1"]) == told > 0

    serving(database, story)


def test_a_glance_at_the_lock_does_not_keep_a_service_from_starting(tmp_path: Path) -> None:
    database = tmp_path / "hipsync.db"
    with only_instance(database):
        pass
    handle = os.open(tmp_path / "hipsync.db.run", os.O_RDWR)
    fcntl.flock(handle, fcntl.LOCK_EX)
    threading.Timer(0.08, os.close, [handle]).start()
    with only_instance(database):
        assert instance.running(database)


# ------------------------------------------------------------------ the file under the service


WHOLE = CLOCK.now().replace(microsecond=0)


@contextmanager
def locked(database: Path) -> Generator[None]:
    """Another program writes, and takes its time."""
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_a_database_that_is_locked_is_told_and_used_again_when_it_can_be(
    database: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(store_file, "BUSY_S", 0.05)
    told: list[object] = []

    async def story(service: Watched) -> None:
        with locked(database):  # what is due at the start cannot be written down, and so is not said
            await service.until(lambda service: len(service.wakes) >= 3)
            told.append(await asyncio.to_thread(control.ask, database, {"do": "status"}))
            assert service.said == []
        await service.until(lambda service: len(service.said) == 1)
        told.append(await asyncio.to_thread(control.ask, database, {"do": "status"}))

    service = serving(database, story)
    assert len(service.said) == 1
    trouble = f"{database} is locked by another program that writes: try again when it is done"
    assert [isinstance(each, dict) and each["trouble"] for each in told] == [trouble, None]
    assert len([record for record in warnings_of(caplog) if "is locked" in record.message]) == 1


def test_a_database_that_is_moved_away_is_told_and_used_again_when_it_is_back(database: Path) -> None:
    aside, pause = database.with_name("aside.db"), Pause(WHOLE, WHOLE + MINUTE)
    told: list[str | None] = []

    async def story(service: Watched) -> None:
        shutil.move(database, aside)
        with pytest.raises(StoreError) as caught:
            service.store.add_pause(pause)
        told.append(str(caught.value))
        shutil.move(aside, database)  # it was not made anew, or this would be refused
        service.store.add_pause(pause)

    serving(database, story)
    assert told == [
        f"{database} was deleted or moved while it was open: put it back, or a copy with `hipsync db restore`"
    ]
    with Store.read(database) as store:
        assert store.pause(pause.at) == pause


def test_another_database_in_its_place_is_used_from_then_on(database: Path, tmp_path: Path) -> None:
    other, pause = tmp_path / "other.db", Pause(WHOLE, WHOLE + MINUTE)
    with Store.open(other) as store:
        store.add_band(name="other", driver="csv", now=CLOCK.now())

    async def story(service: Watched) -> None:
        await service.until(lambda service: len(service.said) == 1)
        shutil.move(other, database)
        with pytest.raises(StoreError, match="was replaced by another file, which is used from now on"):
            service.store.add_pause(pause)
        service.store.add_pause(pause)
        assert [band.name for band in service.store.bands()] == ["other"]

    serving(database, story)
    with Store.read(database) as store:
        assert [band.name for band in store.bands()] == ["other"]
        assert store.pause(pause.at) == pause
        assert store.check() == []


def test_a_database_that_a_newer_hipsync_brought_up_to_date_ends_the_service(database: Path) -> None:
    async def told() -> None:
        with Store.open(database) as store:
            running = asyncio.ensure_future(run(Watched(store), CLOCK))
            await asyncio.sleep(0.2)
            with closing(sqlite3.connect(database)) as newer:
                newer.execute("PRAGMA user_version = 999")
                newer.commit()
            with pytest.raises(Outdated, match="was brought up to date by another hipsync"):
                await asyncio.wait_for(running, 5)

    asyncio.run(told())

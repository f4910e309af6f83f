"""The file that a plain status bar reads: whole, its owner's alone, in time, and there only while it is true."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from cases.kit import ADDRESS
from hipsync.errors import StoreError
from hipsync.host.clock import FastClock
from hipsync.host.paths import line_file
from hipsync.service.alarm import Alarm
from hipsync.service.line_file import LineFile
from hipsync.service.now import now_of
from hipsync.service.state import State
from hipsync.service.status_text import short
from hipsync.store import Store
from hipsync.testing.direct import run
from support.by_the_wall import JobByTheWall
from support.running_service import CLOCK, SECOND
from support.world import MINUTE, NINE, World, pine_time

LOGS = "hipsync.service.line_file"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "run" / "hipsync" / "line"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_file_and_its_folder_are_their_owners_alone(file: Path) -> None:
    before = os.umask(0)
    try:
        LineFile(file).show("34 min")
    finally:
        os.umask(before)
    assert file.read_text() == "34 min\n"
    assert (mode(file), mode(file.parent)) == (0o600, 0o700)


def test_it_is_replaced_as_a_whole_when_its_line_changes_and_only_then(file: Path) -> None:
    line = LineFile(file)
    line.show("34 min")
    with file.open() as reading:
        first = file.stat()
        line.show("34 min")
        assert file.stat() == first
        line.show("35 min")
        assert reading.read() == "34 min\n", "who has it open reads all of the old line"
    assert file.stat().st_ino != first.st_ino
    assert file.read_text() == "35 min\n"
    assert list(file.parent.iterdir()) == [file]


def test_one_that_the_system_cleared_away_comes_back(file: Path) -> None:
    line = LineFile(file)
    line.show("up")
    shutil.rmtree(file.parent)
    line.show("up")
    assert file.read_text() == "up\n"


def test_what_a_killed_service_left_goes_at_the_begin_and_ours_at_the_end(file: Path) -> None:
    file.parent.mkdir(mode=0o700, parents=True)
    file.write_text("1 h 40\n")
    with LineFile(file) as line:
        assert not file.exists()
        line.show("up")
        assert file.exists()
    assert not file.exists()


def test_without_a_path_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with LineFile(None) as line:
        line.show("up")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("/run/user/1000", Path("/run/user/1000/hipsync/line")),
        ("run/user/1000", None),
        ("", None),
        (None, None),
    ],
)
def test_there_is_a_path_only_in_a_folder_of_the_login_session(
    given: str | None, found: Path | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    if given is not None:
        monkeypatch.setenv("XDG_RUNTIME_DIR", given)
    assert line_file() == found


def file_in_the_way(file: Path) -> None:
    file.parent.parent.mkdir(parents=True)
    file.parent.write_text("")


def folder_in_the_way(file: Path) -> None:
    file.mkdir(mode=0o700, parents=True)
    (file / "mine").write_text("")
    file.parent.chmod(0o700)


def others_may_write(file: Path) -> None:
    file.parent.mkdir(parents=True)
    file.parent.chmod(0o777)


def link_elsewhere(file: Path) -> None:
    elsewhere = file.parents[2] / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    (elsewhere / "line").write_text("a file of mine")
    file.parent.parent.mkdir(parents=True)
    file.parent.symlink_to(elsewhere)


@pytest.mark.parametrize("obstacle", [file_in_the_way, folder_in_the_way, others_may_write, link_elsewhere])
def test_what_cannot_be_written_is_logged_once_and_harms_nothing(
    obstacle: Callable[[Path], None], file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, LOGS)
    obstacle(file)
    before = {path: path.lstat().st_ino for path in file.parents[2].rglob("*")}
    with LineFile(file) as line:
        for text in ("34 min", "35 min", "36 min"):
            line.show(text)
        warned = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
        assert len(warned) == 1
        assert warned[0].startswith(f"no line for status bars: {file}: ")
        assert {path: path.lstat().st_ino for path in file.parents[2].rglob("*")} == before
        aside = file.parent.with_name("aside")
        file.parent.rename(aside)
        line.show("37 min")
        assert file.read_text() == "37 min\n"
    assert not file.exists()


class Seen(NamedTuple):
    """What a status bar reads at an instant, and what `hipsync status --line` would say then."""

    at: datetime
    read: str | None
    true: str


def read_from(file: Path | None) -> str | None:
    return file.read_text() if file is not None and file.exists() else None


class Lived(NamedTuple):
    seen: Sequence[Seen]
    wakes: Sequence[datetime]


def lived(file: Path | None, *, slow: bool = False) -> Lived:
    """Live through an hour and a half at a desk from 9:05 on, and read the file every ten seconds.

    If `slow`, a wake at 9:30 takes five minutes, as one that waits for bands.
    """
    seen, wakes = list[Seen](), list[datetime]()

    async def story(clock: FastClock) -> None:
        world = World(clock, watch=pine_time("5m walk 100, 90m sit"))
        awake = world.service.wake

        async def wake(now: datetime) -> State:
            wakes.append(now)
            if slow and now >= NINE + 30 * MINUTE and not any(NINE + 30 * MINUTE <= each < now for each in wakes):
                await asyncio.sleep(300)
            return await awake(now)

        world.service.wake = wake  # type: ignore[method-assign]
        line = LineFile(file)
        alarm = Alarm(
            world.service, clock, None, asyncio.Event(), lambda work: JobByTheWall(work, clock.now), line=line
        )
        with line:
            alarm.start()
            world.service.live.attend()
            while clock.now() < NINE + 90 * MINUTE:
                await clock.sleep_until(clock.now() + 10 * SECOND)
                true = short(now_of(world.service.state(clock.now()), clock.now(), running=True))
                seen.append(Seen(clock.now(), read_from(file), f"{true}\n"))
            await alarm.end()
            await world.service.leave()

    run(story, NINE)
    return Lived(seen, wakes)


@pytest.mark.parametrize("slow", [False, True], ids=["quick wakes", "a wake that takes five minutes"])
def test_it_says_what_status_says_and_is_never_a_minute_behind(file: Path, slow: bool) -> None:
    seen = lived(file, slow=slow).seen
    for number, each in enumerate(seen[6:], 6):
        assert each.read in {before.true for before in seen[number - 6 : number + 1]}, each
    read = list(dict.fromkeys(each.read for each in seen))
    # nothing is known in the first minute; up until 9:05, and then a minute more with each read of the watch
    sitting = [f"{minutes} min\n" for minutes in range(1, 60)]
    assert read[: len(sitting) + 2] == ["no data\n", "up\n", *sitting]
    assert read[len(sitting) + 2] == "1 h - time to move\n"


def test_it_costs_no_wake(tmp_path: Path) -> None:
    assert lived(tmp_path / "hipsync" / "line").wakes == lived(None).wakes


def test_it_is_gone_while_nobody_can_say_what_it_should_say(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(clock: FastClock) -> list[bool]:
        world, line, there = World(clock, watch=pine_time("5m walk 100, 90m sit")), LineFile(file), list[bool]()
        alarm = Alarm(
            world.service, clock, None, asyncio.Event(), lambda work: JobByTheWall(work, clock.now), line=line
        )

        def locked(_: datetime) -> State:
            raise StoreError("the database is locked")

        with line:
            alarm.start()
            world.service.live.attend()
            await asyncio.sleep(20 * 60)
            there.append(read_from(file) is not None)
            with monkeypatch.context() as patch:
                patch.setattr(world.service, "state", locked)
                await asyncio.sleep(60)
                there.append(read_from(file) is not None)
            await asyncio.sleep(3 * 60)
            there.append(read_from(file) is not None)
            await alarm.end()
            await world.service.leave()
        return there

    assert run(story, NINE) == [True, False, True]


COMMAND = [sys.executable, "-c", "from hipsync.__main__ import main; main()"]


def waited_for(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)


@pytest.mark.parametrize("named", [False, True], ids=["the own database", "one that is named"])
def test_hipsync_run_writes_it_for_the_own_database_alone_and_takes_it_away(
    named: bool, database: Path, tmp_path: Path
) -> None:
    with Store.open(database) as store:
        store.add_band(name="simulated", driver="huami", address=ADDRESS, now=CLOCK.now(), simulated=True, vouches=True)
    folder, runtime = tmp_path / "data" / "hipsync", tmp_path / "run"
    folder.mkdir(parents=True, mode=0o700)
    runtime.mkdir(mode=0o700)
    shutil.copy(database, folder / "hipsync.db")
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("HIPSYNC", "DBUS"))},
        "XDG_DATA_HOME": str(tmp_path / "data"), "XDG_RUNTIME_DIR": str(runtime), "TZ": "UTC",
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }  # fmt: skip
    words = [*COMMAND, *(["--db", str(database)] if named else [])]
    line = runtime / "hipsync" / "line"
    with subprocess.Popen([*words, "run"], env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            waited_for(lambda: any((runtime / "hipsync").glob("*.sock")), process)
            if not named:
                waited_for(line.exists, process)
            asked = subprocess.run(
                [*words, "status", "--line"], env=environment, capture_output=True, text=True, check=True
            )
            if not named:
                waited_for(lambda: line.read_text() == asked.stdout, process)
            assert line.exists() is not named
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
    assert not line.exists()

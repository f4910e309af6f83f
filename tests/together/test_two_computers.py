"""Two computers of one wearer, each with `hipsync run` as a process and a desktop that shows notices."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest

from hipsync.model import MINUTE, Answer, Counter, Epoch, Exercise, Prompt
from hipsync.store import Store
from hipsync.store.rows import TIMES
from support.machine import Machine
from support.mosquitto import Mosquitto, mosquitto
from support.notice_server import INTERFACE, Desk
from support.private_bus import needs_dbus, on_the_bus, private_bus
from support.repository import ROOT
from support.running_service import CLOCK

pytestmark = [pytest.mark.enable_socket, needs_dbus]
ADDRESS = "C0:00:00:00:00:01"
STARTED = """
import platform, sys
platform.node = lambda: sys.argv.pop(1)
name = platform.node()
platform.node = lambda: name
import hipsync.together.sharing as sharing
sharing.RECENT_EVERY_S, sharing.ALL_EVERY_S = 0.5, 1.0
from hipsync.__main__ import main
main()
"""
"""A program whose first argument is the name of its computer, and which shares what bands told without a pause."""
BY_BROKER = """
[mqtt]
host = "127.0.0.1"
port = {port}
tls = false
wearer = "anna"
share = "everything"
"""
SETTINGS = """
[prompts]
hours = { mon-fri = "00:00-24:00", sat-sun = "00:00-24:00" }
lunch = ""
early = "off"
"""


class Computer(Machine):
    """A computer, its desktop, and the service that may run on it."""

    def __init__(self, home: Path, name: str, settings: str, *command: str) -> None:
        """`command` is what runs the service."""
        super().__init__(home, CLOCK.now())
        self.name, self.desk, self._command = name, Desk(), command
        self.data.mkdir(mode=0o700, parents=True)
        (home / "run").mkdir(mode=0o700)
        self.settings.parent.mkdir(parents=True)
        self.settings.write_text(settings + SETTINGS)
        self.settings.chmod(0o600)
        self.bus = ""
        self._service: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        path = os.pathsep.join([str(ROOT), str(ROOT / "devices")])
        with (self.home / "log").open("ab") as log:
            self._service = subprocess.Popen(
                [sys.executable, "-c", STARTED, self.name, *self._command],
                stdout=log,
                stderr=log,
                env={
                    **os.environ, **self.environment, "PYTHONPATH": path,
                    "DBUS_SESSION_BUS_ADDRESS": self.bus, "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent",
                },
            )  # fmt: skip

    def kill(self) -> None:
        if self._service is not None:
            self._service.kill()
            self._service.wait(20)
            self._service = None

    def log(self) -> str:
        return (self.home / "log").read_text()

    def sits(self) -> None:
        """Store that the wearer walked until an hour ago, and sits since then, and that this band was never reached."""
        now = CLOCK.now().replace(second=0, microsecond=0)
        walked = [Epoch(now + at * MINUTE, MINUTE, 100, heart_rate=90) for at in range(-90, -62)]
        sat = [Epoch(now + at * MINUTE, MINUTE, 0, heart_rate=60) for at in range(-62, 1)]
        with Store.open(self.database) as store:
            band = store.add_band(name="b", driver="huami", address=ADDRESS, now=now - 90 * MINUTE, vouches=True)
            store.append(band.id, [*walked, *sat])
            store.note_zone(now - timedelta(days=2), "Europe/London", self.name)

    def pair(self, *numbers: int) -> None:
        """Pair bands with these numbers."""
        now = CLOCK.now().replace(second=0, microsecond=0)
        with Store.open(self.database) as store:
            for number in numbers:
                address = f"C0:00:00:00:00:0{number}"
                store.add_band(name=f"band {number}", driver="huami", address=address, now=now, vouches=True)

    def hear(self, chance: Random) -> None:
        """Store some minutes of each band that is paired here, and an exercise, as of any of the last days."""
        now = CLOCK.now().replace(second=0, microsecond=0)
        with Store.open(self.database) as store:
            for band in store.bands():
                if band.address is not None:
                    start = now - (100 + chance.randrange(26 * 1440)) * MINUTE
                    minutes = [Epoch(start + at * MINUTE, MINUTE, chance.randrange(9)) for at in range(99)]
                    store.append(band.id, [*minutes, Counter(start, chance.randrange(99))])
            store.add_exercise(Exercise(now - chance.randrange(26 * 1440) * MINUTE, "hip-circles", "manual"))

    def prompts(self) -> list[Prompt]:
        with Store.read(self.database) as store:
            return store.prompts(CLOCK.now() - timedelta(hours=3), CLOCK.now() + timedelta(hours=1))

    def rows(self) -> object:
        with Store.read(self.database) as store:
            tables = {
                table: sorted(repr(row) for row in store.rows_of(table, None, None))
                for table in TIMES
                if table not in {"presence", "zones"}
            }
            return sorted((name, *epoch) for name, epoch in store.all_epochs(None, None)), tables


@pytest.fixture
def broker(tmp_path: Path) -> Generator[Mosquitto]:
    with mosquitto(tmp_path / "broker") as started:
        yield started


@asynccontextmanager
async def two(settings: Callable[[str], str], *command: str) -> AsyncGenerator[tuple[Computer, Computer]]:
    """Two computers with a desktop each, and settings by their names. Their services are killed at the end.

    Their files are in a folder with a short path: that of a socket may have some hundred characters.
    """
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(TemporaryDirectory(prefix="hipsync-")))
        found: list[Computer] = []
        for name in ("desk", "laptop"):
            computer = Computer(home / name, name, settings(name), *command)
            (folder := home / f"bus-{name}").mkdir()
            computer.bus = stack.enter_context(private_bus(folder))
            await stack.enter_async_context(on_the_bus(computer.bus, INTERFACE, computer.desk.reply))
            stack.callback(computer.kill)
            found.append(computer)
        yield found[0], found[1]


def by(broker: Mosquitto) -> Callable[[str], str]:
    return lambda _: BY_BROKER.format(port=broker.port)


async def until(holds: Callable[[], bool], within_s: float = 40.0) -> None:
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110  what is waited for is in another process
            await asyncio.sleep(0.1)


async def one_spoke(desk: Computer, laptop: Computer) -> tuple[Computer, Computer]:
    """Start both while the wearer sits too long; return the one that showed a notice, and the other."""
    for computer in (desk, laptop):
        computer.sits()
        computer.start()
    await until(lambda: len(desk.prompts()) == len(laptop.prompts()) == 1)
    await asyncio.sleep(3)  # a second notice would have come by then
    assert len(desk.desk.notices) + len(laptop.desk.notices) == 1, desk.log() + laptop.log()
    return (desk, laptop) if desk.desk.notices else (laptop, desk)


async def test_one_speaks_and_an_answer_on_the_other_takes_its_notice_down(broker: Mosquitto) -> None:
    async with two(by(broker), "run") as (desk, laptop):
        speaker, other = await one_spoke(desk, laptop)
        (prompt,) = other.prompts()
        assert (prompt.host, prompt.shown, prompt.answer) == (speaker.name, 1, None)
        await asyncio.to_thread(other.type, "done")
        await until(lambda: speaker.desk.closed == [1], 5)
        (prompt,) = speaker.prompts()
        assert prompt.answer is Answer.DONE
        with Store.read(speaker.database) as store:
            done = store.exercises(CLOCK.now() - timedelta(hours=1), CLOCK.now() + MINUTE)
        assert len(done) == 1, "one exercise, and not one on each"


async def test_while_the_broker_is_away_both_speak_and_when_it_is_back_one_answer_is_enough(
    broker: Mosquitto,
) -> None:
    broker.kill()
    async with two(by(broker), "run") as (desk, laptop):
        for computer in (desk, laptop):
            computer.sits()
            computer.start()
        await until(lambda: len(desk.desk.notices) == len(laptop.desk.notices) == 1)
        broker.start()
        await until(lambda: desk.rows() == laptop.rows())
        await asyncio.to_thread(laptop.type, "skip")
        await until(lambda: desk.desk.closed == laptop.desk.closed == [1], 10)
        assert [each.answer for each in desk.prompts()] == [Answer.SKIPPED]


@pytest.mark.ring
async def test_they_become_equal_though_each_and_the_broker_are_killed_again_and_again(
    broker: Mosquitto,
) -> None:
    """The broker keeps nothing. Each computer hears two of three bands, at other times, while it runs and while not."""
    async with two(by(broker), "run") as (desk, laptop):
        chance = Random(1)
        desk.pair(1, 2)
        laptop.pair(2, 3)
        for _ in range(8):
            for computer in (desk, laptop):
                computer.hear(chance)
                computer.start()
            await asyncio.sleep(1 + 2 * chance.random())
            for kill in chance.sample([desk.kill, laptop.kill, broker.kill], 3):
                kill()
                await asyncio.sleep(chance.random())
            broker.start()
        for computer in (desk, laptop):
            computer.start()
        await until(lambda: desk.rows() == laptop.rows(), 60)
        with Store.read(desk.database) as store:
            assert len({name for name, _ in store.all_epochs(None, None)}) == 3
        for computer in (desk, laptop):
            assert "Traceback" not in computer.log(), computer.log()
            assert computer.type("db", "check").exit_code == 0

"""The guided exercise: what is said, waited for and asked, in order, and what is written down."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from builders import MONDAY
from hipsync.cli.exercise import Guide
from hipsync.exercises import MOVES, Move
from hipsync.model import MINUTE, Answer, Exercise, Prompt
from hipsync.store import Store
from machine import COMMAND, Machine

NINE = MONDAY + timedelta(hours=9)


def move(name: str) -> Move:
    return next(move for move in MOVES if move.name == name)


class Room:
    """Where nobody waits: what was said, asked and waited for, in order."""

    def __init__(self, *answers: str) -> None:
        self.told: list[str] = []
        self.answers = list(answers)

    def ask(self, question: str) -> str:
        self.told.append(f"? {question.strip()}")
        return self.answers.pop(0) if self.answers else ""

    def wait(self, words: str, seconds: int) -> None:
        self.told.append(f"{words.strip()} {seconds}")

    def guide(self, *, bell: bool = True) -> Guide:
        return Guide(lambda text: self.told.append(text.strip()), self.ask, self.wait, bell=bell)


def test_each_side_begins_when_the_wearer_is_ready_and_each_hold_is_counted() -> None:
    room = Room()
    assert room.guide().through(move("hip-flexor-stretch")) is False
    assert room.told[0].startswith("Hip-flexor stretch")
    assert room.told[2:] == [
        "? The left side: Enter when you are ready", "1 of 1: hold 30", "", "Done.\a",
        "? The right side: Enter when you are ready", "1 of 1: hold 30", "", "Done.\a",
        "? Did it hurt? [y/N]",
    ]  # fmt: skip


def test_between_two_holds_there_is_time_to_go_back() -> None:
    room = Room()
    room.guide(bell=False).through(move("seated-hip-opening"))
    assert room.told[2:7] == ["? Enter when you are ready", "1 of 5: hold 10", ", back 3", "", "2 of 5: hold 10"]
    assert room.told[-2] == "Done.", "no bell"


def test_circles_are_the_wearers_to_count() -> None:
    room = Room()
    room.guide().through(move("hip-rotation"))
    assert room.told[3] == "? 5 times, slowly; Enter when you are done"
    assert not [told for told in room.told if told.startswith("1 of")]


@pytest.mark.parametrize(("answer", "hurt"), [("y", True), (" YES ", True), ("", False), ("n", False), ("yoga", False)])
def test_whether_it_hurt_is_asked(answer: str, hurt: bool) -> None:
    assert Room("", "", "", "", answer).guide().through(move("hip-rotation")) is hurt


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path, NINE)
    Store.open(machine.database).close()
    return machine


def test_on_a_pipe_the_one_whose_turn_it_is_is_shown_and_nothing_is_written_down(machine: Machine) -> None:
    assert machine.told("exercise").startswith("hip-extension: ")
    with Store.open(machine.database) as store:
        store.add_exercise(Exercise(NINE - MINUTE, "hip-extension", "guided"))
    assert machine.told("exercise").startswith("hip-flexor-stretch: ")
    assert machine.told("exercise", "--seated").startswith("seated-")
    morning = machine.told("exercise", "morning")
    assert "hip-extension: " in morning
    assert "hip-rotation: " not in morning
    with Store.open(machine.database) as store:
        assert len(store.exercises(MONDAY, NINE + MINUTE)) == 1
        store.add_exercise(Exercise(NINE, "hip-extension", "guided", hurt=True))
    assert "hip-extension: " not in machine.told("exercise", "morning")
    assert machine.told("exercise", "hip-extension").startswith("hip-extension: "), "who names it may read it"


def test_where_all_are_avoided_that_is_said(machine: Machine) -> None:
    machine.settings.parent.mkdir(parents=True)
    machine.settings.write_text('[exercises]\navoid = ["seated"]\n')
    machine.settings.chmod(0o600)
    assert machine.refused("exercise", "--seated", code=2).startswith("no such exercise is left")


class Typed:
    """`hipsync exercise` on a terminal of its own, and a person who reads and types."""

    def __init__(self, machine: Machine, *words: str) -> None:
        self._mine, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [*COMMAND, "exercise", *words], stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True,
            env={**os.environ, **machine.environment}, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        self.seen = ""

    def until(self, words: str) -> None:
        while words not in self.seen:
            assert self._more(), f"{words!r} never came after {self.seen!r}"
        self.seen = self.seen.partition(words)[2]

    def type(self, text: str) -> None:
        os.write(self._mine, text.encode())

    def _more(self, within_s: float = 20) -> bool:
        """Whether something came; not if the other end is closed."""
        ready, _, _ = select.select([self._mine], [], [], within_s)
        if ready:
            with contextlib.suppress(OSError):
                self.seen += (said := os.read(self._mine, 4096)).decode()
                return bool(said)
        return False

    def interrupt(self) -> None:
        """Press Ctrl-C until it is heard: Python misses one that comes right before it begins to wait for a line."""
        for _ in range(10):
            os.killpg(self.process.pid, signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(2)
                return

    def end(self) -> int:
        try:
            while self._more(5):
                pass
            return self.process.wait(10)
        finally:
            self.process.kill()
            os.close(self._mine)


def test_a_guided_exercise_is_written_down_once_and_answers_the_prompt_that_stands(tmp_path: Path) -> None:
    from hipsync.cli.app import system_now

    machine = Machine(tmp_path)
    now = system_now()
    with Store.open(machine.database) as store:
        store.add_prompt(Prompt(now - 2 * MINUTE, now - 2 * MINUTE, "hip-extension", sure=True))
    typed = Typed(machine, "hip-rotation", "--silent")
    typed.until("Not medical advice")
    for side in ("left", "right"):
        typed.until(f"The {side} side: Enter when you are ready")
        typed.type("\n")
        typed.until("Enter when you are done")
        typed.type("\n")
    typed.until("Did it hurt?")
    typed.type("n\n")
    typed.until("Well moved")
    assert typed.end() == 0
    with Store.read(machine.database) as store:
        (done,) = store.exercises(now - MINUTE, now + timedelta(hours=1))
        (prompt,) = store.prompts(now - timedelta(hours=1), now)
    assert (done.name, done.how, done.hurt) == ("hip-rotation", "guided", False)
    assert prompt.answer is Answer.DONE


def test_ctrl_c_ends_it_and_writes_nothing_down(machine: Machine) -> None:
    typed = Typed(machine, "hip-extension")
    typed.until("The left side: Enter when you are ready")
    typed.interrupt()
    assert typed.end() == 130
    with Store.read(machine.database) as store:
        assert store.exercises(MONDAY, MONDAY + timedelta(days=36_000)) == []

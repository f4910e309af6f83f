"""The guided exercise: what it says and waits for, and what it leaves in the store."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import subprocess
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hipsync.cli.exercise import Guide, asked_for, walk
from hipsync.core.exercises import MOVES, SAFETY, Move, When, next_exercise
from hipsync.errors import ConfigError
from hipsync.model import Answer, Exercise, Prompt
from hipsync.settings.config import Config
from hipsync.settings.file import as_toml, parsed
from hipsync.store import Store
from support.machine import COMMAND, Machine
from support.repository import ROOT

BY_NAME = {move.name: move for move in MOVES}
SET = ("hip-extension", "hip-flexor-stretch", "hip-rotation")


class Fake:
    """A person and a clock: every event in order."""

    def __init__(self, *answers: str) -> None:
        self.answers, self.seen, self.slept = [*answers], list[str](), 0.0
        self.guide = Guide(self.seen.append, self._ask, self._sleep, lambda: self.seen.append("bell"))

    def _ask(self, question: str) -> str:
        self.seen.append(question)
        if not self.answers:
            raise KeyboardInterrupt
        return self.answers.pop(0)

    def _sleep(self, seconds: float) -> None:
        self.slept += seconds


def test_a_stretch_is_held_half_a_minute_a_side_and_each_side_waits() -> None:
    fake = Fake("", "", "n")
    assert walk(BY_NAME["hip-flexor-stretch"], fake.guide) is False
    assert fake.slept == 2 * (3 + 30 + 3)
    assert [line for line in fake.seen if "ready" in line] == [
        "One side. Enter when you are ready. ",
        "The other side. Enter when you are ready. ",
    ]
    assert SAFETY in fake.seen


def test_no_second_passes_before_enter() -> None:
    fake = Fake()
    with pytest.raises(KeyboardInterrupt):
        walk(BY_NAME["hip-extension"], fake.guide)
    assert fake.slept == 0


def test_what_keeps_moving_has_no_timer_and_a_wrong_answer_is_asked_again() -> None:
    fake = Fake("", "", "", "", "perhaps", "Y")
    assert walk(BY_NAME["hip-rotation"], fake.guide) is True
    assert fake.slept == 0


def names(moves: list[Move]) -> list[str]:
    return [move.name for move in moves]


def test_the_moment_decides_without_what_hurt_or_is_avoided() -> None:
    assert names([*asked_for(None, SET, (), (), seated=False)]) == [*SET]
    assert names([*asked_for("warmup", SET, (), (), seated=False)]) == ["hip-extension", "hip-rotation"]
    assert names([*asked_for("cooldown", SET, (), ["hip-extension"], seated=False)]) == ["hip-flexor-stretch"]
    seated = asked_for(None, SET, ["internal-rotation"], (), seated=True)
    assert names([*seated]) == ["seated-hip-opening"]
    with pytest.raises(ConfigError, match="no exercise is left for warmup"):
        asked_for("warmup", SET, ["standing"], (), seated=False)


SILENT_S, AGAIN_S, MOST_PRESSES = 30, 2, 10


def typed(
    tmp_path: Path, keys: str, *words: str, interrupt: bytes = b"", options: tuple[str, ...] = ()
) -> tuple[int, str]:
    """The exit code and what a terminal is sent, with `keys` typed ahead."""
    ours, theirs = pty.openpty()
    path = os.pathsep.join([str(ROOT), str(ROOT / "devices")])
    line = ["--db", str(tmp_path / "hipsync.db"), *options, "exercise", *words]
    env = {"PYTHONPATH": path, "PATH": os.environ["PATH"], "HOME": str(tmp_path), "TERM": "xterm"}
    process = subprocess.Popen([*COMMAND, *line], stdin=theirs, stdout=theirs, stderr=theirs, env=env)
    os.close(theirs)
    os.write(ours, keys.encode())
    sent, presses = b"", 0
    with contextlib.suppress(OSError):  # Linux's end of a pty
        while presses < MOST_PRESSES:
            ready, _, _ = select.select([ours], [], [], AGAIN_S if presses else SILENT_S)
            part = os.read(ours, 4096) if ready else b""
            if ready and not part:
                break
            sent += part
            # Python misses a Ctrl-C that comes right before it begins to wait for a line: a person presses it again
            if interrupt and interrupt in sent and (not presses or not ready):
                process.send_signal(signal.SIGINT)
                presses += 1
            elif not ready:
                break
    os.close(ours)
    try:
        return process.wait(10), sent.decode()
    finally:
        process.kill()


def logged(tmp_path: Path) -> list[Exercise]:
    now = datetime.now(UTC)  # noqa: TID251  the program under test reads it too
    with Store.read(tmp_path / "hipsync.db") as store:
        return [*store.exercises(now - timedelta(hours=1), now + timedelta(hours=1))]


def test_a_finished_exercise_is_logged_and_one_that_hurt_is_withdrawn(tmp_path: Path) -> None:
    code, told = typed(tmp_path, "\n\n\n\n\n", "hip-rotation")
    assert code == 0
    assert "Saved: standing hip circles." in told
    assert "\a" in told
    code, told = typed(tmp_path, "\n\n\n\ny\n", "hip-rotation", "--silent")
    assert code == 0
    assert "won't suggest standing hip circles until" in told
    assert "\a" not in told
    assert [(row.name, row.how, row.hurt) for row in logged(tmp_path)] == [
        ("hip-rotation", "guided", False),
        ("hip-rotation", "guided", True),
    ]


def test_who_says_that_it_hurt_is_told_whom_to_ask_and_who_presses_nothing_is_not(tmp_path: Path) -> None:
    settings = tmp_path / "config.toml"
    settings.write_text('[therapist]\nname = "A. Body"\nphone = "+44 0"\n')
    settings.chmod(0o600)
    asked = datetime.now(UTC) - timedelta(minutes=5)  # noqa: TID251  the program under test reads it too
    with Store.open(tmp_path / "hipsync.db") as store:
        store.add_prompt(Prompt(asked, asked, "hip-rotation", sure=True))
    options = ("--config", str(settings))
    code, told = typed(tmp_path, "\n\n\n\ny\n", "hip-rotation", options=options)
    assert code == 0
    assert "talk to your therapist: A. Body, +44 0." in told
    with Store.read(tmp_path / "hipsync.db") as store:
        (prompt,) = store.prompts(asked - timedelta(1), asked + timedelta(1))
        assert (prompt.answer, store.hurt()) == (Answer.HURT, ["hip-rotation"])
    code, told = typed(tmp_path, "\n\n\n\n\n", "hip-rotation", options=options)
    assert (code, "A. Body" in told) == (0, False)


@pytest.mark.parametrize(
    ("name", "keys", "seen"),
    [
        ("hip-rotation", "", b"ready"),
        ("hip-flexor-stretch", "\n", b"slowly there"),
        ("hip-rotation", "\n\n\n\n", b"Did it hurt?"),
    ],
)
def test_leaving_logs_nothing(tmp_path: Path, name: str, keys: str, seen: bytes) -> None:
    code, told = typed(tmp_path, keys, name, interrupt=seen)
    assert code == 130
    assert "Traceback" not in told
    assert not (tmp_path / "hipsync.db").exists()


def test_into_a_pipe_it_prints_the_steps_and_writes_nothing(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    told = machine.told("exercise", "warmup")
    assert [line.split(":")[0] for line in told.splitlines() if line and line[0] == "h"] == [
        "hip-extension",
        "hip-rotation",
    ]
    assert told.endswith(SAFETY + "\n")
    assert machine.files() == []


def test_it_answers_the_prompt_that_asked_for_it_once(tmp_path: Path) -> None:
    now = datetime.now(UTC)  # noqa: TID251
    asked = now - timedelta(minutes=5)
    with Store.open(tmp_path / "hipsync.db") as store:
        store.note_zone(asked, "Europe/London")
        store.add_prompt(Prompt(asked, asked, "hip-rotation", sure=True))
    assert typed(tmp_path, "\n\n\n\nn\n", "hip-rotation")[0] == 0
    assert [(row.name, row.how) for row in logged(tmp_path)] == [("hip-rotation", "guided")]
    with Store.read(tmp_path / "hipsync.db") as store:
        (prompt,) = store.prompts(asked - timedelta(1), now + timedelta(1))
    assert prompt.answer is Answer.DONE


OWN = """
[exercises]
set = ["wall-slide"]
[[exercises.own]]
name = "wall-slide"
title = "Wall slide"
line = "Wall slide: back to the wall, 5 times."
why = "My therapist says so."
steps = ["Stand with your back to the wall.", "Slide down a little and up again."]
when = ["hour", "morning"]
repetitions = 5
"""


def own(text: str) -> Config:
    return parsed(tomllib.loads(text), "config.toml")


def test_an_own_exercise_is_prompted_done_avoided_and_shown_again() -> None:
    config = own(OWN)
    (move,) = config.own
    assert (move.name, move.when, move.sides, move.hold_s) == ("wall-slide", (When.HOUR, When.MORNING), 1, 0)
    assert next_exercise(config.exercises, (), (), (), config.own) is move
    assert move in asked_for("morning", SET, (), (), config.own, seated=False)
    assert move not in asked_for("morning", SET, ["wall-slide"], (), config.own, seated=False)
    assert own(as_toml(config)) == config


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("repetitions = 5", "", "an exercise needs repetitions"),
        ("repetitions = 5", "repetitions = 0", "repetitions must be a whole number from 1 to 100"),
        ("repetitions = 5", "repetitions = 5\nreps = 5", "there is no key 'reps' of an exercise"),
        ('"hour", ', '"noon", ', "when must be some of hour, morning, warmup, cooldown"),
        ('name = "wall-slide"', 'name = "hip-rotation"', "the name 'hip-rotation' is taken"),
        ('name = "wall-slide"', 'name = "Wall"', "name must be up to 40 small letters"),
        ("therapist says", "\\u001b[31m", "why must be 1 to 200 characters, all of them visible"),
        ('set = ["wall-slide"]', 'set = ["wall-slid"]', "do you mean wall-slide?"),
    ],
)
def test_a_wrong_own_exercise_is_one_line(old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        own(OWN.replace(old, new, 1))
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1

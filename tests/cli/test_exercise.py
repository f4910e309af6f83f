"""The guided exercise: what it says and waits for, and what it leaves in the store."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import subprocess
import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hipsync.cli.exercise import asked_for
from hipsync.cli.guided import End, Led, Terminal, lead
from hipsync.core.exercises import MOVES, SAFETY, Move, When, next_exercise
from hipsync.errors import ConfigError
from hipsync.model import Answer, Exercise, Prompt
from hipsync.report.pen import Pen
from hipsync.settings.config import Config
from hipsync.settings.file import as_toml, parsed
from hipsync.store import Store
from support.machine import COMMAND, Machine
from support.repository import ROOT

BY_NAME = {move.name: move for move in MOVES}
SET = ("hip-extension", "hip-flexor-stretch", "hip-rotation")


class Person:
    """A person at a terminal, and a clock: at each time in seconds a key, every event in order."""

    def __init__(self, **keys_at: str) -> None:
        self.keys = sorted((float(at[1:].replace("_", ".")), key) for at, key in keys_at.items())
        self.now, self.seen = 0.0, list[str]()

    def pen(self) -> Pen:
        return Pen(columns=80, lines=24)

    def show(self, lines: Sequence[str]) -> None:
        self.seen += [line for line in lines if line not in self.seen[-40:]]

    def key(self, within_s: float) -> str:
        if self.keys and self.keys[0][0] <= self.now + within_s:
            at, key = self.keys.pop(0)
            self.now = max(at, self.now)
            return key
        if not self.keys and within_s > 60:
            return "q"
        self.now += within_s
        assert self.now < 3600, "nobody presses anything any more"
        return ""

    def bell(self) -> None:
        self.seen.append(f"bell at {self.now:.1f}")

    def clock(self) -> float:
        return self.now

    def led(self, name: str) -> Led:
        return lead(BY_NAME[name], self, self.clock)


def test_a_stretch_is_held_half_a_minute_a_side_and_each_side_waits() -> None:
    person = Person(s5=" ", s60=" ", s200="n")
    assert person.led("hip-flexor-stretch").end is End.DONE
    bells = [float(each.split()[-1]) for each in person.seen if each.startswith("bell")]
    # a long step 1 s, forward in 3 s, 30 s held, back in 2 s: from 5 s on, and once more from 60 s on
    assert bells == pytest.approx([5 + 34, 5 + 36, 60 + 34, 60 + 36], abs=0.4)
    assert " Now: left leg behind" in [line[33:].rstrip() for line in person.seen]


def test_no_second_passes_before_it_is_started_or_while_it_is_paused() -> None:
    assert Person(s500="q").led("hip-extension").end is End.LEFT
    person = Person(s10=" ", s12=" ", s300=" ", s500="q")
    assert person.led("hip-extension").end is End.LEFT
    bells = [float(each.split()[-1]) for each in person.seen if each.startswith("bell")]
    assert bells[0] == pytest.approx(300 + 3, abs=0.4)  # 1 s of standing and 1 of moving were before the pause


def test_a_key_for_a_leg_that_is_just_done_does_not_start_the_other() -> None:
    person = Person(s1=" ", s57=" ", s90="q")
    assert person.led("hip-extension").end is End.LEFT
    assert sum(each.startswith("bell") for each in person.seen) == 9  # eight holds and the end of the leg


def test_it_hurts_ends_it_at_once_and_who_skips_everything_has_done_nothing() -> None:
    assert Person(s1=" ", s5="h", s6=" ").led("hip-rotation") == Led(End.HURT, 5)
    assert Person(s1="n", s2="n").led("hip-extension").end is End.LEFT
    assert Person(s1=" ", s60="n", s61="y").led("hip-extension").end is End.HURT
    assert Person(s1=" ", s60="n", s61="x", s62="\r").led("hip-extension").end is End.DONE


def test_a_computer_that_slept_has_not_done_the_exercise() -> None:
    person = Person(s1=" ", s20="q")
    assert lead(BY_NAME["hip-extension"], person, lambda: person.now + 500 * (person.now > 3)).end is End.LEFT
    assert not [line for line in person.seen if "left leg" in line]


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


SILENT_S, AGAIN_S, MOST_PRESSES = 10, 2, 10
GUIDE = b"space start"


def typed(
    tmp_path: Path, keys: str, *words: str, interrupt: bytes = b"", options: tuple[str, ...] = ()
) -> tuple[int, str]:
    """The exit code and what a terminal is sent, with `keys` typed as soon as it shows the guide."""
    ours, theirs = pty.openpty()
    path = os.pathsep.join([str(ROOT), str(ROOT / "devices")])
    line = ["--db", str(tmp_path / "hipsync.db"), *options, "exercise", *words]
    env = {"PYTHONPATH": path, "PATH": os.environ["PATH"], "HOME": str(tmp_path), "TERM": "xterm", "NO_COLOR": "1"}
    process = subprocess.Popen([*COMMAND, *line], stdin=theirs, stdout=theirs, stderr=theirs, env=env)
    os.close(theirs)
    sent, presses = b"", 0
    with contextlib.suppress(OSError):  # Linux's end of a pty
        while presses < MOST_PRESSES:
            ready, _, _ = select.select([ours], [], [], AGAIN_S if presses else SILENT_S)
            part = os.read(ours, 4096) if ready else b""
            if ready and not part:
                break
            sent += part
            if keys and GUIDE in sent:
                os.write(ours, keys.encode())
                keys = ""
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


def with_own(tmp_path: Path, more: str = "") -> tuple[str, ...]:
    """The options that name settings with an exercise at everybody's own pace."""
    settings = tmp_path / "config.toml"
    settings.write_text(OWN + more)
    settings.chmod(0o600)
    return ("--config", str(settings))


def test_a_finished_exercise_is_logged_and_one_that_hurt_is_withdrawn(tmp_path: Path) -> None:
    options = with_own(tmp_path)
    code, told = typed(tmp_path, "  n", "wall-slide", options=options)
    assert code == 0
    assert "Saved: wall slide, " in told
    assert [(row.name, row.how, row.hurt) for row in logged(tmp_path)] == [("wall-slide", "guided", False)]
    code, told = typed(tmp_path, "  y", "wall-slide", options=options)
    assert code == 0
    assert "won't suggest wall slide until" in told
    *_, last = logged(tmp_path)  # of one exercise within one second there is one row
    assert (last.name, last.how, last.hurt) == ("wall-slide", "guided", True)


@pytest.mark.parametrize("silent", [True, False])
def test_silent_rings_no_bell(capsys: pytest.CaptureFixture[str], silent: bool) -> None:
    Terminal(Person(), colour=False, silent=silent).bell()
    assert capsys.readouterr().out == ("" if silent else "\a")


def test_the_terminal_is_left_as_it_was(tmp_path: Path) -> None:
    for keys, interrupt in (("q", b""), ("  n", b""), ("", b"space start")):
        _, told = typed(tmp_path, keys, "wall-slide", interrupt=interrupt, options=with_own(tmp_path))
        assert told.count("\x1b[?1049h") == told.count("\x1b[?1049l") == 1
        assert told.rindex("\x1b[?25h") > told.rindex("\x1b[?25l")


def test_who_says_that_it_hurt_is_told_whom_to_ask_and_who_presses_nothing_is_not(tmp_path: Path) -> None:
    options = with_own(tmp_path, '[therapist]\nname = "A. Body"\nphone = "+44 0"\n')
    asked = datetime.now(UTC) - timedelta(minutes=5)  # noqa: TID251  the program under test reads it too
    with Store.open(tmp_path / "hipsync.db") as store:
        store.add_prompt(Prompt(asked, asked, "hip-rotation", sure=True))
    code, told = typed(tmp_path, " h", "hip-rotation", options=options)
    assert code == 0
    assert "talk to your therapist: A. Body, +44 0." in told
    with Store.read(tmp_path / "hipsync.db") as store:
        (prompt,) = store.prompts(asked - timedelta(1), asked + timedelta(1))
        assert (prompt.answer, store.hurt()) == (Answer.HURT, ["hip-rotation"])
    code, told = typed(tmp_path, "  \n", "wall-slide", options=options)
    assert (code, "A. Body" in told) == (0, False)


@pytest.mark.parametrize(("keys", "seen"), [("", b"space start"), (" ", b"space finished"), ("  ", b"Did it hurt?")])
def test_ctrl_c_logs_nothing(tmp_path: Path, keys: str, seen: bytes) -> None:
    code, told = typed(tmp_path, keys, "wall-slide", interrupt=seen, options=with_own(tmp_path))
    assert code == 130
    assert "Traceback" not in told
    assert not (tmp_path / "hipsync.db").exists()


def test_leaving_logs_nothing(tmp_path: Path) -> None:
    code, told = typed(tmp_path, " q", "hip-extension")
    assert code == 0
    assert "Left standing hip extension; nothing is saved of it." in told
    assert not (tmp_path / "hipsync.db").exists()


def test_plain_prints_the_steps_on_a_terminal_too(tmp_path: Path) -> None:
    code, told = typed(tmp_path, "", "hip-extension", "--plain")
    assert code == 0
    assert "  1. Stand behind a chair" in told
    assert "\x1b[?1049h" not in told


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
        store.add_prompt(Prompt(asked, asked, "wall-slide", sure=True))
    assert typed(tmp_path, "  n", "wall-slide", options=with_own(tmp_path))[0] == 0
    assert [(row.name, row.how) for row in logged(tmp_path)] == [("wall-slide", "guided")]
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

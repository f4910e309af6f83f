"""Ctrl-C ends every command with 130 and without a traceback, at whatever instant it is pressed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import sleep

import pytest

from support.machine import Machine
from support.repository import ROOT
from support.stored import NOW, minute

SOON_S, LONG_S = 1.5, 4.0
"""Seconds within which Ctrl-C is pressed: most commands end sooner, or do the same from then on. A demo and a pairing
take about four."""
COMMANDS: Sequence[tuple[Sequence[str], float]] = (
    (["--db", "x.db", "demo"], LONG_S),
    (["--db", "x.db", "pair", "--simulate", "huami"], LONG_S),
    (["import", "csv", "rows.csv"], SOON_S),
    (["week"], SOON_S),
    (["doctor"], SOON_S),
    (["web", "--port", "0"], SOON_S),
)


@pytest.mark.parametrize("tries", [1, pytest.param(15, marks=pytest.mark.ring)])
@pytest.mark.parametrize(("words", "within_s"), COMMANDS, ids=[" ".join(words) for words, _ in COMMANDS])
def test_ctrl_c_at_any_instant_prints_no_traceback(
    tmp_path: Path, words: Sequence[str], within_s: float, tries: int
) -> None:
    chance = random.Random(f"{words} {tries}")
    for number in range(tries):
        home = tmp_path / str(number)
        machine = Machine(home, NOW)
        if "pair" not in words:
            machine.band([minute(at, 1) for at in range(300)])
        home.mkdir(exist_ok=True)
        rows = [f"2026-03-{2 + at // 1440:02}T{at // 60 % 24:02}:{at % 60:02}Z,1" for at in range(20 * 1440)]
        (home / "rows.csv").write_text("\n".join(["timestamp,steps", *rows]) + "\n")
        typed = [str(home / word) if word in {"x.db", "rows.csv"} else word for word in words]
        with machine.process(*typed) as process:
            sleep(chance.uniform(0, within_s))
            process.send_signal(signal.SIGINT)
            if chance.random() < 0.3:  # an impatient person
                sleep(chance.uniform(0, 0.2))
                with suppress(ProcessLookupError):
                    process.send_signal(signal.SIGINT)
            try:
                _, told = process.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        if "hipsync" not in told and process.returncode in {-signal.SIGINT, 1}:
            continue  # it came while Python itself was starting
        assert "Traceback" not in told
        assert "Exception" not in told
        assert process.returncode in {130, 0, 1, 3, 4}, told  # done already, if it was none of the first


def test_ctrl_c_in_the_middle_of_a_demo_is_130(tmp_path: Path) -> None:
    with Machine(tmp_path, NOW).process("--db", str(tmp_path / "x.db"), "demo") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Simulated, over ")
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert (process.returncode, told) == (130, "\n")


PRESSED = """
import sys
left = int(sys.argv.pop(1))
def pressed(frame, event, value):
    global left
    name = frame.f_globals.get("__name__", "")
    if not name.startswith("hipsync.") or name == "hipsync.__main__":
        return None
    if event == "line":
        left -= 1
        if left == 0:
            raise KeyboardInterrupt
    return pressed
from hipsync.__main__ import main
sys.settrace(pressed)
try:
    main()
finally:
    sys.settrace(None)
    print(left, file=sys.stdout)
"""
"""`hipsync`, in which Ctrl-C is pressed before the line of our own code that comes as number `argv[1]`."""


@pytest.mark.parametrize("tries", [6, pytest.param(60, marks=pytest.mark.ring)])
def test_ctrl_c_while_the_command_line_is_imported_is_130(tmp_path: Path, tries: int) -> None:
    def typed(line: int) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-c", PRESSED, str(line), "--version"]
        environment = {**os.environ, **Machine(tmp_path, NOW).environment, "PYTHONPATH": str(ROOT)}
        return subprocess.run(words, check=False, capture_output=True, text=True, env=environment, timeout=60)

    never = 1_000_000
    lines = never - int(typed(never).stdout.splitlines()[-1])
    assert lines > 200
    chance = random.Random(tries)
    for line in sorted(chance.sample(range(1, lines), tries)):
        done = typed(line)
        # click says so in its own words if it comes in the few lines that it runs between ours
        assert (done.returncode, done.stderr.strip()) in {(130, ""), (1, "Aborted!")}, (line, done.stderr)

"""`-` is standard input and output; what is written goes where its name leads; a full standard output is one line."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hipsync.cli import COMMANDS
from hipsync.model import Posture
from support.machine import COMMAND, Machine
from support.repository import ROOT
from support.stored import NOW, minute

ROWS = "timestamp,steps\n2026-03-02T00:00Z,1\n2026-03-02T00:01Z,2\n"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    found = Machine(tmp_path, NOW)
    found.band([minute(0), minute(1, 1, posture=Posture.LYING), minute(2, 2)], name="caf\u00e9")
    return found


def run(machine: Machine, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """A process of its own, because bytes go in and out."""
    env = {**os.environ, **machine.environment, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'devices'}"}
    return subprocess.run([*COMMAND, *words], input=stdin, capture_output=True, env=env, check=False)


def test_a_dash_is_standard_input_and_standard_output(machine: Machine) -> None:
    other = str(machine.home / "other.db")
    assert machine.type("--db", other, "import", "csv", "-", stdin=ROWS).stdout == "2 lines read: 2 new.\n"
    assert machine.told("--db", other, "export", "-o", "-") == machine.told("--db", other, "export")
    assert not (machine.home / "-").exists()


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
def test_an_export_goes_through_a_pipe_into_another_database(machine: Machine, form: str) -> None:
    if form == "parquet":
        pytest.importorskip("pyarrow")
    other = str(machine.home / "other.db")
    out = run(machine, "export", "--format", form, "-o", "-")
    assert (out.returncode, out.stderr) == (0, b"")
    came = run(machine, "--db", other, "import", form, "-", stdin=out.stdout)
    assert (came.returncode, came.stderr) == (0, b"")
    assert b"3 new" in came.stdout
    again = run(machine, "--db", other, "export").stdout
    assert again == run(machine, "export").stdout
    assert b",lying," in again
    damaged = run(machine, "--db", other, "import", form, "-", stdin=out.stdout[:-40])
    assert damaged.returncode == 1
    assert damaged.stderr.startswith(b"hipsync: -: ")
    assert damaged.stderr.endswith(b"; nothing was imported\n")
    assert damaged.stderr.count(b"\n") == 1


def test_gadgetbridge_s_database_is_read_from_standard_input(machine: Machine) -> None:
    done = run(machine, "import", "gadgetbridge", "-", stdin=b"dear diary")
    assert done.returncode == 1
    assert done.stderr.endswith(b"is neither a database nor a ZIP: give what Gadgetbridge exported\n")


def test_an_export_is_in_utf_8_whatever_the_terminal_speaks(machine: Machine) -> None:
    env = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    machine.environment.update(env)
    assert "caf\u00e9".encode() in run(machine, "export").stdout


# ------------------------------------------------------------------ where it is written


def test_a_link_is_written_through_and_its_file_is_for_its_owner_alone(machine: Machine) -> None:
    real, link, dangling = (machine.home / name for name in ("real.csv", "link.csv", "dangling.csv"))
    real.write_text("old")
    real.chmod(0o644)
    link.symlink_to(real)
    dangling.symlink_to("new.csv")
    for name, target in ((link, real), (dangling, machine.home / "new.csv")):
        assert machine.type("export", "-o", str(name)).exit_code == 0
        assert name.is_symlink()
        assert target.read_text("utf-8") == machine.told("export")
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert not [path for path in machine.home.iterdir() if path.suffix == ".new"]


def test_a_pipe_is_written_to_and_stays_one(machine: Machine) -> None:
    pipe, came = machine.home / "pipe", list[str]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: came.append(pipe.read_text("utf-8")))
    reader.start()
    assert machine.type("export", "-o", str(pipe)).exit_code == 0
    reader.join(timeout=10)
    assert came == [machine.told("export")]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_page_goes_through_a_link_and_to_standard_output_too(machine: Machine) -> None:
    real, link = machine.home / "real.html", machine.home / "link.html"
    link.symlink_to(real)
    assert machine.told("day", "--html", str(link)) == f"written: {link}\n"
    assert link.is_symlink()
    assert machine.told("day", "--html", "-") == real.read_text("utf-8")


def test_what_somebody_keeps_beside_the_export_stays(machine: Machine) -> None:
    beside = machine.home / "out.csv.new"
    beside.write_text("mine")
    assert machine.type("export", "-o", str(machine.home / "out.csv")).exit_code == 0
    assert beside.read_text() == "mine"


# ------------------------------------------------------------------ when it cannot be written

PRINT = [words.split() for words in (
    "--help", "--version", "today", "today --json", "day 2026-03-02", "day --plain", "week --csv", "month", "bands",
    "bands --json", "bands show caf\u00e9", "status", "status --json", "config show", "config path", "drivers",
    "drivers --json", "export", "export --format json", "prompts", "exercise --list", "db path", "db check",
    "db datasette", "day --help", "day --html -", "import csv --help", "doctor --json", "resume",
    *(f"{name} --help" for name in COMMANDS),
)]  # fmt: skip
FULL = """
import os, sys, warnings
warnings.simplefilter("ignore")
from hipsync.cli import main
for words in eval(sys.stdin.read()):
    os.dup2(os.open(sys.argv[1], os.O_WRONLY if sys.argv[1] != os.devnull else os.O_RDONLY), 1)
    sys.stdout = open(1, "w", closefd=False)
    saved, sys.argv = sys.argv, ["hipsync", *words]
    try:
        main()
        code = 0
    except SystemExit as end:
        code = end.code
    sys.argv = saved
    print(words, code, file=sys.stderr)
"""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize(
    ("device", "why"), [("/dev/full", "No space left on device"), (os.devnull, "Bad file descriptor")]
)
def test_a_standard_output_that_takes_nothing_is_one_line_for_every_command(
    machine: Machine, device: str, why: str
) -> None:
    env = {**os.environ, **machine.environment, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'devices'}"}
    done = subprocess.run(
        [sys.executable, "-c", FULL, device], input=repr(PRINT), text=True, capture_output=True, env=env, check=False
    )
    assert done.stderr.splitlines() == [
        line for words in PRINT for line in (f"hipsync: cannot write: {why}", f"{words} 1")
    ]


def closed(machine: Machine, words: str) -> subprocess.CompletedProcess[bytes]:
    env = {**os.environ, **machine.environment, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'devices'}"}
    return subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" {words}', COMMAND[0], COMMAND[2]], capture_output=True, env=env, check=False
    )  # fmt: skip


def test_closed_streams_are_no_traceback_and_no_file_takes_their_place(machine: Machine) -> None:
    before = machine.told("export")
    done = closed(machine, "export >&-")
    assert (done.returncode, done.stderr) == (1, b"hipsync: cannot write: Bad file descriptor\n")
    done = closed(machine, "import csv - <&-")
    assert (done.returncode, done.stderr) == (1, b"hipsync: - cannot be read: Bad file descriptor\n")
    done = closed(machine, "day 2026-03-02 <&- >&- 2>&-")
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")
    assert machine.told("export") == before
    assert machine.type("db", "check").exit_code == 0


def test_a_reader_that_went_away_is_no_line_and_no_traceback(machine: Machine) -> None:
    machine.band([minute(at, at % 100) for at in range(20_000)], name="long")
    with machine.process("export") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(timeout=30) == 1

"""`-` is standard input and output; what is written goes where its name leads; a full standard output is one line."""

from __future__ import annotations

import csv
import os
import stat
import subprocess
import sys
import threading
from datetime import datetime, timedelta
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


@pytest.mark.parametrize("words", [["export", "-o"], ["export", "--format", "json", "-o"], ["day", "--html"]])
@pytest.mark.parametrize("by_link", [False, True], ids=["by its name", "by a link"])
def test_a_database_is_never_replaced_by_what_is_written(machine: Machine, words: list[str], by_link: bool) -> None:
    before, name = machine.told("export"), machine.database
    if by_link:
        name = machine.home / "link.csv"
        name.symlink_to(machine.database)
    said = machine.refused(*words, str(name), code=1 if words[0] == "export" else 2)
    assert said.startswith(f"{name} cannot be written: it is a database, whose rows would be lost; name another file")
    assert machine.told("export") == before


def test_a_device_a_folder_and_a_circle_of_links_stay_what_they_are(machine: Machine) -> None:
    nowhere, folder, circle = (machine.home / name for name in ("nowhere.csv", "folder", "circle.csv"))
    nowhere.symlink_to(os.devnull)
    folder.mkdir()
    circle.symlink_to(circle)
    assert machine.type("export", "-o", str(nowhere)).exit_code == 0
    assert stat.S_ISCHR(nowhere.stat().st_mode)
    for path, why in ((folder, "Is a directory"), (circle, "Too many levels of symbolic links")):
        said = machine.refused("export", "-o", str(path), code=1)
        assert said == f"{path} cannot be written: {why}; name another file with -o"
    assert (folder.is_dir(), list(folder.iterdir()), circle.is_symlink()) == (True, [], True)


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root gives a link to somebody else")
@pytest.mark.parametrize("target", ["a file", "a pipe", "a database"])
def test_a_link_of_somebody_else_is_replaced_and_what_it_leads_to_is_left(machine: Machine, target: str) -> None:
    there, link = machine.home / "there", machine.home / "link.csv"
    match target:
        case "a pipe":
            os.mkfifo(there)
        case "a database":
            there = machine.database
        case _:
            there.write_text("precious")
    before = there.lstat().st_ino
    link.symlink_to(there)
    os.lchown(link, 65534, 65534)
    assert machine.type("export", "-o", str(link)).exit_code == 0
    assert (link.is_symlink(), stat.S_IMODE(link.stat().st_mode)) == (False, 0o600)
    assert there.lstat().st_ino == before
    assert link.read_text("utf-8") == machine.told("export")


def test_an_export_of_days_without_a_row_is_a_file_with_its_columns(machine: Machine) -> None:
    out = machine.home / "out.csv"
    for since, until in (("2026-01-01", "2026-01-02"), ("2026-03-03", "2026-03-01")):
        done = machine.type("export", "--since", since, "--until", until, "-o", str(out))
        assert (done.exit_code, done.stdout, done.stderr) == (3, "", f"no rows in {out}\n")
        (header,) = out.read_text("utf-8").splitlines()
        assert header.split(",")[:5] == ["timestamp", "steps", "length", "intensity", "heart_rate"]


def test_other_programs_read_the_export_as_it_is_meant(machine: Machine) -> None:
    """With csv's own guess of the dialect, as DuckDB guesses it: a comma, a header, an instant and numbers."""
    machine.band([minute(at, at, heart_rate=60) for at in range(9)], name='a "b", \n c'.replace("\n", ";"))
    told = machine.told("export")
    assert csv.Sniffer().sniff(told.splitlines()[0]).delimiter == ","
    assert csv.Sniffer().has_header(told)
    rows = list(csv.DictReader(told.splitlines(keepends=True), strict=True))
    assert {row["band"] for row in rows} == {"caf\u00e9", 'a "b", ; c'}
    assert [int(row["steps"]) for row in rows if row["heart_rate"] == "60"] == list(range(9))
    assert all(datetime.fromisoformat(row["timestamp"]).utcoffset() == timedelta(0) for row in rows)
    assert {len(row) for row in rows} == {len(rows[0])}


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

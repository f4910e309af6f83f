"""The command line as such: exit codes, one line for an error, colours, pipes, the environment."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import sqlite3
import subprocess
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from hipsync.cli import COMMANDS, GROUPS, hipsync
from hipsync.cli.app import App
from support.builders import day
from support.machine import COMMAND, Machine
from support.repository import ROOT
from support.stored import minute

MORNING = day("7h sleep, 1h walk, 70m sit")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


# ------------------------------------------------------------------ exit codes


def test_0_is_fine(machine: Machine) -> None:
    machine.band(MORNING)
    assert machine.told("today").startswith("Monday 2 March 2026 ")


def test_1_is_failed(machine: Machine) -> None:
    said = machine.refused("db", "check", code=1)
    assert said == "nothing here yet: `hipsync pair` adds your band, `hipsync demo` shows how it works"


def test_2_is_wrong_use(machine: Machine) -> None:
    assert machine.type("day", "--sideways", "x", "y").exit_code == 2
    assert machine.type("nonsense").exit_code == 2
    assert machine.refused("day", "someday", code=2).startswith("'someday' is not a date: try 2026-11-20, ")


def test_2_is_wrong_settings_too(machine: Machine) -> None:
    machine.settings.parent.mkdir(parents=True)
    machine.settings.write_text("[sitting]\nlimit = 60\n")
    machine.settings.chmod(0o600)
    for words in (["today"], ["status"], ["config", "show"], ["day", "--json"]):
        machine.band(name=f"band {words}")
        said = machine.refused(*words, code=2)
        assert said == (f'{machine.settings}: sitting.limit = 60: must be longer than zero, such as "60m" or "1h30m"')


def test_3_is_nothing_known(machine: Machine) -> None:
    assert json.loads(machine.told("today", "--json", code=3))["complete_until"] is None
    machine.band(MORNING)
    assert "No data for Sun 1 Mar." in machine.told("day", "2026-03-01", code=3)


@pytest.mark.parametrize("words", [["scan", "--seconds", "1"], ["pair"], ["pair", "C0:00"]])
def test_4_is_no_bluetooth_and_nothing_is_made(machine: Machine, words: list[str]) -> None:
    no_bluetooth(machine, words)
    assert machine.files() == []


def test_4_is_no_bluetooth_for_a_sync_too(machine: Machine) -> None:
    machine.band(MORNING)
    no_bluetooth(machine, ["sync"])
    no_bluetooth(machine, ["bands", "buzz", "desk-band"])


def no_bluetooth(machine: Machine, words: list[str]) -> None:
    """In a process whose D-Bus is nowhere, whatever this host has."""
    with machine.process(*words, env={"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent"}) as process:
        out, error = process.communicate()
    (line,) = error.splitlines()
    assert (process.returncode, line[:23]) == (4, "hipsync: no Bluetooth: "), out + error
    assert "Traceback" not in out


def test_130_is_ctrl_c(machine: Machine) -> None:
    def interrupted() -> datetime:
        raise KeyboardInterrupt

    done = CliRunner().invoke(hipsync, ["today"], env=machine.environment, obj=App(interrupted))
    assert (done.exit_code, done.output) == (130, "\n")


def test_130_is_ctrl_c_at_a_question_too(machine: Machine) -> None:
    machine.band(MORNING)
    with machine.process("bands", "forget", "desk-band") as process:
        assert process.stdout is not None
        assert process.stdout.read(7) == "Really "
        while process.poll() is None:  # pressed again where it came just before the process waits, and is not seen
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(5)  # a second one while it ends would kill it
        assert process.returncode == 130
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
    assert machine.type("bands", "forget", "desk-band", stdin="n\n").exit_code == 1
    assert "desk-band" in machine.told("bands")


# ------------------------------------------------------------------ errors


def test_an_error_is_one_line_and_a_traceback_with_v_alone(machine: Machine) -> None:
    for flags in ([], ["-v"]):
        with machine.process(*flags, "day", "someday") as process:
            _, error = process.communicate()
        *before, line = error.splitlines()
        assert process.returncode == 2
        assert line.startswith("hipsync: 'someday' is not a date")
        assert bool(before) == bool(flags)
        assert ("Traceback (most recent call last):" in before) == bool(flags)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["day", "monkey"], "'monkey' is not a date"),
        (["day", "2026-13-01"], "'2026-13-01' is not a date"),
        (["day", "0001-01-01"], "'0001-01-01' is too far away: the years 1970 to 2999 can be used"),
        (["day", "9999-12-31"], "'9999-12-31' is too far away"),
        (["today", "--zone", "Europe/Londres"], "'Europe/Londres' is no time zone: use an IANA name such as Europe/"),
        (["today", "--zone", "../etc/passwd"], "'../etc/passwd' is no time zone"),
        (["today", "--zone", ""], "'' is no time zone"),
        (["today", "--band", "nobody"], "no band 'nobody': you have desk-band"),
        (["sync", "nobody"], "no band 'nobody': you have desk-band"),
        (["sync", "--since", "someday"], "'someday' is not a date"),
        (["prompts", "--since", "someday"], "'someday' is not a date"),
        (["export", "--since", "someday"], "'someday' is not a date"),
        (["bands", "show", "nobody"], "no band 'nobody': you have desk-band"),
        (["bands", "rename", "desk-band", "\x1b[31m"], "'\\x1b[31m' cannot be the name of a band: use up to 64 "),
        (["bands", "rename", "desk-band", ""], "'' cannot be the name of a band"),
        (["bands", "forget", "nobody", "--yes"], "no band 'nobody': "),
        (["pair", "--driver", "nothing"], "no driver 'nothing': there are "),
        (["pair", "--simulate", "nothing"], "no driver 'nothing': there are "),
        (["pair", "--name", "\x07bell"], "'\\x07bell' cannot be the name of a band"),
        (["snooze", "soon"], 'must be longer than zero, such as "60m" or "1h30m"'),
        (["done"], "there is no open reminder: `hipsync exercise` starts one anyway"),
        (["skip"], "there is no open reminder"),
        (["snooze"], "there is no open reminder"),
        (["exercise", "hip-extension", "--list"], "say which exercise, or --list for all of them, not both"),
        (["exercise", "hip-extension", "--seated"], "hip-extension is not done seated"),
        (["exercise", "cooldown", "--seated"], "no seated exercise is left for cooldown"),
        (["exercise", "yoga"], "no exercise 'yoga': there are hip-extension, "),
        (["demo", "--band", "nothing"], "no band of kind 'nothing': there are "),
        (["demo", "--speed", "fast"], "--speed 'fast' is neither max nor a number above 0"),
        (["demo", "--speed", "0"], "--speed '0' is neither max nor a number above 0"),
        (["import", "csv", "rows.csv", "--zone", "Mars"], "'Mars' is no time zone"),
        (["import", "csv", "rows.csv", "--band", "\x9b"], "'\\x9b' cannot be the name of a band"),
    ],
    ids=" ".join,
)
def test_a_wrong_word_is_one_line_that_names_it(machine: Machine, words: list[str], said: str) -> None:
    machine.band(MORNING)
    assert machine.refused(*words, code=2).startswith(said)


def test_a_file_that_holds_no_key_is_named_and_not_repeated(machine: Machine, tmp_path: Path) -> None:
    machine.band(MORNING)
    file = tmp_path / "key"
    file.write_text("0123456789abcdef is half a key")
    file.chmod(0o600)
    said = machine.refused("bands", "key", "desk-band", "--key-file", str(file), code=2)
    assert said.startswith(f"{file}: that is no key: a key is 32 hexadecimal digits")
    assert "0123456789abcdef" not in said
    assert machine.type("bands", "key", "desk-band", "--key-file", str(tmp_path / "none")).exit_code == 2


@pytest.mark.parametrize(
    "words", [["today"], ["day", "--json"], ["status"], ["bands"], ["prompts"], ["export"], ["db", "check"],
              ["db", "backup"], ["done"], ["import", "csv", "rows.csv"]], ids=" ".join
)  # fmt: skip
@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("text", "is not a database: give another file with --db FILE, or restore a copy"),
        ("folder", "is a folder: give a file with --db FILE"),
        ("newer", "was made by a newer hipsync (schema 99, this one knows"),
        ("cut", "is damaged: put the newest copy from the folder `backups` beside it back (`hipsync db restore FILE`)"),
    ],
)
def test_a_database_that_is_none_is_one_line_and_1(
    machine: Machine, words: list[str], made: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.csv").write_text("timestamp,steps\n2026-03-02T00:00Z,1\n")
    database = tmp_path / "some.db"
    if made == "text":
        database.write_text("dear diary\n" * 100)
    elif made == "folder":
        database.mkdir()
    else:
        machine.band([minute(at) for at in range(3000)])
        database.write_bytes(machine.database.read_bytes())
        if made == "newer":
            with closing(sqlite3.connect(database)) as db:
                db.execute("PRAGMA user_version = 99")
        else:
            os.truncate(database, 8192)
    assert machine.refused("--db", str(database), *words, code=1).startswith(f"{database} {said}")


# ------------------------------------------------------------------ a new machine


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["today"], 3), (["today", "--json"], 3), (["today", "--plain"], 3), (["day", "-3"], 3), (["status"], 0),
        (["status", "--json"], 0), (["status", "--line"], 0), (["bands"], 0), (["bands", "--json"], 0),
        (["prompts"], 0), (["prompts", "--json"], 0), (["drivers"], 0), (["db", "path"], 0), (["config", "path"], 0),
        (["config", "show"], 0), (["exercise", "--list"], 0),
    ],
)  # fmt: skip
def test_looking_at_a_new_machine_makes_no_file(machine: Machine, words: list[str], code: int) -> None:
    assert machine.told(*words, code=code)
    assert machine.files() == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["run"], 2), (["sync"], 2), (["done"], 1), (["skip"], 1), (["snooze"], 1), (["export"], 1),
        (["db", "backup"], 1), (["bands", "show", "x"], 1), (["bands", "rename", "x", "y"], 1),
        (["bands", "forget", "x", "--yes"], 1), (["today", "--band", "x"], 2),
    ],
)  # fmt: skip
def test_what_needs_a_band_says_so_on_a_new_machine_and_makes_no_file(
    machine: Machine, words: list[str], code: int
) -> None:
    assert "pair" in machine.refused(*words, code=code) or words[0] == "today"
    assert machine.files() == []


@pytest.mark.parametrize(
    "words",
    [
        ["today"], ["day"], ["status"], ["bands"], ["bands", "show", "desk-band"], ["prompts"], ["drivers"],
        ["doctor"], ["exercise", "--list"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_every_json_is_an_object_with_a_version(machine: Machine, words: list[str]) -> None:
    machine.band(MORNING)
    done = machine.type(*words, "--json")
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    assert found["version"] == 1
    assert done.stdout.isascii()


# ------------------------------------------------------------------ colours, pipes, the environment


def on_a_terminal(machine: Machine, *words: str, **env: str) -> str:
    """What a terminal is sent."""
    ours, theirs = pty.openpty()
    path = os.pathsep.join([str(ROOT), str(ROOT / "devices")])
    try:
        subprocess.run(
            [*COMMAND, *words],
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            check=True,
            env={**os.environ, **machine.environment, "PYTHONPATH": path, "TERM": "xterm", **env},
        )
        os.close(theirs)
        sent = b""
        while chunk := _chunk(ours):
            sent += chunk
    finally:
        os.close(ours)
    return sent.decode()


def _chunk(handle: int) -> bytes:
    try:
        return os.read(handle, 65536)
    except OSError:  # how Linux says that the other end is closed
        return b""


def test_a_terminal_gets_colours_unless_they_are_not_wanted(machine: Machine) -> None:
    machine.band(MORNING)
    date = "2026-03-02"
    assert "\x1b[33m" in on_a_terminal(machine, "day", date, NO_COLOR="")
    for words, env in (
        (["--no-color", "day", date], {"NO_COLOR": ""}),
        (["day", date], {"NO_COLOR": "1"}),
        (["day", date], {"HIPSYNC_NO_COLOR": "1", "NO_COLOR": ""}),
        (["day", date, "--plain"], {"NO_COLOR": ""}),
    ):
        sent = on_a_terminal(machine, *words, **env)
        assert "sitting" in sent
        assert "\x1b" not in sent


def test_a_pipe_gets_no_colours(machine: Machine) -> None:
    machine.band(MORNING)
    with machine.process("day", "2026-03-02", env={"NO_COLOR": ""}) as process:
        out, error = process.communicate()
    assert (process.returncode, error) == (0, "")
    assert "sitting" in out
    assert "\x1b" not in out


@pytest.mark.parametrize("words", [["export"], ["export", "--format", "json"]], ids=" ".join)
def test_a_pipe_that_is_closed_ends_it_quietly(machine: Machine, words: list[str]) -> None:
    machine.band([minute(at) for at in range(4000)])
    with machine.process(*words) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
        assert process.wait() in {0, 1}


def test_a_terminal_that_knows_no_unicode_is_not_a_traceback(machine: Machine) -> None:
    machine.band(MORNING, name="\u65e5\u672c band")
    with machine.process("day", "2026-03-02", env={"PYTHONIOENCODING": "latin-1"}) as process:
        out, error = process.communicate()
    assert (process.returncode, error) == (0, "")
    assert "?? band, up to 09:10" in out


def test_options_come_from_the_environment_too(machine: Machine, tmp_path: Path) -> None:
    elsewhere = Machine(tmp_path / "elsewhere")
    elsewhere.band(MORNING)
    machine.now = elsewhere.now
    env = {"HIPSYNC_DB": str(elsewhere.database), "HIPSYNC_TODAY_JSON": "1", "HIPSYNC_TODAY_ZONE": "Asia/Tokyo"}
    assert json.loads(machine.told("today", env=env))["zone"] == "Asia/Tokyo"
    exported = machine.told("export", env={**env, "HIPSYNC_EXPORT_FORMAT": "json"})
    assert len(json.loads(exported)["epochs"]) == len(MORNING)
    assert json.loads(machine.told("bands", "show", "desk-band", env={**env, "HIPSYNC_BANDS_SHOW_JSON": "1"}))
    file = tmp_path / "mine.toml"
    file.write_text('[sitting]\nlimit = "45m"\n')
    file.chmod(0o600)
    assert 'limit = "45m"' in machine.told("config", "show", env={"HIPSYNC_CONFIG": str(file)})


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_is_of_the_contract_and_has_a_line_in_the_help(machine: Machine, command: str) -> None:
    listed = machine.told("--help").partition("\nYour day:\n")[2]
    lines = [line.split() for line in listed.splitlines()]
    assert [line[1][0].isupper() for line in lines if line[:1] == [command]] == [True]


def test_the_version_is_that_of_the_package(machine: Machine) -> None:
    from importlib.metadata import version

    assert machine.told("--version") == f"hipsync, version {version('hipsync')}\n"


def test_help_has_every_command_once_in_its_group(machine: Machine) -> None:
    assert sorted(name for names in GROUPS.values() for name in names) == sorted(COMMANDS)
    told = machine.type("--help").output
    heads = [line.removesuffix(":") for line in told.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert heads == ["Options", *GROUPS]
    for name in COMMANDS:
        assert re.search(rf"(?m)^  {name}  +[A-Z]", told), name


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("todya", "No command 'todya'. Did you mean `today`?"),
        ("weeek", "No command 'weeek'. Did you mean `week`?"),
        ("xyzzy", "No command 'xyzzy'. `hipsync --help` lists them."),
        ("to\x1b[2Jday", "No command 'to[2Jday'. Did you mean `today`?"),
    ],
)
def test_a_mistyped_command_is_told_with_the_one_that_was_meant(machine: Machine, word: str, told: str) -> None:
    done = machine.type(word)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == f"Error: {told}"

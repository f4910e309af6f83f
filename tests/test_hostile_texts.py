"""Texts of strangers on every surface: a name, an exercise, a firmware, a path, an error of a device.

A text may come from whoever is in reach with a radio, or from a file. Here the same texts go to each place where
hipsync shows or writes one, and each place has its own idea of what is dangerous.
"""

from __future__ import annotations

import csv
import io
import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import unicodedata
from datetime import timedelta
from pathlib import Path

import pytest
from bleak.backends.device import BLEDevice

from hipsync.cli.logs import log_events, log_everything
from hipsync.driver import Advertisement
from hipsync.host.systemd_notify import notify_supervisor
from hipsync.model import Exercise, Info, Prompt, Where
from hipsync.radio import scan as scanning
from hipsync.radio.scan import NearbyDevice
from hipsync.store import Store
from hipsync.text import clean, one_line
from support.builders import MONDAY, day
from support.machine import Machine
from support.parsed_page import Parsed

STEERING = {
    "colours": "\x1b[31mred\x1b[0m",
    "a title": "\x1b]0;owned\x07",
    "the clipboard": "\x1b]52;c;cm0gLXJm\x1b\\",
    "eight bits": "\x9b31mred",
    "a line more": "fine\nhipsync: all is well",
    "a line over": "fine\rhipsync: all is well",
    "backspaces": "evil\b\b\b\bgood",
    "direction": "\u202egnp.exe\u2066x",
    "no width": "desk\u200b-\u2060band\ufeff",
    "other ends of lines": "one\u2028two\u2029three\x85four",
    "a NUL": "desk\0band",
    "a half": "desk\ud800band",
    "tags": "desk\U000e0041\U000e0042",
}
"""What steers a terminal, or makes one text look like another."""
WRITTEN = {
    "a script": "<script>alert(1)</script>",
    "the end of an attribute": "\" onload='alert(1)",
    "an entity": "&lt;b&gt; &amp;",
    "a formula": "=HYPERLINK(1)",
    "a sum": "+1+1",
    "a call": "@SUM(A1)",
    "a command": "$(touch owned)",
    "another command": "`touch owned`; touch owned",
    "any file": "*",
    "an option": "--with-data",
    "a format": "%s %n {0}",
    "long": "x" * 10_000,
}
"""What is only seen, but means something to a page, a spreadsheet or a shell."""


def shown(text: str) -> list[str]:
    """The lines of a text that may go to a terminal. The test fails for a character that must not."""
    for character in text.replace("\n", ""):
        assert unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}, repr(character)
    return text.splitlines()


@pytest.fixture(params=[*STEERING.values(), *WRITTEN.values()], ids=[*STEERING, *WRITTEN])
def evil(request: pytest.FixtureRequest) -> str:
    text = request.param
    assert isinstance(text, str)
    return text


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


EVERY = [*STEERING.values(), *WRITTEN.values()]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """Each text is the name of a band, of an exercise and of a firmware, was proposed, and was an error."""
    machine = Machine(tmp_path_factory.mktemp("hostile"))
    lived = day("8h sleep, 1h walk, 70m sit, 10m walk, 20m sit", MONDAY)
    for number, text in enumerate(EVERY):
        band = machine.band(
            lived, name=f"{number}" if number == 0 else clean(text)[:60] + str(number), address=f"C0:{number}"
        )
        with Store.open(machine.database) as store:
            store.rename(band, clean(text) if text in WRITTEN.values() else f"{number} {text}")
            at = machine.now - timedelta(minutes=5 + number)
            store.add_prompt(Prompt(at, at, clean(text), sure=True, where=(Where.DESKTOP,)))
            store.add_exercise(Exercise(at, clean(text), "manual"))
            store.append(band, [Info(at, clean(text), clean(text), clean(text))])
            store.note_sync(band, at, at, 0, text.encode("utf-8", "replace").decode())
    return machine


COMMANDS = [
    ("today",), ("today", "--plain"), ("today", "--json"), ("week",), ("week", "--csv"), ("month", "--plain"),
    ("status",), ("status", "--line"), ("status", "--json"), ("bands",), ("bands", "--json"), ("prompts",),
    ("prompts", "--json"), ("doctor",), ("export",), ("export", "--format", "json"), ("exercise", "--list"),
    ("db", "check"),
]  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_command_prints_what_steers_a_terminal(words: tuple[str, ...], hostile: Machine) -> None:
    done = hostile.type(*words)
    assert "Traceback" not in done.output
    assert done.exit_code in {0, 1, 3}, done.output
    assert shown(done.stdout)
    shown(done.stderr)
    assert not list(hostile.home.rglob("owned"))


def test_nothing_of_one_band_steers_a_terminal(hostile: Machine) -> None:
    with Store.read(hostile.database) as store:
        names = [band.name for band in store.bands()]
    assert len(names) == len(EVERY)
    for name in names:
        assert shown(hostile.told("bands", "show", "--", name))


def test_an_error_is_one_line_whatever_it_quotes(evil: str, machine: Machine) -> None:
    machine.band()
    for words in (
        ("bands", "show", "--", evil), ("today", "--band", evil), ("today", "--zone", evil), ("day", "--", evil),
        ("bands", "rename", "--", "desk-band", f"\x1b{evil}"), ("config", "set", "--", "prompts.hours", evil),
    ):  # fmt: skip
        done = machine.type(*words, env={"PYTHONUTF8": "1"})
        assert done.exit_code == 2, (words, done.output)
        assert len([line for line in shown(done.stderr) if line.startswith("hipsync: ")]) <= 1


@pytest.mark.parametrize("name", ["a\nhipsync: all is well", "\x1b[31mred", "\u202egnp.csv", "x\x9b31m"])
def test_a_file_may_be_called_as_it_likes(name: str, machine: Machine) -> None:
    machine.band()
    file = machine.home / name
    for words in (("import", "csv"), ("import", "json"), ("db", "restore"), ("--config", str(file), "today", "--html")):
        done = machine.type(*words, str(file / "more"))
        assert done.exit_code in {1, 2}, done.output
        assert sum(line.startswith("hipsync: ") for line in shown(done.stderr)) <= 1


def test_what_is_in_reach_is_shown_clean(evil: str, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scan(*_: object) -> list[NearbyDevice]:
        name = clean(evil) or None
        return [NearbyDevice("C0:01", -60, Advertisement(name), BLEDevice("C0:01", name, None))]

    monkeypatch.setattr(scanning, "scan", scan)
    machine.band()
    assert len(shown(machine.told("scan", "--all"))) <= 2
    json.loads(machine.told("scan", "--all", "--json"))


def test_a_page_shows_it_as_text(hostile: Machine) -> None:
    for words in (("today",), ("week",)):
        page = hostile.home / "page.html"
        hostile.told(*words, "--html", str(page))
        shown(page.read_text())
        found = Parsed(page.read_text())
        tags = [tag for tag, _ in found.seen]
        assert not {*tags} & {"a", "img", "iframe"}
        assert tags.count("script") == 1, "its own"
        assert not [name for _, attributes in found.seen for name in attributes if name.startswith("on")]
    cells = {cell for table in found.tables for row in table for cell in row}
    assert {clean(text) for text in EVERY} <= cells, "each is there, as it was written"


def test_a_spreadsheet_computes_none_of_it(hostile: Machine) -> None:
    for words in (("export",), ("week", "--csv"), ("month", "--csv"), ("today", "--csv")):
        rows = list(csv.reader(io.StringIO(hostile.told(*words))))
        assert len(rows) > 1
        for cell in (cell for row in rows for cell in row):
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r")), (words, cell)


def test_a_log_record_is_one_line(evil: str, capfd: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    for start in (log_events, log_everything):
        try:
            root.handlers.clear()
            start()
            logging.getLogger("hipsync.test").warning("%s: %s", evil, ValueError(evil))
            (line,) = shown(capfd.readouterr().err)
            assert len(line) <= 2000
            bug = ValueError(evil)
            logging.getLogger("hipsync.test").error("a bug", exc_info=bug)
            first, *traced = shown(capfd.readouterr().err)
            assert first.endswith("a bug")
            assert traced[0].startswith("  ValueError: ")
            assert [line for line in traced if not line.startswith("  ")] == [], (
                "each record begins a line, nothing else"
            )
        finally:
            root.handlers[:] = before
            root.setLevel(level)


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="systemd listens on a Unix socket")
def test_systemd_is_told_one_line(evil: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(f"{folder}/notify")
        supervisor.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", f"{folder}/notify")
        notify_supervisor(STATUS=evil)
        (line,) = shown(supervisor.recv(65536).decode())
    assert line.startswith("STATUS=")
    assert "READY=1" not in line.split("\n")[1:]


def test_a_line_keeps_its_words_apart_and_its_length_in_bounds(evil: str) -> None:
    assert len(shown(one_line(evil))) <= 1
    assert len(one_line(evil)) <= 2000
    assert one_line("one\ntwo\tthree") == "one two three"


BASH = """
eval "$(_HIPSYNC_COMPLETE=bash_source hipsync)"
COMP_WORDS=(hipsync bands show "") COMP_CWORD=3
_hipsync_completion hipsync
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_the_tab_key_puts_nothing_into_the_line_that_a_shell_would_run(machine: Machine) -> None:
    for number, name in enumerate(["left wrist", *WRITTEN.values()]):
        machine.band(name=clean(name), address=f"C0:{number}")
    done = subprocess.run(
        ["bash", "-c", BASH], cwd=machine.home, capture_output=True, text=True, timeout=30, check=True,
        env={**os.environ, **machine.environment, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )  # fmt: skip
    assert done.stdout.splitlines() == ["left wrist", "x" * 64]

"""The service's file on each system, and the commands around it."""

from __future__ import annotations

import plistlib
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from hipsync.host.autostart import Place, executable, place
from support.machine import Machine

COMMAND = ["/opt/my tools/hipsync", "--db", '/data/100% "mine" $HOME/h.db', "run"]


def placed(platform: str, home: Path) -> Place:
    return place(COMMAND, home, platform)


def test_a_unit_starts_the_command_whatever_its_words_hold(tmp_path: Path) -> None:
    made = placed("linux", tmp_path)
    assert made.path == tmp_path / ".config" / "systemd" / "user" / "hipsync.service"
    assert 'ExecStart="/opt/my tools/hipsync" --db "/data/100%% \\"mine\\" $$HOME/h.db" run\n' in made.text
    for line in ("Type=notify", "WatchdogSec=5min", "Restart=on-failure", "UMask=0077", "NoNewPrivileges=yes"):
        assert f"\n{line}\n" in made.text


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd judges it")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "hipsync.service"
    unit.write_text(place([shutil.which("true") or "", "run"], tmp_path, "linux").text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    assert "hipsync.service" not in done.stderr, done.stderr


def test_an_agent_of_launchd_is_a_property_list_with_the_command(tmp_path: Path) -> None:
    made = placed("darwin", tmp_path)
    held = plistlib.loads(made.text.encode())
    assert held["ProgramArguments"] == COMMAND
    assert held["KeepAlive"] == {"SuccessfulExit": False}
    assert made.path.name == f"{held['Label']}.plist"


def test_a_windows_task_is_xml_with_the_command(tmp_path: Path) -> None:
    made = placed("win32", tmp_path)
    root = ET.fromstring(made.text)  # noqa: S314  our own text
    space = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"
    assert root.findtext(f".//{space}Command") == COMMAND[0]
    assert "--db" in (root.findtext(f".//{space}Arguments") or "")


def test_the_program_is_the_one_beside_the_interpreter_or_the_one_that_was_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = tmp_path / "bin" / "hipsync"
    called.parent.mkdir()
    called.write_text("")
    monkeypatch.setattr(sys, "argv", [str(called)])
    assert executable() == called
    monkeypatch.setattr(sys, "argv", ["-c"])
    assert executable().parent == Path(sys.executable).parent


def test_install_wants_a_band_and_shows_the_file_without_writing_it(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    assert "ExecStart=" in machine.told("service", "install", "--print")
    assert machine.refused("service", "install", code=2) == "no band is paired yet: `hipsync pair` does that"
    for verb in ("start", "stop", "status", "logs"):
        assert machine.refused("service", verb, code=5) == "the service is not installed: `hipsync service install`"
    assert machine.told("service", "uninstall") == "The service is not installed.\n"
    assert not (tmp_path / "config").exists()

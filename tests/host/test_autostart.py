"""The service's file on each system, and the commands around it."""

from __future__ import annotations

import plistlib
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from hipsync.host.autostart import Place, executable, place
from hipsync.host.lock import only_instance
from support.machine import Machine

COMMAND = ["/opt/my tools/hipsync", "--db", '/data/100% "mine" $HOME/h.db', "run"]


def placed(platform: str, home: Path) -> Place:
    return place(COMMAND, home, platform)


def test_a_unit_starts_the_command_whatever_its_words_hold(tmp_path: Path) -> None:
    made = placed("linux", tmp_path)
    assert made.path == tmp_path / ".config" / "systemd" / "user" / "hipsync.service"
    assert 'ExecStart="/opt/my tools/hipsync" --db "/data/100%% \\"mine\\" $$HOME/h.db" run\n' in made.text
    for line in (
        "Type=notify", "WatchdogSec=5min", "Restart=on-failure", "UMask=0077", "NoNewPrivileges=yes",
        "RestrictAddressFamilies=AF_UNIX", "RestrictNamespaces=yes", "SystemCallFilter=~@privileged @resources",
        "MemoryMax=512M", "TasksMax=64",
    ):  # fmt: skip
        assert f"\n{line}\n" in made.text


def test_only_what_asks_a_server_opens_more_sockets(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    closed, opened = "\nRestrictAddressFamilies=AF_UNIX\n", "\nRestrictAddressFamilies=AF_UNIX AF_INET\n"
    wide = "\nRestrictAddressFamilies=AF_UNIX AF_INET AF_INET6\n"
    for settings, line in {
        "": closed,
        "[presence]\nactivitywatch = true\n": opened,
        '[presence]\nactivitywatch = true\n[sitting]\ndesk = "off"\n': closed,
        '[sitting]\ndesk = "standing"\n': closed,
        "[presence]\nactivitywatch = 7\n": closed,
        '[mqtt]\nhost = "broker"\n': wide,
        '[presence]\nactivitywatch = true\n[mqtt]\nhost = "broker"\n': wide,
        '[mqtt]\nuser = "anna"\n': closed,
        '[[radio.proxies]]\nhost = "bedroom.local"\n': wide,
    }.items():
        machine.settings.parent.mkdir(parents=True, exist_ok=True)
        machine.settings.write_text(settings)
        machine.settings.chmod(0o600)
        assert line in machine.told("service", "install", "--print"), settings
    text = placed("linux", tmp_path).text
    assert place(COMMAND, tmp_path, "linux", loopback=True).text == text.replace(closed, opened)


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
    assert (
        machine.refused("service", "install", code=2)
        == "no band yet: `hipsync pair` adds your band, `hipsync demo` shows how it works"
    )
    for verb in ("start", "stop", "status", "logs"):
        assert machine.refused("service", verb, code=5) == "the service is not installed: `hipsync service install`"
    assert machine.told("service", "uninstall") == "The service is not installed.\n"
    assert not (tmp_path / "config").exists()


# ------------------------------------------------------------------ installing


def systemctl(folder: Path, script: str) -> dict[str, str]:
    """A system whose `systemctl` is this script; it notes its arguments. Returns the environment to find it by."""
    folder.mkdir()
    program = folder / "systemctl"
    program.write_text(f'#!/bin/sh\necho "$@" >> "{folder}/asked"\n{script}\n')
    program.chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin"}


NO_BUS = 'echo "Failed to connect to bus: No medium found" >&2; exit 1'
NOBODY = (
    "no systemd answers for this user here, as in a container, or after `su` or `sudo`: log in as yourself, or start "
    "`hipsync run` by other means; nothing was installed"
)
NO_START = 'case "$*" in *restart*) echo "Job for hipsync.service failed" >&2; exit 1;; esac'


@pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")
@pytest.mark.parametrize(
    ("script", "said"),
    [
        (NO_BUS, NOBODY),
        (NO_START, "the service did not start: `hipsync run` in a terminal says why; nothing was installed"),
    ],
    ids=["no bus", "no start"],
)  # fmt: skip
def test_an_install_that_cannot_work_leaves_nothing_behind(tmp_path: Path, script: str, said: str) -> None:
    machine = Machine(tmp_path)
    machine.band()
    machine.environment |= systemctl(tmp_path / "bin", script)
    before = machine.files()
    assert machine.refused("service", "install", code=5) == said
    assert [name for name in machine.files() if name != "bin/asked"] == before
    assert not (tmp_path / "config").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")
def test_an_install_that_cannot_work_keeps_the_service_that_was_there(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.band()
    machine.environment |= systemctl(tmp_path / "bin", "")
    assert "The service runs" in machine.told("service", "install")
    assert (tmp_path / "bin" / "asked").read_text().splitlines() == [
        "--user daemon-reload", "--user enable hipsync.service", "--user restart hipsync.service",
    ]  # fmt: skip
    unit = tmp_path / "config" / "systemd" / "user" / "hipsync.service"
    assert stat.S_IMODE(unit.stat().st_mode) == 0o600, "whoever can write it can start a program"
    unit.write_text("[Service]\nExecStart=/bin/true\n")
    (tmp_path / "bin" / "systemctl").write_text(f"#!/bin/sh\n{NO_START}\n")
    said = machine.refused("service", "install", code=5)
    assert said.endswith("the file that was there is back")
    assert unit.read_text() == "[Service]\nExecStart=/bin/true\n"


@pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")
def test_doctor_says_when_the_service_is_to_be_installed_again(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.band()
    machine.environment |= systemctl(tmp_path / "bin", "")
    machine.told("service", "install")
    again = "hipsync.service is not what this version installs: `hipsync service install` writes it again"
    nowhere = {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent"}
    assert again not in machine.type("doctor", env=nowhere).stdout
    assert again not in machine.type("--db", str(tmp_path / "other.db"), "doctor", env=nowhere).stdout
    unit = tmp_path / "config" / "systemd" / "user" / "hipsync.service"
    unit.write_text(unit.read_text().replace("RestrictNamespaces=yes\n", ""))
    (line,) = [line for line in machine.type("doctor", env=nowhere).stdout.splitlines() if again in line]
    assert line.startswith("warn  service file ")


def test_an_install_beside_a_service_in_a_terminal_is_refused(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.band()
    with only_instance(machine.database):
        said = machine.refused("service", "install", code=5)
    assert said == "hipsync runs already, in a terminal: end that first; nothing was installed"

"""The service file with which the system starts hipsync: a systemd user unit, a launchd agent or a Windows task.

This module gives the file's text, its path, and the commands to run before and after; it writes and runs nothing. The
systemd unit has been tried. Tests check only the form of the other two, which nobody has run.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from hipsync.errors import ConfigError

NAME = "hipsync"
LABEL = "io.github.hipsync"
WATCHDOG_MINUTES = 5
"""Minutes without a sign of life after which systemd restarts the service. The service sends one every minute."""


class Place(NamedTuple):
    """A service file: its path and text, the commands to run after it is written, and those before its removal."""

    path: Path
    text: str
    start: Sequence[Sequence[str]]
    stop: Sequence[Sequence[str]]


def executable() -> Path:
    """Return the absolute path of the installed program `hipsync`. Raises `ConfigError` if there is none.

    It is the script that was called, or the one beside the Python interpreter, where uv, pipx and pip put it.
    """
    for candidate in (Path(sys.argv[0]), Path(sys.executable).with_name(f"{NAME}.exe" if _windows() else NAME)):
        if candidate.stem == NAME and candidate.is_file():
            return candidate.absolute()
    raise ConfigError(
        "no program `hipsync` was found: install it with `uv tool install hipsync` or `pipx install hipsync`"
    )


def _windows() -> bool:
    return sys.platform == "win32"


def place(
    command: Sequence[str],
    home: Path,
    platform: str = sys.platform,
    config: Path | None = None,
    *,
    loopback: bool = False,
    network: bool = False,
) -> Place:
    """Return the service file for a user with this home folder on this platform, named as in `sys.platform`.

    `command` is what the service runs: `hipsync run` with its options. `config` is the user's XDG_CONFIG_HOME; None
    means `.config` in the home folder. `loopback` and `network` are as for `unit`.
    """
    if platform == "darwin":
        path = home / "Library" / "LaunchAgents" / f"{LABEL}.plist"
        return Place(
            path, agent(command), [("launchctl", "load", "-w", str(path))], [("launchctl", "unload", str(path))]
        )
    if platform == "win32":
        path = home / "AppData" / "Local" / NAME / "task.xml"
        create = ("schtasks", "/Create", "/TN", NAME, "/XML", str(path), "/F")
        return Place(path, task(command), [create], [("schtasks", "/Delete", "/TN", NAME, "/F")])
    path = (config or home / ".config") / "systemd" / "user" / f"{NAME}.service"
    ctl = ("systemctl", "--user")
    name = f"{NAME}.service"
    start = [(*ctl, "daemon-reload"), (*ctl, "enable", name), (*ctl, "restart", name)]
    return Place(path, unit(command, loopback=loopback, network=network), start, [(*ctl, "disable", "--now", name)])


def here(command: Sequence[str], *, loopback: bool = False, network: bool = False) -> Place:
    """Return the service file that runs a command for the current user on this system.

    `loopback` and `network` are as for `unit`.
    """
    given = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    config = given if given.is_absolute() else None
    return place(command, Path.home(), config=config, loopback=loopback, network=network)


def installed() -> Path | None:
    """Return the path of the current user's service file, or None if the file does not exist."""
    path = here(()).path
    return path if path.exists() else None


def unit(command: Sequence[str], *, loopback: bool = False, network: bool = False) -> str:
    """Return the text of a systemd user unit that runs a command.

    `loopback` lets it open sockets of IPv4, to reach a server on this computer: ActivityWatch, if the user wants that.
    `network` lets it open those of IPv4 and IPv6, to reach the broker of the home or Bluetooth proxies, if the user has
    named some.

    The lines from UMask on deny the service what it does not need, as far as a user's manager can without namespaces,
    which not every system allows its users. All else needs Unix sockets alone: X11 has one, and D-Bus leads to
    Bluetooth, to the desktop and to the manager, which starts the user's `prompts.command` outside all this
    (`hipsync.host.transient`). Memory is seven times, and tasks are five times, what the service has been seen to use.
    """
    sockets = " AF_INET AF_INET6" if network else " AF_INET" if loopback else ""
    return f"""\
[Unit]
Description=hipsync: an exercise after an hour of sitting
Documentation=https://github.com/hipsync/hipsync
StartLimitIntervalSec=10min
StartLimitBurst=5

[Service]
Type=notify
ExecStart={" ".join(_quoted(word) for word in command)}
ExecReload=/bin/kill -HUP $MAINPID
WatchdogSec={WATCHDOG_MINUTES}min
Restart=on-failure
RestartSec=10s
TimeoutStopSec=15s

MemoryMax=512M
TasksMax=64
LimitCORE=0

UMask=0077
NoNewPrivileges=yes
RestrictAddressFamilies=AF_UNIX{sockets}
RestrictNamespaces=yes
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
SystemCallArchitectures=native
MemoryDenyWriteExecute=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes

[Install]
WantedBy=default.target
"""


def differs(installed_text: str, text: str) -> bool:
    """Whether a service file that is installed is another than `text`, apart from the program's own options."""

    def kept(of: str) -> list[str]:
        return [line for line in of.splitlines() if not line.startswith("ExecStart=")]

    return kept(installed_text) != kept(text)


def _quoted(word: str) -> str:
    """Quote a word for ExecStart if necessary, as systemd.service(5) says under "Command lines"."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    plain = word.replace("/", "").replace("-", "").replace(".", "").isalnum()
    return word if escaped == word and plain else f'"{escaped}"'


def agent(command: Sequence[str]) -> str:
    """Return the text of a launchd agent that runs a command at login."""
    from xml.sax.saxutils import escape

    words = "\n".join(f"    <string>{escape(word)}</string>" for word in command)
    return f"""\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>{LABEL}</string>
  <key>ProgramArguments</key>
  <array>
{words}
  </array>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>Umask</key>
  <integer>63</integer>
</dict>
</plist>
"""


def task(command: Sequence[str]) -> str:
    """Return the text of a task for the Windows Task Scheduler that runs a command at logon."""
    import shlex
    from xml.sax.saxutils import escape

    program, *arguments = command
    return f"""\
<?xml version="1.0" encoding="UTF-8"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <Triggers><LogonTrigger><Enabled>true</Enabled></LogonTrigger></Triggers>
  <Principals><Principal id="Author"><LogonType>InteractiveToken</LogonType></Principal></Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure><Interval>PT1M</Interval><Count>5</Count></RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>{escape(program)}</Command>
      <Arguments>{escape(shlex.join(arguments))}</Arguments>
    </Exec>
  </Actions>
</Task>
"""

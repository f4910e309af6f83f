"""The file that lets the system start hipsync: a systemd user unit, a launchd agent, or a Windows task.

Tried: systemd. The other two are generated and checked for their form; nobody has run them.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

from hipsync.errors import ConfigError

NAME = "hipsync"
LABEL = "io.github.hipsync"
WATCHDOG_MINUTES = 5
"""The service says once a minute that it advances."""


class Place(NamedTuple):
    """Where a file belongs, what it says, and what to run after writing it and before removing it."""

    path: Path
    text: str
    start: Sequence[Sequence[str]]
    stop: Sequence[Sequence[str]]


def executable() -> Path:
    """The `hipsync` that runs now, as another process can start it. Raises `ConfigError` if there is none.

    Beside the interpreter of its environment: so it is for uv, pipx and a virtual environment.
    """
    for candidate in (Path(sys.argv[0]), Path(sys.executable).with_name(f"{NAME}.exe" if _windows() else NAME)):
        if candidate.stem == NAME and candidate.is_file():
            return candidate.absolute()
    raise ConfigError(
        "no program `hipsync` was found: install it with `uv tool install hipsync` or `pipx install hipsync`"
    )


def _windows() -> bool:
    return sys.platform == "win32"


def place(command: Sequence[str], home: Path, platform: str = sys.platform, config: Path | None = None) -> Place:
    """For a command (`hipsync run` and its options). `config`: the user's XDG_CONFIG_HOME."""
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
    start = [(*ctl, "daemon-reload"), (*ctl, "enable", "--now", f"{NAME}.service")]
    return Place(path, unit(command), start, [(*ctl, "disable", "--now", f"{NAME}.service")])


def here(command: Sequence[str]) -> Place:
    """For this user on this system."""
    given = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    return place(command, Path.home(), config=given if given.is_absolute() else None)


def installed() -> Path | None:
    """The service file of this user, if there is one."""
    path = here(()).path
    return path if path.exists() else None


def unit(command: Sequence[str]) -> str:
    """A systemd user unit.

    The last group takes from the service what it does not need, as far as a user's manager can: it speaks to Bluetooth
    and the desktop over D-Bus, which is a Unix socket; netlink tells of adapters.
    """
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

UMask=0077
NoNewPrivileges=yes
RestrictAddressFamilies=AF_UNIX AF_BLUETOOTH AF_NETLINK
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
SystemCallArchitectures=native
MemoryDenyWriteExecute=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes

[Install]
WantedBy=default.target
"""


def _quoted(word: str) -> str:
    """A word of ExecStart, after systemd.service(5), "Command lines"."""
    held = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return (
        f'"{held}"' if held != word or not word.replace("/", "").replace("-", "").replace(".", "").isalnum() else word
    )


def agent(command: Sequence[str]) -> str:
    """A launchd agent."""
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
    """A task of the Windows Task Scheduler, at logon."""
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

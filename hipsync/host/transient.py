"""Starts a program outside the service's sandbox, as a unit of its own under the user's systemd manager.

The unit of hipsync denies the network, W+X memory and more, and a child inherits that. What the manager starts does
not. The one rule: neither arguments nor environment pass through a shell, and no value is shown to other users: names
of variables go into the arguments of `systemd-run`, and their values stay in its environment.

Source: systemd-run(1), systemd.exec(5) under "Environment variables in spawned processes", systemd.service(5) under
"Command lines" for the dollar sign.
"""

from __future__ import annotations

import itertools
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

NOT_STARTED = 203
"""The exit code of a unit whose program the kernel refuses to run (EXIT_EXEC)."""
END_WITHIN_S = 1
"""Seconds that a program has between the request to end and its end."""
_OF_THE_SERVICE = re.compile(
    "NOTIFY_SOCKET|WATCHDOG_.*|INVOCATION_ID|JOURNAL_STREAM|SYSTEMD_EXEC_PID|MANAGERPID|LISTEN_.*|MAINPID"
    "|MEMORY_PRESSURE_.*|CREDENTIALS_DIRECTORY|(?:RUNTIME|STATE|CACHE|LOGS|CONFIGURATION)_DIRECTORY"
)
"""Variables that systemd sets for one process, and that mean nothing to another."""
_numbers = itertools.count(1)


class Transient(NamedTuple):
    """How to run a program as a unit of its own, and how to end it before its time."""

    start: Sequence[str]
    """A command that hands its stdin to the program, waits for its end and exits as it did."""
    stop: Sequence[str]


def unit(argv: Sequence[str], within_s: float, environment: Mapping[str, str] | None = None) -> Transient | None:
    """Return how to run a program outside the sandbox; None where there is none to leave.

    That is so unless systemd's manager of this user started this very process. The program, and all that it started, is
    ended after `within_s` seconds. `environment` is what it gets, this process's own if it is None.
    """
    given = os.environ if environment is None else environment
    if not _in_unit(given):
        return None
    name = f"hipsync-command-{os.getpid()}-{next(_numbers)}.service"
    options = ("--wait", "--pipe", "--description=prompts.command of hipsync")
    return Transient(
        _systemd_run(name, options, argv, within_s, given), ["systemctl", "--user", "stop", "--no-block", name]
    )


def detached(
    argv: Sequence[str], lasts_s: float, what: str, environment: Mapping[str, str] | None = None
) -> Sequence[str] | None:
    """Return a command that starts a program outside the sandbox and does not wait for it; None as for `unit`.

    The program is ended after `lasts_s` seconds, and not when this service ends. `what` describes it to people.
    """
    given = os.environ if environment is None else environment
    if not _in_unit(given):
        return None
    name = f"hipsync-page-{os.getpid()}-{next(_numbers)}.service"
    return _systemd_run(name, (f"--description={what}",), argv, lasts_s, given)


def _systemd_run(
    name: str, options: Sequence[str], argv: Sequence[str], within_s: float, environment: Mapping[str, str]
) -> Sequence[str]:
    limits = (f"RuntimeMaxSec={within_s:g}s", f"TimeoutStopSec={END_WITHIN_S}s")
    return [
        "systemd-run", "--user", "--collect", "--quiet", f"--unit={name}", *options,
        *(f"--property={limit}" for limit in limits),
        *(f"--setenv={variable}" for variable in sorted(_passed_on(environment))),
        "--", *(word.replace("$", "$$") for word in argv),
    ]  # fmt: skip


def has_bus(environment: Mapping[str, str] | None = None) -> bool:
    """Whether there is a session bus, by which `systemd-run` asks the manager when it is to wait for the end."""
    given = os.environ if environment is None else environment
    return bool(given.get("DBUS_SESSION_BUS_ADDRESS")) or Path(given.get("XDG_RUNTIME_DIR", ""), "bus").is_socket()


def _in_unit(environment: Mapping[str, str]) -> bool:
    """Whether this process is the main one of a unit of the user's manager: children inherit the variables too."""
    runtime, own = environment.get("XDG_RUNTIME_DIR", ""), str(os.getpid())
    return (
        sys.platform == "linux"
        and own in {environment.get("SYSTEMD_EXEC_PID"), environment.get("WATCHDOG_PID")}
        and Path(runtime).is_absolute()
        and Path(runtime, "systemd", "private").exists()
    )


def _passed_on(environment: Mapping[str, str]) -> list[str]:
    """Return the names of the variables that a program gets: systemd refuses a whole unit for one it does not take."""
    return [
        name
        for name, value in environment.items()
        if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name, re.ASCII)
        and not _OF_THE_SERVICE.fullmatch(name)
        and all(letter.isprintable() or letter in "\t\n" for letter in value)
    ]

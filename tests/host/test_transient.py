"""A user's command leaves the sandbox of the service only where there is one, and takes along what it had there."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from hipsync.host.transient import Transient, detached, has_bus, unit

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    (tmp_path / "systemd").mkdir()
    (tmp_path / "systemd" / "private").touch()
    return tmp_path


def made(runtime: Path, argv: list[str], **more: str) -> Transient:
    found = unit(argv, 10.0, {"XDG_RUNTIME_DIR": str(runtime), "SYSTEMD_EXEC_PID": str(os.getpid()), **more})
    assert found is not None
    return found


def test_in_a_terminal_there_is_no_sandbox_to_leave(runtime: Path) -> None:
    """A terminal that systemd started hands its variables on to what runs in it."""
    own, other = str(os.getpid()), str(os.getppid())
    assert unit(["true"], 10, {}) is None
    assert (
        unit(["true"], 10, {"XDG_RUNTIME_DIR": str(runtime), "SYSTEMD_EXEC_PID": other, "INVOCATION_ID": "1"}) is None
    )
    assert unit(["true"], 10, {"XDG_RUNTIME_DIR": str(runtime / "none"), "SYSTEMD_EXEC_PID": own}) is None
    assert unit(["true"], 10, {"XDG_RUNTIME_DIR": "", "SYSTEMD_EXEC_PID": own}) is None
    assert unit(["true"], 10, {"XDG_RUNTIME_DIR": str(runtime), "WATCHDOG_PID": own}) is not None, "before systemd 248"


def test_arguments_stay_arguments_whatever_they_hold(runtime: Path) -> None:
    """systemd would put the value of a variable in the place of a single dollar sign and its name."""
    start = list(made(runtime, ["/bin/a b", "$HOME; exit 1", "--wait", "%h", "", "a\nb"]).start)
    assert start[start.index("--") + 1 :] == ["/bin/a b", "$$HOME; exit 1", "--wait", "%h", "", "a\nb"]
    assert "--property=RuntimeMaxSec=10s" in start


def test_of_the_environment_names_are_shown_and_values_are_not(runtime: Path) -> None:
    hostile = {
        "TOKEN": "s3cret $(id)`id`;\n", "NOT-A-NAME": "1", "A B": "1", "ESCAPE": "\x1b[2J", "BYTES": "\udcff",
        "NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "1", "INVOCATION_ID": "2", "JOURNAL_STREAM": "8:1",
    }  # fmt: skip
    start = made(runtime, ["true"], **hostile).start
    assert [word for word in start if word.startswith("--setenv=")] == ["--setenv=TOKEN", "--setenv=XDG_RUNTIME_DIR"]
    assert not any("s3cret" in word for word in start)


def test_each_run_has_a_name_of_its_own_by_which_it_is_stopped(runtime: Path) -> None:
    one, other = made(runtime, ["true"]), made(runtime, ["true"])
    assert one.stop[-1] != other.stop[-1]
    assert f"--unit={one.stop[-1]}" in one.start


def test_without_a_session_bus_systemd_cannot_be_asked(runtime: Path) -> None:
    environment = {"XDG_RUNTIME_DIR": str(runtime)}
    assert not has_bus(environment)
    assert has_bus({**environment, "DBUS_SESSION_BUS_ADDRESS": "unix:abstract=x"})
    with socket.socket(socket.AF_UNIX) as bus:
        bus.bind(str(runtime / "bus"))
        assert has_bus(environment)


def test_a_program_that_outlives_the_service_is_not_waited_for_and_ends_in_time(runtime: Path) -> None:
    given = {"XDG_RUNTIME_DIR": str(runtime), "SYSTEMD_EXEC_PID": str(os.getpid()), "KEY": "secret"}
    start = detached(["hipsync", "$x"], 60, "a page", given)
    assert start is not None
    assert not {"--wait", "--pipe"} & {*start}
    assert start[start.index("--") + 1 :] == ["hipsync", "$$x"]
    assert {"--property=RuntimeMaxSec=60s", "--description=a page", "--setenv=KEY"} <= {*start}
    assert "secret" not in " ".join(start)
    assert detached(["hipsync"], 60, "a page", {}) is None

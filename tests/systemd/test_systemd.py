"""The service under a real systemd user manager: started, frozen and restarted, reloaded, stopped, uninstalled."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hipsync.model import MINUTE, Epoch
from hipsync.store import Store
from support.machine import Machine
from support.repository import ROOT

MANAGER, LIFE, HOOK = (ROOT / "tests" / "systemd" / name for name in ("manager", "life", "hook"))
WANTED = ("unshare", "dbus-daemon", "systemctl", "systemd-analyze", "systemd-run")
pytestmark = [
    pytest.mark.ring,
    pytest.mark.skipif(
        not hasattr(os, "getuid") or os.getuid() != 0 or not all(map(shutil.which, WANTED)),
        reason=f"needs root and {', '.join(WANTED)}",
    ),
]
CAN = """\
#!/usr/bin/python3
# It says what it was given and what it may do: open sockets, and map memory that is writable and executable.
import mmap, os, socket, sys
with open(sys.argv[1], "a") as log:
    print("argument:", sys.argv[2], file=log)
    print("token:", os.environ.get("TOKEN"), file=log)
    print("prompt:", '"exercise"' in sys.stdin.read(), file=log)
    for family in ("AF_UNIX", "AF_INET", "AF_INET6"):
        socket.socket(getattr(socket, family)).close()
        print(family, file=log)
    mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC).close()
    print("W+X", file=log)
"""


def test_a_command_runs_as_in_a_terminal_and_what_it_fails_at_is_told(tmp_path: Path) -> None:
    """Case 48: in the sandbox of the service it had no network and no W+X memory, and counted as shown all the same."""
    machine, can, log = Machine(tmp_path), tmp_path / "can", tmp_path / "log"
    can.write_text(CAN)
    can.chmod(0o755)
    machine.settings.parent.mkdir(parents=True)
    machine.settings.write_text(
        '[prompts]\nhours = { mon-sun = "00:00-24:00" }\nlunch = "off"\nband = false\ndesktop = false\n'
        f'command = ["{can}", "{log}", "$HOME; exit 1"]\n'
    )
    machine.settings.chmod(0o600)
    units = tmp_path / ".config" / "systemd" / "user" / "hipsync.service.d"
    units.mkdir(parents=True)
    (units / "token.conf").write_text('[Service]\nEnvironment="TOKEN=a $(id); `id`"\n')
    now = datetime.now(UTC).replace(second=0, microsecond=0)  # noqa: TID251  a real service has a real clock
    sat = [Epoch(now - (100 - at) * MINUTE, MINUTE, 100 if at < 10 else 0, heart_rate=70) for at in range(100)]
    with machine.process("--db", str(machine.database), "pair", "--simulate", "fitpro") as pairing:
        assert pairing.wait() == 0
    with Store.open(machine.database) as store:
        store.append(store.add_band(name="data", driver="csv", now=now, vouches=True, reports_wear=True).id, sat)
    program = shutil.which("hipsync", path=str(Path(sys.executable).parent))
    assert program is not None, "the tests run where hipsync is installed"
    done = subprocess.run(
        [MANAGER, HOOK, program, str(machine.database), str(machine.settings), str(log)],
        capture_output=True, text=True, check=False, timeout=180,
        env={**os.environ, "HOME": str(tmp_path), "HIPSYNC_CONFIG": str(machine.settings)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    told = done.stdout.splitlines()
    assert told[:7] == [
        "argument: $HOME; exit 1", "token: a $(id); `id`", "prompt: True", "AF_UNIX", "AF_INET", "AF_INET6", "W+X",
    ]  # fmt: skip
    assert "  command " in told[7]
    assert [line for line in told[8:] if not line.startswith("prompt: ")] == [
        "             trouble: /bin/sh (prompts.command) exited with 7",
        "             trouble: /nowhere/at-all (prompts.command) does not start: there is no such program",
        "             trouble: /bin/sh (prompts.command) was stopped: it took more than 10 s",
        "left: 0 units, 0 processes",
    ]
    assert all("  nowhere " in line for line in told[8:] if line.startswith("prompt: "))


def test_a_person_installs_it_once_and_it_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    machine = Machine(tmp_path)
    program = shutil.which("hipsync", path=str(Path(sys.executable).parent))
    assert program is not None, "the tests run where hipsync is installed"
    with machine.process("--db", str(machine.database), "pair", "--simulate", "fitpro") as pairing:
        assert pairing.wait() == 0
    done = subprocess.run(
        [MANAGER, LIFE, program, str(machine.database)],
        capture_output=True, text=True, check=False, timeout=120, env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip
    with capsys.disabled():
        print(f"\n{done.stdout}")
    assert done.returncode == 0, done.stdout + done.stderr
    told = done.stdout.splitlines()
    words = "No |Sitting for |You |Paused until |Asleep |Your band "  # as the hour has it
    assert re.search(f"== state: active, type: notify, status: ({words})", done.stdout)
    assert "restarted after the watchdog: 1 time(s), result then: watchdog" in told
    assert "the same process goes on" in told
    (stopped,) = [line for line in told if line.endswith("state: inactive, result: success")]
    assert int(stopped.split()[1]) < 5000
    assert told[-2:] == ["No files found for hipsync.service.", "hipsync.service.d"]
    assert machine.database.exists()

"""The service under a real systemd user manager: started, frozen and restarted, reloaded, stopped, uninstalled."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.machine import Machine
from support.repository import ROOT

MANAGER, LIFE = ROOT / "tests" / "systemd" / "manager", ROOT / "tests" / "systemd" / "life"
WANTED = ("unshare", "dbus-daemon", "systemctl", "systemd-analyze")


@pytest.mark.ring
@pytest.mark.skipif(
    not hasattr(os, "getuid") or os.getuid() != 0 or not all(map(shutil.which, WANTED)),
    reason=f"needs root and {', '.join(WANTED)}",
)
def test_a_person_installs_it_once_and_it_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    machine = Machine(tmp_path)
    program = shutil.which("hipsync", path=str(Path(sys.executable).parent))
    assert program is not None, "the tests run where hipsync is installed"
    with machine.process("pair", "--simulate", "fitpro") as pairing:
        assert pairing.wait() == 0
    done = subprocess.run(
        [MANAGER, LIFE, program, str(machine.database)],
        capture_output=True, text=True, check=False, timeout=120, env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip
    with capsys.disabled():
        print(f"\n{done.stdout}")
    assert done.returncode == 0, done.stdout + done.stderr
    told = done.stdout.splitlines()
    words = "nothing is said|sitting for|moving|paused"  # as the hour has it
    assert re.search(f"== state: active, type: notify, status: ({words})", done.stdout)
    assert "restarted after the watchdog: 1 time(s), result then: watchdog" in told
    assert "the same process goes on" in told
    (stopped,) = [line for line in told if line.endswith("state: inactive, result: success")]
    assert int(stopped.split()[1]) < 5000
    assert told[-2:] == ["No files found for hipsync.service.", "hipsync.service.d"]
    assert machine.database.exists()

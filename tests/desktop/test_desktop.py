"""On real notice servers: a prompt of the running service is seen, and its Done, pressed with the mouse, is stored."""

from __future__ import annotations

import shutil
import subprocess
from datetime import timedelta
from glob import glob
from pathlib import Path

import pytest

from hipsync.host.clock import SystemClock
from hipsync.model import MINUTE, Epoch
from hipsync.store import Store
from support.machine import Machine
from support.repository import ROOT

SCREEN, PRESS = ROOT / "tests" / "desktop" / "screen", ROOT / "tests" / "desktop" / "press"
TOOLS = ("Xvfb", "xdotool", "import", "dbus-daemon", "sqlite3")
SERVERS = {
    "dunst": ("/usr/bin/dunst", (790, 55)),
    "xfce4-notifyd": ("/usr/lib/*/xfce4/notifyd/xfce4-notifyd", (743, 105)),
    "notification-daemon": ("/usr/lib/notification-daemon/notification-daemon", (754, 110)),
}
"""Where it is, and where its Done is on a screen of 1000 by 500."""


@pytest.mark.ring
@pytest.mark.parametrize("server", SERVERS)
def test_done_is_pressed(server: str, tmp_path: Path) -> None:
    program, (x, y) = SERVERS[server]
    if missing := [tool for tool in TOOLS if shutil.which(tool) is None] + [program] * (not glob(program)):  # noqa: PTH207
        pytest.skip(f"needs {', '.join(missing)}")
    machine = Machine(tmp_path)
    with machine.process("pair", "--simulate", "infinitime") as pairing:
        assert pairing.wait() == 0
    now = SystemClock().now()
    minute = now.replace(second=0, microsecond=0)
    with Store.open(machine.database) as store:
        data = store.add_band(name="data", driver="csv", now=now, vouches=True, reports_wear=True)
        walked = [Epoch(minute - (100 - i) * MINUTE, MINUTE, 100, heart_rate=90) for i in range(10)]
        store.append(data.id, walked + [Epoch(minute - (90 - i) * MINUTE, MINUTE, 0, heart_rate=60) for i in range(90)])
    machine.settings.parent.mkdir(parents=True)
    machine.settings.write_text('[prompts]\nhours = { mon-sun = "00:00-24:00" }\nlunch = "off"\nband = false\n')
    machine.settings.chmod(0o600)
    picture = tmp_path / f"{server}.png"
    done = subprocess.run(
        [SCREEN, server, PRESS, str(machine.database), str(picture), str(x), str(y)],
        capture_output=True, text=True, check=False, timeout=60, env={**machine.environment, "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "desktop done\n"), (
        done.stderr + (picture.parent / f"{picture.name}.log").read_text()
    )
    with Store.read(machine.database) as store:
        (exercise,) = store.exercises(now - MINUTE, now + timedelta(hours=1))
        assert exercise.how == "prompt"

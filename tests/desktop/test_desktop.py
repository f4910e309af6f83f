"""On real notice servers a prompt of the running service is seen with its figure, on a light and on a dark ground.

Done, pressed with the mouse, is stored, and Show me opens the exercise.
"""

from __future__ import annotations

import shutil
import subprocess
from datetime import timedelta
from glob import glob
from pathlib import Path

import pytest

from hipsync.host.clock import SystemClock
from hipsync.model import MINUTE, Epoch
from hipsync.report.figure_icon import GOES
from hipsync.store import Store
from support.machine import Machine
from support.repository import ROOT

SCREEN, PRESS = ROOT / "tests" / "desktop" / "screen", ROOT / "tests" / "desktop" / "press"
TOOLS = ("Xvfb", "xdotool", "import", "convert", "dbus-daemon", "sqlite3")
SERVERS = {
    "dunst": ("/usr/bin/dunst", {"Done": (790, 55), "Show me": (790, 55)}),
    "xfce4-notifyd": ("/usr/lib/*/xfce4/notifyd/xfce4-notifyd", {"Done": (676, 88), "Show me": (557, 88)}),
    "notification-daemon": (
        "/usr/lib/notification-daemon/notification-daemon", {"Done": (775, 110), "Show me": (708, 110)},
    ),
}  # fmt: skip
"""Where it is, and where two of its buttons are on a screen of 1000 by 500."""
BROWSER = """#!/bin/sh
echo "$1" > "{database}.opened.new" && mv "{database}.opened.new" "{database}.opened"
"""


FEWEST_PIXELS = 12
"""How many pixels of a figure of 32 by 32, as dunst shows it, have the colour of its moving limb, at the least."""


def pixels(picture: Path, colour: str) -> int:
    """How many pixels of a screen have this colour, or nearly."""
    done = subprocess.run(
        ["convert", picture, "-fill", "black", "-fuzz", "6%", "+opaque", colour, "-fill", "white", "-opaque", colour,
         "-format", "%[fx:mean*w*h]", "info:"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return round(float(done.stdout))


@pytest.mark.ring
@pytest.mark.parametrize(("button", "ground"), [("Done", "light"), ("Show me", "dark")])
@pytest.mark.parametrize("server", SERVERS)
def test_the_figure_is_seen_and_a_button_is_pressed(server: str, button: str, ground: str, tmp_path: Path) -> None:
    program, places = SERVERS[server]
    x, y = places[button]
    if missing := [tool for tool in TOOLS if shutil.which(tool) is None] + [program] * (not glob(program)):  # noqa: PTH207
        pytest.skip(f"needs {', '.join(missing)}")
    machine = Machine(tmp_path)
    with machine.process("--db", str(machine.database), "pair", "--simulate", "infinitime") as pairing:
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
    picture, opened = tmp_path / f"{server}.png", machine.database.with_name(f"{machine.database.name}.opened")
    own = tmp_path / "bin"
    own.mkdir()
    (own / "xdg-open").write_text(BROWSER.format(database=machine.database))
    (own / "xdg-open").chmod(0o755)
    done = subprocess.run(
        [SCREEN, server, PRESS, str(machine.database), str(picture), str(x), str(y)],
        capture_output=True, text=True, check=False, timeout=90,
        env={**machine.environment, "PATH": f"{own}:/usr/bin:/bin", "CHOSEN": button, "GROUND": ground},
    )  # fmt: skip
    said = done.stderr + (picture.parent / f"{picture.name}.log").read_text()
    with Store.read(machine.database) as store:
        exercises = [each.how for each in store.exercises(now - MINUTE, now + timedelta(hours=1))]
    assert picture.exists(), said
    assert pixels(picture, GOES) >= FEWEST_PIXELS, "nobody sees the figure"
    if button == "Done":
        assert (done.returncode, done.stdout, exercises) == (0, "desktop done\n", ["prompt"]), said
        assert not opened.exists()
    else:
        assert (done.returncode, done.stdout, exercises) == (0, "desktop -\n", []), said
        assert opened.read_text().startswith("http://127.0.0.1:")
        subprocess.run(["pkill", "-f", f"--db {machine.database} exercise"], check=False)  # the page that it opened

"""A user's machine: a home of its own, a clock that stands, and a command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from click.testing import CliRunner, Result

from hipsync.cli import hipsync
from hipsync.cli.app import App
from hipsync.model import BandId, Epoch
from hipsync.store import Store
from support.builders import MONDAY
from support.repository import ROOT

TYPED = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from hipsync.cli import main; main()"
COMMAND = [sys.executable, "-c", TYPED]
"""With Ctrl-C as a terminal has it: whoever runs the tests in the background lets their children ignore it."""


class Machine:
    """What is typed on it, and what comes of that."""

    def __init__(self, home: Path, now: datetime = MONDAY) -> None:
        self.home, self.now = home, now
        self.data, self.settings = home / "data" / "hipsync", home / "config" / "hipsync" / "config.toml"
        self.database = self.data / "hipsync.db"
        self.environment = {
            "HOME": str(home),
            "XDG_DATA_HOME": str(home / "data"),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_RUNTIME_DIR": str(home / "run"),
            "TZ": "Europe/London",
            "LANG": "en_GB.UTF-8",
            "LC_ALL": "",
            "LC_CTYPE": "",
        }

    def type(self, *words: str, stdin: str | None = None, env: Mapping[str, str] | None = None) -> Result:
        """`hipsync WORDS`, in this process."""
        return CliRunner().invoke(
            hipsync, list(words), input=stdin, env={**self.environment, **(env or {})}, obj=App(lambda: self.now)
        )

    def told(self, *words: str, code: int = 0, env: Mapping[str, str] | None = None) -> str:
        """What goes to standard output; the command must end with this code, and without a word of error."""
        done = self.type(*words, env=env)
        assert (done.exit_code, done.stderr) == (code, ""), done.output
        return done.stdout

    def refused(self, *words: str, code: int, stdin: str | None = None) -> str:
        """The one line of error, without the program's name."""
        done = self.type(*words, stdin=stdin)
        assert done.exit_code == code, done.output
        (line,) = done.stderr.splitlines()
        assert line.startswith("hipsync: ")
        return line.removeprefix("hipsync: ")

    def process(self, *words: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """`hipsync WORDS` in a process of its own, on the host's clock."""
        path = os.pathsep.join([str(ROOT), str(ROOT / "devices")])
        return subprocess.Popen(
            [*COMMAND, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **self.environment, "PYTHONPATH": path, **(env or {})},
        )

    def files(self) -> list[str]:
        return sorted(str(file.relative_to(self.home)) for file in self.home.rglob("*") if file.is_file())

    def band(self, epochs: Sequence[Epoch] = (), *, name: str = "desk-band", address: str | None = "C0:00") -> BandId:
        """A band that is paired, with what it told; the clock stands at the end of that."""
        with Store.open(self.database) as store:
            held = store.add_band(
                name=name, driver="huami", address=address, advertised_name=name, now=MONDAY, vouches=True
            ).id
            store.note_zone(MONDAY, "Europe/London")
            store.append(held, epochs)
        if epochs:
            self.now = epochs[-1].end
        return held

"""A user's machine: a home folder, a clock that stands still, and a command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from click.testing import CliRunner, Result

from hipsync.cli import hipsync
from hipsync.cli.app import App
from hipsync.model import BandId, Epoch
from hipsync.store import Store
from support.builders import MONDAY
from support.repository import ROOT

TYPED = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from hipsync.__main__ import main; main()"
)
COMMAND = [sys.executable, "-c", TYPED]
"""`hipsync`, with Ctrl-C as at a terminal: what a shell runs in the background ignores it, and so do its children."""


@cache
def empty_database() -> bytes:
    """A database file as `Store.open` makes it where there is none: all schema steps take longer than most tests."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "hipsync.db")
        Store.open(path).close()
        return path.read_bytes()


class Machine:
    """A machine on which a test types commands and reads what comes of them."""

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
        """Run `hipsync WORDS` in this process, on the machine's clock."""
        return CliRunner().invoke(
            hipsync, list(words), input=stdin, env={**self.environment, **(env or {})}, obj=App(lambda: self.now)
        )

    def told(self, *words: str, code: int = 0, env: Mapping[str, str] | None = None) -> str:
        """Run a command and return its standard output; it must end with `code` and print nothing to standard error."""
        done = self.type(*words, env=env)
        assert (done.exit_code, done.stderr) == (code, ""), done.output
        return done.stdout

    def refused(self, *words: str, code: int, stdin: str | None = None) -> str:
        """Run a command that must fail with `code`, and return its one line of error without the program's name."""
        done = self.type(*words, stdin=stdin)
        assert done.exit_code == code, done.output
        (line,) = done.stderr.splitlines()
        assert line.startswith("hipsync: ")
        return line.removeprefix("hipsync: ")

    def process(self, *words: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start `hipsync WORDS` in a process of its own, on the host's clock."""
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
        """Add a paired band with its epochs, and set the clock to the end of the last one."""
        if not self.database.exists():
            self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.database.write_bytes(empty_database())
            self.database.chmod(0o600)
        with Store.open(self.database) as store:
            held = store.add_band(
                name=name, driver="huami", address=address, advertised_name=name, now=MONDAY, vouches=True
            ).id
            store.note_zone(MONDAY, "Europe/London")
            store.append(held, epochs)
        if epochs:
            self.now = epochs[-1].end
        return held

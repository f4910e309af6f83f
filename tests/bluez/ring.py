"""What runs inside the guest: the product's own commands, on BlueZ, against a band on the guest's `/dev/vhci`.

    python ring.py KIND MINUTES.csv KEY

prints how long each took, and at last JSON: what the commands said and what is in the database after each. It judges
nothing.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO

from hipsync import bluetooth

ADDRESS = "C8:0F:10:80:D0:21"
NAME = "wrist"
CONNECTS = 5
"""Enough to meet BlueZ's race now and then."""
ADAPTER_WITHIN_S = 60
COMMAND_WITHIN_S = 90
HIPSYNC = [sys.executable, "-u", "-c", "from hipsync.cli import main; main()"]


class Attempts(logging.Handler):
    """Counts those of the connector."""

    count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += "Connection attempt" in record.msg


class Ring:
    def __init__(self, database: Path) -> None:
        self.database = database
        self.seconds: dict[str, float] = {}
        self.said: dict[str, str] = {}
        self.stored: dict[str, object] = {}

    @contextmanager
    def timed(self, what: str) -> Generator[None]:
        start = time.monotonic()
        yield
        self.seconds[what] = round(time.monotonic() - start, 2)
        print(what, self.seconds[what], flush=True)

    def run(self, what: str, *words: str) -> None:
        """A command, what it said, and what is stored afterwards. Raises `SystemExit` if it fails."""
        with self.timed(what):
            done = subprocess.run(
                [*HIPSYNC, "--db", str(self.database), *words],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=COMMAND_WITHIN_S,
            )
        self.said[what] = done.stdout
        if done.returncode:
            sys.exit(f"{' '.join(words)}: status {done.returncode}\n{done.stdout}{done.stderr}")
        if self.database.exists():
            with closing(sqlite3.connect(self.database)) as db:
                self.stored[what] = {
                    "epochs": db.execute("SELECT start, length, steps FROM epochs ORDER BY start").fetchall(),
                    "counters": db.execute("SELECT at, steps FROM counters ORDER BY at").fetchall(),
                }


async def adapter() -> None:
    """Returns when BlueZ has switched the new adapter on."""
    async with asyncio.timeout(ADAPTER_WITHIN_S):
        while await bluetooth.why_unavailable(bluetooth.SYSTEM) is not None:  # noqa: ASYNC110  it comes from another process
            await asyncio.sleep(0.2)


async def connect() -> list[tuple[float, int]]:
    """Seconds and attempts of one connection after the other."""
    log, attempts = logging.getLogger("bleak_retry_connector"), Attempts()
    log.setLevel(logging.DEBUG)
    log.addHandler(attempts)
    log.propagate = False
    made: list[tuple[float, int]] = []
    for _ in range(CONNECTS):
        attempts.count = 0
        found = await bluetooth.find(bluetooth.SYSTEM, ADDRESS, timedelta(seconds=30))
        start = time.monotonic()
        async with bluetooth.connect(bluetooth.SYSTEM, found or ADDRESS, timedelta(seconds=45)):
            made.append((round(time.monotonic() - start, 2), attempts.count))
    return made


def line(stream: IO[str] | None) -> str:
    return stream.readline().strip() if stream else ""


def main(kind: str, minutes: str, key: str) -> None:
    served = ["--transport", "vhci", "--address", ADDRESS, "--data", minutes, "--key-file", key]
    ring = Ring(Path(tempfile.mkdtemp()) / "hipsync.db")
    with subprocess.Popen([*HIPSYNC, "simulate", kind, *served], stdout=subprocess.PIPE, text=True) as band:
        try:
            with ring.timed("adapter"):
                line(band.stdout)
                asyncio.run(adapter())
            ring.run("scan", "scan", "--seconds", "3", "--json")
            ring.run("pair", "pair", ADDRESS, "--name", NAME, "--key-file", key)
            ring.run("sync", "sync")
            ring.run("again", "sync")
            ring.run("buzz", "bands", "buzz", NAME)
            connects = asyncio.run(connect())
        finally:
            band.terminate()  # else the end of the block waits for it
        shown = [said.rstrip() for said in band.stdout or ()]
    told = {"seconds": ring.seconds, "connects": connects, "said": ring.said, "stored": ring.stored, "shown": shown}
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])

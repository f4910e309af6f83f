"""What runs inside the guest: bands that talk only over a bond, and a person at a terminal who types passkeys.

    python bond.py

prints JSON at the end: for each command its status, what it printed, and what is stored after it. It judges nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
import pty
import select
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

from hipsync.radio.bluez import bonded, drop_bond
from hipsync.radio.connect import connect
from hipsync.radio.scan import SYSTEM_ADAPTER, why_unavailable

ADDRESS, WATCH_ADDRESS, OTHER_ADDRESS = "C8:0F:10:80:D0:21", "C8:0F:10:80:D0:22", "C8:0F:10:80:D0:23"
"""Each kind of band has one of its own, because BlueZ remembers the services of what it met there before."""
PASSKEY = "123456"
COMMAND_WITHIN_S = 90
ADAPTER_WITHIN_S = 60
HIPSYNC = [sys.executable, "-u", "-c", "from hipsync.__main__ import main; main()"]


class Bonding:
    def __init__(self, database: Path, address: str = ADDRESS) -> None:
        self.database, self.address = database, address
        self.told: dict[str, dict[str, object]] = {}

    def type(self, what: str, *words: str, passkey: str | None = None) -> None:
        """Run a command on a terminal; when a question comes, type the passkey if one is given, or another answer."""
        person, terminal = pty.openpty()
        start = time.monotonic()
        said = b""
        with subprocess.Popen(
            [*HIPSYNC, "--db", str(self.database), *words], stdin=terminal, stdout=terminal, stderr=subprocess.STDOUT
        ) as command:
            os.close(terminal)
            answers = {b"Digits: ": passkey, b"Did it buzz? [Y/n]: ": "y", b"Turn on reminders now? [Y/n]: ": "n"}
            while time.monotonic() - start < COMMAND_WITHIN_S:
                if not select.select([person], [], [], 0.2)[0]:
                    continue
                try:
                    said += os.read(person, 4096)
                except OSError:  # on Linux: the command has closed the terminal
                    break
                for question in [each for each in answers if each in said]:
                    if (answer := answers.pop(question)) is not None:
                        os.write(person, answer.encode() + b"\n")
            else:
                command.send_signal(signal.SIGINT)
        os.close(person)
        self._note(what, command.returncode, said.decode(), start)

    def run(self, what: str, *words: str) -> None:
        """Run a command without a terminal."""
        start = time.monotonic()
        done = subprocess.run(
            [*HIPSYNC, "--db", str(self.database), *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, check=False, timeout=COMMAND_WITHIN_S,
        )  # fmt: skip
        self._note(what, done.returncode, done.stdout, start)

    def _note(self, what: str, status: int, said: str, start: float) -> None:
        bands: list[str] = []
        if self.database.exists():
            with closing(sqlite3.connect(self.database)) as db:
                bands = [name for (name,) in db.execute("SELECT name FROM bands")]
        self.told[what] = {
            "status": status,
            "said": said.replace("\r\n", "\n"),
            "bands": bands,
            "bonded": asyncio.run(bonded(self.address)),
            "seconds": round(time.monotonic() - start, 1),
        }
        print(what, json.dumps(self.told[what]), flush=True)


@contextmanager
def band(kind: str, *options: str, address: str = ADDRESS) -> Generator[None]:
    """Run a band during the block. It starts without a bond, because it keeps bonds only as long as it runs."""
    words = ["simulate", kind, "--transport", "vhci", "--address", address, *options]
    with subprocess.Popen([*HIPSYNC, *words], stdout=subprocess.PIPE, text=True) as served:
        try:
            if served.stdout is not None:
                served.stdout.readline()
            asyncio.run(adapter())
            yield
        finally:
            served.terminate()


async def held(bonding: Bonding) -> None:
    """Run commands while another program is connected to the band, which therefore does not advertise."""
    async with connect(SYSTEM_ADAPTER, OTHER_ADDRESS, timedelta(seconds=45)):
        await asyncio.to_thread(bonding.run, "held scan", "scan", "--seconds", "2", "--json")
        await asyncio.to_thread(bonding.run, "held sync", "sync")


async def adapter() -> None:
    """Return when BlueZ has switched the new adapter on. Raises `TimeoutError`."""
    async with asyncio.timeout(ADAPTER_WITHIN_S):
        while await why_unavailable(SYSTEM_ADAPTER) is not None:  # noqa: ASYNC110  it comes from another process
            await asyncio.sleep(0.2)


def main() -> None:
    bonding = Bonding(Path(tempfile.mkdtemp()) / "hipsync.db")
    with band("banglejs", "--passkey", PASSKEY):
        bonding.run("nobody", "pair", ADDRESS, "--name", "wrist")
        bonding.type("wrong", "pair", ADDRESS, "--name", "wrist", passkey="654321")
        bonding.type("right", "pair", ADDRESS, "--name", "wrist", passkey=PASSKEY)
        bonding.run("sync", "sync")
    with band("banglejs", "--passkey", PASSKEY):
        bonding.run("lost", "sync")
        bonding.type("again", "pair", ADDRESS, "--again", passkey=PASSKEY)
        bonding.run("healed", "sync")
    other = Bonding(Path(tempfile.mkdtemp()) / "hipsync.db", OTHER_ADDRESS)
    with band("fitpro", "--bond", address=OTHER_ADDRESS):
        asyncio.run(drop_bond(ADDRESS))
        other.run("just works", "pair", OTHER_ADDRESS, "--name", "other")
        other.run("just works sync", "sync")
        asyncio.run(held(other))
    watch = Bonding(Path(tempfile.mkdtemp()) / "hipsync.db", WATCH_ADDRESS)
    with band("garmin", "--passkey", PASSKEY, address=WATCH_ADDRESS):
        watch.type("watch", "pair", WATCH_ADDRESS, "--name", "watch", passkey=PASSKEY)
        watch.run("watch sync", "sync")
        watch.run("watch buzz", "bands", "buzz", "watch")
    print(json.dumps({**bonding.told, **other.told, **watch.told}))


if __name__ == "__main__":
    main()

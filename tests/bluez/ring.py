"""What runs inside the guest: hipsync's own commands, on BlueZ, against all bands of `bands.py` on one adapter.

    python -m bluez.ring MINUTES.csv KEY

prints how long each command took, and JSON at the end: what the commands printed, and what is in the database after
each. It judges nothing, and goes on after a failure.
"""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

from bluez.bands import Worn, address, bands, key_of
from hipsync.cli.app import system_now
from hipsync.driver import Advertisement
from hipsync.errors import HipsyncError
from hipsync.radio.connect import connect
from hipsync.radio.scan import SYSTEM_ADAPTER, find, why_unavailable
from hipsync.registry import drivers
from hipsync.store.keys import key_from_file

ADAPTER_WITHIN_S = 120
COMMAND_WITHIN_S = 240
WATCHED_S = 420
"""Seconds in which all live bands must have sent something new. Each is contacted two minutes after the last contact;
then one minute has to pass, and is sent 10 s after its end."""
ENDS_WITHIN_S = 60
HIPSYNC = [sys.executable, "-u", "-c", "from hipsync.__main__ import main; main()"]


class Attempts(logging.Handler):
    """Counts the attempts to connect that bleak_retry_connector logs."""

    count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += "Connection attempt" in record.msg


def run(database: Path, *words: str) -> dict[str, Any]:
    """Run a command, and return its seconds, its status and what it printed."""
    start = time.monotonic()
    try:
        done = subprocess.run(
            [*HIPSYNC, "--db", str(database), *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_WITHIN_S,
        )
        status, out, err = done.returncode, done.stdout, done.stderr
    except subprocess.TimeoutExpired:
        status, out, err = -1, "", f"not done after {COMMAND_WITHIN_S} s"
    told = {"s": round(time.monotonic() - start, 1), "status": status, "out": out, "err": err}
    print(*words, told["s"], f"status {status}", err if status else "", flush=True)
    return told


def stored(database: Path, name: str) -> dict[str, Any]:
    if not database.exists():
        return {}
    with closing(sqlite3.connect(database)) as db:
        if db.execute("SELECT 1 FROM bands WHERE name = ?", [name]).fetchone() is None:
            return {}
        own = "band = (SELECT id FROM bands WHERE name = ?) ORDER BY"
        return {
            "epochs": db.execute(f"SELECT start, length, steps FROM epochs WHERE {own} start", [name]).fetchall(),  # noqa: S608
            "counters": db.execute(f"SELECT at, steps FROM counters WHERE {own} at", [name]).fetchall(),  # noqa: S608
            "wears": db.execute(f"SELECT at, worn FROM wears WHERE {own} at", [name]).fetchall(),  # noqa: S608
        }


async def adapter() -> None:
    """Return when BlueZ has switched the new adapter on. Raises `TimeoutError`."""
    async with asyncio.timeout(ADAPTER_WITHIN_S):
        while await why_unavailable(SYSTEM_ADAPTER) is not None:  # noqa: ASYNC110  it comes from another process
            await asyncio.sleep(0.2)


async def connected(where: str) -> dict[str, Any]:
    """Return the seconds until the band is found, and from then until it is connected, and the attempts that took."""
    log, attempts = logging.getLogger("bleak_retry_connector"), Attempts()
    log.setLevel(logging.DEBUG)
    log.handlers = [attempts]
    log.propagate = False
    start = time.monotonic()
    try:
        found = await find(SYSTEM_ADAPTER, where, timedelta(seconds=60))
        seen_at = time.monotonic()
        async with connect(SYSTEM_ADAPTER, found or where, timedelta(seconds=90)):
            connect_s = round(time.monotonic() - seen_at, 2)
    except HipsyncError as error:
        return {"error": str(error)}
    return {"found_s": round(seen_at - start, 2), "connect_s": connect_s, "attempts": attempts.count}


def one(name: str, worn: Worn, folder: Path, key: bytes, advertised: str) -> dict[str, Any]:
    driver = drivers()[worn.kind]
    database = folder / ("live.db" if driver.abilities.history is None else "memory.db")
    given = driver.secret(Advertisement(name=advertised)) == "given"
    told: dict[str, Any] = {"link": asyncio.run(connected(address(name)))}
    key_file = folder / f"{name}.key"
    key_file.write_text(key_of(key, name).hex())
    key_file.chmod(0o600)
    with_key = ("--key-file", str(key_file)) if given else ()
    told["pair"] = run(database, "pair", address(name), "--name", name, *with_key)
    for what, words in {"sync": ("sync", name), "again": ("sync", name), "buzz": ("bands", "buzz", name)}.items():
        told[what] = run(database, *words)
        told[what] |= {"stored": stored(database, name), "at": system_now().timestamp()}
    return told


def watched(database: Path) -> str:
    """Run `hipsync run` until every live band has sent something new, and return what it logged."""
    before = {name: stored(database, name) for name in bands()}
    waiting = {name for name, told in before.items() if told}
    end = time.monotonic() + WATCHED_S
    with subprocess.Popen([*HIPSYNC, "--db", str(database), "run"], stderr=subprocess.PIPE, text=True) as service:
        while waiting and time.monotonic() < end:
            time.sleep(5)
            for name in sorted(waiting):
                now, kinds = stored(database, name), ["epochs"] if bands()[name].paces else ["counters", "wears"]
                if any(len(now[kind]) > len(before[name][kind]) for kind in kinds):
                    waiting.discard(name)
                    print(name, "told", round(WATCHED_S - end + time.monotonic()), flush=True)
        service.send_signal(signal.SIGINT)
        try:
            return service.communicate(timeout=ENDS_WITHIN_S)[1]
        except subprocess.TimeoutExpired:
            service.kill()
            return "hipsync run did not end"


def main(minutes: str, key_file: str) -> None:
    folder = Path(tempfile.mkdtemp())
    served = [sys.executable, "-u", "-m", "bluez.bands", minutes, key_file]
    key, _ = key_from_file(Path(key_file))
    with subprocess.Popen(served, stdout=subprocess.PIPE, text=True) as air:
        try:
            start = time.monotonic()
            assert air.stdout is not None
            air.stdout.readline()
            asyncio.run(adapter())
            print("adapter", round(time.monotonic() - start, 1), flush=True)
            scan = run(folder / "none.db", "scan", "--seconds", "5", "--json")
            read = run(folder / "none.db", "scan", "--seconds", "5")
            names = {each["address"]: each["name"] for each in json.loads(scan["out"])["devices"]}
            told = {
                name: one(name, worn, folder, key, names.get(address(name)) or "") for name, worn in bands().items()
            }
            log = watched(folder / "live.db")
            for name, each in told.items():
                each["watched"] = stored(folder / "live.db", name)
        finally:
            air.terminate()  # otherwise the end of the block waits for it
        shown = [said.rstrip() for said in air.stdout or ()]
    print(json.dumps({"scan": scan, "read": read, "bands": told, "shown": shown, "run": log}))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""What runs inside the guest: `hipsync run` for half an hour, while Bluetooth breaks under it.

    python -m bluez.faults KEY

There is a band with a memory of three weeks, which hipsync has it erase, and a live one that stays connected. During
one transfer `bluetoothd` is killed and started again. During another the adapter is unplugged and plugged in. Then
both bands are out of reach for ten minutes. It prints what happens, and JSON at the end. It judges nothing.

    python -m bluez.faults --air KEY NOW

serves the bands, and obeys `unplug`, `plug`, `leave` and `return` on its standard input.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bluez.ring import HIPSYNC, adapter, stored
from hipsync.cli.app import system_now
from hipsync.model import MINUTE, Epoch
from hipsync.office_day import office_days
from hipsync.store import Store
from hipsync.store.keys import KeyFile, key_from_file

ADDRESSES = {"memory": "C8:0F:10:80:D0:21", "live": "C8:0F:10:80:D0:22"}
DAYS = 21
FUTURE = 120
"""Minutes of walking after the start, so that every minute of the test has steps."""
KILLED_S, UNPLUGGED_S, AWAY_S = 20, 20, 600
RECOVERED_WITHIN_S = 300
BLUETOOTHD = ["/usr/libexec/bluetooth/bluetoothd", "--nodetach"]
LOOK_S = 0.2
SOME = 600
"""A transfer is under way once more than this many minutes are stored."""


def life(now: datetime) -> list[Epoch]:
    """Return three weeks at an office up to `now`, and then steps in every minute."""
    days = office_days(now.date() - timedelta(days=DAYS), DAYS + 1, ZoneInfo("UTC"))
    past = [epoch for epoch in days if epoch.end <= now]
    return past + [Epoch(past[-1].end + i * MINUTE, MINUTE, 40 + i % 7, 90, 90) for i in range(FUTURE)]


# ------------------------------------------------------------------ the air


async def air(key: bytes, now: datetime) -> None:
    from bumble import hci
    from bumble.transport import open_transport

    from hipsync.radio.simulation.air import Air
    from hipsync.radio.simulation.lean import make_lean
    from hipsync.radio.simulation.peripheral import on_the_air
    from hipsync.registry import simulator

    make_lean()
    zone, walked, above = ZoneInfo("UTC"), life(now), Air()
    async with AsyncExitStack() as stack:
        for name, kind in (("memory", "huami"), ("live", "infinitime")):
            band = simulator(kind)(walked, now=system_now(), zone=zone, secret=key)
            own = above.band_controller(ADDRESSES[name])
            await stack.enter_async_context(
                on_the_air(band, own, own, address=ADDRESSES[name], mtu=247, now=system_now)
            )
        plugged = AsyncExitStack()

        async def plug() -> None:
            opened = await open_transport("vhci")
            plugged.push_async_callback(opened.close)
            controller = above.adapter_controller("vhci")
            controller.public_address = hci.Address("00:16:A4:5A:40:F2", hci.Address.PUBLIC_DEVICE_ADDRESS)
            plugged.callback(above.take_off, controller)
            controller.set_packet_sink(opened.sink)
            opened.source.set_packet_sink(controller)

        await plug()
        print("ready", flush=True)
        while word := (await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)).strip():
            match word:
                case "unplug":
                    await plugged.aclose()
                case "plug":
                    await plug()
                case "leave" | "return":
                    for where in ADDRESSES.values():
                        reception = above.reception(where)
                        (reception.leave if word == "leave" else reception.come_back)()
                case _:
                    sys.exit(f"no such word: {word}")
            print(word, flush=True)
        await plugged.aclose()


# ------------------------------------------------------------------ the story


class Story:
    def __init__(self, folder: Path, key: bytes) -> None:
        self.database = folder / "hipsync.db"
        self.config = folder / "config.toml"
        self.config.write_text('[sync]\nerase = true\n[prompts]\nhours = { mon-sun = "00:00-24:00" }\n')
        self.config.chmod(0o600)
        KeyFile(self.database.with_name("keys.json")).set("memory", key)
        with Store.open(self.database) as store:
            for name, kind in (("memory", "huami"), ("live", "infinitime")):
                shown = "Mi Smart Band 5" if kind == "huami" else "InfiniTime"
                store.add_band(
                    name=name, driver=kind, address=ADDRESSES[name], advertised_name=shown,
                    now=system_now(), vouches=True, reports_wear=kind == "huami",
                )  # fmt: skip
        self.faults: dict[str, dict[str, Any]] = {}

    def hipsync(self, *words: str) -> subprocess.Popen[str]:
        command = [*HIPSYNC, "--db", str(self.database), "--config", str(self.config), *words]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def status(self) -> dict[str, Any]:
        said, _ = self.hipsync("status", "--json").communicate(timeout=60)
        return dict(json.loads(said))

    def minutes(self) -> int:
        return len(stored(self.database, "memory")["epochs"])

    def heard(self) -> int:
        """Return when the live band was last heard, in seconds since 1970; 0 if it never was."""
        counters = stored(self.database, "live")["counters"]
        return counters[-1][0] if counters else 0

    def reached(self) -> int:
        """Return when the band with a memory was last synced without an error, in seconds since 1970; 0 if never."""
        with closing(sqlite3.connect(self.database)) as db:
            ((at,),) = db.execute(
                "SELECT max(ended) FROM syncs JOIN bands ON bands.id = band WHERE name = 'memory' AND error IS NULL"
            ).fetchall()
        return at or 0

    def asked_for(self, leave: Callable[[], None]) -> None:
        """Take the bands away, then sync the one with a memory, because otherwise nobody would miss it."""
        leave()
        self.hipsync("sync", "memory").communicate(timeout=300)

    def until(self, what: Callable[[], bool], within_s: float) -> float | None:
        """Return the seconds until `what` is true; None if it does not become so within `within_s`."""
        start = time.monotonic()
        while time.monotonic() - start < within_s:
            if what():
                return round(time.monotonic() - start, 1)
            time.sleep(LOOK_S)
        return None

    def fault(
        self,
        name: str,
        begin: Callable[[], None],
        lasts_s: float,
        end: Callable[[], None],
        back: Callable[[float], bool],
    ) -> None:
        """Cause a fault, end it, record when `status` shows it, when the live band is heard, and the other `back`."""
        began = time.monotonic()
        begin()
        told: dict[str, tuple[float, str]] = {}

        def noticed() -> bool:
            for band in self.status()["bands"]:
                if band["failures"] and band["name"] not in told:
                    told[band["name"]] = (round(time.monotonic() - began, 1), band["trouble"])
            return len(told) == len(ADDRESSES)

        self.until(noticed, lasts_s)
        time.sleep(max(lasts_s - (time.monotonic() - began), 0))
        end()
        ended, instant = time.monotonic(), system_now().timestamp()
        recovered: dict[str, float] = {}

        def again() -> bool:
            for band, came in (("live", self.heard() > instant), ("memory", back(instant))):
                if came and band not in recovered:
                    recovered[band] = round(time.monotonic() - ended, 1)
            return len(recovered) == len(ADDRESSES)

        self.until(again, RECOVERED_WITHIN_S)
        self.faults[name] = {"noticed": told, "recovered": {band: recovered.get(band) for band in ADDRESSES}}
        print(name, json.dumps(self.faults[name]), flush=True)


def kill_bluetoothd() -> None:
    pids = subprocess.run(["pidof", "bluetoothd"], capture_output=True, text=True, check=True).stdout.split()
    for pid in pids:
        os.kill(int(pid), signal.SIGKILL)


def start_bluetoothd() -> None:
    subprocess.Popen(BLUETOOTHD, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    asyncio.run(adapter())


def main(key_file: str) -> None:
    key, _ = key_from_file(Path(key_file))
    now = system_now()
    folder = Path(tempfile.mkdtemp())
    held = [sys.executable, "-u", "-m", "bluez.faults", "--air", key_file, now.isoformat()]
    with subprocess.Popen(held, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as bands:

        def do(word: str) -> None:
            assert bands.stdin is not None
            assert bands.stdout is not None
            bands.stdin.write(f"{word}\n")
            bands.stdin.flush()
            assert bands.stdout.readline() == f"{word}\n"

        assert bands.stdout is not None
        bands.stdout.readline()
        asyncio.run(adapter())
        story, log = Story(folder, key), (folder / "log").open("w")
        command = [*HIPSYNC, "--db", str(story.database), "--config", str(story.config), "run"]
        with subprocess.Popen(command, stdout=log, stderr=log) as service:
            try:
                print("under way after", story.until(lambda: story.minutes() > SOME, 240), flush=True)
                before = story.minutes()
                story.fault(
                    "bluetoothd killed", kill_bluetoothd, KILLED_S, start_bluetoothd,
                    lambda _: story.minutes() > before + SOME,  # the transfer has begun again
                )  # fmt: skip
                again = story.minutes()
                story.fault(
                    "adapter pulled out", lambda: do("unplug"), UNPLUGGED_S, lambda: do("plug"),
                    lambda instant: story.reached() > instant,
                )  # fmt: skip
                story.fault(
                    "out of reach", lambda: story.asked_for(lambda: do("leave")), AWAY_S, lambda: do("return"),
                    lambda instant: story.reached() > instant,
                )  # fmt: skip
                last, _ = story.hipsync("sync", "memory").communicate(timeout=300)
                alive = service.poll() is None
            finally:
                service.send_signal(signal.SIGINT)
                service.wait(60)
                print((folder / "log").read_text(), flush=True)
                bands.terminate()
    told = {
        "now": now.isoformat(), "before": [before, again], "faults": story.faults, "alive": alive, "said": last,
        "ended": system_now().timestamp(), **{name: stored(story.database, name) for name in ADDRESSES},
    }  # fmt: skip
    print(json.dumps(told))


def run(words: Sequence[str]) -> None:
    match words:
        case ["--air", key_file, now]:
            asyncio.run(air(key_from_file(Path(key_file))[0], datetime.fromisoformat(now)))
        case [key_file]:
            main(key_file)
        case _:
            sys.exit("usage: python -m bluez.faults KEY")


if __name__ == "__main__":
    run(sys.argv[1:])

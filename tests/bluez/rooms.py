"""What runs inside the guest: bands at BlueZ's adapter and bands by a proxy in another room, with hipsync's commands.

    python -m bluez.rooms

The proxy is the stand-in of `support/proxy.py`, encrypted, at the guest's loopback. One band is in reach of the adapter
alone, one of the proxy alone, and one of both, of the proxy more strongly. It prints JSON at the end, and judges
nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bluez.ring import adapter, run, stored
from hipsync.cli.app import system_now
from hipsync.errors import HipsyncError
from hipsync.office_day import office_days
from hipsync.radio.bleak_radio import BleakRadio
from hipsync.radio.opened import opened, radio_settings
from hipsync.radio.simulation import serve, simulated_radio
from hipsync.registry import simulator
from hipsync.settings.file import load
from hipsync.simulated import SimulatedBand
from hipsync.store import Store
from support.proxy import KEY, stand_in

BANDS = {"desk": "lefun", "attic": "colmi", "stairs": "banglejs"}
"""The kind of each band, by the room where it is; none of them has a key."""
ADDRESSES = {name: f"C8:0F:10:80:D0:{number:02X}" for number, name in enumerate(BANDS, 0x31)}
MET_WITHIN_S = 90.0


def made(name: str) -> SimulatedBand:
    now = system_now()
    life = office_days(now.date() - timedelta(days=3), 5, ZoneInfo("UTC"))  # three whole days at any hour
    return simulator(BANDS[name])(life, now=now, zone=ZoneInfo("UTC"))


@contextlib.asynccontextmanager
async def house(folder: Path) -> AsyncGenerator[None]:
    """All bands and the proxy, and the settings and the key in files of this folder."""
    downstairs, upstairs = ("desk", "stairs"), ("attic", "stairs")
    async with (
        serve([made(name) for name in downstairs], "vhci", system_now, addresses=[ADDRESSES[n] for n in downstairs]),
        simulated_radio(
            [made(name) for name in upstairs], now=system_now, addresses=[ADDRESSES[n] for n in upstairs]
        ) as air,
        stand_in(air.air, 1, "attic") as proxy,
    ):
        proxy.key, proxy.nearer_db = KEY, 20
        key, config = folder / "attic.key", folder / "config.toml"
        key.write_text(KEY)
        config.write_text(
            f'[[radio.proxies]]\nhost = "127.0.0.1"\nname = "attic"\nport = {proxy.port}\nkey_file = "{key}"\n'
        )
        for each in (key, config):
            each.chmod(0o600)
        print("ready", flush=True)
        yield


async def met(database: Path, config: Path) -> dict[str, Any]:
    """Connect to the band at the desk and to the one in the attic at once, and say how."""
    with Store.read(database) as store:
        bands = {band.name: band for band in store.bands()}
    async with opened(radio_settings(load(config))) as radio:
        service, both, free = BleakRadio(radio), asyncio.Barrier(2), dict[str, int]()

        async def visit(name: str) -> None:
            async with service.reach(bands[name]):
                await both.wait()
                free[name] = radio.facts()[0].free

        start = time.monotonic()
        try:
            async with asyncio.timeout(MET_WITHIN_S):
                await asyncio.gather(visit("desk"), visit("attic"))
        except (HipsyncError, TimeoutError) as error:
            return {"error": repr(error)}
        return {"s": round(time.monotonic() - start, 1), "free": free, "facts": radio.facts()[0]._asdict()}


def commands(folder: Path) -> dict[str, Any]:
    """What hipsync's commands say, with these settings and without."""
    database, config = folder / "hipsync.db", ("--config", str(folder / "config.toml"))
    told: dict[str, Any] = {
        "without": run(folder / "none.db", "scan", "--seconds", "5", "--json"),
        "scan": run(folder / "none.db", *config, "scan", "--seconds", "5", "--json"),
        "shown": run(folder / "none.db", *config, "scan", "--seconds", "5"),
        "bands": {},
    }
    for name in BANDS:
        pair = run(database, *config, "pair", ADDRESSES[name], "--name", name)
        sync = run(database, *config, "sync", name)
        told["bands"][name] = {"pair": pair, "sync": sync, "stored": stored(database, name)}
    told["doctor"] = run(database, *config, "doctor", "--json")
    told["met"] = asyncio.run(met(database, folder / "config.toml"))
    print("met", told["met"], flush=True)
    return told


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    os.environ["XDG_RUNTIME_DIR"] = str(folder)
    served = [sys.executable, "-u", "-m", "bluez.rooms", str(folder)]
    with subprocess.Popen(served, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            asyncio.run(adapter())
            told = commands(folder)
        finally:
            process.terminate()
    print(json.dumps(told))


async def serve_all(folder: Path) -> None:
    async with house(folder):
        await asyncio.Event().wait()


if __name__ == "__main__":
    if sys.argv[1:]:
        asyncio.run(serve_all(Path(sys.argv[1])))
    else:
        main()

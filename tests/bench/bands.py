"""Fifty simulated bands of all families in one process: a sync of the day each, by the service over GATT.

First Bleak connects to every band and disconnects again: that shows what the simulated bands and their Bluetooth stack
take alone. Then the service talks to each, and keeps all the conversations open. Memory is the peak of what was
resident, in a separate process, so that nothing else has added to it. Raises `AssertionError` if a band that reports
steps did not report those of its wearer.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from zoneinfo import ZoneInfo

from bleak import BleakClient

from bench.child import A_MIB
from bench.figure import Figure
from hipsync.core.exercises import Move
from hipsync.driver import Driver
from hipsync.host.clock import FastClock
from hipsync.model import Band, Epoch, Prompt, Where
from hipsync.office_day import office_day
from hipsync.radio.bleak_radio import BleakRadio
from hipsync.radio.scan import find
from hipsync.radio.simulation import SimulatedRadio, simulated_radio
from hipsync.registry import drivers, simulator
from hipsync.service.service import Service
from hipsync.service.state import settings_of
from hipsync.settings.config import Config
from hipsync.simulated import SimulatedBand
from hipsync.store import Store
from hipsync.testing.direct import run

BANDS = 50
GROWS_MIB = 0.5
"""The most MiB a band that the service may add to what the simulated bands take."""
KEY = bytes(range(16))
ZONE = ZoneInfo("UTC")
MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)
EVENING = MIDNIGHT + timedelta(hours=23, minutes=30)
WITHIN = timedelta(seconds=30)


def figures(folder: Path, bands: int = BANDS) -> list[Figure]:
    command = [sys.executable, "-m", "bench.bands", str(folder / "bands.db"), str(bands)]
    found = json.loads(
        subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1]).stdout
    )
    return [
        Figure(f"bands: {bands} of {found['families']} families, a day each", found["wall_s"], "s"),
        Figure("bands: the same, CPU", found["cpu_s"], "s"),
        Figure("bands: the simulated bands by themselves, resident", found["alone_mib"], "MiB"),
        Figure("bands: with the service and its store, resident", found["synced_mib"], "MiB"),
        Figure("bands: grown by, a band", found["grown_mib"] / bands, "MiB", aim=GROWS_MIB),
    ]


async def synced(clock: FastClock, path: Path, bands: int) -> dict[str, float]:
    """Sync a day from `bands` bands, and return seconds and MiB by name; `figures` names them."""
    known = drivers()
    life = tuple(office_day(MIDNIGHT.date(), ZONE, seed=1))
    kinds = [key for key, _ in zip(cycle(sorted(known)), range(bands), strict=False)]
    made = [simulator(key)(life, now=clock.now(), zone=ZONE, secret=KEY) for key in kinds]
    with Store.open(path) as store:
        async with simulated_radio(made, now=clock.now) as air:
            await connected_to_all(air)
            alone_mib = most_resident_mib()
            cpu_s, wall_s = time.process_time(), time.perf_counter()
            held = [
                _added(store, known[key], band, air.addresses[number], clock.now())
                for number, (key, band) in enumerate(zip(kinds, made, strict=True))
            ]
            service = Service(
                store,
                settings_of(Config(), ZONE.key),
                radio=BleakRadio(air.adapter),
                drivers=known,
                secret=lambda _: KEY,
                deliver=_nowhere,
                now=clock.now,
            )
            async with AsyncExitStack() as stack:
                for band in held:
                    await stack.enter_async_context(service.connector.talk(band))
                cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - wall_s
                synced_mib = most_resident_mib()
        for band in held:
            _compare(store, band, known[band.driver], life, clock.now())
    return {
        "families": len(set(kinds)),
        "wall_s": wall_s,
        "cpu_s": cpu_s,
        "alone_mib": alone_mib,
        "synced_mib": synced_mib,
        "grown_mib": synced_mib - alone_mib,
    }


async def connected_to_all(air: SimulatedRadio) -> None:
    """Connect to all bands at once by Bleak alone, then disconnect."""
    async with AsyncExitStack() as stack:
        for address in air.addresses:
            seen = await find(air.adapter, address, WITHIN)
            if seen is None:
                raise AssertionError(f"{address} does not advertise")
            await stack.enter_async_context(BleakClient(seen.bleak_device, backend=air.adapter.client))


def _added(store: Store, driver: Driver, band: SimulatedBand, address: str, now: datetime) -> Band:
    able, name = driver.abilities, band.advertisement().name or driver.key
    return store.add_band(
        name=f"{name} {address[-2:]}",
        driver=driver.key,
        address=address,
        advertised_name=name,
        simulated=True,
        vouches=able.wear,
        reports_wear=able.wear,
        now=now,
    )


async def _nowhere(prompt: Prompt, move: Move, strong: bool) -> Sequence[Where]:
    return []


def _compare(store: Store, band: Band, driver: Driver, life: Sequence[Epoch], now: datetime) -> None:
    """Raise `AssertionError` unless the steps of the day up to the sync are stored, as epochs or as a counter.

    A sensor that has neither must only have been synced without an error.
    """
    epochs = store.epochs(band.id, MIDNIGHT, now)
    counters = store.counters(band.id, MIDNIGHT, now)
    syncs = store.syncs(band.id)
    if [sync.error for sync in syncs] != [None]:
        raise AssertionError(f"{band.name} was not synced: {syncs}")
    if not epochs and not counters and driver.abilities.history is None:
        return
    until = epochs[-1].end if epochs else counters[-1].at
    told = sum(epoch.steps for epoch in epochs) if epochs else counters[-1].steps
    walked = sum(epoch.steps for epoch in life if epoch.end <= until)
    late = syncs[0].started - until
    if told != walked or late > (epochs[-1].length if epochs else timedelta(minutes=1)):
        raise AssertionError(f"{band.name} told {told} steps until {until}, and its wearer walked {walked}")


def most_resident_mib() -> float:
    """How much memory this process had at most; not what the one that started it had, which getrusage(2) would keep."""
    if sys.platform != "linux":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / A_MIB
    status = Path("/proc/self/status").read_text("ascii")
    return next(int(line.split()[1]) / 2**10 for line in status.splitlines() if line.startswith("VmHWM"))


def main(path: str, bands: str) -> None:
    print(json.dumps(run(lambda clock: synced(clock, Path(path), int(bands)), EVENING)))


if __name__ == "__main__":
    main(*sys.argv[1:])

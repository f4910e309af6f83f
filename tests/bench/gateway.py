"""A day of fifty wearers on one gateway: simulated bands of all families in one process, on a clock that does not wait.

    uv run python -m bench.gateway FILE [BANDS]         FILE is a new database; 50 bands by default

Each band has a wearer of its own. The gateway runs for a day and `MORE`, so that the bands that are contacted now and
then have told all of the day. Memory is what is resident at the end, without garbage, beyond what the simulated bands
and their Bluetooth stack took once each was connected to; CPU is that of everything, simulated bands and their stack
included. Raises `AssertionError` if what a band told is not what its wearer walked, or if a prompt is stored.
"""

from __future__ import annotations

import ctypes
import gc
import json
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from itertools import cycle
from pathlib import Path

from bench.bands import BANDS, KEY, MIDNIGHT, ZONE, connected_to_all
from hipsync.conversation.session import Connection
from hipsync.host.clock import FastClock
from hipsync.model import MINUTE, Band, Epoch
from hipsync.office_day import office_days
from hipsync.radio.bleak_radio import BleakRadio
from hipsync.radio.simulation import simulated_radio
from hipsync.registry import drivers, simulator
from hipsync.service.gateway import Gateway
from hipsync.service.state import settings_of
from hipsync.settings.config import Config
from hipsync.store import Store
from hipsync.testing.direct import run

DAY_END = MIDNIGHT + timedelta(days=1)
MORE = timedelta(hours=4, minutes=30)
Life = Sequence[Epoch]


class Counted:
    """A radio that counts the contacts with each band."""

    def __init__(self, radio: BleakRadio) -> None:
        self._radio = radio
        self.contacts: dict[str, int] = {}

    def reach(self, band: Band) -> AbstractAsyncContextManager[Connection]:
        self.contacts[band.name] = self.contacts.get(band.name, 0) + 1
        return self._radio.reach(band)


def lives(bands: int) -> list[Life]:
    """The minutes of each wearer on the day and the next."""
    return [tuple(office_days(MIDNIGHT.date(), 2, ZONE, seed)) for seed in range(1, bands + 1)]


async def lived(clock: FastClock, path: Path, bands: int) -> dict[str, object]:
    """Let a gateway collect for a day and `MORE`; return contacts by band, seconds and MiB."""
    known = drivers()
    kinds = [key for key, _ in zip(cycle(sorted(known)), range(bands), strict=False)]
    life = lives(bands)
    made = [simulator(key)(each, now=clock.now(), zone=ZONE, secret=KEY) for key, each in zip(kinds, life, strict=True)]
    with Store.open(path) as store:
        async with simulated_radio(made, now=clock.now) as air:
            await connected_to_all(air)
            alone_mib, cpu_s = resident_mib(), time.process_time()
            for number, (key, band) in enumerate(zip(kinds, made, strict=True)):
                able = known[key].abilities
                store.add_band(
                    name=f"{number:02} {key}", driver=key, address=air.addresses[number], now=clock.now(),
                    advertised_name=band.advertisement().name or "", vouches=able.wear, reports_wear=able.wear,
                )  # fmt: skip
            radio = Counted(BleakRadio(air.adapter))
            gateway = Gateway(
                store, settings_of(Config(), ZONE.key), radio=radio, drivers=known, secret=lambda _: KEY, now=clock.now
            )
            await _run(gateway, clock)
            cpu_s, grown_mib = time.process_time() - cpu_s, resident_mib() - alone_mib
        if store.prompts(MIDNIGHT - timedelta(days=400), DAY_END + timedelta(days=400)):
            raise AssertionError("a gateway stored a prompt")
        for one, each in zip(store.bands(), life, strict=True):
            compare(store, one, each)
        live = [each.band.name for each in gateway.contacts(clock.now()) if each.live]
    return {"contacts": radio.contacts, "live": live, "cpu_s": cpu_s, "alone_mib": alone_mib, "grown_mib": grown_mib}


async def _run(gateway: Gateway, clock: FastClock) -> None:
    """Wake a gateway whenever it asks for it, as `hipsync gateway run` does."""
    gateway.live.attend()
    try:
        while clock.now() < DAY_END + MORE:
            await gateway.wake(clock.now())
            due, _ = gateway.look(clock.now())
            await clock.sleep_until(min(max(due, clock.now() + timedelta(seconds=1)), DAY_END + MORE))
    finally:
        await gateway.leave()


def resident_mib() -> float:
    """MiB of this process that are resident now, without garbage."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def compare(store: Store, band: Band, life: Life) -> None:
    """Raise `AssertionError` unless what a band told of the day is what its wearer did, slot for slot.

    A band that keeps slots must have told each of them, and one that only counts its count at the day's end. A sensor
    that does neither must only have been heard without an error.
    """
    walked = {epoch.start: epoch.steps for epoch in life}
    epochs = [each for each in store.epochs(band.id, MIDNIGHT, DAY_END) if each.start >= MIDNIGHT]
    counters = [each for each in store.counters(band.id, MIDNIGHT, DAY_END) if MIDNIGHT <= each.at < DAY_END]
    errors = [sync.error for sync in store.syncs(band.id) if sync.error is not None]
    if errors:
        raise AssertionError(f"{band.name}: {errors}")
    for each in epochs:
        true = sum(walked.get(each.start + n * MINUTE, 0) for n in range(each.length // MINUTE))
        if each.steps != true:
            raise AssertionError(f"{band.name} told {each.steps} steps of {each.start}, and there were {true}")
    told = sum(each.steps for each in epochs) if epochs else counters[-1].steps if counters else None
    until = DAY_END if epochs else counters[-1].at if counters else None
    if until is None and drivers()[band.driver].abilities.history is None:
        return
    if told != _sum(walked, until) or (until is not None and DAY_END - until > 2 * MINUTE):
        raise AssertionError(f"{band.name} told {told} steps until {until}, and there were {_sum(walked, until)}")


def _sum(walked: Mapping[datetime, int], until: datetime | None) -> int:
    return sum(steps for start, steps in walked.items() if until is not None and start < until)


def main(path: str, bands: str = str(BANDS)) -> None:
    print(json.dumps(run(lambda clock: lived(clock, Path(path), int(bands)), MIDNIGHT)))


if __name__ == "__main__":
    main(*sys.argv[1:])

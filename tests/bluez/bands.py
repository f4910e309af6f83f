"""The bands of the BlueZ test: one of every registered kind, and others of their families that behave differently.

    python -m bluez.bands MINUTES.csv KEY

puts them all in reach of one adapter, at `/dev/vhci`, and prints `ready`, then what their wearers see or feel.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from hipsync.cli.app import system_now
from hipsync.demo import minutes_of_file
from hipsync.driver import Advertisement
from hipsync.registry import drivers, simulator
from hipsync.simulated import Simulator
from hipsync.store.keys import key_from_file
from hipsync_devices.huami.sim import MiBand
from hipsync_devices.huami.sim_2021 import MiBand7
from hipsync_devices.huami.sim_zepp import ActiveMax
from hipsync_devices.sig.sim import Sensor

LOOK_S = 0.2


@dataclass(frozen=True, slots=True)
class Worn:
    """A kind of band, its simulator, and how it differs from what its driver says of the family."""

    kind: str
    maker: Simulator
    buzzes: bool = True
    texts: bool = True
    paces: bool = False
    """Whether it stores and counts nothing and only sends the wearer's pace, from which hipsync makes minutes."""


class NotReachable(MiBand):
    """A watch in reach that speaks over classic Bluetooth alone; only its advertisement is looked at."""

    def advertisement(self) -> Advertisement:
        return Advertisement(name="HUAWEI WATCH GT 4-A1B")


NOT_REACHABLE = "C8:0F:10:80:D0:20"
"""The address of such a watch, which stands in no table of bands."""


def bands() -> Mapping[str, Worn]:
    """Return the bands by the names that they get in this test, in the order of their addresses."""
    known = drivers()
    worn = {kind: Worn(kind, simulator(kind), texts=known[kind].abilities.text) for kind in sorted(known)}
    return worn | {
        "sig": Worn("sig", simulator("sig"), texts=False, paces=True),
        "huami-7": Worn("huami", MiBand7, texts=False),
        "huami-zepp": Worn("huami", ActiveMax, texts=False),
        "sig-strap": Worn("sig", partial(Sensor, kind="strap"), buzzes=False, texts=False),
        "sig-pod": Worn("sig", partial(Sensor, kind="pod"), buzzes=False, texts=False, paces=True),
    }


def address(name: str) -> str:
    return f"C8:0F:10:80:D0:{list(bands()).index(name) + 0x21:02X}"


def _key(key: bytes, name: str) -> bytes | None:
    """Return the key that a band has already; None for one of a family whose secret is born at the pairing."""
    worn = bands()[name]
    unpaired = worn.maker([], now=system_now(), zone=ZoneInfo("UTC"))
    return key_of(key, name) if drivers()[worn.kind].secret(unpaired.advertisement()) != "none" else None


def key_of(key: bytes, name: str) -> bytes:
    """Return the key of one band. Each has its own, as real ones do, because hipsync recognises a band by its key."""
    return hashlib.sha256(key + name.encode()).digest()[: len(key)]


async def on_the_air(minutes: Path, key_file: Path) -> None:
    from hipsync.radio.simulation import serve

    life = [epoch._replace(heart_rate=70) for epoch in minutes_of_file(minutes)]
    key, _ = key_from_file(key_file)
    zone, now = ZoneInfo("UTC"), system_now()
    made = {name: worn.maker(life, now=now, zone=zone, secret=_key(key, name)) for name, worn in bands().items()}
    on_air = [*made.values(), NotReachable(life[:1], now=now, zone=zone)]
    addresses = [*(address(name) for name in made), NOT_REACHABLE]
    async with serve(on_air, "vhci", system_now, addresses=addresses):
        print("ready", flush=True)
        told = dict.fromkeys(made, 0)
        while True:
            for name, band in made.items():
                for shown in band.shown[told[name] :]:
                    text = (shown.text or "it buzzes").replace("\n", " ")
                    print(f"{name}: {text}", flush=True)
                told[name] = len(band.shown)
            await asyncio.sleep(LOOK_S)


if __name__ == "__main__":
    asyncio.run(on_the_air(Path(sys.argv[1]), Path(sys.argv[2])))

"""A family to copy, for a band that nobody makes. It is never registered; `docs/adding-a-band.md` says how to copy it.

The band stores its steps in slots of ten minutes, reports its total of the day while it is connected, and buzzes.
"""

from __future__ import annotations

from hipsync.driver import Abilities, Advertisement, Driver
from hipsync_devices._blueprint import packets, protocol


def _matches(advertisement: Advertisement) -> bool:
    return packets.SERVICE in advertisement.services


DRIVER = Driver(
    key="_blueprint",
    label="Blueprint",
    abilities=Abilities(history=packets.SLOT, live=True, buzz=True, battery=True),
    advice="It needs no key.",
    secret=lambda _: "none",
    matches=_matches,
    needs=protocol.NEEDS,
    open=protocol.opened,
    sync=protocol.sync,
    watch=protocol.watch,
    nudge=protocol.nudge,
)

"""The PineTime watch with its firmware InfiniTime: a live step counter and a screen, but no stored steps."""

from __future__ import annotations

from hipsync.driver import Abilities, Advertisement, Driver
from hipsync_devices.infinitime import protocol
from hipsync_devices.infinitime.gadgetbridge import TABLES

NAMES = frozenset({"InfiniTime", "Pinetime-JF", "PineTime"})
"""The names of the watch: today's, that of the first builds, and that with other firmware, whose owner is told to
update. The watch does not advertise its step service, and other gadgets have its service for firmware updates too."""


def _matches(advertisement: Advertisement) -> bool:
    return advertisement.name in NAMES


DRIVER = Driver(
    key="infinitime",
    label="PineTime with InfiniTime",
    abilities=Abilities(live=True, buzz=True, text=True, answers=True, battery=True),
    secret=lambda _: "none",
    matches=_matches,
    needs=protocol.NEEDS,
    open=protocol.opened,
    sync=protocol.sync,
    watch=protocol.watch,
    nudge=protocol.nudge,
    advice="It needs neither a key nor a bond: leave it out of the system's Bluetooth settings, for the watch may "
    "forget a bond when it restarts.",
    gadgetbridge=TABLES,
)

"""Devices with the Bluetooth SIG's own services: chest straps, foot pods, and watches that broadcast."""

from __future__ import annotations

from hipsync.driver import Abilities, Advertisement, Driver
from hipsync_devices import gatt
from hipsync_devices.sig import protocol
from hipsync_devices.sig.packets import RUNNING

MEASURING = frozenset({gatt.HEART_RATE, RUNNING})


def _matches(advertisement: Advertisement) -> bool:
    return not MEASURING.isdisjoint(advertisement.services)


DRIVER = Driver(
    key="sig",
    label="Heart rate strap, foot pod or other standard sensor",
    abilities=Abilities(live=True, buzz=True, battery=True, wear=True, heart_rate=True),
    secret=lambda _: "none",
    matches=_matches,
    needs=protocol.NEEDS,
    open=protocol.opened,
    watch=protocol.watch,
    nudge=protocol.nudge,
    advice="Wear it: many sensors are awake only while they measure. A watch has to broadcast its heart rate.",
    generic=True,
)

"""Devices with the Bluetooth SIG's own services: chest straps, foot pods, and watches that broadcast."""

from __future__ import annotations

from hipsync.driver import Abilities, Advertisement, Driver
from hipsync_devices import gatt
from hipsync_devices.sig import protocol
from hipsync_devices.sig.packets import RUNNING

MEASURING = frozenset({gatt.HEART_RATE, RUNNING})


MAKERS_OWN = frozenset(map(gatt.uuid16, (0xFEE0, 0xFEE7, 0xFEEA)))
"""Services of bands that broadcast a heart rate beside a protocol of their own: Huami, SmartHealth rings, MoYoung. None
has been seen beside a strap's."""
SMART_HEALTH = 0x7810
"""The company number of SmartHealth (YCBT) rings, whose heart rate stays silent until their own protocol starts it."""


def _matches(advertisement: Advertisement) -> bool:
    if SMART_HEALTH in advertisement.manufacturer_data or not MAKERS_OWN.isdisjoint(advertisement.services):
        return False
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

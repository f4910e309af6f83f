"""Bangle.js 1 and 2 with Espruino and the app Android Integration: blocks of ten minutes, and messages with answers."""

from __future__ import annotations

from hipsync.driver import Abilities, Advertisement, Driver
from hipsync_devices.banglejs import protocol
from hipsync_devices.banglejs.gadgetbridge import TABLES
from hipsync_devices.banglejs.packets import BLOCK

NAME = "Bangle.js"
"""Followed by four digits of its address. The name alone: many gadgets share the UART service, also such of the same
maker that are no watches."""


def _matches(advertisement: Advertisement) -> bool:
    return (advertisement.name or "").startswith(NAME)


DRIVER = Driver(
    key="banglejs",
    label="Bangle.js 1 and 2",
    abilities=Abilities(history=BLOCK, live=True, buzz=True, text=True, answers=True, battery=True),
    secret=lambda _: "none",
    matches=_matches,
    open=protocol.opened,
    sync=protocol.sync,
    watch=protocol.watch,
    nudge=protocol.nudge,
    advice="The watch needs its apps Android Integration and Health Tracking (banglejs.com/apps). If you gave it a "
    "passkey, its Bluetooth settings show it.",
    gadgetbridge=TABLES,
)
"""No heart rate, though it is stored where it comes: the sensor is off by default, so that its absence says nothing. No
wear and no sleep: only some firmwares and apps guess at them."""

"""Bangle.js 1 and 2 with Espruino and the app Android Integration: ten-minute blocks, and messages with answers."""

from __future__ import annotations

from hipsync.driver import Abilities, Advertisement, Driver
from hipsync_devices.banglejs import protocol
from hipsync_devices.banglejs.gadgetbridge import TABLES
from hipsync_devices.banglejs.packets import BLOCK

NAME = "Bangle.js"
"""The beginning of a watch's name, before four digits of the address. The UART service proves nothing: many gadgets
have it, even some of the same maker that are no watches."""


def _matches(advertisement: Advertisement) -> bool:
    name = advertisement.name or ""
    return name == NAME or name.startswith(f"{NAME} ")


DRIVER = Driver(
    key="banglejs",
    label="Bangle.js 1 and 2",
    abilities=Abilities(history=BLOCK, live=True, buzz=True, text=True, answers=True, battery=True),
    secret=lambda _: "none",
    matches=_matches,
    needs=protocol.NEEDS,
    open=protocol.opened,
    sync=protocol.sync,
    watch=protocol.watch,
    nudge=protocol.nudge,
    advice="The watch needs its apps Android Integration and Health Tracking (banglejs.com/apps). If you gave it a "
    "passkey, its Bluetooth settings show it.",
    gadgetbridge=TABLES,
)
"""The driver of this family. Heart rates are stored where they come, but are no ability: the sensor is off by default,
so a missing rate proves nothing. Wear and sleep are none either, because only some firmware and apps guess at them."""

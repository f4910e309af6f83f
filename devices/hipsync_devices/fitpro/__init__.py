"""FitPro bands (LH716 and others): slots of 15 minutes, which the band forgets once acknowledged, and a motor."""

from __future__ import annotations

import re

from hipsync.driver import Abilities, Advertisement, Driver
from hipsync_devices.fitpro import packets, protocol
from hipsync_devices.fitpro.slots import SLOT

NAMES = re.compile(r"(LH)?716|M[46]([ _-][0-9A-Fa-f]{4})?|Sunset 6|Watch7|Fit1900|YBW-05|ColaCao2[13]")
"""The complete names of bands. Public clients take whatever begins with M4 or M6, as do the names of hundreds of other
gadgets, so here only four hex digits of the address may follow."""


STARMAX = 0x0100
"""The company number of Starmax watches, such as the GTL1, which have the same service and other frames."""
CAMERA = re.compile(r"WW[0-9]{3}")
"""The names of Wildlife Watcher cameras, which have the same service for commands in plain text."""


def _matches(advertisement: Advertisement) -> bool:
    """Whether a band advertises a name or the service of this family. Few bands advertise the service."""
    if _refusal(advertisement) is not None:
        return False
    return NAMES.fullmatch(advertisement.name or "") is not None or packets.SERVICE in advertisement.services


def _refusal(advertisement: Advertisement) -> str | None:
    if STARMAX in advertisement.manufacturer_data:
        return "a Starmax watch, which has the service of FitPro and another protocol: hipsync cannot read it"
    if CAMERA.fullmatch(advertisement.name or ""):
        return "a Wildlife Watcher camera, and no band"
    return None


DRIVER = Driver(
    key="fitpro",
    label="FitPro bands (LH716 and kin)",
    abilities=Abilities(history=SLOT, buzz=True, text=True, battery=True),
    secret=lambda _: "none",
    matches=_matches,
    needs=protocol.NEEDS,
    open=protocol.opened,
    sync=protocol.sync,
    nudge=protocol.nudge,
    refusal=_refusal,
    advice="It needs no key. Some of these bands sleep, and hide meanwhile: press the button to wake them.",
)

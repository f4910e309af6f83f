"""FitPro bands (LH716 and others): slots of 15 minutes, which the band forgets once acknowledged, and a motor."""

from __future__ import annotations

import re

from hipsync.driver import Abilities, Advertisement, Driver
from hipsync_devices.fitpro import packets, protocol
from hipsync_devices.fitpro.slots import SLOT

NAMES = re.compile(r"(LH)?716|M[46]([ _-][0-9A-Fa-f]{4})?|Sunset 6|Watch7|Fit1900|YBW-05")
"""The complete names of bands. Public clients take whatever begins with M4 or M6, as do the names of hundreds of other
gadgets, so here only four hex digits of the address may follow."""


def _matches(advertisement: Advertisement) -> bool:
    """Whether a band advertises a name or the service of this family. Few bands advertise the service."""
    return NAMES.fullmatch(advertisement.name or "") is not None or packets.SERVICE in advertisement.services


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
    advice="It needs no key. Some of these bands sleep, and hide meanwhile: press the button to wake them.",
)

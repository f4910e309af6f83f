"""Lefun bands (maker: TJD; FT100, SB7+ and others): a live total, stored hours, a motor and a screen."""

from __future__ import annotations

import re

from hipsync.driver import Abilities, Advertisement, Driver
from hipsync_devices.lefun import packets, protocol
from hipsync_devices.lefun.hours import HOUR

NAMES = re.compile(r"Lefun|FT100|SB7\+|\.?Bohemic|Vivitar|IMP-2027", re.IGNORECASE)
"""The complete names under which Lefun bands were seen; most sellers give them names of their own."""


def _matches(advertisement: Advertisement) -> bool:
    """Whether a band advertises a name or the service of this family. No recorded band advertised the service."""
    return NAMES.fullmatch(advertisement.name or "") is not None or packets.SERVICE in advertisement.services


DRIVER = Driver(
    key="lefun",
    label="Lefun bands (FT100, SB7+ and kin)",
    abilities=Abilities(history=HOUR, live=True, buzz=True, text=True, battery=True),
    advice="It needs no key. Its app on the phone must not be connected.",
    secret=lambda _: "none",
    matches=_matches,
    needs=protocol.NEEDS,
    open=protocol.opened,
    sync=protocol.sync,
    watch=protocol.watch,
    nudge=protocol.nudge,
)

"""Lefun bands (maker: TJD; FT100, SB7+ and others): a live total, hours that can be fetched, a motor and a screen."""

from __future__ import annotations

import re

from hipsync.driver import Abilities, Advertisement, Driver
from hipsync_devices.lefun import packets, protocol
from hipsync_devices.lefun.hours import HOUR

NAMES = re.compile(r"Lefun|FT100|SB7\+|Bohemic|Vivitar", re.IGNORECASE)
"""Whole names under which bands were seen; most sellers give them names of their own."""


def _matches(advertisement: Advertisement) -> bool:
    """Whether the name is one of the family, or its service is there, which no recorded band advertises."""
    return NAMES.fullmatch(advertisement.name or "") is not None or packets.SERVICE in advertisement.services


DRIVER = Driver(
    key="lefun",
    label="Lefun bands (FT100, SB7+ and kin)",
    abilities=Abilities(history=HOUR, live=True, buzz=True, text=True, battery=True),
    advice="It needs no key. Its app on the phone must not be connected.",
    secret=lambda _: "none",
    matches=_matches,
    open=protocol.opened,
    sync=protocol.sync,
    watch=protocol.watch,
    nudge=protocol.nudge,
)

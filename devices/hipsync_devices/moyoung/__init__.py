"""MoYoung watches, whose app is Da Fit: a live step counter and a screen. Nobody has proven that they store steps."""

from __future__ import annotations

import re

from hipsync.driver import Abilities, Advertisement, Driver
from hipsync_devices.moyoung import protocol
from hipsync_devices.moyoung.packets import FEEA

NAME = re.compile(r"TG38([ _-][0-9A-Fa-f]{4})?")
"""The one name that is known of a watch that does not always advertise its service."""
SCOOTER = "Vidyut"
"""The demonstration of an electric vehicle, which has the same service for its own commands."""


def _matches(advertisement: Advertisement) -> bool:
    """Whether a watch advertises MoYoung's own service. Names prove nothing: sellers give these watches hundreds."""
    if advertisement.name == SCOOTER:
        return False
    if NAME.fullmatch(advertisement.name or ""):
        return True
    return FEEA in advertisement.services or FEEA in advertisement.service_data


def _refusal(advertisement: Advertisement) -> str | None:
    return "the computer of an electric vehicle, and no watch" if advertisement.name == SCOOTER else None


DRIVER = Driver(
    key="moyoung",
    label="MoYoung watch (Da Fit)",
    # No history, although some firmware stores half hours: hipsync connects to a band with a history only occasionally,
    # and with most watches all steps in between would be lost. To a band without a history it stays connected.
    abilities=Abilities(live=True, buzz=True, text=True, battery=True),
    secret=lambda _: "none",
    matches=_matches,
    needs=protocol.NEEDS,
    open=protocol.opened,
    sync=protocol.sync,
    watch=protocol.watch,
    nudge=protocol.nudge,
    refusal=_refusal,
    advice="It needs no key. It talks to one program at a time, so that Da Fit on the phone must not be connected.",
)

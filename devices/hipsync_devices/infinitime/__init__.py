"""InfiniTime, the firmware of the PineTime watch: a live step counter and a screen, no memory."""

from __future__ import annotations

from hipsync.driver import Abilities, Advertisement, Driver
from hipsync_devices.infinitime import protocol


def _matches(advertisement: Advertisement) -> bool:
    # The name alone: the motion service is not advertised, and other gadgets share the firmware-update service.
    return advertisement.name == "InfiniTime"


DRIVER = Driver(
    key="infinitime",
    label="PineTime with InfiniTime",
    abilities=Abilities(live=True, buzz=True, text=True, answers=True, battery=True),
    secret=lambda _: "none",
    matches=_matches,
    open=protocol.open_,
    sync=protocol.sync,
    watch=protocol.watch,
    nudge=protocol.nudge,
)

"""Watches of MoYoung, whose app is Da Fit: a live step counter, a screen, and no memory that anybody has proven."""

from __future__ import annotations

from hipsync.driver import Abilities, Advertisement, Driver
from hipsync_devices.moyoung import protocol
from hipsync_devices.moyoung.packets import FEEA


def _matches(advertisement: Advertisement) -> bool:
    """Whether the service is there, whose number is MoYoung's own. Sellers give these watches hundreds of names."""
    return FEEA in advertisement.services or FEEA in advertisement.service_data


DRIVER = Driver(
    key="moyoung",
    label="MoYoung watch (Da Fit)",
    # No history, although some firmware stores half hours: hipsync connects to a band with a history only now and then,
    # and with most watches all steps in between would be lost. Without a history it stays connected.
    abilities=Abilities(live=True, buzz=True, text=True, battery=True),
    secret=lambda _: "none",
    matches=_matches,
    open=protocol.opened,
    sync=protocol.sync,
    watch=protocol.watch,
    nudge=protocol.nudge,
    advice="It needs no key. It talks to one program at a time, so that Da Fit on the phone must not be connected.",
)

"""MoYoung watches, whose app is Da Fit: a live step counter and a screen. Nobody has proven that they store steps."""

from __future__ import annotations

from hipsync.driver import Abilities, Advertisement, Driver
from hipsync_devices.moyoung import protocol
from hipsync_devices.moyoung.packets import FEEA


def _matches(advertisement: Advertisement) -> bool:
    """Whether a watch advertises MoYoung's own service. Names prove nothing: sellers give these watches hundreds."""
    return FEEA in advertisement.services or FEEA in advertisement.service_data


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
    advice="It needs no key. It talks to one program at a time, so that Da Fit on the phone must not be connected.",
)

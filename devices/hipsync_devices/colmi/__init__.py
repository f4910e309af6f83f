"""Colmi rings (R02 to R12), and the band H59 with the same commands: hourly steps and live totals, but no buzzing."""

from __future__ import annotations

import re

from hipsync.driver import Abilities, Advertisement, Driver
from hipsync_devices.colmi import packets, protocol
from hipsync_devices.colmi.gadgetbridge import TABLES
from hipsync_devices.colmi.hours import HOUR

NAMES = re.compile(
    r"((COLMI )?R(0[1-9]|1[0-2])C?|H59)_[0-9A-Fa-f]{4}"
    r"|(SMART_RING|VK-5098|MERLIN|Hello Ring|RING1|boAtring)([ _-][0-9A-Fa-f]{4})?"
)
"""The complete names of rings: the model, and four hex digits of the address. Speakers and printers have names that
begin alike. Not every ring advertises its service. The second line is from QRing's own list; rings of other makers are
called SMART_RING too, which shows once they are connected."""
RWFIT = frozenset({0x05D6, 0x06D6})
"""The company numbers of RWfit rings, which are sold as Colmi too."""


def _matches(advertisement: Advertisement) -> bool:
    if not RWFIT.isdisjoint(advertisement.manufacturer_data):
        return False
    return NAMES.fullmatch(advertisement.name or "") is not None or packets.SERVICE in advertisement.services


def _refusal(advertisement: Advertisement) -> str | None:
    if RWFIT.isdisjoint(advertisement.manufacturer_data):
        return None
    return "an RWfit ring, which has another protocol than Colmi's own rings: hipsync cannot read it"


DRIVER = Driver(
    key="colmi",
    label="Colmi ring",
    # No buzz: a ring has no motor, and nobody has shown that the band H59 has one.
    abilities=Abilities(history=HOUR, live=True, battery=True),
    advice="It needs no key. Whoever connects first has it: the phone's app must let go of it. A ring has no motor.",
    secret=lambda _: "none",
    matches=_matches,
    needs=protocol.NEEDS,
    open=protocol.opened,
    sync=protocol.sync,
    watch=protocol.watch,
    gadgetbridge=TABLES,
    refusal=_refusal,
)

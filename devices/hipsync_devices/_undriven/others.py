"""Makes of which nobody intends a driver, by what they advertise; source: docs/protocols/names.md, "False matches"."""

from __future__ import annotations

from hipsync.driver import Advertisement, Undriven

SMART_HEALTH = 0x7810
"""The company number of SmartHealth (YCBT) rings: TK5, R99, R10M and others."""


def refusal(advertisement: Advertisement) -> str | None:
    if SMART_HEALTH in advertisement.manufacturer_data:
        return "a ring of the app SmartHealth, with a protocol that hipsync does not speak; not supported"
    return None


UNDRIVEN = Undriven(key="others", label="Rings of the app SmartHealth", refusal=refusal)

"""Xiaomi's own bands and watches by name, from the Smart Band 7 Pro on; source: docs/protocols/xiaomi.md, 1.1 and 1.2.

The Mi Bands up to 7 belong to Huami's family. A name alone counts, for all of Xiaomi's things have the service FE95.
"""

from __future__ import annotations

import re

from hipsync.driver import Abilities, Advertisement, Undriven
from hipsync.model import MINUTE
from hipsync_devices._undriven import NOT_YET
from hipsync_devices._undriven.xiaomi_gadgetbridge import TABLES

ADDRESS = r"([ _][0-9A-Fa-f]{4})?"
"""The end of a name: four digits of the address."""
LOW_ENERGY = re.compile(
    r"(Xiaomi Smart Band (7 Pro|8|8 Active|9|9 Active|10|10 Pro)|Xiaomi Band (8|9) Active|Redmi Smart Band [23]"
    rf"|Redmi Band Pro|Redmi Watch (2|2 Lite|3|3 Active)|Xiaomi Watch S1|XiaomiWatchS1Active){ADDRESS}"
    r"|Xiaomi Band 9 Activ"
)
"""Models with which others have spoken over Bluetooth LE; the last name is one that was cut."""
DOUBTFUL = re.compile(
    r"(Xiaomi Smart Band (8 Pro|9 Pro|11)|Redmi Watch (4|5|5 Active|5 Lite|6|Move)|Xiaomi Watch (S1 Pro|S3|S4|5))"
    + ADDRESS
)
"""Models with which others have spoken over classic Bluetooth alone."""
OLDER = re.compile(rf"(Mi Watch Lite|Mi ColorS|Mi Smart Band 4C|Mi Band 4C){ADDRESS}")
"""Models of an earlier protocol, without encryption and with other services."""


def refusal(advertisement: Advertisement) -> str | None:
    name = advertisement.name or ""
    if LOW_ENERGY.fullmatch(name):
        return NOT_YET
    if DOUBTFUL.fullmatch(name):
        return f"nobody has shown that it can be reached over Bluetooth LE; {NOT_YET}"
    if OLDER.fullmatch(name):
        return f"an older Xiaomi model with a protocol of its own; {NOT_YET}"
    return None


UNDRIVEN = Undriven(
    key="xiaomi",
    label="Xiaomi Smart Band 8 and later, Redmi bands and watches",
    refusal=refusal,
    abilities=Abilities(history=MINUTE, sleep=True, heart_rate=True),
    gadgetbridge=TABLES,
)

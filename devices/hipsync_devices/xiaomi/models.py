"""How the bands of this family are recognised: by their names. Which frames they speak shows once they are connected.

The service FE95 is common to all of Xiaomi's things, scales and scooters too, so it recognises nothing. A name ends in
the last four hex digits of the band's address, which a scan may cut.

Source: the name patterns of Gadgetbridge's coordinators, and other people's bands; docs/protocols/xiaomi.md has the
list, model by model, with what proves each.
"""

from __future__ import annotations

import re

from hipsync.driver import Advertisement

MODELS = (
    "Xiaomi Smart Band 7 Pro",
    "Xiaomi Smart Band 8",
    "Xiaomi Smart Band 8 Active",
    "Xiaomi Band 8 Active",
    "Xiaomi Smart Band 8 Pro",
    "Xiaomi Smart Band 9",
    "Xiaomi Smart Band 9 Active",
    "Xiaomi Band 9 Active",
    "Xiaomi Smart Band 9 Pro",
    "Xiaomi Smart Band 10",
    "Xiaomi Smart Band 10 Pro",
    "Xiaomi Smart Band 11",
    "Redmi Smart Band 2",
    "Redmi Smart Band 3",
    "Redmi Band Pro",
    "Redmi Watch 2",
    "Redmi Watch 2 Lite",
    "Redmi Watch 3",
    "Redmi Watch 3 Active",
    "Xiaomi Watch S1",
    "XiaomiWatchS1Active",
)
ADVICE = (
    "while hipsync connects, Mi Fitness must not: turn off Bluetooth on its phone. Never unbind or reset the "
    "band there: that makes another key."
)
"""What the user must know before pairing. Where the key is, `hipsync pair --help-key` says."""
CUT = "Xiaomi Band 9 Activ"
"""How a Smart Band 9 Active shows itself where the name is cut."""
_ADDRESS = r"(?: [0-9A-Fa-f]{0,4})?"
_DOUBTFUL = re.compile(rf"(Redmi Watch (4|5|5 Active|5 Lite|6|Move)|Xiaomi Watch (S1 Pro|S3|S4|5)){_ADDRESS}")
"""Models with which others have spoken over classic Bluetooth alone."""
_OLDER = re.compile(r"(Mi Watch Lite|Mi ColorS|Mi Smart Band 4C|Mi Band 4C)([ _][0-9A-Fa-f]{4})?")
"""Models of an earlier protocol, without encryption and with other services."""
_NAME = re.compile(f"(?:{'|'.join(map(re.escape, MODELS))}){_ADDRESS}|{re.escape(CUT)}")


def matches(advertisement: Advertisement) -> bool:
    """Whether a band advertises a name of this family, in its own upper and lower case."""
    return _NAME.fullmatch(advertisement.name or "") is not None


def refusal(advertisement: Advertisement) -> str | None:
    """Why a watch of Xiaomi's is none of this family's, and what to do here; None for every other device."""
    name = advertisement.name or ""
    what = "import from Gadgetbridge (`hipsync import gadgetbridge FILE`)"
    if _DOUBTFUL.fullmatch(name):
        return f"nobody has shown that it can be reached over Bluetooth LE: {what}"
    if _OLDER.fullmatch(name):
        return f"an older Xiaomi model, with a protocol that hipsync does not speak: {what}"
    return None

"""How these bands are recognised by their names, and which of the maker's models speak classic Bluetooth only.

A name is a model's name, a hyphen and the last three or four digits of the address, such as `HUAWEI Band 8-ABC`. The
hyphen counts: without it "watch gt" would be taken for "watch gt 2" too. The name does not tell how a band wants to log
in. Source: docs/protocols/huawei.md, 1.
"""

from __future__ import annotations

import re

from hipsync.driver import Advertisement

_HONOR_BANDS = "3", "4", "5", "6", "7"
_HUAWEI_BANDS = "2", "2 pro", "3", "3 pro", "3e", "4", "4 pro", "4e", "6", "7", "8", "9", "10", "11", "11 pro"
REACHABLE = frozenset(
    {
        *(f"honor band {model}" for model in _HONOR_BANDS),
        *(f"huawei band {model}" for model in _HUAWEI_BANDS),
        *("huawei watch gt", "huawei watch gt 2e", "huawei watch fit", "honor watch"),
    }
)
"""The models, in lower case, that speak the protocol over Bluetooth LE."""
_HONOR_WATCHES = "magicwatch 2", "watch gs 3", "watch gs pro", "watch 4", "watch 4 pro"
_HUAWEI_WATCHES = (
    "3", "3 pro", "4", "4 pro", "5", "gt 2", "gt 2 pro", "gt 3", "gt 3 se", "gt 3 pro", "gt 4", "gt 5", "gt 5 pro",
    "gt 6", "gt 6 pro", "gt runner", "gt runner 2", "gt cyber", "fit 2", "fit 3", "fit 4", "fit 4 pro", "fit 5",
    "fit 5 pro", "d2", "ultimate", "ultimate 2",
)  # fmt: skip
CLASSIC_ONLY = frozenset(
    {
        *(f"honor {model}" for model in _HONOR_WATCHES),
        *(f"huawei watch {model}" for model in _HUAWEI_WATCHES),
        *("huawei b6", "huawei gt runner"),
    }
)
"""The models, in lower case, that speak it over classic Bluetooth alone, where Bleak cannot reach them."""
AW = frozenset({"huawei band 3e", "huawei band 4e"})
"""Models of a kind of their own, which are asked two more questions."""
ADVICE = (
    "release it from its phone first: in the maker's app (unpair), or on the band (Settings, Disconnect). "
    "A newer band then asks whether to pair: tap yes within 30 seconds."
)
"""What the user must know before pairing: a band keeps to the phone that it was paired with."""
NOT_LE = "not reachable over Bluetooth LE: import from Gadgetbridge (`hipsync import gadgetbridge FILE`)"
_NAME = re.compile(r"(.+)-[0-9A-Za-z]{3,4}")


def model_in(name: str | None) -> str | None:
    """Return the model that a name begins with, in lower case; None for a name that does not end in digits."""
    found = _NAME.fullmatch(name or "")
    return " ".join(found[1].lower().split()) if found else None


def matches(advertisement: Advertisement) -> bool:
    """Whether a device is a band of this family that Bluetooth LE reaches."""
    return model_in(advertisement.name) in REACHABLE


def refusal(advertisement: Advertisement) -> str | None:
    """Why a watch of these makers that Bluetooth LE does not reach is none of this family's; None for other devices."""
    return NOT_LE if model_in(advertisement.name) in CLASSIC_ONLY else None

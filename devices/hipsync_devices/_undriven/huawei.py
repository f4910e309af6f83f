"""Huawei's and Honor's bands and watches by name; source: docs/protocols/huawei.md, 1.1 and 1.2."""

from __future__ import annotations

import re

from hipsync.driver import Abilities, Advertisement, Undriven
from hipsync.model import MINUTE
from hipsync_devices._undriven import NOT_LE, NOT_YET
from hipsync_devices._undriven.huawei_gadgetbridge import TABLES

NAME = re.compile(r"(.+)-[0-9A-Za-z]{3,4}")
"""The model, a hyphen and the last digits of the address. The hyphen tells a Watch GT from a Watch GT 2."""
LOW_ENERGY = frozenset(
    {
        *(f"honor band {n}" for n in "34567"),
        *(f"huawei band {n}" for n in ("2", "2 pro", "3", "3 pro", "3e", "4", "4 pro", "4e", "6", "7", "8", "9", "10")),
        "huawei band 11", "huawei band 11 pro", "huawei watch gt", "huawei watch gt 2e", "huawei watch fit",
        "honor watch",
    }
)  # fmt: skip
"""Models with which others have spoken over Bluetooth LE, in lower case."""
CLASSIC = frozenset(
    {
        "honor magicwatch 2", "honor watch gs 3", "honor watch gs pro", "honor watch 4", "honor watch 4 pro",
        "huawei b6",
        *(
            f"huawei watch {n}"
            for n in (
                "3", "3 pro", "4", "4 pro", "5", "d2", "fit 2", "fit 3", "fit 4", "fit 4 pro", "fit 5", "fit 5 pro",
                "gt 2", "gt 2 pro", "gt 3", "gt 3 se", "gt 3 pro", "gt 4", "gt 5", "gt 5 pro", "gt 6", "gt 6 pro",
                "gt cyber", "gt runner", "gt runner 2", "ultimate", "ultimate 2",
            )
        ),
    }
)  # fmt: skip
"""Models that speak over classic Bluetooth alone, in lower case."""


def refusal(advertisement: Advertisement) -> str | None:
    found = NAME.fullmatch(advertisement.name or "")
    model = found[1].casefold() if found else ""
    return NOT_LE if model in CLASSIC else NOT_YET if model in LOW_ENERGY else None


UNDRIVEN = Undriven(
    key="huawei",
    label="Huawei and Honor bands and watches",
    refusal=refusal,
    abilities=Abilities(history=MINUTE, sleep=True, heart_rate=True),
    gadgetbridge=TABLES,
)

"""How well a driver is proven, as the file `evidence.json` beside it says. hipsync's own is measured by its tests.

    {"version": 1, "families": {"fitpro": {
        "vectors": {"recorded": {ID: SOURCE}, "firmware": {}, "published": {}, "ours": {}}, "not_met": {ID: WHY},
        "captures": [NAME], "rules": [NAME], "rules_known": 10, "bluez": true, "reported": [BAND]}}}

A driver from another package is "not stated", unless its package has such a file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

LEVELS = ("real band", "recorded", "firmware", "published", "simulated", "not stated")
"""The strongest first."""


@dataclass(frozen=True, slots=True)
class Proof:
    """Counts, for a driver and its simulated band together."""

    recorded: int = 0
    """Byte strings that others recorded from a real band, met by both or either."""
    firmware: int = 0
    """From the source of the firmware itself."""
    published: int = 0
    """That other people's documents, tests or programs assert."""
    ours: int = 0
    """Made by us after a published layout."""
    not_met: int = 0
    captures: int = 0
    """Whole conversations of others that replay."""
    rules: int = 0
    """Of the kit (`hipsync.testing`), kept with the simulated band."""
    rules_known: int = 0
    bluez: bool = False
    """Found, paired, read and buzzed through a real BlueZ, as a simulated band."""
    reported: int = 0
    """Real bands that users told of."""

    @property
    def level(self) -> str:
        """The strongest of `LEVELS`."""
        return self.levels[0] if self.levels else LEVELS[-1]

    @property
    def levels(self) -> tuple[str, ...]:
        """All that hold, the strongest first."""
        held = (self.reported, self.recorded, self.firmware, self.published, self.rules == self.rules_known > 0)
        return tuple(level for level, holds in zip(LEVELS, held, strict=False) if holds)

    def sentence(self) -> str:
        """For people."""
        parts = [
            f"{self.reported} real bands reported" if self.reported else "",
            f"{self.recorded} recordings that others made of bands" if self.recorded else "",
            f"{self.firmware} from the firmware's source" if self.firmware else "",
            f"{self.published} published by others" if self.published else "",
            f"{self.captures} conversations of others" if self.captures else "",
            f"simulated ({self.rules} of {self.rules_known} rules)" if self.rules else "",
            "on BlueZ" if self.bluez else "",
        ]
        told = ", ".join(part for part in parts if part)
        return f"{told}{'' if self.reported else '; no real band yet'}" if told else "proof not stated"


def proof_of(key: str, evidence: str) -> Proof:
    """What a file says of one driver. A file that makes no sense, or does not know the driver, states nothing."""
    try:
        told: Any = json.loads(evidence)["families"][key]
        vectors = told["vectors"]
        return Proof(
            recorded=len(vectors["recorded"]),
            firmware=len(vectors["firmware"]),
            published=len(vectors["published"]),
            ours=len(vectors["ours"]),
            not_met=len(told["not_met"]),
            captures=len(told["captures"]),
            rules=len(told["rules"]),
            rules_known=int(told["rules_known"]),
            bluez=bool(told["bluez"]),
            reported=len(told["reported"]),
        )
    except (ValueError, KeyError, TypeError):
        return Proof()

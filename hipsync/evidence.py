"""How well a driver is proven, according to the file `evidence.json` beside it, which the tests measure and write.

::

    {"version": 1, "families": {"fitpro": {
        "vectors": {"recorded": {ID: SOURCE}, "firmware": {}, "published": {}, "ours": {}}, "not_met": {ID: WHY},
        "captures": [NAME], "rules": [NAME], "rules_known": 10, "bluez": true, "reported": [BAND]}}}

For a driver of another package nothing is stated, unless that package has such a file. See docs/evidence.md.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

LEVELS = ("real band", "recorded", "firmware", "published", "simulated", "not stated")
"""How a driver can be proven, the strongest first."""


@dataclass(frozen=True, slots=True)
class Proof:
    """The evidence for a driver, as counts. They are for the driver and its simulated band together."""

    recorded: int = 0
    """Byte strings that others recorded from a real band, and that the driver or its simulated band agrees with."""
    firmware: int = 0
    """Byte strings from the source of a band's firmware."""
    published: int = 0
    """Byte strings that other people's documents, tests or programs assert."""
    ours: int = 0
    """Byte strings that hipsync's authors made from a published layout."""
    not_met: int = 0
    """Byte strings that neither the driver nor its simulated band agrees with."""
    captures: int = 0
    """Whole conversations that others recorded, and that replay."""
    rules: int = 0
    """Rules of the kit (`hipsync.testing`) that the driver passes with its simulated band."""
    rules_known: int = 0
    """How many rules the kit has."""
    bluez: bool = False
    """Whether its simulated band was found, paired, read and buzzed through a real BlueZ."""
    reported: int = 0
    """Real bands that users reported."""

    @property
    def level(self) -> str:
        """The strongest of `LEVELS` that holds."""
        return self.levels[0] if self.levels else LEVELS[-1]

    @property
    def levels(self) -> tuple[str, ...]:
        """All of `LEVELS` that hold, the strongest first."""
        proven = (self.reported, self.recorded, self.firmware, self.published, self.rules == self.rules_known > 0)
        return tuple(level for level, holds in zip(LEVELS, proven, strict=False) if holds)

    def sentence(self) -> str:
        """The proof in words, as the table of docs/evidence.md shows it."""
        parts = [
            f"{self.reported} real bands reported" if self.reported else "",
            f"{self.recorded} recordings that others made of bands" if self.recorded else "",
            f"{self.firmware} from the firmware's source" if self.firmware else "",
            f"{self.published} published by others" if self.published else "",
            f"{self.captures} conversations of others" if self.captures else "",
            f"simulated ({self.rules} of {self.rules_known} rules)" if self.rules else "",
            "on BlueZ" if self.bluez else "",
        ]
        proof = ", ".join(part for part in parts if part)
        return f"{proof}{'' if self.reported else '; no real band yet'}" if proof else "proof not stated"


def proof_of(key: str, evidence: str) -> Proof:
    """The proof of the driver with this key, read from the text of an evidence file.

    The proof is empty if the text makes no sense or does not mention the driver.
    """
    try:
        family: Any = json.loads(evidence)["families"][key]
        vectors = family["vectors"]
        return Proof(
            recorded=len(vectors["recorded"]),
            firmware=len(vectors["firmware"]),
            published=len(vectors["published"]),
            ours=len(vectors["ours"]),
            not_met=len(family["not_met"]),
            captures=len(family["captures"]),
            rules=len(family["rules"]),
            rules_known=int(family["rules_known"]),
            bluez=bool(family["bluez"]),
            reported=len(family["reported"]),
        )
    except (ValueError, KeyError, TypeError):
        return Proof()

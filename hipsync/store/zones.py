"""In which zone the wearer was: that of this computer, but on the days of imports the zone that was given for them.

The one rule: what this computer observed counts where it changed its zone during an import's days, from then on. Of two
imports of one day, the later one counts. So it does not matter in which order the parts of a growing export come.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from hipsync.model import ZoneChange
from hipsync.store.file import BEGINNING


class Abroad(NamedTuple):
    """The zone that was given for the days `[since, until)` of an import."""

    since: datetime
    until: datetime
    zone: str


def overlaid(observed: Sequence[ZoneChange], imports: Sequence[Abroad]) -> list[ZoneChange]:
    """The zones of the wearer, in order of time, from the changes that this computer observed, in order of time.

    The first one counts back to the beginning. `imports` are in the order in which they came. Without an observed
    change nothing is known beside the imports, and nothing is returned.
    """
    if not (observed and imports):
        return list(observed)

    def at(instant: datetime) -> str:
        known = [change for change in observed if change.since <= instant]
        for since, until, zone in reversed(imports):
            if since <= instant < until and not (known and since < known[-1].since):
                return zone
        return known[-1].zone if known else observed[0].zone

    borders = {change.since for change in observed} | {end for each in imports for end in (each.since, each.until)}
    changes = [ZoneChange(BEGINNING, observed[0].zone)]
    for border in sorted(borders):
        if (zone := at(border)) != changes[-1].zone:
            changes.append(ZoneChange(border, zone))
    return changes

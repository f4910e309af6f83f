"""Troubles with a band that its wearer can mend, each as one neutral line that says what to do.

::

    trouble   it lasts while                                             its remark is shown again
    battery   15 % or less, not charging, by a reading of the last day   after it was charged over 30 %
    no data   24 hours without any, tried in vain for as long            after data came
    refused   the band does not accept our key                           after it did, or if the key is changed

A remark is shown once, inside the prompt hours, and not during lunch or a pause: until then it waits. A pause does not
drop it, because an empty band stays empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from hipsync.core.days import Zones
from hipsync.core.policy import Policy
from hipsync.core.prompting import quiet_at
from hipsync.model import BandId, Charge, Pause, Remark, Trouble

LOW_PERCENT, CHARGED_PERCENT = 15, 30
"""A battery at the first percentage lasts another day or two. A reading over the second means that it was charged, and
not that its readings waver."""
SILENT = timedelta(hours=24)
"""How long a band may go without new data before that is a trouble: a night on a bedside table is none. A battery
reading older than this is ignored."""


class BandFacts(NamedTuple):
    """What is known about a band: its troubles follow from this alone."""

    band: BandId
    name: str
    newest: datetime
    """The end of its newest data, or the instant when it was added if it has none since."""
    in_vain: datetime | None
    """The start of the first attempt after `newest` that failed or brought no data; None if there was none."""
    charge: Charge | None
    """Its newest battery reading."""
    recharged: bool
    """Whether the battery was above `CHARGED_PERCENT` at any time since the last remark about it."""
    refused: bool
    """Whether the last attempt failed because the band does not accept hipsync's key."""
    reached: datetime | None
    """When it was last reached without a failure."""
    remarked: Mapping[Trouble, datetime]
    """When the last remark on each trouble was shown."""


def troubles(facts: BandFacts, zones: Zones, now: datetime) -> list[Remark]:
    """The remarks on all troubles that a band has now, including those that were shown already."""
    name, charge = facts.name, facts.charge
    found: list[Remark] = []
    if charge is not None and charge.percent <= LOW_PERCENT and not charge.charging and now - charge.at <= SILENT:
        found.append(Remark(facts.band, Trouble.BATTERY, f"Charge {name}: {charge.percent} %"))
    refused = facts.refused or _in_this_streak(facts, Trouble.REFUSED, facts.reached)
    if refused:
        key = f"`hipsync bands key {_quoted(name)} --key-file FILE`"
        found.append(Remark(facts.band, Trouble.REFUSED, f"{name} refused its key: {key} gives it another"))
    elif now - facts.newest >= SILENT and facts.in_vain is not None and now - facts.in_vain >= SILENT:
        since = f"{zones.local(facts.newest):%a %H:%M}"
        text = f"No data from {name} since {since}: is it in reach? `hipsync status` says more"
        found.append(Remark(facts.band, Trouble.NO_DATA, text))
    return found


def remarks_due(
    known: Iterable[BandFacts], policy: Policy, zones: Zones, now: datetime, pause: Pause | None = None
) -> Sequence[Remark]:
    """The remarks on all bands that are to be shown now; none outside the prompt hours, at lunch or during a pause."""
    if quiet_at(now, policy, zones) is not None or (pause is not None and now < pause.until):
        return []
    return [remark for facts in known for remark in troubles(facts, zones, now) if not _is_shown(facts, remark.what)]


def _is_shown(facts: BandFacts, what: Trouble) -> bool:
    """Whether a remark on this trouble was shown since the trouble began."""
    match what:
        case Trouble.BATTERY:
            return what in facts.remarked and not facts.recharged
        case Trouble.NO_DATA:
            return _in_this_streak(facts, what, facts.newest)
        case Trouble.REFUSED:
            return _in_this_streak(facts, what, facts.reached)


def _in_this_streak(facts: BandFacts, what: Trouble, began: datetime | None) -> bool:
    """Whether a remark on this trouble was shown after the instant `began`; None means at any time."""
    at = facts.remarked.get(what)
    return at is not None and (began is None or began < at)


def _quoted(name: str) -> str:
    """A band's name, quoted if necessary so that a shell reads it as one word."""
    return name if name.replace("-", "").replace("_", "").isalnum() else "'" + name.replace("'", "'\\''") + "'"

"""What is the matter with a band, for its wearer to mend: said once, in one neutral line that says what to do.

::

    trouble   holds                                                      is said again
    battery   15 % or less, not charging, by a reading of the last day   after it was charged over 30 %
    no data   24 hours without any, tried in vain for as long            after data came
    refused   it does not take our key                                   after it did, or with another key

Only inside the prompt hours and not during a pause; outside they wait. Who pauses hipsync is still told afterwards: a
band that is empty stays so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from hipsync.core.days import Zones
from hipsync.core.policy import Policy
from hipsync.core.prompting import quiet_at
from hipsync.model import BandId, Charge, Pause, Remark, Trouble

LOW, CHARGED = 15, 30
"""Percent: a band lasts a day or two from here; a reading over the second is not a battery that wavers."""
SILENT = timedelta(hours=24)
"""A night on a bedside table is no reason to worry. Also the age at which a battery reading says nothing any more."""


class Facts(NamedTuple):
    """What is known of a band's health."""

    band: BandId
    name: str
    newest: datetime
    """End of the newest data; when it was paired, if there are none."""
    in_vain: datetime | None
    """The first attempt since that brought nothing."""
    charge: Charge | None
    recharged: bool
    """Its battery was over `CHARGED` after it was last remarked on."""
    refused: bool
    reached: datetime | None
    """When it was last talked to without a failure."""
    remarked: Mapping[Trouble, datetime]
    """When each trouble was last remarked on."""


def troubles(facts: Facts, zones: Zones, now: datetime) -> list[Remark]:
    """What is the matter now, remarked on or not."""
    name, charge = facts.name, facts.charge
    found: list[Remark] = []
    if charge is not None and charge.percent <= LOW and not charge.charging and now - charge.at <= SILENT:
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
    known: Iterable[Facts], policy: Policy, zones: Zones, now: datetime, pause: Pause | None = None
) -> Sequence[Remark]:
    """What is to be said now."""
    if quiet_at(now, policy, zones) is not None or (pause is not None and now < pause.until):
        return []
    return [remark for facts in known for remark in troubles(facts, zones, now) if not _said(facts, remark.what)]


def _said(facts: Facts, what: Trouble) -> bool:
    match what:
        case Trouble.BATTERY:
            return what in facts.remarked and not facts.recharged
        case Trouble.NO_DATA:
            return _in_this_streak(facts, what, facts.newest)
        case Trouble.REFUSED:
            return _in_this_streak(facts, what, facts.reached)


def _in_this_streak(facts: Facts, what: Trouble, began: datetime | None) -> bool:
    at = facts.remarked.get(what)
    return at is not None and (began is None or began < at)


def _quoted(name: str) -> str:
    """As a shell takes it."""
    return name if name.replace("-", "").replace("_", "").isalnum() else "'" + name.replace("'", "'\\''") + "'"

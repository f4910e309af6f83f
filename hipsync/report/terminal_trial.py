"""A trial of whether reminders help, as lines of text: both shares, how far apart they are, and what that says."""

from __future__ import annotations

from collections.abc import Iterator

from hipsync.core.shares import FEWEST, Says, Share, difference, says
from hipsync.core.trial import BROKE_OFF_WITHIN, Compared
from hipsync.model import MINUTE


def trial_lines(found: Compared) -> Iterator[str]:
    """What was found, such as "broke off within 15 min: with a reminder 61 % of 84, without 38 % of 9"."""
    minutes = BROKE_OFF_WITHIN // MINUTE
    yield f"broke off within {minutes} min: with a reminder {_share(found.reminded)}, without {_share(found.withheld)}"
    if (apart := difference(found.reminded, found.withheld)) is not None:
        value, low, high = (f"{round(each * 100) or 0:+d}" for each in apart)
        yield f"difference: {value} points (95 % interval: {low} to {high})"
    yield _verdict(found)
    if found.left_out:
        yield f"left out: {found.left_out}, for want of data in those {minutes} minutes"


def _share(share: Share) -> str:
    return "no data" if share.value is None else f"{round(share.value * 100)} % of {share.of}"


def _verdict(found: Compared) -> str:
    """What the difference says, in plain words."""
    match says(found.reminded, found.withheld):
        case Says.HIGHER:
            return "reminders help: a difference like this is hardly chance"
        case Says.LOWER:
            return "you broke off more often without a reminder: a difference like this is hardly chance"
        case Says.NOTHING_YET if min(found.reminded.of, found.withheld.of) < FEWEST:
            return f"that says nothing yet: at least {FEWEST} of each are needed"
        case Says.NOTHING_YET:
            return "that says nothing yet: it can be chance"

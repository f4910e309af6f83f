"""Who of several computers shows a reminder: each says that it wants to, and the first whom the channel passes on does.

The channel sends all messages of one topic to everybody in one order, so that all computers hear the same one first. No
clock is asked for it: what is kept, or was queued while somebody was away, does not come (`connected` begins anew, and
claims expire there), and how long a claim holds is measured since it was heard.

Two computers reckon differently when a reminder fell due, because one of them may know newer minutes. So a claim is
about an occasion and not about an instant: while it holds, it is about whatever reminder of that occasion is due here.
Later, what was shown is known by the row of the prompt, and the sitting rule says what that means.

A claim is worth only what follows it. Who claimed may be killed before anything is shown, and a stranger may claim for
ever. So a computer that lost waits `HOLDS_S` for the prompt's row, and then speaks itself: twice is better than never.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from hipsync.model import Occasion
from hipsync.text import json_of
from hipsync.together.topics import slug

HOLDS_S = 20.0
"""Seconds for which a claim that was heard holds. The row of a prompt that was shown comes within two."""
ANEW_S = 45.0
"""Seconds without losing after which a computer that lost waits anew: what is due then is another reminder, or one that
was put off, for a minute at least."""
EXPIRES_S = 10
"""Seconds after which the channel drops a claim that it could not pass on."""
LONGEST_BYTES = 300
"""The most bytes of a claim."""


class Claim(NamedTuple):
    """That a program on a host wants to show a reminder of an occasion."""

    host: str
    run: str
    """Which program it is: another one that took its name is not the same."""
    occasion: Occasion


def claim_message(claim: Claim, at_s: int) -> bytes:
    """A claim as it is sent; `at_s` is the time in seconds since 1970, for people who read along."""
    return json.dumps({"host": claim.host, "run": claim.run, "occasion": claim.occasion, "at": at_s}).encode()


def claim_of(payload: bytes) -> Claim | None:
    """The claim that bytes are; None if they are none."""
    if len(payload) > LONGEST_BYTES:
        return None
    try:
        value = json_of(payload)
    except ValueError:
        return None
    match value:
        case {"host": str(host), "run": str(run), "occasion": str(occasion)} if occasion in {*Occasion}:
            return Claim(host, run, Occasion(occasion)) if host and host == slug(host) else None
        case _:
            return None


class Claims:
    """What one program knows of claims. All instants are seconds of a clock that nobody sets."""

    def __init__(self) -> None:
        self._first: dict[Occasion, tuple[Claim, float]] = {}
        """The claim for each occasion that holds, or held last, and when it was heard."""
        self._lost: dict[Occasion, tuple[float, float]] = {}
        """When this program lost first for a reminder, and when last."""

    def heard(self, claim: Claim, passed_s: float) -> None:
        """Note a claim in the order of the channel: it counts if none for its occasion holds."""
        if self.holder(claim.occasion, passed_s) is None:
            self._first[claim.occasion] = claim, passed_s

    def holder(self, occasion: Occasion, passed_s: float) -> Claim | None:
        """The claim for an occasion that holds now; None if there is none."""
        found = self._first.get(occasion)
        return None if found is None or passed_s - found[1] >= HOLDS_S else found[0]

    def lose(self, occasion: Occasion, passed_s: float) -> None:
        """Note that another one was first for what is due here."""
        first, last = self._lost.get(occasion, (passed_s, passed_s))
        self._lost[occasion] = (passed_s if passed_s - last >= ANEW_S else first), passed_s

    def waited_in_vain(self, occasion: Occasion, passed_s: float) -> bool:
        """Whether this program lost for what is due here, and it is due still though it waited long enough."""
        first, last = self._lost.get(occasion, (passed_s, passed_s))
        return passed_s - last < ANEW_S and passed_s - first >= HOLDS_S

    def speak(self, occasion: Occasion) -> None:
        """Note that this program speaks, so that what it lost before counts no more."""
        self._lost.pop(occasion, None)

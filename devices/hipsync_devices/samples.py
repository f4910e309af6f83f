"""Adds up samples from another program's database into slots of one length, for `Driver.gadgetbridge`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby

from hipsync.driver import LeftOut, Row
from hipsync.model import MINUTE, STEPS_A_MINUTE, Epoch

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
UNCOUNTED, TOO_MANY = "without steps", "with more steps than anybody walks in that time"
"""Why a row is left out."""


def summed(rows: Iterator[tuple[datetime, Row]], length: timedelta, least: int = 0) -> Iterator[Epoch | LeftOut]:
    """Yield an epoch of `length` for each slot that has rows, with the sum of their steps.

    Slots begin at whole multiples of `length` since 1970 in UTC. The rows come in order of time. Those with fewer than
    `least` steps are left out, and so are the rows of a slot in which nobody can have made so many.
    """
    most = STEPS_A_MINUTE * (length // MINUTE)
    for slot, part in groupby(rows, key=lambda each: each[0] - (each[0] - BEGINNING) % length):
        found = [row["STEPS"] for _, row in part]
        counts = [count for count in found if count is not None and count >= least]
        if missing := len(found) - len(counts):
            yield LeftOut(UNCOUNTED, missing)
        likely = [count for count in counts if count <= most]
        if sum(likely) > most:
            likely = []
        if too_many := len(counts) - len(likely):
            yield LeftOut(TOO_MANY, too_many)
        if likely:
            yield Epoch(slot, length, sum(likely))

"""What the drivers share for bands that report while they are connected, mostly a running total of steps.

During a walk a band reports every second or two, and all reports within ten seconds are stored together. When a total
falls, the band has reset it, mostly at midnight; then the last total before the reset is stored too.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TypeVar

from hipsync.driver import Link, Received
from hipsync.errors import LinkLost, NoReply
from hipsync.model import Counter

T = TypeVar("T")

BURST = timedelta(seconds=10)
"""How long after the first report of a burst further reports still belong to it."""
ASLEEP = timedelta(seconds=9)
"""For how long the reports of a burst wait in the inbox, so that they wake the driver together and not one by one."""


async def burst(link: Link, next_by: Callable[[datetime], Awaitable[T]], until: datetime) -> list[T]:
    """Wait for a report until `until`, and return it with all reports of the ten seconds after it.

    `next_by` waits for one report up to an instant. Raises `NoReply` if no report comes by `until`. If the link is lost
    after the first report, the reports received so far are returned.
    """
    reports = [await next_by(until)]
    end = link.now() + BURST
    with contextlib.suppress(LinkLost):  # what has come is stored first; the next call finds the link lost
        await link.pause(ASLEEP)
    with contextlib.suppress(NoReply, LinkLost):
        while link.now() < end:
            reports.append(await next_by(end))
    return reports


def notifications(link: Link, *characteristics: str) -> Callable[[datetime], Awaitable[Received]]:
    """Return a function for `burst`: it waits, up to an instant, for the next notification of any of these."""

    async def next_by(until: datetime) -> Received:
        return await link.notification(*characteristics, timeout=max(until - link.now(), timedelta()))

    return next_by


def worth_storing(counters: Sequence[Counter]) -> list[Counter]:
    """Return, of the totals of a burst, the last one and each one right before a reset.

    Without the totals before a reset, the steps since the total stored last would be lost.
    """
    before_resets = [here for here, after in pairwise(counters) if after.steps < here.steps]
    return [*before_resets, *counters[-1:]]


def utc_offset(link: Link) -> timedelta:
    """Return how far the wearer's zone is ahead of UTC now. When that changes, the band's clock must be set again."""
    return link.now().astimezone(link.zone).utcoffset() or timedelta()

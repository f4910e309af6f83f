"""What drivers share of bands that report while they are connected, mostly a running total of steps.

During a walk a band reports every second or two, and what it reports within ten seconds is stored together. A total
that falls was reset, mostly at midnight, and then the total before the fall is stored too.
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


async def burst(now: Callable[[], datetime], next_by: Callable[[datetime], Awaitable[T]], until: datetime) -> list[T]:
    """The first report that comes by `until`, and all that come in the ten seconds after it.

    `next_by` waits for one report up to an instant. Raises `NoReply` if not even the first comes.
    """
    reports = [await next_by(until)]
    end = now() + BURST
    with contextlib.suppress(NoReply, LinkLost):  # what has come is stored first; the next call finds the link lost
        while now() < end:
            reports.append(await next_by(end))
    return reports


def notifications(link: Link, *characteristics: str) -> Callable[[datetime], Awaitable[Received]]:
    """What `burst` takes as `next_by`, for the notifications of some characteristics."""

    async def next_by(until: datetime) -> Received:
        return await link.notification(*characteristics, timeout=max(until - link.now(), timedelta()))

    return next_by


def worth_storing(counters: Sequence[Counter]) -> list[Counter]:
    """The last total of a burst, and each total right before a reset, or its last steps would be lost."""
    before_resets = [here for here, after in pairwise(counters) if after.steps < here.steps]
    return [*before_resets, *counters[-1:]]


def utc_offset(link: Link) -> timedelta:
    """The offset of the wearer's zone now. When summer time changes it, a band's clock must be set again."""
    return link.now().astimezone(link.zone).utcoffset() or timedelta()

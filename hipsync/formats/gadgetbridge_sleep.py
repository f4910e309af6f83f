"""Epochs of one table of Gadgetbridge's database, and the sleep that another table tells of the same band.

Both come in order of time, and neither is kept, for a database may be of any size.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from hipsync.driver import LeftOut, Slept
from hipsync.model import Epoch, State


def with_sleep(epochs: Iterator[Epoch | LeftOut], spans: Iterator[Slept | LeftOut]) -> Iterator[Epoch | LeftOut]:
    """Yield the epochs, as asleep where a span of sleep covers their start and no span of being awake does.

    An epoch with a state of its own keeps it, unless it was asleep by an earlier table and is awake by this one. What
    is left out of the spans is yielded too.
    """
    until = {True: datetime.min.replace(tzinfo=UTC), False: datetime.min.replace(tzinfo=UTC)}
    waiting = next(spans, None)
    for epoch in epochs:
        if isinstance(epoch, LeftOut):
            yield epoch
            continue
        while waiting is not None and (isinstance(waiting, LeftOut) or waiting.start <= epoch.start):
            if isinstance(waiting, LeftOut):
                yield waiting
            else:
                until[waiting.asleep] = max(until[waiting.asleep], waiting.end)
            waiting = next(spans, None)
        if epoch.start < until[False]:
            yield epoch._replace(state=None) if epoch.state is State.ASLEEP else epoch
        elif epoch.start < until[True] and epoch.state is None:
            yield epoch._replace(state=State.ASLEEP)
        else:
            yield epoch
    yield from (each for each in _rest(waiting, spans) if isinstance(each, LeftOut))


def _rest(waiting: Slept | LeftOut | None, spans: Iterator[Slept | LeftOut]) -> Iterator[Slept | LeftOut]:
    if waiting is not None:
        yield waiting
    yield from spans

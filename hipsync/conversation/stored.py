"""Commits what a driver yields, so that `yield` means stored.

The one rule: a batch is on disk, or its failure is raised, before the driver continues; nothing cuts a commit short.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import TypeVar

from hipsync.model import Epoch, Reading, Workout, is_possible

log = logging.getLogger(__name__)

T = TypeVar("T")

Commit = Callable[[Sequence[Reading]], Awaitable[None]]
"""Stores a batch of readings, and returns once the batch is on disk."""


async def all_committed(commit: Commit, batches: AsyncGenerator[Sequence[Reading], None]) -> None:
    """Commit each batch of a driver's generator before the generator continues, and close it in any case.

    Raises what the generator and `commit` raise.
    """
    async with contextlib.aclosing(batches) as open_batches:
        async for batch in open_batches:
            await committed(commit, batch)


def _is_possible(reading: Reading) -> bool:
    if isinstance(reading, Epoch):
        return is_possible(reading.steps, reading.length)
    return not isinstance(reading, Workout) or reading.is_possible


async def committed(commit: Commit, batch: Sequence[Reading]) -> None:
    """Commit a batch. If the task is cancelled meanwhile, the cancellation takes effect only after the commit.

    Epochs with more steps than anybody makes are left out: what happened in their time is unknown. So are workouts
    that have no length, or one of a day and more.
    """
    possible = [each for each in batch if _is_possible(each)]
    if len(possible) < len(batch):
        log.warning("%d readings that cannot be right are left out", len(batch) - len(possible))
    await finished(commit(possible))


async def finished(operation: Awaitable[T]) -> T:
    """Await an operation to its end, and return its result; a cancellation meanwhile takes effect only then."""
    work = asyncio.ensure_future(operation)
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait({work})
        raise

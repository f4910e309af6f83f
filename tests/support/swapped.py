"""The error that the crash ring and the campaign must notice: a band is told to forget before a batch is stored."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from hipsync.conversation.stored import Commit
from hipsync.model import Reading


async def committed_late(commit: Commit, batches: AsyncGenerator[Sequence[Reading], None]) -> None:
    """Do what `stored.all_committed` does, but let the driver go on before each batch is stored."""
    waiting: Sequence[Reading] = ()
    async with aclosing(batches) as open_batches:
        async for batch in open_batches:
            await commit(waiting)
            waiting = batch
    await commit(waiting)

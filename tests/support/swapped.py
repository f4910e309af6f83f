"""The error that the crash ring and the campaign must notice: a band is told to forget before a batch is stored."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing

from hipsync.conversation.session import Conversation
from hipsync.conversation.stored import Commit
from hipsync.driver import Driver, Session
from hipsync.model import Reading


async def collect_swapped(driver: Driver, conversation: Conversation, session: Session, commit: Commit) -> None:
    """Do what `session.collect` does, but let the driver go on before each batch is stored."""
    if driver.sync is None:
        return
    waiting: Sequence[Reading] = ()
    async with aclosing(driver.sync(conversation.view(), session)) as batches:
        async for batch in batches:
            await commit(waiting)
            waiting = batch
    await commit(waiting)

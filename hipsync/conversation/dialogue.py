"""A driver at work on one connection: it is opened, run and closed here, for the service as for every other caller.

    async with dialogue(driver, conversation, session, commit) as talk:   logs in, stores what the band says of itself
        await talk.fetch(commit)                                          what is new, batch after batch
        await talk.watch(commit)                                          what happens from now on, until the link ends
        await talk.nudge(message)                                         at any time, also while another task watches

A dialogue does not know why the band is contacted, nor where its readings go. The one rule: `commit` returns before the
driver goes on, so that a driver never lets a band forget what is not on disk.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from hipsync.conversation.session import Commit, Conversation, collect, meet, nudge, watch
from hipsync.driver import Driver, Message, Session
from hipsync.model import Answer


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A driver that has logged in to a band. It can be used until the block of `dialogue` ends or the link is lost."""

    driver: Driver
    conversation: Conversation
    session: Session

    async def fetch(self, commit: Commit) -> None:
        """Fetch what is new since `session.since`; a driver without `sync` fetches nothing.

        Raises `DeviceError`, and whatever `commit` raises. The driver is closed before either leaves this method.
        """
        await collect(self.driver, self.conversation, self.session, commit)

    async def watch(self, commit: Commit) -> None:
        """Store readings as the band sends them, without end; a driver without `watch` returns at once.

        Raises `DeviceError` (`LinkLost` when the connection ends), and whatever `commit` raises.
        """
        await watch(self.driver, self.conversation, self.session, commit)

    async def nudge(self, message: Message) -> Answer | None:
        """Let the band vibrate and show a message; the wearer's answer, if the band can send one.

        Raises `DeviceError`, also where bands of this kind cannot vibrate.
        """
        return await nudge(self.driver, self.conversation, self.session, message)


@contextlib.asynccontextmanager
async def dialogue(
    driver: Driver, conversation: Conversation, session: Session, commit: Commit
) -> AsyncGenerator[Dialogue, None]:
    """Log in, store what the band says of itself, and keep the driver open during the block.

    Raises `DeviceError` where the band does not let us in, and whatever `commit` raises.
    """
    await meet(driver, conversation, session, commit)
    yield Dialogue(driver, conversation, session)

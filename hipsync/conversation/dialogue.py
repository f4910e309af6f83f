"""Runs a driver on one connection, from the login to the end, for the service and every other caller.

    async with dialogue(driver, conversation, session, commit) as talk:   logs in, and stores the band's own details
        await talk.fetch(commit)                                          stores what is new, batch after batch
        await talk.watch(commit)                                          stores what happens until the link ends
        await talk.nudge(message)                                         at any time, even while another task watches

A dialogue knows neither why the band is contacted nor where its readings go. The one rule: the driver continues only
after `commit` has returned, so a driver never lets a band delete data that are not on disk yet.
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
    """A driver that has logged in to a band. It is usable until the block of `dialogue` ends or the link is lost."""

    driver: Driver
    conversation: Conversation
    session: Session

    async def fetch(self, commit: Commit) -> None:
        """Fetch and store what is new since `session.since`. A driver without `sync` fetches nothing.

        Raises `DeviceError`, and whatever `commit` raises. In either case the driver's generator is closed first.
        """
        await collect(self.driver, self.conversation, self.session, commit)

    async def watch(self, commit: Commit) -> None:
        """Store readings as the band sends them, without end. If the driver has no `watch`, return at once.

        Raises `DeviceError` (`LinkLost` when the connection ends), and whatever `commit` raises.
        """
        await watch(self.driver, self.conversation, self.session, commit)

    async def nudge(self, message: Message) -> Answer | None:
        """Make the band vibrate and show a message. Returns the wearer's answer, or None if none came.

        Raises `DeviceError`, also if bands of this kind can do neither.
        """
        return await nudge(self.driver, self.conversation, self.session, message)


@contextlib.asynccontextmanager
async def dialogue(
    driver: Driver, conversation: Conversation, session: Session, commit: Commit
) -> AsyncGenerator[Dialogue, None]:
    """Log in, store what the band reports about itself, and give the block a `Dialogue`.

    Raises `DeviceError` if the login fails, and whatever `commit` raises.
    """
    await meet(driver, conversation, session, commit)
    yield Dialogue(driver, conversation, session)

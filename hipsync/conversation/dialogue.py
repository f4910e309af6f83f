"""Runs a driver on one connection, from the login to the end, for the service and every other caller.

    async with dialogue(driver, conversation, session, commit) as talk:   logs in, and stores the band's own details
        await talk.fetch(commit)                                          stores what is new, batch after batch
        await talk.watch(commit)                                          stores what happens until the link ends
        await talk.nudge(message)                                         at any time, even while another task watches

A driver with `begin` has its `listen` running beside the whole block. A dialogue knows neither why the band is
contacted nor where its readings go. The one rule: the driver continues only after `commit` has returned, so a driver
never lets a band delete data that are not on disk yet.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from hipsync.conversation.session import Conversation, collect, meet, nudge, watch
from hipsync.conversation.stored import Commit, all_committed, committed
from hipsync.driver import Abilities, Dialogue, Driver, Message, Session
from hipsync.errors import DeviceError
from hipsync.model import Answer


@dataclass(frozen=True, slots=True)
class OpenDialogue:
    """A driver that has logged in to a band. It is usable until the block of `dialogue` ends or the link is lost."""

    driver: Driver
    conversation: Conversation
    session: Session
    begun: Dialogue | None = None
    """What the driver began; None for a driver whose coroutines run one by one."""

    @property
    def abilities(self) -> Abilities:
        """What this band can do."""
        return self.own_abilities or self.driver.abilities

    @property
    def own_abilities(self) -> Abilities | None:
        """What this band itself has shown that it can do; None if nothing is known but what its family may do."""
        return None if self.begun is None else self.begun.abilities

    @property
    def held(self) -> bool:
        """Whether to stay connected to this band."""
        return self.driver.held if self.begun is None else self.abilities.held

    @property
    def can_nudge(self) -> bool:
        """Whether this band can vibrate or show a message."""
        if self.begun is None:
            return self.driver.nudge is not None
        return self.abilities.nudges

    async def fetch(self, commit: Commit) -> None:
        """Fetch and store what is new since `session.since`. From a band without a memory nothing is fetched.

        Raises `DeviceError`, and whatever `commit` raises. In either case the driver's generator is closed first.
        """
        if self.begun is None:
            await collect(self.driver, self.conversation, self.session, commit)
        elif self.abilities.history is not None:
            await all_committed(commit, self.begun.sync())

    async def watch(self, commit: Commit) -> None:
        """Store readings as the band sends them, without end. If the band sends none unasked, return at once.

        Raises `DeviceError` (`LinkLost` when the connection ends), and whatever `commit` raises.
        """
        if self.begun is None:
            await watch(self.driver, self.conversation, self.session, commit)
        elif self.abilities.live:
            await all_committed(commit, self.begun.watch())

    async def nudge(self, message: Message) -> Answer | None:
        """Make the band vibrate and show a message. Returns the wearer's answer, or None if none came.

        Raises `DeviceError`, also if the band can do neither.
        """
        if self.begun is None:
            return await nudge(self.driver, self.conversation, self.session, message)
        if not self.can_nudge:
            raise DeviceError(f"{self.driver.label}: this band cannot buzz")
        return await self.begun.nudge(message)


@contextlib.asynccontextmanager
async def dialogue(
    driver: Driver, conversation: Conversation, session: Session, commit: Commit, *, log_in: bool = True
) -> AsyncGenerator[OpenDialogue, None]:
    """Log in, store what the band reports about itself, and give the block an `OpenDialogue`.

    Without `log_in`, the login is over already, as in a capture that leaves it out. Raises `DeviceError` if the login
    fails, and whatever `commit` raises.
    """
    if driver.begin is None:
        if log_in:
            await meet(driver, conversation, session, commit)
        yield OpenDialogue(driver, conversation, session)
        return
    with conversation.viewing() as link:
        begun = driver.begin(link, session)
        async with conversation.beside(begun.listen()):
            if log_in and (readings := await begun.open()):
                await committed(commit, readings)
            yield OpenDialogue(driver, conversation, session, begun)

"""What passes messages between the computers of one wearer, as far as sharing needs it.

A broker does it (`hipsync.home.broker`), and so does the database of a fleet (`hipsync.fleet.channel`). The one rule:
all computers hear the messages of one topic in the same order, which is how they agree who speaks.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple, Protocol

REFUSED = 0x80
"""The first of the codes by which a channel says that it does not let us do something."""


class Message(NamedTuple):
    """What came by the channel."""

    topic: str
    payload: bytes
    retained: bool
    """Whether it is kept there for those who come later."""


class Subscription(NamedTuple):
    """A topic to hear, in which `+` stands for any one word; of what is kept there, too, if `kept`."""

    topic: str
    kept: bool = True


class Channel(Protocol):
    """An open connection to what passes messages."""

    @property
    def dropped(self) -> int:
        """How many messages were dropped so far, because too many waited to be looked at."""
        ...

    async def publish(self, topic: str, payload: bytes, *, retain: bool, expires_s: int | None = None) -> int:
        """Send a message, and return a code: from `REFUSED` on, it was not taken.

        With `retain` it takes the place of the one that is kept at its topic; an empty one only takes that away. After
        `expires_s` seconds it is passed on no more, and no more kept; None means never. Raises `HipsyncError` if the
        connection was lost.
        """
        ...

    async def subscribe(self, subscriptions: Sequence[Subscription]) -> Sequence[int]:
        """Hear these topics from now on, and return a code for each. Raises `HipsyncError`.

        What is kept there is heard before anything that is published later.
        """
        ...

    async def unsubscribe(self, topics: Sequence[str]) -> None:
        """Hear nothing of these topics that is published from now on. Raises `HipsyncError`.

        What was published before may still come.
        """
        ...

    def messages(self) -> AsyncIterator[Message]:
        """Yield what comes, until the connection is lost; then raise `HipsyncError`."""
        ...

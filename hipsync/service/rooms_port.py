"""The proxies in other rooms, as far as the service needs them: asked how they are, and lent to another command."""

from __future__ import annotations

from typing import Protocol

from hipsync.text import Json


class Rooms(Protocol):
    """The Bluetooth proxies of the user. None of its methods raises anything."""

    def told(self) -> Json:
        """How things are with each proxy, in a list of objects; an empty list if none is set."""
        ...

    def trouble(self) -> str | None:
        """What is wrong with proxies; None if nothing is."""
        ...

    def lend(self, seconds: float) -> None:
        """Leave the proxies to another command for so many seconds; 0 takes them back."""
        ...

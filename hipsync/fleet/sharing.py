"""Shares with the wearer's other computers by the fleet's database: for a gateway that one wearer uses, and reminds.

It stands in the place of the home, because that is whom the service asks whether to speak.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable
from functools import partial

from hipsync.core.exercises import Move
from hipsync.fleet.channel import opened
from hipsync.host.clock import Clock
from hipsync.model import Occasion, Prompt
from hipsync.service.home_port import Home
from hipsync.service.now import Now
from hipsync.service.state import State
from hipsync.store import Store
from hipsync.text import Json
from hipsync.together.sharing import Sharing
from hipsync.together.topics import Topics

WEARER = "wearer"
"""What the wearer is called in topics: whose channel it is, the login says."""


class FleetSharing:
    """The home, which is told and shown what it was before; but who speaks is agreed by the fleet's database."""

    def __init__(self, home: Home, store: Store, clock: Clock, conninfo: str, host: str) -> None:
        """`host` is this computer's name, as `slug` makes it."""
        self._home, self._store, self._clock = home, store, clock
        self._topics, self._conninfo = Topics(WEARER, host), conninfo
        self._sharing: Sharing | None = None

    def tell(self, state: State, now: Now) -> None:
        """Tell the home what is known now."""
        self._home.tell(state, now)

    async def show(self, prompt: Prompt, move: Move, strong: bool) -> bool:
        """Show a prompt in the home, and return whether it was."""
        return await self._home.show(prompt, move, strong)

    async def speaks(self, occasion: Occasion, *, is_there: bool) -> bool:
        """Whether this computer, and none of the wearer's others, is to show a reminder that is due here."""
        return self._sharing is None or await self._sharing.speaks(occasion, is_there=is_there)

    def told(self) -> Json:
        """How things are with the home, and which of the wearer's other computers are online."""
        nothing: dict[str, Json] = {"broker": None, "connected": False, "home_assistant": None, "trouble": None}
        told = self._home.told()
        others = None if self._sharing is None else self._sharing.others()
        return {
            **(told if isinstance(told, dict) else nothing), "sharing": None if others is None else list[Json](others)
        }  # fmt: skip

    def trouble(self) -> str | None:
        """What keeps this computer and the wearer's others from being equal; None if nothing does."""
        return None if self._sharing is None else self._sharing.trouble()

    @contextlib.asynccontextmanager
    async def running(self, look: Callable[[], None]) -> AsyncGenerator[None, None]:
        """Keep in touch with the home and with the wearer's other computers during the block."""
        self._sharing = Sharing(self._store, self._clock, self._topics, look)
        try:
            async with (
                self._home.running(look),
                self._sharing.sharing(partial(opened, self._conninfo, self._topics)),
            ):
                yield
        finally:
            self._sharing = None

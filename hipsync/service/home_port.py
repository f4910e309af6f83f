"""The home, as far as the service needs it: something that is told, shown prompts, and asked how it is.

`hipsync.home` implements it; the service runs as well without.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from hipsync.core.exercises import Move
from hipsync.model import Occasion, Prompt
from hipsync.service.now import Now
from hipsync.service.state import State
from hipsync.text import Json


class Home(Protocol):
    """The home automation of the user. None of its methods raises anything."""

    def tell(self, state: State, now: Now) -> None:
        """Tell it what is known now; `now` was made of the state."""
        ...

    async def show(self, prompt: Prompt, move: Move, strong: bool) -> bool:
        """Show a prompt there, and return whether it was truly shown."""
        ...

    async def speaks(self, occasion: Occasion, *, is_there: bool) -> bool:
        """Whether this computer is the one to show a reminder that is due, and not another one of the wearer's.

        `is_there` is whether somebody is at this computer. It takes some seconds at most.
        """
        ...

    def told(self) -> Json:
        """How things are with it, as `status --json` shows it; null if the user has set none up."""
        ...

    def running(self, look: Callable[[], None]) -> AbstractAsyncContextManager[None]:
        """Keep in touch with it during a block. `look` lets the service look at what an answer changed."""
        ...

"""The one function that asks what keeps a reminder from being welcome now."""

from __future__ import annotations

from typing import NamedTuple

from hipsync.host.moment.notices import held_back
from hipsync.host.moment.sound import microphone_in_use
from hipsync.host.presence.computer import Computer


class Moment(NamedTuple):
    """What is known of this moment. None is not known, and keeps no reminder back."""

    call: bool | None = None
    """Whether a program listens to a microphone, as in a call."""
    full_screen: bool | None = None
    """Whether the window in front fills the screen, as in a talk or a film."""
    do_not_disturb: bool | None = None
    """Whether the user had the desktop hold notices back."""

    @property
    def busy(self) -> bool:
        """Whether a reminder is known not to be welcome."""
        return any(self)


async def moment(computer: Computer) -> Moment:
    """Return what is known of this moment, within some seconds. It raises nothing."""
    return Moment(
        call=await microphone_in_use(computer.environment),
        full_screen=await computer.full_screen(),
        do_not_disturb=await held_back(computer.session_bus, computer.environment),
    )

"""Asks this computer whether a reminder is welcome there now; nothing of the answer is kept.

How each thing is asked is known to `hipsync.host`; what follows from it to `hipsync.core.speaking`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from hipsync.core.policy import Busy
from hipsync.core.speaking import Here

if TYPE_CHECKING:
    from hipsync.host.presence.computer import Computer


async def here_now(computer: Computer, hold: Collection[Busy]) -> Here:
    """What is known of the wearer at this computer now; `hold` is what the user wants to hold a reminder back.

    It takes some seconds at most, and raises nothing.
    """
    from hipsync.host.moment.moment import moment

    seen, now = await computer.look(), await moment(computer)
    facts = {Busy.CALL: now.call, Busy.FULL_SCREEN: now.full_screen, Busy.DO_NOT_DISTURB: now.do_not_disturb}
    busy = next((each for each, fact in facts.items() if fact and each in hold), None)
    return Here(busy, bool(seen.locked), seen.idle_s)

"""Asks this computer whether a reminder is welcome there now; nothing of the answer is stored.

How each thing is asked is known to `hipsync.host`; what follows from it to `hipsync.core.speaking`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from typing import TYPE_CHECKING

from hipsync.core.policy import Busy
from hipsync.core.speaking import Here
from hipsync.text import Json

if TYPE_CHECKING:
    from hipsync.host.presence.computer import Computer


def here_to_json(here: Here | None) -> Json:
    """What is known of the wearer at this computer, as an answer of the service; null if it is not asked."""
    if here is None:
        return None
    return {"busy": None if here.busy is None else here.busy.value, "locked": here.locked, "idle_s": here.idle_s}


def here_from_json(answer: Json) -> Here | None:
    """The same from such an answer; None too if it makes no sense, as from another version."""
    match answer:
        case {"busy": str() | None as busy, "locked": bool(locked), "idle_s": int() | float() | None as idle_s}:
            with contextlib.suppress(ValueError):
                return Here(None if busy is None else Busy(busy), locked, idle_s)
        case _:
            pass
    return None


async def here_now(computer: Computer, hold: Collection[Busy]) -> Here:
    """What is known of the wearer at this computer now; `hold` is what the user wants to hold a reminder back.

    It takes some seconds at most, and raises nothing.
    """
    from hipsync.host.moment.moment import moment

    seen, now = await computer.look(), await moment(computer)
    facts = {Busy.CALL: now.call, Busy.FULL_SCREEN: now.full_screen, Busy.DO_NOT_DISTURB: now.do_not_disturb}
    busy = next((each for each, fact in facts.items() if fact and each in hold), None)
    return Here(busy, bool(seen.locked), seen.idle_s)

"""Which session of this user is in front of the computer, by logind.

logind lists the sessions of all users. What counts is one of this user's at a seat of this computer, which is a screen
with a keyboard; a remote one (SSH, RDP) has none. logind itself knows no input: a desktop may tell it that the session
is idle or locked, so it never says that the computer is used.

Source: org.freedesktop.login1(5).
"""

from __future__ import annotations

import os
from typing import NamedTuple

from hipsync.host.presence.bus import Bus
from hipsync.host.presence.seen import UNKNOWN, Seen

NAME, PATH = "org.freedesktop.login1", "/org/freedesktop/login1"
TEXT_ONLY = frozenset({"tty", "unspecified"})
"""The types of sessions without a desktop."""


class Session(NamedTuple):
    """The session of this user at this computer."""

    kind: str
    """x11, wayland, or another word of logind's."""
    display: str
    """The name of its X11 display, such as ":0"; empty if it has none, or logind was not told."""
    seen: Seen


class Logind:
    """Asks logind which session of this user is in front, and whether it is idle or locked."""

    def __init__(self, user: int | None = None) -> None:
        """`user` is the number of the user whose sessions count; None means that of this process."""
        self._user = os.getuid() if user is None else user
        self._bus = Bus(system=True)
        self.there = False
        """Whether logind answered the last question. Where it does not run, others are asked alone."""

    async def session(self) -> Session | None:
        """Return this user's session in front of the computer; None if there is none, or no logind."""
        body = await self._bus.call(NAME, PATH, f"{NAME}.Manager.ListSessions")
        self.there = body is not None
        for _, user, _, seat, path in body[0] if body else ():
            if user != self._user or not seat:
                continue
            known = await self._bus.properties(NAME, path, f"{NAME}.Session")
            if known and _counts(known):
                return Session(str(known.get("Type", "")), str(known.get("Display", "")), _seen(known))
        return None

    def close(self) -> None:
        """Close the connection to the bus."""
        self._bus.close()


def _counts(known: dict[str, object]) -> bool:
    """Whether a session with these properties is a person's, in front of the computer, with a desktop."""
    return (
        known.get("Active") is True
        and known.get("Remote") is False
        and known.get("Class") == "user"
        and known.get("Type") not in TEXT_ONLY
    )


def _seen(known: dict[str, object]) -> Seen:
    locked, idle = known.get("LockedHint"), known.get("IdleHint")
    return UNKNOWN._replace(
        locked=locked if isinstance(locked, bool) else None, idle=idle if isinstance(idle, bool) else None
    )

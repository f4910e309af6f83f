"""When input came last and whether the screen is locked, by org.freedesktop.ScreenSaver: KDE and some others.

The time since the last input is in milliseconds, as KDE's own service answers; on Wayland that service has no answer,
or 0, so only the lock is taken from it there.

Source: KDE's org.freedesktop.ScreenSaver.xml: `GetActive() -> b`, `GetSessionIdleTime() -> u`.
"""

from __future__ import annotations

from hipsync.host.presence.bus import Bus
from hipsync.host.presence.seen import Seen

NAME, PATH = "org.freedesktop.ScreenSaver", "/org/freedesktop/ScreenSaver"


class ScreenSaver:
    """Asks the screen saver, over the session's bus, how long ago the last input was and whether it is active."""

    def __init__(self, bus: Bus, *, wayland: bool) -> None:
        self._bus, self._wayland = bus, wayland

    async def look(self) -> Seen | None:
        """Return what the screen saver knows; None if there is none."""
        active = await self._bus.call(NAME, PATH, f"{NAME}.GetActive")
        if not active or not isinstance(active[0], bool):
            return None
        body = None if self._wayland else await self._bus.call(NAME, PATH, f"{NAME}.GetSessionIdleTime")
        return Seen(idle_s=body[0] / 1000 if body and isinstance(body[0], int) else None, locked=active[0])

    def close(self) -> None:
        """Close the connection to the bus."""
        self._bus.close()

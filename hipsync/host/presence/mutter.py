"""When input came last, by Mutter, which draws the desktop of GNOME, on X11 and on Wayland.

Source: org.gnome.Mutter.IdleMonitor, as Mutter's introspection data describe it: `GetIdletime() -> t`, milliseconds.
"""

from __future__ import annotations

from hipsync.host.presence.bus import Bus
from hipsync.host.presence.seen import Seen

NAME = "org.gnome.Mutter.IdleMonitor"
PATH = "/org/gnome/Mutter/IdleMonitor/Core"


class Mutter:
    """Asks Mutter, over the session's bus, how long ago the last input was."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def look(self) -> Seen | None:
        """Return the time since the last input; None if Mutter does not run."""
        body = await self._bus.call(NAME, PATH, f"{NAME}.GetIdletime")
        return Seen(idle_s=body[0] / 1000) if body and isinstance(body[0], int) else None

    def close(self) -> None:
        """Close the connection to the bus."""
        self._bus.close()

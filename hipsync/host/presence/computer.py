"""Which ways to learn of this computer's use are asked, in which order, and how their answers are joined."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from hipsync.host.presence.bus import Bus
from hipsync.host.presence.logind import Logind, Session
from hipsync.host.presence.mutter import Mutter
from hipsync.host.presence.screensaver import ScreenSaver
from hipsync.host.presence.seen import UNKNOWN, Seen, Source
from hipsync.host.presence.wayland import Wayland
from hipsync.host.presence.x11 import X11

FROM_ELSEWHERE = ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY", "XRDP_SESSION", "VNCDESKTOP")
"""Variables of sessions that somebody uses from another computer."""


class Computer:
    """Asks this computer whether it is used. The first way that knows the last input decides about that."""

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        environment: Mapping[str, str] | None = None,
        platform: str = sys.platform,
        activitywatch: Callable[[], bool] = lambda: False,
    ) -> None:
        """`activitywatch` says whether the user wants ActivityWatch to be asked, if nothing else knows."""
        self._now, self._platform, self._activitywatch = now, platform, activitywatch
        self.environment = os.environ if environment is None else environment
        self._logind = Logind() if platform == "linux" else None
        self.session_bus = Bus(system=False)
        self._sources: dict[str, Source] = {}
        """The ways that were asked before, which may have connections open."""

    async def look(self) -> Seen:
        """Return what is known now. It raises nothing; what no way can tell is None."""
        session: Session | None = None
        if self._logind is not None:
            session = await self._logind.session()
            if session is None and self._logind.there:
                return UNKNOWN
        if session is None and any(self.environment.get(name) for name in FROM_ELSEWHERE):
            return UNKNOWN
        seen = UNKNOWN if session is None else session.seen
        for source in self._in_order(session):
            if (found := await source.look()) is not None:
                locked = found.locked if found.locked is not None else seen.locked
                seen = Seen(found.idle_s, locked, seen.idle)
            if seen.idle_s is not None:
                break
        return seen

    async def full_screen(self) -> bool | None:
        """Whether the window in front fills the screen of this user's session; None if that cannot be known."""
        session = None if self._logind is None else await self._logind.session()
        for source in self._of_desktops(session):
            if isinstance(source, X11):
                return await source.full_screen()
        return None

    def close(self) -> None:
        """Close all connections."""
        self.session_bus.close()
        for each in (self._logind, *self._sources.values()):
            if each is not None:
                each.close()
        self._sources.clear()

    def _in_order(self, session: Session | None) -> Iterator[Source]:
        """The ways to ask that there can be here, the surest first."""
        if self._platform == "darwin":
            yield self._kept("macos", _macos)
        elif self._platform == "win32":
            yield self._kept("windows", _windows)
        else:
            yield from self._of_desktops(session)
        if self._activitywatch():
            yield self._kept("activitywatch", lambda: _activitywatch(self._now))

    def _of_desktops(self, session: Session | None) -> Iterator[Source]:
        kind = session.kind if session is not None else self.environment.get("XDG_SESSION_TYPE", "")
        wayland = kind == "wayland" or bool(self.environment.get("WAYLAND_DISPLAY"))
        display = self.environment.get("DISPLAY") or (session.display if session is not None else "")
        yield self._kept("mutter", lambda: Mutter(self.session_bus))
        if display and not wayland:
            yield self._kept(f"x11 {display}", lambda: X11(display, self.environment))
        if self.environment.get("WAYLAND_DISPLAY"):
            yield self._kept("wayland", lambda: Wayland(self.environment))
        yield self._kept(f"screensaver {wayland}", lambda: ScreenSaver(self.session_bus, wayland=wayland))

    def _kept(self, name: str, make: Callable[[], Source]) -> Source:
        if name not in self._sources:
            self._sources[name] = make()
        return self._sources[name]


def _macos() -> Source:
    from hipsync.host.presence.macos import MacOs

    return MacOs()


def _windows() -> Source:
    from hipsync.host.presence.windows import Windows

    return Windows()


def _activitywatch(now: Callable[[], datetime]) -> Source:
    from hipsync.host.presence.activitywatch import ActivityWatch

    return ActivityWatch(now)

"""When input came last and whether the screen is locked, on Windows. Untried: nobody has run this yet.

Source: Microsoft's documentation of `GetLastInputInfo`, `GetTickCount`, `GetSystemMetrics` (SM_REMOTESESSION) and
`OpenInputDesktop`, which fails while the desktop that receives input is that of the lock screen.
"""

from __future__ import annotations

import ctypes
import logging
from typing import Any

from hipsync.host.presence.seen import Seen

log = logging.getLogger(__name__)

REMOTE_SESSION, SWITCH_DESKTOP = 0x1000, 0x0100
TICKS = 2**32
"""The counter of milliseconds begins anew after so many of them, which is 49.7 days."""


class _LastInput(ctypes.Structure):
    _fields_ = (("size", ctypes.c_uint), ("at_ms", ctypes.c_uint32))


class Windows:
    """Asks Windows how long ago the last input was, and whether the screen is locked."""

    async def look(self) -> Seen | None:
        """Return what is known; None if this session is a remote one, or the calls are not there."""
        try:
            return _seen()
        except (OSError, AttributeError) as error:
            log.debug("Windows: %s", error)
            return None

    def close(self) -> None:
        """Close nothing: no connection is held."""


def _seen() -> Seen | None:
    libraries = getattr(ctypes, "windll")  # noqa: B009  it is there on Windows alone
    user: Any = libraries.user32
    kernel: Any = libraries.kernel32
    if user.GetSystemMetrics(REMOTE_SESSION):
        return None
    last = _LastInput(ctypes.sizeof(_LastInput), 0)
    if not user.GetLastInputInfo(ctypes.byref(last)):
        return None
    user.OpenInputDesktop.restype = ctypes.c_void_p
    user.CloseDesktop.argtypes = [ctypes.c_void_p]
    desktop = user.OpenInputDesktop(0, False, SWITCH_DESKTOP)
    if desktop:
        user.CloseDesktop(desktop)
    return Seen((kernel.GetTickCount() - int(last.at_ms)) % TICKS / 1000, locked=not desktop)

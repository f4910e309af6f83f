"""When input came last and whether the screen is locked, on macOS. Untried: nobody has run this yet.

Source: Apple's documentation of `CGEventSourceSecondsSinceLastEventType` and `CGSessionCopyCurrentDictionary`. The key
`CGSSessionScreenIsLocked` is not documented; it is there while the screen is locked.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import logging
from typing import Any

from hipsync.host.presence.seen import Seen

log = logging.getLogger(__name__)

HARDWARE, ANY_INPUT = 1, 0xFFFFFFFF
"""kCGEventSourceStateHIDSystemState and kCGAnyInputEventType: real input of any kind."""
UTF8 = 0x08000100
"""kCFStringEncodingUTF8."""
LOCKED, AT_CONSOLE = b"CGSSessionScreenIsLocked", b"kCGSSessionOnConsoleKey"


class MacOs:
    """Asks the window server of macOS how long ago the last input was, and whether the screen is locked."""

    async def look(self) -> Seen | None:
        """Return what is known; None if this session is not the one in front, or the calls are not there."""
        try:
            return _seen()
        except (OSError, AttributeError, TypeError) as error:
            log.debug("macOS: %s", error)
            return None

    def close(self) -> None:
        """Close nothing: no connection is held."""


def _seen() -> Seen | None:
    graphics: Any = ctypes.CDLL(ctypes.util.find_library("ApplicationServices"))
    core: Any = ctypes.CDLL(ctypes.util.find_library("CoreFoundation"))
    core.CFStringCreateWithCString.restype = core.CFDictionaryGetValue.restype = ctypes.c_void_p
    core.CFStringCreateWithCString.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint32]
    core.CFDictionaryGetValue.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    core.CFBooleanGetValue.argtypes = core.CFRelease.argtypes = [ctypes.c_void_p]
    core.CFBooleanGetValue.restype = ctypes.c_bool
    graphics.CGSessionCopyCurrentDictionary.restype = ctypes.c_void_p
    graphics.CGEventSourceSecondsSinceLastEventType.argtypes = [ctypes.c_int32, ctypes.c_uint32]
    graphics.CGEventSourceSecondsSinceLastEventType.restype = ctypes.c_double
    session = graphics.CGSessionCopyCurrentDictionary()
    if not session:  # no session with a window server, such as one by SSH
        return None
    try:
        locked, at_console = (_flag(core, session, key) for key in (LOCKED, AT_CONSOLE))
    finally:
        core.CFRelease(session)
    if not at_console:
        return None
    return Seen(graphics.CGEventSourceSecondsSinceLastEventType(HARDWARE, ANY_INPUT), locked)


def _flag(core: Any, dictionary: int, key: bytes) -> bool:
    """Whether a dictionary of CoreFoundation has a true value for a key."""
    name = core.CFStringCreateWithCString(None, key, UTF8)
    try:
        value = core.CFDictionaryGetValue(dictionary, name)
        return bool(value) and bool(core.CFBooleanGetValue(value))
    finally:
        core.CFRelease(name)

"""What the service tells its supervisor: systemd's notification protocol, a datagram to the socket in $NOTIFY_SOCKET.

Source: sd_notify(3). Without the variable everything here does nothing.
"""

from __future__ import annotations

import os
import socket


def watchdog_s() -> float | None:
    """Within how many seconds the supervisor wants to hear from us again; None if it does not watch."""
    given = os.environ.get("WATCHDOG_USEC", "")
    return int(given) / 1e6 if given.isdecimal() and int(given) else None


def tell(**words: str | int) -> None:
    """Such as `tell(READY=1, STATUS="...")`; that nobody listens is no trouble of ours."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address[:1] not in {"/", "@"} or not hasattr(socket, "AF_UNIX"):
        return
    said = "\n".join(f"{word}={str(value).replace(chr(10), ' ')}" for word, value in words.items())
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as there:
        try:
            there.setblocking(False)
            there.connect(f"\0{address[1:]}" if address[0] == "@" else address)
            there.send(said.encode())
        except OSError:
            return

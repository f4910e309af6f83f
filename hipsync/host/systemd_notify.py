"""Notifies the supervisor of the service's state, by systemd's protocol: a datagram to the socket in $NOTIFY_SOCKET.

If the variable is not set, there is no supervisor and nothing is sent.

Source: sd_notify(3).
"""

from __future__ import annotations

import os
import socket

from hipsync.text import one_line


def watchdog_s() -> float | None:
    """Return the seconds within which the supervisor expects the next WATCHDOG=1, from $WATCHDOG_USEC.

    None means that it expects none.
    """
    given = os.environ.get("WATCHDOG_USEC", "")
    return int(given) / 1e6 if given.isdecimal() and int(given) else None


def notify_supervisor(**variables: str | int) -> None:
    """Send variables of sd_notify(3) to the supervisor, as in `notify_supervisor(READY=1, STATUS="started")`.

    Raises no error if there is no supervisor, or if it does not accept the message.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address[:1] not in {"/", "@"} or not hasattr(socket, "AF_UNIX"):
        return
    message = "\n".join(f"{name}={one_line(str(value))}" for name, value in variables.items())
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as supervisor:
        try:
            supervisor.setblocking(False)
            supervisor.connect(f"\0{address[1:]}" if address[0] == "@" else address)
            supervisor.send(message.encode())
        except OSError:
            return

"""A socket of this computer alone, for a page that a command serves."""

from __future__ import annotations

import socket
import sys

from hipsync.errors import HipsyncError


def listening_at(port: int) -> socket.socket:
    """Return a socket that listens on this port of 127.0.0.1; 0 is any that is free. Raises `HipsyncError`."""
    listening = socket.socket()
    try:
        if sys.platform == "win32":  # there SO_REUSEADDR would let another program take the port away
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen()  # a browser that opens the address at once waits, and is answered
    except OSError as error:
        listening.close()
        raise HipsyncError(f"port {port} cannot be used ({error.strerror}): give another with --port") from error
    return listening

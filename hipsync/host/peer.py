"""Which user of this computer holds the other end of a connection within it, as far as the system tells.

Linux lists every connection with the user who opened it (proc_pid_net(5), "tcp"), so a page for one person can refuse
the others whatever they have learnt. Other systems have no such list that a program may read: there nobody is refused
here. The one rule: where the system tells, a connection without a living owner counts as a stranger's, because whoever
sends a question and leaves is listed as nobody, or as root.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
"""Lists of connections. A client may reach an address of IPv4 through a socket of IPv6, which is in the second."""
ROOT = 0
Address = tuple[str, int]
"""A dotted IPv4 address and a port."""


def is_strangers(client: Address, server: Address, tables: Sequence[Path] = TABLES) -> bool:
    """Whether the connection from `client` to `server`, both on this computer, is another user's.

    It is not if this user or root opened it, or if the system does not tell.
    """
    if not hasattr(os, "getuid"):
        return False
    told = False
    for local, remote, user, inode in _rows(tables):
        told = told or local in _forms(server)
        if local in _forms(client) and remote in _forms(server) and inode:
            return user not in {os.getuid(), ROOT}
    return told


def is_ours(connection: socket.socket) -> bool:
    """Whether the other end of a Unix socket is this user's or root's; True where the system cannot say so."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, user, _ = struct.unpack("3i", credentials)
    return user in {os.getuid(), ROOT}


def _rows(tables: Sequence[Path]) -> Iterator[tuple[str, str, int, int]]:
    """The connections that the system lists, as (local address, remote address, user, inode); 0 is no inode."""
    for table in tables:
        try:
            lines = table.read_text("ascii").splitlines()[1:]
        except (OSError, ValueError):
            continue
        for line in lines:
            cells = line.split()
            yield cells[1], cells[2], int(cells[7]), int(cells[9])


def _forms(address: Address) -> tuple[str, str]:
    """An address as the tables of IPv4 and of IPv6 write it: each 32 bits as a number of this machine, in hex."""
    host, port = address
    words = [bytes(4), bytes(4), b"\0\0\xff\xff", socket.inet_aton(host)]
    *mapped, plain = (f"{int.from_bytes(word, sys.byteorder):08X}" for word in words)
    return f"{plain}:{port:04X}", f"{''.join(mapped)}{plain}:{port:04X}"

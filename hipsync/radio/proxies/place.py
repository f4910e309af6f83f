"""Where a proxy is, and its encryption key, by the settings and the file that they name.

The one rule: the key is in no message, no log and no `repr`.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import ipaddress
import socket
from pathlib import Path

from hipsync.errors import ConfigError
from hipsync.private import refuse_readable
from hipsync.settings.config import Proxy

KEY_BYTES = 32


def place(proxy: Proxy) -> str:
    """Return where a proxy is, as people read it."""
    return f"[{proxy.host}]:{proxy.port}" if ":" in proxy.host else f"{proxy.host}:{proxy.port}"


def key_of(proxy: Proxy) -> str | None:
    """Return the key of a proxy in base64, as ESPHome writes it; None for a proxy that does not encrypt.

    Raises `ConfigError` if the file cannot be read, is read by others, or holds no key.
    """
    if not proxy.key_file:
        return None
    path = Path(proxy.key_file).expanduser()
    try:
        with path.open("rb") as opened:
            refuse_readable(path, opened.fileno(), f"it holds the key of the proxy {proxy.called}")
            line = opened.readline(1000).strip().strip(b"\"'")
    except OSError as error:
        raise ConfigError(f"{path} (key_file) cannot be read: {error.strerror}") from error
    try:
        good = len(base64.b64decode(line, validate=True)) == KEY_BYTES
    except binascii.Error:
        good = False
    if not good:
        raise ConfigError(
            f"{path} (key_file) holds no key: its first line is what ESPHome has at api: encryption: key:"
        )
    return line.decode("ascii")


async def addresses(proxy: Proxy) -> list[str]:
    """Return the addresses of a proxy in the network, as this system finds them. Raises `OSError` if it finds none."""
    try:
        return [str(ipaddress.ip_address(proxy.host.partition("%")[0])) + "".join(proxy.host.partition("%")[1:])]
    except ValueError:
        found = await asyncio.get_running_loop().getaddrinfo(proxy.host, proxy.port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(each[4][0]) for each in found))

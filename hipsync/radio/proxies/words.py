"""Why a proxy cannot be reached or is of no use, in a line for people that names it: what, why, and what to do."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence

from aioesphomeapi.core import (
    APIConnectionError,
    EncryptionHelloAPIError,
    EncryptionPlaintextAPIError,
    HandshakeAPIError,
    InvalidAuthAPIError,
    InvalidEncryptionKeyAPIError,
    ProtocolAPIError,
    RequiresEncryptionAPIError,
    SocketClosedAPIError,
    TimeoutAPIError,
)

from hipsync.errors import ConfigError
from hipsync.radio.proxies.place import place
from hipsync.settings.config import Proxy
from hipsync.text import clean

NOT_YET = "{} did not answer so far: is it on, and on this network?"
_ADOPTED = (
    "most likely Home Assistant has adopted it, or hipsync runs elsewhere; a proxy serves one program at a time: "
    "remove it there, or take another one (docs/rooms.md)"
)
ADOPTED = f"it is connected, and tells another program what it hears: {_ADOPTED}"
SILENT = f"it is connected, and told of nothing in 30 s: {_ADOPTED}"
TOO_OLD = "its ESPHome is older than 2023.6: update it"
NO_PROXY = "it is an ESPHome device without a Bluetooth proxy: add `bluetooth_proxy:` to its configuration"
PASSIVE = "it makes no connections: set `active: true` under `bluetooth_proxy:` in its configuration"


_BY_KIND: Sequence[tuple[type[BaseException] | tuple[type[BaseException], ...], str]] = (
    (RequiresEncryptionAPIError, "{where} encrypts, and no key is set: key_file names a file with it"),
    (
        (EncryptionPlaintextAPIError, EncryptionHelloAPIError),
        "{where} does not encrypt, and a key is set: add `api: encryption:` to it, or take key_file away",
    ),
    (InvalidEncryptionKeyAPIError, "{where} has another key than {key_file}"),
    (InvalidAuthAPIError, "{where} wants a password: give it a key in place of that (`api: encryption:`)"),
    ((TimeoutAPIError, TimeoutError), "{where} does not answer: is it on, and on this network?"),
    ((ProtocolAPIError, HandshakeAPIError), "what answers at {where} is no ESPHome device: is that its address?"),
    (SocketClosedAPIError, "{where} ends the connection at once: is it an ESPHome device, and is it full?"),
)
"""What is said of an error of aioesphomeapi, by its class; the first one that fits."""


def words(proxy: Proxy, error: BaseException) -> str:
    """Why a proxy cannot be reached, and what to do. The text does not name the proxy by the settings' name."""
    if isinstance(error, ConfigError):
        return str(error)
    where = place(proxy)
    for kinds, text in _BY_KIND:
        if isinstance(error, kinds):
            return text.format(where=where, key_file=proxy.key_file)
    if isinstance(error, APIConnectionError) and isinstance(error.__cause__, OSError):
        return words(proxy, error.__cause__)
    if isinstance(error, OSError):
        return _network(proxy, where, error)
    return f"hipsync cannot talk to {where}: {clean(str(error), 200)}"


def _network(proxy: Proxy, where: str, error: OSError) -> str:
    match error:
        case socket.gaierror(errno=socket.EAI_AGAIN):
            return f"nobody says where {proxy.host} is: is this computer on the network?"
        case socket.gaierror():
            return f"no computer called {proxy.host} is found: give its address (its log and your router know it)"
        case ConnectionRefusedError():
            return f"nothing answers at {where}: is `api:` in its configuration, and is that its address?"
        case ConnectionResetError() | BrokenPipeError():
            return f"{where} ends the connection at once: is it an ESPHome device?"
        case OSError(errno=errno.EAFNOSUPPORT | errno.EPERM):
            return "the service may use no network: `hipsync service install` writes its file again"
        case OSError(errno=errno.ENETUNREACH | errno.EHOSTUNREACH):
            return f"this computer has no way to {where}: is it on the network?"
        case _:
            return f"hipsync cannot connect to {where}: {clean(error.strerror or str(error), 200)}"


def full(limit: int) -> str:
    """Why a proxy cannot connect whose connections are in use, all `limit` of them."""
    what = "its one connection is" if limit == 1 else f"its {limit} connections are all"
    return f"{what} in use: wait, or raise `connection_slots:` in its configuration"

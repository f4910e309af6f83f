"""Translates errors of Bleak, D-Bus and the operating system into hipsync's own, each one line that says what to do.

There are two situations. Before a connection exists, an error is about this computer's Bluetooth. During a request on
an open connection, it is about the band, unless BlueZ itself has gone. This module only looks at errors: it opens
nothing and waits for nothing.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Generator
from contextlib import contextmanager

from bleak.exc import (
    PROTOCOL_ERROR_CODES,
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakError,
    BleakGATTProtocolError,
)

from hipsync.errors import BluetoothUnavailable, DeviceError, LinkLost, NoReply, NotAuthorised, NotBonded
from hipsync.text import clean


def _bus_errors() -> list[type[Exception]]:
    """Return the exception classes of dbus-fast, if it is installed. In some versions they share no base class."""
    try:
        module = importlib.import_module("dbus_fast.errors")
    except ImportError:
        return []
    return [each for each in vars(module).values() if isinstance(each, type) and issubclass(each, Exception)]


FAILURES: tuple[type[Exception], ...] = (BleakError, OSError, EOFError, *_bus_errors())
"""Every exception that a call to Bleak can raise, except those that mean a bug in this program."""


@contextmanager
def before_connecting() -> Generator[None, None, None]:
    """Raise `BluetoothUnavailable` in place of any of `FAILURES` in the block, which scans or connects."""
    try:
        yield
    except FAILURES as error:
        raise (
            bluetooth_unavailable(error) or BluetoothUnavailable(f"Bluetooth failed: {one_line(error)}; try again")
        ) from error


_MAY_NOT = "this program may not use Bluetooth: allow it in the system's privacy settings"
_BY_REASON = {
    BleakBluetoothNotAvailableReason.NO_BLUETOOTH: "no Bluetooth adapter: plug one in; `hipsync doctor` tells more",
    BleakBluetoothNotAvailableReason.NO_BLE_CENTRAL_ROLE: "this Bluetooth adapter is too old: it must know Low Energy",
    BleakBluetoothNotAvailableReason.POWERED_OFF: "Bluetooth is switched off: switch it on (on Linux: "
    "`rfkill unblock bluetooth`, then `bluetoothctl power on`)",
    BleakBluetoothNotAvailableReason.DENIED_BY_USER: _MAY_NOT,
    BleakBluetoothNotAvailableReason.DENIED_BY_SYSTEM: "this system forbids Bluetooth: ask who administers it",
    BleakBluetoothNotAvailableReason.DENIED_BY_UNKNOWN: _MAY_NOT,
}
_NO_BUS = (
    "no Bluetooth: there is no D-Bus system bus here. `sudo systemctl start bluetooth`; a container needs the host's "
    "/run/dbus/system_bus_socket"
)
_NO_SERVICE = "no Bluetooth: BlueZ does not run; install it, then `sudo systemctl enable --now bluetooth`"
_FORBIDDEN = "this user may not use Bluetooth: join the group `bluetooth`, or allow org.bluez in D-Bus's policy"
SERVICE_SILENT = "the Bluetooth service does not answer: restart it (on Linux: `sudo systemctl restart bluetooth`)"
_BY_DBUS_ERROR = {  # by the last word of the error's name
    "ServiceUnknown": _NO_SERVICE,
    "NameHasNoOwner": _NO_SERVICE,
    "AccessDenied": _FORBIDDEN,
    "NotReady": _BY_REASON[BleakBluetoothNotAvailableReason.POWERED_OFF],
    "InProgress": "the Bluetooth adapter is busy for another program: try again in a moment",
    "NoReply": SERVICE_SILENT,
    "TimedOut": SERVICE_SILENT,
    "Disconnected": SERVICE_SILENT,
}


def bluetooth_unavailable(error: BaseException | None) -> BluetoothUnavailable | None:
    """Translate an error, or its cause, that is about this computer's Bluetooth. Returns None for any other error."""
    match error:
        case BleakBluetoothNotAvailableError():
            text = _BY_REASON.get(error.reason) or f"no Bluetooth: {one_line(error)}"
        case BleakDBusError() if _bluez_is_gone(error):
            text = _NO_SERVICE
        case BleakDBusError() if known := _BY_DBUS_ERROR.get(_last_word(error)):
            text = known
        case FileNotFoundError() | ConnectionRefusedError():
            text = _NO_BUS
        case PermissionError():
            text = _FORBIDDEN
        case BleakError():  # bleak-retry-connector names its last failure in the cause alone
            return bluetooth_unavailable(error.__cause__)
        case _ if isinstance(error, FAILURES) and not isinstance(error, TimeoutError):
            text = f"no Bluetooth: {one_line(error)}; is the system's Bluetooth service running?"
        case _:
            return None
    return BluetoothUnavailable(text)


def _bluez_is_gone(error: BleakDBusError) -> bool:
    """Whether D-Bus reports that BlueZ is not running. `.Spawn.` in an error name means that D-Bus cannot start it."""
    return ".Spawn." in error.dbus_error or _BY_DBUS_ERROR.get(_last_word(error)) == _NO_SERVICE


def _last_word(error: BleakDBusError) -> str:
    return error.dbus_error.rpartition(".")[2]


_INSUFFICIENT_AUTHORIZATION = 0x08
_WANTS_A_BOND = frozenset({0x05, 0x0C, 0x0F})
"""ATT errors that ask for a bond: insufficient authentication, encryption key size, and encryption (Core specification,
volume 3, part F, 3.4.1.1)."""


def request_error(
    error: Exception, request: str, address: str, *, connected: bool
) -> DeviceError | BluetoothUnavailable:
    """Return the error to raise after a request on an open connection failed with `error`, one of `FAILURES`.

    `request` names the request within a sentence, such as "a read of 2a19". `connected` is whether the connection is
    still open.
    """
    match error:
        case TimeoutError():  # ATT's transaction time-out; a caller's own time-out cancels instead
            return NoReply(f"the band did not answer {request}")
        case BleakGATTProtocolError():
            return _refusal(int(error.code), request, address)
        case BleakError() if (code := _code_by_proxy(error)) is not None:
            return _refusal(code, request, address, by_proxy=True)
        case BleakDBusError() if _bluez_is_gone(error):
            return BluetoothUnavailable(_NO_SERVICE)
        case BleakError() if connected and not re.search(r"not ?connected|disconnected", str(error), re.IGNORECASE):
            return DeviceError(f"{request} failed: {one_line(error)}")
        case _:
            return LinkLost(f"the connection ended during {request}")


_WANTS_A_BOND_BY_PROXY = frozenset({*_WANTS_A_BOND, 0x89, 0x8D, 0x8E})
"""The same as an ESP32 tells of them, with its own: authentication failed, encrypted without proof of who it is, not
encrypted (ESP-IDF's esp_gatt_defs.h)."""
BOND_BY_PROXY = (
    'it talks only over a bond, which lies in the one proxy that makes it: add bands = ["{0}"] to that proxy in the '
    "settings and pair again, or pair it within reach of this computer (docs/rooms.md)"
)
"""What is said where a bond is wanted by a proxy that the band is not fixed to; with the band's address."""


def _code_by_proxy(error: BleakError) -> int | None:
    """Return the number with which a proxy told of a failed request; None for any other error, or if the link ended.

    bleak-esphome keeps it in the cause, whose class is not imported here, because most people have no proxy.
    """
    code = getattr(getattr(error.__cause__, "error", None), "error", None)
    return code if isinstance(code, int) and code > 0 else None


def wants_a_bond(error: BleakError) -> bool:
    """Whether a request by a proxy failed because the band wants a bond."""
    return _code_by_proxy(error) in _WANTS_A_BOND_BY_PROXY


def _refusal(code: int, request: str, address: str, *, by_proxy: bool = False) -> DeviceError:
    text = f"the band refused {request}: ATT error 0x{code:02x} ({PROTOCOL_ERROR_CODES.get(code, 'unknown')})"
    if by_proxy and code in _WANTS_A_BOND_BY_PROXY:
        return NotBonded(f"{text}: {BOND_BY_PROXY.format(address)}")
    if code in _WANTS_A_BOND:
        return NotBonded(f"{text}: it talks only over a bond; `hipsync pair {address} --again` bonds it anew")
    return NotAuthorised(text) if code == _INSUFFICIENT_AUTHORIZATION else DeviceError(text)


_NO_BOND = {  # by the last word of the error's name (BlueZ's doc/device-api.txt)
    "AuthenticationFailed": "the band did not let itself be bonded: a wrong passkey, or it refused; try again",
    "AuthenticationCanceled": "the bonding was called off on the band: try again, and confirm there if it asks",
    "AuthenticationRejected": "the bonding was refused: nobody here answered what the band asked",
    "AuthenticationTimeout": "the bonding took too long: a band waits 30 seconds for its passkey; try again",
    "ConnectionAttemptFailed": "the band hung up while it was bonded: bring it close, and try again",
}


def bonding_error(error: DeviceError) -> NotAuthorised:
    """Return the error to raise after bonding failed with `error`, whose `__cause__` is the exception from Bleak."""
    cause = error.__cause__
    known = _NO_BOND.get(_last_word(cause)) if isinstance(cause, BleakDBusError) else None
    return NotAuthorised(known or f"{error}: try again, and confirm on the band if it asks")


def one_line(error: BaseException) -> str:
    """Return the text of another library's error, cut to 160 characters and without control characters from a band."""
    text = str(error.args[0]) if isinstance(error, BleakBluetoothNotAvailableError) else str(error)
    return clean(text or type(error).__name__, 160)

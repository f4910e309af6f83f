"""The ways to a band: this computer's own Bluetooth, and the proxies in other rooms that hear it.

A proxy is known here only as `Proxies` tells of it. `hipsync.radio.proxies`, which talks to proxies, is imported where
some are set, and nowhere else.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import BaseBleakScanner

from hipsync.text import Json

PROXY = "proxy"
"""The key of a device's details under which a proxy's name is, if a proxy heard the device."""


def proxy_of(device: BLEDevice) -> str | None:
    """Return the name of the proxy that heard a device; None if this computer's own Bluetooth did."""
    details: Any = device.details
    try:
        return str(details[PROXY])
    except (TypeError, KeyError):  # an object of another system, or a dictionary of BlueZ
        return None


class Way(NamedTuple):
    """One way to a band."""

    device: BLEDevice
    """The band, as whoever heard it on this way knows it."""
    rssi_dbm: int | None
    """The strength of its signal on this way in dBm; None for a band that this computer is connected to already."""

    @property
    def name(self) -> str:
        """What messages call the way."""
        return proxy_of(self.device) or "this computer"


def strongest_first(ways: Sequence[Way]) -> list[Way]:
    """Return the ways in the order in which to try them. A band that is connected already comes first."""
    return sorted(ways, key=lambda way: math.inf if way.rssi_dbm is None else way.rssi_dbm, reverse=True)


class Fact(NamedTuple):
    """How things are with one proxy."""

    name: str
    reached: bool
    encrypted: bool
    hears: bool
    """Whether it tells us of advertisements."""
    connects: bool
    free: int
    """The connections that it can still make; 0 if that is not known."""
    slots: int
    """The connections that it can make at once; 0 if that is not known."""
    trouble: str | None
    """What is wrong, in a line that does not name it; None if nothing is."""


def fact_of(told: Json) -> Fact:
    """Return the fact that a service told as an object. Whatever is missing or of another type, is no or nothing."""
    found = told if isinstance(told, dict) else {}

    def number(key: str) -> int:
        value = found.get(key)
        return value if isinstance(value, int) else 0

    name, trouble = found.get("name"), found.get("trouble")
    return Fact(
        str(name),
        bool(found.get("reached")),
        bool(found.get("encrypted")),
        bool(found.get("hears")),
        bool(found.get("connects")),
        number("free"),
        number("slots"),
        trouble if isinstance(trouble, str) else None,
    )


class Proxies(Protocol):
    """The proxies of the settings, as a scan and a connection need them."""

    @property
    def scanner(self) -> type[BaseBleakScanner]:
        """The class of Bleak's scanners that report what the proxies hear."""
        ...

    @property
    def client(self) -> type[BaseBleakClient]:
        """The class of Bleak's clients that connect by the proxy that a device names."""
        ...

    def ways(self, address: str) -> list[Way]:
        """Return the ways to a band by proxies that heard it lately and have a connection free."""
        ...

    def obstacles(self, address: str) -> list[str]:
        """Return why the proxies that heard a band lately cannot connect to it, a line each that names the proxy."""
        ...

    def fixed_to(self, address: str) -> str | None:
        """Return the name of the one proxy by which the settings let a band be reached; None if any way will do."""
        ...

    def trouble(self, name: str | None = None) -> list[str]:
        """Return what is wrong with the proxy of this name, or with each, a line each that names the proxy."""
        ...

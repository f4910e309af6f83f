"""What one proxy hears: when it heard which band how strongly, and advertisements in Bleak's form.

A proxy sends whatever it receives of anybody in reach, and a stranger's program may send anything in its place. So the
memory is bounded, and what cannot be read is left out.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bluetooth_data_tools import parse_advertisement_data_bytes

from hipsync.radio.ways import PROXY, Way
from hipsync.text import clean

FRESH_S = 30.0
"""Seconds for which a band counts as in reach after it was heard. The slowest bands advertise every few seconds."""
MOST_HEARD = 500
"""The most addresses that are remembered of a proxy; phones change theirs every quarter of an hour."""
_LARGEST_ADDRESS = (1 << 48) - 1
_WEAKEST_DBM, _STRONGEST_DBM = -127, 20
"""The range of signal strengths that Bluetooth reports (Core specification, volume 4, part E, 7.7.65.2)."""
_KINDS_OF_ADDRESS = range(4)

Report = Callable[[BLEDevice, AdvertisementData], None]
"""Takes an advertisement, as Bleak's own scanners report it."""


class _Last(NamedTuple):
    at_s: float
    rssi_dbm: int
    kind_of_address: int


class Heard:
    """What the proxy of one name hears."""

    def __init__(self, name: str, passed: Callable[[], float]) -> None:
        """`passed` is a clock in seconds that nobody sets."""
        self._name, self._passed = name, passed
        self._last: OrderedDict[str, _Last] = OrderedDict()
        self.at_s: float | None = None
        """When it heard anybody last; None if it never did."""

    def note(self, number: int, rssi_dbm: int, kind_of_address: int, data: bytes, report: Report | None) -> None:
        """Take an advertisement of the device with this address, as a number. `report` gets it, if somebody listens.

        What no Bluetooth device can have sent is left out.
        """
        if not 0 < number <= _LARGEST_ADDRESS or not _WEAKEST_DBM <= rssi_dbm <= _STRONGEST_DBM:
            return
        if kind_of_address not in _KINDS_OF_ADDRESS:
            return
        address = ":".join(f"{number:012X}"[at : at + 2] for at in range(0, 12, 2))
        self.at_s = self._passed()
        self._last[address] = _Last(self.at_s, rssi_dbm, kind_of_address)
        self._last.move_to_end(address)
        if len(self._last) > MOST_HEARD:
            self._last.popitem(last=False)
        if report is not None:
            name, services, service_data, makers, power = parse_advertisement_data_bytes(data)
            told = AdvertisementData(name, dict(makers), dict(service_data), list(services), power, rssi_dbm, ())
            report(self._device(address, kind_of_address, name), told)

    def way(self, address: str) -> Way | None:
        """Return the way to a band by this proxy; None if it has not been heard for `FRESH_S` seconds."""
        last = self._last.get(address.upper())
        if last is None or self._passed() - last.at_s > FRESH_S:
            return None
        return Way(self._device(address.upper(), last.kind_of_address, None), last.rssi_dbm)

    def forget(self) -> None:
        """Forget all: nobody knows what is in reach of a proxy that was away."""
        self._last.clear()
        self.at_s = None

    def _device(self, address: str, kind_of_address: int, name: str | None) -> BLEDevice:
        details = {PROXY: self._name, "source": self._name, "address_type": kind_of_address}
        return BLEDevice(address, clean(name or "") or None, details)

"""All proxies of the settings, as one pair of Bleak's backends: a scanner that hears by each, a client by one."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence

from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from hipsync.radio.proxies.backend import ProxyClient, ProxyScanner
from hipsync.radio.proxies.heard import Report
from hipsync.radio.proxies.proxy import Proxy
from hipsync.radio.ways import Fact, Way
from hipsync.settings.config import Proxy as ProxySettings


class Rooms:
    """The proxies, each of which is kept connected; implements `hipsync.radio.ways.Proxies`."""

    def __init__(self, settings: Sequence[ProxySettings], passed: Callable[[], float] = time.monotonic) -> None:
        """Begin to reach these proxies. `passed` is a clock in seconds that nobody sets."""
        self._passed = passed
        self._proxies: dict[ProxySettings, Proxy] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._listeners: list[Report] = []
        self.scanner = type("RoomsScanner", (ProxyScanner,), {"rooms": self})
        self.client = type("RoomsClient", (ProxyClient,), {"rooms": self})
        self.use(settings)

    def use(self, settings: Sequence[ProxySettings]) -> None:
        """Use these proxies from now on. Those that are not among them are left; the others keep their connections."""
        for gone in self._proxies.keys() - set(settings):
            leaving = asyncio.create_task(self._proxies.pop(gone).stop(), name="leaving a proxy")
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)
        before, self._proxies = self._proxies, {}
        for each in settings:
            proxy = self._proxies[each] = before.get(each) or Proxy(each, self._who_listens, self._passed)
            if each not in before:
                proxy.start()

    async def tried(self, within_s: float) -> None:
        """Wait until each proxy was reached, or is known to be of no use at present; for `within_s` at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                for each in list(self._proxies.values()):
                    await each.tried.wait()

    async def close(self) -> None:
        """Leave all proxies, and with them the bands that are connected by them."""
        self.use(())
        if self._leaving:
            await asyncio.wait(set(self._leaving))

    def facts(self) -> list[Fact]:
        """Return how things are with each proxy."""
        return [each.fact() for each in self._proxies.values()]

    # -------------------------------------------------------------- for a scan and a connection

    def ways(self, address: str) -> list[Way]:
        return [way for proxy, way in self._hearing(address) if proxy.obstacle() is None]

    def obstacles(self, address: str) -> list[str]:
        hearing = ((proxy.name, proxy.obstacle()) for proxy, _ in self._hearing(address))
        return [f"{name} hears it: {why}" for name, why in hearing if why is not None]

    def fixed_to(self, address: str) -> str | None:
        return next((each.called for each in self._proxies if address.upper() in each.bands), None)

    def trouble(self, name: str | None = None) -> list[str]:
        found = (each for each in self._proxies.values() if name is None or each.name == name)
        return [f"{each.name}: {each.trouble}" for each in found if each.trouble is not None]

    def _hearing(self, address: str) -> list[tuple[Proxy, Way]]:
        """Return the proxies by which a band may be reached and that heard it lately, each with its way."""
        fixed = self.fixed_to(address)
        found = ((each, each.way(address)) for each in self._proxies.values() if fixed in {None, each.name})
        return [(proxy, way) for proxy, way in found if way is not None]

    # -------------------------------------------------------------- for the backends

    def named(self, name: str | None) -> Proxy | None:
        """Return the proxy of this name; None if it is used no more."""
        return next((each for each in self._proxies.values() if each.name == name), None)

    @property
    def is_any_reached(self) -> bool:
        """Whether any proxy is connected."""
        return any(each.reached for each in self._proxies.values())

    def listen(self, report: Report) -> None:
        """Call `report` for each advertisement, until `unlisten`."""
        self._listeners.append(report)

    def unlisten(self, report: Report) -> None:
        """Call it no more."""
        if report in self._listeners:
            self._listeners.remove(report)

    def _who_listens(self) -> Report | None:
        return self._tell if self._listeners else None

    def _tell(self, device: BLEDevice, data: AdvertisementData) -> None:
        for each in list(self._listeners):
            each(device, data)

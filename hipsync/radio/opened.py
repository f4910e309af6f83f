"""Opens the way to bands that the settings name: this computer's own Bluetooth, and proxies if there are some.

`hipsync.radio.proxies` is imported here alone, once a proxy is set.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from hipsync.radio.scan import Adapter, system_adapter
from hipsync.radio.ways import Fact
from hipsync.settings.config import Config, Proxy

if TYPE_CHECKING:
    from hipsync.radio.proxies import Rooms

TRIED_WITHIN_S = 6.0
"""Seconds to wait for the proxies in the beginning. One that comes later is used when it is there."""


class RadioSettings(NamedTuple):
    """What the table `[radio]` of the settings says."""

    adapter: str = ""
    local: bool = True
    proxies: tuple[Proxy, ...] = ()


BY_DEFAULT = RadioSettings()


def radio_settings(config: Config) -> RadioSettings:
    """Return what the settings say of the radio."""
    return RadioSettings(config.adapter, config.local, config.proxies)


class OpenRadio:
    """The adapter by the settings of now, and the proxies that are kept connected for it."""

    def __init__(self, adapter: Adapter | None = None) -> None:
        """`adapter` is this computer's own Bluetooth in place of the system's, as tests have it."""
        self._own = adapter
        self._rooms: Rooms | None = None
        self.adapter = adapter or system_adapter("")
        self._settings = BY_DEFAULT
        self._back: asyncio.TimerHandle | None = None
        """Takes the proxies back that are lent to another command."""

    def use(self, settings: RadioSettings) -> None:
        """Go by these settings from now on. What is connected by a proxy that stays set, stays connected.

        Raises `ConfigError` if a proxy is set and the extra for it is not installed; then all is as before.
        """
        if settings.proxies and self._rooms is None:
            from hipsync.radio.proxies import Rooms

            self._rooms = Rooms(settings.proxies)
        elif self._rooms is not None and self._back is None:
            self._rooms.use(settings.proxies)
        self._settings = settings
        rooms = self._rooms if settings.proxies else None
        own = self._own or system_adapter(settings.adapter)
        self.adapter = replace(own, proxies=rooms, local=settings.local)

    def lend(self, seconds: float) -> None:
        """Leave the proxies to another command for so many seconds, for each serves one program; 0 takes them back."""
        if self._back is not None:
            self._back.cancel()
            self._back = None
        if self._rooms is None:
            return
        if seconds:
            self._back = asyncio.get_running_loop().call_later(seconds, self.lend, 0)
        self._rooms.use(() if seconds else self._settings.proxies)

    async def tried(self, within_s: float = TRIED_WITHIN_S) -> None:
        """Wait until each proxy was reached or is known to be of no use at present; for `within_s` at most."""
        if self._rooms is not None:
            await self._rooms.tried(within_s)

    def facts(self) -> Sequence[Fact]:
        """Return how things are with each proxy; of those that are lent, nothing."""
        return [] if self._rooms is None else self._rooms.facts()

    def troubles(self) -> list[str]:
        """Return what is wrong with proxies, a line each that names the proxy."""
        return [] if self._rooms is None else self._rooms.trouble()

    async def close(self) -> None:
        """Leave the proxies."""
        if self._back is not None:
            self._back.cancel()
        if self._rooms is not None:
            await self._rooms.close()


@contextlib.asynccontextmanager
async def opened(
    settings: RadioSettings, adapter: Adapter | None = None, tried_within_s: float = TRIED_WITHIN_S
) -> AsyncGenerator[OpenRadio, None]:
    """Open the way to bands during the block. Raises `ConfigError` as `OpenRadio.use` does; `adapter` is as for it."""
    radio = OpenRadio(adapter)
    radio.use(settings)
    try:
        await radio.tried(tried_within_s)
        yield radio
    finally:
        await radio.close()

"""The service's `Radio`: reaches real bands by the system's Bluetooth, or simulated ones by Bluetooth in software.

Above the adapter, both share all code. Real and simulated bands cannot be reached at the same time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hipsync.conversation.session import Connection
from hipsync.errors import ConfigError
from hipsync.model import Band, BandId
from hipsync.office_day import office_days
from hipsync.radio.connect import connect
from hipsync.radio.opened import BY_DEFAULT, OpenRadio, RadioSettings, opened
from hipsync.radio.scan import Adapter, scan
from hipsync.registry import simulator
from hipsync.simulated import SimulatedBand
from hipsync.text import Json

CONNECT_WITHIN = timedelta(seconds=45)
"""The time allowed for finding a band and connecting to it. A slow band advertises about once a second, and BlueZ may
need a second try."""
LISTEN_S = 6.0
"""Seconds to listen for bands that went out of reach. Most advertise once a second, and few less often than every three
seconds."""
REMEMBERED_DAYS = 7
"""Days of history in the memory of a simulated band when it is created."""


class BleakRadio:
    """Reaches bands through Bleak on one adapter; implements the service's port `Radio`.

    By this computer's own Bluetooth it makes one scan or connection at a time, because BlueZ refuses a second scan by
    the same program; proxies take any number. Any number of connections can be open at once.
    """

    def __init__(self, adapter: Adapter | OpenRadio) -> None:
        self._opened = adapter if isinstance(adapter, OpenRadio) else OpenRadio(adapter)
        self._connecting = asyncio.Lock()

    @property
    def adapter(self) -> Adapter:
        """The adapter by which bands are reached now."""
        return self._opened.adapter

    def use(self, settings: RadioSettings) -> None:
        """Go by other settings from now on, unless bands are simulated. Raises `ConfigError` as `OpenRadio.use`."""
        if self.adapter.on_system or self.adapter.proxies is not None:
            self._opened.use(settings)

    def told(self) -> Json:
        """Return how things are with each proxy, as objects. This and the next two are `service.rooms_port.Rooms`."""
        return [{**fact._asdict()} for fact in self._opened.facts()]

    def trouble(self) -> str | None:
        return "; ".join(self._opened.troubles()) or None

    def lend(self, seconds: float) -> None:
        self._opened.lend(seconds)

    @contextlib.asynccontextmanager
    async def reach(self, band: Band) -> AsyncGenerator[Connection, None]:
        """Open a connection to a band, and close it at the end of the block.

        Raises `ConfigError` for a band without an address, and whatever `connect` raises.
        """
        async with contextlib.AsyncExitStack() as stack:
            adapter = self._without_waiting(address_of(band))
            async with self._turn(adapter):
                connection = await stack.enter_async_context(
                    connect(adapter, address_of(band), CONNECT_WITHIN, band.advertised_name)
                )
            yield connection

    async def hear(self, bands: Sequence[Band]) -> set[BandId]:
        """Listen until one of these bands is found, for `LISTEN_S` at most. Returns those found: usually none or one.

        Raises `BluetoothUnavailable`, and `ConfigError` for a band without an address.
        """
        wanted = {address_of(band).upper(): band.id for band in bands}
        async with self._turn(self.adapter):
            seen = await scan(self.adapter, LISTEN_S, lambda seen: seen.address.upper() in wanted)
        return {wanted[each.address.upper()] for each in seen if each.address.upper() in wanted}

    def _turn(self, adapter: Adapter) -> contextlib.AbstractAsyncContextManager[None]:
        """Return what waits until this computer's own Bluetooth is free, if it takes part."""
        return self._connecting if adapter.local else contextlib.nullcontext()

    def _without_waiting(self, address: str) -> Adapter:
        """Return the adapter for a band: by proxies alone, while the own Bluetooth is busy and one is free."""
        adapter = self.adapter
        busy = adapter.local and self._connecting.locked()
        if busy and adapter.proxies is not None and adapter.proxies.ways(address):
            return replace(adapter, local=False)
        return adapter


def address_of(band: Band) -> str:
    """Return the band's address. Raises `ConfigError` if it has none, because it was forgotten or is a mere import."""
    if band.address is None:
        raise ConfigError(f"{band.name!r} is not paired: it only has data; `hipsync pair` pairs a band")
    return band.address


@contextlib.asynccontextmanager
async def opened_radio(
    bands: Sequence[Band],
    secret: Callable[[Band], bytes | None],
    zone: ZoneInfo,
    now: Callable[[], datetime],
    settings: RadioSettings = BY_DEFAULT,
) -> AsyncGenerator[BleakRadio, None]:
    """Open a radio that reaches these bands until the end of the block.

    Bands without an address, such as imports, are left out. Real bands are reached as `settings` say. `secret` returns
    a band's key or None, and `zone` is the time zone of simulated bands' wearers. Raises `ConfigError` if some bands
    are real and others simulated, although the store prevents that, or if a proxy needs an extra that is missing.
    """
    bands = [band for band in bands if band.address is not None]
    simulated = [band for band in bands if band.simulated]
    if not simulated:
        async with opened(settings) as radio:
            yield BleakRadio(radio)
        return
    if len(simulated) < len(bands):
        raise ConfigError("simulated and real bands cannot be reached at once: keep them in two databases (--db)")
    made = {address_of(band): simulated_office_worker(band.driver, secret(band), zone, now()) for band in simulated}
    from hipsync.radio.simulation import simulated_radio

    async with simulated_radio(list(made.values()), now=now, addresses=list(made)) as air:
        yield BleakRadio(air.adapter)


def simulated_office_worker(kind: str, secret: bytes | None, zone: ZoneInfo, now: datetime) -> SimulatedBand:
    """Return a simulated band of this kind on an office worker's wrist, with a history that starts a week before `now`.

    `secret` is the band's key, or None. Raises `ConfigError` if there is no simulator for this kind.
    """
    first = now.astimezone(zone).date() - timedelta(days=REMEMBERED_DAYS)
    days = office_days(first, REMEMBERED_DAYS + 2, zone)
    return simulator(kind)(days, now=now, zone=zone, secret=secret)

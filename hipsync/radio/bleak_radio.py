"""Which radio reaches which band: the system's, or one in software for simulated bands. One code path behind both."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hipsync.conversation.session import Connection
from hipsync.errors import ConfigError
from hipsync.model import Band, BandId
from hipsync.office_day import office_days
from hipsync.radio import connect as bluetooth
from hipsync.registry import simulator
from hipsync.simulated import SimulatedBand

CONNECT_WITHIN = timedelta(seconds=45)
"""Scan and connect: a slow advertiser speaks once a second or so, and BlueZ's race wants a second try."""
LISTEN_S = 6.0
"""For a band that went away: most advertise once a second, few more seldom than every three."""
REMEMBERED_DAYS = 7
"""How far back the made-up life of a simulated band goes."""


class BleakRadio:
    """`service.Radio` by Bleak. It connects to one band at a time: BlueZ refuses a second scan of one program."""

    def __init__(self, radio: bluetooth.Radio) -> None:
        self.radio = radio
        self._connecting = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def reach(self, band: Band) -> AsyncGenerator[Connection, None]:
        async with contextlib.AsyncExitStack() as open_until_the_end:
            async with self._connecting:
                connection = await open_until_the_end.enter_async_context(
                    bluetooth.connect(self.radio, address_of(band), CONNECT_WITHIN, band.advertised_name)
                )
            yield connection

    async def hear(self, bands: Sequence[Band]) -> set[BandId]:
        """Which of these bands are in reach now; it ends with the first. Raises `BluetoothUnavailable`."""
        wanted = {address_of(band).upper(): band.id for band in bands}
        async with self._connecting:
            seen = await bluetooth.scan(self.radio, LISTEN_S, lambda seen: seen.address.upper() in wanted)
        return {wanted[each.address.upper()] for each in seen if each.address.upper() in wanted}


def address_of(band: Band) -> str:
    """Raises `ConfigError` for a band that was forgotten, or that is the name of an import."""
    if band.address is None:
        raise ConfigError(f"{band.name!r} is not paired: it only has data; `hipsync pair` pairs a band")
    return band.address


@contextlib.asynccontextmanager
async def opened_radio(
    bands: Sequence[Band], secret: Callable[[Band], bytes | None], zone: ZoneInfo, now: Callable[[], datetime]
) -> AsyncGenerator[BleakRadio, None]:
    """A radio for these bands, which are all real or all simulated (the store sees to that); imports need none."""
    bands = [band for band in bands if band.address is not None]
    simulated = [band for band in bands if band.simulated]
    if not simulated:
        yield BleakRadio(bluetooth.SYSTEM)
        return
    if len(simulated) < len(bands):
        raise ConfigError("simulated and real bands cannot be reached at once: keep them in two databases (--db)")
    made = {address_of(band): made_up(band.driver, secret(band), zone, now()) for band in simulated}
    from hipsync.radio.simulation import simulated_radio

    async with simulated_radio(list(made.values()), now=now, addresses=list(made)) as air:
        yield BleakRadio(air.radio)


def made_up(kind: str, secret: bytes | None, zone: ZoneInfo, now: datetime) -> SimulatedBand:
    """A simulated band on the wrist of somebody with an office day, today and the week before."""
    first = now.astimezone(zone).date() - timedelta(days=REMEMBERED_DAYS)
    life = office_days(first, REMEMBERED_DAYS + 2, zone)
    return simulator(kind)(life, now=now, zone=zone, secret=secret)

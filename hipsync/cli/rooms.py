"""Opens the radio for a command that looks for bands itself, beside a service that may run.

A proxy serves one program at a time, so a service that runs on the same database lends its own to the command.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from hipsync.cli.app import App
from hipsync.errors import HipsyncError
from hipsync.service.control_client import ask

if TYPE_CHECKING:
    from hipsync.radio.opened import OpenRadio

LENT_FOR_S = 300
"""Seconds for which a service lends its proxies at most, should this command die: pairing takes a minute or two."""
LENT_WITHIN_S = 2.0


@contextlib.asynccontextmanager
async def opened_beside_service(app: App) -> AsyncGenerator[OpenRadio, None]:
    """Open the radio of the settings during the block. Raises `ConfigError`."""
    from hipsync.radio.opened import opened

    settings = app.radio()
    if not settings.proxies:
        async with opened(settings) as radio:
            yield radio
        return
    await _lend(app, LENT_FOR_S)
    try:
        async with opened(settings) as radio:
            yield radio
    finally:
        await _lend(app, 0)


async def _lend(app: App, seconds: float) -> None:
    """Have a service lend its proxies for so long. One that does not is found out by what the proxies say."""
    with contextlib.suppress(HipsyncError):
        await asyncio.to_thread(ask, app.database, {"do": "lend", "seconds": seconds}, LENT_WITHIN_S)

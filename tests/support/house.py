"""A house with simulated bands and proxies, and hipsync's radio in it, for a test's story."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from hipsync.radio.opened import OpenRadio, RadioSettings, opened
from hipsync.radio.simulation import Bond, SimulatedRadio, simulated_radio
from hipsync.settings.config import Proxy
from hipsync.simulated import SimulatedBand
from support.proxy import StandIn, stand_in

ROOMS = ("bedroom", "kitchen", "attic")


class House(NamedTuple):
    """What is in it."""

    air: SimulatedRadio
    proxies: tuple[StandIn, ...]
    radio: OpenRadio

    @property
    def proxy(self) -> StandIn:
        return self.proxies[0]


@contextlib.asynccontextmanager
async def built(
    bands: Sequence[SimulatedBand], proxies: int = 1, bond: Bond | None = None, **how: Any
) -> AsyncGenerator[tuple[SimulatedRadio, tuple[StandIn, ...]]]:
    """A house without hipsync. `how` is as for `StandIn`."""
    async with contextlib.AsyncExitStack() as stack:
        now = lambda: datetime.now(UTC)  # noqa: E731, TID251  the bands live in real time
        air = await stack.enter_async_context(simulated_radio(bands, now=now, bond=bond))
        made = [
            await stack.enter_async_context(stand_in(air.air, number, name, **how))
            for number, name in enumerate(ROOMS[:proxies], 1)
        ]
        yield air, tuple(made)


@contextlib.asynccontextmanager
async def house(
    *bands: SimulatedBand,
    proxies: int = 1,
    local: bool = False,
    changed: Sequence[dict[str, Any]] = ({}, {}, {}),
    bond: Bond | None = None,
    **how: Any,
) -> AsyncGenerator[House]:
    """A house in which hipsync uses the proxies, and the simulated adapter beside them if `local`.

    `changed` has what the settings of each proxy say besides its place. `how` is as for `StandIn`.
    """
    async with built(bands, proxies, bond, **how) as (air, made):
        settings = tuple(each.settings(**more) for each, more in zip(made, changed, strict=False))
        async with opened(RadioSettings("", local, settings), air.adapter) as radio:
            yield House(air, made, radio)


def nobody(name: str = "nobody", port: int = 1) -> Proxy:
    """The settings of a proxy where nothing listens."""
    return Proxy("127.0.0.1", name, port)

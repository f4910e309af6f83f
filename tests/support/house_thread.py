"""A house with bands and proxies that lives in a thread of its own, while a test types commands."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Generator, Sequence
from typing import Any, TypeVar

from hipsync.radio.simulation import SimulatedRadio
from hipsync.simulated import SimulatedBand
from support.house import built
from support.proxy import StandIn

T = TypeVar("T")
WITHIN_S = 30.0


class HouseThread:
    """The house, and a way to do something in its thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, air: SimulatedRadio, proxies: tuple[StandIn, ...]) -> None:
        self._loop, self.air, self.proxies = loop, air, proxies

    @property
    def proxy(self) -> StandIn:
        return self.proxies[0]

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Do some work there, and return its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(WITHIN_S)

    def leave(self, ended: asyncio.Event) -> None:
        """Set an event in the thread."""
        self._loop.call_soon_threadsafe(ended.set)

    def settings(self, *, local: str = "false", **more: str) -> str:
        """The settings file of somebody who uses the proxies; `more` are further keys of each, as in TOML."""
        tables = [
            "\n".join(
                ["[[radio.proxies]]", 'host = "127.0.0.1"', f'name = "{each.name}"', f"port = {each.port}"]
                + [f"{key} = {value}" for key, value in more.items()]
            )
            for each in self.proxies
        ]
        return "\n".join([f"[radio]\nlocal = {local}", *tables, ""])


@contextlib.contextmanager
def house_thread(bands: Sequence[SimulatedBand], proxies: int = 1, **how: Any) -> Generator[HouseThread]:
    """The house during the block. `how` is as for `support.house.built`."""
    made: list[HouseThread] = []
    ready, ended = threading.Event(), list[asyncio.Event]()

    async def live() -> None:
        ended.append(asyncio.Event())
        async with built(bands, proxies, **how) as (air, there):
            made.append(HouseThread(asyncio.get_running_loop(), air, there))
            ready.set()
            await ended[0].wait()

    thread = threading.Thread(target=asyncio.run, args=(live(),), name="house")
    thread.start()
    try:
        assert ready.wait(WITHIN_S)
        yield made[0]
    finally:
        made[0].leave(ended[0])
        thread.join(WITHIN_S)

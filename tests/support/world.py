"""A service with its own store, clock and bands, for tests of what it does over hours."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hipsync.conversation.session import Connection
from hipsync.core.exercises import Move
from hipsync.core.policy import Policy
from hipsync.core.speaking import Here
from hipsync.driver import Driver
from hipsync.errors import BluetoothUnavailable, NotHeard, StoreError
from hipsync.host.clock import Clock, FastClock
from hipsync.model import Band, BandId, Counter, Prompt, Reading, Where
from hipsync.registry import drivers
from hipsync.service.notices import Notices
from hipsync.service.plan import next_wake
from hipsync.service.service import Service
from hipsync.service.state import Settings, settings_of
from hipsync.settings.config import Config
from hipsync.simulated import SimulatedBand
from hipsync.store import Appended, Store
from hipsync.testing.direct import DirectConnection, run
from hipsync_devices.huami.sim import MiBand
from hipsync_devices.infinitime.sim import PineTime
from support.builders import day

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)

UTC_ZONE = ZoneInfo("UTC")

KEY = bytes.fromhex("00112233445566778899aabbccddeeff")

SETTINGS = replace(settings_of(Config(), "UTC"), policy=Policy())  # prompts at all hours


class Wrist:
    """A radio that reaches bands by their address, unless they are away; two connections to one band fail the test."""

    def __init__(self, now: Callable[[], datetime], **bands: SimulatedBand) -> None:
        self.now, self.bands = now, bands
        self.away: set[str] = set()
        self.off = False
        self.stuck: set[str] = set()
        self.calls: list[tuple[str, float]] = []
        """Each call as (address, minutes since nine)."""
        self.open: dict[str, DirectConnection] = {}
        self.reached = asyncio.Event()

    @contextlib.asynccontextmanager
    async def reach(self, band: Band) -> AsyncGenerator[Connection, None]:
        address = band.address or ""
        self.calls.append((address, round((self.now() - NINE) / MINUTE, 1)))
        assert address not in self.open, "two connections to one band at once"
        if address in self.stuck:
            await asyncio.Event().wait()
        if address in self.away:
            raise NotHeard("out of reach")
        self.open[address] = DirectConnection(self.bands[address], self.now)
        self.reached.set()
        try:
            yield self.open[address]
        finally:
            self.open.pop(address).drop()

    async def hear(self, bands: Sequence[Band]) -> set[BandId]:
        if self.off:
            raise BluetoothUnavailable("switched off")
        return {band.id for band in bands if band.address not in self.away}

    def minutes_of(self, address: str) -> list[float]:
        return [minutes for called, minutes in self.calls if called == address]


class Host:
    """A clock that goes on while the host sleeps and its event loop stands still; `slept` is how long it did."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self.slept = clock, timedelta()

    def now(self) -> datetime:
        return self._clock.now() + self.slept

    def passed(self) -> float:
        return self._clock.passed() + self.slept.total_seconds()

    async def sleep_until(self, instant: datetime) -> None:
        await self._clock.sleep_until(instant - self.slept)


class Disk(Store):
    """A store whose disk a test can make full."""

    full = False

    def append(self, band: BandId, readings: Sequence[Reading]) -> Appended:
        if self.full:
            raise StoreError("the disk is full")
        return super().append(band, readings)


class World:
    """A service with its store, its clock and its bands."""

    def __init__(self, clock: Clock, *, known: dict[str, Driver] | None = None, **bands: SimulatedBand) -> None:
        self.clock = Host(clock)
        self.wrist, self.store = Wrist(self.clock.now, **bands), Disk.in_memory()
        for address, band in bands.items():
            kind = "huami" if isinstance(band, MiBand) else "infinitime"
            kind = address if address in (known or ()) else kind
            self.store.add_band(
                name=address, driver=kind, address=address, now=NINE, simulated=True, vouches=kind == "huami"
            )
        self.said: list[tuple[float, bool]] = []
        """Each prompt that was shown, as (minutes since nine, whether strongly)."""
        self._known = known
        self.notices: Notices | None = None
        self.service = self._service(SETTINGS, None)

    def sit_down(self, desktop: Callable[[datetime], Here], settings: Settings) -> None:
        """Put the service at a computer, of which `desktop` says what is known at an instant."""

        async def look_here() -> Here:
            return desktop(self.clock.now())

        self.service = self._service(settings, look_here)

    def show_notices_by(self, notices: Notices) -> None:
        """Let the service withdraw notices, which a test keeps."""
        self.notices = notices
        self.service = self._service(SETTINGS, None)

    def _service(self, settings: Settings, look_here: Callable[[], Awaitable[Here]] | None) -> Service:
        return Service(
            self.store, settings, radio=self.wrist, drivers=self._known or drivers(), secret=lambda _: KEY,
            deliver=self.shown, now=self.clock.now, hear=self.wrist.hear, passed=self.clock.passed,
            look_here=look_here, notices=self.notices,
        )  # fmt: skip

    async def shown(self, prompt: Prompt, move: Move, strong: bool) -> Sequence[Where]:
        self.said.append((round((self.clock.now() - NINE) / MINUTE, 1), strong))
        return [Where.TERMINAL]

    async def run_until(self, instant: datetime) -> None:
        """Wake the service whenever it asks for it, as `hipsync run` and the demo do.

        The test fails if it asks for each of two minutes of seconds: something is due that no wake does.
        """
        at_once = 0
        while self.clock.now() < instant:
            self.service.live.attend()
            await self.service.wake(self.clock.now())
            due = next_wake(self.service.state(self.clock.now()), self.clock.now())
            at_once = at_once + 1 if due <= self.clock.now() + SECOND else 0
            assert at_once < 120, "it wakes again and again"
            await self.clock.sleep_until(min(max(due, self.clock.now() + SECOND), instant))

    def prompts(self) -> list[Prompt]:
        return self.store.prompts(NINE, NINE + 24 * HOUR)

    def counters(self) -> list[Counter]:
        return self.store.counters(self.store.bands()[0].id, NINE, NINE + 24 * HOUR)


def pine_time(drawing: str, **more: object) -> PineTime:
    return PineTime(day(drawing, NINE), now=NINE, zone=UTC_ZONE, **more)  # type: ignore[arg-type]


async def listen_until(world: World, until: datetime) -> None:
    """Run the service until an instant as `hipsync run` does, which listens for lost bands every minute."""
    while world.clock.now() < until:
        await world.service.listen()
        await world.run_until(min(world.clock.now() + MINUTE, until))


def world_after(
    story: Callable[[World], Awaitable[None]], known: dict[str, Driver] | None = None, **bands: SimulatedBand
) -> World:
    """The world after the story, its live bands let go."""

    async def live_through(clock: FastClock) -> World:
        world = World(clock, known=known, **bands)
        try:
            await story(world)
        finally:
            await world.service.leave()
        assert world.wrist.open == {}
        return world

    return run(live_through, NINE)

"""A simulated band that does what a test says, and a simulated radio on which a test's story meets it.

    on_the_air(story, PlainBand(), ...)     runs `story(simulated, clock)` on a virtual clock

A story fails if it leaves a task, an error that nobody awaited or a warning from asyncio behind, or if it stands still.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import Any, TypeVar

from hipsync.driver import Advertisement
from hipsync.host.clock import FastClock
from hipsync.radio.simulation import SimulatedRadio, simulated_radio
from hipsync.simulated import Characteristic, HangUp, Notification, Property, Refused, Service, Shown
from hipsync.testing.direct import run

T = TypeVar("T")

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)
FIRST, SECOND_BAND = "C0:00:00:00:00:01", "C0:00:00:00:00:02"
BATTERY_SERVICE, BATTERY = "0000180f-0000-1000-8000-00805f9b34fb", "00002a19-0000-1000-8000-00805f9b34fb"
OWN, OTHER = "6e400001-b5a3-f393-e0a9-e50e24dcca9e", "6e40fff0-b5a3-f393-e0a9-e50e24dcca9e"
WRITE, TELL, ASK, SAME = (f"6e40000{n}-b5a3-f393-e0a9-e50e24dcca9e" for n in (2, 3, 4, 5))
STANDS_STILL_S = 20
"""Real seconds after which a story fails. In virtual time a fault of the stack spins instead of timing out."""


def characteristic(uuid: str, *properties: Property) -> Characteristic:
    return Characteristic(uuid, frozenset(properties))


TABLE = (
    Service(BATTERY_SERVICE, (characteristic(BATTERY, "read", "notify"), characteristic(SAME, "read"))),
    Service(
        OWN,
        (
            characteristic(WRITE, "write", "write-without-response"),
            characteristic(TELL, "notify"),
            characteristic(ASK, "indicate"),
            characteristic(SAME, "read"),
        ),
    ),
)


class PlainBand:
    """A band whose values and notifications the test sets, and which records what happens to it."""

    def __init__(self, advertisement: Advertisement | None = None, services: Sequence[Service] = TABLE) -> None:
        self.mtu = 23
        self.shown: list[Shown] = []
        self.values: dict[tuple[str, str], bytes | Exception] = {(BATTERY_SERVICE, BATTERY): b"\x55"}
        self.refuses: dict[str, int] = {}
        """The ATT error code by characteristic, with which it refuses writes and subscriptions."""
        self.reads: list[str] = []
        self.written: list[tuple[str, bytes]] = []
        self.subscriptions: list[tuple[str, bool]] = []
        self.visits: list[str] = []
        self.says: list[Notification | HangUp] = []
        self.answers: dict[bytes, list[Notification | HangUp]] = {}
        """What it sends when a value is written."""
        self._advertisement = advertisement or Advertisement(name="Plain")
        self._services = services

    def advertisement(self) -> Advertisement:
        return self._advertisement

    def services(self) -> Sequence[Service]:
        return self._services

    def connected(self, now: datetime) -> None:
        self.visits.append("connected")

    def disconnected(self, now: datetime) -> None:
        self.visits.append("disconnected")

    def read(self, characteristic: str, service: str, now: datetime) -> bytes:
        self.reads.append(characteristic)
        value = self.values[service, characteristic]
        if isinstance(value, Exception):
            raise value
        return value

    def write(self, characteristic: str, service: str, data: bytes, now: datetime) -> None:
        if characteristic in self.refuses:
            raise Refused(self.refuses[characteristic])
        self.written.append((characteristic, data))
        self.says += self.answers.get(data, [])

    def on_subscribe(self, characteristic: str, subscribed: bool, now: datetime) -> None:
        if characteristic in self.refuses:
            raise Refused(self.refuses[characteristic])
        self.subscriptions.append((characteristic, subscribed))

    def advance(self, now: datetime) -> Sequence[Notification | HangUp]:
        said, self.says = self.says, []
        return said

    def wake_at(self) -> datetime | None:
        return None


Story = Callable[[SimulatedRadio, FastClock], Awaitable[T]]


def on_the_air(story: Story[T], *bands: PlainBand, mtu: int = 247) -> T:
    """Run a story with these bands in reach, at `FIRST` and at `SECOND_BAND`, and return its result."""

    async def in_simulation(clock: FastClock) -> T:
        async with simulated_radio(bands, now=clock.now, mtu=mtu) as simulated:
            return await story(simulated, clock)

    return without_traces(in_simulation)


def without_traces(story: Callable[[FastClock], Awaitable[T]]) -> T:
    """Run a story on a virtual clock and return its result; it must leave neither a task nor an error behind."""
    troubles: list[str] = []

    async def watched(clock: FastClock) -> T:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: troubles.append(_words_of(context)))
        result = await story(clock)
        left = [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert not left, left
        return result

    def stands_still(number: int, frame: FrameType | None) -> None:
        raise AssertionError(f"no end after {STANDS_STILL_S} s")

    before = signal.signal(signal.SIGALRM, stands_still)
    signal.alarm(STANDS_STILL_S)
    try:
        result = run(watched, START)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    assert not troubles, troubles
    return result


def _words_of(context: dict[str, Any]) -> str:
    return f"{context['message']}: {context.get('exception')!r}"

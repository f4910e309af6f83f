"""A sensor with standard services and whatever values a test gives it, and conversations with it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hipsync.conversation.session import Connection, Conversation, meet
from hipsync.driver import Session
from hipsync.errors import DeviceError
from hipsync.host.clock import FastClock
from hipsync.model import Epoch, State, Wear
from hipsync.testing.direct import MemoryStore, run
from hipsync_devices import gatt
from hipsync_devices.gatt import uuid16
from hipsync_devices.sig import DRIVER, packets

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
HEART, PACE = gatt.HEART_RATE_MEASUREMENT, packets.RSC_MEASUREMENT
STRAP = {(gatt.HEART_RATE, HEART): b"", (packets.BATTERY_SERVICE, packets.BATTERY_LEVEL): b"\x2a"}
POD = {(packets.RUNNING, PACE): b""}
ALARMS = {(gatt.IMMEDIATE_ALERT, gatt.ALERT_LEVEL): b"", (packets.LINK_LOSS, gatt.ALERT_LEVEL): b"\2"}


class Sensor:
    """A connection to a sensor with values by (service, characteristic). It refuses what `refuses` names."""

    write_size = 20

    def __init__(self, *tables: Mapping[tuple[str, str], bytes], refuses: Sequence[str] = ()) -> None:
        self.lost = asyncio.Event()
        self.values = {key: value for table in tables for key, value in table.items()}
        self.refuses = refuses
        self.read_of: list[str] = []
        self.written: list[tuple[str, str, str, bool]] = []
        self.callbacks: dict[str, Callable[[bytes], None]] = {}

    def has(self, characteristic: str, service: str | None = None) -> bool:
        return any(key[1] == characteristic and service in {None, key[0]} for key in self.values)

    def _check(self, characteristic: str, service: str | None) -> None:
        if not self.has(characteristic, service) or characteristic in self.refuses:
            raise DeviceError(f"refused: {characteristic}")

    async def read(self, characteristic: str, service: str | None = None) -> bytes:
        self.read_of.append(characteristic)
        self._check(characteristic, service)
        return next(
            value for key, value in self.values.items() if key[1] == characteristic and service in {None, key[0]}
        )

    async def write(self, characteristic: str, data: bytes, response: bool, service: str | None = None) -> None:
        self.written.append((str(service)[4:8], characteristic[4:8], data.hex(), response))
        self._check(characteristic, service)

    async def start_notify(self, characteristic: str, callback: Callable[[bytes], None]) -> None:
        self._check(characteristic, None)
        self.callbacks[characteristic] = callback

    async def stop_notify(self, characteristic: str) -> None:
        del self.callbacks[characteristic]

    def say(self, characteristic: str, data: bytes) -> None:
        if characteristic in self.callbacks and not self.lost.is_set():
            self.callbacks[characteristic](data)

    async def bond(self) -> None:
        raise AssertionError("a standard sensor needs no pairing")


Says = Sequence[tuple[float, str, str]]
"""What a sensor notifies: (seconds since the beginning, characteristic, bytes in hex)."""


def each_second(first: int, last: int, characteristic: str, data: str) -> Says:
    """Return the same notification for each second from `first` to `last`, both included."""
    return [(second, characteristic, data) for second in range(first, last + 1)]


@dataclass
class Told:
    """What came of a conversation."""

    kept: MemoryStore = field(default_factory=MemoryStore)
    error: DeviceError | None = None
    start: datetime = NINE

    @property
    def minutes(self) -> list[tuple[int, int, int | None, State | None]]:
        """The epochs as (minutes since the beginning, steps, heart rate, state)."""
        return [(round((e.start - self.start) / MINUTE), e.steps, e.heart_rate, e.state) for e in self.kept.of(Epoch)]

    @property
    def wears(self) -> list[tuple[float, bool]]:
        """The wear readings as (seconds since the beginning, worn)."""
        return [((wear.at - self.start).total_seconds(), wear.worn) for wear in self.kept.of(Wear)]


async def talk(connection: Connection, clock: FastClock, length: timedelta, zone: str, told: Told) -> None:
    """Meet the sensor and watch it for `length`, or until the driver raises a `DeviceError`, which is recorded."""
    conversing = Conversation(connection, zone=ZoneInfo(zone), now=clock.now)
    with contextlib.suppress(TimeoutError):
        try:
            async with asyncio.timeout(length.total_seconds()):
                await meet(DRIVER, conversing, Session(), told.kept.commit)
                assert DRIVER.watch is not None
                async with contextlib.aclosing(DRIVER.watch(conversing.view(), Session())) as batches:
                    async for batch in batches:
                        await told.kept.commit(batch)
        except DeviceError as error:
            told.error = error


def by_hand(
    sensor: Sensor,
    says: Says = (),
    length: timedelta = 3 * MINUTE,
    *,
    start: datetime = NINE,
    zone: str = "Europe/London",
    lost_after: timedelta | None = None,
    lead: timedelta = 5 * SECOND,
) -> Told:
    """Talk to a sensor from `lead` before `start`. Every other time counts from `start`, also `lost_after`."""
    told = Told(start=start)

    async def story(clock: FastClock) -> None:
        loop = asyncio.get_running_loop()
        for after_s, characteristic, data in says:
            loop.call_later(lead.total_seconds() + after_s, sensor.say, characteristic, bytes.fromhex(data))
        if lost_after is not None:
            loop.call_later((lead + lost_after).total_seconds(), sensor.lost.set)
        await talk(sensor, clock, lead + length, zone, told)

    run(story, start - lead)
    return told


def offered(number: int, value: str) -> Mapping[tuple[str, str], bytes]:
    """Return a characteristic with a value (in hex) in a service that no driver uses."""
    return {(uuid16(0x183E), uuid16(number)): bytes.fromhex(value)}

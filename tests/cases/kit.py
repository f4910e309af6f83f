"""What the cases share: a wearer's life, a key, and a service on a virtual clock with simulated bands in reach.

Each case stands for a kind of fault that people have reported in programs like this one. The value that a test asserts
is the right one. Where hipsync gives another value today, the test is a strict xfail.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple, NoReturn

from hipsync.conversation.session import Connection
from hipsync.core.exercises import Move
from hipsync.core.policy import Policy
from hipsync.errors import NotHeard
from hipsync.model import MINUTE, Band, BandId, Epoch, Prompt, Remark, State, Where
from hipsync.registry import drivers
from hipsync.service.plan import next_wake
from hipsync.service.service import Service
from hipsync.service.state import settings_of
from hipsync.settings.config import Config
from hipsync.simulated import SimulatedBand
from hipsync.store import Store
from hipsync.testing.direct import DirectConnection

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ADDRESS = "C0:00:00:00:00:01"
KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
MOST_A_MINUTE = 300
"""Steps in a minute at most: nobody makes many more, whatever a band says."""


def life(start: datetime, length: timedelta, steps: Callable[[int], int]) -> list[Epoch]:
    """Return the minutes from `start` on; `steps` gets the number of each, from 0. Without steps it is sitting."""
    minutes: list[Epoch] = []
    for number in range(length // MINUTE):
        walked = steps(number)
        state = State.WALKING if walked else State.SITTING
        minutes.append(Epoch(start + number * MINUTE, MINUTE, walked, 20 if walked else 0, 70, state))
    return minutes


class Wrist:
    """A radio that reaches its one band without delay, and records every call."""

    def __init__(self, band: SimulatedBand, now: Callable[[], datetime]) -> None:
        """`now` is the band's time, from which the computer's clock may differ."""
        self._band, self._now = band, now
        self.calls: list[datetime] = []

    @asynccontextmanager
    async def reach(self, band: Band) -> AsyncGenerator[Connection, None]:
        self.calls.append(self._now())
        connection = DirectConnection(self._band, self._now)
        try:
            yield connection
        finally:
            connection.drop()

    @staticmethod
    async def hear(bands: Sequence[Band]) -> Collection[BandId]:
        return {band.id for band in bands}


class Away:
    """A radio that reaches nothing, and records every try."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.calls: list[datetime] = []

    def reach(self, band: Band) -> NoReturn:
        self.calls.append(self._now())
        raise NotHeard(f"{band.name} is out of reach")

    @staticmethod
    async def hear(bands: Sequence[Band]) -> Collection[BandId]:
        return ()


class Desktop:
    """A place where prompts and remarks are shown; it counts them."""

    def __init__(self) -> None:
        self.shown = 0

    async def deliver(self, prompt: Prompt, move: Move, strong: bool) -> Sequence[Where]:
        self.shown += 1
        return []

    async def tell(self, remark: Remark) -> bool:
        self.shown += 1
        return True


def serving(
    store: Store,
    wrist: Wrist | Away,
    now: Callable[[], datetime],
    *,
    desktop: Desktop,
    zone: str = "UTC",
    key: bytes | None,
    passed: Callable[[], float] | None = None,
) -> Service:
    """Return the real service with the real drivers, which prompts at any hour; `now` is the computer's clock."""
    return Service(
        store,
        replace(settings_of(Config(), zone), policy=Policy()),
        radio=wrist,
        drivers=drivers(),
        secret=lambda _: key,
        deliver=desktop.deliver,
        now=now,
        hear=wrist.hear,
        show_remark=desktop.tell,
        passed=passed,
    )


async def served(service: Service, now: Callable[[], datetime], until: datetime, *, every: timedelta = MINUTE) -> None:
    """Do what is due, as `hipsync run` does, until the computer's clock says `until`; look every `every`."""
    while now() < until:
        service.live.attend()
        if next_wake(service.state(now()), now()) <= now():
            await service.wake(now())
        await asyncio.sleep(every.total_seconds())


GADGETBRIDGE = """
CREATE TABLE DEVICE (
    _id INTEGER PRIMARY KEY, NAME TEXT, MANUFACTURER TEXT, IDENTIFIER TEXT, TYPE INTEGER, MODEL TEXT, ALIAS TEXT
);
CREATE TABLE MI_BAND_ACTIVITY_SAMPLE (
    TIMESTAMP INTEGER, DEVICE_ID INTEGER, USER_ID INTEGER,
    RAW_INTENSITY INTEGER, STEPS INTEGER, RAW_KIND INTEGER, HEART_RATE INTEGER
);
"""


class Sample(NamedTuple):
    """A row of Gadgetbridge's table of Huami bands, with numbers as it stores them; -1 is "not known"."""

    at: datetime
    intensity: int
    steps: int
    kind: int
    heart_rate: int


def write_gadgetbridge(path: Path, name: str, samples: Iterable[Sample]) -> None:
    """Write a database as Gadgetbridge exports it, with one band of this name at `ADDRESS`."""
    with closing(sqlite3.connect(path)) as file:
        file.executescript(GADGETBRIDGE)
        file.execute("INSERT INTO DEVICE VALUES (1, ?, 'Huami', ?, 1, NULL, NULL)", (name, ADDRESS))
        file.executemany(
            "INSERT INTO MI_BAND_ACTIVITY_SAMPLE VALUES (?, 1, 1, ?, ?, ?, ?)",
            [(int(at.timestamp()), *numbers) for at, *numbers in samples],
        )
        file.commit()

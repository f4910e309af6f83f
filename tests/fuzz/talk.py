"""Whole conversations with a simulated band, in which something else may arrive than it sent."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from zoneinfo import ZoneInfo

from families.known import Packet
from hipsync.conversation.dialogue import dialogue
from hipsync.conversation.session import Conversation, collect, meet
from hipsync.driver import Driver, Session
from hipsync.errors import DeviceError
from hipsync.host.clock import FastClock
from hipsync.model import Epoch
from hipsync.office_day import office_day
from hipsync.simulated import SimulatedBand, Simulator
from hipsync.testing.case import passkey_shown
from hipsync.testing.direct import DirectConnection, MemoryStore, run

NOON = datetime(2026, 11, 20, 12, 0, 20, tzinfo=UTC)
ZONE = ZoneInfo("UTC")
KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
WATCHED_S = 150.0


@cache
def _life() -> tuple[Epoch, ...]:
    """Return the minutes from two hours before noon to five minutes after it."""
    day = office_day(NOON.date(), ZONE, seed=1)
    return tuple(e for e in day if NOON - timedelta(hours=2) <= e.start < NOON + timedelta(minutes=5))


Said = Callable[[str, bytes], Sequence[bytes]]


class Spoilt(DirectConnection):
    """A connection on which there arrives what `said` makes of what the band sends."""

    def __init__(self, band: SimulatedBand, clock: FastClock, said: Said) -> None:
        super().__init__(band, clock.now)
        self._said = said

    async def read(self, characteristic: str, service: str | None = None) -> bytes:
        data = await super().read(characteristic, service)
        return next(iter(self._said(characteristic, data)), data)

    async def start_notify(self, characteristic: str, callback: Callable[[bytes], None]) -> None:
        def heard(data: bytes) -> None:
            for each in self._said(characteristic, data):
                callback(each)

        await super().start_notify(characteristic, heard)


def conversation(driver: Driver, simulator: Simulator, said: Said) -> None:
    """Run a meeting, a sync and some watching, each whether or not the one before succeeded."""

    async def story(clock: FastClock) -> None:
        bare = simulator(_life(), now=NOON, zone=ZONE, secret=KEY)
        secret = None if driver.secret(bare.advertisement()) == "none" else KEY
        band = bare if secret else simulator(_life(), now=NOON, zone=ZONE)
        connection, kept = Spoilt(band, clock, said), MemoryStore()
        talk = Conversation(connection, zone=ZONE, now=clock.now)
        session = Session(
            name=bare.advertisement().name or "", secret=secret, pairing=driver.begin is not None and secret is None,
            address="C0:00:00:00:00:01", keep=_kept, passkey=partial(passkey_shown, band),
        )  # fmt: skip
        try:
            if driver.begin is not None:
                await _begun(driver, talk, session, kept)
                return
            for part in (meet(driver, talk, session, kept.commit), collect(driver, talk, session, kept.commit)):
                with contextlib.suppress(DeviceError):
                    await part
            if driver.watch is not None:
                with contextlib.suppress(DeviceError, TimeoutError):
                    async with asyncio.timeout(WATCHED_S):
                        async with contextlib.aclosing(driver.watch(talk.view(), session)) as batches:
                            async for batch in batches:
                                await kept.commit(batch)
        finally:
            connection.drop()

    run(story, NOON)


async def _kept(_: bytes) -> None:
    """Nothing of it outlives the conversation."""


async def _begun(driver: Driver, talk: Conversation, session: Session, kept: MemoryStore) -> None:
    """Log in, and then sync and watch, each whether or not the one before succeeded; after a failed login nothing."""
    with contextlib.suppress(DeviceError):
        async with dialogue(driver, talk, session, kept.commit) as opened:
            with contextlib.suppress(DeviceError):
                await opened.fetch(kept.commit)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WATCHED_S):
                    await opened.watch(kept.commit)


def recorded(driver: Driver, simulator: Simulator) -> list[Packet]:
    """Return all that a band sends in a conversation, reads included, in order."""
    packets: list[Packet] = []

    def said(characteristic: str, data: bytes) -> Sequence[bytes]:
        packets.append((characteristic, data))
        return [data]

    conversation(driver, simulator, said)
    return packets

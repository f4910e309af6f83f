"""A band that wants a bond while it is talked to: who makes it, how often, and for which failures."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hipsync.conversation.session import Conversation
from hipsync.errors import LinkLost, NotAuthorised, NotBonded
from hipsync.host.clock import FastClock
from hipsync.radio.connect import connect
from hipsync.radio.simulation import Bond, simulated_radio
from hipsync.testing.direct import run
from support.plain_band import BATTERY, FIRST, PlainBand

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
ZONE = ZoneInfo("Europe/London")
LIMIT = timedelta(seconds=30)


@pytest.mark.parametrize("bonds", [True, False])
def test_a_band_that_wants_a_bond_is_bonded_once_somebody_may(bonds: bool) -> None:
    async def story(clock: FastClock) -> None:
        async with (
            simulated_radio([PlainBand()], now=clock.now, bond=Bond()) as simulated,
            connect(simulated.adapter, FIRST, LIMIT) as connection,
        ):
            link = Conversation(connection, zone=ZONE, now=clock.now, bonds=bonds).view()
            if bonds:
                assert await link.read(BATTERY) == b"\x55"
                return
            with pytest.raises(NotBonded, match=f"0x0f .*`hipsync pair {FIRST} --again` bonds it anew"):
                await link.read(BATTERY)

    run(story, START)


class Refusing:
    """A connection that goes on wanting a bond, and counts what is asked of it."""

    def __init__(self, fails: Exception) -> None:
        self.lost, self.write_size = asyncio.Event(), 20
        self.reads = self.bonds = 0
        self.fails = fails

    def has(self, characteristic: str, service: str | None = None) -> bool:
        return True

    async def read(self, characteristic: str, service: str | None = None) -> bytes:
        self.reads += 1
        raise self.fails

    async def write(self, characteristic: str, data: bytes, response: bool, service: str | None = None) -> None:
        raise self.fails

    async def start_notify(self, characteristic: str, callback: object) -> None:
        raise self.fails

    async def stop_notify(self, characteristic: str) -> None:
        raise self.fails

    async def bond(self) -> None:
        self.bonds += 1


@pytest.mark.parametrize(
    ("fails", "reads", "bonds"), [(NotBonded("no"), 3, 1), (NotAuthorised("no"), 2, 0), (LinkLost("no"), 2, 0)]
)
async def test_a_bond_is_made_once_and_for_nothing_else(fails: Exception, reads: int, bonds: int) -> None:
    connection = Refusing(fails)
    link = Conversation(connection, zone=ZONE, now=lambda: START, bonds=True).view()
    for _ in range(2):
        with pytest.raises(type(fails)):
            await link.read(BATTERY)
    assert (connection.reads, connection.bonds) == (reads, bonds)

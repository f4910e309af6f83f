"""Every family of bands through two proxies: the same readings as directly, and how long that takes.

The proxies are stand-ins at loopback, one of them encrypted. The bands are those of the test on a real BlueZ.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from bluez.bands import bands
from hipsync.conversation.dialogue import dialogue
from hipsync.conversation.session import Conversation
from hipsync.driver import Session
from hipsync.host.clock import FastClock
from hipsync.model import Counter, Epoch, Reading
from hipsync.office_day import office_days
from hipsync.radio.connect import connect
from hipsync.radio.opened import RadioSettings, opened
from hipsync.radio.scan import Adapter
from hipsync.radio.simulation import simulated_radio
from hipsync.registry import drivers
from hipsync.simulated import SimulatedBand
from hipsync.testing.direct import run
from support.proxy import KEY, stand_in

pytestmark = pytest.mark.enable_socket

ZONE = ZoneInfo("Europe/London")
NOW = datetime(2026, 11, 20, 15, 0, 5, tzinfo=UTC)
ADDRESS = "C8:0F:10:80:D0:21"
WITHIN = timedelta(seconds=20)
LIFE = office_days(NOW.date() - timedelta(days=1), 3, ZONE)
SECRET = bytes(range(16))


class Told(NamedTuple):
    """What came of one visit."""

    readings: list[Reading]
    spent_s: float


class Running:
    """A clock that starts at `NOW` and goes as real time does."""

    def __init__(self) -> None:
        self._begun = time.monotonic()

    def now(self) -> datetime:
        return NOW + timedelta(seconds=time.monotonic() - self._begun)


@cache
def secret_of(name: str) -> bytes | None:
    """The key that the wearer of a band has: given, or born when it was paired, which is done in no time."""
    kept: list[bytes] = []

    async def pair(clock: FastClock) -> None:
        band = bands()[name].maker([], now=clock.now(), zone=ZONE)
        if drivers()[bands()[name].kind].secret(band.advertisement()) != "none":
            kept.append(SECRET)
            return
        async with simulated_radio([band], now=clock.now, addresses=[ADDRESS]) as air:
            await visit(name, None, air.adapter, clock.now, kept)

    run(pair, NOW - timedelta(minutes=10))
    return kept[-1] if kept else None


def made(name: str, now: datetime) -> SimulatedBand:
    """A band that was paired and never read."""
    return bands()[name].maker(LIFE, now=now, zone=ZONE, secret=secret_of(name))


async def visit(
    name: str, key: bytes | None, adapter: Adapter, now: Callable[[], datetime], kept: list[bytes] | None = None
) -> Told:
    """Connect, log in and fetch all, and measure the two latter.

    It is a pairing if there is a list for what is `kept` of it.
    """
    driver, told = drivers()[bands()[name].kind], list[Reading]()

    async def commit(batch: Sequence[Reading]) -> None:
        told.extend(batch)

    async def keep(secret: bytes) -> None:
        if kept is not None:
            kept.append(secret)

    async with connect(adapter, ADDRESS, WITHIN) as connection:
        began = time.monotonic()
        conversation = Conversation(connection, zone=ZONE, now=now, bonds=True)
        session = Session("name", key, pairing=kept is not None, address=ADDRESS, keep=keep)
        async with dialogue(driver, conversation, session, commit) as found:
            await found.fetch(commit)
    return Told(told, time.monotonic() - began)


async def directly(name: str) -> Told:
    clock = Running()
    band = made(name, clock.now())
    async with simulated_radio([band], now=clock.now, addresses=[ADDRESS]) as air:
        return await visit(name, secret_of(name), air.adapter, clock.now)


async def by_proxy(name: str, folder: Path) -> Told:
    clock, file = Running(), folder / "key"
    file.write_text(KEY)
    file.chmod(0o600)
    band = made(name, clock.now())
    async with (
        simulated_radio([band], now=clock.now, addresses=[ADDRESS]) as air,
        stand_in(air.air, 1) as far,
        stand_in(air.air, 2, "kitchen") as near,
    ):
        near.key, near.nearer_db = KEY, 10
        settings = (far.settings(), near.settings(key_file=str(file), bands=(ADDRESS,)))
        async with opened(RadioSettings("", False, settings)) as radio:
            told = await visit(name, secret_of(name), radio.adapter, clock.now)
        assert near.asked["BluetoothDeviceRequest"] > 0
        assert far.asked["BluetoothDeviceRequest"] == 0
        return told


def facts(told: Told) -> list[object]:
    """What was told of the past: the epochs as they are, and the totals without the second of their reading."""
    return [
        each if isinstance(each, Epoch) else (Counter, each.steps)
        for each in told.readings
        if isinstance(each, Epoch | Counter)
    ]


SLOW = {"fitpro", "huawei", "banglejs"}
"""Those that let seconds of real time pass, directly as well as by proxy."""


@pytest.mark.parametrize("name", [pytest.param(each, marks=[pytest.mark.ring] * (each in SLOW)) for each in bands()])
def test_a_band_tells_the_same_by_proxy_as_directly(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hipsync.radio.scan.CHOICE_S", 0.2)
    secret_of(name)
    direct, proxied = asyncio.run(directly(name)), asyncio.run(by_proxy(name, tmp_path))
    assert facts(proxied) == facts(direct)
    assert {type(each) for each in proxied.readings} == {type(each) for each in direct.readings}
    if drivers()[bands()[name].kind].abilities.history is not None:
        assert len(facts(direct)) > 10
    print(f"{name}: {len(proxied.readings)} readings, {proxied.spent_s / direct.spent_s:.2f} of the direct time")

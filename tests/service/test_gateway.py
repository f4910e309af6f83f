"""A gateway contacts the bands of many wearers now and then, a few at a time, and judges and shows nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from hipsync.errors import StoreError
from hipsync.host.clock import FastClock
from hipsync.model import MINUTE
from hipsync.registry import drivers
from hipsync.service.control_server import ControlServer
from hipsync.service.gateway import AT_ONCE, Gateway
from hipsync.service.plan import collect_at
from hipsync.service.state import Contacts, LastTry
from hipsync.simulated import SimulatedBand
from hipsync.testing.direct import DirectConnection, run
from hipsync_devices.huami.sim import MiBand
from support.builders import day
from support.world import HOUR, KEY, NINE, SECOND, SETTINGS, UTC_ZONE, Disk, Wrist, pine_time


def mi_band(drawing: str = "600m sit") -> MiBand:
    return MiBand(day(drawing, NINE), now=NINE, zone=UTC_ZONE, secret=KEY)


class Ward:
    """A gateway with its store, clock and bands."""

    def __init__(self, clock: FastClock, bands: dict[str, SimulatedBand]) -> None:
        self.clock, self.wrist, self.store = clock, Wrist(clock.now, **bands), Disk.in_memory()
        for address, band in bands.items():
            kind = "huami" if isinstance(band, MiBand) else "infinitime"
            self.store.add_band(name=address, driver=kind, address=address, now=NINE, vouches=kind == "huami")
        self.gateway = Gateway(
            self.store, replace(SETTINGS, at_least_every=4 * HOUR), radio=self.wrist, drivers=drivers(),
            secret=lambda _: KEY, now=clock.now, passed=clock.passed, hear=self.wrist.hear,
        )  # fmt: skip

    async def run_until(self, minutes: float) -> None:
        until = NINE + minutes * MINUTE
        while self.clock.now() < until:
            self.gateway.live.attend()
            await self.gateway.wake(self.clock.now())
            due, judged = self.gateway.look(self.clock.now())
            assert judged is None
            await self.clock.sleep_until(min(max(due, self.clock.now() + SECOND), until))


def ward_after(story: Callable[[Ward], Awaitable[None]], **bands: SimulatedBand) -> Ward:
    async def live_through(clock: FastClock) -> Ward:
        ward = Ward(clock, bands)
        try:
            await story(ward)
        finally:
            await ward.gateway.leave()
        assert ward.wrist.open == {}
        return ward

    return run(live_through, NINE)


def test_bands_are_contacted_every_few_hours_and_somebody_who_sits_is_left_alone() -> None:
    async def story(ward: Ward) -> None:
        await ward.run_until(540)

    bands = {name: mi_band() for name in ("one", "two")}
    ward = ward_after(story, **bands)
    for name, band in bands.items():
        assert [round(minutes) for minutes in ward.wrist.minutes_of(name)] == [0, 240, 480]
        assert band.shown == []
    assert ward.store.prompts(NINE - HOUR, NINE + 24 * HOUR) == []
    assert ward.store.draws(NINE - HOUR, NINE + 24 * HOUR) == []
    known = [len(ward.store.epochs(band.id, NINE, NINE + 480 * MINUTE)) for band in ward.store.bands()]
    assert known == [480, 480]


def test_a_band_that_keeps_nothing_is_stayed_connected_to() -> None:
    async def story(ward: Ward) -> None:
        await ward.run_until(300)
        assert ward.gateway.live.connected() == ["pine"]

    ward = ward_after(story, pine=pine_time("300m walk 50"))
    (band,) = ward.store.bands()
    assert ward.wrist.minutes_of("pine") == [0]
    assert ward.store.counters(band.id, NINE, NINE + 300 * MINUTE)[-1].steps >= 50 * 295


class Peak(dict[str, DirectConnection]):
    """Open connections, and how many there were at most."""

    most = 0

    def __setitem__(self, address: str, connection: DirectConnection) -> None:
        super().__setitem__(address, connection)
        self.most = max(self.most, len(self))


def test_no_more_than_a_few_are_contacted_at_the_same_time_and_each_has_its_turn() -> None:
    opened = Peak()

    async def story(ward: Ward) -> None:
        ward.wrist.open = opened
        await ward.run_until(5)

    names = [f"band{number}" for number in range(3 * AT_ONCE)]
    ward = ward_after(story, **{name: mi_band() for name in names})
    assert opened.most == AT_ONCE
    assert [len(ward.wrist.minutes_of(name)) for name in names] == [1] * len(names)


def test_a_band_that_hangs_holds_up_no_other() -> None:
    async def story(ward: Ward) -> None:
        ward.wrist.stuck = {"one"}
        await ward.run_until(5)

    names = ["one", *(f"band{number}" for number in range(2 * AT_ONCE))]
    ward = ward_after(story, **{name: mi_band() for name in names})
    assert all(ward.wrist.minutes_of(name) for name in names)
    assert [max(ward.wrist.minutes_of(name)) < 1 for name in names[1:]] == [True] * 2 * AT_ONCE


def test_a_live_band_that_another_program_removed_is_left_in_peace(caplog: pytest.LogCaptureFixture) -> None:
    """As when its wearer is erased in the fleet's database; then its link is lost, before anybody looks."""

    async def story(ward: Ward) -> None:
        await ward.run_until(10)
        ward.store.forget(ward.store.bands()[0].id, ward.clock.now(), with_data=True)
        ward.wrist.open["pine"].drop()
        await ward.clock.sleep_until(NINE + 30 * MINUTE)
        assert ward.wrist.minutes_of("pine") == [0]

    ward_after(story, pine=pine_time("300m walk 50"))
    assert "bug" not in caplog.text


def test_a_band_that_was_away_is_contacted_at_once_when_it_is_heard_again() -> None:
    async def story(ward: Ward) -> None:
        ward.wrist.away = {"one"}
        await ward.run_until(30)
        ward.wrist.away = set()
        before = len(ward.wrist.calls)
        assert await ward.gateway.listen()
        await ward.run_until(30.5)
        assert len(ward.wrist.calls) == before + 1

    ward_after(story, one=mi_band())


def test_a_full_disk_is_told_and_what_was_not_stored_comes_with_the_next_contact() -> None:
    async def story(ward: Ward) -> None:
        ward.store.full = True
        with pytest.raises(StoreError, match="the disk is full"):
            await ward.gateway.wake(ward.clock.now())
        ward.store.full = False
        await ward.clock.sleep_until(NINE + 3 * MINUTE)
        await ward.run_until(250)

    ward = ward_after(story, one=mi_band("2m walk 100, 598m sit"))
    assert sum(each.steps for each in ward.store.epochs(ward.store.bands()[0].id, NINE, NINE + HOUR)) == 200


def test_a_gateway_has_no_line_for_a_status_bar() -> None:
    async def story(ward: Ward) -> None:
        from hipsync.service.alarm import Alarm

        alarm = Alarm(ward.gateway, ward.clock, None, asyncio.Event())
        server = ControlServer(ward.gateway, alarm, ward.clock)
        assert "judges nothing" in str((await server.answer({"do": "line"}))["error"])
        told = await server.answer({"do": "status"})
        assert (told["here"], told["judges"]) == (None, False)

    ward_after(story, one=mi_band())


@pytest.mark.parametrize(
    ("contacts", "minutes"),
    [
        ({"attempted": None}, 0),
        ({"last_try": LastTry.BUSY}, 2),
        ({"last_try": LastTry.BACK}, 0),
        ({"last_try": LastTry.REFUSED}, 50),
        ({"failures": 1, "last_try": LastTry.AWAY}, -8),
        ({"live": True}, -8),
        ({}, 110),
    ],
)
def test_when_a_band_is_contacted_for_whose_news_nobody_waits(contacts: dict[str, Any], minutes: int) -> None:
    """By the rule for each case, ten minutes after the last attempt, with at least every two hours."""
    store = Disk.in_memory()
    band = store.add_band(name="one", driver="huami", address="one", now=NINE)
    known = Contacts(band, NINE - 10 * MINUTE, NINE - 10 * MINUTE, 0)._replace(**contacts)
    assert collect_at(known, timedelta(hours=2), NINE) == NINE + minutes * MINUTE

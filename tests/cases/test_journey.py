"""A flight during which the computer is closed, while the band records by the clock of the old zone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from cases.kit import DAY, HOUR, Desktop, Wrist, life, served, serving
from hipsync.host.clock import FastClock
from hipsync.model import MINUTE, Epoch
from hipsync.registry import simulator
from hipsync.store import Store
from hipsync.testing.direct import run
from support.builders import walked

MORNING = datetime(2026, 1, 6, 7, 0, 20, tzinfo=UTC)
CLOSED = MORNING.replace(hour=16, minute=0)
LANDED = {
    "America/New_York": datetime(2026, 1, 6, 23, 0, 20, tzinfo=UTC),
    "Asia/Tokyo": datetime(2026, 1, 7, 3, 0, 20, tzinfo=UTC),
}
LOOK = 10 * MINUTE
"""How often the service looks what is due. The band is watched all the time; only prompts would come so much later."""
WALK = life(MORNING.replace(second=0) - 30 * HOUR, 80 * HOUR, lambda i: {0: 150, 7: 250}.get(i % 60, 0))
"""Eighty hours of minutes with 400 steps in each hour, in two of its minutes."""


@cache
def stored(kind: str, zone: str) -> list[Epoch]:
    """Return the epochs that are stored four hours after the computer, closed in London, is opened in `zone`."""
    opened = LANDED[zone]

    async def story(clock: FastClock) -> list[Epoch]:
        band = simulator(kind)(WALK, now=MORNING, zone=ZoneInfo("Europe/London"))
        with Store.in_memory() as store:
            store.note_zone(MORNING - 2 * DAY, "Europe/London")
            held = store.add_band(name="band", driver=kind, address="A", now=MORNING, simulated=True)
            service = serving(
                store, Wrist(band, clock.now), clock.now, desktop=Desktop(), zone="Europe/London", key=None
            )
            await served(service, clock.now, CLOSED, every=LOOK)
            await service.leave()
            while clock.now() < opened:
                await clock.sleep_until(min(clock.now() + 10 * MINUTE, opened))
                band.advance(clock.now())
            service.settings = replace(service.settings, host_zone=zone)
            store.note_zone(clock.now(), zone)
            await served(service, clock.now, opened + 4 * HOUR, every=LOOK)
            await service.leave()
            return store.epochs(held.id, MORNING - 2 * DAY, opened + 4 * HOUR)

    return run(story, MORNING)


def in_it(epoch: Epoch) -> int:
    return walked(WALK, epoch.start, epoch.end)


@pytest.mark.parametrize(
    ("kind", "zone"),
    [
        ("colmi", "America/New_York"),
        ("colmi", "Asia/Tokyo"),
        ("lefun", "America/New_York"),
        ("lefun", "Asia/Tokyo"),
    ],
)
def test_no_hour_of_the_flight_is_called_still_in_which_somebody_walked(kind: str, zone: str) -> None:
    """BangleApps #4301, PebbleOS #1523, stepsy #66: those hours are unknown, so they have no row."""
    assert [epoch for epoch in stored(kind, zone) if epoch.inferred and not epoch.steps and in_it(epoch)] == []


@pytest.mark.parametrize(
    ("kind", "zone"),
    [
        ("colmi", "America/New_York"),
        ("colmi", "Asia/Tokyo"),
        ("lefun", "America/New_York"),
        ("lefun", "Asia/Tokyo"),
    ],
)
def test_every_hour_that_the_band_sent_has_the_steps_that_were_walked_in_it(kind: str, zone: str) -> None:
    """BangleApps #4301, PebbleOS #1523, stepsy #66: a few steps may lie on the other side of an hour's edge."""
    sent = [epoch for epoch in stored(kind, zone) if not epoch.inferred]
    assert sent
    assert [epoch for epoch in sent if abs(epoch.steps - in_it(epoch)) > 10] == []

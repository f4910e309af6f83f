"""Bangle.js's driver and the simulated watch: a made-up day arrives as the watch can tell it, whatever happens.

A watch tells steps for blocks of ten minutes of UTC. So what is stored is compared with sums of the minutes that were
lived, and not with the minutes.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hipsync.conversation.session import Conversation, collect, meet
from hipsync.core.exercises import Move
from hipsync.driver import Session
from hipsync.errors import DeviceError, LinkLost
from hipsync.host.clock import FastClock, VirtualTimeLoop
from hipsync.model import MINUTE, Epoch, Prompt, State, Where
from hipsync.office_day import office_days
from hipsync.radio.bleak_radio import BleakRadio
from hipsync.radio.scan import scan
from hipsync.radio.simulation import simulated_radio
from hipsync.registry import drivers
from hipsync.service.service import Service
from hipsync.service.state import settings_of
from hipsync.settings.config import Config
from hipsync.store import Store
from hipsync.testing.direct import DirectConnection, MemoryStore, run
from hipsync_devices.banglejs import DRIVER
from hipsync_devices.banglejs.sim import Bangle, Faults

HOUR, TEN = timedelta(hours=1), timedelta(minutes=10)
MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)
NOON = MIDNIGHT + 12 * HOUR
LATER = timedelta(seconds=20)
"""After the minute: no band is asked on the second."""
Blocks = dict[datetime, int]


def lived(start: datetime, end: datetime) -> list[Epoch]:
    days = office_days(start.date(), (end - start).days + 2, ZoneInfo("UTC"), seed=1)
    return [epoch for epoch in days if start <= epoch.start and epoch.end <= end]


def varied(start: datetime, hours: int) -> list[Epoch]:
    """Minutes whose blocks differ all."""
    return [Epoch(start + i * MINUTE, MINUTE, i // 10) for i in range(hours * 60)]


def blocks(life: Sequence[Epoch], start: datetime, end: datetime, shift: timedelta = timedelta(0)) -> Blocks:
    """Steps of the blocks in `[start, end)`, of which each holds what was lived so much later."""
    found: Blocks = {}
    while start < end:
        inside = [epoch for epoch in life if start + shift <= epoch.start < start + shift + TEN]
        found[start] = sum(epoch.steps for epoch in inside)
        start += TEN
    return found


def stored(kept: MemoryStore) -> Blocks:
    """As the store keeps them: of two with the same start the one with no fewer steps."""
    found: Blocks = {}
    for epoch in kept.of(Epoch):
        assert epoch.length == TEN
        found[epoch.start] = max(epoch.steps, found.get(epoch.start, 0))
    return found


async def meeting(
    band: Bangle, clock: FastClock, kept: MemoryStore, *, zone: str = "UTC", cut_after: int | None = None
) -> DirectConnection:
    """One connection from beginning to end. Raises what the driver raises."""
    connection = DirectConnection(band, clock.now, mtu=131)
    if cut_after is not None:
        connection.cut_after(cut_after)
    ends = [epoch.end for epoch in kept.of(Epoch)]
    session = Session(since={Epoch: max(ends)} if ends else {})
    talk = Conversation(connection, zone=ZoneInfo(zone), now=clock.now)
    try:
        await meet(DRIVER, talk, session, kept.commit)
        await collect(DRIVER, talk, session, kept.commit)
    finally:
        connection.drop()
    return connection


def synced(band: Bangle, *instants: datetime, zone: str = "UTC", kept: MemoryStore | None = None) -> Blocks:
    """What is stored after a connection at each of these instants."""
    held = kept or MemoryStore()

    async def story(clock: FastClock) -> None:
        for instant in instants:
            await clock.sleep_until(instant)
            await meeting(band, clock, held, zone=zone)

    run(story, instants[0])
    return stored(held)


def bangle(life: Sequence[Epoch], now: datetime, zone: str = "UTC", **more: Any) -> Bangle:
    return Bangle(life, now=now, zone=ZoneInfo(zone), **more)


MORNING = lived(NOON - 6 * HOUR, NOON)
WHOLE_MORNING = blocks(MORNING, NOON - 6 * HOUR, NOON)


# ------------------------------------------------------------------ a day


def test_a_day_arrives_with_every_step() -> None:
    end = MIDNIGHT + timedelta(days=1)
    life = lived(MIDNIGHT, end)
    told = synced(bangle(life, end + LATER), end + LATER)
    assert told == blocks(life, MIDNIGHT, end)
    assert (len(told), sum(told.values())) == (144, sum(epoch.steps for epoch in life))


def test_a_link_that_is_cut_at_any_packet_loses_nothing() -> None:
    cuts = 0

    async def story(clock: FastClock) -> None:
        nonlocal cuts
        whole = await meeting(bangle(MORNING, clock.now()), clock, MemoryStore())
        for number in range(whole.delivered):
            band, kept = bangle(MORNING, clock.now()), MemoryStore()
            with pytest.raises(LinkLost):
                await meeting(band, clock, kept, cut_after=number)
            await meeting(band, clock, kept)
            assert stored(kept) == WHOLE_MORNING, f"cut at {number}"
            cuts += 1

    run(story, NOON + LATER)
    assert cuts > 25  # 36 lines of some 80 bytes in packets of 128, and the greeting


@pytest.mark.parametrize("seed", range(5))
def test_syncs_at_any_instants_come_to_the_same(seed: int) -> None:
    noise = random.Random(seed)
    start, end = MIDNIGHT + 6 * HOUR, MIDNIGHT + 22 * HOUR
    life = lived(start, end)
    instants = sorted(start + noise.random() * 16 * HOUR for _ in range(3))
    assert synced(bangle(life, start), *instants, end + LATER) == blocks(life, start, end)


def test_a_reboot_loses_what_the_open_block_had() -> None:
    start, end = NOON - 4 * HOUR, NOON - 3 * HOUR
    life = [Epoch(start + i * MINUTE, MINUTE, 1 + i) for i in range(60)]
    band = bangle(life, start)
    band.reboot(start + 14.5 * MINUTE)
    expected = blocks(life, start, end)
    # minutes 10 to 13 were over, with 11 + 12 + 13 + 14 steps
    expected[start + TEN] -= 50
    assert synced(band, end + LATER) == expected


def test_midnight_changes_nothing() -> None:
    start, end = MIDNIGHT - 2 * HOUR, MIDNIGHT + 2 * HOUR
    life = varied(start, 4)
    instants = [MIDNIGHT - LATER, MIDNIGHT, MIDNIGHT + LATER, end + LATER]
    assert synced(bangle(life, start), *instants) == blocks(life, start, end)


# ------------------------------------------------------------------ clocks and zones


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo", "Asia/Kathmandu"])
def test_the_first_sync_of_a_watch_from_another_zone_puts_no_step_into_a_wrong_hour(zone: str) -> None:
    life = varied(NOON - 10 * HOUR, 10)
    band = bangle(life, NOON, zone)
    told = synced(band, NOON + LATER, NOON + HOUR, zone="Europe/London")
    assert told == blocks(life, NOON - 10 * HOUR, NOON)


def test_in_spring_nothing_is_lost() -> None:
    start = datetime(2026, 3, 28, 22, tzinfo=UTC)
    life, end = varied(start, 10), start + 10 * HOUR
    band = bangle(life, start, "Europe/London")
    # the clocks change at 01:00; the watch learns of it at 03:05
    instants = [start + 2.5 * HOUR, start + 5 * HOUR + 5 * MINUTE, end + LATER]
    assert synced(band, *instants, zone="Europe/London") == blocks(life, start, end)
    assert band.offset == HOUR
    assert synced(band, end + 2 * LATER, zone="Europe/London") == blocks(life, start, end), "fetched anew"


def test_in_autumn_the_hour_after_the_watch_learns_of_the_change_is_lost_and_no_block_is_wrong() -> None:
    start = datetime(2026, 10, 24, 22, tzinfo=UTC)
    life, end, three = varied(start, 10), start + 10 * HOUR, start + 5 * HOUR
    band = bangle(life, start, "Europe/London")
    expected = blocks(life, start, end)
    for lost in range(6):  # it learns of the change at 03:05, and these places are taken
        del expected[three + lost * TEN]
    instants = [start + 2.5 * HOUR, three + 5 * MINUTE, three + 30 * MINUTE, three + 65 * MINUTE, end + LATER]
    assert synced(band, *instants, zone="Europe/London") == expected
    assert band.offset == timedelta(0)
    assert synced(band, end + 2 * LATER, zone="Europe/London") == expected, "fetched anew"


def test_a_watch_whose_zone_cannot_be_set_tells_its_blocks_all_the_same() -> None:
    start = datetime(2026, 10, 24, 22, tzinfo=UTC)
    life, end = varied(start, 10), start + 10 * HOUR
    band = bangle(life, start, "Europe/London", widdst=True)
    instants = [start + 2.5 * HOUR, start + 5 * HOUR + 5 * MINUTE, end + LATER]
    assert synced(band, *instants, zone="Europe/London") == blocks(life, start, end)
    assert band.offset == HOUR


@pytest.mark.parametrize("ahead", [7, -7])
def test_a_clock_seven_minutes_off_is_set_and_blocks_are_right_from_then_on(ahead: int) -> None:
    start, end = NOON - 4 * HOUR, NOON + 3 * HOUR
    life, off = varied(start, 7), ahead * MINUTE
    band = bangle(life, NOON, clock_error=off)
    told = synced(band, NOON + LATER, end + LATER)
    assert abs(band.clock() - (end + LATER)) < timedelta(minutes=1)
    # until noon each block holds what its label says by the wrong clock, from then on what it says
    expected = blocks(life, start, NOON - TEN, -off) | blocks(life, NOON + TEN, end)
    assert {at: told.get(at) for at in expected} == expected
    # around noon a block is short or long, and not a step is lost
    assert sum(told.values()) == sum(epoch.steps for epoch in life)


@pytest.mark.parametrize("health", [34, 43])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/New_York", "Pacific/Auckland", "Etc/GMT+12"])
def test_no_library_leaves_out_a_block_in_any_zone_at_any_hour(zone: str, health: int) -> None:
    for hour in (1, 7, 13, 19, 23):
        now = MIDNIGHT + hour * HOUR + 25 * MINUTE
        start = now - 30 * HOUR - 5 * MINUTE
        life = varied(start, 30)
        band = bangle(life, start + 4 * HOUR, zone, health=health)
        told = synced(band, start + 4 * HOUR + LATER, now, zone=zone)
        assert told == blocks(life, start, now - 5 * MINUTE), hour


def test_an_exact_instant_gets_nothing_from_a_new_library_west_of_greenwich_in_the_evening() -> None:
    # 21:00 in New York, 02:00 UTC of the next day, which is tomorrow there
    now = datetime(2026, 3, 2, 2, tzinfo=UTC)
    band = bangle(varied(now - 5 * HOUR, 5), now, "America/New_York")
    assert band.health is not None
    west = timedelta(hours=-5)
    since_ms = (now - HOUR).timestamp() * 1000
    assert list(band.health.fetch(since_ms, now, west, activity=True)) == []
    day_before_ms = since_ms - 24 * 3_600_000
    assert len(list(band.health.fetch(day_before_ms, now, west, activity=True))) == 30


# ------------------------------------------------------------------ faults and versions


@pytest.mark.parametrize(
    "faults",
    [
        Faults(flow_every=7),
        Faults(noise=b"=undefined\r\n>Uncaught Error: of an app\r\n{\r\n"),
        Faults(lose={12}),
        Faults(lose={9, 30}, double={14}),
        Faults(double=set(range(3, 8))),
    ],
    ids=["flow control everywhere", "noise before every line", "a packet lost", "lost and doubled", "packets doubled"],
)
def test_a_bad_link_loses_nothing(faults: Faults) -> None:
    band = bangle(MORNING, NOON + LATER)
    band.faults = faults
    assert synced(band, NOON + LATER) == WHOLE_MORNING


@pytest.mark.parametrize("faults", [Faults(stall_at=20), Faults(hang_up_at=20), Faults(turn_away=True)])
def test_a_watch_that_falls_silent_or_hangs_up_is_an_error_and_the_next_sync_has_all(faults: Faults) -> None:
    band, kept = bangle(MORNING, NOON + LATER), MemoryStore()
    band.faults = faults
    with pytest.raises(DeviceError):
        synced(band, NOON + LATER, kept=kept)
    assert stored(kept).items() <= WHOLE_MORNING.items(), "whole lines that came are kept"
    band.faults = Faults()
    assert synced(band, NOON + HOUR, kept=kept) == WHOLE_MORNING


@pytest.mark.parametrize(
    "more",
    [{"programmable": False}, {"hardware": 1}, {"health": 26, "android": 31}, {"heart_sensor": True}],
    ids=["not programmable", "Bangle.js 1", "the first apps that fetch", "heart sensor on"],
)
def test_other_watches_tell_the_same(more: dict[str, Any]) -> None:
    assert synced(bangle(MORNING, NOON + LATER, **more), NOON + LATER) == WHOLE_MORNING


@pytest.mark.parametrize(
    ("more", "words"),
    [({"android": None}, "install the app Android"), ({"android": 30}, "update the app"), ({"health": None}, "Health")],
)
def test_a_watch_without_its_apps_says_what_to_install(more: dict[str, Any], words: str) -> None:
    with pytest.raises(DeviceError, match=words):
        synced(bangle(MORNING, NOON + LATER, **more), NOON + LATER)


def test_states_are_those_that_the_watch_is_sure_of() -> None:
    states = [State.WALKING] * 10 + [State.NOT_WORN] * 10 + [State.SITTING] * 40
    steps = [30] * 10 + [0] * 50
    life = [Epoch(NOON - HOUR + i * MINUTE, MINUTE, steps[i], 5, 72, states[i]) for i in range(60)]
    kept = MemoryStore()
    synced(bangle(life, NOON + LATER, heart_sensor=True), NOON + LATER, kept=kept)
    epochs = kept.of(Epoch)[:3]
    # NOT_WORN may be somebody who sits still: kept as its number, and no state
    assert [(epoch.state, epoch.kind) for epoch in epochs] == [(State.WALKING, 2), (None, 1), (None, 0)]
    assert [(epoch.intensity, epoch.heart_rate) for epoch in epochs] == [(40, 72)] * 3


# ------------------------------------------------------------------ a real stack


async def nowhere(prompt: Prompt, move: Move, strong: bool) -> Sequence[Where]:
    return []


def test_a_day_arrives_over_gatt_in_the_database(tmp_path: Path) -> None:
    end = MIDNIGHT + timedelta(days=1)
    life = lived(MIDNIGHT, end)
    loop = VirtualTimeLoop()
    clock = FastClock(loop, end + LATER)
    band = bangle(life, clock.now())

    async def story() -> Blocks:
        address = "C0:00:00:00:00:01"
        async with simulated_radio([band], now=clock.now, addresses=[address]) as air:
            found = await scan(air.adapter, 2)
            assert [DRIVER.matches(seen.advertisement) for seen in found] == [True]
            with Store.open(tmp_path / "bangle.db") as store:
                store.add_band(
                    name="band", driver="banglejs", address=address, advertised_name="Bangle.js a1b2", simulated=True,
                    vouches=False, reports_wear=False, now=clock.now(),
                )  # fmt: skip
                service = Service(
                    store, settings_of(Config(), "UTC"), radio=BleakRadio(air.adapter), drivers=drivers(),
                    secret=lambda _: None, deliver=nowhere, now=clock.now,
                )  # fmt: skip
                async with service.connector.talk(store.bands()[0]) as talk:
                    assert talk.epochs == 144
                return {epoch.start: epoch.steps for epoch in store.epochs(store.bands()[0].id, MIDNIGHT, end)}

    try:
        told = loop.run_until_complete(asyncio.wait_for(story(), 600))
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()
    assert told == blocks(life, MIDNIGHT, end)

"""Simulated bands in the hands of a client that sets their clocks to the end of time, or says what they do not know."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cases.kit import DAY, HOUR, KEY, life
from hipsync.conversation.dialogue import dialogue
from hipsync.driver import Session
from hipsync.host.clock import FastClock
from hipsync.model import MINUTE
from hipsync.registry import drivers, simulator
from hipsync.simulated import Notification, SimulatedBand
from hipsync.testing import DirectConnection, MemoryStore, conversation, run
from hipsync_devices import gatt
from hipsync_devices._blueprint import packets as blueprint
from hipsync_devices._blueprint.sim import BlueprintBand
from hipsync_devices.banglejs.packets import NOTIFY, UART, WRITE
from hipsync_devices.banglejs.sim import Bangle
from hipsync_devices.huami import packets as huami
from hipsync_devices.infinitime.packets import wall_clock

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TIMES = [datetime(9999, 12, 31, 23, 59, 58, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC)]
CLOCKS = ["infinitime", "sig"]
"""The kinds whose clock a client can set to any year of four digits; the packets of the others end earlier."""
LIVED = DAY + 2 * HOUR
"""How long a band lives on: past the midnight of every zone."""
LIFE = life(NOON - 2 * HOUR, LIVED + 2 * HOUR, lambda i: 60 if i % 20 < 5 else 0)


def lived(band: SimulatedBand) -> Sequence[object]:
    """Let a band live from noon on, looking every hour; return what it said."""
    return [said for hour in range(LIVED // HOUR + 1) for said in band.advance(NOON + hour * HOUR)]


@pytest.mark.parametrize("wall", TIMES)
@pytest.mark.parametrize("kind", CLOCKS)
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/New_York"])
def test_a_band_whose_clock_is_set_to_the_end_of_time_lives_on(kind: str, zone: str, wall: datetime) -> None:
    band = simulator(kind)(LIFE, now=NOON, zone=ZoneInfo(zone))
    band.connected(NOON)
    for characteristic in [each.uuid for service in band.services() for each in service.characteristics]:
        band.on_subscribe(characteristic, True, NOON)
    band.write(gatt.CURRENT_TIME, gatt.uuid16(0x1805), wall_clock(wall), NOON)
    assert lived(band)
    assert len(band.read(gatt.CURRENT_TIME, gatt.uuid16(0x1805), NOON + LIVED)) == 10


@pytest.mark.parametrize("year", [9999, 2099, 1])
def test_a_mi_band_whose_clock_is_set_to_a_strange_year_lives_on(year: int) -> None:
    band = simulator("huami")(LIFE, now=NOON, zone=ZoneInfo("UTC"), secret=KEY)
    band.connected(NOON)
    clock = year.to_bytes(2, "little") + bytes([12, 31, 23, 59, 58, 5, 0, 0, 0])
    band.write(gatt.CURRENT_TIME, huami.FEE0, clock, NOON)
    lived(band)


def said(band: Bangle, line: bytes, at: datetime = NOON) -> bytes:
    """Return what a watch prints in the ten seconds after a line."""
    heard: list[bytes] = []
    band.write(WRITE, UART, b"\x10" + line + b"\n", at)
    for second in range(11):
        told = band.advance(at + timedelta(seconds=second))
        heard += [each.data for each in told if isinstance(each, Notification)]
    return b"".join(heard)


def bangle(*, programmable: bool = True) -> Bangle:
    band = Bangle(LIFE, now=NOON, zone=ZoneInfo("America/New_York"), programmable=programmable)
    band.mtu = 131
    band.connected(NOON)
    band.on_subscribe(NOTIFY, True, NOON)
    return band


@pytest.mark.parametrize(
    "line",
    [
        b"setTime(253402300799)",  # the last second of 9999
        b"setTime(99999999999999999999)",
        b"E.setTimeZone(99999999999)",
        b'GB({"t":"actfetch","ts":253402300799999})',
        b'GB({"t":"actfetch","ts":1e300})',
        b'GB({"t":"actfetch","ts":-1e300})',
        b'GB({"t":"act","stp":true,"int":1e300})',
        b'GB({"t":"act","stp":true,"int":99999999999999999999})',
        b'GB({"t":"act","stp":true,"int":1e-9})',
    ],
)
def test_a_bangle_that_is_told_a_number_beyond_all_time_lives_on(line: bytes) -> None:
    band = bangle()
    said(band, line)
    assert b'"state":"end"' in said(band, b'GB({"t":"actfetch","ts":1000})', NOON + MINUTE)
    assert lived(band)


CALLS = [
    b'GB({"t":"music","track":{"artist":"A","tags":[{"a":1}]}})',
    b'GB({"t":{"t":1}})',
    b'GB({"x":' + b"[" * 400 + b'{"deep":1}' + b"]" * 400 + b"})",
]


@pytest.mark.parametrize("programmable", [True, False])
@pytest.mark.parametrize("call", CALLS)
def test_a_bangle_prints_an_unknown_call_with_an_object_in_it_and_goes_on(call: bytes, programmable: bool) -> None:
    band = bangle(programmable=programmable)
    printed = said(band, call)
    assert (b"GB Unknown " + call[3:-1] in printed) is programmable
    assert lived(band)


@pytest.mark.parametrize("stamp", ["ea07393939393918", "ea070cff17ffff00", "ea0702", "ea07021e0000007f", ""])
def test_a_mi_band_that_is_asked_for_minutes_since_no_date_refuses(stamp: str) -> None:
    """Minutes since a day 57, a second 255, three bytes, an offset of 31 hours, and since nothing."""

    async def story(clock: FastClock) -> list[bytes]:
        band = simulator("huami")(LIFE, now=NOON, zone=ZoneInfo("UTC"), secret=KEY)
        connection = DirectConnection(band, clock.now)
        talk = conversation(connection, clock)
        driver, heard = drivers()["huami"], list[bytes]()
        session = Session(name=band.advertisement().name or "", secret=KEY)
        async with dialogue(driver, talk, session, MemoryStore().commit):
            await connection.start_notify(huami.FETCH, heard.append)
            await connection.write(huami.FETCH, b"\x01\x01" + bytes.fromhex(stamp), False)
        connection.drop()
        return heard

    (answer,) = run(story, NOON)
    assert answer[:2] == b"\x10\x01"
    assert answer[2] != huami.SUCCESS


def test_a_blueprint_whose_clock_is_set_to_the_end_of_its_seconds_lives_on() -> None:
    band = BlueprintBand(LIFE, now=NOON, zone=ZoneInfo("UTC"))
    band.connected(NOON)
    band.on_subscribe(blueprint.NOTIFY, True, NOON)
    band.write(blueprint.WRITE, "", blueprint.Frame(blueprint.SET_TIME, b"\xff" * 4).encode(), NOON)
    assert lived(band)
    band.write(blueprint.WRITE, "", blueprint.Frame(blueprint.FETCH, bytes(4)).encode(), NOON + LIVED)
    assert len(band.advance(NOON + LIVED)) > LIVED // (10 * MINUTE)

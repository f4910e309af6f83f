"""A battery level that is impossible must not cost the steps."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from cases.kit import HOUR, KEY, life
from hipsync.conversation.session import collect, meet, watch
from hipsync.driver import Session
from hipsync.errors import MalformedPacket
from hipsync.host.clock import FastClock
from hipsync.model import Charge, Counter, Epoch, Reading
from hipsync.registry import drivers, simulator
from hipsync.simulated import SimulatedBand
from hipsync.testing.direct import DirectConnection, MemoryStore, conversation, run
from hipsync_devices.banglejs.packets import Status
from hipsync_devices.banglejs.sim import Bangle
from hipsync_devices.colmi import packets as colmi

NINE = datetime(2026, 3, 2, 9, 0, 20, tzinfo=UTC)
UNKNOWN = 0xFF
WATCHED_S = 600.0


def same(data: bytes) -> bytes:
    return data


def battery_byte(data: bytes) -> bytes:
    """Make the level unknown in a value of characteristic 2A19: one byte, 64, 85 or 87 from simulated bands."""
    return bytes([UNKNOWN]) if len(data) == 1 and data[0] in {64, 85, 87} else data


def huami_record(data: bytes) -> bytes:
    """Make the level unknown in Huami's battery information: 0F, the level, and 18 more bytes."""
    return data[:1] + bytes([UNKNOWN]) + data[2:] if data[:1] == b"\x0f" and len(data) == 20 else data


def colmi_answer(data: bytes) -> bytes:
    """Make the level unknown in the answer to command 0x03, with a right checksum."""
    if len(data) != 16 or data[0] != colmi.BATTERY:
        return data
    return colmi.Frame(colmi.BATTERY, bytes([UNKNOWN]) + data[2:15]).encode()


def bangle(band: SimulatedBand) -> None:
    assert isinstance(band, Bangle)
    band.battery = Status(UNKNOWN, charging=False)


def untouched(band: SimulatedBand) -> None:
    pass


class Nonsense(NamedTuple):
    """How a level of 255 gets into what one kind of band sends."""

    read: Callable[[bytes], bytes] = same
    notified: Callable[[bytes], bytes] = same
    band: Callable[[SimulatedBand], None] = untouched


def told(kind: str, nonsense: Nonsense) -> Sequence[Reading]:
    """Return what is stored from six hours in the band's memory; a live band is watched for `WATCHED_S` as well."""

    async def story(clock: FastClock) -> Sequence[Reading]:
        driver = drivers()[kind]
        band = simulator(kind)(
            life(NINE.replace(second=0) - 6 * HOUR, 8 * HOUR, lambda i: 60 if i % 20 < 5 else 0),
            now=NINE,
            zone=ZoneInfo("UTC"),
            secret=KEY,
        )
        nonsense.band(band)
        connection, kept = DirectConnection(band, clock.now), MemoryStore()
        connection.spoil_read = nonsense.read
        connection.spoil = lambda data: [nonsense.notified(data)]
        advertisement = band.advertisement()
        key = None if driver.secret(advertisement) == "none" else KEY
        session, talk = Session(name=advertisement.name or "", secret=key), conversation(connection, clock)
        try:
            await meet(driver, talk, session, kept.commit)
            await collect(driver, talk, session, kept.commit)
            if driver.held:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(watch(driver, talk, session, kept.commit), WATCHED_S)
        finally:
            connection.drop()
        return kept.readings

    return run(story, NINE)


REFUSED = pytest.mark.xfail(
    strict=True, raises=MalformedPacket, reason="a level over 100 is a malformed packet, and ends the whole contact"
)


@pytest.mark.parametrize(
    ("kind", "nonsense"),
    [
        pytest.param("infinitime", Nonsense(read=battery_byte), id="infinitime", marks=REFUSED),
        pytest.param("moyoung", Nonsense(read=battery_byte), id="moyoung", marks=REFUSED),
        pytest.param("colmi", Nonsense(notified=colmi_answer), id="colmi", marks=REFUSED),
        pytest.param("fitpro", Nonsense(read=battery_byte), id="fitpro"),
        pytest.param("huami", Nonsense(read=huami_record), id="huami"),
        pytest.param("banglejs", Nonsense(band=bangle), id="banglejs"),
    ],
)
def test_steps_come_as_ever_from_a_band_whose_battery_level_is_unknown(kind: str, nonsense: Nonsense) -> None:
    """255 stands for "unknown", and no level is over 100: no charge is stored."""
    plain, came = told(kind, Nonsense()), told(kind, nonsense)
    steps = [reading for reading in plain if isinstance(reading, Epoch | Counter)]
    assert steps, "the band has steps to tell"
    assert [reading for reading in came if isinstance(reading, Epoch | Counter)] == steps
    assert [reading for reading in came if isinstance(reading, Charge)] == []

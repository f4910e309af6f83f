"""A decoration must not cost the steps: an impossible or refused battery level, a refused text, a longer packet."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from cases.kit import HOUR, KEY, life
from hipsync.conversation.dialogue import dialogue
from hipsync.driver import Session
from hipsync.errors import DeviceError
from hipsync.host.clock import FastClock
from hipsync.model import Charge, Counter, Epoch, Reading
from hipsync.registry import drivers, simulator
from hipsync.simulated import SimulatedBand
from hipsync.testing.direct import DirectConnection, MemoryStore, conversation, run
from hipsync_devices.banglejs.packets import Status
from hipsync_devices.banglejs.sim import Bangle
from hipsync_devices.colmi import packets as colmi
from hipsync_devices.gatt import uuid16
from hipsync_devices.huami import packets as huami
from hipsync_devices.lefun import packets as lefun

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


def lefun_answer(data: bytes) -> bytes:
    """Make the level unknown in the answer to command 0x03, with a right check byte."""
    if data[:1] != bytes([lefun.REPLY]) or data[2] != lefun.BATTERY:
        return data
    return lefun.Frame(lefun.BATTERY, bytes([UNKNOWN]), lefun.REPLY).encode()


def longer(data: bytes) -> bytes:
    return data + b"\7"


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
    refused: frozenset[str] = frozenset()
    """UUIDs of the characteristics that cannot be read."""


class Refusing(DirectConnection):
    """A connection whose band refuses to be read at some characteristics."""

    refused: frozenset[str] = frozenset()

    async def read(self, characteristic: str, service: str | None = None) -> bytes:
        if characteristic in self.refused:
            raise DeviceError("read not permitted")
        return await super().read(characteristic, service)


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
        connection, kept = Refusing(band, clock.now), MemoryStore()
        connection.refused = nonsense.refused
        connection.spoil_read = nonsense.read
        connection.spoil = lambda data: [nonsense.notified(data)]
        advertisement = band.advertisement()
        key = None if driver.secret(advertisement) == "none" else KEY
        session, talk = Session(name=advertisement.name or "", secret=key), conversation(connection, clock)
        try:
            async with dialogue(driver, talk, session, kept.commit) as opened:
                await opened.fetch(kept.commit)
                if opened.held:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(opened.watch(kept.commit), WATCHED_S)
        finally:
            connection.drop()
        return kept.readings

    return run(story, NINE)


@pytest.mark.parametrize(
    ("kind", "nonsense"),
    [
        pytest.param("infinitime", Nonsense(read=battery_byte), id="infinitime"),
        pytest.param("moyoung", Nonsense(read=battery_byte), id="moyoung"),
        pytest.param("colmi", Nonsense(notified=colmi_answer), id="colmi"),
        pytest.param("fitpro", Nonsense(read=battery_byte), id="fitpro"),
        pytest.param("huami", Nonsense(read=huami_record), id="huami"),
        pytest.param("banglejs", Nonsense(band=bangle), id="banglejs"),
        pytest.param("lefun", Nonsense(notified=lefun_answer), id="lefun"),
        pytest.param("sig", Nonsense(read=battery_byte), id="sig"),
    ],
)
def test_steps_come_as_ever_from_a_band_whose_battery_level_is_unknown(kind: str, nonsense: Nonsense) -> None:
    """255 stands for "unknown", and no level is over 100: no charge is stored."""
    came = told(kind, nonsense)
    assert steps(came) == plain_steps(kind)
    assert [reading for reading in came if isinstance(reading, Charge)] == []


BATTERY, TEXTS = uuid16(0x2A19), {uuid16(number) for number in (0x2A25, 0x2A26, 0x2A27, 0x2A28)}


@pytest.mark.parametrize(
    ("kind", "refused"),
    [
        ("infinitime", {BATTERY, uuid16(0x2A27)}),  # the firmware is no decoration there: old one counts otherwise
        ("moyoung", {BATTERY, *TEXTS}),
        ("colmi", TEXTS),
        ("fitpro", {BATTERY, *TEXTS, uuid16(0x2A29)}),
        ("huami", {huami.BATTERY, *TEXTS}),
        ("sig", {BATTERY, *TEXTS}),
    ],
)
def test_steps_come_as_ever_from_a_band_that_refuses_to_tell_its_battery_and_its_texts(
    kind: str, refused: set[str]
) -> None:
    came = told(kind, Nonsense(refused=frozenset(refused)))
    assert steps(came) == plain_steps(kind)
    assert [reading for reading in came if isinstance(reading, Charge)] == [] or kind == "colmi"


@pytest.mark.parametrize(
    ("kind", "nonsense"),
    [
        pytest.param("infinitime", Nonsense(longer, longer), id="infinitime"),
        pytest.param("moyoung", Nonsense(longer, longer), id="moyoung"),
        pytest.param("colmi", Nonsense(longer, longer), id="colmi"),
        pytest.param("lefun", Nonsense(longer, longer), id="lefun"),
        pytest.param("sig", Nonsense(longer, longer), id="sig"),
        pytest.param("huami", Nonsense(longer), id="huami"),
    ],
)
def test_steps_come_as_ever_from_packets_that_have_a_byte_more(kind: str, nonsense: Nonsense) -> None:
    """Newer firmware has put more behind what a packet had; what was there before is what it was."""
    assert steps(told(kind, nonsense)) == plain_steps(kind)


@cache
def plain_steps(kind: str) -> Sequence[Reading]:
    found = steps(told(kind, Nonsense()))
    assert found, "the band has steps to tell"
    return found


def steps(readings: Sequence[Reading]) -> Sequence[Reading]:
    return [reading for reading in readings if isinstance(reading, Epoch | Counter)]

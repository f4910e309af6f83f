"""A band that advertises another address than the one that was paired."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cases.kit import KEY
from hipsync.errors import NotHeard
from hipsync.host.clock import FastClock
from hipsync.radio.connect import connect
from hipsync.radio.simulation import simulated_radio
from hipsync.testing.direct import run
from hipsync_devices.huami.sim import MiBand

NINE = datetime(2026, 3, 2, 9, 0, 20, tzinfo=UTC)
PAIRED, SHOWN = "C0:00:00:00:00:01", "C0:00:00:00:00:02"


def test_a_band_that_is_there_under_a_new_address_is_named_with_what_to_do() -> None:
    """grupetto #61, and reports of PineTimes and siglo: a random address, or a new firmware."""

    async def story(clock: FastClock) -> None:
        band = MiBand([], now=NINE, zone=ZoneInfo("UTC"), secret=KEY)
        async with simulated_radio([band], now=clock.now, addresses=[SHOWN]) as air:
            with pytest.raises(NotHeard, match=rf"{PAIRED}.*{SHOWN} shows itself as '{band.name}'.*--again"):
                async with connect(air.adapter, PAIRED, timedelta(seconds=4), band.name):
                    pass

    run(story, NINE)


def test_an_address_in_lower_case_is_the_same_address() -> None:
    """grupetto #61: the same address, typed in another case."""

    async def story(clock: FastClock) -> str:
        band = MiBand([], now=NINE, zone=ZoneInfo("UTC"), secret=KEY)
        async with (
            simulated_radio([band], now=clock.now, addresses=[SHOWN]) as air,
            connect(air.adapter, SHOWN.lower(), timedelta(seconds=20)) as connection,
        ):
            return connection.address

    assert run(story, NINE) == SHOWN

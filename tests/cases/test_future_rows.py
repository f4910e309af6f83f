"""What is stamped later than now is neither where the next fetch starts nor the last contact."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from cases.kit import ADDRESS, DAY, HOUR, KEY, Desktop, Sample, Wrist, life, served, serving, write_gadgetbridge
from hipsync.host.clock import FastClock
from hipsync.model import MINUTE, Epoch
from hipsync.service.plan import contact_at
from hipsync.service.state import Families, settings_of, state_of
from hipsync.settings.config import Config
from hipsync.store import Store
from hipsync.testing.direct import run
from hipsync_devices.huami.sim import MiBand
from support.machine import Machine

NINE = datetime(2026, 3, 2, 9, 0, 20, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")
EVERY = 10 * MINUTE
"""How often the service checks whether something is due. Every minute, as in reality, would take a test ten seconds."""


class AfterClock(NamedTuple):
    """What came of the day after the computer's clock was put right."""

    first_call: timedelta | None
    known: int
    """How many of 1,440 minutes are known."""


def after_clock(ahead: timedelta) -> AfterClock:
    """Run a service whose computer's clock is ahead for the first two hours; the band's own time is always right."""
    right_at = NINE + 2 * HOUR

    async def story(clock: FastClock) -> AfterClock:
        def computer() -> datetime:
            return clock.now() + (ahead if clock.now() < right_at else timedelta(0))

        band = MiBand(
            life(NINE - 12 * HOUR, 3 * DAY, lambda i: 60 if i % 60 < 5 else 0), now=NINE, zone=UTC_ZONE, secret=KEY
        )
        wrist = Wrist(band, clock.now)
        with Store.in_memory() as store:
            held = store.add_band(name="band", driver="huami", address=ADDRESS, now=computer(), vouches=True)
            service = serving(store, wrist, computer, desktop=Desktop(), key=KEY)
            await served(service, computer, right_at + ahead - EVERY, every=EVERY)
            while clock.now() < right_at:
                await clock.sleep_until(right_at)
            await served(service, computer, right_at + DAY, every=EVERY)
            after = [call - right_at for call in wrist.calls if call >= right_at]
            known = store.epochs(held.id, right_at, right_at + DAY)
            return AfterClock(min(after, default=None), len(known))

    return run(story, NINE)


@pytest.mark.parametrize(
    ("ahead", "within"),
    [
        pytest.param(timedelta(0), HOUR, id="never ahead"),
        pytest.param(10 * DAY, 2 * EVERY, id="ten days ahead"),
    ],
)
def test_after_a_clock_that_was_ahead_the_band_is_called_soon_and_its_day_is_known(
    ahead: timedelta, within: timedelta
) -> None:
    """Gadgetbridge #1335: after one row in the future the band is asked for nothing older. OctoPrint #3266: a
    computer without a battery for its clock.

    Of 1,440 minutes about 1,400 are known: the last contact is less than an hour ago.
    """
    came = after_clock(ahead)
    assert came.first_call is not None
    assert came.first_call <= within
    assert came.known >= 1380


def test_a_band_whose_last_contact_lies_in_the_future_is_called_at_once() -> None:
    """Gadgetbridge #1335, OctoPrint #3266."""
    with Store.in_memory() as store:
        band = store.add_band(name="band", driver="huami", address=ADDRESS, now=NINE - 20 * DAY, vouches=True)
        store.note_sync(band.id, NINE + 10 * DAY, NINE + 10 * DAY, 100, None)
        state = state_of(store, settings_of(Config(), "UTC"), NINE, Families())
        (contacts,) = state.contacts
        assert contact_at(contacts, state, NINE) <= NINE


@pytest.mark.parametrize("command", ["status", "doctor"])
def test_a_last_contact_that_lies_in_the_future_is_said_to(tmp_path: Path, command: str) -> None:
    """OctoPrint #3266, autosuspend #118: the clock was ten days ahead when the band was last called."""
    machine = Machine(tmp_path, NINE)
    band = machine.band()
    with Store.open(machine.database) as store:
        store.append(band, life(NINE.replace(second=0) - 3 * HOUR, 170 * MINUTE, lambda i: 50 if i < 5 else 0))
        store.note_sync(band, NINE + 10 * DAY, NINE + 10 * DAY, 100, None)
    assert re.search(r"\b(future|ahead)\b", machine.type(command).stdout)


class Lived(NamedTuple):
    """What came of the 23 hours after an import, for a band with four hours in its memory."""

    known: int
    """How many of 1,620 minutes are known."""
    calls: int
    shown: int
    """How many prompts and remarks were shown."""


def lived(home: Path, *, ahead: bool) -> Lived:
    """Import a Gadgetbridge file with an old row, and perhaps one twenty hours ahead, for a paired band; live on."""
    machine = Machine(home, NINE)
    with Store.open(machine.database) as store:
        store.note_zone(NINE, "UTC")
        held = store.add_band(
            name="band", driver="huami", address=ADDRESS, advertised_name="Mi Smart Band 5", now=NINE, vouches=True
        )
    minute = NINE.replace(second=0)
    rows = [Sample(minute - 2 * HOUR, 20, 30, 1, 80)]
    if ahead:
        rows.append(Sample(minute + 20 * HOUR, 20, 50, 1, 80))
    gadgetbridge = home / "gadgetbridge.db"
    write_gadgetbridge(gadgetbridge, "Mi Smart Band 5", rows)
    imported = machine.type("import", "gadgetbridge", str(gadgetbridge))
    assert imported.exit_code == 0, imported.output

    async def story(clock: FastClock) -> Lived:
        first = NINE.replace(second=0) - 4 * HOUR
        band = MiBand(life(first, 30 * HOUR, lambda i: 60 if i % 180 < 5 else 0), now=NINE, zone=UTC_ZONE, secret=KEY)
        wrist, desktop = Wrist(band, clock.now), Desktop()
        with Store.open(machine.database) as store:
            service = serving(store, wrist, clock.now, desktop=desktop, key=KEY)
            await served(service, clock.now, NINE + 23 * HOUR, every=EVERY)
            known: list[Epoch] = store.epochs(held.id, NINE - 4 * HOUR, clock.now())
        return Lived(len(known), len(wrist.calls), desktop.shown)

    return run(story, NINE)


@pytest.mark.parametrize("ahead", [pytest.param(False, id="without it"), pytest.param(True, id="with it")])
def test_an_imported_row_that_lies_ahead_takes_neither_minutes_nor_prompts(tmp_path: Path, *, ahead: bool) -> None:
    """Gadgetbridge #1335, by an import, which loses the row.

    With that row 148 minutes, 126 calls and 2 prompts were seen; without it 1,467, 40 and 16.
    """
    came = lived(tmp_path, ahead=ahead)
    assert came.known >= 1400
    assert came.calls <= 60
    assert came.shown >= 12

"""The band's clock: offsets, daylight saving, a wrong year, and what becomes of the minutes that it stamped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hipsync.model import MINUTE, Epoch
from hipsync.testing.direct import MemoryStore
from hipsync_devices.huami.sim import MiBand
from support.huami_bands import KEY, client, met, wrote

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
YEAR = timedelta(days=365)


def life(start: datetime, minutes: int) -> list[Epoch]:
    return [Epoch(start + i * MINUTE, MINUTE, i * 7 % 251) for i in range(minutes)]


def steps(lived: list[Epoch]) -> dict[datetime, int]:
    return {epoch.start: epoch.steps for epoch in lived}


def band(lived: list[Epoch], now: datetime, zone: str = "UTC", clock_error: timedelta = timedelta(0)) -> MiBand:
    return MiBand(
        lived, now=now, zone=ZoneInfo(zone), secret=KEY, name="Mi Band 3", checksums=True, clock_error=clock_error
    )


# ------------------------------------------------------------------ zones


@pytest.mark.parametrize(
    ("zone", "clock", "since"),
    [
        # 2026-03-02 12:00 UTC, a Monday; an hour before, for the request
        ("Asia/Kathmandu", "ea070302112d0001000017", "0101ea070302102d0017"),  # +5:45
        ("America/St_Johns", "ea07030208 1e00010000f2", "0101ea070302071e00f2"),  # -3:30
        ("Pacific/Chatham", "ea07030301 2d000200 0037", "0101ea070303002d0037"),  # +13:45 in its summer
        ("Pacific/Kiritimati", "ea07030302000002000038", "0101ea07030301000038"),  # +14:00
        ("Pacific/Pago_Pago", "ea070302010000010000d4", "0101ea070302000000d4"),  # -11:00
        ("UTC", "ea0703020c000001000000", "0101ea0703020b000000"),
    ],
)
def test_the_clock_and_the_request_are_in_the_wearers_time(zone: str, clock: str, since: str) -> None:
    lived = life(NOW - HOUR, 60)
    it = band(lived, NOW, zone)
    meeting = met(it, NOW, zone=zone, since=NOW - HOUR)
    assert wrote(meeting, "2A2B") == [bytes.fromhex(clock)]
    assert wrote(meeting, "0004")[0] == bytes.fromhex(since)
    assert meeting.steps == steps(lived)


# ------------------------------------------------------------------ daylight saving

SPRING = datetime(2026, 3, 29, 1, tzinfo=UTC)
"""Berlin goes from 02:00 +01:00 to 03:00 +02:00."""
AUTUMN = datetime(2026, 10, 25, 1, tzinfo=UTC)
"""Berlin goes from 03:00 +02:00 to 02:00 +01:00: the hour before is lived twice by the wall clock."""


@pytest.mark.parametrize(
    ("change", "before", "after", "asked_before", "asked_after"),
    [
        (SPRING, 0x04, 0x08, "0101ea07031d01000004", "0101ea07031d011e0004"),  # 01:00 +1, 01:30 +1
        (AUTUMN, 0x08, 0x04, "0101ea070a1902000008", "0101ea070a19021e0008"),  # 02:00 +2, 02:30 +2
    ],
    ids=["spring", "autumn"],
)
def test_a_change_of_daylight_saving_between_two_syncs_costs_no_minute_and_doubles_none(
    change: datetime, before: int, after: int, asked_before: str, asked_after: str
) -> None:
    start = change - HOUR
    lived = life(start, 180)
    it = band(lived, change - HOUR / 2, "Europe/Berlin")
    kept = MemoryStore()
    first = met(it, change - HOUR / 2, zone="Europe/Berlin", since=start, kept=kept)
    second = met(it, change + 2 * HOUR, zone="Europe/Berlin", since=change - HOUR / 2, kept=kept)
    assert (wrote(first, "2A2B")[0][10], wrote(second, "2A2B")[0][10]) == (before, after)
    assert wrote(first, "0004")[0] == bytes.fromhex(asked_before)
    assert wrote(second, "0004")[0] == bytes.fromhex(asked_after)
    assert second.steps == steps(lived)


@pytest.mark.parametrize("change", [SPRING, AUTUMN], ids=["spring", "autumn"])
@pytest.mark.parametrize("foreign", [False, True])
def test_a_change_of_daylight_saving_while_fetching_costs_no_minute_and_doubles_none(
    change: datetime, foreign: bool
) -> None:
    lived = life(change - 3 * HOUR, 180)  # nine rounds, the fourth after the change
    it = band(lived, change - timedelta(seconds=3), "Europe/Berlin")
    it.round_minutes = 20
    it.faults.foreign_offset, it.faults.times = foreign, 100
    meeting = met(it, change - timedelta(seconds=3), zone="Europe/Berlin", since=change - 3 * HOUR)
    assert meeting.error is None
    assert meeting.steps == steps(lived)


@pytest.mark.parametrize("change", [SPRING, AUTUMN], ids=["spring", "autumn"])
def test_the_hours_around_a_change_are_one_stretch_of_minutes(change: datetime) -> None:
    lived = life(change - 2 * HOUR, 240)
    it = band(lived, change + 2 * HOUR, "Europe/Berlin")
    assert list(met(it, change + 2 * HOUR, zone="Europe/Berlin").steps) == [epoch.start for epoch in lived]


def test_a_journey_moves_the_bands_clock_and_none_of_its_minutes() -> None:
    lived = life(NOW - HOUR, 120)
    it = band(lived, NOW, "Asia/Tokyo")
    kept = MemoryStore()
    met(it, NOW, zone="Asia/Tokyo", kept=kept)
    home = met(it, NOW + HOUR, zone="America/Los_Angeles", since=NOW, kept=kept)
    assert wrote(home, "2A2B")[0][10] == 0xE0  # -8:00
    assert home.steps == steps(lived)


# ------------------------------------------------------------------ a wrong clock


def test_minutes_that_a_clock_a_year_ahead_stamped_stay_on_the_band_and_block_nothing() -> None:
    wrong, right = life(NOW - HOUR, 60), life(NOW, 120)
    it = band([*wrong, *right], NOW, clock_error=YEAR)
    kept = MemoryStore()
    first = met(it, NOW, erase=True, kept=kept)
    assert (first.error, first.epochs) == (None, [])
    assert it.clock() == NOW

    second = met(it, NOW + HOUR, erase=True, kept=kept)
    assert second.steps == steps(right[:60])
    third = met(it, NOW + 2 * HOUR, since=NOW + HOUR, erase=True, kept=kept)
    assert third.steps == steps(right)
    assert it.memory() == [epoch.start + YEAR for epoch in wrong]
    assert it.erased == [epoch.start for epoch in right]


def test_minutes_that_a_clock_a_year_behind_stamped_are_not_asked_for() -> None:
    wrong, right = life(NOW - HOUR, 60), life(NOW, 60)
    it = band([*wrong, *right], NOW, clock_error=-YEAR)
    first = met(it, NOW, erase=True)
    assert (first.error, first.epochs) == (None, [])
    assert met(it, NOW + HOUR, erase=True).steps == steps(right)
    assert it.memory() == [epoch.start - YEAR for epoch in wrong]


def test_minutes_that_a_clock_an_hour_behind_stamped_before_the_last_one_stored_are_not_asked_for() -> None:
    early, late = life(NOW - 2 * HOUR, 60), life(NOW - HOUR, 60)
    it = band([*early, *late], NOW - HOUR, clock_error=-HOUR)
    assert met(it, NOW, since=NOW - HOUR).epochs == []


def test_of_a_clock_half_an_hour_ahead_nothing_beyond_now_is_stored_and_what_comes_next_is_right() -> None:
    wrong, right = life(NOW - HOUR, 60), life(NOW, 60)
    it = band([*wrong, *right], NOW, clock_error=HOUR / 2)
    kept = MemoryStore()
    first = met(it, NOW, erase=True, kept=kept)
    # stamped half an hour late, and nobody can know: the first 30 minutes' steps lie under the last 30 minutes
    assert first.steps == {epoch.start + HOUR / 2: epoch.steps for epoch in wrong[:30]}
    assert it.erased == [], "half of that round lies in the future and is not stored"
    second = met(it, NOW + HOUR, since=NOW, kept=kept)
    assert {start: count for start, count in second.steps.items() if start >= NOW} == steps(right)


def test_a_clock_that_was_never_set_is_set() -> None:
    it = band(life(NOW - HOUR, 120), NOW, clock_error=datetime(2000, 1, 1, tzinfo=UTC) - NOW)
    assert client(it, NOW).read("2A2B") == "d00701010000000 6000000".replace(" ", "")  # a Saturday
    assert met(it, NOW).error is None
    assert it.clock() == NOW

"""Local days of a stored history of zones."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipsync.core.days import Zones
from hipsync.model import ZoneChange

LONDON = Zones([], "Europe/London")
INSTANTS = st.integers(0, 365 * 86400).map(lambda s: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=s))


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)])
def test_a_day_has_23_24_or_25_hours(day: date, hours: int) -> None:
    start, end = LONDON.day(day)[1:3]
    assert end - start == timedelta(hours=hours)


def test_a_day_begins_at_local_midnight() -> None:
    assert LONDON.day(date(2026, 6, 1)).start == datetime(2026, 5, 31, 23, tzinfo=UTC)


def test_yesterday_in_another_country_keeps_its_own_midnight() -> None:
    flight = datetime(2026, 6, 2, 9, tzinfo=UTC)
    zones = Zones(
        [ZoneChange(datetime(2026, 1, 1, tzinfo=UTC), "America/New_York"), ZoneChange(flight, "Europe/Paris")], "UTC"
    )
    assert zones.day(date(2026, 6, 1)).start == datetime(2026, 6, 1, 4, tzinfo=UTC)
    assert zones.day(date(2026, 6, 2)) == (
        date(2026, 6, 2),
        datetime(2026, 6, 2, 4, tzinfo=UTC),
        datetime(2026, 6, 2, 22, tzinfo=UTC),
        zones.at(flight - timedelta(1)),
    )
    assert zones.date_of(flight) == date(2026, 6, 2)


def test_the_first_zone_holds_before_it_was_stored() -> None:
    zones = Zones([ZoneChange(datetime(2026, 6, 2, tzinfo=UTC), "Asia/Tokyo")], "UTC")
    assert zones.at(datetime(2020, 1, 1, tzinfo=UTC)).key == "Asia/Tokyo"


def test_a_day_may_begin_at_four() -> None:
    zones = Zones([], "UTC", time(4))
    assert zones.date_of(datetime(2026, 6, 2, 3, 59, tzinfo=UTC)) == date(2026, 6, 1)
    assert zones.date_of(datetime(2026, 6, 2, 4, tzinfo=UTC)) == date(2026, 6, 2)


def test_a_midnight_that_the_clock_skips_is_the_first_instant_after_it() -> None:
    beirut = Zones([], "Asia/Beirut")  # 2024-03-31 began at 01:00 local
    assert beirut.day(date(2024, 3, 31)).start == datetime(2024, 3, 30, 22, tzinfo=UTC)


@given(
    INSTANTS,
    st.lists(
        st.tuples(
            INSTANTS,
            st.sampled_from(["Europe/Paris", "America/Los_Angeles", "Pacific/Kiritimati", "Asia/Kathmandu", "UTC"]),
        ),
        max_size=4,
    ),
)
def test_every_instant_lies_in_exactly_one_day(instant: datetime, journey: list[tuple[datetime, str]]) -> None:
    zones = Zones([ZoneChange(*change) for change in journey], "UTC")
    day = zones.day(zones.date_of(instant))
    assert day.start <= instant < day.end
    assert zones.day(day.date + timedelta(days=1)).start == day.end

"""Rows by the clock on the wall: noon stands under noon on the day when clocks change, both ways, in every zone.

What is expected is a second calculation: each minute's local time by itself, without runs and places.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipsync.core.bouts import Rule, bouts
from hipsync.core.days import Day, Zones
from hipsync.core.summary import DaySummary, day_summary
from hipsync.core.timeline import minute_of, timeline
from hipsync.model import MINUTE, ZoneChange
from hipsync.report.by_clock import cells, clock, row_begins, row_minutes, runs

ORDINARY = date(2026, 6, 10)
CHANGES = [
    ("Europe/Rome", date(2026, 3, 29)), ("Europe/Rome", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)), ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 5)), ("Australia/Lord_Howe", date(2026, 10, 4)),  # by half an hour
    ("Antarctica/Troll", date(2026, 3, 29)), ("Antarctica/Troll", date(2026, 10, 25)),  # by two hours
    ("America/Havana", date(2026, 3, 8)), ("America/Havana", date(2026, 11, 1)),  # at 0:00 to 1:00, at 1:00 to 0:00
    ("Africa/Cairo", date(2026, 4, 24)), ("Africa/Cairo", date(2026, 10, 29)),  # at 24:00 to 23:00
    ("America/Santiago", date(2026, 9, 6)), ("America/Santiago", date(2026, 4, 4)),
    ("Asia/Kathmandu", ORDINARY), ("UTC", ORDINARY),
]  # fmt: skip


def summed(span: Day, now: datetime | None = None) -> DaySummary:
    """Return a day whose minutes are numbered in turn from 0 to 250, so that each can be known again."""
    nothing = timeline([], minute_of(span.start), minute_of(span.end), span.zone)
    made = day_summary(nothing, bouts(nothing, Rule()), span, now or span.end, limit_minutes=60)
    return made._replace(kinds=bytes(at % 251 for at in range(len(made.kinds))))


def by_local_time(day: DaySummary, cell_minutes: int, starts_at: time = time(0)) -> dict[int, list[int]]:
    """Return the day's minutes by the number of the cell in which their local time lies."""
    found: dict[int, list[int]] = defaultdict(list)
    begins = datetime.combine(day.date, starts_at)
    for at, code in enumerate(day.kinds):
        local = (day.start + at * MINUTE).astimezone(ZoneInfo(day.zone)).replace(tzinfo=None)
        found[(local - begins) // MINUTE // cell_minutes].append(code)
    return found


@pytest.mark.parametrize(("zone", "when"), CHANGES)
def test_a_cell_holds_the_minutes_of_its_local_time(zone: str, when: date) -> None:
    """By the hour, on Troll by three: what comes twice has one place, so a cell has to hold both passes whole."""
    cell_minutes = 180 if zone == "Antarctica/Troll" else 60
    day = summed(Zones([], zone).day(when))
    begins = row_begins([day])
    assert (begins, row_minutes([day], begins)) == (timedelta(0), 1440)
    expected = by_local_time(day, cell_minutes)
    found = cells(day, begins, cell_minutes)
    assert {at: sorted(cell) for at, cell in enumerate(found) if cell} == {
        at: sorted(codes) for at, codes in expected.items()
    }


@pytest.mark.parametrize("cell_minutes", [10, 15, 20, 30])
@pytest.mark.parametrize(("zone", "when"), CHANGES)
def test_what_comes_once_lies_in_the_cell_of_its_local_time(zone: str, when: date, cell_minutes: int) -> None:
    day = summed(Zones([], zone).day(when))
    expected = {at: codes for at, codes in by_local_time(day, cell_minutes).items() if len(codes) <= cell_minutes}
    found = dict(enumerate(cells(day, timedelta(0), cell_minutes)))
    assert {at: list(found[at]) for at in expected} == expected
    assert len(expected) >= 24 * 60 // cell_minutes - 120 // cell_minutes * 2


@pytest.mark.parametrize(
    ("zone", "when", "empty"),
    [
        ("Europe/Rome", date(2026, 3, 29), [4, 5]), ("Australia/Lord_Howe", date(2026, 10, 4), [4]),
        ("America/Havana", date(2026, 3, 8), [0, 1]), ("Antarctica/Troll", date(2026, 3, 29), [2, 3, 4, 5]),
        ("Europe/Rome", date(2026, 10, 25), []),
    ],
)  # fmt: skip
def test_half_hours_that_the_clocks_skip_are_empty(zone: str, when: date, empty: list[int]) -> None:
    day = summed(Zones([], zone).day(when))
    found = cells(day, timedelta(0), 30)
    assert len(found) == 48
    assert [at for at, cell in enumerate(found) if not cell] == empty


@given(
    st.sampled_from(CHANGES), st.integers(-1, 1), st.sampled_from([time(0), time(4), time(4, 30), time(2), time(20)])
)
def test_no_minute_is_lost_doubled_or_out_of_order(change: tuple[str, date], near: int, starts_at: time) -> None:
    zone, when = change
    zones = Zones([], zone, starts_at)
    days = [summed(zones.day(when + timedelta(days=near + at))) for at in (-1, 0, 1)]
    begins = row_begins(days)
    assert clock(begins, 0) == f"{starts_at:%H:%M}"
    for day in days:
        for size in (10, 15, 20, 30, 60):
            assert b"".join(cells(day, begins, size)) == day.kinds
        places = [place for run in runs(day, begins) if (place := run.place(0, 2000)) is not None]
        assert all(at + width <= later for (at, width), (later, _) in pairwise(places))


@pytest.mark.parametrize(("zone", "when"), CHANGES)
def test_a_day_that_begins_at_four_has_a_row_from_four(zone: str, when: date) -> None:
    day = summed(Zones([], zone, time(4)).day(when))
    begins = row_begins([day])
    assert begins == timedelta(hours=4)
    cell_minutes = 120 if zone == "Antarctica/Troll" else 60
    expected = by_local_time(day, cell_minutes, time(4))
    assert {at: sorted(cell) for at, cell in enumerate(cells(day, begins, cell_minutes)) if cell} == {
        at: sorted(codes) for at, codes in expected.items()
    }


def test_a_day_that_began_on_a_journey_stands_where_its_clock_stood() -> None:
    """From London at 16:00 to Tokyo, where it was 1:00 of the next day."""
    landed = datetime(2026, 1, 5, 16, tzinfo=UTC)
    zones = Zones([ZoneChange(landed - timedelta(days=9), "Europe/London"), ZoneChange(landed, "Asia/Tokyo")], "UTC")
    days = [summed(zones.day(date(2026, 1, at))) for at in (4, 5, 6, 7)]
    begins = row_begins(days)
    assert begins == timedelta(0)
    assert [len(cells(day, begins, 60)) for day in days] == [24, 16, 24, 24]
    tuesday = cells(days[2], begins, 60)
    assert (tuesday[0], len(tuesday[1])) == (b"", 60)


def test_a_journey_to_the_west_makes_a_row_longer() -> None:
    landed = datetime(2026, 1, 5, 3, tzinfo=UTC)
    zones = Zones([ZoneChange(landed - timedelta(days=9), "Asia/Tokyo"), ZoneChange(landed, "Europe/London")], "UTC")
    days = [summed(zones.day(date(2026, 1, at))) for at in (4, 5, 6)]
    assert row_minutes(days, row_begins(days)) == (24 + 9) * 60


def test_a_day_is_drawn_up_to_now() -> None:
    span = Zones([], "Europe/Rome").day(date(2026, 3, 29))
    day = summed(span, now=datetime(2026, 3, 29, 10, 30, tzinfo=UTC))  # 12:30 by the clock
    assert [len(cell) for cell in cells(day, timedelta(0), 60)] == [60, 60, 0, *[60] * 9, 30]

"""Stillness that begins at night is doubtful sooner, where no band vouches for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hipsync.core.bouts import Bouts, Rule, bouts
from hipsync.core.days import Zones
from hipsync.core.summary import kinds_of
from hipsync.core.timeline import Source, Timeline, minute_of, timeline
from hipsync.model import MINUTE, Epoch
from support import independent, real_people
from support.builders import day
from support.same_day import epochs_of

LONDON = ZoneInfo("Europe/London")
SUMMER = datetime(2026, 6, 1, tzinfo=UTC)


def at(hour: int, minute: int = 0, *, on: int = 0) -> datetime:
    """A local time in London in summer, `on` days after 1 June."""
    return SUMMER + timedelta(days=on, hours=hour - 1, minutes=minute)


def still(start: datetime, minutes: int) -> list[Epoch]:
    """A step, that many minutes without any, and a step."""
    return day(f"1m walk 1, {minutes}m sit, 1m walk 1", start - MINUTE)


def seen(epochs: Sequence[Epoch], *, vouches: bool = False) -> tuple[Timeline, Bouts]:
    first, last = minute_of(epochs[0].start), minute_of(epochs[-1].end)
    line = timeline([Source(epochs, vouches=vouches)], first - 1440, last, LONDON)
    return line, bouts(line, Rule())


def doubtful(epochs: Sequence[Epoch]) -> int:
    return sum(seen(epochs)[0].doubtful)


@pytest.mark.parametrize(
    ("start", "minutes", "expected"),
    [
        (at(22), 89, 0),
        (at(22), 90, 90),
        (at(21, 59), 179, 0),
        (at(21, 59), 180, 180),
        (at(3, 30), 90, 90),
        (at(6, 59), 90, 90),
        (at(7), 179, 0),
        (at(14), 120, 0),
    ],
)
def test_ninety_minutes_are_doubtful_if_they_begin_between_ten_and_seven(
    start: datetime, minutes: int, expected: int
) -> None:
    assert doubtful(still(start, minutes)) == expected


def test_such_a_night_is_unknown_and_heads_no_list_but_is_a_stretch_with_its_prompt() -> None:
    line, found = seen(still(at(22, 30), 100))
    assert list(kinds_of(line)[-101:-1]) == [5] * 100  # unknown
    (stretch,) = found.stretches  # the step before it is a minute of it
    assert (stretch.minutes, stretch.doubtful) == (102, True)
    assert stretch.due == at(22, 30) + 59 * MINUTE
    assert not sum(seen(still(at(22, 30), 100), vouches=True)[0].doubtful)


def days(number: int, first: int, last: int, *, before: int) -> list[Epoch]:
    """Days whose first and last minutes with steps are at these minutes after 4:00, the last before day `before`."""
    return [
        Epoch(at(4, on=before - number + n) + clock * MINUTE, MINUTE, 1)
        for n in range(number)
        for clock in (first, last)
    ]


@pytest.mark.parametrize(("number", "evening", "expected"), [(7, 90, 90), (6, 90, 0)])
def test_seven_days_tell_the_wearer_s_own_hours(number: int, evening: int, expected: int) -> None:
    """Up from 5:00 to 20:00: what begins at 20:30 is in the night, once seven such days are known."""
    habit = days(number, 60, 16 * 60, before=20)
    assert doubtful([*habit, *still(at(20, 30, on=20), evening)]) - doubtful(habit) == expected


def test_own_hours_end_the_night_too() -> None:
    habit = days(7, 60, 16 * 60, before=20)  # up at 5:00: what begins at 6:00 is the day
    assert doubtful([*habit, *still(at(6, on=20), 90)]) == doubtful(habit)
    assert doubtful(still(at(6, on=20), 90)) == 90


def test_days_of_more_than_two_weeks_ago_tell_nothing() -> None:
    evening = still(at(20, 30, on=20), 90)
    assert doubtful([*days(7, 60, 16 * 60, before=13), *evening]) == doubtful(days(7, 60, 16 * 60, before=13)) + 90
    assert doubtful([*days(7, 60, 16 * 60, before=12), *evening]) == doubtful(days(7, 60, 16 * 60, before=12))


def test_the_median_of_four_and_four_evenings_lies_between_them() -> None:
    early, late = days(4, 60, 16 * 60, before=20), days(4, 60, 18 * 60, before=16)  # 20:00 and 22:00: 21:00
    habit = [*late, *early]
    assert doubtful([*habit, *still(at(20, 59, on=20), 90)]) == doubtful(habit)
    assert doubtful([*habit, *still(at(21, on=20), 90)]) == doubtful(habit) + 90


def test_a_walk_at_two_in_the_morning_ends_the_day_before() -> None:
    habit = days(7, 4 * 60, 22 * 60, before=20)  # up from 8:00 to 2:00
    assert doubtful([*habit, *still(at(23, on=20), 90)]) == doubtful(habit)
    assert doubtful([*habit, *still(at(7, 59, on=20), 90)]) == doubtful(habit) + 90


@pytest.mark.parametrize(
    ("path", "zone"),
    [
        (real_people.SAMPLE, "UTC"),
        *(
            pytest.param(real_people.EVERYBODY, zone, marks=[real_people.needs_everybody, pytest.mark.ring])
            for zone in ("UTC", "Europe/London", "America/Los_Angeles")
        ),
    ],
)
def test_every_minute_of_real_people_is_doubtful_where_the_second_calculation_says(path: Path, zone: str) -> None:
    for person, rows in real_people.read(path).items():
        now = rows[-1].at + MINUTE
        line = timeline(
            [Source(epochs_of(rows), reports_wear=True)], minute_of(rows[0].at), minute_of(now), Zones([], zone)
        )
        table = {row.at: (row.steps, row.state) for row in rows}
        theirs = independent.Line(table, now, independent.Rule(), vouches=False, zone=ZoneInfo(zone))
        assert list(map(bool, line.doubtful)) == theirs.doubtful, person

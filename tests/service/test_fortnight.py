"""A fortnight of plans, rides and rows: each reminder comes at its moment, none twice, and none during a ride.

`owed` works out from docs/rule.md alone, minute by minute, when each had to come; it imports nothing that decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

import pytest

from hipsync.model import Occasion
from support.a_fortnight import LONDON, MINUTE, PLANS, Script, Shown, Span, live, local, script

HOUR = 60 * MINUTE
OURS = (Occasion.AFTER_RIDE, Occasion.WARM_UP)


class Owed(NamedTuple):
    minute: datetime
    """In which it has to be shown."""
    occasion: Occasion
    due: datetime


def begins(day: date, clock: str) -> datetime:
    """The first instant on a local day at which the clock shows a time; if it skips that, the time an hour later."""
    midnight = datetime.combine(day, time(), LONDON).astimezone(UTC)
    for shown in (clock, f"{int(clock[:2]) + 1:02}{clock[2:]}"):
        for minute in range(25 * 60):
            at = midnight + minute * MINUTE
            if at.astimezone(LONDON).strftime("%H:%M") == shown and at.astimezone(LONDON).date() == day:
                return at
    raise AssertionError(clock)


def planned(told: Script, skipped: date | None) -> list[datetime]:
    """The starts of all plans, in order."""
    found: set[datetime] = set()
    day = told.start.astimezone(LONDON).date()
    while local(day, "00:00") < told.end:
        for number, (_, weekdays, clock) in enumerate(PLANS):
            if day.weekday() in weekdays and not (number == 0 and day == skipped):
                found.add(begins(day, clock))
        day += timedelta(days=1)
    return sorted(found)


def over(told: Script, known: datetime) -> list[tuple[datetime, datetime]]:
    """(when it was due, when it ended) of each ride of ten minutes and more of which that is known, by its end."""
    rides = [(ride.end + 2 * MINUTE, ride) for ride in told.rides] + [
        (row.end, Span(row.start, row.end)) for row in told.rows
    ]
    long = [(due, ride.end) for due, ride in rides if ride.end - ride.start >= 10 * MINUTE and due <= known]
    return sorted(long, key=lambda each: each[1])


def rides_on(told: Script, known: datetime, now: datetime) -> bool:
    """Whether somebody seems to ride: a ride has begun, and two minutes after it are not known, nor ten unknown."""
    for ride in told.rides:
        if ride.start < known < ride.end + 2 * MINUTE:
            return now - min(known, ride.end) <= 10 * MINUTE
    return False


def walked(told: Script, known: datetime, opens: datetime) -> bool:
    steps = {each.start: each.steps for each in told.minutes if opens - 10 * MINUTE < each.start < known}
    ends = [at for at in steps if at >= opens - 5 * MINUTE]
    return any(all(steps.get(at - n * MINUTE, 0) >= 60 for n in range(5)) for at in ends)


def allowed(now: datetime) -> bool:
    there = now.astimezone(LONDON)
    opens = time(8) if there.weekday() < 5 else time(9)
    return opens <= there.time() < time(22) and not time(12, 30) <= there.time() < time(13, 30)


def owed(told: Script, shown: Sequence[Shown], skipped: date | None = None) -> list[Owed]:
    """What had to be shown. Of what was shown only the other prompts count, which wait for an answer of ten minutes."""
    starts, deliveries = planned(told, skipped), set(told.deliveries())
    others = [each.at for each in shown if each.occasion is Occasion.MORNING]
    found: list[Owed] = []
    known = now = told.start
    while now < told.end:
        known = now if now in deliveries else known
        waits = any(minute(at) <= now < at + 10 * MINUTE for at in [*others, *(each.minute for each in found)])
        paused = any(pause.at <= now < pause.until for pause in told.pauses)
        if not waits and not paused and not rides_on(told, known, now):
            ride = over(told, known)[-1:]
            ahead = [start - 10 * MINUTE for start in starts if now < start <= now + 10 * MINUTE]
            if (
                ride
                and allowed(now)
                and now <= ride[0][1] + HOUR
                and not any(each.occasion is Occasion.AFTER_RIDE and each.due > ride[0][1] - HOUR for each in found)
            ):
                found.append(Owed(now, Occasion.AFTER_RIDE, ride[0][0]))
            elif (
                ahead
                and not walked(told, known, ahead[0])
                and not any(
                    each.occasion is Occasion.WARM_UP and abs(each.due - ahead[0]) < 10 * MINUTE for each in found
                )
            ):
                found.append(Owed(now, Occasion.WARM_UP, ahead[0]))
        now += MINUTE
    return found


def minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def meets(first: date, days: int, skipped: date | None = None) -> tuple[Script, list[Shown]]:
    """Live through it, and hold what was shown against what was owed."""
    told = script(first, days)
    shown = live(told, skipped)
    ours = [Owed(minute(each.at), each.occasion, each.due) for each in shown if each.occasion in OURS]
    assert ours == owed(told, shown, skipped)
    for each in shown:
        assert not any(ride.start + MINUTE < each.at < ride.end for ride in told.rides), "during a ride"
        assert each.occasion is not Occasion.WARM_UP or "Then" in each.line
    dues = [(each.occasion, each.due) for each in shown if each.occasion in OURS]
    assert len(dues) == len(set(dues)), "twice"
    return told, shown


def clocks(shown: Sequence[Shown], occasion: Occasion) -> list[str]:
    return [f"{each.at.astimezone(LONDON):%a %H:%M}" for each in shown if each.occasion is occasion]


WEEK_OF_RIDES = [
    "Mon 08:37", "Mon 19:30", "Wed 13:30", "Wed 17:57", "Fri 17:00", "Sun 10:32",
]  # fmt: skip
WEEK_OF_WARM_UPS = [
    "Mon 07:52", "Mon 12:30", "Tue 12:30", "Tue 17:50", "Thu 12:30", "Fri 12:35", "Sat 06:50",
]  # fmt: skip
"""By hand. On Wednesday at noon there is a ride, on Thursday evening the run has begun too early."""


@pytest.mark.parametrize(
    ("first", "night"),
    [
        pytest.param(date(2026, 3, 28), "Sun 02:20", id="spring"),
        pytest.param(date(2026, 10, 24), "Sun 01:20", id="autumn", marks=pytest.mark.ring),
    ],
)
def test_the_days_around_a_change_of_the_clocks(first: date, night: str) -> None:
    _, shown = meets(first, 3)
    assert clocks(shown, Occasion.WARM_UP) == ["Sat 06:50", night, "Mon 07:52", "Mon 12:30"]
    assert clocks(shown, Occasion.AFTER_RIDE) == ["Sun 10:32", "Mon 08:37", "Mon 19:30"]


@pytest.mark.ring
@pytest.mark.parametrize(
    ("first", "nights"),
    [(date(2026, 3, 16), ["Sun 01:20", "Sun 02:20"]), (date(2026, 10, 19), ["Sun 01:20", "Sun 01:20"])],
    ids=["spring", "autumn"],
)
def test_a_fortnight_with_a_change_of_the_clocks(first: date, nights: list[str]) -> None:
    """On the second Tuesday the run is left out, so that the walk five minutes later has a warm-up of its own."""
    told, shown = meets(first, 14, skipped=first + timedelta(days=8))
    second = [each.replace("Tue 17:50", "Tue 17:55") for each in WEEK_OF_WARM_UPS]
    assert clocks(shown, Occasion.WARM_UP) == [*WEEK_OF_WARM_UPS, nights[0], *second, nights[1]]
    assert clocks(shown, Occasion.AFTER_RIDE) == WEEK_OF_RIDES * 2
    assert len([each for each in shown if each.occasion is Occasion.SITTING]) > 40
    hours = (told.end - told.start) / HOUR
    assert hours == 14 * 24 + (-1 if first.month == 3 else 1)

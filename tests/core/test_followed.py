"""What is learned of reminders: shares by hour of the week, and what follows from them."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from hipsync.core.bouts import Rule, bouts
from hipsync.core.days import Zones
from hipsync.core.followed import FollowUp, estimate, few_followed, follow_ups, is_failing, is_quiet, learned
from hipsync.core.shares import Share
from hipsync.core.summary import day_summary
from hipsync.core.timeline import Source, minute_of, timeline
from hipsync.model import MINUTE, Answer, Occasion, Prompt
from support import follow_twin
from support.builders import MONDAY, day

LONDON = ZoneInfo("Europe/London")


@pytest.mark.parametrize(
    ("followed", "of", "mean", "failing"),
    [
        (0, 0, 0.5, False),
        (0, 5, 2 / 9, False),  # five are too few
        (0, 6, 0.2, True),
        (1, 6, 0.3, False),
        (1, 8, 0.25, False),  # not below a quarter
        (1, 9, 3 / 13, True),
        (2, 12, 0.25, False),
        (2, 13, 4 / 17, True),
    ],
)
def test_an_hour_is_failing_by_the_posterior_mean(followed: int, of: int, mean: float, failing: bool) -> None:
    assert estimate(Share(followed, of)) == pytest.approx(mean)
    assert is_failing(Share(followed, of)) is failing


def test_a_reminder_is_quiet_if_its_hour_and_the_one_before_fail() -> None:
    bad, good = Share(0, 6), Share(5, 6)
    assert is_quiet({(0, 14): bad, (0, 13): bad}, (0, 14))
    assert not is_quiet({(0, 14): bad, (0, 13): bad}, (0, 13))
    assert not is_quiet({(0, 14): bad, (0, 13): good}, (0, 14))
    assert not is_quiet({(0, 14): good, (0, 13): bad}, (0, 14))
    assert not is_quiet({(0, 14): bad}, (0, 14))
    assert is_quiet({(0, 0): bad, (6, 23): bad}, (0, 0)), "the hour before Monday begins is Sunday's last"
    assert not is_quiet({(1, 14): bad, (0, 13): bad}, (1, 14))


def test_a_week_in_which_few_were_followed() -> None:
    assert [few_followed(Share(*each)) for each in [(0, 5), (1, 6), (3, 10), (2, 10), (0, 0), (0, 6)]] == [
        False, True, False, True, False, True
    ]  # fmt: skip


@pytest.mark.parametrize("seeds", [range(3), pytest.param(range(3, 12), marks=pytest.mark.ring)], ids=["3", "9 more"])
def test_the_twin_learns_the_same_of_any_past(seeds: range) -> None:
    for seed in seeds:
        chance = Random(seed)
        often = {hour: chance.choice([0.0, 0.05, 0.2, 0.5]) for hour in range(9, 18)}
        past: list[follow_twin.Reminder] = []
        for number in range(95):
            for hour in sorted(chance.sample(range(9, 18), 6)):
                at = datetime.combine(MONDAY.date() + timedelta(days=number), time(hour, chance.randrange(60)), UTC)
                past.append(follow_twin.Reminder(at, at, chance.random() < often[hour]))
        now = past[-1].at + timedelta(hours=chance.randrange(1, 30))
        since = now - timedelta(days=84)
        known = learned(
            [FollowUp(e.at, (e.at.weekday(), e.at.hour), bool(e.followed)) for e in past if e.at >= since], now
        )
        for later in range(24 * 7):
            then = now + timedelta(hours=later)
            expected = follow_twin.manner(now, past, len(past))
            quiet = all(
                follow_twin.hour_fails([e for e in past if e.at >= since], at.weekday(), at.hour)
                for at in (then, then - timedelta(hours=1))
            )
            assert is_quiet(known.hours, (then.weekday(), then.hour)) is quiet
            assert (known.suggests_walks and len(past) % 2 == 1) is expected.walk


def outcomes(drawing: str, *prompts: Prompt, hours: int = 24, zone: str = "UTC") -> list[tuple[int, int, bool]]:
    """Return weekday, hour and whether it was followed of each reminder of a Monday, as far as that is known."""
    zones, now = Zones([], zone), MONDAY + timedelta(hours=hours)
    line = timeline([Source(day(drawing), reports_wear=True)], minute_of(MONDAY), minute_of(now), zones.at(MONDAY))
    found = bouts(line, Rule())
    days = [
        day_summary(line, found, zones.day(MONDAY.date() + timedelta(days=n)), now, limit_minutes=60, prompts=prompts)
        for n in range(2)
    ]
    return [(*each.hour, each.followed) for each in follow_ups(days)]


def shown(minutes: float, answer: Answer | None = None, **more: object) -> Prompt:
    at = MONDAY + timedelta(minutes=minutes)
    return Prompt(at, at, "hip-extension", sure=True, answer=answer)._replace(**more)  # type: ignore[arg-type]


SAT = "10h sleep, 65m sit, 3m walk, 2h sit"
AFTER = 11 * 60 + 30
"""A minute, from midnight on, in the middle of the long sitting."""


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        (shown(660, Answer.MOVED), [(0, 11, True)]),  # they walk five minutes later
        (shown(660, Answer.SKIPPED), [(0, 11, True)]),  # whatever they said
        (shown(660), [(0, 11, True)]),
        (shown(650, Answer.IGNORED), [(0, 10, False)]),
        (shown(650, Answer.IGNORED, shown=2, last_shown=MONDAY + 660 * MINUTE), [(0, 10, True)]),
        (shown(AFTER, Answer.DONE), [(0, 11, True)]),
        (shown(AFTER, Answer.HURT), [(0, 11, True)]),
        (shown(AFTER, Answer.SNOOZED), [(0, 11, False)]),
        (shown(AFTER, occasion=Occasion.MORNING), []),
        (shown(AFTER, occasion=Occasion.MORNING, answer=Answer.DONE), []),
    ],
)
def test_who_followed(prompt: Prompt, expected: list[tuple[int, int, bool]]) -> None:
    assert outcomes(SAT, prompt) == expected


def test_what_is_not_known_is_in_no_share() -> None:
    assert outcomes("10h sleep, 95m sit, 3m gap, 2h sit", shown(AFTER, Answer.IGNORED)) == []
    assert outcomes("10h sleep, 95m sit, 3m gap, 2h sit", shown(AFTER, Answer.DONE)) == [(0, 11, True)]
    assert outcomes("10h sleep, 95m sit, 1h off", shown(AFTER, Answer.IGNORED)) == []
    assert outcomes("10h sleep, 100m sit", shown(AFTER, Answer.IGNORED)) == [(0, 11, False)]
    assert outcomes("10h sleep, 99m sit", shown(AFTER, Answer.IGNORED)) == []
    assert outcomes(SAT, shown(AFTER), hours=11) == []
    assert outcomes("10h sleep, 5m walk, 5h sit", shown(AFTER, Answer.IGNORED)) == [], "doubtful: perhaps not worn"


def test_a_reminder_near_midnight_looks_into_the_next_day() -> None:
    late = shown(24 * 60 - 3, Answer.IGNORED)
    assert outcomes("1310m sleep, 160m sit", late, hours=30) == [(0, 23, False)]
    assert outcomes("1310m sleep, 130m sit", late, hours=30) == []


def test_the_hour_is_that_of_the_wearer() -> None:
    assert outcomes(SAT, shown(AFTER, Answer.DONE), zone="Asia/Kathmandu") == [(0, 17, True)]

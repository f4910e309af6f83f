"""What is counted week by week, by hand; and how often made-up people are told of a change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from math import exp, log
from random import Random

import pytest

from hipsync.core.bouts import Rule, bouts
from hipsync.core.days import Zones
from hipsync.core.halves import Halves, says
from hipsync.core.shares import Says, Share
from hipsync.core.summary import DaySummary, day_summary
from hipsync.core.timeline import Source
from hipsync.core.weeks import DAY_AWAKE_MINUTES, LOOKED_BACK_WEEKS, Week, Weeks, week
from hipsync.model import MINUTE, Answer, Occasion, Prompt
from support.builders import MONDAY, day, line

ZONES, DAY, HOUR = Zones([], "UTC"), timedelta(days=1), timedelta(hours=1)


def summaries(drawings: Sequence[str], prompts: Sequence[Prompt] = ()) -> list[DaySummary]:
    """Days from Monday on, each with its drawing from midnight on."""
    epochs = [each for at, drawing in enumerate(drawings) for each in day(drawing, MONDAY + at * DAY)]
    time = line(Source(epochs, vouches=True), size=1440 * len(drawings))
    found, now = bouts(time, Rule()), MONDAY + len(drawings) * DAY
    return [
        day_summary(time, found, ZONES.day((MONDAY + at * DAY).date()), now, limit_minutes=60, prompts=prompts)
        for at in range(len(drawings))
    ]


AWAKE = "8h walk 30"
"""Enough for a day to be known, and no stretch."""


def told(drawings: Sequence[str], prompts: Sequence[Prompt] = ()) -> Week | None:
    days = summaries([*drawings, *["24h off"] * (7 - len(drawings)), "24h off"], prompts)
    return week(days[:7], days[7])


@pytest.mark.parametrize(
    ("days", "known"),
    [([480] * 4, True), ([480, 480, 480, 479], False), ([960, 960, 960], False), ([480] * 7, True), ([], False)],
)
def test_a_week_is_known_by_four_days_of_eight_hours(days: list[int], known: bool) -> None:
    assert (told([f"{minutes}m walk 30" for minutes in days]) is not None) is known


def test_standing_and_sitting_are_awake_and_sleep_is_not() -> None:
    found = told(["160m walk 30, 160m stand, 160m sit"] * 4)
    assert found is not None
    assert (found.first, found.sitting) == (date(2026, 3, 2), Share(4 * 160, 4 * 480))
    assert told(["16h sleep, 479m walk 30"] * 7) is None


@pytest.mark.parametrize(
    ("drawing", "expected"),
    [
        ("59m sit, 5m walk", []),
        ("60m sit, 5m walk", [True]),
        ("74m sit, 5m walk", [True]),
        ("75m sit, 5m walk", [False]),
        ("3h sit, 5m walk", [False]),
        ("70m sit, 30m off", []),  # nobody knows whether they got up
        ("70m sit, 1h sleep", []),
        ("70m sit, 30m gap", []),
        ("75m sit, 30m off", [False]),
        ("50m sit, 10m gap, 20m sit, 5m walk", [True]),  # of the hole no minute counts
        ("65m sit, 5m walk, 80m sit, 5m walk, 61m sit, 5m walk", [True, False, True]),
    ],
)
def test_a_break_in_time_begins_within_fifteen_minutes_after_the_limit(drawing: str, expected: list[bool]) -> None:
    found = told([f"{AWAKE}, {drawing}", AWAKE, AWAKE, AWAKE])
    assert found is not None
    assert found.in_time == Share(sum(expected), len(expected))


@pytest.mark.parametrize(("monday", "share"), [(30, Share(1, 1)), (50, Share(0, 1))])
def test_a_stretch_belongs_to_the_week_in_which_it_ends(monday: int, share: Share) -> None:
    """From Sunday 23:20 to Monday 00:30 are 70 minutes, to 00:50 they are 90."""
    days = summaries([*[f"{AWAKE}, 16h off"] * 6, f"{AWAKE}, 920m off, 40m sit", f"{monday}m sit, 10m walk, {AWAKE}"])
    before, after = week(days[:7], days[7]), week([days[7], *days[1:6]], days[6])
    assert before is not None
    assert after is not None
    assert (before.in_time, after.in_time) == (Share(0, 0), share)


def test_doubtful_stillness_is_no_stretch() -> None:
    epochs = [
        each for at in range(8) for each in day(f"{AWAKE}, 200m sit, 5m walk, 65m sit, 5m walk", MONDAY + at * DAY)
    ]
    time = line(Source(epochs), size=8 * 1440)
    found, now = bouts(time, Rule()), MONDAY + 8 * DAY
    days = [day_summary(time, found, ZONES.day((MONDAY + at * DAY).date()), now, limit_minutes=60) for at in range(8)]
    this = week(days[:7], days[7])
    assert this is not None
    assert this.in_time == Share(7, 7)


def prompt(at: datetime, answer: Answer | None, occasion: Occasion = Occasion.SITTING) -> Prompt:
    return Prompt(at, at, "hip-extension", sure=True, answer=answer, occasion=occasion)


NINE = MONDAY + 9 * HOUR


@pytest.mark.parametrize(
    ("answer", "drawing", "expected"),
    [
        *[(answer, "4h sit", [True]) for answer in ("done", "hurt", "snoozed", "skipped", "standing")],
        *[(answer, "10m sit, 4h off", [True]) for answer in ("done", "hurt", "snoozed", "skipped", "standing")],
        ("moved", "70m sit, 5m walk, 2h sit", [True]),
        ("ignored", "70m sit, 5m walk, 2h sit", [True]),  # late data showed that they moved
        ("ignored", "4h sit", [False]),
        ("ignored", "65m sit, 4h off", []),  # what they did is not known
        (None, "4h sit", [False]),
    ],
)
def test_a_reminder_is_answered_in_words_or_by_a_break(answer: str | None, drawing: str, expected: list[bool]) -> None:
    shown = prompt(NINE + HOUR, None if answer is None else Answer(answer))
    found = told([f"{AWAKE}, 30m off, 25m sit, 5m walk, {drawing}", AWAKE, AWAKE, AWAKE], [shown])
    assert found is not None
    assert found.answered == Share(sum(expected), len(expected))


def test_only_reminders_for_sitting_count() -> None:
    others = [prompt(NINE + n * HOUR, Answer.DONE, each) for n, each in enumerate(Occasion) if each != "sitting"]
    found = told([f"{AWAKE}, 8h sit"] * 4, others)
    assert len(others) == 3
    assert found is not None
    assert found.answered == Share(0, 0)


def test_a_reminder_late_on_sunday_is_answered_by_a_break_on_monday_and_counts_once() -> None:
    shown = [prompt(MONDAY + 7 * DAY - 3 * MINUTE, Answer.IGNORED), prompt(NINE + 7 * DAY, Answer.DONE)]
    for monday, expected in (("2m sit, 5m walk", True), ("20m sit", False)):
        days = summaries([*[f"{AWAKE}, 16h off"] * 6, f"{AWAKE}, 14h off, 2h sit", f"{monday}, {AWAKE}"], shown)
        before, after = week(days[:7], days[7]), week([days[7], *days[1:6]], days[5])
        assert before is not None
        assert after is not None
        assert (before.answered, after.answered) == (Share(expected, 1), Share(1, 1))


# ------------------------------------------------------------------ made-up people


def sitting(chance: Random, share: float) -> Share:
    """A week with 5 to 7 days of which 8 to 16 h are known; weeks differ by 20 min a day, and days by 70."""
    usual, sat, awake = chance.gauss(share, 20 / DAY_AWAKE_MINUTES), 0, 0
    for _ in range(chance.randrange(5, 8)):
        known = chance.randrange(480, 961)
        sat += round(min(max(chance.gauss(usual, 70 / DAY_AWAKE_MINUTES), 0), 1) * known)
        awake += known
    return Share(sat, awake)


def counted(chance: Random, share: float, many: int) -> Share:
    """A week with about so many, each of which goes one way by a share that is another one each week."""
    usual = 1 / (1 + exp(-log(share / (1 - share)) - chance.gauss(0, 0.3)))
    of = sum(chance.random() < 0.5 for _ in range(2 * many))
    return Share(sum(chance.random() < usual for _ in range(of)), of)


def made_up(chance: Random, weeks: int, effect: float = 0.0) -> Weeks:
    """Somebody who breaks off half of 15 stretches in time, answers 60 % of 20 reminders, and sits 9.5 of 16 h awake.

    In the later half of the weeks all three shares are higher by `effect`.
    """
    known: list[Week] = []
    for number in range(weeks):
        more = effect if number >= weeks // 2 else 0.0
        in_time, answered = counted(chance, 0.5 + more, 15), counted(chance, 0.6 + more, 20)
        known.append(Week((MONDAY + 7 * number * DAY).date(), in_time, answered, sitting(chance, 9.5 / 16 + more)))
    return Weeks(LOOKED_BACK_WEEKS, known, 60)


THINGS: Sequence[Callable[[Weeks], Halves]] = (
    lambda weeks: weeks.in_time,
    lambda weeks: weeks.answered,
    lambda weeks: weeks.sitting,
)


def covered(thing: Callable[[Weeks], Halves], weeks: int, effect: float, seed: int) -> bool:
    found = thing(made_up(Random(seed), weeks, effect)).apart
    assert found is not None
    low, high = found.interval()
    return low <= effect <= high


@pytest.mark.parametrize("weeks", [8, pytest.param(12, marks=pytest.mark.ring)])
@pytest.mark.parametrize("effect", [0.0, 0.2])
@pytest.mark.parametrize("thing", THINGS, ids=["in time", "answered", "sitting"])
def test_the_interval_covers_the_effect_on_made_up_people(
    thing: Callable[[Weeks], Halves], effect: float, weeks: int
) -> None:
    """Of few observations the variance is at least that of independent ones, so the interval is rather too wide."""
    hits = sum(map(partial(covered, thing, weeks, effect), range(1000)))
    print(f"covered in {hits} of 1000")
    assert 930 <= hits <= 990


def told_of(thing: Callable[[Weeks], Halves], year: Weeks, ends: range) -> bool:
    """Whether somebody who looks each week of a year is told of a change at some time."""
    looks = (Weeks(LOOKED_BACK_WEEKS, year.known[max(0, end - LOOKED_BACK_WEEKS) : end], 60) for end in ends)
    return any(says(thing(look)) is not Says.NOTHING_YET for look in looks)


@pytest.mark.ring
def test_who_looks_every_week_is_seldom_told_of_a_change_that_is_none() -> None:
    found = [[told_of(thing, made_up(Random(seed), 52), range(8, 53)) for thing in THINGS] for seed in range(500)]
    each, some = [sum(way) for way in zip(*found, strict=True)], sum(map(any, found))
    print(f"of 500 years without any change: in time {each[0]}, answered {each[1]}, sitting {each[2]}, any {some}")
    assert max(each) <= 25
    assert some <= 25


@pytest.mark.ring
def test_two_hours_less_of_sitting_show_and_one_hour_hardly_ever_does() -> None:
    for hours, least in ((1, 0), (1.5, 50), (2, 120)):
        shown = [says(made_up(Random(seed), LOOKED_BACK_WEEKS, -hours / 16).sitting) for seed in range(200)]
        print(f"{hours} h less: {shown.count(Says.LOWER)} of 200")
        assert shown.count(Says.LOWER) >= least
        assert Says.HIGHER not in shown

"""How the weeks of made-up people went, found again by the second calculation; and which weeks are looked at."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hipsync.core.bouts import Rule
from hipsync.core.days import Zones
from hipsync.core.shares import Share
from hipsync.history.summaries import summarise_days
from hipsync.history.weeks import weeks_until
from hipsync.model import MINUTE, Answer, Counter, Epoch, Prompt
from hipsync.store import Store
from support import independent
from support.builders import MONDAY, day

DAY = timedelta(days=1)
UTC = Zones([], "UTC")


def lived(days: int, seed: int) -> list[Epoch]:
    """Days of a life that keeps no hours, so that weeks are cut anywhere; now and then the band is off for long."""
    chance, epochs = random.Random(seed), list[Epoch]()
    while len(epochs) < days * 1440:
        off = chance.choice([0, 0, 0, 0, 1500])
        spells = ", ".join(
            f"{chance.choice([20, 59, 60, 66, 74, 75, 90, 200])}m sit, "
            f"{chance.choice(['5m walk', '5m walk', '12m gap', '3m off', '40m walk 30', '9m stand'])}"
            for _ in range(chance.randrange(6, 14))
        )
        start = MONDAY if not epochs else epochs[-1].end
        epochs += day(f"{chance.randrange(200, 500)}m sleep, {spells}, 9m walk, {off}m off", start)
    return epochs[: days * 1440]


def stored(*lives: Sequence[Epoch]) -> Store:
    store = Store.in_memory()
    for number, life in enumerate(lives):
        band = store.add_band(name=f"band {number}", driver="csv", now=MONDAY, vouches=True, reports_wear=True)
        store.append(band.id, life)
    return store


def expected(line: independent.Line, first: date, zone: ZoneInfo) -> tuple[date, Share, Share] | None:
    """The week that begins on a Monday: breaks in time, and sitting of the minutes awake; None if it is not known."""
    spans = [independent.bounds(first + at * DAY, zone) for at in range(7)]
    awake: list[int] = []
    sat = 0
    for start, end in spans:
        kinds = independent.kinds(line, [start + at * MINUTE for at in range((end - start) // MINUTE)])
        awake.append(kinds["sitting"] + kinds["up"] + kinds["standing"])
        sat += kinds["sitting"]
    if len([minutes for minutes in awake if minutes >= 8 * 60]) < 4:
        return None
    in_time = of = 0
    for stretch in line.stretches():
        over = line.origin + stretch.end * MINUTE
        if stretch.minutes < 60 or stretch.ended_at is None or not spans[0][0] < over <= spans[-1][1]:
            continue
        if stretch.minutes < 75 and stretch.ended_by == "moving":
            in_time, of = in_time + 1, of + 1
        elif stretch.minutes >= 75:
            of += 1
    return first, Share(in_time, of), Share(sat, sum(awake))


@pytest.mark.parametrize("name", ["UTC", "America/New_York"])
def test_a_second_calculation_agrees_week_by_week(name: str) -> None:
    """In New York the clocks change on 8 March, and the first day begins within Sunday."""
    life, zone = lived(38, seed=3), ZoneInfo(name)
    now = life[-1].end
    rows = {each.start: (each.steps, each.state.value if each.state else None) for each in life}
    line = independent.Line(rows, now, independent.Rule(), vouches=True, zone=zone)
    found = weeks_until(stored(life), Rule(), Zones([], name), now.date(), now)
    mondays = [MONDAY.date() + 7 * at * DAY for at in range(-2, 6)]
    over = [monday for monday in mondays if independent.bounds(monday + 6 * DAY, zone)[1] <= now]
    weeks = [week for monday in over if (week := expected(line, monday, zone)) is not None]
    assert found is not None
    assert [(week.first, week.in_time, week.sitting) for week in found.known] == weeks
    assert len(weeks) >= 3
    assert all(0 < week[1].hits < week[1].of for week in weeks)
    assert found.in_time.later.of == sum(week[1].of for week in weeks[len(weeks) // 2 :])


GOOD = "8h sleep, 8h walk 30, 65m sit, 5m walk, 410m off"


def good(days: int, start: datetime = MONDAY) -> list[Epoch]:
    return [each for at in range(days) for each in day(GOOD, start + at * DAY)]


def mondays(store: Store, last: date, now: datetime) -> list[date]:
    found = weeks_until(store, Rule(), UTC, last, now)
    return [] if found is None else [week.first for week in found.known]


def test_only_weeks_that_are_over_by_the_last_day_and_by_now_count() -> None:
    store, first = stored(good(30)), MONDAY.date()
    far = MONDAY + 400 * DAY
    assert mondays(store, first + 13 * DAY, far) == [first, first + 7 * DAY]
    assert mondays(store, first + 12 * DAY, far) == [first]
    assert mondays(store, first + 13 * DAY, MONDAY + 14 * DAY - MINUTE) == [first]
    assert mondays(store, first + 13 * DAY, MONDAY + 14 * DAY) == [first, first + 7 * DAY]
    assert mondays(store, first + 5 * DAY, far) == []


def test_12_weeks_are_looked_at() -> None:
    store, first = stored(good(7), good(7, MONDAY + 7 * 12 * DAY)), MONDAY.date()
    now = MONDAY + 400 * DAY
    assert mondays(store, first + (7 * 12 - 1) * DAY, now) == [first]
    assert mondays(store, first + (7 * 13 - 1) * DAY, now) == [first + 7 * 12 * DAY]


def test_of_one_band_alone_and_of_none() -> None:
    store = stored(good(7), good(3))
    now, last = MONDAY + 7 * DAY, MONDAY.date() + 6 * DAY
    one, other = store.bands()
    found = weeks_until(store, Rule(), UTC, last, now, one)
    assert found is not None
    assert found.known[0].in_time == Share(7, 7)
    assert weeks_until(store, Rule(), UTC, last, now, other) is None
    assert weeks_until(Store.in_memory(), Rule(), UTC, last, now) is None


def test_days_that_are_known_already_give_the_same_weeks() -> None:
    life = lived(30, seed=5)
    store, now, last = stored(life), life[-1].end, MONDAY.date() + 20 * DAY
    days = [MONDAY.date() + at * DAY for at in range(5, 26)]
    known = summarise_days(store, Rule(), UTC, days, now)
    found = weeks_until(store, Rule(), UTC, last, now, None, known)
    assert found is not None
    assert len(found.known) >= 2
    assert found == weeks_until(store, Rule(), UTC, last, now)
    unlike = [each._replace(minutes=dict.fromkeys(each.minutes, 0)) for each in known]
    assert weeks_until(store, Rule(), UTC, last, now, None, unlike) != found, "they are taken as they are"


def test_the_limit_is_that_of_the_settings() -> None:
    now, last = MONDAY + 7 * DAY, MONDAY.date() + 6 * DAY
    for limit, in_time in ((45, Share(0, 7)), (66, Share(0, 0)), (65, Share(7, 7))):
        found = weeks_until(stored(good(7)), Rule(limit_minutes=limit), UTC, last, now)
        assert found is not None
        assert (found.limit_minutes, found.known[0].in_time) == (limit, in_time)


def test_no_week_before_the_first_data_is_judged() -> None:
    store = stored(good(8, MONDAY + 2 * DAY))
    assert mondays(store, MONDAY.date() + 13 * DAY, MONDAY + 15 * DAY) == [MONDAY.date()]
    with store.transaction() as db:
        judged = [at for (at,) in db.execute("SELECT start FROM days ORDER BY start")]
    assert judged == [int((MONDAY + at * DAY).timestamp()) for at in range(14)]


def test_the_first_data_are_the_first_epoch_or_counter_of_any_band() -> None:
    store = stored(good(1, MONDAY + DAY), good(1))
    assert store.oldest() == MONDAY
    store.append(store.bands()[0].id, [Counter(MONDAY - DAY, 7)])
    assert store.oldest() == MONDAY - DAY
    assert Store.in_memory().oldest() is None


def test_what_came_of_a_reminder_late_on_the_last_sunday_is_known_on_monday() -> None:
    at, last = MONDAY + 7 * DAY - 3 * MINUTE, MONDAY.date() + 6 * DAY
    sunday = day("8h sleep, 8h walk 30, 6h off, 2h sit", MONDAY + 6 * DAY)
    for monday, answered in (("2m sit, 9m walk", Share(1, 1)), ("20m sit", Share(0, 1)), ("20m off", Share(0, 0))):
        store = stored([*good(6), *sunday, *day(monday, MONDAY + 7 * DAY)])
        store.add_prompt(Prompt(at, at, "hip-extension", sure=True, answer=Answer.IGNORED))
        found = weeks_until(store, Rule(), UTC, last, MONDAY + 9 * DAY)
        assert found is not None
        assert found.known[0].answered == answered

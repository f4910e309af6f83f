"""Who broke off, found again in weeks of made-up minutes of which the test knows who did."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

from hipsync.core.bouts import Rule
from hipsync.core.days import Zones
from hipsync.core.shares import Share
from hipsync.history.trial_outcomes import trial_outcomes
from hipsync.model import MINUTE, Draw, Epoch
from hipsync.store import Store
from support import independent
from support.builders import MONDAY, day

ZONES = Zones([], "UTC")
DAY = timedelta(days=1)
FAR = MONDAY + 99 * DAY


class Weeks:
    """Days of sitting with a draw an hour into each spell; `broke` says of each whether its wearer broke off."""

    def __init__(self, days: int, seed: int) -> None:
        chance = Random(seed)
        self.life: list[Epoch] = []
        self.draws: list[Draw] = []
        self.broke: list[bool | None] = []
        for number in range(days):
            at, parts = MONDAY + number * DAY + 9 * 60 * MINUTE, ["9h sleep"]
            for _ in range(6):
                more = chance.choice([1, 5, 14, 15, 16, 30])
                hole = chance.random() < 0.2
                parts.append(f"5m walk, 60m sit, {more}m {'gap' if hole else 'sit'}")
                start = at + 5 * MINUTE
                self.draws.append(
                    Draw(start, start + 60 * MINUTE + timedelta(seconds=20), start + 60 * MINUTE, chance.random() < 0.3)
                )
                self.broke.append(None if hole else more < 15)
                at += (65 + more) * MINUTE
            self.life += day(", ".join([*parts, "5m walk, 30m off"]), MONDAY + number * DAY)

    def expected(self, withheld: bool) -> Share:
        side = [broke for draw, broke in zip(self.draws, self.broke, strict=True) if draw.withheld is withheld]
        known = [broke for broke in side if broke is not None]
        return Share(sum(known), len(known))


def stored(life: Sequence[Epoch], draws: Sequence[Draw]) -> Store:
    store = Store.in_memory()
    band = store.add_band(name="band", driver="csv", now=MONDAY, vouches=True, reports_wear=True)
    store.append(band.id, life)
    for draw in draws:
        store.add_draw(draw)
    return store


def test_the_outcomes_are_those_that_were_made() -> None:
    weeks = Weeks(14, seed=7)
    found = trial_outcomes(stored(weeks.life, weeks.draws), Rule(), ZONES, MONDAY, FAR, FAR)
    assert (found.reminded, found.withheld) == (weeks.expected(False), weeks.expected(True))
    assert found.left_out == weeks.broke.count(None) > 5
    assert min(found.reminded.of, found.withheld.of) >= 12


def test_a_second_calculation_agrees_minute_by_minute() -> None:
    weeks = Weeks(14, seed=8)
    rows = {epoch.start: (epoch.steps, epoch.state.value if epoch.state else None) for epoch in weeks.life}
    line = independent.Line(rows, weeks.life[-1].end, independent.Rule(), vouches=True)
    expected: dict[bool, list[bool]] = {True: [], False: []}
    for draw in weeks.draws:
        first = (draw.due - line.origin) // MINUTE
        window = range(first, first + 15)
        up = next(
            (i for i in window if any(s.ended_by == "moving" and s.ended_at == i for s in line.stretches())), None
        )
        if all(line.conditions[i] == "counted" for i in range(first, window.stop if up is None else up)):
            expected[draw.withheld].append(up is not None)
    found = trial_outcomes(stored(weeks.life, weeks.draws), Rule(), ZONES, MONDAY, FAR, FAR)
    for share, side in ((found.reminded, expected[False]), (found.withheld, expected[True])):
        assert share == (sum(side), len(side))


def test_one_at_a_time_finds_the_same_as_all_together() -> None:
    weeks = Weeks(3, seed=9)
    store = stored(weeks.life, weeks.draws)
    whole = trial_outcomes(store, Rule(), ZONES, MONDAY, FAR, FAR)
    single = [trial_outcomes(store, Rule(), ZONES, draw.at, draw.at + MINUTE, FAR) for draw in weeks.draws]
    assert sum(each.reminded.of + each.withheld.of + each.left_out for each in single) == len(weeks.draws)
    assert Share(sum(s.reminded.hits for s in single), sum(s.reminded.of for s in single)) == whole.reminded
    assert Share(sum(s.withheld.hits for s in single), sum(s.withheld.of for s in single)) == whole.withheld


def test_what_is_not_over_yet_is_left_out_and_counted_later() -> None:
    start = MONDAY + 10 * 60 * MINUTE
    draw = Draw(start, start + 60 * MINUTE, start + 60 * MINUTE, withheld=True)
    store = stored(day("10h sleep, 100m sit", MONDAY), [draw])

    def at(now: datetime) -> tuple[Share, int]:
        found = trial_outcomes(store, Rule(), ZONES, MONDAY, FAR, now)
        return found.withheld, found.left_out

    assert at(draw.at) == (Share(0, 0), 1)
    assert at(draw.at + 14 * MINUTE) == (Share(0, 0), 1)
    assert at(draw.at + 15 * MINUTE) == (Share(0, 1), 0)

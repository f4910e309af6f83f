"""Days together: what is summed, what is counted once, and which hours could have held a break."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from hipsync.core.bouts import Rule
from hipsync.core.days import Zones
from hipsync.core.period import PeriodSummary, period_summary
from hipsync.history.summaries import summarise_days
from hipsync.model import Epoch, Kind
from hipsync.store import Store
from support.builders import MONDAY, day

DATES = [date(2026, 3, 2) + timedelta(days=at) for at in range(3)]


def period(epochs: Sequence[Epoch], dates: Sequence[date] = DATES) -> PeriodSummary:
    with Store.in_memory() as store:
        band = store.add_band(name="band", driver="csv", now=MONDAY, vouches=True)
        store.append(band.id, epochs)
        now = MONDAY + timedelta(days=10)
        return period_summary(summarise_days(store, Rule(), Zones([], "UTC"), dates, now))


def test_a_stretch_across_midnight_is_counted_once() -> None:
    found = period(day("23h walk, 2h sit, 10m walk, 30m sit, 5m walk"))
    assert list(found.lengths) == [120, 30]
    assert (found.over_30, found.over_limit, found.longest_minutes, found.usual_stretch_minutes) == (2, 1, 120, 120)
    assert (found.days[0].minutes[Kind.SITTING], found.minutes[Kind.SITTING]) == (60, 150)


def test_days_without_data_are_there_and_unknown() -> None:
    found = period(day("1h walk"), DATES)
    assert [each.complete_until is None for each in found.days] == [False, True, True]
    assert (found.minutes[Kind.UP], found.minutes[Kind.UNKNOWN]) == (60, 3 * 1440 - 60)
    assert (found.steps, found.usual_stretch_minutes) == (60 * 90, None)


def test_an_hour_counts_if_half_of_it_was_awake_and_holds_a_break_if_one_began_in_it() -> None:
    # 00: break at 00:40. 01: none. 02: 29 minutes awake, with a break, the rest slept: not counted. 03: 30 awake.
    found = period(day("40m sit, 20m walk, 1h sit, 10m walk, 10m sit, 9m walk, 31m sleep, 30m sit, 30m sleep"))
    assert (found.hours_awake, found.hours_with_break, found.breaks) == (3, 1, 3)


def test_no_days_are_nothing() -> None:
    found = period_summary([])
    assert (found.steps, found.longest_minutes, found.usual_stretch_minutes, found.hours_awake) == (0, 0, None, 0)

"""How the weeks went: days of the store, counted by `hipsync.core.weeks`.

Nothing of it is stored but the days that were judged on the way, so late data correct it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hipsync.core.weeks import LOOKED_BACK_WEEKS, WEEK_DAYS, Weeks, week
from hipsync.history.summaries import summarise_days
from hipsync.model import DAY

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from hipsync.core.bouts import Rule
    from hipsync.core.days import Zones
    from hipsync.core.summary import DaySummary
    from hipsync.model import Band
    from hipsync.store import Store


def weeks_until(
    store: Store,
    rule: Rule,
    zones: Zones,
    last: date,
    now: datetime,
    only_band: Band | None = None,
    known: Iterable[DaySummary] = (),
) -> Weeks | None:
    """The last weeks, Monday to Sunday of the wearer's zone, that were over by the end of the day `last`, and by `now`.

    They are judged by data of all bands or of `only_band`; days that are `known` by these are not judged again. None if
    no week is known. Raises `StoreError`.
    """
    oldest = store.oldest()
    if oldest is None:
        return None
    monday, first = _monday(min(last + DAY, zones.date_of(now))), _monday(zones.date_of(oldest))
    weeks = min(LOOKED_BACK_WEEKS, max((monday - first).days // WEEK_DAYS, 0))
    dates = [monday + at * DAY for at in range(-WEEK_DAYS * weeks, 1)]
    by_date = {day.date: day for day in known}
    missing = [each for each in dates if each not in by_date]
    by_date |= {day.date: day for day in summarise_days(store, rule, zones, missing, now, only_band)}
    days = [by_date[each] for each in dates]
    found = [week(days[at : at + WEEK_DAYS], days[at + WEEK_DAYS]) for at in range(0, len(days) - 1, WEEK_DAYS)]
    whole = [each for each in found if each is not None]
    return Weeks(LOOKED_BACK_WEEKS, whole, rule.limit_minutes) if whole else None


def _monday(day: date) -> date:
    return day - day.weekday() * DAY

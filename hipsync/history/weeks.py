"""How the weeks went: days of the store, counted by `hipsync.core.weeks`.

Nothing of it is stored but the days that were judged on the way, so late data correct it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hipsync.core.weeks import LOOKED_BACK_WEEKS, WEEK_DAYS, Weeks, week
from hipsync.history.summaries import summarise_days
from hipsync.model import DAY

if TYPE_CHECKING:
    from datetime import date, datetime

    from hipsync.core.bouts import Rule
    from hipsync.core.days import Zones
    from hipsync.model import Band
    from hipsync.store import Store


def weeks_until(
    store: Store, rule: Rule, zones: Zones, last: date, now: datetime, only_band: Band | None = None
) -> Weeks | None:
    """The last weeks, Monday to Sunday of the wearer's zone, that were over by the end of the day `last`, and by `now`.

    They are judged by data of all bands or of `only_band`. None if no week is known. Raises `StoreError`.
    """
    oldest = store.oldest()
    if oldest is None:
        return None
    monday, first = _monday(min(last + DAY, zones.date_of(now))), _monday(zones.date_of(oldest))
    weeks = min(LOOKED_BACK_WEEKS, max((monday - first).days // WEEK_DAYS, 0))
    dates = [monday + at * DAY for at in range(-WEEK_DAYS * weeks, 1)]
    days = summarise_days(store, rule, zones, dates, now, only_band)
    found = [week(days[at : at + WEEK_DAYS], days[at + WEEK_DAYS]) for at in range(0, len(days) - 1, WEEK_DAYS)]
    known = [each for each in found if each is not None]
    return Weeks(LOOKED_BACK_WEEKS, known, rule.limit_minutes) if known else None


def _monday(day: date) -> date:
    return day - day.weekday() * DAY

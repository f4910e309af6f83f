"""How often a wearer follows reminders, by the prompts and days in the store; `hipsync.core.followed` counts."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from hipsync.core.bouts import MOVED_WITHIN
from hipsync.core.followed import LEARNED_FROM, Learned, follow_ups, learned
from hipsync.history.summaries import summarise_days
from hipsync.instants import latest

if TYPE_CHECKING:
    from hipsync.core.bouts import Rule
    from hipsync.core.days import Zones
    from hipsync.store import Store


def learned_by(store: Store, rule: Rule, zones: Zones, now: datetime) -> Learned:
    """What was learned up to `now`, from the reminders of the last `LEARNED_FROM`. Raises `StoreError`.

    Late data correct it, because nothing of it is stored. Days that are over are judged once, as for `hipsync month`.
    """
    prompts = store.prompts(now - LEARNED_FROM, latest(now))
    dates = {zones.date_of(at) for each in prompts for at in (each.at, (each.last_shown or each.at) + MOVED_WITHIN)}
    days = summarise_days(store, rule, zones, sorted(dates), now)
    return learned([each for each in follow_ups(days) if each.at >= now - LEARNED_FROM], now)

"""A day is judged by the port alone: a store that gives nothing else is judged just as the whole store."""

from __future__ import annotations

from datetime import UTC, date, timedelta
from typing import Any, cast

import pytest

from hipsync.core.bouts import Rule
from hipsync.core.days import Zones
from hipsync.history.port import Reported
from hipsync.history.summaries import judged_days, summarise_days
from hipsync.store import Store
from support.builders import MONDAY, day

ASKED = {name for name in vars(Reported) if not name.startswith("_")}


class Door:
    """A store of which nothing but the port can be asked."""

    def __init__(self, store: Store) -> None:
        self._whole, self.asked = store, set[str]()

    def __getattr__(self, name: str) -> Any:
        if name not in ASKED:
            raise AttributeError(name)
        self.asked.add(name)
        return getattr(self._whole, name)


def test_days_are_judged_by_the_port_as_by_the_store() -> None:
    zones, rule, now = Zones([], "Europe/London"), Rule(), MONDAY + timedelta(days=5)
    spans = [zones.day(date(2026, 3, at)) for at in (2, 3, 4)]
    with Store.in_memory() as store:
        band = store.add_band(name="wrist", driver="huami", now=MONDAY)
        for at in range(3):
            drawn = day("7h sleep, 1h 10m sit, 5m walk, 2h sit, 30m walk, 3h sit 1, 20m walk, 9h sit",
                        MONDAY + at * timedelta(days=1))  # fmt: skip
            store.append(band.id, drawn)
        door = Door(store)
        found = list(judged_days(cast("Reported", door), rule, zones, spans, now))
        whole = summarise_days(store, rule, zones, [span.date for span in spans], now)
    assert [each.judged.steps for each in found] == [each.steps for each in whole] != [0, 0, 0]
    assert [len(each.judged.stretches) for each in found] == [len(each.stretches) for each in whole]
    assert all(each.looked_from.tzinfo is UTC and each.looked_from < each.span.start for each in found)
    assert {"epochs", "minute_epochs", "counters", "wears", "workouts", "stepped", "bands"} <= door.asked


def test_the_store_has_all_that_the_port_names() -> None:
    assert ASKED
    assert {name for name in ASKED if not callable(getattr(Store, name, None))} == set()


def test_the_door_refuses_what_the_port_does_not_name() -> None:
    with Store.in_memory() as store, pytest.raises(AttributeError):
        Door(store).exercises(MONDAY, MONDAY)

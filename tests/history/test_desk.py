"""What is known of the computer's use comes from the store into the judgement of a day, and nowhere else."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from hipsync.core.bouts import Rule
from hipsync.core.days import Zones
from hipsync.history.past import judged_past
from hipsync.history.summaries import summarise_days
from hipsync.model import MINUTE, Desk, DeskTime, Epoch, Presence, PresenceSpan
from hipsync.store import Store
from support.builders import MONDAY

NINE = MONDAY + timedelta(hours=9)
NOW = MONDAY + timedelta(days=2)
ZONES = Zones([], "UTC")


def filled(store: Store, presence: Presence = Presence.USED) -> None:
    """Two hours from 09:00 with 15 steps at 10:00, 10:01 and 10:02, and presence from 09:55 to 10:10."""
    band = store.add_band(name="band", driver="none", now=MONDAY, vouches=True)
    stray = {60, 61, 62}
    store.append(band.id, [Epoch(NINE + at * MINUTE, MINUTE, 15 if at in stray else 0, 60) for at in range(120)])
    store.add_presence([PresenceSpan(NINE + 55 * MINUTE, NINE + 70 * MINUTE, presence)])


def stretches(store: Store, desk: Desk = Desk.SITTING) -> list[tuple[int, int]]:
    """The stretches, in minutes from nine; the cached days are asked, too, and must agree."""
    past = judged_past(store, Rule(desk=desk), ZONES, MONDAY, NOW, NOW)
    found = [((each.start - NINE) // MINUTE, (each.end - NINE) // MINUTE) for each in past.found.stretches]
    (day,) = summarise_days(store, Rule(desk=desk), ZONES, [date(2026, 3, 2)], NOW)
    listed = [((each.start - NINE) // MINUTE, (each.end - NINE) // MINUTE) for each in day.stretches]
    assert listed == [each for each in found if each[1] - each[0] >= 8]
    return found


BROKEN, WHOLE = [(0, 61), (63, 120)], [(0, 120)]


@pytest.mark.parametrize(
    ("presence", "desk", "expected"),
    [
        (Presence.USED, Desk.SITTING, WHOLE),
        (Presence.USED, Desk.STANDING, BROKEN),
        (Presence.USED, Desk.OFF, BROKEN),
        (Presence.IDLE, Desk.SITTING, BROKEN),
        (Presence.LOCKED, Desk.SITTING, BROKEN),
    ],
)
def test_only_a_computer_in_use_at_a_desk_for_sitting_waives(
    presence: Presence, desk: Desk, expected: list[tuple[int, int]]
) -> None:
    with Store.in_memory() as store:
        filled(store, presence)
        assert stretches(store, desk) == expected


def test_standing_at_the_desk_for_a_while_waives_nothing_then_and_a_judged_day_follows() -> None:
    with Store.in_memory() as store:
        filled(store)
        assert stretches(store) == WHOLE
        store.stand_at_desk(
            DeskTime(NINE + timedelta(minutes=61, seconds=10), NINE + timedelta(minutes=61, seconds=50))
        )
        assert stretches(store) == BROKEN, "a part of a minute that is looked at"
        store.stand_at_desk(DeskTime(NINE, NINE))
        assert stretches(store) == WHOLE
        store.stand_at_desk(DeskTime(NINE + 63 * MINUTE, NINE + 70 * MINUTE))
        assert stretches(store) == WHOLE, "after it"
        store.stand_at_desk(DeskTime(NINE, NINE + 56 * MINUTE))
        assert stretches(store) == WHOLE, "the five minutes up to 10:00 begin at 09:56"
        store.stand_at_desk(DeskTime(NINE, NINE + 57 * MINUTE))
        assert stretches(store) == WHOLE, "10:00 alone is no break"
        store.stand_at_desk(DeskTime(NINE, NINE + 58 * MINUTE))
        assert stretches(store) == [(0, 61), (62, 120)], "10:01 ends it, with the steps of 10:00"


def test_a_computer_that_is_used_makes_no_minute_sitting_by_itself() -> None:
    with Store.in_memory() as store, Store.in_memory() as without:
        for each in (store, without):
            band = each.add_band(name="band", driver="none", now=MONDAY, vouches=True)
            each.append(band.id, [Epoch(NINE + at * MINUTE, MINUTE, at % 3 * 4, 60) for at in range(60)])
        store.add_presence([PresenceSpan(NINE - 120 * MINUTE, NINE + 300 * MINUTE, Presence.USED)])
        (used,), (plain,) = (summarise_days(each, Rule(), ZONES, [date(2026, 3, 2)], NOW) for each in (store, without))
        assert used.minutes == plain.minutes
        assert len(used.stretches) > len(plain.stretches)

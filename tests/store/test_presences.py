"""Presence at the computer, as it is stored: what goes in minute by minute comes out, in few rows."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest

from hipsync.model import MINUTE, Presence, PresenceSpan
from hipsync.store import Store, StoredDay
from support.builders import MONDAY
from support.stored import HOUR


def minutes(spans: list[PresenceSpan]) -> dict[datetime, Presence]:
    return {
        span.start + n * MINUTE: span.presence for span in spans for n in range((span.until - span.start) // MINUTE)
    }


def one(at: int, presence: Presence, length: int = 1) -> PresenceSpan:
    return PresenceSpan(MONDAY + at * MINUTE, MONDAY + (at + length) * MINUTE, presence)


@pytest.mark.parametrize("seed", range(5))
def test_what_was_stored_minute_by_minute_is_known_minute_by_minute(seed: int) -> None:
    chance, given = random.Random(seed), dict[int, Presence]()
    at = 0
    while at < 1440:
        length, state = chance.randrange(1, 200), chance.choice([*Presence, None])
        given |= {minute: state for minute in range(at, at + length) if state is not None}
        at += length
    with Store.in_memory() as store:
        waiting: list[PresenceSpan] = []
        for minute, state in given.items():
            waiting.append(one(minute, state))
            if chance.random() < 0.3:
                store.add_presence(waiting)
                waiting = []
        store.add_presence(waiting)
        found = store.presences(MONDAY, MONDAY + timedelta(days=9))
        assert minutes(found) == {MONDAY + minute * MINUTE: state for minute, state in given.items()}
        changes = sum(given.get(minute) != given.get(minute - 1) for minute in range(1640))
        assert len(found) <= changes + 28, "a row for each change and each hour at most"
        for first, last in ((0, 1), (59, 61), (100, 700), (1439, 1440)):
            start, end = MONDAY + first * MINUTE, MONDAY + last * MINUTE
            part = {at: state for at, state in minutes(store.presences(start, end)).items() if start <= at < end}
            assert part == {MONDAY + n * MINUTE: given[n] for n in range(first, last) if n in given}


def test_a_span_that_grew_since_an_export_and_the_shorter_one_stand_side_by_side() -> None:
    with Store.in_memory() as store:
        store.add_presence([one(0, Presence.USED, 5)])
        (row,) = store.rows_of("presence", None, None)
        store.add_presence([one(5, Presence.USED, 5)])
        assert store.presences(MONDAY, MONDAY + HOUR) == [one(0, Presence.USED, 10)]
        assert store.merge_rows("presence", [row], {}) == 1
        assert store.merge_rows("presence", [row], {}) == 0
        assert minutes(store.presences(MONDAY, MONDAY + HOUR)) == minutes([one(0, Presence.USED, 10)])
        assert store.check() == []


def test_what_is_known_later_of_a_judged_day_has_it_judged_again() -> None:
    day = timedelta(days=1)
    stored = StoredDay(MONDAY, MONDAY + day, "UTC", None, "rule", MONDAY - HOUR, MONDAY + day + HOUR, b"", "")
    for at, there in ((-62, True), (-61, True), (-60, False), (30, False), (1499, False), (1500, True)):
        for way in ("added", "imported"):
            with Store.in_memory() as store:
                store.store_days([stored], store.mark())
                span = one(at, Presence.USED)
                if way == "added":
                    store.add_presence([span])
                else:
                    row = {"start": int(span.start.timestamp()), "until": int(span.until.timestamp()), "state": "used"}
                    store.merge_rows("presence", [row], {})
                assert bool(store.stored_days(MONDAY, MONDAY + day, None, "rule")) is there, at

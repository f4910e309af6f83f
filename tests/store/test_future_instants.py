"""What a clock that was ahead has stamped stays in the file, and is the last of nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time, timedelta
from pathlib import Path

import pytest

from hipsync.instants import AHEAD
from hipsync.model import (
    MINUTE,
    Charge,
    Counter,
    DeskTime,
    Draw,
    Epoch,
    Inactivity,
    Info,
    Label,
    Outing,
    Pause,
    Presence,
    PresenceSpan,
    Prompt,
    Remark,
    State,
    Sync,
    Trial,
    Trouble,
    Wear,
    Workout,
    WorkoutKind,
)
from hipsync.store import Store
from support.stored import HOUR, NOW, SECOND, band

DAY = timedelta(days=1)
WRONG = NOW + 400 * DAY
EDGE = NOW + AHEAD
RIDE = Workout(WorkoutKind.CYCLING, NOW - HOUR, NOW)


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.in_memory() as store:
        yield store


def test_up_to_five_minutes_ahead_is_now_and_a_second_more_is_the_future(store: Store) -> None:
    desk = band(store)
    store.append(desk, [Charge(EDGE, 50), Charge(EDGE + SECOND, 51), Epoch(EDGE - MINUTE, MINUTE, 1)])
    store.append(desk, [Epoch(EDGE, MINUTE, 1)])
    assert store.since(desk, now=NOW) == {Charge: EDGE, Epoch: EDGE}


def test_the_newest_reading_of_each_type_is_the_newest_that_can_be(store: Store) -> None:
    desk = band(store)
    for at in (NOW - HOUR, WRONG):
        store.append(
            desk,
            [
                Epoch(at, MINUTE, 1),
                Counter(at, 5),
                Wear(at, worn=True),
                Charge(at, 50),
                Inactivity(at),
                Info(at, "1"),
                RIDE._replace(start=at - HOUR, end=at),
            ],
        )
    assert store.since(desk, now=NOW) == {
        Epoch: NOW - HOUR + MINUTE,
        **dict.fromkeys((Counter, Wear, Charge, Inactivity, Workout, Info), NOW - HOUR),
    }
    assert store.newest_charge(desk, now=NOW) == Charge(NOW - HOUR, 50)
    assert not store.charged(desk, NOW, 30, now=NOW)
    assert len(store.epochs(desk, WRONG, WRONG + HOUR)) == 1, "it stays"


def test_a_long_epoch_that_ends_in_the_future_is_no_mark(store: Store) -> None:
    desk = band(store)
    store.append(desk, [Epoch(NOW - HOUR, MINUTE, 1), Epoch(NOW - MINUTE, HOUR, 900)])
    assert store.since(desk, now=NOW) == {Epoch: NOW - HOUR + MINUTE}


def test_what_a_band_is_called_is_better_known_from_the_future_than_not_at_all(store: Store) -> None:
    desk = band(store)
    store.append(desk, [Info(WRONG, firmware="2")])
    assert store.newest_info(desk, now=NOW) == Info(WRONG, firmware="2")
    store.append(desk, [Info(NOW, firmware="1")])
    assert store.newest_info(desk, now=NOW) == Info(NOW, firmware="1")


def test_the_newest_instant_of_any_row_shows_a_clock_that_was_ahead(store: Store) -> None:
    assert store.newest() is None
    desk, other = band(store), band(store, "other")
    store.append(desk, [Epoch(NOW, MINUTE, 1)])
    store.append(other, [Epoch(NOW - HOUR, 15 * MINUTE, 1), Counter(NOW - HOUR, 1)])
    assert store.newest() == NOW + MINUTE
    ahead = iter(range(1, 20))
    for reading in (Counter, Charge):
        store.append(other, [reading(at := NOW + next(ahead) * DAY, 5)])
        assert store.newest() == at
    store.append(other, [RIDE._replace(start=(at := NOW + next(ahead) * DAY) - HOUR, end=at)])
    assert store.newest() == at
    store.append(other, [Wear(at := NOW + next(ahead) * DAY, worn=True)])
    assert store.newest() == at
    store.add_plan(Outing.RUN, (0,), time(18), at := NOW + next(ahead) * DAY)
    assert store.newest() == at
    store.add_pause(Pause(at := NOW + next(ahead) * DAY, at))
    assert store.newest() == at
    at = NOW + next(ahead) * DAY
    store.add_presence([PresenceSpan(at - MINUTE, at, Presence.IDLE)])
    assert store.newest() == at
    store.stand_at_desk(DeskTime(at := NOW + next(ahead) * DAY, at + HOUR))
    assert store.newest() == at
    store.add_label(Label(at := NOW + next(ahead) * DAY, State.STANDING))
    assert store.newest() == at
    store.add_prompt(Prompt(at := NOW + next(ahead) * DAY, NOW, "hip-extension", sure=True))
    assert store.newest() == at
    store.add_remark(Remark(desk, Trouble.BATTERY, "Charge it"), at := NOW + next(ahead) * DAY)
    assert store.newest() == at
    store.note_zone(at := NOW + next(ahead) * DAY, "Asia/Tokyo")
    assert store.newest() == at
    store.add_trial(Trial(at := NOW + next(ahead) * DAY, "a5"))
    assert store.newest() == at
    store.add_draw(Draw(NOW, at := NOW + next(ahead) * DAY, NOW, withheld=True))
    assert store.newest() == at


def test_a_contact_of_the_future_is_not_the_last_one_and_is_known_to_be_there(store: Store) -> None:
    desk = band(store)
    store.note_sync(desk, NOW - HOUR, NOW - HOUR, 5, None)
    assert store.future_sync(desk, NOW) is None
    for number in range(150):  # more than are looked at
        store.note_sync(desk, WRONG + number * MINUTE, WRONG + number * MINUTE, 0, "out of reach")
    store.note_sync(desk, NOW - MINUTE, WRONG, 5, None)  # the clock jumped while it was under way
    assert store.syncs(desk, now=NOW) == [Sync(NOW - HOUR, NOW - HOUR, 5, None)]
    assert store.future_sync(desk, NOW) == WRONG + 149 * MINUTE
    assert store.in_vain_since(desk, NOW - DAY, now=NOW) is None


def test_a_remark_that_a_wrong_clock_dated_does_not_silence_the_next_one(store: Store) -> None:
    desk = band(store)
    store.add_remark(Remark(desk, Trouble.BATTERY, "Charge it"), WRONG)
    assert store.remarked(desk, now=NOW) == {}
    store.add_remark(Remark(desk, Trouble.BATTERY, "Charge it"), NOW)
    assert store.remarked(desk, now=NOW) == {Trouble.BATTERY: NOW}


def test_a_zone_that_a_wrong_clock_dated_is_not_where_the_host_is(store: Store) -> None:
    store.note_zone(NOW - DAY, "Europe/London")
    store.note_zone(WRONG, "Asia/Tokyo")
    for minute in range(3):
        store.note_zone(NOW + minute * MINUTE, "Europe/London")
    assert [(each.since, each.zone) for each in store.zones()] == [
        (NOW - DAY, "Europe/London"), (WRONG, "Asia/Tokyo"),
    ]  # fmt: skip
    store.note_zone(NOW, "Asia/Tokyo")
    assert [each.since for each in store.zones()] == [NOW - DAY, NOW, WRONG]


def test_a_zone_noted_just_before_the_clock_was_put_back_is_replaced_by_the_next(store: Store) -> None:
    store.note_zone(NOW + 3 * MINUTE, "Asia/Tokyo")
    for minute in range(3):
        store.note_zone(NOW + minute * MINUTE, "Europe/London")
    assert [(each.since, each.zone) for each in store.zones()] == [(NOW + 3 * MINUTE, "Europe/London")]


def test_a_pause_holds_after_the_clock_was_put_back_a_little_and_can_be_ended(store: Store) -> None:
    store.add_pause(Pause(NOW, NOW + HOUR))
    back = NOW - 3 * MINUTE
    assert store.pause(back) == Pause(NOW, NOW + HOUR)
    store.add_pause(Pause(back, back))
    assert store.pause(back) is None
    assert store.pause(NOW) is None


def test_a_pause_of_the_future_is_none_now(store: Store) -> None:
    store.add_pause(Pause(WRONG, WRONG + DAY))
    assert store.pause(NOW) is None
    store.add_pause(Pause(NOW, NOW + HOUR))
    assert store.pause(WRONG + MINUTE) is None, "a later word ends it"


def test_a_copy_whose_name_lies_in_the_future_neither_counts_as_the_last_nor_pushes_out_good_ones(
    tmp_path: Path,
) -> None:
    with Store.open(tmp_path / "hipsync.db") as store:
        wrong = [store.backup(None, WRONG + number * DAY) for number in range(7)]
        assert store.backed_up(now=NOW) is None
        good = [store.backup(None, NOW + number * DAY) for number in range(3)]
        assert store.backed_up(now=NOW + 2 * DAY) == NOW.replace(microsecond=0) + 2 * DAY
        assert store.backups() == [*good, *wrong[3:]]


def test_a_copy_that_carries_digits_and_no_date_is_left_alone(tmp_path: Path) -> None:
    with Store.open(tmp_path / "hipsync.db") as store:
        store.backup(None, NOW)
        (tmp_path / "backups" / "hipsync-99999999T999999.db").write_bytes(b"")
        assert store.backed_up(now=NOW) == NOW.replace(microsecond=0)

"""The file: who may read it, what it takes, what it gives back, and what survives trouble."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipsync.errors import StoreError
from hipsync.model import (
    MINUTE,
    Answer,
    BandId,
    Charge,
    Counter,
    Draw,
    Epoch,
    Exercise,
    Inactivity,
    Info,
    Posture,
    Prompt,
    Reading,
    State,
    Trial,
    Wear,
    Where,
    Workout,
    WorkoutKind,
    ZoneChange,
)
from hipsync.store import Appended, Store
from support.builders import MONDAY
from support.stored import ALL_GOOD, GOOD, HOUR, NONE, NOW, SECOND, band, count, counts, minute

RIDE = Workout(WorkoutKind.CYCLING, NOW, NOW + HOUR)


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.in_memory() as store:
        yield store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hipsync.db"


# ------------------------------------------------------------------ the file


def test_the_file_is_for_its_owner_alone_and_so_is_the_folder_made_for_it(tmp_path: Path) -> None:
    path = tmp_path / "data" / "hipsync.db"
    before = os.umask(0)
    try:
        with Store.open(path) as store:
            band(store)
            files = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert files == {"hipsync.db": 0o600, "hipsync.db-wal": 0o600, "hipsync.db-shm": 0o600}


def test_the_file_is_in_wal_mode_and_waits_for_the_disk(path: Path) -> None:
    with Store.open(path) as store, store.transaction() as db:
        assert db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL: a commit is on disk when it returns
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize("table", ["epochs", "counters"])
def test_epochs_and_counters_have_no_row_number(path: Path, table: str) -> None:
    Store.open(path).close()
    with closing(sqlite3.connect(path)) as db, pytest.raises(sqlite3.OperationalError, match="no such column: rowid"):
        db.execute(f"SELECT rowid FROM {table}")  # noqa: S608  the names above


@pytest.mark.parametrize(
    "reading", [minute(0), Counter(NOW, 1), Wear(NOW, True), Charge(NOW, 50), Inactivity(NOW), Info(NOW), RIDE]
)
def test_a_reading_of_no_band_is_refused(store: Store, reading: Reading) -> None:
    with pytest.raises(StoreError, match="FOREIGN KEY"):
        store.append(BandId(7), [reading])


def test_what_is_kept_is_read_back_after_the_file_was_closed(path: Path) -> None:
    with Store.open(path) as store:
        store.append(band(store), [minute(0, 5, heart_rate=71, intensity=9, state=State.WALKING, kind=0x81)])
    with Store.read(path) as store:
        (desk,) = store.bands()
        assert (desk.name, desk.driver, desk.address) == ("band", "huami", "C0:00:00:00:00:01")
        assert store.epochs(desk.id, MONDAY, NOW) == [Epoch(MONDAY, MINUTE, 5, 9, 71, State.WALKING, 0x81)]


@pytest.mark.parametrize("state", [None, *State])
@pytest.mark.parametrize("inferred", [False, True])
def test_every_state_comes_back_and_the_view_of_minutes_shows_it(
    path: Path, state: State | None, inferred: bool
) -> None:
    with Store.open(path) as store:
        desk = band(store)
        store.append(desk, [minute(0, state=state, inferred=inferred)])
        assert store.epochs(desk, MONDAY, NOW) == [minute(0, state=state, inferred=inferred)]
    with closing(sqlite3.connect(path)) as db:
        word = (state or "unsaid") + (", inferred" if inferred else "")
        assert db.execute("SELECT band, start_utc, minutes, steps, state FROM minutes").fetchall() == [
            ("band", "2026-03-02 00:00:00", 1, 0, word)
        ]


# ------------------------------------------------------------------ a record that comes twice


@pytest.mark.parametrize(
    ("first", "second", "stored"),
    [
        pytest.param(minute(0, 5), minute(0, 7), minute(0, 7), id="more steps replace"),
        pytest.param(minute(0, 7), minute(0, 5), minute(0, 7), id="fewer steps are kept out"),
        pytest.param(
            minute(0, 7, heart_rate=70),
            minute(0, 5, heart_rate=90),
            minute(0, 7, heart_rate=70),
            id="with all that came with them",
        ),
        pytest.param(minute(0, 5, heart_rate=70), minute(0, 5, heart_rate=80), minute(0, 5, heart_rate=80)),
        pytest.param(
            minute(0, 5, heart_rate=70, intensity=3, state=State.WALKING, kind=1, posture=Posture.UPRIGHT),
            minute(0, 6),
            minute(0, 6, heart_rate=70, intensity=3, state=State.WALKING, kind=1, posture=Posture.UPRIGHT),
            id="nothing said takes nothing away",
        ),
        pytest.param(
            minute(0, 5),
            minute(0, 5, heart_rate=70, intensity=3, state=State.WALKING, kind=1, posture=Posture.UPRIGHT),
            minute(0, 5, heart_rate=70, intensity=3, state=State.WALKING, kind=1, posture=Posture.UPRIGHT),
            id="what was missing is filled in",
        ),
        pytest.param(minute(0, state=State.SITTING), minute(0, state=State.ASLEEP), minute(0, state=State.ASLEEP)),
        pytest.param(minute(0), minute(0, posture=Posture.LYING), minute(0, posture=Posture.LYING), id="a posture"),
        pytest.param(
            minute(0, posture=Posture.LYING), minute(0, posture=Posture.SITTING), minute(0, posture=Posture.SITTING)
        ),
        pytest.param(minute(0, inferred=True), minute(0), minute(0), id="inferred, then sent"),
        pytest.param(minute(0), minute(0, inferred=True), minute(0), id="sent, then inferred"),
        pytest.param(minute(0, 4), minute(0, inferred=True), minute(0, 4), id="sent with steps, then inferred"),
        pytest.param(minute(0, inferred=True), minute(0, 4), minute(0, 4), id="inferred, then sent with steps"),
        pytest.param(
            minute(0, state=State.SITTING), minute(0, inferred=True), minute(0, state=State.SITTING),
            id="an inferred one has no state to take away",
        ),
        pytest.param(
            minute(0, inferred=True), minute(0, state=State.ASLEEP), minute(0, state=State.ASLEEP),
            id="inferred, then sent with a state",
        ),
        pytest.param(minute(0, inferred=True), minute(0, inferred=True), minute(0, inferred=True)),
    ],
)  # fmt: skip
def test_a_record_that_comes_twice(store: Store, first: Epoch, second: Epoch, stored: Epoch) -> None:
    desk = band(store)
    assert store.append(desk, [first]) == Appended(new=1, same=0)
    changed = int(stored != first)
    assert store.append(desk, [second]) == Appended(new=changed, same=1 - changed)
    assert store.epochs(desk, MONDAY, NOW) == [stored]


@pytest.mark.parametrize("size", [1, 49, 50, 51, 149])
def test_a_batch_of_any_size_is_stored_in_its_order(store: Store, size: int) -> None:
    desk = band(store)
    batch = [minute(at, at) for at in range(size)]
    assert store.append(desk, [*batch, minute(0, 7), minute(0, 5)]) == Appended(new=size + 1, same=1)
    assert store.append(desk, batch) == Appended(new=0, same=size)
    assert store.epochs(desk, MONDAY, NOW) == [minute(0, 7), *batch[1:]]


def test_records_of_other_lengths_or_of_other_bands_are_other_records(store: Store) -> None:
    left, right = band(store, "left"), band(store, "right")
    long = Epoch(MONDAY, 15 * MINUTE, 3)
    store.append(left, [minute(0, 9), long])
    store.append(right, [minute(0, 4)])
    assert store.epochs(left, MONDAY, NOW) == [minute(0, 9), long]
    assert store.epochs(right, MONDAY, NOW) == [minute(0, 4)]


EPOCHS = st.lists(
    st.builds(
        minute,
        st.integers(0, 5),
        st.integers(0, 3),
        heart_rate=st.none() | st.integers(60, 62),
        state=st.none() | st.sampled_from(State),
        posture=st.none() | st.sampled_from(Posture),
    )
    | st.builds(minute, st.integers(0, 5), inferred=st.just(value=True)),
    max_size=30,
)


@given(EPOCHS)
def test_a_batch_sent_again_changes_nothing_when_each_of_its_records_is_one_of_a_kind(epochs: list[Epoch]) -> None:
    batch = list({epoch.start: epoch for epoch in epochs}.values())
    with Store.in_memory() as store:
        desk = band(store)
        assert store.append(desk, batch) == Appended(len(batch), 0)
        assert store.append(desk, batch) == Appended(0, len(batch))
        assert store.epochs(desk, MONDAY, NOW) == sorted(batch)


@given(EPOCHS)
def test_in_whatever_order_records_come_no_step_and_no_heart_rate_is_lost(epochs: list[Epoch]) -> None:
    with Store.in_memory() as store:
        desk = band(store)
        for epoch in epochs:
            store.append(desk, [epoch])
        stored = store.epochs(desk, MONDAY, NOW)
    assert [epoch.start for epoch in stored] == sorted({epoch.start for epoch in epochs})
    for epoch in stored:
        output = [other for other in epochs if other.start == epoch.start]
        most = max(other.steps for other in output)
        assert epoch.steps == most
        if any(other.heart_rate for other in output if other.steps == most):
            assert epoch.heart_rate is not None
        if not any(other.inferred for other in output):
            assert not epoch.inferred


def test_of_two_counters_in_a_second_the_larger_is_kept(store: Store) -> None:
    desk = band(store)
    for steps in (100, 105, 103):
        store.append(desk, [Counter(NOW, steps)])
    assert store.counters(desk, MONDAY, NOW + HOUR) == [Counter(NOW, 105)]


def test_what_a_band_says_of_itself_in_two_parts_is_put_together(store: Store) -> None:
    desk = band(store)
    store.append(desk, [Info(NOW, firmware="1.2"), Charge(NOW, 80)])
    store.append(desk, [Info(NOW, firmware="9.9", serial="S1"), Charge(NOW, 79, charging=True)])
    assert store.newest_info(desk) == Info(NOW, firmware="1.2", serial="S1")
    assert store.newest_charge(desk) == Charge(NOW, 80, charging=True)


def test_a_workout_of_the_same_start_replaces_the_first(store: Store) -> None:
    desk = band(store)
    rowed = Workout(WorkoutKind.ROWING, MONDAY, MONDAY + HOUR)
    for told in (RIDE, rowed, RIDE._replace(end=NOW + 2 * HOUR), RIDE._replace(kind=WorkoutKind.OTHER)):
        store.append(desk, [told])
    assert store.workouts(desk, MONDAY, NOW + HOUR) == [rowed, RIDE._replace(kind=WorkoutKind.OTHER)]


@pytest.mark.parametrize("kind", WorkoutKind)
def test_workouts_of_every_kind_come_back_if_they_overlap_the_time_asked_for(store: Store, kind: WorkoutKind) -> None:
    desk, other = band(store), band(store, "other")
    store.append(desk, [long := Workout(kind, MONDAY + SECOND, MONDAY + 24 * HOUR)])
    store.append(other, [RIDE])
    assert store.workouts(desk, NOW, NOW + SECOND) == store.workouts(desk, MONDAY, MONDAY + 2 * SECOND) == [long]
    assert store.workouts(desk, MONDAY, MONDAY + SECOND) == store.workouts(desk, long.end, long.end + HOUR) == []


# ------------------------------------------------------------------ all or nothing


@pytest.mark.parametrize("bad", [minute(2, -1), Counter(NOW + SECOND, -1)], ids=["an epoch", "a counter"])
@pytest.mark.parametrize("at", [0, 3, len(GOOD)])
def test_a_batch_that_fails_leaves_nothing(path: Path, bad: Reading, at: int) -> None:
    with Store.open(path) as store:
        desk = band(store)
        with pytest.raises(StoreError, match="CHECK constraint failed: steps >= 0"):
            store.append(desk, [*GOOD[:at], bad, *GOOD[at:]])
        assert counts(path) == NONE
        store.append(desk, GOOD)  # the file is usable: the failed batch holds no lock
    assert counts(path) == ALL_GOOD


def add_twice(store: Store) -> None:
    for _ in range(2):
        store.append(band(store), GOOD)


def test_a_transaction_takes_in_those_inside_it(path: Path) -> None:
    with Store.open(path) as store:
        with pytest.raises(StoreError, match="UNIQUE"), store.transaction():
            add_twice(store)
        assert store.bands() == []
        with store.transaction():
            store.append(band(store), GOOD)
            assert count(path, "epochs") == 0, "others see it before it is whole"
        assert count(path, "epochs") == 2


# ------------------------------------------------------------------ reading back


def test_epochs_are_those_that_touch_the_window(store: Store) -> None:
    desk = band(store)
    start, end = MONDAY + 2 * HOUR, MONDAY + 3 * HOUR
    night = Epoch(MONDAY - 22 * HOUR + MINUTE, 24 * HOUR, 4000)
    inside = [
        night,
        Epoch(start - 15 * MINUTE, 30 * MINUTE, 1),
        Epoch(start - MINUTE, 2 * MINUTE, 2),
        Epoch(start, MINUTE, 3),
        Epoch(end - MINUTE, 60 * MINUTE, 4),
    ]
    outside = [
        Epoch(night.start - MINUTE, 24 * HOUR, 5),  # ends where the window starts
        Epoch(start - MINUTE, MINUTE, 6),
        Epoch(end, MINUTE, 7),
    ]
    store.append(desk, [*outside, *reversed(inside)])
    assert store.epochs(desk, start, end) == inside
    assert store.epochs(desk, end + HOUR, end + 2 * HOUR) == []


def test_counters_come_with_their_neighbours(store: Store) -> None:
    desk, other = band(store), band(store, "other")
    counters = [Counter(MONDAY + hour * HOUR, hour * 100) for hour in range(8)]
    store.append(desk, counters)
    store.append(other, [Counter(MONDAY + 150 * MINUTE, 1), Counter(MONDAY + 350 * MINUTE, 1)])
    assert store.counters(desk, MONDAY + 3 * HOUR, MONDAY + 5 * HOUR) == counters[2:6]
    assert store.counters(desk, MONDAY + 3 * HOUR - SECOND, MONDAY + 5 * HOUR + SECOND) == counters[2:7]
    assert store.counters(desk, MONDAY - HOUR, MONDAY) == counters[:1]
    assert store.counters(desk, MONDAY + 9 * HOUR, MONDAY + 10 * HOUR) == counters[-1:]


def test_wears_come_with_the_one_before(store: Store) -> None:
    desk = band(store)
    wears = [Wear(MONDAY + hour * HOUR, hour % 2 == 0) for hour in range(6)]
    store.append(desk, wears)
    assert store.wears(desk, MONDAY + 150 * MINUTE, MONDAY + 4 * HOUR) == wears[2:4]
    assert store.wears(desk, MONDAY, MONDAY + HOUR) == wears[:1]


def test_since_is_the_end_of_the_last_reading_of_each_kind(store: Store) -> None:
    desk, other = band(store), band(store, "other")
    assert store.since(desk) == {}
    store.append(other, [minute(500)])
    store.append(desk, [minute(9), Epoch(MONDAY, 15 * MINUTE, 3), Counter(NOW, 1), Charge(NOW + SECOND, 1)])
    assert store.since(desk) == {Epoch: MONDAY + 10 * MINUTE, Counter: NOW, Charge: NOW + SECOND}
    store.append(desk, [RIDE, RIDE._replace(start=NOW - HOUR)])
    assert store.since(desk)[Workout] == RIDE.end


def test_resolution_is_the_shortest_epoch_or_a_minute_of_a_live_band(store: Store) -> None:
    desk = band(store)
    assert store.resolution(desk, MONDAY, NOW) is None
    store.append(desk, [Counter(MONDAY, 1)])
    assert store.resolution(desk, MONDAY, NOW) == MINUTE
    store.append(desk, [Epoch(MONDAY, 30 * MINUTE, 1), Epoch(MONDAY + HOUR, 15 * MINUTE, 1)])
    assert store.resolution(desk, MONDAY, NOW) == 15 * MINUTE
    assert store.resolution(desk, MONDAY, MONDAY + HOUR) == 30 * MINUTE


def test_epochs_of_all_bands_come_in_order_of_time(store: Store) -> None:
    left, right = band(store, "left"), band(store, "right")
    store.append(right, [minute(0), minute(2)])
    store.append(left, [minute(1), minute(2)])
    assert list(store.all_epochs(None, None)) == [
        ("right", minute(0)), ("left", minute(1)), ("left", minute(2)), ("right", minute(2))
    ]  # fmt: skip
    assert list(store.all_epochs(MONDAY + MINUTE, MONDAY + 2 * MINUTE)) == [("left", minute(1))]


def test_draws_and_the_seed_come_back_as_they_were(store: Store) -> None:
    assert store.trial(NOW) is None
    store.add_trial(Trial(NOW - HOUR, "old"))
    store.add_trial(Trial(NOW, "new"))
    store.add_trial(Trial(NOW + 24 * HOUR, "of a clock that was ahead"))
    assert store.trial(NOW) == Trial(NOW, "new")
    assert store.trial(NOW - HOUR) == Trial(NOW - HOUR, "old")
    first, second = Draw(NOW - 2 * HOUR, NOW - HOUR, NOW - HOUR, False), Draw(NOW - HOUR, NOW, NOW - MINUTE, True)
    for draw in (second, first, first):
        store.add_draw(draw)
    assert store.draws(NOW - HOUR, NOW + SECOND) == [first, second]
    assert store.draws(NOW - HOUR, NOW) == [first]


def test_prompts_and_exercises_come_back_as_they_were(store: Store) -> None:
    shown = Prompt(
        NOW, NOW - MINUTE, "hip-extension", sure=True, where=(Where.DESKTOP, Where.BAND), shown=2,
        last_shown=NOW + 10 * MINUTE, answer=Answer.SNOOZED, answered_at=NOW + SECOND, snoozed_until=NOW + HOUR,
    )  # fmt: skip
    first = Prompt(NOW - HOUR, NOW - HOUR, "hip-rotation", sure=False)
    for prompt in (shown, first):
        assert store.add_prompt(prompt) == prompt
    assert store.prompts(NOW - HOUR, NOW + SECOND) == [first, shown]
    assert store.prompts(NOW - HOUR, NOW) == [first]
    done = [Exercise(NOW, "hip-extension", "prompt"), Exercise(NOW, "hip-rotation", "guided", hurt=True)]
    for exercise in done:
        store.add_exercise(exercise)
    assert store.exercises(NOW, NOW + SECOND) == done
    assert store.exercises(NOW - HOUR, NOW) == []
    assert store.hurt() == ["hip-rotation"]


def test_the_zone_is_written_when_it_changes(store: Store) -> None:
    for hours, zone in enumerate(["Europe/London", "Europe/London", "Asia/Tokyo", "Europe/London"]):
        store.note_zone(NOW + hours * HOUR, zone)
    assert store.zones() == [
        ZoneChange(NOW, "Europe/London"),
        ZoneChange(NOW + 2 * HOUR, "Asia/Tokyo"),
        ZoneChange(NOW + 3 * HOUR, "Europe/London"),
    ]


def test_two_bands_cannot_have_one_name(store: Store) -> None:
    left, _ = band(store, "left"), band(store, "right")
    with pytest.raises(StoreError, match="UNIQUE"):
        band(store, "left")
    with pytest.raises(StoreError, match="UNIQUE"):
        store.rename(left, "right")
    assert [desk.name for desk in store.bands()] == ["left", "right"]


def test_a_name_that_steers_a_terminal_is_kept_without_what_steers_it(store: Store) -> None:
    desk = store.add_band(name="\x1b[31mred\r\n\u202e", driver="x", now=NOW, advertised_name="a\x07b")
    assert (desk.name, desk.advertised_name) == ("[31mred", "ab")
    store.rename(desk.id, "blue\x9b2J")
    assert [desk.name for desk in store.bands()] == ["blue2J"]


def epochs_of(store: Store) -> Iterator[object]:
    return store.all_epochs(None, None)


def zones_of(store: Store) -> Iterator[object]:
    return store.rows_of("zones", None, None)


@pytest.mark.parametrize("rows", [epochs_of, zones_of])
def test_rows_of_which_some_were_taken_and_that_are_kept_keep_no_other_thread_out(
    path: Path, rows: Callable[[Store], Iterator[object]]
) -> None:
    """An error holds the frame in which it was raised, and so the rows that were not taken yet."""
    with Store.open(path) as store:
        store.append(band(store), [minute(at) for at in range(8)])
        for at in range(3):
            store.note_zone(MONDAY + at * HOUR, f"Etc/GMT+{at}", "host")
        kept = rows(store)
        next(kept)
        found: list[int] = []
        thread = threading.Thread(target=lambda: found.append(len(store.bands())), daemon=True)
        thread.start()
        thread.join(5)
        assert found == [1]
        assert len([*kept]) >= 2


def test_a_store_may_be_used_from_several_threads(path: Path) -> None:
    with Store.open(path) as store:
        desk = band(store)
        failed: list[BaseException] = []

        def work(part: int) -> None:
            try:
                for at in range(20):
                    store.append(desk, [minute(part * 20 + at)])
            except StoreError as error:
                failed.append(error)

        threads = [threading.Thread(target=work, args=(part,)) for part in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failed
        assert store.epochs(desk, MONDAY, NOW) == [minute(at) for at in range(80)]


def test_instants_are_whole_seconds_of_utc(store: Store) -> None:
    desk = band(store)
    at = datetime(2026, 3, 2, 12, 0, 0, 999_999, tzinfo=UTC).astimezone(ZoneInfo("Asia/Kathmandu"))
    store.append(desk, [Counter(at, 5)])
    assert store.counters(desk, MONDAY, NOW + HOUR) == [Counter(NOW, 5)]

"""Days that are kept are what they would be if nothing were kept, whatever is written, and whoever writes."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from hipsync.core.bouts import Bouts, Rule
from hipsync.core.days import Day, Zones
from hipsync.core.summary import DaySummary, JudgedDay, judged_day
from hipsync.core.timeline import Timeline
from hipsync.history.loaded import Loaded
from hipsync.history.past import AROUND_MINUTES
from hipsync.history.summaries import JUDGED_AS, summarise, summarise_days
from hipsync.model import (
    MINUTE,
    Answer,
    Band,
    BandId,
    Counter,
    Epoch,
    Exercise,
    Kind,
    Prompt,
    Reading,
    State,
    Wear,
    Workout,
    WorkoutKind,
)  # fmt: skip
from hipsync.store import Store
from support.builders import MONDAY, day
from support.stored import count

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DATES = [date(2026, 3, 2) + timedelta(days=at) for at in range(3)]
LATER = MONDAY + 9 * DAY
LIFE = "7h sleep, 1h walk, 90m sit, 5m walk, 3h sit, 30m walk, 2h sit, 20m off, 40m sit, 3m walk, 6h sit, 55m walk"


def zones() -> Zones:
    return Zones([], "UTC")


def lived(store: Store, name: str = "band", days: int = 3) -> BandId:
    desk = store.add_band(name=name, driver="csv", now=MONDAY, vouches=True)
    for at in range(days):
        store.append(desk.id, day(LIFE, MONDAY + at * DAY))
    return desk.id


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "hipsync.db")


def stored(store: Store) -> int:
    assert store.path is not None
    return count(store.path, "days")


def judged(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Grows by one with each day that is judged anew."""
    times: list[object] = []

    def counted(line: Timeline, found: Bouts, day: Day, now: datetime, *, trust_posture: bool) -> JudgedDay:
        times.append(day)
        return judged_day(line, found, day, now, trust_posture=trust_posture)

    monkeypatch.setattr("hipsync.history.summaries.judged_day", counted)
    return times


def same(store: Store, rule: Rule, zones: Zones, dates: list[date], now: datetime, only: Band | None = None) -> None:
    found = summarise_days(store, rule, zones, dates, now, only)
    assert found == [summarise(store, rule, zones, each, now, only) for each in dates]


def test_a_day_is_judged_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    lived(store)
    times = judged(monkeypatch)
    first = summarise_days(store, Rule(), zones(), DATES, LATER)
    assert (len(times), stored(store)) == (3, 3)
    assert summarise_days(store, Rule(), zones(), DATES, LATER + HOUR) == first
    assert len(times) == 3


def test_only_days_that_follow_each_other_are_loaded_together(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory stays that of the days that are asked for, however far apart they lie."""
    loaded: list[int] = []

    class Watched(Loaded):
        def __init__(self, store: Store, bands: Sequence[Band], first: int, last: int) -> None:
            super().__init__(store, bands, first, last)
            loaded.append(last - first)

    monkeypatch.setattr("hipsync.history.summaries.Loaded", Watched)
    lived(store)
    far = DATES[0] + timedelta(days=300)
    for dates, expected in (([DATES[0], DATES[2], far], []), ([*DATES[:2], far], [2 * 1440 + 2 * AROUND_MINUTES])):
        loaded.clear()
        with closing(sqlite3.connect(str(store.path))) as db, db:
            db.execute("DELETE FROM days")
        same(store, Rule(), zones(), dates, LATER)
        assert loaded == expected


def test_prompts_and_exercises_are_never_kept(store: Store) -> None:
    lived(store)
    summarise_days(store, Rule(), zones(), DATES, LATER)
    at = MONDAY + 9 * HOUR
    store.add_prompt(Prompt(at, at, "hip-extension", sure=True, answer=Answer.DONE, answered_at=at + MINUTE))
    store.add_exercise(Exercise(at, "hip-extension", "prompt"))
    found: DaySummary = summarise_days(store, Rule(), zones(), DATES, LATER)[0]
    assert (len(found.prompts), len(found.exercises)) == (1, 1)
    assert found.prompts[0].moved_within_minutes is None
    assert any(piece.prompted for piece in found.stretches)
    same(store, Rule(), zones(), DATES, LATER)


@pytest.mark.parametrize("dates", [DATES, DATES[::-1], [DATES[0], DATES[2]], DATES[1:2]])
def test_each_day_has_its_own_prompts_and_exercises(store: Store, dates: list[date]) -> None:
    lived(store)
    around = [-1, 0, 1, 1439, 1440, 1441, 2879, 2880, 4319, 4320]
    for minute in around:
        at = MONDAY + minute * MINUTE
        store.add_prompt(Prompt(at, at, "hip-extension", sure=True))
        store.add_exercise(Exercise(at, "hip-extension", "prompt"))
    for summary in summarise_days(store, Rule(), zones(), dates, LATER):
        first = (summary.date - DATES[0]).days * 1440
        expected = [MONDAY + minute * MINUTE for minute in around if first <= minute < first + 1440]
        assert [each.prompt.at for each in summary.prompts] == expected
        assert [each.at for each in summary.exercises] == expected
    same(store, Rule(), zones(), dates, LATER)


def test_a_stretch_over_midnight_had_its_prompt_on_the_day_before(store: Store) -> None:
    desk = store.add_band(name="band", driver="csv", now=MONDAY, vouches=True)
    store.append(desk.id, day("22h walk, 4h sit, 22h walk", MONDAY))
    at = MONDAY + 23 * HOUR
    store.add_prompt(Prompt(at, at, "hip-extension", sure=True))
    for found in summarise_days(store, Rule(), zones(), DATES[:2], LATER):
        assert [piece.prompted for piece in found.stretches] == [True]
    same(store, Rule(), zones(), DATES[:2], LATER)


def test_a_workout_that_turns_out_shorter_changes_the_days_on_which_it_was(store: Store) -> None:
    desk = lived(store)
    rowed = Workout(WorkoutKind.ROWING, MONDAY + 14 * HOUR, MONDAY + 37 * HOUR)
    for told in (rowed, rowed._replace(end=MONDAY + 15 * HOUR), rowed):
        store.append(desk, [told])
        same(store, Rule(), zones(), DATES, LATER)


def test_a_band_s_new_name_is_shown(store: Store) -> None:
    desk = lived(store)
    summarise_days(store, Rule(), zones(), DATES, LATER)
    store.rename(desk, "other")
    assert [band.name for band in summarise_days(store, Rule(), zones(), DATES, LATER)[0].bands] == ["other"]


def test_a_day_that_may_still_grow_is_not_kept(store: Store) -> None:
    lived(store)
    summarise_days(store, Rule(), zones(), DATES, MONDAY + DAY + 6 * HOUR)
    assert stored(store) == 0
    summarise_days(store, Rule(), zones(), DATES, MONDAY + DAY + 6 * HOUR + MINUTE)
    assert stored(store) == 1


def test_nothing_is_kept_of_a_forgotten_band(store: Store) -> None:
    desk = lived(store)
    summarise_days(store, Rule(), zones(), DATES, LATER)
    copy = store.backup(None, LATER)
    store.forget(desk, MONDAY, with_data=True)
    assert (stored(store), count(copy, "days")) == (0, 0)


def test_nothing_is_kept_of_an_erased_time(store: Store) -> None:
    lived(store)
    summarise_days(store, Rule(), zones(), DATES, LATER)
    copy = store.backup(None, LATER)
    store.erase(MONDAY + 9 * HOUR, MONDAY + 10 * HOUR)
    assert (stored(store), count(copy, "days")) == (0, 0)
    same(store, Rule(), zones(), DATES, LATER)


def test_a_file_that_cannot_be_written_is_read_all_the_same(store: Store) -> None:
    lived(store)
    assert store.path is not None
    with Store.read(store.path) as reader:
        same(reader, Rule(), zones(), DATES, LATER)
    assert stored(store) == 0


def test_a_file_that_somebody_is_writing_is_read_without_waiting(store: Store) -> None:
    lived(store)
    assert store.path is not None
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        same(store, Rule(), zones(), DATES, LATER)
        other.execute("ROLLBACK")
    assert stored(store) == 0
    same(store, Rule(), zones(), DATES, LATER)
    assert stored(store) == 3


@pytest.mark.parametrize("who", ["another connection", "another thread"])
def test_what_was_written_while_a_day_was_judged_is_not_missed(
    store: Store, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = lived(store)
    assert store.path is not None
    threads: list[Thread] = []

    def interrupted(line: Timeline, found: Bouts, day: Day, now: datetime, *, trust_posture: bool) -> JudgedDay:
        late = [Epoch(MONDAY + 9 * HOUR, MINUTE, 120)]
        if who == "another connection":
            with Store.open(path) as writer:
                writer.append(desk, late)
        else:
            threads.append(Thread(target=store.append, args=(desk, late)))
            threads[-1].start()
        return judged_day(line, found, day, now, trust_posture=trust_posture)

    path = store.path
    with monkeypatch.context() as patched:
        patched.setattr("hipsync.history.summaries.judged_day", interrupted)
        summarise_days(store, Rule(), zones(), DATES, LATER)
    for thread in threads:
        thread.join()
    if who == "another connection":
        assert stored(store) == 0
    same(store, Rule(), zones(), DATES, LATER)


def test_a_heart_rate_that_comes_late_says_that_the_band_was_off_since(store: Store) -> None:
    """It lies before all that was loaded for the next day, which had none: the search in vain counts as well."""
    band = store.add_band(name="band", driver="csv", now=MONDAY, vouches=True)
    store.append(band.id, day("10h walk, 22h sleep, 40h walk", MONDAY))
    before = summarise_days(store, Rule(), zones(), DATES, LATER)
    assert stored(store) == 3
    store.append(band.id, [Epoch(MONDAY + 11 * HOUR + at * MINUTE, MINUTE, 0, heart_rate=60) for at in range(400)])
    same(store, Rule(), zones(), DATES, LATER)
    after = summarise_days(store, Rule(), zones(), DATES, LATER)
    assert (before[1].minutes[Kind.NOT_WORN], after[1].minutes[Kind.NOT_WORN]) == (0, 8 * 60)


def test_a_band_that_comes_and_goes_meanwhile_is_in_all_that_is_read_or_in_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    lived(store)
    before = summarise(store, Rule(), zones(), DATES[0], LATER)
    assert store.path is not None
    path, real = store.path, Store.epochs

    def meanwhile(self: Store, *words: Any, **more: Any) -> Any:
        with closing(sqlite3.connect(path)) as other, other:
            other.execute("DELETE FROM bands WHERE name = 'guest'")
            other.execute("INSERT INTO bands VALUES (77, 'guest', 'sig', NULL, '', 0, 0, 0, 0, NULL, NULL, 0, NULL)")
        return real(self, *words, **more)

    monkeypatch.setattr(Store, "epochs", meanwhile)
    assert summarise(store, Rule(), zones(), DATES[0], LATER) == before
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("DELETE FROM bands WHERE name = 'guest'")
    assert summarise_days(store, Rule(), zones(), DATES, LATER)[0] == before


def test_nothing_can_be_written_in_a_snapshot(store: Store) -> None:
    with store.snapshot(), pytest.raises(RuntimeError, match="rolled back"), store.transaction():
        pytest.fail("a transaction has begun")
    lived(store)


def test_an_upgrade_judges_anew(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    lived(store)
    summarise_days(store, Rule(), zones(), DATES, LATER)
    times = judged(monkeypatch)
    monkeypatch.setattr("hipsync.history.summaries.JUDGED_AS", JUDGED_AS + 1)
    summarise_days(store, Rule(), zones(), DATES, LATER)
    assert (len(times), stored(store)) == (3, 3)


# ------------------------------------------------------------------ anything that may happen


class World:
    """A store to which anything happens, with the settings and the clock of whoever looks."""

    def __init__(self, store: Store, seed: int) -> None:
        self.store, self.dice = store, random.Random(seed)
        self.rule, self.now, self.starts_at = Rule(), LATER, datetime.min.time()
        lived(store)
        store.note_zone(MONDAY - 30 * DAY, "Europe/London")

    def look(self) -> None:
        zones = Zones(self.store.zones(), "UTC", self.starts_at)
        bands = self.store.bands()
        only = self.dice.choice([None, None, *bands])
        same(self.store, self.rule, zones, DATES, self.now, only)

    def happen(self) -> None:
        self.dice.choice(
            [self.late, self.late, self.counted, self.counted, self.taken_off, self.ridden, self.another_band,
             self.amended, self.journey, self.settings, self.clock, self.forgotten]
        )()  # fmt: skip

    def when(self) -> datetime:
        """Mostly near the bounds of the days that are looked at, and of what is loaded for them."""
        day = MONDAY + self.dice.randrange(-1, 5) * DAY
        near = self.dice.choice([timedelta(), -6 * HOUR, 6 * HOUR, -12 * HOUR, 9 * HOUR])
        return day + near + self.dice.randrange(-20, 20) * MINUTE

    def append(self, *readings: Reading) -> None:
        if bands := self.store.bands():
            self.store.append(self.dice.choice(bands).id, readings)

    def late(self) -> None:
        start = self.when()
        width = self.dice.choice([1, 1, 1, 10, 30, 60, 1440])
        state = self.dice.choice([None, None, State.ASLEEP, State.NOT_WORN])
        beats = self.dice.choice([None, 60])
        steps = self.dice.choice([0, 0, 5, 90]) * width
        self.append(
            *(
                Epoch(start + at * width * MINUTE, width * MINUTE, steps, None, beats, state)
                for at in range(self.dice.choice([1, 30, 400]) // width + 1)
            )
        )

    def counted(self) -> None:
        at, apart = self.when(), self.dice.choice([1, 3, 12, 300]) * MINUTE
        self.append(*(Counter(at + i * apart, 50 * i) for i in range(self.dice.randrange(1, 5))))

    def taken_off(self) -> None:
        self.append(Wear(self.when(), worn=self.dice.random() < 0.5))

    def ridden(self) -> None:
        start = self.when()
        for length in self.dice.sample([10, 90, 700], 2):  # the second one replaces the first if it is the same band's
            self.append(Workout(WorkoutKind.ROWING, start, start + length * MINUTE))

    def another_band(self) -> None:
        self.store.add_band(
            name=f"band {len(self.store.bands())} {self.dice.random()}", driver="csv", now=MONDAY,
            vouches=self.dice.random() < 0.5, reports_wear=self.dice.random() < 0.5,
        )  # fmt: skip

    def amended(self) -> None:
        for band in self.store.bands()[-1:]:
            self.store.amend_band(band.id, vouches=True, reports_wear=self.dice.random() < 0.5)

    def journey(self) -> None:
        self.store.note_zone(self.when(), self.dice.choice(["Europe/London", "Asia/Tokyo", "America/New_York"]))

    def settings(self) -> None:
        self.rule = Rule(limit_minutes=self.dice.choice([45, 60]), moves=self.dice.choice([0, 3]))
        self.starts_at = datetime.min.time().replace(hour=self.dice.choice([0, 0, 4]))

    def clock(self) -> None:
        self.now = self.dice.choice([LATER, self.when().astimezone(UTC)])

    def forgotten(self) -> None:
        bands = self.store.bands()
        if len(bands) > 1 and self.dice.random() < 0.5:
            self.store.forget(bands[-1].id, self.now, with_data=True)


def live(seed: int, times: int, watch: Callable[[World], None] = World.look) -> None:
    with Store.in_memory() as store:
        world = World(store, seed)
        watch(world)
        for _ in range(times):
            world.happen()
            watch(world)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_kept_equals_what_is_judged_anew(seed: int) -> None:
    live(seed, 8)


@pytest.mark.ring
@pytest.mark.parametrize("seed", range(100, 160))
def test_what_is_kept_equals_what_is_judged_anew_for_long(seed: int) -> None:
    live(seed, 25)

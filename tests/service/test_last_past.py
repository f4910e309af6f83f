"""What was judged at the last look serves again while the minute and all that it was judged by are as they were."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from hipsync.core.bouts import alive_since
from hipsync.errors import StoreError
from hipsync.history.past import Past
from hipsync.model import MINUTE, Desk, Presence, PresenceSpan
from hipsync.service.clock_steps import Step
from hipsync.service.state import Families, LastPast, Running, Settings, settings_of, state_of
from hipsync.settings.config import Config
from hipsync.store import Store
from support.builders import MONDAY, day

SECOND = timedelta(seconds=1)
SETTINGS = settings_of(Config(), "UTC")
NINE = MONDAY + 9 * 60 * MINUTE
FAMILIES = Families()


class Counted(LastPast):
    """A memory that counts how often something was judged."""

    judged = 0

    def found(self, by: object, judge: Callable[[], tuple[Past, Past]]) -> tuple[Past, Past]:
        def counted() -> tuple[Past, Past]:
            self.judged += 1
            return judge()

        return super().found(by, counted)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "hipsync.db") as store:
        store.note_zone(MONDAY, "Europe/London")
        store.add_band(name="band", driver="huami", address="C0:00", now=MONDAY, vouches=True)
        yield store


def appended(store: Store, first: int, size: int) -> None:
    store.append(store.bands()[0].id, day(f"{size}m sit", NINE + first * MINUTE))


def looked(store: Store, memory: LastPast, now: datetime, settings: Settings = SETTINGS, *skipped: Step) -> None:
    """Look with a memory, which must see what is seen without one."""
    seen = state_of(store, settings, now, FAMILIES, Running(last_past=memory, skipped=skipped))
    anew = state_of(store, settings, now, FAMILIES, Running(skipped=skipped))
    assert seen._replace(zones=anew.zones) == anew


def test_what_lasts_a_minute_is_judged_once_in_it(store: Store) -> None:
    appended(store, 0, 70)
    memory = Counted()
    for look in range(12):
        looked(store, memory, NINE + 70 * MINUTE + look * 10 * SECOND)
    assert memory.judged == 2


def by_itself(store: Store) -> None:
    appended(store, 40, 5)


def by_another_program(store: Store) -> None:
    assert store.path is not None
    with Store.open(store.path) as other:
        appended(other, 40, 5)


def by_another_file(store: Store) -> None:
    """A copy that holds more takes the place of the file, as `db restore` does."""
    assert store.path is not None
    copy = store.path.with_name("copy.db")
    store.backup(copy, NINE)
    with Store.open(copy) as other:
        appended(other, 40, 5)
    for end in ("-wal", "-shm"):
        store.path.with_name(f"{store.path.name}{end}").unlink(missing_ok=True)
    copy.replace(store.path)
    with pytest.raises(StoreError, match="was replaced"):
        appended(store, 50, 1)


@pytest.mark.parametrize("stored", [by_itself, by_another_program, by_another_file])
def test_what_was_stored_meanwhile_is_seen_at_once(store: Store, stored: Callable[[Store], None]) -> None:
    appended(store, 0, 40)
    memory, now = Counted(), NINE + 45 * MINUTE + 5 * SECOND
    looked(store, memory, now)
    before = state_of(store, SETTINGS, now, FAMILIES).seen.line.known_until()
    stored(store)
    looked(store, memory, now + SECOND)
    assert state_of(store, SETTINGS, now, FAMILIES).seen.line.known_until() != before
    assert memory.judged == 2


def test_other_settings_and_a_clock_that_skipped_time_are_seen_at_once(store: Store) -> None:
    appended(store, 0, 45)
    store.add_presence([PresenceSpan(NINE, NINE + 30 * MINUTE, Presence.USED)])
    memory, now = Counted(), NINE + 45 * MINUTE
    looked(store, memory, now)
    at_desk = replace(SETTINGS, rule=SETTINGS.rule._replace(desk=Desk.SITTING, limit_minutes=30))
    looked(store, memory, now, at_desk)
    looked(store, memory, now, at_desk, Step(NINE + 5 * MINUTE, NINE + 25 * MINUTE))
    looked(store, memory, now, replace(at_desk, host_zone="Asia/Tokyo"))
    assert memory.judged == 4


def test_nobody_is_alive_in_a_minute_that_the_clock_skipped(store: Store) -> None:
    store.append(store.bands()[0].id, day("10m sit, 1m walk, 20m sit", NINE))
    now, skipped = NINE + 31 * MINUTE, [Step(NINE + 9 * MINUTE, NINE + 12 * MINUTE)]
    walked = state_of(store, SETTINGS, now, FAMILIES).seen.line
    line = state_of(store, SETTINGS, now, FAMILIES, Running(skipped=skipped)).seen.line
    assert sum(walked.steps) > 0
    assert sum(line.steps) == 0
    assert alive_since(walked, 0)
    assert not alive_since(line, 0)

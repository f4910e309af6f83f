"""Days of Xiaomi, Huawei and Garmin from Gadgetbridge: whether somebody wore the band, and what follows from that.

The days are drawn once and written as each of the three tables; what must come of them is reckoned by hand beside the
drawing.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import time
from pathlib import Path
from typing import NamedTuple

import pytest

from hipsync.core.bouts import Rule, bouts
from hipsync.core.days import Zones
from hipsync.core.policy import Policy
from hipsync.core.prompting import Due, verdict
from hipsync.core.timeline import minute_of, timeline
from hipsync.history.loaded import sources
from hipsync.model import MINUTE, Epoch, Prompt, WorkoutKind
from hipsync.store import Store
from support.builders import MONDAY, day
from support.gadgetbridge_made import (
    HOUR,
    NOW,
    TUESDAY,
    Rows,
    garmin,
    huawei,
    imported,
    made,
    seconds,
    stored,
    xiaomi,
)
from support.machine import Machine

OFFICE = Policy(hours=dict.fromkeys(range(7), ((time(8), time(22)),)), lunch=((time(12, 30), time(13, 30)),))
"""The default settings of a weekday."""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path, NOW)


THREE = pytest.mark.parametrize("written", [xiaomi, huawei, garmin])


class Seen(NamedTuple):
    sitting: int
    unknown: int
    asleep: int
    not_worn: int
    up: int
    reminders: list[str]


def seen(machine: Machine) -> Seen:
    """What `day` says of Monday, and at which times a reminder would have come that day."""
    told = json.loads(machine.told("day", "2026-03-02", "--json"))["minutes"]
    return Seen(
        told["sitting"], told["unknown"], told["asleep"], told["not_worn"], told["up"], reminders(machine)
    )  # fmt: skip


def reminders(machine: Machine) -> list[str]:
    zones = Zones([], "Europe/London")
    with Store.read(machine.database) as store:
        first, last = minute_of(MONDAY - 12 * HOUR), minute_of(TUESDAY)
        line = timeline(sources(store, store.bands(), first, last), first, last, zones)
    prompts: list[Prompt] = []
    for minute in range(minute_of(MONDAY) + 1, last + 1):
        now = MONDAY + (minute - minute_of(MONDAY)) * MINUTE
        if not time(8) <= now.time() <= time(22) and minute % 10:
            continue  # in the night nothing is due, and ten minutes later nothing either
        cut = line.until(minute)
        said = verdict(cut, bouts(cut, Rule()), prompts, OFFICE, zones, now)
        if isinstance(said, Due):
            prompts.append(Prompt(now, said.due, "hip-extension", said.sure, last_shown=now))
    return [f"{prompt.at:%H:%M}" for prompt in prompts]


NORMAL = (
    "420m sleep, 10m walk, 100m sit, 10m walk, 170m sit, 10m walk, 200m sit, 10m walk, 90m sit, 30m walk, 150m sit,"
    "10m walk, 110m sit, 120m sleep"
)
"""Of a Monday, in minutes: asleep 540, up 80, sitting 100 + 170 + 200 + 90 + 150 + 110 = 820.

The spells begin at 7:10, 9:00, 12:00, 15:30, 17:30 and 20:10. Each is due an hour later. What is due at 13:00 falls
into lunch and is dropped; and the first spell begins before the hours (8:00), so that it would count from a sign of
life inside them, of which there is none (science 2.1, docs/rule.md).
"""
REMINDED = ["10:00", "16:30", "18:30", "21:10"]


@THREE
def test_a_normal_day_without_pulse(machine: Machine, written: Callable[[Sequence[Epoch]], Rows]) -> None:
    """The 200 minutes from 12:00 are over 180 and nobody vouches for all of them: 820 - 200 = 620. All else counts."""
    imported(machine, written(day(NORMAL)))
    assert seen(machine) == Seen(620, 200, 540, 0, 80, REMINDED)


@THREE
@pytest.mark.parametrize(("every", "sitting"), [(61, 820), (62, 620), (1, 820)])
def test_a_normal_day_with_a_pulse_now_and_then(
    machine: Machine, written: Callable[[Sequence[Epoch]], Rows], every: int, sitting: int
) -> None:
    """A pulse each 61 minutes lies within 30 of each minute; with one each 62 a minute between is 31 from both."""
    worn = [each._replace(heart_rate=64 if at % every == 0 else None) for at, each in enumerate(day(NORMAL), start=30)]
    imported(machine, written(worn))
    assert seen(machine) == Seen(sitting, 820 - sitting, 540, 0, 80, REMINDED)


@THREE
def test_a_day_on_the_table(machine: Machine, written: Callable[[Sequence[Epoch]], Rows]) -> None:
    """Nothing but minutes without steps: all of them unknown, and no reminder, for there is no sign of life."""
    imported(machine, written(day("1440m sit")))
    assert seen(machine) == Seen(0, 1440, 0, 0, 0, [])


@THREE
def test_a_day_of_which_the_band_lay_on_the_table_after_a_walk(
    machine: Machine, written: Callable[[Sequence[Epoch]], Rows]
) -> None:
    """Worn until 9:10 without a pulse: sitting 7:10-9:00 (110), then a walk, then 890 minutes on the table.

    One reminder comes for them, at 10:10: that is what a walk an hour before, and nothing since, look like.
    """
    imported(machine, written(day("420m sleep, 10m walk, 110m sit, 10m walk, 890m sit")))
    assert seen(machine) == Seen(110, 890, 420, 0, 20, ["10:10"])


@THREE
def test_a_band_with_a_pulse_each_minute_is_not_worn_when_it_stops(
    machine: Machine, written: Callable[[Sequence[Epoch]], Rows]
) -> None:
    """Worn with a pulse until 12:00, then on the table for 12 hours: docs/rule.md, "Wear and doubtful stillness", 1.

    The spell of 290 minutes begins at 7:10, before the hours, without a sign of life inside them: no reminder.
    """
    epochs = day("420m sleep, 10m walk, 290m sit, 720m sit")
    worn = [each._replace(heart_rate=60) if at < 720 else each for at, each in enumerate(epochs)]
    imported(machine, written(worn))
    assert seen(machine) == Seen(290, 0, 420, 720, 10, [])


@THREE
def test_a_run_that_only_its_beginning_vouches_for_is_unknown_as_a_whole(
    machine: Machine, written: Callable[[Sequence[Epoch]], Rows]
) -> None:
    """A pulse each ten minutes for the first 60 of 200 still minutes; of 170 it needs none."""
    drawn = day("5h sleep, 5m walk, 200m sit, 5m walk, 170m sit, 5m walk, 12h 35m gap")
    pulses = {305 + 10 * n for n in range(7)}
    imported(
        machine, written([each._replace(heart_rate=60 if at in pulses else None) for at, each in enumerate(drawn)])
    )
    found = seen(machine)
    assert (found.sitting, found.unknown) == (170, 200 + 755)


@THREE
def test_what_is_imported_twice_or_moved_through_an_archive_is_judged_the_same(
    machine: Machine, tmp_path: Path, written: Callable[[Sequence[Epoch]], Rows]
) -> None:
    rows = written(day(NORMAL))
    assert "1,440 rows read: 1,440 new" in imported(machine, rows)
    before = stored(machine)
    assert "1,440 rows read: 0 new" in imported(machine, rows)
    assert stored(machine) == before
    archive = tmp_path / "all.json"
    archive.write_text(machine.told("export", "--format", "json"))
    (tmp_path / "b").mkdir()
    other = Machine(tmp_path / "b", NOW)
    assert other.type("import", "json", str(archive)).exit_code == 0
    assert seen(other) == Seen(620, 200, 540, 0, 80, REMINDED)


@THREE
def test_such_a_band_is_listed_and_neither_reached_nor_complained_of(
    machine: Machine, written: Callable[[Sequence[Epoch]], Rows]
) -> None:
    imported(machine, written(day("10m sit")))
    (band,) = json.loads(machine.told("bands", "--json"))["bands"]
    assert (band["name"], band["driver"]) == ("watch", written.__name__)
    found = json.loads(machine.type("doctor", "--json").stdout)["findings"]
    assert [row for row in found if row["what"] == "watch"] == []


# ------------------------------------------------------------------ workouts


@THREE
def test_workouts_of_such_a_band_come_with_it(
    machine: Machine, written: Callable[[Sequence[Epoch]], Rows]
) -> None:  # fmt: skip
    """Gadgetbridge stores Xiaomi's rowing machine as 04000016 (docs/protocols/workouts.md, 10)."""
    path = made(machine.home / "Gadgetbridge.db", written(day("10m sit")))
    at = seconds(MONDAY) * 1000
    with closing(sqlite3.connect(path)) as db:
        db.execute(
            'CREATE TABLE "BASE_ACTIVITY_SUMMARY" ("_id" INTEGER PRIMARY KEY, "NAME" TEXT, "START_TIME" INTEGER,'
            ' "END_TIME" INTEGER, "ACTIVITY_KIND" INTEGER, "DEVICE_ID" INTEGER)'
        )
        db.executemany(
            "INSERT INTO BASE_ACTIVITY_SUMMARY VALUES (?, NULL, ?, ?, ?, 1)",
            [(1, at, at + 1_800_000, 0x04000016), (2, at + 3_600_000, at + 3_600_000, 0x80)],
        )
        db.commit()
    done = machine.type("import", "gadgetbridge", str(path))
    assert "Left out: 1 row with what cannot be." in done.stdout
    with Store.read(machine.database) as store:
        (workout,) = store.workouts(store.bands()[0].id, MONDAY, NOW)
    assert (workout.kind, workout.start, workout.end) == (WorkoutKind.ROWING, MONDAY, MONDAY + 30 * MINUTE)

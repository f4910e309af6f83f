"""What each row of Xiaomi, Huawei and Garmin says in Gadgetbridge's database, and hostile ones."""

from __future__ import annotations

import sqlite3
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from hipsync.driver import MIDNIGHT, LeftOut, Row
from hipsync.model import MINUTE, Epoch, State
from hipsync.registry import families
from hipsync.store import Store
from support.builders import MONDAY
from support.gadgetbridge_made import (
    COLUMNS,
    HOUR,
    NOW,
    Cells,
    imported,
    made,
    seconds,
    stored,
)
from support.machine import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path, NOW)


# ------------------------------------------------------------------ Xiaomi


def samples(table: str) -> Callable[[Iterator[tuple[datetime, Row]]], Iterator[Epoch | LeftOut]]:
    return next(each.gadgetbridge[table] for each in families().values() if table in each.gadgetbridge).epochs


def read(table: str, rows: Sequence[tuple[float, dict[str, int | None]]]) -> list[Epoch | LeftOut]:
    """What a family makes of rows at so many minutes after Monday's midnight."""
    return list(samples(table)((MONDAY + at * MINUTE, row) for at, row in rows))


def minute(at: int, steps: int, bpm: int | None = None, state: State | None = None) -> Epoch:
    return Epoch(MONDAY + at * MINUTE, MINUTE, steps, None, bpm, state)


def test_a_xiaomi_minute_is_its_steps_its_pulse_and_what_gadgetbridge_s_kind_says() -> None:
    def row(steps: int | None, kind: int | None, bpm: int | None) -> dict[str, int | None]:
        return {"STEPS": steps, "RAW_KIND": kind, "HEART_RATE": bpm}

    rows = [
        (0, row(0, 0, 58)), (1, row(42, 0x20, 88)), (2, row(0, 2, 255)), (3, row(0, 4, 0)), (4, row(0, 0x1000000, -1)),
        (5, row(0, 8, None)), (6, row(3, 0x80, 120)), (7, row(90, 0x10, 140)), (8, row(-1, 1, 60)),
        (9, row(None, 1, 60)), (10, row(301, 1, 60)), (11, row(7, -1, 60)), (11.5, row(5, None, 0)),
    ]  # fmt: skip
    assert read("XIAOMI_ACTIVITY_SAMPLE", rows) == [
        minute(0, 0, 58), minute(1, 42, 88, State.WALKING), minute(2, 0, None, State.ASLEEP),
        minute(3, 0, None, State.ASLEEP), minute(4, 0, None, State.ASLEEP), minute(5, 0, None, State.NOT_WORN),
        minute(6, 3, 120, State.CYCLING), minute(7, 90, 140, State.RUNNING), LeftOut("without steps"),
        LeftOut("without steps"), LeftOut("with more steps than anybody walks in that time"), minute(11, 12, 60),
    ]  # fmt: skip


def test_a_xiaomi_night_is_asleep_but_for_the_stages_awake(machine: Machine) -> None:
    """Asleep from 0:02 to 0:08; a stage of 5 at 0:04 lasts until the next stage, at 0:06."""
    at = seconds(MONDAY)
    told = imported(machine, {
        "XIAOMI_ACTIVITY_SAMPLE": [(at + 60 * n, -1, 0, 0, 0, None, None) for n in range(10)],
        "XIAOMI_SLEEP_TIME_SAMPLE": [
            ((at + 120) * 1000, (at + 480) * 1000, 0), ((at + 540) * 1000, 0, 1), ((at + 541) * 1000, at * 1000, 0),
            ((at - 90_000) * 1000, (at + 540) * 1000, 0),
        ],
        "XIAOMI_SLEEP_STAGE_SAMPLE": [
            ((at + 120) * 1000, 3), ((at + 240) * 1000, 5), ((at + 360) * 1000, 2), ((at + 420) * 1000, 4)
        ],
    })  # fmt: skip
    asleep = [(epoch.start - MONDAY) // MINUTE for epoch in stored(machine) if epoch.state is State.ASLEEP]
    assert asleep == [2, 3, 6, 7]
    assert "Left out: 3 rows with a sleep that cannot be." in told  # no end, an end before it, longer than a day


# ------------------------------------------------------------------ Huawei


def test_a_huawei_minute_is_told_once_and_its_pulse_is_a_signed_byte() -> None:
    def row(
        at: float, minutes: float, source: int, steps: int | None, bpm: int | None
    ) -> tuple[float, Mapping[str, int | None]]:
        other = seconds(MONDAY) + int(60 * (at + minutes))
        return at, {"OTHER_TIMESTAMP": other, "SOURCE": source, "STEPS": steps, "HEART_RATE": bpm}

    rows = [
        row(0, 1, 11, 120, 80), row(1, -1, 11, 120, 80), row(1, 1, 11, 0, -106), row(2, -1, 11, 0, -106),
        row(2, 1, 11, 0, -1), row(3, 60, 13, -1, -1), row(3, 1, 7, 5, 60), row(4, 2, 11, 5, 60), row(5, 1, 11, -1, 60),
        row(6, 1, 11, 400, 60),
    ]  # fmt: skip
    assert list(samples("HUAWEI_ACTIVITY_SAMPLE")((MONDAY + at * MINUTE, cells) for at, cells in rows)) == [
        minute(0, 120, 80), minute(1, 0, 150), minute(2, 0), LeftOut("that are neither minutes nor sleep"),
        LeftOut("that say to be a minute, and are none"), LeftOut("without steps"),
        LeftOut("with more steps than anybody walks in that time"),
    ]  # fmt: skip


def test_huawei_sleeps_are_joined_where_they_overlap(machine: Machine) -> None:
    at = seconds(MONDAY)
    spans = [(0, 3, 0x0D, 6), (2, 5, 0x0A, 7), (7, 8, 0x0D, 3), (8, 9, 0x0D, 6), (9, 9 + 1441, 0x0D, 6)]
    rows: list[Cells] = [(at + 60 * n, at + 60 * n + 60, 11, -1, -1, 0, -1, -1, -1, -1) for n in range(10)]
    for first, last, source, kind in spans:
        a, b = at + 60 * first, at + 60 * last
        rows += [(a, b, source, kind, -1, -1, -1, -1, -1, -1), (b, a, source, kind, -1, -1, -1, -1, -1, -1)]
    told = imported(machine, {"HUAWEI_ACTIVITY_SAMPLE": rows})
    asleep = [(epoch.start - MONDAY) // MINUTE for epoch in stored(machine) if epoch.state is State.ASLEEP]
    assert asleep == [0, 1, 2, 3, 4, 8]
    assert "Left out: 1 row with a sleep that cannot be." in told


def test_a_huawei_row_of_an_impossible_time_is_counted_once_though_the_table_is_read_twice(machine: Machine) -> None:
    ahead = seconds(NOW) + 86_400
    rows: list[Cells] = [(ahead, ahead + 60, 11, -1, -1, 0, -1, -1, -1, -1), (seconds(MONDAY), seconds(MONDAY) + 60, 11,
                          -1, -1, 0, -1, -1, -1, -1)]  # fmt: skip
    told = imported(machine, {"HUAWEI_ACTIVITY_SAMPLE": rows})
    assert "Left out: 1 row with a time that cannot be." in told


def test_a_table_without_a_minute_is_named_with_its_rows(machine: Machine) -> None:
    starts = range(seconds(MONDAY), seconds(MONDAY) + 120 * 60, 60)
    rows: list[Cells] = [(at, at + 60, 10, 1, 0, 60, 0, 0, -1, 70) for at in starts]  # neither minutes nor asleep
    told = imported(machine, {"HUAWEI_ACTIVITY_SAMPLE": rows})
    assert told.splitlines()[1:] == ["Left out: 120 rows of HUAWEI_ACTIVITY_SAMPLE, none of which is a minute."]
    assert stored(machine) == []


# ------------------------------------------------------------------ Garmin


NONE = -1


def garmin_row(
    at: float, total: int = NONE, bpm: int = NONE, intensity: int = NONE, kind: int = 1
) -> tuple[float, dict[str, int | None]]:
    midnight = MONDAY + 1440 * MINUTE if at > 1440 else MONDAY
    cells = {"RAW_INTENSITY": intensity, "STEPS": total, "RAW_KIND": kind, "HEART_RATE": bpm}
    return at, {**cells, MIDNIGHT: seconds(midnight)}


def slot(start: int, end: int, steps: int, bpm: int | None = None) -> Epoch:
    return Epoch(MONDAY + start * MINUTE, (end - start) * MINUTE, steps, None, bpm)


def still(*at: int) -> list[Epoch]:
    return [minute(each, 0)._replace(inferred=True) for each in at]


def test_garmin_steps_are_what_the_total_of_the_day_grew_by_since_the_record_before() -> None:
    """garmin.md, 9.4: at 9:02 a total of 2703, at 10:46 the wearer sits, at 11:00 a total of 4336: 1633 in 14 min."""
    rows = [garmin_row(542, 2703), garmin_row(646, intensity=5), garmin_row(660, 4336, kind=0x20, bpm=99)]
    assert read("GARMIN_ACTIVITY_SAMPLE", rows) == [
        slot(0, 542, 2703),  # the first of the day counts whole, somewhere since midnight
        minute(645, 0), slot(646, 660, 1633, 99),
    ]  # fmt: skip


def test_garmin_records_between_two_equal_totals_are_still() -> None:
    """Between records at most 16 minutes apart nothing changed; after a longer hole only the last minute is known."""
    rows = [
        garmin_row(480, 100), garmin_row(481, bpm=61), garmin_row(484, bpm=62), garmin_row(485, 100),
        garmin_row(501, 100), garmin_row(518, 100, bpm=63),
    ]  # fmt: skip
    assert read("GARMIN_ACTIVITY_SAMPLE", rows)[1:] == [
        minute(480, 0, 61), *still(481, 482), minute(483, 0, 62), minute(484, 0),
        *still(*range(485, 500)), minute(500, 0), minute(517, 0, 63),
    ]  # fmt: skip


def test_garmin_pulses_in_a_walk_are_no_still_minutes() -> None:
    """Steps lie anywhere between two totals, so the records between them say nothing of the steps."""
    rows = [garmin_row(480, 100), garmin_row(481, bpm=90), garmin_row(482, bpm=99), garmin_row(483, 250, kind=0x20)]
    assert read("GARMIN_ACTIVITY_SAMPLE", rows)[1:] == [slot(480, 483, 150)]


def test_rows_that_gadgetbridge_filled_in_are_absent_whatever_their_kind() -> None:
    rows = [garmin_row(480, 100), *(garmin_row(480 + n, kind=8) for n in range(1, 30)), garmin_row(510, 100, kind=8)]
    filled = [LeftOut("that Gadgetbridge filled in by guess")] * 29
    assert read("GARMIN_ACTIVITY_SAMPLE", rows)[1:] == [*filled, minute(509, 0)]


def test_a_garmin_total_that_falls_is_a_new_beginning_and_midnight_is_another() -> None:
    """The row at midnight itself ends Monday; on Tuesday 30 counts whole, though Monday ended with more."""
    rows = [
        garmin_row(1435, 500), garmin_row(1438, 20), garmin_row(1440, 45), garmin_row(1441, intensity=0),
        garmin_row(1446, 30),
    ]  # fmt: skip
    assert read("GARMIN_ACTIVITY_SAMPLE", rows)[1:] == [
        slot(1435, 1438, 20), slot(1438, 1440, 25), minute(1440, 0), slot(1441, 1446, 30),
    ]  # fmt: skip


def test_garmin_pulses_after_the_last_total_of_a_day_are_left_out() -> None:
    rows = [garmin_row(480, 100), garmin_row(481, bpm=61), garmin_row(483, bpm=61), garmin_row(1450, 10)]
    assert read("GARMIN_ACTIVITY_SAMPLE", rows)[1:] == [
        LeftOut("after the last total of steps of their day", 2), slot(1440, 1450, 10)
    ]  # fmt: skip


def test_a_garmin_ride_is_one_in_all_its_minutes_and_an_impossible_total_is_left_out() -> None:
    rows = [
        garmin_row(480, 100), garmin_row(495, intensity=4, kind=0x80), garmin_row(496, 900, kind=0x20),
        garmin_row(497, 905, kind=0x20),
    ]  # fmt: skip
    ride = [
        minute(480 + n, 0, None, State.CYCLING)._replace(inferred=n < 14) for n in range(15)
    ]  # fmt: skip
    assert read("GARMIN_ACTIVITY_SAMPLE", rows)[1:] == [
        *ride, LeftOut("with more steps than anybody walks in that time"), minute(496, 5, None, State.WALKING)
    ]  # fmt: skip


def test_garmin_s_midnight_is_the_wearer_s(machine: Machine) -> None:
    """In New York 2 March begins at 5:00 UTC: a total of 40 at 5:10 is that of the new day, though 30 came at 4:50."""
    machine.environment["TZ"] = "America/New_York"
    at = seconds(MONDAY)
    rows: list[Cells] = [(at + 60 * n, 3, total, 0x20, -1, -1, -1) for n, total in ((280, 10), (290, 30), (310, 40))]
    imported(machine, {"GARMIN_ACTIVITY_SAMPLE": rows})
    assert [(each.start - MONDAY, each.end - MONDAY, each.steps) for each in stored(machine)] == [
        (-19 * HOUR, 280 * MINUTE, 10), (280 * MINUTE, 290 * MINUTE, 20), (300 * MINUTE, 310 * MINUTE, 40),
    ]  # fmt: skip


def test_a_garmin_night_is_asleep_but_for_the_stages_awake(machine: Machine) -> None:
    """The stamp of a stage is its end: awake (1) until 0:06 means awake since 0:04, where the stage before ended."""
    at = seconds(MONDAY)
    imported(machine, {
        "GARMIN_ACTIVITY_SAMPLE": [(at + 60 * n, 0, -1, 1, -1, -1, -1) for n in range(1, 11)],
        "GARMIN_EVENT_SAMPLE": [
            ((at + 120) * 1000, 74, 0, 0), ((at + 121) * 1000, 41, 1, 0), ((at + 480) * 1000, 74, 1, 0),
            ((at + 540) * 1000, 74, 1, 0),
        ],
        "GARMIN_SLEEP_STAGE_SAMPLE": [((at + 240) * 1000, 2), ((at + 360) * 1000, 1), ((at + 480) * 1000, 3)],
    })  # fmt: skip
    asleep = [(epoch.start - MONDAY) // MINUTE for epoch in stored(machine) if epoch.state is State.ASLEEP]
    assert asleep == [2, 3, 6, 7]


# ------------------------------------------------------------------ hostile databases


MIB, ROWS = 2**20, 20_000
"""A row that is kept takes over 150 bytes, so that so many do not fit into a MiB."""


@pytest.mark.parametrize("table", ["XIAOMI_ACTIVITY_SAMPLE", "HUAWEI_ACTIVITY_SAMPLE", "GARMIN_ACTIVITY_SAMPLE"])
def test_a_minute_of_very_many_rows_takes_no_memory(table: str) -> None:
    row: dict[str, int | None] = {
        "STEPS": 1, "RAW_KIND": 1, "HEART_RATE": 60, "RAW_INTENSITY": 1, "SOURCE": 11, MIDNIGHT: seconds(MONDAY),
        "OTHER_TIMESTAMP": seconds(MONDAY) + 180,
    }  # fmt: skip
    tracemalloc.start()
    try:
        found = sum(1 for _ in samples(table)((MONDAY + 2 * MINUTE, row) for _ in range(ROWS)))
        assert tracemalloc.get_traced_memory()[1] < MIB
    finally:
        tracemalloc.stop()
    assert found <= ROWS


@pytest.mark.parametrize("cell", [2**62, -(2**62), None, 0])
@pytest.mark.parametrize("table", list(COLUMNS))
def test_cells_without_meaning_bring_no_minute_and_no_traceback(machine: Machine, table: str, cell: int | None) -> None:
    at = seconds(MONDAY)
    rows: dict[str, Sequence[Cells]] = {"XIAOMI_ACTIVITY_SAMPLE": [(at, -1, 5, 0, 60, None, None)]}
    rows[table] = [*rows.get(table, ()), (at + 60, *[cell] * len(COLUMNS[table]))]
    imported(machine, rows)
    with Store.read(machine.database) as store:
        steps = {each.steps for band in store.bands() for each in store.epochs(band.id, MONDAY - 48 * HOUR, NOW)}
    assert steps <= {0, 5}


def test_words_for_numbers_in_a_table_of_sleep_are_one_line(machine: Machine) -> None:
    at = seconds(MONDAY)
    file = made(machine.home / "Gadgetbridge.db", {"XIAOMI_ACTIVITY_SAMPLE": [(at, -1, 5, 0, 60, None, None)]})
    with closing(sqlite3.connect(file)) as db:
        db.execute("INSERT INTO XIAOMI_SLEEP_TIME_SAMPLE VALUES (?, 1, 1, 'soon', 0)", (at * 1000,))
        db.commit()
    assert "XIAOMI_SLEEP_TIME_SAMPLE holds" in machine.refused("import", "gadgetbridge", str(file), code=1)

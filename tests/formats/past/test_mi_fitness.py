"""Mi Fitness's copy of an account's data: events with a JSON value, by device."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence

import pytest

from formats.past import independent_mi_fitness as independent
from formats.past.read_forms import NOW, head_of, read, refusal, refused_of
from hipsync.formats.past.mi_fitness import CLOCK_NOT_SET, FORM, source_of
from hipsync.formats.past.reading import FUTURE, NO_HEART_RATE, UNKNOWN_STAGE, Reading
from support.shared import LARGER, needs_shared

HEADER = ("Uid", "Sid", "Key", "Time", "Value", "UpdateTime")
SPORT_HEADER = ("Uid", "Sid", "Key", "Time", "Category", "Value", "UpdateTime")
EIGHT = 1_795_161_600
"""2026-11-20 08:00 UTC."""


def made(rows: Sequence[Sequence[object]], header: Sequence[str] = HEADER) -> str:
    """A file of rows, whose values are written as JSON."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([json.dumps(cell) if isinstance(cell, dict) else cell for cell in row])
    return text.getvalue()


def event(key: str, value: object, at: int = EIGHT, sid: str = "790547985") -> tuple[object, ...]:
    return 6, sid, key, at, value, at


STAGES = [
    {"start_time": EIGHT - 30_000, "end_time": EIGHT - 20_000, "state": 3},
    {"start_time": EIGHT - 20_000, "end_time": EIGHT - 19_400, "state": 5},
    {"start_time": EIGHT - 19_400, "end_time": EIGHT - 10_000, "state": 2},
    {"start_time": EIGHT - 10_000, "end_time": EIGHT, "state": 4},
]
NIGHT = {"bedtime": EIGHT - 30_000, "wake_up_time": EIGHT, "timezone": 4, "duration": 480, "items": STAGES}
EVENTS = made(
    [
        event("steps", {"time": EIGHT, "steps": 60, "distance": 41, "calories": 2}),
        event("steps", {"time": EIGHT + 60, "steps": 0, "distance": 0, "calories": 0}, EIGHT + 60),
        event("heart_rate", {"time": EIGHT, "bpm": 71, "type": 0}),
        event("single_heart_rate", {"time": EIGHT + 7, "bpm": 88}, EIGHT + 7, "blt.3.1bcD5e"),
        event("abnormal_heart_rate", {"time": EIGHT, "bpm": 71, "prev_bpm": 0}),
        event("calories", {"time": EIGHT, "calories": 1}),
        event("sleep", NIGHT),
        event("watch_daytime_sleep", {"bedtime": EIGHT + 20_000, "wake_up_time": EIGHT + 21_800}, EIGHT + 21_800),
        event("steps", {"time": EIGHT, "steps": 12, "distance": 9, "calories": 0}, sid="xiaomiwear_app_manually"),
    ]
)
WORKOUTS = made(
    [
        (6, "790547985", sport, EIGHT, "x", {"start_time": EIGHT, "end_time": EIGHT + 1800, "steps": 9}, EIGHT)
        for sport in ("outdoor_running", "indoor_running", "outdoor_walking", "outdoor_riding", "indoor_riding", "yoga")
    ],
    SPORT_HEADER,
)


def test_events_say_what_an_independent_reader_finds() -> None:
    said = read(FORM, EVENTS)
    assert said == independent.said(EVENTS)
    assert len(said) == 9
    assert said[:2] == [
        ("Walked", "Mi Fitness 7985", EIGHT, EIGHT + 60, 60),
        ("Walked", "Mi Fitness 7985", EIGHT + 60, EIGHT + 120, 0),
    ]


def test_workouts_say_what_an_independent_reader_finds() -> None:
    assert read(FORM, WORKOUTS) == independent.said(WORKOUTS)


@needs_shared("../cases/data/23-mifitness.csv")
def test_the_sample_says_what_its_description_says() -> None:
    data = (LARGER / "../cases/data/23-mifitness.csv").read_text("utf-8")
    said = read(FORM, data)
    assert said == independent.said(data)
    assert said[0] == ("Walked", "Mi Fitness 2", EIGHT, EIGHT + 60, 60)
    assert len(said) == 120
    assert sum(steps for *_, steps in said if isinstance(steps, int)) == 900


def test_a_device_has_one_short_name_in_each_file_and_an_app_its_own() -> None:
    assert [source_of(sid) for sid in ("790547985", "blt.3.1bcD5e", "2", "default", "", "\x1b[31m")] == [
        "Mi Fitness 7985", "Mi Fitness cD5e", "Mi Fitness 2", "Mi Fitness default", "Mi Fitness", "Mi Fitness 31m",
    ]  # fmt: skip
    assert "too long" in refusal(FORM, made([event("steps", {"steps": 1}, sid="x" * 300)]))


def test_waking_is_no_sleep_and_a_stage_without_a_name_is_left_out() -> None:
    reading = Reading(None, NOW)
    strange = {**NIGHT, "items": [*STAGES, {"start_time": EIGHT, "end_time": EIGHT + 60, "state": 9}]}
    said = read(FORM, made([event("sleep", strange)]), reading=reading)
    assert [(start, end) for _, _, start, end in said] == [
        (EIGHT - 30_000, EIGHT - 20_000), (EIGHT - 19_400, EIGHT - 10_000), (EIGHT - 10_000, EIGHT),
    ]  # fmt: skip
    assert reading.left_out == {UNKNOWN_STAGE: 1}


def test_a_clock_that_was_not_set_the_future_and_a_heart_that_does_not_beat_are_left_out() -> None:
    reading = Reading(None, NOW)
    rows = [
        event("steps", {"steps": 4}, 978_220_800),
        event("steps", {"steps": 4}, EIGHT + 10_000_000),
        event("heart_rate", {"bpm": 0}),
        event("heart_rate", {"bpm": 301}),
    ]
    assert read(FORM, made(rows), reading=reading) == []
    assert reading.left_out == {CLOCK_NOT_SET: 1, FUTURE: 1, NO_HEART_RATE: 2}


def test_a_byte_order_mark_crlf_another_order_and_further_columns_change_nothing() -> None:
    rows = list(csv.reader(io.StringIO(EVENTS)))
    turned = made([["1", *reversed(row)] for row in rows[1:]], ["New", *reversed(HEADER)])
    for data in ("\ufeff" + EVENTS, EVENTS.replace("\n", "\r\n"), EVENTS.rstrip("\n"), turned):
        assert FORM.fits(head_of(data))
        assert read(FORM, data) == read(FORM, EVENTS)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (event("steps", '{"steps":'), "line 2: the Value is not JSON"),
        (event("steps", "[" * 50_000), "line 2: the Value is not JSON"),
        (event("steps", '{"steps":' + "9" * 5000 + "}"), "line 2: the Value is not JSON"),
        (event("steps", "[1]"), "line 2: the Value is not a JSON object"),
        (event("steps", {"steps": True}), "line 2: steps is not a whole number in the Value: True"),
        (event("steps", {"steps": 1.5}), "line 2: steps is not a whole number in the Value: 1.5"),
        (event("steps", '{"steps":NaN}'), "line 2: steps is not a whole number in the Value: nan"),
        (event("steps", {}), "line 2: steps is not a whole number in the Value: None"),
        (event("sleep", {"items": [7], "bedtime": 1, "wake_up_time": 2}), "line 2: 7 is no stage of sleep"),
        ((6, "1", "steps", "8 o'clock", {"steps": 1}, 0), "in Time is not a number of seconds"),
        ((6, "1", "steps", EIGHT), "line 2: it has 4 columns and the header 6"),
    ],
)  # fmt: skip
def test_a_broken_row_is_refused_with_its_line(row: Sequence[object], why: str) -> None:
    assert why in refusal(FORM, made([row]))


def test_a_file_of_a_header_says_nothing_and_an_empty_one_is_refused() -> None:
    assert read(FORM, made([])) == []
    assert read(FORM, made([], SPORT_HEADER)) == []
    assert "the line with the names of the columns is missing" in refusal(FORM, "")


def test_only_its_events_fit_and_not_its_daily_reports() -> None:
    assert FORM.fits(head_of(EVENTS))
    assert FORM.fits(head_of(WORKOUTS))
    assert not FORM.fits(head_of("Uid,Sid,Tag,Key,Time,Value,UpdateTime\n"))
    assert not FORM.fits(head_of("Uid,Sid,Identifier,Model,Name,Alias,Status,CreateTime,UpdateTime\n"))


def test_two_hundred_damaged_files_are_read_or_refused_in_one_line() -> None:
    files = [("export.csv", text) for text in (EVENTS, WORKOUTS)]
    assert 40 < refused_of(FORM, files, 100) < 200

"""Samsung Health's copy of its data: tables with a name in front, and the minutes in JSON files."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from formats.past import independent_samsung as independent
from formats.past.read_forms import LONDON, NOW, head_of, read, refusal, refused_of
from hipsync.errors import ZoneWanted
from hipsync.formats.past.reading import FUTURE, NO_HEART_RATE, NO_LENGTH, NO_STEPS, TOO_LONG, UNKNOWN_STAGE, Reading
from hipsync.formats.past.samsung_bins import LARGEST_BYTES, WITHOUT_TIME
from hipsync.formats.past.samsung_health import (
    FORM,
    MEANS,
    NO_MIDNIGHT,
    ONE_DEVICE,
    source_of,
)
from support.shared import LARGER, needs_shared

EIGHT = int(datetime(2026, 11, 20, 8, tzinfo=UTC).timestamp())
OWN = "com.sec.android.app.shealth"
STEP = "com.samsung.health.step_count"
STEPS = (
    f"com.samsung.shealth.tracker.pedometer_step_count,6311003,4\n"
    f"duration,run_step,walk_step,{STEP}.start_time,{STEP}.update_time,{STEP}.count,{STEP}.time_offset,"
    f"{STEP}.deviceuuid,{STEP}.pkg_name,{STEP}.end_time\n"
    f"60000,0,34,2026-11-20 08:00:00.000,2026-11-20 09:00:00.1,34,UTC+0100,Cv7sH/e0hQ,{OWN},2026-11-20 08:00:59.999,\n"
    f"60000,9,0,2026-11-20 08:01:00.000,2026-11-20 09:00:00.1,9,UTC+0100,Cv7sH/e0hQ,{OWN},2026-11-20 08:02:00.000,\n"
    f"60000,0,0,2026-11-20 08:01:30.500,2026-11-20 09:00:00.1,0,UTC+0100,1kGlEKqwGK,{OWN},2026-11-20 08:02:30.000,\n"
)
DAYS = (
    "com.samsung.shealth.step_daily_trend,6311003,4\n"
    "binning_data,update_time,create_time,source_pkg_name,source_type,count,speed,distance,calorie,deviceuuid,pkg_name,"
    "datauuid,day_time\n"
    f"a.json,x,x,,-2,9715,1,7099,396,VfS0qUERdZ,{OWN},d1,2026-03-28 00:00:00.000,\n"
    f"b.json,x,x,,0,3200,1,2100,120,Cv7sH/e0hQ,{OWN},d2,2026-03-28 00:00:00.000,\n"
    f"a.json,x,x,,-2,8000,1,7099,396,VfS0qUERdZ,{OWN},d3,1774742400000,\n"
    f"a.json,x,x,,-2,7000,1,7099,396,VfS0qUERdZ,{OWN},d4,2026-10-25 00:00:00.000,\n"
)
HEART = "com.samsung.health.heart_rate"
BEATS = (
    "com.samsung.shealth.tracker.heart_rate,6311003,4\n"
    f"tag_id,{HEART}.start_time,{HEART}.end_time,{HEART}.heart_rate,{HEART}.deviceuuid,{HEART}.binning_data\n"
    "1,2026-11-20 20:15:32.766,2026-11-20 20:15:32.766,77.0,Cv7sH/e0hQ,,\n"
    "1,2026-11-20 21:00:00.000,2026-11-20 21:59:59.000,61.5,Cv7sH/e0hQ,a.binning_data.json,\n"
)
NIGHTS = (
    "com.samsung.shealth.sleep,6311003,4\n"
    "sleep_score,com.samsung.health.sleep.start_time,com.samsung.health.sleep.end_time,"
    "com.samsung.health.sleep.deviceuuid\n"
    "71,2026-11-19 23:45:00.000,2026-11-20 06:26:00.000,Cv7sH/e0hQ,\n"
)
STAGES = (
    "com.samsung.health.sleep_stage,6311003,4\n"
    "start_time,sleep_id,stage,time_offset,deviceuuid,end_time\n"
    "2026-11-19 23:45:00.000,n,40001,UTC+0000,Cv7sH/e0hQ,2026-11-20 00:03:00.000,\n"
    "2026-11-20 00:03:00.000,n,40002,UTC+0000,Cv7sH/e0hQ,2026-11-20 01:00:00.000,\n"
    "2026-11-20 01:00:00.000,n,40003,UTC+0000,Cv7sH/e0hQ,2026-11-20 02:00:00.000,\n"
    "2026-11-20 02:00:00.000,n,40004,UTC+0000,Cv7sH/e0hQ,2026-11-20 06:26:00.000,\n"
)
SPORT = "com.samsung.health.exercise"
WORKOUTS = (
    "com.samsung.shealth.exercise,6311003,4\n"
    f"title,{SPORT}.exercise_type,{SPORT}.start_time,{SPORT}.end_time,{SPORT}.deviceuuid\n"
    + "".join(
        f'"a, b",{number},2026-11-20 1{hour}:07:18.000,2026-11-20 1{hour}:17:18.000,Cv7sH/e0hQ,\n'
        for hour, number in enumerate((1001, 1002, 11007, 15003, 15004, 15005, 98765))
    )
)
TABLES = (STEPS, DAYS, BEATS, NIGHTS, STAGES, WORKOUTS)
STEP_BINS = json.dumps(
    [
        {"mStartTime": (EIGHT + 600 * at) * 1000, "mTimeUnit": 600_000, "mStepCount": 7 * at, "mDistance": 0.5}
        for at in range(6)
    ]
)
BEAT_BINS = json.dumps(
    [
        {
            "start_time": (EIGHT + 60 * at) * 1000,
            "end_time": (EIGHT + 60 * at) * 1000 + 59_000,
            "heart_rate": 60.0 + at,
            "heart_rate_max": 99.0,
            "heart_rate_min": 50.0,
        }
        for at in range(5)
    ]
)


@pytest.mark.parametrize("data", TABLES)
def test_a_table_says_what_an_independent_reader_finds(data: str) -> None:
    said = read(FORM, data, zone=LONDON)
    assert said == independent.said(data, LONDON)
    assert said


def test_a_start_time_is_utc_whatever_the_offset_beside_it() -> None:
    assert read(FORM, STEPS) == [
        ("Walked", "Samsung Health Cv7s", EIGHT, EIGHT + 60, 34),
        ("Walked", "Samsung Health Cv7s", EIGHT + 60, EIGHT + 120, 9),
        ("Walked", "Samsung Health 1kGl", EIGHT + 90, EIGHT + 150, 0),
    ]


@needs_shared("../cases/data/21-samsung-steps.csv")
def test_the_sample_says_what_its_description_says() -> None:
    data = (LARGER / "../cases/data/21-samsung-steps.csv").read_text("utf-8")
    assert read(FORM, data) == independent.said(data, LONDON)
    assert read(FORM, data) == [("Walked", "Samsung Health d", EIGHT, EIGHT + 60, 34)]


def test_a_days_total_is_that_of_all_devices_and_asks_for_the_zone() -> None:
    reading = Reading(ZoneInfo("Asia/Seoul"), NOW)
    (_, source, start, end, steps), *_ = read(FORM, DAYS, reading=reading)
    midnight = int(datetime(2026, 3, 27, 15, tzinfo=UTC).timestamp())
    assert (source, start, end, steps) == ("Samsung Health days", midnight, midnight + 86_400, 9715)
    assert reading.left_out == {ONE_DEVICE: 1}
    with pytest.raises(ZoneWanted):
        read(FORM, DAYS)
    assert read(FORM, "\n".join(DAYS.split("\n")[:2])) == []


def test_a_day_may_have_23_hours_and_of_25_the_first_24_count() -> None:
    lengths = [
        end - start
        for _, _, start, end, _ in read(FORM, DAYS, zone=LONDON)
        if isinstance(start, int) and isinstance(end, int)
    ]
    assert lengths == [86_400, 82_800, 86_400]


def test_a_day_that_is_not_over_and_one_that_begins_at_no_midnight_are_left_out() -> None:
    reading = Reading(LONDON, datetime(2026, 3, 28, 12, tzinfo=UTC))
    today = "\n".join(DAYS.split("\n")[:3])
    assert read(FORM, today, reading=reading) == []
    assert read(FORM, today.replace("2026-03-28 00:00:00.000", "1774742400001"), reading=reading) == []
    assert reading.left_out == {FUTURE: 1, NO_MIDNIGHT: 1}


def test_a_mean_of_an_hour_is_no_heart_rate_of_an_instant() -> None:
    reading = Reading(None, NOW)
    assert len(read(FORM, BEATS, reading=reading)) == 1
    assert reading.left_out == {MEANS: 1}


@pytest.mark.parametrize("data", [STEP_BINS, BEAT_BINS, "\ufeff\n " + STEP_BINS])
def test_bins_say_what_an_independent_reader_finds(data: str) -> None:
    assert FORM.fits(head_of(data, "0/0a065d78.binning_data.json"))
    assert read(FORM, data) == independent.said_by_bins(data.strip("\ufeff\n "))


def test_a_bin_of_the_rest_of_today_says_nothing_and_steps_without_a_time_are_left_out() -> None:
    reading = Reading(None, NOW)
    bins = [{"mStartTime": 0, "mStepCount": 0}, {"mStartTime": 0, "mStepCount": 5}, {"mStepCount": 5}]
    assert read(FORM, json.dumps(bins), reading=reading) == []
    assert reading.left_out == {WITHOUT_TIME: 2}


def test_a_bin_that_counts_from_midnight_is_no_bin_of_1970() -> None:
    reading = Reading(None, NOW)
    bins = [{"mStartTime": 600_000 * at, "mTimeUnit": 600_000, "mStepCount": at} for at in range(144)]
    assert read(FORM, json.dumps(bins), reading=reading) == []
    assert reading.left_out == {WITHOUT_TIME: 143}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (STEP_BINS[:-1], "the file is not JSON"),
        ('[{"mStartTime":1,"mStepCount":' + "9" * 5000 + "}]", "the file is not JSON"),
        ('[{"mStartTime":1,"mStepCount":' + "[" * 90_000, "the file is not JSON"),
        ('["mStartTime","mStepCount"]', "bin 1: 'mStartTime' is not an object"),
        ('[{"mStartTime":1,"mStepCount":true}]', "bin 1: mStepCount is not a whole number: True"),
        ('[{"mStartTime":1e400,"mStepCount":1}]', "bin 1: mStartTime is not a whole number: inf"),
        ('[{"mStartTime":1,"mStepCount":1,"mTimeUnit":5}]', "bin 1: mTimeUnit is no length of a bin: 5"),
        ('[{"start_time":1,"heart_rate":NaN,"heart_rate_max":1}]', "bin 1: heart_rate is not a number: nan"),
        ('[{"start_time":1,"heart_rate":"60","heart_rate_max":1}]', "bin 1: heart_rate is not a number: '60'"),
        ('[{"mStartTime":0,"mStepCount":0}' + " " * LARGEST_BYTES + "]", "the file is larger than 4 MB"),
    ],
)
def test_broken_bins_are_refused_with_their_place(data: str, why: str) -> None:
    assert why in refusal(FORM, data, "a.binning_data.json")


def test_a_source_is_named_by_the_device_and_by_another_app() -> None:
    assert [source_of(device, app) for device, app in (
        ("Cv7sH/e0hQ", OWN), ("/+=", OWN), ("", ""), ("1k", "com.strava"), ("\x1b[2J", "\x1b[31m"),
    )] == [
        "Samsung Health Cv7s", "Samsung Health", "Samsung Health", "Samsung Health 1k com.strava",
        "Samsung Health 2J [31m",
    ]  # fmt: skip


def test_columns_without_a_tables_name_are_read_too_and_in_any_order() -> None:
    table, header, *rows = STEPS.split("\n")
    for names in (header.replace(f"{STEP}.", ""), header):
        turned = "\n".join([table, *(",".join(reversed(row.rstrip(",").split(","))) for row in [names, *rows])])
        assert read(FORM, turned) == read(FORM, STEPS)


def test_a_byte_order_mark_crlf_and_a_comma_after_the_header_change_nothing() -> None:
    for data in ("\ufeff" + STEPS, STEPS.replace("\n", "\r\n"), STEPS.replace(".end_time\n", ".end_time,\n")):
        assert FORM.fits(head_of(data))
        assert read(FORM, data) == read(FORM, STEPS)


def test_a_remark_of_several_lines_is_one_cell() -> None:
    assert read(FORM, WORKOUTS.replace('"a, b"', '"a\nb"')) == read(FORM, WORKOUTS)


def test_rows_that_cannot_be_used_are_counted_by_their_reason() -> None:
    reading = Reading(LONDON, NOW)
    read(FORM, STEPS.replace(",34,UTC", ",,UTC").replace("08:02:00.000", "08:01:00.000"), reading=reading)
    read(FORM, STAGES.replace("40003", "40009"), reading=reading)
    read(FORM, BEATS.replace("77.0", "0.0"), reading=reading)
    read(FORM, NIGHTS.replace("2026-11-19", "2026-11-18"), reading=reading)
    assert reading.left_out == {
        NO_STEPS: 1, NO_LENGTH: 1, UNKNOWN_STAGE: 1, NO_HEART_RATE: 1, MEANS: 1, TOO_LONG: 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("2026-11-20 08:00:00.000", "20/11/2026 08:00", "line 3: '20/11/2026' is not a date"),
        ("2026-11-20 08:00:00.000", "2026-02-30 08:00:00.000", "line 3: '2026-02-30' is not a date"),
        ("2026-11-20 08:00:00.000", "9999-11-20 08:00:00.000", "line 3: '9999-11-20' is not a date"),
        ("2026-11-20 08:00:00.000", "2026-11-20 08:00", "line 3: ' 08:00' is not a time of day"),
        (",34,UTC", ",many,UTC", "line 3: the number 'many' is not a whole number"),
        (",34,UTC", f",{'9' * 5000},UTC", "line 3: '9999"),
        ("60000,0,34,", "60000,", "line 3: it has 9 columns and the header 10"),
        ("60000,9,0,", "60000,9,", "line 4: it has 10 columns and the first row 11"),
        (f"{STEP}.count", f"{STEP}.calorie", "line 2: the column 'count' is missing"),
        ("Cv7sH/e0hQ", "C" * 300, "line 3: the id of a device or an app is too long"),
    ],
)
def test_a_broken_row_is_refused_with_its_line(old: str, new: str, why: str) -> None:
    assert why in refusal(FORM, STEPS.replace(old, new, 1))


def test_a_file_of_two_lines_says_nothing_and_one_of_a_line_is_refused() -> None:
    for data in TABLES:
        lines = data.split("\n")
        assert read(FORM, "\n".join(lines[:2])) == []
        assert "the line with the names of the columns is missing" in refusal(FORM, lines[0])
    assert "is no table of Samsung Health that hipsync reads" in refusal(FORM, "a,1\nb\n")


def test_only_its_tables_and_bins_fit() -> None:
    assert all(FORM.fits(head_of(data, "any.csv")) for data in TABLES)
    for other in (
        "com.samsung.shealth.exercise.extension,1,2\n", "com.samsung.shealth.stress,1,2\n", "timestamp,steps\n", "",
        "[]", '[{"dateTime":"11/20/26 08:00:00","value":{"bpm":60}}]', '[{"count":3,"speed":1.0}]',
        '[{"heart_rate":60,"start_time":1}]',
    ):  # fmt: skip
        assert not FORM.fits(head_of(other))


def test_two_hundred_damaged_files_are_read_or_refused_in_one_line() -> None:
    files = [("export.csv", text) for text in (*TABLES, STEP_BINS, BEAT_BINS)]
    assert 40 < refused_of(FORM, files, 25) < 200

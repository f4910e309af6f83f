"""Google Health's CSV: minutes and moments of several sources in UTC, stages of sleep, and workouts."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from formats.past.independent_google_health import Fact, facts
from formats.past.read_forms import (
    NOW,
    counted_in_bounded_memory,
    head_of,
    reading_in,
    refusal,
    refused_of,
    said_by,
    utc,
)
from hipsync.formats.past.google_health import DELETED, FORM
from hipsync.formats.past.reading import FUTURE, NO_HEART_RATE, NO_LENGTH, TOO_MANY_STEPS, UNKNOWN_STAGE
from hipsync.formats.past.said import Beat, Said, Slept, Trained, Walked
from hipsync.model import WorkoutKind

AIR, PHONE = "Google Fitbit Air", "Phone Health Kit"
EIGHT = datetime(2026, 11, 20, 8, tzinfo=UTC)
EIGHT_S = utc(2026, 11, 20, 8)
MINUTES = "".join(
    f"{EIGHT + timedelta(minutes=n):%Y-%m-%dT%H:%M:%SZ},{60 if n < 15 else 0},{AIR}\n" for n in range(120)
)
STEPS = f"timestamp,steps,data source\n{MINUTES}2026-11-20T08:14:03.552356Z,51,{PHONE}\n"
"""Two hours of a band, and a moment of a phone at its end."""
HEART = """timestamp,beats per minute,data source
2026-04-06T02:43:45Z,134.0,Inspire 3
2026-04-06T02:43:47Z,61.5,Inspire 3
2026-04-06T02:43:48Z,,Inspire 3
2026-04-06T02:43:49Z,300.0,Inspire 3
"""
STAGES = """sleep_id,sleep_stage_id,sleep_stage_type,start_utc_offset,sleep_stage_start,end_utc_offset,sleep_stage_end
1,1,AWAKE,-04:00,2026-04-12 05:45:30+0000,-04:00,2026-04-12 05:47:30+0000
1,2,LIGHT,-04:00,2026-04-12 05:47:30+0000,-04:00,2026-04-12 06:00:00+0000
1,3,DEEP,-04:00,2026-04-12T02:00:00-04:00,-04:00,2026-04-12T06:30:00.5Z
2,4,ASLEEP,-04:00,2026-04-12 15:21:30+0000,-04:00,2026-04-12 18:13:30+0000
2,5,DREAMT,-04:00,2026-04-12 15:21:30+0000,-04:00,2026-04-12 18:13:30+0000
2,6,REM,-04:00,2026-04-12 18:13:30+0000,-04:00,2026-04-12 18:13:30+0000
"""
EXERCISES = """exercise_id,exercise_start,exercise_end,utc_offset,activity_name,events,deletion_reason
1,2026-04-06 21:00:38+0000,2026-04-06 21:12:35+0000,-04:00,Outdoor Walk,"{""a"": [1,
2]}",
2,2026-04-06 22:00:00+0000,2026-04-06 22:30:00+0000,-04:00,Spinning,,UNSPECIFIED
3,2026-04-06 23:00:00+0000,2026-04-06 23:30:00+0000,-04:00,Kayaking,,
4,2026-04-07 01:00:00+0000,2026-04-07 01:30:00+0000,-04:00,Bike,,USER
"""


def said(text: str | bytes, name: str = "file.csv") -> list[Said]:
    return said_by(FORM, text, name, reading_in(None))


def steps(*rows: str) -> str:
    return "\n".join(["timestamp,steps,data source", *rows, ""])


def test_each_source_has_its_own_minutes_in_utc() -> None:
    found = [each for each in said(STEPS) if isinstance(each, Walked)]
    band = [walked for walked in found if walked.source == AIR]
    assert [walked.start_s for walked in band] == [EIGHT_S + 60 * n for n in range(120)]
    assert [walked.steps for walked in band] == [60] * 15 + [0] * 105
    assert [walked for walked in found if walked.source != AIR] == [
        Walked(PHONE, EIGHT_S + 14 * 60, EIGHT_S + 15 * 60, 51)
    ]  # fmt: skip


def test_rows_of_one_source_in_one_minute_are_added_and_the_same_row_counts_once() -> None:
    rows = (
        f"2026-11-20T08:00:03.5Z,10,{PHONE}", f"2026-11-20T08:00:20Z,5,{AIR}", f"2026-11-20T08:00:40.25Z,20,{PHONE}",
        f"2026-11-20T08:00:40.25Z,20,{PHONE}", f"2026-11-20T08:01:00Z,7,{PHONE}",
    )  # fmt: skip
    assert said(steps(*rows)) == [
        Walked(PHONE, EIGHT_S, EIGHT_S + 60, 30),
        Walked(PHONE, EIGHT_S + 60, EIGHT_S + 120, 7),
        Walked(AIR, EIGHT_S, EIGHT_S + 60, 5),
    ]


def test_more_steps_than_a_minute_holds_are_left_out_and_counted() -> None:
    reading = reading_in(None)
    rows = (f"2026-11-20T08:00:01Z,200,{PHONE}", f"2026-11-20T08:00:02Z,101,{PHONE}", f"2026-11-20T08:01:00Z,300,{AIR}")
    assert said_by(FORM, steps(*rows), "x.csv", reading) == [Walked(AIR, EIGHT_S + 60, EIGHT_S + 120, 300)]
    assert reading.left_out == {TOO_MANY_STEPS: 2}


def test_what_lies_in_the_future_is_left_out_and_counted() -> None:
    reading = reading_in(None)
    row = f"{NOW + timedelta(minutes=6):%Y-%m-%dT%H:%M:%SZ},5,{AIR}"
    assert said_by(FORM, steps(row), "x.csv", reading) == []
    assert reading.left_out == {FUTURE: 1}


def test_heart_rates_are_whole_and_what_nobody_has_is_counted() -> None:
    reading = reading_in(None)
    at_s = utc(2026, 4, 6, 2, 43, 45)
    assert said_by(FORM, HEART, "heart_rate_2026-04-06.csv", reading) == [
        Beat("Inspire 3", at_s, 134), Beat("Inspire 3", at_s + 2, 62)
    ]  # fmt: skip
    assert reading.left_out == {NO_HEART_RATE: 2}


def test_stages_asleep_are_spans_whatever_their_offset() -> None:
    reading = reading_in(None)
    assert said_by(FORM, STAGES, "UserSleepStages_2026-03-19.csv", reading) == [
        Slept("Google Health", utc(2026, 4, 12, 5, 47, 30), utc(2026, 4, 12, 6)),
        Slept("Google Health", utc(2026, 4, 12, 6), utc(2026, 4, 12, 6, 30)),
        Slept("Google Health", utc(2026, 4, 12, 15, 21, 30), utc(2026, 4, 12, 18, 13, 30)),
    ]
    assert reading.left_out == {UNKNOWN_STAGE: 1, NO_LENGTH: 1}


def test_workouts_have_a_kind_and_deleted_ones_are_left_out() -> None:
    reading = reading_in(None)
    assert said_by(FORM, EXERCISES, "UserExercises_2026-03-19.csv", reading) == [
        Trained("Google Health", utc(2026, 4, 6, 21, 0, 38), utc(2026, 4, 6, 21, 12, 35), WorkoutKind.WALKING),
        Trained("Google Health", utc(2026, 4, 6, 22), utc(2026, 4, 6, 22, 30), WorkoutKind.CYCLING_INDOOR),
        Trained("Google Health", utc(2026, 4, 6, 23), utc(2026, 4, 6, 23, 30), WorkoutKind.OTHER),
    ]
    assert reading.left_out == {DELETED: 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the line with the names of the columns is missing"),
        ("dear diary\n", "this is no file of Google Health that hipsync reads: its first line is 'dear diary'"),
        (steps("2026-11-20T08:00:00,5,x"), "line 2: '2026-11-20T08:00:00' is not a time like 2026-04-06T02:43:45Z"),
        (steps("2026-02-30T08:00:00Z,5,x"), "line 2: '2026-02-30' is not a date"),
        (steps("2026-11-20T24:00:00Z,5,x"), "is not a time"),
        (
            steps("0001-01-01T00:00:00Z,5,x"),
            "line 2: '0001-01-01' is not a date such as 2026-11-20 of the years 1970 to 2099",
        ),
        (steps("2026-11-20T08:00:00Z,5.5,x"), "line 2: steps '5.5' is not a whole number"),
        (steps("2026-11-20T08:00:00Z,-5,x"), "line 2: steps '-5' is not"),
        (steps("2026-11-20T08:00:00Z,5"), "line 2: it has 2 columns and the header 3"),
        ("timestamp,beats per minute,data source\n2026-11-20T08:00:00Z,nan,x\n", "line 2: heart rate 'nan' is not a"),
        ("timestamp,beats per minute,data source\n2026-11-20T08:00:00Z,1e9,x\n", "line 2: heart rate '1e9' is not a"),
        (steps('2026-11-20T08:00:00Z,5,"' + "x\n" * 70_000), "a quotation mark is missing"),
        (steps(*(f"2026-11-20T08:00:00Z,5,{n}" for n in range(1001))), "line 1002: more than 1000 sources"),
        (steps(*(f"2026-11-20T08:00:00.{n:04}Z,0,x" for n in range(1001))), "1000 rows of one of them in a minute"),
    ],
)
def test_what_is_wrong_is_one_line_that_names_the_place(text: str, message: str) -> None:
    assert message in refusal(FORM, text, "file.csv", None)


# ------------------------------------------------------------------ which files


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (STEPS, "x"), (HEART, "x"), (STAGES, "x"), (EXERCISES, "x"), ("\ufefftimestamp,steps,data source\r\n", "x"),
        ("timestamp,steps\n2024-05-01T00:00:00Z,5\n", "steps_2024-05-01.csv"),
        ("timestamp,beats per minute\n2024-10-27T00:00:04Z,65.0\n", "heart_rate_2024-10-27.csv"),
    ],
)  # fmt: skip
def test_a_file_of_google_health_is_known(text: str, name: str) -> None:
    assert FORM.fits(head_of(text, name))


DAYS = "timestamp,beats per minute,data source\n2026-06-10T00:00:00Z,66.876,App\n2026-06-11T00:00:00Z,67.1,App\n"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("", ""), ("no data", "x"), ("timestamp,steps,length\n", "steps.csv"), ("timestamp,steps\n", "hipsync.csv"),
        ("timestamp,steps,distance millimeters,altitude gain millimeters,data source\n", "live_pace_2026-04-06.csv"),
        (DAYS, "x.csv"), (DAYS.splitlines()[0] + "\n", "daily_resting_heart_rate.csv"),
        ("timestamp,weight grams,data source\n", "weight.csv"), ("timestamp,beats per minute\n", "x.csv"),
        ("sleep_id,sleep_type,sleep_start,sleep_end\n", "UserSleeps_2026-03-19.csv"),
    ],
)  # fmt: skip
def test_no_other_file_is_claimed(text: str, name: str) -> None:
    assert not FORM.fits(head_of(text, name))


def test_two_midnights_of_one_day_are_no_file_of_days() -> None:
    assert FORM.fits(head_of(DAYS.replace("06-11", "06-10"), "x.csv"))


def test_the_order_of_columns_and_further_ones_do_not_matter() -> None:
    assert said(b"\xef\xbb\xbfmood,Data Source,Steps,Timestamp\r\n?,Watch,9,2026-11-20T08:00:00Z") == [
        Walked("Watch", EIGHT_S, EIGHT_S + 60, 9)
    ]  # fmt: skip
    assert said("timestamp,steps,data source\n") == []


def test_a_name_is_cleaned_and_a_nameless_source_has_the_name_of_the_form() -> None:
    found = said(steps('2026-11-20T08:00:00Z,9,"\x1b[2J Watch, é\u202e "', "2026-11-20T08:00:00Z,9, "))
    assert [each.source for each in found] == ["[2J Watch, é", "Google Health"]
    text = "timestamp,steps\n2024-05-01T00:00:00Z,5\n"
    assert said(text, "steps_2024-05-01.csv")[0].source == "Google Health"


# ------------------------------------------------------------------ all that is said


def plain(everything: Iterable[Said]) -> Iterable[Fact]:
    for each in everything:
        match each:
            case Walked(source, start_s, end_s, count):
                assert end_s == start_s + 60
                yield "steps", source, start_s, count
            case Beat(source, at_s, rate):
                yield "heart", source, at_s, rate
            case Slept(source, start_s, end_s):
                yield "asleep", source, start_s, end_s
            case _:
                raise AssertionError(each)


def a_morning(kind: str) -> str:
    """Rows of three sources, each in the order of time and all mixed, some twice."""
    made = random.Random(kind)
    rows: list[str] = []
    for tenth in sorted(made.sample(range(36_000), 900)):
        at = EIGHT + timedelta(seconds=tenth / 10)
        source = made.choice((AIR, PHONE, "MobileTrack"))
        value = made.randrange(25) if kind == "steps" else made.randrange(10, 2600) / 10
        rows += [f"{at:%Y-%m-%dT%H:%M:%S}.{tenth % 10}Z,{value},{source}"] * made.choice((1, 1, 1, 2))
    return "\n".join([f"timestamp,{'steps' if kind == 'steps' else 'beats per minute'},data source", *rows, ""])


def test_two_hours_of_a_band_and_a_moment_of_a_phone_say_what_another_calculation_finds() -> None:
    expected = facts(STEPS)
    assert len(expected) == 121
    assert set(plain(said(STEPS))) == expected


@pytest.mark.parametrize("kind", ["steps", "heart"])
def test_a_morning_says_what_another_calculation_finds(kind: str) -> None:
    expected = facts(a_morning(kind))
    assert len(expected) > 150
    assert set(plain(said(a_morning(kind)))) == expected


def test_nights_say_what_another_calculation_finds() -> None:
    made = random.Random(5)
    lines = [STAGES.splitlines()[0]]
    for _ in range(100):
        start = EIGHT - timedelta(seconds=30 * made.randrange(10_000))
        end = start + timedelta(seconds=30 * made.randrange(1, 100))
        stage = made.choice(("AWAKE", "LIGHT", "DEEP", "REM", "ASLEEP"))
        lines.append(f"1,2,{stage},+05:30,{start:%Y-%m-%d %H:%M:%S}+0000,+05:30,{end:%Y-%m-%d %H:%M:%S}+0000")
    text = "\n".join(lines)
    assert set(plain(said(text))) == facts(text)


def test_two_hundred_damaged_files_are_read_or_refused_in_one_line() -> None:
    files = [("steps_2026-11-20.csv", text) for text in (STEPS[:800], HEART, STAGES, EXERCISES)]
    assert 60 < refused_of(FORM, files, 50) < 190


@pytest.mark.ring
def test_a_long_file_is_read_in_bounded_memory() -> None:
    rows = (
        f"2026-04-{1 + n // 8640 % 28:02}T{n // 360 % 24:02}:{n // 6 % 60:02}:{n % 6}0Z,3,{AIR}\n"
        for n in range(30_000)
    )
    assert counted_in_bounded_memory(FORM, "timestamp,steps,data source\n", rows, "x.csv") == 5_000

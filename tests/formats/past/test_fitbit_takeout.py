"""Fitbit's JSON in Takeout: steps, heart rates and workouts in UTC, and sleep in local time."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from formats.past.independent_fitbit_takeout import Fact, facts
from formats.past.read_forms import (
    counted_in_bounded_memory,
    head_of,
    reading_in,
    refusal,
    refused_of,
    said_by,
    utc,
)
from hipsync.errors import ZoneWanted
from hipsync.formats.past.fitbit_takeout import FORM
from hipsync.formats.past.reading import FUTURE, NO_HEART_RATE, NO_LENGTH, SKIPPED, UNKNOWN_STAGE
from hipsync.formats.past.said import Beat, Said, Slept, Trained, Walked
from hipsync.model import WorkoutKind

EIGHT_S = utc(2026, 11, 20, 8)
STEPS = json.dumps(
    [{"dateTime": f"11/20/26 {8 + n // 60:02}:{n % 60:02}:00", "value": "60" if n < 15 else "0"} for n in range(120)]
)
HEART = """[{
  "dateTime" : "04/06/26 04:00:02",
  "value" : {
    "bpm" : 64,
    "confidence" : 2
  }
},{
  "dateTime" : "04/06/26 04:00:05",
  "value" : {
    "bpm" : 0,
    "confidence" : 0
  }
}]"""


def night(*stages: tuple[str, str, int], kind: str = "stages") -> str:
    data = [{"dateTime": at, "level": level, "seconds": seconds} for at, level, seconds in stages]
    session: dict[str, Any] = {
        "logId": 7, "dateOfSleep": "2026-04-14", "startTime": data[0]["dateTime"] if data else "", "type": kind,
        "levels": {"summary": {}, "data": data, "shortData": []}, "mainSleep": True,
    }  # fmt: skip
    return json.dumps([session], indent=2)


SLEEP = night(
    ("2026-04-14T04:26:30.000", "wake", 990), ("2026-04-14T04:43:00.000", "light", 1500),
    ("2026-04-14T05:08:00.000", "deep", 990), ("2026-04-14T05:24:30.000", "rem", 180),
)  # fmt: skip
WALK: dict[str, Any] = {
    "logId": 1, "activityName": "Walk", "activityLevel": [{"minutes": 10, "name": "sedentary"}],
    "duration": 1338000, "steps": 879, "logType": "tracker", "startTime": "04/06/26 13:42:42", "hasGps": False,
}  # fmt: skip


def said(text: str | bytes, name: str = "steps-2026-11-20.json", zone: str | None = "America/New_York") -> list[Said]:
    return said_by(FORM, text, name, reading_in(zone))


def entry(**changed: Any) -> str:
    return json.dumps([{"dateTime": "11/20/26 08:00:00", "value": "60"} | changed])


def test_steps_are_minutes_in_utc_and_no_zone_is_wanted() -> None:
    found = said(STEPS, zone=None)
    assert found == [
        Walked("Fitbit", EIGHT_S + 60 * n, EIGHT_S + 60 * n + 60, 60 if n < 15 else 0) for n in range(120)
    ]  # fmt: skip
    assert sum(each.steps for each in found if isinstance(each, Walked)) == 900


def test_heart_rates_are_in_utc_and_what_nobody_has_is_counted() -> None:
    reading = reading_in(None)
    assert said_by(FORM, HEART, "x.json", reading) == [Beat("Fitbit", utc(2026, 4, 6, 4, 0, 2), 64)]
    assert reading.left_out == {NO_HEART_RATE: 1}


def test_sleep_is_in_local_time_and_being_awake_is_no_sleep() -> None:
    assert said(SLEEP) == [
        Slept("Fitbit", utc(2026, 4, 14, 8, 43), utc(2026, 4, 14, 9, 8)),
        Slept("Fitbit", utc(2026, 4, 14, 9, 8), utc(2026, 4, 14, 9, 24, 30)),
        Slept("Fitbit", utc(2026, 4, 14, 9, 24, 30), utc(2026, 4, 14, 9, 27, 30)),
    ]
    with pytest.raises(ZoneWanted):
        said(SLEEP, zone=None)


def test_restless_is_asleep_as_fitabase_counts_it_and_an_unknown_stage_is_counted() -> None:
    reading = reading_in("UTC")
    classic = night(
        ("2026-04-12T11:21:30.000", "asleep", 780), ("2026-04-12T11:34:30.000", "restless", 120),
        ("2026-04-12T11:36:30.000", "awake", 60), ("2026-04-12T11:37:30.000", "dreaming", 60),
        ("2026-04-12T11:38:30.000", "asleep", 0), kind="classic",
    )  # fmt: skip
    assert said_by(FORM, classic, "sleep.json", reading) == [
        Slept("Fitbit", utc(2026, 4, 12, 11, 21, 30), utc(2026, 4, 12, 11, 34, 30)),
        Slept("Fitbit", utc(2026, 4, 12, 11, 34, 30), utc(2026, 4, 12, 11, 36, 30)),
    ]
    assert reading.left_out == {UNKNOWN_STAGE: 1, NO_LENGTH: 1}


def test_the_hour_that_comes_twice_is_kept_twice_and_a_skipped_one_is_left_out() -> None:
    reading = reading_in("America/New_York")
    autumn = night(("2025-11-02T01:30:00", "light", 1800), ("2025-11-02T01:00:00", "deep", 3600))
    assert said_by(FORM, autumn, "sleep.json", reading) == [
        Slept("Fitbit", utc(2025, 11, 2, 5, 30), utc(2025, 11, 2, 6)),
        Slept("Fitbit", utc(2025, 11, 2, 6), utc(2025, 11, 2, 7)),
    ]
    assert said_by(FORM, night(("2026-03-08T02:30:00", "light", 60)), "sleep.json", reading) == []
    assert reading.left_out == {SKIPPED: 1}


def test_a_night_without_stages_is_counted() -> None:
    reading = reading_in("UTC")
    assert said_by(FORM, night(), "sleep.json", reading) == []
    assert reading.left_out == {"of sleep without its stages": 1}


def test_workouts_are_in_utc_and_last_as_long_as_they_say() -> None:
    reading = reading_in(None)
    entries = [WALK, WALK | {"activityName": "Outdoor Bike"}, WALK | {"activityName": "Yoga"}, WALK | {"duration": 0}]
    start_s = utc(2026, 4, 6, 13, 42, 42)
    assert said_by(FORM, json.dumps(entries), "exercise-0.json", reading) == [
        Trained("Fitbit", start_s, start_s + 1338, kind)
        for kind in (WorkoutKind.WALKING, WorkoutKind.CYCLING, WorkoutKind.OTHER)
    ]
    assert reading.left_out == {NO_LENGTH: 1}


def test_what_lies_in_the_future_is_left_out_and_counted() -> None:
    reading = reading_in(None)
    assert said_by(FORM, entry(dateTime="12/02/26 08:00:00"), "steps-2026-12-02.json", reading) == []
    assert reading.left_out == {FUTURE: 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "this is no file of a Fitbit's steps"),
        ("[]", "this is no file of a Fitbit's steps"),
        (STEPS[:-1], "line 1: the list of entries was cut off"),
        (STEPS[:-9], "line 1 is no entry: the file was changed, or cut off"),
        (STEPS + "x", "line 1: the list of entries was cut off, or goes on after its end"),
        (STEPS[:-1] + ", 5]", "line 1: 5 is no entry"),
        (STEPS[:-1] + ', {"dateTime": "11/20/26 10:00:00"}]', "line 1, entry 121: steps None is not a whole number"),
        (STEPS[:-1] + ", {}]", "line 1, entry 121: None is not a time like 03/19/26 18:48:00"),
        (entry()[:-1] + "," + entry(value="many")[1:], "line 1, entry 2: steps 'many' is not a whole number"),
        (entry()[:-1] + "," + entry(value="301")[1:], "entry 2: steps '301' is not a whole number from 0 to 300"),
        (entry(value=True), "line 1, entry 1: steps True is not a whole number"),
        (entry()[:-1] + "," + entry(value=[[]])[1:], "entry 2: steps a list or an object is not"),
        (entry()[:-1] + "," + entry(dateTime="13/20/26 08:00:00")[1:], "line 1, entry 2: '2026-13-20' is not a date"),
        (entry()[:-1] + "," + entry(dateTime="2026-11-20")[1:], "entry 2: '2026-11-20' is not a time like 03/19/26"),
        (HEART.replace(": 0,", ": 6.5,"), "line 7, entry 2: bpm 6.5 is not a whole number from 0"),
        (night(("0001-01-01T00:00:00", "light", 60)), "entry 1: '0001-01-01T00:00:00' is not a time like"),
        (night(("2026-04-31T00:00:00", "light", 60)), "entry 1: '2026-04-31T00:00:00' is not a time like"),
        (STEPS[:-1] + ', {"dateTime": "' + "x" * 200_000, "line 1 is no entry"),
        (STEPS[:-1] + ", " + "[" * 100_000, "line 1 is no entry"),
        (STEPS.encode()[:-1] + b"\xff]", "the file is not text in UTF-8"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line_that_names_the_place(text: str | bytes, message: str) -> None:
    assert message in refusal(FORM, text, "steps-2026-11-20.json")


# ------------------------------------------------------------------ which files


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (STEPS, "steps-2026-11-20.json"), (STEPS, "17-takeout-steps.json"), (STEPS, "steps-2026-11-20 (1).json"),
        (HEART, "x"), (SLEEP, "x"), (json.dumps([WALK]), "x"), ("\ufeff \n" + HEART, "x"),
    ],
)  # fmt: skip
def test_a_file_of_takeout_is_known(text: str, name: str) -> None:
    assert FORM.fits(head_of(text, name))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("", "steps-2026-11-20.json"), ("[]", "steps-2026-11-20.json"), ("[" * 60_000, "steps-2026-11-20.json"),
        (STEPS, "calories-2026-11-20.json"), (STEPS, "distance-2026-11-20.json"), (STEPS, "footsteps.json"),
        (entry(dateTime="2026-11-20 08:00"), "steps-2026-11-20.json"),
        ('{"dateTime": "11/20/26 08:00:00", "value": "1"}', "steps-2026-11-20.json"),
        ('[{"dateTime": "11/20/26 08:00:00", "value": {"valuesInZones": {}}}]', "time_in_heart_rate_zones.json"),
        ('[{"a": ' + "9" * 5000 + "}]", "steps-2026-11-20.json"),
    ],
)  # fmt: skip
def test_no_other_file_is_claimed(text: str, name: str) -> None:
    assert not FORM.fits(head_of(text, name))


# ------------------------------------------------------------------ all that is said


def plain(everything: Iterable[Said]) -> Iterable[Fact]:
    for each in everything:
        assert each.source == "Fitbit"
        match each:
            case Walked(_, start_s, _, steps):
                yield "steps", start_s, steps
            case Beat(_, at_s, rate):
                yield "heart", at_s, rate
            case Slept(_, start_s, end_s):
                yield "asleep", start_s, end_s
            case Trained(_, start_s, end_s, _):
                yield "trained", start_s, end_s
            case _:
                raise AssertionError(each)


def a_week(kind: str) -> str:
    made = random.Random(kind)
    entries: list[dict[str, Any]] = []
    for second in sorted(made.sample(range(7 * 86_400), 300)):
        at = datetime(2026, 4, 6, tzinfo=UTC) + timedelta(seconds=second)
        stamp = f"{at:%m/%d/%y %H:%M:%S}"
        if kind == "steps":
            entries.append({"dateTime": stamp[:-2] + "00", "value": str(made.randrange(301))})
        elif kind == "heart_rate":
            entries.append({"dateTime": stamp, "value": {"bpm": made.randrange(280), "confidence": 1}})
        elif kind == "exercise":
            entries.append(WALK | {"startTime": stamp, "duration": made.randrange(1000, 10**7, 1000)})
        else:
            level = made.choice(("wake", "light", "deep", "rem", "asleep", "restless", "awake"))
            stage = {"dateTime": f"{at:%Y-%m-%dT%H:%M:%S}.000", "level": level, "seconds": 30 * made.randrange(1, 90)}
            entries.append({"dateOfSleep": "", "levels": {"data": [stage]}})
    return json.dumps(entries, indent=1)


@pytest.mark.parametrize(("text", "count"), [(STEPS, 120), (HEART, 1), (SLEEP, 3)])
def test_a_short_file_says_what_another_calculation_finds(text: str, count: int) -> None:
    expected = list(facts(text, "America/New_York"))
    assert len(expected) == count
    assert list(plain(said(text))) == expected


@pytest.mark.parametrize("kind", ["steps", "heart_rate", "sleep", "exercise"])
def test_a_week_says_what_another_calculation_finds(kind: str) -> None:
    expected = set(facts(a_week(kind), "America/New_York"))
    assert len(expected) > 200
    assert set(plain(said(a_week(kind), f"{kind}-2026-04-06.json"))) == expected


def test_two_hundred_damaged_files_are_read_or_refused_in_one_line() -> None:
    few, walks = (json.dumps(rows, indent=1) for rows in (json.loads(STEPS)[:9], [WALK, WALK]))
    files = [("steps-2026-11-20.json", text) for text in (few, HEART, SLEEP, walks)]
    assert 60 < refused_of(FORM, files, 50) < 199


@pytest.mark.ring
def test_a_long_file_is_read_in_bounded_memory() -> None:
    one = '{"dateTime": "04/06/26 04:00:00", "value": {"bpm": 64, "confidence": 2}}'
    rows = (f",{one.replace('00:00', f'{n // 60 % 60:02}:{n % 60:02}')}" for n in range(30_000))
    assert counted_in_bounded_memory(FORM, f"[{one}", itertools.chain(rows, ["]"]), "x.json") == 30_001

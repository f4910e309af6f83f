"""Fitabase's files: minutes of several people or of one, in both forms, as they are and saved again."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from formats.past.independent_fitabase import Fact, facts
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
from hipsync.formats.past.fitabase import FORM
from hipsync.formats.past.reading import FUTURE, HEAD_BYTES, NO_HEART_RATE, SKIPPED
from hipsync.formats.past.said import Beat, Moved, Said, Slept, Walked

STEPS = """Id,ActivityMinute,Steps
1503960366,4/12/2016 12:00:00 AM,0
1503960366,4/12/2016 12:01:00 AM,7
1503960366,4/12/2016 1:00:00 PM,90
2022484408,4/12/2016 12:00:00 AM,3
"""
INTENSITY = """Id,ActivityMinute,Intensity
1503960366,4/12/2016 12:01:00 AM,1
1503960366,4/12/2016 5:00:00 AM,2
"""
SLEEP = """Id,date,value,logId
1503960366,4/12/2016 12:00:30 AM,1,11380564589
1503960366,4/12/2016 12:01:30 AM,2,11380564589
1503960366,4/12/2016 12:02:30 AM,3,11380564589
1503960366,4/12/2016 12:03:30 AM,1,11380564589
"""
HEART = """Id,Time,Value
1503960366,4/12/2016 12:01:00 AM,97
1503960366,4/12/2016 12:01:05 AM,102
1503960366,4/12/2016 12:01:15 AM,0
"""
MIDNIGHT_S = utc(2016, 4, 12, 4)
"""In New York."""
NEW_YORK = "America/New_York"
FIRST, SECOND = "fitbit 1503960366", "fitbit 2022484408"
WIDE = ",".join(f"Steps{minute:02}" for minute in range(60))
ONE_PERSON = "ID 1003_minuteStepsNarrow_20171001_20171007.csv"


def said(text: str | bytes, zone: str = NEW_YORK, name: str = "file.csv") -> list[Said]:
    return said_by(FORM, text, name, reading_in(zone))


def test_people_and_what_stands_beside_their_steps() -> None:
    assert said(STEPS) == [
        Walked(FIRST, MIDNIGHT_S, MIDNIGHT_S + 60, 0),
        Walked(FIRST, MIDNIGHT_S + 60, MIDNIGHT_S + 120, 7),
        Walked(FIRST, MIDNIGHT_S + 13 * 3600, MIDNIGHT_S + 13 * 3600 + 60, 90),
        Walked(SECOND, MIDNIGHT_S, MIDNIGHT_S + 60, 3),
    ]
    assert said(INTENSITY) == [Moved(FIRST, MIDNIGHT_S + 60, 1), Moved(FIRST, MIDNIGHT_S + 5 * 3600, 2)]
    assert said(SLEEP) == [
        Slept(FIRST, MIDNIGHT_S, MIDNIGHT_S + 120),
        Slept(FIRST, MIDNIGHT_S + 180, MIDNIGHT_S + 240),
    ]


def test_a_heart_rate_that_nobody_has_is_left_out_and_counted() -> None:
    reading = reading_in(NEW_YORK)
    assert said_by(FORM, HEART, "heart.csv", reading) == [
        Beat(FIRST, MIDNIGHT_S + 60, 97), Beat(FIRST, MIDNIGHT_S + 65, 102)
    ]  # fmt: skip
    assert reading.left_out == {NO_HEART_RATE: 1}


def test_an_hour_a_row_is_sixty_minutes_and_an_empty_cell_is_none() -> None:
    cells = ",".join(str(minute) for minute in range(59))
    wide = f"Id,ActivityHour,{WIDE}\n1,4/12/2016 12:00:00 AM,{cells},\n"
    assert said(wide) == [
        Walked("fitbit 1", MIDNIGHT_S + n * 60, MIDNIGHT_S + n * 60 + 60, n) for n in range(59)
    ]  # fmt: skip


def test_a_time_that_the_clock_skipped_is_left_out_and_one_that_comes_twice_is_the_first() -> None:
    reading = reading_in(NEW_YORK)
    text = "Id,ActivityMinute,Steps\n1,3/13/2016 2:30:00 AM,5\n1,11/6/2016 1:30:00 AM,6\n"
    at_s = utc(2016, 11, 6, 5, 30)
    assert said_by(FORM, text, "file.csv", reading) == [Walked("fitbit 1", at_s, at_s + 60, 6)]
    assert reading.left_out == {SKIPPED: 1}


@pytest.mark.parametrize("wide", [False, True])
def test_the_hour_that_comes_twice_is_kept_twice_for_each_person(wide: bool) -> None:
    """Two people whose files stand one after the other: the second one's first hour is no second one."""
    text = f"Id,ActivityHour,{WIDE}\n" if wide else "Id,ActivityMinute,Steps\n"
    for person in (1, 2):
        for hour in ("12", "1", "1", "2"):
            minutes = [f"{person},11/6/2016 {hour}:{minute:02}:00 AM,7" for minute in range(60)]
            text += f"{person},11/6/2016 {hour}:00:00 AM{',7' * 60}\n" if wide else "\n".join([*minutes, ""])
    starts = [walked.start_s for walked in said(text) if isinstance(walked, Walked)]
    assert starts == [utc(2016, 11, 6, 4) + 60 * minute for minute in range(240)] * 2


def test_a_zone_is_needed_where_there_are_times() -> None:
    with pytest.raises(ZoneWanted):
        said_by(FORM, STEPS, "file.csv", reading_in(None))
    assert said_by(FORM, STEPS.splitlines()[0], "file.csv", reading_in(None)) == []


def test_what_lies_in_the_future_is_left_out_and_counted() -> None:
    reading = reading_in("UTC", datetime(2016, 4, 12, 12, tzinfo=UTC))
    text = "Id,ActivityMinute,Steps\n1,4/12/2016 12:00:00 PM,7\n1,4/12/2016 12:05:00 PM,8\n1,4/12/2016 12:06:00 PM,9\n"
    assert len(said_by(FORM, text, "minuteSteps.csv", reading)) == 2
    assert reading.left_out == {FUTURE: 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dear diary\n", "this is no file of minutes that Fitabase exports: its first line is 'dear diary'"),
        ("", "the line with the names of the columns is missing"),
        ("Id,ActivityMinute,Calories\n1,4/12/2016 1:00:00 AM,1.5\n", "this file is about Calories"),
        ("Id,ActivityMinute,Steps\n1,2016-04-12T01:00Z,5\n", "line 2: '2016-04-12T01:00Z' is not a time like"),
        ("Id,ActivityMinute,Steps\n1,13/12/2016 1:00:00 AM,5\n", "line 2: '13/12/2016 1:00:00 AM' is not a time"),
        ("Id,ActivityMinute,Steps\n1,4/12/2016 13:00:00 PM,5\n", "is not a time"),
        ("Id,ActivityMinute,Steps\n1,4/12/2016,5\n", "is not a time"),
        ("Id,ActivityMinute,Steps\n1,4/31/2016 1:00:00 PM,5\n", "is not a time"),
        ("Id,ActivityMinute,Steps\n1,2016-04-12 24:00:00,5\n", "is not a time"),
        ("Id,ActivityMinute,Steps\n1,4/12/2016 1:00:00 AM,many\n", "line 2: steps 'many' is not a whole number"),
        ("Id,ActivityMinute,Steps\n1,4/12/2016 1:00:00 AM,301\n", "line 2: steps '301' is not"),
        ("Id,ActivityMinute,Intensity\n1,4/12/2016 1:00:00 AM,4\n", "line 2: intensity '4' is not"),
        ("Id,ActivityMinute,Steps\nme,4/12/2016 1:00:00 AM,3\n", "line 2: 'me' is no number of a person"),
        ("Id,ActivityMinute,Steps\n,4/12/2016 1:00:00 AM,3\n", "line 2: '' is no number of a person"),
        ("Id,ActivityMinute,Steps\n1,4/12/2016 1:00:00 AM\n", "line 2: it has 2 columns and the header 3"),
        ("Id,ActivityMinute,Steps\n1,1/1/1970 12:00:00 AM,3\n", "line 2: a time is not in the years 1970"),
        ("Id,ActivityMinute,Steps\n1,1/1/1969 12:00:00 AM,3\n", "line 2: '1/1/1969 12:00:00 AM' is not a time"),
        ("Id,ActivityMinute,Steps\n" + "9" * 100_000, "line 2: it is too long"),
        (b"Id,ActivityMinute,Steps\n\xff\n", "the file is not text in UTF-8"),
    ],
)
def test_what_is_wrong_is_one_line_that_names_the_place(text: str | bytes, message: str) -> None:
    assert message in refusal(FORM, text, "file.csv", "Europe/Rome")


def test_a_thousand_people_may_be_named_and_no_more() -> None:
    text = "Id,ActivityMinute,Steps\n" + "".join(f"{n},4/12/2016 1:00:00 AM,3\n" for n in range(1001))
    assert "line 1002: more than 1,000 people are named" in refusal(FORM, text, "file.csv")


# ------------------------------------------------------------------ one person a file


def test_the_name_of_a_file_of_one_person_begins_with_the_person() -> None:
    text = "ActivityMinute,Steps\n10/1/2017 12:00:00 AM,0\n10/1/2017 12:01:00 AM,12\n"
    at_s = utc(2017, 9, 30, 23)
    assert said(text, "Europe/London", ONE_PERSON) == [
        Walked("fitbit ID 1003", at_s, at_s + 60, 0), Walked("fitbit ID 1003", at_s + 60, at_s + 120, 12)
    ]  # fmt: skip
    assert said(text, "Europe/London", "steps.csv")[0].source == "fitbit"


def test_the_files_of_one_person_have_one_name() -> None:
    heart = said("Time,Value\n10/1/2017 12:00:00 AM,61\n", name="ID 1003_heartrate_1min_20171001_20171007.csv")
    sleep = said("date,value,logId\n10/1/2017 11:14:30 PM,1,149\n", name="ID 1003_minuteSleep_20171001_20171007.csv")
    assert heart == [Beat("fitbit ID 1003", utc(2017, 10, 1, 4), 61)]
    assert sleep == [Slept("fitbit ID 1003", utc(2017, 10, 2, 3, 14), utc(2017, 10, 2, 3, 15))]


# ------------------------------------------------------------------ saved again


@pytest.mark.parametrize(
    "stamp",
    ["4/12/2016 12:01:00 AM", "4/12/2016 0:01", "04/12/2016 00:01", "4/12/2016 0:01:00", "4/12/16 0:01",
     "2016-04-12 00:01:00", "2016-04-12 00:01"],
)  # fmt: skip
def test_a_spreadsheet_and_r_write_a_time_in_their_own_ways(stamp: str) -> None:
    assert said(f"Id,ActivityMinute,Steps\n1,{stamp},5\n") == [
        Walked("fitbit 1", MIDNIGHT_S + 60, MIDNIGHT_S + 120, 5)
    ]  # fmt: skip


def test_r_leaves_the_time_of_midnight_out_and_numbers_the_rows() -> None:
    text = '"","Id","ActivityMinute","Steps"\n"1",1503960366,2016-04-12,5\n"2",1503960366,2016-04-12 00:01:00,6\n'
    assert FORM.fits(head_of(text, "file.csv"))
    assert said(text) == [
        Walked(FIRST, MIDNIGHT_S, MIDNIGHT_S + 60, 5), Walked(FIRST, MIDNIGHT_S + 60, MIDNIGHT_S + 120, 6)
    ]  # fmt: skip


def test_the_day_comes_first_where_a_thirteenth_month_says_so() -> None:
    rows = "1,12/04/2016 23:59,5\n1,13/04/2016 00:00,6\n"
    assert [walked.start_s for walked in said(f"Id,ActivityMinute,Steps\n{rows}") if isinstance(walked, Walked)] == [
        utc(2016, 4, 13, 3, 59), utc(2016, 4, 13, 4)
    ]  # fmt: skip


def test_an_order_that_the_beginning_does_not_tell_is_an_error_once_it_is_told() -> None:
    clocks = [f"{minute // 60}:{minute % 60:02}" for minute in range(1440)]
    early = "".join(f"1503960366,{day}/4/2016 {clock},5\n" for day in (11, 12) for clock in clocks)
    assert len(early) > HEAD_BYTES
    text = f"Id,ActivityMinute,Steps\n{early}1503960366,13/4/2016 0:00,5\n"
    assert "line 2882: '13/4/2016 0:00' is not a time" in refusal(FORM, text, "file.csv")


# ------------------------------------------------------------------ which files


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (STEPS, "x"), (INTENSITY, "x"), (SLEEP, "x"), (HEART, "x"), ("ActivityMinute,Steps\n", "x"),
        (f"ActivityHour,{WIDE}\n", "x"), ("date,value,logId\n", "x"),
        ("\ufeffId,ActivityMinute,Steps\r\n", "x"),
        ("Time,Value\n10/1/2017 12:00:00 AM,61\n", "13-fitabase-one-person-heart.csv"),
        ("Time,Value\n10/1/2017 0:00,61\n", "ID 1003_heartrate_1min_20171001_20171007.csv"),
    ],
)  # fmt: skip
def test_a_file_of_fitabase_is_known(text: str, name: str) -> None:
    assert FORM.fits(head_of(text, name))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("", ""), ("dear diary\n", "x"), ("timestamp,steps\n", "minuteSteps.csv"), ("date,time,steps\n", "x"),
        ("Time,Value\n10/1/2017 12:00:00 AM,61\n", "temperature.csv"),
        ("Time,Value\n2017-10-01 12:00:00,61\n", "heart.csv"),
        ("Time,Value\n", "heart.csv"),
        ("Key,Time,Value\nsteps,1,{}\n", "heartrate_1min.csv"),
        ("Id,ActivityMinute,Calories\n", "x"), ("Id,ActivityHour,StepTotal\n", "x"),
        ('"' * 200_000, "x"),
    ],
)  # fmt: skip
def test_no_other_file_is_claimed(text: str, name: str) -> None:
    assert not FORM.fits(head_of(text, name))


def test_ends_of_lines_and_the_order_of_columns_do_not_matter() -> None:
    rows = [row.split(",") for row in STEPS.splitlines()]
    turned = "\r\n".join(",".join(reversed(row)) for row in rows)
    assert said(b"\xef\xbb\xbf" + turned.encode()) == said(STEPS)
    assert said("Id,ActivityMinute,Steps\n") == []


# ------------------------------------------------------------------ all that is said


def plain(everything: Iterable[Said]) -> Iterable[Fact]:
    for each in everything:
        match each:
            case Walked(source, start_s, _, steps):
                yield "steps", source, start_s, steps
            case Moved(source, at_s, intensity):
                yield "moved", source, at_s, intensity
            case Beat(source, at_s, rate):
                yield "heart", source, at_s, rate
            case Slept(source, start_s, end_s):
                yield from (("asleep", source, at_s, 1) for at_s in range(start_s, end_s, 60))
            case _:
                raise AssertionError(each)


def a_week(kind: str) -> str:
    """Rows of three people at random times of a week in which no clock is set, in the order of time."""
    made = random.Random(kind)
    columns = {"steps": "ActivityMinute,Steps", "moved": "ActivityMinute,Intensity", "asleep": "date,value,logId"}
    lines = [f"Id,{columns.get(kind, 'Time,Value')}"]
    for person in (1503960366, 2022484408, 7):
        for second in sorted(made.sample(range(7 * 86_400), 300)):
            at = datetime(2016, 4, 12, tzinfo=UTC) + timedelta(seconds=second // 60 * 60 if kind != "heart" else second)
            cell = {"steps": f"{made.randrange(301)}", "moved": f"{made.randrange(4)}",
                    "asleep": f"{made.randrange(1, 4)},5"}.get(kind, f"{made.randrange(300)}")  # fmt: skip
            clock = f"{at.month}/{at.day}/{at.year} {at.hour % 12 or 12}:{at:%M:%S} {'AP'[at.hour // 12]}M"
            lines.append(f"{person},{clock},{cell}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("text", [STEPS, INTENSITY, SLEEP, HEART])
def test_a_short_file_says_what_another_calculation_finds(text: str) -> None:
    expected = list(facts(text, NEW_YORK))
    assert len(expected) > 1
    assert list(plain(said(text))) == expected


@pytest.mark.parametrize("kind", ["steps", "moved", "asleep", "heart"])
def test_a_week_says_what_another_calculation_finds(kind: str) -> None:
    text = a_week(kind)
    found, expected = set(plain(said(text))), set(facts(text, NEW_YORK))
    assert len(expected) > 400
    assert found == expected


def test_hours_say_what_another_calculation_finds() -> None:
    made = random.Random(3)
    rows = [",".join(made.choice(["", "0", "17", "300"]) for _ in range(60)) for _ in range(24)]
    text = f"Id,ActivityHour,{WIDE}\n"
    text += "".join(f"5,4/12/2016 {n % 12 or 12}:00:00 {'AP'[n // 12]}M,{row}\n" for n, row in enumerate(rows))
    found = list(plain(said(text)))
    assert len(found) > 900
    assert set(found) == set(facts(text, NEW_YORK))


def test_two_hundred_damaged_files_are_read_or_refused_in_one_line() -> None:
    wide = f"Id,ActivityHour,{WIDE}\n1,4/12/2016 12:00:00 AM{',7' * 60}\n"
    files = [(ONE_PERSON, text) for text in (STEPS, SLEEP, HEART, wide)]
    assert 60 < refused_of(FORM, files, 50) < 190


@pytest.mark.ring
def test_a_long_file_is_read_in_bounded_memory() -> None:
    rows = (f"1503960366,4/{1 + n // 1440 % 30}/2016 {n // 60 % 24}:{n % 60:02},{n % 301}\n" for n in range(30_000))
    assert counted_in_bounded_memory(FORM, "Id,ActivityMinute,Steps\n", rows, "file.csv") == 30_000

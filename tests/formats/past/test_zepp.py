"""Zepp's and Mi Fit's copy of an account's data: its minutes, heart rates, nights and workouts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from formats.past import independent_zepp as independent
from formats.past.read_forms import LONDON, NOW, head_of, read, refusal, refused_of
from hipsync.errors import ZoneWanted
from hipsync.formats.past.csv_rows import LONGEST_ROW
from hipsync.formats.past.reading import FUTURE, NO_HEART_RATE, NO_LENGTH, NO_STEPS, SKIPPED, TOO_LONG, Reading
from hipsync.formats.past.zepp import FORM, ZONELESS
from support.shared import LARGER, needs_shared

BERLIN = ZoneInfo("Europe/Berlin")
MINUTES = "\ufeffdate,time,steps\n" + "".join(f"2026-11-20,{8 + at // 60:02}:{at % 60:02},{at}\n" for at in range(90))
BEATS = "date,time,heartRate\n2026-11-20,23:59,61\n2026-11-21,00:00,60\n2026-11-21,00:10,59\n"
SINGLE = "time,heartRate\n2026-11-20 08:00:31+0000,88\n2026-11-20 20:00:00+0000,91\n"
NIGHTS = (
    "date,deepSleepTime,shallowSleepTime,wakeTime,start,stop,REMTime,naps\n"
    "2026-11-20,76,206,0,2026-11-19 23:13:00+0000,2026-11-20 07:02:00+0000,67,\n"
    "2026-11-21,0,0,0,2026-11-20 16:00:00+0000,2026-11-20 16:00:00+0000,0,\n"
    '2026-11-22,76,206,0,2026-11-21 23:00:00+0000,2026-11-22 06:30:00+0000,67,"[{\\"start\\":1,\\"end\\":2}]"\n'
)
SPORT = (
    "type,startTime,sportTime(s),maxPace(/meter),minPace(/meter),distance(m),avgPace(/meter),calories(kcal)\n"
    "1,2026-11-20 18:00:00+0000,1800,0.35,0.65,5000.0,0.48,350.5\n"
    "6,2026-11-21 10:00:00+0000,2400,-1.0,-1.0,-1.0,-1.0,90.0\n"
)
SORTS = (
    ("ACTIVITY_MINUTE_1.csv", MINUTES), ("HEARTRATE_AUTO_1.csv", BEATS), ("HEARTRATE_1.csv", SINGLE),
    ("SLEEP_1.csv", NIGHTS), ("SPORT_1.csv", SPORT),
)  # fmt: skip


def test_a_minute_a_row_says_its_steps_in_the_wearers_zone() -> None:
    assert read(FORM, MINUTES, zone=BERLIN) == independent.minutes(MINUTES, BERLIN)
    eight = int(datetime(2026, 11, 20, 7, 0, tzinfo=UTC).timestamp())
    assert read(FORM, MINUTES, zone=BERLIN)[1] == ("Walked", "Zepp", eight + 60, eight + 120, 1)


@needs_shared("../cases/data/22-zepp-ACTIVITY_MINUTE.csv")
def test_the_sample_says_what_its_description_says() -> None:
    data = (LARGER / "../cases/data/22-zepp-ACTIVITY_MINUTE.csv").read_text("utf-8")
    said = read(FORM, data, zone=LONDON)
    assert said == independent.minutes(data, LONDON)
    assert len(said) == 120
    assert sum(steps for *_, steps in said if isinstance(steps, int)) == 900


def test_each_other_sort_says_what_an_independent_reader_finds() -> None:
    assert read(FORM, BEATS, zone=BERLIN) == independent.local_beats(BEATS, BERLIN)
    assert read(FORM, SINGLE) == independent.single_beats(SINGLE)
    assert read(FORM, NIGHTS) == independent.nights(NIGHTS)
    assert read(FORM, SPORT) == independent.workouts(SPORT)


def test_nights_with_naps_in_wrong_quotation_marks_are_read() -> None:
    assert len(read(FORM, NIGHTS)) == 2


def test_a_night_in_seconds_since_1970_is_read_and_one_without_a_zone_is_left_out() -> None:
    reading = Reading(None, NOW)
    night = (
        "date,lastSyncTime,deepSleepTime,shallowSleepTime,wakeTime,start,stop\n"
        "2018-09-16,1537084199,141,307,0,1537045080,1537071960\n"
        "2020-02-05,1,60,230,6,2020-02-05 00:00:00,2020-02-05 08:00:00\n"
    )
    assert read(FORM, night, reading=reading) == [("Slept", "Zepp", 1537045080, 1537071960)]
    assert reading.left_out == {ZONELESS: 1}


def test_only_local_times_ask_for_the_zone() -> None:
    for name, data in SORTS[:2]:
        with pytest.raises(ZoneWanted):
            read(FORM, data, name)
    for name, data in SORTS[2:]:
        assert read(FORM, data, name)


def test_both_hours_of_an_autumn_night_are_kept_and_a_skipped_one_is_left_out() -> None:
    hours = [f"2026-10-25,{hour:02}:{minute:02},7\n" for hour in (1, 1, 2) for minute in range(60)]
    data = "date,time,steps\n" + "".join(hours)
    said = read(FORM, data, zone=LONDON)
    assert said == independent.minutes(data, LONDON)
    assert len({start for _, _, start, *_ in said}) == 180
    reading = Reading(LONDON, NOW)
    skipped = "date,time,steps\n2026-03-29,00:59,1\n2026-03-29,01:00,1\n2026-03-29,01:59,1\n2026-03-29,02:00,1\n"
    said = read(FORM, skipped, reading=reading)
    assert said == independent.minutes(skipped, LONDON)
    assert reading.left_out == {SKIPPED: 2}
    assert len(said) == 2


def half_hours(day: str, days: int) -> str:
    walls = (datetime.fromisoformat(day) + timedelta(minutes=30 * at) for at in range(48 * days))
    return "date,time,heartRate\n" + "".join(f"{wall:%Y-%m-%d,%H:%M},60\n" for wall in walls)


CHANGES = (
    ("Europe/London", "2026-03-28"), ("Europe/London", "2026-10-24"), ("Australia/Lord_Howe", "2026-04-04"),
    ("America/Havana", "2026-03-07"), ("America/Havana", "2025-11-01"), ("Asia/Kolkata", "2026-03-28"),
)  # fmt: skip
"""Zones, and a day before their clocks are changed, if they are."""


@pytest.mark.parametrize(("zone", "day"), CHANGES)
def test_every_half_hour_of_three_days_lies_where_the_zone_has_it(zone: str, day: str) -> None:
    data = half_hours(day, 3)
    assert read(FORM, data, zone=ZoneInfo(zone)) == independent.local_beats(data, ZoneInfo(zone))


@pytest.mark.ring
@pytest.mark.parametrize("zone", [*{zone for zone, _ in CHANGES}, "Africa/Casablanca", "UTC"])
def test_every_half_hour_of_a_year_lies_where_the_zone_has_it(zone: str) -> None:
    data = half_hours("2025-01-01", 365)
    assert read(FORM, data, zone=ZoneInfo(zone)) == independent.local_beats(data, ZoneInfo(zone))


def test_crlf_another_order_of_columns_and_no_last_line_end_change_nothing() -> None:
    plain = read(FORM, MINUTES, zone=LONDON)
    assert read(FORM, MINUTES.replace("\n", "\r\n"), zone=LONDON) == plain
    turned = "\n".join(",".join(reversed(line.split(","))) for line in MINUTES.lstrip("\ufeff").split())
    assert FORM.fits(head_of(turned))
    assert read(FORM, turned, zone=LONDON) == plain


def test_a_further_column_is_ignored_in_a_file_with_zepps_name() -> None:
    grown = MINUTES.replace("\n", ",1\n").replace("steps,1", "steps,source")
    assert FORM.fits(head_of(grown, "account/ACTIVITY_MINUTE_1749047210565.csv"))
    assert not FORM.fits(head_of(grown, "minutes.csv"))
    assert read(FORM, grown, "ACTIVITY_MINUTE_1.csv", zone=LONDON) == read(FORM, MINUTES, zone=LONDON)


def test_cells_without_a_value_are_counted_and_never_a_zero() -> None:
    reading = Reading(LONDON, NOW)
    assert read(FORM, "date,time,steps\n2026-11-20,08:00,null\n2026-11-20,08:01,\n", reading=reading) == []
    assert read(FORM, "time,heartRate\n2026-11-20 08:00:00+0000,0\n2026-11-20 08:01:00Z,null\n", reading=reading) == []
    assert read(FORM, SPORT.replace(",1800,", ",0,").replace(",2400,", ",90000,"), reading=reading) == []
    assert reading.left_out == {NO_STEPS: 2, NO_HEART_RATE: 2, NO_LENGTH: 1, TOO_LONG: 1}


def test_the_future_is_left_out_and_an_absurd_year_refused() -> None:
    reading = Reading(LONDON, NOW)
    assert read(FORM, "date,time,steps\n2026-12-24,08:00,5\n", reading=reading) == []
    assert reading.left_out == {FUTURE: 1}
    assert refusal(FORM, "date,time,steps\n9999-12-31,08:00,5\n").startswith("line 2: '9999-12-31' is not a date")
    assert refusal(FORM, "time,heartRate\n0001-01-01 00:00:00+1400,60\n").startswith("line 2: ")


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (",08:00,5", "line 2: '' is not a date"),
        ("2026-02-30,08:00,5", "line 2: '2026-02-30' is not a date"),
        ("2026-11-20,24:00,5", "line 2: '24:00' is not a time"),
        ("2026-11-20,08:00,many", "line 2: the number 'many' is not a whole number"),
        ("2026-11-20,08:00," + "9" * 5000, "line 2: '9999"),
        ("2026-11-20,08:00", "line 2: it has 2 columns and the header 3"),
        ("2026-11-20,08:00,5,6", "line 2: it has 4 columns and the header 3"),
        ('"2026-11-20\n' + "\n" * LONGEST_ROW + '",08:00,5', "a row goes on for more than"),
    ],
)  # fmt: skip
def test_a_broken_row_is_refused_with_its_line(row: str, why: str) -> None:
    assert why in refusal(FORM, f"date,time,steps\n{row}\n")


def test_a_file_of_a_header_says_nothing_and_an_empty_one_is_refused() -> None:
    for name, data in SORTS:
        assert read(FORM, data.splitlines()[0], name, zone=LONDON) == []
    assert "the line with the names of the columns is missing" in refusal(FORM, "")
    assert "is the header of no file of Zepp" in refusal(FORM, "date,stages\n")


def test_only_zepps_files_fit() -> None:
    assert all(FORM.fits(head_of(data, "any.csv")) for _, data in SORTS)
    for other in (
        "date,time,stage,hr,respiratory_rate\n", "date,steps,distance,runDistance,calories\n", "timestamp,steps\n",
        "Id,Time,Value\n", "Uid,Sid,Key,Time,Value,UpdateTime\n", "", "date,start,stop,distance,calories,steps\n",
    ):  # fmt: skip
        assert not FORM.fits(head_of(other, "SLEEP_MINUTE_1.csv"))


def test_two_hundred_damaged_files_are_read_or_refused_in_one_line() -> None:
    assert 40 < refused_of(FORM, SORTS, 40) < 200

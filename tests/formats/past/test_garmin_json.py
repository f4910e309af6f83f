"""Days and nights of a Garmin account's export, which are made up to the description in `garmin_json`."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from formats.past import independent_garmin_json as independent
from hipsync.errors import InputError
from hipsync.formats.past import garmin_json
from hipsync.formats.past.reading import FUTURE, NO_LENGTH, TOO_LONG, TOO_MANY_STEPS, Head, Reading
from hipsync.formats.past.said import Said, Slept, Walked

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
SOURCE = "Garmin Connect"
DAY: Mapping[str, Any] = {
    "userProfilePK": 1, "calendarDate": "2026-11-20", "uuid": "0", "durationInMilliseconds": 86_400_000,
    "totalSteps": 9100, "includesWellnessData": True,
    "wellnessStartTimeGmt": "2026-11-19T23:00:00.0", "wellnessStartTimeLocal": "2026-11-20T00:00:00.0",
    "wellnessEndTimeGmt": "2026-11-20T23:00:00.0", "wellnessEndTimeLocal": "2026-11-21T00:00:00.0",
    "allDayStress": {"aggregatorList": [{"type": "TOTAL", "averageStressLevel": 30}]},
}  # fmt: skip
NIGHT: Mapping[str, Any] = {
    "sleepStartTimestampGMT": "2026-11-19T22:10:30.0", "sleepEndTimestampGMT": "2026-11-20T05:10:00.0",
    "calendarDate": "2026-11-20", "sleepWindowConfirmationType": "ENHANCED_CONFIRMED_FINAL", "deepSleepSeconds": 5400,
    "lightSleepSeconds": 15_000, "remSleepSeconds": 3000, "awakeSleepSeconds": 1770, "unmeasurableSeconds": 0,
    "retro": False, "sleepScores": {"overallScore": 80},
}  # fmt: skip
NAP = {
    "napStartTimestampGMT": "2026-11-20T12:00:00.0", "napEndTimestampGMT": "2026-11-20T12:30:00.0", "napTimeSec": 1800
}  # fmt: skip
DAYS: Sequence[Mapping[str, Any]] = [
    DAY,
    {
        **DAY,
        "totalSteps": 0,
        "wellnessStartTimeGmt": "2026-11-20T23:00:00.0",
        "wellnessEndTimeGmt": "2026-11-21T23:00:00.0",
    },
    {**DAY, "totalSteps": None},
    {**DAY, "includesWellnessData": False, "totalSteps": 0},
    {"hydration": {"valueInML": 500}},
    # the night in which the clocks went back: the day has 25 hours
    {
        **DAY,
        "totalSteps": 5,
        "wellnessStartTimeGmt": "2026-10-24T22:00:00.0",
        "wellnessEndTimeGmt": "2026-10-25T23:00:00.0",
    },
]
NIGHTS: Sequence[Mapping[str, Any]] = [
    NIGHT,
    {**NIGHT, "sleepWindowConfirmationType": "UNCONFIRMED"},
    {**NIGHT, "sleepStartTimestampGMT": "2026-11-20T22:00:00.0", "sleepEndTimestampGMT": "2026-11-21T04:00:00.0",
     "deepSleepSeconds": None, "napList": [NAP]},
    {"sleepStartTimestampGMT": "2026-11-21T20:00:00.0", "sleepEndTimestampGMT": "2026-11-22T04:00:00.0",
     "calendarDate": "2026-11-22", "sleepWindowConfirmationType": "UNCONFIRMED", "retro": False},
]  # fmt: skip


def reading(now: datetime = NOW) -> Reading:
    return Reading(None, now)


def said(held: str | bytes | Sequence[Any], within: Reading | None = None) -> list[Said]:
    text = held if isinstance(held, str | bytes) else json.dumps(held)
    data = text.encode() if isinstance(text, str) else text
    return list(garmin_json.read(io.BytesIO(data), Head("whatever", data[: 2**16]), within or reading()))


def fits(data: bytes, name: str = "whatever") -> bool:
    return garmin_json.fits(Head(name, data[: 2**16]))


# ------------------------------------------------------------------ what the files say


def test_days_are_as_an_independent_calculation_finds_them() -> None:
    within = reading()
    found = said(DAYS, within)
    want = independent.days(json.dumps(DAYS))
    assert len(want) == 3
    assert found == [Walked(SOURCE, *each) for each in want]
    assert dict(within.left_out) == {garmin_json.NO_DAY: 2}


def test_nights_are_as_an_independent_calculation_finds_them() -> None:
    within = reading()
    found = said(NIGHTS, within)
    want = independent.nights(json.dumps(NIGHTS))
    assert len(want) == 3
    assert found == [Slept(SOURCE, *each) for each in want]
    assert dict(within.left_out) == {garmin_json.NOT_MEASURED: 2}


def test_a_day_of_an_old_export_has_its_times_in_words() -> None:
    old = {
        **DAY,
        "calendarDate": {"date": "Apr 15, 2018 12:00:00 AM"},
        "wellnessStartTimeGmt": {"date": "Apr 14, 2018 10:00:00 PM"},
        "wellnessEndTimeGmt": {"date": "Apr 15, 2018 12:30:05 PM"},
    }
    start, end = datetime(2018, 4, 14, 22, tzinfo=UTC), datetime(2018, 4, 15, 12, 30, 5, tzinfo=UTC)
    assert said([old]) == [Walked(SOURCE, int(start.timestamp()), int(end.timestamp()), 9100)]


@pytest.mark.parametrize("text", ["[]", "\ufeff[ ]", "[\r\n]\r\n"])
def test_an_empty_list_says_nothing(text: str) -> None:
    assert said(text) == []


def test_line_ends_and_a_byte_order_mark_change_nothing() -> None:
    text = json.dumps(list(DAYS), indent=1)
    for spelled in ("\ufeff" + text, text.replace("\n", "\r\n"), "\n\n" + text + "\n"):
        assert said(spelled) == said(DAYS)
        assert fits(spelled.encode())


def test_the_order_of_keys_does_not_matter() -> None:
    assert said([{key: each[key] for key in reversed([*each])} for each in DAYS]) == said(DAYS)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"totalSteps": 9_000_000}, TOO_MANY_STEPS),
        ({"totalSteps": 301, "wellnessEndTimeGmt": "2026-11-19T23:01:00.0"}, TOO_MANY_STEPS),
        ({"wellnessEndTimeGmt": "2026-11-19T23:00:00.0"}, NO_LENGTH),
        ({"wellnessEndTimeGmt": "2026-11-22T23:00:00.0"}, TOO_LONG),
        ({"wellnessStartTimeGmt": None, "wellnessEndTimeGmt": None}, garmin_json.NO_DAY),
        ({"wellnessStartTimeGmt": "2026-12-20T00:00:00", "wellnessEndTimeGmt": "2026-12-21T00:00:00"}, FUTURE),
    ],
)
def test_a_day_that_cannot_be_is_counted(change: Mapping[str, Any], why: str) -> None:
    within = reading()
    assert said([{**DAY, **change}], within) == []
    assert dict(within.left_out) == {why: 1}


def test_a_night_longer_than_a_day_is_counted() -> None:
    within = reading()
    assert said([{**NIGHT, "sleepEndTimestampGMT": "2026-11-21T22:10:31.0"}], within) == []
    assert dict(within.left_out) == {TOO_LONG: 1}


# ------------------------------------------------------------------ which files


def test_days_and_nights_are_known_by_their_keys_and_empty_files_by_their_names() -> None:
    assert fits(json.dumps(list(DAYS)).encode())
    assert fits(json.dumps(list(NIGHTS)).encode())
    assert fits(b"[]", "UDSFile_2026-09-01_2026-12-09.json")
    assert fits(b"[{}]", "2026-08-30_2026-12-08_1_sleepData.json")
    for other in (b"", b"[]", b'{"dailySleepDTO": {"sleepStartTimestampGMT": 1}}', b'[{"steps": 5}]', b"date,steps\n"):
        assert not fits(other, "steps.json")
    assert not fits(b"date,steps\n", "UDSFile_2026.json")


# ------------------------------------------------------------------ what is damaged


@pytest.mark.parametrize(
    "held",
    [
        "", "{}", "[", "[1]", "[{}", "[{},]", "[{}] x", '[{"totalSteps": 1', "[[]]",
        [{**DAY, "totalSteps": 1.5}], [{**DAY, "totalSteps": -1}], [{**DAY, "totalSteps": True}],
        [{**DAY, "totalSteps": "9100"}], [{**DAY, "wellnessEndTimeGmt": None}],
        [{**DAY, "wellnessStartTimeGmt": 1_763_593_200_000}], [{**DAY, "wellnessStartTimeGmt": "2026-02-30T00:00:00"}],
        [{**DAY, "wellnessStartTimeGmt": {"date": "Foo 15, 2018 12:00:00 AM"}}],
        [{**DAY, "wellnessStartTimeGmt": {"date": "Apr 15, 2018 13:00:00 AM"}}],
        [{**DAY, "wellnessStartTimeGmt": {"day": 1}}],
        [{**DAY, "wellnessStartTimeGmt": "1960-01-01T00:00:00", "wellnessEndTimeGmt": "1960-01-02T00:00:00"}],
        [{**NIGHT, "sleepStartTimestampGMT": "yesterday"}], [{**NIGHT, "napList": [{**NAP, "napEndTimestampGMT": 7}]}],
        b'[{"totalSteps": "\xff"}]', "[" * 100_000, '[{"totalSteps": ' + "9" * 5000 + "}]",
        '[{"a": "' + "x" * 200_000 + '"}]',
    ],
    ids=range(26),
)  # fmt: skip
def test_a_damaged_file_is_refused_in_one_line(held: str | bytes | Sequence[Any]) -> None:
    with pytest.raises(InputError) as raised:
        said(held)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) <= 300


def test_the_line_of_what_is_wrong_is_named() -> None:
    with pytest.raises(InputError, match=r"^line 3: totalSteps is not a whole number of steps$"):
        said(f"[\n{json.dumps(DAY)},\n{json.dumps({**DAY, 'totalSteps': 'many'})}\n]")


def test_no_damage_makes_it_fail_in_another_way() -> None:
    noise, refusals = random.Random(16), list[str]()
    passed = 0
    whole = json.dumps([*DAYS, *NIGHTS], indent=1).encode()
    for number in range(200):
        held = bytearray(whole)
        for _ in range(noise.choice([1, 1, 3])):
            place = noise.randrange(len(held))
            held[place : place + noise.choice([0, 1, 8])] = noise.choice(
                [b"", b'"', b"null", b"1e999", b"NaN", b"-1", b"{", b"]", b"\xff", b"99999999999", b'"2026"', b"true"]
            )
        damaged = bytes(held[: noise.randrange(len(held))] if not number % 4 else held)
        fits(damaged)
        try:
            said(damaged)
        except InputError as error:
            refusals.append(str(error))
        else:
            passed += 1
    assert passed > 10
    assert len(refusals) > 100
    assert not [each for each in refusals if "\n" in each or len(each) > 300]

"""The independent calculation meets the published cases, and days reckoned by hand.

Without this it would be no judge: two programs that agree may be wrong together.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import pytest

from bench.activpal import Recording, hits, score
from support import rule_cases
from support.independent import TRUSTING, Day, Due, Line, Rule, day_of_minutes, slot_prompts, taken_off, usual
from support.real_people import EVERYBODY, SAMPLE, Row, best_week, needs_everybody, weeks, with_holes, write_csv

MINUTE = timedelta(minutes=1)
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
NINE = MONDAY + timedelta(hours=9)
LONDON = ZoneInfo("Europe/London")


def cases(key: Literal["steps", "slots"]) -> list[object]:
    """The published cases of one sort."""
    return [pytest.param(case, id=case["name"]) for case in rule_cases.cases() if key in case]


def rows(values: Sequence[int | str | None], start: datetime = MONDAY) -> dict[datetime, tuple[int, str | None]]:
    """Minutes from `start`: steps, None = not worn, "missing" = no row, any other word = that state with 0 steps."""
    found: dict[datetime, tuple[int, str | None]] = {}
    for i, value in enumerate(values):
        if isinstance(value, int):
            found[start + i * MINUTE] = (value, None)
        elif value != "missing":
            found[start + i * MINUTE] = (0, value or "not_worn")
    return found


def day(
    values: Sequence[int | str | None], start: datetime = MONDAY, *, on: date | None = None, vouches: bool = True
) -> Day:
    """The London day seen at the end of the values."""
    now = start + len(values) * MINUTE
    return day_of_minutes(rows(values, start), on or start.date(), zone=LONDON, now=now, vouches=vouches)


@pytest.mark.parametrize("case", cases("steps"))
def test_meets_a_published_case_of_minutes(case: rule_cases.Case) -> None:
    told = {MONDAY + i * MINUTE: minute for i, minute in enumerate(rule_cases.minutes_of(case)) if minute is not None}
    off = taken_off({at: (minute.steps, minute.beats) for at, minute in told.items()})
    table = {at: (minute.steps, "not_worn" if at in off else minute.state) for at, minute in told.items()}
    rule = TRUSTING if rule_cases.trusts(case) else Rule(repeat=case.get("options", {}).get("repeat_every"))
    size = len(case["steps"])
    postures = {at: minute.posture for at, minute in told.items() if minute.posture}
    line = Line(table, MONDAY + size * MINUTE, rule, vouches=rule_cases.vouches(case), postures=postures)

    assert [{"index": p.minute, "confidence": p.sure} for p in line.prompts()] == case.get("prompts")
    assert [{"start": s.first, "minutes": s.minutes} for s in line.stretches()] == case.get("stretches")
    assert line.ages[-1] == case.get("last_age")
    kinds = Counter(line.kind(MONDAY + i * MINUTE) for i in range(size))
    assert kinds["sitting"] == case.get("sitting_minutes")
    assert kinds == case.get("kinds", kinds)


@pytest.mark.parametrize("case", cases("slots"))
def test_meets_a_published_case_of_slots(case: rule_cases.Case) -> None:
    assert slot_prompts(case.get("slots", []), case.get("width", 0)) == case.get("prompts")


def test_no_published_case_is_left_out() -> None:
    assert len(cases("steps")) + len(cases("slots")) == 81


def test_a_stretch_over_midnight_is_cut_and_belongs_to_the_day_it_ends_in() -> None:
    start = MONDAY + timedelta(hours=23, minutes=20)
    values = [*[90] * 10, *[0] * 70, 30, 0]
    whole = {"from": "2026-03-02T23:30:00+00:00", "to": "2026-03-03T00:40:00+00:00", "minutes": 70}
    first = day(values, start)
    second = day(values, start, on=date(2026, 3, 3))

    assert first["stretches"] == [
        {
            "from": "2026-03-02T23:30:00+00:00",
            "to": "2026-03-03T00:00:00+00:00",
            "minutes": 30,
            "ended_by": None,
            "doubtful": False,
            "whole": whole,
        }
    ]
    assert (first["longest_minutes"], first["over_30"], first["breaks"], first["prompts"]) == (0, 0, 0, [])
    assert first["usual_stretch_minutes"] is None
    assert first["minutes"] == {"sitting": 30, "up": 10, "standing": 0, "asleep": 0, "not_worn": 0, "unknown": 1400}
    assert first["complete_until"] == "2026-03-03T00:00:00+00:00"

    assert second["stretches"] == [
        {
            "from": "2026-03-03T00:00:00+00:00",
            "to": "2026-03-03T00:40:00+00:00",
            "minutes": 40,
            "ended_by": "moving",
            "doubtful": False,
            "whole": whole,
        }
    ]
    assert (second["longest_minutes"], second["over_30"], second["over_limit"], second["breaks"]) == (70, 1, 1, 1)
    assert second["usual_stretch_minutes"] == 70
    assert second["prompts"] == [{"at": "2026-03-03T00:30:00+00:00", "sure": "high"}]
    assert second["minutes"] == {"sitting": 40, "up": 2, "standing": 0, "asleep": 0, "not_worn": 0, "unknown": 0}
    assert second["complete_until"] == "2026-03-03T00:42:00+00:00"


@pytest.mark.parametrize(
    ("tail", "ended_by"),
    [
        (["missing"] * 3 + ["not_worn"], "not_worn"),
        (["missing"] * 3 + ["charging"], "not_worn"),
        (["missing"] * 10 + ["asleep"], "asleep"),
        (["missing"] * 11, "unknown"),
        (["missing"] * 10, None),
        (["missing"] * 10 + [20], "moving"),
        ([20], "moving"),
    ],
)
def test_the_end_of_a_stretch_leaves_trailing_holes_out(tail: list[int | str], ended_by: str | None) -> None:
    stretch = day([*[0] * 20, *tail])["stretches"][0]

    assert (stretch["to"], stretch["minutes"], stretch["ended_by"]) == ("2026-03-02T00:20:00+00:00", 20, ended_by)


def test_a_hole_inside_a_stretch_is_unknown_and_not_counted() -> None:
    found = day([*[0] * 20, *["missing"] * 10, *[0] * 7, 40])

    assert [(s["to"], s["minutes"]) for s in found["stretches"]] == [("2026-03-02T00:37:00+00:00", 27)]
    assert found["minutes"] == {"sitting": 20, "up": 8, "standing": 0, "asleep": 0, "not_worn": 0, "unknown": 10}


def test_each_kind_of_minute_is_told_apart() -> None:
    minutes = rows(["asleep", "charging", None, *["standing"] * 10, 0, 0, 50, *[0] * 7])
    minutes[MONDAY + 23 * MINUTE] = (20, "asleep")  # 20 steps beat asleep
    minutes[MONDAY + 24 * MINUTE] = (19, "asleep")
    minutes[MONDAY + 25 * MINUTE] = (19, "not_worn")
    minutes[MONDAY + 26 * MINUTE] = (20, "charging")  # and not worn
    found = day_of_minutes(minutes, MONDAY.date(), zone=LONDON, now=MONDAY + 30 * MINUTE, vouches=True)

    # The 12 still minutes after `not_worn` are one zero run: 10 said to be standing, 2 sitting.
    assert found["minutes"] == {"sitting": 2, "up": 10, "standing": 10, "asleep": 2, "not_worn": 3, "unknown": 3}
    assert found["steps"] == 50 + 20 + 19 + 20
    assert [(s["minutes"], s["ended_by"]) for s in found["stretches"]] == [(12, "moving")]
    assert found["breaks"] == 1


@pytest.mark.parametrize(
    ("day_", "length", "two_o_clock"),
    [
        (date(2026, 3, 29), 23, ["00:00", "02:00", "03:00"]),
        (date(2026, 10, 25), 25, ["00:00", "01:00", "01:00"]),
    ],
)
def test_a_day_of_changing_clocks_has_its_elapsed_hours(day_: date, length: int, two_o_clock: list[str]) -> None:
    found = day_of_minutes({}, day_, zone=LONDON, now=datetime(2026, 12, 1, tzinfo=UTC), vouches=True)

    assert [hour["hour"] for hour in found["hours"]][:3] == two_o_clock
    assert [hour["unknown"] for hour in found["hours"]] == [60] * length
    assert found["minutes"]["unknown"] == length * 60
    assert found["complete_until"] is None


@pytest.mark.parametrize(
    ("zeros", "vouches", "sitting", "unknown", "longest"),
    [(179, False, 179, 0, 179), (180, False, 0, 180, 0), (180, True, 180, 0, 180)],
)
def test_three_still_hours_are_doubtful_unless_the_band_vouches(
    zeros: int, vouches: bool, sitting: int, unknown: int, longest: int
) -> None:
    found = day([40, *[0] * zeros, 40], NINE, vouches=vouches)

    assert (found["minutes"]["sitting"], found["minutes"]["unknown"]) == (sitting, 540 + unknown)  # from midnight
    assert found["longest_minutes"] == longest
    assert found["stretches"][0]["doubtful"] is (longest == 0)
    assert found["prompts"] == [{"at": "2026-03-02T10:01:00+00:00", "sure": "high"}]


@pytest.mark.parametrize(("between", "doubtful"), [(78, True), (79, False)])
def test_a_stretch_is_doubtful_from_half(between: int, doubtful: bool) -> None:
    found = day([40, *[0] * 100, 1, *[0] * between, 1, *[0] * 180], NINE, vouches=False)

    assert [(s["minutes"], s["doubtful"]) for s in found["stretches"]] == [(between + 282, doubtful)]


def test_a_prompt_due_at_midnight_is_the_new_day_s() -> None:
    start = MONDAY + timedelta(hours=23)

    assert day([0] * 61, start)["prompts"] == []
    assert day([0] * 61, start, on=date(2026, 3, 3))["prompts"] == [{"at": "2026-03-03T00:00:00+00:00", "sure": "high"}]


def test_nothing_exists_at_or_after_now() -> None:
    minutes = rows([0] * 100)
    found = day_of_minutes(
        minutes, MONDAY.date(), zone=LONDON, now=MONDAY + timedelta(minutes=59, seconds=59), vouches=True
    )

    assert (found["minutes"]["sitting"], found["longest_minutes"], found["prompts"]) == (59, 59, [])
    assert found["stretches"][0]["ended_by"] is None
    assert [hour["sitting"] for hour in found["hours"]] == [59, *[0] * 23]


def test_after_two_moves_the_prompt_is_less_sure() -> None:
    values = [*[0] * 20, 3, *[0] * 15, 3, *[0] * 40]

    assert Line(rows(values), MONDAY + 77 * MINUTE, Rule(), vouches=True).prompts() == [Due(59, "medium")]


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [([], None), ([8, 60], 60), ([10, 20, 30], 20), ([30, 30, 61], 61), ([30, 31, 61], 31)],
)
def test_the_usual_stretch_holds_half_of_the_time(lengths: list[int], expected: int | None) -> None:
    assert usual(lengths) == expected


@pytest.mark.parametrize(
    ("prompts", "stretches", "expected"),
    [
        ([60], [50], 1),
        ([60], [70], 1),
        ([60], [49], 0),
        ([60], [71], 0),
        ([55, 65], [60], 1),
        ([60], [55, 65], 1),
        ([50, 60], [60, 70], 2),
        ([10, 100, 300], [104, 200, 290], 2),
    ],
)
def test_a_prompt_within_ten_minutes_hits_one_true_stretch(
    prompts: list[int], stretches: list[int], expected: int
) -> None:
    assert hits(prompts, stretches) == expected


def test_the_score_counts_prompts_true_stretches_and_awake_time() -> None:
    sitting = [False] * 100 + [True] * 60 + [False] * 40
    person = Recording("drawn", [0] * 160 + [None] * 40, sitting, [False] * 200, ["2026-03-02"] * 200, [0] * 200)

    assert score(lambda _, upright: [59, 150, 170], [person]) == (3, 1, 1, 160)
    assert score(lambda _, upright: [], [person]) == (0, 1, 0, 160)


def test_the_best_week_has_the_most_awake_minutes_and_is_the_earliest_of_equals() -> None:
    asleep_days = {0, 9}
    person = [
        Row(MONDAY + i * MINUTE, 0, 0, None, "asleep" if i // 1440 in asleep_days else None) for i in range(11 * 1440)
    ]
    week = best_week(person)

    assert (week[0].at, week[-1].at) == (MONDAY + timedelta(days=1), MONDAY + timedelta(days=8) - MINUTE)
    assert len(week) == 10_080


def test_holes_are_one_in_a_hundred_and_six_hours_and_come_out_the_same_again() -> None:
    week = [Row(MONDAY + i * MINUTE, 0, 0, None, None) for i in range(10_080)]
    holed = with_holes(week, seed=1)
    gone = {row.at for row in week} - {row.at for row in holed}
    longest = max(b.at - a.at for a, b in pairwise(holed))

    assert 360 + 90 <= len(gone) <= 360 + 100  # singles that fall into the block are gone already
    assert timedelta(hours=6, minutes=1) <= longest <= timedelta(hours=6, minutes=5)
    assert holed == with_holes(week, seed=1)
    assert holed != with_holes(week, seed=2)


def test_rows_are_written_as_the_import_reads_them() -> None:
    out = StringIO()
    write_csv([Row(MONDAY, 12, 1, 71, None), Row(MONDAY + MINUTE, 0, 0, None, "not_worn")], out)

    assert out.getvalue() == (
        "timestamp,steps,intensity,heart_rate,state\n"
        "2026-03-02T00:00:00+00:00,12,1,71,\n"
        "2026-03-02T00:01:00+00:00,0,0,,not_worn\n"
    )


@pytest.mark.parametrize(
    ("path", "people"),
    [(SAMPLE, 3), pytest.param(EVERYBODY, 11, marks=[needs_everybody, pytest.mark.ring])],
)
def test_the_weeks_of_people_are_whole(path: Path, people: int) -> None:
    found = weeks(path)

    assert len(found) == people
    for week in found.values():
        assert len(week) == 10_080
        assert week[-1].at - week[0].at == timedelta(days=7) - MINUTE
        assert week[0].at.time() == time(0)
        assert max(row.steps for row in week) <= 190

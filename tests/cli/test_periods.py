"""`week` and `month`, and every way in which days are told: text, facts, JSON, CSV, a page."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource

from hipsync.cli.dates import month_of, week_of
from hipsync.errors import ConfigError
from hipsync.model import MINUTE, Epoch, State
from hipsync.store import Store
from support import real_people
from support.builders import MONDAY, day
from support.machine import Machine
from support.parsed_page import Parsed
from support.repository import TESTS

HERE = TESTS / "report"
SCHEMAS = {name: json.loads((HERE / f"{name}.schema.json").read_text()) for name in ("day", "week", "month", "trial")}
REGISTRY: Any = Registry[Any]().with_resources(
    [(f"{name}.schema.json", Resource[Any].from_contents(schema)) for name, schema in SCHEMAS.items()]
)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
LIFE = "7h sleep, 1h walk, 90m sit, 5m walk, 3h sit, 30m walk, 2h sit, 5m walk, 8h sleep"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def found(machine: Machine, *words: str, code: int = 0) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(machine.told(*words, "--json", code=code))
    validator: Any = jsonschema.Draft202012Validator(SCHEMAS[words[0]], registry=REGISTRY)
    validator.validate(told)
    return told


def lived(machine: Machine, days: int, start: datetime = MONDAY, drawing: str = LIFE) -> None:
    machine.band([epoch for at in range(days) for epoch in day(drawing, start + at * DAY)])


# ------------------------------------------------------------------ dates


@pytest.mark.parametrize(
    ("word", "monday"),
    [
        ("this", date(2026, 3, 2)), ("this week", date(2026, 3, 2)), ("last", date(2026, 2, 23)),
        ("Last Week", date(2026, 2, 23)), ("-1", date(2026, 2, 23)), ("-9", date(2025, 12, 29)),
        ("2026-03-08", date(2026, 3, 2)), ("2026-03-09", date(2026, 3, 9)), ("mon", date(2026, 3, 2)),
        ("thu", date(2026, 2, 23)), ("2026-W10", date(2026, 3, 2)), ("2020-w53", date(2020, 12, 28)),
        ("yesterday", date(2026, 3, 2)),
    ],
)  # fmt: skip
def test_a_week_may_be_said_as_people_say_it(word: str, monday: date) -> None:
    assert list(week_of(word, date(2026, 3, 4))) == [monday + timedelta(days=at) for at in range(7)]


@pytest.mark.parametrize(
    ("word", "first", "days"),
    [
        ("this", date(2026, 3, 1), 31), ("last", date(2026, 2, 1), 28), ("last month", date(2026, 2, 1), 28),
        ("-3", date(2025, 12, 1), 31), ("2024-02", date(2024, 2, 1), 29), ("march", date(2026, 3, 1), 31),
        ("november", date(2025, 11, 1), 30), ("Nov", date(2025, 11, 1), 30), ("nov 2023", date(2023, 11, 1), 30),
        ("2026-01-31", date(2026, 1, 1), 31), ("yesterday", date(2026, 3, 1), 31),
    ],
)  # fmt: skip
def test_a_month_may_be_said_as_people_say_it(word: str, first: date, days: int) -> None:
    assert list(month_of(word, date(2026, 3, 4))) == [first + timedelta(days=at) for at in range(days)]


@pytest.mark.parametrize(
    "word", ["", "soon", "2026-13", "2026-00", "0000-01", "nov 0000", "2026-W54", "9999-12", "-9999"]
)
def test_what_is_no_month_and_no_week_is_refused(word: str) -> None:
    for of in (week_of, month_of):
        with pytest.raises(ConfigError):
            of(word, date(2026, 3, 4))


def test_what_is_not_understood_is_one_line_that_says_what_is(machine: Machine) -> None:
    assert machine.refused("week", "whenever", code=2) == (
        "'whenever' is not a week: try a day of it like 2026-11-20 or mon, or 2026-W47, last, -2 (weeks ago)"
    )
    assert machine.refused("month", "next", "month", code=2).startswith("'next month' is not a month: try ")


# ------------------------------------------------------------------ JSON and CSV


def test_a_week_s_json_fits_its_schema_and_adds_up(machine: Machine) -> None:
    lived(machine, 3)
    told = found(machine, "week")
    assert (told["first"], told["last"], len(told["days"])) == ("2026-03-02", "2026-03-08", 7)
    assert told["complete_until"] == "2026-03-04T23:10:00+00:00"
    assert told["minutes"]["sitting"] == 3 * 390
    assert told["breaks"] == 9
    assert (told["before"]["complete_until"], told["change"]) == (None, None)


def test_two_weeks_are_compared_for_each_known_hour(machine: Machine) -> None:
    lived(machine, 11)  # a whole week and four days: 8 h 10 awake a day, 390 min of them sitting
    change = found(machine, "week")["change"]
    assert (change["now"]["awake_minutes"], change["before"]["awake_minutes"]) == (4 * 490, 7 * 490)
    assert change["now"]["sitting_minutes_per_hour"] == change["before"]["sitting_minutes_per_hour"] == 47.8
    told = machine.told("week")
    assert "   Sitting, each awake hour   48 min     the same as last week" in told.splitlines()
    assert "   Breaks a day               3          the same" in told.splitlines()
    assert "   12 spells over 60 min so far; 12 by Thursday last week." in told.splitlines()


def test_a_week_of_which_too_little_is_known_is_not_compared(machine: Machine) -> None:
    lived(machine, 9)  # two days of this week: 16 h 20
    assert found(machine, "week")["change"] is None
    told = machine.told("week")
    assert "   Too little data to compare (awake: 16 h 20 now, 57 h 10 before)." in told.splitlines()
    assert "last week\n" not in told


def test_a_month_s_json_fits_its_schema_and_adds_up(machine: Machine) -> None:
    lived(machine, 3)
    told = found(machine, "month")
    assert (told["first"], told["last"], len(told["days"])) == ("2026-03-01", "2026-03-31", 31)
    assert told["minutes"]["sitting"] == 3 * 390
    assert told["hours_awake"] == 3 * 8
    assert found(machine, "month", "--band", "desk-band")["minutes"] == told["minutes"]
    assert found(machine, "month", "--zone", "Asia/Tokyo")["from"] == "2026-03-01T00:00:00+09:00"


@pytest.mark.parametrize("of", ["week", "month"])
def test_of_nothing_there_is_json_too_and_a_word_on_how_to_get_data(machine: Machine, of: str) -> None:
    told = found(machine, of, code=3)
    assert (told["complete_until"], told["usual_stretch_minutes"], told["longest_minutes"]) == (None, None, 0)
    assert "`hipsync pair`" in machine.told(of, code=3)
    assert f"no data for this {of}" in machine.told(of, "--plain", code=3)
    assert machine.files() == []


@pytest.mark.parametrize("words", [["today"], ["day", "mon"], ["week"], ["month"]])
def test_csv_is_a_row_a_day_with_the_numbers_of_the_json(machine: Machine, words: list[str]) -> None:
    lived(machine, 1)
    machine.now -= HOUR
    told = json.loads(machine.told(*words, "--json"))
    rows = list(csv.DictReader(io.StringIO(machine.told(*words, "--csv"))))
    assert rows == [
        {
            column: str(value if value is not None else "")
            for column, value in {**each, **each["minutes"]}.items()
            if column in rows[0]
        }
        for each in told.get("days", [told])
    ]


def test_outputs_exclude_each_other_and_open_needs_a_page(machine: Machine) -> None:
    assert "choose one" in machine.refused("week", "--json", "--csv", code=2)
    assert "--html" in machine.refused("today", "--open", code=2)


# ------------------------------------------------------------------ the page


@pytest.mark.parametrize("words", [["today"], ["day"], ["week"], ["month"]])
def test_a_page_is_written_whole_or_not_at_all(machine: Machine, words: list[str], tmp_path: Path) -> None:
    pytest.importorskip("hipsync.report.page")
    lived(machine, 1)
    file = tmp_path / "page.html"
    file.write_text("older")
    assert machine.told(*words, "--html", str(file)) == f"written: {file}\n"
    assert "<html" in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir() if "page" in each.name] == ["page.html"]
    assert "cannot be written" in machine.refused(*words, "--html", str(tmp_path / "no" / "page.html"), code=2)


# ------------------------------------------------------------------ text


@pytest.mark.parametrize("of", ["week", "month"])
def test_text_fits_80_columns_piped_without_escapes_and_in_ascii(machine: Machine, of: str) -> None:
    lived(machine, 9)
    told = machine.told(of)
    assert max(map(len, told.splitlines())) <= 80
    assert "\x1b" not in told


def test_the_25_hours_of_a_change_of_clocks_fit_80_columns(machine: Machine) -> None:
    machine.band(day("25h sit 5", datetime(2026, 10, 24, 23, tzinfo=UTC)))
    told = machine.told("week", "2026-10-25")
    assert max(map(len, told.splitlines())) <= 80
    (line,) = [line for line in told.splitlines() if line.startswith(" Sun 25")]
    assert line[9:57] == "▁" * 48, "the hour that comes twice is one hour of the clock"


def test_a_day_of_the_week_shows_its_ribbon_and_its_numbers(machine: Machine) -> None:
    lived(machine, 1)  # asleep to 7, up to 8, spells of 90 min, 3 h and 2 h from 8:00, 9:35 and 13:05
    lines = machine.told("week").splitlines()
    assert lines[0] == "Monday 2 to Sunday 8 March 2026" + " " * 21 + "desk-band, up to Mon 2 23:10"
    (line,) = [line for line in lines if line.startswith(" Mon  2")]
    # 20 minutes a cell from 6:00 on. That of 9:20 has ten minutes past the limit, five up and five sat; that of 15:00
    # five past the limit, five up and ten asleep.
    assert line == " Mon  2  ···▁▁▁▄▄▄██▄▄▄██████▁▄▄▄███" + "·" * 25 + "   6 h 30   3    3"


def test_a_month_is_a_calendar_with_a_bar_a_day(machine: Machine) -> None:
    lived(machine, 2)
    lines = machine.told("month").splitlines()
    assert lines[0].startswith("March 2026")
    assert lines[2] == "   On each of 2 days a spell passed 60 min."
    assert lines[4] == "        Mon     Tue     Wed     Thu     Fri     Sat     Sun"
    assert lines[5] == " " * 55 + " 1   ?"
    assert lines[6] == "        2 ▆▆▆   3 ▆▆▆   4       5       6       7       8"
    assert lines[7] == "         3 over  3 over"
    assert "   A day: 6 h 30 sitting, 3 breaks, 9,000 steps." in lines


@pytest.mark.parametrize("locale", [{"LANG": "C"}, {"LANG": ""}, {"LANG": "en_GB.UTF-8", "LC_ALL": "POSIX"}])
def test_where_the_locale_is_plain_the_strip_is_ascii(locale: dict[str, str], machine: Machine) -> None:
    lived(machine, 1)
    for words in (["today"], ["day", "2026-03-02"], ["week"], ["month"]):
        assert machine.told(*words, env=locale).isascii()
        assert not machine.told(*words).isascii()


def test_a_day_without_data_has_no_figures_and_an_unworn_one_no_zeros(machine: Machine) -> None:
    epochs = [*day(LIFE), *day("24h off", MONDAY + DAY), *day("3h walk", MONDAY + 6 * DAY)]
    machine.band(epochs)
    lines = machine.told("week").splitlines()
    assert lines[0].endswith("desk-band, up to Sun 8 03:00")
    ribbons = [line for line in lines if line.startswith((" Tue", " Wed"))]
    assert [line.split()[2:] for line in ribbons] == [["╌" * 48, "-", "-", "-"], ["-", "-", "-"]]
    machine.now = MONDAY + 40 * DAY
    assert "No waking minutes recorded" in machine.told("day", "2026-03-03")
    assert " 3   ?" in machine.told("month", "2026-03")


def test_plain_is_one_fact_a_line_without_a_drawing(machine: Machine) -> None:
    lived(machine, 1)
    facts = machine.told("week", "--plain").splitlines()
    assert (
        "Monday 2 March: 6 h 30 sitting of 8 h 10 awake, 3 spells over 60 min, longest 3 h, 3 breaks, 9,000 steps"
    ) in facts
    assert not re.search("[█▁▄╌·]", "".join(facts))


def test_slots_are_shown_as_coarse(machine: Machine) -> None:
    half_hours = [Epoch(MONDAY + at * 30 * MINUTE, 30 * MINUTE, 5) for at in range(48)]
    hours = [Epoch(MONDAY + DAY + at * HOUR, HOUR, 400) for at in range(24)]
    machine.band(half_hours, name="slots", address="C0:01")
    machine.band(hours, name="hours", address="C0:02")
    told = machine.told("week").splitlines()
    assert "   slots reports 30-minute steps: short breaks may not show." in told
    assert "   hours reports once an hour: steps only (9,840), no sitting." in told
    assert "slots + hours" in told[0]


# ------------------------------------------------------------------ real people


def test_totals_of_real_people_are_the_same_wherever_they_are_told(tmp_path: Path) -> None:
    for number, (person, rows) in enumerate(real_people.weeks().items()):
        machine = Machine(tmp_path / str(number))
        with Store.open(machine.database) as store:
            band = store.add_band(name="band", driver="csv", now=rows[0].at, vouches=True, reports_wear=True)
            store.append(
                band.id,
                [Epoch(r.at, MINUTE, r.steps, state=State(r.state) if r.state else None) for r in rows],
            )
        machine.now = rows[-1].at + 30 * DAY
        for at in (0, 3, 6):
            agree(machine, (rows[0].at + at * DAY).date().isoformat(), person)


def agree(machine: Machine, when: str, person: str) -> None:
    zone = ("--zone", "UTC")
    told = found(machine, "day", when, *zone)
    (row,) = csv.DictReader(io.StringIO(machine.told("day", when, "--csv", *zone)))
    text, facts = machine.told("day", when, *zone), machine.told("day", when, "--plain", *zone)
    awake = sum(told["minutes"][kind] for kind in ("sitting", "up", "standing"))
    for kind, words in (("sitting", "sitting (estimated)"), ("up", "up"), ("asleep", "asleep")):
        minutes = told["minutes"][kind]
        assert int(row[kind]) == minutes, f"{person} {when}"
        of = f" of {said(awake)} awake" if kind == "sitting" and awake else ""
        assert f"{words}: {said(minutes)}{of}" in facts.splitlines()
    for key in ("steps", "breaks", "over_30", "over_limit", "longest_minutes"):
        assert int(row[key]) == told[key]
    breaks = f"{told['breaks']} {'break' if told['breaks'] == 1 else 'breaks'}" if told["breaks"] else "no breaks"
    share = told["minutes"]["sitting"] * 100 // awake if awake else 0
    assert (
        not awake
        or f"   {said(told['minutes']['sitting'])} sitting of {said(awake)} awake ({share} %), {breaks}" in text
    )
    assert f"{told['steps']:,} steps" in text
    assert f"spells over 60 min: {told['over_limit']}" in facts
    assert not awake or f"{told['over_limit'] or 'No'} spell" in text
    page = machine.home / "day.html"
    machine.told("day", when, "--html", str(page), *zone)
    cards = re.findall(r"<dt>([^<]*)</dt><dd><b>([^<]*)</b>", page.read_text())
    assert dict(cards)["Steps"] == f"{told['steps']:,}"
    assert not awake or dict(cards)["Sitting"] == said(told["minutes"]["sitting"])
    machine.told("week", when, "--html", str(page), *zone)
    head, *rows = Parsed(page.read_text()).tables[0]
    day = date.fromisoformat(when)
    shown_there = next(dict(zip(head, row, strict=True)) for row in rows if row[0] == f"{day:%a} {day.day} {day:%b}")
    for kind, words in (("sitting", "sitting (estimated)"), ("up", "up"), ("asleep", "asleep")):
        minutes = told["minutes"][kind]
        assert shown_there.get(words, "") == (said(minutes) if minutes else ""), f"{person} {when}"
    assert (shown_there["steps"], shown_there["breaks"]) == (f"{told['steps']:,}", str(told["breaks"]))
    assert shown_there["over"] == str(told["over_limit"])


def said(minutes: int) -> str:
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02}" if minutes % 60 else f"{minutes // 60} h"


@pytest.mark.parametrize("command", ["day", "week", "month"])
def test_an_option_that_is_none_is_told_as_one_and_a_number_of_days_ago_is_none(command: str, machine: Machine) -> None:
    done = machine.type(command, "--bnad", "x")
    assert done.exit_code == 2
    assert "No such option" in done.stderr
    assert "--band" in done.stderr
    assert machine.type(command, "-2").exit_code == 3, "nothing is known of it"
    assert "'-99999999' is no" in machine.refused(command, "-99999999", code=2)


def test_on_a_monday_today_says_how_the_last_week_went_and_on_no_other_day(machine: Machine) -> None:
    monday = MONDAY + 14 * DAY
    later = "7h sleep, 1h walk, 50m sit, 5m walk, 50m sit, 5m walk, 50m sit, 5m walk, 3h sit, 1h walk"
    drawn = [*[LIFE] * 7, *[later] * 7, "7h sleep, 1h walk, 3h sit"]
    machine.band([epoch for at, drawing in enumerate(drawn) for epoch in day(drawing, MONDAY + at * DAY)])
    machine.now = monday + 11 * HOUR
    week = found(machine, "week", "last")
    breaks = [
        sum(each["breaks"] for each in week["days"]) / 7,
        sum(each["breaks"] for each in found(machine, "week", "-2")["days"]) / 7,
    ]
    more = round(breaks[0]) - round(breaks[1])
    assert more != 0
    (note,) = [line for line in machine.told("today").splitlines() if "Last week:" in line]
    told = f"   Last week: {round(breaks[0])} breaks a day, {abs(more)} {'more' if more > 0 else 'fewer'} than before."
    assert note.startswith(told)
    assert note.endswith(" Hardest: 9-11."), "each long spell of that week began at 10:45"
    assert "Last week" not in machine.told("today", "--plain")
    assert "Last week" not in machine.told("day", "yesterday")
    machine.now += DAY
    assert "Last week" not in machine.told("today", code=3)

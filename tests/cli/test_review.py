"""`today` and `day`: what a person reads of one day."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from hipsync.abilities import Abilities
from hipsync.model import MINUTE, Answer, Epoch, Prompt, Where
from hipsync.store import Store
from support.builders import MONDAY, day
from support.machine import Machine
from support.repository import TESTS

SCHEMA = json.loads((TESTS / "report" / "day.schema.json").read_text())
SITTING = day("7h sleep, 1h walk, 70m sit")
HOUR = timedelta(hours=1)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def found(machine: Machine, *words: str, code: int = 0) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(machine.told(*words, code=code))
    return told


@pytest.mark.parametrize("words", [["today"], ["day"], ["day", "mon"], ["day", "Monday"], ["day", "2026-03-02"]])
def test_the_day_s_json_fits_its_schema_and_says_what_the_contract_says(machine: Machine, words: list[str]) -> None:
    machine.band(SITTING)
    told = found(machine, *words, "--json")
    jsonschema.validate(told, SCHEMA)
    assert told["date"] == "2026-03-02"
    assert (told["from"], told["to"]) == ("2026-03-02T00:00:00+00:00", "2026-03-03T00:00:00+00:00")
    assert told["complete_until"] == "2026-03-02T09:10:00+00:00"
    assert told["bands"] == [{"name": "desk-band", "simulated": False, "resolution_minutes": 1}]
    assert told["minutes"] == {"sitting": 70, "up": 60, "standing": 0, "asleep": 420, "not_worn": 0, "unknown": 0}
    assert told["steps"] == 60 * 90
    assert [(piece["from"], piece["minutes"], piece["ended_by"]) for piece in told["stretches"]] == [
        ("2026-03-02T08:00:00+00:00", 70, None)
    ]


def test_a_day_of_which_nothing_is_known_fits_the_schema_too(machine: Machine) -> None:
    told = found(machine, "today", "--json", code=3)
    jsonschema.validate(told, SCHEMA)
    assert (told["complete_until"], told["bands"], told["stretches"]) == (None, [], [])


@pytest.mark.parametrize(
    ("word", "date"),
    [
        ("today", "2026-03-04"), ("yesterday", "2026-03-03"), ("-3", "2026-03-01"), ("-0", "2026-03-04"),
        ("wed", "2026-03-04"), ("thu", "2026-02-26"), ("Tuesday", "2026-03-03"), ("20260302", "2026-03-02"),
    ],
)  # fmt: skip
def test_a_day_may_be_said_as_people_say_it(machine: Machine, word: str, date: str) -> None:
    machine.now = datetime.fromisoformat("2026-03-04T12:00:00+00:00")  # a Wednesday
    assert found(machine, "day", word, "--json", code=3)["date"] == date


def test_a_zone_is_for_display_and_has_days_of_its_own(machine: Machine) -> None:
    machine.band(SITTING)
    told = found(machine, "today", "--json", "--zone", "Asia/Tokyo")
    assert (told["zone"], told["from"]) == ("Asia/Tokyo", "2026-03-02T00:00:00+09:00")
    assert told["minutes"]["unknown"] == 9 * 60


def test_a_night_worker_s_day_begins_when_the_settings_say(machine: Machine) -> None:
    machine.settings.parent.mkdir(parents=True)
    machine.settings.write_text('[day]\nstart = "04:00"\n')
    machine.settings.chmod(0o600)
    machine.now = MONDAY + 3 * HOUR
    told = found(machine, "today", "--json", code=3)
    assert (told["date"], told["to"]) == ("2026-03-01", "2026-03-02T04:00:00+00:00")


def test_a_day_may_be_that_of_one_band(machine: Machine) -> None:
    machine.band([Epoch(MONDAY + 8 * HOUR, MINUTE, 7)], name="left", address="C0:01")
    machine.band([Epoch(MONDAY + 9 * HOUR, MINUTE, 5)], name="right", address="C0:02")
    assert found(machine, "today", "--json")["steps"] == 12
    told = found(machine, "today", "--json", "--band", "left")
    assert (told["steps"], told["complete_until"]) == (7, "2026-03-02T08:01:00+00:00")
    assert [band["name"] for band in told["bands"]] == ["left"]
    assert found(machine, "day", "--json", "--band", "C0:02")["steps"] == 5


def test_plain_is_one_fact_a_line(machine: Machine) -> None:
    machine.band(SITTING)
    nine = MONDAY + 9 * HOUR
    with Store.open(machine.database) as store:
        store.add_prompt(
            Prompt(
                nine, nine, "hip-extension", sure=True, where=(Where.DESKTOP,), last_shown=nine, answer=Answer.DONE,
                answered_at=nine + MINUTE,
            )
        )  # fmt: skip
    assert machine.told("today", "--plain").splitlines() == [
        "Monday 2 March 2026, Europe/London",
        "desk-band, up to 09:10",
        "Sitting for 1 h 10, since 08:00. Done at 09:01.",
        "sitting (estimated): 1 h 10 of 2 h 10 awake",
        "up: 1 h",
        "standing: 0 min",
        "asleep: 7 h",
        "not worn: 0 min",
        "no data: 0 min",
        "spells over 60 min: 1",
        "spells of 30 min or more: 1",
        "longest spell: 1 h 10",
        "typical spell: 1 h 10 (half of your sitting is in spells up to this long)",
        "breaks: 0 (goal: 8)",
        "steps: 5,400",
        "spell: 08:00-now, 1 h 10, over",
        "reminder: 09:00, hip extension, done, shown: desktop",
    ]


def test_a_simulated_band_is_marked_wherever_it_is_shown(machine: Machine) -> None:
    with Store.open(machine.database) as store:
        held = store.add_band(name="made-up", driver="huami", now=MONDAY, address="C0:00", simulated=True)
        store.append(held.id, SITTING)
    machine.now = SITTING[-1].end
    assert "made-up (simulated)" in machine.told("today")
    assert "made-up (simulated)" in machine.told("today", "--plain")
    assert "(simulated)" in machine.told("bands")
    assert found(machine, "today", "--json")["bands"][0]["simulated"] is True
    assert found(machine, "bands", "--json")["bands"][0]["simulated"] is True


def test_without_data_the_next_step_fits_the_bands_there_are(tmp_path: Path) -> None:
    machine = Machine(tmp_path)

    def proposed(*words: str) -> str:
        return " ".join(machine.told(*words, code=3).split()).rpartition("No data ")[2].partition(". ")[2]

    for command in ("today", "week", "month"):
        assert proposed(command) == "`hipsync pair` adds your band, `hipsync demo` shows how it works."
    assert proposed("--demo", "today") == "`hipsync pair --simulate huami` makes a practice band."
    with Store.open(machine.database) as store:
        store.add_band(name="a file", driver="csv", now=machine.now)
    assert proposed("today") == "`hipsync import` reads a file."
    with Store.open(machine.database) as store:
        store.add_band(name="time", driver="infinitime", address="C0:01", now=machine.now)
    assert proposed("today") == "Your band keeps nothing: leave hipsync running. `hipsync import` reads a file."
    with Store.open(machine.database) as store:
        watch = store.add_band(name="watch", driver="garmin", address="C0:03", now=machine.now).id
        store.note_abilities(watch, Abilities(live=True), family=Abilities())
    assert proposed("today") == "Your band keeps nothing: leave hipsync running. `hipsync import` reads a file."
    machine.band(name="band")
    assert proposed("day", "yesterday").startswith("`hipsync sync` fetches what your band has.")


def test_a_month_of_one_day_has_no_plural(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.band(day("8h sleep, 10m walk, 2h sit, 10m walk"))
    assert "On the only day a spell passed 60 min." in machine.told("month")

"""`hipsync why`: every learned number is shown, and what follows from it; `week` says how many were followed."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from hipsync.cli.app import App
from hipsync.cli.site import Site
from hipsync.model import MINUTE, Answer, Prompt
from hipsync.store import Store
from support.builders import MONDAY, day
from support.machine import Machine
from support.parsed_page import Parsed

DAY = timedelta(days=1)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def reminded(machine: Machine, weeks: int, followed: frozenset[tuple[int, int]]) -> None:
    """On each Monday, up to that of the clock, reminders at 13 and at 14 h; those of (week, hour) were followed."""
    first = MONDAY - (weeks - 1) * 7 * DAY
    band = machine.band()
    with Store.open(machine.database) as store:
        for week in range(weeks):
            at = first + week * 7 * DAY
            walked = [e._replace(heart_rate=70) for e in day("12h walk, 4h sit", at, walk=30)]
            store.append(band, walked)
            for hour in (13, 14):
                answer = Answer.DONE if (week, hour) in followed else Answer.IGNORED
                when = at + hour * 60 * MINUTE
                store.add_prompt(Prompt(when, when, "hip-extension", sure=True, answer=answer, answered_at=when))
    machine.now = MONDAY + 16 * 60 * MINUTE


def test_nothing_is_known_on_a_new_machine(machine: Machine) -> None:
    assert machine.told("why").splitlines() == [
        "no reminders to judge by in the last 7 days",
        "no data on whether reminders of the last 12 weeks were followed",
    ]
    assert json.loads(machine.told("why", "--json")) == {
        "version": 1, "adapts": True, "last_week": {"followed": 0, "of": 0}, "suggests_walks": False, "hours": [],
    }  # fmt: skip
    assert machine.files() == []


def test_every_number_is_shown(machine: Machine) -> None:
    reminded(machine, 9, frozenset({(0, 14)}))
    lines = machine.told("why").splitlines()
    assert lines == [
        "followed in the last 7 days: 0 of 2 reminders",
        "by hour of the week, in the last 12 weeks:",
        "  Mon 13-14    0 of 9  estimate  15 %  failing",
        "  Mon 14-15    1 of 9  estimate  23 %  failing, and so is the hour before: given quietly",
        "estimate: (followed + 2) / (reminders + 4); failing: under 25 % after 6 reminders or more",
        "a short walk: if under 30 % of 6 reminders or more were followed in the last 7 days",
    ]
    found = json.loads(machine.told("why", "--json"))
    assert found["hours"] == [
        {"weekday": 1, "hour": "13:00", "followed": 0, "of": 9, "estimate": 0.154, "failing": True, "quiet": False},
        {"weekday": 1, "hour": "14:00", "followed": 1, "of": 9, "estimate": 0.231, "failing": True, "quiet": True},
    ]
    app = App(lambda: machine.now)
    app.db_path = machine.database
    for span in ("week", "month"):
        (section,) = re.findall('<section id="learned".*?</section>', Site(app).page(span, "today", "", ""), re.DOTALL)
        (table,) = Parsed(section).tables
        assert table[1:] == [
            ["Mon 13-14", "0 of 9", "15 %", "failing"],
            ["Mon 14-15", "1 of 9", "23 %", "failing, and so is the hour before: given quietly"],
        ]
    machine.told("config", "set", "prompts.adapt", "false")
    lines = machine.told("why").splitlines()
    assert lines[0] == "nothing follows from these numbers: prompts.adapt is false"
    assert lines[4] == "  Mon 14-15    1 of 9  estimate  23 %  failing"
    assert json.loads(machine.told("why", "--json"))["adapts"] is False


def test_what_is_older_than_twelve_weeks_is_forgotten(machine: Machine) -> None:
    reminded(machine, 20, frozenset())
    assert [hour["of"] for hour in json.loads(machine.told("why", "--json"))["hours"]] == [12, 12]
    machine.now = (
        MONDAY + (13 * 60 + 30) * MINUTE
    )  # twelve weeks ago to the minute: after one at 13 h, before one at 14
    assert [hour["of"] for hour in json.loads(machine.told("why", "--json"))["hours"]] == [12, 12]


def week_of(machine: Machine, this: int, before: int) -> str:
    """Say `week` after a week with 7 reminders of which `this` were followed, and one before it with `before`."""
    band = machine.band()
    with Store.open(machine.database) as store:
        for week, count in ((-1, before), (0, this)):
            for number in range(7):
                at = MONDAY + (week * 7 + number) * DAY
                store.append(band, [e._replace(heart_rate=70) for e in day("12h walk, 2h sit, 1h walk", at, walk=30)])
                answer, when = Answer.DONE if number < count else Answer.IGNORED, at + 13 * 60 * MINUTE
                store.add_prompt(Prompt(when, when, "hip-extension", sure=True, answer=answer, answered_at=when))
    machine.now = MONDAY + 6 * DAY + 15 * 60 * MINUTE
    return machine.told("week")


@pytest.mark.parametrize(
    ("this", "before", "proposed"), [(2, 7, True), (2, 3, True), (3, 7, False), (2, 2, False), (0, 0, False)]
)
def test_a_week_proposes_a_change_once(machine: Machine, this: int, before: int, proposed: bool) -> None:
    text = week_of(machine, this, before)
    assert f"   Reminders followed         {this} of 7\n" in text
    assert ("Other hours may suit you better" in text) is proposed
    assert ("another limit" in machine.told("week", "--plain")) is proposed
    found = json.loads(machine.told("week", "--json"))
    assert (found["reminders"], found["before"]["reminders"]) == (
        {"followed": this, "of": 7}, {"followed": before, "of": 7}
    )  # fmt: skip

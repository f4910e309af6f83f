"""`hipsync desk`: how the user works at the computer now."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from hipsync.model import MINUTE, DeskTime
from hipsync.store import Store
from support.builders import MONDAY
from support.machine import Machine

NINE = MONDAY + timedelta(hours=9)
HOUR = timedelta(hours=1)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path, NINE)
    with Store.open(machine.database) as store:
        store.note_zone(MONDAY, "Europe/London")
    return machine


def times(machine: Machine) -> list[DeskTime]:
    with Store.read(machine.database) as store:
        return store.desk_times(MONDAY, MONDAY + timedelta(days=9))


@pytest.mark.parametrize(
    ("words", "until", "said"),
    [
        (["standing"], NINE + HOUR, "10:00"),
        (["standing", "for", "2h"], NINE + 2 * HOUR, "11:00"),
        (["Standing", "30m"], NINE + 30 * MINUTE, "09:30"),
        (["standing", "until", "14:00"], NINE + 5 * HOUR, "14:00"),
    ],
)
def test_standing_is_for_as_long_as_was_said(machine: Machine, words: list[str], until: datetime, said: str) -> None:
    assert machine.told("desk") == "At the desk: sitting (sitting.desk).\n"
    line = f"At the desk: standing, until Mon 02 Mar {said}; `hipsync desk sitting` ends it sooner.\n"
    assert machine.told("desk", *words) == line
    assert times(machine) == [DeskTime(NINE, until)]
    machine.now += 20 * MINUTE
    assert machine.told("desk") == line
    assert machine.told("desk", "sitting") == "At the desk: sitting (sitting.desk).\n"
    assert times(machine) == [DeskTime(NINE, NINE + 20 * MINUTE)], "what was is kept"
    machine.now += MINUTE
    assert machine.told("desk", "standing").startswith("At the desk: standing")
    assert len(times(machine)) == 2


def test_it_ends_by_itself(machine: Machine) -> None:
    machine.told("desk", "standing")
    machine.now += HOUR
    assert machine.told("desk") == "At the desk: sitting (sitting.desk).\n"


@pytest.mark.parametrize("words", [["lying"], ["sitting", "down"], ["standing", "up"], ["standing", "for"] * 2])
def test_what_is_no_desk_is_refused_and_nothing_is_stored(machine: Machine, words: list[str]) -> None:
    machine.refused("desk", *words, code=2)
    assert times(machine) == []


def test_where_the_computer_is_not_asked_there_is_nothing_to_say(machine: Machine) -> None:
    machine.settings.parent.mkdir(parents=True)
    machine.settings.write_text('[sitting]\ndesk = "off"\n')
    machine.settings.chmod(0o600)
    assert "sitting.desk is" in machine.refused("desk", "standing", code=2)
    assert times(machine) == []

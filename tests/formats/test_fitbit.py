"""The command that imports Fitabase's files: minutes of several people, with what stands beside their steps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from formats.past.test_fitabase import INTENSITY, STEPS
from hipsync.model import MINUTE, Epoch, State
from hipsync.store import Store
from support.machine import Machine
from support.stored import NOW

SLEEP = """Id,date,value,logId
1503960366,4/12/2016 12:00:30 AM,1,11380564589
1503960366,4/12/2016 12:01:30 AM,3,11380564589
"""
HEART = """Id,Time,Value
1503960366,4/12/2016 12:01:00 AM,97
1503960366,4/12/2016 12:01:05 AM,102
1503960366,4/12/2016 12:01:10 AM,104
1503960366,4/12/2016 12:01:15 AM,0
"""
MIDNIGHT = datetime(2016, 4, 12, 4, tzinfo=UTC)
"""In New York."""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path, NOW)


def files(machine: Machine, *texts: str) -> list[str]:
    made: list[str] = []
    for number, text in enumerate(texts):
        path = machine.home / f"file{number}.csv"
        path.write_text(text)
        made.append(str(path))
    return made


def stored(machine: Machine, name: str) -> list[Epoch]:
    with Store.read(machine.database) as store:
        band = next(band for band in store.bands() if band.name == name)
        assert not band.reports_wear
        return store.epochs(band.id, MIDNIGHT - timedelta(days=400), MIDNIGHT + timedelta(days=400))


def test_people_and_what_stands_beside_their_steps(machine: Machine) -> None:
    given = files(machine, STEPS, INTENSITY, SLEEP, HEART)
    message = machine.told("import", "fitbit", *given, "--zone", "America/New_York")
    assert message.splitlines() == [
        "fitbit 1503960366: 3 rows read: 3 new.",
        "fitbit 2022484408: 1 row read: 1 new.",
        "Left out: 1 row without a heart rate from 20 to 250.",
    ]
    assert stored(machine, "fitbit 1503960366") == [
        Epoch(MIDNIGHT, MINUTE, 0, state=State.ASLEEP),
        Epoch(MIDNIGHT + MINUTE, MINUTE, 7, 1, 101),
        Epoch(MIDNIGHT + timedelta(hours=13), MINUTE, 90),
    ]
    assert stored(machine, "fitbit 2022484408") == [Epoch(MIDNIGHT, MINUTE, 3)]
    again = machine.told("import", "fitbit", *files(machine, STEPS), "--zone", "America/New_York")
    assert again.splitlines() == [
        "fitbit 1503960366: 3 rows read: 0 new, 3 already stored.",
        "fitbit 2022484408: 1 row read: 0 new, 1 already stored.",
    ]


def test_what_is_left_out_is_counted(machine: Machine) -> None:
    text = "Id,ActivityMinute,Steps\n1,3/13/2016 2:30:00 AM,5\n1,11/6/2016 1:30:00 AM,6\n"
    message = machine.told("import", "fitbit", *files(machine, text), "--zone", "America/New_York")
    assert message.endswith("Left out: 1 row with a local time that does not exist: the clock skipped it.\n")
    assert stored(machine, "fitbit 1") == [Epoch(datetime(2016, 11, 6, 5, 30, tzinfo=UTC), MINUTE, 6)]


def test_what_is_wrong_is_one_line_and_nothing_is_imported(machine: Machine) -> None:
    text = "Id,ActivityMinute,Steps\n1,4/12/2016 1:00:00 AM,many\n"
    output = machine.refused("import", "fitbit", *files(machine, text), "--zone", "Europe/Rome", code=1)
    assert "line 2: steps 'many' is not a whole number" in output
    assert not machine.database.exists()


def test_heart_rates_without_steps_are_no_minutes(machine: Machine) -> None:
    told = machine.told("import", "fitbit", *files(machine, HEART), "--zone", "Europe/Rome")
    assert told.splitlines()[0] == "no rows read."
    assert "Left out: 1 row without a heart rate from 20 to 250." in told.splitlines()
    with Store.read(machine.database) as store:
        assert store.bands() == []


def test_a_zone_is_needed(machine: Machine) -> None:
    assert machine.type("import", "fitbit", *files(machine, STEPS)).exit_code == 1
    message = machine.refused("import", "fitbit", *files(machine, STEPS), "--zone", "Mars", code=2)
    assert message == "'Mars' is no time zone: use an IANA name such as Europe/London"

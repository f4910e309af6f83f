"""Fitabase's files: minutes of several people, in both forms, with what stands beside the steps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hipsync.model import MINUTE, Epoch, State
from hipsync.store import Store
from support.machine import Machine
from support.stored import NOW

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
    assert message == "2 people. 4 minutes read: 4 new.\n"
    assert stored(machine, "fitbit 1503960366") == [
        Epoch(MIDNIGHT, MINUTE, 0, state=State.ASLEEP),
        Epoch(MIDNIGHT + MINUTE, MINUTE, 7, 1, 101),
        Epoch(MIDNIGHT + timedelta(hours=13), MINUTE, 90),
    ]
    assert stored(machine, "fitbit 2022484408") == [Epoch(MIDNIGHT, MINUTE, 3)]
    again = machine.told("import", "fitbit", *files(machine, STEPS), "--zone", "America/New_York")
    assert again == "2 people. 4 minutes read: 0 new, 4 already stored.\n"


def test_an_hour_a_row_is_sixty_minutes(machine: Machine) -> None:
    header = ",".join(f"Steps{minute:02}" for minute in range(60))
    cells = ",".join(str(minute) for minute in range(59))
    wide = f"Id,ActivityHour,{header}\n1,4/12/2016 12:00:00 AM,{cells},\n"
    machine.told("import", "fitbit", *files(machine, wide), "--zone", "America/New_York")
    assert stored(machine, "fitbit 1") == [Epoch(MIDNIGHT + n * MINUTE, MINUTE, n) for n in range(59)]


def test_a_time_that_the_clock_skipped_is_left_out_and_one_that_comes_twice_is_the_first(machine: Machine) -> None:
    text = "Id,ActivityMinute,Steps\n1,3/13/2016 2:30:00 AM,5\n1,11/6/2016 1:30:00 AM,6\n"
    message = machine.told("import", "fitbit", *files(machine, text), "--zone", "America/New_York")
    assert message.endswith("Left out: 1 row with a time that does not exist in America/New_York.\n")
    assert stored(machine, "fitbit 1") == [Epoch(datetime(2016, 11, 6, 5, 30, tzinfo=UTC), MINUTE, 6)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dear diary\n", "this is no file of minutes that Fitabase exports: its first line is 'dear diary'"),
        ("", "this is no file of minutes"),
        ("Id,ActivityMinute,Calories\n1,4/12/2016 1:00:00 AM,1.5\n", "this file is about Calories"),
        ("Id,ActivityMinute,Steps\n1,2016-04-12 01:00,5\n", "line 2: '2016-04-12 01:00' is not a time like"),
        ("Id,ActivityMinute,Steps\n1,13/12/2016 1:00:00 AM,5\n", "line 2: '13/12/2016 1:00:00 AM' is not a time"),
        ("Id,ActivityMinute,Steps\n1,4/12/2016 13:00:00 PM,5\n", "is not a time"),
        ("Id,ActivityMinute,Steps\n1,4/12/2016 1:00:00 AM,many\n", "line 2: steps 'many' is not a whole number"),
        ("Id,ActivityMinute,Steps\n1,4/12/2016 1:00:00 AM,301\n", "line 2: steps '301' is not"),
        ("Id,ActivityMinute,Steps\nme,4/12/2016 1:00:00 AM,3\n", "line 2: 'me' is no number of a person"),
        ("Id,ActivityMinute,Steps\n1,4/12/2016 1:00:00 AM\n", "line 2 has 2 columns and the header 3"),
        ("Id,ActivityMinute,Steps\n1,1/1/1970 12:00:00 AM,3\n", "line 2: 1970-01-01 00:00:00 is not in the years 1970"),
        (SLEEP, "none of the files has steps of minutes"),
        ("Id,ActivityMinute,Steps\n" + "9" * 20_000, "line 2 is no line of such a file"),
    ],
)
def test_what_is_wrong_is_one_line_and_nothing_is_imported(text: str, message: str, machine: Machine) -> None:
    output = machine.refused("import", "fitbit", *files(machine, text), "--zone", "Europe/Rome", code=1)
    assert message in output
    assert not machine.database.exists()


def test_a_zone_is_needed(machine: Machine) -> None:
    assert machine.type("import", "fitbit", *files(machine, STEPS)).exit_code == 2
    message = machine.refused("import", "fitbit", *files(machine, STEPS), "--zone", "Mars", code=2)
    assert message == "'Mars' is no time zone: use an IANA name such as Europe/London"

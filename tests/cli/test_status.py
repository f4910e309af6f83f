"""`hipsync status` and `status --line`: what is known now, and if nothing happens, why."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hipsync.model import MINUTE, Epoch, Pause, Prompt, State
from hipsync.store import Store
from support.builders import day
from support.machine import Machine

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
"""A Monday, in London's winter: local time is UTC."""
HOURS = """[prompts]
hours = { mon-fri = "08:00-18:00" }
lunch = "12:30-13:30"
"""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    machine.settings.parent.mkdir(parents=True)
    machine.settings.write_text(HOURS)
    return machine


def at(hours: float) -> datetime:
    return NINE + timedelta(hours=hours - 9)


def asleep(start: datetime, hours: float) -> list[Epoch]:
    return [Epoch(start + n * MINUTE, MINUTE, 0, state=State.ASLEEP) for n in range(round(hours * 60))]


@pytest.mark.parametrize(
    ("told", "now", "line"),
    [
        (day("10m walk, 20m sit", NINE), at(9.5), "sitting for 20 min, next look at a prompt 10:10"),
        (day("10m walk, 65m sit", NINE), at(10.25), "sitting for 65 min: time to move"),
        (day("30m sit, 10m walk", NINE), at(9) + 40 * MINUTE, "moving now, next look at a prompt 10:40"),
        (day("30m sit, 10m walk", NINE), at(9) + 47 * MINUTE, "moving 7 min ago, next look at a prompt 10:40"),
        (day("30m sit, 10m walk", NINE), at(11), "nothing is said: no data since 09:40"),
        (day("10m walk, 30m sit", at(17.5)), at(18) + 10 * MINUTE,
         "nothing is said: outside the prompt hours, next look at a prompt Tue 08:00"),
        (day("10m walk, 65m sit", at(11.5)), at(12.75), "nothing is said: lunch"),
        (day("10m walk, 160m sit", at(11.5)), at(14) + 20 * MINUTE,
         "nothing is said: the limit was reached over lunch, and that is dropped"),
        (day("10m walk, 20m sit", at(12)), at(12.5), "sitting for 20 min, next look at a prompt 13:30"),
        (day("30m walk, 30m off", NINE), at(10), "nothing is said: not worn since 09:30, next look at a prompt 11:00"),
        (asleep(at(9), 1), at(10), "nothing is said: asleep since 09:00, next look at a prompt 11:00"),
        (asleep(at(-2), 9), at(7), "nothing is said: asleep since Sun 22:00, next look at a prompt 08:00"),
        (asleep(at(-2), 9), at(9), "nothing is said: asleep since Sun 22:00, known up to 07:00"),
        (day("30m walk, 30m off", NINE), at(10.5),
         "nothing is said: not worn since 09:30, known up to 10:00, next look at a prompt 11:00"),
        ([], NINE, "nothing is said: no data"),
    ],
)  # fmt: skip
def test_the_line_says_what_is_and_why_nothing_is_said(
    told: Sequence[Epoch], now: datetime, line: str, machine: Machine
) -> None:
    machine.band(told)
    machine.now = now
    assert machine.told("status", "--line") == f"{line}\n"
    assert machine.told("status").splitlines()[0] == line


def test_a_pause_is_told_with_its_end(machine: Machine) -> None:
    machine.band(day("10m walk, 65m sit", NINE))
    with Store.open(machine.database) as store:
        store.add_pause(Pause(machine.now, at(34)))
    assert machine.told("status", "--line") == "paused until Tue 10:00\n"


def test_why_a_band_was_not_reached_is_told_and_cannot_steer_the_terminal(machine: Machine) -> None:
    band = machine.band(day("10m walk, 20m sit", NINE))
    with Store.open(machine.database) as store:
        store.note_sync(band, NINE, NINE, 30, None)
        for minute in (5, 7):
            store.note_sync(band, NINE + minute * MINUTE, NINE + minute * MINUTE, 0, "Bluetooth is switched \x1b[5moff")
    lines = machine.told("status").splitlines()
    assert lines[1:3] == ["the service does not run: `hipsync run` starts it", "last data: Mon 09:30 (0 min ago)"]
    assert lines[3] == "desk-band: last reached Mon 09:00, 2 attempts failed since"
    assert lines[4].startswith("    Bluetooth is switched ")
    assert "\x1b" not in lines[4]
    told = json.loads(machine.told("status", "--json"))
    assert (told["running"], told["sitting_minutes"], told["reason"]) == (False, 20, "sitting, not yet long enough")
    assert (told["bands"][0]["failures"], told["bands"][0]["reached"]) == (2, "2026-03-02T09:00:00+00:00")


def test_a_prompt_that_stands_is_told(machine: Machine) -> None:
    machine.band(day("10m walk, 65m sit", NINE))
    with Store.open(machine.database) as store:
        store.add_prompt(Prompt(at(10) + 11 * MINUTE, at(10) + 10 * MINUTE, "hip-extension", sure=True))
    assert machine.told("status", "--line").startswith(
        "nothing is said: waiting for an answer, next look at a prompt 10:21"
    )

"""`hipsync status` and `status --line`: what is known now, and if nothing happens, why."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hipsync.host.lock import only_instance
from hipsync.model import MINUTE, Answer, Counter, Epoch, Pause, Prompt, State, Where
from hipsync.store import Store
from support.builders import MONDAY, day
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


# ------------------------------------------------------------------ with the default settings

SITTING = day("7h sleep, 1h walk, 70m sit")
HOUR = timedelta(hours=1)


@pytest.fixture
def defaults(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def found(machine: Machine, *words: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(machine.told(*words))
    return told


def shown(
    machine: Machine, at: datetime, *, answer: Answer | None = None, snoozed_until: datetime | None = None
) -> None:
    with Store.open(machine.database) as store:
        store.add_prompt(
            Prompt(
                at, at, "hip-extension", sure=True, where=(Where.DESKTOP,), last_shown=at, answer=answer,
                answered_at=None if answer is None else at + MINUTE, snoozed_until=snoozed_until,
            )
        )  # fmt: skip


def off(minutes: int) -> list[Epoch]:
    return [*SITTING, *(Epoch(SITTING[-1].end + at * MINUTE, MINUTE, 0, state=State.NOT_WORN) for at in range(minutes))]


@pytest.mark.parametrize(
    ("epochs", "later", "line", "reason"),
    [
        ([], 0, "nothing is said: no data", "no data"),
        (off(5), 0, "nothing is said: not worn", "not worn"),
        (day("7h sleep"), 0, "nothing is said: asleep", "asleep"),
        (day("7h sleep, 1h walk"), 0, "moving now", "moving"),
        (day("7h sleep, 1h walk, 30m sit"), 0, "sitting for 30 min, next look at a prompt 09:00",
         "sitting, not yet long enough"),
        (day("22h walk, 90m sit"), 0, "nothing is said: outside the prompt hours", "outside the prompt hours"),
        (day("690m walk, 65m sit"), 0, "nothing is said: lunch", "lunch"),
        (day("8h sleep, 30m walk, 5h sit"), 0, "nothing is said: no sign of life", "no sign of life"),
        (SITTING, 0, "sitting for 70 min: time to move", "due"),
        (SITTING, 120, "nothing is said: no data", "no data"),
    ],
    ids=["no data", "not worn", "asleep", "moving", "sitting", "hours", "lunch", "no life", "due", "stale"],
)  # fmt: skip
def test_status_says_why_nothing_is_said(
    defaults: Machine, epochs: list[Epoch], later: int, line: str, reason: str
) -> None:
    defaults.band(epochs)
    defaults.now += later * MINUTE
    told = found(defaults, "status", "--json")
    assert (told["reason"], told["at"]) == (reason, defaults.now.isoformat())
    assert defaults.told("status", "--line").startswith(line)
    assert defaults.told("status").startswith(line)


@pytest.mark.parametrize(
    ("minutes_ago", "answer", "snoozed_for", "line", "reason"),
    [
        (5, None, None, "nothing is said: waiting for an answer, next look at a prompt 09:15", "waiting for an answer"),
        (5, Answer.SNOOZED, 15, "nothing is said: snoozed, next look at a prompt 09:20", "snoozed"),
        (5, Answer.DONE, None, "nothing is said: said already", "said already"),
        (5, Answer.SKIPPED, None, "nothing is said: said already", "said already"),
    ],
)
def test_status_says_what_became_of_a_prompt(
    defaults: Machine, minutes_ago: int, answer: Answer | None, snoozed_for: int | None, line: str, reason: str
) -> None:
    defaults.band(SITTING)
    until = None if snoozed_for is None else defaults.now - minutes_ago * MINUTE + snoozed_for * MINUTE
    shown(defaults, defaults.now - minutes_ago * MINUTE, answer=answer, snoozed_until=until)
    assert found(defaults, "status", "--json")["reason"] == reason
    assert defaults.told("status", "--line") == line + "\n"


def test_status_says_when_data_came_whether_bands_are_reached_and_whether_it_runs(defaults: Machine) -> None:
    held = defaults.band(SITTING)
    with Store.open(defaults.database) as store:
        store.note_sync(held, MONDAY + 9 * HOUR, MONDAY + 9 * HOUR, 70, None)
        for minutes in (2, 4):
            store.note_sync(held, MONDAY + 9 * HOUR + minutes * MINUTE, defaults.now, 0, "out of reach\x1b[2J")
    told = defaults.told("status").splitlines()
    assert told[1:5] == [
        "the service does not run: `hipsync run` starts it",
        "last data: Mon 09:10 (0 min ago)",
        "desk-band: last reached Mon 09:00, 2 attempts failed since",
        "    out of reach[2J",
    ]
    with only_instance(defaults.database):
        assert defaults.told("status").splitlines()[1] == "the service runs"
        assert found(defaults, "status", "--json")["running"] is True
    told_json = found(defaults, "status", "--json")
    assert told_json["running"] is False
    assert told_json["known_until"] == "2026-03-02T09:10:00+00:00"
    (band,) = told_json["bands"]
    assert band == {
        "name": "desk-band", "reached": "2026-03-02T09:00:00+00:00", "failures": 2, "trouble": "out of reach\x1b[2J",
    }  # fmt: skip


def test_a_contact_that_a_wrong_clock_dated_is_shown_with_its_year_and_does_not_count(defaults: Machine) -> None:
    held = defaults.band(SITTING)
    wrong = MONDAY + timedelta(days=366)
    with Store.open(defaults.database) as store:
        store.note_sync(held, MONDAY + 9 * HOUR, MONDAY + 9 * HOUR, 10, None)
        store.note_sync(held, wrong, wrong, 10, None)
    why = (
        "a contact is dated 2027-03-03 00:00, in the future: this computer's clock was ahead then, so it does not count"
    )
    lines = defaults.told("status").splitlines()
    assert lines[3:5] == ["desk-band: last reached Mon 09:00", f"    {why}"]
    (band,) = found(defaults, "status", "--json")["bands"]
    assert (band["reached"], band["trouble"]) == ("2026-03-02T09:00:00+00:00", why)


def test_what_a_live_band_sent_by_a_wrong_clock_is_told_with_its_year(defaults: Machine) -> None:
    """Nothing but a counter lies ahead of now: the band was connected all the time."""
    held = defaults.band(SITTING)
    assert found(defaults, "status", "--json")["dated_ahead"] is None
    with Store.open(defaults.database) as store:
        store.append(held, [Counter(MONDAY + timedelta(days=366), 5)])
    why = "data are dated 2027-03-03 00:00, in the future: a clock was ahead then, so they do not count"
    assert defaults.told("status").splitlines()[2] == why
    assert found(defaults, "status", "--json")["dated_ahead"] == "2027-03-03T00:00:00+00:00"


def test_status_of_a_new_machine_has_the_same_keys(defaults: Machine) -> None:
    nothing = found(defaults, "status", "--json")
    defaults.band(SITTING)
    assert found(defaults, "status", "--json").keys() == nothing.keys()
    assert nothing["reason"] == "no data"

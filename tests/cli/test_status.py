"""`hipsync status` and `status --line`: what is known now, and if nothing happens, why."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hipsync.abilities import Abilities
from hipsync.cli.app import App
from hipsync.cli.status_line import lines_of
from hipsync.host.lock import only_instance
from hipsync.model import MINUTE, Answer, Charge, Counter, Epoch, Pause, Prompt, State, Where
from hipsync.store import Store
from support.builders import MONDAY, day
from support.machine import Machine

SECOND = timedelta(seconds=1)
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


def test_a_pause_is_told_with_its_end(machine: Machine) -> None:
    machine.band(day("10m walk, 65m sit", NINE))
    with Store.open(machine.database) as store:
        store.add_pause(Pause(machine.now, at(34)))
    with only_instance(machine.database):
        assert machine.told("status", "--line") == "paused to Tue 10:00\n"
        assert "not paused" not in machine.told("status")
        assert "paused until Tue 10:00" in machine.told("status")


def test_why_a_band_was_not_reached_is_told_and_cannot_steer_the_terminal(machine: Machine) -> None:
    band = machine.band(day("10m walk, 20m sit", NINE))
    with Store.open(machine.database) as store:
        store.note_sync(band, NINE, NINE, 30, None)
        for minute in (5, 7):
            store.note_sync(band, NINE + minute * MINUTE, NINE + minute * MINUTE, 0, "Bluetooth is switched \x1b[5moff")
    lines = machine.told("status").splitlines()
    assert lines[:2] == [
        "Sitting for 20 min, since 09:10.",
        "hipsync is not running: no reminders. `hipsync service install` or `hipsync run`",
    ]
    assert lines[4] == "  Band       desk-band, synced 09:00, 2 failed tries since"
    assert lines[5].startswith("             Bluetooth is switched ")
    assert "\x1b" not in lines[5]
    told = json.loads(machine.told("status", "--json"))
    assert (told["running"], told["sitting_minutes"], told["reason"]) == (False, 20, "sitting, not yet long enough")
    assert (told["bands"][0]["failures"], told["bands"][0]["reached"]) == (2, "2026-03-02T09:00:00+00:00")


def test_a_prompt_that_stands_is_told(machine: Machine) -> None:
    machine.band(day("10m walk, 65m sit", NINE))
    with Store.open(machine.database) as store:
        store.add_prompt(Prompt(at(10) + 11 * MINUTE, at(10) + 10 * MINUTE, "hip-extension", sure=True))
    with only_instance(machine.database):
        assert machine.told("status", "--line") == "1 h 05 - time to move\n"
        assert machine.told("status").splitlines()[:3] == [
            "Sitting for 1 h 05, since 09:10.",
            "Reminder from 10:11 is open: standing hip extension.",
            "  hipsync exercise | done | snooze | skip",
        ]


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
    ("epochs", "later", "reason", "state"),
    [
        ([], 0, "no data", "no data"),
        (off(5), 0, "not worn", "not worn"),
        (day("7h sleep"), 0, "asleep", "asleep"),
        (day("7h sleep, 1h walk"), 0, "moving", "up"),
        (day("7h sleep, 1h walk, 30m sit"), 0, "sitting, not yet long enough", "sitting"),
        (day("22h walk, 90m sit"), 0, "outside the prompt hours", "sitting"),
        (day("690m walk, 65m sit"), 0, "lunch", "sitting"),
        (day("8h sleep, 30m walk, 5h sit"), 0, "no sign of life", "no movement"),
        (SITTING, 0, "due", "sitting"),
        (SITTING, 120, "no data", "no data"),
    ],
    ids=["no data", "not worn", "asleep", "moving", "sitting", "hours", "lunch", "no life", "due", "stale"],
)
def test_programs_read_why_no_reminder_comes_and_what_is_known(
    defaults: Machine, epochs: list[Epoch], later: int, reason: str, state: str
) -> None:
    defaults.band(epochs)
    defaults.now += later * MINUTE
    told = found(defaults, "status", "--json")
    assert (told["reason"], told["state"], told["at"]) == (reason, state, defaults.now.isoformat())
    assert (told["sitting_minutes"] is None) is (state not in {"sitting", "no movement"})
    assert (told["limit_minutes"], told["held_by"], told["reminder"]) == (60, None, None)


@pytest.mark.parametrize(
    ("minutes_ago", "answer", "snoozed_for", "line", "reason"),
    [
        (5, None, None, "1 h 10 - time to move, off", "waiting for an answer"),
        (5, Answer.SNOOZED, 15, "1 h 10, again 09:20, off", "snoozed"),
        (5, Answer.DONE, None, "1 h 10, off", "said already"),
        (5, Answer.SKIPPED, None, "1 h 10, off", "said already"),
    ],
)
def test_status_says_what_became_of_a_prompt(
    defaults: Machine, minutes_ago: int, answer: Answer | None, snoozed_for: int | None, line: str, reason: str
) -> None:
    defaults.band(SITTING)
    until = None if snoozed_for is None else defaults.now - minutes_ago * MINUTE + snoozed_for * MINUTE
    shown(defaults, defaults.now - minutes_ago * MINUTE, answer=answer, snoozed_until=until)
    told = found(defaults, "status", "--json")
    assert told["reason"] == reason
    reminder = {"at": "2026-03-02T09:05:00+00:00", "exercise": "hip-extension", "shown": 1}
    assert told["reminder"] == (reminder if answer is None else None)
    assert defaults.told("status", "--line") == line + "\n"


def test_a_status_bar_gets_its_words_its_class_and_its_share(defaults: Machine) -> None:
    nothing = found(defaults, "status", "--line", "--json")
    assert nothing == {"text": "no band", "tooltip": "No band yet.", "class": "off", "percentage": 0}
    defaults.band(day("7h sleep, 1h walk, 30m sit"))
    with only_instance(defaults.database):
        assert found(defaults, "status", "--line", "--json") == {
            "text": "30 min",
            "tooltip": "Sitting for 30 min, since 08:00. Next reminder at 09:00.",
            "class": "sitting",
            "percentage": 50,
        }


def test_a_status_bar_that_follows_is_told_what_has_changed(defaults: Machine) -> None:
    """One process for the whole day: it looks at the database twice a minute, and prints a line where it is another."""
    sitting = day("7h sleep, 1h walk, 33m sit")
    held, app = defaults.band(sitting[:-3]), App(lambda: defaults.now)
    app.db_path, app.config_path = defaults.database, defaults.settings
    defaults.settings.parent.mkdir(parents=True, exist_ok=True)
    defaults.settings.touch()
    waited: list[float] = []

    def later(seconds: float) -> None:
        waited.append(seconds)
        with Store.open(defaults.database) as store:
            store.append(held, sitting[: len(sitting) - 3 + len(waited) // 2])
        defaults.now += seconds * SECOND

    lines = lines_of(app, as_json=False, wait=later)
    assert [next(lines) for _ in range(4)] == [f"{minutes} min, off" for minutes in (30, 31, 32, 33)]
    assert waited == [30] * 6


def test_a_status_bar_that_follows_gets_its_first_line_at_once(defaults: Machine) -> None:
    with defaults.process("status", "--line", "--json", "--follow") as following:
        assert following.stdout is not None
        assert json.loads(following.stdout.readline())["text"] == "no band"
        following.terminate()
    assert defaults.refused("status", "--follow", code=2) == "--follow goes with --line"


def test_status_says_when_data_came_whether_bands_are_reached_and_whether_it_runs(defaults: Machine) -> None:
    held = defaults.band(SITTING)
    with Store.open(defaults.database) as store:
        store.note_sync(held, MONDAY + 9 * HOUR, MONDAY + 9 * HOUR, 70, None)
        for minutes in (2, 4):
            store.note_sync(held, MONDAY + 9 * HOUR + minutes * MINUTE, defaults.now, 0, "out of reach\x1b[2J")
        store.append(held, [Charge(MONDAY + 9 * HOUR, 87)])
    assert defaults.told("status").splitlines() == [
        "Sitting for 1 h 10, since 08:00.",
        "hipsync is not running: no reminders. `hipsync service install` or `hipsync run`",
        "",
        "  Service    not running",
        "  Band       desk-band, synced 09:00, 2 failed tries since, battery 87 %",
        "             out of reach[2J",
        "  Today      1 h 10 sitting, 1 spell over 60 min, no breaks",
        "  Reminders  08:00-22:00, lunch 12:30-13:30, not paused",
        "             No morning reminder: it is too late for it now.",
        "  Database   OK, checked 09:10",
    ]
    with only_instance(defaults.database):
        lines = defaults.told("status").splitlines()
        assert lines[0] == "Sitting for 1 h 10, since 08:00. Time to get up."
        assert lines[2] == "  Service    running, and does not answer: `hipsync service logs`"
        assert found(defaults, "status", "--json")["running"] is True
    told_json = found(defaults, "status", "--json")
    assert told_json["running"] is False
    assert told_json["known_until"] == "2026-03-02T09:10:00+00:00"
    (band,) = told_json["bands"]
    assert band == {
        "name": "desk-band", "reached": "2026-03-02T09:00:00+00:00", "failures": 2, "trouble": "out of reach\x1b[2J",
    }  # fmt: skip


def test_status_says_why_a_watch_is_asked_seldom(defaults: Machine) -> None:
    with Store.open(defaults.database) as store:
        watch = store.add_band(name="watch", driver="garmin", address="C4:01", now=MONDAY).id
        store.note_sync(watch, defaults.now, defaults.now, 70, None)
    lines = defaults.told("status").splitlines()
    assert lines[lines.index("  Band       watch, synced 00:00") + 1] == (
        "             its minutes are fetched every 15 min at most: each time, it ends the file that it is writing"
    )
    with Store.open(defaults.database) as store:
        store.note_abilities(watch, Abilities(live=True), family=Abilities())
    assert "at most" not in defaults.told("status")


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
    assert lines[4:6] == ["  Band       desk-band, synced 09:00", f"             {why}"]
    (band,) = found(defaults, "status", "--json")["bands"]
    assert (band["reached"], band["trouble"]) == ("2026-03-02T09:00:00+00:00", why)


def test_what_a_live_band_sent_by_a_wrong_clock_is_told_with_its_year(defaults: Machine) -> None:
    """Nothing but a counter lies ahead of now: the band was connected all the time."""
    held = defaults.band(SITTING)
    assert found(defaults, "status", "--json")["dated_ahead"] is None
    with Store.open(defaults.database) as store:
        store.append(held, [Counter(MONDAY + timedelta(days=366), 5)])
    why = "data are dated 2027-03-03 00:00, in the future: a clock was ahead then, so they do not count"
    assert f"  Clock      {why}" in defaults.told("status").splitlines()
    assert found(defaults, "status", "--json")["dated_ahead"] == "2027-03-03T00:00:00+00:00"


def test_status_of_a_new_machine_has_the_same_keys(defaults: Machine) -> None:
    nothing = found(defaults, "status", "--json")
    defaults.band(SITTING)
    assert found(defaults, "status", "--json").keys() == nothing.keys()
    assert nothing["reason"] == "no data"


def test_while_a_gateway_runs_there_is_no_day_to_tell_of(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its bands are of many wearers: what they say together is nobody's sitting."""
    machine.band(day("10m walk, 65m sit", NINE))
    answer: dict[str, int | bool | str] = {"process": 7, "judges": False, "trouble": "nothing is shipped: away"}

    def service(_: object) -> dict[str, int | bool | str]:
        return answer

    monkeypatch.setattr("hipsync.cli.status._service", service)
    lines = machine.told("status").splitlines()
    assert lines[0] == "A gateway runs here: it collects from 1 band, and judges no day."
    assert [line for line in lines if line.startswith(("  Today", "  Reminders"))] == []
    assert "trouble: nothing is shipped: away" in "".join(lines)
    told = json.loads(machine.told("status", "--json"))
    assert (told["state"], told["sitting_minutes"], told["reminder"], told["running"]) == ("gateway", None, None, True)

"""Answering a prompt, the log of prompts, and the exercises."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hipsync.model import MINUTE, Answer, Exercise, Label, Pause, Prompt, State, Where
from hipsync.store import Store
from support.builders import MONDAY
from support.machine import Machine

NINE = MONDAY + timedelta(hours=9)
THERAPIST = '[therapist]\nname = "A. Body"\nphone = "+44 0"\nurl = "https://example.org"\n'


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """At 09:02, with a prompt that stands since 09:00."""
    machine = Machine(tmp_path, NINE + 2 * MINUTE)
    with Store.open(machine.database) as store:
        store.note_zone(MONDAY, "Europe/London")
        store.add_prompt(Prompt(NINE, NINE, "hip-extension", sure=True, where=(Where.DESKTOP, Where.BAND)))
    return machine


def prompt(machine: Machine) -> Prompt:
    with Store.read(machine.database) as store:
        (held,) = store.prompts(MONDAY, MONDAY + timedelta(days=1))
        return held


def exercises(machine: Machine) -> list[Exercise]:
    with Store.read(machine.database) as store:
        return store.exercises(MONDAY, MONDAY + timedelta(days=1))


def settings(machine: Machine, text: str) -> None:
    machine.settings.parent.mkdir(parents=True)
    machine.settings.write_text(text)
    machine.settings.chmod(0o600)


def test_done_is_written_down_with_its_exercise(machine: Machine) -> None:
    assert machine.told("done") == "Saved: standing hip extension.\n"
    assert (prompt(machine).answer, prompt(machine).answered_at) == (Answer.DONE, machine.now)
    assert exercises(machine) == [Exercise(machine.now, "hip-extension", "prompt")]
    assert machine.refused("done", code=2).startswith("there is no open reminder")
    assert len(exercises(machine)) == 1


def test_hurt_is_written_down_and_the_therapist_is_named(machine: Machine) -> None:
    settings(machine, THERAPIST)
    assert machine.told("done", "--hurt").splitlines() == [
        "Sorry to hear that. hipsync won't suggest standing hip extension until you choose it yourself.",
        "If it doesn't ease, talk to your therapist: A. Body, +44 0, https://example.org.",
    ]
    assert prompt(machine).answer is Answer.HURT
    assert exercises(machine) == [Exercise(machine.now, "hip-extension", "prompt", hurt=True)]
    with Store.read(machine.database) as store:
        assert store.hurt() == ["hip-extension"]


def test_hurt_without_a_therapist_still_says_what_to_do(machine: Machine) -> None:
    assert (
        machine.told("done", "--hurt").splitlines()[1] == "If it doesn't ease, talk to a physiotherapist or osteopath."
    )


@pytest.mark.parametrize(
    ("words", "text", "minutes", "said"),
    [
        (["snooze"], "", 10, "09:12"),
        (["snooze", "15m"], "", 15, "09:17"),
        (["snooze", "1h"], "", 60, "10:02"),
        (["snooze"], '[prompts]\nsnooze = "20m"\n', 20, "09:22"),
    ],
)
def test_snooze_is_for_as_long_as_was_said(
    machine: Machine, words: list[str], text: str, minutes: int, said: str
) -> None:
    settings(machine, text)
    assert machine.told(*words) == f"Snoozed until {said}.\n"
    held = prompt(machine)
    assert (held.answer, held.snoozed_until) == (Answer.SNOOZED, machine.now + minutes * MINUTE)
    machine.now += 5 * MINUTE
    assert machine.told("done") == "Saved: standing hip extension.\n"
    assert prompt(machine).snoozed_until is None


def test_skip_lets_it_go(machine: Machine) -> None:
    assert machine.told("skip") == "Skipped. The next reminder comes after your next break.\n"
    assert prompt(machine).answer is Answer.SKIPPED
    assert exercises(machine) == []


def test_standing_is_written_down_with_its_label_and_the_day_stays_as_it_was(machine: Machine) -> None:
    before = json.loads(machine.told("day", "--json", code=3))
    assert machine.told("standing").startswith("Saved: you were standing.")
    assert prompt(machine).answer is Answer.STANDING
    with Store.read(machine.database) as store:
        assert store.labels(MONDAY, machine.now + MINUTE) == [Label(machine.now, State.STANDING)]
    after = json.loads(machine.told("day", "--json", code=3))
    assert after["prompts"][0]["answer"] == "standing"
    assert {**after, "prompts": []} == {**before, "prompts": []}
    assert "standing" in machine.told("prompts")
    assert machine.refused("standing", code=2).startswith("there is no open reminder")


@pytest.mark.parametrize("words", [["done"], ["done", "--hurt"], ["snooze"], ["skip"], ["standing"]])
def test_a_prompt_of_another_part_of_the_day_stands_no_more(machine: Machine, words: list[str]) -> None:
    machine.now = NINE + timedelta(hours=3, seconds=1)
    before = prompt(machine)
    said = machine.refused(*words, code=2)
    assert said == "there is no open reminder: `hipsync exercise` starts one anyway"
    assert (prompt(machine), exercises(machine)) == (before, [])


def test_the_log_of_prompts_says_where_and_what_came_of_it(machine: Machine) -> None:
    earlier = NINE - timedelta(days=1)
    with Store.open(machine.database) as store:
        store.add_prompt(Prompt(earlier, earlier, "hip-rotation", sure=False, shown=2, answer=Answer.IGNORED))
    assert [line.split() for line in machine.told("prompts").splitlines()] == [
        ["Sun", "1", "Mar", "2026", "09:00", "hip", "circles", "nowhere", "no", "answer", "(shown", "twice)"],
        ["Mon", "2", "Mar", "2026", "09:00", "hip", "extension", "desktop,", "band", "waiting", "for", "you"],
    ]
    assert len(machine.told("prompts", "--since", "today").splitlines()) == 1
    told = json.loads(machine.told("prompts", "--since", "2026-03-02", "--json"))
    assert told["prompts"] == [
        {
            "at": "2026-03-02T09:00:00+00:00", "due": "2026-03-02T09:00:00+00:00", "sitting_minutes": None,
            "occasion": "sitting", "exercise": "hip-extension",
            "where": ["desktop", "band"], "sure": "high", "shown": 1, "answer": None, "answered_at": None,
            "moved_within_minutes": None,
        }
    ]  # fmt: skip
    assert json.loads(machine.told("reminders", "--since", "2026-03-02", "--json")) == told
    machine.now += timedelta(days=30)
    assert machine.told("reminders") == "No reminders since Wed 25 Mar 2026.\n"


def test_every_exercise_is_listed_with_its_steps_and_the_line_of_care(machine: Machine) -> None:
    told = machine.told("exercise", "--list")
    rows = json.loads(machine.told("exercise", "--list", "--json"))
    assert len(rows["exercises"]) >= 5
    for row in rows["exercises"]:
        assert f"{row['name']}: {row['title']}\n" in told
        assert all(step in told for step in row["steps"])
    assert told.endswith(f"{rows['safety']}\n")
    assert "medical advice" in rows["safety"]
    one = machine.told("exercise", "hip-extension")
    assert one.startswith("hip-extension: ")
    assert one.endswith(f"{rows['safety']}\n")
    assert machine.refused("exercise", "hip-extension", "--list", code=2).startswith("say which exercise, or --list")


@pytest.mark.parametrize(
    ("words", "told", "end"),
    [
        ((), "Paused until 10:02", timedelta(hours=1)),
        (("2h30m",), "Paused until 11:32", timedelta(hours=2, minutes=30)),
        (("until", "14:00"), "Paused until 14:00", timedelta(hours=4, minutes=58)),
        (("until", "08:30"), "Paused until Tue 03 Mar 08:30", timedelta(hours=23, minutes=28)),
        (("until", "tomorrow"), "Paused until Tue 03 Mar 00:00", timedelta(hours=14, minutes=58)),
        (("999h",), "Paused until Mon 09 Mar 09:02", timedelta(days=7)),
    ],
)
def test_a_pause_is_asked_for_as_people_say_it_and_ends_by_itself(
    machine: Machine, words: tuple[str, ...], told: str, end: timedelta
) -> None:
    assert machine.told("pause", *words) == f"{told}. `hipsync resume` ends it.\n"
    with Store.read(machine.database) as store:
        assert store.pause(machine.now) == Pause(machine.now, machine.now + end)
        assert store.pause(machine.now + end) is None


def test_a_pause_until_an_hour_that_the_clocks_skip_ends(machine: Machine) -> None:
    machine.now = datetime(2026, 3, 28, 22, tzinfo=UTC)
    machine.told("pause", "until", "01:30")  # on 29 March London goes from 01:00 to 02:00
    with Store.read(machine.database) as store:
        assert store.pause(machine.now) == Pause(machine.now, datetime(2026, 3, 29, 1, 30, tzinfo=UTC))


def test_resume_ends_it_and_what_is_no_end_is_refused(machine: Machine) -> None:
    assert machine.told("resume") == "There is no pause.\n"
    machine.told("pause")
    machine.now += 5 * MINUTE
    assert machine.told("resume") == "Reminders come again.\n"
    with Store.read(machine.database) as store:
        assert store.pause(machine.now) is None
    for words in (("until", "25:00"), ("until", "soon"), ("one", "hour"), ("soon",), ("0",)):
        assert machine.refused("pause", *words, code=2).startswith(f"'{' '.join(words)}' is not a time: use 1h30m")


def test_a_length_below_nothing_is_no_option(machine: Machine) -> None:
    assert machine.refused("snooze", "-5m", code=2) == 'must be longer than zero, such as "60m" or "1h30m"'

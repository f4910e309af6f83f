"""Planning walks, runs and the gym, and what becomes of a plan that is left out, removed, exported and merged."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from pathlib import Path

import click
import pytest

from hipsync.cli.completion import plan_numbers
from hipsync.model import MINUTE, Occasion, Outing, Plan, Prompt
from hipsync.store import Store
from support.builders import MONDAY
from support.machine import Machine

NINE = MONDAY + timedelta(hours=9)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """At 09:00 on Monday, 2 March, in London."""
    machine = Machine(tmp_path, NINE)
    with Store.open(machine.database) as store:
        store.note_zone(MONDAY, "Europe/London")
    return machine


def plans(machine: Machine) -> list[Plan]:
    with Store.read(machine.database) as store:
        return store.plans()


def test_what_is_planned_is_listed_with_its_next_time(machine: Machine) -> None:
    assert machine.told("plan", "list") == ("Nothing is planned: `hipsync plan add run tue,thu 18:00` plans a run.\n")
    assert machine.told("plan", "add", "run", "thu,tue", "18:00") == "Added plan 1: run at 18:00, Tue, Thu.\n"
    assert machine.told("plan", "add", "walk", "sat-mon", "7:05") == "Added plan 2: walk at 07:05, Mon, Sat, Sun.\n"
    assert machine.told("plan", "list") == "1   run  18:00  Tue, Thu\n2   walk 07:05  Mon, Sat, Sun\n"
    assert json.loads(machine.told("plan", "list", "--json")) == {"version": 1, "plans": [
        {"number": 1, "outing": "run", "days": ["tue", "thu"], "time": "18:00", "skipped": None,
         "next": "2026-03-03T18:00:00+00:00"},
        {"number": 2, "outing": "walk", "days": ["mon", "sat", "sun"], "time": "07:05", "skipped": None,
         "next": "2026-03-07T07:05:00+00:00"},
    ]}  # fmt: skip


def test_planning_the_same_again_adds_nothing(machine: Machine) -> None:
    for days in ("tue,thu", "thu,tue", "TUE,thu,tue"):
        assert "plan 1: gym" in machine.told("plan", "add", "gym", days, "18:00")
    assert plans(machine) == [Plan(1, Outing.GYM, (1, 3), time(18))]


def test_it_is_left_out_once_and_then_comes_again(machine: Machine) -> None:
    machine.told("plan", "add", "run", "tue", "18:00")
    assert machine.told("plan", "skip", "1") == "Left out once, on Tue 03 Mar: plan 1, run at 18:00, Tue.\n"
    assert machine.told("plan", "list") == "1   run  18:00  Tue  not on Tue 03 Mar\n"
    (row,) = json.loads(machine.told("plan", "list", "--json"))["plans"]
    assert (row["skipped"], row["next"]) == ("2026-03-03", "2026-03-10T18:00:00+00:00")
    assert machine.refused("plan", "skip", "1", code=2) == (
        "plan 1 is left out on 2026-03-03 already, and only its next time can be"
    )
    machine.now += timedelta(days=1, hours=9)  # Tuesday, 18:00
    assert "not on" not in machine.told("plan", "list")
    assert json.loads(machine.told("plan", "list", "--json"))["plans"][0]["skipped"] is None
    machine.told("plan", "skip", "1")
    assert plans(machine) == [Plan(1, Outing.RUN, (1,), time(18), date(2026, 3, 10))]


def test_a_removed_plan_is_gone_and_the_others_keep_their_numbers(machine: Machine) -> None:
    for clock in ("18:00", "19:00"):
        machine.told("plan", "add", "run", "tue", clock)
    assert machine.told("plan", "remove", "1") == "Removed plan 1: run at 18:00, Tue.\n"
    assert plans(machine) == [Plan(2, Outing.RUN, (1,), time(19))]
    for command in ("remove", "skip"):
        assert machine.refused("plan", command, "1", code=2) == (
            "there is no plan 1: `hipsync plan list` shows their numbers"
        )


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["swim", "tue", "18:00"], "'swim' is not one of 'run', 'walk', 'gym'"),
        (["run", "tues", "18:00"], "'tues' is not a weekday or a span of them: try mon or mon-fri"),
        (["run", "", "18:00"], "'' is not a weekday or a span of them: try mon or mon-fri"),
        (["run", "tue,", "18:00"], "'' is not a weekday or a span of them: try mon or mon-fri"),
        (["run", "tue", "24:00"], 'must be a time such as "08:00"'),
        (["run", "tue", "6pm"], 'must be a time such as "08:00"'),
    ],
)
def test_what_is_no_plan_is_refused_in_one_line(machine: Machine, words: list[str], why: str) -> None:
    done = machine.type("plan", "add", *words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert why in done.stderr
    assert plans(machine) == []


def test_without_a_database_nothing_is_planned_and_none_is_made(tmp_path: Path) -> None:
    machine = Machine(tmp_path, NINE)
    assert json.loads(machine.told("plan", "list", "--json")) == {"version": 1, "plans": []}
    machine.refused("plan", "add", "run", "tue", "18:00", code=1)
    assert machine.files() == []


def test_plans_are_exported_whatever_days_are_asked_for_and_merged_with_those_that_are_there(
    machine: Machine, tmp_path: Path
) -> None:
    machine.told("plan", "add", "run", "tue", "18:00")
    machine.told("plan", "add", "walk", "wed", "12:00")
    machine.told("plan", "skip", "2")
    file, other = str(tmp_path / "all.json"), ("--db", str(tmp_path / "other.db"))
    machine.now += timedelta(days=3)
    assert machine.type("export", "--format", "json", "--since", "2026-03-04", "-o", file).exit_code == 3, "no minutes"
    with Store.open(tmp_path / "other.db") as store:
        store.add_plan(Outing.GYM, (0,), time(6), NINE)
        store.skip_plan(store.add_plan(Outing.RUN, (1,), time(18), NINE), date(2026, 3, 10))
    for _ in range(2):
        machine.told(*other, "import", "json", file)
    with Store.read(tmp_path / "other.db") as store:
        assert store.plans() == [
            Plan(1, Outing.GYM, (0,), time(6)), Plan(2, Outing.RUN, (1,), time(18), date(2026, 3, 10)),
            Plan(3, Outing.WALK, (2,), time(12), date(2026, 3, 4)),
        ]  # fmt: skip


def test_a_plan_that_was_removed_stays_so_whoever_takes_over_from_whom(machine: Machine, tmp_path: Path) -> None:
    """Its other copy may be older; a plan that is made again afterwards is there again, on both."""
    other = ("--db", str(tmp_path / "other.db"))
    here, there = str(tmp_path / "here.json"), str(tmp_path / "there.json")

    def exchange() -> tuple[str, str]:
        for words, file in (((), here), (other, there)):
            Path(file).unlink(missing_ok=True)
            machine.type(*words, "export", "--format", "json", "--since", "2026-03-01", "-o", file)
        machine.told(*other, "import", "json", here)
        machine.told("import", "json", there)
        return machine.told("plan", "list"), machine.told(*other, "plan", "list")

    machine.told("plan", "add", "run", "tue", "18:00")
    Store.open(tmp_path / "other.db").close()
    mine, its = exchange()
    assert mine == its
    assert "run" in mine
    machine.now += timedelta(minutes=1)
    machine.told("plan", "remove", "1")
    assert exchange() == exchange()
    assert exchange()[0].startswith("Nothing is planned")
    machine.told(*other, "plan", "add", "run", "tue", "18:00")  # by a clock that is behind: it is later all the same
    mine, its = exchange()
    assert mine == its
    assert "run" in mine
    machine.refused("plan", "remove", "7", code=2)


def test_erasing_days_leaves_what_is_planned(machine: Machine) -> None:
    machine.told("plan", "add", "run", "tue", "18:00")
    machine.told("db", "erase", "--from", "2026-03-01", "--to", "2026-03-03", "--yes")
    assert len(plans(machine)) == 1


def test_status_says_when_the_warm_up_comes_and_that_it_is_due(machine: Machine) -> None:
    machine.band()
    machine.told("plan", "add", "run", "tue", "18:00")
    assert "Warm-up reminder: at Tue 17:50." in machine.told("status")
    assert json.loads(machine.told("status", "--json"))["occasions"]["warm-up"] == "planned"
    machine.now = MONDAY + timedelta(days=1, hours=17, minutes=52)
    assert "Warm-up reminder: now." in machine.told("status")
    machine.told("pause", "1h")
    assert "Warm-up reminder: at Tue 10 Mar 17:50." in machine.told("status")
    machine.told("resume")
    machine.told("plan", "skip", "1")
    assert "Warm-up reminder: at Tue 10 Mar 17:50." in machine.told("status")


def test_a_warm_up_that_was_shown_is_listed_as_one(machine: Machine) -> None:
    with Store.open(machine.database) as store:
        store.add_prompt(Prompt(NINE, NINE, "hip-rotation", sure=True, occasion=Occasion.WARM_UP))
    machine.now = NINE + MINUTE
    assert machine.told("prompts").split()[-4:] == ["warm-up:", "waiting", "for", "you"]
    assert json.loads(machine.told("day", "--json", code=3))["prompts"][0]["occasion"] == "warm-up"


def test_the_tab_key_offers_the_numbers_of_plans(machine: Machine) -> None:
    machine.told("plan", "add", "run", "tue", "18:00")
    context = click.Context(click.Command("hipsync"))
    context.params["db"] = machine.database
    parameter = click.Argument(["number"])
    assert plan_numbers(context, parameter, "") == ["1"]
    assert plan_numbers(context, parameter, "2") == []


def test_a_stamp_of_the_future_makes_no_difference_to_a_plan(machine: Machine) -> None:
    with Store.open(machine.database) as store:
        store.add_plan(Outing.RUN, (1,), time(18), datetime(2030, 1, 1, tzinfo=NINE.tzinfo))
    assert "run" in machine.told("plan", "list")

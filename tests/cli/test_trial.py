"""`hipsync trial`: it is asked for, it can be ended, and it says what was found."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource

from hipsync.model import MINUTE, Draw
from hipsync.settings.file import load
from hipsync.store import Store
from support.builders import MONDAY, day
from support.machine import Machine
from support.repository import TESTS


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_trial_is_off_until_it_is_started_and_after_it_is_stopped(machine: Machine) -> None:
    assert machine.told("trial").startswith("No trial runs: every reminder that is due is shown.\n")
    assert machine.files() == []
    assert machine.told("trial", "start").startswith("A trial runs: 10 % of the reminders that are due are withheld.\n")
    assert load(machine.settings).trial == 0.1
    assert machine.told("trial").startswith("A trial runs: 10 %")
    machine.told("trial", "start")
    assert load(machine.settings).trial == 0.1
    assert machine.told("trial", "stop").startswith("No trial runs")
    assert load(machine.settings).trial == 0
    assert machine.told("trial", "stop").startswith("No trial runs")


def test_a_share_that_somebody_chose_stays(machine: Machine) -> None:
    machine.told("config", "set", "prompts.trial", "0.2")
    assert machine.told("trial", "start").startswith("A trial runs: 20 %")
    assert load(machine.settings).trial == 0.2
    assert "trial = 0.2\n" in machine.told("config", "show")


@pytest.mark.parametrize("value", ["0.04", "0.6", "1", "-0.1", "true", "often", "nan", "[0.1]", "0"])
def test_a_share_that_is_none_is_refused(machine: Machine, value: str) -> None:
    assert 'must be a share from 0.05 to 0.5, or "off"' in machine.refused(
        "config", "set", "--", "prompts.trial", value, code=2
    )


def test_the_default_is_off(machine: Machine) -> None:
    assert 'trial = "off"\n' in machine.told("config", "show")


SCHEMAS = {name: json.loads((TESTS / "report" / f"{name}.schema.json").read_text()) for name in ("trial", "day")}
REGISTRY: Any = Registry[Any]().with_resources(
    [(f"{name}.schema.json", Resource[Any].from_contents(schema)) for name, schema in SCHEMAS.items()]
)


def found(machine: Machine) -> dict[str, Any]:
    output: dict[str, Any] = json.loads(machine.told("trial", "--json"))
    validator: Any = jsonschema.Draft202012Validator(SCHEMAS["trial"], registry=REGISTRY)
    validator.validate(output)
    return output


def lived(machine: Machine, ways: str) -> None:
    """Live through one spell after the other, of 80 minutes in all: with a reminder, broke off (B), did not (b);

    without one, broke off (W), did not (w); and one of which nothing is known (?).
    """
    parts, draws = list[str](), list[Draw]()
    for number, way in enumerate(ways):
        start = MONDAY + 9 * 60 * MINUTE + number * 80 * MINUTE
        parts.append(
            {"B": "70m sit, 10m walk", "W": "70m sit, 10m walk", "?": "60m sit, 15m gap, 5m walk"}.get(
                way, "75m sit, 5m walk"
            )
        )
        draws.append(Draw(start, start + 60 * MINUTE, start + 60 * MINUTE, withheld=way in "Ww"))
    machine.band(day("9h sleep, " + ", ".join(parts)))
    with Store.open(machine.database) as store:
        for draw in draws:
            store.add_draw(draw)


def test_the_report_before_anything_was_drawn(machine: Machine) -> None:
    assert machine.told("trial").splitlines()[1:] == ["Nothing was drawn yet."]
    assert found(machine) == {
        "version": 1, "share": None, "since": None, "reminded": {"broke_off": 0, "of": 0},
        "withheld": {"broke_off": 0, "of": 0}, "left_out": 0, "difference_points": None, "interval_points": None,
        "says": "nothing yet",
    }  # fmt: skip
    assert machine.files() == []


def test_the_report_and_that_of_the_month(machine: Machine) -> None:
    lived(machine, "BBbBWw?B" + "Bbbw")
    # reminded: 5 of 8; withheld: 1 of 3. by the second calculation of tests/core/test_shares.py: -26.7 to 65.3
    lines = [
        "broke off within 15 min: with a reminder 62 % of 8, without 33 % of 3",
        "difference: +29 points (95 % interval: -27 to +65)",
        "that says nothing yet: at least 10 of each are needed",
        "left out: 1, because what was done in those 15 minutes is not known",
    ]
    assert machine.told("trial").splitlines() == [
        "No trial runs: every reminder that is due is shown.", "Since 2 March 2026:", *(f"  {line}" for line in lines)
    ]  # fmt: skip
    machine.told("trial", "start")
    report = found(machine)
    assert (report["share"], report["since"]) == (0.1, "2026-03-02T10:00:00+00:00")
    assert (report["reminded"], report["withheld"]) == ({"broke_off": 5, "of": 8}, {"broke_off": 1, "of": 3})
    assert (report["left_out"], report["difference_points"], report["says"]) == (1, 29.2, "nothing yet")
    month = json.loads(machine.told("month", "--json"))
    assert month["trial"] == {key: value for key, value in report.items() if key not in {"version", "share", "since"}}
    assert "\n".join(f"  {line}" for line in lines) in machine.told("month")
    assert machine.told("month", "--plain").splitlines()[-5:-1] == lines
    machine.now += timedelta(days=40)
    assert json.loads(machine.told("month", "--json", code=3))["trial"] is None
    assert "reminder" not in machine.told("month", code=3)


@pytest.mark.parametrize(
    ("ways", "says", "words"),
    [
        ("B" * 40 + "w" * 10, "higher", "reminders help: a difference like this is hardly chance"),
        ("b" * 40 + "W" * 10, "lower", "you broke off more often without a reminder: a difference like this is hardly"),
        ("Bb" * 20 + "Ww" * 5, "nothing yet", "that says nothing yet: it can be chance"),
        ("B" * 40 + "w" * 9, "nothing yet", "that says nothing yet: at least 10 of each are needed"),
    ],
)
def test_the_plain_word(machine: Machine, ways: str, says: str, words: str) -> None:
    lived(machine, ways)
    assert found(machine)["says"] == says
    assert words in machine.told("trial")


def test_without_one_that_was_withheld_there_is_no_difference(machine: Machine) -> None:
    lived(machine, "Bb")
    assert "with a reminder 50 % of 2, without none is known\n" in machine.told("trial")
    assert found(machine)["difference_points"] is None

"""`hipsync trial`: it is asked for, it can be ended, and it says what was found."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource

from hipsync.model import MINUTE, Answer, Draw, Epoch, Prompt
from hipsync.settings.file import load
from hipsync.store import Store
from support.builders import MONDAY, day
from support.machine import Machine
from support.parsed_page import Parsed
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


SCHEMAS = {
    name: json.loads((TESTS / "report" / f"{name}.schema.json").read_text()) for name in ("trial", "day", "month")
}
REGISTRY: Any = Registry[Any]().with_resources(
    [(f"{name}.schema.json", Resource[Any].from_contents(schema)) for name, schema in SCHEMAS.items()]
)


def found(machine: Machine, *words: str) -> dict[str, Any]:
    command = words or ("trial",)
    output: dict[str, Any] = json.loads(machine.told(*command, "--json"))
    validator: Any = jsonschema.Draft202012Validator(SCHEMAS[command[0]], registry=REGISTRY)
    validator.validate(output)
    return output


DAY = timedelta(days=1)


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
    assert machine.told("trial").splitlines()[1:] == ["No reminder has been due in a trial yet."]
    assert found(machine) == {
        "version": 1, "share": None, "since": None, "reminded": {"broke_off": 0, "of": 0},
        "withheld": {"broke_off": 0, "of": 0}, "left_out": 0, "difference_points": None, "interval_points": None,
        "says": "nothing yet", "weeks": None,
    }  # fmt: skip
    assert machine.files() == []


def test_the_report_and_that_of_the_month(machine: Machine) -> None:
    lived(machine, "BBbBWw?B" + "Bbbw")
    # reminded: 5 of 8; withheld: 1 of 3. by the second calculation of tests/core/test_shares.py: -26.7 to 65.3
    lines = [
        "broke off within 15 min: with a reminder 62 % of 8, without 33 % of 3",
        "difference: +29 points (95 % interval: -27 to +65)",
        "that says nothing yet: at least 10 of each are needed",
        "left out: 1, for want of data in those 15 minutes",
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
    head = {"version", "share", "since", "weeks"}
    assert month["trial"] == {key: value for key, value in report.items() if key not in head}
    assert "\n".join(f"   {line}" for line in lines) in machine.told("month")
    assert machine.told("month", "--plain").splitlines()[-4:] == lines
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
    assert "with a reminder 50 % of 2, without no data\n" in machine.told("trial")
    assert found(machine)["difference_points"] is None


# ------------------------------------------------------------------ over the weeks


def lived_weeks(machine: Machine, weeks: int, changed_after: int = 4) -> None:
    """Weeks of days with 8 h of walking and a stretch of 65 min, later of 80; a reminder is answered, later ignored."""
    epochs, prompts = list[Epoch](), list[Prompt]()
    for number in range(7 * weeks):
        start, late = MONDAY + number * DAY, number >= 7 * changed_after
        sat = 80 if late else 65
        epochs += day(f"8h sleep, 8h walk 30, {sat}m sit, 5m walk, {475 - sat}m off", start)
        at = start + 600 * MINUTE
        prompts.append(Prompt(at, at, "hip-extension", sure=True, answer=Answer.IGNORED if late else Answer.SKIPPED))
    machine.band(epochs)
    machine.now = MONDAY + 7 * weeks * DAY + 540 * MINUTE
    with Store.open(machine.database) as store:
        for prompt in prompts:
            store.add_prompt(prompt)


SEEN = [
    "weeks with data: 8 of the last 12; the first 4, then the last 4:",
    "broken off within 15 min after 60 min: 100 % of 28, then 0 % of 28",
    "  difference: -100 points (95 % interval: -100 to -85)",
    "  less in the later weeks: a difference like this is hardly chance",
    "reminders answered: 100 % of 28, then 0 % of 28",
    "  difference: -100 points (95 % interval: -100 to -85)",
    "  less in the later weeks: a difference like this is hardly chance",
    "sitting in a day of 16 h awake: 1 h 53, then 2 h 16",
    "  difference: +22 min (95 % interval: +14 to +31)",
    "  more in the later weeks: a difference like this is hardly chance",
]
"""By hand: the errors are .0605, which is sqrt(2 * 30 / 32 * 2 / 32 / 32), and .0038 (65 of 550 and 80 of 565 minutes);

t with 6 degrees of freedom is 2.447 for 95 % and 5.959 for 99.9 %."""


def test_the_weeks_are_told_without_a_trial_too(machine: Machine) -> None:
    lived_weeks(machine, 8)
    lines = machine.told("trial").splitlines()
    assert lines[:4] == [
        "No trial runs: every reminder that is due is shown.", "No reminder has been due in a trial yet.", "", SEEN[0],
    ]  # fmt: skip
    assert lines[4:6] == [
        "      week of     in time    answered  sitting a day",
        "   2 Mar 2026      7 of 7      7 of 7         1 h 53",
    ]
    assert lines[13:22] == SEEN[1:]
    assert all(len(line) <= 80 for line in lines)


def test_the_month_tells_the_same_as_text_as_json_and_on_its_page(machine: Machine) -> None:
    lived_weeks(machine, 8)
    assert machine.told("month").endswith("\n\n" + "".join(f"   {line}\n" for line in SEEN))
    assert [line.strip() for line in SEEN] == machine.told("month", "--plain").splitlines()[-10:]
    weeks = found(machine, "month")["weeks"]
    assert weeks == found(machine)["weeks"]
    assert [each["first"] for each in weeks["known"]][::7] == ["2026-03-02", "2026-04-20"]
    assert weeks["known"][0] == {
        "first": "2026-03-02", "breaks_in_time": {"count": 7, "of": 7}, "answered": {"count": 7, "of": 7},
        "sitting_minutes": 113,
    }  # fmt: skip
    assert weeks["breaks_in_time"] == {
        "earlier": {"count": 28, "of": 28}, "later": {"count": 0, "of": 28}, "difference_points": -100.0,
        "interval_points": [-100.0, -85.2], "says": "lower",
    }  # fmt: skip
    assert weeks["sitting"] == {
        "earlier_minutes": 113, "later_minutes": 136, "difference_minutes": 22.5, "interval_minutes": [13.5, 31.4],
        "says": "higher",
    }  # fmt: skip
    machine.told("month", "--html", str(page := machine.home / "month.html"))
    tables = Parsed(page.read_text()).tables
    (halves,) = [table for table in tables if table[0] == ["", "first, then last", "difference", "what it says"]]
    assert [cell for row in halves[1:] for cell in row] == [
        cell
        for what, difference, word in zip(SEEN[1::3], SEEN[2::3], SEEN[3::3], strict=True)
        for cell in (*what.split(": "), difference.strip().removeprefix("difference: "), word.strip())
    ]
    (each,) = [table for table in tables if table[0][:2] == ["week of", "in time"]]
    assert (len(each), each[8]) == (9, ["20 Apr 2026", "0 of 7", "0 of 7", "2 h 16"])


def test_a_month_that_is_over_tells_of_the_weeks_up_to_its_end(machine: Machine) -> None:
    lived_weeks(machine, 8)
    march = found(machine, "month", "march")["weeks"]
    assert [each["first"] for each in march["known"]] == ["2026-03-02", "2026-03-09", "2026-03-16", "2026-03-23"]
    assert json.loads(machine.told("month", "february", "--json", code=3))["weeks"] is None


def test_of_few_weeks_nothing_is_compared(machine: Machine) -> None:
    lived_weeks(machine, 7, 3)
    told = "weeks with data: 7 of the last 12; 8 are needed to compare"
    assert machine.told("month").endswith(f"\n\n   {told}\n")
    assert told in machine.told("trial")
    assert "hardly chance" not in machine.told("trial")
    weeks = found(machine)["weeks"]
    assert (len(weeks["known"]), weeks["answered"]["difference_points"], weeks["answered"]["says"]) == (
        7, None, "nothing yet",
    )  # fmt: skip


def test_what_is_not_known_of_any_week_is_not_told(machine: Machine) -> None:
    machine.band(day("20h off", MONDAY))
    machine.now = MONDAY + 8 * DAY
    assert found(machine)["weeks"] is None
    assert machine.told("trial").splitlines()[1:] == ["No reminder has been due in a trial yet."]
    assert "weeks" not in machine.told("month")

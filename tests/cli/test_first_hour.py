"""The first hour of a stranger with a band of each family: what they type, what they see, and that nothing misleads.

Each story is printed: `pytest -m ring -n 0 -s tests/cli/test_first_hour.py`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.test_words import NAMES, NOT_FOR_PEOPLE
from hipsync.driver import LONGEST_EPOCH_TO_JUDGE_BY, Driver
from hipsync.registry import drivers
from support.machine import Machine
from support.terminal import typed

ANSWERS = {"Did it buzz? [Y/n]:": "y\n", "]:": "\n"}
"""They felt it, and take the name that is proposed."""


def story(machine: Machine, kind: str) -> dict[str, str]:
    """What each command of the first hour showed, by its first word."""
    told: dict[str, str] = {}
    for words in (
        ["pair", "--simulate", kind], ["today"], ["status"], ["exercise", "hip-extension", "--plain"], ["doctor"],
        ["bands"],
    ):  # fmt: skip
        code, shown = typed(machine, "--demo", *words, answers=ANSWERS)
        print(f"\n$ hipsync --demo {' '.join(words)}\n{shown}")
        assert "Traceback" not in shown
        assert code in ({0, 3} if words[0] == "today" else {0}), shown
        told[words[0]] = shown
    return told


@pytest.mark.ring
@pytest.mark.parametrize("driver", drivers().values(), ids=lambda driver: driver.key)
def test_the_first_hour_of_a_stranger(driver: Driver, tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    told = story(machine, driver.key)
    history, paired = driver.abilities.history, told["pair"]
    assert ("Did it buzz?" in paired) == (driver.nudge is not None)
    if history is None:
        assert "Keeps     nothing." in paired
        assert "This band keeps no history. Leave hipsync running" in paired
        assert "No data yet today." in told["today"]
        assert "Your band keeps nothing: leave hipsync running." in " ".join(told["today"].split())
        assert "No data" in told["status"]
    elif history > LONGEST_EPOCH_TO_JUDGE_BY:
        assert "too long to see sitting by" in paired
        assert "itting for" not in told["today"] + told["status"]
    else:
        assert "Saved " in paired
        assert "hipsync can be off for days" in paired
    assert "not running: no reminders" in told["status"]
    assert "not needed: every band is simulated or imported" in " ".join(told["doctor"].split())
    assert "fail" not in told["doctor"].split()
    name = told["bands"].split("  ")[0]
    for words, shown in told.items():
        said = NAMES.sub("", shown.replace(name, "").replace(driver.advice, ""))
        strange = [found[0] for line in said.splitlines() if (found := NOT_FOR_PEOPLE.search(line)) is not None]
        assert not strange or words in {"pair", "exercise"}, (words, strange)

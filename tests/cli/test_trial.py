"""`hipsync trial`: it is asked for, it can be ended, and it says what was found."""

from __future__ import annotations

from pathlib import Path

import pytest

from hipsync.settings.file import load
from support.machine import Machine


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

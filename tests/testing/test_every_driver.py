"""What every driver must satisfy, over the registry (`hipsync.testing.rules`)."""

from __future__ import annotations

import pytest

from hipsync.registry import drivers, simulator
from hipsync.testing.rules import RULES, Case, Rule

DRIVERS = drivers()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("key", sorted(DRIVERS))
def test_a_driver_keeps_the_rule(key: str, rule: Rule) -> None:
    rule(Case(DRIVERS[key], simulator(key)))


@pytest.mark.parametrize("key", sorted(DRIVERS))
def test_a_driver_says_what_its_steps_depend_on(key: str) -> None:
    assert DRIVERS[key].needs, "without it the kit withholds no courtesy"

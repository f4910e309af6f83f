"""What every driver must satisfy, over the registry (`hipsync.testing.rules`).

The rules that try many places in turn try one in twelve here, other ones for each driver, and all of them in the ring.
"""

from __future__ import annotations

import pytest

from hipsync.registry import drivers, simulator
from hipsync.testing.rules import RULES, SWEEPS, Case, Rule

DRIVERS = drivers()
IN_TWELVE = 12


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("key", sorted(DRIVERS))
def test_a_driver_keeps_the_rule(key: str, rule: Rule) -> None:
    rule(Case(DRIVERS[key], simulator(key), every=IN_TWELVE, offset=sorted(DRIVERS).index(key)))


@pytest.mark.ring
@pytest.mark.parametrize("rule", SWEEPS, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("key", sorted(DRIVERS))
def test_a_driver_keeps_the_rule_at_every_place(key: str, rule: Rule) -> None:
    rule(Case(DRIVERS[key], simulator(key)))


@pytest.mark.parametrize("key", sorted(DRIVERS))
def test_a_driver_says_what_its_steps_depend_on(key: str) -> None:
    assert DRIVERS[key].needs, "without it the kit withholds no courtesy"
